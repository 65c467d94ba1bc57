"""`taperline check` on broken files: each class of mistake is named by file and item, with its remedy."""

import ast
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

import flows
from bot import check
from bot.render import LANGUAGE, TEMPLATES
from flows import catalogue, questionnaire, reach
from flows.effects import IntakeOutcome
from flows.problems import Severity
from tests.e2e.test_operators import taperline

TODAY = date(2026, 11, 24)
OWN = Path(str(catalogue.own_content()))


def found_in(folder: Path, severity: Severity = Severity.ERROR) -> list[str]:
    return [text for found, text in check.findings(folder, today=TODAY) if found is severity]


def one_found(folder: Path) -> str:
    [found] = found_in(folder)
    return found


def changed(folder: Path, name: str, change: Callable[[Any], None]) -> None:
    """Put one of our own files, with a change, in front of ours."""
    content = yaml.safe_load((OWN / name).read_text("utf-8"))
    change(content)
    write(folder, name, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def form(*items: dict[str, Any]) -> str:
    return yaml.safe_dump({"resourceType": "Questionnaire", "status": "active", "item": list(items)}, sort_keys=False)


def when(question: str, operator: str, **answer: Any) -> dict[str, Any]:
    return {"enableWhen": [{"question": question, "operator": operator, **answer}]}


NUMBER = {"linkId": "n", "type": "integer", "text": "How many?", "required": True}
FLAG = {"linkId": "b", "type": "boolean", "text": "Is it so?", "required": True}
EVER = {"linkId": "x", "type": "boolean", "text": "And this?"}


def limits(least: int, most: int) -> dict[str, Any]:
    base = "http://hl7.org/fhir/StructureDefinition/"
    return {
        "extension": [
            {"url": base + "minValue", "valueInteger": least},
            {"url": base + "maxValue", "valueInteger": most},
        ]
    }


def test_our_own_content_has_nothing_to_mend() -> None:
    assert list(check.findings(None, today=TODAY)) == []


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ((NUMBER, NUMBER), ("item n", "the linkId stands twice", "its own")),
        ((EVER | when("nobody", "exists", answerBoolean=True),), ("item x", "nobody, which does not exist", "Correct")),
        ((EVER | when("n", "exists", answerBoolean=True), NUMBER), ("item x", "n, which is not asked before", "Move")),
        ((NUMBER | {"required": "true"},), ("item n", "required must be true or false, without quotes")),
    ],
    ids=["duplicate linkId", "unknown question", "later question", "askable, but wrong"],
)
def test_a_mistake_in_a_questionnaire(
    tmp_path: Path, items: tuple[dict[str, Any], ...], words: tuple[str, ...]
) -> None:
    write(tmp_path, "questionnaires/extra.yaml", form(*items))
    found = one_found(tmp_path)
    assert found.startswith("questionnaires/extra.yaml, ") or found.startswith("questionnaires/extra.yaml: ")
    assert all(word in found for word in words), found


@pytest.mark.parametrize(
    "items",
    [
        (NUMBER | limits(1, 10), EVER | when("n", ">", answerInteger=10)),
        (FLAG, EVER | when("b", "exists", answerBoolean=False)),
        (
            FLAG,
            NUMBER | when("b", "=", answerBoolean=True),
            {
                **EVER,
                "enableBehavior": "all",
                "enableWhen": [
                    {"question": "n", "operator": ">=", "answerInteger": 3},
                    {"question": "b", "operator": "=", "answerBoolean": False},
                ],
            },
        ),
        (
            FLAG,
            {"linkId": "g", "type": "group", "item": [NUMBER], **when("b", "=", answerBoolean=True)},
            {
                **EVER,
                "enableBehavior": "all",
                "enableWhen": [
                    {"question": "n", "operator": "exists", "answerBoolean": True},
                    {"question": "b", "operator": "!=", "answerBoolean": True},
                ],
            },
        ),
    ],
    ids=["beyond the limit", "a required answer missing", "two that exclude each other", "through a group"],
)
def test_a_question_that_no_answers_lead_to(tmp_path: Path, items: tuple[dict[str, Any], ...]) -> None:
    write(tmp_path, "questionnaires/extra.yaml", form(*items))
    found = one_found(tmp_path)
    assert found.startswith("questionnaires/extra.yaml, item x: no answers lead to it. Change its enableWhen")


