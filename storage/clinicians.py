"""The clinic's people: who they are, how they were invited, where they are paged."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlmodel import col, select

from flows.escalation import Role
from storage.database import Transaction, new_id
from storage.tables import ClinicianRow

NAME = "clinician/name"
CHAT = "clinician/chat"
INVITATION = "clinician-"
"""What the token of an invitation begins with."""

INVITATION_HOURS = 72


def invite(tx: Transaction, name: str, role: Role, *, now: datetime) -> str:
    """Add a clinician. Returns the token that binds one chat to them, once, in three days; only its hash is kept."""
    row_id, token = new_id(), INVITATION + secrets.token_urlsafe(24)
    row = ClinicianRow(
        id=row_id,
        name_sealed=tx.seal(name, NAME, row_id),
        role=role,
        invite_hash=_hash(token),
        invite_expires_at=now + timedelta(hours=INVITATION_HOURS),
        created_at=now,
    )
    tx.session.add(row)
    return token


def accept(tx: Transaction, token: str, chat_id: int, *, now: datetime) -> ClinicianRow | None:
    """Bind a chat by its invitation; None when the token is unknown, used or too old."""
    query = select(ClinicianRow).where(ClinicianRow.invite_hash == _hash(token))
    row = tx.session.exec(query.with_for_update(key_share=True)).first()
    if row is None or row.invite_expires_at is None or row.invite_expires_at < now:
        return None
    row.invite_hash, row.invite_expires_at, row.reachable = None, None, True
    row.chat_index = tx.index("chat", chat_id)
    row.chat_sealed = tx.seal(str(chat_id), CHAT, row.id)
    tx.session.add(row)
    tx.session.flush()
    return row


def by_chat(tx: Transaction, chat_id: int) -> ClinicianRow | None:
    """The clinician who writes from this chat, held until the transaction ends."""
    query = select(ClinicianRow).where(ClinicianRow.chat_index == tx.index("chat", chat_id))
    return tx.session.exec(query.with_for_update(key_share=True)).first()


def on_call(tx: Transaction) -> Mapping[int, Role]:
    """The clinicians who can be paged, by id."""
    query = select(ClinicianRow).where(
        col(ClinicianRow.chat_sealed).is_not(None), col(ClinicianRow.reachable).is_(True)
    )
    return {row.id: Role(row.role) for row in tx.session.exec(query.order_by(col(ClinicianRow.id)))}


def everyone(tx: Transaction) -> Sequence[ClinicianRow]:
    """All clinicians, the oldest first."""
    return tx.session.exec(select(ClinicianRow).order_by(col(ClinicianRow.id))).all()


def chat_of(tx: Transaction, clinician_id: int) -> int:
    """The chat of a clinician who has one."""
    row = tx.session.get_one(ClinicianRow, clinician_id)
    return int(tx.open(row.chat_sealed or "", CHAT, row.id))


def name_of(tx: Transaction, clinician_id: int | None) -> str:
    """The name of a clinician, as the others know them."""
    row = None if clinician_id is None else tx.session.get(ClinicianRow, clinician_id)
    return "Somebody" if row is None else tx.open(row.name_sealed, NAME, row.id)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
