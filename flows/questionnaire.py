"""A FHIR R4 Questionnaire (YAML or JSON) as frozen values, and what is wrong with it."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from flows import plain_yaml
from flows.conditions import Condition, Every, Operator, Some, Test
from flows.errors import TaperlineError
from flows.values import Coding, Value, decode

HIDDEN = "http://hl7.org/fhir/StructureDefinition/questionnaire-hidden"
UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
MIN_VALUE = "http://hl7.org/fhir/StructureDefinition/minValue"
MAX_VALUE = "http://hl7.org/fhir/StructureDefinition/maxValue"


class ItemType(StrEnum):
    """The FHIR item types that a conversation can hold."""

    GROUP = "group"
    DISPLAY = "display"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    OPEN_CHOICE = "open-choice"
    INTEGER = "integer"
    DECIMAL = "decimal"
    STRING = "string"
    TEXT = "text"
    DATE = "date"


NOT_YET = ("dateTime", "time", "url", "quantity", "attachment", "reference")
CHOICES = frozenset({ItemType.CHOICE, ItemType.OPEN_CHOICE})
WRITTEN = frozenset({ItemType.STRING, ItemType.TEXT, ItemType.OPEN_CHOICE})
PYTHON_TYPE: dict[ItemType, tuple[type, ...]] = {
    ItemType.BOOLEAN: (bool,),
    ItemType.INTEGER: (int,),
    ItemType.DECIMAL: (Decimal, int),
    ItemType.STRING: (str,),
    ItemType.TEXT: (str,),
    ItemType.DATE: (date,),
}
"""What an answer to a question without options is in Python."""
LIMITED = frozenset({ItemType.INTEGER, ItemType.DECIMAL, ItemType.DATE})


@dataclass(frozen=True, slots=True)
class Option:
    """One permitted answer of a choice, and the words on its button."""

    value: Value
    label: str


@dataclass(frozen=True, slots=True)
class Item:
    """A question, a group or a text to show. `enable_when` is None when it is always enabled."""

    link_id: str
    type: ItemType
    text: str = ""
    required: bool = False
    options: tuple[Option, ...] = ()
    enable_when: Test | None = None
    max_length: int | None = None
    unit: str = ""
    minimum: Value | None = None
    maximum: Value | None = None
    codes: tuple[Coding, ...] = ()
    items: tuple["Item", ...] = ()
    shown: bool = True

    @property
    def is_question(self) -> bool:
        return self.type not in {ItemType.GROUP, ItemType.DISPLAY}


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """A questionnaire as it will be asked. `hash` is that of its source: it names this version and no other."""

    url: str
    version: str
    title: str
    items: tuple[Item, ...]
    hash: str
    source: str

    def walk(self) -> Iterator[Item]:
        """Every item, parents before children, in the order of asking."""
        return _walk(self.items)

    def find(self, link_id: str) -> Item | None:
        """The item with this linkId, or None."""
        return next((item for item in self.walk() if item.link_id == link_id), None)


class Severity(StrEnum):
    """FHIR's issue-severity."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `code` is FHIR's issue-type; `item` is the linkId, or empty for the whole."""

    message: str
    item: str = ""
    code: str = "invalid"
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return f"item {self.item}: {self.message}" if self.item else self.message


class QuestionnaireError(TaperlineError):
    """A questionnaire that cannot be asked; `problems` says why."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{name}: {problem}" for problem in problems))


def load(text: str, name: str) -> Questionnaire:
    """Read a questionnaire from YAML or JSON; `name` is the file's name, for the errors.

    Raises UnreadableError when the text is neither, and QuestionnaireError with all problems when it cannot be asked.
    """
    resource = plain_yaml.read(text, name)
    found = [problem for problem in problems(resource) if problem.severity is Severity.ERROR]
    if found:
        raise QuestionnaireError(name, found)
    return Questionnaire(
        url=resource.get("url", f"urn:taperline:{name}"),
        version=str(resource.get("version", "")),
        title=resource.get("title", ""),
        items=tuple(_item(item) for item in resource["item"]),
        hash=hashlib.sha256(text.encode()).hexdigest()[:16],
        source=text,
    )


