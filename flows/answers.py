"""Typed text -> the values it answers, a guess to be confirmed, or Rejected(reason)."""

import difflib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache, lru_cache

import regex  # type: ignore[import-untyped]

from flows.conditions import order
from flows.items import CHOICES, NUMBERS, Item, ItemType, Option
from flows.moments import clock_of, date_time_of, day_of
from flows.names import Names
from flows.numbers import number_and_word, number_of, places, unit_words, without_unit
from flows.values import Coding, Guess, Quantity, Value, Values, spoken

LONGEST_TEXT = 4000
"""Characters of a free text when the item sets no maxLength."""

LONGEST_SAID = 100
"""Characters of a typed number, date, time or list of options; what is longer is something else."""

CLOSE = 0.82
"""How alike (difflib ratio, 0 to 1) a misspelled word must be to a word of an option to be taken for it."""

MOST_PARTS = 5
"""Parts of a list, with what stands between them, that are tried as one name: a name may hold an "and"."""

LARGEST = 2**31 - 1
"""The largest whole number that FHIR's integer holds."""

PATTERN_SECONDS = 0.05
"""How long an author's regular expression may take: some never end."""


class Reason(StrEnum):
    """Why an answer was not taken; each has a kind sentence of its own."""

    PICK_ONE = "pick_one"
    PICK_SOME = "pick_some"
    YES_OR_NO = "yes_or_no"
    WHOLE_NUMBER = "whole_number"
    NUMBER = "number"
    OUT_OF_RANGE = "out_of_range"
    DATE = "date"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    PATTERN = "pattern"
    DECIMALS = "decimals"
    UNIT = "unit"
    TIME = "time"
    DATE_TIME = "date_time"
    LINK = "link"
    TOO_FEW = "too_few"
    TOO_MANY = "too_many"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Rejected:
    """An answer that cannot be taken. The question stays."""

    reason: Reason


YES = frozenset(["yes", "y", "yeah", "yep", "yup", "yea", "true", "si", "sí"])
NO = frozenset(["no", "n", "nope", "nah", "false"])


_HEDGED = re.compile(
    r"(?:about|around|roughly|approx(?:imately)?\.?|maybe|perhaps|probably|almost|nearly|like|i think|i guess|[~≈])"
    r"\s*(.+)"
    r"|(.+?)(?:[ -]?ish|,? (?:or so|i think|i guess|maybe|probably|more or less|give or take|roughly|approximately))"
)
_SEPARATOR = re.compile(r"(\s*(?:[,;&+]|\band\b)\s*)", re.IGNORECASE)


def read(item: Item, text: str, *, now: datetime) -> Values | Guess | Rejected:
    """What a typed text answers to a question: values, what it may mean, or why it is no answer.

    One value, or for `item.takes_several` one or more. `now` is aware, in the patient's own zone.
    """
    text = clean(text)
    if not visible(text):
        return Rejected(Reason.EMPTY)
    if item.type in CHOICES or (item.options and item.type is not ItemType.BOOLEAN):
        return _choose(item, text, now)
    found = _value(item, text, now)
    return found if isinstance(found, Guess | Rejected) else (found,)


def choices(item: Item) -> tuple[tuple[Value, str], ...]:
    """The buttons of a question: (value, words on the button). A group asks whether there is one."""
    if item.type in {ItemType.BOOLEAN, ItemType.GROUP}:
        return ((True, "Yes"), (False, "No"))
    return tuple((option.value, option.label) for option in item.suggested)


def clean(text: str) -> str:
    """Text without lone surrogates and spaces at the ends; control characters become spaces, line breaks stay."""
    if text.isprintable():
        return text.strip()
    categories = ((character, unicodedata.category(character)) for character in text)
    kept = (" " if category == "Cc" and char != "\n" else char for char, category in categories if category != "Cs")
    return "".join(kept).strip()


