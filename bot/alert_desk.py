"""What clinicians do with alerts: take them, hand them over, resolve them, leave a note, ask why, read the trace."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import escape

from bot.buttons import Deed, StaffButton, staff_button
from bot.figures import MOST_DAYS, in_short
from bot.inbound import Incoming
from bot.ladder import STEPS, URGENCY, Ladder
from bot.render import LONGEST, LONGEST_ECHO, Rendered, Renderer, cut
from bot.why import Why
from flows.catalogue import Catalogue
from flows.escalation import Outcome, Role, Tier
from flows.events import AlertSeen, Enrolled, Sought, VisitMissed
from flows.figures import figures
from flows.lifecycle import ALERT, AlertState, AlertStep, allows
from flows.redflags import DRILL
from storage import alerts, audit, clinicians, outbox, patients, timers
from storage.alerts import TraceLine
from storage.database import Transaction
from storage.figures import period
from storage.outbox import Urgency
from storage.tables import AlertRow, ClinicianRow, PatientRow

Tapped = tuple[int, int] | None
"""The message whose button was tapped: chat and message id."""

READERS = frozenset({Role.PHYSICIAN, Role.THERAPIST})
"""Who may open a patient's record, and read what an alert was fired by."""

MOST_TRACED = 40
"""The newest lines of a trace that are shown."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a clinician's update: the word for the tapped button, and what happens to a patient."""

    toast: str | None = None
    patient: PatientRow | None = None
    event: Enrolled | Sought | VisitMissed | AlertSeen | None = None


