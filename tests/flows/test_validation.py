"""A QuestionnaireResponse by its Questionnaire: HL7's own cases, rule by rule what they leave out, and garbage."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows import plain_yaml, questionnaire, responses
from flows.answers import read as read_answer
from flows.course import follow
from flows.items import Item
from flows.outcomes import operation_outcome
from flows.problems import Problem, Severity
from flows.reading import CORE, SDC
from flows.validation import response_problems
from flows.values import Place, Value, Values
from tests.flows.forms import Raw, choice, flavour, form, forms, garbage, item, spoilt

FOLDER = Path(__file__).parent / "hl7_cases"
CASES = [case for path in sorted(FOLDER.iterdir()) for case in plain_yaml.read(path.read_text("utf-8"), path.name)]
UCUM = {"system": "http://unitsofmeasure.org"}
URL = "https://clinic.example/form"


def errors(problems: Iterable[Problem]) -> list[str]:
    return [str(problem) for problem in problems if problem.severity is Severity.ERROR]


def others(problems: list[Problem]) -> list[str]:
    return [f"{problem.severity}: {problem}" for problem in problems if problem.severity is not Severity.ERROR]


def response(*items: Raw, **more: Any) -> Raw:
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": URL,
        "status": "completed",
        **({"item": list(items)} if items else {}),
        **more,
    }


def given_to(link_id: str, *values: Raw, **more: Any) -> Raw:
    return {"linkId": link_id, "answer": list(values), **more}


def group(link_id: str, *items: Raw, **more: Any) -> Raw:
    return item(link_id, "group", item=list(items), **more)


def extended(link_id: str, kind: str, **extensions: Any) -> Raw:
    """An item with extensions, such as minValue_Integer=2 or SDC_minQuantity_Quantity={}."""
    listed = []
    for name, value in extensions.items():
        sdc, rest = name.startswith("SDC_"), name.removeprefix("SDC_")
        url, _, kind_of_value = rest.rpartition("_")
        for one in value if isinstance(value, list) else [value]:
            prefix = SDC if sdc else CORE
            listed.append({"url": prefix + url.replace("_", "-"), f"value{kind_of_value}": one})
    return item(link_id, kind, extension=listed)


def problems(questions: list[Raw], answers: list[Raw], **more: Any) -> list[Problem]:
    return response_problems(response(*answers, **more), form(*questions, url=URL))


def test_all_cases_of_hl7_are_here() -> None:
    assert len(CASES) == 86


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_hl7s_cases_come_out_as_in_hl7s_validators(case: Raw) -> None:
    found = errors(response_problems(case["response"], case.get("questionnaire")))
    assert len(found) in case["errors"], found


YES, NO = {"valueBoolean": True}, {"valueBoolean": False}
ASKED = item("why", "string", required=True, enableWhen=[{"question": "q", "operator": "=", "answerBoolean": True}])
INSIDE = group("g", item("a", "integer"), item("b", "integer", required=True), repeats=True)
ONE, TWO = {"valueInteger": 1}, {"valueInteger": 2}
RED = {"valueCoding": {"system": "urn:test", "code": "red", "display": "Red"}}
COLOURS = {
    "resourceType": "ValueSet",
    "id": "colours",
    "compose": {"include": [{"system": "urn:test", "concept": [{"code": "red", "display": "Red"}, {"code": "blue"}]}]},
}


@pytest.mark.parametrize(
    ("questions", "answers", "wanted"),
    [
        # structure
        ([item("q")], [given_to("q", YES)], []),
        ([item("q"), item("r")], [given_to("r", YES), given_to("q", YES)], ["item q: the item stands after items"]),
        ([group("g", item("q"))], [given_to("q", YES)], ["item q: the item is in the wrong place: it belongs below g"]),
        (
            [item("q")],
            [given_to("q", YES), given_to("q", NO)],
            ["item q: stands several", "item q: at most one answer"],
        ),
        ([item("q")], [{"linkId": "q", "answer": []}], ["item q: answer must be a list, and not an empty one"]),
        ([item("q")], [{"linkId": "q", "answer": [{}]}], ["item q: an answer has no value"]),
        ([item("q")], [{"linkId": "q", "answers": []}], ["item q: an item has no property 'answers'"]),
        ([item("q")], [given_to("q", {**YES, **ONE})], ["item q: an answer has one value, found valueBoolean, value"]),
        ([item("q")], [{"answer": [YES]}], ["an item has no linkId"]),
        ([item("q")], [given_to("q", {"valueBoolean": "true"})], ["item q: 'true' is not true or false"]),
        # items below a question belong into its answer, and are needed only where it is answered
        ([item("q", item=[item("r", required=True)])], [], []),
        ([item("q", item=[item("r", required=True)])], [given_to("q", YES)], ["item r: has no answer and is required"]),
        ([item("q", item=[item("r")])], [given_to("q", {**YES, "item": [given_to("r", YES)]})], []),
        (
            [item("q", item=[item("r")])],
            [given_to("q", YES, item=[given_to("r", YES)])],
            ["item q: the items below a question belong into its answer"],
        ),
        # enablement
        ([item("q"), ASKED], [given_to("q", NO)], []),
        ([item("q"), ASKED], [given_to("q", YES)], ["item why: has no answer and is required"]),
        (
            [item("q"), ASKED],
            [given_to("q", NO), given_to("why", {"valueString": "so"})],
            ["item why: is answered, although it is not enabled"],
        ),
        # occurrences
        ([INSIDE], [{"linkId": "g", "item": [given_to("b", ONE)]}] * 2, []),
        ([INSIDE], [{"linkId": "g", "item": [given_to("a", ONE)]}] * 2, ["item b: has no answer"] * 2),
        (
            [{**INSIDE, "repeats": False}],
            [{"linkId": "g", "item": [given_to("b", ONE)]}] * 2,
            ["item g: the group may"],
        ),
        ([extended("q", "integer", questionnaire_minOccurs_Integer=2)], [], ["item q: at least 2 answers are needed"]),
        # choices
        ([choice("q", "red")], [given_to("q", RED)], []),
        ([choice("q", "red")], [given_to("q", {"valueCoding": {"code": "red"}})], []),
        (
            [choice("q", "red")],
            [given_to("q", {"valueCoding": {"code": "red", "system": "urn:other"}})],
            ["item q: 'red' is none of the permitted answers"],
        ),
        ([choice("q", "red", kind="open-choice")], [given_to("q", {"valueString": "mauve"})], []),
        ([choice("q", "red", kind="open-choice")], [given_to("q", {"valueCoding": {"display": "mauve"}})], []),
        (
            [choice("q", "red", kind="open-choice")],
            [given_to("q", {"valueCoding": {"code": "mauve"}})],
            ["item q: 'mauve' is none of the permitted answers"],
        ),
        (
            [item("q", "choice", answerOption=[{"valueInteger": 1}])],
            [given_to("q", TWO)],
            ["item q: '2' is none of the permitted answers"],
        ),
        (
            [item("q", "choice", answerValueSet="http://hl7.org/fhir/ValueSet/jurisdiction|4.0.1")],
            [given_to("q", {"valueCoding": {"code": "XX", "system": "urn:iso:std:iso:3166"}})],
            ["item q: 'XX' is not in the answerValueSet"],
        ),
        # limits: a date is compared as far as both are known
        ([extended("q", "date", minValue_Date="2020-06-15")], [given_to("q", {"valueDate": "2020"})], []),
        (
            [extended("q", "date", minValue_Date="2020-06-15")],
            [given_to("q", {"valueDate": "2020-05"})],
            ["item q: '2020"],
        ),
        (
            [extended("q", "time", maxValue_Time="12:00:00")],
            [given_to("q", {"valueTime": "12:00:01"})],
            ["item q: '12:"],
        ),
        (
            [extended("q", "quantity", SDC_minQuantity_Quantity={"value": 1, "code": "mg", **UCUM})],
            [given_to("q", {"valueQuantity": {"value": 999, "code": "ug", **UCUM}})],
            ["item q: '999 ug' is less than the minimum of '1 mg'"],
        ),
        (
            [extended("q", "quantity", SDC_maxQuantity_Quantity={"value": 38, "code": "Cel", **UCUM})],
            [given_to("q", {"valueQuantity": {"value": 101, "code": "[degF]", **UCUM}})],
            ["item q: '101 [degF]' is greater than the maximum of '38 Cel'"],
        ),
        (
            [extended("q", "quantity", SDC_maxQuantity_Quantity={"value": 5, "code": "mg/dL", **UCUM})],
            [given_to("q", {"valueQuantity": {"value": 0.04, "code": "g/L", **UCUM}})],
            [],
        ),
        # texts
        ([extended("q", "text", regex_String="[a-z]+")], [given_to("q", {"valueString": "abc1"})], ["item q: 'abc1'"]),
        (
            [extended("q", "integer", regex_String="[0-9]{2}")],
            [given_to("q", ONE)],
            ["item q: '1' is not of the format"],
        ),
        ([item("q", "text")], [given_to("q", {"valueString": "  "})], ["item q: a text must not be empty"]),
        ([item("q", "text", maxLength=2)], [given_to("q", {"valueString": "abc"})], ["item q: 'abc' is longer than 2"]),
        # formats
        ([item("q", "date")], [given_to("q", {"valueDate": "2021-02-30"})], ["item q: '2021-02-30' is no day"]),
        ([item("q", "date")], [given_to("q", {"valueDate": "2021-2-3"})], ["item q: '2021-2-3' is not a valid date"]),
        (
            [item("q", "dateTime")],
            [given_to("q", {"valueDateTime": "2021-02-03T10:00:00"})],
            ["item q: '2021-02-03T10"],
        ),
        ([item("q", "dateTime")], [given_to("q", {"valueDateTime": "2021-02-03T10:00:00+01:00"})], []),
        ([item("q", "integer")], [given_to("q", {"valueInteger": 2**31})], ["item q: '2147483648' is not a whole"]),
        ([item("q", "url")], [given_to("q", {"valueUri": "https://[x"})], ["item q: 'https://[x' is not a valid uri"]),
        (
            [item("q", "quantity")],
            [given_to("q", {"valueQuantity": {"value": 1, "code": "mg", "dose": 2}})],
            ["item q: a Quantity has no property 'dose'", "item q: Quantity: a code of a unit needs its system"],
        ),
        # references and attachments
        (
            [item("q", "reference")],
            [given_to("q", {"valueReference": {"reference": "#p"}})],
            ["item q: the response con"],
        ),
        ([item("q", "reference")], [given_to("q", {"valueReference": {"reference": "urn:oid:1.2.3"}})], []),
        (
            [item("q", "reference")],
            [given_to("q", {"valueReference": {"reference": "Patient/1", "type": "Group"}})],
            ["item q: the reference Patient/1 is not to a Group"],
        ),
        (
            [extended("q", "attachment", mimeType_Code=["image/*"])],
            [given_to("q", {"valueAttachment": {"contentType": "IMAGE/png; x=1", "data": "YQ=="}})],
            [],
        ),
        (
            [extended("q", "attachment", mimeType_Code=["image/*"])],
            [given_to("q", {"valueAttachment": {"size": 1}})],
            ["it"],
        ),
        (
            [item("q", "attachment")],
            [given_to("q", {"valueAttachment": {"data": "%"}})],
            ["item q: Attachment.data: '%'"],
        ),
    ],
)
def test_a_rule_finds_what_breaks_it_and_nothing_else(
    questions: list[Raw], answers: list[Raw], wanted: list[str]
) -> None:
    found = errors(problems(questions, answers))
    assert len(found) == len(wanted), found
    for message, start in zip(found, wanted, strict=True):
        assert message.startswith(start), found


@pytest.mark.parametrize(
    ("questions", "answers", "wanted"),
    [
        (
            [item("q", "string")],
            [given_to("q", {"valueString": "a\nb"})],
            "warning: item q: a string has no line breaks",
        ),
        ([item("q")], [given_to("q", YES, text="Other?")], "warning: item q: its text is not that of the form"),
        ([choice("q", "red", repeats=True)], [given_to("q", RED, RED)], "warning: item q: 'red Red' is answered twice"),
        (
            [choice("q", "red")],
            [given_to("q", {"valueCoding": {"code": "red", "system": "urn:test", "display": "Rot"}})],
            "warning: item q: 'red Rot' has another display than in the form: 'Red'",
        ),
        (
            [item("q", readOnly=True, initial=[YES])],
            [given_to("q", NO)],
            "warning: item q: is read-only, and was changed from its initial value",
        ),
        ([item("q", "riddle")], [given_to("q", NO)], "warning: item q: the form's item type 'riddle' is unknown"),
        (
            [extended("q", "text", regex_String="(")],
            [given_to("q", {"valueString": "a"})],
            "warning: item q: the regex",
        ),
        (
            [item("q", "choice", answerValueSet="https://tx.example/vs")],
            [given_to("q", RED)],
            "information: item q: answerValueSet: https://tx.example/vs is not contained",
        ),
        (
            [item("q", "integer", extension=[{"url": CORE + "minValue", "_valueInteger": {"extension": []}}])],
            [given_to("q", ONE)],
            "information: item q: the minimum comes from an expression",
        ),
        (
            [item("q", enableWhen=[{"question": "nowhere", "operator": "=", "answerBoolean": True}], required=True)],
            [],
            "information: item q: whether it is enabled cannot be evaluated here",
        ),
    ],
)
def test_what_is_doubtful_is_no_error(questions: list[Raw], answers: list[Raw], wanted: str) -> None:
    found = problems(questions, answers)
    assert errors(found) == []
    assert any(message.startswith(wanted) for message in others(found)), found


def test_a_contained_value_set_counts_also_when_only_the_response_contains_it() -> None:
    for reference in ("#colours", "urn:colours"):
        asked = item("q", "choice", answerValueSet=reference)
        contained = [{**COLOURS, "url": "urn:colours"}]
        for coding, count in ((RED["valueCoding"], 0), ({"code": "pink"}, 1), ({"code": "red", "display": "Blue"}, 1)):
            answer = given_to("q", {"valueCoding": coding})
            assert len(errors(problems([asked], [answer], contained=contained))) == count
            assert len(errors(response_problems(response(answer), form(asked, url=URL, contained=contained)))) == count


def test_a_required_group_may_be_empty_when_it_has_nothing_to_ask() -> None:
    never = item("q", enableWhen=[{"question": "other", "operator": "exists", "answerBoolean": True}])
    for inside in (item("d", "display"), never, group("h", never)):
        assert problems([item("other"), group("g", inside, required=True)], []) == []
    found = errors(problems([item("other"), group("g", item("q"), required=True)], []))
    assert found == ["item g: the group is required, and empty"]


def test_an_unfinished_response_may_lack_answers_but_not_hold_wrong_ones() -> None:
    for status in ("in-progress", "stopped", "entered-in-error"):
        found = problems([item("q", required=True)], [], status=status)
        assert others(found) == ["warning: item q: has no answer and is required"]
        assert errors(found) == []
        assert len(errors(problems([item("q")], [given_to("q", ONE)], status=status))) == 1


def test_who_preferred_not_to_say_has_answered_a_required_question() -> None:
    declined = {"extension": [{"url": CORE + "data-absent-reason", "valueCode": "asked-declined"}]}
    assert problems([item("q", required=True)], [given_to("q", declined)]) == []


def test_a_condition_looks_at_the_nearest_answer() -> None:
    below = item("why", "string", enableWhen=[{"question": "q", "operator": "=", "answerBoolean": True}])
    asked = group("g", item("q"), below, repeats=True)
    so = given_to("why", {"valueString": "so"})
    entries = [{"linkId": "g", "item": [given_to("q", YES), so]}, {"linkId": "g", "item": [given_to("q", NO), so]}]
    assert errors(problems([asked], entries)) == ["item why: is answered, although it is not enabled"]


def test_an_expression_enables_and_variables_are_heeded() -> None:
    variable = {
        "name": "said",
        "language": "text/fhirpath",
        "expression": "%resource.item.where(linkId='q').answer.value",
    }
    condition = {"language": "text/fhirpath", "expression": "%said"}
    asked = item(
        "why", "string", extension=[{"url": SDC + "enableWhenExpression", "valueExpression": condition}], required=True
    )
    resource = form(item("q"), asked, url=URL, extension=[{"url": CORE + "variable", "valueExpression": variable}])
    so = given_to("why", {"valueString": "so"})
    assert response_problems(response(given_to("q", YES), so), resource) == []
    assert len(errors(response_problems(response(given_to("q", YES)), resource))) == 1
    assert len(errors(response_problems(response(given_to("q", NO), so), resource))) == 1
    unknown = {**resource, "extension": []}
    assert errors(response_problems(response(given_to("q", YES)), unknown)) == []


@pytest.mark.parametrize(("severity", "count"), [("error", 1), ("warning", 0)])
def test_the_forms_own_rules_are_checked(severity: str, count: int) -> None:
    parts = {"key": ("Id", "k"), "severity": ("Code", severity), "human": ("String", "Two colours")}
    rule = {
        "url": CORE + "questionnaire-constraint",
        "extension": [
            *({"url": url, f"value{kind}": value} for url, (kind, value) in parts.items()),
            {"url": "expression", "valueString": "answer.count() = 2"},
        ],
    }
    asked = choice("q", "red", "blue", repeats=True, extension=[rule])
    blue = {"valueCoding": {"system": "urn:test", "code": "blue"}}
    assert problems([asked], [given_to("q", RED, blue)]) == []
    found = problems([asked], [given_to("q", RED)])
    assert [str(problem) for problem in found] == ["item q: the form's rule 'Two colours' is not kept"]
    assert len(errors(found)) == count


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"status": "done"}, "error: status must be one of"),
        ({"id": "a b"}, "error: id: 'a b' is not a valid id"),
        ({"authored": "yesterday"}, "error: authored: 'yesterday' is not a valid dateTime"),
        ({"mood": "good"}, "error: a QuestionnaireResponse has no property 'mood'"),
        ({"subject": {"reference": "Chicken/1"}}, "error: Chicken in the reference Chicken/1 is not a resource type"),
        ({"author": {"reference": "Location/1"}}, "error: the reference Location/1 is not to one of Patient"),
        ({"questionnaire": URL + "/other"}, f"error: the response is to {URL}/other, not to {URL}"),
        ({"questionnaire": URL + "|2"}, "warning: the response is to version 2, not to version '1'"),
        ({"authored": "2019"}, "warning: the response was authored before the start"),
    ],
)
def test_the_response_as_a_whole(more: Raw, wanted: str) -> None:
    resource = form(item("q"), url=URL, version="1", effectivePeriod={"start": "2020-01-01"})
    found = response_problems({**response(), **more}, resource)
    assert [f"{problem.severity}: {problem}"[: len(wanted)] for problem in found] == [wanted]


def test_a_contained_questionnaire_is_taken_and_a_missing_one_is_told() -> None:
    held = form(item("q", required=True), id="f")
    assert len(errors(response_problems(response(questionnaire="#f", contained=[held])))) == 1
    assert errors(response_problems(response(questionnaire="#g", contained=[held]))) != []
    assert others(response_problems(response())) == [
        f"warning: the questionnaire {URL} is not at hand: its answers were not checked"
    ]


@given(forms(), st.data())
def test_what_the_engine_writes_is_a_valid_response(resource: Raw, data: st.DataObject) -> None:
    asked = questionnaire.load(json.dumps({**resource, "url": URL}), "f.json")
    answers: dict[Place, Values] = {}
    while (entry := follow(asked, answers).next) is not None:
        item, number = entry.item, entry.place.instance[-1:] or (0,)
        if not item.is_question:
            answers[entry.place] = (number[0] <= item.least or (number[0] < 3 and data.draw(st.booleans())),)
        elif not item.least and data.draw(st.booleans()):
            answers[entry.place] = ()
        else:
            answers[entry.place] = said(item, data.draw(st.integers(0, 3)))
    course = follow(asked, answers)
    written = responses.items(asked.items, course.reached, detail=responses.Detail.SKIPPED)
    put = {entry.place.link_id for entry in course.entries if entry.item.is_question}
    found = response_problems(response(*written), asked.resource)
    assert errors(problem for problem in found if problem.item in put) == []


def said(item: Item, first: int) -> Values:
    """What somebody types to a question, as the engine reads it; as many values as the question needs."""
    texts = list(flavour({"linkId": item.link_id, "type": item.type}).said)
    found: dict[Value, None] = {}
    for text in [*texts[first % len(texts) :], *texts]:
        read = read_answer(item, text, now=datetime(2026, 3, 3, 12, tzinfo=ZoneInfo("America/New_York")))
        assert isinstance(read, tuple)
        found |= dict.fromkeys(read)
    exclusive = {option.value for option in item.options if option.exclusive}
    values = [value for value in found if value not in exclusive]
    return tuple(values[: max(1, item.least if item.takes_several else 1)])


def test_what_is_no_fhir_or_endless_is_told_in_one_sentence() -> None:
    endless: Raw = response()
    endless["item"] = [endless]
    assert errors(response_problems(endless)) == ["the QuestionnaireResponse is too large or nested too deeply"]
    assert errors(response_problems([])) == [
        "is not a FHIR QuestionnaireResponse: resourceType must be QuestionnaireResponse"
    ]
    assert errors(response_problems(response(), response())) == [
        "is not a FHIR Questionnaire: resourceType must be Questionnaire"
    ]


def test_outcomes_are_valid_fhir() -> None:
    everything = [
        problem for case in CASES for problem in response_problems(case["response"], case.get("questionnaire"))
    ]
    for found in ([], everything, [Problem("it's wrong", "it's \\ one")]):
        OperationOutcome.model_validate(operation_outcome(found))
    assert [issue["diagnostics"] for issue in operation_outcome([])["issue"]] == ["All OK"]


KINDS = ("Coding", "Quantity", "Date", "DateTime", "String", "Reference", "Attachment")
FHIR_WORDS = """
    linkId q1 item answer extension url code value reference data status #x enableWhen question operator exists
    answerBoolean answerValueSet answerOption type choice
"""
WORDS = st.sampled_from([*(f"value{kind}" for kind in KINDS), *FHIR_WORDS.split()])


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.sampled_from([case for case in CASES if "questionnaire" in case]), st.data())
def test_garbage_in_any_place_raises_nothing(case: Raw, data: st.DataObject) -> None:
    pair = {"questionnaire": case["questionnaire"], "response": case["response"]}
    broken = data.draw(spoilt(pair, WORDS, most=3, depth=2))
    operation_outcome(response_problems(broken["response"], broken["questionnaire"]))


@given(garbage(WORDS), garbage(WORDS), garbage(WORDS))
def test_pure_garbage_is_refused_and_raises_nothing(resource: Any, items: Any, answers: Any) -> None:
    assert errors(response_problems(resource)) != []
    response_problems(response(item=answers), form(items, url=URL))
    response_problems(
        response(item=[{"linkId": "q", "answer": [answers]}]), form(item("q", "quantity"), contained=items)
    )
