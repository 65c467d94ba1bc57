"""The clinic's people: who they are, how they were invited, where they are paged."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import col, select

from flows.errors import TaperlineError
from flows.escalation import Colleague, Role
from storage import rota
from storage.database import Transaction, new_id
from storage.tables import ClinicianRow

NAME = "clinician/name"
CHAT = "clinician/chat"
INVITATION = "clinician-"
"""What the token of an invitation begins with."""

INVITATION_HOURS = 72


class NoSuchClinicianError(TaperlineError):
    """A name that no clinician has, or more than one; the text lists what there is."""


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


def team(tx: Transaction, now: datetime) -> Sequence[Colleague]:
    """The clinicians who can be paged, the oldest first."""
    query = select(ClinicianRow).where(
        col(ClinicianRow.chat_sealed).is_not(None), col(ClinicianRow.reachable).is_(True)
    )
    on_call = rota.on_call_now(tx, now)
    return [
        Colleague(row.id, Role(row.role), tx.open(row.name_sealed, NAME, row.id), row.id in on_call)
        for row in tx.session.exec(query.order_by(col(ClinicianRow.id)))
    ]


def everyone(tx: Transaction) -> Sequence[ClinicianRow]:
    """All clinicians, the oldest first."""
    return tx.session.exec(select(ClinicianRow).order_by(col(ClinicianRow.id))).all()


def by_name(tx: Transaction, name: str) -> ClinicianRow:
    """The clinician who is called so, or has this number. Of those with one name, the only one who has a chat.

    Raises NoSuchClinicianError.
    """
    rows, wanted = everyone(tx), " ".join(name.split()).casefold()
    named = [row for row in rows if wanted in {" ".join(name_of(tx, row.id).split()).casefold(), str(row.id)}]
    found = [row for row in named if row.chat_sealed is not None] or named[-1:]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = " or ".join(str(row.id) for row in found)
        raise NoSuchClinicianError(f"More than one clinician is called {name}. Give a number instead: {numbers}.")
    known = ", ".join(dict.fromkeys(name_of(tx, row.id) for row in rows))
    remedy = f"There are: {known}." if known else "There is none yet: add one with `taperline clinician add`."
    raise NoSuchClinicianError(f"There is no clinician called {name}. {remedy}")


def chat_of(tx: Transaction, clinician_id: int) -> int:
    """The chat of a clinician who has one."""
    row = tx.session.get_one(ClinicianRow, clinician_id)
    return int(tx.open(row.chat_sealed or "", CHAT, row.id))


def name_of(tx: Transaction, clinician_id: int | None) -> str:
    """The name of a clinician, as the others know them."""
    row = None if clinician_id is None else tx.session.get(ClinicianRow, clinician_id)
    return "Somebody" if row is None else tx.open(row.name_sealed, NAME, row.id)


def reachability(row: ClinicianRow, now: datetime) -> str:
    """Whether a page reaches a clinician, and if not, why; in words for whoever runs the machine."""
    if row.chat_sealed is not None:
        return "yes" if row.reachable else "no, blocked the bot"
    is_open = row.invite_expires_at is not None and row.invite_expires_at >= now
    return "no, has not opened the invitation" if is_open else "no, the invitation is too old: add them again"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
