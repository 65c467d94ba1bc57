"""Alerts: raised, paged, acknowledged, in hand, resolved, with a trace of every step and of every page."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, and_, case, cast, exists, literal
from sqlmodel import col, func, or_, select

from flows.escalation import Tier
from flows.evidence import Evidence, Finding, Occasion
from flows.lifecycle import ALERT, TAKEN, UNTAKEN, AlertState, AlertStep, after
from flows.redflags import DRILL
from storage import patients, timers
from storage.database import Transaction, new_id
from storage.outbox import Delivery
from storage.tables import AlertEventRow, AlertRow, OutboxRow, PageRow, TimerRow

OPEN = (*UNTAKEN, *TAKEN)
EVIDENCE = "alert_event/evidence"
NOTE = "alert_event/note"
LATELY = timedelta(days=30)
"""How far back alerts count where a patient's silence, or the end of an intake, is looked at."""

PAGE = "page"
"""The key of the timer that pages an alert."""

CONTACT = "contact"
"""The key of the timer that asks whether the patient was spoken with."""


def raise_(
    tx: Transaction,
    patient_id: int | None,
    rule: str,
    tier: Tier,
    evidence: Sequence[Evidence],
    *,
    merge: timedelta,
    now: datetime,
) -> tuple[AlertRow, bool]:
    """Raise an alert, or add new facts to the one that is open for this patient and rule. Its evidence is kept sealed.

    Without a patient it is about the clinic itself. New facts go to an alert that nobody has taken, or that was raised
    within `merge`. A tier is never lowered. Returns the alert, and whether it must be paged now: when it is new, when
    its tier rose, and when somebody had already taken what was known before.
    """
    if patient_id is not None:
        patients.hold(tx, patient_id)
    query = (
        select(AlertRow)
        .where(AlertRow.patient_id == patient_id, AlertRow.rule == rule, col(AlertRow.state).in_(OPEN))
        .order_by(col(AlertRow.state).in_(TAKEN), col(AlertRow.id).desc())
        .with_for_update(key_share=True)
    )
    alert = tx.session.exec(query).first()
    if alert is None or (alert.state in TAKEN and alert.raised_at < now - merge):
        alert = AlertRow(patient_id=patient_id, rule=rule, tier=tier, state=AlertState.RAISED, raised_at=now)
        tx.session.add(alert)
        tx.session.flush()
        note(tx, alert, "raised", evidence, now=now)
        return alert, True
    note(tx, alert, AlertStep.NEW_FACTS, evidence, now=now)
    rises = tier.urgency < Tier(alert.tier).urgency
    if rises:
        alert.tier = tier
    if alert.state in TAKEN:
        alert.state = after(ALERT, AlertState(alert.state), AlertStep.NEW_FACTS)
        timers.forget(tx, scope(alert), CONTACT)
        rises = True
    if rises:
        alert.step = 0
    tx.session.add(alert)
    return alert, rises


def move(
    tx: Transaction,
    alert: AlertRow,
    step: AlertStep,
    *,
    by: int | None = None,
    words: str = "",
    now: datetime,
) -> None:
    """Move an alert along its table and keep who did it, with a note in their words if they left one.

    Raises NotAllowedError, and then changes nothing.
    """
    alert.state = after(ALERT, AlertState(alert.state), step)
    if by is not None:
        alert.taken_by, alert.taken_at = by, now
    timers.forget(tx, scope(alert), CONTACT)
    if alert.state not in UNTAKEN:
        timers.forget(tx, scope(alert), PAGE)
    tx.session.add(alert)
    note(tx, alert, step, by=by, words=words, now=now)


