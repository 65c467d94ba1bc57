"""What is wrong with a raw FHIR R4 QuestionnaireResponse, by any Questionnaire: also one that no chat could ask."""

# mypy: allow-untyped-calls

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatch
from functools import cached_property
from typing import Any

import fhirpathpy
import regex  # type: ignore[import-untyped]
from fhirpathpy.models import models

from flows import expressions, plain_yaml, reading, terminology
from flows.conditions import Condition, Operator, comparable, holds
from flows.datatypes import PARTS, faults, is_common, reference_faults, said, target
from flows.problems import BROKEN, Problem, Severity
from flows.reading import CORE, SDC, Raw
from flows.responses import DATA_ABSENT_REASON
from flows.ucum import measured
from flows.values import Coding, Quantity, Value, decode

CONSTRAINT = CORE + "questionnaire-constraint"
MIME_TYPE = CORE + "mimeType"
MAX_SIZE = CORE + "maxSize"
REFERENCE_RESOURCE = CORE + "questionnaire-referenceResource"
REFERENCE_PROFILE = CORE + "questionnaire-referenceProfile"
UNIT_VALUE_SET = CORE + "questionnaire-unitValueSet"
UNIT_OPEN = SDC + "unitOpen"
EXPRESSED_OPTIONS = (SDC + "answerExpression", SDC + "candidateExpression")
LIMITS = (
    (reading.MIN_VALUE, "minimum"),
    (reading.MAX_VALUE, "maximum"),
    (reading.MIN_QUANTITY, "minimum"),
    (reading.MAX_QUANTITY, "maximum"),
)

STATUSES = ("in-progress", "completed", "amended", "entered-in-error", "stopped")
UNFINISHED = ("in-progress", "entered-in-error", "stopped")
"""Statuses in which questions may still be open."""

ANSWERED_BY = {
    "boolean": {"Boolean"},
    "decimal": {"Decimal"},
    "integer": {"Integer"},
    "date": {"Date"},
    "dateTime": {"DateTime"},
    "time": {"Time"},
    "string": {"String"},
    "text": {"String"},
    "url": {"Uri"},
    "attachment": {"Attachment"},
    "reference": {"Reference"},
    "quantity": {"Quantity"},
}
"""The value[x] of each item type without options of its own."""
VALUES = frozenset[str]().union(*ANSWERED_BY.values()) | {"Coding"}

OF_RESPONSE = {
    "id": "id",
    "implicitRules": "uri",
    "language": "code",
    "meta": "object",
    "text": "object",
    "identifier": "Identifier",
    "questionnaire": "canonical",
    "status": "code",
    "subject": "Reference",
    "encounter": "Reference",
    "authored": "dateTime",
    "author": "Reference",
    "source": "Reference",
}
"""The properties of a QuestionnaireResponse that hold one value."""
LISTS = {"contained": "object", "basedOn": "Reference", "partOf": "Reference", "item": "object"}
PEOPLE = ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson")
REFERS_TO = {
    "encounter": ("Encounter",),
    "author": (*PEOPLE, "Device", "Organization"),
    "source": PEOPLE,
    "basedOn": ("CarePlan", "ServiceRequest"),
    "partOf": ("Observation", "Procedure"),
}

MOST_PARTS = 200_000
"""Parts of a file that are looked at: aliases make a small YAML file endless."""
PATTERN_SECONDS = 1.0
UNREADABLE = (*BROKEN, ArithmeticError)


def response_problems(response: Any, questionnaire: Any = None) -> list[Problem]:
    """Everything that is wrong with a QuestionnaireResponse, in the order of the questionnaire. Raises nothing.

    Without a questionnaire, the one that the response contains is taken; when it contains none, a warning says that
    the answers were not checked. Source: hl7.org/fhir/R4/questionnaireresponse.html, and HL7's validators.
    """
    for resource, name in ((response, "QuestionnaireResponse"), (questionnaire, "Questionnaire")):
        if name == "Questionnaire" and resource is None:
            continue
        if not _is_tractable(resource):
            return [Problem(f"the {name} is too large or nested too deeply", code="too-long")]
        if not isinstance(resource, Mapping) or resource.get("resourceType") != name:
            return [Problem(f"is not a FHIR {name}: resourceType must be {name}", code="structure")]
    found: list[Problem] = []
    for problem in _all_problems(response, questionnaire):
        if problem.severity is Severity.ERROR or problem not in found:
            found.append(problem)
    return found


def _all_problems(response: Raw, questionnaire: Raw | None) -> Iterator[Problem]:
    yield from _shape_problems(response)
    named = response.get("questionnaire")
    form = questionnaire
    if form is None and isinstance(named, str) and named.startswith("#"):
        form = _contained(response, named.removeprefix("#"))
        if form is None or form.get("resourceType") != "Questionnaire":
            yield Problem(f"the response contains no Questionnaire {named}", code="not-found")
            return
    yield from _form_problems(response, form)
    if form is not None:
        yield from _Check(response, form).problems()


