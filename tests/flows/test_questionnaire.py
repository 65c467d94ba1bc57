"""A FHIR Questionnaire becomes frozen values, or a list of what is wrong with it."""

import copy
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows import questionnaire
from flows.catalogue import Catalogue
from flows.conditions import Condition, Every, Operator, Some
from flows.conversation import Conversation, Purpose, advance, follow
from flows.errors import TaperlineError
from flows.events import Answered, Begun
from flows.lifecycle import Stage
from flows.plain_yaml import UnreadableError
from flows.questionnaire import ItemType, QuestionnaireError, Severity, problems
from flows.values import Coding
from tests.flows.forms import EXTENSION, Raw, choice, coding, form, forms, item, limits, load, scored, when

EVERY_TYPE = """
resourceType: Questionnaire
status: active
url: urn:test:every
version: "3"
title: Every type
item:
  - {linkId: g, type: group, item: [
      {linkId: d, type: display, text: Hello},
      {linkId: b, type: boolean, text: Well?, required: true}]}
  - linkId: c
    type: choice
    text: Which?
    code: [{system: "urn:c", code: x, display: X}]
    answerOption:
      - {valueCoding: {system: "urn:c", code: no, display: No}}
      - valueCoding: {system: "urn:c", code: on}
        extension: [{url: "http://hl7.org/fhir/StructureDefinition/ordinalValue", valueDecimal: 2}]
  - {linkId: o, type: open-choice, text: Or?, maxLength: 9, answerOption: [{valueString: this}, {valueString: that}]}
  - {linkId: i, type: integer, text: Count?, enableWhen: [{question: b, operator: "=", answerBoolean: true}]}
  - linkId: n
    type: decimal
    text: How much?
    extension:
      - {url: "http://hl7.org/fhir/StructureDefinition/minValue", valueDecimal: 0.5}
      - {url: "http://hl7.org/fhir/StructureDefinition/maxValue", valueInteger: 9}
      - {url: "http://hl7.org/fhir/StructureDefinition/questionnaire-unit", valueCoding: {code: h, display: hours}}
  - {linkId: s, type: string, text: Name?, readOnly: true}
  - linkId: t
    type: text
    text: More?
    extension: [{url: "http://hl7.org/fhir/StructureDefinition/questionnaire-hidden", valueBoolean: true}]
  - linkId: when
    type: date
    text: Since when?
    enableBehavior: any
    enableWhen:
      - {question: i, operator: ">", answerInteger: 3}
      - {question: c, operator: exists, answerBoolean: false}
"""


def messages(*items: Any, **more: Any) -> list[str]:
    """What is wrong with a questionnaire of these items."""
    return [str(problem) for problem in problems(form(*items, **more))]


def test_every_item_type_is_read() -> None:
    form = questionnaire.load(EVERY_TYPE, "every.yaml")
    assert (form.url, form.version, form.title) == ("urn:test:every", "3", "Every type")
    assert [found.link_id for found in form.walk()] == ["g", "d", "b", "c", "o", "i", "n", "s", "t", "when"]
    assert {found.type for found in form.walk()} == set(ItemType)
    assert [found.link_id for found in form.walk() if not found.is_question] == ["g", "d"]
    assert [found.link_id for found in form.walk() if not found.shown] == ["s", "t"]
    found = {part.link_id: part for part in form.walk()}
    assert found["b"].required
    assert not found["i"].required
    assert found["c"].codes == (Coding("x", "urn:c"),)
    assert found["o"].max_length == 9
    assert [option.value for option in found["o"].options] == ["this", "that"]
    assert (found["n"].minimum, found["n"].maximum, found["n"].unit) == (Decimal("0.5"), 9, "hours")
    assert found["i"].enable_when == Condition("b", Operator.EQUAL, True)
    assert found["when"].enable_when == Some(
        (Condition("i", Operator.GREATER, 3), Condition("c", Operator.EXISTS, False))
    )


def test_yaml_words_such_as_no_and_on_stay_words_and_a_label_falls_back_to_the_code() -> None:
    found = questionnaire.load(EVERY_TYPE, "every.yaml").find("c")
    assert found is not None
    assert [(option.value, option.label) for option in found.options] == [
        (Coding("no", "urn:c"), "No"),
        (Coding("on", "urn:c"), "on"),
    ]
    ordinals = [option.value.ordinal for option in found.options if isinstance(option.value, Coding)]
    assert ordinals == [None, 2]


