"""What is wrong with a FHIR Questionnaire: what keeps it from being asked, what is doubtful, and what is left out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import regex  # type: ignore[import-untyped]

from flows import expressions, reading
from flows.conditions import Condition, Operator, comparable
from flows.errors import TaperlineError
from flows.items import CHOICES, LIMITED, NUMBERS, PYTHON_TYPE, REFUSED, WRITTEN, ItemType
from flows.reading import Raw
from flows.values import Coding, PartialDate, Quantity, Value, decode

BROKEN = (ValueError, TypeError, AttributeError, KeyError, ArithmeticError)
"""What reading a malformed part raises."""

NOTHING_TO_DO = frozenset(
    {
        *(reading.CORE + name for name in ("preferredTerminologyServer", "questionnaire-choiceOrientation")),
        *(reading.CORE + name for name in ("questionnaire-sliderStepValue", "questionnaire-displayCategory")),
        reading.SDC + "preferredTerminologyServer",
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/preferredTerminologyServer",
    }
)
"""Extensions that mean nothing in a chat; that they are left out is noted."""

UNHEEDED = {
    reading.CORE + "questionnaire-constraint": "the rule is not checked",
    reading.SDC + "initialExpression": "nothing is filled in beforehand",
    reading.SDC + "answerOptionsToggleExpression": "all answers are offered",
}
"""Extensions whose absence a patient may notice; that they are left out is a warning."""

IMPOSSIBLE = {
    reading.SDC + "answerExpression": "the answers come from another system: list them as answerOption",
    reading.SDC + "candidateExpression": "the answers come from another system: list them as answerOption",
    reading.CORE + "questionnaire-unitValueSet": "the units must be listed, each as questionnaire-unitOption",
}
"""Extensions without which the item cannot be asked."""


class Severity(StrEnum):
    """FHIR's issue-severity."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `code` is FHIR's issue-type; `item` is the linkId, or empty for the whole.

    `askable` marks an error that breaks a rule of FHIR, but leaves no doubt about what to ask.
    """

    message: str
    item: str = ""
    code: str = "invalid"
    severity: Severity = Severity.ERROR
    askable: bool = False

    @property
    def refuses(self) -> bool:
        """Whether a questionnaire with this problem cannot be asked."""
        return self.severity is Severity.ERROR and not self.askable

    def __str__(self) -> str:
        return f"item {self.item}: {self.message}" if self.item else self.message


class QuestionnaireError(TaperlineError):
    """A questionnaire that cannot be asked; `problems` says why."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{name}: {problem}" for problem in problems))


def problems(resource: Any) -> list[Problem]:
    """Everything that is wrong with a Questionnaire resource, in the order of its items."""
    if not isinstance(resource, Mapping) or resource.get("resourceType") != "Questionnaire":
        return [Problem("is not a FHIR Questionnaire: resourceType must be Questionnaire", code="structure")]
    found = list(_whole_problems(resource))
    if not isinstance(resource.get("item"), list) or not resource["item"]:
        return [*found, Problem("has no items", code="required")]
    return found + list(_Check(resource).items())


def _whole_problems(resource: Raw) -> Iterator[Problem]:
    if resource.get("status") not in ("draft", "active", "retired", "unknown"):
        known = "status must be one of draft, active, retired, unknown"
        yield Problem(known, code="required", askable="status" not in resource)
    for name in ("url", "title"):
        if not isinstance(resource.get(name, ""), str):
            yield Problem(f"{name} must be text, in quotes", code="structure")
    if "modifierExtension" in resource:
        yield Problem("modifierExtension changes the meaning and is not understood", code="not-supported")
    contained = resource.get("contained", [])
    if not isinstance(contained, list) or not all(isinstance(part, Mapping) for part in contained):
        yield Problem("contained must be a list of resources", code="structure")
    malformed = list(_malformed_extensions(resource, ""))
    yield from malformed
    if not malformed:
        yield from _left_out(resource, "")
        yield from _expression_problems(resource, "")


