"""A FHIR Questionnaire becomes frozen values, or a list of what is wrong with it."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows import plain_yaml, questionnaire
from flows.conditions import Condition, Every, Operator, Some
from flows.conversation import Conversation, Purpose, advance
from flows.errors import TaperlineError
from flows.events import Answered, Begun, Press, Pressed, Said
from flows.items import ItemType, Option
from flows.lifecycle import Stage
from flows.plain_yaml import UnreadableError
from flows.problems import QuestionnaireError, problems
from flows.reading import (
    ENTRY_FORMAT,
    EXCLUSIVE,
    HIDDEN,
    MAX_DECIMAL_PLACES,
    MAY_DECLINE,
    MIN_LENGTH,
    REGEX,
    SUPPORT_LINK,
    UNIT_OPTION,
)
from flows.values import Coding, Quantity
from tests.flows.forms import (
    EXTENSION,
    Raw,
    choice,
    coding,
    flagged,
    forms,
    garbage,
    help_item,
    item,
    load,
    occurs,
    spoilt,
    when,
)

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
  - {linkId: q, type: quantity, text: Dose?}
  - {linkId: u, type: url, text: Page?}
  - {linkId: at, type: dateTime, text: At?}
  - {linkId: hour, type: time, text: Hour?}
  - linkId: when
    type: date
    text: Since when?
    enableBehavior: any
    enableWhen:
      - {question: i, operator: ">", answerInteger: 3}
      - {question: c, operator: exists, answerBoolean: false}
"""


def test_every_item_type_is_read() -> None:
    form = questionnaire.load(EVERY_TYPE, "every.yaml")
    assert (form.url, form.version, form.title) == ("urn:test:every", "3", "Every type")
    assert [found.link_id for found in form.walk()] == [
        "g",
        "d",
        "b",
        "c",
        "o",
        "i",
        "n",
        "s",
        "t",
        "q",
        "u",
        "at",
        "hour",
        "when",
    ]
    assert {found.type for found in form.walk()} == set(ItemType)
    assert [found.link_id for found in form.walk() if not found.is_question] == ["g", "d"]
    assert [found.link_id for found in form.walk() if found.is_question and not found.is_asked] == ["s", "t"]
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
    resource = plain_yaml.read(EVERY_TYPE, "every.yaml")
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


def test_every_part_of_a_question_is_read() -> None:
    parts = {
        MIN_LENGTH: {"valueInteger": 2},
        REGEX: {"valueString": "[a-z]+"},
        ENTRY_FORMAT: {"valueString": "aa"},
        SUPPORT_LINK: {"valueUri": "https://a.example"},
        MAY_DECLINE: {"valueBoolean": True},
    }
    extension = [{"url": url, **value} for url, value in parts.items()] + occurs(1, 3)
    help_text = item("h", "display", text="So that we can help.")
    fly = help_item("f") | {"text": "Any name will do."}
    (found,) = load(item("a", "string", prefix="1)", repeats=True, extension=extension, item=[fly, help_text])).items
    assert (found.min_length, found.pattern, found.entry_format) == (2, "[a-z]+", "aa")
    assert (found.prefix, found.link, found.may_decline) == ("1)", "https://a.example", True)
    assert (found.least, found.most, found.takes_several) == (1, 3, True)
    assert found.help == "Any name will do."
    assert [part.link_id for part in found.items] == ["h"]


def test_a_number_has_decimals_and_units() -> None:
    units = [{"url": UNIT_OPTION, "valueCoding": {"code": code, "display": name}} for code, name in UNITS]
    places = {"url": MAX_DECIMAL_PLACES, "valueInteger": 2}
    (found,) = load(
        item("a", "quantity", extension=[*units, places], initial=[{"valueQuantity": {"value": 1, "unit": "mg"}}])
    ).items
    assert found.decimal_places == 2
    assert [unit.display for unit in found.units] == ["milligrams", "drops"]
    assert found.initial == (Quantity(Decimal(1), "mg"),)


UNITS = (("mg", "milligrams"), ("[drp]", "drops"))