@pytest.mark.parametrize(
    "items",
    [
        (NUMBER | limits(1, 10), EVER | when("n", ">", answerInteger=9)),
        ({**FLAG, "required": False}, EVER | when("b", "exists", answerBoolean=False)),
        ({"linkId": "d", "type": "date", "text": "When?"}, EVER | when("d", "<", answerDate="2020-01-01")),
        ({"linkId": "s", "type": "string", "text": "What?"}, EVER | when("s", "<", answerString="test")),
    ],
)
def test_a_question_that_some_answers_lead_to_is_in_order(tmp_path: Path, items: tuple[dict[str, Any], ...]) -> None:
    write(tmp_path, "questionnaires/extra.yaml", form(*items))
    assert found_in(tmp_path) == []


@pytest.mark.parametrize(
    ("test", "part"),
    [
        ('{question: phq9-9, operator: ">=", answer: 4}', "phq9-9 >= 4 never holds"),
        ('{question: "%total.phq9", operator: ">", answer: 27}', "%total.phq9 > 27 never holds"),
        ('{question: "%dose.fall", operator: ">", answer: 1}', "%dose.fall > 1 never holds"),
        ('{question: "%channel", operator: "=", answer: closed}', "%channel = closed never holds"),
        ('{question: "%standing", operator: "=", answer: gone}', "%standing = gone never holds"),
        ('{question: "%misunderstood", operator: "<", answer: 0}', "%misunderstood < 0 never holds"),
        ('{question: "%safe", operator: "=", answer: true}', "%safe = true never holds"),
        ('{question: "%failed", operator: "=", answer: true}', "%failed = true never holds"),
        (
            '{all: [{question: chest, operator: "=", answer: "yes"}, {question: age, operator: "=", answer: 65-up},'
            ' {question: dose-as-agreed, operator: "=", answer: more}]}',
            "age = 65-up and dose-as-agreed = more never holds together",
        ),
        (
            '{all: [{question: extra, operator: "=", answer: "no"},'
            ' {question: overdose-signs, operator: "=", answer: "yes"}]}',
            "extra = no and overdose-signs = yes never holds together",
        ),
        (
            '{any: [{question: "%channel", operator: "=", answer: open},'
            ' {question: "%channel", operator: "!=", answer: open}]}',
            "%channel = open or %channel != open always holds",
        ),
    ],
)
def test_a_rule_that_can_never_fire(tmp_path: Path, test: str, part: str) -> None:
    def broken(rules: Any) -> None:
        rules[1]["cases"].insert(1, {"tier": "urgent", "when": yaml.safe_load(test)})

    changed(tmp_path, "redflags.yaml", broken)
    found = one_found(tmp_path)
    assert found.startswith("redflags.yaml, rule S2, case 2: it can never fire: ")
    assert part in found
    assert "remove the case" in found or "Narrow the case" in found


def test_rules_without_a_drill_are_a_warning(tmp_path: Path) -> None:
    assert found_in(tmp_path, Severity.WARNING) == []
    changed(
        tmp_path, "redflags.yaml", lambda rules: rules.remove(next(rule for rule in rules if rule["id"] == "DRILL"))
    )
    [found] = found_in(tmp_path, Severity.WARNING)
    assert found == "redflags.yaml: there is no rule DRILL, so a drill has no title. Copy it from ours."


def test_a_text_missing_in_a_language(tmp_path: Path) -> None:
    shutil.copytree(TEMPLATES / LANGUAGE, tmp_path / "templates" / "es")
    (tmp_path / "templates" / "es" / "home.html.j2").unlink()
    (tmp_path / "templates" / "es" / "staff" / "alert.html.j2").unlink()
    words = yaml.safe_load((TEMPLATES / LANGUAGE / "words.yaml").read_text("utf-8"))
    del words["toasts"]["stale"], words["another"]
    write(tmp_path, "templates/es/words.yaml", yaml.safe_dump(words))
    assert found_in(tmp_path) == [
        "templates/es/home.html.j2 is missing: translate templates/en/home.html.j2",
        "templates/es/staff/alert.html.j2 is missing: translate templates/en/staff/alert.html.j2",
        "templates/es/words.yaml: another.first, another.more missing. Add what stands there in ours",
        "templates/es/words.yaml: toasts.stale missing. Add what stands there in ours",
    ]


