"""Effect -> text and keyboard (Jinja2, StrictUndefined)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from markupsafe import escape

from bot.buttons import Deed, answer_button, begin_button, command_button, staff_button
from flows import plain_yaml
from flows.answers import choices
from flows.catalogue import Catalogue, ContentError
from flows.effects import Ask, Begin, Say, Settle
from flows.events import Answered, Command
from flows.questionnaire import Item
from flows.values import Coding, Value

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

LONGEST_ECHO = 300
SHORT_LABEL = 12
"""Characters of a label that may share a row with others."""

Keyboard = list[list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready to be sent: HTML as Telegram understands it, and rows of buttons."""

    html: str
    keyboard: Keyboard

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
        return Rendered(self._html(say.template, LAST_RESORT), rows)

    def ask(self, ask: Ask) -> Rendered:
        """A question, its choices, Skip where it may be skipped, and help."""
        html = self._html(
            "question",
            escape(ask.item.text),
            intro=ask.intro,
            item=ask.item,
            note=ask.note,
            retry=self._words["retry"],
            number=ask.number,
            total=ask.total,
        )
        buttons = [
            {"text": self._answer(value, label), "callback_data": self._tap(ask, index)}
            for index, (value, label) in enumerate(choices(ask.item))
        ]
        in_one_row = len(buttons) <= 3 and all(len(button["text"]) <= SHORT_LABEL for button in buttons)
        rows = [buttons] if in_one_row and buttons else [[button] for button in buttons]
        last = [self._button(Command.HELP)]
        if not ask.item.required:
            last.insert(0, {"text": self._words["buttons"]["skip"], "callback_data": self._tap(ask, None)})
        return Rendered(html, [*rows, last])

    def settled(self, settle: Settle) -> Rendered:
        """A question that was answered, with its answer and without its keyboard."""
        shown = ", ".join(self._shown(settle.item, value) for value in settle.values)
        answer = shown or self._words["answers"]["skipped"]
        return Rendered(self._html("settled", escape(f"✓ {answer}"), item=settle.item, answer=answer), [])

    def toast(self, name: str) -> str:
        """A short word on a tapped button."""
        return str(self._words["toasts"][name])

    def staff(self, template: str, deeds: Sequence[Deed] = (), number: int = 0, **context: object) -> Rendered:
        """A message for a clinician, with the buttons of its alert or request."""
        labels = self._staff_words["buttons"]
        buttons = [{"text": labels[deed], "callback_data": staff_button(deed, number)} for deed in deeds]
        rows = [buttons] if len(buttons) < 3 else [buttons[:1], buttons[1:]]
        plain = escape(f"{template} {number} {context.get('tier', '')} {context.get('code', '')}")
        return Rendered(self._html(f"staff/{template}", plain, number=number, **context), [row for row in rows if row])

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

    def _button(self, button: Command | Begin) -> dict[str, str]:
        if isinstance(button, Begin):
            return {"text": self._words["buttons"][button.label], "callback_data": begin_button(button.conversation)}
        return {"text": self._words["buttons"][button], "callback_data": command_button(button)}

    def _tap(self, ask: Ask, choice: int | None) -> str:
        return answer_button(Answered(ask.conversation, ask.revision, ask.position, choice))

    def _answer(self, value: Value, label: str) -> str:
        return str(self._words["answers"]["yes" if value else "no"]) if isinstance(value, bool) else label

    def _shown(self, item: Item, value: Value) -> str:
        match value:
            case bool():
                return self._answer(value, "")
            case Coding():
                return value.display or value.code
        text = str(value)
        return (text if len(text) <= LONGEST_ECHO else text[:LONGEST_ECHO] + "…") + (
            f" {item.unit}" if item.unit else ""
        )
