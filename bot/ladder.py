"""The ladder of an alert: page this step's people now, and set the timer for the next step, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from bot.buttons import ON_ALERTS, Deed
from bot.lifeline import Lifeline
from bot.render import Rendered, Renderer
from flows.catalogue import Catalogue
from flows.effects import Raise
from flows.escalation import Outcome, Tier, recipients
from flows.lifecycle import ALERT, TAKEN, UNTAKEN, AlertState, AlertStep, allows
from flows.redflags import DRILL
from storage import alerts, clinicians, outbox, patients, timers
from storage.alerts import CONTACT, PAGE
from storage.database import Transaction
from storage.outbox import Urgency
from storage.tables import AlertRow

log = structlog.get_logger()

URGENCY = {
    Tier.EMERGENCY: Urgency.EMERGENCY,
    Tier.URGENT: Urgency.URGENT,
    Tier.SAME_DAY: Urgency.ROUTINE,
    Tier.ROUTINE: Urgency.ROUTINE,
}
STEPS = {
    Deed.ACK: AlertStep.ACKNOWLEDGE,
    Deed.CONTACT: AlertStep.CONTACT,
    Deed.HAND_OVER: AlertStep.HAND_OVER,
    Deed.ESCALATE: AlertStep.ESCALATE,
    Deed.RESOLVE: AlertStep.RESOLVE,
}
AGAIN = frozenset({AlertStep.HAND_OVER, AlertStep.ESCALATE})
"""Steps after which somebody is paged at once."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Who is paged, and when again, until somebody has taken the alert and spoken with the patient."""

    catalogue: Catalogue
    renderer: Renderer
    lifeline: Lifeline

    def raise_(self, tx: Transaction, patient_id: int | None, raised: Raise, *, now: datetime) -> AlertRow:
        """Raise an alert, or add to the open one, and page at once where that is needed."""
        merge = self.catalogue.policies[raised.tier].merge
        alert, page_now = alerts.raise_(tx, patient_id, raised.rule, raised.tier, raised.evidence, merge=merge, now=now)
        if page_now:
            self._call(tx, alert, now)
        return alert

    def drill(self, tx: Transaction, tier: Tier, *, now: datetime) -> tuple[AlertRow, bool]:
        """Raise a drill, or find the one that is open; the bool says whether it is new.

        Its timer pages it: so a process without Telegram can raise it, and the bot's ticker does the rest.
        """
        alert = alerts.open_drill(tx)
        if alert is not None:
            return alert, False
        alert, _ = alerts.raise_(tx, None, DRILL, tier, (), merge=self.catalogue.policies[tier].merge, now=now)
        timers.put(tx, alerts.scope(alert), PAGE, self._within_hours(alert, now), PAGE)
        return alert, True

    def ring(self, tx: Transaction, alert: AlertRow, key: str, *, now: datetime) -> None:
        """A timer of an alert is due: page again, or find that nobody has spoken with the patient in time."""
        if key == PAGE:
            self.page(tx, alert, now=now)
        elif key == CONTACT and allows(ALERT, AlertState(alert.state), AlertStep.OVERDUE):
            alert.step = 0
            alerts.move(tx, alert, AlertStep.OVERDUE, now=now)
            self._call(tx, alert, now)

    def page(self, tx: Transaction, alert: AlertRow, *, now: datetime) -> None:
        """Page the people of the present step, and the fallback where the step says so or where there is nobody."""
        if not allows(ALERT, AlertState(alert.state), AlertStep.PAGE):
            return
        policy, rule = self.catalogue.policies[Tier(alert.tier)], self.catalogue.rule(alert.rule)
        step, team = policy.step(alert.step), clinicians.team(tx, now)
        is_handed_over = alert.state == AlertState.RAISED and alert.handed_to in {one.id for one in team}
        if is_handed_over:
            called: Sequence[int] = [one.id for one in team if one.id == alert.handed_to]
        else:
            called = recipients(step, rule.owners if rule is not None else (), team)
            alert.step, alert.handed_to = alert.step + 1, None
        alerts.move(tx, alert, AlertStep.PAGE, now=now)
        timers.put(tx, alerts.scope(alert), PAGE, self._within_hours(alert, now + step.wait), PAGE)
        tx.session.flush()
        number, urgency, message = alerts.pages(tx, alert), URGENCY[Tier(alert.tier)], self.view(tx, alert)
        for clinician_id in called:
            chat_id = clinicians.chat_of(tx, clinician_id)
            letter = outbox.put(
                tx,
                chat_id,
                "sendMessage",
                message.parameters(chat_id, disable_notification=policy.silent),
                urgency=urgency,
                now=now,
                topic=alerts.scope(alert),
                alert_id=alerts.number(alert),
            )
            alerts.paged(tx, alert, letter, number, clinician_id)
        if not called or (step.calls_fallback and not is_handed_over):
            self._hand_to_fallback(tx, alert, number, now, nobody=not team)

    def _hand_to_fallback(self, tx: Transaction, alert: AlertRow, page: int, now: datetime, *, nobody: bool) -> None:
        """Page without Telegram, without content."""
        words = plain_words(alert)
        if nobody:
            log.error("nobody can be paged", alert=alerts.number(alert), tier=alert.tier)
            words += " No clinician can be paged."
        title = f"{plain_title(alert)}, page {page}"
        urgency = URGENCY[Tier(alert.tier)]
        for letter in self.lifeline.hand(tx, title, words, urgency=urgency, now=now, alert_id=alerts.number(alert)):
            alerts.paged(tx, alert, letter, page, None)

    def move(
        self,
        tx: Transaction,
        alert: AlertRow,
        deed: Deed,
        by: int,
        *,
        now: datetime,
        to: int | None = None,
        outcome: Outcome | None = None,
        tapped: tuple[int, int] | None = None,
    ) -> None:
        """A clinician's deed on an alert; the pages show it, first the one (chat, message) that was tapped.

        `to` is the colleague whom it is handed to; `outcome` is what came of it. Raises NotAllowedError.
        """
        step = STEPS[deed]
        alerts.move(tx, alert, step, by=by, words=outcome or "", now=now)
        alert.handed_to, alert.outcome = to, outcome
        if step is AlertStep.ACKNOWLEDGE and alert.patient_id is not None:
            due = now + self.catalogue.policies[Tier(alert.tier)].contact
            timers.put(tx, alerts.scope(alert), CONTACT, self._within_hours(alert, due), CONTACT)
        if step is AlertStep.HAND_OVER:
            alert.step = 0
        tx.session.flush()
        if step in AGAIN:
            self.page(tx, alert, now=now)
        else:
            outbox.drop_pages(tx, alerts.number(alert))
        self.show(tx, alert, now=now, tapped=tapped)

    def show(self, tx: Transaction, alert: AlertRow, *, now: datetime, tapped: tuple[int, int] | None = None) -> None:
        """Every page of an alert, the newest in each chat, shows how it stands now."""
        view = self.view(tx, alert)
        newest = outbox.latest(tx, alerts.scope(alert)).items()
        for chat_id, message_id in dict.fromkeys([tapped, *newest] if tapped is not None else newest):
            parameters = view.parameters(chat_id, message_id=message_id)
            outbox.put(tx, chat_id, "editMessageText", parameters, urgency=Urgency.REPLY, now=now)

    def arrived(self, tx: Transaction, alert_id: int, chat_id: int, message_id: int, *, now: datetime) -> None:
        """A page has arrived; when somebody took the alert while it was on its way, it is put right."""
        alert = alerts.by_number(tx, alert_id)
        if alert is not None and alert.state not in UNTAKEN:
            parameters = self.view(tx, alert).parameters(chat_id, message_id=message_id)
            outbox.put(tx, chat_id, "editMessageText", parameters, urgency=Urgency.REPLY, now=now)

    def view(self, tx: Transaction, alert: AlertRow, deeds: Sequence[Deed] | None = None) -> Rendered:
        """An alert as clinicians see it: how urgent, its number, the rule's title, the patient's code; no content."""
        rule = self.catalogue.rule(alert.rule)
        state, zone = AlertState(alert.state), ZoneInfo(self.catalogue.clinic.zone)
        taken = state in {*TAKEN, AlertState.RESOLVED}
        is_about_patient = alert.patient_id is not None
        if deeds is None:
            steps = [deed for deed in ON_ALERTS if allows(ALERT, state, STEPS[deed])]
            steps = [deed for deed in steps if is_about_patient or deed is not Deed.CONTACT]
            deeds = [*steps, Deed.WHY, Deed.TRACE, *([Deed.RECORD] if is_about_patient else [])]
        due = timers.due_at(tx, alerts.scope(alert), alerts.awaits(alert) or "")
        return self.renderer.staff(
            "alert",
            deeds,
            alerts.number(alert),
            sign=self.renderer.staff_word("signs", alert.tier),
            tier=self.renderer.staff_word("tiers", alert.tier),
            attempt=alerts.pages(tx, alert),
            title=rule.title if rule is not None else alert.rule,
            rule=alert.rule,
            is_drill=alert.rule == DRILL,
            code=patients.by_id(tx, alert.patient_id).code if alert.patient_id is not None else "",
            state=self.renderer.staff_word("states", state),
            is_taken=taken,
            who=clinicians.name_of(tx, alert.taken_by) if alert.taken_by is not None else "",
            at=f"{alert.taken_at.astimezone(zone):%H:%M}" if alert.taken_at is not None else "",
            outcome=self.renderer.staff_word("came_of_it", alert.outcome) if alert.outcome else "",
            handed_to=clinicians.name_of(tx, alert.handed_to) if alert.handed_to is not None else "",
            due=f"{due.astimezone(zone):%a %H:%M}" if due is not None else "",
        )

    def _call(self, tx: Transaction, alert: AlertRow, now: datetime) -> None:
        """Page now, or when the clinic opens where the alert may wait for that."""
        due = self._within_hours(alert, now)
        if due <= now:
            self.page(tx, alert, now=now)
        else:
            timers.put(tx, alerts.scope(alert), PAGE, due, PAGE)

    def _within_hours(self, alert: AlertRow, due: datetime) -> datetime:
        """The time itself, or the next opening where the tier or the rule lets the alert wait for it."""
        return self.catalogue.within_hours(alert.rule, Tier(alert.tier), due)


def plain_title(alert: AlertRow) -> str:
    """The kind, number and tier of an alert, for channels that must not know more."""
    kind = "DRILL, alert" if alert.rule == DRILL else "Alert"
    return f"{kind} A-{alerts.number(alert)} ({Tier(alert.tier).label})"


def plain_words(alert: AlertRow) -> str:
    """What an alert is about, for channels that must not know more."""
    if alert.rule == DRILL:
        return "This is a drill: nobody is in danger. Please acknowledge it on Telegram."
    return "A patient needs a person." if alert.patient_id is not None else "The clinic needs somebody to look."
