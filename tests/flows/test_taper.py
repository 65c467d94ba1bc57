"""The reported dose over time."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from flows.taper import DailyDose, dose_questions, reported, reported_fall
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
