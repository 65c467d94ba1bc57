"""Effect -> text and keyboard (Jinja2, StrictUndefined)."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from markupsafe import Markup, escape

from bot.buttons import (
    ON_RECORDS,
    Deed,
    answer_button,
    begin_button,
    browse_button,
    command_button,
    press_button,
    record_button,
    staff_button,
    topic_button,
)
from flows import plain_yaml
from flows.answers import Reason, choices
from flows.catalogue import Catalogue, ContentError
from flows.conversation import PER_SCREEN, mark, most_values, selectable
from flows.course import Entry
from flows.effects import Ask, Begin, Contents, Review, Say, Settle, Teach
from flows.events import Answered, Command, Press, Pressed
from flows.items import Item, ItemType
from flows.learn import Topic
from flows.values import DECLINED, Value, Values, spoken

log = structlog.get_logger()

TEMPLATES = Path(__file__).parent / "templates"
LANGUAGE = "en"
LAST_RESORT = (
    "I could not find the right words just now, and I have kept yours. In an emergency call 911. "
    "For a crisis call or text 988. It is free, private, and open day and night."
)
"""What a patient is told when a text cannot be rendered: nobody in need gets silence."""

LONGEST = 4096
"""Characters of a message, as Telegram allows."""

LONGEST_CHUNK = 1500
LONGEST_ANSWER = 800
"""Characters of all answers to one question, where they are shown again."""

LONGEST_ECHO = 300
LONGEST_LINE = 150
SHORT_LABEL = 12
"""Characters of a label that may share a row with others."""

LONG_LABEL = 40
"""Characters of a label beyond which phones cut it: then the answers stand in the text as well."""

ONE_SCREEN = 10
"""Answers that are shown on one screen; more of them are shown a screen at a time."""

TOPICS = 7
"""Titles on one screen of Learn."""

REVIEWED = 10
"""Answers on one screen of a review."""

REVIEWED_TEXT = 110

EDITS_IN_A_ROW = 4

Keyboard = list[list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready to be sent: HTML as Telegram understands it, and rows of buttons. The rest is for the gate.

    `echoes` are the patient's own words and the answers offered, as they stand in the HTML, in order: nobody judges
    them. `typed` are those that stand on buttons. `whole` are texts that the HTML shows cut short. `bare` is what is
    left to show when something in the message is refused; None when nothing is.
    """

    html: str
    keyboard: Keyboard
    echoes: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    bare: "Rendered | None" = None

    def parameters(self, chat_id: int, **more: object) -> dict[str, Any]:
        """The parameters of sendMessage or editMessageText, and `more` of them."""
        parameters: dict[str, Any] = {"chat_id": chat_id, "text": self.html, "parse_mode": "HTML", **more}
        if self.keyboard:
            parameters["reply_markup"] = {"inline_keyboard": self.keyboard}
        return parameters


