"""Totals by ordinal values."""

from decimal import Decimal
from typing import Any

import pytest

from flows.course import follow
from flows.questionnaire import Questionnaire
from flows.scores import Score, scored_groups, scores, total_name, totals
from flows.values import DECLINED, Coding, Place, Quantity, Value
from tests.flows.forms import EXTENSION, Raw, choice, item, load, scored

LOINC = "http://loinc.org"
CALCULATED = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"


def sum_of_ordinals(link_id: str, kind: str = "integer", *more: Raw, **parts: Any) -> Raw:
    """An item that is computed as the total of everything."""
    text = "%resource.answers().value.ordinal().sum()"
    computed = {"url": CALCULATED, "valueExpression": {"language": "text/fhirpath", "expression": text}}
    return item(link_id, kind, extension=[*more, computed], **parts)


@pytest.fixture
def form() -> Questionnaire:
    group = item("group", "group", item=[scored("a", 0, 1, 2, None), scored("b", 0, 1, 2), item("note", "display")])
    return load(group, item("other", "group", item=[item("plain")]), scored("alone", 0, 1))


def answers(form: Questionnaire, **chosen: int | None) -> dict[str, tuple[Value, ...]]:
    """The chosen option of each question; None is a question that was skipped."""
    found: dict[str, tuple[Value, ...]] = {}
    for link_id, index in chosen.items():
        asked = form.find(link_id)
        assert asked is not None
        found[link_id] = () if index is None else (asked.options[index].value,)
    return found


def test_a_total_is_the_sum_of_the_ordinals(form: Questionnaire) -> None:
    assert totals(form, answers(form, a=1, b=2)) == {"group": Decimal(3)}
    assert totals(form, answers(form, a=0, b=0)) == {"group": Decimal(0)}


@pytest.mark.parametrize(
    "given", [{}, {"a": 1}, {"a": 1, "b": None}, {"a": 3, "b": 2}], ids=["none", "one", "one skipped", "one unscored"]
)
def test_a_missing_scored_answer_is_never_made_up(form: Questionnaire, given: dict[str, int | None]) -> None:
    assert totals(form, answers(form, **given)) == {}


def test_a_typed_answer_to_a_scored_question_scores_nothing(form: Questionnaire) -> None:
    assert totals(form, {**answers(form, b=1), "a": ("my own words",)}) == {}


def test_an_ordinal_of_zero_counts_as_scored() -> None:
    form = load(item("g", "group", item=[scored("a", 0, None)]))
    assert totals(form, {"a": (Coding("o0", "urn:test", ordinal=Decimal(0)),)}) == {"g": Decimal(0)}


def test_only_groups_with_scored_questions_have_a_total(form: Questionnaire) -> None:
    assert scored_groups(form) == ("group",)
    assert total_name("group") == "%total.group"


def test_a_score_knows_its_words_codes_and_highest_value() -> None:
    code = {"system": LOINC, "code": "55757-9"}
    form = load(item("phq-2", "group", text="PHQ-2", code=[code], item=[scored("a", 0, 1, 2, 3), scored("b", 0, 3, 1)]))
    expected = Score("phq-2", "PHQ-2", Decimal(4), (Coding("55757-9", LOINC),), most=Decimal(6))
    assert scores(form, answers(form, a=3, b=2)) == (expected,)


def test_several_answers_to_one_question_add_up() -> None:
    form = load(item("g", "group", item=[scored("a", 1, 2, 4, repeats=True), scored("b", 0, 1)]))
    several = {**answers(form, b=1), "a": (*answers(form, a=0)["a"], *answers(form, a=2)["a"])}
    assert [(score.value, score.most) for score in scores(form, several)] == [(Decimal(6), Decimal(8))]


def test_the_highest_value_heeds_how_many_answers_are_allowed() -> None:
    two = [{"url": EXTENSION + "questionnaire-maxOccurs", "valueInteger": 2}]
    form = load(item("g", "group", item=[scored("a", 1, 2, 4, -1, repeats=True, extension=two)]))
    assert [score.most for score in scores(form, answers(form, a=0))] == [Decimal(6)]


def test_what_repeats_has_no_total() -> None:
    inner = item("inner", "group", item=[scored("a", 0, 1)])
    form = load(item("outer", "group", repeats=True, item=[inner, sum_of_ordinals("sum"), scored("b", 0, 1)]))
    assert scored_groups(form) == ()
    assert scores(form, {**answers(form, a=1, b=1), "sum": (2,)}) == ()


def test_a_computed_number_is_a_score_of_its_own() -> None:
    code = {"system": LOINC, "code": "44261-6"}
    points = {"url": EXTENSION + "questionnaire-unit", "valueCoding": {"code": "{score}", "display": "points"}}
    form = load(
        item("g", "group", item=[scored("a", 0, 3)]),
        sum_of_ordinals("sum", code=[code], text="Total"),
        sum_of_ordinals("points", "quantity", points),
        choice("other", "red"),
    )
    facts = follow(form, {Place(link_id): values for link_id, values in answers(form, a=1).items()}).facts
    assert facts["points"] == (Quantity(Decimal(3), "points", "{score}"),)
    assert scores(form, facts) == (
        Score("g", "About g?", Decimal(3), most=Decimal(3)),
        Score("sum", "Total", Decimal(3), (Coding("44261-6", LOINC),)),
        Score("points", "About points?", Decimal(3), unit="points"),
    )
    assert totals(form, facts) == {"g": Decimal(3)}


def test_who_would_rather_not_say_has_no_score(form: Questionnaire) -> None:
    assert scores(form, {**answers(form, b=1), "a": (DECLINED,)}) == ()
    summed = load(scored("a", 0, 3), scored("b", 0, 3), item("c", "integer"), sum_of_ordinals("sum"))
    facts = {**answers(summed, a=1), "sum": (3,)}
    assert [score.value for score in scores(summed, {**facts, "c": (DECLINED,)})] == [Decimal(3)]
    assert scores(summed, {**facts, "b": (DECLINED,)}) == ()