class _Check:
    """One pass over the items of a resource. `known` are those that came before."""

    def __init__(self, resource: Raw) -> None:
        self.resource = resource
        self.known: dict[str, Raw] = {}
        self.link_ids = [part.get("linkId") for part in _walk(resource["item"]) if isinstance(part, Mapping)]

    def items(self) -> Iterator[Problem]:
        for item in _walk(self.resource["item"]):
            yield from self._item(item)
            if isinstance(item, Mapping) and isinstance(item.get("linkId"), str):
                broken = any(problem.refuses for problem in _malformed(item, ""))
                self.known.setdefault(item["linkId"], {} if broken else item)

    def _item(self, item: Any) -> Iterator[Problem]:
        if not isinstance(item, Mapping):
            yield Problem(f"an item must be a mapping, found {item!r}", code="structure")
            return
        link_id = item.get("linkId")
        if not isinstance(link_id, str) or not link_id:
            yield Problem(f"the item {item.get('text', '')!r} has no linkId (text, in quotes)", code="required")
            return
        if link_id.startswith("%"):
            yield Problem("a linkId cannot begin with %: such names are for what Taperline computes", link_id)
        if link_id in self.known:
            yield Problem("the linkId stands twice: give each item its own", link_id, "duplicate")
        malformed = list(_malformed(item, link_id))
        yield from malformed
        if any(problem.refuses for problem in malformed):
            return
        kind = item.get("type")
        if kind in REFUSED:
            yield Problem(f"the type {kind} cannot be asked in a chat", link_id, "not-supported")
            return
        if kind not in set(ItemType):
            yield Problem(f"the type {kind!r} is not a FHIR item type", link_id, "code-invalid")
            return
        found = [
            *_shape_problems(item, link_id, ItemType(kind)),
            *_left_out(item, link_id),
            *_limit_problems(item, link_id, ItemType(kind)),
            *_occurrence_problems(item, link_id, ItemType(kind)),
            *self._option_problems(item, link_id, ItemType(kind)),
            *_initial_problems(item, link_id, ItemType(kind)),
            *_expression_problems(item, link_id),
            *self._enable_problems(item, link_id),
        ]
        yield from found
        if not any(problem.refuses for problem in found):
            try:
                reading.item({**item, "item": []}, self.resource)
                reading.is_help(item)
            except BROKEN as error:
                yield Problem(f"cannot be read: {error}", link_id, "structure")

    def _option_problems(self, item: Raw, link_id: str, kind: ItemType) -> Iterator[Problem]:
        listed, named = item.get("answerOption", []), item.get("answerValueSet")
        if kind not in CHOICES and (named is not None or (listed and kind not in PYTHON_TYPE)):
            name = "answerOption" if named is None else "answerValueSet"
            yield Problem(f"{name} is for choice and open-choice, not for {kind}", link_id)
            return
        if kind not in CHOICES and not listed:
            return
        if listed and named is not None:
            yield Problem("answerOption and answerValueSet exclude each other: keep one", link_id)
            return
        if not listed and named is None:
            yield Problem("a choice needs at least one answerOption", link_id, "required")
            return
        if named is not None:
            try:
                reading.value_set(named, self.resource)
            except ValueError as error:
                yield Problem(f"answerValueSet: {error}. List the answers as answerOption", link_id, "not-supported")
                return
            except BROKEN as error:
                yield Problem(f"answerValueSet: the ValueSet cannot be read: {error!r}", link_id, "structure")
                return
        else:
            faulty = [problem for option in listed for problem in _one_option(option, link_id)]
            yield from faulty
            if faulty:
                return
        yield from _offer_problems(item, self.resource, link_id, kind)

    def _enable_problems(self, item: Raw, link_id: str) -> Iterator[Problem]:
        conditions = item.get("enableWhen", [])
        if len(conditions) > 1 and item.get("enableBehavior") not in {"all", "any"}:
            yield Problem("several enableWhen need an enableBehavior: all or any", link_id, "required")
        for raw in conditions:
            try:
                condition = reading.condition(raw)
            except KeyError as error:
                yield Problem(f"enableWhen: {error.args[0]} is missing", link_id, "required")
                continue
            except BROKEN as error:
                yield Problem(f"enableWhen: {error}", link_id)
                continue
            asked = self.known.get(condition.question)
            yield from _misnamed(raw, link_id)
            if asked is not None:
                yield from self._comparison_problems(condition, asked, link_id)
            elif condition.question in self.link_ids:
                text = f"enableWhen looks at {condition.question}, which is not asked before it. Move one of them"
                yield Problem(text, link_id, "not-found")
            else:
                text = f"enableWhen looks at {condition.question}, which does not exist. Correct the linkId"
                yield Problem(text, link_id, "not-found")

    def _comparison_problems(self, condition: Condition, asked: Raw, link_id: str) -> Iterator[Problem]:
        kind, name, operator, answer = asked.get("type"), condition.question, condition.operator, condition.answer
        if kind in {ItemType.GROUP, ItemType.DISPLAY}:
            yield Problem(f"enableWhen looks at {name}, which is a {kind} and has no answer", link_id)
        elif operator is Operator.EXISTS or kind not in set(ItemType):
            return
        elif kind in CHOICES:
            try:
                offered = [option.value for option in reading.options(asked, self.resource)]
            except BROKEN:
                return
            if operator not in {Operator.EQUAL, Operator.NOT_EQUAL} and isinstance(answer, Coding | str):
                yield Problem(f"enableWhen: {operator} cannot compare the choice {name}", link_id)
            elif kind == ItemType.OPEN_CHOICE and not isinstance(answer, Coding | str):
                yield Problem(f"enableWhen compares {name}, an {kind}, with {answer!r}", link_id)
            elif (
                kind == ItemType.CHOICE
                and operator in {Operator.EQUAL, Operator.NOT_EQUAL}
                and not any(_same(value, answer) for value in offered)
            ):
                text = f"enableWhen waits for an answer that {name} does not offer"
                yield Problem(text, link_id, "business-rule", Severity.WARNING)
        elif not fits(answer, PYTHON_TYPE[ItemType(kind)]):
            yield Problem(f"enableWhen compares {name}, a {kind}, with {answer!r}", link_id)


