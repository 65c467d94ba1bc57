"""Questionnaires for tests: a few by hand, and Hypothesis strategies for any number of valid ones."""

import copy
import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from flows import questionnaire
from flows.questionnaire import Questionnaire
from flows.reading import EXCLUSIVE, HIDDEN, ITEM_CONTROL, MAX_OCCURS, MAY_DECLINE, MIN_OCCURS, UNIT

Raw = dict[str, Any]
EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
CODES = ("red", "green", "blue")
EQUALITY = ("=", "!=")
OPERATORS = (*EQUALITY, ">", "<", ">=", "<=")
UCUM = "http://unitsofmeasure.org"


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


def occurs(low: int | None = None, high: int | None = None) -> list[Raw]:
    """The extensions minOccurs and maxOccurs."""
    pairs = ((MIN_OCCURS, low), (MAX_OCCURS, high))
    return [{"url": url, "valueInteger": number} for url, number in pairs if number is not None]


def flagged(*urls: str) -> list[Raw]:
    """Extensions that say yes, such as hidden."""
    return [{"url": url, "valueBoolean": True} for url in urls]


def help_item(link_id: str) -> Raw:
    """A display item that is the help of the item around it."""
    control = {"url": ITEM_CONTROL, "valueCodeableConcept": {"coding": [{"code": "help"}]}}
    return item(link_id, "display", extension=[control])


def when(question: str, operator: str, **answer: Any) -> Raw:
    """One enableWhen."""
    return {"question": question, "operator": operator, **answer}


def coding(code: str) -> Raw:
    """A coded answer as it stands in a condition."""
    return {"system": "urn:test", "code": code}


def load(*items: Any, **more: Any) -> Questionnaire:
    """The same as it will be asked."""
    return questionnaire.load(json.dumps(form(*items, **more)), "test.json")


@dataclass(frozen=True)
class Flavour:
    """A kind of question: its parts, what people type and what that means, and what conditions compare it with."""

    parts: Raw
    said: dict[str, Raw]
    compared: tuple[Raw, ...]
    operators: tuple[str, ...] = OPERATORS
    guessed: dict[str, Raw] | None = None
    refused: tuple[str, ...] = ("???",)


def _options(*values: Raw) -> Raw:
    return {"answerOption": list(values)}


def _coded(*codes: str) -> dict[str, Raw]:
    return {code.capitalize(): {"valueCoding": coding(code)} for code in codes}


def _mg(number: float) -> Raw:
    return {"valueQuantity": {"value": number, "unit": "mg", "system": UCUM, "code": "mg"}}