def test_a_text_that_only_the_clinic_has_must_be_there_in_every_language(tmp_path: Path) -> None:
    shutil.copytree(TEMPLATES / LANGUAGE, tmp_path / "templates" / "es")
    write(tmp_path, "templates/en/note_of_ours.html.j2", "We heard you.")
    changed(tmp_path, "redflags.yaml", lambda rules: rules[0].update(message={"template": "note_of_ours"}))
    missing = "templates/es/note_of_ours.html.j2 is missing: translate templates/en/note_of_ours.html.j2"
    assert found_in(tmp_path) == [missing]


HARD = "Subsequent pharmaceutical recommendations necessitate individualized consideration by physicians."


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("templates/en/home.html.j2", HARD, "templates/home.html.j2"),
        ("questionnaires/extra.yaml", form(NUMBER | {"text": HARD}), "questionnaires/extra.yaml, item n"),
        ("crisis_lines.yaml", None, "crisis_lines.yaml, Line"),
    ],
    ids=["template", "questionnaire", "crisis line"],
)
def test_a_sentence_above_grade_6(tmp_path: Path, name: str, text: str | None, where: str) -> None:
    line = f'- {{name: Line, number: "988", wording: {HARD}, country: US, checked_on: 2026-11-23}}\n'
    write(tmp_path, name, text or line)
    found = [problem for problem in found_in(tmp_path) if problem.startswith(f"{where}: ")]
    assert len(found) == 1
    assert "Subsequent pharmaceutical" in found[0]
    assert "too hard to read: grade " in found[0]
    assert "Use shorter words or split it" in found[0]


@pytest.mark.parametrize(
    "text", ["Pharmacotherapy necessitates evaluation.", "Hi. Pharmaceutical recommendations follow."]
)
def test_a_short_sentence_can_be_too_hard(tmp_path: Path, text: str) -> None:
    write(tmp_path, "questionnaires/extra.yaml", form(NUMBER | {"text": text}))
    assert "item n: " in one_found(tmp_path)
    assert "too hard to read: grade " in one_found(tmp_path)


def test_a_hard_sentence_among_the_words(tmp_path: Path) -> None:
    words = yaml.safe_load((TEMPLATES / LANGUAGE / "words.yaml").read_text("utf-8"))
    words["retry"]["empty"] = HARD
    write(tmp_path, "templates/en/words.yaml", yaml.safe_dump(words, allow_unicode=True))
    assert one_found(tmp_path).startswith("templates/words.yaml, retry.empty: ")


@pytest.mark.parametrize("exempt", [{"code": [{"system": "http://loinc.org", "code": "1-8"}]}, {"linkId": "asq-1"}])
def test_the_words_of_an_instrument_stand_as_they_are(tmp_path: Path, exempt: dict[str, Any]) -> None:
    write(tmp_path, "questionnaires/extra.yaml", form(NUMBER | {"text": HARD} | exempt))
    assert found_in(tmp_path) == []


def test_the_names_of_medicines_stand_as_they_are(tmp_path: Path) -> None:
    asked = {"linkId": "m", "type": "choice", "text": "Which one?"}
    listed = {**asked, "answerValueSet": "https://taperline.example/ValueSet/medicines"}
    write(tmp_path, "questionnaires/extra.yaml", form(listed))
    assert found_in(tmp_path) == []
    hard = {"system": "urn:x", "code": "a", "display": "Hydrochlorothiazide (Microzide)"}
    write(tmp_path, "questionnaires/extra.yaml", form({**asked, "answerOption": [{"valueCoding": hard}]}))
    assert "'Hydrochlorothiazide (Microzide)' is too hard to read" in one_found(tmp_path)


