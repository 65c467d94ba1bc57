"""enableWhen and red-flag tests."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.conditions import Condition, Every, Operator, Some, holds
from flows.values import Coding, Value

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
    ],
)
def test_p6_what_cannot_be_compared_raises_rather_than_being_false(value: Value, operator: str, wanted: Value) -> None:
    with pytest.raises(TypeError):
        is_true((value,), operator, wanted)


@given(st.lists(st.booleans(), max_size=4))
def test_every_and_some_are_all_and_any(truths: list[bool]) -> None:
    parts = tuple(Condition(str(index), Operator.EQUAL, True) for index in range(len(truths)))
    facts: dict[str, tuple[Value, ...]] = {str(index): (truth,) for index, truth in enumerate(truths)}
    assert holds(Every(parts), facts) == all(truths)
    assert holds(Some(parts), facts) == any(truths)
