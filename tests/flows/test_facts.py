"""What the rules see of a patient, whoever wrote the form."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from flows.catalogue import Catalogue
from flows.conversation import Conversation
from flows.facts import answered_by_code, facts, known_as, measured, taken
from flows.medicines import SYSTEM
from flows.past import Past
from flows.questionnaire import Questionnaire
from flows.taper import DailyDose, Plan, PlanStep
from flows.values import DECLINED, Coding, Facts, Place, Value, Values
from tests.flows.forms import Raw, choice, item, load, scored
from tests.flows.people import MONDAY

TODAY = MONDAY.date()
LOINC = "http://loinc.org"


def ours(code: str) -> list[Raw]:
    """A code that marks a question."""
    return [{"system": "urn:taperline", "code": code}]


MEDICINES = load(
    item(
        "tapers",
        "group",
        repeats=True,
        item=[item("name", "string", code=ours("medicine")), item("total", "decimal", code=ours("daily-dose"))],
    ),
    item("others", "string", repeats=True, code=ours("medicine")),
    item("new", "string", repeats=True, code=ours("new-medicine")),
)


def knowing(content: Catalogue, form: Questionnaire) -> Catalogue:
    """The clinic's content, with the questions of this form known by their codes."""
    coded = {code: content.coded(code) for item in form.coded for code in item.codes}
    for asked in form.coded:
        for code in asked.codes:
            coded[code] |= {asked.link_id}
    return replace(content, questions={**content.questions, **coded})


def conversation(form: Questionnaire, answers: dict[Place, Values]) -> Conversation:
    return Conversation(1, "extra", form, answers=answers, opened=MONDAY)


def seen(content: Catalogue, form: Questionnaire, answers: dict[Place, Values], **more: Any) -> Facts:
    """The facts of these answers to a form, by somebody with this past, plan and these reported doses."""
    given = {"past": Past(), "plan": Plan(), "doses": (), **more}
    held = conversation(form, answers)
    return facts(held, given["past"], given["plan"], given["doses"], today=TODAY, catalogue=knowing(content, form))


def named(*tapers: tuple[Value, Values], others: Values = (), new: Values = ()) -> dict[Place, Values]:
    """Answers to MEDICINES: each that is tapered, with its daily dose, and others."""
    found: dict[Place, Values] = {Place("others"): others, Place("new"): new}
    for number, (name, dose) in enumerate(tapers, start=1):
        found[Place("name", (number,))] = (name,)
        found[Place("total", (number,))] = dose
        if number > 1:
            found[Place("tapers", (number,))] = (True,)
    return found


ONE = (Decimal(1),)


# --- totals -----------------------------------------------------------------------------------------------------


def test_a_total_has_the_name_that_the_rules_know_for_its_code_whoever_wrote_the_form(content: Catalogue) -> None:
    group = item("depression", "group", code=[{"system": LOINC, "code": "44249-1"}], item=[scored("x1", 0, 1, 2, 3)])
    form = load(group, item("plain", "group", item=[scored("x2", 0, 1)]))
    asked = form.find("x1")
    assert asked is not None
    held = conversation(form, {Place("x1"): (asked.options[3].value,)})
    assert measured(held, content).totals == {"phq9": 3}
    assert seen(content, form, dict(held.answers), past=Past(totals={"phq9": (Decimal(1),)}))["%rise.phq9"] == (2,)


def test_a_total_that_is_not_complete_is_none(content: Catalogue) -> None:
    form = load(item("mood", "group", item=[scored("x1", 0, 1), scored("x2", 0, 1)]))
    asked = form.find("x1")
    assert asked is not None
    assert measured(conversation(form, {Place("x1"): (asked.options[1].value,)}), content).totals == {}


def test_a_checklist_is_a_total_once_each_entry_has_its_level_and_levels_count_at_once(content: Catalogue) -> None:
    form = load(choice("felt", "sleep", "heart", repeats=True, item=[scored("level", 0, 1, 2, 3)]))
    below = form.find("level")
    assert below is not None
    answers: dict[Place, Values] = {Place("felt"): (Coding("sleep", "urn:test"), Coding("heart", "urn:test"))}
    answers[Place("level", (1,))] = (below.options[3].value,)
    found = measured(conversation(form, answers), content)
    assert (found.totals, found.levels) == ({}, {"felt": {"sleep": 3}})
    assert seen(content, form, answers)["%worst-new.felt"] == (3,)
    answers[Place("level", (2,))] = (below.options[1].value,)
    assert measured(conversation(form, answers), content).totals == {"felt": 4}
    assert seen(content, form, answers)["%total.felt"] == (4,)


