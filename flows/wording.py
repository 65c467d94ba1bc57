"""Text -> words: one spelling of many. Case, accents and disguises go, contractions open, slips are corrected."""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

COMMA, END, ASK, NUMBER = ",", ".", "¿", "#"
"""Marks stand among the words; # stands for any number."""
LONGEST_WORD = 24
_LOOKALIKES = {
    **dict(zip("‘’ʼ`´′", "'" * 6, strict=True)),
    **dict(zip("ıłøđаеорсухіѕјԁһкмтвԛԝ", "ilodaeopcyxisjdhkmtbqw", strict=True)),
    **dict(zip("αορνικτυ", "aopviktu", strict=True)),
    **dict.fromkeys("—–", " - "),
}
_LEET = str.maketrans("013457@$!", "oieastasi")
_TOKEN = re.compile(
    r"""
    (?P<title>(?<![a-z])(?:dr|mr|mrs|ms|sr|sra)\.(?=\ ?[a-z]))
    | (?P<spelled>(?<![a-z0-9'])[a-z](?:[ .\-][a-z]){2,7}(?![a-z0-9']))
    | (?P<word>[a-z](?:[a-z0-9@$*]|[!'](?=[a-z]))*)
    | (?P<number>(?:\d{1,6}(?:[.,/]\d{1,6})?|[.,]\d{1,6}))
    | (?P<dots>\.{2,}(?!\d))
    | (?P<mark>[.!?;]+)
    | (?P<comma>[,\n:()]|(?<=\s)-+(?=\s))
    | (?P<sign>\S)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Words:
    """What all signals share: slots, expansions, misspellings, emoji, and the words worth correcting to."""

    slots: Mapping[str, Sequence[str]]
    expand: Mapping[str, str] = field(default_factory=dict)
    emoji: Mapping[str, str] = field(default_factory=dict)
    protect: frozenset[str] = frozenset()
    leave: frozenset[str] = frozenset()
    walls: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Token:
    """A word, and its place in the text as it was typed."""

    word: str
    span: tuple[int, int]


@lru_cache(maxsize=8192)
def fold(char: str) -> str:
    """One character in its plainest form: no case, no accent, no disguise; controls become spaces."""
    if char in _LOOKALIKES:
        return _LOOKALIKES[char]
    match unicodedata.category(char):
        case "Mn" | "Me" | "Cf":
            return ""
        case "Cc" | "Cs" | "Zl" | "Zp":
            return "\n" if char in "\n\r\u2028\u2029" else " "
    plain = unicodedata.normalize("NFKD", char).casefold()
    return "".join(_LOOKALIKES.get(part, part) for part in plain if not unicodedata.combining(part))


def _near(word: str, other: str, most: int) -> bool:
    """Whether at most so many slips (a letter more, less, wrong, or two swapped) make one word the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        before, last, row = row, before, [i]
        for j, target in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != target))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == target:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return False
    return row[-1] <= most


def _without(word: str, slips: int) -> Iterator[str]:
    """The word with up to so many letters left out."""
    for count in range(slips + 1):
        for gone in itertools.combinations(range(len(word)), count):
            yield "".join(letter for place, letter in enumerate(word) if place not in gone)


def _slips(word: str) -> int:
    return 2 if len(word) >= 8 else 1


class Reader:
    """Turns a text into words the phrases know: contractions opened, slips corrected, emoji named."""

    def __init__(self, words: Words, vocabulary: Iterable[str]) -> None:
        self._expand = {key: tuple(value.split()) for key, value in words.expand.items()}
        self._emoji = {"".join(map(fold, key)): tuple(value.split()) for key, value in words.emoji.items()}
        opened = itertools.chain.from_iterable(self._expand.values())
        self._known = frozenset((*vocabulary, *opened, *self._expand, *words.leave, *words.protect))
        self._protected: dict[str, list[str]] = {}
        for word in sorted(words.protect):
            for part in set(_without(word, _slips(word))):
                self._protected.setdefault(part, []).append(word)

    def read(self, text: str) -> list[Token]:
        """The words of a text, with their place in it."""
        pieces = list(text.lower()) if text.isascii() else [fold(char) for char in text]
        folded = "".join(pieces)
        places = [place for place, piece in enumerate(pieces) for _ in piece]
        return [
            Token(word, (places[found.start()], places[found.end() - 1] + 1))
            for found in _TOKEN.finditer(folded)
            for word in self._words(found.lastgroup or "", found.group())
        ]

    def _words(self, kind: str, piece: str) -> tuple[str, ...]:
        match kind:
            case "word":
                return self.word(piece)
            case "spelled":
                joined = re.sub(r"[^a-z]", "", piece)
                return self.word(joined) if joined in self._known else tuple(re.findall("[a-z]", piece))
            case "title":
                return (piece.rstrip("."),)
            case "mark":
                return (ASK if "?" in piece else END,)
            case "comma" | "dots":
                return (COMMA,)
            case "sign":
                return (piece,) if piece == "%" else self._emoji.get(piece, ())
        return (piece,)

    def word(self, piece: str) -> tuple[str, ...]:
        """One written word as the words it stands for."""
        if piece in self._expand:
            return self._expand[piece]
        plain = piece.replace("'", "")
        if plain.isalpha():
            return self._spell(plain) or (plain,)
        for disguised in (plain.translate(_LEET).replace("*", ""), plain.replace("*", "")):
            if disguised.isalpha() and (meant := self._spell(disguised)):
                return meant
        return tuple(re.findall(r"[a-z]+|\d+", plain))

    def _spell(self, word: str) -> tuple[str, ...]:
        """The known words this one stands for, or nothing."""
        for spelling in (word, re.sub(r"(.)\1{2,}", r"\1\1", word), re.sub(r"(.)\1{2,}", r"\1", word)):
            if spelling in self._expand:
                return self._expand[spelling]
            if spelling in self._known:
                return (spelling,)
            if spelling.endswith("s") and spelling[:-1] in self._known:
                return (spelling,)
            if spelling.endswith("in") and spelling + "g" in self._known:
                return (spelling + "g",)
        if not 5 <= len(word) <= LONGEST_WORD:
            return ()
        for part in _without(word, _slips(word)):
            for candidate in self._protected.get(part, ()):
                if _near(word, candidate, _slips(candidate)):
                    return (candidate,)
        return ()
