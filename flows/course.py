"""The course of a conversation: which questions a set of answers enables, in order, and what is said between them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from flows.conditions import holds
from flows.expressions import Evaluator
from flows.items import Item, ItemType
from flows.questionnaire import Questionnaire
from flows.values import DECLINED, Answers, Coding, Facts, Place, Values, spoken

MOST_OCCURRENCES = 50
"""Occurrences of a repeating group when the questionnaire sets no limit."""

PASSES = 6
"""How often what is computed from answers is computed again before it must have settled."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A question that is enabled, with the texts before it; `values` is None until it is answered.

    An entry whose item is a group asks whether the group occurs (once more); its place names that occurrence. `within`
    tells it from the same question elsewhere: the answer that it is about, or the number of the occurrence.
    """

    place: Place
    item: Item
    intro: tuple[str, ...]
    values: Values | None
    within: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Course:
    """Where a set of answers leads in a questionnaire.

    `entries` are the enabled questions in the order of asking: answers on a branch that is no longer taken are not
    among them, and count for nothing. `computed` holds what nobody is asked: hidden, read-only and calculated values.
    `closing` holds the texts after the last question.
    """

    entries: tuple[Entry, ...]
    computed: Answers
    closing: tuple[str, ...]

    @property
    def next(self) -> Entry | None:
        """The first question without an answer."""
        return next((entry for entry in self.entries if entry.values is None), None)

    @property
    def reached(self) -> Answers:
        """The answers that count, and what is computed."""
        answered = {entry.place: entry.values for entry in self.entries if entry.values is not None}
        return {**answered, **self.computed}

    @property
    def facts(self) -> Facts:
        """What the red flags see: the answers by linkId, those of all occurrences together."""
        found: dict[str, Values] = {}
        for place, values in self.computed.items():
            found[place.link_id] = (*found.get(place.link_id, ()), *values)
        for entry in self.entries:
            if entry.values is not None and entry.item.is_question:
                found[entry.place.link_id] = (*found.get(entry.place.link_id, ()), *entry.values)
        return found


def follow(questionnaire: Questionnaire, answers: Answers, *, now: datetime | None = None) -> Course:
    """Walk a questionnaire with these answers. Conditions look back only; what is computed may need several passes.

    `now` is what today() gives in FHIRPath: the time at which the conversation began, so that its course never changes
    by itself.
    """
    course = _Walk(answers, None).course(questionnaire.items)
    for _ in range(PASSES if questionnaire.computes else 0):
        again = _Walk(answers, Evaluator(questionnaire, course.reached, now)).course(questionnaire.items)
        if again == course:
            break
        course = again
    return course


@dataclass
class _Walk:
    """One pass. `facts` are the answers as the next condition sees them: of each question the nearest occurrence."""

    answers: Answers
    evaluator: Evaluator | None
    facts: dict[str, Values] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    computed: dict[Place, Values] = field(default_factory=dict)
    waiting: list[tuple[Place | None, str]] = field(default_factory=list)
    """Texts since the last question, each with the group that it heads."""
    names: dict[Place, str] = field(default_factory=dict)
    """What tells the occurrences of something apart."""

    def course(self, items: Sequence[Item]) -> Course:
        self._items(items, (), (), asked=True)
        return Course(tuple(self.entries), self.computed, tuple(text for group, text in self.waiting if group is None))

    def _items(
        self, items: Sequence[Item], instance: tuple[int, ...], groups: tuple[Place, ...], *, asked: bool
    ) -> None:
        """`groups` are those around the items; `asked` tells whether a person sees them."""
        for item in items:
            if not self._enabled(item, instance):
                continue
            seen = asked and not item.hidden
            if item.type is ItemType.GROUP:
                self._group(item, instance, groups, asked=seen and not item.read_only)
            elif item.type is ItemType.DISPLAY:
                self.waiting += [(None, item.text)] if seen and item.text else []
            elif asked and item.is_asked:
                self._question(item, instance, groups)
            else:
                self._known(item, instance, groups, seen=seen)

    def _enabled(self, item: Item, instance: tuple[int, ...]) -> bool:
        if item.enable_expression is not None:
            place = Place(item.link_id, instance)
            return self.evaluator is not None and self.evaluator.enabled(item, place)
        try:
            return item.enable_when is None or holds(item.enable_when, self.facts)
        except TypeError:  # two units, say: better asked than missed
            return True

    def _question(self, item: Item, instance: tuple[int, ...], groups: tuple[Place, ...]) -> None:
        place = Place(item.link_id, instance)
        values = self._entry(place, item, groups)
        if values is None:
            return
        self.facts[item.link_id] = values
        self._below(item, values, instance, groups, asked=True)

    def _known(self, item: Item, instance: tuple[int, ...], groups: tuple[Place, ...], *, seen: bool) -> None:
        """A value that nobody is asked for."""
        place = Place(item.link_id, instance)
        values = self.answers.get(place, item.initial) if item.recalled else item.initial
        if item.adds_up:
            values = self._sum(item)
        elif item.calculated is not None:
            values = self.evaluator.value(item, place) if self.evaluator is not None else ()
        if not values:
            return
        self.computed[place] = self.facts[item.link_id] = values
        if seen and item.read_only and item.text:
            self.waiting.append((None, f"{item.text}: {', '.join(map(spoken, values))}"))
        self._below(item, values, instance, groups, asked=False)

    def _sum(self, item: Item) -> Values:
        """The total of questions that were answered, all of them, and each with a score."""
        given = [self.facts.get(link_id, ()) for link_id in item.adds_up]
        scored = [value.ordinal for values in given for value in values if isinstance(value, Coding)]
        known = [ordinal for ordinal in scored if ordinal is not None]
        if len(known) != len(item.adds_up) or not all(len(values) == 1 for values in given):
            return ()
        total = sum(known, Decimal())
        if item.type is not ItemType.INTEGER:
            return (total,)
        return (int(total),) if total == total.to_integral_value() else ()

    def _below(
        self, item: Item, values: Values, instance: tuple[int, ...], groups: tuple[Place, ...], *, asked: bool
    ) -> None:
        """The items below each answer of a question: FHIR keeps them inside the answer."""
        if not item.items:
            return
        for number, value in enumerate(values, start=1):
            if value == DECLINED:
                continue
            if item.takes_several:
                heading = Place(item.link_id, (*instance, number))
                self.names[heading] = spoken(value)
                self.waiting.append((heading, spoken(value)))
                with self._apart(item):
                    self._items(item.items, heading.instance, (*groups, heading), asked=asked)
            else:
                self._items(item.items, instance, groups, asked=asked)

    def _group(self, group: Item, instance: tuple[int, ...], groups: tuple[Place, ...], *, asked: bool) -> None:
        if not group.repeats:
            self._occurrence(group, instance, groups, asked=asked)
            return
        certain = group.least if asked and _traps(group) else max(group.least, 1)
        for number in range(1, (group.most or max(MOST_OCCURRENCES, group.least)) + 1):
            inside = (*instance, number)
            if number > certain and (not asked or self._entry(Place(group.link_id, inside), group, groups) != (True,)):
                break
            before = len(self.entries)
            if number > 1:
                self.names[Place(group.link_id, inside)] = str(number)
            with self._apart(group):
                self._occurrence(group, inside, groups, asked=asked)
            given = [entry.values for entry in self.entries[before:]]
            if not asked or not given or (number >= certain and all(values == () for values in given)):
                break

    def _occurrence(self, group: Item, instance: tuple[int, ...], groups: tuple[Place, ...], *, asked: bool) -> None:
        heading = Place(group.link_id, instance)
        if asked and group.text:
            self.waiting.append((heading, group.text))
        self._items(group.items, instance, (*groups, heading), asked=asked)

    def _entry(self, place: Place, item: Item, groups: tuple[Place, ...]) -> Values | None:
        """Put an entry, and return its answer. A heading is said before the first question of its group."""
        intro = tuple(text for group, text in self.waiting if group is None or group in groups)
        self.waiting.clear()
        values = self.answers.get(place)
        within = tuple(self.names[group] for group in groups if group in self.names)
        self.entries.append(Entry(place, item, intro, values, within))
        return values

    @contextmanager
    def _apart(self, item: Item) -> Iterator[None]:
        """Within an occurrence, the answers of the ones before are not seen; after it, where it has none of its own."""
        before, below = self.facts, _names(item)
        self.facts = {name: values for name, values in before.items() if name not in below}
        yield
        self.facts = before | self.facts


def _names(item: Item) -> frozenset[str]:
    """The linkIds of all that is below an item."""
    return frozenset(name for child in item.items for name in (child.link_id, *_names(child)))


def _traps(group: Item) -> bool:
    """Whether somebody with nothing to say in a group could not get past it."""
    return any((item.is_asked and item.least) or _traps(item) for item in group.items)
