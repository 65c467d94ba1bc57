"""Answers as the items of a FHIR QuestionnaireResponse, and back."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import IntEnum
from typing import Any

from flows.items import Item, ItemType
from flows.values import DECLINED, Answers, PartialDate, Place, Value, Values, decode, encode

DATA_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


NO_ANSWER = "unknown"
"""Our reading of this data-absent-reason on an item: the question was asked, and skipped."""
NO_MORE = "not-applicable"
"""Our reading of this one on an empty group: it does not occur (once more), said the person."""


class Detail(IntEnum):
    """How much is told beside the answers themselves."""

    ANSWERS = 0
    SKIPPED = 1
    """Also which questions were skipped, and which occurrences of a group were begun."""
    DECIDED = 2
    """Also which further occurrences of a group were declined. When all was answered, the others say it."""


def items(
    form: Sequence[Item], reached: Answers, instance: tuple[int, ...] = (), *, detail: Detail = Detail.ANSWERS
) -> list[dict[str, Any]]:
    """The items that have an answer, and those that hold such items: FHIR has no empty list."""
    return [found for item in form for found in _item(item, reached, instance, detail)]


def answers(form: Sequence[Item], found: Sequence[Mapping[str, Any]], instance: tuple[int, ...] = ()) -> Answers:
    """The answers that the items of a QuestionnaireResponse hold, by their places. Raises ValueError for no value.

    A question that was skipped has none. That a group occurs once more is an answer too, also where nobody was asked.
    """
    read: dict[Place, Values] = {}
    for item in form:
        entries = [entry for entry in found if entry.get("linkId") == item.link_id]
        if item.type is ItemType.GROUP:
            for number, entry in enumerate(entries, start=1):
                inside = (*instance, number) if item.repeats else instance
                read |= answers(item.items, entry.get("item", ()), inside)
                if item.repeats:
                    read[Place(item.link_id, inside)] = (not _is_absent(entry, NO_MORE),)
            continue
        given = [answer for entry in entries for answer in entry.get("answer", ())]
        if given or any(_is_absent(entry, NO_ANSWER) for entry in entries):
            read[Place(item.link_id, instance)] = tuple(map(_decoded, given))
        for number, answer in enumerate(given, start=1):
            inside = (*instance, number) if item.takes_several else instance
            read |= answers(item.items, answer.get("item", ()), inside)
    return read


def typed(item: Item, value: Value) -> dict[str, Any]:
    """The `value[x]` of an answer, by the type of its question: a day may be a date or a dateTime, a text a uri."""
    if item.type is ItemType.DATE_TIME and isinstance(value, date | PartialDate) and not isinstance(value, datetime):
        return {"valueDateTime": str(value)}
    if item.type is ItemType.URL and isinstance(value, str):
        return {"valueUri": value}
    if item.type is ItemType.DECIMAL and isinstance(value, int):
        return {"valueDecimal": value}
    return encode(value)


def _item(item: Item, reached: Answers, instance: tuple[int, ...], detail: Detail) -> Iterator[dict[str, Any]]:
    entry: dict[str, Any] = {"linkId": item.link_id, **({"text": item.text} if item.text else {})}
    if item.type is ItemType.GROUP:
        for inside in _occurrences(item, reached, instance, detail):
            children = items(item.items, reached, inside, detail=detail)
            if children:
                yield {**entry, "item": children}
            elif item.repeats and detail:
                declined = reached.get(Place(item.link_id, inside)) == (False,)
                yield {**entry, **(_absent(NO_MORE) if declined else {})}
        return
    values = reached.get(Place(item.link_id, instance))
    given = []
    for number, value in enumerate(values or (), start=1):
        inside = (*instance, number) if item.takes_several else instance
        children = items(item.items, reached, inside, detail=detail)
        given.append({**_answer(item, value), **({"item": children} if children else {})})
    if given:
        yield {**entry, "answer": given}
    elif values is not None and detail:
        yield {**entry, **_absent(NO_ANSWER)}


def _occurrences(group: Item, reached: Answers, instance: tuple[int, ...], detail: Detail) -> Iterator[tuple[int, ...]]:
    """The instances of a group in which something was answered, in their order; with detail, all up to the last."""
    if not group.repeats:
        yield instance
        return
    depth = len(instance)
    inside = {place.link_id for place in _places(group.items)}
    numbers = {
        place.instance[depth]
        for place in reached
        if place.link_id in inside and place.instance[:depth] == instance and len(place.instance) > depth
    }
    if detail:
        numbers |= {
            place.instance[depth]
            for place, values in reached.items()
            if place.link_id == group.link_id
            and place.instance[:-1] == instance
            and (values == (True,) or detail is Detail.DECIDED)
        }
        numbers = set(range(1, max(numbers, default=0) + 1))
    yield from ((*instance, number) for number in sorted(numbers))


def _places(found: Sequence[Item]) -> Iterator[Place]:
    for item in found:
        yield Place(item.link_id)
        yield from _places(item.items)


def _answer(item: Item, value: Value) -> dict[str, Any]:
    return _absent(DECLINED.code) if value == DECLINED else typed(item, value)


def _decoded(answer: Mapping[str, Any]) -> Value:
    return DECLINED if _is_absent(answer, DECLINED.code) else decode(answer)


def _absent(reason: str) -> dict[str, Any]:
    """The part of an element that says why it has no value."""
    return {"extension": [{"url": DATA_ABSENT_REASON, "valueCode": reason}]}


def _is_absent(element: Mapping[str, Any], reason: str) -> bool:
    return {"url": DATA_ABSENT_REASON, "valueCode": reason} in element.get("extension", ())
