"""Timers: events that come back at a time, kept in the same transaction as what they belong to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlmodel import col, select

from flows.events import CheckInDue, ExpiryDue, ReminderDue, ReviewDue, RuleDue, SilenceDue, Waiting
from storage import patients
from storage.database import Transaction, new_id
from storage.tables import AlertRow, TimerRow

KINDS: dict[str, type[Waiting]] = {
    kind.__name__: kind for kind in (CheckInDue, ReminderDue, ReviewDue, ExpiryDue, SilenceDue, RuleDue)
}


def pack(event: Waiting) -> str:
    """An event as text for a timer; it holds ids, never an answer."""
    return json.dumps({"kind": type(event).__name__, **asdict(event)})


def unpack(text: str) -> Waiting:
    """The event that `pack` wrote."""
    parts = json.loads(text)
    return KINDS[parts.pop("kind")](**parts)


def put(tx: Transaction, scope: str, key: str, due_at: datetime, event: str) -> None:
    """Set a timer. One with the same scope and key is replaced."""
    query = select(TimerRow).where(TimerRow.scope == scope, TimerRow.key == key)
    row = tx.session.exec(query.with_for_update()).first()
    if row is None:
        row = TimerRow(id=new_id(), scope=scope, key=key, due_at=due_at, event=event)
    row.due_at, row.event, row.attempts = due_at, event, 0
    tx.session.add(row)
    tx.session.flush()


def forget(tx: Transaction, scope: str, prefix: str) -> None:
    """Drop the timers of a scope whose keys begin so."""
    for row in tx.session.exec(select(TimerRow).where(TimerRow.scope == scope).with_for_update()).all():
        if row.key.startswith(prefix):
            tx.session.delete(row)
    tx.session.flush()


def due(tx: Transaction, now: datetime, limit: int) -> Sequence[int]:
    """The ids of timers that are due, the oldest first."""
    return [timer_id for timer_id, _ in _due(tx, now, limit)]


def due_in_lines(tx: Transaction, now: datetime, limit: int) -> Sequence[Sequence[int]]:
    """The same; those of one scope stand in a line, to be handled one after another."""
    lines: dict[str, list[int]] = {}
    for timer_id, scope in _due(tx, now, limit):
        lines.setdefault(scope, []).append(timer_id)
    return list(lines.values())


def next_due(tx: Transaction) -> datetime | None:
    """When the next timer is due."""
    return tx.session.exec(select(TimerRow.due_at).order_by(col(TimerRow.due_at)).limit(1)).first()


def due_at(tx: Transaction, scope: str, key: str) -> datetime | None:
    """When this timer is due; None when it is not set."""
    return tx.session.exec(select(TimerRow.due_at).where(TimerRow.scope == scope, TimerRow.key == key)).first()


def overdue(tx: Transaction, key: str, now: datetime) -> Mapping[str, tuple[int, datetime, int]]:
    """Timers with this key that are due, or failed and were put off: scope -> (id, due at, how often they failed)."""
    query = select(TimerRow).where(TimerRow.key == key, (TimerRow.due_at <= now) | (TimerRow.attempts > 0))
    return {row.scope: (row.id, row.due_at, row.attempts) for row in tx.session.exec(query)}


def take(tx: Transaction, timer_id: int, now: datetime) -> TimerRow | None:
    """Take a due timer away, to be handled in this transaction; None when it was handled, moved or dropped."""
    scope = tx.session.exec(select(TimerRow.scope).where(TimerRow.id == timer_id)).first()
    if scope is None:
        return None
    hold_owner(tx, scope)
    query = select(TimerRow).where(TimerRow.id == timer_id, TimerRow.due_at <= now)
    row = tx.session.exec(query.with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    tx.session.delete(row)
    tx.session.flush()
    return row


def put_off(tx: Transaction, timer_id: int, until: datetime) -> int:
    """After a failure: try again later. Returns how often it has failed; 0 when the timer is gone."""
    row = tx.session.exec(select(TimerRow).where(TimerRow.id == timer_id).with_for_update()).first()
    if row is None:
        return 0
    row.attempts, row.due_at = row.attempts + 1, until
    tx.session.add(row)
    return row.attempts


def hasten(tx: Transaction, scope: str, key: str, now: datetime) -> None:
    """Make a timer due now, if it is set."""
    for row in tx.session.exec(select(TimerRow).where(TimerRow.scope == scope, TimerRow.key == key).with_for_update()):
        row.due_at = min(row.due_at, now)


def _due(tx: Transaction, now: datetime, limit: int) -> Sequence[tuple[int, str]]:
    query = select(TimerRow.id, TimerRow.scope).where(TimerRow.due_at <= now)
    return tx.session.exec(query.order_by(col(TimerRow.due_at), col(TimerRow.id)).limit(limit)).all()


def hold_owner(tx: Transaction, scope: str) -> None:
    """Hold the patient whom a scope belongs to, and an alert, before anything of theirs, as everybody does."""
    kind, _, number = scope.partition(":")
    if kind == "patient":
        patients.hold(tx, int(number))
    if kind == "alert":
        alert = AlertRow.id == int(number)
        patient_id = tx.session.exec(select(AlertRow.patient_id).where(alert)).first()
        if patient_id is not None:
            patients.hold(tx, patient_id)
        tx.session.exec(select(AlertRow.id).where(alert).with_for_update(key_share=True)).first()
