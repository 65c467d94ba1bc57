"""Callback data: what a button says when it is tapped, days later too. At most 64 bytes."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from flows.events import Answered, Asked, Begun, Browsed, Command, Press, Pressed, Read

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Deed(StrEnum):
    """What a clinician's button does."""

    ACK = "ack"
    CONTACT = "contact"
    HAND_OVER = "hand"
    ESCALATE = "escalate"
    RESOLVE = "resolve"
    TRACE = "trace"
    ENROL = "enrol"
    CLOSE = "close"
    WHY = "why"
    RECORD = "record"
    SEND = "send"
    SUMMARY = "summary"
    PLAN = "plan"


SPELLINGS = {"acknowledge": "ack", "contacted": "contact", "enroll": "enrol", "done": "close"}
ON_ALERTS = (Deed.ACK, Deed.CONTACT, Deed.HAND_OVER, Deed.ESCALATE, Deed.RESOLVE)
"""The deeds that move an alert."""

OF_ALERTS = (*ON_ALERTS, Deed.WHY, Deed.TRACE)
ON_RECORDS = (Deed.RECORD, Deed.SUMMARY, Deed.SEND)
NUMBERED = frozenset(Deed).difference(ON_RECORDS, {Deed.PLAN})
"""The deeds on alerts and requests."""


@dataclass(frozen=True, slots=True)
class StaffButton:
    """A clinician's button: a deed on an alert or a request, by its number.

    `choice` says to whom an alert is handed over (the id of a clinician), or what came of it (an Outcome).
    """

    deed: Deed
    number: int
    choice: str = ""


@dataclass(frozen=True, slots=True)
class RecordButton:
    """A clinician's button: a deed on the record of a patient, by their code."""

    deed: Deed
    code: str


@dataclass(frozen=True, slots=True)
class PlanButton:
    """A physician's button: this total a day, in milligrams, was agreed with the patient at a visit in person today."""

    code: str
    medicine: str
    milligrams: Decimal


def answer_button(event: Answered) -> str:
    """Callback data of an answer: conversation, revision, question, choice."""
    choice = "-" if event.choice is None else str(event.choice)
    return f"a:{_base36(event.conversation)}:{event.revision}:{_place(event)}:{choice}"


def press_button(event: Pressed) -> str:
    """Callback data of another button under a question or a review: what it does takes the place of the choice."""
    number = event.number or ""
    return f"p:{_base36(event.conversation)}:{event.revision}:{_place(event)}:{event.press}{number}"


def begin_button(conversation: int) -> str:
    """Callback data that begins or continues a conversation."""
    return f"b:{_base36(conversation)}"


def command_button(command: Command) -> str:
    """Callback data of a wish that means the same in every state."""
    return f"c:{command}"


def browse_button(screen: int) -> str:
    """Callback data that leafs through the topics of Learn."""
    return f"l:{screen}"


def topic_button(topic_id: str) -> str:
    """Callback data of a topic of Learn."""
    return f"t:{topic_id}"


def staff_button(deed: Deed, number: int, choice: str = "") -> str:
    """Callback data of a clinician's button."""
    return f"s:{deed}:{number}:{choice}" if choice else f"s:{deed}:{number}"


def record_button(deed: Deed, code: str) -> str:
    """Callback data of a clinician's button for the record of a patient."""
    return f"s:{deed}:{code}"


def plan_button(step: PlanButton) -> str:
    """Callback data that records a step of a taper plan."""
    return f"s:{Deed.PLAN}:{step.code}:{step.medicine}:{step.milligrams}"


def read_plan_button(data: str) -> PlanButton | None:
    """The step that a button records, or that a typed `plan P-7K3FA clonazepam 1.5` asks to record; None for others."""
    found = re.fullmatch(
        r"(?:s:|/)?plan[:\s]+(p-[0-9a-z]{5})[:\s]+([a-z][a-z-]{2,30})[:\s]+([0-9]{1,4}(?:[.,][0-9]{1,4})?)\s*(?:mg)?",
        data.strip().lower(),
    )
    return PlanButton(found[1].upper(), found[2], Decimal(found[3].replace(",", "."))) if found else None


def read_button(data: str) -> Answered | Pressed | Begun | Asked | Browsed | Read | None:
    """What a patient's button says; None when it is none of ours. Callback data can be forged: trust nothing in it."""
    found = re.fullmatch(
        r"[ap]:(?P<conversation>[0-9a-z]{1,13}):(?P<revision>[0-9]{1,6}):(?P<question>[0-9]{1,4})"
        r"(?P<instance>(?:\.[0-9]{1,3}){0,6}):(?:(?P<choice>[0-9]{1,4}|-)|(?P<press>[a-z])(?P<number>[0-9]{0,7}))",
        data,
    )
    if found:
        here = int(found["conversation"], 36), int(found["revision"])
        question, instance = int(found["question"]), tuple(map(int, found["instance"].split(".")[1:]))
        if found["choice"]:
            return Answered(*here, question, None if found["choice"] == "-" else int(found["choice"]), instance)
        if found["press"] in set(Press):
            return Pressed(*here, Press(found["press"]), int(found["number"] or 0), question, instance)
        return None
    found = re.fullmatch(r"b:([0-9a-z]{1,13})", data)
    if found:
        return Begun(int(found[1], 36))
    found = re.fullmatch(r"c:([a-z_]{1,20})", data)
    if found and found[1] in set(Command):
        return Asked(Command(found[1]))
    found = re.fullmatch(r"l:([0-9]{1,3})", data)
    if found:
        return Browsed(int(found[1]))
    found = re.fullmatch(r"t:([a-z0-9-]{1,40})", data)
    return Read(found[1]) if found else None


def read_staff_button(data: str) -> StaffButton | RecordButton | None:
    """What a clinician's button, or a typed `ack 17`, `enrol R-3` or `record P-7K3FA`, says; None for no deed."""
    found = re.fullmatch(
        r"(?:s:|/)?(record)[:\s_]+(p-[0-9a-z]{5})|s:(send|summary):(p-[0-9a-z]{5})", data.strip().lower()
    )
    if found:
        word, code = filter(None, found.groups())
        return RecordButton(Deed(word), code.upper())
    found = re.fullmatch(
        r"(?:s:|/)?([a-z]{1,14}?)[:\s_]*(?:([ar])-|#)?([0-9]{1,12})(?:[:\s]([a-z0-9_]{1,20}))?", data.strip().lower()
    )
    if not found:
        return None
    word, kind, number, choice = found.groups()
    word = SPELLINGS.get(word, word)
    if word not in NUMBERED or (kind is not None and (kind == "a") != (Deed(word) in OF_ALERTS)):
        return None
    if choice is not None and word not in {Deed.HAND_OVER, Deed.RESOLVE}:
        return None
    return StaffButton(Deed(word), int(number), choice or "")


def _place(event: Answered | Pressed) -> str:
    return ".".join(map(str, (event.question, *event.instance)))


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return digits or "0"