def _misnamed(raw: Raw, link_id: str) -> Iterator[Problem]:
    try:
        decode(raw, "answer")
    except ValueError as error:
        yield Problem(f"enableWhen: {error}", link_id, "structure", askable=True)


def _same(offered: Value, wanted: Value) -> bool:
    try:
        left, right = comparable(offered, wanted)
    except TypeError:
        return False
    return bool(left == right)


def _malformed(item: Raw, link_id: str) -> Iterator[Problem]:
    """Parts that are not of the shape that everything else relies on."""
    for name in ("type", "text", "prefix", "enableBehavior"):
        if not isinstance(item.get(name, ""), str):
            yield Problem(f"{name} must be text, in quotes", link_id, "structure")
    for name in ("required", "readOnly", "repeats"):
        if not isinstance(item.get(name, False), bool):
            askable = item[name] in ("true", "false")
            yield Problem(f"{name} must be true or false, without quotes", link_id, askable=askable)
    for name in ("code", "answerOption", "enableWhen", "initial"):
        entries = item.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            yield Problem(f"{name} must be a list of entries", link_id, "structure")
        elif name == "code":
            for entry in entries:
                try:
                    decode({"valueCoding": entry})
                except BROKEN as error:
                    yield Problem(f"code: {error}", link_id, "structure")
    yield from _malformed_extensions(item, link_id)


def _malformed_extensions(element: Raw, link_id: str) -> Iterator[Problem]:
    entries = element.get("extension", [])
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        yield Problem("extension must be a list of entries", link_id, "structure")
    elif not all(isinstance(entry.get("url"), str) for entry in entries):
        yield Problem("an extension needs a url", link_id, "required")


def _shape_problems(item: Raw, link_id: str, kind: ItemType) -> Iterator[Problem]:
    if "modifierExtension" in item:
        yield Problem("modifierExtension changes the meaning and is not understood", link_id, "not-supported")
    children = item.get("item", [])
    if not isinstance(children, list):
        yield Problem("item must be a list", link_id, "structure")
    elif kind is ItemType.GROUP and not children:
        yield Problem("a group needs items", link_id, "required")
    elif kind is ItemType.DISPLAY and children:
        yield Problem("a display item cannot have items", link_id)
    if kind in {ItemType.GROUP, ItemType.DISPLAY} and any(reading.extensions(item, reading.MAY_DECLINE)):
        yield Problem(f"may-decline is for questions, not for a {kind}", link_id)
    hidden = any(reading.extensions(item, reading.HIDDEN))
    if kind is not ItemType.GROUP and not reading.words(item) and not hidden:
        yield Problem("there is no text to ask or show", link_id, "required", Severity.WARNING)
    for flag in ("required", "readOnly", "repeats"):
        if item.get(flag) and kind is ItemType.DISPLAY:
            yield Problem(f"a display item cannot be {flag}", link_id, askable=True)
    length = item.get("maxLength")
    if length is not None and kind not in WRITTEN | NUMBERS | {ItemType.BOOLEAN}:
        yield Problem(f"maxLength is for what is typed, not for {kind}", link_id, askable=True)
    elif length is not None and not (fits(length, (int,)) and length > 0):
        yield Problem("maxLength must be a whole number above zero", link_id)


