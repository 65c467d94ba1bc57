"""Answers as the items of a QuestionnaireResponse, and back. Whatever was answered: see the machine."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from flows.items import ItemType
from flows.responses import Detail, answers, items, typed
from flows.values import DECLINED, Coding, PartialDate, Place, Value
from tests.flows.forms import CODES, choice, item, load, occurs

RED, GREEN = (Coding(code, "urn:test") for code in ("red", "green"))
FORM = load(
    item("a", item=[item("b", "text")]),
    choice("m", *CODES, repeats=True, item=[item("n")]),
    item("g", "group", repeats=True, item=[item("c", "integer"), item("h", "group", item=[item("d")])]),
    item("text", "display"),
)
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def test_what_is_below_a_question_is_inside_its_answer_and_groups_hold_what_was_answered() -> None:
    reached: dict[Place, Any] = {
        Place("a"): (True,),
        Place("b"): ("why",),
        Place("m"): (RED, GREEN),
        Place("n", (2,)): (False,),
        Place("d", (1,)): (True,),
    }
    red, green = ({"system": "urn:test", "code": code} for code in ("red", "green"))
    assert items(FORM.items, reached) == [
        {
            "linkId": "a",
            "text": "About a?",
            "answer": [
                {
                    "valueBoolean": True,
                    "item": [{"linkId": "b", "text": "About b?", "answer": [{"valueString": "why"}]}],
                }
            ],
        },
        {
            "linkId": "m",
            "text": "About m?",
            "answer": [
                {"valueCoding": red},
                {
                    "valueCoding": green,
                    "item": [{"linkId": "n", "text": "About n?", "answer": [{"valueBoolean": False}]}],
                },
            ],
        },
        {
            "linkId": "g",
            "text": "About g?",
            "item": [
                {
                    "linkId": "h",
                    "text": "About h?",
                    "item": [{"linkId": "d", "text": "About d?", "answer": [{"valueBoolean": True}]}],
                }
            ],
        },
    ]


def test_without_an_answer_there_is_nothing_because_fhir_has_no_empty_list() -> None:
    assert items(FORM.items, {}) == []
    assert items(FORM.items, {Place("a"): (), Place("c", (1,)): ()}) == []


def test_an_occurrence_in_which_all_was_skipped_is_left_out_unless_it_is_asked_for() -> None:
    reached: dict[Place, Any] = {Place("c", (1,)): (), Place("g", (2,)): (True,), Place("c", (2,)): (5,)}
    (only,) = items(FORM.items, reached)
    assert only["item"][0]["answer"] == [{"valueInteger": 5}]
    both = items(FORM.items, reached, detail=Detail.SKIPPED)
    assert len(both) == 2
    assert answers(FORM.items, both).items() >= reached.items()


def test_a_refused_occurrence_is_told_only_when_decisions_are() -> None:
    reached: dict[Place, Any] = {Place("c", (1,)): (5,), Place("g", (2,)): (False,)}
    assert len(items(FORM.items, reached, detail=Detail.SKIPPED)) == 1
    told = items(FORM.items, reached, detail=Detail.DECIDED)
    assert told[1] == {
        "linkId": "g",
        "text": "About g?",
        "extension": [{"url": ABSENT, "valueCode": "not-applicable"}],
    }
    assert answers(FORM.items, told)[Place("g", (2,))] == (False,)


def test_who_would_rather_not_say_gives_the_reason_in_place_of_a_value() -> None:
    (told,) = items(FORM.items, {Place("a"): (DECLINED,)})
    assert told["answer"] == [{"extension": [{"url": ABSENT, "valueCode": "asked-declined"}]}]
    assert answers(FORM.items, [told]) == {Place("a"): (DECLINED,)}


@pytest.mark.parametrize(
    ("kind", "value", "element"),
    [
        ("dateTime", date(2026, 3, 3), {"valueDateTime": "2026-03-03"}),
        ("dateTime", PartialDate(2026), {"valueDateTime": "2026"}),
        ("dateTime", datetime(2026, 3, 3, 10, 0, tzinfo=UTC), {"valueDateTime": "2026-03-03T10:00:00+00:00"}),
        ("date", PartialDate(2026, 3), {"valueDate": "2026-03"}),
        ("url", "https://a.example", {"valueUri": "https://a.example"}),
        ("string", "https://a.example", {"valueString": "https://a.example"}),
        ("decimal", 5, {"valueDecimal": 5}),
        ("decimal", Decimal("0.5"), {"valueDecimal": 0.5}),
        ("integer", 5, {"valueInteger": 5}),
    ],
)
def test_a_value_is_named_by_the_type_of_its_question(kind: str, value: Value, element: dict[str, Any]) -> None:
    (asked,) = load(item("a", kind)).items
    assert asked.type is ItemType(kind)
    assert typed(asked, value) == element


def test_values_of_a_question_may_stand_in_one_item_or_in_several() -> None:
    form = load(item("a", "integer", repeats=True))
    together = [{"linkId": "a", "answer": [{"valueInteger": 1}, {"valueInteger": 2}]}]
    apart = [{"linkId": "a", "answer": [{"valueInteger": number}]} for number in (1, 2)]
    assert answers(form.items, together) == answers(form.items, apart) == {Place("a"): (1, 2)}


@pytest.mark.parametrize("answer", [{}, {"valueInteger": "1"}, {"valueInteger": 1, "valueString": "1"}])
def test_an_answer_without_a_value_is_an_error(answer: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="value"):
        answers(FORM.items, [{"linkId": "a", "answer": [answer]}])


def test_occurrences_keep_their_order_beyond_nine() -> None:
    form = load(item("g", "group", repeats=True, extension=occurs(1, 12), item=[item("a", "integer")]))
    reached: dict[Place, Any] = {Place("a", (number,)): (number,) for number in range(12, 0, -1)}
    found = [entry["item"][0]["answer"][0]["valueInteger"] for entry in items(form.items, reached)]
    assert found == list(range(1, 13))
