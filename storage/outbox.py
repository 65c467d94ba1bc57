"""The outbox: messages committed with what they tell, then sent at least once, in order within a chat."""

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import exists, func
from sqlalchemy.orm import aliased
from sqlmodel import col, or_, select

from flows.events import Seen
from flows.lifecycle import UNTAKEN
from storage import updates
from storage.cipher import SealBrokenError
from storage.database import Transaction, new_id
from storage.tables import AlertRow, OutboxRow

PAYLOAD = "outbox/payload"
FALLBACK = "fallback"
"""The method, and the topic, of a message for a fallback channel."""

LEASE = timedelta(seconds=90)
"""How long a sender may take for one message before another sender may take it over."""


class Delivery(StrEnum):
    """Where a message is."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    DROPPED = "dropped"


class Urgency(IntEnum):
    """What goes first. Within one chat, a message waits for all that are as urgent or more, and came before it."""

    EMERGENCY = 0
    URGENT = 1
    REPLY = 2
    ROUTINE = 3


WAITING = (Delivery.QUEUED, Delivery.SENDING)
FAILS_AT = 3
"""After so many attempts at one message a fallback channel counts as failing."""

_ON_TELEGRAM = or_(col(OutboxRow.topic).is_(None), OutboxRow.topic != FALLBACK)


@dataclass(frozen=True, slots=True)
class Letter:
    """One call of the Bot API to make, or without a chat one message for a fallback channel."""

    id: int
    token: str
    chat_id: int | None
    method: str
    parameters: Mapping[str, Any]
    attempt: int
    alert_id: int | None


def put(
    tx: Transaction,
    chat_id: int,
    method: str,
    parameters: Mapping[str, Any],
    *,
    urgency: Urgency,
    now: datetime,
    topic: str | None = None,
    alert_id: int | None = None,
) -> int:
    """Queue a call of the Bot API for a chat. Returns the number of the row.

    `topic` finds the message again; `alert_id` marks a page.
    """
    content = {"chat_id": chat_id, "method": method, "parameters": parameters}
    recipient = tx.index("chat", chat_id)
    return _put(tx, recipient, content, urgency=urgency, now=now, topic=topic, alert_id=alert_id)


def put_fallback(
    tx: Transaction,
    channel: str,
    parameters: Mapping[str, Any],
    *,
    urgency: Urgency,
    now: datetime,
    alert_id: int | None = None,
) -> int:
    """Queue a message for a fallback channel, in a line of its own. Returns the number of the row."""
    content = {"chat_id": None, "method": FALLBACK, "parameters": {"channel": channel, **parameters}}
    recipient = tx.index(FALLBACK, channel)
    return _put(tx, recipient, content, urgency=urgency, now=now, topic=FALLBACK, alert_id=alert_id)


def _put(
    tx: Transaction,
    recipient: str,
    content: Mapping[str, Any],
    *,
    urgency: Urgency,
    now: datetime,
    topic: str | None,
    alert_id: int | None,
) -> int:
    row_id = new_id()
    tx.session.add(
        OutboxRow(
            id=row_id,
            recipient=recipient,
            urgency=urgency,
            state=Delivery.QUEUED,
            due_at=now,
            payload_sealed=tx.seal(json.dumps(content), PAYLOAD, row_id),
            queued_at=now,
            topic=topic,
            alert_id=alert_id,
        )
    )
    return row_id


def claim(tx: Transaction, *, now: datetime, limit: int, least_urgent: Urgency = Urgency.ROUTINE) -> Sequence[Letter]:
    """Take messages to send: the most urgent first, and of each chat only the one at its head.

    The attempt is counted now, so a message that kills its sender is not tried for ever. The lease ends by itself. A
    message whose seal is broken is set aside: it must not hold up the others. A page that waits again, although
    somebody took its alert while it was under way, is dropped.
    """
    ahead = aliased(OutboxRow)
    earlier = exists().where(
        col(ahead.recipient) == OutboxRow.recipient,
        col(ahead.state).in_(WAITING),
        or_(
            col(ahead.urgency) < OutboxRow.urgency,
            (col(ahead.urgency) == OutboxRow.urgency) & (col(ahead.id) < OutboxRow.id),
        ),
    )
    query = (
        select(OutboxRow)
        .where(
            or_(
                OutboxRow.state == Delivery.QUEUED,
                (col(OutboxRow.state) == Delivery.SENDING) & (col(OutboxRow.lease_until) <= now),
            ),
            OutboxRow.due_at <= now,
            OutboxRow.urgency <= least_urgent,
            ~earlier,
        )
        .order_by(col(OutboxRow.urgency), col(OutboxRow.id))
        .limit(limit)
        .with_for_update(of=OutboxRow, skip_locked=True)
    )
    letters, passed_over = [], False
    for row in tx.session.exec(query).all():
        if row.alert_id is not None and tx.session.get_one(AlertRow, row.alert_id).state not in UNTAKEN:
            row.state, row.lease_until = Delivery.DROPPED, None
            passed_over = True
            continue
        row.state, row.token, row.lease_until = Delivery.SENDING, secrets.token_hex(8), now + LEASE
        row.attempts += 1
        try:
            content = json.loads(tx.open(row.payload_sealed, PAYLOAD, row.id))
        except SealBrokenError as error:
            row.state, row.lease_until, row.reason = Delivery.DEAD, None, "its seal is broken"
            updates.set_aside(tx, "outbox", str(row.id), type(error).__name__, now=now)
            passed_over = True
            continue
        letters.append(Letter(row.id, row.token, **content, attempt=row.attempts, alert_id=row.alert_id))
    if passed_over and not letters:
        tx.session.flush()
        return claim(tx, now=now, limit=limit, least_urgent=least_urgent)
    return letters


def sent(tx: Transaction, letter: Letter, message_id: int | None, *, now: datetime) -> None:
    """Mark a message as sent, if the lease is still this sender's."""
    row = _held(tx, letter)
    if row is not None:
        row.state, row.sent_at, row.message_id, row.lease_until = Delivery.SENT, now, message_id, None
        row.reason = None


