"""Who is on call at any instant, in any zone, with absences, covers and two clocks changes a year."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.rota import Absence, Change, Cover, Gap, Rota, Rotation, Shift, changes, gaps, on_call, shifts
from flows.schedule import instant_of

ZONES = sorted(available_timezones())
PACIFIC = "America/Los_Angeles"
LEE, KIM, ANA = 1, 2, 3
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
NIGHTS = Rotation("nights", (LEE, KIM, ANA), WEEK, date(2026, 11, 23), time(8), PACIFIC)

people = st.integers(1, 4)
nights = st.sampled_from(["2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31"])
"""Just before most of the world's clocks change."""
instants = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
    st.builds(lambda day, hours: datetime.fromisoformat(day) + timedelta(hours=hours), nights, st.floats(0, 48)),
).map(lambda found: found.replace(tzinfo=UTC))
lengths = st.sampled_from([HOUR, 5 * HOUR, 12 * HOUR, DAY, 3 * DAY, WEEK, 2 * WEEK])


def at(said: str, zone: str = PACIFIC) -> datetime:
    """What the clocks of a zone show."""
    return instant_of(datetime.fromisoformat(said), zone)


def who(rota: Rota, said: str, name: str = "nights") -> int | None:
    return on_call(rota, at(said))[name]


@st.composite
def rotations(draw: st.DrawFn, zone: str, near: datetime) -> Rotation:
    first = near.date() + timedelta(days=draw(st.integers(-30, 12)))
    hand_over = draw(st.times().map(lambda found: found.replace(microsecond=0)))
    order = tuple(draw(st.lists(people, max_size=4)))
    return Rotation("nights", order, draw(lengths), first, hand_over, zone, draw(st.booleans()))


@st.composite
def rotas(draw: st.DrawFn) -> tuple[Rota, datetime, datetime]:
    """A rota of one name, with up to two orders, and a window of up to ten days to look at it."""
    zone, begins = draw(st.sampled_from(ZONES)), draw(instants)
    orders = sorted(draw(st.lists(rotations(zone, begins), min_size=1, max_size=2)), key=Rotation.begins)
    ends = begins + timedelta(hours=draw(st.integers(1, 240)))
    stretches = st.tuples(st.integers(-50, 250), st.integers(1, 100)).map(
        lambda found: (begins + found[0] * HOUR, begins + sum(found) * HOUR)
    )
    absences = [Absence(draw(people), *found) for found in draw(st.lists(stretches, max_size=4))]
    covers = [Cover("nights", draw(people), *found) for found in draw(st.lists(stretches, max_size=4))]
    return Rota(tuple(orders), tuple(absences), tuple(covers), draw(st.frozensets(people, max_size=2))), begins, ends


def said_by_hand(rota: Rota, instant: datetime) -> int | None:
    """Who is on call, told once more and in the simplest way: every hand-over is written down, one after another."""
    order = next(found for found in reversed(rota.rotations) if found.begins() <= instant)
    wall, number, turn = datetime.combine(order.first, order.hand_over), 0, 0
    while wall < instant.replace(tzinfo=None) + timedelta(days=3):
        if instant_of(wall, order.zone) <= instant:
            turn = number
        wall, number = wall + order.every, number + 1
    asked = [cover.clinician for cover in rota.covers[::-1] if cover.begins <= instant < cover.ends]
    for offset in range(len(order.people) if order.falls_to_next else min(1, len(order.people))):
        asked.append(order.people[(turn + offset) % len(order.people)])
    away = {absence.clinician for absence in rota.absences if absence.begins <= instant < absence.ends}
    return next((person for person in asked if person not in away), None)


@settings(deadline=None)
@given(rotas(), st.data())
def test_shifts_tile_time_and_agree_with_who_is_on_call(
    given_rota: tuple[Rota, datetime, datetime], data: st.DataObject
) -> None:
    rota, begins, ends = given_rota
    found = shifts(rota, "nights", begins, ends)
    begun = [order.begins() for order in rota.rotations if order.begins() < ends]
    assert bool(found) == bool(begun)
    if not begun:
        return
    assert found[0].begins == max(begins, min(begun))
    assert found[-1].ends == ends
    for one, other in pairwise(found):
        assert one.ends == other.begins
        assert (one.clinician, one.turn) != (other.clinician, other.turn)
    assert all(shift.begins < shift.ends for shift in found)
    shift = data.draw(st.sampled_from(found))
    inside = shift.begins + (shift.ends - shift.begins) * data.draw(st.floats(0, 1, exclude_max=True))
    for instant in (shift.begins, inside, shift.ends - timedelta(microseconds=1)):
        assert shift.clinician == said_by_hand(rota, instant)
        assert on_call(rota, instant) == {"nights": shift.clinician}
    for gap in gaps(rota, begins, ends):
        assert gap.clinician is None or gap.clinician in rota.unreachable
        assert on_call(rota, gap.begins) == {"nights": gap.clinician}
    in_gaps = sum((gap.ends - gap.begins for gap in gaps(rota, begins, ends)), timedelta())
    nobody = (shift for shift in found if shift.clinician is None or shift.clinician in rota.unreachable)
    assert in_gaps == sum((shift.ends - shift.begins for shift in nobody), timedelta())