def test_a_plain_word_counts_as_easy(tmp_path: Path) -> None:
    hard = "This is the information that we wrote about your benzodiazepine for you."
    write(tmp_path, "templates/en/home.html.j2", hard)
    assert found_in(tmp_path) == []
    changed(tmp_path, "language.yaml", lambda language: language.update(plain_words=[]))
    assert any("templates/home.html.j2: 'This is the information" in problem for problem in found_in(tmp_path))


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("addicts", "substance use disorder"),
        *(
            (dose, "no number of milligrams")
            for dose in ("2 mg", "5-mg", "0,5 mg", "5 mgs", "50 mcg", "half a milligram")
        ),
        *((part, "no number of milligrams or percent") for part in ("10 percent", "10%", "25 per cent", "ten percent")),
    ],
)
@pytest.mark.parametrize("part", ["text", "help"])
def test_a_word_that_must_not_reach_a_patient(tmp_path: Path, word: str, instead: str, part: str) -> None:
    words = f"We see {word} here."
    item = NUMBER | {"text": words}
    if part == "help":
        shown = {"coding": [{"system": "http://hl7.org/fhir/questionnaire-item-control", "code": "help"}]}
        control = {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl"}
        helping = {"linkId": "h", "type": "display", "text": words}
        item = NUMBER | {"item": [helping | {"extension": [control | {"valueCodeableConcept": shown}]}]}
    write(tmp_path, "questionnaires/extra.yaml", form(item))
    found = one_found(tmp_path)
    assert found.startswith("questionnaires/extra.yaml, item n: ")
    assert f"{word!r} must not stand in a text to a patient; write: " in found
    assert instead in found


@pytest.mark.parametrize(
    "part",
    [
        {"prefix": "For addicts:"},
        {"initial": [{"valueString": "addicts"}]},
        {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/entryFormat", "valueString": "addicts"}]},
    ],
    ids=["prefix", "initial", "entryFormat"],
)
def test_a_word_that_must_not_reach_a_patient_beside_a_question(tmp_path: Path, part: dict[str, Any]) -> None:
    write(tmp_path, "questionnaires/extra.yaml", form({"linkId": "s", "type": "string", "text": "What?"} | part))
    assert one_found(tmp_path).startswith("questionnaires/extra.yaml, item s: 'addicts' must not stand")


def test_a_word_that_must_not_reach_a_patient_in_a_title(tmp_path: Path) -> None:
    write(tmp_path, "questionnaires/extra.yaml", "title: For addicts\n" + form(NUMBER))
    assert one_found(tmp_path).startswith("questionnaires/extra.yaml, title: 'addicts' must not stand")


def test_a_word_that_must_not_reach_a_patient_in_a_text(tmp_path: Path) -> None:
    write(tmp_path, "templates/en/home.html.j2", "We help addicts.")
    assert one_found(tmp_path).startswith("templates/home.html.j2: 'addicts' must not stand")


@pytest.mark.parametrize(
    ("name", "old"),
    [
        ("question", "{{ guess }}"),
        ("question", "So far: {{ given }}"),
        ("question", "You said: {{ given }}"),
        ("question", "Like this: {{ entry_format }}"),
        ("review", "<i>{{ text }}</i>"),
        ("review", "Your answers so far."),
        ("part", "{{ text }}"),
        ("questionnaire_invitation", "{{ about }}"),
    ],
)
def test_a_text_that_fails_only_now_and_then(tmp_path: Path, name: str, old: str) -> None:
    source = (TEMPLATES / LANGUAGE / f"{name}.html.j2").read_text("utf-8")
    assert old in source
    write(tmp_path, f"templates/en/{name}.html.j2", source.replace(old, "{{ nobody }}"))
    found = one_found(tmp_path)
    assert f"{name}.html.j2" in found
    assert "'nobody' is undefined" in found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Yes: {value}", "Yes: {valu}", "words.yaml: KeyError: 'valu'"),
        ('retype: "No"', 'retype: ""', "words.yaml: buttons.retype missing. Add what stands there in ours"),
    ],
)
def test_a_word_on_a_button_that_fails_only_now_and_then(tmp_path: Path, old: str, new: str, words: str) -> None:
    source = (TEMPLATES / LANGUAGE / "words.yaml").read_text("utf-8")
    assert old in source
    write(tmp_path, "templates/en/words.yaml", source.replace(old, new))
    assert words in one_found(tmp_path)


