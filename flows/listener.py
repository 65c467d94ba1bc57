"""What free text means: crisis, medical emergency, stopped suddenly, taper question, a person, stop.

A lattice marks where the clinic's words and slots lie in a text (see wording.py), and all phrases of a signal are read
together as one trie, each state at most once a token: the work grows with the text, never faster. Harmless phrases
(negations, idioms) are read first and struck out. What is left is heard if it sounds like the examples (likeness.py),
to which a phrase adds its weight; a phrase that was not there when the weights were learned is always heard.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any

from flows import likeness, plain_yaml
from flows.errors import TaperlineError
from flows.likeness import Likeness, Part
from flows.wording import ASK, COMMA, END, NUMBER, Reader, Token, Words


class Signal(StrEnum):
    """What may be heard in a text, the most pressing first."""

    CRISIS = "crisis"
    MEDICAL = "medical"
    ABRUPT = "abrupt"
    TAPER = "taper"
    HUMAN = "human"
    STOP = "stop"
    DANGER = "danger"


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

    With a `likeness`, what sounds like the examples by more than that is heard; without, only phrases are.
    """

    phrases: tuple[Phrase, ...]
    harmless: tuple[Phrase, ...] = ()
    likeness: float | None = None


@dataclass(frozen=True)
class Heard:
    """A signal, the phrase and pattern that gave it, and where: offsets into the text as it was typed."""

    signal: Signal
    phrase: str
    pattern: str
    span: tuple[int, int]


LIKE = "like the examples"
"""What stands for the phrase where likeness heard."""

LONGEST = 8192
"""Characters that are heard at the most, twice the length of a Telegram message."""

_BREAKS = frozenset((END, ASK))
_PAUSES = frozenset((END, COMMA))
_PIECE = re.compile(
    r"(?P<words>\([^|(){}?$^~.]+(?:\|[^|(){}?$^~.]+)+\))|(?P<open>\()|(?P<close>\))|(?P<bar>\|)|(?P<gap>\.\.|~)(?P<reach>\d+)|(?P<word>[^\s()|?$]+|\$)|(?P<maybe>\?)"
)
_FEWEST_WORDS = 3
"""A stretch of fewer words is heard by phrases alone: likeness would guess."""
_WINDOW = 14
"""Words that are weighed together where a sentence has no end, as in speech typed by a machine."""
_MOST_WORDINGS, _MOST_VARIANTS = 20_000, 500


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
    """The signals as plain words, the most pressing first; danger to others is for a rule alone, and not told."""
    heard = frozenset(signals) - {Signal.DANGER}
    return [signal.value for signal in Signal if signal in heard]


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
        self._reader = Reader(words, literals | in_slots)
        self._harmless = _Trie(harmless)
        self._phrases = {signal: _Trie(patterns) for signal, patterns in said.items()}
        self._strict_walls = words.walls | _BREAKS | {COMMA}
        self._enough = {signal: book.likeness for signal, book in books.items() if book.likeness is not None}
        self._likeness: Likeness | None = None
        self._taught: Sequence[bool] = ()
        self.knows_its_examples = True

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

    @property
    def weighed(self) -> list[Signal]:
        """The signals that are heard by likeness."""
        return [signal for signal in self._phrases if signal in self._enough]

    @property
    def marks(self) -> list[int]:
        """What each of its patterns is known by."""
        return [likeness.mark(*said) for said in self._said]

    def with_likeness(self, learned: Likeness) -> "Listener":
        """The same listener, with these weights."""
        other = copy(self)
        other._likeness = learned
        other._taught = [mark in set(learned.phrases.tolist()) for mark in self.marks]
        return other

    def hear(self, text: str) -> frozenset[Signal]:
        """All the signals in a text. Any text may come in; none raises.

        Of a text longer than any message (`LONGEST`), the beginning and the end are heard.
        """
        if len(text) > LONGEST:
            text = f"{text[: LONGEST // 2]}. {text[-LONGEST // 2 :]}"
        return frozenset(heard.signal for heard in self.hear_with_reasons(text))

    def said(self, text: str) -> frozenset[Signal]:
        """The signals that a phrase says, and not only likeness to the examples."""
        return frozenset(heard.signal for heard in self.hear_with_reasons(text) if heard.phrase != LIKE)

    def hear_with_reasons(self, text: str) -> tuple[Heard, ...]:
        """Every reason to hear a signal, in the order of signals and of the text."""
        reading = self._read(text)
        scores = self._likeness.scores(self._parts(reading)) if self._likeness else []
        heard: dict[Heard, None] = {}
        for tag, start, end in reading.said:
            signal, phrase, pattern = self._said[tag]
            around = reading.around(start, end)
            if (
                signal not in self._enough
                or not scores
                or not self._taught[tag]
                or not around
                or any(scores[at][signal] > self._enough[signal] for at in around)
            ):
                heard[Heard(signal, phrase, pattern, reading.span(start, end))] = None
        for stretch, score in zip(reading.stretches, scores, strict=False):
            for signal, enough in self._enough.items():
                left = reading.left(signal, stretch)
                if self._likeness and len(left) >= _FEWEST_WORDS and score[signal] > enough:
                    telling = self._likeness.telling(signal, left)
                    heard[Heard(signal, LIKE, telling, reading.span(*stretch))] = None
        return tuple(sorted(heard, key=lambda one: (list(Signal).index(one.signal), one.span)))

    def parts(self, text: str) -> tuple[Part, list[Part]]:
        """The whole of a text, and the parts it is weighed in: the examples teach by these."""
        reading = self._read(text)
        whole = self._part(reading, (0, len(reading.tokens)), {self._said[tag][0] for tag, _, _ in reading.said})
        return whole, self._parts(reading)

    def _parts(self, reading: "_Reading") -> list[Part]:
        said: list[set[Signal]] = [set() for _ in reading.stretches]
        for tag, start, end in reading.said:
            for at in reading.around(start, end):
                said[at].add(self._said[tag][0])
        return [self._part(reading, *one) for one in zip(reading.stretches, said, strict=True)]

    def _part(self, reading: "_Reading", stretch: tuple[int, int], said: Iterable[Signal]) -> Part:
        start, end = stretch
        first = 0 if start == 0 else reading.tokens[start].span[0]
        last = len(reading.text) if end == len(reading.tokens) else reading.tokens[end - 1].span[1]
        kept: dict[tuple[int, ...], frozenset[int]] = {}
        traits: dict[str, frozenset[int]] = {}
        for signal in self._enough:
            places = reading.kept(signal, stretch)
            if places not in kept:
                slots = set().union(*(reading.lattice.slots[at] for at in places))
                kept[places] = likeness.traits(reading.left(signal, stretch), slots)
            traits[signal] = kept[places]
        return Part(reading.text[first:last], traits, frozenset(said))

    def _read(self, text: str) -> "_Reading":
        """The words of a text, what the harmless phrases of each signal strike out, and the phrases in the rest."""
        tokens = self._reader.read(text)
        lattice = self._labeller.label([token.word for token in tokens])
        struck = {signal: [False] * len(tokens) for signal in self._phrases}
        for tag, start, end in self._harmless.read(lattice, struck=(), walls=self._strict_walls):
            struck[self._said[tag][0]][start:end] = [True] * (end - start)
        said = [
            found
            for signal, trie in self._phrases.items()
            for found in trie.read(lattice, struck=struck[signal], walls=_BREAKS, pause=COMMA)
        ]
        stretches = list(lattice.stretches())
        covering: list[list[int]] = [[] for _ in tokens]
        for at, stretch in enumerate(stretches):
            for here in range(*stretch):
                covering[here].append(at)
        return _Reading(text, tokens, lattice, struck, said, stretches, covering)