class Renderer:
    """Every sentence that leaves comes from here. Templates in CONTENT_DIR stand in front of ours, file by file."""

    def __init__(self, catalogue: Catalogue, content_dir: Path | None = None, *, strict: bool = False) -> None:
        """Read the words. With `strict`, a text that cannot be rendered raises; otherwise a plain one stands in.

        Raises ContentError when a file of words is missing, and UnreadableError when it is no YAML.
        """
        self._strict = strict
        folders = [TEMPLATES / LANGUAGE]
        if content_dir is not None:
            folders.insert(0, content_dir / "templates" / LANGUAGE)
        self._templates = Environment(
            loader=FileSystemLoader(folders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(clinic=catalogue.clinic, crisis_lines=catalogue.crisis_lines)
        self._words = self._read_words("words.yaml")
        self._staff_words = self._read_words("staff/words.yaml")

    def say(self, say: Say) -> Rendered:
        """A text and its buttons, with help under it."""
        rows = [[self._button(button)] for button in say.buttons]
        if Command.SAFE in say.buttons and Command.UNSAFE in say.buttons:
            rows = [rows[0] + rows[1], *rows[2:]]
        if say.template != "help":
            rows.append([self._button(Command.HELP)])
        html = self._html(say.template, LAST_RESORT, about=cut(say.about, LONGEST_LINE))
        if say.in_person:
            html = f"{html}\n\n{self._label('in_person', group='visit')}"
        return Rendered(html, rows, whole=(say.about,), bare=Rendered("", rows))

    def guarded(self) -> Rendered:
        """What is sent in the place of a text that was refused."""
        return Rendered(
            self._html("guarded", LAST_RESORT), [[self._button(Command.PERSON)], [self._button(Command.HELP)]]
        )

    def contents(self, contents: Contents) -> Rendered:
        """The titles of Learn as buttons, a screen at a time."""
        screens = max(1, -(-len(contents.topics) // TOPICS))
        screen = min(contents.screen, screens - 1)
        rows = [[self._button(topic)] for topic in contents.topics[screen * TOPICS : (screen + 1) * TOPICS]]
        turn = [(screen - 1, "previous")] * (screen > 0) + [(screen + 1, "more")] * (screen < screens - 1)
        rows.append([{"text": self._label(word), "callback_data": browse_button(number)} for number, word in turn])
        html = self._html("contents", LAST_RESORT)
        return Rendered(html, [*filter(None, rows), [self._button(Command.HELP)]])

    def teach(self, teach: Teach) -> Rendered:
        """What a topic says, and where it stands; with a button to the others."""
        topic = teach.topic
        html = self._html("topic", escape("\n\n".join(topic.body)), topic=topic)
        if teach.in_person:
            html = f"{html}\n\n{self._label('in_person', group='visit')}"
        rest = {"text": self._label("more_to_read"), "callback_data": command_button(Command.LEARN)}
        rows = [*([self._button(button)] for button in teach.buttons), [rest], [self._button(Command.HELP)]]
        return Rendered(html, rows)

    def ask(self, ask: Ask) -> Sequence[Rendered]:
        """A question with its buttons, the last message; before it, what is too long for one."""
        rows, listed = self._choices(ask)
        ways = self._ways(ask)
        rows += ways
        echoes, typed = self._echoes(ask, listed), tuple(self._shown(ask.item, value) for value in ask.draft)
        out = Rendered("", [[self._button(Command.PAUSE)], *ways])
        short = replace(ask, item=replace(ask.item, help=""))
        alone = replace(short, note=None, item=replace(short.item, entry_format="", link=""))
        bare = Rendered(self._question(alone, (), ask.item.text, listed), rows, echoes, typed, bare=out)
        left = bare if len(bare.html) <= LONGEST - LONGEST_CHUNK else out
        whole = self._question(ask, ask.intro, ask.item.text, listed)
        if len(whole) <= LONGEST:
            return [Rendered(whole, rows, echoes, typed, bare=left)]
        *before, last = chunks([*ask.intro, ask.item.help, ask.item.text])
        parts = [Rendered(self._html("part", escape(text), text=text), []) for text in before]
        return [*parts, Rendered(self._question(short, (), last, listed), rows, echoes, typed, bare=out)]

    def _echoes(self, ask: Ask, listed: Sequence[tuple[int, str]]) -> tuple[str, ...]:
        """What a question shows that is no word of ours, in order: limits, answers offered, what was said."""
        item, shown = ask.item, ask.draft if ask.item.takes_several else ask.given
        is_limit = ask.note is Reason.OUT_OF_RANGE
        limits = [spoken(limit) for limit in (item.minimum, item.maximum) if is_limit and limit is not None]
        said = (
            [self._shown(item, ask.guess)] if ask.guess is not None else [self._answers(item, shown)] if shown else []
        )
        return tuple(str(escape(words)) for words in [*limits, *(label for _, label in listed), *said])

    def review(self, review: Review) -> Sequence[Rendered]:
        """All answers with a button each to change them, a screen at a time."""
        screens = max(1, -(-len(review.entries) // REVIEWED))
        screen = min(review.screen, screens - 1)
        first = screen * REVIEWED
        shown = list(enumerate(review.entries, start=1))[first : first + REVIEWED]
        lines = [
            (number, *self._reviewed(entry), cut(self._answers(entry.item, entry.values or ()), REVIEWED_TEXT))
            for number, (_, entry) in shown
        ]
        is_short = sum(map(len, review.closing)) <= LONGEST_LINE * 3
        closing = review.closing if is_short else ()
        before = [] if is_short or review.in_place else chunks(review.closing)
        parts = [Rendered(self._html("part", escape(text), text=text), []) for text in before]
        whole = tuple(question for _, question, cut, _ in lines if cut != question)
        echoes = [words for _, question, cut, answer in lines for words in (cut if cut != question else "", answer)]
        put = [(number, cut, answer) for number, _, cut, answer in lines]
        here = review.conversation, review.revision
        edits = [
            _button(f"✏️ {number}", Pressed(*here, Press.EDIT, 0, position, entry.place.instance))
            for number, (position, entry) in shown
        ]
        rows = [edits[at : at + EDITS_IN_A_ROW] for at in range(0, len(edits), EDITS_IN_A_ROW)]
        turn = [(screen - 1, "previous")] * (screen > 0) + [(screen + 1, "more")] * (screen < screens - 1)
        rows.append([_button(self._label(word), Pressed(*here, Press.LEAF, number)) for number, word in turn])
        if review.is_complete:
            rows.append([_button(self._label("send"), Pressed(*here, Press.SEND))])
        else:
            rows.append([self._button(Begin(review.conversation, "go_on"))])
        rows = [*filter(None, rows), [self._button(Command.HELP)]]
        html, alone = (
            self._html(
                "review",
                escape("Please check your answers."),
                lines=put,
                closing=closing,
                is_complete=review.is_complete,
                in_person=self._label("in_person", group="visit") if review.in_person else "",
            )
            for closing in (closing, ())
        )
        known = tuple(str(escape(words)) for words in echoes)
        bare = Rendered(alone, rows, known, whole=whole, bare=Rendered("", rows))
        return [*parts, Rendered(html, rows, known, whole=whole, bare=bare)]

    def settled(self, settle: Settle) -> Rendered:
        """A question that was answered, with its answer and without its keyboard."""
        answer = self._answers(settle.item, settle.values)
        whole = self._asked(settle.item, settle.instance)
        question, echo = cut(whole, LONGEST_CHUNK), str(escape(answer))
        html = self._html("settled", escape(f"✓ {answer}"), question=question, answer=answer)
        shortened = () if question == whole else (str(escape(question)),)
        bare = Rendered(f"✓ {echo}", [], (echo,))
        return Rendered(html, [], (*shortened, echo), whole=(whole,), bare=bare)

    def toast(self, name: str) -> str:
        """A short word on a tapped button."""
        return str(self._words["toasts"][name])

    def staff(
        self, template: str, deeds: Sequence[Deed] = (), number: int = 0, code: str = "", **context: object
    ) -> Rendered:
        """A message for a clinician, with the buttons of its alert or request, and of the record of its patient."""
        labels = self._staff_words["buttons"]
        data = {deed: record_button(deed, code) if deed in ON_RECORDS else staff_button(deed, number) for deed in deeds}
        buttons = [{"text": labels[deed], "callback_data": says} for deed, says in data.items()]
        alone = len(buttons) % 2
        rows = [buttons[:alone], *(buttons[at : at + 2] for at in range(alone, len(buttons), 2))]
        plain = escape(f"{template} {number} {context.get('tier', '')} {code}")
        html = self._html(f"staff/{template}", plain, number=number, code=code, **context)
        return Rendered(html, [row for row in rows if row])

    def staff_word(self, group: str, name: str, **context: str) -> str:
        """A short word for clinicians."""
        return str(self._staff_words[group][name]).format(**context)

    def menu(self, staff: bool = False) -> list[dict[str, str]]:
        """The commands of the menu."""
        commands: Mapping[str, str] = (self._staff_words if staff else self._words)["commands"]
        return [{"command": name, "description": text} for name, text in commands.items()]

    def _html(self, template: str, plain: str, **context: object) -> str:
        """A text; when it cannot be rendered, the plain one (the check at start makes that very unlikely)."""
        try:
            return self._templates.get_template(f"{template}.html.j2").render(context).strip()
        except Exception:
            if self._strict:
                raise
            log.exception("a text could not be rendered", template=template)
            return plain

    def _read_words(self, name: str) -> Any:
        assert self._templates.loader is not None
        try:
            source, _, _ = self._templates.loader.get_source(self._templates, name)
        except (TemplateError, UnicodeDecodeError) as error:
            raise ContentError(f"templates/{name} cannot be read: {error}") from error
        words = plain_yaml.read(source, f"templates/{name}")
        groups = list(words.values()) if isinstance(words, dict) else [None]
        if not all(
            isinstance(group, dict) and all(isinstance(word, str) for word in group.values()) for group in groups
        ):
            raise ContentError(f"templates/{name} must hold groups of words, each word a text in quotes")
        return words

    def _button(self, button: Command | Begin | Topic) -> dict[str, str]:
        if isinstance(button, Topic):
            return {"text": button.title, "callback_data": topic_button(button.id)}
        if isinstance(button, Begin):
            return {"text": self._words["buttons"][button.label], "callback_data": begin_button(button.conversation)}
        return {"text": self._words["buttons"][button], "callback_data": command_button(button)}

    def _label(self, name: str, group: str = "buttons", **context: object) -> str:
        return str(self._words[group][name]).format(**context)

    def _question(self, ask: Ask, intro: Sequence[str], text: str, listed: Sequence[tuple[int, str]]) -> str:
        item, shown = ask.item, ask.draft if ask.item.takes_several else ask.given
        return self._html(
            "question",
            escape(text),
            intro=intro,
            text=self._asked(replace(item, text=text), ask.instance),
            help=item.help,
            entry_format=cut(item.entry_format, LONGEST_LINE),
            link=item.link if len(item.link) <= LONGEST_LINE * 2 else "",
            note=self._note(ask),
            listed=listed,
            given=self._answers(item, shown) if shown else "",
            several=item.takes_several,
            typed=not choices(item),
            unlisted=len(item.suggested) < len(item.options),
            guess="" if ask.guess is None else self._shown(item, ask.guess),
            number=ask.number,
            total=ask.total,
            in_person=self._label("in_person", group="visit") if ask.in_person else "",
        )

    def _note(self, ask: Ask) -> str:
        """Why the last answer was not taken."""
        if ask.note is None:
            return ""
        item = ask.item
        known = {
            "entry_format": cut(item.entry_format, LONGEST_LINE),
            "units": [unit.display or unit.code for unit in item.units],
            "minimum": None if item.minimum is None else spoken(item.minimum),
            "maximum": None if item.maximum is None else spoken(item.maximum),
            "least": item.min_length if ask.note is Reason.TOO_SHORT else item.least,
            "most": item.max_length if ask.note is Reason.TOO_LONG else most_values(item),
            "decimal_places": item.decimal_places,
        }
        sentence = self._templates.from_string(self._words["retry"][ask.note]).render(known)
        return Markup(" ".join(sentence.split()))  # noqa: S704 (escaped by the template)

    def _choices(self, ask: Ask) -> tuple[Keyboard, Sequence[tuple[int, str]]]:
        """The rows of answers, and those that are also listed in the text because they are too long for a button."""
        if ask.guess is not None:
            yes = self._press(ask, "confirm", Press.CONFIRM, mark(ask.guess))
            return [[yes], [self._press(ask, "retype", Press.RETYPE)]], []
        offered = self._selection(ask) if ask.item.takes_several else self._single(ask)
        count = len(offered)
        screens = 1 if count <= ONE_SCREEN else -(-count // PER_SCREEN)
        screen = min(ask.screen, screens - 1)
        first, size = (0, count) if screens == 1 else (screen * PER_SCREEN, PER_SCREEN)
        shown = list(enumerate(offered, start=1))[first : first + size]
        is_long = any(len(label) > LONG_LABEL for _, (_, label, _) in shown)
        buttons = [
            _button(f"{sign}{number}. {label}" if is_long else f"{sign}{label}", event)
            for number, (sign, label, event) in shown
        ]
        in_one_row = count <= 3 and all(len(button["text"]) <= SHORT_LABEL for button in buttons)
        rows = [buttons] if in_one_row and buttons else [[button] for button in buttons]
        turn = [(screen - 1, "previous")] * (screen > 0) + [(screen + 1, "more")] * (screen < screens - 1)
        if turn:
            rows.append([self._press(ask, word, Press.SCREEN, number) for number, word in turn])
        listed = [(number, cut(label, LONGEST_LINE)) for number, (_, label, _) in shown] if is_long else []
        return rows, listed

    def _single(self, ask: Ask) -> Sequence[tuple[str, str, Answered | Pressed]]:
        """The buttons of a question with one answer: (sign, label, what it says)."""
        item = ask.item
        marked = ask.given if ask.given is not None else item.initial
        here = ask.conversation, ask.revision, ask.position
        found: list[tuple[str, str, Answered | Pressed]] = [
            (
                "• " if value in marked and item.is_question else "",
                self._answer(value, label),
                Answered(*here, index, ask.instance),
            )
            for index, (value, label) in enumerate(choices(item))
        ]
        if item.initial and not any(value in item.initial for value, _ in choices(item)):
            label = self._label("use", value=self._answers(item, item.initial))
            found.append(("", label, self._event(ask, Press.USE)))
        return found

    def _selection(self, ask: Ask) -> Sequence[tuple[str, str, Answered | Pressed]]:
        """The buttons of a question with several answers: a tap adds, or takes away what is chosen."""
        found: list[tuple[str, str, Answered | Pressed]] = []
        draft = frozenset(ask.draft)
        for number, value, label in selectable(ask.item, ask.draft):
            chosen = value in draft
            event = self._event(ask, Press.REMOVE if chosen else Press.ADD, number)
            found.append(("☑ " if chosen else "☐ ", label or self._shown(ask.item, value), event))
        return found

    def _ways(self, ask: Ask) -> Keyboard:
        """The rows under the answers: done, keep, skip, rather not say, back, help."""
        item, rows = ask.item, []
        if ask.guess is None and item.takes_several and len(ask.draft) >= max(item.least, 1):
            rows.append([self._press(ask, "done", Press.DONE)])
        if ask.given is not None:
            rows.append([self._press(ask, "keep", Press.KEEP)])
        last = []
        if not item.least and item.is_question:
            skip = Answered(ask.conversation, ask.revision, ask.position, None, ask.instance)
            last.append(_button(self._label("skip"), skip))
        if item.may_decline:
            last.append(self._press(ask, "decline", Press.DECLINE))
        rows.append(last)
        back = [self._press(ask, "back", Press.BACK)] if ask.number > 1 else []
        return [*filter(None, rows), [*back, self._button(Command.HELP)]]

    def _press(self, ask: Ask, label: str, press: Press, number: int = 0) -> dict[str, str]:
        return _button(self._label(label), self._event(ask, press, number))

    def _event(self, ask: Ask, press: Press, number: int = 0) -> Pressed:
        return Pressed(ask.conversation, ask.revision, press, number, ask.position, ask.instance)

    def _answer(self, value: Value, label: str) -> str:
        return str(self._words["answers"]["yes" if value else "no"]) if isinstance(value, bool) else label

    def _asked(self, item: Item, instance: tuple[int, ...]) -> str:
        """The words of a question; of a group, whether it occurs, or occurs once more."""
        text = f"{item.prefix} {item.text}".strip()
        if item.type is not ItemType.GROUP:
            return text
        word = self._words["another"]["first" if instance[-1:] == (1,) else "more"]
        return f"{text}\n\n{word}".strip()

    def _reviewed(self, entry: Entry) -> tuple[str, str]:
        """A question in one line, whole and cut short, with what tells it from the same question elsewhere."""
        text = " ".join(self._asked(entry.item, entry.place.instance).replace("\n\n", " – ").split())
        within = cut(", ".join(entry.within), REVIEWED_TEXT // 2)
        short = cut(text, REVIEWED_TEXT)
        return (text, f"{short} ({within})") if within else (text, short)

    def _answers(self, item: Item, values: Values) -> str:
        shown = cut(", ".join(self._shown(item, value) for value in values), LONGEST_ANSWER)
        return shown or str(self._words["answers"]["skipped"])

    def _shown(self, item: Item, value: Value) -> str:
        if value == DECLINED:
            return str(self._words["answers"]["declined"])
        if isinstance(value, bool):
            return self._answer(value, "")
        text = spoken(value)
        unit = f" {item.unit}" if item.unit and isinstance(value, int | Decimal) else ""
        return cut(text, LONGEST_ECHO) + unit


def cut(text: str, limit: int) -> str:
    """A text of at most so many characters; what is missing shows."""
    return text if len(text) <= limit else text[:limit] + "…"


def chunks(texts: Sequence[str], limit: int = LONGEST_CHUNK) -> Sequence[str]:
    """Texts cut at the ends of sentences, or else of words, so that each piece has at most `limit` characters."""
    found = [""]
    for text in texts:
        for sentence in re.split(r"(?<=[.!?…:])\s+|\n+", text):
            for piece in _pieces(sentence, limit):
                if len(found[-1]) + len(piece) + 1 > limit:
                    found.append("")
                found[-1] = f"{found[-1]} {piece}".strip()
        found.append("")
    return [piece for piece in found if piece] or [""]


def _pieces(sentence: str, limit: int) -> Sequence[str]:
    if len(sentence) <= limit:
        return [sentence]
    return textwrap.wrap(sentence, limit, break_long_words=True, break_on_hyphens=False)


def _button(text: str, event: Answered | Pressed) -> dict[str, str]:
    return {"text": text, "callback_data": answer_button(event) if isinstance(event, Answered) else press_button(event)}
