"""All that is kept of a patient, as it leaves in a Bundle. Reading it is for the caller to audit."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import col, select

from flows.catalogue import Catalogue
from flows.effects import RequestKind
from flows.escalation import Tier
from flows.evidence import Occasion
from flows.fhir import Alert, PatientRecord, Request, Response, Words
from flows.lifecycle import AlertState, AlertStep, Move, Standing
from storage import alerts, conversations, visits
from storage.database import Transaction
from storage.tables import AlertEventRow, AlertRow, AuditRow, PatientRow, RequestRow


def of_patient(tx: Transaction, row: PatientRow, catalogue: Catalogue) -> PatientRecord:
    """The whole record of a patient, in as many queries for a long one as for a short one.

    Rules are named as the catalogue names them now.
    """
    return PatientRecord(
        code=row.code,
        responses=tuple(Response(held, moved_at) for held, moved_at in conversations.of_patient(tx, row.id)),
        words=tuple(
            Words(kept.id, kept.said_at, kept.text, kept.signals)
            for kept in conversations.texts(tx, row.id)
            if kept.text.strip()
        ),
        alerts=_alerts(tx, row.id, catalogue),
        requests=_requests(tx, row),
    )


def _alerts(tx: Transaction, patient_id: int, catalogue: Catalogue) -> tuple[Alert, ...]:
    pages = (
        select(AlertEventRow)
        .join(AlertRow, col(AlertRow.id) == AlertEventRow.alert_id)
        .where(AlertRow.patient_id == patient_id, AlertEventRow.kind == AlertStep.PAGE)
        .order_by(col(AlertEventRow.id))
    )
    paged: dict[int, list[datetime]] = {}
    for event in tx.session.exec(pages):
        paged.setdefault(event.alert_id, []).append(event.at)
    query = select(AlertRow).where(AlertRow.patient_id == patient_id).order_by(col(AlertRow.id))
    raised = tx.session.exec(query).all()
    occasions = alerts.occasions(tx, [alerts.number(alert) for alert in raised])
    return tuple(_alert(alert, paged, occasions, catalogue) for alert in raised)


def _alert(
    alert: AlertRow,
    paged: Mapping[int, Sequence[datetime]],
    occasions: Mapping[int, Sequence[Occasion]],
    catalogue: Catalogue,
) -> Alert:
    rule, number = catalogue.rule(alert.rule), alerts.number(alert)
    return Alert(
        number=number,
        rule=alert.rule,
        title=alert.rule if rule is None else rule.title,
        tier=Tier(alert.tier),
        state=AlertState(alert.state),
        raised_at=alert.raised_at,
        resolved_at=alert.taken_at if alert.state == AlertState.RESOLVED else None,
        pages=tuple(paged.get(number, ())),
        occasions=tuple(occasions.get(number, ())),
    )


def _requests(tx: Transaction, row: PatientRow) -> tuple[Request, ...]:
    query = select(RequestRow).where(RequestRow.patient_id == row.id).order_by(col(RequestRow.id))
    found = tx.session.exec(query).all()
    enrolled = _enrolled(tx, found) if row.standing == Standing.ENROLLED else None
    return tuple(
        Request(
            number=visits.number(request),
            kind=RequestKind(request.kind),
            opened_at=request.opened_at,
            closed_at=request.closed_at,
            enrolled=request is enrolled,
        )
        for request in found
    )


def _enrolled(tx: Transaction, found: Sequence[RequestRow]) -> RequestRow | None:
    """The consultation after which a clinician enrolled the patient: only the audit trail tells it from the others."""
    subjects = {visits.topic(request): request for request in found if request.kind == RequestKind.CONSULTATION}
    query = (
        select(AuditRow.subject)
        .where(AuditRow.action == Move.ENROL, col(AuditRow.subject).in_(subjects))
        .order_by(col(AuditRow.id))
    )
    first = tx.session.exec(query).first()
    return None if first is None else subjects[first]
