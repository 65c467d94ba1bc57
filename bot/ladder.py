"""The ladder of an alert: page this step's people now, and set the timer for the next step, in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from bot.buttons import ON_ALERTS, Deed
from bot.lifeline import Lifeline
from bot.render import Rendered, Renderer
from flows.catalogue import Catalogue
from flows.effects import Raise
from flows.escalation import Tier, recipients
from flows.lifecycle import ALERT, AlertState, AlertStep, allows
from storage import alerts, clinicians, outbox, patients, timers
from storage.database import Transaction
from storage.outbox import Urgency
from storage.tables import AlertRow

log = structlog.get_logger()

URGENCY = {Tier.EMERGENCY: Urgency.EMERGENCY, Tier.URGENT: Urgency.URGENT, Tier.ROUTINE: Urgency.ROUTINE}
STEPS = {Deed.ACK: AlertStep.ACKNOWLEDGE, Deed.RESOLVE: AlertStep.RESOLVE, Deed.ESCALATE: AlertStep.ESCALATE}


@dataclass(frozen=True, slots=True)
class Ladder:
    """Who is paged, and when again, until somebody acknowledges."""

    catalogue: Catalogue
    renderer: Renderer
    lifeline: Lifeline

    def raise_(self, tx: Transaction, patient_id: int, raised: Raise, *, now: datetime) -> None:
        """Raise an alert, or add to the open one, and page at once where that is needed."""
        alert, page_now = alerts.raise_(tx, patient_id, raised.rule, raised.tier, raised.evidence, now=now)
        if page_now:
            self.page(tx, alert, now=now)

    def page(self, tx: Transaction, alert: AlertRow, *, now: datetime) -> None:
        """Page the people of the present step; when there is nobody, hand the page to the fallback channel."""
        if not allows(ALERT, AlertState(alert.state), AlertStep.PAGE):
            return
        policy = self.catalogue.policies[Tier(alert.tier)]
        step = policy.step(alert.step)
        alert.step += 1
        alerts.move(tx, alert, AlertStep.PAGE, now=now)
        timers.put(tx, alerts.scope(alert), alerts.PAGE, now + step.wait, alerts.PAGE)
        tx.session.flush()
        urgency, message = URGENCY[Tier(alert.tier)], self.view(tx, alert)
        rule = self.catalogue.rule(alert.rule)
        paged = recipients(step, rule.owners if rule is not None else (), clinicians.on_call(tx))
        for clinician_id in paged:
            chat_id = clinicians.chat_of(tx, clinician_id)
            outbox.put(
                tx,
                chat_id,
                "sendMessage",
                message.parameters(chat_id, disable_notification=policy.silent),
                urgency=urgency,
                now=now,
                topic=alerts.scope(alert),
                alert_id=alerts.number(alert),
            )
        if not paged:
            log.error("nobody can be paged", alert=alerts.number(alert), tier=alert.tier)
            title = f"Alert A-{alerts.number(alert)} ({alert.tier})"
            body = "A patient needs a person, and no clinician can be paged."
            self.lifeline.hand(tx, title, body, urgency=urgency, now=now, alert_id=alerts.number(alert))

    def move(
        self,
        tx: Transaction,
        alert: AlertRow,
        deed: Deed,
        by: int,
        *,
        now: datetime,
        tapped: tuple[int, int] | None = None,
    ) -> None:
        """A clinician's deed on an alert; the pages show it, first the one (chat, message) that was tapped.

        Raises NotAllowedError.
        """
        alerts.move(tx, alert, STEPS[deed], by=by, now=now)
        tx.session.flush()
        if deed is Deed.ESCALATE:
            self.page(tx, alert, now=now)
        view = self.view(tx, alert)
        newest = outbox.latest(tx, alerts.scope(alert)).items()
        for chat_id, message_id in dict.fromkeys([tapped, *newest] if tapped is not None else newest):
            parameters = view.parameters(chat_id, message_id=message_id)
            outbox.put(tx, chat_id, "editMessageText", parameters, urgency=Urgency.REPLY, now=now)

    def view(self, tx: Transaction, alert: AlertRow) -> Rendered:
        """An alert as clinicians see it: how urgent, its number, the rule's title, the patient's code."""
        rule = self.catalogue.rule(alert.rule)
        state, zone = AlertState(alert.state), ZoneInfo(self.catalogue.clinic.zone)
        taken = state in {AlertState.ACKNOWLEDGED, AlertState.RESOLVED}
        return self.renderer.staff(
            "alert",
            [*(deed for deed in ON_ALERTS if allows(ALERT, state, STEPS[deed])), Deed.WHY, Deed.RECORD],
            alerts.number(alert),
            sign=self.renderer.staff_word("signs", alert.tier),
            tier=alert.tier,
            attempt=alerts.pages(tx, alert),
            title=rule.title if rule is not None else alert.rule,
            rule=alert.rule,
            code=patients.by_id(tx, alert.patient_id).code,
            state=self.renderer.staff_word("states", state),
            who=clinicians.name_of(tx, alert.taken_by) if taken else "",
            at=f"{alert.taken_at.astimezone(zone):%H:%M}" if alert.taken_at else "",
        )
