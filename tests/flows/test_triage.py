"""What an intake leads to: the most pressing reason counts, and what cannot be evaluated is looked at."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from flows.catalogue import Catalogue
from flows.conditions import Condition, Operator
from flows.effects import IntakeOutcome
from flows.triage import Triage, TriageReason
from flows.values import Coding, Facts, Values
from tests.flows.people import Patient, in_state


def reason(outcome: IntakeOutcome, link_id: str = "a", answer: Any = True) -> TriageReason:
    return TriageReason(outcome, f"Because of {link_id}", Condition(link_id, Operator.EQUAL, answer))


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({}, IntakeOutcome.VISIT),
        ({"note": (True,)}, IntakeOutcome.FLAGGED),
        ({"note": (True,), "far": (True,)}, IntakeOutcome.ELSEWHERE),
        ({"note": (True,), "far": (True,), "call": (True,)}, IntakeOutcome.CALL_FIRST),
        ({"far": (True,), "call": (True,)}, IntakeOutcome.CALL_FIRST),
        ({"call": (False,), "note": (True,)}, IntakeOutcome.FLAGGED),
    ],
)
def test_the_most_pressing_reason_is_the_outcome_whatever_stands_first(facts: Facts, outcome: IntakeOutcome) -> None:
    reasons = (
        reason(IntakeOutcome.FLAGGED, "note"),
        reason(IntakeOutcome.CALL_FIRST, "call"),
        reason(IntakeOutcome.ELSEWHERE, "far"),
    )
    assert Triage(reasons).outcome(facts, ()) is outcome


def test_all_reasons_that_hold_are_told_in_their_order() -> None:
    reasons = (reason(IntakeOutcome.FLAGGED, "a"), reason(IntakeOutcome.CALL_FIRST, "b"), reason(IntakeOutcome.FLAGGED))
    found = Triage(reasons).found({"a": (True,), "b": (False,)})
    assert [held.words for held in found] == ["Because of a", "Because of a"]


def test_p6_a_reason_that_cannot_be_evaluated_holds() -> None:
    broken = TriageReason(IntakeOutcome.CALL_FIRST, "Broken", Condition("a", Operator.GREATER, "five"))
    assert Triage((broken,)).outcome({"a": (5,)}, ()) is IntakeOutcome.CALL_FIRST


def test_an_emergency_is_whatever_a_rule_calls_one_at_once(content: Catalogue) -> None:
    rule = content.rule("M1")
    assert rule is not None
    triage, yes = Triage((reason(IntakeOutcome.FLAGGED),)), Coding("yes", "urn:taperline")
    facts: dict[str, Values] = {"seizure": (yes,), "a": (True,)}
    assert triage.outcome(facts, (rule,)) is IntakeOutcome.EMERGENCY
    later = tuple(replace(case, after=timedelta(minutes=15)) for case in rule.cases)
    assert triage.outcome(facts, (replace(rule, cases=later),)) is IntakeOutcome.FLAGGED
    assert triage.outcome({"seizure": (Coding("no", "urn:taperline"),)}, (rule,)) is IntakeOutcome.VISIT


def found(sam: Patient) -> list[str]:
    """The reasons that hold for an intake that is about to be sent."""
    facts = sam.conversation.facts
    return [held.words for held in sam.content.triage.found(facts)]


def test_the_reasons_of_the_clinic_find_nothing_in_a_calm_intake(content: Catalogue) -> None:
    assert found(in_state(content, "reviewing")) == []
