"""Values and their FHIR form."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.values import ITEM_WEIGHT, ORDINAL_VALUE, Coding, Value, decode, encode

words = st.text(min_size=1, max_size=20)
decimals = st.decimals(min_value=-(10**9), max_value=10**9, places=6)
values = st.one_of(
    st.booleans(),
    st.integers(-(2**31), 2**31),
    decimals,
    st.dates(),
    st.text(),
    st.builds(Coding, words, st.none() | words, st.text(max_size=20), st.none() | decimals),
)


@given(values)
def test_a_value_comes_back_from_its_fhir_form_through_json(value: Value) -> None:
    back = decode(json.loads(json.dumps(encode(value))))
    assert (type(back), back) == (type(value), value)
    if isinstance(value, Coding) and isinstance(back, Coding):
        assert (back.display, back.ordinal) == (value.display, value.ordinal)


def test_codings_are_equal_by_system_and_code_alone() -> None:
    assert Coding("a", "s", "Label", Decimal(1)) == Coding("a", "s", "Other", Decimal(2))
    assert Coding("a", "s") != Coding("a", "t")
    assert Coding("a", "s") != Coding("b", "s")


@pytest.mark.parametrize("url", [ORDINAL_VALUE, ITEM_WEIGHT])
@pytest.mark.parametrize("place", ["on the coding", "on the option"])
def test_an_ordinal_is_read_from_either_place_and_either_extension(url: str, place: str) -> None:
    weight = {"extension": [{"url": "urn:other", "valueDecimal": 7}, {"url": url, "valueDecimal": 2}]}
    coding: dict[str, Any] = {"code": "a"}
    element = {"valueCoding": coding | weight} if place == "on the coding" else {"valueCoding": coding} | weight
    read = decode(element)
    assert isinstance(read, Coding)
    assert read.ordinal == 2


def test_an_answer_is_read_by_its_own_prefix() -> None:
    assert decode({"question": "a", "answerInteger": 3}, "answer") == 3


@pytest.mark.parametrize(
    "element",
    [
        {},
        {"value": 1},
        {"valueInteger": 1, "valueString": "1"},
        {"valueInteger": True},
        {"valueInteger": "1"},
        {"valueInteger": 1.5},
        {"valueBoolean": 1},
        {"valueDecimal": "1.5"},
        {"valueDecimal": True},
        {"valueDecimal": float("nan")},
        {"valueDecimal": float("inf")},
        {"valueString": 5},
        {"valueDate": "2026-02-30"},
        {"valueDate": 20260101},
        {"valueCoding": "a"},
        {"valueCoding": {"display": "A"}},
        {"valueCoding": {"code": ""}},
        {"valueCoding": {"code": 5}},
        {"valueCoding": {"code": "a", "system": ["s"]}},
        {"valueCoding": {"code": "a", "display": 5}},
        {"valueCoding": {"code": "a", "extension": [{"url": ORDINAL_VALUE, "valueDecimal": "two"}]}},
        {"valueQuantity": {"value": 1}},
        {1: 2},
        "valueString",
        None,
    ],
)
def test_what_is_not_one_well_formed_value_raises_value_error(element: Any) -> None:
    with pytest.raises(ValueError, match=r"value|day is out of range"):
        decode(element)