def _is_tractable(resource: Any) -> bool:
    waiting, parts = [(resource, 0)], 0
    while waiting:
        part, depth = waiting.pop()
        parts += 1
        if depth > plain_yaml.DEEPEST or parts > MOST_PARTS:
            return False
        if isinstance(part, Mapping | list):
            inner = part.values() if isinstance(part, Mapping) else part
            waiting.extend((held, depth + 1) for held in inner)
    return True


def _shape_problems(response: Raw) -> Iterator[Problem]:
    for name, part in response.items():
        if name in OF_RESPONSE:
            yield from (Problem(f"{name}: {fault}", code="structure") for fault in faults(OF_RESPONSE[name], part))
        elif name in LISTS:
            if not isinstance(part, list) or not part:
                yield Problem(f"{name} must be a list, and not an empty one", code="structure")
                continue
            if name != "item":
                held = (fault for entry in part for fault in faults(LISTS[name], entry))
                yield from (Problem(f"{name}: {fault}", code="structure") for fault in held)
        elif name != "resourceType":
            yield from _unknown(name, part, "a QuestionnaireResponse")
    for name, kinds in REFERS_TO.items():
        part = response.get(name)
        for reference in part if isinstance(part, list) else [part]:
            yield from _reference_problems(reference, kinds, response, "")
    yield from _reference_problems(response.get("subject"), (), response, "")
    if "status" not in response:
        yield Problem("status is missing", code="required")
    elif isinstance(response["status"], str) and response["status"] not in STATUSES:
        yield Problem(f"status must be one of {', '.join(STATUSES)}", code="code-invalid")


def _unknown(name: Any, part: Any, where: str, link_id: str = "") -> Iterator[Problem]:
    if name == "modifierExtension":
        text = "modifierExtension changes the meaning and is not understood"
        yield Problem(text, link_id, "not-supported", Severity.WARNING)
    elif not is_common(name):
        yield Problem(f"{where} has no property {said(name)}", link_id, "structure")
    elif name == "extension" and not (
        isinstance(part, list) and part and all(isinstance(e, Mapping) and isinstance(e.get("url"), str) for e in part)
    ):
        yield Problem("extension must be a list of entries, each with its url", link_id, "structure")


def _form_problems(response: Raw, form: Raw | None) -> Iterator[Problem]:
    """Whether the response names this questionnaire, and the questionnaire was in use at the time."""
    named = response.get("questionnaire")
    if named is None:
        yield Problem("the response does not name its questionnaire", code="incomplete", severity=Severity.WARNING)
    if not isinstance(named, str):
        return
    kind = target(named.partition("|")[0])
    if kind not in {None, "Questionnaire"} and not named.startswith("#"):
        yield Problem(f"questionnaire: {named} is the address of a {kind}", code="invalid")
    if form is None:
        text = f"the questionnaire {named} is not at hand: its answers were not checked"
        yield Problem(text, code="not-found", severity=Severity.WARNING)
        return
    (url, _, version), own = named.partition("|"), form.get("version")
    if isinstance(form.get("url"), str) and not named.startswith("#") and form["url"].partition("|")[0] != url:
        yield Problem(f"the response is to {named}, not to {form['url']}", code="conflict")
    elif version and own is not None and version != own:
        text = f"the response is to version {version}, not to version {said(own)}"
        yield Problem(text, code="conflict", severity=Severity.WARNING)
    if form.get("status") == "retired":
        yield Problem("the questionnaire is retired", code="business-rule", severity=Severity.WARNING)
    period: Any = form.get("effectivePeriod")
    for edge, beyond in (("start", "before"), ("end", "after")):
        try:
            authored, limit = comparable(
                decode({"valueDateTime": response["authored"]}), decode({"valueDateTime": period[edge]})
            )
        except UNREADABLE:
            continue
        if authored < limit if edge == "start" else authored > limit:
            text = f"the response was authored {beyond} the {edge} of the questionnaire's effectivePeriod"
            yield Problem(text, code="business-rule", severity=Severity.WARNING)


@dataclass(frozen=True, eq=False)
class _Level:
    """Where the items of a response are: the whole, an item of a group, or one answer of a question.

    `form` is the questionnaire or its item, `entry` the response or its item, `holder` what holds the items.
    """

    form: Raw
    entry: Raw
    holder: Raw


