"""The audit trail: who read or changed what, when and why, in the same transaction as the deed."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select

from storage.database import Transaction, new_id
from storage.tables import AuditRow


def note(tx: Transaction, actor: str, action: str, subject: str, *, now: datetime, reason: str = "") -> None:
    """Write one line. Actor and subject are ids or codes (`clinician:17`, `patient:3`), never names."""
    tx.session.add(AuditRow(id=new_id(), at=now, actor=actor, action=action, subject=subject, reason=reason))


def lines(tx: Transaction) -> Sequence[AuditRow]:
    """The whole trail, in order."""
    return tx.session.exec(select(AuditRow).order_by(col(AuditRow.id))).all()
