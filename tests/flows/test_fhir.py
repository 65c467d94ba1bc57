"""What leaves as FHIR R4, checked by hand against the shape of the standard."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import questionnaire
from flows.catalogue import Catalogue
from flows.conversation import Conversation, Purpose, advance, follow
from flows.events import Begun, Said
from flows.fhir import bundle, response
from flows.lifecycle import Stage
from flows.questionnaire import Questionnaire
from flows.values import Values, decode
from tests.flows.forms import Raw, choice, coding, forms, item, load, when
from tests.flows.people import checking_in, in_state

AT = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
STATUS = {"in-progress", "completed", "amended", "entered-in-error", "stopped"}


def check(resource: Any, form: Questionnaire) -> dict[str, Values]:
    """Assert that this is a well-formed QuestionnaireResponse to the form; returns its answers."""
    resource = json.loads(json.dumps(resource))
    assert set(resource) <= {"resourceType", "id", "questionnaire", "status", "subject", "authored", "item"}
    assert resource["resourceType"] == "QuestionnaireResponse"
    assert resource["status"] in STATUS
    assert datetime.fromisoformat(resource["authored"]).tzinfo is not None
    assert_nothing_empty(resource)
    found: dict[str, Values] = {}
    positions = {part.link_id: place for place, part in enumerate(form.walk())}
    walked = list(walk(resource.get("item", []), found))
    assert [positions[link_id] for link_id in walked] == sorted(positions[link_id] for link_id in walked)
    assert len(set(walked)) == len(walked)
    return found


def walk(items: list[Raw], found: dict[str, Values]) -> Any:
    for entry in items:
        assert set(entry) <= {"linkId", "text", "answer", "item"}
        assert not ("answer" in entry and "item" in entry), "qrs-1: nested items stand beneath the item or its answer"
        yield entry["linkId"]
        if "answer" in entry:
            values = [{key: part for key, part in answer.items() if key != "item"} for answer in entry["answer"]]
            found[entry["linkId"]] = tuple(decode(value) for value in values)
            for answer in entry["answer"]:
                yield from walk(answer.get("item", []), found)
        yield from walk(entry.get("item", []), found)


def assert_nothing_empty(node: Any) -> None:
    """FHIR has no empty text, list or object, and no null."""
    assert node not in ("", [], {}, None)
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        assert_nothing_empty(part)


def wrap(form: Questionnaire, answers: dict[str, Values], stage: Stage = Stage.ASKING) -> Raw:
    held = Conversation(5, Purpose.INTAKE, form, stage, answers=answers)
    return response(held, patient_code="P-ABCDE", authored=AT)


@given(forms(), st.data())
def test_a_conversation_comes_back_from_its_response(resource: Raw, data: st.DataObject) -> None:
    form = questionnaire.load(json.dumps(resource), "f.json")
    held, _ = advance(Conversation(5, Purpose.INTAKE, form), Begun(5), today=date(2026, 1, 1))
    while held.stage is Stage.ASKING and data.draw(st.integers(0, 9)):
        text = data.draw(st.sampled_from(["yes", "4", "Red", "word", "skip"]))
        held, _ = advance(held, Said(text), today=date(2026, 1, 1))
    found = check(response(held, patient_code="P-ABCDE", authored=AT), form)
    assert found == {link_id: values for link_id, values in follow(form, held.answers).reached.items() if values}


def test_the_intake_and_the_check_in_leave_as_responses(content: Catalogue) -> None:
    for patient in (
        in_state(content, "asking").goes(seizure="unsure"),
        checking_in(content).goes(phq9_9="Several days"),
    ):
        held = patient.closed[-1]
        sent = response(held, patient_code="P-ABCDE", authored=AT)
        found = check(sent, held.questionnaire)
        assert found == {link_id: values for link_id, values in held.answers.items() if values}
        assert (sent["status"], sent["id"]) == ("completed", str(held.id))
        assert sent["questionnaire"] == f"{held.questionnaire.url}|1"
        assert sent["subject"] == {"identifier": {"value": "P-ABCDE"}}


def test_answers_of_branches_that_are_not_taken_are_left_out() -> None:
    form = load(choice("a", "x", "y"), item("b", enableWhen=[when("a", "=", answerCoding=coding("x"))]))
    held = follow(form, {}).next
    assert held is not None
    x, y = (option.value for option in held.options)
    assert set(check(wrap(form, {"a": (x,), "b": (True,)}), form)) == {"a", "b"}
    assert set(check(wrap(form, {"a": (y,), "b": (True,)}), form)) == {"a"}


@pytest.mark.parametrize("parent", [(True,), ()])
def test_what_was_asked_beneath_a_question_is_kept_answered_or_skipped(parent: Values) -> None:
    form = load(item("a", item=[item("b")]))
    expected = {"b": (False,)} | ({"a": parent} if parent else {})
    assert check(wrap(form, {"a": parent, "b": (False,)}), form) == expected


def test_nothing_answered_is_no_empty_list() -> None:
    form = load(item("g", "group", item=[item("a"), item("d", "display")]))
    for answers in ({}, {"a": ()}):
        sent = wrap(form, dict(answers))
        assert check(sent, form) == {}
        assert "item" not in sent


@pytest.mark.parametrize(
    ("stage", "status"),
    [
        (Stage.INVITED, "in-progress"),
        (Stage.ASKING, "in-progress"),
        (Stage.PAUSED, "in-progress"),
        (Stage.SUBMITTED, "completed"),
        (Stage.STOPPED, "stopped"),
        (Stage.EXPIRED, "stopped"),
    ],
)
def test_the_status_tells_how_far_it_came(stage: Stage, status: str) -> None:
    assert wrap(load(item("a")), {}, stage)["status"] == status


def test_a_questionnaire_without_a_version_is_named_by_its_url_alone() -> None:
    assert wrap(load(item("a"), url="urn:x"), {})["questionnaire"] == "urn:x"
    assert wrap(load(item("a"), url="urn:x", version="2"), {})["questionnaire"] == "urn:x|2"


def test_a_bundle_holds_every_conversation_under_its_own_name() -> None:
    form = load(item("a"))
    held = [Conversation(number, Purpose.INTAKE, form, answers={"a": (True,)}) for number in (1, 2)]
    packed = bundle("P-ABCDE", [(one, AT) for one in held])
    assert (packed["resourceType"], packed["type"]) == ("Bundle", "collection")
    assert len({entry["fullUrl"] for entry in packed["entry"]}) == 2
    for entry in packed["entry"]:
        assert check(entry["resource"], form) == {"a": (True,)}
    assert_nothing_empty(bundle("P-ABCDE", []))


def test_p6_words_that_were_no_answer_are_in_the_bundle() -> None:
    packed = bundle("P-ABCDE", [], [(AT, "help me"), (AT, " ")])
    [entry] = packed["entry"]
    assert entry["resource"]["resourceType"] == "Communication"
    assert entry["resource"]["payload"] == [{"contentString": "help me"}]
    assert_nothing_empty(packed)
