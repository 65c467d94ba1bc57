"""Policy, alert -> who is paged next and when."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Tier(StrEnum):
    """How soon a person is needed; the most urgent first."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    SAME_DAY = "same_day"
    ROUTINE = "routine"

    @property
    def label(self) -> str:
        """The tier in plain words."""
        return self.value.replace("_", " ")

    @property
    def urgency(self) -> int:
        """0 is the most urgent."""
        return list(Tier).index(self)

    @property
    def is_pressing(self) -> bool:
        """Whether a page of this tier counts as late after a minute, and the patient hears that it was taken."""
        return self in {Tier.EMERGENCY, Tier.URGENT}


class Role(StrEnum):
    """What a clinician is to the clinic."""

    PHYSICIAN = "physician"
    THERAPIST = "therapist"
    STAFF = "staff"


class Audience(StrEnum):
    """Whom a step pages, beside roles and persons."""

    ON_CALL = "on_call"
    OWNERS = "owners"
    EVERYONE = "everyone"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Named:
    """One clinician, by the name that the clinic gave them."""

    name: str


Target = Audience | Role | Named


class Outcome(StrEnum):
    """What came of an alert."""

    HELPED = "helped"
    ARRANGED = "arranged"
    REFERRED = "referred"
    NOT_REACHED = "not_reached"
    NO_ACTION = "no_action"


@dataclass(frozen=True, slots=True)
class PageStep:
    """Page all of these, then wait so long for somebody to acknowledge."""

    to: tuple[Target, ...]
    wait: timedelta

    @property
    def calls_fallback(self) -> bool:
        """Whether the fallback channels are paged too."""
        return Audience.FALLBACK in self.to


@dataclass(frozen=True, slots=True)
class Policy:
    """The steps of a tier. The last one repeats until somebody acknowledges.

    Who acknowledged must speak with the patient within `contact`, or the steps begin again. New facts go to the open
    alert that was raised within `merge`, or that nobody has taken.
    """

    tier: Tier
    steps: tuple[PageStep, ...]
    contact: timedelta
    merge: timedelta
    silent: bool = False
    """Whether the page makes no sound."""

    waits_for_opening: bool = False
    """Whether pages wait until the clinic is open."""

    def step(self, number: int) -> PageStep:
        """Step `number`, counted from 0; past the end, the last one again."""
        return self.steps[min(number, len(self.steps) - 1)]


@dataclass(frozen=True, slots=True)
class Colleague:
    """A clinician who can be paged."""

    id: int
    role: Role
    name: str = ""
    is_on_call: bool = False


def recipients(step: PageStep, owners: Collection[Role], team: Sequence[Colleague]) -> tuple[int, ...]:
    """The clinicians (by id) whom a step pages, each once, in the order of the team.

    Who is on call comes before who is not: of those on call the owners, or else all of them. When nobody is, the
    owners are paged, and when nobody is an owner, everybody. A step for people never finds nobody while there is one.
    """
    owning = [one for one in team if one.role in owners] or list(team)
    on_call = [one for one in team if one.is_on_call]
    found: set[int] = set()
    for target in step.to:
        match target:
            case Audience.EVERYONE:
                chosen = list(team)
            case Audience.OWNERS:
                chosen = owning
            case Audience.ON_CALL:
                chosen = [one for one in on_call if one.role in owners] or on_call or owning
            case Audience.FALLBACK:
                chosen = []
            case Role():
                chosen = [one for one in team if one.role is target]
            case Named(name):
                chosen = [one for one in team if one.name == name]
        found |= {one.id for one in chosen}
    if not found and set(step.to) != {Audience.FALLBACK}:
        found = {one.id for one in team}
    return tuple(one.id for one in team if one.id in found)
