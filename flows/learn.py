"""Short sourced answers to what patients ask, and which of them a question is about, if any.

A wrong answer to a worried person is worse than none: a sentence finds a topic only when it asks something, and holds
the words of that topic or is close to one of its questions, and when no other topic fits as well.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import dropwhile, pairwise
from math import log, sqrt
from typing import Any

from flows import plain_yaml
from flows.errors import TaperlineError

CLOSE = 0.6
"""How like one of its questions (0 to 1) a sentence that asks must be to be about a topic."""

CLOSER = 0.85
"""The same of a sentence that does not ask: it must be nearly one of the questions."""

AHEAD = 1.1
"""How many times as well as any other topic it must fit."""

PAIR = 0.6
"""What two neighbouring words weigh beside two words alone."""

SHORTEST = 5
"""Letters of a word from which on a slip in it is forgiven."""

LONGEST_TITLE = 30
"""Characters of a title, so that a button shows it whole."""

LONGEST = 400
"""Characters of a text beyond which it is a story, and not a question."""

LONGEST_SENTENCE = 25
"""Words of a sentence beyond which it says too much to be sure what it asks."""

ONLY = "only "
"""How a line of `about` begins that counts only in a sentence of words that the topics know: about this, or nothing."""

_FRONT = re.compile(r"---\r?\n(.*?)\r?\n---\r?\n(.*)", re.DOTALL)
_LINE = re.compile(r"-?[a-z]+(?:\|[a-z]+)*(?: -?[a-z]+(?:\|[a-z]+)*)*")
_ID = re.compile(r"[a-z0-9-]{1,40}")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Topic:
    """One short answer: its button, the ways in which people ask for it, where its facts stand, and who checked when.

    Each line of `about` names the topic by words that a question holds in any order: `drive` or `wave what|why -hand`
    (wave, and what or why, and not hand); see ONLY. `file` is for `taperline check`.
    """

    id: str
    title: str
    body: tuple[str, ...]
    questions: tuple[str, ...]
    about: tuple[str, ...]
    sources: tuple[str, ...]
    checked_on: date
    file: str


@dataclass(frozen=True, slots=True)
class Words:
    """What helps to know a question in other words; see learn/words.yaml."""

    same: Mapping[str, str]
    contracted: Mapping[str, Sequence[str]]
    asks: frozenset[str]
    begins: frozenset[str]
    subjects: frozenset[str]
    fillers: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Question:
    topic: str
    weights: Mapping[str, float]
    size: float


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of `about`: of each of `needed` one word must be there, of `absent` none; with `only`, no strange word."""

    topic: str
    only: bool
    needed: tuple[frozenset[str], ...]
    absent: frozenset[str]

    def fits(self, words: frozenset[str]) -> bool:
        """Whether a sentence holds the words that are needed."""
        return not any(part.isdisjoint(words) for part in self.needed)


