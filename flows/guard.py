"""The guard: what no text to a patient may say. refusals(text, language) -> what is refused, and what to write instead.

Promise P5 is not a clinic's to switch off: content/guard.yaml, which no other folder stands in front of, says what
states, suggests or computes a change of dose or pace, and what is a number of milligrams or percent. The language file
adds the words that wound, and the sentences that may stand as they are. The guard would rather refuse too much: a
sentence is judged by the words in it, not by what it means, and whoever wrote it can write it anew.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

from flows import plain_yaml
from flows.catalogue import Language, own_content


class Kind(StrEnum):
    """Why words are refused."""

    CHANGE = "change"
    NUMBER = "number"
    WORD = "word"


INSTEAD = {
    Kind.CHANGE: "no change of dose or pace; say that changes are made with the clinician, at a visit, in person",
    Kind.NUMBER: "no number of milligrams or percent in patient text",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Words that may not leave, and what to write instead. As a text it tells the author so."""

    kind: Kind
    words: str
    instead: str

    def __str__(self) -> str:
        return f"{self.words!r} must not stand in a text to a patient; write: {self.instead}"


def refusals(
    text: str, language: Language, echoes: Sequence[str] = (), *, is_answer: bool = False
) -> tuple[Refusal, ...]:
    """What is refused in a text or in Telegram's HTML; nothing when it may leave.

    `echoes` are the patient's own words, or the answers offered, in the order in which the text shows them: they are
    not judged. Each is struck once, from the end on, so that an echo never hides the same words of ours elsewhere.

    With `is_answer` the text is the label of an answer to be tapped. It may name a strength ("Clonazepam 0.5 mg"), and
    what a patient did or wants in their own voice ("I skipped some"): tapping it reports, it advises nobody.
    """
    grammar = _grammar()
    words = _struck(fold(text), [fold(echo) for echo in echoes])
    for allowed in language.allowed:
        words = re.sub(rf"(?<!\w){re.escape(fold(allowed))}(?!\w)", _BREAK, words)
    found = [
        Refusal(Kind.WORD, hit[0], instead) for pattern, instead in language.refused if (hit := pattern.search(words))
    ]
    if not is_answer and (hit := grammar.number.search(words)):
        found.append(Refusal(Kind.NUMBER, hit[0], INSTEAD[Kind.NUMBER]))
    if not (is_answer and grammar.own_voice.match(words)):
        change = next(_changes(grammar, words), None)
        if change is not None and not any(change in refusal.words for refusal in found):
            found.append(Refusal(Kind.CHANGE, change, INSTEAD[Kind.CHANGE]))
    return tuple(found)


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """One spelling of many: without tags, capitals, accents, letters that look like others, and what cannot be seen."""
    text = _TAG.sub("", text)
    text = unicodedata.normalize("NFKD", html.unescape(text))
    text = "".join(char for char in text if unicodedata.category(char) not in {"Cf", "Mn", "Me"}).translate(_LOOK)
    text = "".join(str(unicodedata.digit(char, char)) for char in text).lower()
    text = _SPELT.sub(lambda hit: re.sub(r"[^\w\n]", "", hit[0]), text)
    text = re.sub(r"[^\S\n]+", " ", text)
    text = re.sub(r" ?\n ?(?=\n|[•✓*-] ?|\d+[.)] )", _BREAK, text)
    return re.sub(r"\s+", " ", text.replace(_BREAK, f" {_BREAK} ")).strip()


@dataclass(frozen=True, slots=True)
class _Grammar:
    """guard.yaml, read."""

    number: re.Pattern[str]
    reports: re.Pattern[str]
    leads: re.Pattern[str]
    own_voice: re.Pattern[str]
    harmless: tuple[re.Pattern[str], ...]
    change: tuple[re.Pattern[str], ...]


@cache
def _grammar() -> _Grammar:
    written = plain_yaml.read((own_content() / "guard.yaml").read_text("utf-8"), "guard.yaml")
    words: dict[str, str] = {}

    def whole(text: str) -> str:
        joined = "".join(line.lstrip() for line in text.splitlines())
        return re.sub(r"\{([a-z_]+)\}", lambda name: words[name[1]], joined)

    for name, text in written["words"].items():
        words[name] = whole(text)

    def one(name: str) -> re.Pattern[str]:
        return re.compile(whole(written[name]))

    def several(name: str) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(whole(text)) for text in written[name])

    return _Grammar(
        one("number"), one("reports"), one("leads"), one("own_voice"), several("harmless"), several("change")
    )


def _struck(text: str, echoes: Sequence[str]) -> str:
    """The text with a break where each echo stands; they stand in this order, and the last one is looked for first."""
    end = len(text)
    for echo in reversed(echoes):
        places = [hit.start() for hit in re.finditer(rf"(?<!\w){re.escape(echo)}(?!\w)", text[:end])] if echo else []
        if places:
            text = f"{text[: places[-1]]} {_BREAK} {text[places[-1] + len(echo) :]}"
            end = places[-1]
    return text


def _changes(grammar: "_Grammar", text: str) -> Iterator[str]:
    """The words of each sentence that speak of a change, whatever it asks for."""
    for sentence in map(str.strip, _SENTENCE.split(text)):
        if grammar.reports.match(sentence) and not grammar.leads.search(sentence):
            continue
        words = sentence
        for harmless in grammar.harmless:
            words = harmless.sub(_BREAK, words)
        for pattern in grammar.change:
            hit = pattern.search(words)
            if hit:
                yield " ".join(hit[0].split())
                break


_BREAK = "¶"
_TAG = re.compile(
    r"</?(?:b|strong|i|em|u|ins|s|strike|del|code|pre|span|a|tg-spoiler|tg-emoji|blockquote)(?:\s[^<>]*)?>",
    re.IGNORECASE,
)
_LOOK = str.maketrans(
    "аеорсухіјѕкмтвнԁіʟɑαβεικνορτυχ⁄∕·’‘ʼ`´“”–—‐‑‒−×",
    "aeopcyxijskmtbhdilaabeiknoptux//.'''''\"\"------x",
)
_SPELT = re.compile(r"(?<![\w'])[a-z]([ ._*-])(?:[a-z]\1)+[a-z](?![\w'])")
"""A word that is spelt letter by letter: t-a-k-e."""
_SENTENCE = re.compile(rf"(?<=[.!?…])['\")»]*(?:\s+|$)|{_BREAK}")
