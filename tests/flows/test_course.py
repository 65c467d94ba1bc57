"""Where answers lead: what is asked, what is said before it, which occurrences there are, and what counts."""

from decimal import Decimal
from typing import Any

import pytest

from flows.course import MOST_OCCURRENCES, Course, follow
from flows.questionnaire import Questionnaire
from flows.reading import CALCULATED, ENABLE_EXPRESSION, HIDDEN, MAY_DECLINE, RECALLED
from flows.values import DECLINED, Coding, Place, Quantity, Value
from tests.flows.forms import CODES, Raw, choice, flagged, item, load, occurs, when

RED, GREEN = (Coding(code, "urn:test") for code in ("red", "green"))


def walk(form: Questionnaire, *given: tuple[str, Value | None]) -> Course:
    """The course after these answers to whatever was asked next; None skips. Each must be to the question it names."""
    answers: dict[Place, Any] = {}
    for name, value in given:
        asked = follow(form, answers).next
        assert asked is not None
        assert named(asked.place) == name
        answers[asked.place] = () if value is None else (value,)
    return follow(form, answers)


def named(place: Place) -> str:
    """Such as g.a/1/2."""
    return "/".join([place.link_id, *map(str, place.instance)])


def asked_in(course: Course) -> list[str]:
    return [named(entry.place) for entry in course.entries]


def expression(url: str, text: str) -> Raw:
    return {"extension": [{"url": url, "valueExpression": {"language": "text/fhirpath", "expression": text}}]}


# Texts


def test_texts_before_a_question_are_its_intro_and_are_said_once() -> None:
    form = load(
        item("hello", "display"),
        item("g", "group", text="Heading", item=[item("a"), item("b")]),
        item("note", "display", enableWhen=[when("b", "=", answerBoolean=True)]),
        item("c"),
    )
    course = walk(form, ("a", True), ("b", True))
    assert [entry.intro for entry in course.entries] == [("About hello?", "Heading"), (), ("About note?",)]


def test_a_heading_is_said_only_before_a_question_of_its_group() -> None:
    never = [when("first", "=", answerBoolean=False)]
    form = load(
        item("first"),
        item("empty", "group", item=[item("a", enableWhen=never)]),
        item("outer", "group", item=[item("inner", "group", item=[item("b", enableWhen=never)]), item("c")]),
        item("last"),
    )
    course = walk(form, ("first", True))
    assert [(named(entry.place), entry.intro) for entry in course.entries] == [
        ("first", ()),
        ("c", ("About outer?",)),
        ("last", ()),
    ]


def test_each_occurrence_has_its_heading_and_each_value_is_named_before_what_is_below_it() -> None:
    form = load(
        item("g", "group", repeats=True, required=True, item=[item("a", required=True)]),
        choice("m", *CODES, repeats=True, item=[item("n")]),
    )
    answers: dict[Place, Any] = {
        Place("a", (1,)): (True,),
        Place("g", (2,)): (True,),
        Place("a", (2,)): (True,),
        Place("g", (3,)): (False,),
        Place("m"): (RED, GREEN),
    }
    assert [(named(entry.place), entry.intro) for entry in follow(form, answers).entries] == [
        ("a/1", ("About g?",)),
        ("g/2", ()),
        ("a/2", ("About g?",)),
        ("g/3", ()),
        ("m", ()),
        ("n/1", ("red",)),
        ("n/2", ("green",)),
    ]


def test_texts_after_the_last_question_close_it_but_headings_do_not() -> None:
    form = load(item("a"), item("g", "group", item=[item("bye", "display")]))
    assert walk(form).closing == ("About bye?",)


def test_what_is_read_only_is_said_with_its_value_and_what_is_hidden_is_not() -> None:
    form = load(
        item("h", initial=[{"valueBoolean": True}], extension=flagged(HIDDEN)),
        item("r", "text", readOnly=True, initial=[{"valueString": "since 2019"}]),
        item("quiet", "display", extension=flagged(HIDDEN)),
        item("g", "group", extension=flagged(HIDDEN), item=[item("inside"), item("text", "display")]),
        item("a"),
    )
    course = walk(form)
    assert [(named(entry.place), entry.intro) for entry in course.entries] == [("a", ("About r?: since 2019",))]
    assert course.reached == {Place("h"): (True,), Place("r"): ("since 2019",)}


# Occurrences of groups


def test_a_group_that_asks_nothing_certain_is_entered_without_asking_and_asked_about_again() -> None:
    form = load(item("g", "group", repeats=True, item=[item("a")]), item("last"))
    assert asked_in(walk(form)) == ["a/1", "g/2", "last"]
    assert asked_in(walk(form, ("a/1", True), ("g/2", True))) == ["a/1", "g/2", "a/2", "g/3", "last"]
    assert asked_in(walk(form, ("a/1", True), ("g/2", False))) == ["a/1", "g/2", "last"]