def again(tx: Transaction, letter: Letter, due_at: datetime, reason: str, *, spent: bool = True) -> None:
    """Send a message later, for a reason in words without content. `spent` tells whether the attempt counts."""
    row = _held(tx, letter)
    if row is not None:
        row.state, row.due_at, row.lease_until, row.reason = Delivery.QUEUED, due_at, None, reason
        row.attempts -= not spent


def give_up(tx: Transaction, letter: Letter, reason: str) -> None:
    """A message that can never be sent, for a reason in words without content."""
    row = _held(tx, letter)
    if row is not None:
        row.state, row.lease_until, row.reason = Delivery.DEAD, None, reason


def give_up_chat(tx: Transaction, chat_id: int, reason: str) -> Collection[int]:
    """Nothing more can be sent to this chat: drop what waits for it. Returns the alerts whose pages were among it."""
    query = select(OutboxRow).where(
        OutboxRow.recipient == tx.index("chat", chat_id), OutboxRow.state == Delivery.QUEUED
    )
    dropped = tx.session.exec(query.with_for_update()).all()
    for row in dropped:
        row.state, row.reason = Delivery.DEAD, reason
    return {row.alert_id for row in dropped if row.alert_id is not None}


def drop_pages(tx: Transaction, alert_id: int) -> None:
    """Somebody has taken the alert: its pages that wait are not sent any more."""
    query = select(OutboxRow).where(OutboxRow.alert_id == alert_id, OutboxRow.state == Delivery.QUEUED)
    for row in tx.session.exec(query.with_for_update()).all():
        row.state, row.reason = Delivery.DROPPED, None


def unsent_pages(tx: Transaction, before: datetime) -> Mapping[int, datetime]:
    """Alerts with pages that were queued by `before` and wait for Telegram still: when their newest was queued."""
    query = (
        select(OutboxRow.alert_id, func.max(OutboxRow.queued_at))
        .where(
            col(OutboxRow.alert_id).is_not(None),
            _ON_TELEGRAM,
            col(OutboxRow.state).in_(WAITING),
            OutboxRow.queued_at <= before,
        )
        .group_by(col(OutboxRow.alert_id))
    )
    return {int(alert_id or 0): queued_at for alert_id, queued_at in tx.session.exec(query)}


def is_paged(tx: Transaction, alert_id: int, since: datetime) -> bool:
    """Whether a page of an alert that was queued since then was sent, or waits to be."""
    alive = (*WAITING, Delivery.SENT)
    query = select(OutboxRow.id).where(
        OutboxRow.alert_id == alert_id, OutboxRow.queued_at >= since, col(OutboxRow.state).in_(alive)
    )
    return tx.session.exec(query.limit(1)).first() is not None


