"""Checklists: what was chosen, how bad each was, and when that is all of it."""

from typing import Any

import pytest

from flows.checklists import checklists, levels
from flows.course import follow
from flows.questionnaire import Questionnaire
from flows.values import DECLINED, Answers, Coding, Place, Value
from tests.flows.forms import choice, item, load, scored

NONE = {"question": "felt", "operator": "!=", "answerCoding": {"system": "urn:test", "code": "none"}}


def form(*below: dict[str, Any]) -> Questionnaire:
    """A checklist of three symptoms, or none, with these items below each answer."""
    return load(choice("felt", "none", "sleep", "heart", "ears", repeats=True, item=list(below)), item("last"))


LEVEL = scored("level", 0, 1, 2, 3, enableWhen=[NONE])


def felt(*codes: str, **at: Value) -> Answers:
    """These symptoms, and how bad they were by number: _1=2 stands for the first at 2."""
    chosen = tuple(Coding(code, "urn:test") for code in codes)
    found: dict[Place, tuple[Value, ...]] = {Place("felt"): chosen}
    for number, level in at.items():
        found[Place("level", (int(number.removeprefix("_")),))] = (level,)
    return found


def rank(level: int) -> Coding:
    """The option of the scored question below with this value."""
    (_, below), *_ = checklists(form(LEVEL))
    found = below.options[level].value
    assert isinstance(found, Coding)
    return found


@pytest.mark.parametrize(
    ("answers", "found", "is_whole"),
    [
        ({}, {}, False),
        (felt("none"), {}, True),
        (felt("sleep", "heart"), {}, False),
        (felt("sleep", "heart", _1=rank(3)), {"sleep": 3}, False),
        (felt("sleep", "heart", _1=rank(3), _2=rank(0)), {"sleep": 3, "heart": 0}, True),
        (felt("sleep", _1=DECLINED), {}, False),
        ({Place("felt"): ()}, {}, True),
    ],
)
def test_each_entry_has_its_level_and_it_is_whole_when_none_is_missing(
    answers: Answers, found: dict[str, int], is_whole: bool
) -> None:
    asked = form(LEVEL)
    ((checklist, below),) = checklists(asked)
    assert levels(checklist, below, follow(asked, answers)) == (found, is_whole)


def test_only_a_question_with_several_answers_and_a_score_below_each_is_a_checklist() -> None:
    assert list(checklists(form())) == []
    assert list(checklists(form(item("words", "string")))) == []
    assert [below.link_id for _, below in checklists(form(item("words", "string"), LEVEL))] == ["level"]
    assert list(checklists(load(choice("felt", "sleep", "heart", item=[scored("level", 0, 1)])))) == []