def test_who_skips_all_of_an_occurrence_is_not_asked_for_more() -> None:
    form = load(item("g", "group", repeats=True, item=[item("a"), item("b")]), item("last"))
    assert asked_in(walk(form, ("a/1", None), ("b/1", None))) == ["a/1", "b/1", "last"]
    assert asked_in(walk(form, ("a/1", None), ("b/1", True))) == ["a/1", "b/1", "g/2", "last"]


def test_a_group_with_a_question_that_must_be_answered_is_asked_about_before() -> None:
    form = load(item("g", "group", repeats=True, item=[item("a", required=True)]))
    assert asked_in(walk(form)) == ["g/1"]
    assert asked_in(walk(form, ("g/1", False))) == ["g/1"]
    assert asked_in(walk(form, ("g/1", True))) == ["g/1", "a/1", "g/2"]


def test_a_required_group_occurs_without_asking() -> None:
    form = load(item("g", "group", repeats=True, required=True, item=[item("a", required=True)]))
    assert asked_in(walk(form)) == ["a/1", "g/2"]


def test_a_group_occurs_at_least_and_at_most_as_often_as_it_says() -> None:
    form = load(item("g", "group", repeats=True, extension=occurs(2, 3), item=[item("a")]), item("last"))
    assert asked_in(walk(form)) == ["a/1", "a/2", "g/3", "last"]
    assert asked_in(walk(form, ("a/1", None), ("a/2", True), ("g/3", True), ("a/3", True))) == [
        "a/1",
        "a/2",
        "g/3",
        "a/3",
        "last",
    ]


def test_a_group_without_limit_ends_all_the_same() -> None:
    form = load(item("g", "group", repeats=True, item=[item("a")]))
    answers: dict[Place, Any] = {}
    while (asked := follow(form, answers).next) is not None:
        answers[asked.place] = (True,)
    assert max(place.instance for place in answers) == (MOST_OCCURRENCES,)


def test_a_group_in_which_nothing_is_asked_is_not_asked_about() -> None:
    form = load(item("g", "group", repeats=True, item=[item("text", "display")]), item("last"))
    assert asked_in(walk(form)) == ["last"]


def test_groups_in_groups_count_by_themselves() -> None:
    inner = item("h", "group", repeats=True, item=[item("a")])
    form = load(item("g", "group", repeats=True, extension=occurs(2, 2), item=[inner]))
    course = walk(form, ("a/1/1", True), ("h/1/2", True), ("a/1/2", True), ("h/1/3", False), ("a/2/1", True))
    assert asked_in(course) == ["a/1/1", "h/1/2", "a/1/2", "h/1/3", "a/2/1", "h/2/2"]


def test_a_hidden_repeating_group_is_known_once_whatever_it_would_ask() -> None:
    parts = [item("a", required=True, initial=[{"valueBoolean": True}]), item("b", required=True)]
    extension = [*flagged(HIDDEN), *occurs(2, 3)]
    form = load(item("g", "group", repeats=True, extension=extension, item=parts), item("last"))
    assert walk(form).reached == {Place("a", (1,)): (True,)}


# Conditions


def test_within_an_occurrence_the_answers_of_others_are_not_seen() -> None:
    form = load(
        item(
            "g",
            "group",
            repeats=True,
            extension=occurs(2, 2),
            item=[item("a"), item("b", enableWhen=[when("a", "=", answerBoolean=True)])],
        )
    )
    assert asked_in(walk(form, ("a/1", True), ("b/1", True), ("a/2", False))) == ["a/1", "b/1", "a/2"]
    assert asked_in(walk(form, ("a/1", False), ("a/2", True))) == ["a/1", "a/2", "b/2"]


def test_outside_of_a_group_the_last_answer_counts() -> None:
    form = load(
        item("g", "group", repeats=True, extension=occurs(2, 2), item=[item("a")]),
        item("b", enableWhen=[when("a", "=", answerBoolean=True)]),
    )
    assert asked_in(walk(form, ("a/1", True), ("a/2", False))) == ["a/1", "a/2"]
    assert asked_in(walk(form, ("a/1", False), ("a/2", True))) == ["a/1", "a/2", "b"]


def test_outside_of_a_group_an_occurrence_that_was_not_asked_hides_no_earlier_one() -> None:
    """FHIR: the nearest occurrence of the question; where it was not enabled, it does not occur."""
    dose = item("dose", "integer", enableWhen=[when("taken", "=", answerBoolean=True)])
    form = load(
        item("g", "group", repeats=True, extension=occurs(2, 2), item=[item("taken"), dose]),
        item("high", enableWhen=[when("dose", ">", answerInteger=5)]),
    )
    assert asked_in(walk(form, ("taken/1", True), ("dose/1", 10), ("taken/2", False)))[-1] == "high"
    assert asked_in(walk(form, ("taken/1", True), ("dose/1", 10), ("taken/2", True), ("dose/2", 1)))[-1] == "dose/2"


def test_inside_a_group_what_was_asked_before_it_is_seen_in_every_occurrence() -> None:
    inside = [item("b", enableWhen=[when("a", "=", answerBoolean=True)]), item("c")]
    form = load(item("a"), item("g", "group", repeats=True, extension=occurs(2, 2), item=inside))
    assert asked_in(walk(form, ("a", True))) == ["a", "b/1", "c/1", "b/2", "c/2"]


