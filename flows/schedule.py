"""A weekly local hour, or the clinic's opening -> the next instant, through daylight-saving changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class WeeklyHour:
    """A weekday (Monday is 0), a local hour (0 to 23) and a time zone of the tz database."""

    weekday: int
    hour: int
    zone: str

    @classmethod
    def of(cls, instant: datetime, zone: str) -> "WeeklyHour":
        """The weekly hour in which an instant lies."""
        local = instant.astimezone(ZoneInfo(zone))
        return cls(local.weekday(), local.hour, zone)


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When the clinic is open: local times by weekday (Monday is 0), and the dates on which it is closed."""

    days: Mapping[int, tuple[tuple[time, time], ...]]
    closed: frozenset[date]
    zone: ZoneInfo

    def next_open(self, instant: datetime) -> datetime:
        """The instant itself while the clinic is open, and otherwise when it opens next (UTC).

        A clinic that stays closed for a year is taken to be open: an alert must not wait for ever.
        """
        today = instant.astimezone(self.zone).date()
        for offset in range(366):
            day = today + timedelta(days=offset)
            for span in () if day in self.closed else sorted(self.days.get(day.weekday(), ())):
                opens, closes = (datetime.combine(day, at, self.zone).astimezone(UTC) for at in span)
                if instant < closes:
                    return max(instant, opens)
        return instant


def next_after(weekly: WeeklyHour, instant: datetime, *, at_least: timedelta = timedelta()) -> datetime:
    """The first instant (UTC) of the weekly hour that is later than `instant`, and no sooner than `at_least` from it.

    An hour that a daylight-saving change skips is taken an hour later; one that it repeats is taken the first time.
    """
    earliest = instant + at_least
    day = local_date(earliest, weekly.zone)
    for offset in range(-1, 9):
        there = day + timedelta(days=offset)
        candidate = instant_of(datetime.combine(there, time(weekly.hour)), weekly.zone)
        if there.weekday() == weekly.weekday and candidate > instant and candidate >= earliest:
            return candidate
    raise AssertionError("every weekday comes within nine days")


def local_date(instant: datetime, zone: str) -> date:
    """The calendar date of an instant in a zone."""
    return instant.astimezone(ZoneInfo(zone)).date()


def local_time(instant: datetime, zone: str) -> datetime:
    """An instant as the clocks of a zone show it, aware."""
    return instant.astimezone(ZoneInfo(zone))


def instant_of(wall: datetime, zone: str) -> datetime:
    """The instant (UTC) at which the clocks of a zone show this naive time.

    A time that a daylight-saving change skips is taken as much later; one that it repeats is taken the first time.
    """
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
