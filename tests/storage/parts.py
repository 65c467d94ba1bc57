"""What the tests of the memory put into it, and how they look at the file from outside."""

import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from flows import questionnaire
from flows.care import Person
from flows.escalation import Role
from flows.questionnaire import Questionnaire
from storage import clinicians, patients
from storage.database import Store, Transaction
from storage.tables import Meta
from tests.databases import Database

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
ZONE = "America/Los_Angeles"
ROOT = Path(__file__).parents[2]
SOON = 20
"""Seconds after which something that should have come will not come."""

Result = TypeVar("Result")


def do(store: Store, work: Callable[[Transaction], Result]) -> Result:
    """One transaction, from outside an event loop."""
    return store.submit(work).result(SOON)


def write(name: str, value: str = "x") -> Callable[[Transaction], None]:
    """A work that writes one row."""
    return lambda tx: tx.session.add(Meta(name=name, value=value))


def look(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What somebody else who opens a SQLite file sees."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


WRITTEN = "SELECT name FROM meta WHERE name != 'index_key'"


def written(database: Database) -> set[str]:
    """The names of rows that `write` left, as others see them."""
    return {name for (name,) in database.look(WRITTEN)}


def written_in(path: Path) -> set[str]:
    """The names of rows that `write` left in a SQLite file."""
    return {name for (name,) in look(path, WRITTEN)}


def commits(path: Path) -> int:
    """The commits in the write-ahead log: frames that carry the size of the database (sqlite.org/fileformat2, 4.1)."""
    log = path.with_name(path.name + "-wal").read_bytes()
    if not log:
        return 0
    size, salt = struct.unpack(">I", log[8:12])[0], log[16:24]
    frames = (log[at : at + 24] for at in range(32, len(log), 24 + size))
    return sum(1 for frame in frames if frame[8:16] == salt and frame[4:8] != bytes(4))


@contextmanager
def held(store: Store) -> Iterator[Future[None]]:
    """The writer is busy inside a transaction until the block ends, so everything submitted in it waits together."""
    begun, go_on = threading.Event(), threading.Event()

    def work(_tx: Transaction) -> None:
        begun.set()
        assert go_on.wait(SOON)

    busy = store.submit(work)
    assert begun.wait(SOON)
    try:
        yield busy
    finally:
        go_on.set()


def start(program: str, *arguments: object) -> "subprocess.Popen[str]":
    """Another process on the same code."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def add_patient(tx: Transaction, chat_id: int = 111) -> int:
    """A new patient's id."""
    return patients.add(tx, chat_id, Person(zone=ZONE), now=NOW).id


def add_clinician(tx: Transaction, chat_id: int = 900, role: Role = Role.PHYSICIAN, name: str = "Dr. Ada") -> int:
    """A clinician with a chat."""
    row = clinicians.accept(tx, clinicians.invite(tx, name, role, now=NOW), chat_id, now=NOW)
    assert row is not None
    return row.id


def form(*, version: str = "1", text: str = "How are you?") -> Questionnaire:
    """A short questionnaire with a question of each type, two of them for the daily dose."""
    dose = '"code": [{"system": "urn:taperline", "code": "daily-dose"}]'
    source = f"""{{
  "resourceType": "Questionnaire", "url": "https://clinic.example/short", "version": "{version}", "status": "active",
  "item": [
    {{"linkId": "mood", "type": "string", "text": "{text}"}},
    {{"linkId": "dose", "type": "decimal", "text": "How much in all?", {dose}}},
    {{"linkId": "other-dose", "type": "decimal", "text": "How much of the other?", {dose}}},
    {{"linkId": "nights", "type": "integer", "text": "How many nights?"}}
  ]
}}"""
    return questionnaire.load(source, "short.json")
