"""The conversation engine: advance(conversation, event) -> (conversation, effects)."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from flows.answers import Reason, Rejected, choices, plain, read
from flows.course import Course, Entry, follow
from flows.effects import Ask, Effect, Leave, Record, Review, Settle, Toast, Withdraw
from flows.events import Answered, Begun, Press, Pressed, Said
from flows.items import Item
from flows.lifecycle import CONVERSATION, Stage, Step, after
from flows.questionnaire import Questionnaire
from flows.values import DECLINED, Answers, Facts, Guess, Place, Value, Values, encode

MOST_VALUES = 50
"""Answers to one question when the questionnaire sets no limit."""

PER_SCREEN = 8
"""Choices on one screen of a long list."""

BACK = frozenset({"back", "go back", "undo"})
DONE = frozenset({"done", "that's all", "thats all", "that is all", "finished", "no more", "nothing else"})
NOTHING = frozenset({"none", "nothing", "nobody", "no one"})
SKIP = "skip"
DECLINE = frozenset({"prefer not to say", "i prefer not to say", "i'd rather not say", "rather not say"})
AGREE = frozenset({"yes", "y", "yeah", "yep", "right", "correct", "that's right", "ok", "okay"})
DISAGREE = frozenset({"no", "n", "nope", "wrong", "not right"})
SEND = frozenset({"send", "submit", "done", "send it", "ok", "okay", "yes", "finish"})


class Purpose(StrEnum):
    """What the clinic's own conversations are for. Any other purpose is the name of the questionnaire that is asked."""

    INTAKE = "intake"
    CHECK_IN = "check_in"
    AFTER_CARE = "after_care"


@dataclass(frozen=True, slots=True)
class Draft:
    """What was begun on the open question: the values chosen so far, and what a typed text may mean.

    `otherwise` is what the text answers if it does not mean that.
    """

    values: Values = ()
    guess: Value | None = None
    otherwise: Value | None = None


@dataclass(frozen=True)
class Conversation:
    """One person going through one version of one questionnaire.

    `answers` holds the current values by place; an empty tuple is a question that was skipped. `question` is the place
    that is asked, for the first time or again. `revision` grows with every question put, so a button that carries an
    older one is known to be stale.
    """

    id: int
    purpose: str
    questionnaire: Questionnaire
    stage: Stage = Stage.INVITED
    revision: int = 0
    question: Place | None = None
    answers: Answers = field(default_factory=dict)
    draft: Draft = Draft()
    opened: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.stage in {Stage.INVITED, Stage.ASKING, Stage.REVIEW, Stage.PAUSED}

    @property
    def is_going(self) -> bool:
        """Whether something waits for this person's answer."""
        return self.stage in {Stage.ASKING, Stage.REVIEW}

    @cached_property
    def course(self) -> Course:
        """Where the answers lead."""
        return follow(self.questionnaire, self.answers, now=self.opened)

    @property
    def facts(self) -> Facts:
        """What the red flags see: the answers that count, and what is chosen already on the open question."""
        if self.question is None or not self.draft.values:
            return self.course.facts
        given = {**self.answers, self.question: self.draft.values}
        return follow(self.questionnaire, given, now=self.opened).facts

    def moved(self, step: Step) -> "Conversation":
        """The conversation after a step of its transition table."""
        return replace(self, stage=after(CONVERSATION, self.stage, step))


Outcome = tuple[Conversation, tuple[Effect, ...]]
Incoming = Begun | Answered | Pressed | Said