def note(
    tx: Transaction,
    alert: AlertRow,
    kind: str,
    evidence: Sequence[Evidence] = (),
    *,
    by: int | None = None,
    words: str = "",
    now: datetime,
) -> None:
    """Append to the trace of an alert. Evidence and words are sealed."""
    row = AlertEventRow(id=new_id(), alert_id=number(alert), at=now, kind=kind, clinician_id=by)
    if evidence:
        row.evidence_sealed = tx.seal(json.dumps([asdict(found) for found in evidence]), EVIDENCE, row.id)
    if words:
        row.note_sealed = tx.seal(words, NOTE, row.id)
    tx.session.add(row)


def paged(tx: Transaction, alert: AlertRow, outbox_id: int, page: int, clinician_id: int | None) -> None:
    """Keep whom a page went to; without a clinician it went to a fallback channel."""
    tx.session.flush()
    tx.session.add(PageRow(id=outbox_id, alert_id=number(alert), number=page, clinician_id=clinician_id))


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One thing that happened to an alert: a step of its life, or a page with what became of it."""

    at: datetime
    kind: str
    clinician_id: int | None
    words: str = ""
    page: int = 0
    delivery: Delivery | None = None
    attempts: int = 0
    sent_at: datetime | None = None
    reason: str = ""


def trace(tx: Transaction, alert: AlertRow) -> Sequence[TraceLine]:
    """All that happened to an alert, the oldest first. Reading its words is for the caller to audit."""
    happened = select(AlertEventRow).where(AlertEventRow.alert_id == number(alert))
    events = tx.session.exec(happened.order_by(col(AlertEventRow.id)))
    lines = [
        TraceLine(
            row.at,
            row.kind,
            row.clinician_id,
            words="" if row.note_sealed is None else tx.open(row.note_sealed, NOTE, row.id),
        )
        for row in events
        if row.kind != AlertStep.PAGE
    ]
    pages = select(PageRow, OutboxRow).join(OutboxRow, col(OutboxRow.id) == PageRow.id)
    lines += [
        TraceLine(
            sending.queued_at,
            PAGE,
            page.clinician_id,
            page=page.number,
            delivery=Delivery(sending.state),
            attempts=sending.attempts,
            sent_at=sending.sent_at,
            reason=sending.reason or "",
        )
        for page, sending in tx.session.exec(pages.where(PageRow.alert_id == number(alert)).order_by(col(PageRow.id)))
    ]
    return sorted(lines, key=lambda line: line.at)


def occasions(tx: Transaction, numbers: Collection[int]) -> Mapping[int, Sequence[Occasion]]:
    """What these alerts were raised by, time after time, the oldest first. Reading it is for the caller to audit."""
    query = (
        select(AlertEventRow)
        .where(col(AlertEventRow.alert_id).in_(numbers), col(AlertEventRow.evidence_sealed).is_not(None))
        .order_by(col(AlertEventRow.id))
    )
    found: dict[int, list[Occasion]] = {}
    for row in tx.session.exec(query):
        if row.evidence_sealed is not None:
            kept = json.loads(tx.open(row.evidence_sealed, EVIDENCE, row.id))
            found.setdefault(row.alert_id, []).append(Occasion(row.at, tuple(map(_evidence, kept))))
    return found


def by_number(tx: Transaction, alert_number: int) -> AlertRow | None:
    """The alert with this number as it is now. Its patient is held first, and then the alert itself."""
    timers.hold_owner(tx, f"alert:{alert_number}")
    query = select(AlertRow).where(AlertRow.id == alert_number).execution_options(populate_existing=True)
    return tx.session.exec(query).first()


def open_ones(tx: Transaction) -> Sequence[AlertRow]:
    """Every alert that is not resolved, the most urgent and oldest first."""
    rows = tx.session.exec(select(AlertRow).where(col(AlertRow.state).in_(OPEN))).all()
    return sorted(rows, key=lambda alert: (Tier(alert.tier).urgency, number(alert)))


def open_drill(tx: Transaction) -> AlertRow | None:
    """The drill that is going on."""
    return tx.session.exec(select(AlertRow).where(AlertRow.rule == DRILL, col(AlertRow.state).in_(OPEN))).first()


def lately(tx: Transaction, patient_id: int, now: datetime) -> frozenset[str]:
    """The rules that raised an alert about a patient in the time before `now` for which alerts count as late ones."""
    query = select(AlertRow.rule).where(
        AlertRow.patient_id == patient_id, AlertRow.raised_at >= now - LATELY, AlertRow.raised_at <= now
    )
    return frozenset(tx.session.exec(query))


def gone_quiet(tx: Transaction) -> Sequence[AlertRow]:
    """Open alerts that no timer brings back, though nobody has spoken with the patient: there must be none (P4)."""
    key = case((col(AlertRow.state).in_(UNTAKEN), PAGE), else_=CONTACT)
    waits = exists().where(
        col(TimerRow.scope) == literal("alert:") + cast(AlertRow.id, String), col(TimerRow.key) == key
    )
    uncalled = and_(col(AlertRow.state) == AlertState.ACKNOWLEDGED, col(AlertRow.patient_id).is_not(None))
    query = select(AlertRow).where(or_(col(AlertRow.state).in_(UNTAKEN), uncalled), ~waits).order_by(col(AlertRow.id))
    return tx.session.exec(query).all()  # one query: between two of them another process may set the timer


def revive(tx: Transaction, alert: AlertRow, *, now: datetime) -> None:
    """Bring an alert back now that had gone quiet."""
    key = awaits(alert)
    assert key is not None
    timers.put(tx, scope(alert), key, now, key)


def awaits(alert: AlertRow) -> str | None:
    """The key of the timer that must bring an alert back; None for one that is in a person's hands."""
    if alert.state in UNTAKEN:
        return PAGE
    return CONTACT if alert.state == AlertState.ACKNOWLEDGED and alert.patient_id is not None else None