_COLOURS = choice("", *CODES)["answerOption"]
_RED = ({"answerCoding": coding("red")}, {"answerCoding": {"code": "green"}})
FLAVOURS = {
    "boolean": Flavour(
        {"type": "boolean"},
        {"yes": {"valueBoolean": True}, "Nope": {"valueBoolean": False}},
        ({"answerBoolean": True}, {"answerBoolean": False}),
        refused=("???", "maybe", "yes no", "", "\ud83d"),
    ),
    "integer": Flavour(
        {"type": "integer", "extension": limits({"valueInteger": 0}, {"valueInteger": 20})},
        {"3": {"valueInteger": 3}, "seven": {"valueInteger": 7}},
        ({"answerInteger": 3}, {"answerInteger": 5}),
        guessed={"about 5": {"valueInteger": 5}},
        refused=("???", "9.5", "21", "-1", "5²", "x" * 5000),
    ),
    "decimal": Flavour(
        {"type": "decimal", "extension": limits(None, {"valueDecimal": 9.5})},
        {"0,5": {"valueDecimal": 0.5}, "2.50": {"valueDecimal": 2.5}},
        ({"answerDecimal": 0.5}, {"answerInteger": 2}),
        guessed={"about 1.50": {"valueDecimal": 1.5}},
        refused=("???", "10", "1,000"),
    ),
    "quantity": Flavour(
        {"type": "quantity", "extension": [{"url": UNIT, "valueCoding": {"system": UCUM, "code": "mg"}}]},
        {"5 mg": _mg(5), "2,50": _mg(2.5)},
        (
            {"answerQuantity": {"value": 3, "code": "mg", "system": UCUM}},
            {"answerQuantity": {"value": 3, "unit": "g", "code": "g", "system": UCUM}},  # cannot be compared
        ),
        guessed={"about 3 mg": _mg(3)},
        refused=("???", "5 kg"),
    ),
    "string": Flavour(
        {"type": "string", "maxLength": 20},
        {"word": {"valueString": "word"}, "other\nwords": {"valueString": "other words"}},
        ({"answerString": "word"},),
        refused=("", "x" * 21, "\u200f"),
    ),
    "text": Flavour(
        {"type": "text", "extension": [{"url": EXTENSION + "minLength", "valueInteger": 3}]},
        {"two\nlines": {"valueString": "two\nlines"}, "one line": {"valueString": "one line"}},
        ({"answerString": "one line"},),
        refused=("", "ab"),
    ),
    "url": Flavour(
        {"type": "url"},
        {"https://a.example/b": {"valueUri": "https://a.example/b"}, "tel:988": {"valueUri": "tel:988"}},
        ({"answerString": "tel:988"},),
        guessed={"a.example": {"valueUri": "https://a.example"}},
        refused=("???", "javascript:alert(1)"),
    ),
    "date": Flavour(
        {"type": "date", "extension": limits({"valueDate": "2020"})},
        {"2026-03-03": {"valueDate": "2026-03-03"}, "2026-03": {"valueDate": "2026-03"}},
        ({"answerDate": "2026-03-02"}, {"answerDate": "2026"}),
        guessed={"march 3rd": {"valueDate": "2026-03-03"}},
        refused=("???", "2026-02-30", "2019-12-31"),
    ),
    "dateTime": Flavour(
        {"type": "dateTime"},
        {
            "2026-03-03 14:30": {"valueDateTime": "2026-03-03T14:30:00-05:00"},
            "2026-03-03": {"valueDateTime": "2026-03-03"},
        },
        ({"answerDateTime": "2026-03-03T14:30:00-05:00"}, {"answerDate": "2026-03-04"}),
        guessed={"2026-07-03 at 7": {"valueDateTime": "2026-07-03T07:00:00-04:00"}},
        refused=("???", "2026-03-03 25:00"),
    ),
    "time": Flavour(
        {"type": "time"},
        {"14:30": {"valueTime": "14:30:00"}, "08:00:15": {"valueTime": "08:00:15"}},
        ({"answerTime": "14:30:00"}, {"answerTime": "09:00:00"}),
        guessed={"7:30": {"valueTime": "07:30:00"}},
        refused=("???", "25:00"),
    ),
    "choice": Flavour(
        {"type": "choice", **_options(*_COLOURS)},
        {**_coded(*CODES), "2": {"valueCoding": coding("green")}},
        (*_RED, {"answerString": "blue"}),
        EQUALITY,
        refused=("???", "purple", ""),
    ),
    "valueset": Flavour(
        {"type": "choice", "answerValueSet": "#colours"}, _coded(*CODES), _RED, EQUALITY, refused=("purple",)
    ),
    "scored": Flavour(
        {"type": "choice", **_options(*scored("", 0, 1, 2)["answerOption"])},
        _coded("o0", "o2"),
        ({"answerInteger": 1}, {"answerDecimal": 2.0}),
        guessed={"2": {"valueCoding": coding("o1")}},
        refused=("???", "4"),
    ),
    "open": Flavour(
        {"type": "open-choice", **_options(*_COLOURS)},
        {**_coded("red", "blue"), "purple": {"valueString": "purple"}, "taupe": {"valueString": "taupe"}},
        (*_RED, {"answerString": "purple"}),
        EQUALITY,
        refused=("",),
    ),
    "counts": Flavour(
        {"type": "choice", **_options(*({"valueInteger": number} for number in (10, 20, 30)))},
        {"10": {"valueInteger": 10}, "30": {"valueInteger": 30}},
        ({"answerInteger": 20},),
        refused=("???", "40"),
    ),
    "words": Flavour(
        {"type": "choice", **_options({"valueString": "This"}, {"valueString": "That"})},
        {"This": {"valueString": "This"}, "that": {"valueString": "That"}},
        ({"answerString": "This"},),
        EQUALITY,
    ),
    "hours": Flavour(
        {"type": "time", **_options({"valueTime": "08:00:00"}, {"valueTime": "20:00:00"})},
        {"08:00": {"valueTime": "08:00:00"}, "20:00": {"valueTime": "20:00:00"}},
        ({"answerTime": "12:00:00"},),
        refused=("???", "09:00"),
    ),
}
"""Every kind of question. Those of a linkId such as `hours-q3` can be told from it."""

CONTAINED = [
    {
        "resourceType": "ValueSet",
        "id": "colours",
        "status": "active",
        "compose": {
            "include": [{"system": "urn:test", "concept": [{"code": c, "display": c.capitalize()} for c in CODES]}]
        },
    }
]


def flavour(raw: Raw) -> Flavour:
    """The kind of a question."""
    return FLAVOURS.get(raw["linkId"].split("-")[0]) or FLAVOURS[raw["type"]]


@st.composite
def conditions(draw: st.DrawFn, earlier: list[Raw]) -> Raw:
    """A valid enableWhen on one of the earlier questions, mostly a late one."""
    asked = draw(st.sampled_from(earlier[-3:] + earlier))
    if draw(st.sampled_from([False] * 3 + [True])):
        return when(asked["linkId"], "exists", answerBoolean=draw(st.booleans()))
    kind = flavour(asked)
    return when(asked["linkId"], draw(st.sampled_from(kind.operators)), **draw(st.sampled_from(kind.compared)))


