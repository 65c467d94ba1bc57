"""A questionnaire drawn: every question has its box, every condition its words, every way leads on."""

import re

from flows import diagram
from flows.catalogue import Catalogue
from flows.questionnaire import Questionnaire
from tests.flows.forms import CODES, choice, coding, item, load, when


def edges(drawing: str) -> list[tuple[str, str, str]]:
    """The arrows: (from, word, to)."""
    return re.findall(r"^\s*(\w+) --(?: (\w+) --)?> (\w+)$", drawing, re.MULTILINE)


def boxes(drawing: str) -> dict[str, str]:
    """The words of each box."""
    return dict(re.findall(r'^\s*(\w+)(?:\(\[|\[/|\[|\{\{|>)"(.*)"', drawing, re.MULTILINE))


def ways(form: Questionnaire) -> set[str]:
    """Every box that can be reached from the beginning."""
    found, onward = {"begin"}, edges(diagram.mermaid(form))
    for _ in onward:
        found |= {end for start, _, end in onward if start in found}
    return found


def test_each_box_of_the_clinics_own_questionnaires_can_be_reached_and_leads_to_the_end(content: Catalogue) -> None:
    for form in content.questionnaires.values():
        drawing = diagram.mermaid(form)
        assert ways(form) == {"begin", *boxes(drawing)}
        assert {start for start, _, _ in edges(drawing)} == {"begin", *boxes(drawing)} - {"review"}
        asked = [found for found in form.walk() if found.is_asked]
        assert len(asked) > 5
        for found in asked:
            assert f"q{form.positions[found.link_id]}" in boxes(drawing)


def test_a_condition_is_said_with_the_words_of_the_question_and_the_button() -> None:
    tests = [when("a", "=", answerCoding=coding(code)) for code in ("red", "blue")]
    form = load(choice("a", *CODES), item("b", enableWhen=tests, enableBehavior="any"), item("c"))
    drawing = diagram.mermaid(form)
    assert boxes(drawing)["if1"] == "“About a?” is Red or Blue"
    assert {("q0", "", "if1"), ("if1", "yes", "q1"), ("if1", "no", "q2"), ("q1", "", "q2")} <= set(edges(drawing))


def test_what_repeats_comes_back_to_its_beginning() -> None:
    form = load(item("g", "group", repeats=True, item=[item("a")]), item("b"))
    assert {("q0", "", "q1"), ("q1", "", "againq0"), ("againq0", "yes", "q0"), ("againq0", "no", "q2")} <= set(
        edges(diagram.mermaid(form))
    )


def test_what_mermaid_would_read_as_its_own_is_escaped() -> None:
    drawing = diagram.mermaid(load(item("a", text='Is "x" < 5 #1 & <b>?')))
    assert boxes(drawing)["q0"].startswith("Is &quot;x&quot; &lt; 5 &num;1 &amp; &lt;b&gt;?")


def test_hidden_items_are_left_out_and_computed_ones_are_named_so() -> None:
    hidden = [{"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-hidden", "valueBoolean": True}]
    form = load(item("h", extension=hidden), item("r", readOnly=True, initial=[{"valueBoolean": True}]), item("a"))
    drawn = boxes(diagram.mermaid(form))
    assert "q0" not in drawn
    assert drawn["q1"].endswith("<i>shown</i>")
