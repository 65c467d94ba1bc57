"""Names as people type them, misspelled or with a dose beside them -> the one thing that a text names, or may name."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

LONGEST = 150
"""Characters of a text in which a name is looked for; what is longer tells more than a name."""

CLOSE = 0.78
"""How alike (0 to 1, in letters or in letters and sound) a misspelled name must be to a name to be taken for it."""

AHEAD = 0.04
"""How much more alike the best name must be than that of any other thing: between two that look alike none is taken."""

SHORTEST = 5
"""Letters of a word that can be a misspelled name, or the beginning of one: shorter words are like too many others."""

WIDEST = 6
"""Words of a text that are tried as one name: people write k pins and kpins."""

MOST_WORDS = 4
"""Words beside doses and the like among which a misspelled name is looked for."""

BESIDE = frozenset(
    {
        *("a", "about", "am", "an", "and", "as", "at", "bedtime", "bid", "brand", "called", "cap", "caps"),
        *("capsule", "capsules", "cd", "cr", "currently", "daily", "day", "days", "dose", "each", "er"),
        *("evening", "every", "extended", "for", "generic", "h", "half", "hour", "hours", "hr", "hrs", "hs"),
        *("i", "im", "in", "ir", "is", "it", "its", "just", "la", "mcg", "med", "medication", "medicine"),
        *("meds", "mg", "mgs", "milligram", "milligrams", "ml", "morning", "my", "name", "needed", "night"),
        *("nightly", "now", "od", "odt", "of", "on", "once", "one", "only", "per", "pill", "pills", "pm"),
        *("prescribed", "prescription", "prn", "qam", "qd", "qhs", "qid", "quarter", "regular", "release"),
        *("rx", "s", "some", "sr", "tab", "tablet", "tablets", "tabs", "take", "taken", "taking", "the"),
        *("thing", "three", "tid", "time", "times", "to", "total", "twice", "two", "u", "ug", "use", "using"),
        *("week", "weekly", "with", "x", "xl", "xr"),
    }
)
"""Words beside a name that do not change what is named."""

DENYING = frozenset(
    {
        *("allergic", "but", "didnt", "doesnt", "dont", "except", "havent", "instead", "isnt", "neither"),
        *("never", "no", "non", "none", "nope", "not", "nothing", "off", "other", "quit", "stop", "stopped"),
        *("unlike", "unsure", "without"),
    }
)
"""Words with which a text names what it does not mean."""

ANOTHER = -1
"""Stands for all things that are known by name and are not among those that can be meant."""


@dataclass(frozen=True, slots=True)
class Found:
    """Which thing a text names, by its number. Unless that is certain it must be asked back."""

    number: int
    is_certain: bool


class Names:
    """The names of some things, and the names of `others`: whoever types one of those means none of these things."""

    def __init__(self, called: Sequence[Iterable[str]], others: Iterable[str] = ()) -> None:
        meant: dict[str, set[int]] = {}
        for number, names in [*enumerate(called), (ANOTHER, others)]:
            for name in names:
                meant.setdefault(together(name), set()).add(number)
        meant.pop("", None)
        self._meant = {name: frozenset(numbers) for name, numbers in meant.items()}
        self._names = list(self._meant)
        self._sounds = [_sound(name) for name in self._names]

    def find(self, text: str) -> Found | None:
        """The thing that a text names; None when it names none, several, or another one."""
        if len(text) > LONGEST:
            return None
        words = _words(text)
        named, rest = self._exact(words)
        unknown = [word for word in rest if not word.isdecimal() and word not in BESIDE]
        if DENYING & set(unknown):
            return None
        if named:
            return _one(named, is_certain=not unknown)
        return self._close(unknown) if 0 < len(unknown) <= MOST_WORDS else None

    def _exact(self, words: Sequence[str]) -> tuple[frozenset[int], Sequence[str]]:
        """The things that words name to the letter, the longest names first; and the words that are left."""
        named, rest, start = frozenset[int](), [], 0
        while start < len(words):
            for end in range(min(len(words), start + WIDEST), start, -1):
                numbers = self._meant.get("".join(words[start:end]))
                if numbers is not None:
                    named, start = named | numbers, end
                    break
            else:
                rest.append(words[start])
                start += 1
        return named, rest

    def _close(self, words: Sequence[str]) -> Found | None:
        """The thing whose name is most like one of the words, or all of them together; None when two come near."""
        tried = {word for word in (*words, "".join(words)) if len(word) >= SHORTEST}
        alike: dict[int, float] = {ANOTHER: 0.0}
        for word in tried:
            for name, likeness in self._like(word):
                for number in self._meant[name]:
                    alike[number] = max(alike.get(number, 0.0), likeness)
        best = max(alike, key=alike.__getitem__)
        highest = alike.pop(best)
        if highest >= CLOSE and all(highest - other >= AHEAD for other in alike.values()):
            return _one(frozenset([best]), is_certain=False)
        begun = [name for word in tried for name in self._names if name.startswith(word)]
        return _one(frozenset().union(*(self._meant[name] for name in begun)), is_certain=False)

    def _like(self, word: str) -> Iterator[tuple[str, float]]:
        """Names that are like a word, and how much."""
        sound = _sound(word)
        alike = OSA.normalized_similarity
        near = {at for _, _, at in process.extract(word, self._names, scorer=alike, score_cutoff=CLOSE - 0.2, limit=9)}
        near |= {at for _, _, at in process.extract(sound, self._sounds, scorer=alike, score_cutoff=CLOSE, limit=9)}
        for at in near:
            if self._sounds[at][:1] == sound[:1]:
                letters, sounds = alike(word, self._names[at]), alike(sound, self._sounds[at])
                yield self._names[at], max(letters, (letters + sounds) / 2)


def together(name: str) -> str:
    """The letters and digits of a name in lower case, run together: K-Pins -> kpins."""
    return "".join(_words(name))


def _one(numbers: frozenset[int], *, is_certain: bool) -> Found | None:
    if len(numbers) != 1:
        return None
    (number,) = numbers
    return None if number == ANOTHER else Found(number, is_certain)


def _words(text: str) -> Sequence[str]:
    """Words and numbers in lower case, without accents and apostrophes: Klonopín 1mg -> klonopin, 1, mg."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[^\W\d_]+|\d+", re.sub(r"[\u0300-\u036f'’]", "", plain))


_SPELLED = (
    ("ph", "f"),
    (r"^x", "s"),
    ("x", "ks"),
    ("c(?=[eiy])|z", "s"),
    ("[cqk]+", "k"),
    ("(?<=.)h", ""),
    ("[aeiouy]+", "a"),
    (r"(.)\1+", r"\1"),
)
"""How one sound is spelled in several ways; all vowels sound the same to somebody who spells by ear."""


@lru_cache(maxsize=4096)  # the same names stand in several lists
def _sound(word: str) -> str:
    """A word by its sound, roughly: zanex and xanax, clonopin and klonopin sound alike."""
    for spelled, sound in _SPELLED:
        word = re.sub(spelled, sound, word)
    return word
