"""What goes out: what must happen because of an event, all of it in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flows.answers import Reason
from flows.course import Entry
from flows.escalation import Tier
from flows.events import Command, Waiting
from flows.evidence import Evidence
from flows.items import Item
from flows.learn import Topic
from flows.lifecycle import Stage
from flows.listener import Signal
from flows.values import Place, Value, Values


class RequestKind(StrEnum):
    """What a patient asks the clinic for."""

    CONSULTATION = "consultation"
    VISIT = "visit"


class IntakeOutcome(StrEnum):
    """What an intake leads to, the most pressing first."""

    EMERGENCY = "emergency"
    CALL_FIRST = "call_first"
    ELSEWHERE = "elsewhere"
    FLAGGED = "flagged"
    VISIT = "visit"


@dataclass(frozen=True, slots=True)
class Record:
    """Keep an answer. An earlier answer to the same question is superseded, not changed."""

    conversation: int
    revision: int
    place: Place
    values: Values


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Supersede answers that belonged to values which are no longer given."""

    conversation: int
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Settle:
    """Show on the question's message what was answered, and take its keyboard away."""

    conversation: int
    revision: int
    item: Item
    values: Values
    instance: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Leave:
    """Take the keyboard away from a question or a review that was left for another one."""

    conversation: int
    revision: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question. `position` and `instance` name it on its buttons; it is question `number` of about `total`.

    An item that is a group asks whether the group occurs, or occurs once more. `draft` holds what is chosen so far of a
    question with several answers, `guess` what a typed text may mean, `given` the answer that is being changed. With
    `in_place` it replaces the message that was tapped. With `in_person` it answers words that may have asked for a
    change, so it says where changes are made (P5).
    """

    conversation: int
    revision: int
    position: int
    item: Item
    intro: tuple[str, ...]
    number: int
    total: int
    note: Reason | None = None
    instance: tuple[int, ...] = ()
    draft: Values = ()
    guess: Value | None = None
    given: Values | None = None
    screen: int = 0
    in_place: bool = False
    in_person: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """Show all answers in order, each with its position, to be changed, and sent when they are complete."""

    conversation: int
    revision: int
    entries: tuple[tuple[int, Entry], ...]
    is_complete: bool
    closing: tuple[str, ...] = ()
    screen: int = 0
    in_place: bool = False
    in_person: bool = False


@dataclass(frozen=True, slots=True)
class Begin:
    """A button that begins or continues a conversation."""

    conversation: int
    label: str


@dataclass(frozen=True, slots=True)
class Say:
    """Send a text by the name of its template, with buttons under it. Help is always the last of them.

    A topic among the buttons is one to read it.
    """

    template: str
    buttons: tuple[Command | Begin | Topic, ...] = ()
    overtakes: bool = False
    """Whether it goes before whatever else waits for this person, because help cannot wait."""
    about: str = ""
    """The title of the questionnaire that it is about."""
    in_person: bool = False
    """Whether it answers words that may have asked for a change: then it says where changes are made (P5)."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Show the titles of Learn, a screen at a time. With `in_place` they replace the message that was tapped."""

    topics: tuple[Topic, ...]
    screen: int = 0
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Teach:
    """Say what a topic of Learn says, with a button to the others, and these."""

    topic: Topic
    buttons: tuple[Begin, ...] = ()
    in_person: bool = False
    """Whether it says, too, where changes to the medicine are made."""


@dataclass(frozen=True, slots=True)
class Toast:
    """A short word on the tapped button itself."""

    template: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep words that were not an answer, or that mean something beside being one, for a person to read."""

    text: str
    signals: frozenset[Signal]


@dataclass(frozen=True, slots=True)
class End:
    """A conversation that gave way to another one or is over, and the stage in which it was left."""

    conversation: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class Raise:
    """Raise an alert by a rule, or add to the one that is open, with what each case that fired was fired by."""

    rule: str
    tier: Tier
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """Ask the clinic for a consultation or a visit; for a consultation, with what the intake led to."""

    kind: RequestKind
    outcome: IntakeOutcome | None = None


@dataclass(frozen=True, slots=True)
class Wake:
    """Bring this event back at `at`. A timer with the same key is replaced."""

    key: str
    at: datetime
    event: Waiting


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop the timers whose keys begin so."""

    prefix: str


Told = Ask | Review | Say | Contents | Teach | Toast
"""What reaches a patient as words."""
Effect = Told | Record | Withdraw | Settle | Leave | Keep | End | Raise | Request | Wake | Forget
