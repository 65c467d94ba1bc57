"""`taperline check`: reads all content and names file, entry and reason for whatever is wrong."""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, TemplateSyntaxError

from bot.buttons import Deed
from bot.figures import in_short
from bot.one_page import OnePage
from bot.render import LANGUAGE, LONGEST, TEMPLATES, Rendered, Renderer
from bot.sandbox.errors import ApiError
from bot.sandbox.markup import parse_html
from bot.why import Why
from flows import catalogue, legibility, plain_yaml, reach
from flows.answers import Reason
from flows.catalogue import Catalogue, ContentError, Language
from flows.conditions import Condition
from flows.conversation import Conversation, Purpose
from flows.course import Entry
from flows.effects import Ask, Contents, IntakeOutcome, Review, Say, Settle, Teach
from flows.errors import TaperlineError
from flows.escalation import Outcome, Role, Tier
from flows.events import Command
from flows.evidence import Evidence, Finding, Occasion
from flows.figures import Life, Period, figures
from flows.guard import refusals
from flows.items import Item, ItemType, Option
from flows.lifecycle import UNTAKEN, AlertState, AlertStep
from flows.listener import Signal
from flows.medicines import SYSTEM as MEDICINES
from flows.problems import Severity
from flows.problems import problems as questionnaire_problems
from flows.redflags import DRILL, Rule
from flows.totals import LOINC
from flows.values import Coding, Place, Values, spoken
from storage.outbox import Delivery
from storage.tables import AlertRow

CRISIS_LINES_AGE = timedelta(days=180)
TOPICS_AGE = timedelta(days=365)
MOST_BUTTONS = 100
"""Buttons under one message, as Telegram allows."""

KNOWN_FILES = (
    *("clinic.yaml", "crisis_lines.yaml", "escalation.yaml", "language.yaml", "medicines.yaml", "redflags.yaml"),
    *("triage.yaml", "learn/*.md", "learn/words.yaml"),
    *("questionnaires/*.yaml", "questionnaires/*.json", "phrases/*.yaml"),
    *("templates/*/*.html.j2", "templates/*/staff/*.html.j2"),
    *("templates/*/words.yaml", "templates/*/staff/words.yaml"),
)
SPOKEN = (
    *("another_open", "expired", "paused_complete", "questionnaire_done", "questionnaire_invitation"),
    *("check_in_done", "check_in_invitation", "confirm_stop", "edited", "enrolled", "forwarded", "guarded"),
    *("hello", "help"),
    *("home", "after_care_invitation", "intake_invitation", "kept", "no_call", "not_text", "paused", "reminder"),
    *(f"intake_done_{outcome}" for outcome in IntakeOutcome),
    *("safe", "seen", "stay", "stopped", "visit_requested", "read_about"),
)
"""The texts that the core and the gate say by name; a rule says its own."""
PARTS = ("part", "question", "review", "settled")
"""What the renderer says in the course of a questionnaire."""
READING = ("contents", "topic")
"""What the renderer says of Learn."""

STAFF_TEXTS = frozenset(
    {
        *("welcome", "invitation_refused", "no_alerts", "no_requests", "help", "not_found", "worried"),
        *("record", "record_refused", "alert", "request", "why", "plan", "plan_refused", "plan_medicine"),
        *("no_intake", "summary", "trace", "figures", "on_call", "rota_changed", "rota_help"),
    }
)
STAFF_WORDS: Mapping[str, Iterable[str]] = {
    "toasts": (
        *("done", "taken", "resolved", "escalated", "enrolled", "closed", "unknown", "handed_over", "resolved_now"),
        *("nobody_else", "noted", "drill", "drill_waits", "drill_open", "no_tier", "figures_refused", "no_figures"),
    ),
    "came_of_it": Outcome,
    "figures": ("to_page", "to_acknowledge", "to_contact"),
    "asked": (Deed.HAND_OVER, Deed.RESOLVE),
    "trace": (*AlertStep, *Delivery, "raised", "note", "late", "unpaged", "fallback"),
}
"""Short words that the staff's side says by name."""
TOASTS = ("stale", "noted_before", "unknown", "first_question", "enough")

