"""FHIRPath over what was answered: calculatedExpression, enableWhenExpression and the variables that they use."""

# mypy: allow-untyped-calls

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cached_property, lru_cache
from itertools import chain
from threading import Lock
from typing import Any, Protocol

import antlr4  # type: ignore[import-untyped]
from antlr4.error.ErrorListener import ErrorListener  # type: ignore[import-untyped]
from fhirpathpy import engine
from fhirpathpy.engine import invocations
from fhirpathpy.engine.nodes import FP_Quantity, FP_Type, ResourceNode, TypeInfo
from fhirpathpy.engine.util import get_data
from fhirpathpy.models import models
from fhirpathpy.parser.ASTPathListener import ASTPathListener
from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

from flows import responses
from flows.items import CHOICES, MOMENTS, WRITTEN, Item, ItemType
from flows.values import WEIGHTS, Answers, Coding, Place, Quantity, Value, Values, decode

Variables = tuple[tuple[str, str], ...]
Collection = list[Any]
"""What FHIRPath computes with: nodes of resources, and plain values."""
Tree = Mapping[str, Any]
"""A node of fhirpathpy's syntax tree, with those below it."""

CODE_SYSTEMS = {"ucum": "http://unitsofmeasure.org", "loinc": "http://loinc.org", "sct": "http://snomed.info/sct"}
"""The environment variables that FHIRPath and FHIR define for every expression."""

UNITS = {
    "kg": (Decimal(1000), "g"),
    "g": (Decimal(1), "g"),
    "mg": (Decimal("0.001"), "g"),
    "ug": (Decimal("0.000001"), "g"),
    "[lb_av]": (Decimal("453.59237"), "g"),
    "m": (Decimal(1), "m"),
    "cm": (Decimal("0.01"), "m"),
    "mm": (Decimal("0.001"), "m"),
    "[in_i]": (Decimal("0.0254"), "m"),
}
"""UCUM units of the same kind, each with its size: fhirpathpy rounds what it converts to whole units."""

EXACT = Context(prec=15)
"""The digits of a decimal that JSON keeps."""
LARGEST = Decimal("1E15")

BUILT_IN: Mapping[str, Any] = invocations.invocation_registry
_R4: Any = models["r4"]
TypeInfo.model = _R4  # the library sets it at its first `is`: before that, ofType would go by other rules
_lock = Lock()
"""antlr4 shares its tables between parsers."""


class Form(Protocol):
    """What is needed of a questionnaire."""

    @property
    def items(self) -> tuple[Item, ...]: ...
    @property
    def variables(self) -> Variables: ...
    @property
    def resource(self) -> Mapping[str, Any]: ...