class _Check:
    """One pass over a response."""

    def __init__(self, response: Raw, form: Raw) -> None:
        self.response, self.form = response, form
        self.severity = Severity.WARNING if response.get("status") in UNFINISHED else Severity.ERROR
        self.paths: dict[str, tuple[str, ...]] = {}
        self._index(_entries(form, "item"), ())

    def _index(self, items: Sequence[Raw], above: tuple[str, ...]) -> None:
        """`paths` holds the linkIds around each item."""
        for item in items:
            link_id = _link_id(item)
            self.paths.setdefault(link_id, above)
            self._index(_entries(item, "item"), (*above, link_id))

    def problems(self) -> Iterator[Problem]:
        root = _Level(self.form, self.response, self.response)
        yield from self._constraints(self.form, self.response, (root,))
        yield from self._items(_entries(self.form, "item"), (root,))

    def _items(self, items: Sequence[Raw], around: tuple[_Level, ...]) -> Iterator[Problem]:
        """The items at one level of the response: those that must not be here, and then each that may."""
        holder = around[-1].holder
        order = {_link_id(item): number for number, item in enumerate(items)}
        here: dict[str, list[Raw]] = {link_id: [] for link_id in order}
        last = 0
        for entry in holder.get("item", ()) if isinstance(holder.get("item"), list) else ():
            if not isinstance(entry, Mapping):
                yield Problem(f"an item must be an object, found {said(entry)}", _link_id(around[-1].form), "structure")
                continue
            link_id = entry.get("linkId")
            if not isinstance(link_id, str) or not link_id:
                yield Problem("an item has no linkId", _link_id(around[-1].form), "required")
            elif link_id not in self.paths:
                yield Problem("the questionnaire has no item with this linkId", link_id, "not-found")
            elif link_id not in order:
                where = f"below {self.paths[link_id][-1]}" if self.paths[link_id] else "at the top"
                yield Problem(f"the item is in the wrong place: it belongs {where}", link_id, "structure")
            else:
                if order[link_id] < last:
                    yield Problem("the item stands after items that follow it in the form", link_id, "structure")
                last = max(last, order[link_id])
                here[link_id].append(entry)
        for item in items:
            yield from self._item(item, here.pop(_link_id(item), []), around)

    def _item(self, item: Raw, entries: Sequence[Raw], around: tuple[_Level, ...]) -> Iterator[Problem]:
        link_id, kind = _link_id(item), item.get("type")
        enabled = self._enabled(item, entries, around)
        if enabled is False:
            if any(map(_has_content, entries)):
                yield Problem("is answered, although it is not enabled", link_id, "business-rule")
            return
        if enabled is None:
            text = "whether it is enabled cannot be evaluated here"
            yield Problem(text, link_id, "not-supported", Severity.INFORMATION)
        for entry in entries:
            yield from _entry_shape(item, entry, link_id)
        severity = Severity.INFORMATION if enabled is None else self.severity
        if kind == "group":
            yield from self._group(item, entries, around, severity)
        elif kind in ("display", "question"):
            if any("answer" in entry for entry in entries):
                yield Problem(f"an item of type {kind} cannot have answers", link_id, "structure")
        else:
            yield from self._question(item, entries, around, severity)
        for entry in entries:
            yield from self._constraints(item, entry, around)

    def _group(
        self, item: Raw, entries: Sequence[Raw], around: tuple[_Level, ...], severity: Severity
    ) -> Iterator[Problem]:
        link_id, (least, most) = _link_id(item), _occurrences(item)
        if any("answer" in entry for entry in entries):
            yield Problem("a group cannot have answers, only items", link_id, "structure")
        filled = sum(map(_has_content, entries))
        if filled < least and self._asks_something(item, around):
            text = f"at least {least} are needed, found {filled}" if least > 1 else "the group is required, and empty"
            yield Problem(text, link_id, "required", severity)
        if most is not None and len(entries) > most:
            yield Problem(f"the group may occur at most {most} times, found {len(entries)}", link_id, "business-rule")
        for entry in entries:
            if least == 0 or _has_content(entry):
                yield from self._items(_entries(item, "item"), (*around, _Level(item, entry, entry)))

    def _asks_something(self, group: Raw, around: tuple[_Level, ...]) -> bool:
        """Whether an empty occurrence of a group would have a question that is enabled."""
        inside = (*around, _Level(group, {}, {}))
        return any(
            self._enabled(item, (), inside)
            and (self._asks_something(item, inside) if item.get("type") == "group" else item.get("type") != "display")
            for item in _entries(group, "item")
        )

    def _question(
        self, item: Raw, entries: Sequence[Raw], around: tuple[_Level, ...], severity: Severity
    ) -> Iterator[Problem]:
        link_id, (least, most) = _link_id(item), _occurrences(item)
        if len(entries) > 1:
            yield Problem("stands several times: all answers belong into one item", link_id, "structure")
        if any("item" in entry for entry in entries):
            yield Problem("the items below a question belong into its answer", link_id, "structure")
        held = [(entry, answer) for entry in entries for answer in _entries(entry, "answer")]
        answers = [answer for _, answer in held]
        given = [answer for answer in answers if _kinds(answer) or _is_absent(answer)]
        if len(given) < least:
            text = f"at least {least} answers are needed, found {len(given)}" if least > 1 else "has no answer"
            yield Problem(f"{text}{' and is required' if least == 1 else ''}", link_id, "required", severity)
        if most is not None and len(given) > most:
            answers_allowed = "one answer is" if most == 1 else f"{most} answers are"
            yield Problem(f"at most {answers_allowed} allowed, found {len(given)}", link_id, "business-rule")
        sound = []
        for answer in answers:
            wrong = list(self._answer_shape(item, answer, link_id))
            yield from wrong
            if not wrong and _kinds(answer):
                sound.append(answer)
                yield from self._rules(item, answer, link_id)
                if "code" in answer.get("valueCoding", ()) and "system" not in answer["valueCoding"]:
                    text = f"the code {_words(answer)} does not say its system"
                    yield Problem(text, link_id, "incomplete", Severity.WARNING)
        yield from self._options(item, sound, link_id)
        yield from _repeated(item, sound, link_id)
        for entry, answer in held:
            yield from self._items(_entries(item, "item"), (*around, _Level(item, entry, answer)))

    def _answer_shape(self, item: Raw, answer: Raw, link_id: str) -> Iterator[Problem]:
        kinds, kind = _kinds(answer), item.get("type")
        known = {f"value{name}" for name in VALUES} | {"item"}
        for name, part in answer.items():
            if name not in known:
                yield from _unknown(name, part, "an answer", link_id)
            elif name == "item" and not (isinstance(part, list) and part):
                yield Problem("item must be a list, and not an empty one", link_id, "structure")
        if len(kinds) > 1:
            yield Problem(f"an answer has one value, found value{', value'.join(kinds)}", link_id, "structure")
        elif not kinds and not answer.keys() & {"extension", "item"}:
            yield Problem("an answer has no value", link_id, "required")
        elif kinds and kinds[0] in VALUES:
            wanted = self._wanted(item)
            if wanted is None:
                text = f"the form's item type {said(kind)} is unknown: its answers were not checked"
                yield Problem(text, link_id, "not-supported", Severity.WARNING)
            elif kinds[0] not in wanted:
                text = f"an answer to a question of type {kind} is value{' or value'.join(sorted(wanted))}"
                yield Problem(f"{text}, not value{kinds[0]}", link_id, "value")
            else:
                raw = answer[f"value{kinds[0]}"]
                name = kinds[0] if kinds[0] in PARTS else kinds[0][0].lower() + kinds[0][1:]
                yield from (Problem(fault, link_id, "value") for fault in faults(name, raw))

    def _wanted(self, item: Raw) -> set[str] | None:
        kind = item.get("type")
        if kind not in ("choice", "open-choice"):
            return ANSWERED_BY.get(kind) if isinstance(kind, str) else None
        if any(_extensions(item, *EXPRESSED_OPTIONS)):
            return set(VALUES)
        offered = {name for option in _entries(item, "answerOption") for name in _kinds(option)} & VALUES
        return (offered or {"Coding"}) | ({"String"} if kind == "open-choice" else set())

    def _rules(self, item: Raw, answer: Raw, link_id: str) -> Iterator[Problem]:
        kind = _kinds(answer)[0]
        raw = answer[f"value{kind}"]
        if kind in {"String", "Uri"}:
            yield from _length_problems(item, raw, link_id)
        if kind not in PARTS and kind != "Boolean":
            yield from _pattern_problems(item, str(raw), link_id)
        if kind in {"Decimal", "Quantity"}:
            yield from _decimal_problems(item, raw if kind == "Decimal" else raw.get("value", 0), link_id)
        if kind in {"Integer", "Decimal", "Date", "DateTime", "Time", "Quantity"}:
            yield from _limit_problems(item, answer, link_id)
        if kind == "Quantity":
            yield from self._unit_problems(item, raw, link_id)
        elif kind == "Reference":
            allowed = tuple(filter(None, (_code(part) for part in _extensions(item, REFERENCE_RESOURCE))))
            yield from _reference_problems(raw, allowed, self.response, link_id)
            if any(_extensions(item, REFERENCE_PROFILE)):
                text = "whether what is referred to has the right profile cannot be checked here"
                yield Problem(text, link_id, "not-supported", Severity.INFORMATION)
        elif kind == "Attachment":
            yield from _attachment_problems(item, raw, link_id)
        fixed = [_value(part) for part in _entries(item, "initial")]
        is_fixed = item.get("readOnly") is True and fixed and not any(_extensions(item, reading.CALCULATED))
        if is_fixed and _value(answer) not in fixed:
            text = "is read-only, and was changed from its initial value"
            yield Problem(text, link_id, "business-rule", Severity.WARNING)

    def _options(self, item: Raw, answers: Sequence[Raw], link_id: str) -> Iterator[Problem]:
        """Whether the answers are among those that the form permits."""
        if answers and any(_extensions(item, *EXPRESSED_OPTIONS)):
            text = "the permitted answers come from an expression, and were not checked"
            yield Problem(text, link_id, "not-supported", Severity.INFORMATION)
            return
        options = _entries(item, "answerOption")
        is_open = item.get("type") == "open-choice"
        if answers and item.get("answerValueSet") is not None:
            found = self._value_set(item["answerValueSet"])
            if isinstance(found, str):
                yield Problem(f"answerValueSet: {found}", link_id, "not-supported", Severity.INFORMATION)
            else:
                for answer in answers:
                    yield from _coded_problems(answer, found, is_open, link_id)
        elif options:
            for answer in answers:
                yield from _option_problems(answer, options, is_open, link_id)
            alone = [option for option in options if _flag(option, reading.EXCLUSIVE)]
            for answer in answers if len(answers) > 1 else ():
                if any(_is_option(answer, option) for option in alone):
                    text = f"the answer {_words(answer)} excludes all others"
                    yield Problem(text, link_id, "business-rule")

    def _value_set(self, reference: Any) -> terminology.ValueSet | str:
        """The value set that an item names, or why it cannot be read."""
        known = terminology.value_set(reference) if isinstance(reference, str) else None
        if known is not None:
            return known
        if isinstance(reference, str) and not reference.startswith("#"):
            everywhere = [*_entries(self.form, "contained"), *_entries(self.response, "contained")]
            url = reference.partition("|")[0]
            found = next((part for part in everywhere if part.get("url") == url and "id" in part), None)
            reference = f"#{found['id']}" if found is not None else reference
        contained = [*_entries(self.form, "contained"), *_entries(self.response, "contained")]
        try:
            return terminology.ValueSet(reading.value_set(reference, {"contained": contained}))
        except UNREADABLE as error:
            return f"{error}: the answers were not checked"

    def _unit_problems(self, item: Raw, raw: Raw, link_id: str) -> Iterator[Problem]:
        opening = next((_code(part) for part in _extensions(item, UNIT_OPEN)), None)
        if opening not in {None, "optionsOnly"}:
            return
        unit = {"system": raw.get("system"), "code": raw.get("code"), "display": raw.get("unit")}
        given = {"valueCoding": {name: part for name, part in unit.items() if part is not None}}
        units = [part for part in _extensions(item, reading.UNIT_OPTION) if "valueCoding" in part]
        if units and not any(_is_option(given, part) or _is_unit(raw, part) for part in units):
            allowed = ", ".join(_words(part) for part in units)
            yield Problem(f"the unit {_words(given)} is none of {allowed}", link_id, "code-invalid")
        for part in _extensions(item, UNIT_VALUE_SET):
            found = self._value_set(part.get("valueCanonical"))
            if isinstance(found, str):
                yield Problem(f"unitValueSet: {found}", link_id, "not-supported", Severity.INFORMATION)
            elif not found.may_hold(raw.get("code"), raw.get("system", "")) and not any(
                _means(given["valueCoding"], coding) for coding in found.codings
            ):
                text = f"the unit {_words(given)} is not in the value set {part.get('valueCanonical')}"
                yield Problem(text, link_id, "code-invalid")

    def _enabled(self, item: Raw, entries: Sequence[Raw], around: tuple[_Level, ...]) -> bool | None:
        """Whether an item is enabled; None when this cannot be evaluated here."""
        found = [self._holds(condition, around) for condition in _entries(item, "enableWhen")]
        if found and item.get("enableBehavior") == "any":
            enabled = True if True in found else None if None in found else False
        else:
            enabled = False if False in found else None if None in found else True
        for part in _extensions(item, reading.ENABLE_EXPRESSION):
            try:
                said_so = self._evaluate(reading.fhirpath(part), item, entries[0] if entries else None, around)
            except ValueError:
                return None
            enabled = enabled and (said_so is not None and len(said_so) == 1 and said_so[0] is not False)
            if said_so is None:
                return None
        return enabled

    def _holds(self, raw: Raw, around: tuple[_Level, ...]) -> bool | None:
        question = raw.get("question")
        if not isinstance(question, str) or question not in self.paths:
            return None
        try:
            answers = list(self._answers(question, around))
            values = tuple(value for value in map(_value, answers) if value is not None)
            condition = Condition(question, Operator(raw["operator"]), _value(raw, "answer") or decode(raw, "answer"))
            if condition.operator is Operator.EXISTS:
                return any(map(_kinds, answers)) == condition.answer
            return holds(condition, {question: values})
        except UNREADABLE:
            return None

    def _answers(self, question: str, around: tuple[_Level, ...]) -> Iterator[Raw]:
        """The answers to a question in its nearest occurrence, seen from these levels."""
        for level in reversed(around):
            link_id = _link_id(level.form)
            if link_id == question and level.form is not self.form:
                yield from _entries(level.entry, "answer")
                return
            if level.form is self.form or link_id in self.paths[question]:
                yield from _answers_below(level.holder, question)
                return

    def _constraints(self, element: Raw, entry: Raw, around: tuple[_Level, ...]) -> Iterator[Problem]:
        """The rules that the form itself states in FHIRPath."""
        link_id = "" if element is self.form else _link_id(element)
        for part in _extensions(element, CONSTRAINT):
            name = {
                str(held.get("url")): next((value for key, value in held.items() if key != "url"), None)
                for held in _entries(part, "extension")
            }
            text, human = name.get("expression"), said(name.get("human", name.get("key", "")))
            found = self._evaluate(text, element, entry, around) if isinstance(text, str) else None
            if found is None:
                text = f"the form's rule {human} cannot be evaluated, and was not checked"
                yield Problem(text, link_id, "not-supported", Severity.WARNING)
            elif len(found) != 1 or found[0] is False:
                severity = Severity.WARNING if name.get("severity") == "warning" else Severity.ERROR
                yield Problem(f"the form's rule {human} is not kept", link_id, "invariant", severity)

    def _evaluate(self, text: str, element: Raw, entry: Raw | None, around: tuple[_Level, ...]) -> list[Any] | None:
        """What FHIRPath gives at an item of the response, or at what is around one that is absent; None for a fault."""
        variables = dict(self._root_variables)
        for level in around[1:]:
            self._declare(level.form, level.entry, variables)
        if element is not self.form:
            self._declare(element, entry or around[-1].entry, variables)
        return _evaluated(text, entry or around[-1].entry, {**variables, "qitem": element})

    @cached_property
    def _root_variables(self) -> Mapping[str, Any]:
        variables = {"resource": self.response, "questionnaire": self.form}
        self._declare(self.form, self.response, variables)
        return variables

    def _declare(self, element: Raw, entry: Raw, variables: dict[str, Any]) -> None:
        """Add the variables that an element declares. One that cannot be evaluated stays undefined."""
        for part in _extensions(element, reading.VARIABLE):
            held = part.get("valueExpression")
            try:
                found = _evaluated(reading.fhirpath(part), entry, variables)
            except ValueError:
                continue
            if found is not None and isinstance(held, Mapping) and isinstance(held.get("name"), str):
                variables[held["name"]] = found


