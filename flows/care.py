"""One event of one patient: what is heard, asked, raised and said. respond(person, event) -> (person, effects)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from flows.answers import NO, YES, plain
from flows.catalogue import Catalogue
from flows.conversation import Conversation, Purpose, advance, meaning, put, review
from flows.effects import (
    Ask,
    Begin,
    Contents,
    Effect,
    End,
    Forget,
    IntakeOutcome,
    Keep,
    Raise,
    Record,
    Request,
    RequestKind,
    Review,
    Say,
    Teach,
    Toast,
    Wake,
)
from flows.escalation import Tier
from flows.events import (
    AlertSeen,
    Answered,
    Asked,
    Begun,
    Browsed,
    ChannelLost,
    CheckInDue,
    Command,
    Doing,
    Enrolled,
    Event,
    ExpiryDue,
    Press,
    Pressed,
    Read,
    ReminderDue,
    ReviewDue,
    RuleDue,
    Said,
    Seen,
    Sent,
    SilenceDue,
    Sought,
    VisitMissed,
)
from flows.evidence import Evidence, Witness
from flows.facts import facts as known
from flows.facts import measured
from flows.learn import Topic
from flows.lifecycle import PATIENT, Move, Stage, Standing, Step, after, allows
from flows.listener import Signal
from flows.past import Past
from flows.questionnaire import Questionnaire
from flows.redflags import Firing, Rule, fired, still
from flows.schedule import WeeklyHour, local_date, local_time, next_after
from flows.taper import WINDOW, DailyDose, Plan
from flows.values import Coding, Facts, Place, Values

REMIND_AFTER = timedelta(hours=24)
WEEKLY = timedelta(days=6)
"""No check-in comes sooner than this after the one before."""

SEND_AFTER = timedelta(hours=1)
"""When everything is answered and nobody sends it, it is sent: nobody is lost for want of a tap."""
EXPIRE_AFTER = timedelta(days=14)

OLD_BUTTON = "By a button of an earlier question. The answer on record did not change."
WAITED = "It still held when its time to wait was over."
GONE = "This rule waited. The clinic's rules no longer have it, so nobody could look whether it holds."
"""What a clinician must know of how a rule fired."""

MONTHLY = timedelta(days=27)
"""No check-in comes sooner than this after the one before, once the taper is over."""

SILENT_AFTER = (timedelta(hours=48), timedelta(days=7))
"""When the rules look at a check-in that was not sent (V2, V3)."""

FULL_SCREEN = Coding("full-screen", "urn:taperline")
"""The code of a hidden item that tells whether the long forms of the instruments are asked this time."""
FULL_EVERY = 4
"""The long forms are asked at every so-many-th check-in."""

PAST = Coding("past", "urn:taperline")
"""The code of a question for an earlier taper: there, a sudden stop and a change of dose are not of today."""

CHECK_INS = frozenset({Purpose.CHECK_IN, Purpose.AFTER_CARE})

GO_AHEAD = frozenset({"begin", "start", "continue", "go on", "resume", "yes", "ok", "okay", "ready", "where were we"})
WHERE = frozenset(
    {"where were we", "where are we", "where was i", "continue", "go on", "resume", "what was the question"}
)
LATER = frozenset({"pause", "later", "not now", "take a break", "i need a break"})
HELP = (Command.PERSON, Command.VISIT, Command.LEARN, Command.STOP)
"""What Help offers beside the crisis lines."""

SHOW = frozenset({"review", "my answers", "show my answers"})


class Channel(StrEnum):
    """Whether the bot may and can write to a patient."""

    OPEN = "open"
    STOPPED = "stopped"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Aside:
    """A conversation that is open, but not the one in front."""

    id: int
    purpose: str


@dataclass(frozen=True, slots=True)
class Person:
    """A patient as the core sees them.

    `conversation` is the one in front; `aside` are the others that are open. `other` is the one that an event names
    when it is not in front, open or over.
    """

    zone: str
    standing: Standing = Standing.PROSPECT
    channel: Channel = Channel.OPEN
    conversation: Conversation | None = None
    other: Conversation | None = None
    aside: tuple[Aside, ...] = ()
    doses: tuple[DailyDose, ...] = ()
    misunderstood: int = 0
    asked_if_safe: bool = False
    check_in: WeeklyHour | None = None
    past: Past = field(default_factory=Past)
    plan: Plan = field(default_factory=Plan)
    unanswered: int = 0
    """Check-ins in a row that were never sent."""
    alerts_lately: frozenset[str] = frozenset()
    """The rules that raised an alert in the last 30 days; known where silence is looked at."""


Outcome = tuple[Person, tuple[Effect, ...]]


def respond(person: Person, event: Event, *, now: datetime, catalogue: Catalogue, new_id: int) -> Outcome:
    """What one event changes for a patient, and what must happen because of it.

    `now` is aware; `new_id` names the conversation that is opened, if one is. For a RuleDue, `person.conversation` is
    the one that the rule looks at, open or not. A conversation in front that is over leaves the person.
    """
    person, effects = _Turn(now, catalogue, new_id, _words(event)).respond(person, event)
    asks = any(isinstance(effect, Say) and Command.SAFE in effect.buttons for effect in effects)
    by_person = isinstance(event, Doing)
    return replace(person, asked_if_safe=asks or (person.asked_if_safe and not by_person)), effects


@dataclass(frozen=True, slots=True)
class _Turn:
    now: datetime
    catalogue: Catalogue
    new_id: int
    said: str
    """What the patient wrote, when the event is that."""

    def respond(self, person: Person, event: Event) -> Outcome:
        if isinstance(event, Doing) and person.channel is Channel.BLOCKED:
            person = replace(person, channel=Channel.OPEN)
        match event:
            case Said():
                return self._said(person, event)
            case Sent():
                return self._sent(person, event)
            case Asked(command):
                return self._asked(person, command)
            case Begun() | Answered() | Pressed():
                return self._tapped(person, event)
            case Browsed(screen):
                return person, (Contents(self.catalogue.topics.all, screen, in_place=True),)
            case Read(topic_id):
                return self._read(person, topic_id)
            case CheckInDue():
                return self._check_in(person)
            case Sought() if person.channel is not Channel.OPEN:
                return person, ()
            case Sought(questionnaire):
                return self._open(*self._set_aside(person), questionnaire)
            case ReminderDue(conversation):
                return self._remind(person, conversation)
            case ReviewDue(conversation):
                return self._send(person, conversation)
            case ExpiryDue(conversation):
                return self._expire(person, conversation)
            case SilenceDue(conversation):
                return self._miss(person, conversation)
            case VisitMissed():
                return person, self._alarms(person, person, visit_missed=True).spoken_to_staff
            case RuleDue():
                return self._look_again(person, event)
            case AlertSeen(rule):
                return person, self._seen(person, rule)
            case Enrolled():
                return self._enrol(person)
            case ChannelLost() if person.channel is Channel.STOPPED:
                return person, ()
            case ChannelLost():
                lost = replace(person, channel=Channel.BLOCKED)
                return lost, self._alarms(person, lost).spoken_to_staff

    def _seen(self, person: Person, rule_id: str) -> tuple[Effect, ...]:
        """A clinician has seen it: told to who was told by the rule that people would be alerted."""
        rule = self.catalogue.rule(rule_id)
        if person.channel is not Channel.OPEN or rule is None or rule.message is None:
            return ()
        return (Say("seen", overtakes=True),)

    def _said(self, person: Person, event: Said) -> Outcome:
        if event.forwarded or event.edited:
            return self._heard(person, event.text, Say("forwarded" if event.forwarded else "edited"))
        word = plain(event.text)
        if person.asked_if_safe and word in YES | NO:
            return self._asked(person, Command.SAFE if word in YES else Command.UNSAFE)
        conversation = person.conversation
        if conversation is None:
            return self._heard(person, event.text, None)
        if not conversation.is_going:
            if word not in GO_AHEAD:
                return self._heard(person, event.text, None)
            gone_on, effects = self._tapped(person, Begun(conversation.id))
            return gone_on, _in_person(effects) if _asks(event.text) else effects
        if event.seen is not Seen.YES:
            return self._too_early(person, conversation, event)
        moved, effects = advance(conversation, event, now=local_time(self.now, person.zone))
        if moved is conversation:
            return self._steered(person, conversation, word) or self._heard(person, event.text, effects[-1])
        recorded = next((effect.values for effect in effects if isinstance(effect, Record)), moved.draft.values)
        is_free_text = any(isinstance(value, str) for value in recorded)
        is_guess = any(isinstance(effect, Ask) and effect.guess is not None for effect in effects)
        signals = self.catalogue.listener.hear(event.text) if is_free_text else frozenset()
        if _is_about_the_past(conversation):
            signals -= {Signal.ABRUPT, Signal.TAPER}
        if Signal.STOP in signals:
            return self._heard(person, event.text, None)
        kept = (Keep(event.text, signals),) if signals else ()
        asks = _asks(event.text) or (is_guess and len(event.text.split()) > 2)
        if asks and not signals and (is_guess or is_free_text):
            effects = _in_person(effects)
        return self._moved(person, replace(person, conversation=moved, misunderstood=0), effects + kept, signals)

    def _steered(self, person: Person, conversation: Conversation, word: str) -> Outcome | None:
        """Words that answer no question but say where to go."""
        if word in WHERE:
            return person, (put(conversation),)
        if word in LATER:
            return self._asked(person, Command.PAUSE)
        return self._asked(person, Command.REVIEW) if word in SHOW else None

    def _too_early(self, person: Person, conversation: Conversation, event: Said) -> Outcome:
        """Words from before the open question was seen: kept and listened to, and never taken for an answer (P8)."""
        signals = self._signals(event.text)
        if signals or self._asked_about(event.text, signals) is not None:
            return self._heard(person, event.text, None)
        again = _in_person((put(conversation),)) if event.seen is Seen.MAYBE else ()
        return person, (Keep(event.text, signals), *again)

    def _sent(self, person: Person, event: Sent) -> Outcome:
        return self._heard(person, f"[{event.medium}] {event.caption}".strip(), Say("not_text"))

    def _heard(self, person: Person, text: str, reply: Say | Effect | None) -> Outcome:
        """Words that are no answer. Nobody hears every question about a dose, so each reply says where it is answered.

        Not beside a text that saves a life, and not twice.
        """
        signals = self._signals(text)
        heard, effects = self._answered(person, text, reply, signals)
        is_value = not any(map(str.isalpha, text)) and not _asks(text)
        return heard, effects if is_value or signals & _ANSWERED else _in_person(effects)

    def _answered(self, person: Person, text: str, reply: Say | Effect | None, signals: frozenset[Signal]) -> Outcome:
        """Words that are no answer: kept, listened to, answered, and followed by the question that is open.

        A Say is always the answer; another reply (the question with a hint) only when nothing was heard in the words.
        """
        if Signal.STOP in signals:
            reply = Say("confirm_stop", (Command.STOP_NOW, Command.STAY))
        explained = isinstance(reply, Say)
        topic = None if explained else self._asked_about(text, signals)
        misunderstood = 0 if signals or topic else person.misunderstood + (not explained)
        heard = replace(person, misunderstood=misunderstood)
        alarms = self._alarms(person, heard, signals)
        effects: tuple[Effect, ...] = (Keep(text, signals), *alarms.effects)
        if explained and reply is not None:
            effects += (reply,)
        conversation = heard.conversation
        going = conversation is not None and conversation.is_going
        if topic is not None and Signal.TAPER in signals:
            effects += (Say("read_about", (topic,)),)
        elif topic is not None:
            effects += (Teach(topic, () if going else self._continue(heard)),)
        if conversation is None or not conversation.is_going:
            answered = explained or alarms.said or topic
            return heard, effects if answered else effects + self._home(heard, "kept")
        if alarms.emergency:
            return self._pause(heard, effects)
        if Signal.STOP in signals:
            return heard, effects
        hint = reply if reply is not None and not explained and not signals and not topic else put(conversation)
        return heard, (*effects, hint)

    def _signals(self, text: str) -> frozenset[Signal]:
        """What is heard in words. A question that Learn can answer is a wish or a taper question only by a phrase."""
        signals = self.catalogue.listener.hear(text)
        if signals and signals <= {Signal.TAPER, Signal.HUMAN} and self.catalogue.topics.answer(text) is not None:
            return signals & self.catalogue.listener.said(text)
        return signals

    def _asked_about(self, text: str, signals: frozenset[Signal]) -> Topic | None:
        """The topic of Learn that a question is about; none where something more pressing was heard in it.

        A question about the taper is answered by the visit in person alone: then the topic is only offered.
        """
        return self.catalogue.topics.answer(text) if signals <= {Signal.TAPER, Signal.HUMAN} else None

    def _read(self, person: Person, topic_id: str) -> Outcome:
        topic = self.catalogue.topics.by_id(topic_id)
        if topic is None:  # the content changed since the button was sent
            return person, (Toast("unknown"), Contents(self.catalogue.topics.all))
        return person, (Teach(topic, self._continue(person)),)

    def _tapped(self, person: Person, event: Begun | Answered | Pressed) -> Outcome:
        conversation, other = person.conversation, person.other
        if other is not None and isinstance(event, Begun) and other.is_open:
            return self._switch(person, other)
        if other is not None and not isinstance(event, Begun):
            return self._changed_mind(person, other, event, (Toast("stale"),))
        if conversation is None or conversation.id != event.conversation:
            return person, (Toast("stale"), *self._home(person, "home"))
        moved, effects = advance(conversation, event, now=local_time(self.now, person.zone))
        if not isinstance(event, Begun) and moved is conversation:
            return self._changed_mind(person, conversation, event, effects)
        understood = not isinstance(event, Begun)
        taken = replace(person, conversation=moved, misunderstood=0 if understood else person.misunderstood)
        return self._moved(person, taken, effects, frozenset())

    def _switch(self, person: Person, other: Conversation) -> Outcome:
        """Go on with a conversation that was set aside; the one in front is set aside instead."""
        person, effects = self._set_aside(person)
        left = tuple(aside for aside in person.aside if aside.id != other.id)
        switched = replace(person, conversation=other, other=None, aside=left)
        person, more = self._tapped(switched, Begun(other.id))
        return person, effects + more

    def _set_aside(self, person: Person) -> tuple[Person, tuple[End, ...]]:
        """Nothing is in front any more; what was there stays open."""
        conversation = person.conversation
        if conversation is None:
            return person, ()
        paused = conversation.moved(Step.PAUSE) if conversation.is_going else conversation
        aside = (*person.aside, Aside(paused.id, paused.purpose))
        return replace(person, conversation=None, aside=aside), (End(paused.id, paused.stage),)

    def _changed_mind(
        self, person: Person, conversation: Conversation, event: Answered | Pressed, effects: tuple[Effect, ...]
    ) -> Outcome:
        """An old button changes no answer; but if what it says would worry, a person hears of it all the same (P6).

        Old buttons are those of questions that were put, in this conversation or in one that is over.
        """
        course = conversation.course
        known = {entry.place for entry in course.entries if entry.values is not None or entry is course.next}
        meant = meaning(conversation, event)
        asking = conversation is person.conversation and conversation.is_going
        if not asking:
            effects += self._home(person, "home")
        if not meant or not meant.keys() <= known:
            return person, effects
        would_be = replace(conversation, answers={**conversation.answers, **meant})
        asked, told = replace(person, conversation=conversation), replace(person, conversation=would_be)
        alarms = self._alarms(asked, told, note=OLD_BUTTON)
        if alarms.emergency and asking:
            return self._pause(person, alarms.effects)
        return person, alarms.effects + effects

    def _moved(
        self, before: Person, person: Person, effects: tuple[Effect, ...], signals: frozenset[Signal]
    ) -> Outcome:
        """After a step of the conversation: alarms come before the next question, and an emergency instead of it."""
        alarms = self._alarms(before, person, signals)
        asked = tuple(effect for effect in effects if isinstance(effect, Ask | Review))
        done = (*(effect for effect in effects if not isinstance(effect, Ask | Review)), *alarms.effects)
        conversation = person.conversation
        if conversation is None:
            return person, done
        if conversation.stage is Stage.SUBMITTED:
            return self._submitted(person, conversation, done)
        if conversation.is_going and conversation.course.next is None:
            done += (Wake(f"review:{conversation.id}", self.now + SEND_AFTER, ReviewDue(conversation.id)),)
        if alarms.emergency and conversation.is_going:
            return self._pause(person, done)
        return person, done + asked

    def _pause(self, person: Person, effects: tuple[Effect, ...]) -> Outcome:
        assert person.conversation is not None
        paused = person.conversation.moved(Step.PAUSE)
        go_on = Say(_paused(paused), (Begin(paused.id, "go_on"),))
        return replace(person, conversation=paused), (*effects, go_on)

    def _submitted(self, person: Person, conversation: Conversation, effects: tuple[Effect, ...]) -> Outcome:
        effects += _forget(conversation.id)
        is_check_in = conversation.purpose in CHECK_INS
        told = measured(conversation, self.catalogue)
        recalled = {item.link_id for item in conversation.questionnaire.walk() if item.recalled}
        new = {link_id: values for link_id, values in conversation.facts.items() if link_id not in recalled}
        past = person.past.after(new, told.totals, told.levels, is_check_in=is_check_in)
        match conversation.purpose:
            case Purpose.CHECK_IN | Purpose.AFTER_CARE:
                effects += (Say("check_in_done", (Command.VISIT,)),)
            case Purpose.INTAKE:
                person, effects = self._ask_for_consultation(person, conversation, effects)
            case _:
                effects += (Say("questionnaire_done", (Command.VISIT,)),)
        person = replace(person, past=past, unanswered=0 if is_check_in else person.unanswered)
        if person.aside:
            effects += (Say("another_open", (Begin(person.aside[-1].id, "go_on"),)),)
        return person, effects

    def _ask_for_consultation(
        self, person: Person, conversation: Conversation, effects: tuple[Effect, ...]
    ) -> tuple[Person, tuple[Effect, ...]]:
        """The intake is sent: what follows from it is for people to decide; who must call first is told so."""
        if allows(PATIENT, person.standing, Move.REQUEST):
            person = replace(person, standing=after(PATIENT, person.standing, Move.REQUEST))
        at = replace(person, conversation=conversation)
        outcome = self.catalogue.triage.outcome(self._facts(at), self.catalogue.rules)
        alarms = self._alarms(at, at, outcome=outcome)
        request = Request(RequestKind.CONSULTATION, outcome)
        return person, (*effects, request, *alarms.effects, Say(f"intake_done_{outcome}", (Command.PERSON,)))

    def _send(self, person: Person, conversation_id: int) -> Outcome:
        """Everything was answered a while ago: it goes to the clinic as it is, also when the person left it there."""
        conversation = person.other or person.conversation
        if conversation is None or conversation.id != conversation_id:
            return person, ()
        if not conversation.is_open or conversation.stage is Stage.INVITED or conversation.course.next is not None:
            return person, ()
        for stage, step in ((Stage.PAUSED, Step.RESUME), (Stage.ASKING, Step.FINISH)):
            conversation = conversation.moved(step) if conversation.stage is stage else conversation
        sending = Pressed(conversation.id, conversation.revision, Press.SEND)
        sent, effects = advance(conversation, sending, now=self.now)
        if person.other is None:
            return self._submitted(replace(person, conversation=sent), sent, effects)
        person = replace(person, aside=tuple(aside for aside in person.aside if aside.id != sent.id))
        return self._submitted(person, sent, (End(sent.id, sent.stage), *effects))

    def _miss(self, person: Person, conversation_id: int) -> Outcome:
        """A check-in is still not sent: whether it is open, was left, or gave way to the next one."""
        missed = next((held for held in (person.other, person.conversation) if held is not None), None)
        if missed is None or missed.id != conversation_id or missed.stage in {Stage.SUBMITTED, Stage.STOPPED}:
            return person, ()
        return person, self._alarms(person, person, unanswered=missed).spoken_to_staff

    def _expire(self, person: Person, conversation_id: int) -> Outcome:
        """A conversation that was left open too long: what was answered is kept."""
        conversation = person.other or person.conversation
        if conversation is None or conversation.id != conversation_id or not conversation.is_open:
            return person, ()
        expired = conversation.moved(Step.EXPIRE)
        effects: tuple[Effect, ...] = (End(expired.id, expired.stage), *_forget(expired.id, but_silence=True))
        if conversation is person.conversation:
            person = replace(person, conversation=None)
        if person.channel is not Channel.OPEN:
            return person, effects
        again = (Command.START,) if person.standing is Standing.PROSPECT else ()
        return person, (*effects, Say("expired", again))

    def _asked(self, person: Person, command: Command) -> Outcome:
        match command:
            case Command.START:
                return self._start(person)
            case Command.HELP:
                return person, (Say("help", (*self._continue(person), *HELP)),)
            case Command.PERSON:
                return person, self._alarms(person, person, frozenset({Signal.HUMAN})).effects
            case Command.VISIT:
                return person, (Request(RequestKind.VISIT), Say("visit_requested", self._continue(person)))
            case Command.STOP:
                return person, (Say("confirm_stop", (Command.STOP_NOW, Command.STAY)),)
            case Command.STOP_NOW:
                return self._stop(person)
            case Command.STAY:
                return person, self._home(person, "stay")
            case Command.SAFE:
                return person, (Say("safe", self._continue(person)),)
            case Command.UNSAFE:
                effects = self._alarms(person, person, unsafe=True).effects
                asking = person.conversation is not None and person.conversation.is_going
                return self._pause(person, effects) if asking else (person, effects)
            case Command.NO_CALL:
                return person, (Say("no_call", self._continue(person)),)
            case Command.LEARN:
                return person, (Contents(self.catalogue.topics.all),)
            case Command.PAUSE:
                conversation = person.conversation
                going = conversation is not None and conversation.is_going
                return self._pause(person, ()) if going else (person, self._home(person, "home"))
            case Command.REVIEW:
                conversation = person.conversation
                going = conversation is not None and conversation.is_going
                return person, (review(conversation),) if conversation and going else self._home(person, "home")

    def _start(self, person: Person) -> Outcome:
        back = person.channel is Channel.STOPPED
        person = replace(person, channel=Channel.OPEN)
        effects: tuple[Effect, ...] = ()
        if back and person.check_in is not None:
            effects = (self._next_check_in(person, person.check_in),)
        if person.conversation is None and person.standing is Standing.PROSPECT:
            return self._open(person, effects, Purpose.INTAKE)
        return person, effects + self._home(person, "home")

    def _stop(self, person: Person) -> Outcome:
        stopped = replace(person, channel=Channel.STOPPED)
        if stopped.conversation is not None:
            stopped = replace(stopped, conversation=stopped.conversation.moved(Step.STOP))
        ended = tuple(End(aside.id, Stage.STOPPED) for aside in stopped.aside)
        alarms = self._alarms(person, stopped)
        quiet = tuple(Forget(prefix) for prefix in ("remind:", "review:", "expire:", "silent:", "check-in"))
        return replace(stopped, aside=()), (*ended, *quiet, *alarms.effects, Say("stopped", (Command.START,)))

    def _check_in(self, person: Person) -> Outcome:
        if person.check_in is None or person.channel is Channel.STOPPED or person.standing is not Standing.ENROLLED:
            return person, ()
        effects: tuple[Effect, ...] = (self._next_check_in(person, person.check_in),)
        if person.channel is Channel.BLOCKED:
            return person, effects  # who comes back is asked again the week after
        person, left = self._set_aside(person)
        old = [aside for aside in person.aside if aside.purpose in CHECK_INS]
        effects += tuple(effect for effect in left if effect.conversation not in {aside.id for aside in old})
        for aside in old:
            effects += (End(aside.id, Stage.EXPIRED), *_forget(aside.id, but_silence=True))
        kept = tuple(aside for aside in person.aside if aside not in old)
        missed = replace(person, aside=kept, unanswered=person.unanswered + 1) if old else replace(person, aside=kept)
        effects += self._alarms(person, missed).spoken_to_staff
        return self._open(missed, effects, Purpose.AFTER_CARE if self._is_over(person) else Purpose.CHECK_IN)

    def _open(self, person: Person, effects: tuple[Effect, ...], purpose: str) -> Outcome:
        form = self.catalogue.questionnaires[purpose]
        recalled = self._recalled(person, form)
        opened = Conversation(
            self.new_id, purpose, form, revision=len(recalled), answers=dict(recalled), opened=self.now
        )
        remind = Wake(f"remind:{opened.id}", self.now + REMIND_AFTER, ReminderDue(opened.id))
        expire = Wake(f"expire:{opened.id}", self.now + EXPIRE_AFTER, ExpiryDue(opened.id))
        silent = tuple(
            Wake(f"silent:{opened.id}:{after}", self.now + after, SilenceDue(opened.id))
            for after in (SILENT_AFTER if purpose in CHECK_INS else ())
        )
        known = tuple(Record(opened.id, number, *answer) for number, answer in enumerate(recalled))
        person = replace(person, conversation=opened)
        return person, (*effects, *known, remind, expire, *silent, *self._home(person, "home"))

    def _recalled(self, person: Person, form: Questionnaire) -> tuple[tuple[Place, Values], ...]:
        """What the record knows by the codes of the hidden items that ask for it."""
        computed = {
            FULL_SCREEN: (person.past.check_ins % FULL_EVERY == FULL_EVERY - 1,),
        }
        found = []
        for item in form.walk():
            for code in item.codes if item.recalled else ():
                values = computed.get(code) or person.past.answers.get(self.catalogue.namesakes.get(code, ""), ())
                if values:
                    found.append((Place(item.link_id), values))
                    break
        return tuple(found)

    def _remind(self, person: Person, conversation_id: int) -> Outcome:
        """A gentle reminder; whoever was in the middle is asked the open question again."""
        conversation = person.conversation
        in_front = conversation is not None and conversation.id == conversation_id
        is_open = in_front or any(aside.id == conversation_id for aside in person.aside)
        if not is_open or person.channel is not Channel.OPEN:
            return person, ()
        if conversation is not None and in_front and conversation.is_going:
            return person, (Say("reminder"), put(conversation))
        return person, (Say("reminder", (Begin(conversation_id, "go_on"),)),)

    def _look_again(self, person: Person, event: RuleDue) -> Outcome:
        rule = self.catalogue.rule(event.rule)
        if rule is None or event.case >= len(rule.cases):  # the content changed meanwhile: a person looks
            return person, (Raise(event.rule, Tier.URGENT, (Evidence(event.case, Tier.URGENT, note=GONE),)),)
        firing = still(rule, event.case, self._facts(person))
        if firing is None:
            return person, ()
        evidence = self._witness(person).evidence(firing.case, firing.tier, firing.causes, WAITED)
        return person, (Raise(rule.id, firing.tier, (evidence,)),)

    def _enrol(self, person: Person) -> Outcome:
        standing = after(PATIENT, person.standing, Move.ENROL)
        weekly = WeeklyHour.of(self.now, person.zone)
        enrolled = replace(person, standing=standing, check_in=weekly)
        told = (Say("enrolled"),) if person.channel is Channel.OPEN else ()
        return enrolled, (self._next_check_in(enrolled, weekly), *told)

    def _next_check_in(self, person: Person, weekly: WeeklyHour) -> Wake:
        """A week from now; a month, once the taper is over."""
        rhythm = MONTHLY if self._is_over(person) else WEEKLY
        return Wake("check-in", next_after(weekly, self.now, at_least=rhythm), CheckInDue())

    def _is_over(self, person: Person) -> bool:
        """Whether the recorded taper has come to its end."""
        step = person.plan.on(self._today(person))
        return step is not None and step.milligrams == 0

    def _home(self, person: Person, template: str) -> tuple[Effect, ...]:
        """What to show somebody who is not answering a question: what is open, or what they can do."""
        conversation = person.conversation
        if person.channel is Channel.STOPPED:
            return (Say("stopped", (Command.START,)),)
        if conversation is not None and conversation.is_going:
            return (put(conversation),)
        if conversation is not None and conversation.stage is Stage.PAUSED:
            return (Say(_paused(conversation), self._continue(person)),)
        if conversation is not None and conversation.stage is Stage.INVITED:
            own = conversation.purpose in set(Purpose)
            invitation = f"{conversation.purpose}_invitation" if own else "questionnaire_invitation"
            return (Say(invitation, (Begin(conversation.id, "begin"),), about=conversation.questionnaire.title),)
        if person.aside:
            return (Say("paused", (Begin(person.aside[-1].id, "go_on"),)),)
        if person.standing is Standing.PROSPECT:
            return (Say("hello", (Command.START, Command.PERSON)),)
        return (Say(template, (Command.VISIT, Command.PERSON, Command.LEARN)),)

    def _continue(self, person: Person) -> tuple[Begin, ...]:
        conversation = person.conversation
        return (Begin(conversation.id, "go_on"),) if conversation is not None and conversation.is_open else ()

    def _alarms(
        self,
        before: Person,
        person: Person,
        signals: frozenset[Signal] = frozenset(),
        note: str = "",
        **now: Any,
    ) -> "_Alarms":
        firings = fired(self.catalogue.rules, self._facts(before), self._facts(person, signals, **now))
        return _Alarms(self.now, person, firings, self._witness(person), note)

    def _witness(self, person: Person) -> Witness:
        """Who can tell in words what the rules saw."""
        forms, conversation = self.catalogue.questionnaires.values(), person.conversation
        if conversation is None:
            return Witness(self.said, self.catalogue.namesakes, tuple(forms))
        here = conversation.questionnaire
        return Witness(self.said, self.catalogue.namesakes, (here, *forms), conversation.facts)

    def _facts(
        self,
        person: Person,
        signals: frozenset[Signal] = frozenset(),
        *,
        unsafe: bool = False,
        visit_missed: bool = False,
        unanswered: Conversation | None = None,
        outcome: IntakeOutcome | None = None,
    ) -> Facts:
        today = self._today(person)
        facts: dict[str, Values] = {
            "%signal": tuple(sorted(signals)),
            "%misunderstood": (person.misunderstood,),
            "%channel": (person.channel,),
            "%standing": (person.standing,),
            "%safe": (False,) if unsafe else (),
            "%outcome": () if outcome is None else (outcome,),
            "%visit.missed": (True,) if visit_missed else (),
            "%unanswered.hours": () if unanswered is None else (self._hours_since(unanswered),),
            "%unanswered.in-a-row": (person.unanswered,),
            "%alerts.lately": tuple(sorted(person.alerts_lately)),
            "%plan.changed-lately": (person.plan.changed_since(today - WINDOW),),
        }
        if person.conversation is None:
            return facts | person.past.facts({}, {})
        doses, catalogue = person.doses, self.catalogue
        told = known(person.conversation, person.past, person.plan, doses, today=today, catalogue=catalogue)
        return {**facts, **told}

    def _hours_since(self, conversation: Conversation) -> int:
        opened = conversation.opened or self.now
        return int((self.now - opened) / timedelta(hours=1))

    def _today(self, person: Person) -> date:
        return local_date(self.now, person.zone)


def _words(event: Event) -> str:
    match event:
        case Said(text, forwarded=True):
            return f"[forwarded] {text}"
        case Said(text, edited=True):
            return f"[edited] {text}"
        case Said(text):
            return text
        case Sent(medium, caption):
            return f"[{medium}] {caption}".strip()
    return ""


def _is_about_the_past(conversation: Conversation) -> bool:
    """Whether the open question asks what once happened; what is so today is asked by questions of its own."""
    asked = None if conversation.question is None else conversation.questionnaire.find(conversation.question.link_id)
    return asked is not None and PAST in asked.codes


def _paused(conversation: Conversation) -> str:
    """What to say of a pause: whoever has answered everything is told that it will be sent."""
    return "paused" if conversation.course.next is not None else "paused_complete"


_ANSWERED = frozenset({Signal.CRISIS, Signal.MEDICAL, Signal.TAPER})
"""The signals whose own texts save a life, or say where changes are made."""


def _asks(text: str) -> bool:
    """Whether a text holds a question mark, in any writing."""
    return any(mark in text for mark in "?？؟❓❔")


def _in_person(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """The same, and the last of the texts tells where changes to the medicine are made (P5)."""
    for at in reversed(range(len(effects))):
        effect = effects[at]
        if isinstance(effect, Say | Ask | Review | Teach):
            return (*effects[:at], replace(effect, in_person=True), *effects[at + 1 :])
    return effects


def _forget(conversation: int, *, but_silence: bool = False) -> tuple[Forget, ...]:
    """The timers of a conversation that is over; a check-in that was never sent stays missed."""
    kinds = ("remind", "review", "expire", *(() if but_silence else ("silent",)))
    return tuple(Forget(f"{kind}:{conversation}") for kind in kinds)


@dataclass(frozen=True, slots=True)
class _Alarms:
    """The rules that fired at an event, as effects: one alert a rule, each text once, the most urgent first."""

    now: datetime
    person: Person
    firings: Sequence[Firing]
    witness: Witness
    note: str

    @property
    def at_once(self) -> Iterable[Firing]:
        seen = set()
        for firing in self.firings:
            if not firing.after and firing.rule.id not in seen:
                seen.add(firing.rule.id)
                yield firing

    @property
    def emergency(self) -> bool:
        return any(firing.tier.urgency == 0 for firing in self.at_once)

    @property
    def said(self) -> tuple[Say, ...]:
        return tuple(dict.fromkeys(firing.rule.message for firing in self.at_once if firing.rule.message is not None))

    @property
    def spoken_to_staff(self) -> tuple[Effect, ...]:
        """What happens beside the texts to the patient."""
        raised: list[Effect] = [
            Raise(firing.rule.id, firing.tier, self._evidence(firing.rule)) for firing in self.at_once
        ]
        raised += [Request(firing.rule.request) for firing in self.at_once if firing.rule.request is not None]
        conversation = self.person.conversation
        if conversation is not None:
            for firing in self.firings:
                if firing.after:
                    key = f"rule:{conversation.id}:{firing.rule.id}:{firing.case}"
                    due = RuleDue(conversation.id, firing.rule.id, firing.case)
                    raised.append(Wake(key, self.now + firing.after, due))
        return tuple(raised)

    @property
    def effects(self) -> tuple[Effect, ...]:
        return (*self.said, *self.spoken_to_staff)

    def _evidence(self, rule: Rule) -> tuple[Evidence, ...]:
        """Of every case by which a rule fired at once."""
        firings = (firing for firing in self.firings if firing.rule is rule and not firing.after)
        return tuple(self.witness.evidence(each.case, each.tier, each.causes, self.note) for each in firings)
