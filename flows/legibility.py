"""How hard a text is to read: Flesch-Kincaid grades, sentence by sentence."""

import re
from collections.abc import Iterator

import syllapy  # type: ignore[import-untyped]

from flows.catalogue import Language

GRADE = 7.0
"""A sentence must stay below this: it is then of grade 6 or easier."""

FEWEST_WORDS = 8
"""The measure is made for longer texts: words of one syllable fill a shorter sentence up to so many."""

_SENTENCE = re.compile(r"(?<=[.!?:;…])[\"')]*\s+|\n+")
_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)*")


def hard_parts(text: str, language: Language) -> Iterator[tuple[str, float]]:
    """The sentences of a plain text at or above `GRADE`, each with its grade; or the whole text when no sentence is."""
    sentences = [sentence for part in _SENTENCE.split(text) if (sentence := " ".join(part.split()))]
    grades = {sentence: grade([sentence], language) for sentence in sentences}
    found = [(sentence, found) for sentence, found in grades.items() if found >= GRADE]
    yield from found
    whole = grade(sentences, language)
    if not found and whole >= GRADE:
        yield " ".join(sentences), whole


def grade(sentences: list[str], language: Language) -> float:
    """The Flesch-Kincaid grade of sentences taken together (Kincaid 1975); 0 when they hold no words."""
    words = [word for sentence in sentences for word in _words(sentence)]
    if not words:
        return 0.0
    filled = max(0, FEWEST_WORDS - len(words))
    syllables = sum(_syllables(word, language) for word in words) + filled
    count = len(words) + filled
    return 0.39 * count / len(sentences) + 11.8 * syllables / count - 15.59


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _syllables(word: str, language: Language) -> int:
    if word in language.plain_words:
        return 1
    return language.syllables.get(word) or max(1, int(syllapy.count(word)))
