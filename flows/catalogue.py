"""Everything the clinic has written as data: questionnaires, rules, policies, phrases, crisis lines, its own name."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from flows import learn, listener, medicines, plain_yaml, questionnaire
from flows.checklists import checklists
from flows.conditions import Condition, Every, Operator, Some, Test
from flows.effects import IntakeOutcome, RequestKind, Say
from flows.errors import TaperlineError
from flows.escalation import Audience, Named, PageStep, Policy, Role, Target, Tier
from flows.events import Command
from flows.items import NUMBERS, Item, ItemType
from flows.listener import Signal
from flows.medicines import Medicines
from flows.questionnaire import Questionnaire
from flows.redflags import DRILL, Case, Rule
from flows.schedule import OpeningHours
from flows.scores import scored_groups
from flows.taper import dose_questions
from flows.totals import total_code
from flows.triage import Triage, TriageReason
from flows.values import Coding, Value

Names = Mapping[str, Sequence[Item]]
"""What a rule may look at: the items that ask for it, none for a computed fact."""

COMPUTED = frozenset(
    {
        *("%signal", "%misunderstood", "%channel", "%standing", "%safe", "%failed", "%outcome"),
        *("%dose.fall", "%dose.below", "%dose.above", "%plan.changed-lately", "%gap"),
        *("%taking", "%dose-class"),
        *("%new-medicine", "%unanswered.hours", "%unanswered.in-a-row", "%visit.missed", "%alerts.lately"),
    }
)
"""The facts that are neither answers nor measures; a rule may look at them."""

OF_MEASURES = ("%total", "%rise", "%rise-share", "%weeks-rising", "%highest", "%worst-new")
"""The facts about a measure, such as %rise.phq9: see Past.facts."""


class ContentError(TaperlineError):
    """A content file that cannot be used; the text names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Clinic:
    """The clinic as patients know it, and when it is open."""

    name: str
    address: str
    phone: str
    hours: str
    zone: str
    opening: OpeningHours


@dataclass(frozen=True, slots=True)
class CrisisLine:
    """A number to call, the words for it, and the day somebody checked it."""

    name: str
    number: str
    wording: str
    country: str
    checked_on: date


@dataclass(frozen=True, slots=True)
class Language:
    """What no text to a patient may hold: patterns with what to write instead, and the phrases that are allowed.

    Of what makes a sentence hard to read, `plain_words` count as if they had one syllable, `syllables` tells those of
    words that the dictionary miscounts, and the items in `verbatim` stand as their authors wrote them.
    """

    allowed: tuple[str, ...]
    refused: tuple[tuple[re.Pattern[str], str], ...]
    plain_words: frozenset[str]
    syllables: Mapping[str, int]
    verbatim: frozenset[str]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The content in use. Built once at start; nothing in it changes.

    `files` says where each questionnaire stands. `namesakes` gives the linkId that the rules know for the code of a
    question, and `measures` the name that they know for the LOINC code of a total: whoever wrote a PHQ-9, its item 9
    is heard and its total is compared. `questions` gives all linkIds of a code.
    """

    questionnaires: Mapping[str, Questionnaire]
    files: Mapping[str, str]
    namesakes: Mapping[Coding, str]
    measures: Mapping[str, str]
    questions: Mapping[Coding, frozenset[str]]
    rules: tuple[Rule, ...]
    policies: Mapping[Tier, Policy]
    crisis_lines: tuple[CrisisLine, ...]
    clinic: Clinic
    medicines: Medicines
    language: Language
    listener: listener.Listener
    triage: Triage
    topics: learn.Topics

    def rule(self, rule_id: str) -> Rule | None:
        """The rule with this id; None when the content no longer has it."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def within_hours(self, rule_id: str, tier: Tier, instant: datetime) -> datetime:
        """The instant itself, or the next opening where the tier or the rule lets an alert wait for it."""
        rule = self.rule(rule_id)
        waits = self.policies[tier].waits_for_opening or (rule is not None and rule.waits_for_opening)
        return self.clinic.opening.next_open(instant) if waits and tier is not Tier.EMERGENCY else instant

    def measure(self, link_id: str, codes: Iterable[Coding]) -> str:
        """The name that the rules know for a total: that of its code, or else the linkId of what it stands on."""
        known = (
            self.measures[total] for total in map(total_code, codes) if total is not None and total in self.measures
        )
        return next(known, link_id)

    def coded(self, code: Coding) -> frozenset[str]:
        """The linkIds, in any questionnaire, of the questions with this code."""
        return self.questions.get(code, frozenset())

    @property
    def dose_questions(self) -> frozenset[str]:
        """The linkIds, in any questionnaire, of the questions for the day's total dose."""
        return frozenset(link_id for form in self.questionnaires.values() for link_id in dose_questions(form))