class Evaluator:
    """The expressions of a questionnaire over the answers that were reached.

    `now` is what today() and now() give; without it they are empty. Nothing here raises: a variable that cannot be
    evaluated is empty, and so is one that nobody declared, such as %patient.
    """

    def __init__(self, form: Form, reached: Answers, now: datetime | None = None) -> None:
        self._form = form
        self._reached = reached
        self.now = now
        self._contexts: dict[Place, Any] = {}
        self._variables: dict[tuple[Place | None, int], Collection] = {}

    def value(self, item: Item, place: Place) -> Values:
        """What a calculatedExpression gives for its item; empty when it gives nothing that fits the item.

        A number for a quantity takes the item's unit. Of several values for one answer, none is taken.
        """
        if item.calculated is None:
            return ()
        return _fitting(item, self._evaluate(item.calculated, self._levels(place)) or [])

    def enabled(self, item: Item, place: Place) -> bool:
        """Whether an enableWhenExpression holds. One that cannot be evaluated does: better asked than missed."""
        if item.enable_expression is None:
            return True
        found = self._evaluate(item.enable_expression, self._levels(place))
        return found is None or _is_true(found)

    def environment(self, name: str, levels: Sequence["_Level"], seen: int) -> Collection:
        """The value of an environment variable; of those declared, only the first `seen` are visible."""
        match name:
            case "resource":
                return [self._response]
            case "context":
                return [self._context(levels)]
            case "questionnaire":
                return [self._form.resource]
            case "qitem":
                return [node for node in (_raw(self._form.resource, levels[-1].item),) if node is not None]
        return [CODE_SYSTEMS[name]] if name in CODE_SYSTEMS else self._declared(name, levels, seen)

    def _declared(self, name: str, levels: Sequence["_Level"], seen: int) -> Collection:
        """The innermost and last variable of this name, evaluated where it is declared."""
        declared = [(depth, number) for depth, level in enumerate(levels) for number in range(len(level.variables))]
        for position, (depth, number) in reversed(list(enumerate(declared[:seen]))):
            level = levels[depth]
            if level.variables[number][0] != name:
                continue
            key = level.place, number
            if key not in self._variables:
                found = self._evaluate(level.variables[number][1], levels[: depth + 1], position)
                self._variables[key] = found or []
            return list(self._variables[key])
        return []

    def _evaluate(self, expression: str, levels: Sequence["_Level"], seen: int | None = None) -> Collection | None:
        """What an expression gives at the last of the levels; None when it cannot be evaluated."""
        declared = sum(len(level.variables) for level in levels)
        this = self._context(levels)
        try:
            tree, invariant = _parsed(expression)
            return _Environment(self, levels, declared if seen is None else seen, this, invariant).evaluate(tree)
        except Exception:  # noqa: BLE001 (fhirpathpy says with any exception that operands do not go together)
            return None

    def _context(self, levels: Sequence["_Level"]) -> Any:
        """The item of the response that holds an expression. A text to show has none: then what is around it."""
        level = next(
            level for level in reversed(levels) if level.item is None or level.item.type is not ItemType.DISPLAY
        )
        if level.item is None or level.place is None:
            return self._response
        if level.place not in self._contexts:
            self._contexts[level.place] = ResourceNode(
                self._entry(level.item, level.place), "QuestionnaireResponse.item"
            )
        return self._contexts[level.place]

    def _entry(self, item: Item, place: Place) -> Mapping[str, Any]:
        empty = {"linkId": item.link_id, "text": item.text}
        if item.type is ItemType.GROUP:
            return empty | {"item": _exact(responses.items(item.items, self._reached, place.instance))}
        found = responses.items((item,), self._reached, place.instance)
        return _exact(found[0]) if found else empty

    @cached_property
    def _response(self) -> Mapping[str, Any]:
        entries = _exact(responses.items(self._form.items, self._reached))
        return {"resourceType": "QuestionnaireResponse", "status": "in-progress", "item": entries}

    def _levels(self, place: Place) -> Sequence["_Level"]:
        """The questionnaire and the items around a place, from the outside in, and the item itself."""
        levels = [_Level(None, None, self._form.variables)]
        depth = 0
        for item in self._paths[place.link_id]:
            depth += item.type is ItemType.GROUP and item.repeats
            levels.append(_Level(item, Place(item.link_id, place.instance[:depth]), item.variables))
            depth += item.takes_several
        return levels

    @cached_property
    def _paths(self) -> Mapping[str, tuple[Item, ...]]:
        return {path[-1].link_id: path for path in _paths(self._form.items)}


@dataclass(frozen=True, slots=True)
class _Level:
    """Where variables are declared: the questionnaire itself, without item, or an occurrence of an item."""

    item: Item | None
    place: Place | None
    variables: Variables