def plain(text: str) -> str:
    """Text for comparing: compatibility forms folded, lower case, punctuation and doubled spaces gone."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return " ".join(re.sub(r"[^\w\s'+-]", " ", folded).split())


def visible(text: str) -> str:
    """Text without what has no shape, such as right-to-left marks."""
    if text.isascii():
        return text.strip()
    return "".join(character for character in text if unicodedata.category(character) != "Cf").strip()


def _value(item: Item, text: str, now: datetime) -> Value | Guess | Rejected:
    match item.type:
        case ItemType.BOOLEAN | ItemType.GROUP:
            return _yes_or_no(text)
        case ItemType.STRING | ItemType.TEXT | ItemType.OPEN_CHOICE:
            return _text(item, text)
        case ItemType.URL:
            return _link(item, text)
        case ItemType.DISPLAY:
            raise ValueError(f"{item.link_id} is a {item.type}: nobody can answer it")
    reason, reader = _READERS[item.type]
    said = _folded(text)
    if said is None:
        return Rejected(reason)
    found = reader(item, said, now)
    if found is None and (hedged := _unhedged(item, said)) is not None:
        found = reader(item, hedged, now)
        if found is not None and not isinstance(found, Guess | Rejected):
            found = Guess(found)
    return Rejected(reason) if found is None else _within(item, found)


def _unhedged(item: Item, said: str) -> str | None:
    """What somebody says who is not sure: "about 3" -> 3."""
    if item.type in NUMBERS and said in {"none", "nothing"}:
        return "0"
    if item.type in NUMBERS and said.startswith("a couple"):
        return re.sub(r"a couple(?: of)?", "2", said, count=1)
    hedged = _HEDGED.fullmatch(said)
    return hedged[1] or hedged[2] if hedged else None


def _folded(text: str) -> str | None:
    """What was said of a number, a date or a time, in lower case; None when its characters could mislead.

    Superscripts are not folded: 5² is not 52. Digits of other scripts are not read.
    """
    said = re.sub(r"([¼-¾⅐-⅞])", r" \1", visible(text))
    if len(said) > LONGEST_SAID or any(map(_misleads, re.sub(r"(?<=[^\W\d_])[²³]", "", said))):
        return None  # but m² is a unit
    said = unicodedata.normalize("NFKC", said).casefold().replace("−", "-").replace("’", "'")
    return " ".join(said.split()).rstrip(" .!") or None


def _misleads(character: str) -> bool:
    if character.isascii() or not character.isnumeric():
        return False
    return not unicodedata.decomposition(character).startswith(("<wide>", "<fraction>"))


def _yes_or_no(text: str) -> Value | Rejected:
    word = plain(text)
    if word in YES:
        return True
    return False if word in NO else Rejected(Reason.YES_OR_NO)


# Options


def _choose(item: Item, text: str, now: datetime) -> Values | Guess | Rejected:
    if item.autocomplete:
        return _searched(item, text)
    names = [_names(option.label, spoken(option.value)) for option in item.options]
    found = _option(item, names, text)
    if found is None and item.type not in CHOICES:
        found = _offered(item, text, now)
    if found is not None:
        return found if isinstance(found, Guess) else (found,)
    parts = _SEPARATOR.split(" ".join(text.replace("\n", ";").split()))
    if item.takes_several and len(parts) > 1:
        chosen = _several(item, names, parts)
        own_words = item.type is ItemType.OPEN_CHOICE and not any(_option(item, names, part) for part in parts[::2])
        if chosen or not own_words:
            return chosen or Rejected(Reason.PICK_SOME)
    return _own_words(item, text)


def _own_words(item: Item, text: str) -> Values | Rejected:
    """What is none of the options, where that will do."""
    if item.type is ItemType.OPEN_CHOICE:
        written = _text(item, text)
        return written if isinstance(written, Rejected) else (written,)
    return Rejected(Reason.PICK_SOME if item.takes_several else Reason.PICK_ONE)


# Options that are found by typing one of their names


def _searched(item: Item, text: str) -> Values | Guess | Rejected:
    """The options that a text names. A name that is only close is a guess; what is no name is own words."""
    found = _named(item, text)
    if found is not None and not isinstance(found, Guess):
        return (found,)
    parts = _SEPARATOR.split(" ".join(text.replace("\n", ";").split()))
    if item.takes_several and len(parts) > 1 and (listed := _all_named(item, parts)):
        return listed
    own = _own_words(item, text)
    if found is None:
        return own
    return found if isinstance(own, Rejected) else replace(found, otherwise=own[0])


def _all_named(item: Item, parts: Sequence[str]) -> Values | Rejected:
    """The options that a list names, and what else it holds as own words; empty when no part of it names one.

    A name that is only close must be said alone, so that it can be asked back.
    """
    values: list[Value] = []
    named = False
    start = 0
    while start < len(parts):
        found, end = _first_named(item, parts, start)
        if isinstance(found, Guess):
            return Rejected(Reason.PICK_SOME)
        said = "".join(parts[start:end])
        if found is None and said.strip():
            own = _own_words(item, said)
            if isinstance(own, Rejected):
                return own
            found = own[0]
        elif found is not None:
            named = True
        values += [] if found is None or found in values else [found]
        start = end + 1
    return tuple(values) if named else ()


def _first_named(item: Item, parts: Sequence[str], start: int) -> tuple[Value | Guess | None, int]:
    """What the longest name at the start of a list stands for, and where it ends."""
    for end in range(min(len(parts), start + MOST_PARTS), start, -2):
        found = _named(item, "".join(parts[start:end]))
        if found is not None and (end == start + 1 or not isinstance(found, Guess)):
            return found, end
    return None, start + 1


def _named(item: Item, text: str) -> Value | Guess | None:
    """The option that a text names, or may name."""
    found = _names_of(item.options, item.others).find(text)
    if found is None:
        said = plain(text)
        names = [_names(option.label, spoken(option.value)) for option in item.suggested]
        return _option_number(item, said, names)
    value = item.options[found.number].value
    return value if found.is_certain else Guess(value)


@lru_cache(maxsize=64)
def _names_of(options: tuple[Option, ...], others: tuple[str, ...]) -> Names:
    return Names([(option.label, spoken(option.value), *option.also) for option in options], others)


def _several(item: Item, names: Sequence[tuple[str, ...]], parts: Sequence[str]) -> Values:
    """The options that a list names, the longest first: a label may hold an "and". Empty unless every part is one."""
    widest = max(len(_SEPARATOR.split(option.label)) for option in item.options)
    values: list[Value] = []
    start = 0
    while start < len(parts):
        if not parts[start].strip():  # between two separators, such as ", and"
            start += 2
            continue
        for end in range(min(len(parts), start + widest), start, -2):
            found = _option(item, names, "".join(parts[start:end]))
            if found is not None and not isinstance(found, Guess):
                break
        else:
            return ()
        values += [] if found in values else [found]
        start = end + 1
    return tuple(values)


def _offered(item: Item, text: str, now: datetime) -> Value | Guess | None:
    """The option that a text means when it is read as a date, a number or the like."""
    found = _value(item, text, now)
    value = found.value if isinstance(found, Guess) else found
    offered = any(option.value == value for option in item.options)
    return found if offered and not isinstance(found, Rejected) else None


@lru_cache(maxsize=4096)
def _names(label: str, words: str) -> tuple[str, ...]:
    """What an option can be called: its label, and of one with a prefix, such as "a) Never", each of the two."""
    prefix = label.removesuffix(words).strip()
    both = (words, prefix) if label.endswith(words) and prefix else ()
    return tuple(name for name in map(plain, (label, *both)) if name)


def _option(item: Item, names: Sequence[tuple[str, ...]], text: str) -> Value | Guess | None:
    """The option that a text means. A misspelled word is forgiven only where a free text would not do."""
    said = plain(text)
    if not said:
        return None
    open_choice = item.type is ItemType.OPEN_CHOICE
    matchers: tuple[Callable[[str], bool], ...] = (
        lambda name: name == said,
        lambda name: name in {"yes", "no"} and said in (YES if name == "yes" else NO),
        lambda name: len(said) >= 4 and name.startswith(said),
        lambda name: open_choice and len(said) >= 4 and said in name.split(),
    )
    for matches in matchers:
        found = [index for index, called in enumerate(names) if any(map(matches, called))]
        if len(found) == 1:
            return item.options[found[0]].value
    by_number = _option_number(item, said, names)
    if by_number is not None:
        return by_number
    for word, meant in (("yes", YES), ("no", NO)):  # to "Yes, as agreed" a yes may mean more, or less
        found = [index for index, called in enumerate(names) if any(name.split()[:1] == [word] for name in called)]
        if said in meant and len(found) == 1:
            return Guess(item.options[found[0]].value)
    if open_choice or len(said) < 4 or any(character.isdigit() for character in said):
        return None
    words, is_like = said.split(), cache(_is_like)
    close = [
        index
        for index, called in enumerate(names)
        if any(len(words) == len(meant) and all(map(is_like, words, meant)) for meant in map(str.split, called))
    ]
    return item.options[close[0]].value if len(close) == 1 else None


def _is_like(said: str, meant: str) -> bool:
    """Whether a word is another one misspelled: close, and with the same first letter.

    And neither inside the other: cant is not can, oxazepam not lorazepam.
    """
    if said == meant:
        return True
    if said[0] != meant[0] or said in meant or meant in said:
        return False
    alike = difflib.SequenceMatcher(None, said, meant)
    return alike.real_quick_ratio() >= CLOSE and alike.ratio() >= CLOSE


def _option_number(item: Item, said: str, names: Sequence[tuple[str, ...]]) -> Value | Guess | None:
    """The option of a typed number.

    With ordinal values 0 to 3, "2" could be the second option or the one that scores 2: a guess.
    """
    if not re.fullmatch(r"[0-9]{1,2}", said) or any(re.match(r"\d", name) for called in names for name in called):
        return None
    if not 1 <= int(said) <= len(names):
        return None
    value = item.options[int(said) - 1].value
    scored = [option.value.ordinal for option in item.options if isinstance(option.value, Coding)]
    is_certain = all(ordinal is None or ordinal == index for index, ordinal in enumerate(scored, start=1))
    return value if is_certain else Guess(value)


# Numbers


def _whole(item: Item, said: str, now: datetime) -> Value | Guess | Rejected | None:
    found = _decimal(item, said, now)
    if isinstance(found, Rejected):
        return Rejected(Reason.WHOLE_NUMBER)
    value = found.value if isinstance(found, Guess) else found
    if not isinstance(value, Decimal) or value != value.to_integral_value() or abs(value) > LARGEST:
        return None
    return Guess(int(value)) if isinstance(found, Guess) else int(value)


def _decimal(item: Item, said: str, now: datetime) -> Value | Guess | Rejected | None:
    words = unit_words(*item.units) if item.units else frozenset(plain(item.text).split())
    number = number_of(without_unit(said, words))
    if number is None or item.decimal_places is None or places(number) <= item.decimal_places:
        return number
    return number if item.type is ItemType.INTEGER else Rejected(Reason.DECIMALS)


def _quantity(item: Item, said: str, now: datetime) -> Value | Rejected | None:
    """A number with its unit; without units in the item, with whatever short word is said."""
    number, unit, word = number_of(said), None, ""
    if number is None:
        for unit in item.units:
            number = number_of(without_unit(said, unit_words(unit)))
            if number is not None:
                break
        else:
            number, word = number_and_word(said)
            if number is None:
                return None
            if item.units:
                return Rejected(Reason.UNIT)
    elif len(item.units) > 1:
        return Rejected(Reason.UNIT)
    elif item.units:
        unit = item.units[0]
    if item.decimal_places is not None and places(number) > item.decimal_places:
        return Rejected(Reason.DECIMALS)
    if unit is None:
        return Quantity(number, word)
    return Quantity(number, unit.display or unit.code, (unit.code or None) if unit.system else None, unit.system)


_Reader = Callable[[Item, str, datetime], Value | Guess | Rejected | None]
_READERS: dict[ItemType, tuple[Reason, _Reader]] = {
    ItemType.INTEGER: (Reason.WHOLE_NUMBER, _whole),
    ItemType.DECIMAL: (Reason.NUMBER, _decimal),
    ItemType.QUANTITY: (Reason.NUMBER, _quantity),
    ItemType.DATE: (Reason.DATE, day_of),
    ItemType.TIME: (Reason.TIME, clock_of),
    ItemType.DATE_TIME: (Reason.DATE_TIME, date_time_of),
}

# Texts

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(\S+)", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}(?::[0-9]{1,5})?(?:[/?#]\S*)?", re.IGNORECASE
)
OPAQUE_SCHEMES = frozenset(["urn", "mailto", "tel", "sms"])
"""Schemes of addresses without a host."""
REFUSED_SCHEMES = frozenset(["javascript", "vbscript", "data", "file"])
"""Schemes that would run or read something where somebody follows the link."""


def _text(item: Item, text: str) -> Value | Rejected:
    if item.type is not ItemType.TEXT:
        text = " ".join(filter(None, map(str.strip, text.splitlines())))
    if len(text) > (item.max_length or LONGEST_TEXT):
        return Rejected(Reason.TOO_LONG)
    if len(text) < (item.min_length or 0):
        return Rejected(Reason.TOO_SHORT)
    return text if item.pattern is None or _fits(item.pattern, text) else Rejected(Reason.PATTERN)


def _fits(pattern: str, text: str) -> bool:
    """Whether a pattern of the form's author matches all of a text, in the time it has."""
    try:
        return regex.fullmatch(pattern, text, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        return False


def _link(item: Item, text: str) -> Value | Guess | Rejected:
    checked = _text(item, text)
    if isinstance(checked, Rejected):
        return checked
    if visible(text) != text:
        return Rejected(Reason.LINK)  # it would not lead where it seems to
    if _DOMAIN.fullmatch(text):
        return Guess(f"https://{text}")
    found = _SCHEME.fullmatch(text)
    scheme = found[1].casefold() if found else ""
    if not found or scheme in REFUSED_SCHEMES:
        return Rejected(Reason.LINK)
    has_host = re.match(r"//[^/?#\s]", found[2])
    return text if has_host or (scheme in OPAQUE_SCHEMES and not found[2].startswith("/")) else Rejected(Reason.LINK)


def _within(item: Item, found: Value | Guess | Rejected) -> Value | Guess | Rejected:
    """What was found, if it is within the limits of the item. Two units that cannot be compared set no limit."""
    if isinstance(found, Rejected):
        return found
    value = found.value if isinstance(found, Guess) else found
    for limit, sign in ((item.minimum, 1), (item.maximum, -1)):
        if limit is not None and order(value, limit) == -sign:
            return Rejected(Reason.OUT_OF_RANGE)
    if item.type in NUMBERS and item.max_length is not None and len(_figures(value)) > item.max_length:
        return Rejected(Reason.TOO_LONG)
    return found


def _figures(value: Value) -> str:
    return spoken(replace(value, unit="", code=None) if isinstance(value, Quantity) else value)
