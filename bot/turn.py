"""The one transaction: seen? load, advance, save, queue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from bot.alert_desk import AlertDesk
from bot.gate import Gate
from bot.inbound import Incoming
from bot.ladder import Ladder
from bot.lifeline import Lifeline
from bot.render import LAST_RESORT, Rendered, Renderer
from bot.staff import Staff
from flows.care import CHECK_INS, Channel, Person, respond
from flows.catalogue import Catalogue
from flows.effects import (
    Ask,
    Contents,
    Effect,
    End,
    Forget,
    Keep,
    Leave,
    Raise,
    Record,
    Request,
    Review,
    Say,
    Settle,
    Teach,
    Toast,
    Wake,
    Withdraw,
)
from flows.escalation import Tier
from flows.events import (
    Answered,
    Asked,
    Begun,
    ChannelLost,
    Command,
    Doing,
    Event,
    ExpiryDue,
    Pressed,
    ReviewDue,
    RuleDue,
    Said,
    Seen,
    SilenceDue,
    VisitMissed,
)
from flows.evidence import Evidence
from storage import alerts, audit, clinicians, conversations, outbox, patients, plans, timers, updates, visits
from storage.database import Transaction, new_id
from storage.outbox import Urgency
from storage.tables import ClinicianRow, PatientRow

log = structlog.get_logger()


LOST = "the bot was blocked, or the account is gone"
"""Why what waits for a lost chat is given up."""

FAILED = "X0"
"""The rule for a message that could not be handled, or could not be shown."""

NOT_SHOWN = Evidence(0, Tier.URGENT, note="A text to this patient was refused by the guard, so it was not sent.")
NOT_HANDLED = Evidence(0, Tier.URGENT, note="The program failed on a message of this patient. It was set aside.")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one update, one due timer or one lost channel does, all inside one transaction."""

    catalogue: Catalogue
    renderer: Renderer
    bot_id: int
    ladder: Ladder
    staff: Staff
    gate: Gate

    @classmethod
    def build(cls, catalogue: Catalogue, renderer: Renderer, bot_id: int, lifeline: Lifeline) -> "Turn":
        """A turn with its ladder, its staff's desks and its gate."""
        ladder = Ladder(catalogue, renderer, lifeline)
        staff = Staff(catalogue, renderer, AlertDesk(catalogue, renderer, ladder))
        return cls(catalogue, renderer, bot_id, ladder, staff, Gate(catalogue.language, renderer))

    def update(self, tx: Transaction, incoming: Incoming, *, now: datetime) -> str | None:
        """Handle an update. Returns the word for a tapped button. Handling it twice changes nothing."""
        if not updates.is_new(tx, self.bot_id, incoming.update_id, now=now):
            return None
        clinician = clinicians.by_chat(tx, incoming.chat_id)
        if clinician is None and incoming.text.startswith(f"/start {clinicians.INVITATION}"):
            self.staff.accept(tx, incoming.text.removeprefix("/start "), incoming, now=now)
            return None
        if clinician is not None:
            was_reachable = clinician.reachable
            done = self.staff.handle(tx, clinician, incoming, now=now)
            if was_reachable and not clinician.reachable:
                self._unreachable(tx, clinician, now)
            if done.patient is not None and done.event is not None:
                self.patient(tx, done.patient, done.event, now=now)
            return done.toast
        row = patients.by_chat(tx, incoming.chat_id)
        if row is None and incoming.event is not None and not isinstance(incoming.event, ChannelLost):
            row = patients.add(tx, incoming.chat_id, Person(zone=self.catalogue.clinic.zone), now=now)
            audit.note(tx, "bot", "add", f"patient:{row.id}", now=now)
        if row is None or incoming.event is None:
            return self._toast("unknown") if incoming.callback_id else None
        event = incoming.event
        if isinstance(event, Said) and incoming.message_id is not None:
            event = replace(event, seen=_seen(tx, row, incoming.message_id))
        return self.patient(tx, row, event, now=now, message_id=incoming.message_id if incoming.data else None)

    def timer(self, tx: Transaction, timer_id: int, *, now: datetime) -> None:
        """Handle a due timer; it is gone when this commits."""
        timer = timers.take(tx, timer_id, now)
        if timer is None:
            return
        kind, _, number = timer.scope.partition(":")
        if kind == "alert":
            alert = alerts.by_number(tx, int(number))
            if alert is not None:
                self.ladder.ring(tx, alert, timer.key, now=now)
            return
        self.patient(tx, patients.by_id(tx, int(number)), timers.unpack(timer.event), now=now)

    def channel_lost(self, tx: Transaction, chat_id: int, *, now: datetime) -> None:
        """A chat can no longer be written to: its patient's staff are told, or its clinician is passed over."""
        for alert_id in outbox.give_up_chat(tx, chat_id, LOST):
            timers.hasten(tx, f"alert:{alert_id}", alerts.PAGE, now)
        clinician = clinicians.by_chat(tx, chat_id)
        if clinician is not None and clinician.reachable:
            clinician.reachable = False
            tx.session.add(clinician)
            self._unreachable(tx, clinician, now)
        row = patients.by_chat(tx, chat_id)
        if row is not None and row.channel != Channel.BLOCKED:
            self.patient(tx, row, ChannelLost(), now=now)

    def _unreachable(self, tx: Transaction, clinician: ClinicianRow, now: datetime) -> None:
        """A clinician has just become one who cannot be paged: operations are told who it is, without the name."""
        who = f"clinician:{clinician.id}"
        audit.note(tx, "bot", "unreachable", who, now=now)
        words = f"A {clinician.role} ({who}) cannot be paged on Telegram: the bot was blocked, or the account is gone."
        self.ladder.lifeline.tell_operations(tx, f"{words} Pages go to the others.", now=now)

    def failed(self, tx: Transaction, chat_id: int, *, now: datetime) -> None:
        """A message of a patient could not be handled: a person is paged, because nobody knows what it said (P6)."""
        row = patients.by_chat(tx, chat_id)
        if row is None and clinicians.by_chat(tx, chat_id) is None:
            row = patients.add(tx, chat_id, Person(zone=self.catalogue.clinic.zone), now=now)
        if row is not None:
            self.ladder.raise_(tx, row.id, Raise(FAILED, Tier.URGENT, (NOT_HANDLED,)), now=now)
            self._send(tx, row, Rendered(LAST_RESORT, []), now, urgency=Urgency.URGENT)

    def patient(
        self, tx: Transaction, row: PatientRow, event: Event, *, now: datetime, message_id: int | None = None
    ) -> str | None:
        """One event of one patient. `message_id` is the message whose button was tapped."""
        before = self._load(tx, row, event, now)
        person, effects = respond(before, event, now=now, catalogue=self.catalogue, new_id=new_id())
        ended = [effect for effect in effects if isinstance(effect, End)]
        self._apply(tx, row, ended, now, message_id)
        conversation = person.conversation
        if conversation is not None and conversation is not before.conversation:
            conversations.save(tx, row.id, conversation, now=now)
        patients.save(tx, row, person, before=before)
        toast = self._apply(tx, row, [effect for effect in effects if not isinstance(effect, End)], now, message_id)
        actor = f"patient:{row.id}" if isinstance(event, Doing) else "bot"
        audit.note(tx, actor, type(event).__name__, f"patient:{row.id}", now=now)
        return toast

    def _load(self, tx: Transaction, row: PatientRow, event: Event, now: datetime) -> Person:
        person = replace(patients.person(tx, row), plan=plans.of_patient(tx, row.id))
        conversation, aside = conversations.open_ones(tx, row.id)
        if isinstance(event, RuleDue):
            conversation = conversations.by_id(tx, event.conversation)
        elif (
            isinstance(event, Begun | Answered | Pressed | ReviewDue | ExpiryDue)
            and (conversation is None or conversation.id != event.conversation)
        ) or isinstance(event, SilenceDue):
            person = replace(person, other=conversations.of_this_patient(tx, row.id, event.conversation))
        looks_back = isinstance(event, SilenceDue | ChannelLost | VisitMissed | Pressed | ReviewDue)
        if looks_back or event == Asked(Command.STOP_NOW):
            person = replace(person, alerts_lately=alerts.lately(tx, row.id, now))
        if conversation is not None and conversation.purpose in CHECK_INS:
            doses = conversations.doses(tx, row.id, self.catalogue.dose_questions, row.zone, now=now)
            person = replace(person, doses=doses)
        return replace(person, conversation=conversation, aside=aside)

    def _apply(
        self, tx: Transaction, row: PatientRow, effects: Sequence[Effect], now: datetime, message_id: int | None
    ) -> str | None:
        toast = None
        scope = f"patient:{row.id}"
        for effect in effects:
            match effect:
                case Record(conversation, revision, place, values):
                    conversations.record(tx, conversation, revision, place, values, now=now)
                case Withdraw(conversation, places):
                    conversations.withdraw(tx, conversation, places, now=now)
                case Settle(conversation, revision):
                    copies = _copies(tx, _topic(conversation, revision), message_id)
                    self._edit(tx, row, copies, self.renderer.settled(effect), now)
                case Leave(conversation, revision):
                    self._edit(tx, row, _copies(tx, _topic(conversation, revision), message_id), None, now)
                case Ask() | Review():
                    self._put(tx, row, effect, now, message_id)
                case Say():
                    urgency = Urgency.URGENT if effect.overtakes else Urgency.REPLY
                    self._send(tx, row, self.renderer.say(effect), now, urgency=urgency)
                case Teach():
                    self._send(tx, row, self.renderer.teach(effect), now)
                case Contents(in_place=True) if message_id is not None:
                    self._edit(tx, row, [message_id], self.renderer.contents(effect), now)
                case Contents():
                    self._send(tx, row, self.renderer.contents(effect), now)
                case Toast(template):
                    toast = self._toast(template)
                case Keep(text, signals):
                    conversations.keep_text(tx, row.id, text, signals, now=now)
                case Raise():
                    self.ladder.raise_(tx, row.id, effect, now=now)
                case Request(kind, outcome):
                    request, is_new = visits.request(tx, row.id, kind, outcome, now=now)
                    if is_new:
                        self.staff.announce(tx, request, now=now)
                case Wake(key, at, event):
                    timers.put(tx, scope, key, at, timers.pack(event))
                case Forget(prefix):
                    timers.forget(tx, scope, prefix)
                case End(conversation, stage):
                    conversations.end(tx, conversation, stage, now=now)
        return toast

    def _send(
        self,
        tx: Transaction,
        row: PatientRow,
        message: Rendered,
        now: datetime,
        *,
        topic: str | None = None,
        urgency: Urgency = Urgency.REPLY,
    ) -> None:
        self._queue(tx, row, message, now, topic=topic, urgency=urgency)

    def _put(
        self, tx: Transaction, row: PatientRow, effect: Ask | Review, now: datetime, message_id: int | None
    ) -> None:
        """A question or a review: a new message, or in the place of the one that was tapped."""
        *before, last = self.renderer.ask(effect) if isinstance(effect, Ask) else self.renderer.review(effect)
        if effect.in_place and message_id is not None:
            self._edit(tx, row, [message_id], last, now)
            return
        for message in before:
            self._send(tx, row, message, now)
        awaits = isinstance(effect, Ask) or effect.is_complete
        self._send(tx, row, last, now, topic=_topic(effect.conversation, effect.revision) if awaits else None)

    def _edit(
        self, tx: Transaction, row: PatientRow, copies: Sequence[int], message: Rendered | None, now: datetime
    ) -> None:
        """Change messages that were sent; without a message, take their buttons away."""
        for message_id in copies:
            self._queue(tx, row, message, now, message_id=message_id)

    def _queue(
        self,
        tx: Transaction,
        row: PatientRow,
        message: Rendered | None,
        now: datetime,
        *,
        message_id: int | None = None,
        topic: str | None = None,
        urgency: Urgency = Urgency.REPLY,
    ) -> None:
        """The only way to a patient's chat, and through the gate (P5). What is refused is not sent: a person looks."""
        chat_id = patients.chat_of(tx, row)
        here: dict[str, int] = {} if message_id is None else {"message_id": message_id}
        if message is None:
            method, content = "editMessageReplyMarkup", {"chat_id": chat_id, **here}
        else:
            method = "sendMessage" if message_id is None else "editMessageText"
            message, refused = self.gate.passed(message)
            content = message.parameters(chat_id, **here)
            if refused:
                kinds = sorted({str(refusal.kind) for refusal in refused})
                log.error("a text to a patient was refused", patient=row.code, kinds=kinds)
                self.ladder.raise_(tx, row.id, Raise(FAILED, Tier.URGENT, (NOT_SHOWN,)), now=now)
        outbox.put(tx, chat_id, method, content, urgency=urgency, now=now, topic=topic)

    def _toast(self, name: str) -> str | None:
        """A short word on a button that a patient tapped."""
        return self.gate.word(self.renderer.toast(name))


def _seen(tx: Transaction, row: PatientRow, message_id: int) -> Seen:
    """Whether the open question was on the screen when a text was typed.

    It was not when the text stands, by its number in the chat, between the last question and this one. (A server that
    numbers each side of a chat by itself never puts it there for long.)
    """
    place = conversations.open_place(tx, row.id)
    if place is None:
        return Seen.YES
    conversation, revision = place
    question, before = (outbox.shown(tx, _topic(conversation, number)) for number in (revision, revision - 1))
    if before.last is not None and question.first is not None and before.last < message_id < question.first:
        return Seen.NO
    return question.seen


def _copies(tx: Transaction, topic: str, message_id: int | None) -> Sequence[int]:
    """The messages that show a question, the tapped one first."""
    copies = [sent for _, sent in outbox.message_ids(tx, topic)]
    return list(dict.fromkeys([message_id, *copies] if message_id is not None else copies))


def _topic(conversation: int, revision: int) -> str:
    return f"question:{conversation}:{revision}"
