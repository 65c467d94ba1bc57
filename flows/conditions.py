"""enableWhen: one evaluator, for skip logic and for red flags alike."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from operator import eq, ge, gt, le, lt
from typing import Any

from flows.values import Coding, Facts, Value


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
    `=`, so it is true when there is no answer (FHIR R4, Questionnaire.item.enableWhen.operator). A coded answer
    compared with a number is compared by its ordinal value, with a text by its code. Raises TypeError when the two
    cannot be compared.
    """
    match test:
        case Every(parts):
            return all(holds(part, facts) for part in parts)
        case Some(parts):
            return any(holds(part, facts) for part in parts)
        case Condition(question, Operator.EXISTS, answer):
            return bool(facts.get(question)) == answer
        case Condition(question, Operator.NOT_EQUAL, answer):
            return not holds(Condition(question, Operator.EQUAL, answer), facts)
        case Condition(question, operator, answer):
            compare = _COMPARE[operator]
            return any(compare(*_comparable(given, answer)) for given in facts.get(question, ()))


def _comparable(given: Value, wanted: Value) -> tuple[Value, Value]:
    if isinstance(given, Coding) and isinstance(wanted, str):
        return given.code, wanted
    if isinstance(given, Coding) and isinstance(wanted, int | Decimal) and not isinstance(wanted, bool):
        if given.ordinal is None:
            raise TypeError(f"{given.code} has no ordinal value to compare with {wanted}")
        return given.ordinal, wanted
    if isinstance(given, bool) != isinstance(wanted, bool):
        raise TypeError(f"{given!r} and {wanted!r} cannot be compared")
    return given, wanted