SAMPLES = (
    Item(
        "a", ItemType.STRING, LONGEST * "A. ", help="B.", link="https://example.org", initial=("C",), may_decline=True
    ),
    Item("b", ItemType.INTEGER, "A?", entry_format="1", minimum=1, maximum=9, decimal_places=1, min_length=2),
    Item("c", ItemType.CHOICE, "A?", repeats=True, options=tuple(Option(f"{n}", f"{n}") for n in range(30))),
    Item("d", ItemType.GROUP, "A.", repeats=True),
    Item("e", ItemType.BOOLEAN, "A?", required=True),
    Item("f", ItemType.CHOICE, "A?", autocomplete=True, options=tuple(Option(f"{n}", f"{n}") for n in range(30))),
)
"""Between them they need every part of the templates and words that put a question."""
SAMPLES_STAND_IN = "templates/question.html.j2, part.html.j2, settled.html.j2, review.html.j2 or words.yaml"


@dataclass(frozen=True, slots=True)
class Text:
    """Words that can reach a patient, and where they stand. Verbatim ones are those of an instrument's authors.

    An answer is the label of an option, which is the patient's to tap.
    """

    where: str
    words: str
    is_verbatim: bool = False
    is_answer: bool = False


UNLEARNED = (
    "phrases/examples.yaml: the listener did not learn from these lines. Write phrases, which are always heard, or run "
    "`python -m tests.train_listener` in Taperline's own folder."
)


def findings(content_dir: Path | None, *, today: date) -> Iterator[tuple[Severity, str]]:
    """All that is wrong with the content, one sentence each, naming the file, the entry and the remedy.

    Errors are mistakes; warnings are doubtful. What keeps the bot from starting with the content comes alone.
    """
    try:
        content, renderer = load(content_dir)
    except TaperlineError as error:
        yield from ((Severity.ERROR, line) for line in str(error).splitlines())
        return
    texts = [*_texts_of_forms(content, content.questionnaires), *_texts_around(content, renderer, content_dir)]
    wrong = [
        *(
            f"crisis_lines.yaml, {line.name}: checked more than 180 days ago. Call it, then set checked_on."
            for line in content.crisis_lines
            if today - line.checked_on > CRISIS_LINES_AGE
        ),
        *(
            f"{topic.file}: checked more than a year ago. Read its sources again, then set checked_on."
            for topic in content.topics
            if today - topic.checked_on > TOPICS_AGE
        ),
        *_unreachable(content),
        *_refused_words(content.language, texts),
        *_hard_to_read(content.language, texts),
        *_other_languages(content_dir),
    ]
    yield from ((Severity.ERROR, text) for text in wrong)
    if not content.listener.knows_its_examples:
        yield Severity.WARNING, UNLEARNED
    if content.rule(DRILL) is None:
        yield Severity.WARNING, f"redflags.yaml: there is no rule {DRILL}, so a drill has no title. Copy it from ours."
    for name, form in content.questionnaires.items():
        for problem in questionnaire_problems(form.resource):
            if problem.severity is not Severity.INFORMATION:
                yield problem.severity, f"{content.files[name]}: {problem}"


def load(content_dir: Path | None) -> tuple[Catalogue, Renderer]:
    """Read the content, and say every text once, so that none can fail when it is needed.

    A questionnaire that breaks a rule of FHIR, but leaves no doubt about what to ask, is not refused here.
    Raises a TaperlineError with all faults found, a line each, naming the file and the entry.
    """
    content = catalogue.load(*([content_dir] if content_dir is not None else []))
    renderer = Renderer(content, content_dir, strict=True)
    found = [*_strangers(content_dir, content), *_missing_words(content_dir, LANGUAGE)]
    found += _unspeakable(content, renderer) if not found else []
    found += _unheard(content)
    if not found:
        texts = [*_texts_of_forms(content, Purpose), *_texts_around(content, renderer, content_dir)]
        found += _refused_words(content.language, texts)
    if found:
        raise ContentError("\n".join(dict.fromkeys(found)))
    return content, Renderer(content, content_dir)


def _strangers(content_dir: Path | None, content: Catalogue) -> Iterator[str]:
    """Files of the clinic's own that nothing reads, and texts that nothing says, such as with a misspelled name."""
    if content_dir is None:
        return
    said = {*_names_of_texts(None), *(f"{say.template}.html.j2" for say in _sayings(content))}
    own = {path.relative_to(content_dir): path for path in sorted(content_dir.rglob("*")) if path.is_file()}
    templates = {name: path for name, path in own.items() if name.parts[0] == "templates" and path.suffix == ".j2"}
    for name in own:
        if not any(fnmatch(name.as_posix(), known) for known in KNOWN_FILES):
            yield f"{name.as_posix()}: nothing reads a file of this name. Known are: {', '.join(KNOWN_FILES)}"
        elif name in templates and (text := Path(*name.parts[2:]).as_posix()) not in said:
            others = (path.read_text("utf-8", "replace") for other, path in templates.items() if other != name)
            if not any(text in other for other in others):
                yield f"{name.as_posix()}: nothing says this text. Correct its name, let a rule say it, or remove it"


