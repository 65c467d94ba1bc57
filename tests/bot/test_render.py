"""Every message fits Telegram, whatever an author or a patient writes; what is too long is split at sentences."""

import re
from typing import Any

import pytest

from bot.render import LONGEST, LONGEST_LINE, Rendered, Renderer, chunks
from bot.sandbox.markup import parse_html
from flows import catalogue
from flows.answers import Reason
from flows.course import Entry
from flows.effects import Ask, Begin, Review, Say, Settle
from flows.items import Item, ItemType, Option
from flows.values import Place

WORDS = "One & two <b>three</b> four. "


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(catalogue.load(), strict=True)


def text(message: Rendered) -> str:
    """What a reader sees."""
    shown: str = parse_html(message.html)[0]
    assert 0 < len(shown.encode("utf-16-le")) // 2 <= LONGEST
    return shown


LONG: list[dict[str, Any]] = [
    {"text": WORDS * 400},
    {"text": "x" * 9000},
    {"text": "Well?", "help": WORDS * 400},
    {"text": WORDS * 30, "entry_format": "f" * 5000, "link": "https://clinic.example/" + "a" * 5000},
    {"text": WORDS * 50, "options": tuple(Option(f"{number}", f"{number} {WORDS * 20}") for number in range(60))},
]


@pytest.mark.parametrize("parts", LONG)
@pytest.mark.parametrize("several", [False, True])
def test_a_question_of_any_length_fits_and_loses_no_word(
    renderer: Renderer, parts: dict[str, Any], several: bool
) -> None:
    kind = ItemType.CHOICE if "options" in parts else ItemType.STRING
    item = Item("a", kind, repeats=several, **parts)
    given = (WORDS * 100, *(f"{number} {WORDS * 20}" for number in range(40)))
    ask = Ask(1, 1, 0, item, (WORDS * 200, "Intro."), 1, 1, draft=given, given=given)
    messages = renderer.ask(ask)
    said = " ".join(map(text, messages))
    for part in (item.text, item.help, WORDS * 200):
        assert re.sub(r"\s", "", part) in re.sub(r"\s", "", said)
    assert [bool(message.keyboard) for message in messages] == [False] * (len(messages) - 1) + [True]
    text(renderer.settled(Settle(1, 1, item, given)))
    entry = Entry(Place("a"), item, (), given, (WORDS * 50,))
    for screen in range(3):
        text(renderer.review(Review(1, 1, ((0, entry),) * 30, True, (WORDS * 300,) * 9, screen))[0])


def test_an_answer_that_is_cut_says_so(renderer: Renderer) -> None:
    item = Item("a", ItemType.CHOICE, text="Well?", options=(Option("x", "y" * 900), Option("z", "no")))
    assert f"1. {'y' * LONGEST_LINE}…" in text(renderer.ask(Ask(1, 1, 0, item, (), 1, 1))[-1])


@pytest.mark.parametrize(("count", "invites"), [(6, False), (7, True)])
def test_who_can_type_a_name_that_is_on_no_button_is_told(renderer: Renderer, count: int, invites: bool) -> None:
    options = tuple(Option(f"{number}", f"Name {number}") for number in range(count))
    item = Item("a", ItemType.OPEN_CHOICE, text="Well?", options=options, autocomplete=True, initial=("6",))
    (message,) = renderer.ask(Ask(1, 1, 0, item, (), 1, 1))
    assert ("Just type its name" in text(message)) is invites
    shown = [button["text"] for row in message.keyboard for button in row]
    assert [label for label in shown if label.startswith("Name")] == [f"Name {number}" for number in range(6)]
    assert any(label.startswith("Yes: ") for label in shown)
    (guess,) = renderer.ask(Ask(1, 1, 0, item, (), 1, 1, guess="6"))
    assert "Just type its name" not in text(guess)


def test_the_most_answers_that_are_named_are_those_that_are_taken(renderer: Renderer) -> None:
    item = Item("a", ItemType.STRING, text="Well?", repeats=True, min_occurs=60)
    assert "I can take 60 answers" in text(renderer.ask(Ask(1, 1, 0, item, (), 1, 1, note=Reason.TOO_MANY))[-1])


def test_a_title_of_any_length_fits(renderer: Renderer) -> None:
    text(renderer.say(Say("questionnaire_invitation", (Begin(1, "begin"),), about="t" * 9000)))


def test_texts_are_cut_at_the_ends_of_sentences() -> None:
    assert chunks(["A b. C d. E f."], 9) == ["A b. C d.", "E f."]
    assert chunks(["One two three four"], 9) == ["One two", "three", "four"]
    assert chunks([""]) == [""]
