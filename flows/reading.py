"""The parts of a raw FHIR Questionnaire as frozen values. A part that is not well formed raises ValueError."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from flows import totals
from flows.conditions import Condition, Every, Operator, Some, Test
from flows.items import CHOICES, NUMBERS, Item, ItemType, Option
from flows.values import WEIGHTS, Coding, Value, Values, decode, spoken

Raw = Mapping[str, Any]

CORE = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
HIDDEN = CORE + "questionnaire-hidden"
UNIT = CORE + "questionnaire-unit"
UNIT_OPTION = CORE + "questionnaire-unitOption"
MIN_VALUE = CORE + "minValue"
MAX_VALUE = CORE + "maxValue"
MIN_QUANTITY = SDC + "minQuantity"
MAX_QUANTITY = SDC + "maxQuantity"
MIN_LENGTH = CORE + "minLength"
REGEX = CORE + "regex"
ENTRY_FORMAT = CORE + "entryFormat"
MAX_DECIMAL_PLACES = CORE + "maxDecimalPlaces"
MIN_OCCURS = CORE + "questionnaire-minOccurs"
MAX_OCCURS = CORE + "questionnaire-maxOccurs"
EXCLUSIVE = CORE + "questionnaire-optionExclusive"
OPTION_PREFIX = CORE + "questionnaire-optionPrefix"
ITEM_CONTROL = CORE + "questionnaire-itemControl"
SUPPORT_LINK = CORE + "questionnaire-supportLink"
VARIABLE = CORE + "variable"
CALCULATED = SDC + "calculatedExpression"
ENABLE_EXPRESSION = SDC + "enableWhenExpression"
AUTOCOMPLETE = "autocomplete"
"""The code of itemControl that lets a person find an option by typing."""
MAY_DECLINE = "https://taperline.example/StructureDefinition/may-decline"
"""Ours: whether a patient may say that they prefer not to answer."""

RECALLED = "https://taperline.example/StructureDefinition/recalled"
"""Ours: whether a hidden item is filled in with what the record knows by its code, when the conversation is opened."""

FHIRPATH = "text/fhirpath"
SUMS = frozenset({ItemType.INTEGER, ItemType.DECIMAL})
HELP = frozenset({"help", "flyover"})
"""Codes of itemControl that make a display item the help text of the item that holds it."""


def extensions(element: Raw, *urls: str) -> Iterator[Raw]:
    """The extensions of an element with one of these addresses."""
    return (part for part in element.get("extension", ()) if part.get("url") in urls)


def extension(element: Raw, *urls: str) -> Value | None:
    """The value of the first extension with one of these addresses; None when there is none."""
    found = next(extensions(element, *urls), None)
    return None if found is None else decode(found)


def expression(element: Raw, url: str) -> str | None:
    """The FHIRPath of an extension that holds an Expression; None when there is none."""
    found = next(extensions(element, url), None)
    return None if found is None else fhirpath(found)


def variables(element: Raw) -> tuple[tuple[str, str], ...]:
    """The variables that an element declares: (name, FHIRPath), in their order. Those of other languages are empty."""
    found = []
    for part in extensions(element, VARIABLE):
        held = part.get("valueExpression")
        if isinstance(held, Mapping) and isinstance(held.get("name"), str):
            found.append((held["name"], fhirpath(part) if held.get("language") == FHIRPATH else "{}"))
    return tuple(found)


def fhirpath(element: Raw) -> str:
    """The FHIRPath of an extension that holds an Expression."""
    found = element.get("valueExpression")
    if not isinstance(found, Mapping) or not isinstance(found.get("expression"), str):
        raise ValueError("an Expression with its expression is needed")
    if found.get("language") != FHIRPATH:
        raise ValueError(f"the language {found.get('language')} is not {FHIRPATH}")
    return str(found["expression"])


def condition(raw: Raw) -> Condition:
    """One enableWhen. Raises KeyError, with the name of the part, when one is missing."""
    question = raw["question"]
    if not isinstance(question, str):
        raise ValueError(f"question must be a linkId, found {question!r}")
    found = Condition(question, Operator(raw["operator"]), _answer(raw))
    if found.operator is Operator.EXISTS and not isinstance(found.answer, bool):
        raise ValueError("exists needs an answerBoolean")
    return found


def options(raw: Raw, resource: Raw) -> tuple[Option, ...]:
    """The permitted answers of an item: its answerOption, or the contained ValueSet that its answerValueSet names."""
    if "answerValueSet" in raw:
        listed, _ = _value_set(raw["answerValueSet"], resource)
        return listed
    offered = []
    for part in raw.get("answerOption", ()):
        value = decode(part)
        holders = [part, part["valueCoding"]] if isinstance(value, Coding) else [part]
        prefixes = [found.get("valueString") for holder in holders for found in extensions(holder, OPTION_PREFIX)]
        words = f"{prefixes[0]} {label(value)}" if prefixes else label(value)
        offered.append(Option(value, words, extension(part, EXCLUSIVE) is True))
    return tuple(offered)


def value_set(reference: object, resource: Raw) -> Sequence[Coding]:
    """The codings of a contained ValueSet: its expansion, or else the concepts that it lists."""
    listed, _ = _value_set(reference, resource)
    return [option.value for option in listed if isinstance(option.value, Coding)]


def _value_set(reference: object, resource: Raw) -> tuple[tuple[Option, ...], tuple[Option, ...]]:
    """What a contained ValueSet lists, and what it excludes by name."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise ValueError(f"{reference} is not contained in this file, and a chat has no terminology server")
    found = _contained(resource, "ValueSet", "id", reference.removeprefix("#"))
    if found is None:
        raise ValueError(f"no contained ValueSet has the id {reference.removeprefix('#')}")
    expansion = found.get("expansion", {}).get("contains")
    excluded = () if expansion else tuple(_composed(found, "exclude", resource))
    left_out = {option.value for option in excluded}
    included = _concepts(expansion, None) if expansion else _composed(found, "include", resource)
    listed = tuple(option for option in included if option.value not in left_out)
    if not listed:
        raise ValueError(f"the ValueSet {reference} lists no codes")
    return listed, excluded


