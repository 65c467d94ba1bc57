"""What leaves as FHIR R4: it validates by an independent reading, and comes back without loss."""

import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import questionnaire
from flows.catalogue import Catalogue
from flows.conversation import Conversation, Purpose
from flows.course import follow
from flows.effects import RequestKind
from flows.escalation import Tier
from flows.evidence import Evidence, Finding, Occasion
from flows.fhir import Alert, PatientRecord, Request, Response, Words, bundle, read_bundle, written
from flows.items import Item, ItemType
from flows.lifecycle import AlertState, Stage
from flows.questionnaire import Questionnaire
from flows.validation import response_problems
from flows.values import DECLINED, Answers, Coding, PartialDate, Place, Quantity, Value, Values
from tests.flows.forms import Raw, choice, coding, forms, item, load, occurs, scored, when

AT = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LONG_AGO = AT.replace(year=1900, tzinfo=None)
CODE = "P-ABCDE"
WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=9)


def record(*conversations: Conversation, **more: Any) -> PatientRecord:
    return PatientRecord(CODE, tuple(Response(held, AT + HOUR * n) for n, held in enumerate(conversations)), **more)


def held(form: Questionnaire, answers: Answers, stage: Stage = Stage.ASKING, number: int = 5) -> Conversation:
    return Conversation(number, Purpose.INTAKE, form, stage, answers=answers)


def there_and_back(given: PatientRecord) -> PatientRecord:
    """What comes back from the Bundle as text, after checking that it validates and is written again the same."""
    text = written(given)
    assert Bundle.model_validate_json(text)
    assert_whole(json.loads(text))
    read = read_bundle(json.loads(text))
    assert json.loads(written(read)) == json.loads(text)
    return read


def assert_whole(packed: Raw) -> None:
    """Every reference leads to an entry, every entry has its own name, and nothing is empty."""
    names = [entry["fullUrl"] for entry in packed["entry"]]
    assert len(set(names)) == len(names)
    for entry in packed["entry"]:
        assert_nothing_empty(entry["resource"])
        assert set(references(entry["resource"])) <= set(names)


def references(node: Any) -> Any:
    if isinstance(node, dict):
        yield from [node["reference"]] if "reference" in node else []
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from references(part)


def assert_nothing_empty(node: Any) -> None:
    """FHIR has no empty text, list or object, and no null."""
    assert node not in ("", [], {}, None)
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        assert_nothing_empty(part)


def resources(given: PatientRecord, kind: str) -> list[Raw]:
    found = [entry["resource"] for entry in bundle(given)["entry"]]
    return [resource for resource in found if resource["resourceType"] == kind]


def counted(conversation: Conversation) -> Answers:
    """The answers of a conversation that count."""
    return {entry.place: entry.values for entry in conversation.course.entries if entry.values is not None}


def exactly(answers: Answers) -> Any:
    """Answers with all that a value carries: two codings are equal already when they mean the same."""
    return {place: [_all_of(value) for value in values] for place, values in answers.items()}


def _all_of(value: Value) -> Any:
    match value:
        case Coding():
            return value.system, value.code, value.display, value.ordinal
        case datetime():
            return value, value.utcoffset()
    return type(value), value


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
NUMBERS = st.decimals(-10_000, 10_000, places=3)
DATES = st.dates(date(1900, 1, 1)) | st.builds(PartialDate, st.integers(1900, 2100), st.none() | st.integers(1, 12))
ANSWERS: dict[ItemType, st.SearchStrategy[Any]] = {
    ItemType.BOOLEAN: st.booleans(),
    ItemType.INTEGER: st.integers(-(2**31), 2**31 - 1),
    ItemType.DECIMAL: NUMBERS,
    ItemType.QUANTITY: st.builds(Quantity, NUMBERS, st.sampled_from(["", "mg"]), st.sampled_from([None, "mg"])),
    ItemType.STRING: WORDS,
    ItemType.TEXT: WORDS,
    ItemType.URL: st.just("https://clinic.example/a?b=c"),
    ItemType.DATE: DATES,
    ItemType.DATE_TIME: DATES | st.datetimes(LONG_AGO, timezones=OFFSETS),
    ItemType.TIME: st.times().map(lambda at: at.replace(microsecond=0)),
}