def test_json_and_yaml_of_the_same_resource_are_the_same_questionnaire_but_another_version() -> None:
    resource = questionnaire.plain_yaml.read(EVERY_TYPE, "every.yaml")
    as_json = questionnaire.load(json.dumps(resource, indent="\t"), "every.json")
    as_yaml = questionnaire.load(EVERY_TYPE, "every.yaml")
    assert as_json.items == as_yaml.items
    assert as_json.hash != as_yaml.hash
    assert questionnaire.load(EVERY_TYPE, "renamed.yaml").hash == as_yaml.hash
    assert questionnaire.load(as_yaml.source, "again.yaml") == as_yaml


def test_several_conditions_are_all_needed_when_the_behaviour_is_all() -> None:
    twice = [when("a", "=", answerBoolean=True), when("a", "exists", answerBoolean=True)]
    found = load(item("a"), item("b", enableWhen=twice, enableBehavior="all")).find("b")
    assert found is not None
    assert isinstance(found.enable_when, Every)


def test_find_is_none_for_an_unknown_link_id() -> None:
    assert load(item("a")).find("b") is None


def test_the_clinics_own_questionnaires_have_no_problems(content: Catalogue) -> None:
    for own in content.questionnaires.values():
        assert problems(questionnaire.plain_yaml.read(own.source, "own.yaml")) == []


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (None, "resourceType must be Questionnaire"),
        ([], "resourceType must be Questionnaire"),
        ({"resourceType": "Patient"}, "resourceType must be Questionnaire"),
        (form(item("a")) | {"status": "open"}, "status must be one of"),
        (form(item("a")) | {"status": ["active"]}, "status must be one of"),
        (form(), "has no items"),
        (form() | {"item": {"linkId": "a"}}, "has no items"),
        (form(item("a"), modifierExtension=[]), "modifierExtension changes the meaning"),
        (form(item("a"), title=5), "title must be text"),
        (form(item("a"), url=None), "url must be text"),
    ],
)
def test_what_is_wrong_with_the_whole(resource: Any, words: str) -> None:
    assert [words in str(problem) for problem in problems(resource)] == [True]


def hidden(value: Any) -> list[Raw]:
    return [{"url": EXTENSION + "questionnaire-hidden", **value}]