def own_content() -> Traversable:
    """The folder of the content that comes with Taperline."""
    return resources.files("flows") / "content"


def load(*folders: Traversable) -> Catalogue:
    """Read the content. A file in an earlier folder stands in front of the file of the same name in a later one.

    Raises ContentError, QuestionnaireError or UnreadableError, naming the file and the entry.
    """
    layers = _Layers((*folders, own_content()))
    known = _medicines(layers)
    texts = {file.stem: (file, text) for file, text in layers.texts("questionnaires", ".yaml", ".json")}
    forms = {
        name: questionnaire.load(questionnaire.complete(text, str(file), known.value_sets), str(file))
        for name, (file, text) in texts.items()
    }
    for needed in ("intake", "check_in"):
        if needed not in forms:
            raise ContentError(f"questionnaires/{needed}.yaml is missing")
    measures = _measures(forms)
    names: dict[str, list[Item]] = {name: [] for name in COMPUTED}
    names |= {f"{kind}.{measure}": [] for measure in _measure_names(forms.values(), measures) for kind in OF_MEASURES}
    for form in forms.values():
        for item in form.walk():
            names.setdefault(item.link_id, []).append(item)
            names.setdefault(f"%last.{item.link_id}", []).append(item)
    try:
        phrases = _listener(tuple((file.name, text) for file, text in layers.texts("phrases", ".yaml")))
    except ValueError as error:
        raise ContentError(f"phrases: {error}") from error
    written = {str(file): text for file, text in layers.texts("learn", ".md")}
    try:
        topics = learn.load(written, layers.read("learn/words.yaml"))
    except ValueError as error:
        raise ContentError(str(error)) from error
    return Catalogue(
        questionnaires=forms,
        files={name: str(file) for name, (file, _) in texts.items()},
        namesakes=_namesakes(forms),
        measures=measures,
        questions=_questions(forms.values()),
        rules=tuple(_rules(layers.entries("redflags.yaml"), names)),
        policies=_policies(layers.entries("escalation.yaml")),
        crisis_lines=tuple(_crisis_line(entry) for entry in layers.entries("crisis_lines.yaml")),
        clinic=_clinic(layers.read("clinic.yaml")),
        medicines=known,
        language=_language(layers.read("language.yaml")),
        listener=phrases,
        triage=Triage(tuple(_reasons(layers.entries("triage.yaml"), names))),
        topics=topics,
    )


@lru_cache(maxsize=2)
def _listener(texts: tuple[tuple[str, str], ...]) -> listener.Listener:
    """The listener of these files; the same ones are compiled once."""
    return listener.load(dict(texts))


def load_medicines(*folders: Traversable) -> Medicines:
    """The medicines alone, for whoever needs no more. Raises ContentError, naming the entry."""
    return _medicines(_Layers((*folders, own_content())))


def _medicines(layers: "_Layers") -> Medicines:
    try:
        return medicines.load(layers.entries("medicines.yaml"))
    except ValueError as error:
        raise ContentError(f"medicines.yaml, {error}") from error


def _namesakes(forms: Mapping[str, Questionnaire]) -> Mapping[Coding, str]:
    """The linkId of each coded question; where several have one code, that of the clinic's own weekly form counts."""
    found: dict[Coding, str] = {}
    for name in ("check_in", "intake", *sorted(forms)):
        for item in forms[name].walk():
            for code in item.codes if item.is_question and item.options and not item.recalled else ():
                found.setdefault(code, item.link_id)
    return found


def _questions(forms: Iterable[Questionnaire]) -> Mapping[Coding, frozenset[str]]:
    """The linkIds of the questions with each code, in any questionnaire."""
    found: dict[Coding, frozenset[str]] = {}
    for form in forms:
        for item in form.coded:
            for code in item.codes:
                found[code] = found.get(code, frozenset()) | {item.link_id}
    return found


