"""What free text means: crisis, medical emergency, stopped suddenly, taper question, a person, stop.

Folding makes one spelling of many, a lattice marks where the clinic's words and slots lie, and all phrases of a signal
are read together as one trie, each state at most once a token: the work grows with the text, never faster.
Harmless phrases (negations, idioms) are read first and struck out; what is left is listened to: for phrases, and for
likeness to the examples, by a linear model over words and pieces of words. tests/train_listener.py teaches it; its
weights ship with the phrases.
"""

import itertools
import json
import re
import unicodedata
from base64 import b85decode
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from copy import copy
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from math import sqrt
from pathlib import PurePosixPath
from typing import Any
from zlib import crc32

from flows import plain_yaml
from flows.errors import TaperlineError


class Signal(StrEnum):
    """What may be heard in a text, the most pressing first."""

    CRISIS = "crisis"
    MEDICAL = "medical"
    ABRUPT = "abrupt"
    TAPER = "taper"
    HUMAN = "human"
    STOP = "stop"


class PhraseError(TaperlineError, ValueError):
    """A phrase file cannot be used; the message names the file and the entry."""


@dataclass(frozen=True)
class Phrase:
    """One thing a patient may mean, the patterns that say it, and examples on both sides."""

    id: str
    say: tuple[str, ...]
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()


@dataclass(frozen=True)
class PhraseBook:
    """The phrases of one signal, and the harmless ones that only look like it.

    What sounds like the examples by more than `likeness` is heard too.
    """

    phrases: tuple[Phrase, ...]
    harmless: tuple[Phrase, ...] = ()
    likeness: float | None = None


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
class Heard:
    """A signal, the phrase and pattern that gave it, and where: offsets into the text as it was typed."""

    signal: Signal
    phrase: str
    pattern: str
    span: tuple[int, int]


@dataclass(frozen=True)
class Weights:
    """What the examples of one signal taught: how much each trait of a text speaks for it, and where zero lies.

    A trait is found by its place (see `place`); the weights are signed bytes, `unit` is what one step of them is worth.
    """

    bias: float
    unit: float
    steps: bytes

    def score(self, places: Set[int]) -> float:
        """Above zero when a text with the traits at these places sounds like the signal."""
        total = sum([_SIGNED[self.steps[at]] for at in places])
        return self.bias + self.unit * total / traits_size(len(places))

    def telling(self, words: Iterable[str]) -> str:
        """The words that say most."""
        weight = {word: _SIGNED[self.steps[place(word)]] for word in words}
        return " + ".join(sorted(weight, key=lambda word: (-weight[word], word))[:3])


LONGEST = 8192
"""Characters that are heard at the most, twice the length of a Telegram message."""

COMMA, END, ASK, NUMBER = ",", ".", "¿", "#"
_BREAKS = frozenset((END, ASK))
_PAUSES = frozenset((END, COMMA))
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
_PIECE = re.compile(
    r"(?P<words>\([^|(){}?$^~.]+(?:\|[^|(){}?$^~.]+)+\))|(?P<open>\()|(?P<close>\))|(?P<bar>\|)|(?P<gap>\.\.|~)(?P<reach>\d+)|(?P<word>[^\s()|?$]+|\$)|(?P<maybe>\?)"
)
_LONGEST_WORD = 24
_FEWEST_WORDS = 3
"""A text of fewer words is heard by its phrases alone: likeness would guess."""
_WINDOW = 14
"""Words that are weighed together where a sentence has no end, as in speech typed by a machine."""
PLACES = 1 << 16
_SIGNED: Sequence[int] = [*range(128), *range(-128, 0)]
_MOST_WORDINGS, _MOST_VARIANTS = 20_000, 500


@dataclass(frozen=True)
class _Token:
    word: str
    span: tuple[int, int]


@dataclass(frozen=True)
class _Gap:
    """Up to so many words of any kind; only a crossing gap passes the end of a sentence."""

    reach: int
    crossing: bool


@dataclass(frozen=True)
class _Pattern:
    """One way through a pattern: labels and gaps, with anchors to the sentence."""

    steps: tuple[str | _Gap, ...]
    opens: bool
    closes: bool


def signals_in_order(signals: Iterable[Signal]) -> list[str]:
    """The signals as plain words, the most pressing first."""
    heard = frozenset(signals)
    return [signal.value for signal in Signal if signal in heard]