@pytest.mark.parametrize(("source", "words"), [("{% if %}", "cannot be read: "), (" ", "the text is empty")])
def test_a_text_of_another_language_that_cannot_be_said(tmp_path: Path, source: str, words: str) -> None:
    shutil.copytree(TEMPLATES / LANGUAGE, tmp_path / "templates" / "es")
    write(tmp_path, "templates/es/home.html.j2", source)
    found = one_found(tmp_path)
    assert found.startswith("templates/es/home.html.j2")
    assert words in found


def test_a_text_that_nothing_says(tmp_path: Path) -> None:
    write(tmp_path, "templates/en/hom.html.j2", "Hello.")
    found = one_found(tmp_path)
    assert found.startswith("templates/en/hom.html.j2: nothing says this text. Correct its name")


def test_a_part_of_a_text_is_no_stranger(tmp_path: Path) -> None:
    write(tmp_path, "templates/en/greeting.html.j2", "Hello.")
    write(tmp_path, "templates/en/home.html.j2", '{% include "greeting.html.j2" %}')
    assert found_in(tmp_path) == []


def test_a_questionnaire_in_json_is_named_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, "questionnaires/extra.json", '{"resourceType": "Questionnaire", "status": "active", "item": []}')
    assert one_found(tmp_path) == "questionnaires/extra.json: has no items"


def test_two_files_of_one_name(tmp_path: Path) -> None:
    write(tmp_path, "questionnaires/extra.json", "{}")
    write(tmp_path, "questionnaires/extra.yaml", form(NUMBER))
    found = one_found(tmp_path)
    assert "questionnaires/extra.json" in found
    assert "questionnaires/extra.yaml" in found
    assert "two files of one name: keep one" in found


def test_a_json_file_stands_in_front_of_our_yaml(tmp_path: Path) -> None:
    write(tmp_path, "questionnaires/check_in.json", "{}")
    assert one_found(tmp_path).startswith("questionnaires/check_in.json: is not a FHIR Questionnaire")


def test_examples_that_the_listener_did_not_learn_from_are_told(tmp_path: Path) -> None:
    write(tmp_path, "phrases/examples.yaml", "crisis: [the grey heron landed]")
    assert found_in(tmp_path, Severity.WARNING) == [check.UNLEARNED]


