"""The transition tables of a conversation, a patient and an alert."""

from collections.abc import Sequence
from enum import StrEnum
from types import SimpleNamespace
from typing import TypeVar

from transitions import Machine, MachineError

from flows.errors import TaperlineError

State = TypeVar("State", bound=StrEnum)


class Stage(StrEnum):
    """Where a conversation is."""

    INVITED = "invited"
    ASKING = "asking"
    REVIEW = "review"
    PAUSED = "paused"
    SUBMITTED = "submitted"
    EXPIRED = "expired"
    STOPPED = "stopped"


class Step(StrEnum):
    """What moves a conversation."""

    BEGIN = "begin"
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    EDIT = "edit"
    SUBMIT = "submit"
    EXPIRE = "expire"
    STOP = "stop"


class Standing(StrEnum):
    """Where a patient stands with the clinic."""

    PROSPECT = "prospect"
    REQUESTED = "requested"
    ENROLLED = "enrolled"


class Move(StrEnum):
    """What changes where a patient stands."""

    REQUEST = "request"
    ENROL = "enrol"


class AlertState(StrEnum):
    """Where an alert is."""

    RAISED = "raised"
    PAGED = "paged"
    ACKNOWLEDGED = "acknowledged"
    IN_HAND = "in_hand"
    RESOLVED = "resolved"


class AlertStep(StrEnum):
    """What moves an alert."""

    PAGE = "page"
    ACKNOWLEDGE = "acknowledge"
    CONTACT = "contact"
    HAND_OVER = "hand_over"
    ESCALATE = "escalate"
    NEW_FACTS = "new_facts"
    OVERDUE = "overdue"
    RESOLVE = "resolve"


class NotAllowedError(TaperlineError):
    """The transition table has no such step from this state."""


def _machine(
    states: type[StrEnum], initial: StrEnum, rows: Sequence[tuple[StrEnum, Sequence[StrEnum], StrEnum]]
) -> Machine:
    transitions = [{"trigger": trigger, "source": source, "dest": dest} for trigger, source, dest in rows]
    return Machine(model=None, states=states, initial=initial, transitions=transitions, auto_transitions=False)


CONVERSATION = _machine(
    Stage,
    Stage.INVITED,
    [
        (Step.BEGIN, [Stage.INVITED], Stage.ASKING),
        (Step.FINISH, [Stage.ASKING], Stage.REVIEW),
        (Step.EDIT, [Stage.REVIEW], Stage.ASKING),
        (Step.PAUSE, [Stage.ASKING, Stage.REVIEW], Stage.PAUSED),
        (Step.RESUME, [Stage.PAUSED], Stage.ASKING),
        (Step.SUBMIT, [Stage.REVIEW], Stage.SUBMITTED),
        (Step.EXPIRE, [Stage.INVITED, Stage.ASKING, Stage.REVIEW, Stage.PAUSED], Stage.EXPIRED),
        (Step.STOP, [Stage.INVITED, Stage.ASKING, Stage.REVIEW, Stage.PAUSED], Stage.STOPPED),
    ],
)
PATIENT = _machine(
    Standing,
    Standing.PROSPECT,
    [
        (Move.REQUEST, [Standing.PROSPECT], Standing.REQUESTED),
        (Move.ENROL, [Standing.PROSPECT, Standing.REQUESTED], Standing.ENROLLED),
    ],
)
UNTAKEN = [AlertState.RAISED, AlertState.PAGED]
TAKEN = [AlertState.ACKNOWLEDGED, AlertState.IN_HAND]
ALERT = _machine(
    AlertState,
    AlertState.RAISED,
    [
        (AlertStep.PAGE, UNTAKEN, AlertState.PAGED),
        (AlertStep.ACKNOWLEDGE, UNTAKEN, AlertState.ACKNOWLEDGED),
        (AlertStep.CONTACT, [*UNTAKEN, AlertState.ACKNOWLEDGED], AlertState.IN_HAND),
        (AlertStep.HAND_OVER, [*UNTAKEN, *TAKEN], AlertState.RAISED),
        (AlertStep.ESCALATE, [*UNTAKEN, *TAKEN], AlertState.RAISED),
        (AlertStep.NEW_FACTS, TAKEN, AlertState.RAISED),
        (AlertStep.OVERDUE, [AlertState.ACKNOWLEDGED], AlertState.RAISED),
        (AlertStep.RESOLVE, [*UNTAKEN, *TAKEN], AlertState.RESOLVED),
    ],
)
TABLES = {"conversation": CONVERSATION, "patient": PATIENT, "alert": ALERT}


def after(machine: Machine, state: State, step: StrEnum) -> State:
    """The state that a step leads to. Raises NotAllowedError when the table has no such step from here."""
    holder = SimpleNamespace(state=state)
    try:
        machine.events[step].trigger(holder)
    except MachineError as error:
        raise NotAllowedError(f"{step} is not possible from {state}") from error
    moved: State = holder.state
    return moved


def allows(machine: Machine, state: StrEnum, step: StrEnum) -> bool:
    """Whether the table has this step from this state."""
    return step in machine.get_triggers(state)


def mermaid(machine: Machine) -> str:
    """The table as a Mermaid state diagram, in the order of its rows."""
    lines = ["stateDiagram-v2", f"    [*] --> {machine.initial}"]
    for trigger, event in machine.events.items():
        rows = (row for rows in event.transitions.values() for row in rows)
        lines += [f"    {row.source} --> {row.dest}: {trigger}" for row in rows]
    return "\n".join(lines)
