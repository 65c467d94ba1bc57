"""What clinicians do in Telegram: accept an invitation, take alerts, answer requests."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.buttons import ON_ALERTS, Deed, StaffButton, read_staff_button
from bot.inbound import Incoming
from bot.ladder import Ladder
from bot.render import Rendered, Renderer
from flows.catalogue import Catalogue
from flows.effects import RequestKind
from flows.escalation import Role
from flows.events import ChannelLost, Sent
from flows.lifecycle import PATIENT, AlertState, Move, NotAllowedError, Standing, allows
from flows.listener import Signal
from storage import alerts, audit, clinicians, outbox, patients, visits
from storage.database import Transaction
from storage.outbox import Urgency
from storage.tables import ClinicianRow, PatientRow, RequestRow

Tapped = tuple[int, int] | None
"""The message whose button was tapped: chat and message id."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a clinician's update: the word for the tapped button, and whom to enrol."""

    toast: str | None = None
    enrol: PatientRow | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """The clinicians' side of the bot. Sender and rights are looked up for every tap."""

    catalogue: Catalogue
    renderer: Renderer
    ladder: Ladder

    def accept(self, tx: Transaction, token: str, incoming: Incoming, *, now: datetime) -> None:
        """Bind a chat to the clinician whose invitation it opened."""
        clinician = clinicians.accept(tx, token, incoming.chat_id, now=now)
        if clinician is None:
            self._reply(tx, incoming.chat_id, self.renderer.staff("invitation_refused"), now)
            audit.note(tx, "stranger", "invitation refused", "clinic", now=now)
            return
        audit.note(tx, f"clinician:{clinician.id}", "accept invitation", f"clinician:{clinician.id}", now=now)
        name = clinicians.name_of(tx, clinician.id)
        self._reply(tx, incoming.chat_id, self.renderer.staff("welcome", name=name, role=clinician.role), now)
        menu = {"scope": {"type": "chat", "chat_id": incoming.chat_id}, "commands": self.renderer.menu(staff=True)}
        outbox.put(tx, incoming.chat_id, "setMyCommands", menu, urgency=Urgency.REPLY, now=now)
        self._list(tx, incoming.chat_id, now)

    def handle(self, tx: Transaction, clinician: ClinicianRow, incoming: Incoming, *, now: datetime) -> Done:
        """One update of a clinician. Who writes, or unblocks the bot, can be paged again."""
        clinician.reachable = not isinstance(incoming.event, ChannelLost)
        tx.session.add(clinician)
        if not incoming.text and not incoming.data and not isinstance(incoming.event, Sent):
            return Done()
        button = read_staff_button(incoming.data or incoming.text)
        if button is not None:
            return self._deed(tx, clinician, button, incoming, now)
        if incoming.data:
            return Done(self.renderer.staff_word("toasts", "unknown"))
        match incoming.text.split("@")[0].split(" ")[0].lower():
            case "/alerts":
                self._list_alerts(tx, incoming.chat_id, now)
            case "/requests":
                self._list_requests(tx, incoming.chat_id, now)
            case _:
                signals = self.catalogue.listener.hear(incoming.text)
                worrying = signals & {Signal.CRISIS, Signal.MEDICAL}
                self._reply(tx, incoming.chat_id, self.renderer.staff("worried" if worrying else "help"), now)
        return Done()

    def announce(self, tx: Transaction, request: RequestRow, *, now: datetime) -> None:
        """Tell the front desk of a new request; when there is nobody at it, everybody."""
        on_call = clinicians.on_call(tx)
        desk = [clinician for clinician, role in on_call.items() if role is Role.STAFF] or list(on_call)
        for clinician_id in desk:
            self._send_request(tx, clinicians.chat_of(tx, clinician_id), request, now)

    def _deed(
        self, tx: Transaction, clinician: ClinicianRow, button: StaffButton, incoming: Incoming, now: datetime
    ) -> Done:
        on_alert = button.deed in ON_ALERTS
        tapped = (incoming.chat_id, incoming.message_id) if incoming.data and incoming.message_id is not None else None
        done = (self._on_alert if on_alert else self._on_request)(tx, clinician, button, tapped, now)
        if done is None:
            what = f"alert A-{button.number}" if on_alert else f"request R-{button.number}"
            self._reply(tx, incoming.chat_id, self.renderer.staff("not_found", what=what), now)
            return Done(self.renderer.staff_word("toasts", "unknown"))
        if incoming.callback_id is None and done.toast is not None:
            self._reply(tx, incoming.chat_id, Rendered(done.toast, []), now)
        return done

    def _on_alert(
        self, tx: Transaction, clinician: ClinicianRow, button: StaffButton, tapped: Tapped, now: datetime
    ) -> Done | None:
        alert = alerts.by_number(tx, button.number)
        if alert is None:
            return None
        try:
            self.ladder.move(tx, alert, button.deed, clinician.id, now=now, tapped=tapped)
        except NotAllowedError:
            word = "resolved" if alert.state == AlertState.RESOLVED else "taken"
            who, ago = clinicians.name_of(tx, alert.taken_by), _ago(now - (alert.taken_at or now))
            return Done(self.renderer.staff_word("toasts", word, who=who, ago=ago))
        audit.note(tx, f"clinician:{clinician.id}", button.deed, f"alert:{button.number}", now=now)
        return Done(self.renderer.staff_word("toasts", "escalated" if button.deed is Deed.ESCALATE else "done"))

    def _on_request(
        self, tx: Transaction, clinician: ClinicianRow, button: StaffButton, tapped: Tapped, now: datetime
    ) -> Done | None:
        request = visits.by_number(tx, button.number)
        if request is None:
            return None
        patient = patients.by_id(tx, request.patient_id)
        enrol = button.deed is Deed.ENROL and allows(PATIENT, Standing(patient.standing), Move.ENROL)
        if not request.is_open and not enrol:
            return Done(self.renderer.staff_word("toasts", "closed"))
        visits.close(tx, request, clinician.id, now=now)
        tx.session.flush()
        self._show_request(tx, request, enrol, tapped, now)
        audit.note(tx, f"clinician:{clinician.id}", button.deed, f"request:{button.number}", now=now)
        word = self.renderer.staff_word("toasts", "enrolled" if enrol else "done")
        return Done(word, patient if enrol else None)

    def _list(self, tx: Transaction, chat_id: int, now: datetime) -> None:
        if alerts.open_ones(tx):
            self._list_alerts(tx, chat_id, now)
        if visits.open_ones(tx):
            self._list_requests(tx, chat_id, now)

    def _list_alerts(self, tx: Transaction, chat_id: int, now: datetime) -> None:
        found = alerts.open_ones(tx)
        for alert in found:
            parameters = self.ladder.view(tx, alert).parameters(chat_id)
            outbox.put(
                tx, chat_id, "sendMessage", parameters, urgency=Urgency.REPLY, now=now, topic=alerts.scope(alert)
            )
        if not found:
            self._reply(tx, chat_id, self.renderer.staff("no_alerts"), now)

    def _list_requests(self, tx: Transaction, chat_id: int, now: datetime) -> None:
        found = visits.open_ones(tx)
        for request in found:
            self._send_request(tx, chat_id, request, now)
        if not found:
            self._reply(tx, chat_id, self.renderer.staff("no_requests"), now)

    def _send_request(self, tx: Transaction, chat_id: int, request: RequestRow, now: datetime) -> None:
        parameters = self._request(tx, request).parameters(chat_id)
        outbox.put(tx, chat_id, "sendMessage", parameters, urgency=Urgency.REPLY, now=now, topic=visits.topic(request))

    def _show_request(
        self, tx: Transaction, request: RequestRow, enrolled: bool, tapped: Tapped, now: datetime
    ) -> None:
        view = self._request(tx, request, enrolled)
        sent = outbox.message_ids(tx, visits.topic(request))
        for chat_id, message_id in dict.fromkeys([tapped, *sent] if tapped is not None else sent):
            parameters = view.parameters(chat_id, message_id=message_id)
            outbox.put(tx, chat_id, "editMessageText", parameters, urgency=Urgency.REPLY, now=now)

    def _request(self, tx: Transaction, request: RequestRow, enrolled: bool = False) -> Rendered:
        patient = patients.by_id(tx, request.patient_id)
        can_enrol = not enrolled and allows(PATIENT, Standing(patient.standing), Move.ENROL)
        deeds = [Deed.ENROL] if request.kind == RequestKind.CONSULTATION and can_enrol else []
        deeds += [Deed.CLOSE] if request.is_open else []
        at = (request.closed_at or request.opened_at).astimezone(ZoneInfo(self.catalogue.clinic.zone))
        return self.renderer.staff(
            "request",
            deeds,
            visits.number(request),
            kind=request.kind,
            code=patient.code,
            is_open=request.is_open,
            who=clinicians.name_of(tx, request.closed_by),
            at=f"{at:%b %-d, %H:%M}",
        )

    def _reply(self, tx: Transaction, chat_id: int, message: Rendered, now: datetime) -> None:
        outbox.put(tx, chat_id, "sendMessage", message.parameters(chat_id), urgency=Urgency.REPLY, now=now)


def _ago(passed: timedelta) -> str:
    minutes = int(passed.total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago"
