"""A patient for the tests of the core: what they do, one event after another, and what comes of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from flows.answers import choices
from flows.care import Channel, Person, respond
from flows.catalogue import Catalogue
from flows.conversation import Conversation
from flows.effects import Ask, Contents, Effect, Raise, Record, Review, Say, Teach
from flows.events import Answered, Asked, Begun, CheckInDue, Command, Enrolled, Event, Press, Pressed, Said
from flows.items import Item, ItemType
from flows.lifecycle import Stage
from flows.schedule import WeeklyHour
from flows.taper import DailyDose
from flows.values import Coding

MONDAY = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
"""Ten in the morning in San Francisco."""
ZONE = "America/Los_Angeles"
CRISIS = "I want to kill myself"
MEDICAL = "I had a seizure"
TAPER = "can I cut my dose faster?"
HUMAN = "I want to talk to a person"
STOP = "stop"
KIND = TypeVar("KIND", bound=Effect)


@dataclass
class Patient:
    """One person and the clock. A conversation that is over leaves the person, as it does in the memory."""

    content: Catalogue
    person: Person = field(default_factory=lambda: Person(zone=ZONE))
    now: datetime = MONDAY
    closed: list[Conversation] = field(default_factory=list)
    effects: tuple[Effect, ...] = ()
    ids: int = 0

    def does(self, event: Event) -> tuple[Effect, ...]:
        """One event; returns what must happen, and checks what must be true of every turn."""
        before = self.person
        self.ids += 1
        self.person, self.effects = respond(before, event, now=self.now, catalogue=self.content, new_id=self.ids)
        after = self.person.conversation
        if after is not None:
            for asked in self.all(Ask):
                assert after.stage is Stage.ASKING
                assert (asked.conversation, asked.revision) == (after.id, after.revision)
                assert (asked.item.link_id, asked.instance) == after.question
            for reviewed in self.all(Review):
                assert (reviewed.conversation, reviewed.revision) == (after.id, after.revision)
                assert reviewed.is_complete == (after.stage is Stage.REVIEW)
            if not after.is_open:
                self.closed.append(after)
                self.person = replace(self.person, conversation=None)
        assert len(self.all(Ask)) + len(self.all(Review)) <= 1
        return self.effects

    def says(self, text: str) -> tuple[Effect, ...]:
        """Type and send."""
        return self.does(Said(text))

    def wants(self, command: Command) -> tuple[Effect, ...]:
        """A command or its button."""
        return self.does(Asked(command))

    def begins(self) -> tuple[Effect, ...]:
        """The button that begins or continues what is open."""
        return self.does(Begun(self.conversation.id))

    def answers(self, words: str | None) -> tuple[Effect, ...]:
        """Tap the button with these words (a code does as well), or Skip, on the question that is open.

        Of a question with several answers, the words are those of all of them, with a plus in between.
        """
        asked = self.question
        if asked.takes_several and words is not None:
            return self._chooses(words.split("+"))
        index = (
            None
            if words is None
            else next(
                number
                for number, (value, label) in enumerate(choices(asked))
                if words in {label, value.code if isinstance(value, Coding) else label}
            )
        )
        held = self.conversation
        assert held.question is not None
        position = held.questionnaire.positions[asked.link_id]
        return self.does(Answered(held.id, held.revision, position, index, held.question.instance))

    def _chooses(self, words: Sequence[str]) -> tuple[Effect, ...]:
        """Tap the buttons with these words, and then That is all, unless the last one says it."""
        held, place = self.conversation, self.conversation.question
        assert place is not None
        done: tuple[Effect, ...] = ()
        for word in words:
            found = next(
                number
                for number, (value, label) in enumerate(choices(self.question))
                if word in {label, value.code if isinstance(value, Coding) else label}
            )
            done += self.presses(Press.ADD, found)
        waits = self.person.conversation is not None and self.conversation.question == place
        return done + self.presses(Press.DONE) if waits and self.conversation.revision == held.revision else done

    def presses(self, press: Press, number: int = 0) -> tuple[Effect, ...]:
        """Another button under the question that is open."""
        held = self.conversation
        assert held.question is not None
        position = held.questionnaire.positions[held.question.link_id]
        return self.does(Pressed(held.id, held.revision, press, number, position, held.question.instance))

    def sends(self) -> tuple[Effect, ...]:
        """The button that sends what was reviewed."""
        return self.does(Pressed(self.conversation.id, self.conversation.revision, Press.SEND))

    def goes(self, until: str | None = None, **given: str | None) -> "Patient":
        """Answer question by question to a question or the end, quietly but for what is given (`_` stands for `-`).

        At the end the review is sent.
        """
        for _ in range(150):
            if self.person.conversation is not None and self.person.conversation.stage is Stage.REVIEW:
                self.sends()
            if self.person.conversation is None or self.question.link_id == until:
                return self
            link_id = self.question.link_id
            words = given.get(link_id.replace("-", "_"), quiet(self.question))
            if words is not None and (not choices(self.question) or self.question.type is ItemType.OPEN_CHOICE):
                self.says(words)
                if self.conversation.draft.guess is not None:
                    self.says("yes")
                if self.conversation.draft.values:
                    self.presses(Press.DONE)
            else:
                self.answers(words)
            if self.person.conversation is not None and self.person.conversation.stage is Stage.PAUSED:
                self.begins()
        raise AssertionError("it never ends")

    @property
    def conversation(self) -> Conversation:
        assert self.person.conversation is not None
        return self.person.conversation

    @property
    def question(self) -> Item:
        """The question that is open."""
        place = self.conversation.question
        found = None if place is None else self.conversation.questionnaire.find(place.link_id)
        assert found is not None
        return found

    def all(self, kind: type[KIND]) -> list[KIND]:
        """The effects of one kind, of the last event."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def raised(self) -> list[str]:
        """The rules that the last event raised, with their tier."""
        return [f"{effect.rule} {effect.tier}" for effect in self.all(Raise)]

    @property
    def told(self) -> list[str]:
        """What the last event says, in order: templates by name, a question as ?linkId, a review as review.

        Learn is `learn`, and one of its topics is `learn:` and its id.
        """
        told = []
        for effect in self.effects:
            match effect:
                case Say(template):
                    told.append(template)
                case Ask():
                    told.append(f"?{effect.item.link_id}")
                case Review():
                    told.append("review")
                case Contents():
                    told.append("learn")
                case Teach(topic):
                    told.append(f"learn:{topic.id}")
        return told

    @property
    def recorded(self) -> list[str]:
        """The linkIds of the answers that the last event keeps."""
        return [effect.place.link_id for effect in self.all(Record)]


