"""`make bench`: what a durable answer costs, beside the floor of the disk. One JSON line a figure, medians."""

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
from bot.turn import Turn
from bot.wire import Wire
from storage.cipher import Keyring
from storage.database import Store, open_store
from tests.world import MONDAY

PATIENTS = 100
ANSWERS = 8
RUNS = 5
WORDS = ("yes", "something else", "yes", "ativan", "2", "no", "Yes, I still take it", "no")
"""The first answers of the intake, as typed."""


def main() -> None:
    """Measure, and print."""
    content, renderer = check.load(None)
    turn = Turn.build(content, renderer, bot_id=1)
    report("durable answers per second", [asyncio.run(answers(turn)) for _ in range(RUNS)])
    report("floor: durable commits per second of one row", [floor() for _ in range(RUNS)])
    report("listener: messages per second", [messages(content.listener.hear) for _ in range(RUNS)])


def report(name: str, rates: list[float]) -> None:
    """One line of JSON."""
    figures = {"median": statistics.median(rates), "min": min(rates), "max": max(rates), "runs": len(rates)}
    print(json.dumps({"name": name, **{key: round(value, 1) for key, value in figures.items()}}), flush=True)


async def answers(turn: Turn) -> float:
    """Whole turns a second: raw JSON in, answer sealed, replies queued, committed with synchronous=FULL."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/bench.db", Keyring.generate())
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
