"""The transition tables, cell by cell."""

from enum import StrEnum
from itertools import product
from typing import Any

import pytest
from transitions import Machine

from flows.lifecycle import (
    ALERT,
    CONVERSATION,
    PATIENT,
    TABLES,
    AlertState,
    AlertStep,
    Move,
    NotAllowedError,
    Stage,
    Standing,
    Step,
    after,
    allows,
    mermaid,
)

EXPECTED: list[tuple[Machine, type[StrEnum], type[StrEnum], dict[tuple[Any, Any], Any]]] = [
    (
        CONVERSATION,
        Stage,
        Step,
        {
            (Stage.INVITED, Step.BEGIN): Stage.ASKING,
            (Stage.INVITED, Step.EXPIRE): Stage.EXPIRED,
            (Stage.INVITED, Step.STOP): Stage.STOPPED,
            (Stage.ASKING, Step.FINISH): Stage.REVIEW,
            (Stage.ASKING, Step.PAUSE): Stage.PAUSED,
            (Stage.ASKING, Step.EXPIRE): Stage.EXPIRED,
            (Stage.ASKING, Step.STOP): Stage.STOPPED,
            (Stage.REVIEW, Step.EDIT): Stage.ASKING,
            (Stage.REVIEW, Step.PAUSE): Stage.PAUSED,
            (Stage.REVIEW, Step.SUBMIT): Stage.SUBMITTED,
            (Stage.REVIEW, Step.EXPIRE): Stage.EXPIRED,
            (Stage.REVIEW, Step.STOP): Stage.STOPPED,
            (Stage.PAUSED, Step.RESUME): Stage.ASKING,
            (Stage.PAUSED, Step.EXPIRE): Stage.EXPIRED,
            (Stage.PAUSED, Step.STOP): Stage.STOPPED,
        },
    ),
    (
        PATIENT,
        Standing,
        Move,
        {
            (Standing.PROSPECT, Move.REQUEST): Standing.REQUESTED,
            (Standing.PROSPECT, Move.ENROL): Standing.ENROLLED,
            (Standing.REQUESTED, Move.ENROL): Standing.ENROLLED,
        },
    ),
    (
        ALERT,
        AlertState,
        AlertStep,
        {
            (AlertState.RAISED, AlertStep.PAGE): AlertState.PAGED,
            (AlertState.RAISED, AlertStep.ACKNOWLEDGE): AlertState.ACKNOWLEDGED,
            (AlertState.RAISED, AlertStep.CONTACT): AlertState.IN_HAND,
            (AlertState.RAISED, AlertStep.HAND_OVER): AlertState.RAISED,
            (AlertState.RAISED, AlertStep.ESCALATE): AlertState.RAISED,
            (AlertState.RAISED, AlertStep.RESOLVE): AlertState.RESOLVED,
            (AlertState.PAGED, AlertStep.PAGE): AlertState.PAGED,
            (AlertState.PAGED, AlertStep.ACKNOWLEDGE): AlertState.ACKNOWLEDGED,
            (AlertState.PAGED, AlertStep.CONTACT): AlertState.IN_HAND,
            (AlertState.PAGED, AlertStep.HAND_OVER): AlertState.RAISED,
            (AlertState.PAGED, AlertStep.ESCALATE): AlertState.RAISED,
            (AlertState.PAGED, AlertStep.RESOLVE): AlertState.RESOLVED,
            (AlertState.ACKNOWLEDGED, AlertStep.CONTACT): AlertState.IN_HAND,
            (AlertState.ACKNOWLEDGED, AlertStep.HAND_OVER): AlertState.RAISED,
            (AlertState.ACKNOWLEDGED, AlertStep.ESCALATE): AlertState.RAISED,
            (AlertState.ACKNOWLEDGED, AlertStep.NEW_FACTS): AlertState.RAISED,
            (AlertState.ACKNOWLEDGED, AlertStep.OVERDUE): AlertState.RAISED,
            (AlertState.ACKNOWLEDGED, AlertStep.RESOLVE): AlertState.RESOLVED,
            (AlertState.IN_HAND, AlertStep.HAND_OVER): AlertState.RAISED,
            (AlertState.IN_HAND, AlertStep.ESCALATE): AlertState.RAISED,
            (AlertState.IN_HAND, AlertStep.NEW_FACTS): AlertState.RAISED,
            (AlertState.IN_HAND, AlertStep.RESOLVE): AlertState.RESOLVED,
        },
    ),
]
CELLS = [
    pytest.param(machine, state, step, table.get((state, step)), id=f"{state}-{step}")
    for machine, states, steps, table in EXPECTED
    for state, step in product(states, steps)
]


@pytest.mark.parametrize(("machine", "state", "step", "leads_to"), CELLS)
def test_each_step_from_each_state(machine: Machine, state: Any, step: StrEnum, leads_to: StrEnum | None) -> None:
    assert allows(machine, state, step) == (leads_to is not None)
    if leads_to is not None:
        assert after(machine, state, step) is leads_to
    else:
        with pytest.raises(NotAllowedError, match=f"{step} is not possible from {state}"):
            after(machine, state, step)


def test_p4_nothing_brings_a_resolved_alert_back_to_life() -> None:
    assert not any(allows(ALERT, AlertState.RESOLVED, step) for step in AlertStep)


@pytest.mark.parametrize(("machine", "states", "steps", "table"), EXPECTED, ids=["conversation", "patient", "alert"])
def test_the_diagram_draws_every_row_and_no_other(machine: Machine, states: Any, steps: Any, table: Any) -> None:
    drawn = mermaid(machine).splitlines()
    assert drawn[0] == "stateDiagram-v2"
    assert len(drawn) == 2 + len(table)
    for (source, step), leads_to in table.items():
        assert any(
            line.strip().casefold() == f"{source.name} --> {leads_to.name}: {step}".casefold() for line in drawn
        ), (source, step)


def test_there_are_three_tables() -> None:
    assert TABLES == {"conversation": CONVERSATION, "patient": PATIENT, "alert": ALERT}