def quiet(item: Item) -> str | None:
    """An answer that worries nobody."""
    if item.type is ItemType.GROUP:
        return "No"
    if not item.required:
        return None
    if item.type is ItemType.BOOLEAN:
        return "No"
    if item.link_id in CALM:
        return CALM[item.link_id]
    if item.type in {ItemType.STRING, ItemType.TEXT}:
        return "Sam"
    if item.type in {ItemType.INTEGER, ItemType.DECIMAL}:
        return "7"
    if item.type is ItemType.DATE:
        return "2026-11-01"
    values = [value for value, _ in choices(item)]
    codes = [value.code for value in values if isinstance(value, Coding)]
    return next((code for code in ("no", "none") if code in codes), choices(item)[0][1])


CALM = {"consent": "yes", "age": "18-44", "in-person": "yes", "medicine": "lorazepam", "prescriber": "knows"}
"""Answers that worry nobody, where the first or a no would."""


def prospect(content: Catalogue) -> Patient:
    """Somebody who wrote for the first time and pressed Start."""
    patient = Patient(content)
    patient.wants(Command.START)
    return patient


def enrolled(content: Catalogue, doses: Iterable[tuple[int, str]] = ()) -> Patient:
    """A patient between check-ins, with reports of so many days ago."""
    patient = Patient(content)
    patient.does(Enrolled())
    today = WeeklyHour.of(patient.now, ZONE)
    assert patient.person.check_in == today
    reports = (DailyDose((MONDAY - timedelta(days=ago)).date(), Decimal(amount)) for ago, amount in doses)
    patient.person = replace(patient.person, doses=tuple(reports))
    return patient


def checking_in(content: Catalogue, doses: Iterable[tuple[int, str]] = ()) -> Patient:
    """A patient at the first question of the check-in."""
    patient = enrolled(content, doses)
    patient.does(CheckInDue())
    patient.begins()
    return patient


def in_state(content: Catalogue, state: str) -> Patient:
    """A patient in a state by its name."""
    match state:
        case "new":
            return Patient(content)
        case "invited":
            return prospect(content)
        case "asking":
            patient = prospect(content)
            patient.begins()
            return patient
        case "reviewing":
            patient = in_state(content, "asking")
            while patient.conversation.stage is Stage.ASKING:
                words = quiet(patient.question)
                patient.answers(words) if choices(patient.question) or words is None else patient.says(words)
            return patient
        case "paused":
            patient = in_state(content, "asking")
            patient.says(CRISIS)
            return patient
        case "requested":
            return in_state(content, "asking").goes()
        case "enrolled":
            return enrolled(content)
        case "checking in":
            return checking_in(content)
        case "stopped":
            patient = enrolled(content)
            patient.wants(Command.STOP_NOW)
            return patient
        case "blocked":
            patient = enrolled(content)
            patient.person = replace(patient.person, channel=Channel.BLOCKED)
            return patient
    raise AssertionError(state)


STATES = (
    "new",
    "invited",
    "asking",
    "reviewing",
    "paused",
    "requested",
    "enrolled",
    "checking in",
    "stopped",
    "blocked",
)