def _measures(forms: Mapping[str, Questionnaire]) -> Mapping[str, str]:
    """The linkId of the first total with each LOINC code, that of the clinic's own weekly form before others."""
    found: dict[str, str] = {}
    for name in ("check_in", "intake", *sorted(forms)):
        for item in forms[name].walk():
            if item.type is ItemType.GROUP or item.calculated is not None:
                for total in map(total_code, item.codes):
                    if total is not None:
                        found.setdefault(total, item.link_id)
    return found


def _measure_names(forms: Iterable[Questionnaire], measures: Mapping[str, str]) -> Iterator[str]:
    """The names of all that the questionnaires measure: totals of groups, computed numbers, checklists."""
    for form in forms:
        yield from scored_groups(form)
        yield from (item.link_id for item in form.walk() if item.calculated is not None and item.type in NUMBERS)
        yield from (item.link_id for item, _ in checklists(form))
    yield from measures.values()


@dataclass(frozen=True, slots=True)
class _Layers:
    """Folders in front of each other, read file by file."""

    folders: Sequence[Traversable]

    def texts(self, folder: str, *endings: str) -> Iterator[tuple[PurePosixPath, str]]:
        """The files of a folder whose names end so, in the order of their names."""
        found: dict[str, Traversable] = {}
        for layer in self.folders:
            own: dict[str, Traversable] = {}
            for file in (layer / folder).iterdir() if (layer / folder).is_dir() else ():
                path = PurePosixPath(folder, file.name)
                if path.suffix in endings:
                    if path.stem in own:
                        raise ContentError(f"{folder}/{own[path.stem].name}, {path}: two files of one name: keep one")
                    own[path.stem] = file
            found = own | found
        for name in sorted(found):
            path = PurePosixPath(folder, found[name].name)
            yield path, _text(found[name], str(path))

    def read(self, name: str) -> Any:
        for layer in self.folders:
            if (layer / name).is_file():
                return plain_yaml.read(_text(layer / name, name), name)
        raise ContentError(f"{name} is missing")

    def entries(self, name: str) -> Sequence[Mapping[str, Any]]:
        entries = self.read(name)
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            raise ContentError(f"{name} must be a list of entries")
        return entries


