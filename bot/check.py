"""`taperline check`: reads all content and names file, entry and reason for whatever is wrong."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

from bot.buttons import Deed
from bot.render import LONGEST, Rendered, Renderer
from bot.sandbox.errors import ApiError
from bot.sandbox.markup import parse_html
from flows import catalogue
from flows.answers import Reason
from flows.catalogue import Catalogue, ContentError
from flows.conditions import Condition
from flows.conversation import Purpose
from flows.effects import Ask, Review, Say, Settle
from flows.errors import TaperlineError
from flows.escalation import Role, Tier
from flows.events import Command
from flows.items import Item, ItemType
from flows.lifecycle import AlertState
from flows.listener import Signal
from flows.values import Place, Values

CRISIS_LINES_AGE = timedelta(days=180)
MOST_BUTTONS = 100
"""Buttons under one message, as Telegram allows."""

KNOWN_FILES = (
    *("clinic.yaml", "crisis_lines.yaml", "escalation.yaml", "language.yaml", "redflags.yaml"),
    *("questionnaires/*.yaml", "phrases/*.yaml", "templates/*/*.html.j2", "templates/*/staff/*.html.j2"),
    *("templates/*/words.yaml", "templates/*/staff/words.yaml"),
)
SPOKEN = (
    *("another_open", "expired", "questionnaire_done", "questionnaire_invitation"),
    *("check_in_done", "check_in_invitation", "confirm_stop", "edited", "enrolled", "forwarded", "hello", "help"),
    *("home", "intake_done", "intake_invitation", "kept", "no_call", "not_text", "paused", "reminder", "safe", "stay"),
    *("stopped", "visit_requested"),
)
"""The texts that the core says by name; a rule says its own."""
STAFF_TEXTS = (
    *("welcome", "invitation_refused", "no_alerts", "no_requests", "help", "not_found", "worried"),
    *("record", "record_refused"),
)


def problems(content_dir: Path | None, *, today: date) -> Iterator[str]:
    """All that is wrong with the content, one sentence each, naming the file and the entry."""
    try:
        content, _ = load(content_dir)
    except TaperlineError as error:
        yield from str(error).splitlines()
        return
    for line in content.crisis_lines:
        if today - line.checked_on > CRISIS_LINES_AGE:
            yield f"crisis_lines.yaml, {line.name}: checked more than 180 days ago. Call it, then set checked_on."


def load(content_dir: Path | None) -> tuple[Catalogue, Renderer]:
    """Read the content, and say every text once, so that none can fail when it is needed.

    Raises a TaperlineError with all faults found, a line each, naming the file and the entry.
    """
    content = catalogue.load(*([content_dir] if content_dir is not None else []))
    renderer = Renderer(content, content_dir, strict=True)
    found = [*_strangers(content_dir), *_unspeakable(content, renderer), *_unheard(content)]
    found += _language(content, renderer) if not found else []
    if found:
        raise ContentError("\n".join(dict.fromkeys(found)))
    return content, Renderer(content, content_dir)


def _strangers(content_dir: Path | None) -> Iterator[str]:
    """Files of the clinic's own that nothing reads, such as one with a misspelled name."""
    for path in sorted(content_dir.rglob("*")) if content_dir is not None else ():
        name = path.relative_to(content_dir).as_posix() if content_dir is not None else ""
        if path.is_file() and not any(fnmatch(name, known) for known in KNOWN_FILES):
            yield f"{name}: nothing reads a file of this name. Known are: {', '.join(KNOWN_FILES)}"


def _unheard(content: Catalogue) -> Iterator[str]:
    """Signals of the listener that no rule acts on: a cry that is heard must reach somebody."""
    tests = [case.test for rule in content.rules for case in rule.cases]
    heard = {test.answer for test in tests if isinstance(test, Condition) and test.question == "%signal"}
    for signal in Signal:
        if signal is not Signal.STOP and signal not in heard:
            yield f"redflags.yaml: no rule has a case of its own for the signal {signal}"


def _unspeakable(content: Catalogue, renderer: Renderer) -> Iterator[str]:
    """Texts that cannot be rendered, or that Telegram would refuse."""
    for say in _sayings(content):
        yield from _fault(f"templates/{say.template}.html.j2", lambda say=say: renderer.say(say))
    for form, questionnaire in content.questionnaires.items():
        for item in questionnaire.walk():
            where = f"questionnaires/{form}.yaml, item {item.link_id}"
            if item.type is not ItemType.DISPLAY:
                for note in (None, *Reason):
                    yield from _fault(where, lambda item=item, note=note: renderer.ask(_ask(item, note)))
                yield from _fault(where, lambda item=item: renderer.settled(Settle(0, 0, item, _longest(item))))
                yield from _fault(where, lambda item=item: renderer.review(_review(item)))
    for toast in ("stale", "noted_before", "unknown", "first_question", "enough"):
        yield from _fault("templates/words.yaml", lambda toast=toast: Rendered(renderer.toast(toast), []))
    yield from _fault("templates/words.yaml", lambda: Rendered(str(renderer.menu()), []))
    yield from _unspeakable_to_staff(content, renderer)


