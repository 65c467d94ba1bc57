"""The conversation engine against an independent model, with people who tap and type anything."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from flows import questionnaire, responses
from flows.answers import Reason
from flows.conversation import (
    PER_SCREEN,
    Conversation,
    Draft,
    Incoming,
    Purpose,
    advance,
    ask,
    mark,
    meaning,
    selectable,
)
from flows.effects import Ask, Effect, Leave, Record, Review, Settle, Toast, Withdraw
from flows.events import Answered, Begun, Press, Pressed, Said
from flows.lifecycle import Stage, Step
from flows.questionnaire import Questionnaire
from flows.reading import EXCLUSIVE, HIDDEN, ITEM_CONTROL, MAY_DECLINE
from flows.responses import Detail
from flows.values import DECLINED, Coding, Place, Value, decode, encode
from tests.flows.forms import CODES, Raw, choice, coding, flagged, flavour, forms, item, load, occurs, scored, when

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=ZoneInfo("America/New_York"))
DEPTH = int(os.environ.get("DEPTH", "1"))
"""How many times more examples than usual: for a night, not for a commit."""

Key = tuple[str, tuple[int, ...]]
Plain = Any
"""A value[x] of FHIR in a form that can be compared: `plain` makes it."""
YES, NO = True, False
NOT_SAID = ("coding", "http://terminology.hl7.org/CodeSystem/data-absent-reason", "asked-declined")


def plain(element: Raw) -> Plain:
    """The value[x] or answer[x] of an element."""
    (value,) = (value for name, value in element.items() if name.startswith(("value", "answer")))
    if not isinstance(value, dict):
        return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if "value" in value:
        return "quantity", Decimal(str(value["value"])), value["code"]
    return "coding", value.get("system"), value["code"]


class IncomparableError(Exception):
    """Two values of which nobody can say which is more."""


class Model:
    """What should happen, told from the raw questionnaire by other code than ours."""

    def __init__(self, resource: Raw) -> None:
        self.resource = resource
        self.walked = list(self._flat(resource["item"]))
        self.raw = {raw["linkId"]: raw for raw in self.walked}
        self.repeated: dict[str, tuple[str, ...]] = {}
        self._look_around(resource["item"], ())
        self.stage, self.revision = "invited", 0
        self.at: Key | None = None
        self.given: dict[Key, list[Plain]] = {}
        self.draft: list[Plain] = []
        self.guess: Plain = None

    # What is asked

    def course(self) -> list[Key]:
        """The questions that are enabled, in the order of asking. A repeating group is asked whether it occurs."""
        self.told: list[tuple[Key, list[Plain]]] = []
        """What is known by then, in the same order."""
        return list(self._items(self.resource["item"], (), True))

    def _items(self, items: list[Raw], instance: tuple[int, ...], shown: bool) -> Iterator[Key]:
        for raw in items:
            if not self._enabled(raw, instance):
                continue
            if raw["type"] == "group":
                yield from self._group(raw, instance, shown and not raw.get("readOnly") and not says(raw, "hidden"))
            elif raw["type"] != "display":
                yield from self._question(raw, instance, shown)

    def _question(self, raw: Raw, instance: tuple[int, ...], shown: bool) -> Iterator[Key]:
        key = raw["linkId"], instance
        shown = shown and is_asked(raw)
        if shown:
            yield key
        values = self.given.get(key) if shown else (initial(raw) or None)
        if values is not None:
            self.told.append((key, values))
            for number, value in enumerate(values, start=1):
                if value != NOT_SAID:
                    inside = (*instance, number) if several(raw) else instance
                    yield from self._items(raw.get("item", []), inside, shown)

    def _group(self, raw: Raw, instance: tuple[int, ...], shown: bool) -> Iterator[Key]:
        if not raw.get("repeats"):
            yield from self._items(raw["item"], instance, shown)
            return
        sure = least(raw) if shown and demanding(raw) else max(least(raw), 1)
        for number in range(1, (most(raw) or 50) + 1):
            gate = raw["linkId"], (*instance, number)
            if number > sure:
                if not shown:
                    return
                yield gate
                if self.given.get(gate) != [YES]:
                    return
            inside = list(self._items(raw["item"], gate[1], shown))
            yield from inside
            if not shown or not inside or (number >= sure and all(self.given.get(key) == [] for key in inside)):
                return

    def _enabled(self, raw: Raw, instance: tuple[int, ...]) -> bool:
        """What cannot be compared is taken for true: better asked than missed."""

        def holds(test: Raw) -> bool:
            try:
                return self._true(test, raw["linkId"], instance)
            except IncomparableError:
                return True

        results = [holds(test) for test in raw.get("enableWhen", [])]
        return not results or (any(results) if raw["enableBehavior"] == "any" else all(results))

    def _true(self, test: Raw, link_id: str, instance: tuple[int, ...]) -> bool:
        wanted = plain({key: value for key, value in test.items() if key.startswith("answer")})
        values = [value for value in self._nearest(test["question"], link_id, instance) if value != NOT_SAID]
        if test["operator"] == "exists":
            return bool(values) == wanted
        if test["operator"] == "!=":
            return not any(self._compare(test["question"], "=", value, wanted) for value in values)
        return any(self._compare(test["question"], test["operator"], value, wanted) for value in values)

    def _nearest(self, question: str, link_id: str, instance: tuple[int, ...]) -> list[Plain]:
        """The last answers to a question before now, in the same occurrence of all that is around both."""
        both = zip(self.repeated[question], self.repeated[link_id], strict=False)
        shared = len(list(takewhile(lambda pair: pair[0] == pair[1], both)))
        before = (
            values
            for (name, other), values in reversed(self.told)
            if (name, other[:shared]) == (question, instance[:shared])
        )
        return next(before, [])

    def _compare(self, question: str, operator: str, value: Plain, wanted: Plain) -> bool:
        match value, wanted:
            case ("coding", system, code), ("coding", other, name):
                return code == name and (system == other or None in (system, other))
            case ("coding", _, code), str():
                return code == wanted
            case ("coding", _, _), Decimal():
                value = self._ordinal(question, value)
            case ("quantity", number, unit), ("quantity", other, its):
                if unit != its:
                    raise IncomparableError
                value, wanted = number, other
            case str(), ("coding", _, _):
                return False
            case str(), str() if self.raw[question]["type"] in {"date", "dateTime"}:
                known = min(len(value), len(wanted))
                value, wanted = value[:known], wanted[:known]
        compared = {"=": value == wanted, ">": value > wanted, "<": value < wanted}
        return compared[operator[0]] or (operator in (">=", "<=") and value == wanted)

    def _ordinal(self, question: str, value: Plain) -> Decimal:
        (option,) = (option for option in self.raw[question]["answerOption"] if plain(option) == value)
        return Decimal(option["extension"][0]["valueDecimal"])

    def _flat(self, items: list[Raw]) -> Iterator[Raw]:
        for raw in items:
            if not raw["linkId"].startswith("help"):
                yield raw
                yield from self._flat(raw.get("item", []))

    def _look_around(self, items: list[Raw], repeated: tuple[str, ...]) -> None:
        for raw in items:
            self.repeated[raw["linkId"]] = repeated
            its = (raw["linkId"],) if (raw.get("repeats") if raw["type"] == "group" else several(raw)) else ()
            self._look_around(raw.get("item", []), repeated + its)

    # What is done

    @property
    def asked(self) -> Raw:
        """The open question."""
        assert self.at is not None
        return self.raw[self.at[0]]

    def goes_on(self) -> None:
        course = self.course()
        if not course:
            self.stage = "submitted"
            return
        self.opens(next((key for key in course if key not in self.given), None))

    def opens(self, key: Key | None) -> None:
        """A question, or without one the review."""
        self.at, self.stage = key, "asking" if key else "review"
        self.revision += 1
        self.draft, self.guess = [], None
        if key and several(self.asked):
            values = self.given.get(key, initial(self.asked))
            self.draft = [value for value in values if value != NOT_SAID]

    def takes(self, values: list[Plain]) -> None:
        """An answer. What is below the single values of a question goes when they change."""
        assert self.at is not None
        instance = self.at[1]
        if several(self.asked):
            below = {raw["linkId"] for raw in self._flat(self.asked.get("item", []))}
            same = [one == other for one, other in zip(self.given.get(self.at, []), values, strict=False)]
            inside = [key for key in self.given if key[0] in below and key[1][: len(instance)] == instance]
            for key in inside:
                if not (same[key[1][len(instance)] - 1 :] or [False])[0]:
                    del self.given[key]
        self.given[self.at] = values
        self.goes_on()

    def writes(self, values: list[Plain]) -> None:
        """An answer in words, or some more values of one."""
        if not several(self.asked):
            self.takes(values)
            return
        self.guess, chosen = None, self.draft
        for value in values:
            chosen = self._with(chosen, value)
        if len(chosen) > (most(self.asked) or 50):
            return
        self.draft = chosen
        if not options(self.asked) and len(chosen) == most(self.asked):
            self.takes(chosen)

    def is_done(self) -> None:
        if least(self.asked) <= len(self.draft) <= (most(self.asked) or 50):
            self.takes(self.draft)

    def goes_back(self) -> None:
        before = list(takewhile(lambda key: key != self.at and key in self.given, self.course()))
        if before:
            self.opens(before[-1])

    def taps(self, tap: Answered | Pressed, marks: dict[int, Plain]) -> None:
        """A button: it does nothing, unless it is one of those under the open question or the review."""
        if tap.revision != self.revision or self.stage not in {"asking", "review"}:
            return
        known = 0 <= tap.question < len(self.walked)
        key = (self.walked[tap.question]["linkId"], tap.instance) if known else None
        match tap:
            case Pressed(press=Press.EDIT) if key in self.given and key in self.course():
                self.opens(key)
            case Pressed(press=Press.SEND) if self.stage == "review":
                self.stage, self.at = "submitted", None
            case Pressed(press=Press.BACK) if self.stage == "review" or key == self.at:
                self.goes_back()
            case Answered() | Pressed() if self.stage == "asking" and key == self.at:
                self._answers(tap, marks)

    def _answers(self, tap: Answered | Pressed, marks: dict[int, Plain]) -> None:
        raw, offered = self.asked, options(self.asked)
        named = dict(enumerate(offered)) | {number: value for number, value in marks.items() if value in self.draft}
        match tap:
            case Answered(choice=None) if not least(raw) and raw["type"] != "group":
                self.takes([])
            case Answered(choice=int(number)) if not several(raw) and 0 <= number < len(offered):
                self.takes([offered[number]])
            case Pressed(press=Press.KEEP) if self.at in self.given:
                self.goes_on()
            case Pressed(press=Press.DECLINE) if says(raw, "may-decline"):
                self.takes([NOT_SAID])
            case Pressed(press=Press.USE) if initial(raw) and not several(raw):
                self.takes(initial(raw))
            case Pressed(press=Press.CONFIRM, number=number) if (
                self.guess is not None and marks.get(number) == self.guess
            ):
                self.writes([self.guess])
            case Pressed(press=Press.RETYPE):
                self.guess = None
            case Pressed(press=Press.DONE) if several(raw):
                self.is_done()
            case Pressed(press=Press.ADD, number=number) if several(raw) and number in named:
                chosen = self._with(self.draft, named[number])
                if len(chosen) <= (most(raw) or 50):
                    self.draft, self.guess = chosen, None
            case Pressed(press=Press.REMOVE, number=number) if several(raw) and number in named:
                self.draft, self.guess = [value for value in self.draft if value != named[number]], None

    def _with(self, chosen: list[Plain], value: Plain) -> list[Plain]:
        raw, offered = self.asked, options(self.asked)
        alone = [plain(option) for option in raw.get("answerOption", []) if says(option, "optionExclusive")]
        if value in alone:
            return [value]
        kept = [other for other in chosen if other != value and other not in alone] + [value]
        return sorted(kept, key=lambda one: offered.index(one) if one in offered else len(offered))


def says(element: Raw, name: str) -> bool:
    """Whether an extension with this name is true."""
    return any(part["url"].endswith(name) and part.get("valueBoolean") for part in element.get("extension", []))


def _number(raw: Raw, name: str) -> int | None:
    return next((part["valueInteger"] for part in raw.get("extension", []) if part["url"].endswith(name)), None)


def least(raw: Raw) -> int:
    return max(_number(raw, "minOccurs") or 0, int(raw.get("required", False)))


def most(raw: Raw) -> int | None:
    return _number(raw, "maxOccurs") if raw.get("repeats") else 1


def several(raw: Raw) -> bool:
    return raw["type"] != "group" and bool(raw.get("repeats")) and most(raw) != 1


def initial(raw: Raw) -> list[Plain]:
    return [plain(element) for element in raw.get("initial", [])]


def is_asked(raw: Raw) -> bool:
    return raw["type"] not in {"group", "display"} and not raw.get("readOnly") and not says(raw, "hidden")


def demanding(raw: Raw) -> bool:
    """Whether something in it must be answered."""
    return any((is_asked(part) and least(part)) or demanding(part) for part in raw.get("item", []))


def options(raw: Raw) -> list[Plain]:
    """What is offered on buttons."""
    if raw["type"] in {"boolean", "group"}:
        return [YES, NO]
    if "answerValueSet" in raw:
        return [("coding", "urn:test", code) for code in CODES]
    return [plain(option) for option in raw.get("answerOption", [])]


def simple(values: tuple[Value, ...]) -> list[Plain]:
    """Our values as the model knows them."""
    return [plain({name: part for name, part in encode(value).items() if name != "extension"}) for value in values]


def through_storage(value: Value) -> Value:
    return decode(json.loads(json.dumps(encode(value))))


REVISIONS = st.sampled_from([0, 0, 0, 0, -1, -10, 1])
POSITIONS = st.integers(-3, 15) | st.just(10**9)
INSTANCES = st.just(()) | st.lists(st.integers(-1, 3), max_size=3).map(tuple)
NUMBERS = st.integers(-2, 5) | st.integers(-(10**9), 10**9)
PRESSES = st.sampled_from(Press)


class AnyPerson(RuleBasedStateMachine):
    """One person, any questionnaire, any behaviour."""

    @initialize(resource=forms(), data=st.data(), most=st.sampled_from([3, 6, 12, 20, 0]))
    def is_invited(self, resource: Raw, data: st.DataObject, most: int) -> None:
        self.form = questionnaire.load(json.dumps(resource), "f.json")
        self.model = Model(resource)
        self.held = Conversation(7, Purpose.INTAKE, self.form)
        self.kept: dict[Place, tuple[Value, ...]] = {}
        self.revisions: set[int] = set()
        self.marks: dict[int, Plain] = {}
        """What the buttons of typed values mean, as they were shown."""
        self.taps: list[Answered | Pressed] = []
        if most:
            self.begins_or_goes_on()
            self.answers_what_is_asked(data, most)

    def happens(self, event: Incoming, expected: Callable[[], None]) -> tuple[Effect, ...]:
        """An event, and what the model makes of it."""
        before = self.state()
        expected()
        self.held, effects = advance(self.held, event, now=NOW)
        assert effects or self.held.stage is Stage.SUBMITTED
        for effect in effects:
            self.check(effect)
        if self.state() == before:
            assert not any(isinstance(effect, Record | Settle | Withdraw | Leave) for effect in effects)
        return effects

    def check(self, effect: Effect) -> None:
        """Each effect, by itself: what is kept is kept as storage does, what is shown is what is so."""
        match effect:
            case Record():
                assert (effect.conversation, effect.revision in self.revisions) == (7, False)
                self.revisions.add(effect.revision)
                self.kept[effect.place] = effect.values
            case Withdraw():
                for place in effect.places:
                    del self.kept[place]
            case Ask():
                course = self.model.course()
                here = self.model.walked[effect.position]["linkId"], effect.instance
                assert (here, effect.item.link_id, effect.revision) == (self.model.at, here[0], self.model.revision), (
                    here,
                    self.model.at,
                    effect.revision,
                    self.model.revision,
                )
                assert (effect.number, effect.total) == (course.index(here) + 1, len(course))
                assert simple(effect.given or ()) == self.model.given.get(here, [])
                for value in (*effect.draft, *([effect.guess] if effect.guess is not None else [])):
                    self.marks[mark(value)] = simple((value,))[0]
                if effect.item.takes_several:
                    offered = {number: value for number, value, _ in selectable(effect.item, effect.draft)}
                    assert simple(tuple(offered.values()))[: len(options(self.model.asked))] == options(
                        self.model.asked
                    )
            case Review():
                given = {entry.place: simple(entry.values or ()) for _, entry in effect.entries}
                assert given == {key: self.model.given[key] for key in self.model.course() if key in self.model.given}
                assert (effect.revision, effect.is_complete) == (self.model.revision, self.model.stage == "review")

    def state(self) -> tuple[Any, ...]:
        held = self.held
        guess = None if held.draft.guess is None else simple((held.draft.guess,))[0]
        answers = {place: simple(values) for place, values in held.answers.items()}
        return held.stage, held.revision, held.question, answers, simple(held.draft.values), guess

    def asking(self) -> bool:
        return self.held.stage is Stage.ASKING

    def going(self) -> bool:
        return self.held.is_going

    def tap(self, press: Press, number: int = 0, key: Key | None = None) -> Pressed:
        link_id, instance = key or self.model.at or (self.model.walked[0]["linkId"], ())
        return Pressed(7, self.held.revision, press, number, self.position(link_id), instance)

    def position(self, link_id: str) -> int:
        return [raw["linkId"] for raw in self.model.walked].index(link_id)

    def taps_on(self, tap: Answered | Pressed) -> None:
        self.taps.append(tap)
        self.happens(tap, lambda: self.model.taps(tap, self.marks))

    # What a person does

    @rule()
    def begins_or_goes_on(self) -> None:
        def expected() -> None:
            if self.model.stage == "invited" or (self.model.stage == "paused" and not self.model.at):
                self.model.goes_on()
            elif self.model.stage == "paused":
                self.model.stage = "asking"

        self.happens(Begun(7), expected)

    @precondition(asking)
    @rule(data=st.data())
    def taps_an_answer(self, data: st.DataObject) -> None:
        assert self.model.at is not None
        link_id, instance = self.model.at
        number = data.draw(st.sampled_from([None, *range(len(options(self.model.asked)))]))
        if number is not None and several(self.model.asked):
            self.taps_on(self.tap(data.draw(st.sampled_from([Press.ADD, Press.REMOVE])), number))
        else:
            self.taps_on(Answered(7, self.held.revision, self.position(link_id), number, instance))

    @precondition(asking)
    @rule(data=st.data(), most=st.sampled_from([1, 3, 6]))
    def answers_what_is_asked(self, data: st.DataObject, most: int) -> None:
        for _ in range(most):
            revision = self.held.revision
            self.types_an_answer(data)
            if self.asking() and self.held.revision == revision:
                self.types_an_answer(data)
            if self.asking() and self.held.revision == revision:
                self.taps_on(self.tap(Press.DONE))

    @precondition(asking)
    @rule(data=st.data())
    def types_an_answer(self, data: st.DataObject) -> None:
        if not self.asking():
            return
        text, value = data.draw(st.sampled_from(said(self.model.asked)))
        self.happens(Said(text), lambda: self.model.writes([value]))

    @precondition(lambda self: self.asking() and self.model.asked["type"] != "group")
    @rule(data=st.data())
    def types_what_can_only_be_guessed(self, data: st.DataObject) -> None:
        """And says at once, or later, or never whether the guess is right."""
        guesses = flavour(self.model.asked).guessed
        if not guesses:
            return
        ((text, element),) = guesses.items()
        guess = plain(element)
        self.happens(Said(text), lambda: setattr(self.model, "guess", guess))
        yes = self.tap(Press.CONFIRM, self.number_of(guess))
        if data.draw(st.booleans()):
            self.is_read_back_from_storage()
        reply = data.draw(st.sampled_from([yes, self.tap(Press.RETYPE), Said("Yes!"), Said("no"), None]))
        if isinstance(reply, Pressed):
            self.taps_on(reply)
        elif reply == Said("no"):
            self.happens(reply, lambda: setattr(self.model, "guess", None))
        elif reply is not None:
            self.happens(reply, lambda: self.model.writes([guess]))

    @precondition(lambda self: self.asking() and self.model.asked["type"] != "group")
    @rule(data=st.data())
    def types_what_is_no_answer(self, data: st.DataObject) -> None:
        text = data.draw(st.sampled_from(flavour(self.model.asked).refused))
        (*_, asked) = self.happens(Said(text), lambda: setattr(self.model, "guess", None))
        assert isinstance(asked, Ask)
        assert isinstance(asked.note, Reason)

    @precondition(lambda self: self.asking() and not is_written(self.model.asked))
    @rule(word=st.sampled_from(["Back", "skip", "I'd rather not say", "That's all!"]))
    def says_a_word_instead(self, word: str) -> None:
        raw, model = self.model.asked, self.model

        def expected() -> None:
            model.guess = None if word != "That's all!" or not several(raw) else model.guess
            if word == "Back":
                model.goes_back()
            elif word == "skip" and raw["type"] != "group" and not least(raw):
                model.takes([])
            elif word == "I'd rather not say" and says(raw, "may-decline"):
                model.takes([NOT_SAID])
            elif word == "That's all!" and several(raw):
                model.is_done()
            elif word in {"skip", "That's all!"} and raw["type"] == "group":
                model.takes([NO])

        self.happens(Said(word), expected)

    @precondition(going)
    @rule(data=st.data(), number=st.integers(0, 3))
    def presses_another_button(self, data: st.DataObject, number: int) -> None:
        likely = [Press.DONE, Press.BACK]
        if self.model.at:
            likely += [Press.USE] * bool(self.model.asked.get("initial")) + [Press.KEEP] * (
                self.model.at in self.model.given
            )
            likely += [Press.DECLINE] * says(self.model.asked, "may-decline")
        self.taps_on(self.tap(data.draw(st.sampled_from(likely) | st.sampled_from(Press)), number))

    @precondition(lambda self: self.going() and self.model.given)
    @rule(data=st.data())
    def changes_an_answer(self, data: st.DataObject) -> None:
        self.taps_on(self.tap(Press.EDIT, 0, data.draw(st.sampled_from(sorted(self.model.given)))))

    @precondition(lambda self: self.held.stage is Stage.REVIEW)
    @rule(text=st.sampled_from(["back", "hello?", "Send", "???"]))
    def types_at_the_review(self, text: str) -> None:
        def expected() -> None:
            if text == "Send":
                self.model.stage, self.model.at = "submitted", None
            elif text == "back":
                self.model.goes_back()

        self.happens(Said(text), expected)

    @precondition(lambda self: self.taps)
    @rule(data=st.data())
    def taps_again(self, data: st.DataObject) -> None:
        """A double tap, or an old button."""
        tap = data.draw(st.sampled_from(self.taps))
        self.happens(tap, lambda: self.model.taps(tap, self.marks))

    @rule(data=st.data(), tap=st.builds(Answered, st.just(7), REVISIONS, POSITIONS, NUMBERS | st.none(), INSTANCES))
    def forges_an_answer(self, data: st.DataObject, tap: Answered) -> None:
        self.forges(data, tap)

    @rule(data=st.data(), tap=st.builds(Pressed, st.just(7), REVISIONS, PRESSES, NUMBERS, POSITIONS, INSTANCES))
    def forges_another_button(self, data: st.DataObject, tap: Pressed) -> None:
        self.forges(data, tap)

    def forges(self, data: st.DataObject, tap: Answered | Pressed) -> None:
        """A button that nobody showed; its revision counts from the present one, its question may be the open one."""
        tap = replace(tap, revision=self.held.revision + tap.revision)
        if self.model.at and data.draw(st.booleans()):
            tap = replace(tap, question=self.position(self.model.at[0]), instance=self.model.at[1])
        self.happens(tap, lambda: self.model.taps(tap, self.marks))

    @precondition(going)
    @rule()
    def pauses(self) -> None:
        self.held, self.model.stage = self.held.moved(Step.PAUSE), "paused"

    @rule()
    def is_read_back_from_storage(self) -> None:
        """A restart: what remains is what was kept, through JSON."""
        kept = {place: tuple(map(through_storage, values)) for place, values in self.kept.items()}
        guess = self.held.draft.guess
        draft = Draft(
            tuple(map(through_storage, self.held.draft.values)), None if guess is None else through_storage(guess)
        )
        self.held = replace(self.held, answers=kept, draft=draft)

    @precondition(lambda self: not self.going())
    @rule(
        event=st.sampled_from([Said("yes"), Answered(7, 1, 0, 0), Answered(7, 0, 0, None), Pressed(7, 1, Press.SEND)])
    )
    def nothing_is_answered_when_nothing_is_asked(self, event: Incoming) -> None:
        assert self.happens(event, lambda: None) == (Toast("stale"),)

    # What must always be so

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        model = self.model
        expected = model.stage, model.revision, model.at, model.given, model.draft, model.guess
        assert self.state() == expected
        assert self.held.answers == self.kept

    @invariant()
    def the_course_is_that_of_the_model(self) -> None:
        course = self.held.course
        assert [entry.place for entry in course.entries] == self.model.course()
        gates = {key for key in self.model.given if self.model.raw[key[0]]["type"] == "group"}
        reached = {place: simple(values) for place, values in course.reached.items() if place not in gates}
        assert reached == dict(self.model.told)

    def teardown(self) -> None:
        """Whoever answers what is asked comes to the end, and what leaves for others is what was answered."""
        if not hasattr(self, "held"):
            return
        if self.held.stage in {Stage.INVITED, Stage.PAUSED}:
            self.begins_or_goes_on()
        for _ in range(300):
            if not self.asking():
                break
            self.answers_or_says_no()
        if self.held.stage is Stage.REVIEW:
            self.taps_on(self.tap(Press.SEND))
        assert self.held.stage is Stage.SUBMITTED
        self.all_is_as_in_the_model()
        self.the_course_is_that_of_the_model()
        self.the_response_holds_what_was_answered()

    def answers_or_says_no(self) -> None:
        raw, model = self.model.asked, self.model
        if raw["type"] == "group":
            self.happens(Said("no"), lambda: model.writes([NO]))
        elif several(raw) and len(model.draft) > (most(raw) or 50):
            self.happens(Said("done"), lambda: None)
            self.taps_on(self.tap(Press.REMOVE, self.number_of(model.draft[0])))
        elif several(raw) and model.draft and len(model.draft) >= least(raw):
            self.taps_on(self.tap(Press.DONE))
        else:
            text, value = next((text, value) for text, value in said(raw) if value not in model.draft)
            self.happens(Said(text), lambda: model.writes([value]))

    def number_of(self, value: Plain) -> int:
        """The number on the button of a chosen value."""
        offered = options(self.model.asked)
        if value in offered and value != self.model.guess:
            return offered.index(value)
        return next(number for number, marked in reversed(self.marks.items()) if marked == value)

    def the_response_holds_what_was_answered(self) -> None:
        reached = self.held.course.reached
        for detail in Detail:
            written = json.loads(json.dumps(responses.items(self.form.items, reached, detail=detail)))
            assert list(flat(written)) == [(key[0], values) for key, values in self.model.told if values]
        read = responses.answers(self.form.items, written)
        assert reached.items() <= read.items()
        more = [place for place in read if place not in reached]
        assert all(
            self.model.raw[link_id]["type"] == "group" and read[link_id, inside] == (YES,) for link_id, inside in more
        )


def is_written(raw: Raw) -> bool:
    """Whether any words are an answer."""
    return raw["type"] in {"string", "text", "open-choice"}


def said(raw: Raw) -> list[tuple[str, Plain]]:
    """What people type to answer a question, and what it means."""
    if raw["type"] == "group":
        return [("yes", YES), ("no", NO)]
    return [(text, plain(element)) for text, element in flavour(raw).said.items()]


def flat(items: list[Raw]) -> Iterator[tuple[str, list[Plain]]]:
    """The answers in a response, in their order."""
    for entry in items:
        answers = entry.get("answer", [])
        if answers:
            yield entry["linkId"], [given(answer) for answer in answers]
        yield from flat(entry.get("item", []))
        for answer in answers:
            yield from flat(answer.get("item", []))


def given(answer: Raw) -> Plain:
    if "extension" in answer:
        return NOT_SAID
    return plain({name: value for name, value in answer.items() if name.startswith("value")})


AnyPerson.TestCase.settings = settings(max_examples=1000 * DEPTH, stateful_step_count=40, deadline=None)
TestAnyPerson = AnyPerson.TestCase


# What the machine cannot say well


def started(form: Questionnaire) -> tuple[Conversation, Ask]:
    """A conversation at its first question."""
    held, effects = advance(Conversation(1, Purpose.CHECK_IN, form), Begun(1), now=NOW)
    assert isinstance(effects[-1], Ask)
    return held, effects[-1]


def through(held: Conversation, *events: Incoming) -> tuple[Conversation, tuple[Effect, ...]]:
    """What becomes of a conversation by some events, and the effects of the last."""
    effects: tuple[Effect, ...] = ()
    for event in events:
        held, effects = advance(held, event, now=NOW)
    return held, effects


def press(held: Conversation, what: Press, number: int = 0) -> Pressed:
    """A button under the open question."""
    assert held.question is not None
    link_id, instance = held.question
    return Pressed(1, held.revision, what, number, held.questionnaire.positions[link_id], instance)


def asked(effects: tuple[Effect, ...]) -> Ask:
    assert isinstance(effects[-1], Ask)
    return effects[-1]


def test_p8_a_stale_tap_is_told_so_and_shown_the_question_again() -> None:
    held, _ = started(load(item("a"), item("b")))
    moved, _ = through(held, Answered(1, 1, 0, 0))
    same, effects = through(moved, Answered(1, 1, 0, 1))
    assert same == moved
    assert effects == (Toast("stale"), ask(moved))


def test_p8_a_double_tap_is_only_told_that_it_was_noted() -> None:
    held, _ = started(load(item("a"), item("b")))
    moved, _ = through(held, Answered(1, 1, 0, 0))
    assert through(moved, Answered(1, 1, 0, 0)) == (moved, (Toast("noted_before"),))


def test_p8_a_tap_with_the_right_revision_on_another_question_answers_neither() -> None:
    held, _ = started(load(item("a"), item("b")))
    same, effects = through(held, Answered(1, 1, 1, 0))
    assert same == held
    assert effects[0] == Toast("stale")


def test_p8_a_tap_on_another_occurrence_of_the_question_answers_neither() -> None:
    held, _ = started(load(item("g", "group", repeats=True, required=True, item=[item("a", required=True)])))
    assert held.question == ("a", (1,))
    for instance in ((), (2,), (1, 1)):
        same, effects = through(held, Answered(1, 1, 1, 0, instance))
        assert same == held
        assert effects[0] == Toast("stale")


@pytest.mark.parametrize("forged", [-1, -2, 2, 10**9])
def test_p8_a_forged_button_answers_nothing(forged: int) -> None:
    held, _ = started(load(item("a"), item("b")))
    same, effects = through(held, Answered(1, 1, 0, forged))
    assert same == held
    assert effects == (Toast("stale"), ask(held))


def test_p8_the_buttons_of_the_review_are_stale_when_an_answer_was_changed() -> None:
    held, _ = started(load(item("a")))
    review, _ = through(held, Said("yes"))
    again, _ = through(review, Pressed(1, review.revision, Press.EDIT, 0, 0), Said("no"))
    same, effects = through(again, Pressed(1, review.revision, Press.SEND))
    assert (same, effects[0]) == (again, Toast("stale"))


def test_p8_a_guess_is_confirmed_only_by_its_own_button() -> None:
    held, _ = started(load(item("a", "integer")))
    first, _ = through(held, Said("about 3"))
    second, _ = through(first, Said("about 4"))
    same, effects = through(second, press(first, Press.CONFIRM, mark(3)))
    assert (same, effects[0]) == (second, Toast("stale"))
    taken, effects = through(second, press(second, Press.CONFIRM, mark(4)))
    assert taken.answers == {Place("a"): (4,)}


@pytest.mark.parametrize(
    ("kind", "text"),
    [("decimal", "about 1.50"), ("dateTime", "2026-07-03 at 7"), ("quantity", "about 2.50 mg"), ("date", "march 3rd")],
)
def test_the_button_of_a_guess_still_fits_when_it_was_read_back_from_storage(kind: str, text: str) -> None:
    held, _ = started(load(item("a", kind)))
    held, _ = through(held, Said(text))
    assert held.draft.guess is not None
    assert mark(through_storage(held.draft.guess)) == mark(held.draft.guess)


def test_what_was_guessed_wrongly_is_asked_again() -> None:
    held, _ = started(load(item("a", "integer")))
    guessed, _ = through(held, Said("about 3"))
    for event in (Said("No."), press(guessed, Press.RETYPE)):
        again, effects = through(guessed, event)
        assert (again.draft.guess, asked(effects).note) == (None, Reason.AGAIN)
    assert through(guessed, Said("5"))[0].answers == {Place("a"): (5,)}


def searched(**more: Any) -> Questionnaire:
    """An open question whose options are found by typing."""
    control = {"url": ITEM_CONTROL, "valueCodeableConcept": {"coding": [{"code": "autocomplete"}]}}
    codes = ("red", "green", "blue", "yellow", "purple", "orange", "magenta")
    return load(choice("a", *codes, kind="open-choice", extension=[control], **more), item("b"))


def test_own_words_that_were_only_like_an_option_count_when_they_do_not_mean_it() -> None:
    held, _ = started(searched())
    guessed, effects = through(held, Said("magento"))
    assert asked(effects).guess == Coding("magenta", "urn:test")
    for event in (Said("No."), press(guessed, Press.RETYPE)):
        assert through(guessed, event)[0].answers == {Place("a"): ("magento",)}
    for event in (Said("yes"), press(guessed, Press.CONFIRM, mark(Coding("magenta", "urn:test", "Magenta")))):
        assert through(guessed, event)[0].answers == {Place("a"): (Coding("magenta", "urn:test"),)}
    assert through(guessed, Said("bright"))[0].answers == {Place("a"): ("bright",)}


def test_several_can_be_tapped_typed_and_guessed_until_there_are_no_more() -> None:
    held, _ = started(searched(repeats=True))
    held, _ = through(held, press(held, Press.ADD, 1), Said("magenta and red"), Said("yelow"), Said("no"))
    assert held.draft == Draft(
        (*(Coding(code, "urn:test") for code in ("red", "green", "magenta")), "yelow"),
    )
    assert through(held, Said("nothing"))[0].answers == {Place("a"): held.draft.values}


def test_a_required_question_cannot_be_skipped_by_a_word_or_a_forged_tap() -> None:
    held, _ = started(load(item("a", required=True)))
    same, effects = through(held, Said("skip"))
    assert same == held
    assert asked(effects).note is Reason.YES_OR_NO
    assert through(held, Answered(1, 1, 0, None))[0] == held


def test_a_skipped_question_is_an_answer_without_values() -> None:
    held, _ = started(load(item("a", "text"), item("b", enableWhen=[when("a", "exists", answerBoolean=False)])))
    moved, effects = through(held, Said("Skip!"))
    assert effects[0] == Record(1, 1, Place("a"), ())
    assert moved.question == Place("b")


def test_going_back_shows_the_question_before_with_its_answer_and_may_keep_it() -> None:
    held, _ = started(load(item("a"), item("b"), item("c")))
    held, effects = through(held, Said("yes"), Said("no"), Said("back"))
    assert effects[0] == Leave(1, 3)
    assert (asked(effects).item.link_id, asked(effects).given, asked(effects).revision) == ("b", (False,), 4)
    kept, effects = through(held, press(held, Press.KEEP))
    assert (kept.question, kept.answers) == (Place("c"), {Place("a"): (True,), Place("b"): (False,)})
    assert not any(isinstance(effect, Record) for effect in effects)


def test_going_back_leads_to_what_was_answered_not_to_a_question_that_is_still_open() -> None:
    form = load(item("a"), item("b", enableWhen=[when("a", "=", answerBoolean=True)]), item("c"))
    held, _ = started(form)
    held, _ = through(held, Said("no"), Said("yes"))
    held, _ = through(held, Pressed(1, held.revision, Press.EDIT, 0, 0), Said("yes"))
    assert held.question == Place("b")
    held, _ = through(held, Pressed(1, held.revision, Press.EDIT, 0, 2))
    assert held.question == Place("c")
    assert through(held, Said("back"))[0].question == Place("a")


def test_there_is_nothing_before_the_first_question() -> None:
    held, _ = started(load(item("a")))
    same, effects = through(held, Said("back"))
    assert (same, effects) == (held, (Toast("first_question"), ask(held)))


def test_an_answer_can_be_changed_from_the_review_and_opens_the_branch_that_it_leads_to() -> None:
    form = load(item("a"), item("b", enableWhen=[when("a", "=", answerBoolean=True)]), item("c"))
    held, _ = started(form)
    held, effects = through(held, Said("no"), Said("yes"))
    assert isinstance(effects[-1], Review)
    assert effects[-1].is_complete
    held, effects = through(held, Pressed(1, held.revision, Press.EDIT, 0, 0))
    assert (asked(effects).given, held.stage) == ((False,), Stage.ASKING)
    held, _ = through(held, Said("yes"))
    assert held.question == Place("b")
    held, _ = through(held, Said("no"))
    assert held.stage is Stage.REVIEW


def test_a_review_in_the_middle_shows_what_there_is_and_cannot_be_sent() -> None:
    held, _ = started(load(item("a"), item("b"), item("bye", "display")))
    held, _ = through(held, Said("yes"))
    same, (review,) = through(held, press(held, Press.LEAF))
    assert isinstance(review, Review)
    assert (same, review.is_complete, review.closing) == (held, False, ())
    assert [entry.values for _, entry in review.entries] == [(True,)]
    assert through(held, press(held, Press.SEND))[1][0] == Toast("stale")
    held, effects = through(held, Said("yes"))
    assert isinstance(effects[-1], Review)
    assert effects[-1].closing == ("About bye?",)


def test_sending_takes_the_buttons_away_and_ends_it() -> None:
    held, _ = started(load(item("a")))
    held, _ = through(held, Said("yes"))
    sent, effects = through(held, Pressed(1, 2, Press.SEND))
    assert (sent.stage, sent.question, effects) == (Stage.SUBMITTED, None, (Leave(1, 2),))
    assert through(sent, Pressed(1, 2, Press.SEND)) == (sent, (Toast("stale"),))


def test_a_questionnaire_without_a_question_to_ask_is_submitted_at_once() -> None:
    hidden = item("a", extension=flagged(HIDDEN))
    held, effects = through(Conversation(1, Purpose.INTAKE, load(hidden)), Begun(1))
    assert (held.stage, effects) == (Stage.SUBMITTED, ())


def test_a_pause_goes_on_with_the_same_question_and_its_buttons() -> None:
    held, _ = started(load(item("a"), item("b")))
    paused = through(held, Said("yes"))[0].moved(Step.PAUSE)
    assert through(paused, Said("yes")) == (paused, (Toast("stale"),))
    held, effects = through(paused, Begun(1))
    assert (asked(effects).revision, held.question, held.stage) == (2, Place("b"), Stage.ASKING)


def test_a_pause_at_the_review_goes_on_with_it() -> None:
    held, _ = started(load(item("a")))
    held, effects = through(through(held, Said("yes"))[0].moved(Step.PAUSE), Begun(1))
    assert (held.stage, type(effects[-1])) == (Stage.REVIEW, Review)


def test_an_exclusive_answer_goes_with_no_other() -> None:
    form = load(choice("a", "x", "y", "none", repeats=True))
    resource = json.loads(form.source)
    resource["item"][0]["answerOption"][2]["extension"] = flagged(EXCLUSIVE)
    held, _ = started(questionnaire.load(json.dumps(resource), "f.json"))
    held, _ = through(held, press(held, Press.ADD, 1), press(held, Press.ADD, 0))
    assert [value.code for value in held.draft.values if isinstance(value, Coding)] == ["x", "y"]
    alone, effects = through(held, press(held, Press.ADD, 2))
    assert [value.code for value in alone.draft.values if isinstance(value, Coding)] == ["none"]
    assert asked(effects).in_place
    other, _ = through(alone, press(alone, Press.ADD, 1))
    assert [value.code for value in other.draft.values if isinstance(value, Coding)] == ["y"]


def test_who_would_rather_not_say_may_come_back_and_choose() -> None:
    held, _ = started(load(choice("a", "x", "y", repeats=True, extension=flagged(MAY_DECLINE)), item("b")))
    held, _ = through(held, press(held, Press.DECLINE))
    assert held.answers == {Place("a"): (DECLINED,)}
    held, effects = through(held, Said("back"))
    assert (held.draft.values, asked(effects).given) == ((), (DECLINED,))
    held, _ = through(held, press(held, Press.ADD, 0), Said("done"))
    assert held.answers == {Place("a"): (Coding("x", "urn:test"),)}


def test_too_few_and_too_many_answers_are_not_taken() -> None:
    held, _ = started(load(choice("a", "x", "y", "z", repeats=True, extension=occurs(1, 2))))
    assert asked(through(held, Said("done"))[1]).note is Reason.TOO_FEW
    two, _ = through(held, Said("x, y"))
    assert through(two, press(two, Press.ADD, 2)) == (two, (Toast("enough"),))
    same, effects = through(two, Said("z"))
    assert (same, asked(effects).note) == (two, Reason.TOO_MANY)


def test_a_guess_too_many_is_dropped() -> None:
    held, _ = started(load(scored("a", 2, 1, 0, repeats=True, extension=occurs(0, 1 + 1))))
    held, _ = through(held, Said("o0, o2"), Said("2"))
    assert held.draft.guess is not None
    held, effects = through(held, Said("yes"))
    assert (len(held.draft.values), held.draft.guess, asked(effects).note) == (2, None, Reason.TOO_MANY)


def test_more_initial_values_than_may_be_given_are_not_taken() -> None:
    initial = [{"valueCoding": coding(code)} for code in "xyz"]
    held, _ = started(load(choice("a", "x", "y", "z", repeats=True, initial=initial, extension=occurs(0, 2))))
    same, effects = through(held, Said("done"))
    assert (same, asked(effects).note) == (held, Reason.TOO_MANY)
    held, _ = through(held, press(held, Press.REMOVE, 0), Said("done"))
    assert [value.code for value in held.answers[Place("a")] if isinstance(value, Coding)] == ["y", "z"]


def test_what_belongs_to_values_that_are_no_longer_given_is_withdrawn() -> None:
    """With a value taken away, the others have other numbers: whose answers they are would not be sure."""
    held, _ = started(load(choice("a", "x", "y", repeats=True, item=[item("b"), item("c")]), item("d")))
    held, _ = through(held, Said("x, y"), Said("done"), *map(Said, ("yes", "no", "no", "yes")), Said("yes"))
    below = {Place(link_id, (number,)) for link_id in "bc" for number in (1, 2)}
    assert held.answers.keys() == {Place("a"), Place("d"), *below}
    held, _ = through(held, Pressed(1, held.revision, Press.EDIT, 0, 0))
    same, effects = through(held, Said("done"))
    assert not any(isinstance(effect, Withdraw) for effect in effects)
    assert same.answers.keys() == held.answers.keys()
    held, effects = through(held, press(held, Press.REMOVE, 0), Said("done"))
    (withdrawn,) = [effect for effect in effects if isinstance(effect, Withdraw)]
    assert set(withdrawn.places) == below
    assert (held.question, held.answers.keys()) == (Place("b", (1,)), {Place("a"), Place("d")})


@pytest.mark.parametrize("word", ["No", "That's all", "none", "skip", "nothing else"])
def test_whether_a_group_occurs_again_can_be_denied_in_other_words(word: str) -> None:
    held, _ = started(load(item("g", "group", repeats=True, item=[item("a")])))
    held, _ = through(held, Said("yes"))
    assert held.question == Place("g", (2,))
    held, _ = through(held, Said(word))
    assert (held.stage, held.answers[Place("g", (2,))]) == (Stage.REVIEW, (False,))


def test_the_count_of_questions_follows_the_branch() -> None:
    form = load(
        choice("a", *CODES), *(item(name, enableWhen=[when("a", "=", answerCoding=coding("red"))]) for name in "bc")
    )
    held, first = started(form)
    assert (first.number, first.total) == (1, 1)
    _, effects = through(held, Said("red"))
    assert (asked(effects).number, asked(effects).total) == (2, 3)


def test_a_long_list_turns_its_screens_in_place_and_stays_on_the_one_that_was_tapped() -> None:
    held, _ = started(load(choice("a", *(f"c{number}" for number in range(20)), repeats=True)))
    same, effects = through(held, press(held, Press.SCREEN, 2))
    assert (same, asked(effects).screen, asked(effects).in_place) == (held, 2, True)
    _, effects = through(held, press(held, Press.ADD, PER_SCREEN + 1))
    assert (asked(effects).screen, asked(effects).in_place) == (1, True)


def test_the_meaning_of_a_button_is_known_when_its_question_is_not_open() -> None:
    held, _ = started(load(item("a"), choice("b", "x", "y", repeats=True), item("d", "display")))
    assert meaning(held, Answered(1, 9, 0, 1)) == {Place("a"): (False,)}
    assert meaning(held, Answered(1, 9, 0, None)) == {Place("a"): ()}
    assert meaning(held, Pressed(1, 9, Press.ADD, 1, 1)) == {Place("b"): (Coding("y", "urn:test"),)}
    for tap in (Answered(1, 9, 7, 0), Answered(1, 9, 0, 5), Answered(1, 9, 2, 0), Pressed(1, 9, Press.BACK, 0, 0)):
        assert meaning(held, tap) is None


def test_asking_for_a_question_that_is_not_open_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="is not waiting for"):
        ask(Conversation(1, Purpose.INTAKE, load(item("a")), Stage.ASKING, 1, Place("b")))


def test_a_conversation_is_open_until_it_is_over() -> None:
    form = load(item("a"))
    states = [stage for stage in Stage if Conversation(1, Purpose.INTAKE, form, stage).is_open]
    assert states == [Stage.INVITED, Stage.ASKING, Stage.REVIEW, Stage.PAUSED]
    assert [stage for stage in states if Conversation(1, Purpose.INTAKE, form, stage).is_going] == states[1:3]


def test_what_is_chosen_already_counts_for_the_red_flags() -> None:
    held, _ = started(load(choice("a", "x", "y", repeats=True)))
    held, _ = through(held, press(held, Press.ADD, 1))
    assert (held.answers, held.facts) == ({}, {"a": (Coding("y", "urn:test"),)})


def with_one_chosen(*codes: str, kind: str = "choice") -> Conversation:
    """A conversation at a question with several answers, with the first of them chosen."""
    asked = choice("a", *codes, repeats=True) if kind == "choice" else item("a", "string", repeats=True)
    held, _ = advance(Conversation(1, Purpose.CHECK_IN, load(asked, item("b"))), Begun(1), now=NOW)
    return advance(held, Said(codes[0] if kind == "choice" else "Ann"), now=NOW)[0]


def test_p8_none_never_sends_what_was_chosen_before() -> None:
    held = with_one_chosen("sleep", "worry")
    same, effects = advance(held, Said("none"), now=NOW)
    assert same == held
    assert isinstance(effects[-1], Ask)
    assert effects[-1].note is Reason.PICK_SOME


def test_none_is_the_option_of_that_name_where_there_is_one() -> None:
    moved, _ = advance(with_one_chosen("sleep", "none"), Said("none"), now=NOW)
    assert [value.code for value in moved.draft.values if isinstance(value, Coding)] == ["sleep", "none"]


def test_none_ends_a_list_that_is_typed_and_leaves_an_empty_one_empty() -> None:
    moved, _ = advance(with_one_chosen("", kind="string"), Said("none"), now=NOW)
    assert moved.answers == {Place("a"): ("Ann",)}
    fresh, _ = advance(Conversation(1, Purpose.CHECK_IN, load(item("a", "string", repeats=True))), Begun(1), now=NOW)
    assert advance(fresh, Said("nobody"), now=NOW)[0].answers == {Place("a"): ()}


def test_only_the_children_of_a_value_that_changed_are_withdrawn() -> None:
    asked = choice("a", "x", "y", "z", repeats=True, item=[item("why", "string")])
    held, _ = advance(Conversation(1, Purpose.CHECK_IN, load(asked)), Begun(1), now=NOW)
    for text in ("x", "y", "done", "because of x", "because of y"):
        held, _ = advance(held, Said(text), now=NOW)
    held, _ = advance(held, Pressed(1, held.revision, Press.EDIT), now=NOW)
    held, _ = advance(held, Pressed(1, held.revision, Press.REMOVE, 1), now=NOW)
    held, _ = advance(held, Pressed(1, held.revision, Press.ADD, 2), now=NOW)
    held, effects = advance(held, Pressed(1, held.revision, Press.DONE), now=NOW)
    assert [effect.places for effect in effects if isinstance(effect, Withdraw)] == [(Place("why", (2,)),)]
    assert held.answers[Place("why", (1,))] == ("because of x",)
    assert held.question == Place("why", (2,))


def test_texts_without_a_question_are_shown_before_the_end() -> None:
    held, effects = advance(Conversation(1, Purpose.CHECK_IN, load(item("a", "display"))), Begun(1), now=NOW)
    assert held.stage is Stage.REVIEW
    assert isinstance(effects[-1], Review)
    assert effects[-1].closing == ("About a?",)


def test_own_words_with_a_comma_are_taken_where_options_are_only_offered() -> None:
    asked = choice("a", "x", "y", kind="open-choice", repeats=True)
    held, _ = advance(Conversation(1, Purpose.CHECK_IN, load(asked, item("b"))), Begun(1), now=NOW)
    held, _ = advance(held, Said("headache, and nausea"), now=NOW)
    assert held.draft.values == ("headache, and nausea",)
    held, _ = advance(held, Said("x and y"), now=NOW)
    assert len(held.draft.values) == 3


def test_a_least_above_our_own_limit_is_no_trap() -> None:
    asked = item("a", "string", repeats=True, extension=occurs(60, None))
    held, _ = advance(Conversation(1, Purpose.CHECK_IN, load(asked, item("b"))), Begun(1), now=NOW)
    for number in range(60):
        held, _ = advance(held, Said(f"name {number}"), now=NOW)
    held, _ = advance(held, Said("done"), now=NOW)
    assert len(held.answers[Place("a")]) == 60