def _evaluated(text: str, context: Raw, variables: Mapping[str, Any]) -> list[Any] | None:
    if expressions.fault(text):
        return None
    base = "QuestionnaireResponse" if "resourceType" in context else "QuestionnaireResponse.item"
    try:
        environment = {**variables, "context": context}
        found = fhirpathpy.evaluate(context, {"base": base, "expression": text}, environment, models["r4"])
    except Exception:  # noqa: BLE001 (fhirpathpy says with any exception that operands do not go together)
        return None
    return list(found)


def _entry_shape(item: Raw, entry: Raw, link_id: str) -> Iterator[Problem]:
    for name, part in entry.items():
        if name in ("item", "answer"):
            if not isinstance(part, list) or not part:
                yield Problem(f"{name} must be a list, and not an empty one", link_id, "structure")
            elif name == "answer":
                wrong = [answer for answer in part if not isinstance(answer, Mapping)]
                yield from (
                    Problem(f"an answer must be an object, found {said(one)}", link_id, "structure") for one in wrong
                )
        elif name in ("text", "definition"):
            kind = "string" if name == "text" else "uri"
            yield from (Problem(f"{name}: {fault}", link_id, "structure") for fault in faults(kind, part))
        elif name != "linkId":
            yield from _unknown(name, part, "an item", link_id)
    text, own = entry.get("text"), item.get("text")
    if isinstance(text, str) and isinstance(own, str) and _plain(text) != _plain(own):
        yield Problem("its text is not that of the form", link_id, "conflict", Severity.WARNING)


