"""Patients: who they are to the clinic, and where to write to them."""

import secrets
from datetime import datetime

from sqlmodel import select

from flows import past
from flows.care import Channel, Person
from flows.lifecycle import Standing
from flows.past import Past
from flows.schedule import WeeklyHour
from storage.database import Transaction, new_id
from storage.tables import PatientRow

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CHAT = "patient/chat"
PAST = "patient/past"


def hold(tx: Transaction, patient_id: int) -> None:
    """Hold a patient until the transaction ends: only one at a time changes what is theirs, in all processes.

    Conversations, alerts, requests and timers of a patient have no locks of their own. Whoever wants one of them holds
    the patient first, so no two wait for each other. SQLite has one writer, and needs no such thing.
    """
    tx.session.exec(select(PatientRow.id).where(PatientRow.id == patient_id).with_for_update(key_share=True)).first()


def by_chat(tx: Transaction, chat_id: int) -> PatientRow | None:
    """The patient who writes from this chat, held."""
    query = select(PatientRow).where(PatientRow.chat_index == tx.index("chat", chat_id))
    return tx.session.exec(query.with_for_update(key_share=True)).first()


def by_code(tx: Transaction, code: str) -> PatientRow | None:
    """The patient with this code, as staff write it, held."""
    query = select(PatientRow).where(PatientRow.code == code.strip().upper())
    return tx.session.exec(query.with_for_update(key_share=True)).first()


def by_id(tx: Transaction, patient_id: int) -> PatientRow:
    """The patient with this id, who must exist. Not held: see `hold`."""
    return tx.session.get_one(PatientRow, patient_id)


def add(tx: Transaction, chat_id: int, person: Person, *, now: datetime) -> PatientRow:
    """A new patient, with a code that nobody else has."""
    code = _code()
    while by_code(tx, code) is not None:
        code = _code()
    row_id = new_id()
    row = PatientRow(
        id=row_id,
        code=code,
        chat_index=tx.index("chat", chat_id),
        chat_sealed=tx.seal(str(chat_id), CHAT, row_id),
        standing=person.standing,
        channel=person.channel,
        zone=person.zone,
        created_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    return row


def chat_of(tx: Transaction, row: PatientRow) -> int:
    """The chat to write to."""
    return int(tx.open(row.chat_sealed, CHAT, row.id))


def person(tx: Transaction, row: PatientRow) -> Person:
    """The patient as the core sees them, without what is kept in other tables."""
    weekly = None
    if row.weekday is not None and row.hour is not None:
        weekly = WeeklyHour(row.weekday, row.hour, row.zone)
    return Person(
        zone=row.zone,
        standing=Standing(row.standing),
        channel=Channel(row.channel),
        misunderstood=row.misunderstood,
        asked_if_safe=row.asked_if_safe,
        check_in=weekly,
        past=Past() if row.past_sealed is None else past.read(tx.open(row.past_sealed, PAST, row.id)),
        unanswered=row.unanswered,
    )


def save(tx: Transaction, row: PatientRow, person: Person, *, before: Person) -> None:
    """Write back what the core changed."""
    if person.past is not before.past:
        row.past_sealed = tx.seal(past.written(person.past), PAST, row.id)
    row.unanswered = person.unanswered
    row.standing, row.channel, row.zone = person.standing, person.channel, person.zone
    row.misunderstood, row.asked_if_safe = person.misunderstood, person.asked_if_safe
    if person.check_in is not None:
        row.weekday, row.hour = person.check_in.weekday, person.check_in.hour
    tx.session.add(row)


def _code() -> str:
    return "P-" + "".join(secrets.choice(CODE_LETTERS) for _ in range(5))
