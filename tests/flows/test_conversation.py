"""The conversation engine against an independent model, with people who tap and type anything."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from flows import questionnaire
from flows.answers import Reason, choices
from flows.conversation import Conversation, Purpose, advance, ask, follow
from flows.effects import Ask, Effect, Record, Settle, Toast
from flows.events import Answered, Begun, Said
from flows.lifecycle import Stage
from flows.questionnaire import Questionnaire
from flows.values import Coding
from tests.flows.forms import CODES, Raw, choice, coding, forms, item, load, when

TODAY = date(2026, 11, 23)


class Model:
    """What should be asked, read from the raw questionnaire by other code than ours."""

    def __init__(self, resource: Raw) -> None:
        self.resource = resource
        self.given: dict[str, Any] = {}

    def next(self) -> Raw | None:
        """The first question that is enabled and has no answer; a skipped one has None."""
        return next((asked for asked in self.enabled() if asked["linkId"] not in self.given), None)

    def enabled(self) -> list[Raw]:
        """The questions that the answers so far enable."""
        return self._enabled(self.resource["item"])

    def _enabled(self, items: list[Raw]) -> list[Raw]:
        found: list[Raw] = []
        for entry in items:
            tests = [self._true(test) for test in entry.get("enableWhen", [])]
            if not tests or (any(tests) if entry.get("enableBehavior") == "any" else all(tests)):
                found += [entry] * (entry["type"] not in {"group", "display"}) + self._enabled(entry.get("item", []))
        return found

    def _true(self, test: Raw) -> bool:
        given = self.given.get(test["question"])
        wanted = next(value for key, value in test.items() if key.startswith("answer"))
        wanted = wanted["code"] if isinstance(wanted, dict) else wanted
        match test["operator"]:
            case "exists":
                return (given is not None) == wanted
            case "!=":
                return given is None or given != wanted
            case "=":
                return given is not None and given == wanted
            case ">":
                return given is not None and given > wanted
            case "<":
                return given is not None and given < wanted
            case ">=":
                return given is not None and given >= wanted
            case _:
                return given is not None and given <= wanted


class AnyPerson(RuleBasedStateMachine):
    """One person, any questionnaire, any behaviour."""

    @initialize(resource=forms())
    def open(self, resource: Raw) -> None:
        self.form = questionnaire.load(json.dumps(resource), "f.json")
        self.positions = [found.link_id for found in self.form.walk()]
        self.model = Model(resource)
        self.held = Conversation(7, Purpose.INTAKE, self.form)
        self.highest = 0
        self.taps: list[Answered] = []

    def send(self, event: Begun | Answered | Said) -> tuple[Effect, ...]:
        self.held, effects = advance(self.held, event, today=TODAY)
        for effect in effects:
            if isinstance(effect, Ask):
                assert (effect.revision, effect.item.link_id) == (self.held.revision, self.held.question)
                assert self.positions[effect.position] == effect.item.link_id
                assert 1 <= effect.number <= effect.total
        return effects

    def answer(self, value: Any, event: Answered | Said) -> None:
        """An event that must be taken as the answer `value` to the open question."""
        link_id, revision = self.held.question, self.held.revision
        assert link_id is not None
        effects = self.send(event)
        self.model.given[link_id] = value
        (kept,) = [effect for effect in effects if isinstance(effect, Record)]
        assert (kept.link_id, kept.revision, kept.conversation) == (link_id, revision, 7)
        assert [effect.revision for effect in effects if isinstance(effect, Settle)] == [revision]
        if self.held.stage is Stage.ASKING:
            assert self.held.revision == revision + 1
            assert isinstance(effects[-1], Ask)

    def unmoved(self, event: Begun | Answered | Said) -> tuple[Effect, ...]:
        """An event that must change nothing."""
        before = self.held
        effects = self.send(event)
        assert self.held == before
        assert effects
        assert not any(isinstance(effect, Record | Settle) for effect in effects)
        return effects

    def asking(self) -> bool:
        return self.held.stage is Stage.ASKING

    @rule()
    def begins(self) -> None:
        question = self.held.question
        effects = self.send(Begun(7))
        if self.held.stage is Stage.ASKING:
            assert [type(effect) for effect in effects] == [Ask]
            assert question in {None, self.held.question}

    @precondition(asking)
    @rule(data=st.data())
    def taps_an_answer(self, data: st.DataObject) -> None:
        asked = self.model.next()
        assert asked is not None
        found = self.form.find(asked["linkId"])
        assert found is not None
        buttons: list[int | None] = [*range(len(choices(found)))]
        if not found.required:
            buttons.append(None)
        if not buttons:
            return
        index = data.draw(st.sampled_from(buttons))
        tap = Answered(7, self.held.revision, self.positions.index(found.link_id), index)
        value = None if index is None else choices(found)[index][0]
        self.taps.append(tap)
        self.answer(value.code if isinstance(value, Coding) else value, tap)

    @precondition(asking)
    @rule(data=st.data())
    def types_an_answer(self, data: st.DataObject) -> None:
        asked = self.model.next()
        assert asked is not None
        pairs: list[tuple[str, Any]] = {
            "boolean": [("yes", True), ("Nope", False)],
            "integer": [(str(number), number) for number in range(10)],
            "choice": [(code.capitalize(), code) for code in CODES] + [("2", CODES[1])],
            "string": [("word", "word"), ("other words", "other words")],
        }[asked["type"]]
        if not asked.get("required"):
            pairs.append(("Skip", None))
        text, value = data.draw(st.sampled_from(pairs))
        self.answer(value, Said(text))

    @precondition(lambda self: self.asking() and self.held.question and self.model.next()["type"] != "string")
    @rule(text=st.sampled_from(["???", "-", "maybe 5", "yes no", "9.5", "", "\ud83d", "x" * 5000]))
    def types_garbage(self, text: str) -> None:
        effects = self.unmoved(Said(text))
        assert isinstance(effects[-1], Ask)
        assert isinstance(effects[-1].note, Reason)

    @precondition(lambda self: self.taps)
    @rule(data=st.data())
    def taps_again(self, data: st.DataObject) -> None:
        """A double tap, or an old button."""
        self.unmoved(data.draw(st.sampled_from(self.taps)))

    @precondition(lambda self: self.taps)
    @rule(data=st.data(), choice=st.none() | st.integers(0, 2))
    def taps_another_button_of_an_old_question(self, data: st.DataObject, choice: int | None) -> None:
        old = data.draw(st.sampled_from(self.taps))
        self.unmoved(Answered(7, old.revision, old.question, choice))

    @rule(position=st.integers(-3, 30), choice=st.none() | st.integers(-2, 9), back=st.integers(-3, 3))
    def forges_a_tap(self, position: int, choice: int | None, back: int) -> None:
        tap = Answered(7, self.held.revision + back, position, choice)
        known = self.positions[position] if 0 <= position < len(self.positions) else None
        if self.asking() and back == 0 and known == self.held.question:
            asked = self.form.find(known) if known else None
            assert asked is not None
            if (choice is None and not asked.required) or (choice is not None and 0 <= choice < len(choices(asked))):
                return
        self.unmoved(tap)

    @precondition(lambda self: not self.asking())
    @rule(event=st.sampled_from([Said("yes"), Answered(7, 1, 0, 0), Answered(7, 0, 0, None)]))
    def nothing_is_answered_when_nothing_is_asked(self, event: Said | Answered) -> None:
        assert self.unmoved(event) == (Toast("stale"),)

    @invariant()
    def the_revision_only_grows(self) -> None:
        assert self.held.revision >= self.highest
        self.highest = self.held.revision

    @invariant()
    def the_question_and_the_answers_are_those_of_the_model(self) -> None:
        if self.held.stage is Stage.INVITED:
            assert (self.held.question, self.held.answers) == (None, {})
            return
        expected = self.model.next()
        assert self.held.question == (expected["linkId"] if expected else None)
        assert self.held.stage is (Stage.ASKING if expected else Stage.SUBMITTED)
        reached = follow(self.form, self.held.answers).reached
        mine = {link_id: (value[0] if value else None) for link_id, value in reached.items()}
        plain = {link_id: value.code if isinstance(value, Coding) else value for link_id, value in mine.items()}
        assert plain == self.model.given

    def teardown(self) -> None:
        """Whoever answers every question that is shown comes to the end."""
        if not hasattr(self, "held"):
            return
        if self.held.stage is Stage.INVITED:
            self.send(Begun(7))
        for _ in self.positions:
            asked = self.model.next()
            if asked is None:
                break
            text, value = {
                "boolean": ("yes", True),
                "integer": ("4", 4),
                "choice": ("Red", "red"),
                "string": ("word", "word"),
            }[asked["type"]]
            self.answer(value, Said(text))
        assert self.held.stage is Stage.SUBMITTED


AnyPerson.TestCase.settings = settings(max_examples=80, stateful_step_count=20, deadline=None)
TestAnyPerson = AnyPerson.TestCase


def started(form: Questionnaire) -> tuple[Conversation, Ask]:
    """A conversation at its first question."""
    held, effects = advance(Conversation(1, Purpose.CHECK_IN, form), Begun(1), today=TODAY)
    assert isinstance(effects[-1], Ask)
    return held, effects[-1]


def test_p8_a_stale_tap_is_told_so_and_shown_the_question_again() -> None:
    held, _ = started(load(item("a"), item("b")))
    moved, _ = advance(held, Answered(1, 1, 0, 0), today=TODAY)
    same, effects = advance(moved, Answered(1, 1, 0, 1), today=TODAY)
    assert same == moved
    assert effects == (Toast("stale"), ask(moved))


def test_p8_a_double_tap_is_only_told_that_it_was_noted() -> None:
    held, _ = started(load(item("a"), item("b")))
    moved, _ = advance(held, Answered(1, 1, 0, 0), today=TODAY)
    assert advance(moved, Answered(1, 1, 0, 0), today=TODAY) == (moved, (Toast("noted_before"),))


def test_p8_a_tap_with_the_right_revision_on_another_question_answers_neither() -> None:
    held, _ = started(load(item("a"), item("b")))
    same, effects = advance(held, Answered(1, 1, 1, 0), today=TODAY)
    assert same == held
    assert effects[0] == Toast("stale")


@pytest.mark.parametrize("forged", [-1, -2, 2, 10**9])
def test_p8_a_forged_button_answers_nothing(forged: int) -> None:
    held, _ = started(load(item("a"), item("b")))
    same, effects = advance(held, Answered(1, 1, 0, forged), today=TODAY)
    assert same == held
    assert effects == (Toast("stale"), ask(held))


def test_a_required_question_cannot_be_skipped_by_a_word_or_a_forged_tap() -> None:
    held, _ = started(load(item("a", required=True)))
    same, effects = advance(held, Said("skip"), today=TODAY)
    assert same == held
    assert isinstance(effects[-1], Ask)
    assert effects[-1].note is Reason.YES_OR_NO
    assert advance(held, Answered(1, 1, 0, None), today=TODAY)[0] == held


def test_a_skipped_question_is_an_answer_without_values() -> None:
    held, _ = started(load(item("a", "text"), item("b", enableWhen=[when("a", "exists", answerBoolean=False)])))
    moved, effects = advance(held, Said("Skip!"), today=TODAY)
    assert effects[0] == Record(1, 1, "a", ())
    assert moved.question == "b"


def test_texts_before_a_question_are_its_intro_and_are_said_once() -> None:
    form = load(
        item("hello", "display"),
        item("g", "group", text="Heading", item=[item("a"), item("b")]),
        item("note", "display", enableWhen=[when("b", "=", answerBoolean=True)]),
        item("c"),
    )
    held, first = started(form)
    assert first.intro == ("About hello?", "Heading")
    held, (*_, second) = advance(held, Said("yes"), today=TODAY)
    assert isinstance(second, Ask)
    assert second.intro == ()
    held, (*_, third) = advance(held, Said("yes"), today=TODAY)
    assert isinstance(third, Ask)
    assert third.intro == ("About note?",)


def test_the_count_of_questions_follows_the_branch() -> None:
    form = load(
        choice("a", *CODES), *(item(name, enableWhen=[when("a", "=", answerCoding=coding("red"))]) for name in "bc")
    )
    held, first = started(form)
    assert (first.number, first.total) == (1, 1)
    _, (*_, second) = advance(held, Said("red"), today=TODAY)
    assert isinstance(second, Ask)
    assert (second.number, second.total) == (2, 3)


def test_hidden_and_read_only_items_are_never_asked_nor_said() -> None:
    hidden = [{"url": questionnaire.HIDDEN, "valueBoolean": True}]
    form = load(
        item("h", extension=hidden),
        item("g", "group", extension=hidden, item=[item("inside")]),
        item("r", readOnly=True),
        item("a"),
    )
    _, first = started(form)
    assert (first.item.link_id, first.intro, first.total) == ("a", (), 1)


def test_a_questionnaire_without_a_question_to_ask_is_submitted_at_once() -> None:
    held, effects = advance(Conversation(1, Purpose.INTAKE, load(item("a", "display"))), Begun(1), today=TODAY)
    assert (held.stage, effects) == (Stage.SUBMITTED, ())


def test_answers_on_a_branch_that_is_no_longer_taken_count_for_nothing() -> None:
    form = load(
        item("a"),
        item("b", enableWhen=[when("a", "=", answerBoolean=True)]),
        item("c", enableWhen=[when("b", "exists", answerBoolean=True)]),
    )
    course = follow(form, {"a": (False,), "b": (True,), "c": (True,)})
    assert (course.reached, course.next, course.ahead) == ({"a": (False,)}, None, 0)


def test_asking_for_a_question_that_is_not_open_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="is not waiting for b"):
        ask(Conversation(1, Purpose.INTAKE, load(item("a")), Stage.ASKING, 1, "b"))


def test_a_conversation_is_open_until_it_is_over() -> None:
    form = load(item("a"))
    states = [stage for stage in Stage if Conversation(1, Purpose.INTAKE, form, stage).is_open]
    assert states == [Stage.INVITED, Stage.ASKING, Stage.PAUSED]