def advance(conversation: Conversation, event: Incoming, *, now: datetime) -> Outcome:
    """What a conversation becomes by an event, and what must happen.

    `now` is the patient's own time, aware. A tap that no longer fits changes nothing and is told so.
    """
    match event, conversation.stage:
        case Begun(), Stage.INVITED:
            return _go_on(conversation.moved(Step.BEGIN))
        case Begun(), Stage.PAUSED:
            resumed = conversation.moved(Step.RESUME)
            return _go_on(resumed) if resumed.question is None else (resumed, (ask(resumed),))
        case Begun(), Stage.ASKING | Stage.REVIEW:
            return conversation, (put(conversation),)
        case Answered(), Stage.ASKING:
            return _tapped(conversation, event)
        case Pressed(), Stage.ASKING:
            return _pressed(conversation, event)
        case Pressed(), Stage.REVIEW:
            return _reviewed(conversation, event)
        case Answered(), Stage.REVIEW:
            return conversation, (Toast("stale"), review(conversation))
        case Said(), Stage.ASKING:
            return _typed(conversation, event.text, now)
        case Said(), Stage.REVIEW:
            return _typed_at_review(conversation, event.text)
    return conversation, (Toast("stale"),)


def meaning(conversation: Conversation, tap: Answered | Pressed) -> Answers | None:
    """What a button of this conversation says, whether its question is open or not; None when it says no answer."""
    place = _place(conversation.questionnaire, tap.question, tap.instance)
    item = conversation.questionnaire.find(place.link_id) if place is not None else None
    if place is None or item is None:
        return None
    if isinstance(tap, Answered):
        values = _chosen(item, tap.choice)
    else:
        added = _selected(item, Draft(), tap.number) if tap.press is Press.ADD else None
        values = None if added is None else (added,)
    return {place: values} if values is not None else None


def put(conversation: Conversation) -> Ask | Review:
    """What waits for an answer, once more: the question at its present revision, or the review."""
    return review(conversation) if conversation.stage is Stage.REVIEW else ask(conversation)


def ask(
    conversation: Conversation, note: Reason | None = None, *, screen: int | None = None, in_place: bool = False
) -> Ask:
    """The current question, at its present revision. With `in_place` it replaces the message that was tapped."""
    course = conversation.course
    index = next((number for number, entry in enumerate(course.entries) if entry.place == conversation.question), None)
    if index is None:
        raise ValueError(f"conversation {conversation.id} is not waiting for {conversation.question}")
    entry = course.entries[index]
    return Ask(
        conversation=conversation.id,
        revision=conversation.revision,
        position=conversation.questionnaire.positions[entry.place.link_id],
        item=entry.item,
        intro=entry.intro,
        number=index + 1,
        total=len(course.entries),
        note=note,
        instance=entry.place.instance,
        draft=conversation.draft.values,
        guess=conversation.draft.guess,
        given=entry.values,
        screen=screen or 0,
        in_place=in_place,
    )


def review(conversation: Conversation, screen: int = 0, *, in_place: bool = False) -> Review:
    """All answers so far, to be changed, and sent when they are complete."""
    course, positions = conversation.course, conversation.questionnaire.positions
    entries = tuple((positions[entry.place.link_id], entry) for entry in course.entries if entry.values is not None)
    is_complete = conversation.stage is Stage.REVIEW
    closing = course.closing if is_complete else ()
    return Review(conversation.id, conversation.revision, entries, is_complete, closing, screen, in_place)


def mark(value: Value) -> int:
    """A number by which a button names a value that was typed; buttons are short."""
    return 10_000 + zlib.crc32(repr(encode(value)).encode("utf-8", "replace")) % 9_000_000


def selectable(item: Item, values: Values) -> Iterator[tuple[int, Value, str | None]]:
    """The buttons of a question with several answers: (number, value, label), the offered ones before the typed."""
    offered = choices(item)
    for number, (value, label) in enumerate(offered):
        yield number, value, label
    known = {value for value, _ in offered}
    yield from ((mark(value), value, None) for value in values if value not in known)


