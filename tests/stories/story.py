"""A patient story: who it is, what happens step by step, and what must come of it. README.md tells how to write one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.render import Renderer
from flows import plain_yaml
from flows.answers import choices
from flows.care import CHECK_INS
from flows.catalogue import Catalogue
from flows.conversation import Conversation, Purpose
from flows.course import Entry
from flows.escalation import Role
from flows.events import Answered, Asked, Begun, Command, Press, Pressed
from flows.guard import refusals
from flows.items import Item
from flows.lifecycle import Stage
from flows.values import Coding, Values, spoken
from storage import visits
from tests.flows.people import quiet
from tests.stories.clinic import Clinic, opened

HERE = Path(__file__).parent
MONDAY = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
"""Ten in the morning in San Francisco."""

TAP, TYPED, INSTRUMENT = (timedelta(seconds=seconds) for seconds in (5, 15, 7))
"""What we reckon with: a tap, a typed answer, and an item of PHQ, GAD, ASQ or AUDIT-C, which is read with care."""

INSTRUMENTS = re.compile(r"(phq9|gad7|asq|audit-c)-\d")
SCALES = re.compile(r"phq9|gad7")

CALM = {
    **{"sex": "female", "group": "prescribed", "dose-total": "1", "since": "years", "first-reason": "anxiety"},
    **{"contact-phone": "415 555 0134", "location": "Oakland", "emergency-contact": "Kim, 415 555 0135"},
}
"""Answers of somebody whose intake is simple, where those of tests/flows/people.py are too bare for a story."""

OUTCOMES = {"alerts", "outcome", "request", "told"}
"""What must come of a step."""

PARTS = {
    *{"intake", "enrolled", "plan", "week", "month", "check_in", "after_care", "goes_on", "leaves_at", "says"},
    *{"waits", "stops", "starts", "blocks", "missed_visit", "asks_for"},
    *OUTCOMES,
}


@dataclass(frozen=True, slots=True)
class Effort:
    """What a form asked of a person."""

    form: str
    taps: int
    typed: int
    time: timedelta


@dataclass
class Given:
    """The answers of a step by linkId, and which of them were asked for. A list is answered one after the other."""

    answers: dict[str, Any]
    used: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, written: Mapping[str, Any] | None) -> "Given":
        """Answers as a story writes them; `phq9: 1 0 2` are the values of the first items of the scale, in order."""
        answers: dict[str, Any] = {}
        for name, value in (written or {}).items():
            if SCALES.fullmatch(name):
                answers |= {f"{name}-{number}": int(one) for number, one in enumerate(str(value).split(), start=1)}
            else:
                answers[name] = value
        return cls(answers)

    def to(self, entry: Entry, conversation: Conversation) -> Any:
        """What this person answers to a question: what the story says, or what worries nobody."""
        link_id = entry.place.link_id
        if link_id == "symptom-level":
            return self.answers["symptoms"][self._symptom(entry, conversation)]
        if link_id not in self.answers:
            return CALM.get(link_id, quiet(entry.item))
        self.used.add(link_id)
        found = self.answers[link_id]
        if isinstance(found, list) and not entry.item.takes_several:
            return found.pop(0) if found else quiet(entry.item)
        return found

    def _symptom(self, entry: Entry, conversation: Conversation) -> str:
        chosen = next(each for each in conversation.course.entries if each.place.link_id == "symptoms").values or ()
        value = chosen[entry.place.instance[-1] - 1]
        assert isinstance(value, Coding)
        return value.code


@dataclass
class Teller:
    """Plays a story in a clinic, and says where it goes another way."""

    clinic: Clinic
    catalogue: Catalogue
    never: Sequence[str]
    efforts: list[Effort] = field(default_factory=list)
    enrolled: datetime | None = None
    _taps: int = 0
    _typed: int = 0
    _time: timedelta = timedelta()

    def plays(self, step: Mapping[str, Any]) -> None:
        """One step, and what must come of it."""
        unknown = step.keys() - PARTS
        assert not unknown, f"unknown in a story: {sorted(unknown)}"
        self.clinic.told.clear()
        for part in [name for name in step if name not in OUTCOMES and name != "leaves_at"]:
            self._does(part, step)
        self._compare(step)

    def _does(self, part: str, step: Mapping[str, Any]) -> None:
        clinic, value, leaves_at = self.clinic, step[part], step.get("leaves_at")
        match part:
            case "intake":
                clinic.types("/start")
                self._answers("intake", value, leaves_at)
            case "check_in" | "after_care" | "goes_on":
                held = clinic.open
                assert held is not None, f"{part}: nothing is open"
                wanted = {"check_in": Purpose.CHECK_IN, "after_care": Purpose.AFTER_CARE}.get(part, held.purpose)
                assert held.purpose == wanted, f"{part}: {held.purpose} is open"
                self._answers(part, value, leaves_at)
            case "enrolled":
                request = clinic.store.submit(lambda tx: visits.number(visits.open_ones(tx)[0])).result()
                clinic.clinician(Role.STAFF, f"enrol R-{request}")
                self.enrolled = clinic.now
            case "plan":
                steps = len(clinic.plan.steps)
                clinic.clinician(Role.PHYSICIAN, f"plan {clinic.patient.code} {value}")
                assert len(clinic.plan.steps) == steps + 1, f"not recorded: {value}"
            case "week" | "month":
                self._check_in_comes(int(value), is_week=part == "week")
            case "says":
                clinic.types(str(value))
            case "waits":
                clinic.wait(duration(str(value)))
            case "stops":
                clinic.types("/stop")
            case "starts":
                clinic.types("/start")
            case "blocks":
                clinic.blocks()
            case "missed_visit":
                clinic.clinician(Role.STAFF, f"missed {clinic.patient.code}")
            case "asks_for":
                clinic.taps(Asked(Command(str(value))))

    def _check_in_comes(self, number: int, *, is_week: bool) -> None:
        """Wait until the check-in of that week since the enrolment (or the next one, of a month) comes by itself."""
        known = len([held for held in self.clinic.all if held.purpose in CHECK_INS])
        wanted = number if is_week else known + 1
        assert known < wanted, f"check-in {number} has come before"
        while len([held for held in self.clinic.all if held.purpose in CHECK_INS]) < wanted:
            self.clinic.wait(self.clinic.next_check_in - self.clinic.now)
        if is_week:
            assert self.enrolled is not None
            weeks = (self.clinic.now - self.enrolled) / timedelta(weeks=1)
            assert abs(weeks - number) < 0.05, f"check-in {number} came after {weeks:.2f} weeks"

    def _answers(self, form: str, written: Mapping[str, Any] | None, leaves_at: str | None) -> None:
        """Answer to the end, or to the question at which this person leaves. Whoever is paused goes on."""
        given, self._taps, self._typed, self._time = Given.of(written), 0, 0, timedelta()
        first = self.clinic.open
        assert first is not None
        for _ in range(400):
            held = self.clinic.open
            if held is None or held.id != first.id:
                break
            following = held.course.next
            if leaves_at is not None and following is not None and following.place.link_id == leaves_at:
                break
            if held.stage in {Stage.INVITED, Stage.PAUSED}:
                self._tap(Begun(held.id))
            elif held.stage is Stage.REVIEW:
                if leaves_at == "review":
                    break
                self._tap(Pressed(held.id, held.revision, Press.SEND))
            else:
                self._answer(held, given)
        else:
            raise AssertionError("it never ends")
        unasked = given.answers.keys() - given.used
        assert not unasked, f"never asked: {sorted(unasked)}"
        left = self.clinic.open
        assert leaves_at is None or (left is not None and left.id == first.id), f"{leaves_at} was never reached"
        self.efforts.append(Effort(form, self._taps, self._typed, self._time))

    def _answer(self, held: Conversation, given: Given) -> None:
        entry = next(each for each in held.course.entries if each.place == held.question)
        said = given.to(entry, held)
        words, _, meant = ("", "", "") if isinstance(said, list) else str(said).partition(" => ")
        if entry.item.takes_several:
            self._several(held, entry.item, said)
        elif said is None or said == "skip":
            self._tap(self._answered(held, entry, None), entry.item)
        elif (number := _choice(entry.item, words)) is not None:
            self._tap(self._answered(held, entry, number), entry.item)
        else:
            self._types(words)
        if meant:
            values = next(each.answers.get(entry.place, ()) for each in self.clinic.all if each.id == held.id)
            assert meant in _names(values), f"{words!r} was taken for {_names(values)}"

    def _several(self, held: Conversation, item: Item, said: Any) -> None:
        """Choose or type each of several answers, and say when that is all."""
        if said is None:
            assert held.question is not None
            position, instance = held.questionnaire.positions[item.link_id], held.question.instance
            self._tap(Answered(held.id, held.revision, position, None, instance), item)
            return
        place = held.question
        for word in [said] if isinstance(said, str) else list(said):
            now = self._still(held, place)
            number = _choice(item, str(word))
            if number is None:
                words, _, meant = str(word).partition(" => ")
                self._types(words)
                draft = self._still(held, place).draft.values
                assert not meant or meant in _names(draft), f"{words!r} was taken for {_names(draft)}"
            else:
                self._press(now, Press.ADD, number)
        after = self.clinic.open
        if after is not None and after.id == held.id and after.stage is Stage.ASKING and after.question == place:
            self._press(after, Press.DONE)

    def _still(self, held: Conversation, place: Any) -> Conversation:
        """The conversation at the same question; whoever was paused by an emergency goes on first."""
        now = self.clinic.open
        assert now is not None and now.id == held.id
        if now.stage is Stage.PAUSED:
            self._tap(Begun(now.id))
            now = self.clinic.open
        assert now is not None and now.question == place, f"{place} is not open any more"
        return now

    def _press(self, held: Conversation, press: Press, number: int = 0) -> None:
        """A button under the open question; where the list is long, the screen is turned to it first."""
        place = held.question
        assert place is not None
        here = held.questionnaire.positions[place.link_id], place.instance
        event = Pressed(held.id, held.revision, press, number, *here)
        for screen in range(9):
            if self.clinic.button(event) is not None:
                break
            turn = Pressed(held.id, held.revision, Press.SCREEN, screen, *here)
            if self.clinic.button(turn) is not None:
                self._tap(turn)
        self._tap(event)

    def _types(self, words: str) -> None:
        """Type; what was understood as a guess is confirmed."""
        self._typed += 1
        self._spends(TYPED)
        self.clinic.types(words)
        held = self.clinic.open
        if held is not None and held.stage is Stage.ASKING and held.draft.guess is not None:
            self._taps += 1
            self._spends(TAP)
            self.clinic.taps_words("Yes: ", "Yes, that is right")

    def _answered(self, held: Conversation, entry: Entry, choice: int | None) -> Answered:
        position = held.questionnaire.positions[entry.place.link_id]
        return Answered(held.id, held.revision, position, choice, entry.place.instance)

    def _tap(self, event: Answered | Pressed | Begun, item: Item | None = None) -> None:
        self._taps += 1
        self._spends(INSTRUMENT if item is not None and INSTRUMENTS.fullmatch(item.link_id) else TAP)
        self.clinic.taps(event)

    def _spends(self, time: timedelta) -> None:
        self._time += time
        self.clinic.wait(time)

    def _compare(self, step: Mapping[str, Any]) -> None:
        """What came of a step against what must come of it: no alert more, and none less."""
        told = "\n".join(_own_words(text) for text in self.clinic.told)
        heard = self.clinic.looks()
        raised = {rule: str(tier) for rule, tier in sorted(heard.alerts.items())}
        assert raised == dict(sorted((step.get("alerts") or {}).items())), f"alerts: {raised}"
        for rule, roles in heard.pages.items():
            known = self.catalogue.rule(rule)
            assert known is not None and set(known.owners) <= roles, f"{rule} paged only {sorted(roles)}"
        requested = [str(request.kind) for request in heard.requests]
        wanted = ["consultation"] * ("outcome" in step) + [str(step.get("request"))] * ("request" in step)
        assert requested == wanted, f"requests: {requested}"
        outcomes = [str(request.outcome) for request in heard.requests if request.kind == "consultation"]
        assert outcomes == [str(step.get("outcome"))] * ("outcome" in step), f"outcome: {outcomes}"
        for words in _listed(step.get("told")):
            assert words.casefold() in told.casefold(), f"not told {words!r}, but: {told}"
        for words in self.never:
            assert words.casefold() not in told.casefold(), f"told {words!r}: {told}"
        for text in self.clinic.told:
            refused = refusals(_own_words(text), self.catalogue.language)
            assert not refused, f"told what the guard refuses: {refused[0]}, in: {text}"


@dataclass(frozen=True, slots=True)
class Story:
    """One person, and what happens to them."""

    name: str
    who: str
    group: str
    steps: Sequence[Mapping[str, Any]]
    never: Sequence[str]


def stories() -> Sequence[Story]:
    """All stories, by name."""
    return [_read(path) for path in sorted(HERE.glob("*.yaml"))]


def duration(words: str) -> timedelta:
    """90m, 48h or 8d."""
    found = re.fullmatch(r"(\d+)(m|h|d)", words)
    assert found is not None, f"no time: {words}"
    return timedelta(minutes=int(found[1]) * {"m": 1, "h": 60, "d": 1440}[found[2]])


def _read(path: Path) -> Story:
    written = plain_yaml.read(path.read_text("utf-8"), path.name)
    steps = [each for step in written["steps"] for each in _one_by_one(step)]
    return Story(path.stem, written["who"], written["group"], steps, _listed(written.get("never")))


def _one_by_one(step: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Words that are said in many ways, and weeks that are all alike, are as many steps."""
    if isinstance(step.get("says"), list):
        return [{**step, "says": words} for words in step["says"]]
    if "to" in step:
        week = {name: value for name, value in step.items() if name != "to"}
        return [{**week, "week": number} for number in range(int(step["week"]), int(step["to"]) + 1)]
    return [step]