def problems(resource: Any) -> list[Problem]:
    """Everything that keeps a Questionnaire resource from being asked, in the order of its items."""
    if not isinstance(resource, Mapping) or resource.get("resourceType") != "Questionnaire":
        return [Problem("is not a FHIR Questionnaire: resourceType must be Questionnaire", code="structure")]
    found = []
    if resource.get("status") not in ("draft", "active", "retired", "unknown"):
        found.append(Problem("status must be one of draft, active, retired, unknown", code="required"))
    for name in ("url", "title"):
        if not isinstance(resource.get(name, ""), str):
            found.append(Problem(f"{name} must be text, in quotes", code="structure"))
    if "modifierExtension" in resource:
        found.append(Problem("modifierExtension changes the meaning and is not understood", code="not-supported"))
    if not isinstance(resource.get("item"), list) or not resource["item"]:
        found.append(Problem("has no items", code="required"))
        return found
    known: dict[str, Mapping[str, Any]] = {}
    for item in _raw_walk(resource["item"]):
        found += _item_problems(item, known)
        if isinstance(item, Mapping) and isinstance(item.get("linkId"), str):
            known.setdefault(item["linkId"], {} if any(_malformed(item, "")) else item)
    everything = [item.get("linkId") for item in _raw_walk(resource["item"]) if isinstance(item, Mapping)]
    return [_later_or_unknown(problem, everything) for problem in found]