def pages(tx: Transaction, alert: AlertRow) -> int:
    """How many times an alert was paged."""
    query = select(func.count()).where(AlertEventRow.alert_id == number(alert), AlertEventRow.kind == AlertStep.PAGE)
    return tx.session.exec(query).one()


def is_on_fallback(tx: Transaction, alert: AlertRow) -> bool:
    """Whether the last page of an alert went to a fallback channel too."""
    query = select(PageRow.id).where(
        PageRow.alert_id == number(alert), PageRow.number == pages(tx, alert), col(PageRow.clinician_id).is_(None)
    )
    return tx.session.exec(query.limit(1)).first() is not None


def acknowledged_lately(tx: Transaction, alert: AlertRow, now: datetime) -> Collection[AlertRow]:
    """The other alerts of the same patient that were acknowledged within an hour: they have heard of those."""
    query = (
        select(AlertRow)
        .join(AlertEventRow, col(AlertEventRow.alert_id) == AlertRow.id)
        .where(
            AlertRow.patient_id == alert.patient_id,
            AlertRow.id != alert.id,
            AlertEventRow.kind == AlertStep.ACKNOWLEDGE,
            AlertEventRow.at > now - TOLD_AGAIN,
        )
    )
    return tx.session.exec(query).all()


TOLD_AGAIN = timedelta(hours=1)
"""After so long a patient is told again that somebody has seen what they wrote."""


def last(tx: Transaction, alert: AlertRow, kind: str) -> datetime | None:
    """When something of a kind last happened to an alert, by its trace."""
    query = select(func.max(AlertEventRow.at)).where(
        AlertEventRow.alert_id == number(alert), AlertEventRow.kind == kind
    )
    return tx.session.exec(query).one()


def number(alert: AlertRow) -> int:
    """The number of an alert that was written."""
    assert alert.id is not None
    return alert.id


def scope(alert: AlertRow) -> str:
    """The scope of an alert's timers."""
    return f"alert:{number(alert)}"


def _evidence(kept: Mapping[str, Any]) -> Evidence:
    findings = (Finding(**{**finding, "found": tuple(finding["found"])}) for finding in kept["findings"])
    return Evidence(kept["case"], Tier(kept["tier"]), tuple(findings), kept["note"])
