"""Stretches of time and shifts as staff type them: 2026-12-24 18:00, a week, mon 08:00."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flows.errors import TaperlineError
from flows.schedule import instant_of, local_time

LONGEST = timedelta(days=366)
"""A longer stretch is a slip in the year."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOMENT = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[ T][0-9]{1,2}:[0-9]{2})?"
"""The form of a date, with or without a time."""

_HOURS = {"hour": 1, "day": 24, "week": 168}
_AGAIN = "Dates look like 2026-12-24, or 2026-12-24 18:00."


class NotUnderstoodError(TaperlineError):
    """A time or a shift that cannot be read, or makes no sense; the text says why, and gives an example."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From an instant until just before another one."""

    begins: datetime
    ends: datetime


def stretch(begins: str, ends: str, zone: str, *, now: datetime) -> Stretch:
    """What two dates of a zone mean. A date alone begins with its day, and ends with it: both are included.

    Raises NotUnderstoodError when one is no date, and when the stretch is empty, over, or over a year long or ahead.
    """
    first, (last, is_whole_day) = _moment(begins)[0], _moment(ends)
    found = Stretch(instant_of(first, zone), instant_of(last + timedelta(days=1) if is_whole_day else last, zone))
    if found.ends <= found.begins:
        raise NotUnderstoodError(f"{ends} is not after {begins}. Give first the begin and then the end.")
    if found.ends <= now:
        raise NotUnderstoodError(f"{ends} is over. Check the year and the month.")
    if found.ends - found.begins > LONGEST or found.begins > now + LONGEST:
        raise NotUnderstoodError(
            f"From {begins} until {ends} is more than a year, or more than a year ahead. Check it."
        )
    return found


def day(text: str) -> date:
    """A date. Raises NotUnderstoodError."""
    found, is_whole_day = _moment(text)
    if not is_whole_day:
        raise NotUnderstoodError(f"{text}: only a date is needed here, such as 2026-12-24.")
    return found.date()


def length(text: str) -> timedelta:
    """How long a shift is, on the clinic's clocks: day, week, 2 weeks, 12 hours. Raises NotUnderstoodError."""
    found = re.fullmatch(r"(?:([0-9]{1,3})\s*)?(hour|day|week)s?", " ".join(text.casefold().split()))
    hours = int(found[1] or 1) * _HOURS[found[2]] if found else 0
    if not timedelta() < timedelta(hours=hours) <= LONGEST:
        raise NotUnderstoodError(f"{text} is no length of a shift. Examples: day, week, 2 weeks, 12 hours.")
    return timedelta(hours=hours)


def hand_over(text: str) -> tuple[int | None, time]:
    """When a shift is handed over: the weekday (Monday is 0), if one is named, and the local time.

    Raises NotUnderstoodError.
    """
    found = re.fullmatch(r"(?:([a-z]{3,9})\.?\s+)?([0-9]{1,2}):([0-9]{2})", " ".join(text.casefold().split()))
    weekdays = [number for number, name in enumerate(WEEKDAYS) if found and name.startswith(found[1] or " ")]
    if found is None or (found[1] and not weekdays) or int(found[2]) > 23 or int(found[3]) > 59:
        raise NotUnderstoodError(f'{text} is no time of a hand-over. Examples: "mon 08:00", "17:30".')
    return (weekdays[0] if weekdays else None), time(int(found[2]), int(found[3]))


def latest(weekday: int | None, at: time, zone: str, *, now: datetime) -> date:
    """The local date of the last such hand-over by now."""
    found = local_time(now, zone).date()
    while instant_of(datetime.combine(found, at), zone) > now or weekday not in {None, found.weekday()}:
        found -= timedelta(days=1)
    return found


def spoken(instant: datetime, zone: str) -> str:
    """An instant as the clinic's clocks show it, in the form in which it is typed: Thu 2026-12-24 18:00."""
    return f"{local_time(instant, zone):%a %Y-%m-%d %H:%M}"


def _moment(text: str) -> tuple[datetime, bool]:
    """A naive local time, and whether only the day was named."""
    said = " ".join(text.split())
    try:
        if re.fullmatch(MOMENT, said, re.IGNORECASE):
            days, _, hours = said.upper().replace("T", " ").partition(" ")
            found = datetime.combine(
                date(*map(int, days.split("-"))), time(*map(int, hours.split(":")) if hours else ())
            )
            return found, not hours
    except ValueError as error:
        raise NotUnderstoodError(f"{text} is no date: {error}. {_AGAIN}") from error
    raise NotUnderstoodError(f"{text or 'Nothing'} is no date. {_AGAIN}")
