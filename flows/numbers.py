"""Numbers and their units as people type them: two, 1 1/2, half, 0,5 mg."""

import re
from collections.abc import Collection
from decimal import Decimal

from flows.values import Coding


def numbered(words: str, start: int = 0) -> dict[str, int]:
    """Each word with its number, counted from `start`."""
    return {word: number for number, word in enumerate(words.split(), start)}


_ONES = numbered(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = {
    word: 10 * number for word, number in numbered("twenty thirty forty fifty sixty seventy eighty ninety", 2).items()
}
NUMBER_WORDS = {
    **_ONES,
    **_TENS,
    **{
        f"{ten}{between}{one}": _TENS[ten] + _ONES[one]
        for ten in _TENS
        for between in (" ", "-")
        for one in list(_ONES)[1:10]
    },
}
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(sorted(NUMBER_WORDS, key=len, reverse=True))})\b")

_HALF = {"half": Decimal("0.5"), "quarter": Decimal("0.25")}
_FRACTION_WORDS = {
    **{f"{article}{word}": part for word, part in _HALF.items() for article in ("", "a ", "1 ")},
    "3 quarters": Decimal("0.75"),
}
UNITS = tuple(
    frozenset(words.split())
    for words in (
        "mg mgs milligram milligrams",
        "ug µg μg mcg mcgs microgram micrograms",
        "g gm gram grams",
        "kg kgs kilo kilos kilogram kilograms",
        "lb lbs pound pounds [lb_av]",
        "cm cms centimeter centimeters centimetre centimetres",
        "ml mls milliliter milliliters millilitre millilitres",
        "min mins minute minutes",
        "h hr hrs hour hours",
        "d day days",
        "wk wks week weeks",
        "mo month months",
        "yr yrs year years a",
        "time times",
    )
)
"""Words for the same unit. A number in another unit is never taken."""


def number_and_word(said: str) -> tuple[Decimal | None, str]:
    """A number and the one or two words of its unit, whatever they are."""
    words = re.sub(r"(?<=[0-9])(?=[^\W\d_]|%)", " ", said).split()
    for size in (1, 2):
        unit = words[-size:]
        number = number_of(" ".join(words[:-size]))
        if number is not None and not _JOINS & set(unit) and all(map(_UNIT_WORD.fullmatch, unit)):
            return number, " ".join(unit)
    return None, ""


_UNIT_WORD = re.compile(r"[^\W\d_][^\s\d]{0,19}[23]?|%")
_JOINS = frozenset(["or", "to", "and", "plus", "minus", "point", "times", "x", "a", "an", "of", "hundred", "thousand"])
"""Words that go on with a number, so they are no unit."""


def unit_words(*units: Coding) -> Collection[str]:
    """The words for any of these units."""
    said = {word.casefold() for unit in units for word in (unit.display, unit.code) if word}
    return said | {f"{word}s" for word in said} | {word for words in UNITS if words & said for word in words}


def without_unit(said: str, words: Collection[str]) -> str:
    """What comes before the unit, or all when none of these words ends it."""
    for word in sorted(words, key=len, reverse=True):
        number = said.removesuffix(word)
        if number != said and not (number[-1:].isalpha() and word[0].isalpha()):
            return number.strip()
    return said


def places(number: Decimal) -> int:
    """The digits after the point."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def number_of(said: str) -> Decimal | None:
    """A number in figures or words. None for what could be another one, such as 1,000 or 5-10."""
    said = in_figures(said).replace("⁄", "/")
    if said in _FRACTION_WORDS:
        return _FRACTION_WORDS[said]
    if hundred := re.fullmatch(r"(a|[1-9]) hundred(?:(?: and)? ([1-9][0-9]?))?", said):
        return Decimal(100 * (1 if hundred[1] == "a" else int(hundred[1])) + int(hundred[2] or 0))
    if mixed := re.fullmatch(r"([0-9]{1,4}) and (\D.*|1 half|1 quarter|3 quarters)", said):
        part = _FRACTION_WORDS.get(mixed[2])
        return None if part is None else Decimal(mixed[1]) + part
    if fraction := re.fullmatch(r"(?:([0-9]{1,4})(?: and)? )?([0-9]{1,4}) ?/ ?([1-9][0-9]{0,3})", said):
        whole, top, bottom = fraction.groups(default="0")
        return round(Decimal(whole) + Decimal(top) / Decimal(bottom), 6)
    if not re.fullmatch(r"[+-]?(?:[0-9]{1,9}(?:[.,][0-9]{0,6})?|[.,][0-9]{1,6})", said):
        return None
    return None if re.search(r",[0-9]{3}$", said) else Decimal(said.replace(",", ".")) + 0


def in_figures(said: str) -> str:
    """Two -> 2, twenty-five -> 25."""
    return _NUMBER_WORD.sub(lambda found: str(NUMBER_WORDS[found[0]]), said)