def _left_out(element: Raw, link_id: str) -> Iterator[Problem]:
    """Extensions that are not heeded: silently only where nobody would miss them."""
    for part in element.get("extension", ()):
        url, name = part["url"], part["url"].rsplit("/", 1)[-1]
        if url in IMPOSSIBLE:
            yield Problem(f"{name}: {IMPOSSIBLE[url]}", link_id, "not-supported")
        elif url in UNHEEDED:
            yield Problem(f"{name} is left out: {UNHEEDED[url]}", link_id, "not-supported", Severity.WARNING)
        elif url in NOTHING_TO_DO:
            yield Problem(f"{name} means nothing in a chat", link_id, "informational", Severity.INFORMATION)


def _limit_problems(item: Raw, link_id: str, kind: ItemType) -> Iterator[Problem]:
    limit = PYTHON_TYPE[kind] if kind in LIMITED else ()
    if kind is ItemType.QUANTITY:
        limit = (*limit, *PYTHON_TYPE[ItemType.DECIMAL])
    wanted: dict[str, tuple[type, ...]] = {
        **dict.fromkeys((reading.MIN_VALUE, reading.MAX_VALUE), limit),
        **dict.fromkeys((reading.MIN_QUANTITY, reading.MAX_QUANTITY), (Quantity,)),
        **dict.fromkeys((reading.UNIT, reading.UNIT_OPTION), (Coding,)),
        **dict.fromkeys((reading.HIDDEN, reading.MAY_DECLINE), (bool,)),
        **dict.fromkeys((reading.MIN_LENGTH, reading.MAX_DECIMAL_PLACES), (int,)),
        **dict.fromkeys((reading.MIN_OCCURS, reading.MAX_OCCURS), (int,)),
        **dict.fromkeys((reading.REGEX, reading.ENTRY_FORMAT, reading.SUPPORT_LINK), (str,)),
    }
    found: dict[str, Any] = {}
    for part in reading.extensions(item, *wanted):
        url = part["url"]
        name = url.rsplit("/", 1)[1].removeprefix("sdc-questionnaire-")
        try:
            found[url] = decode(part)
        except BROKEN as error:
            yield Problem(f"{name}: {error}", link_id)
            continue
        if not fits(found[url], wanted[url]):
            yield Problem(f"{name} of {found.pop(url)!r} does not fit the type {kind}", link_id)
    for low, high in ((reading.MIN_VALUE, reading.MAX_VALUE), (reading.MIN_QUANTITY, reading.MAX_QUANTITY)):
        if low in found and high in found:
            try:
                above = comparable(found[low], found[high])
                if above[0] > above[1]:
                    yield Problem("minValue is above maxValue: no answer would do", link_id)
            except TypeError as error:
                yield Problem(f"minValue and maxValue: {error}", link_id)
    if reading.REGEX in found:
        try:
            regex.compile(found[reading.REGEX])
        except (regex.error, OverflowError, RecursionError) as error:
            yield Problem(f"regex: {found[reading.REGEX]!r} is no regular expression: {error}", link_id)
    longest = item.get("maxLength")
    if isinstance(longest, int) and found.get(reading.MIN_LENGTH, 0) > longest:
        yield Problem("minLength is above maxLength: no answer would do", link_id)


def _occurrence_problems(item: Raw, link_id: str, kind: ItemType) -> Iterator[Problem]:
    try:
        low, high = reading.extension(item, reading.MIN_OCCURS), reading.extension(item, reading.MAX_OCCURS)
    except BROKEN:
        return
    repeats = bool(item.get("repeats"))
    if isinstance(low, int) and low < 0:
        yield Problem("minOccurs cannot be below zero", link_id)
    if isinstance(high, int) and high < 1:
        yield Problem("maxOccurs must be above zero", link_id)
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield Problem("minOccurs is above maxOccurs: no answer would do", link_id)
    if isinstance(low, int) and low > 1 and not repeats:
        yield Problem("minOccurs above one needs repeats: true", link_id)
    if repeats and kind is ItemType.BOOLEAN:
        yield Problem("a yes or no question cannot repeat", link_id, "not-supported")


