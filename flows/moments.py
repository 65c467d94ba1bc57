"""Dates and times as people type them: March 2019, last Tuesday, 5 pm, yesterday at noon.

What had to be interpreted is a Guess, to be confirmed.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from dateparser.date import DateDataParser  # type: ignore[import-untyped]

from flows.conditions import order
from flows.items import Item
from flows.numbers import in_figures, numbered
from flows.values import Guess, PartialDate, Value

YEARS = range(1900, 2200)
"""The years that a patient can mean."""

_MONTHS = numbered("january february march april may june july august september october november december", 1)
_MONTH = {**_MONTHS, **{name[:3]: number for name, number in _MONTHS.items()}, "sept": 9}
_NAMES = "|".join(_MONTH)
_WEEKDAYS = numbered("monday tuesday wednesday thursday friday saturday sunday")
_WEEKDAY = {
    **_WEEKDAYS,
    **{name[:3]: number for name, number in _WEEKDAYS.items()},
    **{"tues": 1, "weds": 2, "thur": 3, "thurs": 3},
}
_TH = r"(?:st|nd|rd|th)?"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<year>[0-9]{4})(?:[-/.](?P<month>[0-9]{1,2})(?:[-/.](?P<day>[0-9]{1,2}))?)?",
        r"(?P<month>[0-9]{1,2})/(?P<year>[0-9]{4})",
        rf"(?P<month>{_NAMES})\.?[ -](?P<day>[0-9]{{1,2}}){_TH},?[ -](?P<year>[0-9]{{4}})",
        rf"(?P<day>[0-9]{{1,2}}){_TH}[ -](?:of )?(?P<month>{_NAMES})\.?,?[ -](?P<year>[0-9]{{4}})",
        rf"(?P<month>{_NAMES})\.?,? (?:of )?(?P<year>[0-9]{{4}})",
    )
)
_MONTH_FIRST = re.compile(r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4})")
_DAY_FIRST = re.compile(r"(?P<day>[0-9]{1,2})[-/.](?P<month>[0-9]{1,2})[-/.](?P<year>[0-9]{4})")
_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}t[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(z|[+-][0-9]{2}:[0-9]{2})")

Day = date | PartialDate


def day_of(item: Item, said: str, now: datetime) -> Day | Guess | None:
    """A date: certain when nothing of it had to be interpreted."""
    relative = {"yesterday": -1, "today": 0, "tomorrow": 1}.get(said)
    if relative is not None:
        return now.date() + timedelta(days=relative)
    named = re.fullmatch(rf"({'|'.join(_WEEKDAY)})\.?,? (.*[0-9]{{4}})", said)
    patterns = (*_DATES, _DAY_FIRST if _is_day_first(item) else _MONTH_FIRST)
    for found in filter(None, (pattern.fullmatch(named[2] if named else said) for pattern in patterns)):
        certain = _calendar_day(**found.groupdict())
        if certain is not None and (not named or _falls_on(certain, _WEEKDAY[named[1]])):
            return certain
    if clock_of(item, said, now) is not None:
        return None
    guess = _interpreted(item, said, now)
    if guess is None:
        return None
    moment, period = guess
    if period in {"year", "month"}:
        return Guess(PartialDate(moment.year, moment.month if period == "month" else None))
    return Guess(moment.date())


def _is_day_first(item: Item) -> bool:
    """Whether the form itself asks for the day before the month."""
    return re.match(r"dd?\W*m", item.entry_format.casefold()) is not None


def _calendar_day(year: str, month: str | None = None, day: str | None = None) -> Day | None:
    number = None if month is None else _MONTH.get(month) or int(month)
    try:
        known = date(int(year), 1 if number is None else number, int(day or 1))
    except ValueError:
        return None
    if known.year not in YEARS:
        return None
    return known if day else PartialDate(known.year, number)


def _falls_on(day: Day, weekday: int) -> bool:
    return isinstance(day, date) and day.weekday() == weekday


def _interpreted(item: Item, said: str, now: datetime) -> tuple[datetime, str] | None:
    """What dateparser makes of a text: a naive time in the patient's zone and how exact it is (day, month, time, ...).

    It would take a number alone for a month, and passes over words that it does not know; those are not asked.
    """
    if of_month := re.fullmatch(r"(?:on )?(?:the )?([0-9]{1,2})(?:st|nd|rd|th)", said):
        return _latest(int(of_month[1]), now)
    said = re.sub(r"\ba couple(?: of)? ", "2 ", said)
    said = re.sub(r"\b(?:tues|weds|thurs?)\b", lambda found: found[0][:3], said)
    is_alone = not re.search(r"[a-z]|[0-9][/-][0-9]|[0-9]\.[0-9]+\.", said)
    unsure = re.search(r"\b(?:or|and|to|before|until|till)\b", said.replace("day before yesterday", ""))
    if is_alone or unsure or re.match(r"[0-9]{4}-|[0-9]+ ?[-–] ?[0-9]+ [a-z]", said):
        return None
    settings = {
        "RELATIVE_BASE": now.replace(tzinfo=None),
        "TIMEZONE": "UTC",  # of the base, which has none: what is not set is the machine's
        "DATE_ORDER": "DMY" if _is_day_first(item) else "MDY",
        "PREFER_DATES_FROM": "future" if _is_ahead(item, now) else "past",
        "PARSERS": ["relative-time", "absolute-time"],
        "RETURN_TIME_AS_PERIOD": True,
    }
    found = DateDataParser(languages=["en"], settings=settings).get_date_data(said)
    moment, period = found.date_obj, found.period
    if moment is None or moment.tzinfo is not None or moment.year not in YEARS:
        return None
    words = set(re.findall(r"[a-z]+", said))
    if re.search(r"[a-z](?<!\bin) [0-9]{1,4}$", said) and not words & _MONTH.keys():
        return None
    if period == "month" and not words & {*_MONTH, "month", "months"}:
        return None
    weekdays = {_WEEKDAY[word] for word in words & _WEEKDAY.keys()}
    if period == "quarter" or (weekdays and weekdays != {moment.weekday()}):
        return None
    return moment, period


def _is_ahead(item: Item, now: datetime) -> bool:
    """Whether only what is still to come is asked for."""
    return isinstance(item.minimum, date) and order(item.minimum, now.date()) >= 0


def _latest(day: int, now: datetime) -> tuple[datetime, str] | None:
    """The latest day of a month that has this number."""
    if not 1 <= day <= 31:
        return None
    moment = now.replace(tzinfo=None)
    while moment.day != day:
        moment -= timedelta(days=1)
    return moment, "day"


_OF_DAY = re.compile(r"(?:^|\s+)(?:in the |at |this )?(morning|afternoon|evening|night|tonight)$")
_HOURS_OF: dict[str, range] = {
    "am": range(24),
    "pm": range(24),
    "morning": range(1, 12),
    "afternoon": range(12, 19),
    "evening": range(16, 24),
}


def clock_of(item: Item, said: str, now: datetime, part: str = "") -> time | Guess | None:
    """A time of day; the part of the day, such as evening, tells 7:00 from 19:00. Else a guess."""
    if said == "now":
        return now.time().replace(second=0, microsecond=0)
    said = re.sub(r"\b([ap])\.? ?m\b\.?", r"\1m", in_figures(said.removeprefix("at ")))
    if of_day := _OF_DAY.search(said):
        said, part = said[: of_day.start()], of_day[1]
    if said in {"noon", "midday", "12 noon", "midnight", "12 midnight"}:
        return time(0 if said.endswith("midnight") else 12)
    half = re.fullmatch(r"(.*?) ?(am|pm|(?<=[0-9])[ap])", said)
    if half:
        said, part = half[1].strip(), half[2][0] + "m"
    said = said.removesuffix(" o'clock").removesuffix(" oclock")
    if past := re.fullmatch(
        r"(half|(?:a )?quarter|[0-9]{1,2})(?: minutes?)? (past|after|to|till|til) ([0-9]{1,2})", said
    ):
        minutes = {"half": 30, "quarter": 15}.get(past[1].removeprefix("a ")) or int(re.sub(r"\D", "", past[1]) or 0)
        hour = int(past[3])
        if past[2] in {"to", "till", "til"}:
            minutes, hour = 60 - minutes, hour - 1 or 12
        return _at(hour, minutes, part) if 0 < hour <= 23 else None
    figures = re.fullmatch(r"([0-9]{1,2})(?:(?:[:.h ])([0-9]{2}))?(:[0-9]{2})?", said) or re.fullmatch(
        r"([0-9]{1,2})([0-9]{2})(:[0-9]{2})?", said
    )
    if not figures:
        return None
    is_form = figures[3] is not None or (figures[2] is not None and re.match(r"0[0-9]", figures[1]) is not None)
    if part or figures[2] is not None:
        return _at(int(figures[1]), int(figures[2] or 0), part, certain=is_form, second=int((figures[3] or ":0")[1:]))
    bare = _at(int(figures[1]), 0, "")
    return Guess(bare) if isinstance(bare, time) else bare


def _at(hour: int, minute: int, part: str, *, certain: bool = False, second: int = 0) -> time | Guess | None:
    """A time from an hour as it was said: 1 to 12 can be in either half of the day, unless the form is certain."""
    if hour > 23 or minute > 59 or second > 59 or (part in {"am", "pm"} and not 1 <= hour <= 12):
        return None
    is_night = part in {"night", "tonight"}
    if hour == 0 or hour > 12 or (certain and not part):
        return time(hour, minute, second) if not part or is_night or hour in _HOURS_OF[part] else None
    if is_night:
        return time(hour + 12 if 6 <= hour < 12 else hour % 12, minute, second)
    if part:
        hour = hour % 12 + (0 if part in {"am", "morning"} else 12)
        return time(hour, minute, second) if hour in _HOURS_OF[part] else None
    return Guess(time(hour + 12 if hour < 7 else hour, minute, second))


def date_time_of(item: Item, said: str, now: datetime) -> Value | Guess | None:
    """A date with a time in the patient's zone; a date alone stays one."""
    if said == "now":
        return now.replace(second=0, microsecond=0)
    if instant := _INSTANT.fullmatch(said):
        return _instant(instant[0].upper(), now)
    for day, clock in _splits(said):
        of_day = re.search(r"\b(morning|afternoon|evening|night|tonight)\b", day)
        part = of_day[1] if of_day else ""
        hour = clock_of(item, clock, now, part)
        if hour is not None and re.fullmatch(r"[0-9]{4}-[0-9]+-[0-9]+", day) and isinstance(hour, Guess):
            hour = time.fromisoformat(clock) if re.fullmatch(r"[0-9]{2}:[0-9]{2}", clock) else hour
        found = day_of(item, day, now) if hour is not None else None
        known = found.value if isinstance(found, Guess) else found
        of_clock = hour.value if isinstance(hour, Guess) else hour
        if isinstance(known, date) and isinstance(of_clock, time):
            if part in {"night", "tonight"} and of_clock.hour < 6:
                return None  # which of two days
            moment = datetime.combine(known, of_clock, tzinfo=now.tzinfo)
            return Guess(moment) if isinstance(found, Guess) or isinstance(hour, Guess) else moment
    alone = clock_of(item, said, now)
    if alone is not None:
        return None if re.fullmatch(r"[0-9]{1,4}", in_figures(said)) else Guess(_nearest(item, alone, now))
    found = day_of(item, said, now)
    if not isinstance(found, Guess) and found is not None:
        return found
    guess = _interpreted(item, said, now)
    if guess is None or guess[1] not in {"time", "part_of_day"}:
        return found
    if guess[1] == "part_of_day" and re.search(r"[0-9]", said):
        return None
    return Guess(guess[0].replace(tzinfo=now.tzinfo, microsecond=0))


def _nearest(item: Item, clock: time | Guess, now: datetime) -> datetime:
    """The moment of a time alone: the last one that was, or where only later ones are asked for, the next."""
    of_clock = clock.value if isinstance(clock, Guess) else clock
    assert isinstance(of_clock, time)
    moment = datetime.combine(now.date(), of_clock, tzinfo=now.tzinfo)
    if _is_ahead(item, now):
        return moment if moment >= now else moment + timedelta(days=1)
    return moment if moment <= now else moment - timedelta(days=1)


def _splits(said: str) -> Iterator[tuple[str, str]]:
    """A text as a day and a time, in either order. A number alone is no time unless "at" is before it."""
    words = said.replace(",", " ").split()
    if len(words) == 1 and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}t[0-9:]+", said):
        words = said.split("t")
    for cut in range(1, min(len(words), 10)):
        before, after = " ".join(words[:cut]), " ".join(words[cut:])
        for day, clock in ((before.removesuffix(" at"), after), (after.removeprefix("on "), before)):
            if not re.fullmatch(r"[0-9]{1,4}", in_figures(clock)) or before.endswith(" at"):
                yield day, clock


def _instant(text: str, now: datetime) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(now.tzinfo) if moment.year in YEARS else None