A = item("a")
BROKEN = [
    # linkIds
    ([A, item("a", "text")], "item a: the linkId stands twice"),
    ([A, item("g", "group", item=[item("a")])], "item a: the linkId stands twice"),
    ([{"type": "boolean", "text": "Well?"}], "the item 'Well?' has no linkId (text, in quotes)"),
    ([item(1)], "has no linkId (text, in quotes)"),  # type: ignore[arg-type]
    ([item("")], "has no linkId"),
    ([item("%signal")], "item %signal: a linkId cannot begin with %"),
    (["a"], "an item must be a mapping, found 'a'"),
    # types
    ([item("a", "dateTime")], "item a: the type dateTime cannot be asked in this chat"),
    ([item("a", "time")], "item a: the type time cannot be asked in this chat"),
    ([item("a", "url")], "item a: the type url cannot be asked in this chat"),
    ([item("a", "quantity")], "item a: the type quantity cannot be asked in this chat"),
    ([item("a", "attachment")], "item a: the type attachment cannot be asked in this chat"),
    ([item("a", "reference")], "item a: the type reference cannot be asked in this chat"),
    ([item("a", "bool")], "item a: the type 'bool' is not a FHIR item type"),
    ([{"linkId": "a", "text": "Well?"}], "item a: the type None is not a FHIR item type"),
    ([item("a", ["boolean"])], "item a: type must be text"),  # type: ignore[arg-type]
    # features
    ([item("a", repeats=True)], "item a: repeats cannot be asked in this chat yet"),
    ([choice("a", "x", answerValueSet="urn:v")], "item a: answerValueSet cannot be used yet"),
    ([item("a", modifierExtension=[{}])], "item a: modifierExtension changes the meaning"),
    ([item("a", maxLength=9)], "item a: maxLength is for string, text and open-choice"),
    ([item("a", "text", maxLength="9")], "item a: maxLength must be a whole number above zero"),
    ([item("a", "text", maxLength=0)], "item a: maxLength must be a whole number above zero"),
    ([item("a", "text", maxLength=True)], "item a: maxLength must be a whole number above zero"),
    # shape
    ([item("a", text="")], "item a: there is no text to ask or show"),
    ([item("a", text="  ")], "item a: there is no text to ask or show"),
    ([item("a", "display", text="")], "item a: there is no text to ask or show"),
    ([{"linkId": "a", "type": "boolean"}], "item a: there is no text to ask or show"),
    ([item("a", text=None)], "item a: text must be text"),
    ([item("a", text=5)], "item a: text must be text"),
    ([item("a", "group")], "item a: a group needs items"),
    ([item("a", "group", item=[])], "item a: a group needs items"),
    ([item("a", "group", item={})], "item a: item must be a list"),
    ([item("a", "group", item=None)], "item a: item must be a list"),
    ([item("a", "display", item=[item("b")])], "item a: a display item cannot have items"),
    ([item("a", "display", required=True)], "item a: a display item cannot be required"),
    ([item("a", "display", readOnly=True)], "item a: a display item cannot be readOnly"),
    ([item("a", required="yes")], "item a: required must be true or false"),
    ([item("a", readOnly=1)], "item a: readOnly must be true or false"),
    ([item("a", code={"code": "x"})], "item a: code must be a list of entries"),
    ([item("a", code=[{"display": "x"}])], "item a: code: "),
    ([item("a", extension=5)], "item a: extension must be a list of entries"),
    ([item("a", extension=["x"])], "item a: extension must be a list of entries"),
    ([item("a", extension=[{"valueString": "x"}])], "item a: an extension needs a url"),
    ([item("a", extension=hidden({"valueString": "x"}))], "item a: questionnaire-hidden of 'x' does not fit"),
    # limits
    ([item("a", "integer", extension=limits({"valueString": "0"}))], "item a: minValue of '0' does not fit"),
    ([item("a", "integer", extension=limits({"valueDecimal": 0.5}))], "does not fit the type integer"),
    ([item("a", "integer", extension=limits({"valueInteger": "0"}))], "item a: minValue: "),
    ([item("a", "decimal", extension=limits(None, {"valueDecimal": "9"}))], "item a: maxValue: "),
    ([item("a", "date", extension=limits({"valueInteger": 0}))], "item a: minValue of 0 does not fit the type date"),
    ([item("a", "boolean", extension=limits({"valueBoolean": True}))], "does not fit the type boolean"),
    ([item("a", "integer", extension=limits({"valueInteger": 2}, {"valueInteger": 1}))], "minValue is above maxValue"),
    # options
    ([choice("a")], "item a: a choice needs at least one answerOption"),
    ([item("a", "open-choice")], "item a: a choice needs at least one answerOption"),
    ([choice("a", "x", kind="boolean")], "item a: answerOption is for choice and open-choice, not for boolean"),
    ([choice("a", "x", "x")], "item a: the answer 'X' stands twice"),
    ([choice("a", "x", "X")], "item a: the answer 'X' stands twice"),
    ([item("a", "choice", answerOption=["x"])], "item a: answerOption must be a list of entries"),
    ([item("a", "choice", answerOption={"valueString": "x"})], "item a: answerOption must be a list of entries"),
    ([item("a", "choice", answerOption=[{"valueReference": {}}])], "item a: answerOption: valueReference is not"),
    ([item("a", "choice", answerOption=[{"valueString": ""}])], "has no display to put on its button"),
    ([item("a", "choice", answerOption=[{"valueString": "x"}, {"valueInteger": 1}])], "must all be of one kind"),
    ([scored("a", 0, "two")], "item a: answerOption: valueDecimal is not a value"),  # type: ignore[arg-type]
    # conditions
    (
        [item("b", enableWhen=[when("x", "=", answerBoolean=True)])],
        "item b: enableWhen looks at x, which does not exist",
    ),
    (
        [item("b", enableWhen=[when("a", "=", answerBoolean=True)]), A],
        "item b: enableWhen looks at a, which is not asked before it",
    ),
    ([item("b", enableWhen=[when("b", "exists", answerBoolean=True)])], "at b, which is not asked before it"),
    (
        [item("g", "group", enableWhen=[when("a", "exists", answerBoolean=True)], item=[A])],
        "item g: enableWhen looks at a, which is not asked before it",
    ),
    ([A, item("b", enableWhen={"question": "a"})], "item b: enableWhen must be a list of entries"),
    ([A, item("b", enableWhen=[None])], "item b: enableWhen must be a list of entries"),
    ([A, item("b", enableWhen=[{"question": "a", "answerBoolean": True}])], "enableWhen: operator is missing"),
    ([A, item("b", enableWhen=[{"operator": "=", "answerBoolean": True}])], "enableWhen: question is missing"),
    ([A, item("b", enableWhen=[when("a", "=")])], "enableWhen: exactly one answer[x] is needed"),
    ([A, item("b", enableWhen=[when("a", "~", answerBoolean=True)])], "item b: enableWhen: '~' is not a valid"),
    ([A, item("b", enableWhen=[when(["a"], "=", answerBoolean=True)])], "question must be a linkId"),  # type: ignore[arg-type]
    ([A, item("b", enableWhen=[when("a", "exists", answerInteger=1)])], "exists needs an answerBoolean"),
    ([A, item("b", enableWhen=[when("a", "=", answerInteger=1)])], "item b: enableWhen compares a, a boolean, with 1"),
    ([item("a", "integer"), item("b", enableWhen=[when("a", "=", answerBoolean=True)])], "a, a integer, with True"),
    ([item("a", "decimal"), item("b", enableWhen=[when("a", ">", answerString="1")])], "a, a decimal, with '1'"),
    ([item("a", "date"), item("b", enableWhen=[when("a", ">", answerString="2026-01-01")])], "a, a date, with"),
    ([item("a", "text"), item("b", enableWhen=[when("a", "=", answerInteger=1)])], "a, a text, with 1"),
    (
        [choice("a", "x"), item("b", enableWhen=[when("a", "=", answerCoding=coding("y"))])],
        "item b: enableWhen waits for an answer that a does not offer",
    ),
    ([choice("a", "x"), item("b", enableWhen=[when("a", "=", answerString="x")])], "that a does not offer"),
    (
        [choice("a", "x"), item("b", enableWhen=[when("a", ">", answerCoding=coding("x"))])],
        "> cannot compare the choice",
    ),
    (
        [choice("a", "x", kind="open-choice"), item("b", enableWhen=[when("a", ">", answerCoding=coding("x"))])],
        "> cannot compare the choice a",
    ),
    (
        [choice("a", "x", kind="open-choice"), item("b", enableWhen=[when("a", "=", answerInteger=1)])],
        "enableWhen compares a, an open-choice, with 1",
    ),
    (
        [item("a", "display"), item("b", enableWhen=[when("a", "exists", answerBoolean=True)])],
        "item b: enableWhen looks at a, which is a display and has no answer",
    ),
    (
        [item("a", "group", item=[item("c")]), item("b", enableWhen=[when("a", "=", answerBoolean=True)])],
        "item b: enableWhen looks at a, which is a group and has no answer",
    ),
    (
        [A, item("b", enableWhen=[when("a", "=", answerBoolean=True), when("a", "!=", answerBoolean=True)])],
        "item b: several enableWhen need an enableBehavior: all or any",
    ),
    ([A, item("b", enableBehavior=["all"])], "item b: enableBehavior must be text"),
]


