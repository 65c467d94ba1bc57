"""The gate: nothing that the guard refuses reaches a patient, whatever way it takes (promise P5)."""

import ast
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import pytest

import bot
from bot import chat, log
from bot.chat import Chat
from bot.render import LAST_RESORT, TEMPLATES, Renderer
from bot.turn import FAILED
from flows import catalogue, questionnaire
from flows.catalogue import Catalogue
from flows.guard import refusals
from storage import alerts

BOT = Path(bot.__file__).parent
GOLDEN = sorted((Path(__file__).parents[1] / "conversations").glob("*.txt"))
MONDAY = datetime.fromisoformat("2026-11-23T10:00:00-08:00")
ADVICE = "Take half a tablet tonight."
TO_STAFF = {"alert_desk.py", "ladder.py", "on_call.py", "staff.py"}
"""The modules that write to clinicians, or to the fallback channel."""

FORM = """
resourceType: Questionnaire
title: A form
item:
  - {linkId: shown, type: display, text: "%(shown)s"}
  - linkId: how
    type: choice
    text: "%(text)s"
    answerOption:
      - {valueCoding: {code: a, display: "%(label)s"}}
      - {valueCoding: {code: b, display: "Worse"}}
  - {linkId: free, type: string, text: "Is there more?"}
"""
FINE = {"shown": "Now your sleep.", "text": "How do you sleep?", "label": "Well"}


@pytest.fixture(scope="module")
def content() -> Catalogue:
    return catalogue.load()


def calls(path: Path) -> Iterator[tuple[str, str]]:
    """Every call that queues a message, and the function it stands in."""
    for function in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in {"outbox.put", "put"}:
                    yield path.name, function.name


def test_p5_one_function_writes_to_patients() -> None:
    found = {call for path in BOT.glob("*.py") for call in calls(path)}
    assert {call for call in found if call[0] not in TO_STAFF} == {("turn.py", "_queue")}
    assert {module for module, _ in found} == {"turn.py", *TO_STAFF}


def test_p5_who_writes_to_staff_never_looks_up_a_patients_chat() -> None:
    for module in TO_STAFF:
        assert "patients.chat_of" not in (BOT / module).read_text("utf-8")


def poisoned(folder: Path) -> Path:
    """A clinic's own texts, each of which advises."""
    ours = TEMPLATES / "en"
    for path in [*ours.glob("*.j2"), ours / "words.yaml"]:
        own = folder / "templates" / "en" / path.name
        own.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text("utf-8")
        own.write_text(f"{ADVICE}\n{text}" if path.suffix == ".j2" else text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("path", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_p5_no_message_slips_by_when_every_text_is_wrong(path: Path, content: Catalogue, tmp_path: Path) -> None:
    golden = path.read_text("utf-8")
    header = dict(line.split(": ", 1) for line in golden.split("\n\n", maxsplit=1)[0].splitlines())
    file = path.parent / "forms" / header.get("form", "")
    form = questionnaire.load(file.read_text("utf-8"), file.name) if file.is_file() else None
    renderer = Renderer(content, poisoned(tmp_path))
    with chat.opened(content, renderer, now=MONDAY, form=form) as talk:
        if form is None and "form" in header:
            talk.seek(header["form"])
        for step in chat.steps(golden):
            try:
                talk.does(step)
            except chat.NoSuchButtonError:
                talk.does("hello")
        said = [line for line in talk.lines if not line.startswith(("> ", "    ("))]
        assert any("911" in line for line in said)
        assert not [line for line in said if ADVICE.removesuffix(".") in line]
        raised = talk.store.submit(lambda tx: {alert.rule for alert in alerts.open_ones(tx)}).result()
        assert FAILED in raised


def asked(content: Catalogue, **words: str) -> AbstractContextManager[Chat]:
    form = questionnaire.load(FORM % (FINE | words), "form.yaml")
    return chat.opened(content, Renderer(content, strict=True), now=MONDAY, form=form)


def test_without_a_fault_nothing_is_touched(content: Catalogue) -> None:
    with asked(content) as talk:
        talk.does("[Begin]")
        assert "Now your sleep." in talk.messages[2].text
        assert not alerts_of(talk)


def test_a_question_stays_when_what_stands_before_it_is_refused(content: Catalogue) -> None:
    with asked(content, shown="Take half from tomorrow.") as talk:
        talk.does("[Begin]")
        shown = talk.messages[2]
        assert "in person" in shown.text
        assert "How do you sleep?" in shown.text
        assert "half" not in shown.text
        assert labels(shown)[:2] == ["Well", "Worse"]
        assert alerts_of(talk) == {FAILED}
        talk.does("[Well]")
        assert "Is there more?" in talk.messages[3].text


@pytest.mark.parametrize("words", [{"text": "Could you try half a tablet?"}, {"label": "Take half from tomorrow"}])
def test_nobody_answers_a_question_that_is_refused_and_nobody_is_stuck(
    content: Catalogue, words: dict[str, str]
) -> None:
    with asked(content, **words) as talk:
        talk.does("[Begin]")
        shown = talk.messages[2]
        assert "in person" in shown.text
        assert "half" not in shown.text
        assert labels(shown) == ["Go on later", "Skip", "🆘 Help"]
        talk.does("[Skip]")
        assert "Is there more?" in talk.messages[3].text
        talk.does("no")
        talk.does("[✅ Send]")
        assert "half" not in "".join(message.text for message in talk.messages.values())


def test_the_patients_own_words_are_shown_back(content: Catalogue) -> None:
    with asked(content) as talk:
        for step in ("[Begin]", "[Well]", "I take half a tablet, 0.5 mg"):
            talk.does(step)
        assert "I take half a tablet, 0.5 mg" in talk.messages[3].text
        assert FAILED not in alerts_of(talk)


def test_a_strength_may_be_an_answer(content: Catalogue) -> None:
    with asked(content, label="Clonazepam 0.5 mg") as talk:
        talk.does("[Begin]")
        assert labels(talk.messages[2])[0] == "Clonazepam 0.5 mg"
        talk.does("[Clonazepam")
        assert "✓ Clonazepam 0.5 mg" in talk.messages[2].text
        assert not alerts_of(talk)


def test_the_log_tells_of_it_without_the_words(content: Catalogue, capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("info")
    with asked(content, shown="Take half from tomorrow.") as talk:
        talk.does("[Begin]")
    written = capfd.readouterr().err
    assert "a text to a patient was refused" in written
    assert "half" not in written


def test_the_safe_text_and_the_last_resort_are_safe(content: Catalogue, tmp_path: Path) -> None:
    safe = Renderer(content, strict=True).guarded()
    assert refusals(safe.html, content.language) == refusals(LAST_RESORT, content.language) == ()
    with chat.opened(content, Renderer(content, poisoned(tmp_path)), now=MONDAY) as talk:
        talk.does("hello")
        assert talk.messages[2].text == LAST_RESORT


def test_a_refused_word_on_a_tapped_button_is_not_said(content: Catalogue) -> None:
    renderer = Renderer(content, strict=True)
    with chat.opened(content, renderer, now=MONDAY) as talk:
        gate = talk.turn.gate
        assert gate.word("I already have that. Thank you.") == "I already have that. Thank you."
        assert gate.word(ADVICE) is None


def labels(message: chat.Message) -> list[str]:
    return [label for row in message.buttons for label, _ in row]


def alerts_of(talk: Chat) -> set[str]:
    return talk.store.submit(lambda tx: {alert.rule for alert in alerts.open_ones(tx)}).result()
