"""Each mistake in a questionnaire is named with its item: what keeps it from being asked, and what is doubtful."""

from typing import Any

import pytest

from flows import plain_yaml
from flows.catalogue import Catalogue
from flows.errors import TaperlineError
from flows.problems import NOTHING_TO_DO, Severity, problems
from flows.questionnaire import QuestionnaireError
from flows.reading import (
    CALCULATED,
    ENABLE_EXPRESSION,
    ENTRY_FORMAT,
    EXCLUSIVE,
    HIDDEN,
    ITEM_CONTROL,
    MAX_DECIMAL_PLACES,
    MAX_QUANTITY,
    MAY_DECLINE,
    MIN_LENGTH,
    MIN_OCCURS,
    MIN_QUANTITY,
    OPTION_PREFIX,
    REGEX,
    SDC,
    SUPPORT_LINK,
    UNIT,
    UNIT_OPTION,
    VARIABLE,
)
from tests.flows.forms import (
    CONTAINED,
    EXTENSION,
    Raw,
    choice,
    coding,
    flagged,
    form,
    item,
    limits,
    load,
    occurs,
    scored,
    when,
)


def messages(*items: Any, **more: Any) -> list[str]:
    """What is wrong with a questionnaire of these items."""
    return [str(problem) for problem in problems(form(*items, **more))]


def extension(url: str, **value: Any) -> Raw:
    """The part of an item that is one extension."""
    return {"extension": [{"url": url, **value}]}


def fhirpath(url: str, expression: Any, language: str = "text/fhirpath", **more: Any) -> Raw:
    """The part of an item that is one expression."""
    return extension(url, valueExpression={"language": language, "expression": expression, **more})


def valueset(**more: Any) -> Raw:
    return {"resourceType": "ValueSet", "id": "v", **more}


def composed(**include: Any) -> Raw:
    return valueset(compose={"include": [include]})


def excluding(*codes: str) -> Raw:
    """A ValueSet of a and b without some."""
    listed = {"system": "urn:s", "concept": [{"code": "a"}, {"code": "b"}]}
    excluded = {"system": "urn:s", "concept": [{"code": code, "designation": [{"value": code * 3}]} for code in codes]}
    return valueset(compose={"include": [listed], "exclude": [excluded]})


def test_the_clinics_own_questionnaires_have_no_problems(content: Catalogue) -> None:
    for own in content.questionnaires.values():
        assert problems(plain_yaml.read(own.source, "own.yaml")) == []


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (None, "resourceType must be Questionnaire"),
        ([], "resourceType must be Questionnaire"),
        ({"resourceType": "Patient"}, "resourceType must be Questionnaire"),
        (form(item("a")) | {"status": "open"}, "status must be one of"),
        (form(item("a")) | {"status": ["active"]}, "status must be one of"),
        (form(), "has no items"),
        (form() | {"item": {"linkId": "a"}}, "has no items"),
        (form(item("a"), modifierExtension=[]), "modifierExtension changes the meaning"),
        (form(item("a"), title=5), "title must be text"),
        (form(item("a"), url=None), "url must be text"),
        (form(item("a"), contained={}), "contained must be a list of resources"),
        (form(item("a"), contained=["x"]), "contained must be a list of resources"),
        (form(item("a"), extension=[{}]), "an extension needs a url"),
    ],
)
def test_what_is_wrong_with_the_whole(resource: Any, words: str) -> None:
    (found,) = problems(resource)
    assert words in str(found)
    assert (found.refuses, found.item) == (True, "")