def _length_problems(item: Raw, text: str, link_id: str) -> Iterator[Problem]:
    longest, shortest = item.get("maxLength"), _number(item, reading.MIN_LENGTH)
    if isinstance(longest, int) and len(text) > longest > 0:
        yield Problem(f"{said(text)} is longer than {longest} characters", link_id, "too-long")
    if shortest is not None and len(text) < shortest:
        yield Problem(f"{said(text)} is shorter than {shortest} characters", link_id, "value")
    if item.get("type") == "string" and any(char in text for char in "\r\n"):
        text = "a string has no line breaks: those are for items of type text"
        yield Problem(text, link_id, "value", Severity.WARNING)


def _pattern_problems(item: Raw, text: str, link_id: str) -> Iterator[Problem]:
    pattern = next((part.get("valueString") for part in _extensions(item, reading.REGEX)), None)
    if not isinstance(pattern, str):
        return
    wanted = next((part.get("valueString") for part in _extensions(item, reading.ENTRY_FORMAT)), None)
    try:
        if regex.fullmatch(pattern, text, timeout=PATTERN_SECONDS) is None:
            words = f" {said(wanted)}" if wanted is not None else ""
            yield Problem(f"{said(text)} is not of the format{words} (regex {said(pattern)})", link_id, "value")
    except (regex.error, TimeoutError, OverflowError, RecursionError, ValueError):
        yield Problem(f"the regex {said(pattern)} cannot be used", link_id, "not-supported", Severity.WARNING)