class _Environment:
    """The environment variables of one evaluation, as fhirpathpy looks them up: each is computed when it is used."""

    def __init__(
        self, evaluator: Evaluator, levels: Sequence[_Level], seen: int, this: Any, invariant: Mapping[str, Tree]
    ) -> None:
        self._evaluator, self._levels, self._seen, self._this = evaluator, levels, seen, this
        self._invariant = invariant
        self._found: dict[str, Collection] = {}

    def evaluate(self, tree: Tree) -> Collection:
        this = [self._this]
        context = {
            "dataRoot": this,
            "$this": this,
            "$index": None,
            "$total": None,
            "vars": self,
            "model": _R4,
            "userInvocationTable": FUNCTIONS,
            "now": self._evaluator.now,
        }
        return list(engine.do_eval(context, this, tree))

    def __contains__(self, name: str) -> bool:
        return True

    def __getitem__(self, name: str) -> Collection:
        if name not in self._found:
            part = self._invariant.get(name)
            found = self._evaluator.environment(name, self._levels, self._seen) if part is None else self.evaluate(part)
            self._found[name] = found
        return list(self._found[name])


def fault(expression: str) -> str:
    """Why a FHIRPath expression cannot be read; empty when it can. A function that nobody knows is a fault too."""
    try:
        tree, invariant = _parsed(expression)
    except ValueError as error:
        return str(error)
    except RecursionError:
        return "it is nested too deeply"
    nodes = [node for part in (tree, *invariant.values()) for node in _walk(part)]
    called = {node["children"][0]["text"].strip("`") for node in nodes if node["type"] == "Functn"}
    unknown = ", ".join(sorted(called - KNOWN))
    return f"there is no function {unknown}" if unknown else ""


class _Strict(ErrorListener):  # type: ignore[misc]
    """fhirpathpy's own reader mends what it cannot read, and leaves out what follows."""

    def syntaxError(self, *said: Any) -> None:  # noqa: N802 (antlr4's name)
        line, column, message = said[2:5]
        raise ValueError(f"{message} (line {line}, column {column + 1})")


@lru_cache(maxsize=4096)
def _parsed(expression: str) -> tuple[Tree, Mapping[str, Tree]]:
    """The syntax tree of an expression, and its parts that are computed but once. Raises ValueError for a fault."""
    with _lock:
        listener = _Strict()
        lexer = FHIRPathLexer(antlr4.InputStream(expression))
        parser = FHIRPathParser(antlr4.CommonTokenStream(lexer))
        for reader in (lexer, parser):
            reader.removeErrorListeners()
            reader.addErrorListener(listener)
        builder = ASTPathListener()
        antlr4.ParseTreeWalker().walk(builder, parser.entireExpression())
    invariant: dict[str, Tree] = {}
    return _hoisted(builder.parentStack[0]["children"][0]["children"][0], invariant), invariant


def _hoisted(node: Tree, invariant: dict[str, Tree], *, within: bool = False) -> Tree:
    """The tree with a variable for each path from a variable: a where() would walk it for every element again."""
    path = node["type"] == "InvocationExpression" and _is_invariant(node)
    children = [
        _hoisted(child, invariant, within=path and number == 0) for number, child in enumerate(node.get("children", ()))
    ]
    found = {**node, "children": children} if children else node
    if not path or within:
        return found
    name = f"={len(invariant)}"  # no expression can say this name
    invariant[name] = found
    said = {"type": "ExternalConstant", "children": [{"type": "Identifier", "text": name}]}
    return {"type": "ExternalConstantTerm", "children": [said]}


def _is_invariant(node: Tree) -> bool:
    """Whether a path begins with a variable and nothing in it looks at what is around it."""
    first = node
    while first["type"] in {"InvocationExpression", "TermExpression"}:
        first = first["children"][0]
    return first["type"] == "ExternalConstantTerm" and not any(map(_looks_around, _walk(node)))


def _looks_around(node: Tree) -> bool:
    if node["type"] == "Functn" and len(node["children"]) > 1:
        return node["children"][0]["text"] not in {"where", "exists"}
    return node["type"] in {"ThisInvocation", "IndexInvocation", "TotalInvocation", "IndexerExpression"}


def _walk(node: Tree) -> Iterator[Tree]:
    yield node
    for child in node.get("children", ()):
        yield from _walk(child)


