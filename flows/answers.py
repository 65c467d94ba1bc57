"""Typed text or a tapped button -> a typed answer, or Rejected(reason)."""

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from flows.questionnaire import Item, ItemType
from flows.values import Coding, Value

LONGEST_TEXT = 4000
"""Characters of a free text when the item sets no maxLength."""

CLOSE = 0.82
"""How alike (difflib ratio, 0 to 1) a misspelled word must be to a word of an option to be taken for it."""


class Reason(StrEnum):
    """Why an answer was not taken; each has a kind sentence of its own."""

    PICK_ONE = "pick_one"
    YES_OR_NO = "yes_or_no"
    WHOLE_NUMBER = "whole_number"
    NUMBER = "number"
    OUT_OF_RANGE = "out_of_range"
    DATE = "date"
    EMPTY = "empty"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Rejected:
    """An answer that cannot be taken. The question stays."""

    reason: Reason


YES = frozenset(["yes", "y", "yeah", "yep", "yup", "yea", "true", "si", "sí"])
NO = frozenset(["no", "n", "nope", "nah", "false"])
NUMBER_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
WORDS = {word: Decimal(number) for number, word in enumerate(NUMBER_WORDS)}
FRACTIONS = {"half": Decimal("0.5"), "a half": Decimal("0.5"), "one half": Decimal("0.5"), "quarter": Decimal("0.25")}
UNITS = (
    frozenset(["mg", "mgs", "milligram", "milligrams"]),
    frozenset(["h", "hr", "hrs", "hour", "hours"]),
    frozenset(["time", "times"]),
    frozenset(["d", "day", "days"]),
)
"""Words for the same unit. A number in another unit is never taken."""
FRACTIONS |= {"a quarter": Decimal("0.25"), "½": Decimal("0.5"), "¼": Decimal("0.25"), "¾": Decimal("0.75")}


def read(item: Item, text: str, *, today: date) -> Value | Rejected:
    """What a typed text answers to a question; `today` is the patient's own date."""
    text = clean(text)
    if not text:
        return Rejected(Reason.EMPTY)
    match item.type:
        case ItemType.BOOLEAN:
            return _yes_or_no(text)
        case ItemType.CHOICE:
            chosen = _option(item, text, misspelled=True)
            return Rejected(Reason.PICK_ONE) if chosen is None else chosen
        case ItemType.OPEN_CHOICE:
            chosen = _option(item, text, misspelled=False)
            return _text(item, text) if chosen is None else chosen
        case ItemType.INTEGER:
            return _within(item, _number(text, item, whole=True), Reason.WHOLE_NUMBER)
        case ItemType.DECIMAL:
            return _within(item, _number(text, item, whole=False), Reason.NUMBER)
        case ItemType.DATE:
            return _within(item, _date(text, today), Reason.DATE)
        case ItemType.STRING | ItemType.TEXT:
            return _text(item, text)
    raise ValueError(f"{item.link_id} is a {item.type}: nobody can answer it")


def choices(item: Item) -> tuple[tuple[Value, str], ...]:
    """The buttons of a question: (value, words on the button)."""
    if item.type is ItemType.BOOLEAN:
        return ((True, "Yes"), (False, "No"))
    return tuple((option.value, option.label) for option in item.options)


def clean(text: str) -> str:
    """Text without lone surrogates and spaces at the ends; control characters become spaces, line breaks stay."""
    categories = ((character, unicodedata.category(character)) for character in text)
    kept = (" " if category == "Cc" and char != "\n" else char for char, category in categories if category != "Cs")
    return "".join(kept).strip()


