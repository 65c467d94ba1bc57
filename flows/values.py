"""What an answer can be: Python values inside, FHIR `value[x]` at the border."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True, eq=False)
class Coding:
    """A coded answer. Equal when system and code are equal; without a code, its display stands for it."""

    code: str
    system: str | None = None
    display: str = ""
    ordinal: Decimal | None = field(default=None, repr=False)

    @property
    def key(self) -> tuple[str | None, str]:
        return self.system, self.code or self.display

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Coding) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def means(self, other: "Coding") -> bool:
        """Whether both name the same concept; one that does not say its system can be of any."""
        systems = {self.system, other.system} - {None}
        return self.key[1] == other.key[1] and len(systems) < 2


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit, such as 5 mg. `code` and `system` are those of the unit, mostly UCUM's."""

    value: Decimal
    unit: str = ""
    code: str | None = None
    system: str | None = None

    @property
    def measure(self) -> str:
        """What names the unit: its code, or else its words."""
        return self.code or self.unit


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date of which only the year, or the year and the month, is known: FHIR's 2019 and 2019-03."""

    year: int
    month: int | None = None

    def __str__(self) -> str:
        return f"{self.year:04}" if self.month is None else f"{self.year:04}-{self.month:02}"


Moment = date | datetime | PartialDate
Value = bool | int | Decimal | str | date | datetime | PartialDate | time | Quantity | Coding
Values = tuple[Value, ...]
Facts = Mapping[str, Values]
"""What is known: answers by linkId, and computed facts, whose names begin with `%`. A missing key is unknown."""


class Place(NamedTuple):
    """One occurrence of an item: its linkId, and in repeating groups the number of each, from outside in."""

    link_id: str
    instance: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Guess:
    """What a text may mean, to be confirmed before it counts; and what it answers if it does not mean that."""

    value: Value
    otherwise: Value | None = None


Answers = Mapping[Place, Values]
"""The current answers. An empty tuple is a question that was skipped."""

DECLINED = Coding("asked-declined", "http://terminology.hl7.org/CodeSystem/data-absent-reason", "Prefer not to say")
"""Stands for the answer of somebody who would rather not say."""

ORDINAL_VALUE = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
ITEM_WEIGHT = "http://hl7.org/fhir/StructureDefinition/itemWeight"
WEIGHTS = frozenset({ORDINAL_VALUE, ITEM_WEIGHT})

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_DATE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?")


def decode(element: Mapping[str, Any], prefix: str = "value") -> Value:
    """The value inside a FHIR element such as `{"valueCoding": {...}}` or `{"answerBoolean": true}`.

    Raises ValueError when there is not exactly one `value[x]`, or when it is not well formed.
    """
    if not isinstance(element, Mapping):
        raise ValueError(f"a mapping with {prefix}[x] is needed, found {element!r}")
    names = [name for name in element if isinstance(name, str) and name.startswith(prefix) and name != prefix]
    if len(names) != 1:
        raise ValueError(f"exactly one {prefix}[x] is needed, found {', '.join(names) or 'none'}")
    name, raw = names[0], element[names[0]]
    value = _decoded(name.removeprefix(prefix), raw, element)
    if value is None:
        raise ValueError(f"{name} is not a value that Taperline can use: {raw!r}")
    return value


def _decoded(kind: str, raw: Any, element: Mapping[str, Any]) -> Value | None:
    match kind, raw:
        case "Boolean", bool():
            return raw
        case "Integer", int() if not isinstance(raw, bool):
            return raw
        case "Decimal", int() | float() | Decimal() if not isinstance(raw, bool) and Decimal(str(raw)).is_finite():
            return Decimal(str(raw))
        case "Date", str():
            return _date(raw)
        case "DateTime", str() if _DATE_TIME.fullmatch(raw):
            return datetime.fromisoformat(raw)
        case "DateTime", str():
            return _date(raw)
        case "Time", str() if _TIME.fullmatch(raw):
            return time.fromisoformat(raw)
        case "String" | "Uri" | "Url", str():
            return raw
        case "Quantity", {"value": int() | float() | Decimal() as number} if (
            not isinstance(number, bool) and Decimal(str(number)).is_finite()
        ):
            unit, code, system = raw.get("unit", ""), raw.get("code"), raw.get("system")
            if "comparator" not in raw and _are_texts(unit, code or "", system or ""):
                return Quantity(Decimal(str(number)), unit, code, system)
        case "Coding", Mapping():
            code, display = raw.get("code", ""), raw.get("display", "")
            if _are_texts(raw.get("system", ""), code, display) and (code or display):
                return Coding(code, raw.get("system"), display, _weight(raw, element))
    return None


def encode(value: Value) -> dict[str, Any]:
    """The FHIR `value[x]` element of a value; `decode` reads it back."""
    match value:
        case bool():
            return {"valueBoolean": value}
        case int():
            return {"valueInteger": value}
        case Decimal():
            return {"valueDecimal": float(value)}
        case datetime():
            offset = value.utcoffset() or timedelta()
            exact = value.astimezone(UTC) if offset.seconds % 60 else value  # before zones, clocks went by the sun
            return {"valueDateTime": exact.isoformat()}
        case date():
            return {"valueDate": value.isoformat()}
        case PartialDate():
            return {"valueDate": str(value)}
        case time():
            return {"valueTime": value.isoformat()}
        case str():
            return {"valueString": value}
        case Quantity():
            parts = {"unit": value.unit, "system": value.system, "code": value.code}
            return {
                "valueQuantity": {"value": float(value.value), **{key: part for key, part in parts.items() if part}}
            }
        case Coding():
            coding: dict[str, Any] = {"system": value.system, "code": value.code, "display": value.display}
            if value.ordinal is not None:
                coding["extension"] = [{"url": ORDINAL_VALUE, "valueDecimal": float(value.ordinal)}]
            return {"valueCoding": {key: part for key, part in coding.items() if part}}


def spoken(value: Value) -> str:
    """A value in the words of a person, such as Tuesday, March 3, 2026."""
    match value:
        case bool():
            return "Yes" if value else "No"
        case Decimal():
            return f"{value.normalize():f}"
        case datetime():
            return f"{spoken(value.date())}, {spoken(value.timetz())}"
        case date():
            return f"{value:%A, %B} {value.day}, {value.year}"
        case PartialDate(year, month):
            return str(year) if month is None else f"{date(year, month, 1):%B} {year}"
        case time():
            return f"{value.hour % 12 or 12}:{value:%M} {'AM' if value.hour < 12 else 'PM'}"
        case Quantity():
            return f"{spoken(value.value)} {value.unit or value.code or ''}".strip()
        case Coding():
            return value.display or value.code
    return str(value)


def _date(text: str) -> date | PartialDate | None:
    found = _DATE.fullmatch(text)
    if not found:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    checked = date(year or 0, month or 1, day or 1)  # raises ValueError when there is no such day
    return checked if day is not None else PartialDate(checked.year, month)


def _are_texts(*parts: object) -> bool:
    return all(isinstance(part, str) for part in parts)


def _weight(*elements: Mapping[str, Any]) -> Decimal | None:
    for element in elements:
        for extension in element.get("extension", ()):
            if isinstance(extension, Mapping) and extension.get("url") in WEIGHTS:
                weight = decode(extension)
                if isinstance(weight, int | Decimal):
                    return Decimal(weight)
    return None