def _tapped(conversation: Conversation, tap: Answered) -> Outcome:
    place = _place(conversation.questionnaire, tap.question, tap.instance)
    item = conversation.questionnaire.find(place.link_id) if place is not None else None
    if place is None or item is None:
        return conversation, (Toast("stale"), ask(conversation))
    values = _chosen(item, tap.choice)
    if values is not None and item.takes_several and values:
        values = None  # its buttons add and remove
    if tap.revision != conversation.revision or place != conversation.question or values is None:
        if values is not None and conversation.answers.get(place) == values and place != conversation.question:
            return conversation, (Toast("noted_before"),)
        return conversation, (Toast("stale"), ask(conversation))
    return _take(conversation, values)


def _pressed(conversation: Conversation, event: Pressed) -> Outcome:
    place = _place(conversation.questionnaire, event.question, event.instance)
    if event.revision == conversation.revision and event.press is Press.LEAF:
        return conversation, (review(conversation, event.number, in_place=True),)
    if event.revision == conversation.revision and event.press is Press.EDIT:
        return _edit(conversation, place)
    if event.revision != conversation.revision or place is None or place != conversation.question:
        return conversation, (Toast("stale"), ask(conversation))
    item, draft = _item(conversation, place), conversation.draft
    match event.press:
        case Press.SCREEN:
            return conversation, (ask(conversation, screen=event.number, in_place=True),)
        case Press.BACK:
            return _back(conversation)
        case Press.KEEP if place in conversation.answers:
            return _left(conversation, _go_on(conversation))
        case Press.DECLINE if item.may_decline:
            return _take(conversation, (DECLINED,))
        case Press.USE if item.initial and not item.takes_several:
            return _take(conversation, item.initial)
        case Press.CONFIRM if draft.guess is not None and mark(draft.guess) == event.number:
            return _accept(conversation, draft.guess)
        case Press.RETYPE if draft.guess is not None:
            return _refuse(conversation)
        case Press.ADD | Press.REMOVE if item.takes_several:
            value = _selected(item, draft, event.number)
            if value is not None:
                return _toggle(conversation, item, value, event)
        case Press.DONE if item.takes_several:
            return _done(conversation, item)
    return conversation, (Toast("stale"), ask(conversation))


def _reviewed(conversation: Conversation, event: Pressed) -> Outcome:
    if event.revision != conversation.revision:
        return conversation, (Toast("stale"), review(conversation))
    match event.press:
        case Press.SEND:
            return _submit(conversation)
        case Press.LEAF:
            return conversation, (review(conversation, event.number, in_place=True),)
        case Press.BACK:
            return _back(conversation)
        case Press.EDIT:
            return _edit(conversation, _place(conversation.questionnaire, event.question, event.instance))
    return conversation, (Toast("stale"), review(conversation))


def _typed(conversation: Conversation, text: str, now: datetime) -> Outcome:
    assert conversation.question is not None
    item, draft, word = _item(conversation, conversation.question), conversation.draft, plain(text)
    if draft.guess is not None and word in AGREE:
        return _accept(conversation, draft.guess)
    if draft.guess is not None and word in DISAGREE:
        return _refuse(conversation)
    labels = {plain(label) for _, label in choices(item)}
    says_nothing = word in NOTHING - labels
    no_more = says_nothing and draft.values and (item.autocomplete or not labels)  # of names typed one by one
    if item.takes_several and (word in DONE - labels or no_more):
        return _done(conversation, item)
    if not item.is_question and (word in DONE or word == SKIP or says_nothing):
        return _take(conversation, (False,))
    if not item.least and (word == SKIP or (says_nothing and item.takes_several and not draft.values)):
        return _take(conversation, ())
    if item.may_decline and word in DECLINE:
        return _take(conversation, (DECLINED,))
    answer = read(item, text, now=now)
    if isinstance(answer, Rejected):
        if word in BACK:
            return _back(conversation)
        asking = replace(conversation, draft=Draft(draft.values))
        return asking if draft.guess is not None else conversation, (ask(asking, answer.reason),)
    if isinstance(answer, Guess):
        asking = replace(conversation, draft=Draft(draft.values, answer.value, answer.otherwise))
        return asking, (ask(asking),)
    if not item.takes_several:
        return _take(conversation, answer)
    values = draft.values
    for value in answer:
        values = _with(item, values, value)
    return _draft(conversation, item, values)


