"""Totals of the groups of a questionnaire, by ordinal values."""

from collections.abc import Mapping
from decimal import Decimal

from flows.questionnaire import Item, Questionnaire
from flows.values import Coding, Facts


def totals(questionnaire: Questionnaire, answers: Facts) -> Mapping[str, Decimal]:
    """The total of every group whose scored questions are all answered, by the group's linkId.

    A group with an unanswered scored question, or an answer that scores nothing ("I would rather not say"), has no
    total: a safety item is never made up.
    """
    found = {}
    for group in questionnaire.walk():
        scored = [item for item in group.items if _is_scored(item)]
        given = [answers[item.link_id] for item in scored if answers.get(item.link_id)]
        if scored and len(given) == len(scored):
            ordinals = [value.ordinal if isinstance(value, Coding) else None for values in given for value in values]
            if None not in ordinals:
                found[group.link_id] = sum((ordinal for ordinal in ordinals if ordinal is not None), Decimal())
    return found


def total_name(group: str) -> str:
    """The name of a group's total among the facts."""
    return f"%total.{group}"


def scored_groups(questionnaire: Questionnaire) -> tuple[str, ...]:
    """The linkIds of the groups that have a total."""
    return tuple(group.link_id for group in questionnaire.walk() if any(_is_scored(item) for item in group.items))


def _is_scored(item: Item) -> bool:
    return any(isinstance(option.value, Coding) and option.value.ordinal is not None for option in item.options)
