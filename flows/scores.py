"""Scores of a questionnaire: the totals of its groups by ordinal values, and the numbers that it computes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flows.items import NUMBERS, Item, ItemType
from flows.questionnaire import Questionnaire
from flows.totals import NOTHING
from flows.values import DECLINED, Coding, Facts, Quantity


@dataclass(frozen=True, slots=True)
class Score:
    """A number that sums up answers.

    `codes` say what it measures: those of its group or item, mostly LOINC's. `most` is the highest total that the
    options of a group allow; None when the number is computed by an expression. `unit` is that of a quantity.
    """

    link_id: str
    title: str
    value: Decimal
    codes: tuple[Coding, ...] = ()
    most: Decimal | None = None
    unit: str = ""


def scores(questionnaire: Questionnaire, facts: Facts) -> tuple[Score, ...]:
    """The scores that these answers give, in the order of the questionnaire.

    A group has a total when each of its scored questions is answered, and every answer has an ordinal value; those of
    a question with several answers are added up. "I would rather not say" scores nothing, so there is no total: a
    safety item is never made up. A computed number is a score as soon as its expression gives one, but for the same
    reason none is while a scored question is declined: the expression cannot know. What repeats has none, because
    facts do not tell the occurrences apart. Scored questions outside of any group make a total of the whole (its linkId
    is empty) where the questionnaire computes none itself.
    """
    declined = any(DECLINED in facts.get(item.link_id, ()) for item in questionnaire.walk() if _ordinals(item))
    found = []
    for item in _once(questionnaire.items):
        if item.type is ItemType.GROUP:
            total = _total(item.items, facts)
            if total is not None:
                found.append(Score(item.link_id, item.text, total, item.codes, _most(item.items)))
        elif item.calculated is not None and item.type in NUMBERS and not declined:
            found += [_computed(item, value) for value in facts.get(item.link_id, ()) if isinstance(value, _NUMBER)]
    computes = any(item.calculated not in (None, NOTHING) for item in questionnaire.walk())
    whole = None if computes else _total(questionnaire.items, facts)
    if whole is not None:
        found.append(Score("", questionnaire.title, whole, (), _most(questionnaire.items)))
    return tuple(found)


def totals(questionnaire: Questionnaire, facts: Facts) -> Mapping[str, Decimal]:
    """The totals of the groups, by linkId. Computed numbers are facts of their own and not among them."""
    groups = scored_groups(questionnaire)
    return {score.link_id: score.value for score in scores(questionnaire, facts) if score.link_id in groups}


def total_name(group: str) -> str:
    """The name of a group's total among the facts."""
    return f"%total.{group}"


def scored_groups(questionnaire: Questionnaire) -> tuple[str, ...]:
    """The linkIds of the groups that have a total."""
    groups = (item for item in _once(questionnaire.items) if item.type is ItemType.GROUP)
    return tuple(group.link_id for group in groups if any(map(_ordinals, group.items)))


_NUMBER = int | Decimal | Quantity


def _once(items: Sequence[Item]) -> Iterator[Item]:
    """The items that occur but once, parents before children."""
    for item in items:
        if not item.repeats:
            yield item
            yield from _once(item.items)


def _ordinals(item: Item) -> list[Decimal]:
    values = (option.value for option in item.options)
    return [value.ordinal for value in values if isinstance(value, Coding) and value.ordinal is not None]


def _total(items: Sequence[Item], facts: Facts) -> Decimal | None:
    scored = [facts.get(item.link_id, ()) for item in items if _ordinals(item)]
    ordinals = [value.ordinal if isinstance(value, Coding) else None for values in scored for value in values]
    if not scored or not all(scored):
        return None
    known = [ordinal for ordinal in ordinals if ordinal is not None]
    return sum(known, Decimal()) if len(known) == len(ordinals) else None


def _most(items: Sequence[Item]) -> Decimal:
    return sum((_highest(item) for item in items if _ordinals(item)), Decimal())


def _highest(item: Item) -> Decimal:
    """The most that one question can score: the best answer, and any others that add to it."""
    best, *others = sorted(_ordinals(item), reverse=True)
    more = others[: item.most - 1 if item.most is not None else None] if item.takes_several else []
    return best + sum((ordinal for ordinal in more if ordinal > 0), Decimal())


def _computed(item: Item, value: int | Decimal | Quantity) -> Score:
    if isinstance(value, Quantity):
        return Score(item.link_id, item.text, value.value, item.codes, unit=value.unit)
    return Score(item.link_id, item.text, Decimal(value), item.codes, unit=item.unit)
