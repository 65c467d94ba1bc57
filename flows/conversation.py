"""The conversation engine: advance(conversation, event) -> (conversation, effects)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from flows.answers import Reason, Rejected, choices, plain, read
from flows.conditions import holds
from flows.effects import Ask, Effect, Record, Settle, Toast
from flows.events import Answered, Begun, Said
from flows.lifecycle import CONVERSATION, Stage, Step, after
from flows.questionnaire import Item, Questionnaire
from flows.values import Facts, Values


class Purpose(StrEnum):
    """What a conversation is for; also the name of its questionnaire in the catalogue."""

    INTAKE = "intake"
    CHECK_IN = "check_in"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One person going through one version of one questionnaire.

    `answers` holds the current values by linkId; an empty tuple is a question that was skipped. `revision` grows with
    every new question, so a button that carries an older one is known to be stale.
    """

    id: int
    purpose: Purpose
    questionnaire: Questionnaire
    stage: Stage = Stage.INVITED
    revision: int = 0
    question: str | None = None
    answers: Facts = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.stage in {Stage.INVITED, Stage.ASKING, Stage.PAUSED}

    def moved(self, step: Step) -> "Conversation":
        """The conversation after a step of its transition table."""
        return replace(self, stage=after(CONVERSATION, self.stage, step))


@dataclass(frozen=True, slots=True)
class Course:
    """Where a set of answers leads in a questionnaire.

    `reached` holds the answers of questions that are enabled: others were given on a branch that is no longer taken,
    and count for nothing. `intro` holds the texts to show before `next`. `ahead` counts the enabled open questions.
    """

    reached: Facts
    next: Item | None
    intro: tuple[str, ...]
    ahead: int


def advance(
    conversation: Conversation, event: Begun | Answered | Said, *, today: date
) -> tuple[Conversation, tuple[Effect, ...]]:
    """What a conversation becomes by an event, and what must happen.

    `today` is the patient's own date. A tap that no longer fits changes nothing and is told so.
    """
    match event, conversation.stage:
        case Begun(), Stage.INVITED:
            return _ask_next(conversation.moved(Step.BEGIN))
        case Begun(), Stage.PAUSED:
            resumed = conversation.moved(Step.RESUME)
            return resumed, (ask(resumed),)
        case Begun(), Stage.ASKING:
            return conversation, (ask(conversation),)
        case Answered(), Stage.ASKING:
            return _tapped(conversation, event)
        case Said(), Stage.ASKING:
            return _typed(conversation, event.text, today)
    return conversation, (Toast("stale"),)


def meaning(conversation: Conversation, tap: Answered) -> Facts | None:
    """What a button of this conversation says, whether its question is open or not; None when there is no such one."""
    item = _at(conversation.questionnaire, tap.question)
    values = _chosen(item, tap.choice) if item is not None else None
    return {item.link_id: values} if item is not None and values is not None else None


def ask(conversation: Conversation, note: Reason | None = None) -> Ask:
    """The current question again, at its present revision."""
    course = follow(conversation.questionnaire, conversation.answers)
    item = course.next
    if item is None or item.link_id != conversation.question:
        raise ValueError(f"conversation {conversation.id} is not waiting for {conversation.question}")
    given = len(course.reached)
    return Ask(
        conversation=conversation.id,
        revision=conversation.revision,
        position=_position(conversation.questionnaire, item),
        item=item,
        intro=course.intro,
        number=given + 1,
        total=given + course.ahead,
        note=note,
    )


def follow(questionnaire: Questionnaire, answers: Facts) -> Course:
    """Walk a questionnaire with these answers. Conditions look back only, so one pass is enough."""
    reached: dict[str, Values] = {}
    waiting: list[Item] = []
    intro: list[str] = []
    _follow(questionnaire.items, answers, reached, waiting, intro)
    return Course(reached, waiting[0] if waiting else None, tuple(intro), len(waiting))


def _follow(
    items: Sequence[Item], answers: Facts, reached: dict[str, Values], waiting: list[Item], intro: list[str]
) -> None:
    for item in items:
        if not item.shown or (item.enable_when is not None and not holds(item.enable_when, reached)):
            continue
        if not item.is_question:
            if item.text and not waiting:
                intro.append(item.text)
        elif item.link_id in answers:
            reached[item.link_id] = answers[item.link_id]
            intro.clear()
        else:
            waiting.append(item)
        _follow(item.items, answers, reached, waiting, intro)


def _tapped(conversation: Conversation, tap: Answered) -> tuple[Conversation, tuple[Effect, ...]]:
    item = _at(conversation.questionnaire, tap.question)
    if item is None:
        return conversation, (Toast("stale"),)
    values = _chosen(item, tap.choice)
    if tap.revision != conversation.revision or item.link_id != conversation.question or values is None:
        if values is not None and conversation.answers.get(item.link_id) == values:
            return conversation, (Toast("noted_before"),)
        return conversation, (Toast("stale"), ask(conversation))
    return _take(conversation, item, values)


def _typed(conversation: Conversation, text: str, today: date) -> tuple[Conversation, tuple[Effect, ...]]:
    current = ask(conversation).item
    if not current.required and plain(text) == "skip":
        return _take(conversation, current, ())
    answer = read(current, text, today=today)
    if isinstance(answer, Rejected):
        return conversation, (ask(conversation, answer.reason),)
    return _take(conversation, current, (answer,))


def _take(conversation: Conversation, item: Item, values: Values) -> tuple[Conversation, tuple[Effect, ...]]:
    answers: Mapping[str, Values] = {**conversation.answers, item.link_id: values}
    here = conversation.id, conversation.revision
    done: tuple[Effect, ...] = (Record(*here, item.link_id, values), Settle(*here, item, values))
    moved, asked = _ask_next(replace(conversation, answers=answers))
    return moved, done + asked


def _ask_next(conversation: Conversation) -> tuple[Conversation, tuple[Effect, ...]]:
    course = follow(conversation.questionnaire, conversation.answers)
    if course.next is None:
        return replace(conversation, question=None).moved(Step.SUBMIT), ()
    asking = replace(conversation, question=course.next.link_id, revision=conversation.revision + 1)
    return asking, (ask(asking),)


def _chosen(item: Item, choice: int | None) -> Values | None:
    """The values of a tapped button; None when the question has no such button."""
    if choice is None:
        return None if item.required else ()
    offered = choices(item)
    return (offered[choice][0],) if 0 <= choice < len(offered) else None


def _at(questionnaire: Questionnaire, position: int) -> Item | None:
    return next((item for index, item in enumerate(questionnaire.walk()) if index == position), None)


def _position(questionnaire: Questionnaire, item: Item) -> int:
    return next(index for index, other in enumerate(questionnaire.walk()) if other.link_id == item.link_id)