@settings(deadline=None)
@given(rotas())
def test_nobody_who_is_away_is_on_call_and_the_newest_cover_holds(given_rota: tuple[Rota, datetime, datetime]) -> None:
    rota, begins, ends = given_rota
    for shift in shifts(rota, "nights", begins, ends):
        covers = [cover for cover in rota.covers if cover.begins <= shift.begins < cover.ends]
        if shift.clinician is not None:
            assert not rota.is_away(shift.clinician, shift.begins)
        if covers and not rota.is_away(covers[-1].clinician, shift.begins):
            assert shift.clinician == covers[-1].clinician
        elif not covers and shift.turn is not None and not rota.is_away(shift.turn, shift.begins):
            assert shift.clinician == shift.turn


@given(
    st.sampled_from(ZONES),
    st.times().map(lambda found: found.replace(microsecond=0)),
    st.dates(date(2026, 1, 1), date(2027, 6, 1)),
    st.sampled_from([DAY, 2 * DAY, WEEK]),
)
@example("America/Los_Angeles", time(2, 30), date(2026, 3, 7), DAY)
@example("America/Los_Angeles", time(1, 30), date(2026, 10, 31), DAY)
@example("Australia/Lord_Howe", time(2, 15), date(2026, 10, 3), DAY)
@example("Antarctica/Troll", time(1), date(2026, 3, 28), DAY)
def test_the_hand_over_is_at_the_local_time(zone: str, hand_over: time, first: date, every: timedelta) -> None:
    rotation = Rotation("nights", (LEE, KIM), every, first, hand_over, zone)
    begins = rotation.begins()
    for number, shift in enumerate(shifts(Rota((rotation,)), "nights", begins, begins + 20 * every)):
        assert shift.clinician == (LEE, KIM)[number % 2]
        local, meant = shift.begins.astimezone(ZoneInfo(zone)), datetime.combine(first + number * every, hand_over)
        assert local.fold == 0, "a time that comes twice is taken the first time"
        if local.replace(tzinfo=None) != meant:
            there = meant.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone))
            assert there.replace(tzinfo=None) != meant, "the clocks show this time"
            assert timedelta() < local.replace(tzinfo=None) - meant <= 2 * HOUR


@settings(deadline=None)
@given(rotas(), rotas())
def test_changes_tell_exactly_where_somebody_else_is_on_call(
    one: tuple[Rota, datetime, datetime], other: tuple[Rota, datetime, datetime]
) -> None:
    before, begins, ends = one
    after = other[0]
    found = changes(before, after, begins, ends)
    for change in found:
        assert on_call(before, change.begins).get("nights") == change.before != change.after
        assert on_call(after, change.begins).get("nights") == change.after
    edges = {shift.begins for rota in (before, after) for shift in shifts(rota, "nights", begins, ends)}
    for edge in edges:
        differs = on_call(before, edge).get("nights") != on_call(after, edge).get("nights")
        assert differs == any(change.begins <= edge < change.ends for change in found)


@pytest.mark.parametrize(
    ("said", "hours"),
    [("2026-03-07 08:00", 23), ("2026-10-31 08:00", 25), ("2026-11-23 08:00", 24)],
)
def test_a_day_on_which_the_clocks_change_is_a_shorter_or_longer_shift(said: str, hours: int) -> None:
    begins = at(said)
    daily = Rotation("days", (LEE, KIM), DAY, begins.astimezone(ZoneInfo(PACIFIC)).date(), time(8), PACIFIC)
    first, second = shifts(Rota((daily,)), "days", begins, begins + 48 * HOUR)[:2]
    assert (first.clinician, second.clinician) == (LEE, KIM)
    assert first.ends - first.begins == hours * HOUR
    assert second.begins.astimezone(ZoneInfo(PACIFIC)).time() == time(8)


def test_a_hand_over_that_the_clocks_skip_comes_as_much_later_and_one_that_comes_twice_is_the_first() -> None:
    skipped = Rotation("days", (LEE, KIM), DAY, date(2026, 3, 7), time(2, 30), PACIFIC)
    assert skipped.begins(1) == datetime(2026, 3, 8, 10, 30, tzinfo=UTC)
    twice = Rotation("days", (LEE, KIM), DAY, date(2026, 10, 31), time(1, 30), PACIFIC)
    assert twice.begins(1) == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
    rota = Rota((twice,))
    between = datetime(2026, 11, 1, 9, 15, tzinfo=UTC)
    assert between.astimezone(ZoneInfo(PACIFIC)).time() == time(1, 15), "the clocks show it again after the hand-over"
    assert on_call(rota, between) == {"days": KIM}


def test_hours_that_the_clocks_skip_leave_no_hole_when_a_whole_day_is_left_out() -> None:
    """Samoa had no 30 December 2011."""
    rotation = Rotation("days", (LEE, KIM, ANA), 6 * HOUR, date(2011, 12, 28), time(0), "Pacific/Apia")
    begins = rotation.begins()
    found = shifts(Rota((rotation,)), "days", begins, begins + 4 * DAY)
    assert all(one.ends == other.begins for one, other in pairwise(found))
    assert found[-1].ends == begins + 4 * DAY