A = item("a")
CHOICE_OF_X = choice("a", "x")
BROKEN: list[tuple[list[Any], str]] = [
    # linkIds
    ([A, item("a", "text")], "item a: the linkId stands twice"),
    ([A, item("g", "group", item=[item("a")])], "item a: the linkId stands twice"),
    ([{"type": "boolean", "text": "Well?"}], "the item 'Well?' has no linkId (text, in quotes)"),
    ([item(1)], "has no linkId (text, in quotes)"),  # type: ignore[arg-type]
    ([item("")], "has no linkId"),
    ([item("%signal")], "item %signal: a linkId cannot begin with %"),
    (["a"], "an item must be a mapping, found 'a'"),
    # types
    ([item("a", "attachment")], "item a: the type attachment cannot be asked in a chat"),
    ([item("a", "reference")], "item a: the type reference cannot be asked in a chat"),
    ([item("a", "bool")], "item a: the type 'bool' is not a FHIR item type"),
    ([{"linkId": "a", "text": "Well?"}], "item a: the type None is not a FHIR item type"),
    ([item("a", ["boolean"])], "item a: type must be text"),  # type: ignore[arg-type]
    # features
    ([item("a", modifierExtension=[{}])], "item a: modifierExtension changes the meaning"),
    ([item("a", "text", maxLength="9")], "item a: maxLength must be a whole number above zero"),
    ([item("a", "text", maxLength=0)], "item a: maxLength must be a whole number above zero"),
    ([item("a", "text", maxLength=True)], "item a: maxLength must be a whole number above zero"),
    ([item("a", repeats=True)], "item a: a yes or no question cannot repeat"),
    (
        [choice("a", "x", **fhirpath(SDC + "answerExpression", "x"))],
        "item a: sdc-questionnaire-answerExpression: the answers come from another system",
    ),
    (
        [choice("a", "x", **fhirpath(SDC + "candidateExpression", "x"))],
        "item a: sdc-questionnaire-candidateExpression: the answers come from another system",
    ),
    (
        [item("a", "quantity", **extension(EXTENSION + "questionnaire-unitValueSet", valueCanonical="urn:u"))],
        "item a: questionnaire-unitValueSet: the units must be listed",
    ),
    (
        [item("a", "group", item=[item("b")], extension=flagged(MAY_DECLINE))],
        "item a: may-decline is for questions, not for a group",
    ),
    # shape
    ([item("a", text=None)], "item a: text must be text"),
    ([item("a", text=5)], "item a: text must be text"),
    ([item("a", prefix=5)], "item a: prefix must be text"),
    ([item("a", "group")], "item a: a group needs items"),
    ([item("a", "group", item=[])], "item a: a group needs items"),
    ([item("a", "group", item={})], "item a: item must be a list"),
    ([item("a", "group", item=None)], "item a: item must be a list"),
    ([item("a", "display", item=[item("b")])], "item a: a display item cannot have items"),
    ([item("a", required="yes")], "item a: required must be true or false"),
    ([item("a", readOnly=1)], "item a: readOnly must be true or false"),
    ([item("a", "text", repeats=None)], "item a: repeats must be true or false"),
    ([item("a", code={"code": "x"})], "item a: code must be a list of entries"),
    ([item("a", code=[{}])], "item a: code: "),
    ([item("a", extension=5)], "item a: extension must be a list of entries"),
    ([item("a", extension=["x"])], "item a: extension must be a list of entries"),
    ([item("a", extension=[{"valueString": "x"}])], "item a: an extension needs a url"),
    ([item("a", **extension(HIDDEN, valueString="x"))], "item a: questionnaire-hidden of 'x' does not fit"),
    ([item("a", **extension(MAY_DECLINE, valueString="x"))], "item a: may-decline of 'x' does not fit"),
    ([item("a", **extension(SUPPORT_LINK, valueInteger=5))], "item a: questionnaire-supportLink of 5 does not fit"),
    # limits
    ([item("a", "integer", extension=limits({"valueString": "0"}))], "item a: minValue of '0' does not fit"),
    ([item("a", "integer", extension=limits({"valueDecimal": 0.5}))], "does not fit the type integer"),
    ([item("a", "integer", extension=limits({"valueInteger": "0"}))], "item a: minValue: "),
    ([item("a", "decimal", extension=limits(None, {"valueDecimal": "9"}))], "item a: maxValue: "),
    ([item("a", "date", extension=limits({"valueInteger": 0}))], "item a: minValue of 0 does not fit the type date"),
    ([item("a", "time", extension=limits({"valueInteger": 0}))], "item a: minValue of 0 does not fit the type time"),
    ([item("a", "dateTime", extension=limits({"valueTime": "10:00"}))], "does not fit the type dateTime"),
    ([item("a", "boolean", extension=limits({"valueBoolean": True}))], "does not fit the type boolean"),
    ([item("a", "integer", extension=limits({"valueInteger": 2}, {"valueInteger": 1}))], "minValue is above maxValue"),
    ([item("a", "date", extension=limits({"valueDate": "2027"}, {"valueDate": "2026-05"}))], "minValue is above maxV"),
    ([item("a", "quantity", **extension(MIN_QUANTITY, valueInteger=1))], "item a: minQuantity of 1 does not fit"),
    (
        [
            item(
                "a",
                "quantity",
                extension=[
                    {"url": MIN_QUANTITY, "valueQuantity": {"value": 1, "code": "g"}},
                    {"url": MAX_QUANTITY, "valueQuantity": {"value": 1, "code": "mg"}},
                ],
            )
        ],
        "item a: minValue and maxValue: g and mg are different units",
    ),
    ([item("a", "quantity", **extension(UNIT, valueString="mg"))], "item a: questionnaire-unit of 'mg' does not fit"),
    ([item("a", "quantity", **extension(UNIT_OPTION, valueCoding={}))], "item a: questionnaire-unitOption: "),
    ([item("a", "text", **extension(MIN_LENGTH, valueString="5"))], "item a: minLength of '5' does not fit"),
    ([item("a", "text", maxLength=4, **extension(MIN_LENGTH, valueInteger=5))], "item a: minLength is above maxLength"),
    ([item("a", "decimal", **extension(MAX_DECIMAL_PLACES, valueDecimal=0.5))], "item a: maxDecimalPlaces of"),
    ([item("a", "text", **extension(REGEX, valueString="("))], "item a: regex: '(' is no regular expression"),
    ([item("a", "text", **extension(REGEX, valueInteger=5))], "item a: regex of 5 does not fit the type text"),
    ([item("a", "text", **extension(ENTRY_FORMAT, valueBoolean=True))], "item a: entryFormat of True does not fit"),
    # occurrences
    ([item("a", "text", repeats=True, extension=occurs(-1))], "item a: minOccurs cannot be below zero"),
    ([item("a", "text", repeats=True, extension=occurs(None, 0))], "item a: maxOccurs must be above zero"),
    ([item("a", "text", repeats=True, extension=occurs(3, 2))], "item a: minOccurs is above maxOccurs"),
    ([item("a", "text", extension=occurs(2))], "item a: minOccurs above one needs repeats: true"),
    ([item("a", "text", **extension(MIN_OCCURS, valueString="1"))], "questionnaire-minOccurs of '1' does not fit"),
    ([choice("a", "x", "y", repeats=True, extension=occurs(3))], "item a: minOccurs is above the number of answers"),
    # options
    ([choice("a")], "item a: a choice needs at least one answerOption"),
    ([item("a", "open-choice")], "item a: a choice needs at least one answerOption"),
    ([item("a", "group", item=[A | {"linkId": "b"}], answerOption=[{"valueString": "x"}])], "not for group"),
    ([choice("a", "x", kind="boolean")], "item a: answerOption of Coding(code='x'"),
    ([item("a", "integer", answerOption=[{"valueString": "x"}])], "item a: answerOption of 'x' does not fit"),
    ([item("a", answerValueSet="#v")], "item a: answerValueSet is for choice and open-choice, not for boolean"),
    ([choice("a", "x", "x")], "item a: the answer 'X' stands twice"),
    ([choice("a", "x", "X")], "item a: the answer 'X' stands twice"),
    ([item("a", "choice", answerOption=["x"])], "item a: answerOption must be a list of entries"),
    ([item("a", "choice", answerOption={"valueString": "x"})], "item a: answerOption must be a list of entries"),
    ([item("a", "choice", answerOption=[{"valueReference": {}}])], "item a: answerOption: valueReference is not"),
    ([item("a", "choice", answerOption=[{"valueString": ""}])], "has no display to put on its button"),
    ([item("a", "choice", answerOption=[{"valueString": "x"}, {"valueInteger": 1}])], "must all be of one kind"),
    ([item("a", "choice", answerOption=[{"valueString": "x", **extension(EXCLUSIVE)}])], "item a: answerOption: "),
    ([scored("a", 0, "two")], "item a: answerOption: valueDecimal is not a value"),  # type: ignore[arg-type]
    ([choice("a", "x", answerValueSet="#v")], "item a: answerOption and answerValueSet exclude each other"),
    # initial values
    ([item("a", "group", item=[item("b")], initial=[{"valueBoolean": True}])], "a group cannot have an initial value"),
    ([item("a", "display", initial=[{"valueString": "x"}])], "item a: a display cannot have an initial value"),
    ([item("a", initial={})], "item a: initial must be a list of entries"),
    ([item("a", initial=[{}])], "item a: initial: exactly one value[x] is needed"),
    ([item("a", initial=[{"valueString": "x"}])], "item a: initial of 'x' does not fit the type boolean"),
    # expressions
    ([item("a", "integer", **fhirpath(CALCULATED, "1 +"))], "item a: the FHIRPath '1 +' cannot be read"),
    ([item("a", "integer", **fhirpath(CALCULATED, "mean()"))], "there is no function mean"),
    ([item("a", "integer", **fhirpath(CALCULATED, 5))], "item a: calculatedExpression: an Expression with its"),
    ([item("a", "integer", **fhirpath(CALCULATED, "1", "text/cql"))], "calculatedExpression: the language text/cql is"),
    ([item("a", **fhirpath(ENABLE_EXPRESSION, "%"))], "item a: the FHIRPath '%' cannot be read"),
    ([item("a", **fhirpath(VARIABLE, "(", name="x"))], "item a: the FHIRPath '(' cannot be read"),
    # conditions
    (
        [item("b", enableWhen=[when("x", "=", answerBoolean=True)])],
        "item b: enableWhen looks at x, which does not exist",
    ),
    (
        [item("b", enableWhen=[when("a", "=", answerBoolean=True)]), A],
        "item b: enableWhen looks at a, which is not asked before it",
    ),
    ([item("b", enableWhen=[when("b", "exists", answerBoolean=True)])], "at b, which is not asked before it"),
    (
        [item("g", "group", enableWhen=[when("a", "exists", answerBoolean=True)], item=[A])],
        "item g: enableWhen looks at a, which is not asked before it",
    ),
    ([A, item("b", enableWhen={"question": "a"})], "item b: enableWhen must be a list of entries"),
    ([A, item("b", enableWhen=[None])], "item b: enableWhen must be a list of entries"),
    ([A, item("b", enableWhen=[{"question": "a", "answerBoolean": True}])], "enableWhen: operator is missing"),
    ([A, item("b", enableWhen=[{"operator": "=", "answerBoolean": True}])], "enableWhen: question is missing"),
    ([A, item("b", enableWhen=[when("a", "=")])], "enableWhen: exactly one answer[x] is needed"),
    ([A, item("b", enableWhen=[when("a", "~", answerBoolean=True)])], "item b: enableWhen: '~' is not a valid"),
    ([A, item("b", enableWhen=[when(["a"], "=", answerBoolean=True)])], "question must be a linkId"),  # type: ignore[arg-type]
    ([A, item("b", enableWhen=[when("a", "exists", answerInteger=1)])], "exists needs an answerBoolean"),
    ([A, item("b", enableWhen=[when("a", "=", answerReference={})])], "item b: enableWhen: answerReference is not"),
    ([A, item("b", enableWhen=[when("a", "=", answerInteger=1)])], "item b: enableWhen compares a, a boolean, with 1"),
    ([item("a", "integer"), item("b", enableWhen=[when("a", "=", answerBoolean=True)])], "a, a integer, with True"),
    ([item("a", "decimal"), item("b", enableWhen=[when("a", ">", answerString="1")])], "a, a decimal, with '1'"),
    ([item("a", "date"), item("b", enableWhen=[when("a", ">", answerString="soon")])], "a, a date, with"),
    ([item("a", "time"), item("b", enableWhen=[when("a", ">", answerInteger=9)])], "a, a time, with 9"),
    ([item("a", "text"), item("b", enableWhen=[when("a", "=", answerInteger=1)])], "a, a text, with 1"),
    ([item("a", "quantity"), item("b", enableWhen=[when("a", "=", answerString="1 mg")])], "a, a quantity, with"),
    (
        [CHOICE_OF_X, item("b", enableWhen=[when("a", ">", answerCoding=coding("x"))])],
        "> cannot compare the choice a",
    ),
    (
        [choice("a", "x", kind="open-choice"), item("b", enableWhen=[when("a", ">", answerCoding=coding("x"))])],
        "> cannot compare the choice a",
    ),
    (
        [choice("a", "x", kind="open-choice"), item("b", enableWhen=[when("a", "=", answerInteger=1)])],
        "enableWhen compares a, an open-choice, with 1",
    ),
    (
        [item("a", "display"), item("b", enableWhen=[when("a", "exists", answerBoolean=True)])],
        "item b: enableWhen looks at a, which is a display and has no answer",
    ),
    (
        [item("a", "group", item=[item("c")]), item("b", enableWhen=[when("a", "=", answerBoolean=True)])],
        "item b: enableWhen looks at a, which is a group and has no answer",
    ),
    (
        [A, item("b", enableWhen=[when("a", "=", answerBoolean=True), when("a", "!=", answerBoolean=True)])],
        "item b: several enableWhen need an enableBehavior: all or any",
    ),
    ([A, item("b", enableBehavior=["all"])], "item b: enableBehavior must be text"),
]