@st.composite
def questions(draw: st.DrawFn, name: str) -> Raw:
    """A question with any of the features that it can have, without what is below it."""
    kind = draw(st.sampled_from(sorted(FLAVOURS)))
    made = item(f"{kind}-{name}", **copy.deepcopy(FLAVOURS[kind].parts))
    extension = made.setdefault("extension", [])
    made["required"] = draw(st.booleans())
    if kind != "boolean" and draw(st.booleans()):
        made["repeats"] = True
        extension += draw(occurrences())
        if "answerOption" in made and MIN_OCCURS not in {part["url"] for part in extension} and draw(st.booleans()):
            made["answerOption"][-1].setdefault("extension", []).extend(flagged(EXCLUSIVE))
    if draw(st.sampled_from([False, False, True])):
        extension += flagged(MAY_DECLINE)
    if draw(st.sampled_from([False, False, True])):
        values = list(FLAVOURS[kind].said.values())[: 2 if made.get("repeats") else 1]
        made["initial"] = values
    role = draw(st.sampled_from(["asked"] * 8 + ["readOnly", "hidden"]))
    if role == "readOnly":
        made["readOnly"] = True
    if role == "hidden":
        extension += flagged(HIDDEN)
    return made


def occurrences() -> st.SearchStrategy[list[Raw]]:
    """How often something that repeats may occur."""
    low, high = st.sampled_from([None, 0, 1, 2]), st.sampled_from([None, 1, 2, 3])
    return st.tuples(low, high).filter(lambda pair: (pair[0] or 0) <= (pair[1] or 9)).map(lambda pair: occurs(*pair))


DEEPEST = 5
"""Levels of items below items: deeper repetitions are refused."""


@st.composite
def items(draw: st.DrawFn, names: list[str], earlier: list[Raw], depth: int = 0) -> list[Raw]:
    """Items in the order of asking; `names` is used up, `earlier` grows."""
    found = []
    for _ in range(draw(st.sampled_from([2, 3, 4]))):
        if not names:
            break
        name = names.pop(0)
        role = draw(st.sampled_from(["question"] * 5 + ["display"] + ["group"] * (3 if depth < 3 else 0)))
        made = draw(questions(name)) if role == "question" else item(f"{role}-{name}", role)
        if earlier and draw(st.sampled_from([False, False, True])):
            made["enableWhen"] = draw(st.lists(conditions(earlier), min_size=1, max_size=2))
            made["enableBehavior"] = draw(st.sampled_from(["all", "any"]))
        if role == "question":
            earlier.append(made)
            if depth < DEEPEST and draw(st.sampled_from([False, False, True])):
                made["item"] = [help_item(f"help-{name}"), *draw(items(names, earlier, depth + 1))]
        if role == "group":
            made |= draw(groups())
            made["item"] = draw(items(names, earlier, depth + 1)) or [item(f"{name}.end", "display")]
        found.append(made)
    return found


@st.composite
def groups(draw: st.DrawFn) -> Raw:
    """What a group can be beside its items."""
    if draw(st.booleans()):
        flags = draw(st.sampled_from([[], [], [], [], flagged(HIDDEN)]))
        return {"readOnly": draw(st.sampled_from([False] * 9 + [True])), "extension": flags}
    return {"repeats": True, "required": draw(st.booleans()), "extension": draw(occurrences())}


@st.composite
def forms(draw: st.DrawFn) -> Raw:
    """A small valid questionnaire that asks at least one question and looks back only."""
    names = [f"q{number}" for number in range(draw(st.sampled_from([3, 6, 9, 12])))]
    first = choice("first", *CODES)
    earlier = [first]
    return form(first, *draw(items(names, earlier)), *draw(items(names, earlier)), contained=CONTAINED)


def garbage(words: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Anything that a file can hold, with some of these words in it."""
    keys = words | st.text(max_size=3) | st.integers()
    return st.recursive(
        st.none() | st.booleans() | st.integers(-3, 3) | st.integers() | st.floats() | st.text(max_size=5) | words,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=6,
    )


@st.composite
def spoilt(draw: st.DrawFn, resource: Raw, words: st.SearchStrategy[str], *, most: int, depth: int = 1) -> Any:
    """The resource with garbage in up to `most` places, none of them less than `depth` steps inside."""
    broken: Any = copy.deepcopy(resource)
    for _ in range(draw(st.integers(1, most))):
        *path, last = draw(st.sampled_from([place for place in _places(broken) if len(place) >= depth]))
        holder = broken
        for key in path:
            holder = holder[key]
        if isinstance(holder, dict) and draw(st.booleans()):
            holder[draw(words)] = draw(garbage(words))
        else:
            holder[last] = draw(garbage(words))
    return broken


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every part of a resource."""
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(deeper for key, part in parts for deeper in _places(part, (*path, key)))]