def test_people_take_turns() -> None:
    rota = Rota((NIGHTS,))
    assert [who(rota, said) for said in ("2026-11-23 08:00", "2026-11-30 07:59")] == [LEE, LEE]
    assert [who(rota, f"2026-{day} 08:00") for day in ("11-30", "12-07", "12-14")] == [KIM, ANA, LEE]
    assert on_call(rota, at("2026-11-23 07:59")) == {}, "it has not begun"


def test_the_shift_of_who_is_away_falls_to_the_next_who_is_there() -> None:
    away = Absence(KIM, at("2026-12-01 00:00"), at("2026-12-03 00:00"))
    rota = Rota((NIGHTS,), (away,))
    monday, tuesday, thursday = at("2026-11-30 08:00"), at("2026-12-01 00:00"), at("2026-12-03 00:00")
    assert shifts(rota, "nights", monday, at("2026-12-07 08:00")) == [
        Shift("nights", monday, tuesday, KIM, KIM),
        Shift("nights", tuesday, thursday, ANA, KIM),
        Shift("nights", thursday, at("2026-12-07 08:00"), KIM, KIM),
    ]
    assert gaps(rota, monday, at("2026-12-30 00:00")) == []


def test_a_gap_is_when_all_are_away_or_nobody_is_in_it_or_a_shift_falls_to_nobody() -> None:
    begins, ends = at("2026-12-01 00:00"), at("2026-12-03 00:00")
    window = (at("2026-11-24 00:00"), at("2026-12-24 00:00"))
    all_away = tuple(Absence(person, begins, ends) for person in (LEE, KIM, ANA))
    assert gaps(Rota((NIGHTS,), all_away), *window) == [Gap("nights", begins, ends, None)]
    empty = Rotation("days", (), DAY, date(2026, 11, 1), time(8), PACIFIC)
    assert gaps(Rota((empty,)), *window) == [Gap("days", *window, None)]
    stays = Rotation("nights", (LEE, KIM, ANA), WEEK, date(2026, 11, 23), time(8), PACIFIC, falls_to_next=False)
    assert gaps(Rota((stays,), all_away[1:2]), *window) == [Gap("nights", begins, ends, None)]
    covered = Rota((stays,), all_away[1:2], (Cover("nights", LEE, begins, at("2026-12-02 00:00")),))
    assert gaps(covered, *window) == [Gap("nights", at("2026-12-02 00:00"), ends, None)]


def test_who_cannot_be_reached_is_a_gap_and_stays_on_call() -> None:
    rota = Rota((NIGHTS,), unreachable=frozenset({KIM}))
    assert who(rota, "2026-12-01 12:00") == KIM
    window = at("2026-11-24 00:00"), at("2026-12-24 00:00")
    assert gaps(rota, *window) == [
        Gap("nights", at("2026-11-30 08:00"), at("2026-12-07 08:00"), KIM),
        Gap("nights", at("2026-12-21 08:00"), window[1], KIM),
    ]


def test_the_newest_cover_wins_and_an_older_one_holds_when_its_person_is_away() -> None:
    eve, morning = at("2026-12-24 18:00"), at("2026-12-25 08:00")
    covers = (Cover("nights", KIM, eve, morning), Cover("nights", ANA, at("2026-12-24 22:00"), morning))
    rota = Rota((NIGHTS,), (), covers)
    saids = ("2026-12-24 17:59", "2026-12-24 18:00", "2026-12-24 22:00", "2026-12-25 08:00")
    assert [who(rota, said) for said in saids] == [KIM, KIM, ANA, KIM]
    away = Rota((NIGHTS,), (Absence(ANA, at("2026-12-25 00:00"), morning),), covers)
    assert who(away, "2026-12-25 01:00") == KIM
    assert changes(Rota((NIGHTS,)), rota, eve, morning) == [Change("nights", at("2026-12-24 22:00"), morning, KIM, ANA)]


def test_a_cover_is_for_one_rotation() -> None:
    days = Rotation("days", (ANA,), DAY, date(2026, 11, 23), time(8), PACIFIC)
    rota = Rota((NIGHTS, days), (), (Cover("days", KIM, at("2026-11-24 08:00"), at("2026-11-25 08:00")),))
    assert on_call(rota, at("2026-11-24 12:00")) == {"nights": LEE, "days": KIM}
    assert rota.names == ["nights", "days"]


def test_a_new_order_takes_the_place_of_the_old_one_only_when_it_begins() -> None:
    later = Rotation("nights", (ANA, LEE), DAY, date(2026, 12, 3), time(8), PACIFIC)
    rota = Rota((NIGHTS, later))
    assert [who(rota, f"2026-{day}") for day in ("11-30 12:00", "12-03 07:59", "12-03 08:00", "12-04 08:00")] == [
        *(KIM, KIM),
        *(ANA, LEE),
    ]