def _item_problems(item: Any, known: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    if not isinstance(item, Mapping):
        yield Problem(f"an item must be a mapping, found {item!r}", code="structure")
        return
    link_id = item.get("linkId")
    if not isinstance(link_id, str) or not link_id:
        yield Problem(f"the item {item.get('text', '')!r} has no linkId (text, in quotes)", code="required")
        return
    if link_id.startswith("%"):
        yield Problem("a linkId cannot begin with %: such names are for what Taperline computes", link_id)
    if link_id in known:
        yield Problem("the linkId stands twice", link_id, "duplicate")
    malformed = list(_malformed(item, link_id))
    if malformed:
        yield from malformed
        return
    kind = item.get("type")
    if kind in NOT_YET:
        yield Problem(f"the type {kind} cannot be asked in this chat", link_id, "not-supported")
        return
    if kind not in set(ItemType):
        yield Problem(f"the type {kind!r} is not a FHIR item type", link_id, "code-invalid")
        return
    yield from _refusals(item, link_id, ItemType(kind))
    yield from _shape_problems(item, link_id, ItemType(kind))
    yield from _option_problems(item, link_id, ItemType(kind))
    yield from _enable_problems(item, link_id, known)


def _malformed(item: Mapping[str, Any], link_id: str) -> Iterator[Problem]:
    """Parts that are not of the shape that everything else relies on."""
    for name in ("type", "text", "enableBehavior"):
        if not isinstance(item.get(name, ""), str):
            yield Problem(f"{name} must be text, in quotes", link_id, "structure")
    for name in ("extension", "code", "answerOption", "enableWhen"):
        entries = item.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            yield Problem(f"{name} must be a list of entries", link_id, "structure")
        elif name == "extension" and not all(isinstance(entry.get("url"), str) for entry in entries):
            yield Problem("an extension needs a url", link_id, "required")
        elif name == "code":
            for entry in entries:
                try:
                    decode({"valueCoding": entry})
                except (ValueError, TypeError) as error:
                    yield Problem(f"code: {error}", link_id, "structure")


def _refusals(item: Mapping[str, Any], link_id: str, kind: ItemType) -> Iterator[Problem]:
    if item.get("repeats"):
        yield Problem("repeats cannot be asked in this chat yet", link_id, "not-supported")
    if "answerValueSet" in item:
        yield Problem("answerValueSet cannot be used yet: list the answers as answerOption", link_id, "not-supported")
    if "modifierExtension" in item:
        yield Problem("modifierExtension changes the meaning and is not understood", link_id, "not-supported")
    if "maxLength" in item and kind not in WRITTEN:
        yield Problem("maxLength is for string, text and open-choice", link_id)
    elif "maxLength" in item and not (_fits(item["maxLength"], (int,)) and item["maxLength"] > 0):
        yield Problem("maxLength must be a whole number above zero", link_id)


def _shape_problems(item: Mapping[str, Any], link_id: str, kind: ItemType) -> Iterator[Problem]:
    children = item.get("item", [])
    if not isinstance(children, list):
        yield Problem("item must be a list", link_id, "structure")
    elif kind is ItemType.GROUP and not children:
        yield Problem("a group needs items", link_id, "required")
    elif kind is ItemType.DISPLAY and children:
        yield Problem("a display item cannot have items", link_id)
    if kind is not ItemType.GROUP and not str(item.get("text", "")).strip():
        yield Problem("there is no text to ask or show", link_id, "required")
    yield from _extension_problems(item, link_id, kind)
    for flag in ("required", "readOnly"):
        if not isinstance(item.get(flag, False), bool):
            yield Problem(f"{flag} must be true or false", link_id)
        elif item.get(flag) and kind is ItemType.DISPLAY:
            yield Problem(f"a display item cannot be {flag}", link_id)


def _extension_problems(item: Mapping[str, Any], link_id: str, kind: ItemType) -> Iterator[Problem]:
    limit = PYTHON_TYPE[kind] if kind in LIMITED else ()
    wanted = {MIN_VALUE: limit, MAX_VALUE: limit, UNIT: (Coding,), HIDDEN: (bool,)}
    found: dict[str, Any] = {}
    for extension in item.get("extension", ()):
        url = extension["url"]
        if url not in wanted:
            continue
        name = url.rsplit("/", 1)[1]
        try:
            found[url] = decode(extension)
        except (ValueError, TypeError) as error:
            yield Problem(f"{name}: {error}", link_id)
            continue
        if not _fits(found[url], wanted[url]):
            yield Problem(f"{name} of {found.pop(url)!r} does not fit the type {kind}", link_id)
    if MIN_VALUE in found and MAX_VALUE in found and found[MIN_VALUE] > found[MAX_VALUE]:
        yield Problem("minValue is above maxValue: no answer would do", link_id)


def _option_problems(item: Mapping[str, Any], link_id: str, kind: ItemType) -> Iterator[Problem]:
    options = item.get("answerOption", [])
    if kind not in CHOICES:
        if options:
            yield Problem(f"answerOption is for choice and open-choice, not for {kind}", link_id)
        return
    if not isinstance(options, list) or not options:
        yield Problem("a choice needs at least one answerOption", link_id, "required")
        return
    seen: set[Value] = set()
    labels: set[str] = set()
    for option in options:
        try:
            value = decode(option)
        except (ValueError, AttributeError, TypeError) as error:
            yield Problem(f"answerOption: {error}", link_id)
            continue
        label = _label(value).casefold()
        if not label:
            yield Problem("an answerOption has no display to put on its button", link_id, "required")
        if value in seen or label in labels:
            yield Problem(f"the answer {_label(value)!r} stands twice", link_id, "duplicate")
        seen.add(value)
        labels.add(label)
    if len({type(value) for value in seen}) > 1:
        yield Problem("the answers must all be of one kind, such as valueCoding", link_id)


def _enable_problems(
    item: Mapping[str, Any], link_id: str, known: Mapping[str, Mapping[str, Any]]
) -> Iterator[Problem]:
    conditions = item.get("enableWhen", [])
    if not isinstance(conditions, list):
        yield Problem("enableWhen must be a list", link_id, "structure")
        return
    if len(conditions) > 1 and item.get("enableBehavior") not in {"all", "any"}:
        yield Problem("several enableWhen need an enableBehavior: all or any", link_id, "required")
    for condition in conditions:
        try:
            parsed = _condition(condition)
        except KeyError as error:
            yield Problem(f"enableWhen: {error.args[0]} is missing", link_id, "required")
            continue
        except (ValueError, TypeError) as error:
            yield Problem(f"enableWhen: {error}", link_id)
            continue
        asked = known.get(parsed.question)
        if asked is None:
            yield Problem(parsed.question, link_id, "enable-when-unknown")
        else:
            yield from _comparison_problems(parsed, asked, link_id)


def _comparison_problems(condition: Condition, asked: Mapping[str, Any], link_id: str) -> Iterator[Problem]:
    kind, name = asked.get("type"), condition.question
    if kind in {ItemType.GROUP, ItemType.DISPLAY}:
        yield Problem(f"enableWhen looks at {name}, which is a {kind} and has no answer", link_id)
    elif condition.operator is Operator.EXISTS:
        return
    elif kind == ItemType.CHOICE:
        offered = []
        for option in asked.get("answerOption", []):
            try:
                offered.append(decode(option))
            except (ValueError, AttributeError, TypeError):
                return
        equality = condition.operator in {Operator.EQUAL, Operator.NOT_EQUAL}
        if equality and offered and condition.answer not in offered:
            yield Problem(f"enableWhen waits for an answer that {name} does not offer", link_id, "business-rule")
        elif not equality:
            yield Problem(f"enableWhen: {condition.operator} cannot compare the choice {name}", link_id)
    elif kind == ItemType.OPEN_CHOICE:
        if condition.operator not in {Operator.EQUAL, Operator.NOT_EQUAL}:
            yield Problem(f"enableWhen: {condition.operator} cannot compare the choice {name}", link_id)
        elif not isinstance(condition.answer, Coding | str):
            yield Problem(f"enableWhen compares {name}, an {kind}, with {condition.answer!r}", link_id)
    elif kind in set(PYTHON_TYPE) and not _fits(condition.answer, PYTHON_TYPE[ItemType(kind)]):
        yield Problem(f"enableWhen compares {name}, a {kind}, with {condition.answer!r}", link_id)


def _fits(value: object, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and isinstance(value, bool) == (bool in types)


def _later_or_unknown(problem: Problem, everything: Sequence[Any]) -> Problem:
    if problem.code != "enable-when-unknown":
        return problem
    if problem.message in everything:
        text = f"enableWhen looks at {problem.message}, which is not asked before it"
    else:
        text = f"enableWhen looks at {problem.message}, which does not exist"
    return Problem(text, problem.item, "not-found")


def _item(raw: Mapping[str, Any]) -> Item:
    extensions = {part.get("url"): part for part in raw.get("extension", ())}
    unit = extensions.get(UNIT, {}).get("valueCoding", {})
    options = [decode(option) for option in raw.get("answerOption", ())]
    return Item(
        link_id=raw["linkId"],
        type=ItemType(raw["type"]),
        text=str(raw.get("text", "")).strip(),
        required=raw.get("required", False),
        options=tuple(Option(value, _label(value)) for value in options),
        enable_when=_test(raw),
        max_length=raw.get("maxLength"),
        unit=unit.get("display") or unit.get("code", ""),
        minimum=decode(extensions[MIN_VALUE]) if MIN_VALUE in extensions else None,
        maximum=decode(extensions[MAX_VALUE]) if MAX_VALUE in extensions else None,
        codes=tuple(Coding(code["code"], code.get("system"), code.get("display", "")) for code in raw.get("code", ())),
        items=tuple(_item(child) for child in raw.get("item", ())),
        shown=not extensions.get(HIDDEN, {}).get("valueBoolean", False) and not raw.get("readOnly", False),
    )


def _test(raw: Mapping[str, Any]) -> Test | None:
    parts = tuple(_condition(condition) for condition in raw.get("enableWhen", ()))
    if len(parts) > 1:
        return Some(parts) if raw["enableBehavior"] == "any" else Every(parts)
    return parts[0] if parts else None


def _condition(raw: Mapping[str, Any]) -> Condition:
    question = raw["question"]
    if not isinstance(question, str):
        raise ValueError(f"question must be a linkId, found {question!r}")
    condition = Condition(question, Operator(raw["operator"]), decode(raw, "answer"))
    if condition.operator is Operator.EXISTS and not isinstance(condition.answer, bool):
        raise ValueError("exists needs an answerBoolean")
    return condition


def _label(value: Value) -> str:
    if isinstance(value, Coding):
        return value.display or value.code
    return str(value)


def _walk(items: Sequence[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        yield from _walk(item.items)


def _raw_walk(items: Sequence[Any], entered: set[int] | None = None) -> Iterator[Any]:
    """Every raw item. A list that YAML repeats by an alias is entered once: its linkIds stand twice in any case."""
    entered = set() if entered is None else entered
    for item in items:
        yield item
        if isinstance(item, Mapping) and isinstance(item.get("item"), list) and id(item["item"]) not in entered:
            entered.add(id(item["item"]))
            yield from _raw_walk(item["item"], entered)
