"""What staff type for a stretch of time, a shift and its hand-over."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from flows.stretches import NotUnderstoodError, Stretch, day, hand_over, latest, length, spoken, stretch

PACIFIC = "America/Los_Angeles"
NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)


def utc(said: str) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begins", "ends", "first", "last"),
    [
        ("2026-12-24 18:00", "2026-12-25 08:00", "2026-12-25T02:00", "2026-12-25T16:00"),
        ("2026-12-24T18:00", "2026-12-25t8:00", "2026-12-25T02:00", "2026-12-25T16:00"),
        ("2026-12-20", "2026-12-27", "2026-12-20T08:00", "2026-12-28T08:00"),
        ("2026-12-20", "2026-12-20", "2026-12-20T08:00", "2026-12-21T08:00"),
        ("2026-11-20", "2026-11-24", "2026-11-20T08:00", "2026-11-25T08:00"),
        ("2027-03-14", "2027-3-14", "2027-03-14T08:00", "2027-03-15T07:00"),
        ("2027-11-07", "2027-11-07", "2027-11-07T07:00", "2027-11-08T08:00"),
        ("2027-03-14 02:30", "2027-03-14 03:45", "2027-03-14T10:30", "2027-03-14T10:45"),
    ],
)
def test_two_dates_are_a_stretch_and_a_date_alone_is_meant_whole(begins: str, ends: str, first: str, last: str) -> None:
    assert stretch(begins, ends, PACIFIC, now=NOW) == Stretch(utc(first), utc(last))


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [
        ("Christmas", "2026-12-25", "Christmas is no date. Dates look like 2026-12-24"),
        ("", "2026-12-25", "Nothing is no date"),
        ("2026-02-30", "2026-12-25", "2026-02-30 is no date: day is out of range for month"),
        ("2026-12-24 25:00", "2026-12-25", "hour must be in 0..23"),
        ("12/24/2026", "2026-12-25", "12/24/2026 is no date"),
        ("2026-12-24 18:00", "2026-12-24 18:00", "is not after"),
        ("2026-12-25", "2026-12-24", "is not after"),
        ("2026-11-01", "2026-11-23", "2026-11-23 is over"),
        ("2026-12-20", "2062-12-27", "is more than a year"),
        ("2062-12-20", "2062-12-27", "more than a year ahead"),
        ("２026-12-20", "2026-12-27", "is no date"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(begins: str, ends: str, words: str) -> None:
    with pytest.raises(NotUnderstoodError, match=words.replace(".", r"\.")):
        stretch(begins, ends, PACIFIC, now=NOW)


def test_a_day_is_a_date_without_a_time() -> None:
    assert day("2026-12-24") == date(2026, 12, 24)
    with pytest.raises(NotUnderstoodError, match="only a date"):
        day("2026-12-24 18:00")


@pytest.mark.parametrize(
    ("said", "hours"),
    [("day", 24), ("week", 168), ("Weeks", 168), ("2 weeks", 336), ("3 days", 72), ("12 hours", 12), ("12hours", 12)],
)
def test_the_length_of_a_shift(said: str, hours: int) -> None:
    assert length(said) == timedelta(hours=hours)


@pytest.mark.parametrize("said", ["", "0 days", "month", "fortnight", "999 weeks", "-1 day", "² days"])
def test_no_length_of_a_shift(said: str) -> None:
    with pytest.raises(NotUnderstoodError, match="Examples: day, week, 2 weeks, 12 hours"):
        length(said)


@pytest.mark.parametrize(
    ("said", "weekday", "at"),
    [
        ("mon 08:00", 0, time(8)),
        ("Monday 8:00", 0, time(8)),
        ("thurs 17:30", 3, time(17, 30)),
        ("Sun. 00:00", 6, time(0)),
        ("17:30", None, time(17, 30)),
    ],
)
def test_a_hand_over(said: str, weekday: int | None, at: time) -> None:
    assert hand_over(said) == (weekday, at)


@pytest.mark.parametrize("said", ["", "mon", "moo 08:00", "mo 08:00", "mon 24:00", "mon 8", "8:60", "mon 8 am"])
def test_no_hand_over(said: str) -> None:
    with pytest.raises(NotUnderstoodError, match='Examples: "mon 08:00", "17:30"'):
        hand_over(said)


@pytest.mark.parametrize(
    ("weekday", "at", "found"),
    [
        (0, time(8), date(2026, 11, 23)),
        (1, time(10), date(2026, 11, 24)),
        (1, time(10, 1), date(2026, 11, 17)),
        (2, time(8), date(2026, 11, 18)),
        (None, time(8), date(2026, 11, 24)),
        (None, time(17), date(2026, 11, 23)),
    ],
)
def test_the_last_hand_over_by_now(weekday: int | None, at: time, found: date) -> None:
    assert latest(weekday, at, PACIFIC, now=NOW) == found


def test_an_instant_is_told_as_it_is_typed() -> None:
    assert spoken(utc("2026-12-25T02:00"), PACIFIC) == "Thu 2026-12-24 18:00"
