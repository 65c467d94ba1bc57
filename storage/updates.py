"""Updates that were handled, and those that could not be."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import col

from storage.database import Transaction, new_id
from storage.tables import DeadLetterRow, SeenUpdateRow

CONTENT = "dead_letter/content"


def is_new(tx: Transaction, bot_id: int, update_id: int, *, now: datetime) -> bool:
    """Whether an update was not handled before; from now on it was, if this transaction commits."""
    if tx.session.get(SeenUpdateRow, (bot_id, update_id)) is not None:
        return False
    tx.session.add(SeenUpdateRow(bot_id=bot_id, update_id=update_id, seen_at=now))
    tx.session.flush()
    return True


def set_aside(tx: Transaction, kind: str, content: str, reason: str, *, now: datetime) -> None:
    """Keep what could not be handled, sealed, for a person to look at. `reason` names the error, without content."""
    row_id = new_id()
    sealed = tx.seal(content, CONTENT, row_id)
    tx.session.add(DeadLetterRow(id=row_id, at=now, kind=kind, reason=reason, content_sealed=sealed))


def forget_before(tx: Transaction, instant: datetime) -> None:
    """Drop the memory of updates that Telegram can no longer send again."""
    tx.session.execute(delete(SeenUpdateRow).where(col(SeenUpdateRow.seen_at) < instant))