def test_below_one_value_the_answers_below_another_are_not_seen() -> None:
    below = [item("b"), item("c", enableWhen=[when("b", "exists", answerBoolean=True)])]
    form = load(choice("a", *CODES, repeats=True, item=below))
    answers: dict[Place, Any] = {Place("a"): (RED, GREEN), Place("b", (1,)): (True,), Place("c", (1,)): (True,)}
    assert asked_in(follow(form, answers)) == ["a", "b/1", "c/1", "b/2"]


def test_answers_on_a_branch_that_is_no_longer_taken_count_for_nothing() -> None:
    form = load(
        item("a"),
        item("b", enableWhen=[when("a", "=", answerBoolean=True)]),
        item("c", enableWhen=[when("b", "exists", answerBoolean=True)]),
    )
    course = follow(form, {Place("a"): (False,), Place("b"): (True,), Place("c"): (True,)})
    assert (course.reached, course.facts, course.next) == ({Place("a"): (False,)}, {"a": (False,)}, None)


def test_two_that_cannot_be_compared_are_better_asked_than_missed() -> None:
    form = load(item("a", "quantity"), item("b", enableWhen=[when("a", ">", answerQuantity={"value": 1, "code": "g"})]))
    assert asked_in(walk(form)) == ["a"]
    assert asked_in(walk(form, ("a", Quantity(Decimal(5), "g", "g")))) == ["a", "b"]
    assert asked_in(walk(form, ("a", Quantity(Decimal("0.5"), "g", "g")))) == ["a"]
    assert asked_in(walk(form, ("a", Quantity(Decimal("0.5"), "mg", "mg")))) == ["a", "b"]


# Items below questions


def test_what_is_below_a_question_is_asked_when_it_has_an_answer() -> None:
    form = load(item("a", item=[item("b")], extension=flagged(MAY_DECLINE)))
    assert asked_in(walk(form)) == ["a"]
    assert asked_in(walk(form, ("a", False))) == ["a", "b"]
    assert asked_in(walk(form, ("a", None))) == ["a"]


def test_who_would_rather_not_say_is_asked_nothing_more_about_it() -> None:
    form = load(item("a", item=[item("b")], extension=flagged(MAY_DECLINE)))
    assert asked_in(walk(form, ("a", DECLINED))) == ["a"]


# What is computed


def test_what_is_computed_counts_for_conditions_and_may_enable_what_is_before_it() -> None:
    form = load(
        item("a", "integer"),
        item(
            "twice",
            "integer",
            readOnly=True,
            **expression(CALCULATED, "%resource.item.where(linkId='a').answer.value * 2"),
        ),
        item("b", enableWhen=[when("twice", ">", answerInteger=5)]),
    )
    assert asked_in(walk(form, ("a", 2))) == ["a"]
    course = walk(form, ("a", 3))
    assert asked_in(course) == ["a", "b"]
    assert course.computed == {Place("twice"): (6,)}


def test_what_is_computed_in_every_occurrence_is_seen_by_the_red_flags() -> None:
    below = [item("a", "integer"), item("b", "integer", **expression(CALCULATED, "%context.answer.value | 7"))]
    form = load(item("g", "group", repeats=True, extension=occurs(2, 2), item=below))
    course = walk(form, ("a/1", 1), ("a/2", 2))
    assert course.facts == {"a": (1, 2), "b": (7, 7)}


def test_expressions_that_never_settle_end() -> None:
    """Each is enabled when the other is not, by what was answered a pass before."""
    form = load(
        item("a", **expression(ENABLE_EXPRESSION, "%resource.item.where(linkId='a').exists().not()")), item("b")
    )
    course = walk(form, ("a", True))
    assert course.next is not None


@pytest.mark.parametrize("text", ["%resource.item.where(linkId='zz').answer.value.single()", "1 / 0", "%patient.name"])
def test_an_expression_that_has_no_value_stops_nothing(text: str) -> None:
    form = load(item("a"), item("c", "integer", **expression(CALCULATED, text)), item("b"))
    assert asked_in(walk(form, ("a", True))) == ["a", "b"]


def test_what_the_record_knows_is_an_answer_that_nobody_is_asked_and_that_conditions_see() -> None:
    known = item("known", extension=flagged(HIDDEN, RECALLED))
    form = load(known, item("next", enableWhen=[when("known", "=", answerBoolean=True)]), item("last"))
    course = follow(form, {Place("known"): (True,)})
    assert [entry.place.link_id for entry in course.entries] == ["next", "last"]
    assert course.facts == {"known": (True,)}
    unknown = follow(form, {})
    assert [entry.place.link_id for entry in unknown.entries] == ["last"]
    assert unknown.facts == {}


def test_a_hidden_item_that_is_not_recalled_takes_no_answer_from_outside() -> None:
    form = load(item("known", extension=flagged(HIDDEN)), item("last"))
    assert follow(form, {Place("known"): (True,)}).facts == {}
