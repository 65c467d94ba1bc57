"""Questionnaires for tests: a few by hand, and Hypothesis strategies for any number of valid ones."""

import json
from typing import Any

from hypothesis import strategies as st

from flows import questionnaire
from flows.questionnaire import Questionnaire

Raw = dict[str, Any]
EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
CODES = ("red", "green", "blue")
OPERATORS = ("=", "!=", ">", "<", ">=", "<=")


def form(*items: Any, **more: Any) -> Raw:
    """A Questionnaire resource with these items."""
    return {"resourceType": "Questionnaire", "status": "active", "item": list(items), **more}


def item(link_id: str, kind: str = "boolean", **more: Any) -> Raw:
    """An item with a text."""
    return {"linkId": link_id, "type": kind, "text": f"About {link_id}?", **more}


def choice(link_id: str, *codes: str, kind: str = "choice", **more: Any) -> Raw:
    """A choice between codes; the labels are the codes with a capital."""
    options = [{"valueCoding": {"system": "urn:test", "code": code, "display": code.capitalize()}} for code in codes]
    return item(link_id, kind, answerOption=options, **more)


def scored(link_id: str, *ordinals: int | None, **more: Any) -> Raw:
    """A choice whose options o0, o1 and so on carry these ordinal values; None carries none."""
    found = choice(link_id, *(f"o{index}" for index in range(len(ordinals))), **more)
    for option, ordinal in zip(found["answerOption"], ordinals, strict=True):
        if ordinal is not None:
            option["extension"] = [{"url": EXTENSION + "ordinalValue", "valueDecimal": ordinal}]
    return found


def limits(low: Raw | None = None, high: Raw | None = None) -> list[Raw]:
    """The extensions minValue and maxValue."""
    pairs = (("minValue", low), ("maxValue", high))
    return [{"url": EXTENSION + name, **value} for name, value in pairs if value is not None]


def when(question: str, operator: str, **answer: Any) -> Raw:
    """One enableWhen."""
    return {"question": question, "operator": operator, **answer}


def coding(code: str) -> Raw:
    """A coded answer as it stands in a condition."""
    return {"system": "urn:test", "code": code}


def load(*items: Any, **more: Any) -> Questionnaire:
    """The same as it will be asked."""
    return questionnaire.load(json.dumps(form(*items, **more)), "test.json")


@st.composite
def conditions(draw: st.DrawFn, earlier: list[Raw]) -> Raw:
    """A valid enableWhen on one of the earlier questions."""
    asked = draw(st.sampled_from(earlier))
    if draw(st.booleans()):
        return when(asked["linkId"], "exists", answerBoolean=draw(st.booleans()))
    match asked["type"]:
        case "boolean":
            return when(asked["linkId"], draw(st.sampled_from(["=", "!="])), answerBoolean=draw(st.booleans()))
        case "integer":
            return when(asked["linkId"], draw(st.sampled_from(OPERATORS)), answerInteger=draw(st.integers(0, 9)))
        case "choice":
            operator = draw(st.sampled_from(["=", "!="]))
            return when(asked["linkId"], operator, answerCoding=coding(draw(st.sampled_from(CODES))))
        case _:
            return when(asked["linkId"], draw(st.sampled_from(["=", "!="])), answerString="word")


@st.composite
def items(draw: st.DrawFn, names: list[str], earlier: list[Raw], depth: int = 0) -> list[Raw]:
    """Items in the order of asking; `names` is used up, `earlier` grows."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        if not names:
            break
        name = names.pop(0)
        kind = draw(st.sampled_from(["boolean", "integer", "choice", "string", "display"] + ["group"] * (depth < 2)))
        made = choice(name, *CODES) if kind == "choice" else item(name, kind)
        if earlier and draw(st.integers(0, 2)):
            made["enableWhen"] = draw(st.lists(conditions(earlier), min_size=1, max_size=2))
            made["enableBehavior"] = draw(st.sampled_from(["all", "any"]))
        if kind == "group":
            made["item"] = draw(items(names, earlier, depth + 1)) or [item(f"{name}.end", "display")]
        elif kind != "display":
            made["required"] = draw(st.booleans())
            earlier.append(made)
        found.append(made)
    return found


@st.composite
def forms(draw: st.DrawFn) -> Raw:
    """A small valid questionnaire that asks at least one question and looks back only."""
    names = [f"q{number}" for number in range(draw(st.integers(1, 7)))]
    return form(choice("first", *CODES), *draw(items(names, earlier=[choice("first", *CODES)])))
