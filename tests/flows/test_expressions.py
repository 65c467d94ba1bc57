"""FHIRPath: what is computed from answers, in the words of forms that others wrote."""

import copy
import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from flows.course import follow
from flows.expressions import Evaluator, fault
from flows.questionnaire import Questionnaire
from flows.values import DECLINED, Coding, Place, Quantity, Values
from tests.flows.forms import choice, item, load, scored

SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
VARIABLE = "http://hl7.org/fhir/StructureDefinition/variable"
UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
NOW = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
Given = dict[Place, Values]


def expression(url: str, text: str, name: str | None = None) -> dict[str, Any]:
    """An extension that holds FHIRPath."""
    return {"url": url, "valueExpression": {"language": "text/fhirpath", "expression": text, "name": name}}


def variables(**texts: str) -> list[dict[str, Any]]:
    return [expression(VARIABLE, text, name) for name, text in texts.items()]


def calculated(link_id: str, kind: str, text: str, *more: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """A computed item."""
    return item(link_id, kind, extension=[*more, expression(SDC + "calculatedExpression", text)], **parts)


def enabled_by(text: str) -> list[dict[str, Any]]:
    return [expression(SDC + "enableWhenExpression", text)]


def chosen(form: Questionnaire, **options: int) -> Given:
    """The answers that choose these options of these questions."""
    found: Given = {}
    for link_id, option in options.items():
        asked = form.find(link_id)
        assert asked is not None
        found[Place(link_id)] = (asked.options[option].value,)
    return found


def computed(form: Questionnaire, link_id: str, given: Given | None = None) -> Values:
    return follow(form, given or {}).computed.get(Place(link_id), ())


def result(text: str, kind: str = "string", *, now: datetime | None = None, **parts: Any) -> Values:
    """What an expression gives for an item of a type, in a form with a few answers."""
    asked = [
        item("words", "string"),
        item("number", "decimal"),
        item("day", "date"),
        item("dose", "quantity"),
        item("flag"),
    ]
    form = load(*asked, scored("scored", 0, 1, 2), calculated("result", kind, text, **parts))
    given: Given = {
        Place("words"): ("abc",),
        Place("number"): (Decimal("0.1"),),
        Place("flag"): (False,),
        Place("day"): (date(1986, 3, 3),),
        Place("dose"): (Quantity(Decimal("2.5"), "mg", "mg", "http://unitsofmeasure.org"),),
        **chosen(form, scored=2),
    }
    found = form.find("result")
    assert found is not None
    return Evaluator(form, given, now).value(found, Place("result"))


ANSWER = "%resource.item.where(linkId='{}').answer.value"


@pytest.fixture
def long_way() -> Questionnaire:
    """A total as LHC's PHQ-9 has it: each weight is looked up among the options of the questionnaire."""
    ordinal = (
        "%questionnaire.item.where(linkId = '{0}').answerOption.where(valueCoding.code=%resource.item"
        ".where(linkId = '{0}').answer.valueCoding.code).extension.where(url=%scoreExt).valueDecimal"
    )
    names = {
        "scoreExt": "'http://hl7.org/fhir/StructureDefinition/ordinalValue'",
        **{f"{name}_value": ordinal.format(name) for name in ("q1", "q2", "q3")},
        "any_questions_answered": "%q1_value.exists() or %q2_value.exists() or %q3_value.exists()",
    }
    parts = " + ".join(f"iif(%{name}_value.exists(), %{name}_value, 0)" for name in ("q1", "q2", "q3"))
    total = calculated("total", "decimal", f"iif(%any_questions_answered, {parts}, {{}})", *variables(**names))
    return load(*(scored(name, 0, 1, 2, 3) for name in ("q1", "q2", "q3")), total)


def test_a_total_that_looks_up_every_weight_equals_the_sum(long_way: Questionnaire) -> None:
    assert computed(long_way, "total") == ()
    assert computed(long_way, "total", chosen(long_way, q1=3, q2=1)) == (Decimal(4),)
    assert computed(long_way, "total", chosen(long_way, q1=3, q2=3, q3=3)) == (Decimal(9),)


@pytest.mark.parametrize(
    "text",
    [
        "%resource.answers().value.ordinal().sum()",
        "%resource.repeat(item).answer.ordinalValue().aggregate($this + $total, 0)",
        "%resource.item.where(linkId = 'g').item.answer.weight().sum()",
        "%resource.item.item.weight().sum()",
        "%resource.repeat(item | answer.item).where(linkId in ('a' | 'b')).answer.value.ordinal().sum()",
        "%resource.descendants().where(linkId = 'a' or linkId = 'b').answer.value.ordinal().sum()",
    ],
)
def test_ordinals_add_up_in_every_way_that_forms_say_it(text: str) -> None:
    form = load(
        item("g", "group", item=[scored("a", 0, 1, 2, 3), scored("b", 0, 1, 2, 3)]), calculated("t", "integer", text)
    )
    for first in range(4):
        for second in range(4):
            assert computed(form, "t", chosen(form, a=first, b=second)) == (first + second,)


def test_a_total_of_type_quantity_takes_the_unit_of_its_item() -> None:
    unit = {"url": UNIT, "valueCoding": {"system": "http://unitsofmeasure.org", "code": "{score}", "display": "points"}}
    form = load(scored("a", 0, 3), calculated("t", "quantity", "%resource.answers().value.ordinal().sum()", unit))
    expected = Quantity(Decimal(3), "points", "{score}", "http://unitsofmeasure.org")
    assert computed(form, "t", chosen(form, a=1)) == (expected,)


def test_nothing_answered_has_no_sum_and_a_refusal_scores_nothing() -> None:
    form = load(
        scored("a", 0, 3), scored("b", 0, 3), calculated("t", "integer", "%resource.answers().value.ordinal().sum()")
    )
    assert computed(form, "t") == ()
    assert computed(form, "t", {Place("a"): (DECLINED,), Place("b"): ()}) == ()


def test_a_risk_with_logarithms_and_a_power_that_is_no_whole_number() -> None:
    text = "1 - (0.98767).power((31.764001 * (%age.ln() - 3.9213204) + 22.465206 * (200.ln() - 5.3628984)).exp())"
    form = load(item("age", "decimal"), calculated("risk", "decimal", text, *variables(age=ANSWER.format("age"))))
    (risk,) = computed(form, "risk", {Place("age"): (Decimal("45.5"),)})
    weighed = 31.764001 * (math.log(45.5) - 3.9213204) + 22.465206 * (math.log(200) - 5.3628984)
    assert isinstance(risk, Decimal)
    assert float(risk) == pytest.approx(1 - 0.98767 ** math.exp(weighed))


def test_a_coded_result_is_an_option_of_its_item() -> None:
    risk = choice("risk", "red", "green")
    names = variables(
        answered="%resource.item.where(linkId='worried').answer.value.code.exists()",
        status="('green' | 'blue') contains %resource.item.where(linkId='worried').answer.value.code",
        high="%questionnaire.item.where(linkId = 'risk').answerOption.valueCoding.where(code='red')",
        low="%qitem.answerOption.valueCoding.where(code='green')",
    )
    text = "iif(%answered, iif(%status, %high, %low), {})"
    risk["extension"] = [*names, expression(SDC + "calculatedExpression", text)]
    form = load(choice("worried", "red", "green", "blue"), risk)
    assert computed(form, "risk") == ()
    assert computed(form, "risk", chosen(form, worried=2)) == (Coding("red", "urn:test"),)
    assert computed(form, "risk", chosen(form, worried=0)) == (Coding("green", "urn:test"),)


def test_a_variable_is_seen_below_where_it_is_declared_and_the_inner_one_wins() -> None:
    inner = item(
        "inner",
        "group",
        extension=variables(X="item.where(linkId='b').answer.value", Y="%X + 2"),
        item=[item("b", "integer"), calculated("c", "integer", "%Y + 4 + %Z")],
    )
    beside = item("beside", "group", item=[calculated("d", "integer", "%Y + 5"), calculated("e", "integer", "%X + 8")])
    form = load(inner, beside, extension=variables(X="100", Z="%X * 2", self="%self", late="%later", later="1"))
    given: Given = {Place("b"): (1,)}
    assert computed(form, "c", given) == (207,)
    assert computed(form, "d", given) == ()
    assert computed(form, "e", given) == (108,)


def test_in_a_repeating_group_each_occurrence_sees_its_own_answers() -> None:
    medicine = item("medicine", "group", repeats=True, item=[item("each", "decimal"), item("times", "integer")])
    medicine["item"].append(calculated("daily", "decimal", "%each * %times"))
    medicine["extension"] = variables(
        each="item.where(linkId='each').answer.value", times="%context.item.where(linkId='times').answer.value"
    )
    all_of_it = calculated("all", "decimal", "%resource.item.item.where(linkId='daily').answer.value.sum()")
    form = load(medicine, all_of_it)
    given: Given = {
        Place("each", (1,)): (Decimal("0.5"),),
        Place("times", (1,)): (3,),
        Place("medicine", (2,)): (True,),
        Place("each", (2,)): (Decimal("0.25"),),
        Place("times", (2,)): (2,),
        Place("medicine", (3,)): (False,),
    }
    found = follow(form, given).computed
    assert found[Place("daily", (1,))] == (Decimal("1.5"),)
    assert found[Place("daily", (2,))] == (Decimal("0.5"),)
    assert found[Place("all")] == (Decimal("2.0"),)


def test_the_context_of_a_question_is_its_own_entry_and_that_of_a_text_what_is_around_it() -> None:
    mine = item("yes", "string", extension=enabled_by(ANSWER.format("1") + ".code = %context.linkId"))
    around = item("note", "display", extension=enabled_by("%context.item.where(linkId='sick').answer.value"))
    form = load(choice("1", "yes", "no"), mine, item("g", "group", item=[item("sick"), around]))
    shown = follow(form, chosen(form, **{"1": 0}) | {Place("sick"): (True,)})
    assert [entry.place.link_id for entry in shown.entries] == ["1", "yes", "sick"]
    assert shown.closing == ("About note?",)
    hidden = follow(form, chosen(form, **{"1": 1}) | {Place("sick"): (False,)})
    assert [entry.place.link_id for entry in hidden.entries] == ["1", "sick"]
    assert hidden.closing == ()


@pytest.mark.parametrize(
    ("text", "enabled"),
    [
        ("%a and (%a and %b).not()", True),
        ("%b", False),
        ("%nobody.knows = 'this'", False),
        ("{}", False),
        ("'abc'", True),
        ("true | false", False),
        ("'abc' > 5", True),
    ],
    ids=["true", "false", "unknown", "empty", "one value", "two values", "cannot be evaluated: better asked"],
)
def test_a_condition_holds_when_its_one_value_is_true(text: str, enabled: bool) -> None:
    form = load(item("q", extension=enabled_by(text)), extension=variables(a="true", b="false"))
    assert bool(follow(form, {}).entries) is enabled


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("3 / 2", "decimal", Decimal("1.5")),
        ("0.1 + 0.2", "decimal", Decimal("0.3")),
        ("1 / 3", "decimal", Decimal("0.333333333333333")),
        ("(0.5).round()", "integer", 1),
        ("(2.5).round(0)", "integer", 3),
        ("(1.005).round(2)", "decimal", Decimal("1.01")),
        (ANSWER.format("number") + " = 0.1", "boolean", True),
        (ANSWER.format("number") + " * 3", "decimal", Decimal("0.3")),
        ("(1.10).toString() & '%'", "string", "1.10%"),
        ("true.toString()", "string", "true"),
        ("(%resource.item.answer.valueDecimal | 0.3).avg()", "decimal", Decimal("0.2")),
        ("(%resource.item.answer.valueDecimal | 0.3).max()", "decimal", Decimal("0.3")),
        ("(0.3 | %resource.item.answer.valueDecimal).min()", "decimal", Decimal("0.1")),
        ("%resource.item.answer.where(valueBoolean).count()", "integer", 0),
        ("%resource.item.answer.exists(valueBoolean)", "boolean", False),
        ("%resource.item.answer.valueString.hasValue()", "boolean", True),
        ("4.0", "integer", 4),
        ("(4 | 8 | 4.0 | 8).count()", "integer", 2),
        ("('a' | '1' | 1 | true | 'a').count()", "integer", 4),
        (
            "%resource.item.union(%resource.item).distinct().where(linkId = 'scored').answer.value.ordinal()",
            "integer",
            2,
        ),
        ("'2020-05-06'", "date", date(2020, 5, 6)),
        ("@2020-05-06", "dateTime", date(2020, 5, 6)),
        (ANSWER.format("day") + " + 1 year", "date", date(1987, 3, 3)),
        (ANSWER.format("dose"), "quantity", Quantity(Decimal("2.5"), "mg", "mg", "http://unitsofmeasure.org")),
        (ANSWER.format("dose") + ".toQuantity('g').value * 1000", "decimal", Decimal("2.5")),
        (ANSWER.format("dose") + " > 2 'mg'", "boolean", True),
        (ANSWER.format("dose") + " < 0.0024 'g'", "boolean", False),
        (ANSWER.format("dose") + " <= 2.4 'mg'", "boolean", False),
        (ANSWER.format("dose") + " >= 2.4 'mg'", "boolean", True),
        (ANSWER.format("dose") + " = 0.0025 'g'", "boolean", True),
        (ANSWER.format("dose") + " != 0.0025 'g'", "boolean", False),
        (ANSWER.format("dose") + " = 2.5 'mL'", "boolean", False),
        (ANSWER.format("dose") + " != 2.5 'mL'", "boolean", True),
        (ANSWER.format("scored") + ".ofType(Coding).ordinal()", "integer", 2),
        ("%ucum", "string", "http://unitsofmeasure.org"),
    ],
)
def test_results_are_exact_and_of_the_type_of_their_item(text: str, kind: str, expected: object) -> None:
    assert result(text, kind) == (expected,)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1.5", "integer"),
        ("'5'", "integer"),
        ("true", "decimal"),
        ("5", "string"),
        ("1", "boolean"),
        ("'May'", "date"),
        ("'25:00:00'", "time"),
        ("'mg'", "quantity"),
        ("'a' | 'b'", "string"),
        ("%patient.name.given.first()", "string"),
        ("1 / 0", "decimal"),
        ("'a' + 1", "string"),
        ("(0 - 1).ln()", "decimal"),
        ("9.power(9).power(9).power(9).power(9)", "decimal"),
        ("('a' | 'b').sum()", "decimal"),
        (ANSWER.format("dose") + " > 2 'mL'", "boolean"),
    ],
)
def test_what_does_not_fit_or_cannot_be_evaluated_is_empty(text: str, kind: str) -> None:
    assert result(text, kind) == ()