def _unreachable(content: Catalogue) -> Iterator[str]:
    for name, form in content.questionnaires.items():
        for item in reach.unreachable(form):
            remedy = "Change its enableWhen, or that of the questions it depends on, or remove it"
            yield f"{content.files[name]}, item {item.link_id}: no answers lead to it. {remedy}"
    for case in reach.impossible(content.rules, content.questionnaires.values()):
        yield f"redflags.yaml, rule {case.rule}, case {case.case}: it can never fire: {case.reason}"


def _unheard(content: Catalogue) -> Iterator[str]:
    """Signals of the listener that no rule acts on: a cry that is heard must reach somebody."""
    tests = [case.test for rule in content.rules for case in rule.cases]
    heard = {test.answer for test in tests if isinstance(test, Condition) and test.question == "%signal"}
    for signal in Signal:
        if signal is not Signal.STOP and signal not in heard:
            yield f"redflags.yaml: no rule has a case of its own for the signal {signal}. Write one"


def _unspeakable(content: Catalogue, renderer: Renderer) -> Iterator[str]:
    """Texts that cannot be rendered, or that Telegram would refuse."""
    for say in _sayings(content):
        yield from _fault(f"templates/{say.template}.html.j2", lambda say=say: renderer.say(say))
    for topic in content.topics:
        yield from _fault(topic.file, partial(renderer.teach, Teach(topic)))
    for screen in (0, len(content.topics)):
        yield from _fault(
            "templates/contents.html.j2", partial(renderer.contents, Contents(content.topics.all, screen))
        )
    broken = [fault for item in SAMPLES for fault in _every_way(item, renderer)]
    yield from broken
    noted = set()
    for form, questionnaire in content.questionnaires.items() if not broken else ():
        for item in questionnaire.walk():
            where = f"{content.files[form]}, item {item.link_id}"
            if item.type is not ItemType.DISPLAY:
                longest = _longest(item)
                for note in (None, *(Reason if _limits(item) not in noted else ())):
                    yield from _fault(where, partial(renderer.ask, _ask(item, note=note, given=longest, draft=longest)))
                noted.add(_limits(item))
                yield from _fault(where, partial(renderer.settled, Settle(0, 0, item, longest)))
                yield from _fault(where, partial(renderer.review, _review(item)))
    for toast in TOASTS:
        yield from _fault("templates/words.yaml", lambda toast=toast: Rendered(renderer.toast(toast), []))
    yield from _fault("templates/words.yaml", lambda: Rendered(str(renderer.menu()), []))
    yield from _unspeakable_to_staff(content, renderer)


def _every_way(item: Item, renderer: Renderer) -> Iterator[str]:
    """What is wrong with the texts around a question, wherever it is shown: put, guessed at, changed, reviewed."""
    longest = _longest(item)
    for ask in (_ask(item), _ask(item, given=longest), _ask(item, draft=longest), _ask(item, guess=longest[0])):
        yield from _fault(SAMPLES_STAND_IN, partial(renderer.ask, ask))
    yield from _fault(SAMPLES_STAND_IN, partial(renderer.settled, Settle(0, 0, item, longest)))
    for is_complete in (True, False):
        yield from _fault(SAMPLES_STAND_IN, partial(renderer.review, _review(item, is_complete=is_complete)))


