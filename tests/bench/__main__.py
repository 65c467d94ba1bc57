"""`make bench`: what an answer costs, in the engine alone and on disk, beside the floor. One JSON line a figure.

The engine's cost is that of `advance()`: it sees one conversation, so nobody else's answers can matter to it. That
they do not matter to a whole turn either is measured beside a database that is full of them.
"""

import asyncio
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot import check, inbound
from bot.lifeline import Lifeline
from bot.turn import Turn
from bot.wire import Wire
from flows import questionnaire
from flows.answers import choices
from flows.care import Person
from flows.conversation import Conversation, advance
from flows.events import Answered, Begun, Said
from flows.lifecycle import Stage
from flows.questionnaire import Questionnaire
from storage import conversations, patients
from storage.cipher import Keyring
from storage.database import Store, Transaction, new_id, open_store
from tests.world import MONDAY

PATIENTS = 100
ANSWERS = 8
RUNS = 5
OTHERS = 200_000
"""Past answers of other people in the database of the second figure."""
WORDS = ("yes, let us begin", "18 to 44", "male", "something else", "that is all", "yes", "ativan", "skip")
"""The first answers of the intake, as typed; one of them takes two messages."""


def main() -> None:
    """Measure, and print."""
    content, renderer = check.load(None)
    turn = Turn.build(content, renderer, 1, Lifeline())
    forms = {
        "check-in": content.questionnaires["check_in"],
        "PHQ-9 with a computed total": _form("us-core-phq-9.json"),
        "PHQ-9 with 30 FHIRPath variables": _form("lforms-phq-9.json"),
        "200 questions, each with a condition": chain(200),
    }
    for name, form in forms.items():
        report(f"engine: microseconds per answer, {name}", [engine(form) for _ in range(RUNS)])
    report("durable answers per second", [asyncio.run(answers(turn)) for _ in range(RUNS)])
    crowded = [asyncio.run(answers(turn, others=OTHERS)) for _ in range(RUNS)]
    report(f"durable answers per second beside {OTHERS} answers of others", crowded)
    report("floor: durable commits per second of one row", [floor() for _ in range(RUNS)])
    report("listener: messages per second", [messages(content.listener.hear) for _ in range(RUNS)])


def report(name: str, rates: list[float]) -> None:
    """One line of JSON."""
    figures = {"median": statistics.median(rates), "min": min(rates), "max": max(rates), "runs": len(rates)}
    print(json.dumps({"name": name, **{key: round(value, 1) for key, value in figures.items()}}), flush=True)


def engine(form: Questionnaire) -> float:
    """Microseconds per answer: `advance()` from the first question of a form to its end, tapping the first button."""
    held, _ = advance(Conversation(1, "bench", form, opened=MONDAY), Begun(1), now=MONDAY)
    count, began = 0, time.perf_counter()
    while held.stage is Stage.ASKING and held.question is not None:
        item = form.find(held.question.link_id)
        assert item is not None
        choice = 0 if choices(item) else None
        if choice is None and item.least:
            event: Answered | Said = Said("7")
        else:
            position = form.positions[item.link_id]
            event = Answered(1, held.revision, position, choice, held.question.instance)
        held, _ = advance(held, event, now=MONDAY)
        count += 1
    return (time.perf_counter() - began) / count * 1e6


def chain(length: int) -> Questionnaire:
    """A form in which each question is asked because of the one before."""
    items: list[dict[str, Any]] = [{"linkId": "q0", "type": "boolean", "text": "Well?"}]
    for number in range(1, length):
        when = {"question": f"q{number - 1}", "operator": "=", "answerBoolean": True}
        items.append({"linkId": f"q{number}", "type": "boolean", "text": "And now?", "enableWhen": [when]})
    resource = {"resourceType": "Questionnaire", "status": "active", "item": items}
    return questionnaire.load(json.dumps(resource), "chain.json")


def _form(name: str) -> Questionnaire:
    path = Path(__file__).parents[1] / "conversations" / "forms" / name
    return questionnaire.load(path.read_text("utf-8"), name)


def crowd(tx: Transaction, form: Questionnaire, answers: int) -> None:
    """Submitted check-ins of other people, 20 answers each."""
    sealed = tx.seal("[]", "bench", 1)
    for first in range(0, answers, 2000):
        rows = []
        for person in range(first // 20, (first + 2000) // 20):
            patient = patients.add(tx, -1 - person, Person(zone="America/Los_Angeles"), now=MONDAY)
            held = Conversation(new_id(), "check_in", form, Stage.SUBMITTED, 20)
            conversations.save(tx, patient.id, held, now=MONDAY)
            rows += [
                (new_id(), held.id, revision, f"q{revision}", "", sealed, MONDAY.isoformat(" "))
                for revision in range(20)
            ]
        tx.session.connection().exec_driver_sql(
            "INSERT INTO answer (id, conversation_id, revision, link_id, instance, values_sealed, answered_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )


async def answers(turn: Turn, others: int = 0) -> float:
    """Whole turns a second: raw JSON in, answer sealed, replies queued, committed with synchronous=FULL."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/bench.db", Keyring.generate())
        if others:
            await store.run(lambda tx: crowd(tx, turn.catalogue.questionnaires["check_in"], others))
        wire = Wire("1:bench", "http://127.0.0.1:9")
        for patient in range(PATIENTS):
            await take(store, turn, wire, patient, number=0, text="/start")
            await take(store, turn, wire, patient, number=1, text="begin")
        began = time.perf_counter()
        for number, word in enumerate(WORDS, start=2):
            await asyncio.gather(
                *(take(store, turn, wire, patient, number=number, text=word) for patient in range(PATIENTS))
            )
        rate = PATIENTS * ANSWERS / (time.perf_counter() - began)
        store.close()
    return rate


async def take(store: Store, turn: Turn, wire: Wire, patient: int, *, number: int, text: str) -> None:
    """One update of one patient, as the receiver hands it on; the question before is marked as delivered."""
    user = {"id": patient + 1000, "is_bot": False, "first_name": "A"}
    chat = {"id": patient + 1000, "type": "private"}
    message = {"message_id": number + 1, "date": 1, "chat": chat, "from": user, "text": text}
    raw: dict[str, Any] = json.loads(json.dumps({"update_id": number * PATIENTS + patient, "message": message}))
    incoming = inbound.read(raw, wire)
    assert incoming is not None

    def work(tx: Any) -> None:
        delivered = "UPDATE outbox SET state='sent', attempts=1 WHERE state='queued' AND recipient=?"
        tx.session.connection().exec_driver_sql(delivered, (tx.index("chat", incoming.chat_id),))
        turn.update(tx, incoming, now=MONDAY)

    await store.run(work)


def floor() -> float:
    """Commits a second of one small row, each on disk: what the machine can do at best."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "floor.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE answer (id INTEGER PRIMARY KEY, value TEXT)")
        began = time.perf_counter()
        for number in range(500):
            connection.execute("INSERT INTO answer VALUES (?, ?)", (number, "v" * 100))
        rate = 500 / (time.perf_counter() - began)
        connection.close()
    return rate


def messages(hear: Callable[[str], object]) -> float:
    """Messages a second through the listener."""
    texts = ["I slept four hours and feel shaky but ok", "can I skip tonight", "my dog died", "thank you so much"] * 25
    began = time.perf_counter()
    for text in texts:
        hear(text)
    return len(texts) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