def _paths(items: Sequence[Item], around: tuple[Item, ...] = ()) -> Iterator[tuple[Item, ...]]:
    for item in items:
        yield (*around, item)
        yield from _paths(item.items, (*around, item))


def _raw(element: Mapping[str, Any], item: Item | None) -> ResourceNode | None:
    """The item of the Questionnaire as it was written."""
    for part in element.get("item", ()):
        if item is not None and part["linkId"] == item.link_id:
            return ResourceNode(part, "Questionnaire.item")
        found = _raw(part, item)
        if found is not None:
            return found
    return None


def _exact(element: Any) -> Any:
    """The same with decimals for JSON's numbers: 0.1 equals 0.1."""
    match element:
        case dict():
            return {key: _exact(part) for key, part in element.items()}
        case list():
            return [_exact(part) for part in element]
        case float():
            return Decimal(str(element))
    return element


def _fitting(item: Item, found: Collection) -> Values:
    values = tuple(dict.fromkeys(value for node in found if (value := _value(item, get_data(node))) is not None))
    fits = len(values) == len(found) or item.type in CHOICES
    return values if fits and (item.most is None or len(values) <= item.most) else ()


def _value(item: Item, raw: Any) -> Value | None:
    """One result as a value of the item's type; None when it is none."""
    try:
        if item.type in CHOICES:
            return _option(item, raw)
        if item.type in MOMENTS:
            return _moment(item.type, raw)
        if item.type in WRITTEN or item.type is ItemType.BOOLEAN:
            wanted = str if item.type in WRITTEN else bool
            return raw if isinstance(raw, wanted) else None
        if item.type is ItemType.QUANTITY and not _is_number(raw):
            return _quantity(raw)
        return _number(item, raw) if _is_number(raw) else None
    except (ValueError, InvalidOperation):
        return None


def _is_number(raw: Any) -> bool:
    return isinstance(raw, int | Decimal) and not isinstance(raw, bool) and Decimal(raw).is_finite()


def _number(item: Item, raw: int | Decimal) -> Value | None:
    if abs(Decimal(raw)) >= LARGEST:
        return None
    if item.type is ItemType.INTEGER:
        return int(raw) if raw == int(raw) and -(2**31) <= int(raw) < 2**31 else None  # as FHIR's integer
    number = EXACT.plus(Decimal(raw))
    if item.decimal_places is not None:
        number = round(number, item.decimal_places)
    if item.type is ItemType.QUANTITY:
        unit = item.units[0] if len(item.units) == 1 else Coding("")
        return Quantity(number, unit.display or unit.code, unit.code or None, unit.system)
    return number


def _quantity(raw: Any) -> Value | None:
    if isinstance(raw, FP_Quantity):
        unit = raw.unit.strip("'")
        return Quantity(EXACT.plus(Decimal(str(raw.value))), unit, unit, CODE_SYSTEMS["ucum"])
    return decode({"valueQuantity": raw}) if isinstance(raw, Mapping) else None


def _moment(kind: ItemType, raw: Any) -> Value | None:
    if not isinstance(raw, str | FP_Type):
        return None
    value = decode({"valueTime" if kind is ItemType.TIME else "valueDateTime": str(raw)})
    return value.date() if kind is ItemType.DATE and isinstance(value, datetime) else value


def _option(item: Item, raw: Any) -> Value | None:
    """The option that a coding or a plain value stands for; other words and codings only where those are allowed."""
    value: Any = decode({"valueCoding": raw}) if isinstance(raw, Mapping) else raw
    for option in item.options:
        meant = isinstance(value, Coding) and isinstance(option.value, Coding) and option.value.means(value)
        if meant or (value == option.value and type(value) is type(option.value)):
            return option.value
        if isinstance(option.value, date) and str(option.value) == str(value):
            return option.value
    return value if item.type is ItemType.OPEN_CHOICE and isinstance(value, Coding | str) else None


