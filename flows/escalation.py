"""Policy, alert -> who is paged next and when."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Tier(StrEnum):
    """How soon a person is needed; the most urgent first."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    ROUTINE = "routine"

    @property
    def urgency(self) -> int:
        """0 is the most urgent."""
        return list(Tier).index(self)


class Role(StrEnum):
    """What a clinician is to the clinic."""

    PHYSICIAN = "physician"
    THERAPIST = "therapist"
    STAFF = "staff"


class Audience(StrEnum):
    """Whom a step pages: the roles that own the rule, or every clinician."""

    OWNERS = "owners"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class PageStep:
    """Page this audience, then wait so long for somebody to acknowledge."""

    to: Audience
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """The steps of a tier. The last one repeats until somebody acknowledges."""

    tier: Tier
    steps: tuple[PageStep, ...]
    silent: bool = False
    """Whether the page makes no sound."""

    def step(self, number: int) -> PageStep:
        """Step `number`, counted from 0; past the end, the last one again."""
        return self.steps[min(number, len(self.steps) - 1)]


def recipients(step: PageStep, owners: Collection[Role], clinicians: Mapping[int, Role]) -> Sequence[int]:
    """The clinicians (by id) whom a step pages. When nobody has an owner's role, everybody is paged."""
    owning = [clinician for clinician, role in clinicians.items() if role in owners]
    return owning if step.to is Audience.OWNERS and owning else list(clinicians)
