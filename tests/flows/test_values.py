"""Values and their FHIR form."""

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.values import ITEM_WEIGHT, ORDINAL_VALUE, Coding, PartialDate, Quantity, Value, decode, encode, spoken

words = st.text(min_size=1, max_size=20)
decimals = st.decimals(min_value=-(10**9), max_value=10**9, places=6)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
values = st.one_of(
    st.booleans(),
    st.integers(-(2**31), 2**31),
    decimals,
    st.dates(),
    st.builds(PartialDate, st.integers(1, 9999), st.none() | st.integers(1, 12)),
    st.datetimes(timezones=offsets),
    st.times(),
    st.text(),
    st.builds(Quantity, decimals, st.text(max_size=5), st.none() | words, st.none() | words),
    st.builds(Coding, st.just(""), st.none() | words, words),
    st.builds(Coding, words, st.none() | words, st.text(max_size=20), st.none() | decimals),
)


@given(values)
def test_a_value_comes_back_from_its_fhir_form_through_json(value: Value) -> None:
    back = decode(json.loads(json.dumps(encode(value))))
    assert (type(back), back) == (type(value), value)
    if isinstance(value, Coding) and isinstance(back, Coding):
        assert (back.display, back.ordinal) == (value.display, value.ordinal)


def test_a_moment_before_there_were_time_zones_comes_back_too() -> None:
    """New York was 4:56:02 behind until 1883, Monrovia 44:30 minutes until 1972; FHIR knows whole minutes only."""
    moment = datetime(1960, 5, 1, 8, 0, tzinfo=timezone(-timedelta(minutes=44, seconds=30)))
    assert encode(moment) == {"valueDateTime": "1960-05-01T08:44:30+00:00"}
    assert decode(encode(moment)) == moment


def test_codings_are_equal_by_system_and_code_alone() -> None:
    assert Coding("a", "s", "Label", Decimal(1)) == Coding("a", "s", "Other", Decimal(2))
    assert Coding("a", "s") != Coding("a", "t")
    assert Coding("a", "s") != Coding("b", "s")
    assert Coding("a", "s") != "a"


def test_a_coding_without_code_is_its_display() -> None:
    assert Coding("", "s", "Other") == Coding("", "s", "Other")
    assert Coding("", "s", "Other") != Coding("", "s", "Another")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Coding("a", "s"), Coding("a", "s"), True),
        (Coding("a", "s"), Coding("a"), True),
        (Coding("a"), Coding("a", "s"), True),
        (Coding("a", "s"), Coding("a", "t"), False),
        (Coding("a"), Coding("b"), False),
    ],
)
def test_a_coding_that_does_not_say_its_system_can_be_of_any(one: Coding, other: Coding, same: bool) -> None:
    assert one.means(other) is same


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "Yes"),
        (False, "No"),
        (7, "7"),
        (Decimal("1.50"), "1.5"),
        (Decimal(100), "100"),
        ("word", "word"),
        (date(2026, 3, 3), "Tuesday, March 3, 2026"),
        (PartialDate(2026), "2026"),
        (PartialDate(2026, 3), "March 2026"),
        (time(0, 5), "12:05 AM"),
        (time(14, 30), "2:30 PM"),
        (datetime(2026, 3, 3, 9, 0, tzinfo=UTC), "Tuesday, March 3, 2026, 9:00 AM"),
        (Quantity(Decimal("2.50"), "mg", "mg"), "2.5 mg"),
        (Quantity(Decimal(5)), "5"),
        (Coding("a", "s", "Label"), "Label"),
        (Coding("a", "s"), "a"),
    ],
)
def test_a_value_in_the_words_of_a_person(value: Value, words: str) -> None:
    assert spoken(value) == words


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ({"valueDate": "2019"}, PartialDate(2019)),
        ({"valueDate": "2019-03"}, PartialDate(2019, 3)),
        ({"valueDateTime": "2019-03"}, PartialDate(2019, 3)),
        ({"valueDateTime": "2019-03-05"}, date(2019, 3, 5)),
        ({"valueDateTime": "2019-03-05T10:00:00Z"}, datetime(2019, 3, 5, 10, tzinfo=UTC)),
        ({"valueTime": "10:00"}, time(10)),
        ({"valueUri": "urn:x"}, "urn:x"),
        ({"valueQuantity": {"value": 1, "unit": "mg"}}, Quantity(Decimal(1), "mg")),
    ],
)
def test_fhirs_other_names_and_parts_of_dates(element: dict[str, Any], value: Value) -> None:
    assert decode(element) == value


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
        {"valueCoding": {"code": ""}},
        {"valueCoding": {"code": 5}},
        {"valueCoding": {"code": "a", "system": ["s"]}},
        {"valueCoding": {"code": "a", "display": 5}},
        {"valueCoding": {"code": "a", "extension": [{"url": ORDINAL_VALUE, "valueDecimal": "two"}]}},
        {"valueQuantity": {"value": "1"}},
        {"valueQuantity": {"unit": "mg"}},
        {"valueQuantity": {"value": True}},
        {"valueQuantity": {"value": 1, "comparator": "<"}},
        {"valueQuantity": {"value": 1, "unit": 5}},
        {"valueDate": "2019-13"},
        {"valueDate": "0000"},
        {"valueDate": "2019-3"},
        {"valueDateTime": "2026-03-03T10:00:00"},
        {"valueDateTime": "2026-03-03T25:00:00Z"},
        {"valueTime": "25:00"},
        {"valueTime": "10"},
        {"valueReference": {}},
        {"valueCoding": {}},
        {1: 2},
        "valueString",
        None,
    ],
)
def test_what_is_not_one_well_formed_value_raises_value_error(element: Any) -> None:
    with pytest.raises(ValueError, match=r"value|out of range|must be in"):
        decode(element)