def _unspeakable_to_staff(content: Catalogue, renderer: Renderer) -> Iterator[str]:
    words = "templates/staff/words.yaml"
    of_the_rota = {"on_call", "rota_changed", "rota_help"}
    for template in STAFF_TEXTS - {"alert", "request", "why", "summary", "trace", "figures"} - of_the_rota:
        named: dict[str, Any] = {
            "name": "Dr. Lee",
            "role": Role.STAFF,
            "what": "alert A-1",
            "medicine": "A medicine",
            "milligrams": 1,
        }
        say = partial(renderer.staff, template, [Deed.SEND], **named)
        yield from _fault(f"templates/staff/{template}.html.j2", say)
    intake = Conversation(1, Purpose.INTAKE, content.questionnaires[Purpose.INTAKE], opened=datetime.now(UTC))
    one_page = partial(OnePage(content, renderer).told, intake, datetime.now(UTC), (), code="P-22222")
    yield from _fault("templates/staff/summary.html.j2", one_page)
    for is_open in (True, False):
        shown: dict[str, Any] = {
            "kind": "visit",
            "is_open": is_open,
            "who": "Dr. Lee",
            "at": "10:00",
            "code": "P-22222",
            "outcome": "call_first",
        }
        yield from _fault("templates/staff/request.html.j2", partial(renderer.staff, "request", list(Deed), 1, **shown))
    for tier in Tier:
        for state in AlertState:
            yield from _fault("templates/staff/alert.html.j2", partial(_alert, renderer, tier, state))
    yield from _fault("templates/staff/alert.html.j2", partial(_alert, renderer, tier, state, is_drill=True))
    why = Why(content, renderer)
    for rule in content.rules:
        yield from _fault(f"templates/staff/why.html.j2, rule {rule.id}", partial(_why, why, rule))
    line = {
        "at": "10:00",
        "kind": "Page",
        "who": "Dr. Lee",
        "words": "A.",
        "page": 1,
        "delivery": "Sent",
        "attempts": 2,
    }
    traced = partial(
        renderer.staff, "trace", number=1, lines=[{**line, "sent_at": "10:00", "reason": "A."}], left_out=1
    )
    yield from _fault("templates/staff/trace.html.j2", traced)
    for template, way in _of_the_rota():
        yield from _fault(f"templates/staff/{template}.html.j2", partial(renderer.staff, template, **way))
    yield from _fault("templates/staff/figures.html.j2", partial(_figures, content, renderer))
    filled = {"who": "", "ago": "", "number": "1", "due": "", "names": "", "days": "1"}
    for group, needed in STAFF_WORDS.items():
        for word in needed:
            said = partial(renderer.staff_word, group, word, **filled)
            yield from _fault(words, lambda said=said: Rendered(said(), []))
    yield from _fault(words, lambda: Rendered(str(renderer.menu(staff=True)), []))
    if not content.rules or not content.crisis_lines:
        yield "redflags.yaml and crisis_lines.yaml must each have an entry"


def _of_the_rota() -> Iterator[tuple[str, dict[str, Any]]]:
    """What the texts of the rota are told, so that every part of them is needed once."""
    line = {"rotation": "nights", "begins": "Thu 18:00", "ends": "Fri 08:00", "before": "Dr. Lee", "is_gap": True}
    lines = [{**line, "who": who} for who in ("Dr. Kim", None)]
    current = {"name": "nights", "begins": None, "who": None, "until": "Fri 08:00", "next": None}
    rotations = [current, {"name": "days", "begins": "Fri 08:00"}]
    for shown, gaps in (((), ()), (rotations, ()), (rotations, lines)):
        yield "on_call", {"rotations": shown, "gaps": gaps, "left_out": 1, "days": 14}
    for deed in ("away", "cover", "back", "told"):
        for changes in ((), lines):
            told = {"deed": deed, "changes": changes, "left_out": 1, "ended": changes, "left": lines, "who": "Dr. Lee"}
            yield "rota_changed", {**line, **told}
    for reason in ("", "Why."):
        yield "rota_help", {**line, "reason": reason}


