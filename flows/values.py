"""What an answer can be: Python values inside, FHIR `value[x]` at the border."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Coding:
    """A coded answer. Equal when system and code are equal; the display and the ordinal value only travel along."""

    code: str
    system: str | None = None
    display: str = field(default="", compare=False)
    ordinal: Decimal | None = field(default=None, compare=False)


Value = bool | int | Decimal | str | date | Coding
Values = tuple[Value, ...]
Facts = Mapping[str, Values]
"""What is known: answers by linkId, and computed facts, whose names begin with `%`. A missing key is unknown."""

ORDINAL_VALUE = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
ITEM_WEIGHT = "http://hl7.org/fhir/StructureDefinition/itemWeight"


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
    kind = name.removeprefix(prefix)
    match kind, raw:
        case "Boolean", bool():
            return raw
        case "Integer", int() if not isinstance(raw, bool):
            return raw
        case "Decimal", int() | float() | Decimal() if not isinstance(raw, bool) and Decimal(str(raw)).is_finite():
            return Decimal(str(raw))
        case "Date", str():
            return date.fromisoformat(raw)
        case "String", str():
            return raw
        case "Coding", {"code": str(code)} if code and _are_texts(raw.get("system", ""), raw.get("display", "")):
            return Coding(code, raw.get("system"), raw.get("display", ""), _ordinal(raw, element))
    raise ValueError(f"{name} is not a value that Taperline can use: {raw!r}")


def encode(value: Value) -> dict[str, Any]:
    """The FHIR `value[x]` element of a value; `decode` reads it back."""
    match value:
        case bool():
            return {"valueBoolean": value}
        case int():
            return {"valueInteger": value}
        case Decimal():
            return {"valueDecimal": float(value)}
        case date():
            return {"valueDate": value.isoformat()}
        case str():
            return {"valueString": value}
        case Coding():
            coding: dict[str, Any] = {"system": value.system, "code": value.code, "display": value.display}
            if value.ordinal is not None:
                coding["extension"] = [{"url": ORDINAL_VALUE, "valueDecimal": float(value.ordinal)}]
            return {"valueCoding": {key: part for key, part in coding.items() if part}}


def _are_texts(*parts: object) -> bool:
    return all(isinstance(part, str) for part in parts)


def _ordinal(*elements: Mapping[str, Any]) -> Decimal | None:
    for element in elements:
        for extension in element.get("extension", ()):
            if isinstance(extension, Mapping) and extension.get("url") in (ORDINAL_VALUE, ITEM_WEIGHT):
                weight = decode(extension)
                if isinstance(weight, Decimal):
                    return weight
    return None