def given_to(item: Item) -> st.SearchStrategy[Values]:
    """Answers that can be given to a question."""
    value = st.sampled_from([option.value for option in item.options]) if item.options else ANSWERS[item.type]
    value = value | WORDS if item.type is ItemType.OPEN_CHOICE else value
    several = st.lists(value, min_size=1, max_size=3 if item.takes_several else 1).map(tuple)
    answers: st.SearchStrategy[Any] = several if item.least else several | st.just(())
    return answers | st.just((DECLINED,)) if item.may_decline else answers


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Somebody who answers some or all of a questionnaire, and may change what was answered before."""
    asked_form = questionnaire.load(json.dumps(draw(forms())), "form.json")
    answers: dict[Place, Values] = {}
    for _ in range(draw(st.integers(0, 40))):
        course = follow(asked_form, answers)
        changed = [entry for entry in course.entries if entry.values is not None]
        entry = draw(st.sampled_from(changed)) if changed and draw(st.integers(0, 9)) == 0 else course.next
        if entry is None:
            break
        deep = len(entry.place.instance) > 0 and entry.place.instance[-1] > 3
        decided = st.just((False,)) if deep else st.sampled_from([(True,), (False,)])
        answers[entry.place] = draw(given_to(entry.item) if entry.item.is_question else decided)
    complete = follow(asked_form, answers).next is None
    stage = draw(st.sampled_from([stage for stage in Stage if complete or stage is not Stage.SUBMITTED]))
    return Conversation(draw(st.integers(1, 2**61)), Purpose.CHECK_IN, asked_form, stage, answers=answers, opened=AT)


@settings(max_examples=150, deadline=None)
@given(st.lists(conversations(), min_size=1, max_size=2, unique_by=lambda held: held.id))
def test_whatever_was_answered_comes_back_without_loss(given: list[Conversation]) -> None:
    found = there_and_back(record(*given)).responses
    for before, after in zip(given, found, strict=True):
        assert exactly(after.conversation.answers) == exactly(counted(before))
        assert after.conversation.stage is before.stage
        assert (after.conversation.id, after.conversation.purpose) == (before.id, before.purpose)
        assert after.conversation.questionnaire.items == before.questionnaire.items


TIMES = st.datetimes(LONG_AGO, timezones=st.just(UTC))
SIGNALS = st.lists(st.sampled_from(["crisis", "human"]), unique=True).map(tuple)
WORDS_KEPT = st.builds(Words, st.integers(1, 2**61), TIMES, WORDS, SIGNALS)
NUMBER = st.integers(1, 10**6)
FINDINGS = st.builds(Finding, WORDS, WORDS, WORDS, st.lists(WORDS, max_size=3).map(tuple), st.just("") | WORDS)
EVIDENCE = st.builds(
    Evidence, st.integers(0, 9), st.sampled_from(Tier), st.lists(FINDINGS, max_size=3).map(tuple), st.just("") | WORDS
)
OCCASIONS = st.builds(Occasion, TIMES, st.lists(EVIDENCE, min_size=1, max_size=2).map(tuple))
ALERTS = st.builds(
    Alert,
    number=NUMBER,
    rule=st.sampled_from(["S1", "X0"]),
    title=WORDS,
    tier=st.sampled_from(Tier),
    state=st.sampled_from(AlertState),
    raised_at=TIMES,
    resolved_at=st.none() | TIMES,
    pages=st.lists(TIMES, max_size=3).map(tuple),
    occasions=st.lists(OCCASIONS, max_size=3).map(tuple),
)
REQUESTS = st.builds(Request, NUMBER, st.sampled_from(RequestKind), TIMES, st.none() | TIMES)
RECORDS = st.builds(
    PatientRecord,
    code=st.just(CODE),
    words=st.lists(WORDS_KEPT, max_size=2, unique_by=lambda words: words.id).map(tuple),
    alerts=st.lists(ALERTS, max_size=2, unique_by=lambda alert: alert.number).map(tuple),
    requests=st.lists(REQUESTS, max_size=2, unique_by=lambda request: request.number).map(tuple),
)


@given(RECORDS)
def test_words_alerts_and_requests_come_back_without_loss(given: PatientRecord) -> None:
    assert there_and_back(given) == given


def test_a_patient_without_anything_is_a_bundle_too() -> None:
    assert there_and_back(record()) == PatientRecord(CODE)
    [patient] = bundle(record())["entry"]
    assert patient["resource"]["identifier"] == [{"system": "urn:taperline:patient", "value": CODE}]
    assert set(patient["resource"]) == {"resourceType", "id", "identifier"}


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("name", ["intake", "check_in"])
def test_the_clinics_own_questionnaires_leave_and_come_back_in_every_stage(
    content: Catalogue, name: str, stage: Stage
) -> None:
    done = held(content.questionnaires[name], {}, stage)
    while (entry := done.course.next) is not None:
        done = replace(done, answers={**done.answers, entry.place: _simplest(entry.item)})
    half = replace(done, id=6, answers=dict(list(done.answers.items())[: len(done.answers) // 2]))
    found = there_and_back(record(done, half if stage is not Stage.SUBMITTED else replace(done, id=6)))
    assert exactly(found.responses[0].conversation.answers) == exactly(done.answers)
    assert len(resources(record(done, half), "Binary")) == 1


@pytest.mark.parametrize("name", ["intake", "check_in"])
def test_our_own_validation_finds_nothing_in_a_completed_response(content: Catalogue, name: str) -> None:
    done = held(content.questionnaires[name], {}, Stage.SUBMITTED)
    while (entry := done.course.next) is not None:
        done = replace(done, answers={**done.answers, entry.place: _simplest(entry.item) if entry.item.least else ()})
    [response] = resources(record(done), "QuestionnaireResponse")
    assert response_problems(response, done.questionnaire.resource) == []


def _simplest(item: Item) -> Values:
    if item.options:
        return (item.options[-1].value,)
    simple: dict[ItemType, Value] = {ItemType.BOOLEAN: True, ItemType.DECIMAL: Decimal("2.5"), ItemType.INTEGER: 2}
    return (simple.get(item.type, "words"),)


@pytest.mark.parametrize(
    ("stage", "status"),
    [
        (Stage.INVITED, "in-progress"),
        (Stage.ASKING, "in-progress"),
        (Stage.REVIEW, "in-progress"),
        (Stage.PAUSED, "in-progress"),
        (Stage.SUBMITTED, "completed"),
        (Stage.STOPPED, "stopped"),
        (Stage.EXPIRED, "stopped"),
    ],
)
def test_the_status_tells_how_far_it_came(stage: Stage, status: str) -> None:
    [response] = resources(record(held(load(item("a")), {}, stage)), "QuestionnaireResponse")
    assert response["status"] == status
    assert "item" not in response


def test_answers_of_branches_that_are_not_taken_are_left_out() -> None:
    branching = load(choice("a", "x", "y"), item("b", enableWhen=[when("a", "=", answerCoding=coding("x"))]))
    x, y = (option.value for option in branching.items[0].options)
    for first, expected in ((x, ["a", "b"]), (y, ["a"])):
        answers: Answers = {Place("a"): (first,), Place("b"): (True,)}
        [response] = resources(record(held(branching, answers)), "QuestionnaireResponse")
        assert [found["linkId"] for found in response["item"]] == expected


def test_a_questionnaire_is_named_by_url_and_version_and_stands_in_the_bundle_as_written() -> None:
    named, bare, versioned = load(item("a"), url="urn:x"), load(item("a")), load(item("a"), url="urn:x", version="2")
    conversations = [held(asked, {}, number=number) for number, asked in enumerate((named, bare, versioned), start=1)]
    packed = bundle(record(*conversations))
    first, second, third = (
        found["questionnaire"] for found in resources(record(*conversations), "QuestionnaireResponse")
    )
    assert (first, third) == ("urn:x", "urn:x|2")
    by_name = {entry["fullUrl"]: entry["resource"] for entry in packed["entry"]}
    assert b64decode(by_name[second]["data"]).decode() == bare.source
    kept = [b64decode(found["data"]).decode() for found in resources(record(*conversations), "Binary")]
    assert kept == [named.source, bare.source, versioned.source]


def test_a_questionnaire_that_breaks_rules_of_fhir_leaves_in_a_valid_bundle_all_the_same() -> None:
    source = '{"resourceType": "Questionnaire", "item": [{"linkId": "a", "type": "string", "required": "true"}]}'
    broken = questionnaire.load(source, "a.json")
    back = there_and_back(record(held(broken, {})))
    assert back.responses[0].conversation.questionnaire.source == broken.source


def test_two_files_of_one_version_are_told_apart() -> None:
    one, other = (load(item("a", text=text), url="urn:x", version="1") for text in ("One?", "Other?"))
    back = there_and_back(record(held(one, {}, number=1), held(other, {}, number=2)))
    assert [kept.conversation.questionnaire.items[0].text for kept in back.responses] == ["One?", "Other?"]


def test_a_completed_response_has_no_group_that_did_not_occur() -> None:
    group = load(item("g", "group", repeats=True, item=[item("a")]))
    answers: Answers = {Place("a", (1,)): (True,), Place("g", (2,)): (False,)}
    for stage, occurrences in ((Stage.SUBMITTED, 1), (Stage.REVIEW, 2)):
        given = record(held(group, answers, stage))
        [response] = resources(given, "QuestionnaireResponse")
        assert len(response["item"]) == occurrences
        assert there_and_back(given).responses[0].conversation.answers == answers


def test_what_is_computed_leaves_and_is_computed_again() -> None:
    fhirpath = {"language": "text/fhirpath", "expression": "%resource.item.where(linkId='a').answer.value + 1"}
    url = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"
    computing = load(
        item("a", "integer"),
        item("b", "integer", readOnly=True, extension=[{"url": url, "valueExpression": fhirpath}]),
        item("c", "string", initial=[{"valueString": "from us"}], readOnly=True),
    )
    given = record(held(computing, {Place("a"): (2,)}, Stage.SUBMITTED))
    [response] = resources(given, "QuestionnaireResponse")
    values = {found["linkId"]: found["answer"] for found in response["item"]}
    assert values["b"] == [{"valueInteger": 3}]
    assert values["c"] == [{"valueString": "from us"}]
    assert there_and_back(given).responses[0].conversation.answers == {Place("a"): (2,)}


@pytest.mark.parametrize(("stage", "status"), [(Stage.SUBMITTED, "final"), (Stage.STOPPED, "preliminary")])
def test_a_total_is_an_observation_with_the_code_of_the_total(content: Catalogue, stage: Stage, status: str) -> None:
    form = content.questionnaires["check_in"]
    days = [form.find("phq9-1"), form.find("phq9-2")]
    answers = {Place(found.link_id): (found.options[2].value,) for found in days if found is not None}
    given = record(held(form, answers, stage))
    there_and_back(given)
    [total] = resources(given, "Observation")
    [response] = resources(given, "QuestionnaireResponse")
    assert total["status"] == status
    assert total["valueInteger"] == 4
    assert [code["code"] for code in total["code"]["coding"]] == ["55758-7"]
    assert total["derivedFrom"][0]["reference"] == f"urn:uuid:{response['id']}"


def test_a_total_that_is_not_whole_is_a_quantity() -> None:
    form = load(item("g", "group", item=[scored("a", 1), scored("b", 2)]))
    first, second = (replace(found.options[0].value, ordinal=Decimal("0.5")) for found in form.items[0].items)  # type: ignore[type-var]
    given = record(held(form, {Place("a"): (first,), Place("b"): (second,)}))
    assert [total["valueInteger"] for total in resources(given, "Observation")] == [1]
    given = record(held(form, {Place("a"): (first,), Place("b"): (form.items[0].items[1].options[0].value,)}))
    [total] = resources(given, "Observation")
    assert (total["valueQuantity"]["value"], total["valueQuantity"]["code"]) == (2.5, "{score}")
    there_and_back(given)


def test_a_medicine_is_a_statement_with_the_dose_of_its_own_occurrence() -> None:
    ours = "urn:taperline"
    form = load(
        item(
            "medicines",
            "group",
            repeats=True,
            item=[
                choice("name", "valium", kind="open-choice", code=[{"system": ours, "code": "medicine"}]),
                item("dose", "decimal", code=[{"system": ours, "code": "daily-dose"}]),
                item("other", "string", code=[{"system": ours, "code": "medicine"}]),
            ],
        )
    )
    named = form.items[0].items[0].options[0].value
    answers: Answers = {
        Place("name", (1,)): (named,),
        Place("dose", (1,)): (Decimal("2.50"),),
        Place("other", (1,)): ("Zolpidem",),
        Place("medicines", (2,)): (True,),
        Place("name", (2,)): (DECLINED,),
        Place("dose", (2,)): (Decimal(7),),
        Place("other", (2,)): ("Something",),
    }
    given = record(held(form, answers))
    there_and_back(given)
    found = resources(given, "MedicationStatement")
    assert [statement["medicationCodeableConcept"]["text"] for statement in found] == [
        "Valium",
        "Zolpidem",
        "Something",
    ]
    assert found[0]["medicationCodeableConcept"]["coding"] == [coding("valium") | {"display": "Valium"}]
    assert [statement.get("dosage") for statement in found] == [
        [{"text": "2.5 a day, as the patient reports"}],
        None,
        None,
    ]
    assert {statement["status"] for statement in found} == {"unknown"}


def test_the_intake_reports_its_medicines(content: Catalogue) -> None:
    form = content.questionnaires["intake"]
    answers: Answers = {
        Place("medicine"): ("Xanax",),
        Place("dose-total"): (Decimal("0.5"),),
        Place("other-medicine"): (True,),
        Place("other-medicine-name"): ("zolpidem",),
    }
    there_and_back(record(held(form, answers)))
    first, second = resources(record(held(form, answers)), "MedicationStatement")
    assert (first["medicationCodeableConcept"], first["dosage"][0]["text"]) == (
        {"text": "Xanax"},
        "0.5 mg a day, as the patient reports",
    )
    assert second["medicationCodeableConcept"] == {"text": "zolpidem"}
    assert "dosage" not in second


def test_an_alert_is_a_flag_and_each_page_a_communication_about_it() -> None:
    raised = Alert(3, "S1", "Safety, acute", Tier.EMERGENCY, AlertState.PAGED, AT, pages=(AT, AT + HOUR))
    resolved = replace(raised, number=4, state=AlertState.RESOLVED, resolved_at=AT + HOUR, pages=())
    given = record(alerts=(raised, resolved))
    there_and_back(given)
    first, second = resources(given, "Flag")
    assert (first["status"], second["status"]) == ("active", "inactive")
    assert first["period"] == {"start": AT.isoformat()}
    assert second["period"] == {"start": AT.isoformat(), "end": (AT + HOUR).isoformat()}
    assert first["code"]["text"] == "Safety, acute"
    assert first["code"]["coding"][0]["code"] == "S1"
    pages = resources(given, "Communication")
    assert [page["sent"] for page in pages] == [AT.isoformat(), (AT + HOUR).isoformat()]
    assert {page["about"][0]["reference"] for page in pages} == {f"urn:uuid:{first['id']}"}
    assert "Safety" not in json.dumps(pages)


def test_what_raised_an_alert_is_a_detected_issue_that_points_at_its_flag() -> None:
    answered = Finding("phq9-9", "phq9-9 >= 1", "Better off dead?", ("Several days",))
    broken = Finding("asq-4", "asq-4 > 1", "Tried?", (), "TypeError")
    first = Occasion(AT, (Evidence(4, Tier.EMERGENCY, (answered, broken)), Evidence(0, Tier.URGENT, (answered,))))
    later = Occasion(AT + HOUR, (Evidence(3, Tier.URGENT, note="It waited."),))
    raised = Alert(3, "S2", "Safety", Tier.EMERGENCY, AlertState.PAGED, AT, occasions=(first, later))
    given = record(alerts=(raised, replace(raised, number=4, occasions=())))
    assert there_and_back(given) == given
    flag, _ = resources(given, "Flag")
    issues = resources(given, "DetectedIssue")
    assert {issue["implicated"][0]["reference"] for issue in issues} == {f"urn:uuid:{flag['id']}"}
    assert [issue["severity"] for issue in issues] == ["high", "moderate", "moderate"]
    assert [issue["identifiedDateTime"] for issue in issues] == [AT.isoformat()] * 2 + [(AT + HOUR).isoformat()]
    assert [part["code"][0]["text"] for part in issues[0]["evidence"]] == ["Better off dead?", "Tried?"]
    assert issues[0]["evidence"][0]["code"][1] == {"text": "Several days"}
    assert issues[2]["detail"] == "It waited."
    assert "evidence" not in issues[2]


def test_a_request_is_a_proposed_appointment_and_the_one_that_ended_in_enrolment_an_encounter() -> None:
    waiting = Request(1, RequestKind.VISIT, AT)
    over = Request(2, RequestKind.CONSULTATION, AT, closed_at=AT + HOUR, enrolled=True)
    given = record(requests=(waiting, over))
    assert there_and_back(given) == given
    assert [found["status"] for found in resources(given, "Appointment")] == ["proposed", "waitlist"]
    [encounter] = resources(given, "Encounter")
    assert (encounter["status"], encounter["class"]["code"]) == ("finished", "AMB")
    assert encounter["period"] == {"end": (AT + HOUR).isoformat()}


def test_p6_words_that_were_no_answer_are_in_the_bundle() -> None:
    given = record(words=(Words(9, AT, "help me", ("human",)),))
    assert there_and_back(given) == given
    [words] = resources(given, "Communication")
    assert words["payload"] == [{"contentString": "help me"}]


def test_ids_are_the_same_every_time_and_those_of_another_patient_are_others() -> None:
    given = record(held(load(item("a")), {}), alerts=(Alert(1, "S1", "x", Tier.URGENT, AlertState.RAISED, AT),))
    assert written(given) == written(given)
    other = replace(given, code="P-22222")
    names = [{entry["fullUrl"] for entry in bundle(one)["entry"]} for one in (given, other)]
    assert len(names[0] & names[1]) == 1, "only the questionnaire is the same"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("url", "tel:988", {"valueUri": "tel:988"}),
        ("decimal", 2, {"valueDecimal": 2}),
        ("dateTime", date(2026, 1, 2), {"valueDateTime": "2026-01-02"}),
        ("dateTime", PartialDate(2026, 1), {"valueDateTime": "2026-01"}),
        ("date", PartialDate(2026), {"valueDate": "2026"}),
        ("text", "two\nlines", {"valueString": "two\nlines"}),
    ],
)
def test_an_answer_has_the_type_of_its_question(kind: str, value: Value, expected: Raw) -> None:
    given = record(held(load(item("a", kind)), {Place("a"): (value,)}))
    [response] = resources(given, "QuestionnaireResponse")
    assert response["item"][0]["answer"] == [expected]
    there_and_back(given)


def test_an_occurrence_that_waits_before_one_that_was_answered_keeps_its_place() -> None:
    group = load(item("g", "group", repeats=True, item=[item("a")], extension=occurs(2)))
    answers: Answers = {Place("a", (2,)): (True,)}
    assert there_and_back(record(held(group, answers))).responses[0].conversation.answers == answers


def test_an_occurrence_in_which_nothing_is_asked_is_kept() -> None:
    below = item("b", required=True, enableWhen=[when("a", "=", answerBoolean=True)])
    group = load(item("a"), item("g", "group", repeats=True, item=[below]))
    answers: Answers = {Place("a"): (False,), Place("g", (1,)): (True,)}
    given = record(held(group, answers, Stage.SUBMITTED))
    assert there_and_back(given).responses[0].conversation.answers == answers


def test_what_depends_on_the_day_is_read_as_on_the_day_it_was_opened() -> None:
    fhirpath = {"language": "text/fhirpath", "expression": "today() = @2026-11-23"}
    url = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression"
    form = load(item("a", extension=[{"url": url, "valueExpression": fhirpath}]))
    for opened, expected in ((AT, {Place("a"): (True,)}), (AT + 48 * HOUR, {})):
        given = record(replace(held(form, {Place("a"): (True,)}), opened=opened))
        assert there_and_back(given).responses[0].conversation.answers == expected
