"""FHIR R4's data types: whether a raw JSON value is well formed. Source: hl7.org/fhir/R4/datatypes.html."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from fhirpathpy.models import models

_DAY = r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?"
_ZONE = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_NO_CONTROLS = r"[^\x00-\x08\x0b\x0c\x0e-\x1f]*"

TEXTS = {
    "string": re.compile(rf"(?=[\s\S]*\S){_NO_CONTROLS}"),
    "code": re.compile(r"\S+( \S+)*"),
    "id": re.compile(r"[A-Za-z0-9.-]{1,64}"),
    "uri": re.compile(r"[^\s\\<>\"{}|^`]+"),
    "canonical": re.compile(r"[^\s\\<>\"{}^`]+"),
    "date": re.compile(_DAY),
    "dateTime": re.compile(rf"[0-9]{{4}}(-(0[1-9]|1[0-2]))?|{_DAY}(T{_CLOCK}{_ZONE})?"),
    "time": re.compile(_CLOCK),
    "base64Binary": re.compile(r"(\s*([0-9a-zA-Z+/=]){4}\s*)+"),
}
"""The primitive types that JSON writes as text, and what each must look like."""

PARTS = {
    "Coding": {"system": "uri", "version": "string", "code": "code", "display": "string", "userSelected": "boolean"},
    "Quantity": {"value": "decimal", "comparator": "code", "unit": "string", "system": "uri", "code": "code"},
    "Reference": {"reference": "string", "type": "uri", "identifier": "Identifier", "display": "string"},
    "Attachment": {
        "contentType": "code",
        "language": "code",
        "data": "base64Binary",
        "url": "uri",
        "size": "unsignedInt",
        "hash": "base64Binary",
        "title": "string",
        "creation": "dateTime",
    },
    "Identifier": {
        "use": "code",
        "type": "object",
        "system": "uri",
        "value": "string",
        "period": "object",
        "assigner": "Reference",
    },
}
"""The properties of the types that JSON writes as objects."""

COMPARATORS = ("<", "<=", ">=", ">")
RESOURCES = frozenset(
    name for name, parent in models["r4"]["type2Parent"].items() if parent in {"Resource", "DomainResource"}
)
"""The resource types of FHIR R4."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_TYPE = re.compile(r"[A-Z][A-Za-z]+")


def faults(kind: str, raw: Any) -> Iterator[str]:
    """What is wrong with a value of this type; nothing for one that is well formed."""
    match kind:
        case "boolean":
            if not isinstance(raw, bool):
                yield f"{said(raw)} is not true or false"
        case "integer" | "unsignedInt":
            low = 0 if kind == "unsignedInt" else -(2**31)
            if not isinstance(raw, int) or isinstance(raw, bool) or not low <= raw < 2**31:
                yield f"{said(raw)} is not a whole number{' from zero up' if low == 0 else ' of 32 bits'}"
        case "decimal":
            if not isinstance(raw, int | float | Decimal) or isinstance(raw, bool) or not _is_decimal(raw):
                yield f"{said(raw)} is not a number"
        case "object":
            if not isinstance(raw, Mapping) or not raw:
                yield f"{said(raw)} is not an object"
        case _ if kind in PARTS:
            yield from _complex_faults(kind, raw)
        case _:
            yield from _text_faults(kind, raw)


def reference_faults(reference: str) -> Iterator[str]:
    """What is wrong with the text of a literal reference: its form, and the resource type that it names."""
    if reference.startswith("#"):
        return
    wrong = list(faults("uri", reference))
    yield from wrong
    kind = target(reference)
    if wrong:
        return
    if kind is not None and kind not in RESOURCES:
        yield f"{kind} in the reference {reference} is not a resource type"
    elif kind is None and ":" not in reference:
        yield f"the reference {reference} is neither type/id nor an address"


def target(reference: str) -> str | None:
    """The resource type that a literal reference of the form [address/]type/id[/_history/version] names."""
    parts = reference.partition("/_history/")[0].split("/")
    return parts[-2] if len(parts) > 1 and _TYPE.fullmatch(parts[-2]) and TEXTS["id"].fullmatch(parts[-1]) else None


def said(raw: Any) -> str:
    """A raw value in a message, shortened."""
    try:
        text = raw if isinstance(raw, str) else str(raw).lower() if isinstance(raw, bool) else repr(raw)
    except ValueError:  # a number of thousands of digits
        return "a number without end"
    return f"'{text}'" if len(text) <= 80 else f"'{text[:79]}…'"


def _is_decimal(raw: float | Decimal) -> bool:
    return raw.bit_length() < 256 if isinstance(raw, int) else Decimal(str(raw)).is_finite()


def _text_faults(kind: str, raw: Any) -> Iterator[str]:
    if not isinstance(raw, str):
        yield f"{said(raw)} is not text"
    elif not TEXTS[kind].fullmatch(raw):
        yield f"{said(raw)} is not a valid {kind}" if raw.strip() else "a text must not be empty"
    elif kind in {"date", "dateTime"} and not _is_day(raw[:10]):
        yield f"{said(raw)} is no day of the calendar"
    elif kind in {"uri", "canonical"}:
        yield from _uri_faults(raw)


def _uri_faults(raw: str) -> Iterator[str]:
    """What a pattern cannot tell."""
    scheme, _, rest = raw.partition("urn:uuid:")
    if not scheme and not _UUID.fullmatch(rest):
        yield f"{said(raw)} is not a valid UUID in small letters"
    scheme, _, rest = raw.partition("urn:oid:")
    if not scheme and not _OID.fullmatch(rest):
        yield f"{said(raw)} is not a valid OID"
    try:
        urlsplit(raw)
    except ValueError as error:
        yield f"{said(raw)} is not a valid uri: {error}"


def _is_day(text: str) -> bool:
    parts = [int(part) for part in text.split("-")]
    try:
        date(*(*parts, 1, 1)[:3])
    except ValueError:
        return False
    return True


def _complex_faults(kind: str, raw: Any) -> Iterator[str]:
    if not isinstance(raw, Mapping) or not raw:
        yield f"{said(raw)} is not of the type {kind}"
        return
    for name, part in raw.items():
        if name in PARTS[kind]:
            yield from (f"{kind}.{name}: {fault}" for fault in faults(PARTS[kind][name], part))
        elif not is_common(name):
            yield f"a {kind} has no property {said(name)}"
    if kind == "Quantity":
        if raw.get("comparator", "<") not in COMPARATORS:
            yield f"Quantity.comparator: {said(raw['comparator'])} is not one of {', '.join(COMPARATORS)}"
        if "code" in raw and "system" not in raw:
            yield "Quantity: a code of a unit needs its system"


def is_common(name: Any) -> bool:
    """Whether every element can have a property of this name."""
    return name in ("id", "extension", "fhir_comments") or (isinstance(name, str) and name.startswith("_"))