def _decimal_problems(item: Raw, raw: float, link_id: str) -> Iterator[Problem]:
    most = _number(item, reading.MAX_DECIMAL_PLACES)
    exponent = Decimal(str(raw)).as_tuple().exponent
    if most is not None and isinstance(exponent, int) and -exponent > most:
        yield Problem(f"{raw} has more than {most} decimal places", link_id, "value")


def _limit_problems(item: Raw, answer: Raw, link_id: str) -> Iterator[Problem]:
    for url, name in LIMITS:
        for part in _extensions(item, url):
            if not _kinds(part):
                text = f"the {name} comes from an expression, and was not checked"
                yield Problem(text, link_id, "not-supported", Severity.INFORMATION)
                continue
            own = answer[f"value{_kinds(answer)[0]}"]
            try:
                limit, value = decode(part), decode(answer)
            except UNREADABLE:
                if not isinstance(own, Mapping) or "value" in own:
                    text = f"the {name} cannot be compared with {_shown(own)}, and was not checked"
                    yield Problem(text, link_id, "not-supported", Severity.WARNING)
                continue
            bound = _shown(part[f"value{_kinds(part)[0]}"])
            try:
                left, right = _comparable(value, limit)
                if left < right if name == "minimum" else left > right:
                    beyond = "less than the minimum" if name == "minimum" else "greater than the maximum"
                    yield Problem(f"{_shown(own)} is {beyond} of {bound}", link_id, "value")
            except UNREADABLE:
                yield Problem(f"{_shown(own)} cannot be compared with the {name} of {bound}", link_id, "value")


