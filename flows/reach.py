"""What no set of answers can reach: items that are never enabled, and cases of rules that can never fire."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property, partial
from itertools import combinations
from math import ceil, floor

from flows.care import Channel
from flows.checklists import checklists
from flows.conditions import Condition, Every, Operator, Some, Test, holds, order
from flows.items import MOMENTS, NUMBERS, Item, ItemType
from flows.lifecycle import Standing
from flows.listener import Signal
from flows.questionnaire import Questionnaire
from flows.redflags import Rule
from flows.scores import scored_groups, total_name
from flows.taper import dose_questions
from flows.values import DECLINED, Coding, Facts, PartialDate, Quantity, Value, Values

MOST_COMBINATIONS = 20_000
"""Combinations of answers that are tried for one item or case; beyond, it counts as reachable."""

MOST_KINDS = 10
"""Kinds of answers to one question whose combinations are tried."""

OUTSIDE = frozenset({"X0"})
"""Rules that the program raises by itself, without looking at their cases."""

FROM_ELSEWHERE = (
    *("%last.", "%rise", "%weeks-rising.", "%highest.", "%worst-new.", "%plan.", "%alerts.", "%unanswered.", "%visit."),
    *("%half-life", "%new-medicine", "%taking", "%dose-class", "%outcome"),
)
"""How the names of facts begin that are not read off the answers of one questionnaire."""

FRACTION = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Impossible:
    """A case of a rule, counted from 1, that no facts can make fire: which part of it, why, and what to do."""

    rule: str
    case: int
    reason: str


class _TooManyError(Exception):
    """There are more combinations than can be tried."""


def unreachable(form: Questionnaire) -> tuple[Item, ...]:
    """The items that no set of answers enables; of a group or question, not also what is inside it.

    Tries, for the questions that an item depends on, every kind of answer that its conditions tell apart: options,
    numbers and dates at, below and above what they are compared with, none where none is required. What FHIRPath
    decides counts as possible either way. So does an item that depends on more than `MOST_COMBINATIONS`.
    """
    space = _Space(form)
    found: dict[str, Item] = {}
    for item in form.walk():
        around = space.around[item.link_id]
        if item.enable_when is None or item.enable_expression is not None or any(o.link_id in found for o in around):
            continue
        needed, tests = space.needed(item.link_id)
        if not _any(space.facts(needed - {item.link_id}, tests), partial(space.enabled, item)):
            found[item.link_id] = item
    return tuple(found.values())


def impossible(rules: Iterable[Rule], forms: Iterable[Questionnaire]) -> Iterator[Impossible]:
    """The cases of rules that can never fire, because no facts make them hold, or because all facts do.

    The answers are those of one questionnaire, as far as they can be given together; any may be open still, or again.
    Totals count as independent of the answers that they add up.
    """
    spaces = [_Space(form, rule_facts=True) for form in forms]
    for rule in rules:
        for number, case in enumerate(rule.cases, start=1) if rule.id not in OUTSIDE else ():
            if not _possible(case.test, spaces):
                reason = f"{_culprit(case.test, spaces)}. Change what it compares, or remove the case"
                yield Impossible(rule.id, number, reason)
            elif not _possible(case.test, spaces, wanted=False):
                reason = f"{described(case.test)} always holds, and a case fires when it begins to. Narrow the case"
                yield Impossible(rule.id, number, reason)


def described(test: Test) -> str:
    """A test in one line, such as: phq9-9 >= 1 and asq-4 exists false."""
    match test:
        case Condition(question, operator, answer):
            shown = answer.code or answer.display if isinstance(answer, Coding) else answer
            return f"{question} {operator} {str(shown).lower() if isinstance(shown, bool) else shown}"
        case Every(parts):
            return " and ".join(f"({described(part)})" if isinstance(part, Some) else described(part) for part in parts)
        case Some(parts):
            return " or ".join(map(described, parts))


def _culprit(test: Test, spaces: Sequence["_Space"]) -> str:
    """The smallest part of an impossible test that is impossible by itself."""
    if isinstance(test, Every):
        for size in range(1, len(test.parts)):
            for parts in combinations(test.parts, size):
                part = Every(parts) if size > 1 else parts[0]
                if not _possible(part, spaces):
                    return _culprit(part, spaces)
        together = " together" if len(test.parts) > 1 else ""
        return f"{described(test)} never holds{together} in any questionnaire"
    return f"{described(test)} never holds in any questionnaire"


def _possible(test: Test, spaces: Sequence["_Space"], *, wanted: bool = True) -> bool:
    """Whether some facts make the test hold (or with `wanted` false, not hold)."""

    def as_wanted(facts: Facts) -> bool:
        try:
            return holds(test, facts) == wanted
        except TypeError:  # a rule that cannot be evaluated fires
            return True

    return any(_any(space.facts(*space.needed_by(test)), as_wanted) for space in spaces)


def _any(found: Iterator[Facts], fits: Callable[[Facts], bool]) -> bool:
    try:
        return any(map(fits, found))
    except _TooManyError:
        return True


class _Space:
    """The answers that a questionnaire can have.

    With `rule_facts` they are the facts that rules look at: any question may be unanswered, because rules are looked at
    on the way, and computed facts are among them.
    """

    def __init__(self, form: Questionnaire, *, rule_facts: bool = False) -> None:
        self.form = form
        self.rule_facts = rule_facts
        self.around: dict[str, tuple[Item, ...]] = {}
        """The groups and questions around each item, from outside in."""
        self._enclose(form.items, ())

    def _enclose(self, items: Sequence[Item], around: tuple[Item, ...]) -> None:
        for item in items:
            self.around[item.link_id] = around
            self._enclose(item.items, (*around, item))

    def needed(self, *names: str) -> tuple[frozenset[str], tuple[Test, ...]]:
        """The questions that decide about some items, these included, and all conditions between them."""
        found: dict[str, None] = {}
        tests: list[Test] = []
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in found or name not in self.around:
                continue
            found[name] = None
            for item in (*self.around[name], self.form.walk()[self.form.positions[name]]):
                if item.enable_when is not None and item.enable_expression is None:
                    tests.append(item.enable_when)
                    waiting += _names(item.enable_when)
                if item.is_question:
                    waiting.append(item.link_id)
        return frozenset(found), tuple(tests)

    def needed_by(self, test: Test) -> tuple[frozenset[str], tuple[Test, ...]]:
        """The facts that decide about a test of a rule."""
        names = _names(test)
        needed, tests = self.needed(*names)
        return needed | {name for name in names if name.startswith("%")}, (*tests, test)

    def facts(self, names: frozenset[str], tests: Iterable[Test]) -> Iterator[Facts]:
        """Every set of facts about these names that the tests tell apart. Raises _TooManyError beyond the limit."""
        compared: dict[str, list[Condition]] = {}
        for condition in dict.fromkeys(condition for test in tests for condition in _conditions(test)):
            compared.setdefault(condition.question, []).append(condition)
        computed = {name: self._computed(name, compared.get(name, ())) for name in names if name.startswith("%")}
        walked = self.form.walk()
        asked = [walked[place] for place in sorted(self.form.positions[name] for name in names - computed.keys())]
        questions = [item for item in asked if item.is_question]
        domains = {}
        for item in questions:
            conditions = compared.get(item.link_id, ())
            kinds = {_told(item.link_id, values, conditions): values for values in self._answers(item, conditions)}
            domains[item.link_id] = tuple(kinds.values())
        count = 0

        def chosen(number: int, facts: dict[str, Values]) -> Iterator[Facts]:
            nonlocal count
            if number == len(questions):
                for whole in _filled(facts, list(computed.items())):
                    count += 1
                    if count > MOST_COMBINATIONS:
                        raise _TooManyError
                    yield whole
                return
            item = questions[number]
            domain = domains[item.link_id] if self.enabled(item, facts) else ((),)
            uncertain = any(one.enable_expression is not None for one in (*self.around[item.link_id], item))
            for values in dict.fromkeys([*domain, *([()] if uncertain else [])]):
                yield from chosen(number + 1, {**facts, item.link_id: values} if values else facts)

        yield from chosen(0, {})

    def enabled(self, item: Item, facts: Facts) -> bool:
        """Whether an item, and all that is around it, is enabled; what FHIRPath decides counts as enabled."""
        around = self.around[item.link_id]
        return all(_enabled(one, facts) for one in (*around, item)) and all(
            any(value != DECLINED for value in facts.get(one.link_id, ())) for one in around if one.is_question
        )

    def _answers(self, item: Item, conditions: Sequence[Condition]) -> Iterator[Values]:
        around = self.around[item.link_id]
        heard = item.is_asked and not any(
            one.hidden or one.read_only or (one.is_question and not one.is_asked) for one in around
        )
        if not heard and item.calculated is None and not item.recalled:
            yield item.initial
            return
        if self.rule_facts or not item.least or item.calculated is not None or item.recalled:
            yield ()
        if item.may_decline:
            yield (DECLINED,)
        candidates = tuple(_candidates(item, conditions))
        if not item.takes_several:
            yield from ((value,) for value in candidates)
            return
        alone = {option.value for option in item.options if option.exclusive}
        yield from ((value,) for value in candidates if value in alone)
        several = [value for value in candidates if value not in alone]
        yield from _selections(several, item.link_id, conditions, item.most)

    def _computed(self, name: str, conditions: Sequence[Condition]) -> Sequence[Values]:
        """The values of a computed fact, as flows.care gives them."""
        numbers = [number for condition in conditions for number in _number(condition.answer)]
        match name:
            case "%signal":
                selections = _selections(list(Signal), name, conditions, None)
                return [(), *selections]
            case "%dose.fall" | "%dose.below" | "%dose.above":
                near = [value for number in numbers for value in _near(number, FRACTION)]
                most = Decimal(10**6) if name == "%dose.above" else Decimal(1)
                told = [value for value in (*near, Decimal(0), Decimal(1)) if -1 <= value <= most]
                least = 0 if name == "%dose.fall" else -1
                return [(), *((value,) for value in told if value >= least and dose_questions(self.form))]
            case "%misunderstood":
                whole = {
                    place
                    for number in numbers
                    for value in _near(number, Decimal(1))
                    for place in (floor(value), ceil(value))
                }
                return [(value,) for value in sorted(whole | {0, 1}) if value >= 0]
            case "%channel":
                return [(channel,) for channel in Channel]
            case "%standing":
                return [(standing,) for standing in Standing]
            case "%safe":
                return [(), (False,)]
        group = next((group for group in scored_groups(self.form) if total_name(group) == name), None)
        if group is not None:
            return [(), *((total,) for total in self._sums[group])]
        is_open = name.startswith(FROM_ELSEWHERE) or name in self._measured
        return [(), *_any_of(conditions)] if is_open else [()]

    @cached_property
    def _measured(self) -> frozenset[str]:
        """The names of the totals that this questionnaire can come to, beside those of groups."""
        computed = (item.link_id for item in self.form.walk() if item.calculated is not None)
        return frozenset(map(total_name, (*computed, *(item.link_id for item, _ in checklists(self.form)))))

    @cached_property
    def _sums(self) -> Mapping[str, Sequence[Decimal]]:
        """The totals that each group can have."""
        found = {}
        for group in scored_groups(self.form):
            sums = {Decimal()}
            for item in self.form.walk()[self.form.positions[group]].items:
                weights = [option.value.ordinal for option in item.options if isinstance(option.value, Coding)]
                known = [weight for weight in weights if weight is not None]
                if known:
                    sums = {total + part for total in sums for part in _parts(known, item)}
                if len(sums) > MOST_COMBINATIONS:
                    raise _TooManyError
            found[group] = sorted(sums)
        return found


def _any_of(conditions: Sequence[Condition]) -> Iterator[Values]:
    """A value of every kind that conditions tell apart, of a fact that may be anything they compare it with."""
    for condition in conditions:
        answer = condition.answer
        if condition.operator is Operator.EXISTS:
            yield ("!",)
        elif isinstance(answer, bool):
            yield from ((True,), (False,))
        elif isinstance(answer, int | Decimal):
            yield from ((value,) for value in _near(Decimal(answer), FRACTION))
        else:
            yield from ((answer,), ("!",))


def _parts(weights: Sequence[Decimal], item: Item) -> frozenset[Decimal]:
    """What one question can add to a total."""
    if not item.takes_several:
        return frozenset(weights)
    sums: dict[Decimal, None] = {}
    for weight in weights:
        sums |= dict.fromkeys([weight, *(total + weight for total in sums)])
    return frozenset(sums)


def _enabled(item: Item, facts: Facts) -> bool:
    try:
        return item.enable_when is None or item.enable_expression is not None or holds(item.enable_when, facts)
    except TypeError:  # as when it is asked
        return True


def _names(test: Test) -> frozenset[str]:
    return frozenset(condition.question for condition in _conditions(test))


def _conditions(test: Test) -> Iterator[Condition]:
    if isinstance(test, Condition):
        yield test
    else:
        for part in test.parts:
            yield from _conditions(part)


def _filled(facts: Facts, computed: Sequence[tuple[str, Sequence[Values]]]) -> Iterator[Facts]:
    if not computed:
        yield facts
        return
    (name, domain), *others = computed
    for values in domain:
        yield from _filled({**facts, name: values}, others)


def _selections(
    values: Sequence[Value], name: str, conditions: Sequence[Condition], most: int | None
) -> Iterator[Values]:
    """Every selection that the conditions tell apart, from one value to `most`."""
    kinds = list({_told(name, (value,), conditions): value for value in reversed(values)}.values())
    if len(kinds) > MOST_KINDS:
        raise _TooManyError
    for size in range(1, min(len(kinds), most or len(kinds)) + 1):
        yield from combinations(kinds, size)


def _told(name: str, values: Values, conditions: Sequence[Condition]) -> tuple[object, ...]:
    """What conditions can tell about an answer."""
    return (bool(values), DECLINED in values, *(_holds(condition, {name: values}) for condition in conditions))


def _holds(condition: Condition, facts: Facts) -> bool | None:
    try:
        return holds(condition, facts)
    except TypeError:
        return None


def _candidates(item: Item, conditions: Sequence[Condition]) -> Iterator[Value]:
    """Values that an answer can have: at least one of every kind that the conditions tell apart."""
    yield from (option.value for option in item.options)
    wanted = [condition.answer for condition in conditions if condition.operator is not Operator.EXISTS]
    found: Iterable[Value] = ()
    if item.type is ItemType.BOOLEAN:
        found = (True, False)
    elif item.type is ItemType.OPEN_CHOICE or (not item.options and item.type not in NUMBERS | MOMENTS):
        known = [value for value in wanted if isinstance(value, str)]
        found = (*known, "!", *(f"{value}!" for value in known), "~" + "".join(known))
    elif item.type in NUMBERS and not item.options:
        found = _numbers(item, wanted)
    elif item.type in MOMENTS and not item.options:
        found = (moment for value in (*wanted, *_limits(item), *_ANY_DAY) for moment in _around(value, item))
    yield from (value for value in found if _within(value, item))


_ANY_DAY: tuple[Value, ...] = (date(2020, 2, 2), time(12))


def _numbers(item: Item, wanted: Iterable[Value]) -> Iterator[Value]:
    step = Decimal(1) if item.type is ItemType.INTEGER else FRACTION
    if item.type is not ItemType.INTEGER and item.decimal_places is not None:
        step = Decimal(1).scaleb(-item.decimal_places)
    known = [number for value in (*wanted, *_limits(item), 1) for number in _number(value)]
    values = {near for number in known for near in _near(number, step)}
    if item.type is ItemType.INTEGER:
        yield from sorted({whole for value in values for whole in (floor(value), ceil(value))})
        return
    if item.type is ItemType.DECIMAL:
        yield from sorted(values)
        return
    measures: set[tuple[str, str | None, str | None]] = {(unit.display, unit.code, unit.system) for unit in item.units}
    measures = measures or {(value.unit, value.code, value.system) for value in wanted if isinstance(value, Quantity)}
    for unit, code, system in sorted(measures, key=str) or [("", None, None)]:
        yield from (Quantity(value, unit, code, system) for value in sorted(values))


def _limits(item: Item) -> Iterator[Value]:
    yield from (limit for limit in (item.minimum, item.maximum) if limit is not None)


def _within(value: Value, item: Item) -> bool:
    if item.type not in NUMBERS | MOMENTS:
        return True
    below = item.minimum is not None and order(value, item.minimum) < 0
    return not below and not (item.maximum is not None and order(value, item.maximum) > 0)


def _number(value: Value) -> Iterator[Decimal]:
    """The number that a value is or has; nothing for other values."""
    if isinstance(value, Quantity):
        yield value.value
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        yield Decimal(value)


def _near(number: Decimal, step: Decimal) -> tuple[Decimal, ...]:
    return number - step, number, number + step


def _around(value: Value, item: Item) -> Iterator[Value]:
    """A moment and those just before and after it, where they are of the type that the item asks for."""
    moments: list[Value] = []
    try:
        match value:
            case time() if item.type is ItemType.TIME:
                noon = datetime.combine(date(2020, 2, 2), value)
                moments = [(noon + timedelta(minutes=minutes)).timetz() for minutes in (-1, 0, 1)]
            case datetime() if item.type is ItemType.DATE_TIME:
                moments = [value + timedelta(minutes=minutes) for minutes in (-1, 0, 1)]
            case date() if item.type is not ItemType.TIME:
                moments = [value, value - timedelta(days=1), value + timedelta(days=1)]
            case PartialDate(year, month) if item.type is not ItemType.TIME:
                first = date(year, month or 1, 1)
                beyond = first + timedelta(days=32 if month else 367)
                moments = [value, first, first - timedelta(days=1), beyond]
    except (OverflowError, ValueError):  # at the end of the calendar
        moments = [value]
    yield from moments