@pytest.mark.parametrize("kind", ["choice", "open-choice"])
def test_only_an_open_choice_takes_other_words(kind: str) -> None:
    options = choice("x", "red")["answerOption"]
    assert result("'other words'", kind, answerOption=options) == (("other words",) if kind == "open-choice" else ())


def test_several_values_go_where_several_can_be_given() -> None:
    assert result("'a' | 'b'", "string", repeats=True) == ("a", "b")


def test_a_variable_in_another_language_is_empty() -> None:
    query = {
        "url": VARIABLE,
        "valueExpression": {"language": "application/x-fhir-query", "name": "x", "expression": "P?a"},
    }
    form = load(item("q"), calculated("t", "boolean", "%x.exists()", query))
    assert computed(form, "t") == (False,)


def test_time_is_an_argument() -> None:
    age = (
        "today().toString().substring(0, 4).toInteger() - "
        + ANSWER.format("day")
        + ".toString().substring(0, 4).toInteger()"
    )
    assert result(age, "integer", now=NOW) == (40,)
    assert result("today()", "date", now=NOW) == (date(2026, 3, 2),)
    assert result("now()", "dateTime", now=NOW) == (NOW,)
    assert result("timeOfDay() > @T23:00:00", "boolean", now=NOW) == (True,)
    assert result("today() - 1 month", "date", now=NOW) == (date(2026, 2, 2),)
    for text in ("today()", "now()"):
        assert result(text, "dateTime") == ()