def _text(file: Traversable, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError(f"{name} cannot be read: {error}") from error


def _rules(entries: Sequence[Mapping[str, Any]], names: Names) -> Iterator[Rule]:
    seen = set()
    for entry in entries:
        where = f"redflags.yaml, rule {entry.get('id', '?')}"
        try:
            rule = Rule(
                id=str(entry["id"]),
                title=_words(entry, "title"),
                owners=_owners(entry["owners"]),
                cases=tuple(_case(case, names) for case in entry.get("cases", ())),
                message=_message(entry["message"]) if "message" in entry else None,
                request=RequestKind(entry["request"]) if "request" in entry else None,
                rationale=_words(entry, "rationale"),
                source=_words(entry, "source"),
                acknowledge=_words(entry, "acknowledge") if "acknowledge" in entry else "",
                contact=_words(entry, "contact") if "contact" in entry else "",
                kept_by=_words(entry, "kept_by") if "kept_by" in entry else "",
                waits_for_opening=_waits(entry),
            )
        except KeyError as error:
            raise ContentError(f"{where}: {error.args[0]} is missing") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise ContentError(f"{where}: {error}") from error
        if rule.id in seen:
            raise ContentError(f"{where}: the id stands twice")
        if not rule.cases and not rule.kept_by:
            raise ContentError(f"{where}: without cases it can never fire")
        if rule.id == DRILL and rule.cases:
            raise ContentError(f"{where}: a patient must never look like a drill. Take its cases away")
        if rule.waits_for_opening and any(case.tier is Tier.EMERGENCY for case in rule.cases):
            raise ContentError(f"{where}: an emergency never waits for opening. Take hours away")
        seen.add(rule.id)
        yield rule


def _reasons(entries: Sequence[Mapping[str, Any]], names: Names) -> Iterator[TriageReason]:
    for number, entry in enumerate(entries, start=1):
        where = f"triage.yaml, entry {number}"
        try:
            outcome = IntakeOutcome(entry["outcome"])
            yield TriageReason(outcome, _words(entry, "reason"), _test(entry["when"], names))
        except KeyError as error:
            raise ContentError(f"{where}: {error.args[0]} is missing") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise ContentError(f"{where}: {error}") from error


def _owners(entry: Any) -> tuple[Role, ...]:
    if not isinstance(entry, list) or not entry:
        raise ValueError("owners must be a list of roles")
    return tuple(map(Role, entry))


def _case(entry: Mapping[str, Any], names: Names) -> Case:
    return Case(Tier(entry["tier"]), _test(entry["when"], names), _duration(entry.get("after", "0m")))


def _test(entry: Mapping[str, Any], names: Names) -> Test:
    for word, kind in (("all", Every), ("any", Some)):
        if word in entry:
            parts = tuple(_test(part, names) for part in entry[word])
            if not parts:
                raise ValueError(f"{word} is empty")
            return kind(parts)
    if entry["question"] not in names:
        raise ValueError(f"it looks at {entry['question']}, which no questionnaire asks")
    answer = entry["answer"]
    if not isinstance(answer, bool | int | float | str):
        raise ValueError(f"it compares {entry['question']} with {answer!r}")
    value = Decimal(str(answer)) if isinstance(answer, float) else answer
    condition = Condition(entry["question"], Operator(entry["operator"]), value)
    items = names[condition.question]
    if items and condition.operator is not Operator.EXISTS and not any(_can_meet(item, value) for item in items):
        raise ValueError(f"{condition.question} offers no answer that can be compared with {answer!r}")
    if condition.question == "%signal" and value not in set(Signal):
        raise ValueError(f"{answer!r} is no signal; there are: {', '.join(Signal)}")
    return condition


def _can_meet(item: Item, value: Value) -> bool:
    """Whether an answer to the item can be compared with a value: a rule that never can would never fire."""
    codings = [option.value for option in item.options if isinstance(option.value, Coding)]
    if item.type is ItemType.BOOLEAN or isinstance(value, bool):
        return item.type is ItemType.BOOLEAN and isinstance(value, bool)
    if isinstance(value, str) and codings and item.type is ItemType.CHOICE:
        return any(coding.code == value for coding in codings)
    if isinstance(value, int | Decimal) and codings:
        return all(coding.ordinal is not None for coding in codings)
    return True


def _message(entry: Mapping[str, Any]) -> Say:
    buttons = tuple(Command(button) for button in entry.get("buttons", ()))
    return Say(entry["template"], buttons, overtakes=True)


def _policies(entries: Sequence[Mapping[str, Any]]) -> Mapping[Tier, Policy]:
    policies = {}
    for entry in entries:
        where = f"escalation.yaml, tier {entry.get('tier', '?')}"
        try:
            policy = Policy(
                Tier(entry["tier"]),
                tuple(PageStep(tuple(map(_target, step["to"])), _duration(step["wait"])) for step in entry["steps"]),
                contact=_duration(entry["contact"]),
                merge=_duration(entry["merge"]),
                silent=bool(entry.get("silent", False)),
                waits_for_opening=_waits(entry),
            )
        except KeyError as error:
            raise ContentError(f"{where}: {error.args[0]} is missing") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise ContentError(f"{where}: {error}") from error
        if not policy.steps or any(step.wait <= timedelta() or not step.to for step in policy.steps):
            raise ContentError(f"{where}: needs steps, each to somebody and with a wait above zero, or it goes quiet")
        if policy.contact <= timedelta():
            raise ContentError(f"{where}: contact must be above zero")
        if policy.tier is Tier.EMERGENCY and policy.waits_for_opening:
            raise ContentError(f"{where}: an emergency never waits for opening. Take hours away")
        if policy.tier is Tier.EMERGENCY and not policy.steps[-1].calls_fallback:
            raise ContentError(f"{where}: the last step must page the fallback too: to: [everyone, fallback]")
        if policy.tier in policies:
            raise ContentError(f"{where}: the tier stands twice")
        policies[policy.tier] = policy
    missing = [tier for tier in Tier if tier not in policies]
    if missing:
        raise ContentError(f"escalation.yaml: no steps for {', '.join(missing)}")
    return policies


def _target(entry: object) -> Target:
    if isinstance(entry, Mapping):
        return Named(_words(entry, "person"))
    if entry in set(Role):
        return Role(str(entry))
    return Audience(str(entry))


def _waits(entry: Mapping[str, Any]) -> bool:
    """Whether pages wait for opening, by `hours`."""
    hours = entry.get("hours", "always")
    if hours not in {"always", "opening"}:
        raise ValueError(f"hours is {hours!r}, and must be always or opening")
    return bool(hours == "opening")


def _duration(text: object) -> timedelta:
    found = re.fullmatch(r"([0-9]{1,4})\s*(m|h|d)", str(text))
    if not found:
        raise ValueError(f"{text!r} is not a duration such as 15m, 4h or 1d")
    return timedelta(minutes=int(found[1]) * {"m": 1, "h": 60, "d": 1440}[found[2]])


def _crisis_line(entry: Mapping[str, Any]) -> CrisisLine:
    try:
        name, number, wording, country = (_words(entry, key) for key in ("name", "number", "wording", "country"))
        return CrisisLine(name, number, wording, country, date.fromisoformat(_words(entry, "checked_on")))
    except KeyError as error:
        raise ContentError(f"crisis_lines.yaml, {entry.get('name', '?')}: {error.args[0]} is missing") from error
    except (ValueError, TypeError) as error:
        raise ContentError(f"crisis_lines.yaml, {entry.get('name', '?')}: {error}") from error


def _words(entry: Mapping[str, Any], key: str) -> str:
    words = entry[key]
    if not isinstance(words, str) or not words.strip():
        raise ValueError(f"{key} must be text, in quotes")
    return words


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _clinic(entry: Any) -> Clinic:
    if not isinstance(entry, Mapping):
        raise ContentError(
            "clinic.yaml: it must hold name, address, phone, hours, zone and opening, each on its own line"
        )
    try:
        name, address, phone, hours, zone = (
            _words(entry, key) for key in ("name", "address", "phone", "hours", "zone")
        )
        return Clinic(
            name, address, phone, hours, zone, _opening(entry["opening"], entry.get("closed", ()), ZoneInfo(zone))
        )
    except KeyError as error:
        raise ContentError(f"clinic.yaml: {error.args[0]} is missing or not a time zone") from error
    except (ValueError, TypeError, OSError, AttributeError) as error:
        raise ContentError(f"clinic.yaml: {error}") from error


def _opening(days: Mapping[str, Any], closed: Sequence[str], zone: ZoneInfo) -> OpeningHours:
    """From `{mon: ["09:00-12:00", "13:00-17:00"]}`, or one such time for a day, and dates on which it is closed."""
    hours: dict[int, tuple[tuple[time, time], ...]] = {}
    for day, spans in days.items():
        if day not in WEEKDAYS:
            raise ValueError(f"opening: {day!r} is no weekday. Write {', '.join(WEEKDAYS)}")
        hours[WEEKDAYS.index(day)] = tuple(_span(span) for span in ([spans] if isinstance(spans, str) else spans))
    if not any(hours.values()):
        raise ValueError('opening: at least one day needs hours, such as mon: "09:00-17:00"')
    return OpeningHours(hours, frozenset(map(date.fromisoformat, closed)), zone)


def _span(text: str) -> tuple[time, time]:
    opens, _, closes = text.partition("-")
    span = time.fromisoformat(opens.strip()), time.fromisoformat(closes.strip())
    if span[0] >= span[1]:
        raise ValueError(f"opening: {text!r} does not end after it begins")
    return span


def _language(entry: Any) -> Language:
    try:
        refused = tuple((re.compile(rule["pattern"], re.IGNORECASE), rule["instead"]) for rule in entry["refused"])
        return Language(
            allowed=tuple(entry["allowed"]),
            refused=refused,
            plain_words=frozenset(word.lower() for part in entry["plain_words"] for word in part["words"]),
            syllables={word.lower(): int(count) for word, count in entry["syllables"].items()},
            verbatim=frozenset(link_id for part in entry["verbatim"] for link_id in part["items"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        needed = "allowed, refused (pattern, instead), plain_words (words), syllables and verbatim (items)"
        raise ContentError(f"language.yaml: needs {needed}: {error!r}") from error
