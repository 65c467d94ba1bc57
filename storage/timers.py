"""Timers: events that come back at a time, kept in the same transaction as what they belong to."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlmodel import col, select

from flows.events import CheckInDue, ExpiryDue, ReminderDue, ReviewDue, RuleDue, SilenceDue, Waiting
from storage.database import Transaction, new_id
from storage.tables import TimerRow

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
    row = tx.session.exec(select(TimerRow).where(TimerRow.scope == scope, TimerRow.key == key)).first()
    if row is None:
        row = TimerRow(id=new_id(), scope=scope, key=key, due_at=due_at, event=event)
    row.due_at, row.event, row.attempts = due_at, event, 0
    tx.session.add(row)
    tx.session.flush()


def forget(tx: Transaction, scope: str, prefix: str) -> None:
    """Drop the timers of a scope whose keys begin so."""
    for row in tx.session.exec(select(TimerRow).where(TimerRow.scope == scope)):
        if row.key.startswith(prefix):
            tx.session.delete(row)
    tx.session.flush()


def due(tx: Transaction, now: datetime, limit: int) -> Sequence[int]:
    """The ids of timers that are due, the oldest first."""
    query = (
        select(TimerRow.id).where(TimerRow.due_at <= now).order_by(col(TimerRow.due_at), col(TimerRow.id)).limit(limit)
    )
    return tx.session.exec(query).all()


def next_due(tx: Transaction) -> datetime | None:
    """When the next timer is due."""
    return tx.session.exec(select(TimerRow.due_at).order_by(col(TimerRow.due_at)).limit(1)).first()


def due_at(tx: Transaction, scope: str, key: str) -> datetime | None:
    """When this timer is due; None when it is not set."""
    return tx.session.exec(select(TimerRow.due_at).where(TimerRow.scope == scope, TimerRow.key == key)).first()


def take(tx: Transaction, timer_id: int, now: datetime) -> TimerRow | None:
    """Take a due timer away, to be handled in this transaction; None when it was handled, moved or dropped."""
    row = tx.session.get(TimerRow, timer_id)
    if row is None or row.due_at > now:
        return None
    tx.session.delete(row)
    tx.session.flush()
    return row


def put_off(tx: Transaction, timer_id: int, until: datetime) -> int:
    """After a failure: try again later. Returns how often it has failed; 0 when the timer is gone."""
    row = tx.session.get(TimerRow, timer_id)
    if row is None:
        return 0
    row.attempts, row.due_at = row.attempts + 1, until
    tx.session.add(row)
    return row.attempts


def hasten(tx: Transaction, scope: str, key: str, now: datetime) -> None:
    """Make this timer due now, if it is set."""
    for row in tx.session.exec(select(TimerRow).where(TimerRow.scope == scope, TimerRow.key == key)):
        row.due_at = min(row.due_at, now)