def _typed_at_review(conversation: Conversation, text: str) -> Outcome:
    word = plain(text)
    if word in SEND:
        return _submit(conversation)
    return _back(conversation) if word in BACK else (conversation, (review(conversation),))


def _toggle(conversation: Conversation, item: Item, value: Value, event: Pressed) -> Outcome:
    values = conversation.draft.values
    if event.press is Press.ADD:
        changed = _with(item, values, value)
    else:
        changed = tuple(kept for kept in values if kept != value)
    screen = _screen_of(item, event.number)
    if len(changed) > most_values(item):
        return conversation, (Toast("enough"),)
    chosen = replace(conversation, draft=Draft(changed))
    if event.press is Press.ADD and any(option.exclusive and option.value == value for option in item.options):
        return _done(chosen, item)  # nothing can be added to it
    return chosen, (ask(chosen, screen=screen, in_place=True),)


def _draft(conversation: Conversation, item: Item, values: Values) -> Outcome:
    if len(values) > most_values(item):
        full = replace(conversation, draft=Draft(conversation.draft.values))
        return full, (ask(full, Reason.TOO_MANY),)
    chosen = replace(conversation, draft=Draft(values))
    if not choices(item) and item.most is not None and len(values) == item.most:
        return _done(chosen, item)
    return chosen, (ask(chosen),)


def _done(conversation: Conversation, item: Item) -> Outcome:
    values = conversation.draft.values
    if len(values) < item.least:
        return conversation, (ask(conversation, Reason.TOO_FEW),)
    if len(values) > most_values(item):  # more initial values than may be given
        return conversation, (ask(conversation, Reason.TOO_MANY),)
    return _take(conversation, values)


def _refuse(conversation: Conversation) -> Outcome:
    """The guess was wrong: the person's own words count where they can, else the question is put again."""
    own = conversation.draft.otherwise
    if own is not None:
        return _accept(conversation, own)
    asking = replace(conversation, draft=Draft(conversation.draft.values))
    return asking, (ask(asking, Reason.AGAIN),)


def _accept(conversation: Conversation, guess: Value) -> Outcome:
    assert conversation.question is not None
    item = _item(conversation, conversation.question)
    if item.takes_several:
        return _draft(conversation, item, _with(item, conversation.draft.values, guess))
    return _take(conversation, (guess,))


def _with(item: Item, values: Values, value: Value) -> Values:
    """Values and one more, the offered ones in the order of the buttons. An exclusive option goes with no other."""
    exclusive = {option.value for option in item.options if option.exclusive}
    if value in exclusive:
        return (value,)
    chosen = [kept for kept in values if kept not in exclusive and kept != value] + [value]
    offered = [option.value for option in item.options if option.value in chosen]
    return (*offered, *(kept for kept in chosen if kept not in offered))


def _take(conversation: Conversation, values: Values) -> Outcome:
    """An answer to the open question: kept, shown, and followed by what comes next."""
    place = conversation.question
    assert place is not None
    item = _item(conversation, place)
    here = conversation.id, conversation.revision
    answers = dict(conversation.answers)
    gone = _outdated(conversation, item, place, values) if item.takes_several else ()
    for below in gone:
        del answers[below]
    answers[place] = values
    done: tuple[Effect, ...] = (Record(*here, place, values), Settle(*here, item, values, place.instance))
    if gone:
        done += (Withdraw(conversation.id, gone),)
    moved, asked = _go_on(replace(conversation, answers=answers))
    return moved, done + asked


