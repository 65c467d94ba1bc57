"""What goes out: what must happen because of an event, all of it in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flows.answers import Reason
from flows.escalation import Tier
from flows.events import Command, Waiting
from flows.lifecycle import Stage
from flows.listener import Signal
from flows.questionnaire import Item
from flows.values import Values


class RequestKind(StrEnum):
    """What a patient asks the clinic for."""

    CONSULTATION = "consultation"
    VISIT = "visit"


@dataclass(frozen=True, slots=True)
class Record:
    """Keep an answer. An earlier answer to the same question is superseded, not changed."""

    conversation: int
    revision: int
    link_id: str
    values: Values


@dataclass(frozen=True, slots=True)
class Settle:
    """Show on the question's message what was answered, and take its keyboard away."""

    conversation: int
    revision: int
    item: Item
    values: Values


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question. `position` names the item on its buttons; it is question `number` of about `total`."""

    conversation: int
    revision: int
    position: int
    item: Item
    intro: tuple[str, ...]
    number: int
    total: int
    note: Reason | None = None


@dataclass(frozen=True, slots=True)
class Begin:
    """A button that begins or continues a conversation."""

    conversation: int
    label: str


@dataclass(frozen=True, slots=True)
class Say:
    """Send a text by the name of its template, with buttons under it. Help is always the last of them."""

    template: str
    buttons: tuple[Command | Begin, ...] = ()
    overtakes: bool = False
    """Whether it goes before whatever else waits for this person, because help cannot wait."""


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
    """A conversation that gave way to another one, and how it ended."""

    conversation: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class Raise:
    """Raise an alert by a rule, or add to the one that is open."""

    rule: str
    tier: Tier


@dataclass(frozen=True, slots=True)
class Request:
    """Ask the clinic for a consultation or a visit."""

    kind: RequestKind


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


Effect = Record | Settle | Ask | Say | Toast | Keep | End | Raise | Request | Wake | Forget