def _comparable(value: Value, limit: Value) -> tuple[Any, Any]:
    """As `comparable`, and quantities in different units too where those measure the same."""
    if isinstance(value, Quantity) and isinstance(limit, Quantity) and value.measure != limit.measure:
        left, right = measured(value.value, value.code or ""), measured(limit.value, limit.code or "")
        if value.code and limit.code and value.system == limit.system and left and right and left[1] == right[1]:
            return left[0], right[0]
    return comparable(value, limit)


def _reference_problems(raw: Any, allowed: Sequence[str], response: Raw, link_id: str) -> Iterator[Problem]:
    """Whether a reference leads somewhere, and to a resource of one of these types; with none, to any."""
    reference = raw.get("reference") if isinstance(raw, Mapping) else None
    if not isinstance(raw, Mapping) or not isinstance(reference, str):
        return
    wrong = list(reference_faults(reference))
    yield from (Problem(fault, link_id, "value") for fault in wrong)
    kind = target(reference)
    if reference.startswith("#") and len(reference) > 1:
        found = _contained(response, reference[1:])
        if found is None:
            yield Problem(f"the response contains no resource {reference}", link_id, "not-found")
        kind = found.get("resourceType") if found is not None else None
    stated = raw.get("type")
    if wrong or kind is None:
        kind = None if wrong else stated
    elif isinstance(stated, str) and stated != kind:
        yield Problem(f"the reference {reference} is not to a {stated}", link_id, "value")
    if allowed and isinstance(kind, str) and kind not in allowed:
        yield Problem(f"the reference {reference} is not to one of {', '.join(allowed)}", link_id, "value")


def _attachment_problems(item: Raw, raw: Raw, link_id: str) -> Iterator[Problem]:
    data, stated = raw.get("data"), raw.get("size")
    size = stated
    if data is not None:
        text = "".join(data.split())
        size = len(text) // 4 * 3 - text[-2:].count("=")
        if stated is not None and stated != size:
            yield Problem(f"its stated size of {stated} bytes is not that of its data, {size} bytes", link_id, "value")
    most = _number(item, MAX_SIZE)
    if most is not None and size is not None and size > most:
        yield Problem(f"the attachment has {size} bytes, more than {most}", link_id, "too-long")
    allowed = [kind for kind in (_code(part) for part in _extensions(item, MIME_TYPE)) if kind]
    kind = raw.get("contentType", "").partition(";")[0].strip().casefold()
    if allowed and not any(fnmatch(kind, each.casefold()) for each in allowed):
        yield Problem(f"its type {said(kind)} is not one of {', '.join(allowed)}", link_id, "value")


def _coded_problems(answer: Raw, found: terminology.ValueSet, is_open: bool, link_id: str) -> Iterator[Problem]:
    """Whether an answer is in a value set: a coding, or on a question that takes text the code alone."""
    kind = _kinds(answer)[0]
    raw = answer[f"value{kind}"] if kind == "Coding" else {"code": answer[f"value{kind}"]}
    if is_open and (kind != "Coding" or "code" not in raw):
        return
    same = [
        coding for coding in found.codings if (_means(raw, coding) if kind == "Coding" else coding.code == raw["code"])
    ]
    if not same and found.may_hold(raw.get("code"), raw.get("system") if kind == "Coding" else None):
        text = f"whether {_words(answer)} is in the answerValueSet cannot be checked here"
        yield Problem(text, link_id, "not-supported", Severity.INFORMATION)
    elif not same:
        yield Problem(f"{_words(answer)} is not in the answerValueSet", link_id, "code-invalid")
    elif "display" in raw and all(coding.display and _differ(raw["display"], coding.display) for coding in same):
        text = f"{_words(answer)} has the wrong display: it is {said(same[0].display)}"
        yield Problem(text, link_id, "code-invalid")


def _option_problems(answer: Raw, options: Sequence[Raw], is_open: bool, link_id: str) -> Iterator[Problem]:
    kind = _kinds(answer)[0]
    if is_open and (kind == "String" or (kind == "Coding" and "code" not in answer["valueCoding"])):
        return
    same = [option for option in options if _is_option(answer, option)]
    if not same:
        yield Problem(f"{_words(answer)} is none of the permitted answers", link_id, "code-invalid")
    elif kind == "Coding" and "display" in answer["valueCoding"]:
        displays = [option["valueCoding"].get("display") for option in same]
        if all(isinstance(own, str) and _differ(answer["valueCoding"]["display"], own) for own in displays):
            text = f"{_words(answer)} has another display than in the form: {said(displays[0])}"
            yield Problem(text, link_id, "code-invalid", Severity.WARNING)