def _outdated(conversation: Conversation, item: Item, place: Place, values: Values) -> tuple[Place, ...]:
    """The answers below those values of a question with several that are not what they were."""
    below = {found.link_id for child in item.items for found in _with_all_below(child)}
    before, depth = conversation.answers.get(place, ()), len(place.instance)
    same = {number for number, pair in enumerate(zip(before, values, strict=False), start=1) if pair[0] == pair[1]}
    return tuple(
        other
        for other in conversation.answers
        if other.link_id in below and other.instance[:depth] == place.instance and other.instance[depth] not in same
    )


def _with_all_below(item: Item) -> Iterator[Item]:
    yield item
    for child in item.items:
        yield from _with_all_below(child)


def _go_on(conversation: Conversation) -> Outcome:
    """The next open question; when there is none, the review; when nothing is asked or shown, the end."""
    course = conversation.course
    if course.next is not None:
        return _open(conversation, course.next)
    if not course.entries and not course.closing:
        return _submit(conversation.moved(Step.FINISH))
    done = replace(conversation, question=None, draft=Draft(), revision=conversation.revision + 1).moved(Step.FINISH)
    return done, (review(done),)


def _open(conversation: Conversation, entry: Entry) -> Outcome:
    """Put a question, for the first time or again."""
    chosen = (entry.values or ()) if entry.values is not None else entry.item.initial
    asking = replace(
        conversation,
        question=entry.place,
        revision=conversation.revision + 1,
        draft=Draft(tuple(value for value in chosen if value != DECLINED) if entry.item.takes_several else ()),
    )
    return asking, (ask(asking),)


def _back(conversation: Conversation) -> Outcome:
    """The question before this one again, with its answer."""
    earlier: Entry | None = None
    for entry in conversation.course.entries:
        if entry.place == conversation.question or entry.values is None:
            break
        earlier = entry
    if earlier is None:
        return conversation, (Toast("first_question"), ask(conversation))
    asking = conversation.moved(Step.EDIT) if conversation.stage is Stage.REVIEW else conversation
    return _left(conversation, _open(asking, earlier))


def _edit(conversation: Conversation, place: Place | None) -> Outcome:
    """A question that was answered, once more."""
    entry = next((entry for entry in conversation.course.entries if entry.place == place), None)
    if entry is None or entry.values is None:
        return conversation, (Toast("stale"), put(conversation))
    asking = conversation.moved(Step.EDIT) if conversation.stage is Stage.REVIEW else conversation
    return _left(conversation, _open(asking, entry))


def _left(before: Conversation, outcome: Outcome) -> Outcome:
    """The message of what was left loses its buttons: they mean nothing any more."""
    moved, effects = outcome
    return moved, (Leave(before.id, before.revision), *effects)


def _submit(conversation: Conversation) -> Outcome:
    sent = replace(conversation, question=None, draft=Draft()).moved(Step.SUBMIT)
    return sent, (Leave(conversation.id, conversation.revision),) if conversation.course.entries else ()


def _chosen(item: Item, choice: int | None) -> Values | None:
    """The values of a tapped button; None when the question has no such button."""
    if choice is None:
        return None if item.least or not item.is_question else ()
    offered = choices(item)
    return (offered[choice][0],) if 0 <= choice < len(offered) else None


def _selected(item: Item, draft: Draft, number: int) -> Value | None:
    return next((value for found, value, _ in selectable(item, draft.values) if found == number), None)


def most_values(item: Item) -> int:
    """The most answers that are taken; a limit of ours must not be below the least of the author's."""
    return item.most or max(MOST_VALUES, item.least)


def _screen_of(item: Item, number: int) -> int:
    """The screen of a long list on which a button stands."""
    return min(number, len(choices(item))) // PER_SCREEN


def _item(conversation: Conversation, place: Place) -> Item:
    item = conversation.questionnaire.find(place.link_id)
    assert item is not None
    return item


def _place(questionnaire: Questionnaire, position: int, instance: tuple[int, ...]) -> Place | None:
    items = questionnaire.walk()
    return Place(items[position].link_id, instance) if 0 <= position < len(items) else None