def plain(text: str) -> str:
    """Text for comparing: compatibility forms folded, lower case, punctuation and doubled spaces gone."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return " ".join(re.sub(r"[^\w\s'+-]", " ", folded).split())


def _yes_or_no(text: str) -> Value | Rejected:
    word = plain(text)
    if word in YES:
        return True
    if word in NO:
        return False
    return Rejected(Reason.YES_OR_NO)


def _option(item: Item, text: str, *, misspelled: bool) -> Value | None:
    """The option that a text means. A misspelled word is forgiven only where a free text would not do."""
    said, labels = plain(text), [plain(option.label) for option in item.options]
    by_number = _option_number(item, said, labels)
    if by_number is not None:
        return item.options[by_number].value
    matchers: tuple[Callable[[str], bool], ...] = (
        lambda label: label == said,
        lambda label: label in {"yes", "no"} and said in (YES if label == "yes" else NO),
        lambda label: len(said) >= 4 and label.startswith(said),
        lambda label: item.type is ItemType.OPEN_CHOICE and len(said) >= 4 and said in label.split(),
    )
    for matches in matchers:
        found = [index for index, label in enumerate(labels) if matches(label)]
        if len(found) == 1:
            return item.options[found[0]].value
    if not misspelled or len(said) < 4 or any(character.isdigit() for character in said):
        return None
    close = [index for index, label in enumerate(labels) if _is_misspelled(said.split(), label.split())]
    return item.options[close[0]].value if len(close) == 1 else None


def _is_misspelled(said: Sequence[str], meant: Sequence[str]) -> bool:
    """Whether two texts are the same but for their spelling, word by word."""
    return len(said) == len(meant) and all(map(_is_like, said, meant))


def _is_like(said: str, meant: str) -> bool:
    """Close, with the same first letter; and neither inside the other: cant is not can, oxazepam not lorazepam."""
    if said == meant:
        return True
    if said[0] != meant[0] or said in meant or meant in said:
        return False
    return difflib.SequenceMatcher(None, said, meant).ratio() >= CLOSE


def _option_number(item: Item, said: str, labels: Sequence[str]) -> int | None:
    """The option that a typed number means, when it can mean only one.

    With ordinal values 0 to 3, "2" could be the second option or the one that scores 2: nobody can tell.
    """
    if not re.fullmatch(r"[0-9]{1,2}", said) or any(re.match(r"\d", label) for label in labels):
        return None
    scored = [option.value.ordinal for option in item.options if isinstance(option.value, Coding)]
    if any(ordinal is not None and ordinal != index for index, ordinal in enumerate(scored, start=1)):
        return None
    return int(said) - 1 if 1 <= int(said) <= len(labels) else None


def _number(text: str, item: Item, *, whole: bool) -> Value | None:
    if any(unicodedata.decomposition(character).startswith(("<super>", "<sub>")) for character in text):
        return None
    apart = re.sub(r"([¼-¾⅐-⅞])", r" \1", text.casefold())
    said = unicodedata.normalize("NFKC", apart).replace("⁄", "/").strip().rstrip(" .!")
    ending = re.fullmatch(r"(.*[^\W_])\s*?(?<![^\W\d_])([^\W\d_]+)", said, re.DOTALL)
    if ending and ending[2] in _units(item):
        said = ending[1]
    value = _decimal(said)
    if value is None or not whole:
        return value
    return int(value) if value == value.to_integral_value() else None


def _units(item: Item) -> Collection[str]:
    """The words that may follow a number: those for the unit, or without a unit, those of the question itself."""
    unit = item.unit.casefold()
    if not unit:
        return plain(item.text).split()
    return next((words for words in UNITS if unit in words), {unit, f"{unit}s"})


def _decimal(said: str) -> Decimal | None:
    if said in WORDS:
        return WORDS[said]
    if said in FRACTIONS:
        return FRACTIONS[said]
    fraction = re.fullmatch(r"(?:([0-9]{1,4})\s+)?([0-9]{1,4})\s*/\s*([1-9][0-9]{0,3})", said)
    if fraction:
        whole, top, bottom = fraction.groups(default="0")
        return round(Decimal(whole) + Decimal(top) / Decimal(bottom), 6)
    if not re.fullmatch(r"[+-]?(?:[0-9]{1,9}(?:[.,][0-9]{0,6})?|[.,][0-9]{1,6})", said) or re.search(
        r",[0-9]{3}$", said
    ):
        return None
    try:
        return Decimal(said.replace(",", "."))
    except InvalidOperation:
        return None


def _date(text: str, today: date) -> date | None:
    said = plain(text)
    if said in {"today", "yesterday"}:
        return today - timedelta(days=said == "yesterday")
    american = re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", text)
    iso = re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", text)
    try:
        if american:
            return date(int(american[3]), int(american[1]), int(american[2]))
        return date(int(iso[1]), int(iso[2]), int(iso[3])) if iso else None
    except ValueError:
        return None


def _text(item: Item, text: str) -> Value | Rejected:
    if len(text) > (item.max_length or LONGEST_TEXT):
        return Rejected(Reason.TOO_LONG)
    return text


def _within(item: Item, value: Value | None, reason: Reason) -> Value | Rejected:
    if value is None:
        return Rejected(reason)
    low, high = item.minimum, item.maximum
    if (low is not None and value < low) or (high is not None and value > high):  # type: ignore[operator]
        return Rejected(Reason.OUT_OF_RANGE)
    return value
