"""Checklists: a question for which of these, and below each answer how bad it was."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from flows.course import Course
from flows.items import Item
from flows.questionnaire import Questionnaire
from flows.values import Coding, Place


def checklists(questionnaire: Questionnaire) -> Iterator[tuple[Item, Item]]:
    """The questions with several answers, each with the scored question below every answer."""
    for item in questionnaire.walk():
        if item.takes_several:
            for below in item.items:
                if below.is_asked and any(_ordinal(option.value) is not None for option in below.options):
                    yield item, below
                    break


def levels(item: Item, below: Item, course: Course) -> tuple[Mapping[str, Decimal], bool]:
    """How bad each entry of a checklist is so far, by the code of the entry; and whether that is all of it."""
    answers = {entry.place: entry.values for entry in course.entries}
    chosen = answers.get(Place(item.link_id))
    if chosen is None:
        return {}, False
    found, is_whole = {}, True
    for number, entry in enumerate(chosen, start=1):
        place = Place(below.link_id, (number,))
        if place not in answers:  # an entry that says "none of these" has nothing below it
            continue
        level = next(filter(lambda known: known is not None, map(_ordinal, answers[place] or ())), None)
        if level is None:
            is_whole = False
        else:
            found[entry.code if isinstance(entry, Coding) else str(entry)] = level
    return found, is_whole


def _ordinal(value: object) -> Decimal | None:
    return value.ordinal if isinstance(value, Coding) else None
