"""Callback data: what a button says when it is tapped, days later too. At most 64 bytes."""

import re
from dataclasses import dataclass
from enum import StrEnum

from flows.events import Answered, Asked, Begun, Command

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Deed(StrEnum):
    """What a clinician's button does."""

    ACK = "ack"
    RESOLVE = "resolve"
    ESCALATE = "escalate"
    ENROL = "enrol"
    CLOSE = "close"


SPELLINGS = {"acknowledge": "ack", "enroll": "enrol", "done": "close"}
ON_ALERTS = (Deed.ACK, Deed.RESOLVE, Deed.ESCALATE)


@dataclass(frozen=True, slots=True)
class StaffButton:
    """A clinician's button: a deed on an alert or a request, by its number."""

    deed: Deed
    number: int


def answer_button(event: Answered) -> str:
    """Callback data of an answer: conversation, revision, question, choice."""
    choice = "-" if event.choice is None else str(event.choice)
    return f"a:{_base36(event.conversation)}:{event.revision}:{event.question}:{choice}"


def begin_button(conversation: int) -> str:
    """Callback data that begins or continues a conversation."""
    return f"b:{_base36(conversation)}"


def command_button(command: Command) -> str:
    """Callback data of a wish that means the same in every state."""
    return f"c:{command}"


def staff_button(deed: Deed, number: int) -> str:
    """Callback data of a clinician's button."""
    return f"s:{deed}:{number}"


def read_button(data: str) -> Answered | Begun | Asked | None:
    """What a patient's button says; None when it is none of ours. Callback data can be forged: trust nothing in it."""
    found = re.fullmatch(r"a:([0-9a-z]{1,13}):([0-9]{1,6}):([0-9]{1,4}):([0-9]{1,3}|-)", data)
    if found:
        conversation, revision, question, choice = found.groups()
        chosen = None if choice == "-" else int(choice)
        return Answered(int(conversation, 36), int(revision), int(question), chosen)
    found = re.fullmatch(r"b:([0-9a-z]{1,13})", data)
    if found:
        return Begun(int(found[1], 36))
    found = re.fullmatch(r"c:([a-z_]{1,20})", data)
    if found and found[1] in set(Command):
        return Asked(Command(found[1]))
    return None


def read_staff_button(data: str) -> StaffButton | None:
    """What a clinician's button, or a typed `ack 17` or `enrol R-3`, says; None when it is none of ours."""
    found = re.fullmatch(r"(?:s:|/)?([a-z]{1,14}?)[:\s_]*(?:([ar])-|#)?([0-9]{1,12})", data.strip().lower())
    if not found:
        return None
    word, kind, number = found.groups()
    word = SPELLINGS.get(word, word)
    if word not in set(Deed) or (kind is not None and (kind == "a") != (Deed(word) in ON_ALERTS)):
        return None
    return StaffButton(Deed(word), int(number))


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return digits or "0"