def test_nothing_that_goes_in_is_changed(long_way: Questionnaire) -> None:
    before, given = copy.deepcopy(long_way.resource), dict(chosen(long_way, q1=1, q2=2, q3=3))
    follow(long_way, given)
    assert long_way.resource == before
    assert given == chosen(long_way, q1=1, q2=2, q3=3)


def test_threads_do_not_disturb_each_other(long_way: Questionnaire) -> None:
    def total(number: int) -> Values:
        assert fault(f"%resource.item.where(linkId = 'q{number}').answer.value + {number}") == ""
        return computed(long_way, "total", chosen(long_way, q1=number % 4, q2=number // 4))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(total, range(16))) == [(Decimal(number % 4 + number // 4),) for number in range(16)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 +", "line 1"),
        ("1 2", "line 1"),
        ("", "line 1"),
        ("%resource.item[0", "line 1"),
        ("'abc", "line 1"),
        ("%a.b..c", "line 1"),
        ("a.memberOf('urn:x')", "there is no function memberOf"),
        ("%a.where(b.frob() and %c.nicate() = 1)", "there is no function frob, nicate"),
        ("(" * 2000 + "1" + ")" * 2000, "nested too deeply"),
    ],
)
def test_a_fault_is_told_before_anybody_is_asked(text: str, words: str) -> None:
    assert words in fault(text)


def test_what_can_be_read_has_no_fault() -> None:
    assert fault("iif(%a.exists(), %resource.answers().value.ordinal().sum(), {})") == ""


def test_a_trace_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert result("trace('seen').where(linkId = 'result').linkId") == ("result",)
    assert capsys.readouterr().out == ""
