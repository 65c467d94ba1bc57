"""How hard a text is to read: Flesch-Kincaid grades, sentence by sentence."""

import re
from collections.abc import Iterator

import syllapy  # type: ignore[import-untyped]

from flows.catalogue import Language

GRADE = 7.0
"""A sentence must stay below this: it is then of grade 6 or easier."""

FEWEST_WORDS = 8
"""Shorter sentences have no grade of their own: the measure is not made for them. They count with the whole text."""

_SENTENCE = re.compile(r"(?<=[.!?:;…])[\"')]*\s+|\n+")
_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)*")


def hard_parts(text: str, language: Language) -> Iterator[tuple[str, float]]:
    """The sentences of a plain text at or above `GRADE`, each with its grade; or the whole text when no sentence is."""
    sentences = [sentence for part in _SENTENCE.split(text) if (sentence := " ".join(part.split()))]
    found = [
        (sentence, found)
        for sentence in sentences
        if len(_words(sentence)) >= FEWEST_WORDS and (found := grade([sentence], language)) >= GRADE
    ]
    yield from found
    whole = grade(sentences, language)
    if not found and whole >= GRADE and sum(len(_words(sentence)) for sentence in sentences) >= FEWEST_WORDS:
        yield " ".join(sentences), whole


def grade(sentences: list[str], language: Language) -> float:
    """The Flesch-Kincaid grade of sentences taken together (Kincaid 1975); 0 when they hold no words."""
    words = [word for sentence in sentences for word in _words(sentence)]
    if not words:
        return 0.0
    syllables = sum(_syllables(word, language) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _syllables(word: str, language: Language) -> int:
    if word in language.plain_words:
        return 1
    return language.syllables.get(word) or max(1, int(syllapy.count(word)))
