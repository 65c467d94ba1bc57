"""What a rule was fired by, in words for clinicians: questions and answers, a patient's words, what was computed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from flows.conditions import Cause, Condition, Operator, holds
from flows.escalation import Tier
from flows.items import Item, ItemType
from flows.listener import Signal
from flows.questionnaire import Questionnaire
from flows.values import DECLINED, Coding, Facts, Value, Values, spoken


@dataclass(frozen=True, slots=True)
class Finding:
    """What a condition of a rule looked at, and what stood there; no `found` is no answer.

    `fact` is the linkId of the question, or the name of a computed fact; `about` says it in words. With an `error`, of
    which it is the kind, nobody can tell whether the condition holds.
    """

    fact: str
    condition: str
    about: str
    found: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a rule fired: which of its cases (counted from 0), how urgent that is, and what was found."""

    case: int
    tier: Tier
    findings: tuple[Finding, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One time that an alert was raised or got new facts, with the evidence of each case that fired then."""

    at: datetime
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """How a computed fact is told: what it is about, and its values where their own words are not plain."""

    about: str
    values: Mapping[str, str] = field(default_factory=dict)
    is_fraction: bool = False


TOLD: Mapping[str, Told] = {
    "%signal": Told(
        "Heard in the patient's words",
        {
            Signal.CRISIS: "thoughts of death, suicide or self-harm",
            Signal.MEDICAL: "a medical emergency",
            Signal.ABRUPT: "stopped suddenly, or out of the medicine",
            Signal.TAPER: "a wish or a question about the taper",
            Signal.HUMAN: "wants a person",
            Signal.STOP: "wants to stop the bot",
        },
    ),
    "%safe": Told("Are you in a safe place right now?"),
    "%misunderstood": Told("Messages in a row that were not understood"),
    "%failed": Told("The program failed on a message"),
    "%channel": Told(
        "The patient's chat",
        {"open": "open", "stopped": "stopped by the patient", "blocked": "blocked: the bot cannot write to it"},
    ),
    "%standing": Told("The patient is", {"prospect": "a prospect", "requested": "waiting for a consultation"}),
    "%outcome": Told(
        "What the intake leads to", {"call_first": "a clinician calls first", "flagged": "a flagged visit"}
    ),
    "%visit.missed": Told("The patient did not come to the visit"),
    "%unanswered.hours": Told("Hours without an answer to the check-in"),
    "%unanswered.in-a-row": Told("Check-ins in a row without an answer"),
    "%alerts.lately": Told("Rules that raised an alert in the last 30 days"),
    "%plan.changed-lately": Told("The recorded plan changed in the last 14 days"),
    "%dose.fall": Told("Reported daily total, below the highest of the last 14 days by", is_fraction=True),
    "%dose.below": Told("Reported daily total, below the recorded plan by", is_fraction=True),
    "%dose.above": Told("Reported daily total, above the recorded plan by", is_fraction=True),
    "%dose-class": Told("Reported daily dose, by its diazepam equivalent"),
    "%half-life": Told("Half-life of the benzodiazepine"),
    "%taking": Told("Kinds of medicine that the patient takes"),
    "%new-medicine": Told("Why a new medicine matters"),
    "%total.": Told("{} total"),
    "%last.": Told("{} (the time before)"),
    "%rise.": Told("{}: higher than the time before by"),
    "%rise-share.": Told("{}: higher than the time before by", is_fraction=True),
    "%weeks-rising.": Told("{}: times in a row that it rose"),
    "%highest.": Told("{}: the highest before"),
    "%worst-new.": Told("{}: the worst level of an entry that got worse"),
}
"""The words for computed facts, by name; a name that ends in a dot is that of a family, and {} what follows the dot."""

_OPERATORS = {Operator.EQUAL: "is", Operator.NOT_EQUAL: "is not"}


@dataclass(frozen=True, slots=True)
class Witness:
    """Who saw what the rules saw, and tells it: what the patient wrote just now, the forms, the one in hand first.

    `namesakes` gives the linkId that the rules know for the code of a question; `answers` are those of the form in
    hand.
    """

    said: str
    namesakes: Mapping[Coding, str]
    forms: Sequence[Questionnaire]
    answers: Facts = field(default_factory=dict)

    def evidence(self, case: int, tier: Tier, causes: Iterable[Cause], note: str = "") -> Evidence:
        """The evidence of a case that fired. What cannot be told never keeps an alert from being raised (P6)."""
        try:
            findings = dict.fromkeys(finding for cause in causes for finding in self._findings(cause))
        except Exception as error:  # noqa: BLE001
            lost = f"What was found cannot be told ({type(error).__name__})."
            return Evidence(case, tier, note=f"{note} {lost}".strip())
        return Evidence(case, tier, tuple(findings), note)

    def _findings(self, cause: Cause) -> Iterator[Finding]:
        condition = cause.condition
        written, name = _written(condition), condition.question
        if name.startswith("%"):
            about, found = self._computed(condition, cause.values)
            yield Finding(name, written, about, found, cause.error)
            return
        asked = self._asked(name)
        answered = [(item, self.answers[item.link_id]) for item in asked if self.answers.get(item.link_id)]
        decisive = [(item, values) for item, values in answered if _meets(condition, values)] or answered
        nowhere = [(asked[0] if asked else self._item(name), cause.values)]
        for item, values in decisive or nowhere:
            about = _worded(item) if item is not None else name
            yield Finding(name, written, about, tuple(_shown(item, value) for value in values), cause.error)

    def _asked(self, name: str) -> Sequence[Item]:
        """The questions of the form in hand that the rules hear under one name."""
        items = self.forms[0].walk() if self.forms else ()
        return [item for item in items if item.link_id == name or name in map(self.namesakes.get, item.codes)]

    def _computed(self, condition: Condition, values: Values) -> tuple[str, tuple[str, ...]]:
        name = condition.question
        told, of = _told(name)
        item = self._item(of)
        about = told.about.format(_worded(item) if item is not None else of.replace(".", " ").replace("-", " "))
        shown = [value for value in values if _meets(condition, (value,))] or values
        found = tuple(_valued(told, item, value) for value in shown)
        if name == "%signal":
            found += (f"“{self.said}”",) if self.said else ("by a button",)
        return about, found

    def _item(self, link_id: str) -> Item | None:
        return next((item for form in self.forms if (item := form.find(link_id)) is not None), None)


def _told(name: str) -> tuple[Told, str]:
    """The words for a computed fact, and what it is of: a linkId, or part of its name."""
    if name in TOLD:
        return TOLD[name], ""
    family, dot, of = name.partition(".")
    return (TOLD[family + dot], of) if family + dot in TOLD else (Told("{}"), name.removeprefix("%"))


def _valued(told: Told, item: Item | None, value: Value) -> str:
    if told.is_fraction and isinstance(value, int | Decimal):
        return f"{spoken(round(Decimal(value) * 100, 1))} %"
    return told.values.get(spoken(value)) or _shown(item, value)


def _worded(item: Item) -> str:
    """The words of a question; of a group, which mostly has those of all its questions, the name of its code."""
    if item.type is ItemType.GROUP:
        return next((code.display for code in item.codes if code.display), item.link_id)
    return " ".join(f"{item.prefix} {item.text}".split()) or item.link_id


def _shown(item: Item | None, value: Value) -> str:
    if item is None or value == DECLINED:
        return spoken(value)
    label = next((option.label for option in item.options if option.value == value), "")
    unit = f" {item.unit}" if item.unit and isinstance(value, int | Decimal) and not isinstance(value, bool) else ""
    return label or spoken(value) + unit


def _meets(condition: Condition, values: Values) -> bool:
    try:
        return holds(condition, {condition.question: values})
    except Exception:  # noqa: BLE001 (a broken condition is told as such)
        return False


def _written(condition: Condition) -> str:
    """A condition as a clinician reads it: phq9-9 >= 1."""
    if condition.operator is Operator.EXISTS:
        return f"{condition.question} is {'' if condition.answer else 'not '}answered"
    operator = _OPERATORS.get(condition.operator, condition.operator)
    return f"{condition.question} {operator} {spoken(condition.answer)}"
