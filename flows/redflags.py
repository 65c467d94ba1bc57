"""The rule table applied to answers, scores, signals and changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flows.conditions import Cause, Test, causes, holds
from flows.effects import RequestKind, Say
from flows.escalation import Role, Tier
from flows.values import Facts

DRILL = "DRILL"
"""The rule of a drill, about the clinic itself. People raise it, never answers, and figures leave it out."""


@dataclass(frozen=True, slots=True)
class Case:
    """One way for a rule to fire. With `after`, it fires only if it still holds when that time has passed."""

    tier: Tier
    test: Test
    after: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Rule:
    """One red flag: what it looks for, who acts on it or is informed, what the patient is told, and why.

    `acknowledge` and `contact` say within what time an owner takes it and speaks with the patient.
    A rule without cases is kept by the program itself; `kept_by` says where. One that `waits_for_opening` is paged when
    the clinic is open, whatever its tier says.
    """

    id: str
    title: str
    owners: tuple[Role, ...]
    cases: tuple[Case, ...]
    message: Say | None
    request: RequestKind | None
    rationale: str
    source: str
    acknowledge: str = ""
    contact: str = ""
    kept_by: str = ""
    waits_for_opening: bool = False


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule has fired, by one of its cases, for these causes."""

    rule: Rule
    case: int
    causes: tuple[Cause, ...] = ()

    @property
    def tier(self) -> Tier:
        return self.rule.cases[self.case].tier

    @property
    def after(self) -> timedelta:
        return self.rule.cases[self.case].after


def fired(rules: Iterable[Rule], before: Facts, now: Facts) -> Sequence[Firing]:
    """The cases that hold now and did not hold before, the most urgent first.

    A case that cannot be evaluated fires: when a rule is broken, a person looks (P6).
    """
    found = [
        Firing(rule, index, tuple(causes(case.test, now)))
        for rule in rules
        for index, case in enumerate(rule.cases)
        if alarming(case.test, now, True) and not alarming(case.test, before, False)
    ]
    return sorted(found, key=lambda firing: firing.tier.urgency)


def still(rule: Rule, case: int, now: Facts) -> Firing | None:
    """The firing of a case that waited, when it still holds."""
    test = rule.cases[case].test
    return Firing(rule, case, tuple(causes(test, now))) if alarming(test, now, True) else None


def alarming(test: Test, facts: Facts, when_broken: bool) -> bool:
    """Whether a test holds; a broken one counts as told."""
    try:
        return holds(test, facts)
    except Exception:  # noqa: BLE001 (P6: any failure of a rule goes to a person)
        return when_broken