# --- from text to words -------------------------------------------------------------------------------------------


@lru_cache(maxsize=8192)
def _fold(char: str) -> str:
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


class _Reader:
    """Turns a text into words the phrases know: contractions opened, slips corrected, emoji named."""

    def __init__(self, words: Words, vocabulary: Iterable[str]) -> None:
        self._expand = {key: tuple(value.split()) for key, value in words.expand.items()}
        self._emoji = {"".join(map(_fold, key)): tuple(value.split()) for key, value in words.emoji.items()}
        opened = itertools.chain.from_iterable(self._expand.values())
        self._known = frozenset((*vocabulary, *opened, *self._expand, *words.leave, *words.protect))
        self._protected: dict[str, list[str]] = {}
        for word in sorted(words.protect):
            for part in set(_without(word, _slips(word))):
                self._protected.setdefault(part, []).append(word)

    def read(self, text: str) -> list[_Token]:
        """The words of a text, with their place in it."""
        pieces = list(text.lower()) if text.isascii() else [_fold(char) for char in text]
        folded = "".join(pieces)
        places = [place for place, piece in enumerate(pieces) for _ in piece]
        return [
            _Token(word, (places[found.start()], places[found.end() - 1] + 1))
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
        if not 5 <= len(word) <= _LONGEST_WORD:
            return ()
        for part in _without(word, _slips(word)):
            for candidate in self._protected.get(part, ()):
                if _near(word, candidate, _slips(candidate)):
                    return (candidate,)
        return ()


# --- from patterns to tries ---------------------------------------------------------------------------------------

_Steps = tuple[str | _Gap, ...]
_ANCHORS = ("^", "$")


def _is_plain(steps: _Steps) -> bool:
    return all(isinstance(step, str) and step not in _ANCHORS for step in steps)


class _Compiler:
    """Reads patterns: words, {slots}, (choices|of words), optional? parts, ..3 and ~3 gaps, ^ and $."""

    def __init__(self, words: Words) -> None:
        self._open = {key: tuple(value.split()) for key, value in words.expand.items()}
        self._described = {"{" + name + "}": entries for name, entries in words.slots.items()}
        self.slots: dict[str, list[tuple[str, ...]]] = {}
        for name in self._described:
            self._fill(name, ())

    def patterns(self, text: str) -> list[_Pattern]:
        """Every way through one pattern."""
        found = []
        for variant in self._variants(text, ()):
            steps = tuple(step for step in variant if step not in _ANCHORS)
            pattern = _Pattern(steps, variant[:1] == ("^",), variant[-1:] == ("$",))
            if len(variant) != len(steps) + pattern.opens + pattern.closes:
                raise PhraseError(f"{text!r}: ^ opens a pattern and $ closes it")
            words = [place for place, step in enumerate(steps) if not isinstance(step, _Gap)]
            if not words:
                raise PhraseError(f"{text!r}: a pattern needs a word or a slot")
            found.append(replace(pattern, steps=steps[words[0] : words[-1] + 1]))
        return found

    def _fill(self, label: str, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        """All the wordings of a slot, as words."""
        if label in path:
            raise PhraseError(f"slot {label} contains itself")
        if label not in self._described and label not in self.slots:
            raise PhraseError(f"unknown slot {label}")
        if label not in self.slots:
            variants = []
            for entry in self._described[label]:
                variants.extend(self._variants(entry, (*path, label)))
            self._name(label, variants)
        return self.slots[label]

    def _name(self, label: str, variants: Iterable[_Steps]) -> None:
        """Keeps the wordings of a slot, with the slots inside it opened."""
        wordings: dict[tuple[str, ...], None] = {}
        for variant in variants:
            if not variant or not _is_plain(variant):
                raise PhraseError(f"slot {label}: a wording holds words and slots, and never nothing")
            words = tuple(map(str, variant))
            if self.slots.keys().isdisjoint(words):
                wordings[words] = None
                continue
            for parts in itertools.product(*(self.slots.get(word, [(word,)]) for word in words)):
                wordings[tuple(itertools.chain.from_iterable(parts))] = None
        if not 0 < len(wordings) <= _MOST_WORDINGS:
            raise PhraseError(f"slot {label} has {len(wordings)} wordings")
        self.slots[label] = list(wordings)

    def _variants(self, text: str, path: tuple[str, ...]) -> list[_Steps]:
        pieces = list(_PIECE.finditer(text))
        options, used = self._options(text, pieces, 0, path)
        if used != len(pieces):
            raise PhraseError(f"{text!r}: a bracket closes that was not opened")
        return options

    def _options(
        self, text: str, pieces: Sequence[re.Match[str]], place: int, path: tuple[str, ...]
    ) -> tuple[list[_Steps], int]:
        """Reads options up to the closing bracket: all their variants, and where reading stopped."""
        options: list[_Steps] = []
        parts: list[list[_Steps]] = []
        while place < len(pieces) and not pieces[place]["close"]:
            piece = pieces[place]
            place += 1
            if piece["words"]:
                parts.append([(self._plain_choice(piece["words"]),)])
            elif piece["open"]:
                inner, place = self._options(text, pieces, place, path)
                if place == len(pieces):
                    raise PhraseError(f"{text!r}: a bracket is not closed")
                parts.append(self._choice(text[piece.start() : pieces[place].end()], inner))
                place += 1
            elif piece["bar"]:
                options.extend(_combine(text, parts))
                parts = []
            elif piece["maybe"]:
                if not parts:
                    raise PhraseError(f"{text!r}: ? follows the word it makes optional")
                parts[-1] = [*parts[-1], ()]
            elif piece["gap"]:
                parts.append([(_Gap(int(piece["reach"]), piece["gap"] == "~"),)])
            elif piece["word"].startswith("{"):
                self._fill(piece["word"], path)
                parts.append([(piece["word"],)])
            else:
                parts.append([self._opened(piece["word"])])
        return [*options, *_combine(text, parts)], place

    def _plain_choice(self, written: str) -> str:
        """A choice of nothing but words, by far the most frequent, is a slot without a name."""
        if written not in self.slots:
            options = [
                tuple(word for written_word in option.split() for word in self._opened(written_word))
                for option in written[1:-1].split("|")
            ]
            if not all(options):
                raise PhraseError(f"{written!r}: an option of a choice is empty")
            self.slots[written] = list(dict.fromkeys(options))
        return written

    def _opened(self, word: str) -> tuple[str, ...]:
        return self._open.get(word) or (word.replace("'", ""),)

    def _choice(self, written: str, inner: list[_Steps]) -> list[_Steps]:
        """A choice of plain words becomes a slot without a name; any other stays several ways."""
        if len(inner) == 1 or not all(steps and _is_plain(steps) for steps in inner):
            return inner
        if written not in self.slots:
            self._name(written, inner)
        return [(written,)]


def _combine(text: str, parts: Sequence[list[_Steps]]) -> list[_Steps]:
    count = 1
    for part in parts:
        count *= len(part)
    if count > _MOST_VARIANTS:
        raise PhraseError(f"{text!r} has {count} variants")
    return [tuple(itertools.chain.from_iterable(picks)) for picks in itertools.product(*parts)]


@dataclass(frozen=True)
class _Lattice:
    """The words of a text and, from each place, where every label that starts there ends; which of them are slots."""

    words: Sequence[str]
    edges: Sequence[Mapping[str, Sequence[int]]]
    slots: Sequence[Sequence[str]]

    def is_open(self, place: int) -> bool:
        return place == 0 or self.words[place - 1] in _BREAKS

    def is_closed(self, place: int) -> bool:
        return place == len(self.words) or self.words[place] in _BREAKS

    def stretches(self) -> Iterator[tuple[int, int]]:
        """The start and end of what is weighed as one: a sentence, a window of a long one, a short text as a whole."""
        ends = [place for place, word in enumerate(self.words, 1) if word in _BREAKS or place == len(self.words)]
        for start, end in zip([0, *ends], ends, strict=False):
            if end - start <= 2 * _WINDOW:
                yield start, end
            if end - start > _WINDOW + _WINDOW // 2:
                for here in range(start, end - _WINDOW // 2, _WINDOW // 2):
                    yield here, min(here + _WINDOW, end)
        if len(self.words) <= 4 * _WINDOW and len(ends) > 1:
            yield 0, len(self.words)


def _weighed(lattice: _Lattice, struck: Sequence[bool], stretch: tuple[int, int]) -> tuple[list[str], frozenset[int]]:
    """The words of a stretch that are not struck out, and the places of their traits."""
    kept = [at for at in range(*stretch) if not struck[at] and lattice.words[at] not in _PAUSES]
    words = [NUMBER if NUMBER in lattice.edges[at] else lattice.words[at] for at in kept]
    return words, _traits(words, set().union(*(lattice.slots[at] for at in kept)))


class _Labeller:
    """Marks every slot in a text, with one trie over the wordings of all slots."""

    def __init__(self, slots: Mapping[str, Iterable[tuple[str, ...]]]) -> None:
        self._step: list[dict[str, int]] = [{}]
        self._labels: list[list[str]] = [[]]
        self._stems: dict[int, set[str]] = {}
        for name, wordings in slots.items():
            for wording in wordings:
                node = 0
                for word in wording:
                    node = self._step[node].setdefault(word, len(self._step))
                    if node == len(self._labels):
                        self._step.append({})
                        self._labels.append([])
                self._labels[node].append(name)

    def learn(self, word: str) -> None:
        """Remembers a stem (seizure*) as something to look for."""
        if word.endswith("*"):
            self._stems.setdefault(len(word) - 1, set()).add(word)

    def _keys(self, word: str) -> list[str]:
        keys = [word]
        if word[0].isdigit() or (word[0] in ".," and len(word) > 1):
            keys.append(NUMBER)
        for size, stems in self._stems.items():
            if len(word) >= size and (stem := word[:size] + "*") in stems:
                keys.append(stem)
        return keys

    def label(self, words: Sequence[str]) -> _Lattice:
        keys = [self._keys(word) for word in words]
        edges: list[dict[str, list[int]]] = []
        for here in range(len(words)):
            found: dict[str, list[int]] = {key: [here + 1] for key in keys[here]}
            nodes, place = [0], here
            while nodes and place < len(words):
                nodes = [self._step[node][key] for node in nodes for key in keys[place] if key in self._step[node]]
                place += 1
                for node in nodes:
                    for label in self._labels[node]:
                        if place not in (ends := found.setdefault(label, [])):
                            ends.append(place)
            edges.append(found)
        edges.append({})
        return _Lattice(words, edges, [[label for label in found if label[0] == "{"] for found in edges])


_ANYWHERE, _OPENING = 0, 1


class _Trie:
    """Many patterns as one tree of labels and gaps, and the reading of a lattice through it."""

    def __init__(self, patterns: Iterable[tuple[int, _Pattern]]) -> None:
        self._step: list[dict[str, int]] = []
        self._skip: list[dict[_Gap, int]] = []
        self._crossing: list[bool] = []
        self._done: list[list[int]] = []
        self._done_closing: list[list[int]] = []
        for _ in (_ANYWHERE, _OPENING):
            self._node()
        for tag, pattern in patterns:
            node = _OPENING if pattern.opens else _ANYWHERE
            for step in pattern.steps:
                onward: dict[Any, int] = self._skip[node] if isinstance(step, _Gap) else self._step[node]
                if step not in onward:
                    onward[step] = self._node(crossing=isinstance(step, _Gap) and step.crossing)
                node = onward[step]
            (self._done_closing if pattern.closes else self._done)[node].append(tag)

    def _node(self, *, crossing: bool = False) -> int:
        self._step.append({})
        self._skip.append({})
        self._crossing.append(crossing)
        self._done.append([])
        self._done_closing.append([])
        return len(self._step) - 1

    def _arrive(self, states: dict[int, tuple[int, int]], node: int, left: int, start: int) -> None:
        """Enters a state, and every gap that opens there; of two ways in, the one with more room left stays."""
        if node in states and states[node][0] >= left:
            return
        states[node] = (left, start)
        for gap, onward in self._skip[node].items():
            self._arrive(states, onward, gap.reach, start)

    def read(
        self, lattice: _Lattice, *, struck: Sequence[bool], walls: frozenset[str], pause: str = ""
    ) -> Iterator[tuple[int, int, int]]:
        """Yields (tag, start, end) for every pattern found. Gaps stop at walls; a pause word is stepped over."""
        size, untouched = len(lattice.words), not any(struck)
        waiting: list[dict[int, tuple[int, int]]] = [{} for _ in range(size + 1)]
        for here in range(size + 1):
            states = waiting[here]
            for node, (_, start) in states.items():
                yield from ((tag, start, here) for tag in self._done[node])
                if self._done_closing[node] and lattice.is_closed(here):
                    yield from ((tag, start, here) for tag in self._done_closing[node])
            if here == size:
                return
            self._arrive(states, _ANYWHERE, 0, here)
            if lattice.is_open(here):
                self._arrive(states, _OPENING, 0, here)
            edges, word = lattice.edges[here], lattice.words[here]
            for node, (left, start) in states.items():
                step = self._step[node]
                for label in edges if len(edges) < len(step) else step:
                    if label in step and label in edges:
                        for end in edges[label]:
                            if untouched or not any(struck[here:end]):
                                self._arrive(waiting[end], step[label], 0, start)
                if word == pause:
                    if node not in (_ANYWHERE, _OPENING):
                        self._arrive(waiting[here + 1], node, left, start)
                elif left and (word not in walls or self._crossing[node]):
                    self._arrive(waiting[here + 1], node, left - 1, start)


# --- likeness -----------------------------------------------------------------------------------------------------


def place(trait: str) -> int:
    """Where the weight of a trait is kept; strangers may share a place, and then count alike."""
    return crc32(trait.encode("utf-8", "replace")) % PLACES


def traits_size(count: int) -> float:
    """What a sum over so many traits is divided by; short texts say less for sure."""
    return sqrt(count + 20)


@lru_cache(maxsize=16384)
def _pieces(word: str) -> frozenset[int]:
    """The places of a word and of its pieces of three to five letters, so that a slip of the finger costs little."""
    framed = f"<{word}>" if len(word) > 3 and word.isalpha() and len(word) <= _LONGEST_WORD else ""
    cuts = (framed[at : at + size] for size in (3, 4, 5) for at in range(len(framed) - size + 1))
    return frozenset((place(word), *(place("~" + cut) for cut in cuts)))


def _traits(words: Sequence[str], labels: Iterable[str]) -> frozenset[int]:
    """The places of all that likeness looks at: words and their pieces, pairs, triples, pairs around a word, slots."""
    framed = ["^", *words, "$"]
    runs = itertools.chain(
        (f"{one} {two}" for one, two in itertools.pairwise(framed)),
        (f"{one} {two} {three}" for one, two, three in zip(framed, framed[1:], framed[2:], strict=False)),
        (f"{one} .. {three}" for one, three in zip(words, words[2:], strict=False)),
        labels,
    )
    return frozenset(map(place, runs)).union(*map(_pieces, words))


# --- the listener -------------------------------------------------------------------------------------------------


class Listener:
    """Built once from the phrase books; hears any text. Without weights it goes by phrases alone."""

    def __init__(self, words: Words, books: Mapping[Signal, PhraseBook]) -> None:
        compiler = _Compiler(words)
        self._said: list[tuple[Signal, str, str]] = []
        harmless: list[tuple[int, _Pattern]] = []
        said: dict[Signal, list[tuple[int, _Pattern]]] = {}
        for signal, book in books.items():
            said[signal] = self._compile(compiler, signal, book.phrases)
            harmless.extend(self._compile(compiler, signal, book.harmless))
        self._labeller = _Labeller(compiler.slots)
        literals = {
            step
            for patterns in (harmless, *said.values())
            for _, pattern in patterns
            for step in pattern.steps
            if isinstance(step, str) and step not in compiler.slots
        }
        in_slots = {word for wordings in compiler.slots.values() for wording in wordings for word in wording}
        for word in literals | in_slots:
            self._labeller.learn(word)
        self._reader = _Reader(words, literals | in_slots)
        self._harmless = _Trie(harmless)
        self._phrases = {signal: _Trie(patterns) for signal, patterns in said.items()}
        self._strict_walls = words.walls | _BREAKS | {COMMA}
        self._enough = {signal: book.likeness for signal, book in books.items() if book.likeness is not None}
        self._weights: Mapping[Signal, Weights] = {}

    def _compile(self, compiler: _Compiler, signal: Signal, phrases: Iterable[Phrase]) -> list[tuple[int, _Pattern]]:
        """The patterns of some phrases, each with its place in the list of what may be said."""
        compiled: list[tuple[int, _Pattern]] = []
        for phrase in phrases:
            for text in phrase.say:
                try:
                    compiled.extend((len(self._said), pattern) for pattern in compiler.patterns(text))
                except PhraseError as error:
                    raise PhraseError(f"{signal}: {phrase.id}: {error}") from error
                self._said.append((signal, phrase.id, text))
        return compiled

    def traits(self, text: str) -> dict[Signal, frozenset[int]]:
        """The places of a text's traits, as each signal sees them; what the examples teach, they teach by these."""
        _, lattice, struck = self._read(text)
        return {signal: _weighed(lattice, struck[signal], (0, len(lattice.words)))[1] for signal in self._enough}

    def with_weights(self, weights: Mapping[Signal, Weights]) -> "Listener":
        """The same listener, with these weights."""
        other = copy(self)
        other._weights = {signal: weights[signal] for signal in self._enough if signal in weights}
        return other

    def hear(self, text: str) -> frozenset[Signal]:
        """All the signals in a text. Any text may come in; none raises.

        Of a text longer than any message (`LONGEST`), the beginning and the end are heard.
        """
        if len(text) > LONGEST:
            text = f"{text[: LONGEST // 2]}. {text[-LONGEST // 2 :]}"
        return frozenset(heard.signal for heard in self.hear_with_reasons(text))

    def hear_with_reasons(self, text: str) -> tuple[Heard, ...]:
        """Every phrase heard, in the order of signals and of the text."""
        tokens, lattice, struck = self._read(text)
        heard: dict[Heard, None] = {}
        for signal, trie in self._phrases.items():
            for tag, start, end in trie.read(lattice, struck=struck[signal], walls=_BREAKS, pause=COMMA):
                _, phrase, pattern = self._said[tag]
                heard[Heard(signal, phrase, pattern, (tokens[start].span[0], tokens[end - 1].span[1]))] = None
        for signal, weights in self._weights.items():
            for start, end in lattice.stretches():
                words, places = _weighed(lattice, struck[signal], (start, end))
                if len(words) >= _FEWEST_WORDS and weights.score(places) > self._enough[signal]:
                    span = (tokens[start].span[0], tokens[end - 1].span[1])
                    heard[Heard(signal, "like the examples", weights.telling(words), span)] = None
        return tuple(sorted(heard, key=lambda one: (list(Signal).index(one.signal), one.span)))

    def _read(self, text: str) -> tuple[list[_Token], _Lattice, dict[Signal, list[bool]]]:
        """The words of a text, their labels, and what the harmless phrases of each signal strike out."""
        tokens = self._reader.read(text)
        lattice = self._labeller.label([token.word for token in tokens])
        struck = {signal: [False] * len(tokens) for signal in self._phrases}
        for tag, start, end in self._harmless.read(lattice, struck=(), walls=self._strict_walls):
            struck[self._said[tag][0]][start:end] = [True] * (end - start)
        return tokens, lattice, struck


# --- from files ---------------------------------------------------------------------------------------------------


WEIGHTS = "weights.json"
"""Beside the phrase files that ship; `python -m tests.train_listener` writes it."""


def load(texts: Mapping[str, str]) -> Listener:
    """The listener described by the phrase files: words.yaml, examples.yaml and one file a signal, by name.

    What the examples teach was learned when Taperline was built; other examples than those are refused.
    """
    ear = Listener(*read_books(texts))
    if "examples.yaml" not in texts:
        return ear
    shipped = json.loads((_own_phrases() / WEIGHTS).read_text("utf-8"))
    if shipped["examples"] != fingerprint(texts["examples.yaml"]):
        raise PhraseError("examples.yaml: not what weights.json was learned from; run `python -m tests.train_listener`")
    return ear.with_weights(
        {
            Signal(name): Weights(learned["bias"], learned["unit"], b85decode(learned["steps"]))
            for name, learned in shipped["weights"].items()
        }
    )


def own_texts() -> dict[str, str]:
    """The phrase files that ship with the package, by name."""
    return {file.name: file.read_text("utf-8") for file in _own_phrases().iterdir() if file.name.endswith(".yaml")}


def _own_phrases() -> Traversable:
    return resources.files("flows") / "content" / "phrases"


def fingerprint(text: str) -> str:
    """What tells these examples from any others."""
    return sha256(text.encode()).hexdigest()


def read_books(texts: Mapping[str, str]) -> tuple[Words, dict[Signal, PhraseBook]]:
    """The shared words and the phrase books in the files, not yet compiled."""
    words: dict[str, Any] | None = None
    slots: dict[str, Any] = {}
    books: dict[Signal, PhraseBook] = {}
    for name, text in sorted(texts.items()):
        if name == "examples.yaml":
            continue
        content = _mapping(name, text)
        for slot, wordings in _part(name, content, "slots", dict).items():
            if slot in slots:
                raise PhraseError(f"{name}: slot {slot!r} is described twice")
            if not isinstance(wordings, list):
                raise PhraseError(f"{name}: slot {slot!r} must be a list")
            slots[slot] = [str(wording) for wording in wordings]
        stem = PurePosixPath(name).stem
        if stem == "words":
            words = content
            for part, kind in (("expand", dict), ("emoji", dict), ("protect", list), ("leave", list), ("walls", list)):
                content[part] = _part(name, content, part, kind)
        elif stem in list(Signal):
            books[Signal(stem)] = PhraseBook(
                _phrases(name, content, "phrases", "must"),
                _phrases(name, content, "harmless", "must_not"),
                _likeness(name, content),
            )
        else:
            raise PhraseError(f"{name}: no signal is called {stem!r}")
    if words is None:
        raise PhraseError("words.yaml is missing")
    if missing := [signal.value for signal in Signal if signal not in books]:
        raise PhraseError(f"no phrase file for {', '.join(missing)}")
    return (
        Words(
            slots=slots,
            expand={str(key): str(value) for key, value in words["expand"].items()},
            emoji={str(key): str(value) for key, value in words["emoji"].items()},
            protect=frozenset(map(str, words["protect"])),
            leave=frozenset(map(str, words["leave"])),
            walls=frozenset(map(str, words["walls"])),
        ),
        books,
    )


def read_examples(texts: Mapping[str, str]) -> dict[str, frozenset[Signal]]:
    """Every line of examples.yaml with the signals it stands under; those under ordinary have none."""
    name = "examples.yaml"
    content = _mapping(name, texts[name])
    examples: dict[str, frozenset[Signal]] = {}
    for group in content:
        if group != "ordinary" and group not in list(Signal):
            raise PhraseError(f"{name}: no signal is called {group!r}")
        meant = frozenset(signal for signal in Signal if signal == group)
        for line in _part(name, content, group, list):
            examples[str(line)] = examples.get(str(line), frozenset()) | meant
    return examples


def _mapping(name: str, text: str) -> dict[str, Any]:
    try:
        content = plain_yaml.read(text, name)
    except plain_yaml.UnreadableError as error:
        raise PhraseError(str(error)) from error
    if not isinstance(content, dict):
        raise PhraseError(f"{name}: must be a mapping")
    return content


def _part(name: str, content: Mapping[str, Any], part: str, kind: type) -> Any:
    found = content.get(part, kind())
    if not isinstance(found, kind):
        raise PhraseError(f"{name}: {part} must be a {kind.__name__}")
    return found


def _likeness(name: str, content: Mapping[str, Any]) -> float | None:
    if "likeness" not in content:
        return None
    try:
        return float(content["likeness"])
    except (TypeError, ValueError) as error:
        raise PhraseError(f"{name}: likeness must be a number") from error


def _phrases(name: str, content: Mapping[str, Any], part: str, needed: str) -> tuple[Phrase, ...]:
    phrases: dict[str, Phrase] = {}
    for number, entry in enumerate(_part(name, content, part, list), 1):
        known = {"id", "say", "must", "must_not"}
        where = f"{name}: {part} {number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            raise PhraseError(f"{where}: needs an id")
        where = f"{name}: {entry['id']}"
        if entry["id"] in phrases:
            raise PhraseError(f"{where}: is described twice")
        if unknown := sorted(set(entry) - known):
            raise PhraseError(f"{where}: unknown {', '.join(unknown)}")
        for field_name in ("say", "must", "must_not"):
            if not all(isinstance(line, str) for line in _part(where, entry, field_name, list)):
                raise PhraseError(f"{where}: {field_name} must be a list of texts")
        if not entry.get("say") or not entry.get(needed):
            raise PhraseError(f"{where}: needs say and {needed}")
        phrases[entry["id"]] = Phrase(
            entry["id"], tuple(entry["say"]), tuple(entry.get("must", ())), tuple(entry.get("must_not", ()))
        )
    return tuple(phrases.values())
