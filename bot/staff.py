"""What clinicians do in Telegram: accept an invitation, take alerts, answer requests."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import escape

from bot.alert_desk import READERS, AlertDesk, Done, Tapped
from bot.buttons import (
    OF_ALERTS,
    Deed,
    PlanButton,
    RecordButton,
    StaffButton,
    plan_button,
    read_plan_button,
    read_staff_button,
)
from bot.figures import DAYS
from bot.inbound import Incoming
from bot.on_call import OnCall
from bot.one_page import OnePage
from bot.render import Rendered, Renderer
from flows.care import Channel
from flows.catalogue import Catalogue
from flows.conversation import Purpose
from flows.effects import RequestKind
from flows.escalation import Role
from flows.events import ChannelLost, Enrolled, Sent, Sought, VisitMissed
from flows.fhir import written
from flows.lifecycle import PATIENT, Move, Standing, allows
from flows.listener import Signal
from flows.taper import PlanStep
from storage import alerts, audit, clinicians, conversations, outbox, patients, plans, records, visits
from storage.database import Transaction
from storage.outbox import Urgency
from storage.tables import ClinicianRow, PatientRow, RequestRow

ASK = re.compile(r"/?ask\s+(p-[0-9a-z]{5})\s+(\S{1,100})", re.IGNORECASE)
"""A clinician types `ask P-7K3FA phq-9`."""

MISSED = re.compile(r"/?missed\s+(p-[0-9a-z]{5})", re.IGNORECASE)
"""A clinician types `missed P-7K3FA` when somebody did not come to a visit."""

NOTE = re.compile(r"/?note\s+(?:a-|#)?([0-9]{1,12})\s+(\S.{0,2000})", re.IGNORECASE | re.DOTALL)
"""A clinician types `note 17 spoke with her, she is safe`."""

DRILL = re.compile(r"/?drill(?:@\w+)?(?:\s+(\S.{0,40}))?", re.IGNORECASE)
"""A clinician types `drill` or `drill urgent` to try the paging out."""

FIGURES = re.compile(r"/?figures(?:@\w+)?(?:\s+([0-9]{1,6}))?", re.IGNORECASE)
"""A physician types `figures` or `figures 90`, for so many days."""


@dataclass(frozen=True, slots=True)
class Staff:
    """The clinicians' side of the bot. Sender and rights are looked up for every tap."""

    catalogue: Catalogue
    renderer: Renderer
    alerts: AlertDesk

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
        if isinstance(button, RecordButton):
            return self._on_record(tx, clinician, button, incoming, now)
        if button is not None and button.deed in OF_ALERTS:
            return self.alerts.on_button(tx, clinician, button, incoming, now)
        if button is not None:
            return self._on_request(tx, clinician, button, incoming, now)
        step = read_plan_button(incoming.data or incoming.text)
        if step is not None:
            return self._on_plan(tx, clinician, step, incoming, now)
        if incoming.data:
            return Done(self.renderer.staff_word("toasts", "unknown"))
        missed = MISSED.fullmatch(incoming.text.strip())
        if missed is not None:
            return self._on_missed(tx, clinician, missed[1], incoming.chat_id, now=now)
        asked = ASK.fullmatch(incoming.text.strip())
        if asked is not None:
            return self._on_ask(tx, clinician, asked, incoming.chat_id, now=now)
        noted = NOTE.fullmatch(incoming.text.strip())
        if noted is not None:
            self.alerts.keep_note(tx, clinician, int(noted[1]), noted[2], chat_id=incoming.chat_id, now=now)
            return Done()
        drilled = DRILL.fullmatch(incoming.text.strip())
        if drilled is not None:
            self.alerts.drill(tx, clinician, drilled[1] or "", chat_id=incoming.chat_id, now=now)
            return Done()
        wanted = FIGURES.fullmatch(incoming.text.strip())
        if wanted is not None:
            self.alerts.tell_figures(tx, clinician, int(wanted[1] or DAYS), chat_id=incoming.chat_id, now=now)
            return Done()
        about_rota = OnCall(self.catalogue, self.renderer).answer(tx, clinician, incoming.text, now=now)
        if about_rota is not None:
            self._reply(tx, incoming.chat_id, about_rota, now)
            return Done()
        match incoming.text.split("@")[0].split(" ")[0].lower():
            case "/alerts":
                self.alerts.list_open(tx, incoming.chat_id, now)
            case "/requests":
                self._list_requests(tx, incoming.chat_id, now)
            case _:
                signals = self.catalogue.listener.hear(incoming.text)
                worrying = signals & {Signal.CRISIS, Signal.MEDICAL}
                self._reply(tx, incoming.chat_id, self.renderer.staff("worried" if worrying else "help"), now)
        return Done()

    def announce(self, tx: Transaction, request: RequestRow, *, now: datetime) -> None:
        """Tell the front desk of a new request; when there is nobody at it, everybody."""
        team = clinicians.team(tx, now)
        for colleague in [one for one in team if one.role is Role.STAFF] or team:
            self._send_request(tx, clinicians.chat_of(tx, colleague.id), request, now)

    def _on_ask(
        self, tx: Transaction, clinician: ClinicianRow, asked: re.Match[str], chat_id: int, *, now: datetime
    ) -> Done:
        """A patient is sent a questionnaire of the catalogue, by its name."""
        code, name = asked.groups()
        patient, known = patients.by_code(tx, code), self.catalogue.questionnaires
        if patient is None:
            self._reply(tx, chat_id, self.renderer.staff("not_found", what=f"patient {code.upper()}"), now)
            return Done()
        word = "asked" if patient.channel == Channel.OPEN else "silent"
        word = word if name in known else "no_questionnaire"
        text = self.renderer.staff_word("toasts", word, wanted=name, names=", ".join(sorted(known)))
        self._reply(tx, chat_id, Rendered(str(escape(text)), []), now)
        if word != "asked":
            return Done()
        audit.note(tx, f"clinician:{clinician.id}", "ask", f"patient:{patient.id}", now=now, reason=name)
        return Done(patient=patient, event=Sought(name))

    def _on_missed(self, tx: Transaction, clinician: ClinicianRow, code: str, chat_id: int, *, now: datetime) -> Done:
        """A patient did not come to a visit: the rules look at that."""
        patient = patients.by_code(tx, code)
        if patient is None:
            self._reply(tx, chat_id, self.renderer.staff("not_found", what=f"patient {code.upper()}"), now)
            return Done()
        audit.note(tx, f"clinician:{clinician.id}", "visit missed", f"patient:{patient.id}", now=now)
        self._reply(tx, chat_id, Rendered(self.renderer.staff_word("toasts", "missed"), []), now)
        return Done(patient=patient, event=VisitMissed())

    def _on_plan(
        self, tx: Transaction, clinician: ClinicianRow, step: PlanButton, incoming: Incoming, now: datetime
    ) -> Done:
        """A step of the taper plan: a physician types it, and confirms that it was agreed in person today."""
        patient, actor, chat_id = patients.by_code(tx, step.code), f"clinician:{clinician.id}", incoming.chat_id
        if patient is None:
            self._reply(tx, chat_id, self.renderer.staff("not_found", what=f"patient {step.code}"), now)
            return Done()
        medicine = self.catalogue.medicines.find(step.medicine)
        is_known = medicine is not None and medicine.is_certain and medicine.medicine.is_tapered
        if Role(clinician.role) is not Role.PHYSICIAN or medicine is None or not is_known:
            reason = "plan_medicine" if Role(clinician.role) is Role.PHYSICIAN else "plan_refused"
            self._reply(tx, chat_id, self.renderer.staff(reason, what=step.medicine), now)
            audit.note(tx, actor, "plan step refused", f"patient:{patient.id}", now=now)
            return Done()
        known = replace(step, medicine=medicine.medicine.generic)
        if not incoming.data:
            asked = self.renderer.staff(
                "plan", code=step.code, medicine=medicine.medicine.label, milligrams=step.milligrams
            )
            button = {"text": self.renderer.staff_word("buttons", "plan"), "callback_data": plan_button(known)}
            self._reply(tx, chat_id, replace(asked, keyboard=[[button]]), now)
            return Done()
        today = now.astimezone(ZoneInfo(self.catalogue.clinic.zone)).date()
        plans.add(tx, patient.id, PlanStep(known.medicine, known.milligrams, today), by=clinician.id, now=now)
        audit.note(tx, actor, "plan step", f"patient:{patient.id}", now=now, reason="agreed at a visit in person")
        if incoming.message_id is not None:
            done = {"chat_id": chat_id, "message_id": incoming.message_id}
            outbox.put(tx, chat_id, "editMessageReplyMarkup", done, urgency=Urgency.REPLY, now=now)
        return Done(self.renderer.staff_word("toasts", "done"))

    def _on_request(
        self, tx: Transaction, clinician: ClinicianRow, button: StaffButton, incoming: Incoming, now: datetime
    ) -> Done:
        """A request is dealt with, or the patient behind it is enrolled."""
        request = visits.by_number(tx, button.number)
        if request is None:
            self._reply(tx, incoming.chat_id, self.renderer.staff("not_found", what=f"request R-{button.number}"), now)
            return Done(self.renderer.staff_word("toasts", "unknown"))
        tapped = (incoming.chat_id, incoming.message_id) if incoming.data and incoming.message_id is not None else None
        done = self._settle(tx, clinician, request, button.deed, tapped, now=now)
        if incoming.callback_id is None and done.toast is not None:
            self._reply(tx, incoming.chat_id, Rendered(done.toast, []), now)
        return done

    def _settle(
        self,
        tx: Transaction,
        clinician: ClinicianRow,
        request: RequestRow,
        deed: Deed,
        tapped: Tapped,
        *,
        now: datetime,
    ) -> Done:
        patient = patients.by_id(tx, request.patient_id)
        enrol = deed is Deed.ENROL and allows(PATIENT, Standing(patient.standing), Move.ENROL)
        if not request.is_open and not enrol:
            return Done(self.renderer.staff_word("toasts", "closed"))
        visits.close(tx, request, clinician.id, now=now)
        tx.session.flush()
        self._show_request(tx, request, enrol, tapped, now)
        audit.note(tx, f"clinician:{clinician.id}", deed, visits.topic(request), now=now)
        word = self.renderer.staff_word("toasts", "enrolled" if enrol else "done")
        return Done(word, patient, Enrolled()) if enrol else Done(word)

    def _on_record(
        self, tx: Transaction, clinician: ClinicianRow, button: RecordButton, incoming: Incoming, now: datetime
    ) -> Done:
        """The record of a patient, for who may read it: first a question, because Telegram can read it too."""
        patient, actor = patients.by_code(tx, button.code), f"clinician:{clinician.id}"
        if patient is None:
            self._reply(tx, incoming.chat_id, self.renderer.staff("not_found", what=f"patient {button.code}"), now)
            return Done()
        subject = f"patient:{patient.id}"
        if Role(clinician.role) not in READERS:
            self._reply(tx, incoming.chat_id, self.renderer.staff("record_refused"), now)
            audit.note(tx, actor, "export refused", subject, now=now)
            return Done()
        if button.deed is Deed.RECORD:
            question = self.renderer.staff("record", [Deed.SUMMARY, Deed.SEND], code=patient.code)
            self._reply(tx, incoming.chat_id, question, now)
            return Done()
        if button.deed is Deed.SUMMARY:
            return self._summarise(tx, patient, actor, incoming.chat_id, now)
        content = written(records.of_patient(tx, patient, self.catalogue))
        document = {
            "chat_id": incoming.chat_id,
            "document": {"filename": f"{patient.code}.fhir.json", "content": content},
            "protect_content": True,
        }
        if incoming.data and incoming.message_id is not None:
            asked = {"chat_id": incoming.chat_id, "message_id": incoming.message_id}
            outbox.put(tx, incoming.chat_id, "editMessageReplyMarkup", asked, urgency=Urgency.REPLY, now=now)
        outbox.put(tx, incoming.chat_id, "sendDocument", document, urgency=Urgency.REPLY, now=now)
        audit.note(tx, actor, "export", subject, now=now, reason="sent through Telegram")
        return Done(self.renderer.staff_word("toasts", "done"))

    def _summarise(self, tx: Transaction, patient: PatientRow, actor: str, chat_id: int, now: datetime) -> Done:
        """The patient's last intake on one page."""
        sent = conversations.last_sent(tx, patient.id, Purpose.INTAKE)
        if sent is None:
            self._reply(tx, chat_id, self.renderer.staff("no_intake", code=patient.code), now)
            return Done()
        conversation, sent_at = sent
        lately = alerts.lately(tx, patient.id, sent_at)
        for page in OnePage(self.catalogue, self.renderer).told(conversation, sent_at, lately, code=patient.code):
            parameters = page.parameters(chat_id, protect_content=True)
            outbox.put(tx, chat_id, "sendMessage", parameters, urgency=Urgency.REPLY, now=now)
        audit.note(tx, actor, "read summary", f"patient:{patient.id}", now=now, reason="sent through Telegram")
        return Done(self.renderer.staff_word("toasts", "done"))

    def _list(self, tx: Transaction, chat_id: int, now: datetime) -> None:
        if alerts.open_ones(tx):
            self.alerts.list_open(tx, chat_id, now)
        if visits.open_ones(tx):
            self._list_requests(tx, chat_id, now)

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
        deeds += [Deed.CLOSE, Deed.RECORD] if request.is_open else [Deed.RECORD]
        at = (request.closed_at or request.opened_at).astimezone(ZoneInfo(self.catalogue.clinic.zone))
        return self.renderer.staff(
            "request",
            deeds,
            visits.number(request),
            kind=request.kind,
            code=patient.code,
            is_open=request.is_open,
            outcome=request.outcome,
            who=clinicians.name_of(tx, request.closed_by),
            at=f"{at:%b %-d, %H:%M}",
        )

    def _reply(self, tx: Transaction, chat_id: int, message: Rendered, now: datetime) -> None:
        outbox.put(tx, chat_id, "sendMessage", message.parameters(chat_id), urgency=Urgency.REPLY, now=now)