@dataclass(frozen=True, slots=True)
class AlertDesk:
    """Where clinicians take alerts, by a button or by its number."""

    catalogue: Catalogue
    renderer: Renderer
    ladder: Ladder

    def on_button(
        self, tx: Transaction, clinician: ClinicianRow, button: StaffButton, incoming: Incoming, now: datetime
    ) -> Done:
        """A deed on an alert. A button of an alert that went on meanwhile is answered with who has it."""
        alert, chat_id = alerts.by_number(tx, button.number), incoming.chat_id
        if alert is None:
            self._reply(tx, chat_id, self.renderer.staff("not_found", what=f"alert A-{button.number}"), now)
            return Done(self.renderer.staff_word("toasts", "unknown"))
        if button.deed is Deed.WHY:
            return self._tell_why(tx, clinician, alert, chat_id, now)
        if button.deed is Deed.TRACE:
            return self._tell_trace(tx, clinician, alert, chat_id, now)
        done = self._move(tx, clinician, alert, button, incoming, now=now)
        if incoming.callback_id is None and done.toast is not None:
            self._reply(tx, chat_id, Rendered(str(escape(done.toast)), []), now)
        return done

    def keep_note(
        self, tx: Transaction, clinician: ClinicianRow, alert_number: int, words: str, *, chat_id: int, now: datetime
    ) -> None:
        """A clinician's own words about an alert, kept sealed in its trace."""
        alert = alerts.by_number(tx, alert_number)
        if alert is None:
            self._reply(tx, chat_id, self.renderer.staff("not_found", what=f"alert A-{alert_number}"), now)
            return
        alerts.note(tx, alert, "note", by=clinician.id, words=words, now=now)
        audit.note(tx, f"clinician:{clinician.id}", "note", f"alert:{alert_number}", now=now)
        self._reply(tx, chat_id, Rendered(self.renderer.staff_word("toasts", "noted"), []), now)

    def list_open(self, tx: Transaction, chat_id: int, now: datetime) -> None:
        """Every open alert, each with its buttons."""
        found = alerts.open_ones(tx)
        for alert in found:
            parameters = self.ladder.view(tx, alert).parameters(chat_id)
            outbox.put(
                tx, chat_id, "sendMessage", parameters, urgency=Urgency.REPLY, now=now, topic=alerts.scope(alert)
            )
        if not found:
            self._reply(tx, chat_id, self.renderer.staff("no_alerts"), now)

    def drill(self, tx: Transaction, clinician: ClinicianRow, kind: str, *, chat_id: int, now: datetime) -> None:
        """Raise a drill of a kind (a tier; an emergency when it is empty), unless one is open."""
        wanted = "_".join(kind.lower().replace("-", " ").split()) or Tier.EMERGENCY
        if wanted not in set(Tier):
            word = self.renderer.staff_word("toasts", "no_tier", names=", ".join(Tier))
            self._reply(tx, chat_id, Rendered(word, []), now)
            return
        alert, is_new = self.ladder.drill(tx, Tier(wanted), now=now)
        number, due = alerts.number(alert), timers.due_at(tx, alerts.scope(alert), alerts.PAGE) or now
        if is_new:
            audit.note(tx, f"clinician:{clinician.id}", "drill", f"alert:{number}", now=now, reason=wanted)
        name = ("drill_waits" if due > now else "drill") if is_new else "drill_open"
        at = f"{due.astimezone(ZoneInfo(self.catalogue.clinic.zone)):%a %H:%M}"
        told = Rendered(self.renderer.staff_word("toasts", name, number=f"{number}", due=at), [])
        urgency = URGENCY[Tier(wanted)]  # that of the page: so the answer comes before it
        outbox.put(tx, chat_id, "sendMessage", told.parameters(chat_id), urgency=urgency, now=now)

    def tell_figures(self, tx: Transaction, clinician: ClinicianRow, days: int, *, chat_id: int, now: datetime) -> None:
        """The figures of the last days in short, for physicians."""
        actor, reason = f"clinician:{clinician.id}", f"{days} days"
        if Role(clinician.role) is not Role.PHYSICIAN:
            self._reply(tx, chat_id, Rendered(self.renderer.staff_word("toasts", "figures_refused"), []), now)
            audit.note(tx, actor, "figures refused", "clinic", now=now, reason=reason)
            return
        if not 1 <= days <= MOST_DAYS:
            self._reply(
                tx, chat_id, Rendered(self.renderer.staff_word("toasts", "no_figures", days=f"{days}"), []), now
            )
            return
        counted = figures(period(tx, now - timedelta(days=days), now), self.catalogue)
        self._reply(tx, chat_id, in_short(counted, self.renderer), now)
        audit.note(tx, actor, "figures", "clinic", now=now, reason=reason)

    def _move(
        self,
        tx: Transaction,
        clinician: ClinicianRow,
        alert: AlertRow,
        button: StaffButton,
        incoming: Incoming,
        *,
        now: datetime,
    ) -> Done:
        if not allows(ALERT, AlertState(alert.state), STEPS[button.deed]):
            word = "resolved" if alert.state == AlertState.RESOLVED else "taken"
            who, ago = clinicians.name_of(tx, alert.taken_by), _ago(now - (alert.taken_at or now))
            return Done(self.renderer.staff_word("toasts", word, who=who, ago=ago))
        outcome = next((each for each in Outcome if each == button.choice), None)
        if button.deed is Deed.RESOLVE and alert.rule == DRILL:
            outcome = Outcome.NO_ACTION
        if button.deed is Deed.RESOLVE and outcome is None:
            self._offer(tx, incoming.chat_id, alert, button.deed, self._outcomes(), now=now)
            return Done()
        colleagues = {f"{one.id}": one.name for one in clinicians.team(tx, now) if one.id != clinician.id}
        if button.deed is Deed.HAND_OVER and button.choice not in colleagues:
            if not colleagues:
                return Done(self.renderer.staff_word("toasts", "nobody_else"))
            self._offer(tx, incoming.chat_id, alert, button.deed, colleagues, now=now)
            return Done()
        tapped = (incoming.chat_id, incoming.message_id) if incoming.data and incoming.message_id is not None else None
        if button.choice and tapped is not None:  # the question who or what, which has its answer now
            chosen = {"chat_id": tapped[0], "message_id": tapped[1]}
            outbox.put(tx, tapped[0], "editMessageReplyMarkup", chosen, urgency=Urgency.REPLY, now=now)
            tapped = None
        to = int(button.choice) if button.deed is Deed.HAND_OVER else None
        self.ladder.move(tx, alert, button.deed, clinician.id, now=now, to=to, outcome=outcome, tapped=tapped)
        reason = str(outcome or (f"to clinician:{to}" if to is not None else ""))
        audit.note(tx, f"clinician:{clinician.id}", button.deed, f"alert:{button.number}", now=now, reason=reason)
        who = colleagues.get(button.choice, "")
        words = {Deed.ESCALATE: "escalated", Deed.HAND_OVER: "handed_over", Deed.RESOLVE: "resolved_now"}
        word = self.renderer.staff_word("toasts", words.get(button.deed, "done"), who=who, number=f"{button.number}")
        if button.deed is not Deed.ACK or alert.patient_id is None or not self._is_told(alert):
            return Done(word)
        if any(map(self._is_told, alerts.acknowledged_lately(tx, alert, now))):
            return Done(word)
        return Done(word, patients.by_id(tx, alert.patient_id), AlertSeen(alert.rule))

    def _is_told(self, alert: AlertRow) -> bool:
        """Whether a patient hears that this alert was acknowledged: it is pressing, and they were told of it."""
        rule = self.catalogue.rule(alert.rule)
        return Tier(alert.tier).is_pressing and rule is not None and rule.message is not None

    def _outcomes(self) -> dict[str, str]:
        return {outcome: self.renderer.staff_word("came_of_it", outcome) for outcome in Outcome}

    def _offer(
        self, tx: Transaction, chat_id: int, alert: AlertRow, deed: Deed, choices: Mapping[str, str], *, now: datetime
    ) -> None:
        """Ask to whom an alert is handed over, or what came of it: one button each."""
        number = alerts.number(alert)
        asked = self.renderer.staff_word("asked", deed, number=f"{number}")
        rows = [[{"text": text, "callback_data": staff_button(deed, number, key)}] for key, text in choices.items()]
        self._reply(tx, chat_id, Rendered(asked, rows), now)

    def _tell_why(self, tx: Transaction, clinician: ClinicianRow, alert: AlertRow, chat_id: int, now: datetime) -> Done:
        """Why an alert was raised. The answers behind it only for who may open the record."""
        number, may_read = alerts.number(alert), Role(clinician.role) in READERS
        code = "" if alert.patient_id is None else patients.by_id(tx, alert.patient_id).code
        occasions = alerts.occasions(tx, [number]).get(number, ()) if may_read else ()
        told = Why(self.catalogue, self.renderer).told(alert, code, occasions, may_read=may_read)
        self._reply(tx, chat_id, told, now, protect_content=True)
        reason = "" if may_read else "without the answers"
        audit.note(tx, f"clinician:{clinician.id}", Deed.WHY, f"alert:{number}", now=now, reason=reason)
        return Done()

    def _tell_trace(
        self, tx: Transaction, clinician: ClinicianRow, alert: AlertRow, chat_id: int, now: datetime
    ) -> Done:
        """All that happened to an alert, and what became of every page. Notes only for who may open the record."""
        number, may_read = alerts.number(alert), Role(clinician.role) in READERS
        lines = list(self._traced(tx, alerts.trace(tx, alert), may_read))
        shown = lines[-MOST_TRACED:]
        while True:
            message = self.renderer.staff("trace", number=number, lines=shown, left_out=len(lines) - len(shown))
            if len(message.html.encode("utf-16-le")) // 2 <= LONGEST:  # as Telegram counts
                break
            shown = shown[1:]
        self._reply(tx, chat_id, message, now, protect_content=True)
        audit.note(tx, f"clinician:{clinician.id}", Deed.TRACE, f"alert:{number}", now=now)
        return Done()

    def _traced(self, tx: Transaction, lines: Sequence[TraceLine], may_read: bool) -> Iterator[dict[str, object]]:
        zone = ZoneInfo(self.catalogue.clinic.zone)
        for line in lines:
            who = clinicians.name_of(tx, line.clinician_id) if line.clinician_id is not None else ""
            yield {
                "at": f"{line.at.astimezone(zone):%b %-d, %H:%M:%S}",
                "kind": self.renderer.staff_word("trace", line.kind),
                "who": who or (self.renderer.staff_word("trace", "fallback") if line.delivery is not None else ""),
                "page": line.page,
                "delivery": "" if line.delivery is None else self.renderer.staff_word("trace", line.delivery),
                "attempts": line.attempts,
                "sent_at": "" if line.sent_at is None else f"{line.sent_at.astimezone(zone):%H:%M:%S}",
                "reason": line.reason,
                "words": self._told(line, may_read),
            }

    def _told(self, line: TraceLine, may_read: bool) -> str:
        """The outcome, or a note in somebody's own words."""
        if line.kind == AlertStep.RESOLVE and line.words:
            return self.renderer.staff_word("came_of_it", line.words)
        return cut(line.words, LONGEST_ECHO) if may_read or not line.words else "…"

    def _reply(self, tx: Transaction, chat_id: int, message: Rendered, now: datetime, **more: object) -> None:
        outbox.put(tx, chat_id, "sendMessage", message.parameters(chat_id, **more), urgency=Urgency.REPLY, now=now)


def _ago(passed: timedelta) -> str:
    minutes = int(passed.total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago"
