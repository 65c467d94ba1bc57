"""Totals by ordinal values."""

from decimal import Decimal

import pytest

from flows.questionnaire import Questionnaire
from flows.scores import scored_groups, total_name, totals
from flows.values import Coding, Value
from tests.flows.forms import item, load, scored


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