def test_a_warning_is_printed_and_fails_nothing(tmp_path: Path) -> None:
    constraint = {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-constraint", "extension": []}
    write(tmp_path, "content/questionnaires/extra.yaml", form(NUMBER | {"extension": [constraint]}))
    run = taperline(tmp_path, "check", "content")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "warning: questionnaires/extra.yaml: item n: " in run.stdout
    assert run.stdout.endswith("Everything is in order.\n")


def spoken_by(name: str) -> Iterator[str]:
    """The texts that the core gives by name to Say or Toast."""
    for path in sorted(Path(flows.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield from (
                    part.value
                    for part in ast.walk(node.args[0])
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                )


def test_check_says_every_text_that_the_core_says() -> None:
    endings = {f"intake_done_{outcome}" for outcome in IntakeOutcome}
    assert endings <= set(check.SPOKEN)
    assert set(spoken_by("Say")) <= {*check.SPOKEN, "hello", "template", "intake_done_"}
    assert set(spoken_by("Toast")) <= set(check.TOASTS)
    words = yaml.safe_load((TEMPLATES / LANGUAGE / "words.yaml").read_text("utf-8"))
    assert set(words["toasts"]) == set(check.TOASTS)


def test_check_says_every_text_that_ships() -> None:
    content = catalogue.load()
    by_rules = {rule.message.template for rule in content.rules if rule.message is not None}
    ours = {path.name.removesuffix(".html.j2") for path in (TEMPLATES / LANGUAGE).glob("*.j2")}
    assert ours == {*check.SPOKEN, "hello", *check.PARTS, *check.READING} | by_rules
    assert {path.name.removesuffix(".html.j2") for path in (TEMPLATES / LANGUAGE / "staff").glob("*.j2")} == set(
        check.STAFF_TEXTS
    )


def test_a_form_that_leaves_no_doubt_keeps_no_bot_from_starting(tmp_path: Path) -> None:
    write(tmp_path, "questionnaires/extra.yaml", form(NUMBER | {"required": "true"}))
    content, _ = check.load(tmp_path)
    assert "extra" in content.questionnaires


def test_what_depends_on_too_much_to_try_counts_as_reachable() -> None:
    asked = [FLAG | {"linkId": f"b{number}"} for number in range(15)]
    needed = [{"question": f"b{number}", "operator": "=", "answerBoolean": True} for number in range(15)]
    never = {"question": "b0", "operator": "=", "answerBoolean": False}
    few = questionnaire.load(form(*asked, EVER | {"enableBehavior": "all", "enableWhen": [*needed[:4], never]}), "few")
    many = questionnaire.load(form(*asked, EVER | {"enableBehavior": "all", "enableWhen": [*needed, never]}), "many")
    assert [item.link_id for item in reach.unreachable(few)] == ["x"]
    assert reach.unreachable(many) == ()


def test_a_number_that_nobody_checked_for_half_a_year(tmp_path: Path) -> None:
    line = '- {name: Line, number: "988", wording: Call or text 988., country: US, checked_on: 2026-05-01}\n'
    write(tmp_path, "crisis_lines.yaml", line)
    found = one_found(tmp_path)
    assert found == "crisis_lines.yaml, Line: checked more than 180 days ago. Call it, then set checked_on."


TOPIC = """---
id: {id}
title: {title}
questions:
  - {question}
sources: [A book]
checked_on: {checked_on}
---
{body}
"""
GOOD = {
    "id": "own",
    "title": "Our garden",
    "question": "is there a garden",
    "checked_on": "2026-11-01",
    "body": "There is a garden.",
}


def topic(tmp_path: Path, name: str = "learn/own.md", **changed: str) -> list[str]:
    """What is found with a topic of the clinic's own."""
    write(tmp_path, name, TOPIC.format(**GOOD | changed))
    return found_in(tmp_path)


def test_a_topic_of_the_clinics_own(tmp_path: Path) -> None:
    assert topic(tmp_path) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"body": "Take 5 mg less."}, "learn/own.md: '5 mg' must not stand in a text to a patient"),
        ({"title": "For addicts"}, "learn/own.md: 'addicts' must not stand in a text to a patient"),
        ({"body": "Physiological neuroadaptation necessitates gradual discontinuation."}, "too hard to read"),
        ({"checked_on": "2025-11-01"}, "learn/own.md: checked more than a year ago"),
        ({"checked_on": "soon"}, "learn/own.md: "),
        ({"id": "sleep"}, "the id sleep stands in learn/02-sleep.md too"),
        ({"question": "Can I drive?"}, "'Can I drive?' is a question of learn/11-driving-falls.md too"),
        ({"title": "A title that is far too long for a button"}, "learn/own.md: title: it stands on a button"),
        ({"body": ""}, "learn/own.md: there are no words"),
        ({"question": "[]"}, "learn/own.md: questions must be a list of texts"),
    ],
)
def test_what_is_wrong_with_a_topic_is_said_by_its_file(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    found = topic(tmp_path, **changed)
    assert len(found) == 1
    assert said in found[0]


def test_a_topic_needs_sources(tmp_path: Path) -> None:
    write(tmp_path, "learn/own.md", TOPIC.format(**GOOD).replace("sources: [A book]\n", ""))
    assert found_in(tmp_path) == ["learn/own.md: sources must be a list of texts, and not empty"]


def test_a_topic_of_the_same_name_takes_the_place_of_ours(tmp_path: Path) -> None:
    assert topic(tmp_path, "learn/02-sleep.md", id="sleep", question="how do I sleep") == []
    content, _ = check.load(tmp_path)
    found = content.topics.by_id("sleep")
    assert found is not None
    assert found.body == ("There is a garden.",)