@pytest.mark.parametrize(("items", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_each_mistake_is_named_with_its_item_and_refuses_the_file(items: list[Any], words: str) -> None:
    found = messages(*items)
    assert len(found) == 1, found
    assert words in found[0]
    with pytest.raises(QuestionnaireError) as refused:
        load(*items)
    assert str(refused.value) == f"test.json: {found[0]}"


DOUBTFUL: list[tuple[list[Any], Severity, str]] = [
    # against the letter of FHIR, but there is no doubt what to ask
    (
        [item("a", maxLength=9), item("b", "date", maxLength=9)],
        Severity.ERROR,
        "item b: maxLength is for what is typed",
    ),
    ([item("a", "display", required=True)], Severity.ERROR, "item a: a display item cannot be required"),
    ([item("a", "display", readOnly=True)], Severity.ERROR, "item a: a display item cannot be readOnly"),
    ([item("a", required="true")], Severity.ERROR, "item a: required must be true or false, without quotes"),
    (
        [item("a", "integer", initial=[{"valueInteger": 1}, {"valueInteger": 2}])],
        Severity.ERROR,
        "item a: several initial values need repeats: true",
    ),
    (
        [item("a", "dateTime"), item("b", enableWhen=[when("a", ">", answerDate="2026-01-01T10:00:00Z")])],
        Severity.ERROR,
        "item b: enableWhen: answerDate is not a value",
    ),
    # a patient may miss something
    ([item("a", text="")], Severity.WARNING, "item a: there is no text to ask or show"),
    ([item("a", text="  ")], Severity.WARNING, "item a: there is no text to ask or show"),
    ([item("a", "display", text="")], Severity.WARNING, "item a: there is no text to ask or show"),
    ([{"linkId": "a", "type": "boolean"}], Severity.WARNING, "item a: there is no text to ask or show"),
    (
        [item("a", **extension(EXTENSION + "questionnaire-constraint"))],
        Severity.WARNING,
        "item a: questionnaire-constraint is left out: the rule is not checked",
    ),
    (
        [item("a", **fhirpath(SDC + "initialExpression", "1"))],
        Severity.WARNING,
        "item a: sdc-questionnaire-initialExpression is left out: nothing is filled in beforehand",
    ),
    (
        [item("a", **extension(SDC + "answerOptionsToggleExpression"))],
        Severity.WARNING,
        "item a: sdc-questionnaire-answerOptionsToggleExpression is left out: all answers are offered",
    ),
    (
        [item("a", **fhirpath(VARIABLE, "x", "application/x-fhir-query", name="x"))],
        Severity.WARNING,
        "item a: a variable is left empty: the language application/x-fhir-query is not text/fhirpath",
    ),
    (
        [CHOICE_OF_X, item("b", enableWhen=[when("a", "=", answerCoding=coding("y"))])],
        Severity.WARNING,
        "item b: enableWhen waits for an answer that a does not offer",
    ),
    (
        [CHOICE_OF_X, item("b", enableWhen=[when("a", "=", answerString="y")])],
        Severity.WARNING,
        "item b: enableWhen waits for an answer that a does not offer",
    ),
]


@pytest.mark.parametrize(("items", "severity", "words"), DOUBTFUL, ids=[words for *_, words in DOUBTFUL])
def test_what_is_doubtful_is_told_and_can_be_asked(items: list[Any], severity: Severity, words: str) -> None:
    (found,) = problems(form(*items))
    assert words in str(found)
    assert (found.severity, found.refuses) == (severity, False)
    assert load(*items).items


@pytest.mark.parametrize("url", sorted(NOTHING_TO_DO))
def test_what_means_nothing_in_a_chat_is_noted(url: str) -> None:
    (found,) = problems(form(item("a", **extension(url, valueCode="x"))))
    assert str(found) == f"item a: {url.rsplit('/', 1)[-1]} means nothing in a chat"
    assert found.severity is Severity.INFORMATION


def test_a_questionnaire_without_status_can_be_asked() -> None:
    (found,) = problems({key: value for key, value in form(A).items() if key != "status"})
    assert (found.severity, found.code, found.refuses) == (Severity.ERROR, "required", False)


@pytest.mark.parametrize(
    ("reference", "contained", "words"),
    [
        ("urn:v", CONTAINED, "urn:v is not contained in this file, and a chat has no terminology server"),
        ("#w", CONTAINED, "no contained ValueSet has the id w"),
        (5, CONTAINED, "5 is not contained in this file"),
        ("#v", [valueset()], "the ValueSet #v lists no codes"),
        ("#v", [valueset(compose={"include": [], "exclude": [{"system": "urn:s"}]})], "the ValueSet #v must list its"),
        ("#v", [composed(system="urn:s", filter=[{}])], "the ValueSet #v must list its codes: filters need"),
        ("#v", [composed(valueSet=["urn:w"])], "the ValueSet #v must list its codes: filters need"),
        ("#v", [composed(system="urn:s")], "must list its codes: all of urn:s is not in this file"),
        ("#v", [composed(concept=[{"display": 5}])], "answerValueSet"),
        ("#v", [valueset(compose=5)], "answerValueSet: the ValueSet cannot be read"),
    ],
)
def test_an_answer_value_set_that_cannot_be_used_is_refused(reference: Any, contained: Any, words: str) -> None:
    (found,) = problems(form(item("a", "choice", answerValueSet=reference), contained=contained))
    assert words in str(found)
    assert (found.item, found.refuses) == ("a", True)


SYSTEM = {"resourceType": "CodeSystem", "url": "urn:s", "concept": [{"code": "a", "concept": [{"code": "b"}]}]}


@pytest.mark.parametrize(
    ("contained", "codes"),
    [
        ([*CONTAINED, composed(system="urn:s", concept=[{"code": "b"}, {"code": "a"}])], ["b", "a"]),
        ([composed(system="urn:s"), SYSTEM], ["a", "b"]),
        ([valueset(expansion={"contains": [{"code": "a", "contains": [{"code": "b"}]}]}, compose=5)], ["a", "b"]),
        ([valueset(expansion={"contains": [{"code": "a", "abstract": True}, {"code": "b"}]})], ["b"]),
        ([composed(concept=[{"code": "a", "inactive": True}, {"code": "b"}])], ["b"]),
        ([excluding("b", "c")], ["a"]),
    ],
)
def test_a_contained_value_set_offers_its_codes_in_order(contained: Any, codes: list[str]) -> None:
    (found,) = load(item("a", "choice", answerValueSet="#v"), contained=contained).items
    assert [option.label for option in found.options] == codes


NAMED = {"code": "a", "designation": [{"value": "Alpha"}, {"language": "de", "value": "Erster"}, {"value": 5}, {}]}


@pytest.mark.parametrize("listed", [composed(concept=[NAMED]), valueset(expansion={"contains": [NAMED]})])
def test_the_designations_of_a_code_are_its_other_names(listed: Any) -> None:
    (found,) = load(item("a", "choice", answerValueSet="#v"), contained=[listed]).items
    assert [option.also for option in found.options] == [("Alpha", "Erster")]
    assert (found.autocomplete, found.others) == (False, ())


@pytest.mark.parametrize("kind", ["choice", "open-choice"])
def test_autocomplete_lets_options_be_found_by_typing(kind: str) -> None:
    control = extension(ITEM_CONTROL, valueCodeableConcept={"coding": [{"code": "autocomplete"}]})
    (found,) = load(item("a", kind, answerValueSet="#v", **control), contained=[excluding("b")]).items
    assert found.autocomplete
    assert found.others == ("b", "bbb")
    (listed,) = load(choice("a", "x", "y", kind=kind, **control)).items
    assert (listed.autocomplete, listed.others) == (True, ())


def test_autocomplete_means_nothing_where_there_is_no_choice() -> None:
    control = extension(ITEM_CONTROL, valueCodeableConcept={"coding": [{"code": "autocomplete"}]})
    (found,) = load(item("a", "string", **control)).items
    assert not found.autocomplete


def test_all_mistakes_are_told_at_once_in_the_order_of_the_items() -> None:
    found = messages(item("a", "reference"), item("g", "group", item=[item("b", text=""), item("c", repeats=True)]))
    assert [line.split(":")[0] for line in found] == ["item a", "item b", "item c"]


def test_problems_carry_fhirs_codes() -> None:
    found = problems(
        form(item("a", "reference"), A, A, item("b", enableWhen=[when("x", "exists", answerBoolean=True)]))
    )
    assert [problem.code for problem in found] == ["not-supported", "duplicate", "duplicate", "not-found"]
    assert {problem.severity for problem in found} == {Severity.ERROR}


@pytest.mark.parametrize("mistake", [{"code": 5}, {"answerOption": 5}, {"type": ["choice"]}, {"enableWhen": None}])
def test_a_mistake_in_one_item_is_not_blamed_on_those_that_look_at_it(mistake: Raw) -> None:
    later = item("b", enableWhen=[when("a", "=", answerBoolean=True)])
    found = messages(choice("a", "x") | mistake, later)
    assert [line.split(":")[0] for line in found] == ["item a"]


def test_an_option_prefix_is_part_of_its_button() -> None:
    offered = [{"valueCoding": coding("x") | {"display": "Never"}, **extension(OPTION_PREFIX, valueString="a)")}]
    (found,) = load(item("a", "choice", answerOption=offered)).items
    assert [option.label for option in found.options] == ["a) Never"]


@pytest.mark.parametrize(("levels", "can_be_asked"), [(45, True), (60, False), (400, False)])
def test_a_very_deep_questionnaire_is_refused_by_name(levels: int, can_be_asked: bool) -> None:
    deep = item("x")
    for number in range(levels):
        deep = item(f"g{number}", "group", item=[deep])
    if can_be_asked:
        assert len(load(deep).walk()) == levels + 1
    else:
        with pytest.raises(TaperlineError, match=r"^test\.json"):
            load(deep)