def label(value: Value) -> str:
    """The words on the button of an answer."""
    return value.display or value.code if isinstance(value, Coding) else spoken(value)


def item(raw: Raw, resource: Raw) -> Item:
    """One item with all that it holds; `resource` is the Questionnaire around it."""
    kind = ItemType(raw["type"])
    parts = raw.get("item", ())
    helps = [part for part in parts if is_help(part)]
    offered = options(raw, resource)
    is_typed = kind in CHOICES and AUTOCOMPLETE in _controls(raw)
    repeats = _flag(raw, "repeats")
    stated = expression(raw, CALCULATED)
    units = [decode(part) for part in extensions(raw, UNIT, UNIT_OPTION)]
    return Item(
        link_id=raw["linkId"],
        type=kind,
        text=words(raw) or (raw["linkId"] if kind not in {ItemType.GROUP, ItemType.DISPLAY} else ""),
        prefix=raw.get("prefix", ""),
        help=" ".join(words(part) for part in helps),
        link=str(extension(raw, SUPPORT_LINK) or ""),
        required=_flag(raw, "required"),
        repeats=repeats,
        read_only=_flag(raw, "readOnly"),
        hidden=extension(raw, HIDDEN) is True,
        recalled=extension(raw, RECALLED) is True,
        may_decline=extension(raw, MAY_DECLINE) is True,
        options=offered,
        autocomplete=is_typed,
        others=_others(raw, resource) if is_typed else (),
        initial=_initial(raw, offered)[: None if repeats else 1],
        enable_when=enable_when(raw),
        enable_expression=expression(raw, ENABLE_EXPRESSION),
        calculated=stated or (totals.expression(raw, resource) if kind in NUMBERS else None),
        adds_up=totals.adds_up(raw, resource) if stated is None and kind in SUMS else (),
        variables=variables(raw),
        min_length=_whole(raw, MIN_LENGTH),
        max_length=raw.get("maxLength"),
        pattern=_pattern(raw),
        entry_format=_text(raw, ENTRY_FORMAT) or "",
        decimal_places=_whole(raw, MAX_DECIMAL_PLACES),
        units=tuple(unit for unit in units if isinstance(unit, Coding)),
        minimum=extension(raw, MIN_VALUE, MIN_QUANTITY),
        maximum=extension(raw, MAX_VALUE, MAX_QUANTITY),
        min_occurs=_whole(raw, MIN_OCCURS) or 0,
        max_occurs=_whole(raw, MAX_OCCURS),
        codes=codes(raw),
        items=tuple(item(part, resource) for part in parts if part not in helps),
    )


def words(raw: Raw) -> str:
    """What is asked or shown: the text, or else the name of its code."""
    named = (code.get("display", "") for code in raw.get("code", ()))
    return str(raw.get("text", "")).strip() or next(filter(None, named), "").strip()