def _one_option(option: Raw, link_id: str) -> Iterator[Problem]:
    try:
        value = decode(option)
        reading.options({"answerOption": [option]}, {})
    except BROKEN as error:
        yield Problem(f"answerOption: {error}", link_id)
        return
    if not any(character.isprintable() and not character.isspace() for character in reading.label(value)):
        yield Problem("an answerOption has no display to put on its button", link_id, "required")


def _offer_problems(item: Raw, resource: Raw, link_id: str, kind: ItemType) -> Iterator[Problem]:
    offered = reading.options(item, resource)
    seen: set[Value] = set()
    labels: set[str] = set()
    for option in offered:
        if option.value in seen or option.label.casefold() in labels:
            yield Problem(f"the answer {option.label!r} stands twice", link_id, "duplicate")
        seen.add(option.value)
        labels.add(option.label.casefold())
    if len({_kind(option.value) for option in offered}) > 1:
        yield Problem("the answers must all be of one kind, such as valueCoding", link_id)
    elif kind not in CHOICES and not fits(offered[0].value, PYTHON_TYPE[kind]):
        yield Problem(f"answerOption of {offered[0].value!r} does not fit the type {kind}", link_id)
    try:
        least = reading.extension(item, reading.MIN_OCCURS)
    except BROKEN:  # told elsewhere
        return
    if kind is not ItemType.OPEN_CHOICE and isinstance(least, int) and least > len(offered):
        yield Problem("minOccurs is above the number of answers: no answer would do", link_id)


def _kind(value: Value) -> type:
    return date if isinstance(value, date | PartialDate) else type(value)


def _initial_problems(item: Raw, link_id: str, kind: ItemType) -> Iterator[Problem]:
    initial = item.get("initial", [])
    if not initial:
        return
    if kind in {ItemType.GROUP, ItemType.DISPLAY}:
        yield Problem(f"a {kind} cannot have an initial value", link_id)
        return
    if len(initial) > 1 and not item.get("repeats"):
        yield Problem("several initial values need repeats: true", link_id, askable=True)
    for part in initial:
        try:
            value = decode(part)
        except BROKEN as error:
            yield Problem(f"initial: {error}", link_id)
            continue
        if kind not in CHOICES and not fits(value, PYTHON_TYPE[kind]):
            yield Problem(f"initial of {value!r} does not fit the type {kind}", link_id)


def _expression_problems(element: Raw, link_id: str) -> Iterator[Problem]:
    texts = []
    for part in reading.extensions(element, reading.VARIABLE):
        name = part.get("valueExpression", {}).get("name") if isinstance(part.get("valueExpression"), Mapping) else None
        if isinstance(name, str) and not re.fullmatch(r"[A-Za-z0-9.-]{1,64}", name):
            allowed = "can hold letters, digits, - and . only"
            yield Problem(f"the name {name!r} of a variable {allowed}", link_id, "invalid", askable=True)
        try:
            texts.append(reading.fhirpath(part))
        except BROKEN as error:
            yield Problem(f"a variable is left empty: {error}", link_id, "not-supported", Severity.WARNING)
    for url in (reading.CALCULATED, reading.ENABLE_EXPRESSION):
        try:
            text = reading.expression(element, url)
        except BROKEN as error:
            yield Problem(f"{url.removeprefix(reading.SDC)}: {error}", link_id, "not-supported")
            continue
        texts += [text] if text is not None else []
    for text in texts:
        fault = expressions.fault(text)
        if fault:
            yield Problem(f"the FHIRPath {text!r} cannot be read: {fault}", link_id, "not-supported")


def fits(value: object, types: tuple[type, ...]) -> bool:
    """Whether a value is of one of these types; a truth value is no number."""
    return isinstance(value, types) and isinstance(value, bool) == (bool in types)


def _walk(items: Sequence[Any], entered: set[int] | None = None) -> Iterator[Any]:
    """Every raw item. A list that YAML repeats by an alias is entered once: its linkIds stand twice in any case."""
    entered = set() if entered is None else entered
    for item in items:
        yield item
        if isinstance(item, Mapping) and isinstance(item.get("item"), list) and id(item["item"]) not in entered:
            entered.add(id(item["item"]))
            yield from _walk(item["item"], entered)
