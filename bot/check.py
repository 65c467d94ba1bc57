"""`taperline check`: reads all content and names file, item and reason for whatever is wrong."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from bot.render import Renderer
from flows import catalogue, plain_yaml
from flows.catalogue import Catalogue, ContentError
from flows.effects import Say
from flows.errors import TaperlineError

CRISIS_LINES_AGE = timedelta(days=180)
SPOKEN = (
    *("check_in_done", "check_in_invitation", "confirm_stop", "edited", "enrolled", "forwarded", "hello", "help"),
    *("home", "intake_done", "intake_invitation", "kept", "no_call", "not_text", "paused", "person_will_call"),
    *("reminder", "safe", "stay", "stopped", "visit_requested"),
)
"""The texts that the core says by name."""


def problems(content_dir: Path | None, *, today: date) -> Iterator[str]:
    """What is wrong with the content, one sentence each, naming the file and the entry."""
    try:
        content = catalogue.load(*([content_dir] if content_dir is not None else []))
        renderer = Renderer(content, content_dir)
    except TaperlineError as error:
        yield from str(error).splitlines()
        return
    except TemplateError as error:
        yield f"templates: {error}"
        return
    yield from _old_numbers(content, today)
    for name, text in _patient_texts(content, renderer):
        yield from _language(name, text)
    yield from _missing_texts(content, renderer)


def _old_numbers(content: Catalogue, today: date) -> Iterator[str]:
    for line in content.crisis_lines:
        if today - line.checked_on > CRISIS_LINES_AGE:
            yield f"crisis_lines.yaml, {line.name}: checked more than 180 days ago. Call it, then set checked_on."


def _missing_texts(content: Catalogue, renderer: Renderer) -> Iterator[str]:
    for name in SPOKEN:
        if not renderer.has(name):
            yield f"templates: {name}.html.j2 is missing"
    for rule in content.rules:
        if rule.message is not None and not renderer.has(rule.message.template):
            yield f"redflags.yaml, rule {rule.id}: there is no template {rule.message.template}.html.j2"


def _patient_texts(content: Catalogue, renderer: Renderer) -> Iterator[tuple[str, str]]:
    """Every text that can reach a patient, as it will leave, by the name of its file and entry."""
    for form, questionnaire in content.questionnaires.items():
        for item in questionnaire.walk():
            yield f"questionnaires/{form}.yaml, item {item.link_id}", item.text
            for option in item.options:
                yield f"questionnaires/{form}.yaml, item {item.link_id}", option.label
    messages = {rule.message.template for rule in content.rules if rule.message is not None}
    for template in sorted({*SPOKEN, *messages}):
        if renderer.has(template):
            yield f"templates/{template}.html.j2", renderer.say(Say(template)).html
    for line in content.crisis_lines:
        yield f"crisis_lines.yaml, {line.name}", line.wording


def _language(name: str, text: str) -> Iterator[str]:
    rules = _language_rules()
    for phrase in rules["allowed"]:
        text = re.sub(re.escape(phrase), "", text, flags=re.IGNORECASE)
    for rule in rules["refused"]:
        found = re.search(rule["pattern"], text, re.IGNORECASE)
        if found:
            yield f"{name}: {found[0]!r} must not stand in a text to a patient; write: {rule['instead']}"


def _language_rules() -> Any:
    rules = plain_yaml.read((catalogue.own_content() / "language.yaml").read_text(encoding="utf-8"), "language.yaml")
    if not isinstance(rules, dict):
        raise ContentError("language.yaml must hold allowed and refused")
    return rules