def _is_true(found: Collection) -> bool:
    """FHIRPath's singleton evaluation: one value that is no truth value stands for true."""
    return len(found) == 1 and get_data(found[0]) is not False


def _where(ctx: dict[str, Any], nodes: Collection, test: Callable[[Any], Collection]) -> Collection:
    kept = []
    for index, node in enumerate(nodes):
        ctx["$index"] = index
        if _is_true(test(node)):
            kept.append(node)
    return kept


def _exists(ctx: dict[str, Any], nodes: Collection, test: Callable[[Any], Collection] | None = None) -> bool:
    return bool(nodes if test is None else _where(ctx, nodes, test))


def _distinct(_: Any, *collections: Collection) -> Collection:
    """Each node once, and still a node of its resource: fhirpathpy forgets which."""
    found: dict[object, Any] = {}
    for node in chain(*collections):
        found.setdefault(_identity(get_data(node)), node)
    return list(found.values())


def _identity(data: Any) -> tuple[str, Any]:
    if _is_number(data):
        return "number", Decimal(data)
    return type(data).__name__, data if isinstance(data, str | bool) else json.dumps(data, sort_keys=True, default=str)


def _weights(_: Any, nodes: Collection) -> Collection:
    """The ordinal value or weight of each coding, of each answer's coding, or of each option of the questionnaire."""
    found = []
    for data in map(get_data, nodes):
        if isinstance(data, Mapping):
            given = data.get("answer", [data])
            found += [weight for part in given for weight in _weight(part, part.get("valueCoding", {}))]
    return found


def _weight(*elements: Mapping[str, Any]) -> Collection:
    extensions = [part for element in elements for part in element.get("extension", ())]
    return [
        get_data(part.get("valueDecimal", part.get("valueInteger"))) for part in extensions if part["url"] in WEIGHTS
    ][:1]


def _answers(_: Any, nodes: Collection) -> Collection:
    """All answers below items, at any depth."""
    found: Collection = []
    for data in map(get_data, nodes):
        if isinstance(data, Mapping):
            for answer in data.get("answer", ()):
                found += [ResourceNode(answer, "QuestionnaireResponse.item.answer"), *_answers(_, [answer])]
            found += _answers(_, data.get("item", []))
    return found


def _numbers(nodes: Collection) -> list[Decimal]:
    found = list(map(get_data, nodes))
    if not all(map(_is_number, found)):
        raise TypeError("only numbers have a sum or an average")
    return [Decimal(number) for number in found]


def _sum(_: Any, nodes: Collection) -> Collection:
    """Of nothing there is no sum: a score of zero is never made up."""
    return [sum(_numbers(nodes))] if nodes else []


def _average(_: Any, nodes: Collection) -> Collection:
    return [sum(_numbers(nodes)) / len(nodes)] if nodes else []


def _power(_: Any, nodes: Collection, exponent: Any) -> Collection:
    (base,) = _numbers(nodes)
    return [base ** Decimal(exponent)]


def _round(_: Any, nodes: Collection, places: Any = 0) -> Collection:
    (number,) = _numbers(nodes)
    return [number.quantize(Decimal(1).scaleb(-int(places)), ROUND_HALF_UP)]


def _string(_: Any, nodes: Collection) -> Collection:
    if len(nodes) != 1 or isinstance(get_data(nodes[0]), Mapping | list):
        return []
    data = get_data(nodes[0])
    if isinstance(data, bool):
        return [str(data).lower()]
    return [f"{data:f}" if isinstance(data, Decimal) else str(data)]


def _now(ctx: dict[str, Any], _: Collection) -> Collection:
    return [ctx["now"].isoformat(timespec="milliseconds")] if ctx["now"] else []


def _today(ctx: dict[str, Any], _: Collection) -> Collection:
    return [ctx["now"].date().isoformat()] if ctx["now"] else []


def _time_of_day(ctx: dict[str, Any], _: Collection) -> Collection:
    return [ctx["now"].time().isoformat(timespec="milliseconds")] if ctx["now"] else []


