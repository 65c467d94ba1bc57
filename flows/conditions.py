"""enableWhen: one evaluator, for skip logic and for red flags alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from operator import eq, ge, gt, le, lt
from typing import Any

from flows.values import DECLINED, Coding, Facts, Moment, PartialDate, Quantity, Value, Values


class Operator(StrEnum):
    """FHIR's questionnaire-enable-operator."""

    EXISTS = "exists"
    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    LESS = "<"
    GREATER_OR_EQUAL = ">="
    LESS_OR_EQUAL = "<="


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a fact with a value."""

    question: str
    operator: Operator
    answer: Value


@dataclass(frozen=True, slots=True)
class Every:
    """Holds when all of its parts hold."""

    parts: tuple["Test", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Holds when at least one of its parts holds."""

    parts: tuple["Test", ...]


Test = Condition | Every | Some


@dataclass(frozen=True, slots=True)
class Cause:
    """A condition that held with these values, or the kind of error for which nobody can tell whether it holds."""

    condition: Condition
    values: Values
    error: str = ""


_COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUAL: eq,
    Operator.GREATER: gt,
    Operator.LESS: lt,
    Operator.GREATER_OR_EQUAL: ge,
    Operator.LESS_OR_EQUAL: le,
}


def holds(test: Test, facts: Facts) -> bool:
    """Whether a test is true of the facts.

    An answer of several values satisfies `=`, `>` and the like when any of its values does. `!=` is the opposite of
    `=`, so it is true when there is no answer (FHIR R4, Questionnaire.item.enableWhen.operator). Who preferred not to
    say has given no answer, except to a test that asks for just that. Raises TypeError when the two cannot be compared.
    """
    match test:
        case Every(parts):
            return _decided(parts, facts, False)
        case Some(parts):
            return _decided(parts, facts, True)
        case Condition(question, Operator.EXISTS, answer):
            return any(given != DECLINED for given in facts.get(question, ())) == answer
        case Condition(question, Operator.NOT_EQUAL, answer):
            return not holds(Condition(question, Operator.EQUAL, answer), facts)
        case Condition(question, operator, answer):
            compare = _COMPARE[operator]
            given = facts.get(question, ())
            if answer != DECLINED.code:
                given = tuple(value for value in given if value != DECLINED)
            return any(compare(*comparable(value, answer)) for value in given)


def _decided(parts: tuple[Test, ...], facts: Facts, by: bool) -> bool:
    """Whether a part of this truth decides the whole; a part that cannot be compared matters only when none does."""
    broken: TypeError | None = None
    for part in parts:
        try:
            if holds(part, facts) is by:
                return by
        except TypeError as error:
            broken = error
    if broken is not None:
        raise broken
    return not by


def causes(test: Test, facts: Facts) -> Iterator[Cause]:
    """The conditions by which a test holds, or for which it cannot be evaluated: of `Some`, its decisive parts."""
    match test:
        case Every(parts):
            for part in parts:
                if _truth(part, facts)[0] is not False:
                    yield from causes(part, facts)
        case Some(parts):
            truths = [_truth(part, facts)[0] for part in parts]
            decisive = True if True in truths else None
            for part, truth in zip(parts, truths, strict=True):
                if truth is decisive:
                    yield from causes(part, facts)
        case Condition(question):
            truth, error = _truth(test, facts)
            if truth is not False:
                yield Cause(test, tuple(facts.get(question, ())), error)


def _truth(test: Test, facts: Facts) -> tuple[bool | None, str]:
    """Whether a test holds; None, and the kind of error, when it cannot be evaluated."""
    try:
        return holds(test, facts), ""
    except Exception as error:  # noqa: BLE001 (P6: whatever is wrong with a rule is told to a person)
        return None, type(error).__name__


def comparable(given: Value, wanted: Value) -> tuple[Any, Any]:
    """Both values in a form that can be compared. Raises TypeError when they cannot be.

    A coded answer compared with a number goes by its ordinal value, with a text by its code; a coding that does not
    say its system can be of any. A date is compared as far as both are known: March 2019 is neither before nor after
    2019. A quantity compared with a number goes by its value; of two quantities the units must be the same.
    """
    match given, wanted:
        case Coding(), Coding():
            return (given.key, given.key) if given.means(wanted) else (given.key, wanted.key)
        case Coding(), str():
            return given.code or given.display, wanted
        case str(), Coding():  # an open-choice in own words
            return (None, given), wanted.key
        case Coding(), int() | Decimal() if not isinstance(wanted, bool):
            if given.ordinal is None:
                raise TypeError(f"{given.code} has no ordinal value to compare with {wanted}")
            return given.ordinal, wanted
        case Quantity(), Quantity():
            if given.measure and wanted.measure and wanted.measure not in {given.code, given.unit}:
                raise TypeError(f"{given.measure} and {wanted.measure} are different units")
            return given.value, wanted.value
        case Quantity(), int() | Decimal() if not isinstance(wanted, bool):
            return given.value, wanted
        case date() | PartialDate(), date() | PartialDate():
            return _as_far_as_both(given, wanted)
        case time(), time():
            return given.replace(tzinfo=None), wanted.replace(tzinfo=None)
        case (bool(), bool()) | (str(), str()):
            return given, wanted
        case int() | Decimal(), int() | Decimal() if not isinstance(given, bool) and not isinstance(wanted, bool):
            return given, wanted
    raise TypeError(f"{given!r} and {wanted!r} cannot be compared")


def order(value: Value, limit: Value) -> int:
    """-1 below the limit, 1 above it, 0 when they are equal or cannot be compared."""
    try:
        left, right = comparable(value, limit)
    except TypeError:
        return 0
    return int(left > right) - int(left < right)


def _as_far_as_both(given: Moment, wanted: Moment) -> tuple[Any, Any]:
    if (
        isinstance(given, datetime)
        and isinstance(wanted, datetime)
        and (given.tzinfo is None) == (wanted.tzinfo is None)
    ):
        return given, wanted
    parts = _parts(given), _parts(wanted)
    known = min(map(len, parts))
    return parts[0][:known], parts[1][:known]


def _parts(moment: Moment) -> tuple[int, ...]:
    if isinstance(moment, PartialDate):
        return (moment.year,) if moment.month is None else (moment.year, moment.month)
    return moment.year, moment.month, moment.day
