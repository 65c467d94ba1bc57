"""enableWhen and red-flag tests."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.conditions import Condition, Every, Operator, Some, holds
from flows.values import DECLINED, Coding, PartialDate, Quantity, Value

SCORED = Coding("b", "s", ordinal=Decimal(2))
ALL = [Operator.EQUAL, Operator.NOT_EQUAL, Operator.GREATER, Operator.LESS]
ALL += [Operator.GREATER_OR_EQUAL, Operator.LESS_OR_EQUAL]


def is_true(given_: tuple[Value, ...] | None, operator: str, wanted: Value) -> bool:
    return holds(Condition("q", Operator(operator), wanted), {} if given_ is None else {"q": given_})


@pytest.mark.parametrize(
    ("low", "same", "high"),
    [
        (1, 2, 3),
        (Decimal("1.9"), 2, Decimal("2.1")),
        (1, Decimal(2), 3),
        ("a", "b", "c"),
        (date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)),
        (time(9), time(9, 30), time(10)),
        (datetime(2026, 1, 1, 9, tzinfo=UTC), datetime(2026, 1, 1, 10, tzinfo=UTC), date(2026, 1, 2)),
        (PartialDate(2025, 12), date(2026, 1, 2), PartialDate(2027)),
        (Quantity(Decimal(1), "mg", "mg"), Quantity(Decimal(2), "", "mg"), Quantity(Decimal(3), "mg")),
        (Quantity(Decimal(1), "mg"), 2, Quantity(Decimal(3))),
        (Coding("a", ordinal=Decimal(1)), 2, Coding("c", ordinal=Decimal(3))),
    ],
)
def test_every_operator_below_at_and_above_the_value(low: Value, same: Value, high: Value) -> None:
    table = {"=": (0, 1, 0), "!=": (1, 0, 1), ">": (0, 0, 1), "<": (1, 0, 0), ">=": (0, 1, 1), "<=": (1, 1, 0)}
    for operator, expected in table.items():
        assert tuple(is_true((value,), operator, same) for value in (low, same, high)) == expected, operator


@pytest.mark.parametrize("nothing", [None, ()])
def test_without_an_answer_only_not_equal_and_not_exists_hold(nothing: tuple[Value, ...] | None) -> None:
    assert [operator for operator in ALL if is_true(nothing, operator, 1)] == [Operator.NOT_EQUAL]
    assert is_true(nothing, "exists", False)
    assert not is_true(nothing, "exists", True)


def test_exists_is_about_having_an_answer_not_about_its_truth() -> None:
    for value in (False, 0, "", Decimal(0)):
        assert is_true((value,), "exists", True)
        assert not is_true((value,), "exists", False)


def test_any_of_several_values_is_enough_and_not_equal_is_its_opposite() -> None:
    assert is_true((1, 5), "=", 5)
    assert not is_true((1, 5), "!=", 5)
    assert is_true((1, 5), ">", 4)
    assert is_true((1, 5), "!=", 4)


def test_a_coded_answer_is_compared_with_a_number_by_its_ordinal() -> None:
    assert is_true((SCORED,), "=", 2)
    assert is_true((SCORED,), ">=", 2)
    assert not is_true((SCORED,), ">", Decimal(2))


def test_a_coded_answer_is_compared_with_a_text_by_its_code_and_with_a_coding_by_both() -> None:
    assert is_true((SCORED,), "=", "b")
    assert not is_true((SCORED,), "=", "B")
    assert is_true((SCORED,), "=", Coding("b", "s"))
    assert not is_true((SCORED,), "=", Coding("b", "other"))


@pytest.mark.parametrize(
    ("value", "operator", "wanted"),
    [
        (Coding("b", "s"), ">=", 1),
        (True, "=", 1),
        (1, "=", True),
        (False, "!=", 0),
        (Decimal(1), ">=", True),
        (SCORED, "=", True),
        ("2", ">", 1),
        (date(2026, 1, 1), ">", "2025"),
        (Quantity(Decimal(1), "mg"), ">", Quantity(Decimal(1), "g")),
        (Quantity(Decimal(1)), "=", True),
        (time(9), ">", 9),
        (date(2026, 1, 1), "=", time(9)),
        (Coding("b", "s"), "=", True),
        ("b", ">", Coding("a", "s")),
    ],
)
def test_p6_what_cannot_be_compared_raises_rather_than_being_false(value: Value, operator: str, wanted: Value) -> None:
    with pytest.raises(TypeError):
        is_true((value,), operator, wanted)


@pytest.mark.parametrize(
    ("given_", "wanted"), [(PartialDate(2019, 3), PartialDate(2019)), (date(2019, 3, 5), PartialDate(2019, 3))]
)
def test_a_date_is_compared_as_far_as_both_are_known(given_: Value, wanted: Value) -> None:
    """March 2019 is neither before nor after 2019."""
    for one, other in ((given_, wanted), (wanted, given_)):
        assert [operator.value for operator in ALL if is_true((one,), operator, other)] == ["=", ">=", "<="]


def test_two_instants_are_compared_across_time_zones() -> None:
    ten = datetime(2026, 1, 1, 10, tzinfo=UTC)
    same = ten.astimezone(timezone(timedelta(hours=-5)))
    assert is_true((same,), "=", ten)
    assert is_true((same - timedelta(minutes=1),), "<", ten)


def test_yes_is_not_no() -> None:
    assert is_true((True,), "=", True)
    assert is_true((True,), "!=", False)
    assert not is_true((True,), "=", False)


def test_codings_without_system_can_be_of_any() -> None:
    assert is_true((Coding("b", "s"),), "=", Coding("b"))
    assert is_true((Coding("b"),), "=", Coding("b", "s"))
    assert not is_true((Coding("b"),), "=", Coding("c", "s"))


def test_a_coding_without_code_is_compared_by_its_display() -> None:
    assert is_true((Coding("", "s", "Other"),), "=", Coding("", "s", "Other"))
    assert is_true((Coding("", "s", "Other"),), "=", "Other")


def test_an_open_choice_in_own_words_is_none_of_the_codings() -> None:
    assert not is_true(("purple",), "=", Coding("red", "s"))
    assert is_true(("purple",), "!=", Coding("red", "s"))
    assert is_true(("purple", Coding("red", "s")), "=", Coding("red", "s"))


def test_who_would_rather_not_say_has_given_no_answer_except_to_whoever_asks_for_that() -> None:
    assert not is_true((DECLINED,), "exists", True)
    assert not is_true((DECLINED,), ">", 3)
    assert is_true((DECLINED,), "!=", 3)
    assert is_true((DECLINED,), "=", "asked-declined")


@given(st.lists(st.booleans(), max_size=4))
def test_every_and_some_are_all_and_any(truths: list[bool]) -> None:
    parts = tuple(Condition(str(index), Operator.EQUAL, True) for index in range(len(truths)))
    facts: dict[str, tuple[Value, ...]] = {str(index): (truth,) for index, truth in enumerate(truths)}
    assert holds(Every(parts), facts) == all(truths)
    assert holds(Some(parts), facts) == any(truths)