def _compared(operator: str) -> Callable[..., Any]:
    compare, equals = BUILT_IN[operator]["fn"], {"=": True, "!=": False}.get(operator)

    def compared(ctx: Any, left: Collection, right: Collection) -> Any:
        alone = len(left) == len(right) == 1
        if alone and equals is not None and isinstance(get_data(left[0]), str) and isinstance(get_data(right[0]), str):
            return (get_data(left[0]) == get_data(right[0])) is equals  # most comparisons: linkIds and codes
        sides = [_measured(side[0]) if alone else None for side in (left, right)]
        if None in sides:
            return compare(ctx, left, right)
        (value, unit), (other, its) = map(_in_base_units, sides)
        if unit != its and equals is None:
            raise TypeError(f"{unit} and {its} are different units")
        return compare(ctx, [value], [other]) if unit == its else not equals

    return compared


def _measured(node: Any) -> FP_Quantity | None:
    """The quantity that a node is; None when it is none."""
    data = get_data(node)
    if isinstance(data, Mapping) and "value" in data and ("code" in data or "unit" in data):
        return FP_Quantity(get_data(data["value"]), f"'{data.get('code') or data['unit']}'")
    return data if isinstance(data, FP_Quantity) else None


def _in_base_units(quantity: Any) -> tuple[Decimal, str]:
    unit = quantity.unit.strip("'")
    factor, base = UNITS.get(unit, (Decimal(1), unit))
    return Decimal(quantity.value) * factor, base


def _to_quantity(ctx: Any, nodes: Collection, unit: str | None = None) -> Any:
    quantity = _measured(nodes[0]) if len(nodes) == 1 else None
    if quantity is None or unit is None:
        return BUILT_IN["toQuantity"]["fn"](ctx, nodes, unit)
    value, base = _in_base_units(quantity)
    factor, wanted = UNITS.get(unit, (Decimal(1), unit))
    return [FP_Quantity(value / factor, f"'{unit}'")] if base == wanted else []


FUNCTIONS: Mapping[str, Any] = {
    "ordinal": {"fn": _weights},
    "ordinalValue": {"fn": _weights},
    "weight": {"fn": _weights},
    "answers": {"fn": _answers},
    "hasValue": {"fn": lambda _, nodes: len(nodes) == 1 and not isinstance(get_data(nodes[0]), Mapping)},
    "where": {"fn": _where, "arity": {1: ["Expr"]}},
    "exists": {"fn": _exists, "arity": {0: [], 1: ["Expr"]}},
    "trace": {"fn": lambda _, nodes, *names: nodes, "arity": {1: ["String"], 2: ["String", "Expr"]}},
    "distinct": {"fn": _distinct},
    "union": {"fn": _distinct, "arity": {1: ["AnyAtRoot"]}},
    "|": {"fn": _distinct, "arity": {2: ["Any", "Any"]}},
    "sum": {"fn": _sum},
    "avg": {"fn": _average},
    "min": {"fn": lambda _, nodes: [min(map(get_data, nodes))] if nodes else []},
    "max": {"fn": lambda _, nodes: [max(map(get_data, nodes))] if nodes else []},
    "power": {"fn": _power, "arity": {1: ["Number"]}, "nullable": True},
    "round": {"fn": _round, "arity": {0: [], 1: ["Number"]}, "nullable": True},
    "toString": {"fn": _string},
    "toQuantity": {"fn": _to_quantity, "arity": {0: [], 1: ["String"]}},
    "now": {"fn": _now},
    "today": {"fn": _today},
    "timeOfDay": {"fn": _time_of_day},
    **{name: {**BUILT_IN[name], "fn": _compared(name)} for name in ("<", ">", "<=", ">=", "=", "!=")},
}
"""What fhirpathpy lacks, and what it does by the clock, twice, with other rounding, or not at all for FHIR."""
KNOWN = frozenset(FUNCTIONS) | frozenset(BUILT_IN)
