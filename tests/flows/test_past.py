"""What earlier forms leave for later ones."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.past import KEPT, Levels, Past, read, written
from flows.values import Coding, Facts


def totals(**of: str) -> Mapping[str, Decimal]:
    return {name: Decimal(total) for name, total in of.items()}


def after(*weeks: str, of: str = "mood") -> Past:
    """The past of somebody whose totals were these, the oldest first."""
    past = Past()
    for week in weeks:
        past = past.after({}, totals(**{of: week}), {}, is_check_in=True)
    return past


def test_the_last_answer_to_a_question_stays_until_there_is_another() -> None:
    past = Past().after({"a": (1,), "b": ("x",), "%signal": ("crisis",)}, {}, {}, is_check_in=False)
    past = past.after({"a": (2,), "b": ()}, {}, {}, is_check_in=True)
    assert past.answers == {"a": (2,), "b": ("x",)}, "a question that was skipped forgets nothing"
    assert past.facts({}, {}) == {"%last.a": (2,), "%last.b": ("x",)}
    assert past.check_ins == 1


@pytest.mark.parametrize(
    ("before", "now", "rise", "share", "weeks", "highest"),
    [
        (["10"], "15", "5", "0.5", 1, "10"),
        (["10"], "10", "0", "0", 0, "10"),
        (["10"], "4", "-6", "-0.6", 0, "10"),
        (["0"], "3", "3", "1", 1, "0"),
        (["0"], "0", "0", "0", 0, "0"),
        (["1", "2", "3"], "4", "1", None, 3, "3"),
        (["9", "2", "3"], "4", "1", None, 2, "9"),
        (["1", "2", "2"], "4", "2", "1", 1, "2"),
        (["5", "3"], "2", "-1", None, 0, "5"),
    ],
)
def test_a_total_is_compared_with_those_before(  # noqa: PLR0917
    before: list[str], now: str, rise: str, share: str | None, weeks: int, highest: str
) -> None:
    facts = after(*before).facts(totals(mood=now), {})
    assert facts["%rise.mood"] == (Decimal(rise),)
    assert facts["%weeks-rising.mood"] == (weeks,)
    assert facts["%highest.mood"] == (Decimal(highest),)
    if share is not None:
        assert facts["%rise-share.mood"] == (Decimal(share),)


def test_a_first_total_is_compared_with_nothing() -> None:
    assert Past().facts(totals(mood="20"), {}) == {}
    facts = after("3", of="sleep").facts(totals(mood="20"), {})
    assert not [name for name in facts if "mood" in name]


def test_the_highest_ever_outlives_the_totals_that_are_kept() -> None:
    past = after("27", *["5"] * KEPT)
    assert (len(past.totals["mood"]), max(past.totals["mood"])) == (KEPT, 5)
    assert past.facts({}, {})["%highest.mood"] == (27,)


@pytest.mark.parametrize(
    ("before", "now", "worst"),
    [
        ({}, {"sleep": 3}, 3),
        ({"sleep": 3}, {"sleep": 3}, None),
        ({"sleep": 2}, {"sleep": 3, "heart": 1}, 3),
        ({"sleep": 3}, {"sleep": 3, "heart": 1}, 1),
        ({"sleep": 3, "heart": 2}, {"sleep": 1}, None),
        ({"sleep": 1}, {}, None),
    ],
)
def test_of_a_checklist_the_worst_that_is_new_or_worse_counts(
    before: dict[str, int], now: dict[str, int], worst: int | None
) -> None:
    def levels(of: dict[str, int]) -> dict[str, Levels]:
        return {"symptoms": {entry: Decimal(level) for entry, level in of.items()}}

    past = Past().after({}, {}, levels(before), is_check_in=True)
    assert past.facts({}, levels(now))["%worst-new.symptoms"] == (() if worst is None else (Decimal(worst),))


def test_a_checklist_that_a_form_did_not_ask_for_stays_as_it_was() -> None:
    past = Past().after({}, {}, {"symptoms": {"sleep": Decimal(2)}}, is_check_in=True)
    assert past.after({}, {}, {}, is_check_in=False).levels == {"symptoms": {"sleep": Decimal(2)}}


VALUES = st.one_of(
    st.booleans(), st.integers(-9, 9), st.text(max_size=9), st.dates(), st.just(Coding("yes", "urn:test", "Yes"))
)
NAMES = st.text("abc-9", min_size=1, max_size=3)
AMOUNTS = st.decimals(0, 99, places=1)


@given(
    st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=3).map(tuple), max_size=4),
    st.dictionaries(NAMES, AMOUNTS, max_size=3),
    st.dictionaries(NAMES, st.dictionaries(NAMES, AMOUNTS, max_size=3), max_size=3),
)
def test_the_past_can_be_written_and_read_back(
    answers: Facts, found: Mapping[str, Decimal], levels: Mapping[str, Levels]
) -> None:
    past = Past().after(answers, found, levels, is_check_in=True)
    past = past.after({}, found, {}, is_check_in=True)
    assert read(written(past)) == past
