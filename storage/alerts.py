"""Alerts: raised, paged, acknowledged, resolved, with a trace of every step."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, cast, exists, literal
from sqlmodel import col, select

from flows.escalation import Tier
from flows.evidence import Evidence, Finding, Occasion
from flows.lifecycle import ALERT, AlertState, AlertStep, after
from storage import patients, timers
from storage.database import Transaction, new_id
from storage.tables import AlertEventRow, AlertRow, TimerRow

OPEN = (AlertState.RAISED, AlertState.PAGED, AlertState.ACKNOWLEDGED)
UNTAKEN = (AlertState.RAISED, AlertState.PAGED)
EVIDENCE = "alert_event/evidence"
LATELY = timedelta(days=30)
"""How far back alerts count where a patient's silence, or the end of an intake, is looked at."""


def raise_(
    tx: Transaction, patient_id: int, rule: str, tier: Tier, evidence: Sequence[Evidence], *, now: datetime
) -> tuple[AlertRow, bool]:
    """Raise an alert, or add new facts to the one that is open for this patient and rule. Its evidence is kept sealed.

    A tier is never lowered. Returns the alert, and whether it must be paged now: when it is new, when its tier rose,
    and when somebody had already acknowledged what was known before.
    """
    query = select(AlertRow).where(
        AlertRow.patient_id == patient_id, AlertRow.rule == rule, col(AlertRow.state).in_(OPEN)
    )
    alert = tx.session.exec(query).first()
    if alert is None:
        alert = AlertRow(patient_id=patient_id, rule=rule, tier=tier, state=AlertState.RAISED, raised_at=now)
        tx.session.add(alert)
        tx.session.flush()
        note(tx, alert, "raised", evidence, now=now)
        return alert, True
    note(tx, alert, "new_facts", evidence, now=now)
    rises = tier.urgency < Tier(alert.tier).urgency
    if rises:
        alert.tier = tier
    if alert.state == AlertState.ACKNOWLEDGED:
        alert.state = after(ALERT, AlertState.ACKNOWLEDGED, AlertStep.NEW_FACTS)
        rises = True
    if rises:
        alert.step = 0
    tx.session.add(alert)
    return alert, rises


def move(tx: Transaction, alert: AlertRow, step: AlertStep, *, by: int | None = None, now: datetime) -> None:
    """Move an alert along its table and keep who did it. Raises NotAllowedError, and then changes nothing."""
    alert.state = after(ALERT, AlertState(alert.state), step)
    if by is not None:
        alert.taken_by, alert.taken_at = by, now
    if alert.state not in UNTAKEN:
        timers.forget(tx, scope(alert), "")
    tx.session.add(alert)
    note(tx, alert, step, by=by, now=now)


def note(
    tx: Transaction,
    alert: AlertRow,
    kind: str,
    evidence: Sequence[Evidence] = (),
    *,
    by: int | None = None,
    now: datetime,
) -> None:
    """Append to the trace of an alert."""
    row = AlertEventRow(id=new_id(), alert_id=number(alert), at=now, kind=kind, clinician_id=by)
    if evidence:
        row.evidence_sealed = tx.seal(json.dumps([asdict(found) for found in evidence]), EVIDENCE, row.id)
    tx.session.add(row)


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
    """The alert with this number. Its patient is held."""
    patient_id = tx.session.exec(select(AlertRow.patient_id).where(AlertRow.id == alert_number)).first()
    if patient_id is None:
        return None
    patients.hold(tx, patient_id)
    return tx.session.get(AlertRow, alert_number)


def open_ones(tx: Transaction) -> Sequence[AlertRow]:
    """Every alert that is not resolved, the most urgent and oldest first."""
    rows = tx.session.exec(select(AlertRow).where(col(AlertRow.state).in_(OPEN))).all()
    return sorted(rows, key=lambda alert: (Tier(alert.tier).urgency, number(alert)))


def lately(tx: Transaction, patient_id: int, now: datetime) -> frozenset[str]:
    """The rules that raised an alert about a patient in the time before `now` for which alerts count as late ones."""
    query = select(AlertRow.rule).where(
        AlertRow.patient_id == patient_id, AlertRow.raised_at >= now - LATELY, AlertRow.raised_at <= now
    )
    return frozenset(tx.session.exec(query))


def gone_quiet(tx: Transaction) -> Sequence[AlertRow]:
    """Open alerts that nobody took and that no timer will page again: there must be none (P4)."""
    waits = exists().where(col(TimerRow.scope) == literal("alert:") + cast(AlertRow.id, String))
    query = select(AlertRow).where(col(AlertRow.state).in_(UNTAKEN), ~waits).order_by(col(AlertRow.id))
    return tx.session.exec(query).all()  # one query: between two of them another process may set the timer


def pages(tx: Transaction, alert: AlertRow) -> int:
    """How many times an alert was paged."""
    query = select(AlertEventRow).where(AlertEventRow.alert_id == number(alert), AlertEventRow.kind == AlertStep.PAGE)
    return len(tx.session.exec(query).all())


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
