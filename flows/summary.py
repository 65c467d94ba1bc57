"""An intake on one page, for clinicians: what it leads to and why, medicines with equivalents, scores, every answer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import shorten

from flows.catalogue import Catalogue
from flows.conversation import Conversation
from flows.course import Entry
from flows.effects import IntakeOutcome
from flows.equivalents import Equivalent, Equivalents, diazepam_equivalents
from flows.facts import facts, taken
from flows.items import Item, ItemType
from flows.past import Past
from flows.schedule import local_date
from flows.scores import scored_groups, scores
from flows.taper import Plan
from flows.totals import band
from flows.values import Coding, Values, spoken

WIDTH = 60
"""Characters of a question's words."""


@dataclass(frozen=True, slots=True)
class Section:
    """A group of questions, with the answers in short: (what it is about, the answer)."""

    title: str
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """An intake in short. `scores` are (name, total, most, severity); `equivalents` of each medicine and in all."""

    outcome: IntakeOutcome
    reasons: tuple[str, ...]
    scores: tuple[tuple[str, str, str, str], ...]
    equivalents: Equivalents
    sections: tuple[Section, ...]


def summary(conversation: Conversation, alerts_lately: Iterable[str], catalogue: Catalogue) -> Summary:
    """The one page of an intake that was sent, with what it led to.

    `alerts_lately` are the rules that had raised an alert until then: an emergency heard in words is in no answer.
    """
    form, told = conversation.questionnaire, conversation.facts
    assert conversation.opened is not None
    today = local_date(conversation.opened, catalogue.clinic.zone)
    known = {
        **facts(conversation, Past(), Plan(), (), today=today, catalogue=catalogue),
        "%alerts.lately": tuple(sorted(alerts_lately)),
    }
    return Summary(
        outcome=catalogue.triage.outcome(known, catalogue.rules),
        reasons=tuple(reason.words for reason in catalogue.triage.found(known)),
        scores=tuple(
            (_name(score.codes, score.link_id), f"{score.value:f}", f"{score.most:f}" if score.most else "", severity)
            for score in scores(form, told)
            for severity in [next(filter(None, (band(code, score.value) for code in score.codes)), "")]
        ),
        equivalents=diazepam_equivalents(taken(conversation, catalogue.medicines)),
        sections=tuple(_sections(conversation)),
    )


def equivalent_words(equivalent: Equivalent) -> str:
    """A sum on one scale in words, such as: 40 to 60 mg (high)."""
    if equivalent.known is None:
        return "not known"
    least, most = spoken(equivalent.known.least), spoken(equivalent.known.most)
    amount = f"{least} mg" if least == most else f"{least} to {most} mg"
    more = "at least " if equivalent.missing else ""
    return f"{more}{amount} ({equivalent.dose_class or 'class not known'})"


def _sections(conversation: Conversation) -> Iterator[Section]:
    """The answers by the groups at the top; of a scored group only those that score something, in their own words."""
    form = conversation.questionnaire
    top = {item.link_id: group for group in form.items for item in (group, *_below(group))}
    scored = frozenset(scored_groups(form))
    answers: dict[str, list[tuple[str, str]]] = {}
    for entry in conversation.course.entries:
        if not entry.values or entry.item.type is ItemType.GROUP:
            continue
        group = top[entry.place.link_id]
        if group.link_id in scored and not _scores(entry.values):
            continue
        about = shorten(entry.item.text, WIDTH) if group.link_id in scored else _about(entry)
        answers.setdefault(group.link_id, []).append((about, ", ".join(map(spoken, entry.values))))
    for group in form.items:
        if group.link_id in answers:
            yield Section(_name(group.codes, group.link_id), tuple(answers[group.link_id]))


def _scores(values: Values) -> bool:
    return any(isinstance(value, Coding) and value.ordinal != 0 for value in values)


def _below(item: Item) -> Iterator[Item]:
    for child in item.items:
        yield child
        yield from _below(child)


def _about(entry: Entry) -> str:
    within = f" ({', '.join(entry.within)})" if entry.within else ""
    return _words(entry.place.link_id) + within


def _name(codes: Sequence[Coding], link_id: str) -> str:
    return next((code.display for code in codes if code.display), _words(link_id))


def _words(link_id: str) -> str:
    """What a question is about, by its linkId."""
    words = link_id.replace("-", " ").replace("_", " ").replace("audit c", "AUDIT-C").replace("asq", "ASQ")
    return words[:1].upper() + words[1:]
