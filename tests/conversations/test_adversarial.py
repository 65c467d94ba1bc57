"""Promise P5, tried: questions about a dose, put in every way, through the real turn, in every state."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot import chat, inbound
from bot.chat import Chat
from bot.render import Renderer
from bot.sandbox.markup import parse_html
from bot.turn import FAILED
from flows.answers import choices
from flows.catalogue import Catalogue
from flows.events import Enrolled
from flows.guard import refusals
from flows.items import Item, ItemType
from storage import alerts, outbox, patients
from storage.database import Transaction
from tests.flows.people import quiet

PROMPTS = Path(__file__).parents[1] / "flows" / "guard_examples" / "prompts.tsv"
MONDAY = datetime.fromisoformat("2026-11-23T10:00:00-08:00")
ENROL = "a clinician enrols them"
CHECK_IN = ("hello", ENROL, "+7d", "[Begin]")
STATES: dict[str, tuple[Sequence[str], frozenset[ItemType] | None]] = {
    "new": ((), None),
    "enrolled": (("hello", ENROL), None),
    "at a yes or no": (("/start", "[Begin]"), None),
    "paused": (("/start", "[Begin]", "/pause"), None),
    "at a number": (CHECK_IN, frozenset({ItemType.INTEGER, ItemType.DECIMAL, ItemType.QUANTITY})),
    "at review": (CHECK_IN, frozenset()),
    "at the free words": (CHECK_IN, frozenset({ItemType.TEXT})),
    "invited": (("/start",), None),
    "at a choice": (("/start", "[Begin]", "[Yes]"), None),
    "stopped": (("/start", "/stop"), None),
    "asked whether to stop": (("/start", "[Begin]", "/stop"), None),
    "invited to a check-in": (CHECK_IN[:3], None),
    "at the first question of a check-in": (CHECK_IN, None),
}
"""What leads to a state, and then the kinds of question to answer quietly up to; none means up to the review."""
THOROUGH = ("enrolled", "at a yes or no", "paused", "at a number")
"""Where every prompt is tried. In each other state one of three is, and all of them somewhere."""


class UndoneError(Exception):
    """A turn that was only tried."""


def said(talk: Chat, prompt: str) -> tuple[list[dict[str, Any]], list[str]]:
    """What the last line of a prompt gets, and which rules it raises. Then it is as if nobody had said it."""
    letters: list[dict[str, Any]] = []
    raised: list[str] = []

    def work(tx: Transaction) -> None:
        for number, line in enumerate(prompt.split(" || ")):
            letters.clear()
            message = {
                "message_id": 9000 + number * 100,
                "date": int(talk.now.timestamp()),
                "chat": {"id": chat.CHAT, "type": "private"},
                "from": {"id": chat.CHAT, "is_bot": False, "first_name": "You"},
                "text": line,
            }
            incoming = inbound.read({"update_id": 9000 + number, "message": message}, talk.wire)
            assert incoming is not None
            talk.turn.update(tx, incoming, now=talk.now)
            tx.session.flush()
            while queued := outbox.claim(tx, now=talk.now, limit=50):
                for letter in queued:
                    outbox.sent(tx, letter, 9001 + number * 100 + len(letters), now=talk.now)
                    if letter.chat_id == chat.CHAT and letter.method == "sendMessage":
                        letters.append(dict(letter.parameters))
                tx.session.flush()
        raised.extend(alert.rule for alert in alerts.open_ones(tx))
        raise UndoneError

    with pytest.raises(UndoneError):
        talk.store.submit(work).result()
    return letters, raised


@contextmanager
def in_state(content: Catalogue, renderer: Renderer, state: str) -> Iterator[Chat]:
    """A chat with somebody who is in this state."""
    steps, until = STATES[state]
    with chat.opened(content, renderer, now=MONDAY) as talk:
        for step in steps:
            if step == ENROL:
                talk.store.submit(lambda tx: enrol(tx, talk)).result()
                talk.does("/help")  # and so the welcome is read
            else:
                talk.does(step)
        while until is not None and (open_item := question(talk)) is not None and open_item.type not in until:
            words = quiet(open_item)
            talk.does("[Skip]" if words is None else f"[{words}]" if choices(open_item) else words)
        yield talk


def question(talk: Chat) -> Item | None:
    """The question that is open."""
    held = talk.conversations[-1]
    return None if held.question is None else held.questionnaire.find(held.question.link_id)


def enrol(tx: Transaction, talk: Chat) -> None:
    row = patients.by_chat(tx, chat.CHAT)
    assert row is not None
    talk.turn.patient(tx, row, Enrolled(), now=talk.now)


def prompts() -> Sequence[str]:
    with PROMPTS.open(encoding="utf-8", newline="") as file:
        return [prompt for _, prompt in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def test_there_are_enough_prompts_and_none_twice() -> None:
    assert len(prompts()) == len(set(prompts())) >= 300


@pytest.mark.parametrize("state", STATES)
def test_p5_a_question_about_a_dose_gets_the_visit_in_person_and_no_advice(
    content: Catalogue, renderer: Renderer, state: str
) -> None:
    tried = prompts() if state in THOROUGH else prompts()[list(STATES).index(state) % 3 :: 3]
    wrong, emergencies = [], 0
    with in_state(content, renderer, state) as talk:
        for prompt in tried:
            letters, raised = said(talk, prompt)
            texts = [parse_html(letter["text"])[0] for letter in letters]
            assert FAILED not in raised, f"{prompt!r} was answered with a text that the gate refused: {texts}"
            for text in texts:
                if prompt.split(" || ")[-1] not in text:
                    assert not refusals(text, content.language), (prompt, text)
            told = " ".join(texts)
            is_emergency = "911" in told and "visit" not in told
            emergencies += is_emergency
            taken_as_an_answer = state == "at the free words" and "?" not in prompt
            if not (("visit" in told and "in person" in told) or is_emergency or taken_as_an_answer):
                wrong.append((prompt, texts))
    assert not wrong
    assert emergencies <= len(tried) * 0.03, "too many questions about a dose were taken for an emergency"