def test_questions_that_share_a_code_are_heard_together_under_the_name_that_the_rules_know(content: Catalogue) -> None:
    item_9 = [{"system": LOINC, "code": "44260-8"}]
    form = load(scored("mine", 0, 1, code=item_9), scored("theirs", 0, 1, code=item_9))
    zero, one = (option.value for option in form.items[0].options)
    assert answered_by_code(form, {"mine": (zero,), "theirs": (one,)}, content)["phq9-9"] == (zero, one)


# --- the plan ---------------------------------------------------------------------------------------------------


def test_the_report_is_compared_with_the_plan_and_with_earlier_reports(content: Catalogue) -> None:
    form = load(item("total", "decimal", code=ours("daily-dose")))
    plan = Plan((PlanStep("clonazepam", Decimal(10), TODAY - timedelta(days=30)),))
    found = seen(content, form, {Place("total"): (Decimal(7),)}, plan=plan)
    assert (found["%dose.below"], found["%dose.above"]) == ((Decimal("0.3"),), (Decimal("-0.3"),))
    assert found["%dose.fall"] == (Decimal("0.3"),)
    week_ago = (DailyDose(TODAY - timedelta(days=7), Decimal(14)),)
    found = seen(content, form, {Place("total"): (Decimal(7),)}, doses=week_ago)
    assert (found["%dose.fall"], found["%dose.below"], found["%dose.above"]) == ((Decimal("0.5"),), (), ())


def test_without_a_report_of_today_nothing_falls(content: Catalogue) -> None:
    form = load(item("total", "decimal", code=ours("daily-dose")))
    before = tuple(DailyDose(TODAY - timedelta(days=ago), Decimal(ago)) for ago in (7, 1))
    assert seen(content, form, {}, doses=before)["%dose.fall"] == ()
    assert seen(content, form, {Place("total"): ()}, doses=before)["%dose.fall"] == ()


# --- medicines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "generic"),
    [
        (Coding("clonazepam", SYSTEM), "clonazepam"),
        ("Klonopin", "clonazepam"),
        ("klonopn", None),
        ("sugar", None),
        (Coding("sugar", SYSTEM), None),
        (True, None),
    ],
)
def test_words_name_a_medicine_only_when_it_is_certain(content: Catalogue, value: Value, generic: str | None) -> None:
    found = known_as(value, content.medicines)
    assert (found and found.generic) == generic


def test_each_medicine_that_is_tapered_has_the_dose_beside_it(content: Catalogue) -> None:
    answers = named(("Xanax", (Decimal("0.5"),)), ("Valium", ()), ("sugar", ONE), (DECLINED, ONE), others=("zolpidem",))
    told = taken(conversation(MEDICINES, answers), content.medicines)
    assert [(one.medicine and one.medicine.generic, one.daily_mg) for one in told] == [
        ("alprazolam", Decimal("0.5")),
        ("diazepam", None),
        (None, 1),
    ]


def test_a_form_that_asks_for_no_dose_says_nothing_of_doses(content: Catalogue) -> None:
    form = load(item("name", "string", code=ours("medicine")))
    assert taken(conversation(form, {Place("name"): ("Xanax",)}), content.medicines) == ()
    assert seen(content, form, {Place("name"): ("Xanax",)})["%dose-class"] == ()


@pytest.mark.parametrize(
    ("tapers", "dose_class"),
    [
        ([], ()),
        ([("Valium", (Decimal(5),))], ("low",)),
        ([("Valium", (Decimal(12),))], ("moderate",)),
        ([("Valium", (Decimal(30),))], ("high",)),
        ([("Valium", (Decimal(10),)), ("Xanax", ONE)], ("high",)),
        ([("Valium", ())], ("unknown",)),
        ([("sugar", ONE)], ("unknown",)),
    ],
)
def test_the_dose_class_is_that_of_all_together_and_unknown_when_it_cannot_be_told(
    content: Catalogue, tapers: list[tuple[Value, Values]], dose_class: Values
) -> None:
    assert seen(content, MEDICINES, named(*tapers))["%dose-class"] == dose_class