class Topics:
    """The topics in the order of the menu, and an ear for questions about them. Nothing in it changes."""

    def __init__(self, topics: Sequence[Topic], words: Words) -> None:
        self.all = tuple(topics)
        self._words = words
        asked = [(topic.id, self._plain(way)) for topic in self.all for way in (topic.title, *topic.questions)]
        about = [(topic.id, line) for topic in self.all for line in topic.about]
        spelled = {_stem(word) for _, plain in asked for word in plain}
        spelled |= {_stem(word) for _, line in about for word in _WORD.findall(line)}
        self._known = spelled | words.same.keys()
        self._small = frozenset(words.same.get(stem, stem) for stem in map(_stem, words.fillers))
        self._slips: dict[str, set[str]] = {}
        for stem in self._known:
            for part in _with_a_letter_less(stem):
                self._slips.setdefault(part, set()).add(stem)
        self._lines = [self._line(topic_id, line) for topic_id, line in about]
        traits = [(topic_id, _traits(self._meant(plain))) for topic_id, plain in asked]
        within: dict[str, set[str]] = {}
        for topic_id, found in traits:
            for trait in found:
                within.setdefault(trait, set()).add(topic_id)
        self._rarity = {trait: log(1 + len(self.all) / len(ids)) for trait, ids in within.items()}
        self._rarest = log(1 + len(self.all))
        self._questions = [_Question(topic_id, *self._weighed(found)) for topic_id, found in traits if found]

    def __iter__(self) -> Iterator[Topic]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def by_id(self, topic_id: str) -> Topic | None:
        """The topic with this id; None when the content no longer has it."""
        return next((topic for topic in self.all if topic.id == topic_id), None)

    def answer(self, text: str) -> Topic | None:
        """The topic that a text asks about; None when that is not clear."""
        if len(text) > LONGEST:
            return None
        parts = [self._about(part) for part in _SENTENCE.split(text)]
        found = {topic_id for topic_id in parts if topic_id is not None}
        if len(found) > 1:
            return None
        topic_id = found.pop() if found else self._about(text)
        return None if topic_id is None else self.by_id(topic_id)

    def _about(self, sentence: str) -> str | None:
        meant = self._meant(self._plain(sentence))
        if not meant or len(meant) > LONGEST_SENTENCE:
            return None
        asks = self._asks(sentence)
        likeness = self._likeness(meant)
        named, denied = self._named(frozenset(meant)) if asks else ({}, set())
        if not named:
            likeness = {name: alike for name, alike in likeness.items() if alike >= CLOSER or name not in denied}
            return _clearest(likeness, CLOSE if asks else CLOSER)
        most = max(named.values())
        return _clearest({name: likeness.get(name, 0.0) + count / most for name, count in named.items()}, 1.0)

    def _named(self, words: frozenset[str]) -> tuple[Mapping[str, int], set[str]]:
        """The topics that a line of `about` names, with how many words the longest such line needs; and those that only
        lines name which a word forbids."""
        found: dict[str, int] = {}
        denied = set()
        strange = not words <= self._known | self._small
        for line in self._lines:
            if not line.fits(words):
                continue
            if line.absent.isdisjoint(words) and not (line.only and strange):
                found[line.topic] = max(found.get(line.topic, 0), len(line.needed))
            else:
                denied.add(line.topic)
        return found, denied

    def _likeness(self, words: Sequence[str]) -> Mapping[str, float]:
        """How like its nearest question (0 to 1) a sentence is, by topic: the cosine of what their words weigh."""
        weights, size = self._weighed(_traits(words))
        nearest: dict[str, float] = {}
        for question in self._questions:
            shared = sum(weight * question.weights.get(trait, 0.0) for trait, weight in weights.items())
            nearest[question.topic] = max(nearest.get(question.topic, 0.0), shared / (size * question.size))
        return nearest

    def _asks(self, sentence: str) -> bool:
        clauses = [self._plain(clause) for clause in re.split("[,;:]", sentence)]
        return "?" in sentence or any(map(self._is_question, clauses))

    def _is_question(self, clause: Sequence[str]) -> bool:
        """Whether a clause asks by its words: "can I" and "can't I", but not "can't sleep"."""
        if not self._words.asks.isdisjoint(clause):
            return True
        words = [*dropwhile(lambda word: word in self._words.fillers, clause), "", "", ""]
        return words[0] in self._words.begins and (words[1] != "not" or words[2] in self._words.subjects)

    def _plain(self, text: str) -> list[str]:
        """The words of a text without capitals, accents and contractions."""
        folded = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
        words = _WORD.findall(re.sub(r"['’]", "", folded.lower()))
        return [part for word in words for part in self._words.contracted.get(word, (word,))]

    def _meant(self, words: Iterable[str]) -> list[str]:
        """For each word the one that stands for all that mean the same."""
        stems = [self._spelled(_stem(word)) for word in words]
        return [self._words.same.get(stem, stem) for stem in stems]

    def _spelled(self, stem: str) -> str:
        """The known stem, also where one letter of it is missing, wrong, too many or swapped."""
        if stem in self._known or len(stem) < SHORTEST:
            return stem
        meant = {known for part in _with_a_letter_less(stem) for known in self._slips.get(part, ())}
        near = {self._words.same.get(known, known) for known in meant if len(known) >= SHORTEST}
        return near.pop() if len(near) == 1 else stem

    def _line(self, topic_id: str, line: str) -> _Line:
        only, parts = line.startswith(ONLY), line.removeprefix(ONLY).split()
        needed = tuple(frozenset(self._meant(part.split("|"))) for part in parts if not part.startswith("-"))
        absent = frozenset(self._meant(part.removeprefix("-") for part in parts if part.startswith("-")))
        return _Line(topic_id, only, needed, absent)

    def _weighed(self, traits: Sequence[str]) -> tuple[dict[str, float], float]:
        """What each trait of a text weighs, and the length of them all."""
        weights = {
            trait: count * self._rarity.get(trait, self._rarest) * (PAIR if " " in trait else 1.0)
            for trait, count in Counter(traits).items()
        }
        return weights, sqrt(sum(weight * weight for weight in weights.values()))


def _clearest(ranked: Mapping[str, float], enough: float) -> str | None:
    """The topic that ranks first, if it is well ahead of the next."""
    first, *others = sorted(ranked.items(), key=lambda pair: -pair[1])[:2]
    return first[0] if first[1] >= enough and all(first[1] >= value * AHEAD for _, value in others) else None


def _traits(words: Sequence[str]) -> list[str]:
    return [*words, *(f"{one} {other}" for one, other in pairwise(words))]