def test_a_note_in_braces_is_no_unit_to_say() -> None:
    unit = {"url": EXTENSION + "questionnaire-unit", "valueCoding": {"code": "{#}"}}
    assert load(item("a", "integer", extension=[unit])).items[0].unit == ""


def test_an_initial_value_has_the_words_of_its_option_and_is_one_where_there_can_be_but_one() -> None:
    both = [{"valueCoding": coding("y")}, {"valueCoding": coding("x")}]
    single, several = load(choice("a", "x", "y", initial=both), choice("b", "x", "y", repeats=True, initial=both)).items
    assert [(value, value.display) for value in single.initial if isinstance(value, Coding)] == [
        (Coding("y", "urn:test"), "Y")
    ]
    assert [value.display for value in several.initial if isinstance(value, Coding)] == ["Y", "X"]


def test_an_option_can_be_selected_at_first_and_exclusive() -> None:
    offered = [
        {"valueString": "some", "initialSelected": True},
        {"valueString": "none", "extension": flagged(EXCLUSIVE)},
    ]
    (found,) = load(item("a", "choice", answerOption=offered)).items
    assert found.initial == ("some",)
    assert found.options == (Option("some", "some"), Option("none", "none", exclusive=True))


def test_a_question_without_text_is_called_by_its_code_or_its_link_id() -> None:
    named = {"linkId": "a", "type": "boolean", "code": [{"code": "x", "display": "Well?"}]}
    assert [found.text for found in load(named, {"linkId": "b", "type": "boolean"}).items] == ["Well?", "b"]


def test_a_flag_in_quotes_is_read_as_it_is_meant() -> None:
    assert load(item("a", required="true", readOnly="false")).items[0].required


def test_a_display_item_may_be_hidden() -> None:
    assert load(item("a", "display", extension=flagged(HIDDEN))).items[0].hidden


def play(form: questionnaire.Questionnaire) -> None:
    """Ask it to the end, skipping or tapping the first button, or saying anything; until only better words would do."""
    held, _ = advance(Conversation(1, Purpose.INTAKE, form), Begun(1), now=datetime(2026, 1, 1, tzinfo=UTC))
    for _ in range(400):
        if held.stage is not Stage.ASKING:
            return
        assert held.question is not None
        here = form.positions[held.question.link_id], held.question.instance
        tries = (
            Answered(1, held.revision, here[0], None, here[1]),
            Answered(1, held.revision, here[0], 1, here[1]),
            Answered(1, held.revision, here[0], 0, here[1]),
            Pressed(1, held.revision, Press.DONE, 0, *here),
            *map(Said, ("1", "one", "2026-01-01", "14:30", "2026-01-01 14:30", "https://a.example", "1 mg", "done")),
        )
        for event in tries:
            before = held.revision
            held, _ = advance(held, event, now=datetime(2026, 1, 1, tzinfo=UTC))
            if held.revision != before:
                break
        else:
            return
    raise AssertionError("it never ends")


@settings(deadline=None)
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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(forms(), st.data())
def test_a_questionnaire_with_garbage_in_any_place_is_refused_kindly_or_can_be_asked(
    resource: Raw, data: st.DataObject
) -> None:
    broken = data.draw(spoilt(resource, WORDS, most=2))
    try:
        found = questionnaire.load(yaml.safe_dump(broken, allow_unicode=True), "f.yaml")
    except TaperlineError as error:
        assert str(error).startswith("f.yaml")
    else:
        play(found)


@given(st.dictionaries(WORDS, garbage(WORDS)), garbage(WORDS))
def test_pure_garbage_has_problems_and_raises_nothing(resource: dict[str, Any], items: Any) -> None:
    assert problems(items) != []
    assert problems({**resource, "resourceType": "Questionnaire", "item": [items]}) != []


@pytest.mark.parametrize(("depth", "refused"), [(6, False), (7, True)])
def test_repetitions_nested_deeper_than_a_button_can_name_are_refused(depth: int, refused: bool) -> None:
    nested = item("q")
    for level in range(depth):
        nested = item(f"g{level}", "group", repeats=True, item=[nested])
    if refused:
        with pytest.raises(QuestionnaireError, match="item q: it stands in more than 6 repeating items"):
            load(nested)
    else:
        assert load(nested).find("q") is not None
