"""A weekly local hour through daylight-saving changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.schedule import OpeningHours, WeeklyHour, local_date, next_after

ZONES = sorted(available_timezones())
instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda found: found.replace(tzinfo=UTC))  # noqa: DTZ001
GAP = timedelta(hours=2)
"""No zone of these years skips more."""


@given(
    st.sampled_from(ZONES),
    st.integers(0, 6),
    st.integers(0, 23),
    instants,
    st.sampled_from([timedelta(), timedelta(days=6), timedelta(days=3, hours=7)]),
)
@example("America/Nuuk", 5, 23, datetime(2026, 3, 22, tzinfo=UTC), timedelta(days=6))
@example("Antarctica/Troll", 6, 1, datetime(2026, 3, 22, tzinfo=UTC), timedelta())
@example("Australia/Lord_Howe", 6, 2, datetime(2026, 9, 28, tzinfo=UTC), timedelta())
@example("Africa/Cairo", 4, 0, datetime(2026, 4, 18, tzinfo=UTC), timedelta())
def test_the_next_weekly_hour_in_any_zone(
    zone: str, weekday: int, hour: int, instant: datetime, at_least: timedelta
) -> None:
    found = next_after(WeeklyHour(weekday, hour, zone), instant, at_least=at_least)
    assert found > instant
    assert found - instant >= at_least
    assert found - max(instant + at_least, instant) <= timedelta(days=7) + 2 * GAP
    local = found.astimezone(ZoneInfo(zone))
    wall = local.replace(tzinfo=None)
    meant = next(
        midnight + timedelta(hours=hour)
        for midnight in (datetime.combine(local.date() - timedelta(days=back), datetime.min.time()) for back in (0, 1))
        if midnight.weekday() == weekday
    )
    if wall != meant:
        there = meant.replace(tzinfo=ZoneInfo(zone))
        assert there.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != meant, "the hour exists"
        assert timedelta() < wall - meant <= GAP
    assert local.fold == 0, "an hour that comes twice is taken the first time"


@pytest.mark.parametrize(
    ("zone", "weekday", "hour", "instant", "at_least", "local"),
    [
        ("UTC", 0, 9, "2026-11-23T08:59:59", 0, "2026-11-23T09:00"),
        ("UTC", 0, 9, "2026-11-23T09:00:00", 0, "2026-11-30T09:00"),
        ("UTC", 0, 9, "2026-11-23T09:00:00", 6, "2026-11-30T09:00"),
        ("UTC", 0, 9, "2026-11-24T09:00:00", 6, "2026-11-30T09:00"),
        ("UTC", 0, 9, "2026-11-24T09:00:01", 6, "2026-12-07T09:00"),
        ("America/Los_Angeles", 6, 2, "2026-03-02T00:00:00", 0, "2026-03-08T03:00"),
        ("America/Los_Angeles", 6, 1, "2026-10-26T12:00:00", 0, "2026-11-01T01:00"),
        ("America/Los_Angeles", 6, 10, "2026-02-26T18:00:00", 6, "2026-03-08T10:00"),
        ("America/Nuuk", 5, 23, "2026-03-26T00:00:00", 0, "2026-03-29T00:00"),
        ("Pacific/Kiritimati", 0, 0, "2026-11-22T09:00:00", 0, "2026-11-23T00:00"),
    ],
)
def test_the_next_weekly_hour_by_hand(  # noqa: PLR0917
    zone: str, weekday: int, hour: int, instant: str, at_least: int, local: str
) -> None:
    start = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    found = next_after(WeeklyHour(weekday, hour, zone), start, at_least=timedelta(days=at_least))
    assert found.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M") == local
    assert found.tzinfo is UTC


def test_an_instant_has_the_weekly_hour_and_date_of_its_zone() -> None:
    late = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
    assert WeeklyHour.of(late, "America/Los_Angeles") == WeeklyHour(6, 19, "America/Los_Angeles")
    assert WeeklyHour.of(late, "Asia/Tokyo") == WeeklyHour(0, 12, "Asia/Tokyo")
    assert local_date(late, "America/Los_Angeles") == date(2026, 11, 22)
    assert local_date(late, "Asia/Tokyo") == date(2026, 11, 23)


Week = dict[int, tuple[tuple[time, time], ...]]
HOURS = st.integers(4 * 4, 23 * 4 + 3).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
"""From four in the morning on: no zone changes its clocks later in the day, and no clinic opens sooner."""

SPANS = st.tuples(HOURS, HOURS).filter(lambda span: span[0] < span[1])
WEEKS = st.dictionaries(st.integers(0, 6), st.lists(SPANS, max_size=2).map(tuple), max_size=7)
HOLIDAYS = st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=5)
OPENING_ZONES = st.sampled_from(["America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "UTC"])


def is_open(opening: OpeningHours, instant: datetime) -> bool:
    """What the clock on the clinic's wall says, as somebody who stands before it reads it."""
    wall = instant.astimezone(opening.zone)
    spans = () if wall.date() in opening.closed else opening.days.get(wall.weekday(), ())
    return any(opens <= wall.time() < closes for opens, closes in spans)