def _unspeakable_to_staff(content: Catalogue, renderer: Renderer) -> Iterator[str]:
    words = "templates/staff/words.yaml"
    for template in STAFF_TEXTS:
        say = partial(renderer.staff, template, [Deed.SEND], name="Dr. Lee", role=Role.STAFF, what="alert A-1")
        yield from _fault(f"templates/staff/{template}.html.j2", say)
    for is_open in (True, False):
        shown: dict[str, Any] = {
            "kind": "visit",
            "is_open": is_open,
            "who": "Dr. Lee",
            "at": "10:00",
            "code": "P-22222",
        }
        yield from _fault("templates/staff/request.html.j2", partial(renderer.staff, "request", list(Deed), 1, **shown))
    for tier in Tier:
        for state in AlertState:
            yield from _fault("templates/staff/alert.html.j2", partial(_alert, renderer, tier, state))
    for word in ("done", "taken", "resolved", "escalated", "enrolled", "closed", "unknown"):
        yield from _fault(words, lambda word=word: Rendered(renderer.staff_word("toasts", word, who="", ago=""), []))
    yield from _fault(words, lambda: Rendered(str(renderer.menu(staff=True)), []))
    if not content.rules or not content.crisis_lines:
        yield "redflags.yaml and crisis_lines.yaml must each have an entry"


def _alert(renderer: Renderer, tier: Tier, state: AlertState) -> Rendered:
    return renderer.staff(
        "alert",
        list(Deed),
        1,
        sign=renderer.staff_word("signs", tier),
        state=renderer.staff_word("states", state),
        tier=tier,
        attempt=2,
        title="A title",
        rule="S1",
        code="P-22222",
        who="Dr. Lee",
        at="10:00",
    )


def _sayings(content: Catalogue) -> Iterator[Say]:
    """Everything that can be said to a patient, once with every button."""
    yield Say("hello", tuple(Command))
    yield from (Say(template) for template in SPOKEN)
    yield from (rule.message for rule in content.rules if rule.message is not None)


def _ask(item: Item, note: Reason | None) -> Ask:
    return Ask(2**62, 999_999, 9_999, item, (), 99, 99, note, (99,), given=_longest(item))


def _review(item: Item) -> Review:
    return Review(2**62, 999_999, ((9_999, Place(item.link_id, (99,)), item, _longest(item)),) * 20, is_complete=True)


def _longest(item: Item) -> Values:
    return tuple(option.value for option in item.options) or ("<&>" * 100,)


def _fault(where: str, render: Any) -> Iterator[str]:
    """What Telegram or a reader would find wrong with one or several messages."""
    try:
        rendered = render()
        messages = [rendered] if isinstance(rendered, Rendered) else rendered
        texts = [parse_html(message.html)[0] for message in messages]
    except ApiError as error:
        yield f"{where}: Telegram would refuse the text: {error}"
        return
    except Exception as error:  # noqa: BLE001 (whatever a template raises, the author must hear of it)
        yield f"{where}: {type(error).__name__}: {error}"
        return
    for message, text in zip(messages, texts, strict=True):
        if not text.strip():
            yield f"{where}: the text is empty"
        if len(text.encode("utf-16-le")) // 2 > LONGEST:
            yield f"{where}: the text is longer than {LONGEST} characters"
        if sum(map(len, message.keyboard)) > MOST_BUTTONS:
            yield f"{where}: there are more than {MOST_BUTTONS} buttons"


def _language(content: Catalogue, renderer: Renderer) -> Iterator[str]:
    """Stigma, blame, and numbers of a dose, in every text that can reach a patient."""
    allowed = re.compile("|".join(map(re.escape, content.language.allowed)) or "(?!)", re.IGNORECASE)
    for name, whole in _patient_texts(content, renderer):
        text = allowed.sub("", whole)
        for pattern, instead in content.language.refused:
            found = pattern.search(text)
            if found:
                yield f"{name}: {found[0]!r} must not stand in a text to a patient; write: {instead}"


def _patient_texts(content: Catalogue, renderer: Renderer) -> Iterator[tuple[str, str]]:
    for form in Purpose:
        for item in content.questionnaires[form].walk():
            yield f"questionnaires/{form}.yaml, item {item.link_id}", item.text
            for option in item.options:
                yield f"questionnaires/{form}.yaml, item {item.link_id}", option.label
    for say in _sayings(content):
        yield f"templates/{say.template}.html.j2", renderer.say(say).html
    for line in content.crisis_lines:
        yield f"crisis_lines.yaml, {line.name}", line.wording