def _stem(word: str) -> str:
    """A word without the endings that change nothing here: visit, visits, visiting."""
    ending = "es" if word.endswith(("ses", "xes", "zes", "ches", "shes")) else "s"
    stem = word
    for gone in ("ing", "ed", "ly", ending):
        if word.endswith(gone) and len(word) - len(gone) >= 3 and not word.endswith("ss"):
            stem = word.removesuffix(gone)
            break
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "aelos":
        stem = stem[:-1]
    return stem.removesuffix("e") if len(stem) > 4 else stem


def _with_a_letter_less(word: str) -> set[str]:
    """The word, and the word with each of its letters left out. Two that share one of them differ in one slip."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def read_topic(text: str, file: str) -> Topic:
    """A topic from its file: front matter in YAML between two lines of `---`, then the words. Raises ValueError."""
    found = _FRONT.fullmatch(text.removeprefix("\ufeff"))
    if not found:
        raise ValueError("it must begin with front matter between two lines of ---")
    front = plain_yaml.read(found[1], file)
    if not isinstance(front, Mapping):
        raise ValueError("the front matter must hold id, title, questions, about, sources and checked_on")
    topic_id, title, checked_on = (_line_of(front, name) for name in ("id", "title", "checked_on"))
    if not _ID.fullmatch(topic_id):
        raise ValueError(f"id: {topic_id!r} must be at most 40 small letters, digits and hyphens")
    if len(title) > LONGEST_TITLE:
        raise ValueError(f"title: it stands on a button: at most {LONGEST_TITLE} characters")
    body = tuple(_paragraphs(found[2]))
    if not body:
        raise ValueError("there are no words below the front matter")
    questions, sources = _lines_of(front, "questions"), _lines_of(front, "sources")
    about = _lines_of(front, "about") if "about" in front else ()
    for line in about:
        if not _LINE.fullmatch(line) or all(part[0] == "-" for part in line.split()):
            raise ValueError(f"about: {line!r} must be small words such as: wave what|why -hand")
    return Topic(topic_id, title, body, questions, about, sources, date.fromisoformat(checked_on), file)


def read_words(content: Any) -> Words:
    """The words that help to know a question. Raises ValueError."""
    try:
        lines = [[str(word) for word in line] for line in content["same"]]
        contracted = {str(word): str(meant).split() for word, meant in content["contracted"].items()}
        asks, begins, subjects, fillers = (
            frozenset(map(str, content[name])) for name in ("asks", "begins", "subjects", "fillers")
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("learn/words.yaml must hold same, contracted, asks, begins, subjects and fillers") from error
    same: dict[str, str] = {}
    for words in lines:
        for word in words:
            if same.setdefault(_stem(word), _stem(words[0])) != _stem(words[0]):
                raise ValueError(f"learn/words.yaml, same: {word!r} stands in two lines")
    return Words(same, contracted, asks, begins, subjects, fillers)


def load(texts: Mapping[str, str], words: Any) -> Topics:
    """All topics, by the names of their files, and the words that help to know them. Raises ValueError."""
    topics: dict[str, Topic] = {}
    asked: dict[str, str] = {}
    for file, text in texts.items():
        try:
            topic = read_topic(text, file)
        except (ValueError, TaperlineError) as error:
            raise ValueError(f"{file}: {error}") from error
        if topic.id in topics:
            raise ValueError(f"{file}: the id {topic.id} stands in {topics[topic.id].file} too")
        topics[topic.id] = topic
        for question in topic.questions:
            before = asked.setdefault(" ".join(_WORD.findall(question.lower())), file)
            if before != file:
                raise ValueError(f"{file}: {question!r} is a question of {before} too: keep one")
    return Topics(tuple(topics.values()), read_words(words))


def _paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a text: each in one line, a list in one line a point."""
    for block in re.split(r"\n\s*\n", text.strip()):
        lines: list[str] = []
        for line in filter(None, map(str.strip, block.splitlines())):
            if line.startswith("- ") or not lines:
                lines.append(re.sub(r"^- ", "• ", line))
            else:
                lines[-1] += f" {line}"
        if lines:
            yield "\n".join(lines)


def _line_of(front: Mapping[str, Any], name: str) -> str:
    line = front.get(name)
    if not isinstance(line, str) or not line.strip():
        raise ValueError(f"{name} is missing, or no text")
    return line.strip()


def _lines_of(front: Mapping[str, Any], name: str) -> tuple[str, ...]:
    lines = front.get(name)
    if not isinstance(lines, list) or not lines or not all(isinstance(line, str) and line.strip() for line in lines):
        raise ValueError(f"{name} must be a list of texts, and not empty")
    return tuple(lines)