@given(WEEKS, HOLIDAYS, OPENING_ZONES, instants)
@example({6: ((time(4), time(5)),)}, frozenset(), "America/Los_Angeles", datetime(2027, 3, 14, tzinfo=UTC))
@example({6: ((time(4), time(5)),)}, frozenset(), "America/Los_Angeles", datetime(2026, 11, 1, 8, 50, tzinfo=UTC))
def test_the_next_opening_is_open_and_the_first(
    week: Week, closed: frozenset[date], zone: str, instant: datetime
) -> None:
    opening = OpeningHours(week, closed, ZoneInfo(zone))
    found = opening.next_open(instant)
    assert found >= instant
    if not any(week.values()):
        assert found == instant, "an alert must not wait for ever"
        return
    assert is_open(opening, found)
    assert opening.next_open(found) == found
    if is_open(opening, instant):
        assert found == instant
    quarters = int((found - instant) / timedelta(minutes=15))
    for quarter in range(min(quarters, 4 * 24 * 8)):
        between = instant + quarter * timedelta(minutes=15)
        assert not is_open(opening, between), f"it was open at {between} already"
        assert opening.next_open(between) == found


@pytest.mark.parametrize(
    ("instant", "opens"),
    [
        ("2026-11-23T09:00", "2026-11-23T09:00"),
        ("2026-11-23T16:59:59", "2026-11-23T16:59:59"),
        ("2026-11-23T17:00", "2026-11-24T09:00"),
        ("2026-11-24T08:59:59", "2026-11-24T09:00"),
        ("2026-11-25T18:00", "2026-11-27T09:00"),  # Thanksgiving is closed
        ("2026-11-27T12:00", "2026-11-27T13:00"),  # a break at noon
        ("2026-11-27T17:00", "2026-11-30T09:00"),
        ("2027-03-12T17:00", "2027-03-15T09:00"),  # the clocks go forward
        ("2026-10-30T17:00", "2026-11-02T09:00"),  # and back
    ],
)
def test_the_next_opening_by_hand(instant: str, opens: str) -> None:
    zone, weekday = ZoneInfo("America/Los_Angeles"), ((time(9), time(17)),)
    friday = ((time(13), time(17)), (time(9), time(12)))
    opening = OpeningHours(
        {0: weekday, 1: weekday, 2: weekday, 3: weekday, 4: friday}, frozenset([date(2026, 11, 26)]), zone
    )
    found = opening.next_open(datetime.fromisoformat(instant).replace(tzinfo=zone).astimezone(UTC))
    assert found == datetime.fromisoformat(opens).replace(tzinfo=zone)
    assert found.tzinfo is UTC


def test_a_clinic_that_is_closed_for_a_year_is_taken_to_be_open() -> None:
    start = datetime(2026, 1, 5, 12, tzinfo=UTC)
    for days, opens in ((300, start + timedelta(days=300) - timedelta(hours=3)), (400, start)):
        closed = frozenset(start.date() + timedelta(days=day) for day in range(days))
        opening = OpeningHours(dict.fromkeys(range(7), ((time(9), time(17)),)), closed, ZoneInfo("UTC"))
        assert opening.next_open(start) == opens