def _repeated(item: Raw, answers: Sequence[Raw], link_id: str) -> Iterator[Problem]:
    seen: list[Any] = []
    for answer in answers if item.get("type") in ("choice", "open-choice") else ():
        value = _value(answer)
        if value in seen:
            yield Problem(f"{_words(answer)} is answered twice", link_id, "duplicate", Severity.WARNING)
        seen.append(value)


def _is_option(answer: Raw, option: Raw) -> bool:
    """Whether an answer is this permitted one. A coding is by system and code, and only without a code by display."""
    kind = _kinds(answer)[0]
    raw, other = answer[f"value{kind}"], option.get(f"value{kind}")
    if kind != "Coding":
        value = _value(answer)
        return raw == other or (value is not None and value == _value(option))
    try:
        coding = decode({"valueCoding": other})
    except UNREADABLE:
        return False
    return isinstance(coding, Coding) and _means(raw, coding)


def _is_unit(raw: Raw, option: Raw) -> bool:
    """Whether a quantity names a unit just by its words."""
    coding = option["valueCoding"]
    return (
        "code" not in raw
        and isinstance(coding, Mapping)
        and raw.get("unit") in (coding.get("display"), coding.get("code"))
    )


def _means(raw: Raw, coding: Coding) -> bool:
    """Whether a raw coding names this one; without its system it may be of any."""
    code, system = raw.get("code"), raw.get("system")
    if not coding.code:
        return code is None and raw.get("display") == coding.display
    return code == coding.code and (system is None or coding.system in {None, system})


def _differ(one: str, other: str) -> bool:
    return _plain(one) != _plain(other)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _words(answer: Raw) -> str:
    kind = _kinds(answer)[0]
    return _shown(answer[f"value{kind}"])


def _shown(raw: Any) -> str:
    """A raw value in a message: a coding by its code and display, a quantity with its unit."""
    if not isinstance(raw, Mapping):
        return said(raw)
    names = ("value", "unit", "code", "display", "reference")
    return said(" ".join(dict.fromkeys(str(raw[name]) for name in names if name in raw)))


def _value(element: Raw, prefix: str = "value") -> Value | None:
    """The value of an answer, a reference by its text; None when there is none that can be compared."""
    reference = element.get(f"{prefix}Reference")
    if isinstance(reference, Mapping) and isinstance(reference.get("reference"), str):
        return str(reference["reference"])
    try:
        return decode(element, prefix)
    except UNREADABLE:
        return None


def _kinds(element: Raw) -> list[str]:
    """What follows `value` in the names of an element's values."""
    return [
        name.removeprefix("value")
        for name in element
        if isinstance(name, str) and name.startswith("value") and name != "value"
    ]


def _occurrences(item: Raw) -> tuple[int, int | None]:
    """The fewest and the most answers of a question, or occurrences of a group."""
    least = max(int(_number(item, reading.MIN_OCCURS) or 0), int(item.get("required") is True))
    most = _number(item, reading.MAX_OCCURS)
    return least, 1 if item.get("repeats") is not True else None if most is None else int(most)


def _has_content(entry: Raw) -> bool:
    """Whether something is answered in an item, or below it."""
    return any(
        _kinds(answer) or _is_absent(answer) or _has_content(answer) for answer in _entries(entry, "answer")
    ) or any(map(_has_content, _entries(entry, "item")))


def _is_absent(answer: Raw) -> bool:
    """Whether an answer says why there is none."""
    return any(_extensions(answer, DATA_ABSENT_REASON))


def _answers_below(holder: Raw, link_id: str) -> Iterator[Raw]:
    for entry in _entries(holder, "item"):
        for answer in _entries(entry, "answer"):
            if entry.get("linkId") == link_id:
                yield answer
            yield from _answers_below(answer, link_id)
        yield from _answers_below(entry, link_id)


def _contained(resource: Raw, found_id: str) -> Raw | None:
    return next((part for part in _entries(resource, "contained") if part.get("id") == found_id), None)


def _entries(element: Raw, name: str) -> list[Raw]:
    """The objects in a list of an element; none when it has no such list."""
    found = element.get(name)
    return [part for part in found if isinstance(part, Mapping)] if isinstance(found, list) else []


def _extensions(element: Raw, *urls: str) -> Iterator[Raw]:
    return (part for part in _entries(element, "extension") if part.get("url") in urls)


def _number(item: Raw, url: str) -> int | Decimal | None:
    """The number in an extension; None when there is none, or no number."""
    for part in _extensions(item, url):
        value = _value(part)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return value
    return None


def _code(part: Raw) -> str | None:
    found = part.get("valueCode")
    return found if isinstance(found, str) else None


def _flag(element: Raw, url: str) -> bool:
    return any(part.get("valueBoolean") is True for part in _extensions(element, url))


def _link_id(item: Raw) -> str:
    found = item.get("linkId")
    return found if isinstance(found, str) else ""
