"""The reported dose over time, and against the recorded plan."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from flows.taper import (
    WINDOW,
    DailyDose,
    Plan,
    PlanStep,
    above_plan,
    below_plan,
    dose_questions,
    reported,
    reported_fall,
)
from tests.flows.forms import item, load

TODAY = date(2026, 11, 23)


def doses(*pairs: tuple[int, str]) -> list[DailyDose]:
    """Totals by days ago."""
    return [DailyDose(TODAY - timedelta(days=ago), Decimal(milligrams)) for ago, milligrams in pairs]


@pytest.mark.parametrize(
    ("given", "fall"),
    [
        ([], None),
        ([(0, "10")], None),
        ([(7, "10"), (0, "7.5")], "0.25"),
        ([(7, "10"), (0, "7.4")], "0.26"),
        ([(0, "7.5"), (7, "10")], "0.25"),
        ([(7, "10"), (0, "12")], "0"),
        ([(14, "20"), (7, "10"), (0, "10")], "0.5"),
        ([(15, "20"), (7, "10"), (0, "10")], "0"),
        ([(15, "20"), (0, "10")], None),
        ([(7, "10"), (0, "0")], "1"),
        ([(7, "0"), (0, "0")], None),
        ([(7, "10"), (-1, "1")], None),
    ],
)
def test_the_fall_is_from_the_highest_of_the_last_14_days(given: list[tuple[int, str]], fall: str | None) -> None:
    assert reported_fall(doses(*given), today=TODAY) == (None if fall is None else Decimal(fall))


def test_totals_are_found_by_the_code_of_their_question_in_any_questionnaire() -> None:
    code = [{"system": "urn:taperline", "code": "daily-dose"}]
    form = load(item("a", "decimal", code=code), item("b", "decimal"), item("c", "integer", code=code))
    assert dose_questions(form) == ("a", "c")
    assert reported(form, {"a": (Decimal("2.5"),), "b": (Decimal(9),), "c": ()}, day=TODAY) == tuple(doses((0, "2.5")))
    assert reported(form, {"c": (3,)}, day=TODAY) == tuple(doses((0, "3")))


# --- against the recorded plan ----------------------------------------------------------------------------------


def plan(*steps: tuple[int, str, str]) -> Plan:
    """Steps by days ago, medicine and milligrams, the oldest first."""
    return Plan(tuple(PlanStep(name, Decimal(amount), TODAY - timedelta(days=ago)) for ago, name, amount in steps))


def test_a_step_holds_from_its_day_until_the_next() -> None:
    steps = plan((10, "clonazepam", "2"), (3, "clonazepam", "1.5"))
    held = [steps.on(TODAY - timedelta(days=ago)) for ago in (11, 10, 4, 3, 0)]
    assert [step and step.milligrams for step in held] == [None, 2, 2, Decimal("1.5"), Decimal("1.5")]


def test_of_two_steps_of_one_day_the_later_one_holds() -> None:
    step = plan((1, "clonazepam", "15"), (1, "clonazepam", "1.5")).on(TODAY)
    assert step is not None
    assert step.milligrams == Decimal("1.5")


@pytest.mark.parametrize(
    ("steps", "changed"),
    [
        ([], False),
        ([(3, "clonazepam", "2")], False),
        ([(30, "clonazepam", "2"), (3, "clonazepam", "1.5")], True),
        ([(30, "clonazepam", "2"), (14, "clonazepam", "1.5")], True),
        ([(30, "clonazepam", "2"), (15, "clonazepam", "1.5")], False),
        ([(30, "clonazepam", "2"), (3, "clonazepam", "2.5")], False),
        ([(30, "clonazepam", "2"), (3, "clonazepam", "2")], False),
        ([(30, "clonazepam", "2"), (3, "diazepam", "40")], True),
    ],
)
def test_a_lower_total_or_another_medicine_is_a_change_of_late(
    steps: list[tuple[int, str, str]], changed: bool
) -> None:
    assert plan(*steps).changed_since(TODAY - WINDOW) == changed


@pytest.mark.parametrize(
    ("steps", "given", "fall"),
    [
        # what a visit recorded is no fall, within a tenth
        ([(30, "clonazepam", "10"), (3, "clonazepam", "5")], [(7, "10"), (0, "5")], None),
        ([(30, "clonazepam", "10"), (3, "clonazepam", "5")], [(7, "10"), (0, "4.5")], None),
        ([(30, "clonazepam", "10"), (3, "clonazepam", "5")], [(7, "10"), (0, "4.4")], "0.56"),
        # the plan says what was taken before, also where nobody reported it
        ([(30, "clonazepam", "10")], [(0, "7")], "0.3"),
        ([(5, "clonazepam", "10")], [(0, "7")], "0.3"),
        ([(30, "clonazepam", "20"), (14, "clonazepam", "10")], [(0, "7")], "0.3"),
        ([(30, "clonazepam", "20"), (13, "clonazepam", "10")], [(0, "7")], "0.65"),
        # what was reported before the plan may have been another medicine
        ([(5, "clonazepam", "10")], [(7, "40"), (0, "9.5")], None),
        ([(5, "clonazepam", "10")], [(7, "40"), (0, "8")], "0.2"),
        # milligrams of two medicines are never compared
        ([(30, "clonazepam", "2"), (3, "diazepam", "40")], [(7, "2"), (0, "1")], None),
        ([(30, "diazepam", "40"), (3, "clonazepam", "2")], [(7, "40"), (0, "1")], None),
        ([(40, "diazepam", "40"), (20, "clonazepam", "2")], [(7, "2"), (0, "1")], "0.5"),
        # the plan is over, or begins only later
        ([(30, "clonazepam", "0")], [(0, "0")], None),
        ([(-1, "clonazepam", "1")], [(7, "2"), (0, "1")], None),
    ],
)
def test_a_fall_counts_against_what_was_planned(
    steps: list[tuple[int, str, str]], given: list[tuple[int, str]], fall: str | None
) -> None:
    found = reported_fall(doses(*given), today=TODAY, plan=plan(*steps))
    assert found == (None if fall is None else Decimal(fall))


@pytest.mark.parametrize(
    ("steps", "given", "below", "above"),
    [
        ([], [(0, "5")], None, None),
        ([(30, "clonazepam", "10")], [], None, None),
        ([(30, "clonazepam", "10")], [(1, "10")], "0", "0"),
        ([(30, "clonazepam", "10")], [(1, "8")], "0.2", "-0.2"),
        ([(30, "clonazepam", "10")], [(1, "12")], "-0.2", "0.2"),
        ([(30, "clonazepam", "10")], [(2, "12"), (1, "8")], "0.2", "0.2"),
        ([(30, "clonazepam", "10"), (1, "clonazepam", "8")], [(2, "10"), (1, "8")], "0", "0"),
        ([(1, "clonazepam", "8")], [(2, "10")], None, None),
        ([(30, "clonazepam", "0")], [(1, "1")], None, None),
    ],
)
def test_each_day_is_compared_with_what_was_planned_for_it(
    steps: list[tuple[int, str, str]], given: list[tuple[int, str]], below: str | None, above: str | None
) -> None:
    expected = tuple(None if part is None else Decimal(part) for part in (below, above))
    assert (below_plan(doses(*given), plan(*steps)), above_plan(doses(*given), plan(*steps))) == expected


def test_a_question_says_by_a_second_code_how_many_days_ago_its_day_was() -> None:
    daily = {"system": "urn:taperline", "code": "daily-dose"}
    ago = {"system": "urn:taperline:days-ago", "code": "3"}
    odd = {"system": "urn:taperline:days-ago", "code": "x"}
    form = load(
        item("three", "decimal", code=[daily, ago]),
        item("today", "decimal", code=[daily]),
        item("odd", "decimal", code=[daily, odd]),
    )
    answers = {name: (Decimal(number),) for number, name in enumerate(("three", "today", "odd"), start=1)}
    assert reported(form, answers, day=TODAY) == tuple(doses((3, "1"), (0, "2"), (0, "3")))
    two = {"three": (Decimal(1), Decimal(2))}
    assert reported(form, two, day=TODAY) == (), "milligrams of two medicines are not one total"
