"""What comes in: one thing that happened to one patient, in the clinic's words."""

from dataclasses import dataclass
from enum import StrEnum


class Command(StrEnum):
    """What a patient can ask for, by a command, a button or a word."""

    START = "start"
    HELP = "help"
    PERSON = "person"
    VISIT = "visit"
    STOP = "stop"
    STOP_NOW = "stop_now"
    STAY = "stay"
    SAFE = "safe"
    UNSAFE = "unsafe"
    NO_CALL = "no_call"
    PAUSE = "pause"
    REVIEW = "review"
    LEARN = "learn"


class Press(StrEnum):
    """What a button under a question or a review does, beside giving the one answer."""

    ADD = "a"
    REMOVE = "r"
    DONE = "d"
    DECLINE = "x"
    USE = "u"
    CONFIRM = "y"
    RETYPE = "n"
    SCREEN = "p"
    LEAF = "l"
    BACK = "b"
    KEEP = "k"
    EDIT = "e"
    SEND = "s"


class Medium(StrEnum):
    """A message that is not text. It is never an answer, and always answered."""

    STICKER = "sticker"
    VOICE = "voice"
    PICTURE = "picture"
    FILE = "file"
    OTHER = "other"


class Seen(StrEnum):
    """Whether a question had reached its reader; MAYBE while it is being sent."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Said:
    """A typed message. A forwarded text is somebody else's words; an edited one had been said before."""

    text: str
    forwarded: bool = False
    edited: bool = False
    seen: Seen = Seen.YES
    """Whether the open question was on the screen when this was typed; if not, it answers nothing."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A sticker, a voice message, a photo or the like, with the caption that came with it."""

    medium: Medium
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish that means the same in every state, such as /help."""

    command: Command


@dataclass(frozen=True, slots=True)
class Begun:
    """The button that begins a conversation or goes on with a paused one."""

    conversation: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A tapped answer: which conversation, at which revision, which question, which of its choices.

    `question` is the position of the item in the questionnaire, and `instance` the numbers of the repeating groups
    around it; `choice` is the index of the button, None for Skip.
    """

    conversation: int
    revision: int
    question: int
    choice: int | None
    instance: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pressed:
    """Another button under a question or a review. What `number` counts depends on what the button does."""

    conversation: int
    revision: int
    press: Press
    number: int = 0
    question: int = 0
    instance: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Browsed:
    """A button that leafs through the topics of Learn: which screen to show."""

    screen: int


@dataclass(frozen=True, slots=True)
class Read:
    """The button of a topic of Learn, by its id."""

    topic: str


@dataclass(frozen=True, slots=True)
class Sought:
    """A clinician asks a patient to answer a questionnaire of the catalogue, by its name."""

    questionnaire: str


@dataclass(frozen=True, slots=True)
class CheckInDue:
    """The week is over: it is time to ask how it went."""


@dataclass(frozen=True, slots=True)
class ReminderDue:
    """A conversation was left open for a day."""

    conversation: int


@dataclass(frozen=True, slots=True)
class ReviewDue:
    """Everything was answered, and nobody sent it."""

    conversation: int


@dataclass(frozen=True, slots=True)
class ExpiryDue:
    """A conversation was left open too long."""

    conversation: int


@dataclass(frozen=True, slots=True)
class SilenceDue:
    """A check-in was not sent for a while: the rules look at that."""

    conversation: int


@dataclass(frozen=True, slots=True)
class RuleDue:
    """A rule that waits is to be looked at again. `case` is its position in the rule."""

    conversation: int
    rule: str
    case: int


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A clinician enrolled the patient."""


@dataclass(frozen=True, slots=True)
class VisitMissed:
    """The patient did not come to a visit, says the clinic's staff."""


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """A clinician has acknowledged an alert that this rule raised about the patient."""

    rule: str


@dataclass(frozen=True, slots=True)
class ChannelLost:
    """The person blocked the bot, or a message can no longer be delivered."""


Waiting = CheckInDue | ReminderDue | ReviewDue | ExpiryDue | SilenceDue | RuleDue
"""Events that a timer brings."""
Doing = Said | Sent | Asked | Begun | Answered | Pressed | Browsed | Read
"""Events that the patient's own hands make."""
Event = Doing | Waiting | Sought | Enrolled | VisitMissed | AlertSeen | ChannelLost