@pytest.mark.parametrize(("items", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_each_mistake_is_named_with_its_item_and_refuses_the_file(items: list[Any], words: str) -> None:
    found = messages(*items)
    assert len(found) == 1, found
    assert words in found[0]
    with pytest.raises(QuestionnaireError) as refused:
        load(*items)
    assert str(refused.value) == f"test.json: {found[0]}"


def test_all_mistakes_are_told_at_once_in_the_order_of_the_items() -> None:
    found = messages(item("a", "url"), item("g", "group", item=[item("b", text=""), item("c", repeats=True)]))
    assert [line.split(":")[0] for line in found] == ["item a", "item b", "item c"]


def test_problems_carry_fhirs_codes() -> None:
    found = problems(form(item("a", "url"), A, A, item("b", enableWhen=[when("x", "exists", answerBoolean=True)])))
    assert [problem.code for problem in found] == ["not-supported", "duplicate", "duplicate", "not-found"]
    assert {problem.severity for problem in found} == {Severity.ERROR}


@pytest.mark.parametrize("mistake", [{"code": 5}, {"answerOption": 5}, {"type": ["choice"]}, {"enableWhen": None}])
def test_a_mistake_in_one_item_is_not_blamed_on_those_that_look_at_it(mistake: Raw) -> None:
    later = item("b", enableWhen=[when("a", "=", answerBoolean=True)])
    found = messages(choice("a", "x") | mistake, later)
    assert [line.split(":")[0] for line in found] == ["item a"]


@pytest.mark.parametrize("text", ["", "just words", "5", "[]", "null", "a: [", "{", "\x00", "- a\n- b"])
def test_a_file_that_is_no_questionnaire_is_refused_by_name(text: str) -> None:
    with pytest.raises((QuestionnaireError, UnreadableError), match=r"^f\.yaml"):
        questionnaire.load(text, "f.yaml")


def test_an_item_list_repeated_by_aliases_is_refused_quickly() -> None:
    levels = "\n".join(
        f"x{level}: &x{level} [" + f"{{linkId: a, type: group, text: t, item: *x{level - 1}}}," * 9 + "]"
        for level in range(1, 30)
    )
    leaf = "x0: &x0 [{linkId: b, type: boolean, text: t}]"
    text = f"resourceType: Questionnaire\nstatus: active\n{leaf}\n{levels}\nitem: *x29"
    with pytest.raises(QuestionnaireError, match="the linkId stands twice"):
        questionnaire.load(text, "f.yaml")


def play(form: questionnaire.Questionnaire) -> None:
    """Ask it to the end, always tapping the first button or skipping; typed answers are given directly."""
    held, _ = advance(Conversation(1, Purpose.INTAKE, form), Begun(1), today=date(2026, 1, 1))
    for _ in range(100):
        if held.stage is not Stage.ASKING:
            return
        course = follow(form, held.answers)
        assert course.next is not None
        position = [found.link_id for found in form.walk()].index(course.next.link_id)
        tap = Answered(1, held.revision, position, 0 if course.next.required else None)
        before = held
        held, _ = advance(held, tap, today=date(2026, 1, 1))
        if held is before:
            return
    raise AssertionError("it never ends")


@given(forms())
def test_every_generated_valid_questionnaire_is_accepted_and_ends(resource: Raw) -> None:
    assert problems(resource) == []
    play(questionnaire.load(json.dumps(resource), "f.json"))


FHIR_WORDS = [
    "linkId",
    "type",
    "text",
    "item",
    "group",
    "choice",
    "boolean",
    "display",
    "integer",
    "date",
    "open-choice",
    "enableWhen",
    "question",
    "operator",
    "=",
    ">",
    "exists",
    "answerBoolean",
    "answerCoding",
    "answerOption",
    "valueCoding",
    "valueInteger",
    "code",
    "system",
    "display",
    "extension",
    "url",
    "required",
    "resourceType",
    "Questionnaire",
    "status",
    "active",
    "first",
    "q0",
    "q1",
    "any",
    "all",
]
URLS = ("minValue", "maxValue", "ordinalValue", "questionnaire-unit", "questionnaire-hidden")
WORDS = st.sampled_from([*FHIR_WORDS, *(EXTENSION + name for name in URLS)])
GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3) | st.integers(), inner, max_size=4)
    ),
    max_leaves=6,
)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every part of a resource."""
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(deeper for key, part in parts for deeper in places(part, (*path, key)))]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(forms(), st.data())
def test_a_questionnaire_with_garbage_in_any_place_is_refused_kindly_or_can_be_asked(
    resource: Raw, data: st.DataObject
) -> None:
    broken: Any = copy.deepcopy(resource)
    for _ in range(data.draw(st.integers(1, 2))):
        *path, last = data.draw(st.sampled_from(places(broken)[1:]))
        holder = broken
        for key in path:
            holder = holder[key]
        if isinstance(holder, dict) and data.draw(st.booleans()):
            holder[data.draw(WORDS)] = data.draw(GARBAGE)
        else:
            holder[last] = data.draw(GARBAGE)
    try:
        found = questionnaire.load(yaml.safe_dump(broken, allow_unicode=True), "f.yaml")
    except TaperlineError as error:
        assert str(error).startswith("f.yaml")
    else:
        play(found)


@given(st.dictionaries(WORDS, GARBAGE), GARBAGE)
def test_pure_garbage_has_problems_and_raises_nothing(resource: dict[str, Any], items: Any) -> None:
    assert problems(items) != []
    assert problems({**resource, "resourceType": "Questionnaire", "item": [items]}) != []
