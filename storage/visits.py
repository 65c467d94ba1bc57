"""Requests for a consultation or a visit."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select

from flows.effects import IntakeOutcome, RequestKind
from storage import patients
from storage.database import Transaction
from storage.tables import RequestRow


def request(
    tx: Transaction, patient_id: int, kind: RequestKind, outcome: IntakeOutcome | None = None, *, now: datetime
) -> tuple[RequestRow, bool]:
    """Ask for a consultation or a visit. One that is open already stands for both; the bool says whether it is new."""
    query = select(RequestRow).where(
        RequestRow.patient_id == patient_id, RequestRow.kind == kind, col(RequestRow.is_open).is_(True)
    )
    row = tx.session.exec(query).first()
    if row is not None:
        return row, False
    row = RequestRow(patient_id=patient_id, kind=kind, outcome=outcome, opened_at=now)
    tx.session.add(row)
    tx.session.flush()
    return row, True


def by_number(tx: Transaction, request_number: int) -> RequestRow | None:
    """The request with this number. Its patient is held."""
    patient_id = tx.session.exec(select(RequestRow.patient_id).where(RequestRow.id == request_number)).first()
    if patient_id is None:
        return None
    patients.hold(tx, patient_id)
    return tx.session.get(RequestRow, request_number)


def close(tx: Transaction, row: RequestRow, by: int, *, now: datetime) -> None:
    """A clinician has dealt with it."""
    row.is_open, row.closed_at, row.closed_by = False, now, by
    tx.session.add(row)


def open_ones(tx: Transaction) -> Sequence[RequestRow]:
    """Every request that waits, the oldest first."""
    return tx.session.exec(
        select(RequestRow).where(col(RequestRow.is_open).is_(True)).order_by(col(RequestRow.id))
    ).all()


def number(row: RequestRow) -> int:
    """The number of a request that was written."""
    assert row.id is not None
    return row.id


def topic(row: RequestRow) -> str:
    """The topic of the messages that show a request."""
    return f"request:{number(row)}"