def codes(raw: Raw) -> tuple[Coding, ...]:
    """What an item is about, by its codes."""
    found = (decode({"valueCoding": code}) for code in raw.get("code", ()))
    return tuple(code for code in found if isinstance(code, Coding))


def enable_when(raw: Raw) -> Test | None:
    """The test of all enableWhen; None when there are none."""
    parts = tuple(map(condition, raw.get("enableWhen", ())))
    if len(parts) > 1:
        return Some(parts) if raw["enableBehavior"] == "any" else Every(parts)
    return parts[0] if parts else None


def _answer(raw: Raw) -> Value:
    """What a condition compares with; a day or an hour under another name is read as what it is."""
    try:
        return decode(raw, "answer")
    except ValueError:
        for name, text in raw.items():
            for kind in ("Date", "DateTime", "Time") if name.startswith("answer") and isinstance(text, str) else ():
                with suppress(ValueError):
                    return decode({f"value{kind}": text})
        raise


def _flag(raw: Raw, name: str) -> bool:
    return raw.get(name) in (True, "true")


def is_help(raw: Raw) -> bool:
    """Whether an item is the help text of the item that holds it."""
    return raw.get("type") == ItemType.DISPLAY and bool(HELP & _controls(raw))


def _controls(raw: Raw) -> frozenset[str]:
    """The codes of the controls that the author wishes for an item."""
    control = next(extensions(raw, ITEM_CONTROL), {}).get("valueCodeableConcept", {})
    return frozenset(str(code.get("code")) for code in control.get("coding", ()))


def _others(raw: Raw, resource: Raw) -> tuple[str, ...]:
    """The names of what the ValueSet of an item excludes: known, and none of the options."""
    if "answerValueSet" not in raw:
        return ()
    _, excluded = _value_set(raw["answerValueSet"], resource)
    return tuple(name for option in excluded for name in (option.label, *option.also))


def _initial(raw: Raw, offered: Sequence[Option]) -> Values:
    """The values of `initial`, or the options that are selected at first; an option that is meant, with its words."""
    selected = (part for part in raw.get("answerOption", ()) if part.get("initialSelected") is True)
    known = {option.value: option.value for option in offered}
    return tuple(known.get(value, value) for value in map(decode, raw.get("initial") or selected))


def _whole(raw: Raw, url: str) -> int | None:
    value = extension(raw, url)
    return value if isinstance(value, int) else None


def _text(raw: Raw, url: str) -> str | None:
    value = extension(raw, url)
    return value if isinstance(value, str) else None


def _pattern(raw: Raw) -> str | None:
    """The regular expression of an item, also of one that is written as FHIRPath's matches('…')."""
    found = _text(raw, REGEX)
    return None if found is None else re.sub(r"^matches\('(.*)'\)$", r"\1", found, flags=re.DOTALL)


def _contained(resource: Raw, kind: str, name: str, value: str) -> Raw | None:
    return next(
        (
            part
            for part in resource.get("contained", ())
            if isinstance(part, Mapping) and part.get("resourceType") == kind and part.get(name) == value
        ),
        None,
    )


def _composed(found: Raw, part: str, resource: Raw) -> Iterator[Option]:
    """The codes that a ValueSet includes or excludes; only those that it lists can be known."""
    for include in found.get("compose", {}).get(part, ()):
        system = include.get("system")
        if "filter" in include or "valueSet" in include:
            raise ValueError(f"the ValueSet #{found.get('id')} must list its codes: filters need a terminology server")
        concepts = include.get("concept")
        if concepts is None:
            concepts = (_contained(resource, "CodeSystem", "url", system) or {}).get("concept")
        if concepts is None:
            raise ValueError(
                f"the ValueSet #{found.get('id')} must list its codes: all of {system} is not in this file"
            )
        yield from _concepts(concepts, system)


def _concepts(concepts: Sequence[Raw], system: str | None) -> Iterator[Option]:
    for concept in concepts:
        its = concept.get("system", system)
        if not concept.get("abstract") and not concept.get("inactive"):
            parts = {key: value for key, value in concept.items() if key in {"code", "display"}}
            weighing = [part for part in concept.get("extension", ()) if part.get("url") in WEIGHTS]
            coding = decode({"valueCoding": {"system": its, **parts} if its else parts, "extension": weighing})
            if isinstance(coding, Coding):
                names = (part.get("value") for part in concept.get("designation", ()))
                yield Option(coding, label(coding), also=tuple(name for name in names if isinstance(name, str)))
        yield from _concepts([*concept.get("contains", ()), *concept.get("concept", ())], its)