@dataclass(frozen=True)
class _Reading:
    """A text as it was read: its words, what is struck out for each signal, the phrases in the rest, its stretches."""

    text: str
    tokens: list[Token]
    lattice: _Lattice
    struck: Mapping[Signal, Sequence[bool]]
    said: Sequence[tuple[int, int, int]]
    stretches: Sequence[tuple[int, int]]
    covering: Sequence[Sequence[int]]

    def around(self, start: int, end: int) -> list[int]:
        """The stretches that hold all of these words."""
        return [at for at in self.covering[start] if end <= self.stretches[at][1]]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where these words stand in the text."""
        return self.tokens[start].span[0], self.tokens[end - 1].span[1]

    def kept(self, signal: Signal, stretch: tuple[int, int]) -> tuple[int, ...]:
        """The places of the words that are not struck out."""
        struck, words = self.struck[signal], self.lattice.words
        return tuple(at for at in range(*stretch) if not struck[at] and words[at] not in _PAUSES)

    def left(self, signal: Signal, stretch: tuple[int, int]) -> list[str]:
        """The words that are not struck out, every number as one."""
        edges, words = self.lattice.edges, self.lattice.words
        return [NUMBER if NUMBER in edges[at] else words[at] for at in self.kept(signal, stretch)]


# --- from files ---------------------------------------------------------------------------------------------------


WEIGHTS = "weights.npz"
"""Beside the phrase files that ship; `python -m tests.train_listener` writes it."""


def load(texts: Mapping[str, str]) -> Listener:
    """The listener described by the phrase files: words.yaml, examples.yaml and one file a signal, by name.

    What the examples teach was learned when Taperline was built. Other examples teach nothing: `taperline check` tells.
    """
    ear = Listener(*read_books(texts))
    if "examples.yaml" not in texts:
        return ear
    with (_own_phrases() / WEIGHTS).open("rb") as file:
        learned = likeness.read(file)
    ear = ear.with_likeness(learned)
    ear.knows_its_examples = learned.examples == fingerprint(texts["examples.yaml"])
    return ear


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