def _why(why: Why, rule: Rule) -> Sequence[Rendered]:
    """Why a rule raised an alert: by answers that fit, by more than fit, and for who may not read them."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    alert = AlertRow(id=1, patient_id=1, rule=rule.id, tier=Tier.URGENT, state=AlertState.PAGED, raised_at=now)
    finding = Finding("a", "a > 1", "A?", (LONGEST * "A",), "TypeError")
    occasions = [Occasion(now, (Evidence(0, Tier.URGENT, (finding,) * many, "A."),)) for many in (1, 20)]
    ways = ((occasions[:1], True), (occasions, True), ((), True), ((), False))
    return [why.told(alert, "P-22222", given, may_read=may_read) for given, may_read in ways]


def _figures(content: Catalogue, renderer: Renderer) -> Sequence[Rendered]:
    """The figures of a time with alerts of every kind, and of one without."""
    now, step = datetime(2026, 1, 1, tzinfo=UTC), AlertStep
    taken = tuple((now, each) for each in (step.PAGE, step.ACKNOWLEDGE, step.CONTACT, step.RESOLVE))
    lives = [Life(rule.id, tier, True, now, taken, now, Outcome.NO_ACTION) for rule in content.rules for tier in Tier]
    periods = (Period(now, now, lives, 1, 2), Period(now, now, (), 0, 0))
    return [in_short(figures(period, content), renderer) for period in periods]


def _alert(renderer: Renderer, tier: Tier, state: AlertState, *, is_drill: bool = False) -> Rendered:
    return renderer.staff(
        "alert",
        list(Deed),
        1,
        sign=renderer.staff_word("signs", tier),
        state=renderer.staff_word("states", state),
        tier=renderer.staff_word("tiers", tier),
        attempt=2,
        title="A title",
        rule="S1",
        is_drill=is_drill,
        code="P-22222",
        is_taken=state not in UNTAKEN,
        who="Dr. Lee",
        at="10:00",
        outcome="Done",
        handed_to="Dr. Kim",
        due="10:30",
    )


def _sayings(content: Catalogue) -> Iterator[Say]:
    """Everything that can be said to a patient, once with every button."""
    yield Say("hello", tuple(Command))
    yield from (Say(template) for template in SPOKEN)
    yield Say("questionnaire_invitation", about="A title")
    yield from (rule.message for rule in content.rules if rule.message is not None)


def _limits(item: Item) -> Hashable:
    """What the words about an answer that was not taken depend on."""
    lengths = item.min_length, item.max_length, item.least, item.most
    return item.entry_format, item.units, item.minimum, item.maximum, item.decimal_places, lengths


def _ask(item: Item, **more: Any) -> Ask:
    return Ask(2**62, 999_999, 9_999, item, (), 99, 99, instance=(99,), **more)


def _review(item: Item, *, is_complete: bool = True) -> Review:
    entry = Entry(Place(item.link_id, (99,)), item, (), _longest(item), ("99",))
    return Review(2**62, 999_999, ((9_999, entry),) * 20, is_complete, ("A text at the end.",))


def _longest(item: Item) -> Values:
    return tuple(option.value for option in item.options) or ("<&>" * 100,)


def _fault(where: str, render: Any) -> Iterator[str]:
    """What Telegram or a reader would find wrong with one or several messages."""
    try:
        rendered = render()
        messages = [rendered] if isinstance(rendered, Rendered) else rendered
        texts = [parse_html(message.html)[0] for message in messages]
    except ApiError as error:
        yield f"{where}: Telegram would refuse the text: {error}"
        return
    except Exception as error:  # noqa: BLE001 (whatever a template raises, the author must hear of it)
        yield f"{where}: {type(error).__name__}: {error}"
        return
    for message, text in zip(messages, texts, strict=True):
        if not text.strip():
            yield f"{where}: the text is empty"
        if len(text.encode("utf-16-le")) // 2 > LONGEST:
            yield f"{where}: the text is longer than {LONGEST} characters"
        if sum(map(len, message.keyboard)) > MOST_BUTTONS:
            yield f"{where}: there are more than {MOST_BUTTONS} buttons"


def _refused_words(language: Language, texts: Iterable[Text]) -> Iterator[str]:
    """What the guard would not let through, in every text that can reach a patient."""
    for text in texts:
        for refusal in refusals(text.words, language, is_answer=text.is_answer):
            yield f"{text.where}: {refusal}"


def _hard_to_read(language: Language, texts: Iterable[Text]) -> Iterator[str]:
    remedy = "Use shorter words or split it; a word that nothing can replace goes to plain_words in language.yaml"
    for text in texts:
        for words, grade in legibility.hard_parts(text.words, language) if not text.is_verbatim else ():
            yield f"{text.where}: {words!r} is too hard to read: grade {grade:.1f}, must be below 7. {remedy}"


def _texts_of_forms(content: Catalogue, forms: Iterable[str]) -> Iterator[Text]:
    for form in forms:
        yield Text(f"{content.files[form]}, title", content.questionnaires[form].title)
        for item in content.questionnaires[form].walk():
            where = f"{content.files[form]}, item {item.link_id}"
            is_verbatim = item.link_id in content.language.verbatim or any(code.system == LOINC for code in item.codes)
            offered = (spoken(value) for value in item.initial)
            beside = (item.prefix, item.help, item.entry_format, *offered)
            yield from (Text(where, words, is_verbatim) for words in (item.text, *beside))
            for option in item.options:
                is_medicine = isinstance(option.value, Coding) and option.value.system == MEDICINES
                as_it_is = is_verbatim or is_medicine  # the name on the bottle cannot be simpler
                yield Text(where, option.label, as_it_is, is_answer=True)


def _texts_around(content: Catalogue, renderer: Renderer, content_dir: Path | None) -> Iterator[Text]:
    """What is said to a patient beside the words of a questionnaire."""
    for say in dict.fromkeys(_sayings(content)):
        words, _ = parse_html(renderer.say(say).html)
        yield Text(f"templates/{say.template}.html.j2", words)
    for part in PARTS:
        source = _file(content_dir, LANGUAGE, f"{part}.html.j2").read_text("utf-8")
        yield Text(f"templates/{part}.html.j2", _MARKS.sub(" ", source))
    for group, words_of_group in _words(content_dir, LANGUAGE, "words.yaml").items():
        for name, words in words_of_group.items():
            yield Text(f"templates/words.yaml, {group}.{name}", _MARKS.sub(" ", words))
    yield Text("templates/contents.html.j2", parse_html(renderer.contents(Contents(content.topics.all)).html)[0])
    for topic in content.topics:
        yield from (Text(topic.file, words) for words in (topic.title, "\n".join(topic.body)))
        yield from (Text(f"{topic.file}, sources", words, is_verbatim=True) for words in topic.sources)
    for line in content.crisis_lines:
        yield Text(f"crisis_lines.yaml, {line.name}", line.wording)


_MARKS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{\w+\}|<[^>]*>", re.DOTALL)
"""What is not words in the source of a template."""


def _other_languages(content_dir: Path | None) -> Iterator[str]:
    """Texts that stand in our language and not in one that the clinic has begun to translate into."""
    for folder in sorted((content_dir / "templates").glob("*")) if content_dir is not None else ():
        if not folder.is_dir() or folder.name == LANGUAGE:
            continue
        for name in _names_of_texts(content_dir):
            if not (folder / name).is_file():
                yield f"templates/{folder.name}/{name} is missing: translate templates/{LANGUAGE}/{name}"
            elif name.endswith(".j2"):
                yield from _unreadable(folder / name, f"templates/{folder.name}/{name}")
        yield from _missing_words(content_dir, folder.name)


def _unreadable(path: Path, name: str) -> Iterator[str]:
    """What keeps a template of another language from being read."""
    try:
        source = path.read_text("utf-8")
        Environment(autoescape=True).parse(source)
    except (UnicodeDecodeError, TemplateSyntaxError) as error:
        yield f"{name} cannot be read: {error}. Compare it with templates/{LANGUAGE}"
        return
    if not source.strip():
        yield f"{name}: the text is empty"


def _missing_words(content_dir: Path | None, language: str) -> Iterator[str]:
    """Words that stand in our own files of words, and not in those of this language."""
    for name in ("words.yaml", "staff/words.yaml"):
        own = _file(content_dir, language, name)
        if not own.is_file():
            continue
        given = _words(content_dir, language, name)
        for group, words in _words(None, LANGUAGE, name).items():
            there = given.get(group) if isinstance(given, dict) else None
            missing = [word for word in words if not isinstance(there, dict) or not str(there.get(word, "")).strip()]
            if missing:
                listed = ", ".join(f"{group}.{word}" for word in missing)
                yield f"templates/{language}/{name}: {listed} missing. Add what stands there in ours"


def _names_of_texts(content_dir: Path | None) -> Sequence[str]:
    folders = [TEMPLATES / LANGUAGE, *([content_dir / "templates" / LANGUAGE] if content_dir is not None else [])]
    found = {path.relative_to(folder).as_posix() for folder in folders for path in folder.rglob("*") if path.is_file()}
    return sorted(found)


def _file(content_dir: Path | None, language: str, name: str) -> Path:
    """The clinic's own file of a text where there is one, else ours."""
    own = content_dir / "templates" / language / name if content_dir is not None else None
    return own if own is not None and own.is_file() else TEMPLATES / language / name


def _words(content_dir: Path | None, language: str, name: str) -> Any:
    return plain_yaml.read(_file(content_dir, language, name).read_text("utf-8"), f"templates/{language}/{name}")
