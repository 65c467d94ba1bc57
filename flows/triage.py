"""What an intake leads to: an emergency, a call first, or a visit. The bot never accepts or rejects anybody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flows.conditions import Test
from flows.effects import IntakeOutcome
from flows.redflags import Rule, alarming
from flows.values import Facts


@dataclass(frozen=True, slots=True)
class TriageReason:
    """A reason for an outcome, in a clinician's words."""

    outcome: IntakeOutcome
    words: str
    test: Test


@dataclass(frozen=True, slots=True)
class Triage:
    """The reasons that the clinic looks at, in the order of their outcomes."""

    reasons: tuple[TriageReason, ...]

    def found(self, facts: Facts) -> Sequence[TriageReason]:
        """The reasons that hold. One that cannot be evaluated holds: a person looks (P6)."""
        return [reason for reason in self.reasons if alarming(reason.test, facts, True)]

    def outcome(self, facts: Facts, rules: Iterable[Rule]) -> IntakeOutcome:
        """The most pressing outcome that there is a reason for; an emergency is whatever a rule calls one."""
        cases = (case for rule in rules for case in rule.cases)
        if any(case.tier.urgency == 0 and not case.after and alarming(case.test, facts, True) for case in cases):
            return IntakeOutcome.EMERGENCY
        given = {reason.outcome for reason in self.found(facts)}
        return next((outcome for outcome in IntakeOutcome if outcome in given), IntakeOutcome.VISIT)
