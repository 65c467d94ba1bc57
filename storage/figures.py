"""What figures are counted from: the alerts and check-ins of a period, without drills, in a few queries."""

from collections import defaultdict
from datetime import datetime

from sqlmodel import col, func, select

from flows.care import CHECK_INS
from flows.escalation import Outcome, Tier
from flows.figures import Life, Period
from flows.lifecycle import AlertStep, Stage
from flows.redflags import DRILL
from storage.alerts import number
from storage.database import Transaction
from storage.tables import AlertEventRow, AlertRow, ConversationRow, OutboxRow, PageRow


def period(tx: Transaction, since: datetime, until: datetime) -> Period:
    """The alerts that were raised, and the check-ins that patients sent in, from `since` to `until`.

    It holds no name, code or word of a patient. Reading it is for the caller to audit.
    """
    raised = AlertRow.raised_at >= since, AlertRow.raised_at <= until, AlertRow.rule != DRILL
    steps: dict[int, list[tuple[datetime, AlertStep]]] = defaultdict(list)
    events = (
        select(AlertEventRow.alert_id, AlertEventRow.at, AlertEventRow.kind)
        .join(AlertRow, col(AlertRow.id) == AlertEventRow.alert_id)
        .where(*raised, col(AlertEventRow.kind).in_(list(AlertStep)), AlertEventRow.at <= until)
        .order_by(col(AlertEventRow.at), col(AlertEventRow.id))
    )
    for alert_id, at, kind in tx.session.exec(events):
        steps[alert_id].append((at, AlertStep(kind)))
    pages = (
        select(PageRow.alert_id, func.min(OutboxRow.sent_at))
        .join(OutboxRow, col(OutboxRow.id) == PageRow.id)
        .join(AlertRow, col(AlertRow.id) == PageRow.alert_id)
        .where(*raised, col(OutboxRow.sent_at).is_not(None))
        .group_by(col(PageRow.alert_id))
    )
    sent = dict(tx.session.exec(pages).all())
    lives = tuple(
        Life(
            alert.rule,
            Tier(alert.tier),
            alert.patient_id is not None,
            alert.raised_at,
            tuple(steps[number(alert)]),
            sent.get(number(alert)),
            None if alert.outcome is None else Outcome(alert.outcome),
        )
        for alert in tx.session.exec(select(AlertRow).where(*raised).order_by(col(AlertRow.id)))
    )
    sent_in = select(func.count()).where(
        col(ConversationRow.purpose).in_(CHECK_INS),
        ConversationRow.stage == Stage.SUBMITTED,
        ConversationRow.moved_at >= since,
        ConversationRow.moved_at <= until,
    )
    begun = (
        select(ConversationRow.patient_id, func.min(ConversationRow.opened_at).label("at"))
        .where(col(ConversationRow.purpose).in_(CHECK_INS))
        .group_by(col(ConversationRow.patient_id))
        .subquery()
    )
    of_check_ins = (
        select(func.count())
        .select_from(AlertRow)
        .join(begun, begun.c.patient_id == AlertRow.patient_id)
        .where(*raised, col(AlertRow.tier).in_([tier for tier in Tier if tier.is_pressing]))
        .where(AlertRow.raised_at >= begun.c.at)
    )
    return Period(since, until, lives, tx.session.exec(sent_in).one(), tx.session.exec(of_check_ins).one())