def test_what_is_taken_is_what_was_ever_named_and_what_is_planned(content: Catalogue) -> None:
    past = Past(answers={"others": ("oxycodone",)})
    plan = Plan((PlanStep("clonazepam", Decimal(1), TODAY),))
    form = load(item("unrelated"))
    content = knowing(content, MEDICINES)
    assert "opioid" in seen(content, form, {}, past=past)["%taking"]
    assert "benzodiazepine" in seen(content, form, {}, plan=plan)["%taking"]
    answered = seen(content, MEDICINES, named(others=("gabapentin",)), past=past)["%taking"]
    assert "opioid" not in answered, "the newest answer to a question counts"
    assert "gabapentinoid" in answered


GAPS = load(
    item(
        "tapers",
        "group",
        repeats=True,
        item=[
            item("name", "string", code=ours("medicine")),
            choice("last", "day", "two-days", "longer", code=ours("last-dose")),
            choice("days", "every", "four-six", "one-three", "less", code=ours("days-a-week")),
        ],
    )
)


@pytest.mark.parametrize(
    ("tapers", "gap"),
    [
        ([("Valium", "day", "every")], False),
        ([("Valium", "two-days", "every")], False),
        ([("Valium", "longer", "four-six")], True),
        ([("Xanax", "day", "every")], False),
        ([("Xanax", "two-days", "four-six")], True),
        ([("sugar", "two-days", "every")], True),
        ([("Xanax", "longer", "one-three")], False),
        ([("Ambien", "longer", "less"), ("Klonopin", "day", "every")], False),
        ([("Klonopin", "day", "every"), ("Xanax", "two-days", "every")], True),
        ([], False),
    ],
)
def test_a_gap_is_too_long_by_the_medicine_itself_and_how_often_it_is_taken(
    content: Catalogue, tapers: list[tuple[str, str, str]], gap: bool
) -> None:
    given: dict[Place, Values] = {}
    for number, (name, last, days) in enumerate(tapers, start=1):
        given |= {
            Place("name", (number,)): (name,),
            Place("last", (number,)): (Coding(last, "urn:test"),),
            Place("days", (number,)): (Coding(days, "urn:test"),),
        }
        if number > 1:
            given[Place("tapers", (number,))] = (True,)
    assert seen(content, GAPS, given)["%gap"] == ((True,) if gap else ())


@pytest.mark.parametrize(
    ("planned", "before", "gap"),
    [("diazepam", (), False), ("alprazolam", ("Valium",), True), (None, ("Valium",), False), (None, (), True)],
)
def test_without_a_name_beside_it_a_gap_is_one_of_the_planned_or_the_known_medicine(
    content: Catalogue, planned: str | None, before: Values, gap: bool
) -> None:
    form = load(choice("last", "day", "two-days", "longer", code=ours("last-dose")))
    plan = Plan((PlanStep(planned, Decimal(1), TODAY),)) if planned else Plan()
    given = {Place("last"): (Coding("two-days", "urn:test"),)}
    past = Past({"name": before} if before else {})
    known = knowing(content, GAPS)
    assert seen(known, form, given, plan=plan, past=past)["%gap"] == ((True,) if gap else ())


@pytest.mark.parametrize(
    ("new", "others", "classes"),
    [
        ((), (), ()),
        (("oxycodone",), (), ("opioid",)),
        (("gabapentin",), ("oxycodone",), ("gabapentinoid with opioid",)),
        (("ginger tea",), (), ("other",)),
        (("ginger tea", "oxycodone"), (), ("opioid", "other")),
        ((DECLINED,), (), ()),
    ],
)
def test_a_new_medicine_is_classed_by_what_is_taken_beside_it(
    content: Catalogue, new: Values, others: Values, classes: tuple[str, ...]
) -> None:
    assert seen(content, MEDICINES, named(("Ativan", ONE), others=others, new=new))["%new-medicine"] == classes