def failing(tx: Transaction, channel: str, since: datetime) -> str | None:
    """Why a fallback channel did not take the last message that was tried on it, of those queued since then.

    None when it took it, when nothing was tried, and when it failed fewer than three times and is tried again.
    """
    query = (
        select(OutboxRow)
        .where(
            OutboxRow.recipient == tx.index(FALLBACK, channel),
            OutboxRow.queued_at >= since,
            col(OutboxRow.reason).is_not(None) | (OutboxRow.state == Delivery.SENT),
        )
        .order_by(col(OutboxRow.id).desc())
    )
    last = tx.session.exec(query.limit(1)).first()
    if last is None or last.state == Delivery.SENT or (last.state in WAITING and last.attempts < FAILS_AT):
        return None
    return last.reason


def next_due(tx: Transaction, now: datetime) -> datetime | None:
    """When the next message may be sent, or taken over because its lease ends; None when nothing waits.

    A message that is due already, or whose lease is over, waits for the one before it, and is not counted.
    """
    later = select(func.min(OutboxRow.due_at)).where(OutboxRow.state == Delivery.QUEUED, OutboxRow.due_at > now)
    leased = select(func.min(OutboxRow.lease_until)).where(
        OutboxRow.state == Delivery.SENDING, col(OutboxRow.lease_until) > now
    )
    return min(filter(None, (tx.session.exec(later).one(), tx.session.exec(leased).one())), default=None)


def is_held_up(tx: Transaction, now: datetime) -> bool:
    """Whether a message that is due waits for one to the same recipient that is being sent, perhaps by another process.

    That process tells nobody when it is done.
    """
    ahead = aliased(OutboxRow)
    being_sent = exists().where(col(ahead.recipient) == OutboxRow.recipient, col(ahead.state) == Delivery.SENDING)
    query = select(OutboxRow.id).where(OutboxRow.state == Delivery.QUEUED, OutboxRow.due_at <= now, being_sent)
    return tx.session.exec(query.limit(1)).first() is not None


def release(tx: Transaction) -> None:
    """After a crash, when no other process sends: what was being sent is sent again at once."""
    for row in tx.session.exec(select(OutboxRow).where(OutboxRow.state == Delivery.SENDING)):
        row.state, row.lease_until, row.token = Delivery.QUEUED, None, None


@dataclass(frozen=True, slots=True)
class Shown:
    """Whether a topic's message has been seen by its reader, and the first and last of its message ids.

    The first is None when it is not known: an attempt that was cut off may have arrived under a number nobody told us.
    """

    seen: Seen
    first: int | None = None
    last: int | None = None


def shown(tx: Transaction, topic: str) -> Shown:
    """What is known of the messages on a topic. One whose sending was cut off may have arrived, and counts as seen."""
    rows = tx.session.exec(select(OutboxRow).where(OutboxRow.topic == topic)).all()
    ids = sorted(row.message_id for row in rows if row.message_id is not None)
    if rows and all(row.state == Delivery.DEAD for row in rows):
        seen = Seen.MAYBE  # given up: it is asked again
    elif any(row.attempts > (row.state == Delivery.SENDING) for row in rows):
        seen = Seen.YES
    else:
        seen = Seen.MAYBE if any(row.attempts for row in rows) else Seen.NO
    certain = ids and all(row.attempts <= 1 for row in rows)
    return Shown(seen, ids[0] if certain else None, ids[-1] if ids else None)


def latest(tx: Transaction, topic: str) -> Mapping[int, int]:
    """The newest message of a topic in each chat: chat -> message id."""
    return dict(sorted(message_ids(tx, topic), key=lambda sent: sent[1]))


def message_ids(tx: Transaction, topic: str) -> Sequence[tuple[int, int]]:
    """The messages that were sent on a topic: (chat, message id)."""
    query = select(OutboxRow).where(
        OutboxRow.topic == topic, col(OutboxRow.message_id).is_not(None), OutboxRow.state == Delivery.SENT
    )
    found = []
    for row in tx.session.exec(query.order_by(col(OutboxRow.id))):
        found.append((json.loads(tx.open(row.payload_sealed, PAYLOAD, row.id))["chat_id"], int(row.message_id or 0)))
    return found


def _held(tx: Transaction, letter: Letter) -> OutboxRow | None:
    mine = OutboxRow.id == letter.id, OutboxRow.state == Delivery.SENDING, OutboxRow.token == letter.token
    return tx.session.exec(select(OutboxRow).where(*mine).with_for_update()).first()