def _listed(words: Any) -> Sequence[str]:
    return [] if words is None else list(map(str, words)) if isinstance(words, list) else [str(words)]


def _choice(item: Item, word: str) -> int | None:
    """The button that has these words, this code or this score."""
    for number, (value, label) in enumerate(choices(item)):
        if word.casefold() == label.casefold():
            return number
        if isinstance(value, Coding) and word in {value.code, str(value.ordinal)}:
            return number
    return None


def _names(values: Values) -> Sequence[str]:
    return [value.code if isinstance(value, Coding) else spoken(value) for value in values]


def _own_words(text: str) -> str:
    """What the bot says itself: without the answers that it shows to the person who gave them."""
    return "\n".join(line for line in text.splitlines() if not re.match(r"✓|You said: |So far: |Do you mean ", line))


def played(story: Story, content: Catalogue, renderer: Renderer) -> Sequence[Effort]:
    """A story from its beginning to its end. Raises AssertionError, naming the step, where it goes another way."""
    with opened(content, renderer, now=MONDAY) as clinic:
        teller = Teller(clinic, content, story.never)
        for number, step in enumerate(story.steps, start=1):
            try:
                teller.plays(step)
            except AssertionError as error:
                error.add_note(f"in step {number} of {story.name}: {step}")
                raise
        return teller.efforts
