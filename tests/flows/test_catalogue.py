"""The content files: what is wrong with one is said by its name and entry; a clinic's own stand in front."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from flows import catalogue, questionnaire
from flows.catalogue import Catalogue, ContentError
from flows.errors import TaperlineError
from flows.escalation import Audience, Role, Tier

RULE = """
- id: T1
  title: A title
  owners: [staff]
  cases: [{tier: urgent, when: {question: "%signal", operator: "=", answer: crisis}}]
  rationale: Because.
  source: A book
"""
REASON = '- {outcome: flagged, reason: A note, when: {question: age, operator: "=", answer: 65-up}}\n'
TIERS = "".join(
    f"- {{tier: {tier}, contact: 1h, merge: 1d, steps: [{{to: [everyone, fallback], wait: 5m}}]}}\n" for tier in Tier
)
LINE = '- {name: Line, number: "988", wording: Call., country: US, checked_on: 2026-11-23}\n'
CLINIC = 'name: A\naddress: B\nphone: C\nhours: D\nzone: Europe/Paris\nopening: {mon: "09:00-17:00"}\n'


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Empty phrase files in front of ours, so that content is read in no time."""
    folder = tmp_path_factory.mktemp("quick")
    (folder / "phrases").mkdir()
    for own in (catalogue.own_content() / "phrases").iterdir():
        (folder / "phrases" / own.name).write_text("phrases: []\n" if own.name != "words.yaml" else "slots: {}\n")
    for name in ("words.yaml", "examples.yaml"):
        (folder / "phrases" / name).write_text("{}\n")
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A clinic's own folder."""
    (tmp_path / "questionnaires").mkdir()
    return tmp_path


def with_file(own: Path, quick: Path, name: str, text: str) -> Catalogue:
    (own / name).write_text(text, encoding="utf-8")
    return catalogue.load(own, quick)


def when(test: str) -> str:
    return RULE.replace('{question: "%signal", operator: "=", answer: crisis}', test)


BROKEN = [
    ("redflags.yaml", "a: b", "redflags.yaml must be a list of entries"),
    ("redflags.yaml", "- a\n- b", "redflags.yaml must be a list of entries"),
    ("redflags.yaml", "- a: [", "redflags.yaml, line"),
    ("redflags.yaml", RULE.replace("id: T1", "name: T1"), "redflags.yaml, rule ?: id is missing"),
    *(
        ("redflags.yaml", RULE.replace(f"  {key}:", f"  not-{key}:"), f"redflags.yaml, rule T1: {key} is missing")
        for key in ("title", "owners", "rationale", "source")
    ),
    ("redflags.yaml", RULE.replace("  cases:", "  not-cases:"), "rule T1: without cases it can never fire"),
    ("redflags.yaml", RULE.replace("urgent", "emergency") + "  hours: opening\n", "never waits for opening"),
    ("redflags.yaml", RULE.replace("id: T1", "id: DRILL"), "rule DRILL: a patient must never look like a drill"),
    ("redflags.yaml", RULE + "  kept_by: 5\n", "rule T1: kept_by must be text"),
    ("triage.yaml", "a: b", "triage.yaml must be a list of entries"),
    *(
        ("triage.yaml", REASON.replace(f"{key}:", f"not-{key}:"), f"triage.yaml, entry 1: {key} is missing")
        for key in ("outcome", "reason", "when")
    ),
    ("triage.yaml", REASON.replace("flagged", "rejected"), "entry 1: 'rejected' is not a valid IntakeOutcome"),
    ("triage.yaml", REASON.replace("age", "size"), "triage.yaml, entry 1: it looks at size, which no"),
    ("redflags.yaml", RULE + RULE, "redflags.yaml, rule T1: the id stands twice"),
    ("redflags.yaml", RULE.replace("A title", "5"), "redflags.yaml, rule T1: title must be text"),
    ("redflags.yaml", RULE.replace("owners: [staff]", "owners: [nurse]"), "rule T1: 'nurse' is not a valid Role"),
    ("redflags.yaml", RULE.replace("urgent", "soon"), "rule T1: 'soon' is not a valid Tier"),
    ("redflags.yaml", RULE.replace("cases: [", "cases: [] #"), "rule T1: without cases it can never fire"),
    ("redflags.yaml", RULE.replace("{tier: urgent, ", "{"), "rule T1: tier is missing"),
    ("redflags.yaml", RULE.replace("{tier: urgent, ", "{tier: urgent, after: soon, "), "'soon' is not a duration"),
    ("redflags.yaml", RULE + "  request: money\n", "rule T1: 'money' is not a valid RequestKind"),
    ("redflags.yaml", RULE + "  message: {buttons: [safe]}\n", "rule T1: template is missing"),
    ("redflags.yaml", RULE + "  message: {template: x, buttons: [boo]}\n", "rule T1: 'boo' is not a valid Command"),
    ("redflags.yaml", RULE + "  message: hello\n", "rule T1: "),
    ("redflags.yaml", when("{question: nothing, operator: exists, answer: true}"), "looks at nothing, which no"),
    ("redflags.yaml", when('{question: "%nothing", operator: exists, answer: true}'), "looks at %nothing, which no"),
    ("redflags.yaml", when('{question: "%signal", operator: "~", answer: x}'), "rule T1: '~' is not a valid Operator"),
    ("redflags.yaml", when('{question: "%signal", operator: "=", answer: [x]}'), "compares %signal with ['x']"),
    ("redflags.yaml", when('{question: "%signal", operator: "=", answer: null}'), "compares %signal with None"),
    ("redflags.yaml", when('{question: "%signal", operator: "="}'), "rule T1: answer is missing"),
    ("redflags.yaml", when('{operator: "=", answer: x}'), "rule T1: question is missing"),
    ("redflags.yaml", when("{all: []}"), "rule T1: all is empty"),
    ("redflags.yaml", when("{any: []}"), "rule T1: any is empty"),
    ("redflags.yaml", when("5"), "redflags.yaml, rule T1: "),
    ("escalation.yaml", "5", "escalation.yaml must be a list of entries"),
    ("escalation.yaml", TIERS.replace("urgent", "soon"), "escalation.yaml, tier soon: 'soon' is not a valid Tier"),
    ("escalation.yaml", TIERS.splitlines()[0], "escalation.yaml: no steps for urgent, same_day, routine"),
    ("escalation.yaml", TIERS + TIERS, "escalation.yaml, tier emergency: the tier stands twice"),
    *(
        ("escalation.yaml", TIERS.replace(f"{key}:", f"not-{key}:"), f"tier emergency: {key} is missing")
        for key in ("steps", "contact", "merge", "to", "wait")
    ),
    ("escalation.yaml", TIERS.replace("contact: 1h", "contact: 0m"), "tier emergency: contact must be above zero"),
    ("escalation.yaml", TIERS.replace("contact", "hours: night, contact"), "hours is 'night', and must be always or"),
    ("escalation.yaml", TIERS.replace("contact", "hours: opening, contact"), "an emergency never waits for opening"),
    ("escalation.yaml", TIERS.replace(", fallback", ""), "tier emergency: the last step must page the fallback too"),
    ("escalation.yaml", TIERS.replace("everyone", "{person: 5}"), "tier emergency: person must be text, in quotes"),
    ("escalation.yaml", TIERS.replace("[everyone, fallback]", "[]"), "or it goes quiet"),
    ("escalation.yaml", TIERS.replace("everyone", "nobody"), "tier emergency: 'nobody' is not a valid Audience"),
    ("escalation.yaml", TIERS.replace("wait: 5m", "wait: 0m"), "or it goes quiet"),
    ("escalation.yaml", TIERS.replace("wait: 5m", "wait: 5"), "tier emergency: 5 is not a duration such as 15m"),
    ("escalation.yaml", TIERS.replace("wait: 5m", "wait: -5m"), "tier emergency: '-5m' is not a duration"),
    ("escalation.yaml", TIERS.replace("{to: [everyone, fallback], wait: 5m}", ""), "or it goes quiet"),
    (
        "escalation.yaml",
        TIERS.replace("{to: [everyone, fallback], wait: 5m}", "x"),
        "escalation.yaml, tier emergency: ",
    ),
    *(
        ("crisis_lines.yaml", LINE.replace(f"{key}:", f"not-{key}:"), f"{key} is missing")
        for key in ("name", "number", "wording", "country", "checked_on")
    ),
    ("crisis_lines.yaml", LINE.replace('"988"', "988"), "crisis_lines.yaml, Line: number must be text, in quotes"),
    ("crisis_lines.yaml", LINE.replace("2026-11-23", "2026-02-30"), "crisis_lines.yaml, Line: day is out of range"),
    ("clinic.yaml", "[]", "clinic.yaml: "),
    ("clinic.yaml", CLINIC.replace("phone", "fax"), "clinic.yaml: phone is missing"),
    ("clinic.yaml", CLINIC.replace("phone: C", "phone: 5550100"), "clinic.yaml: phone must be text, in quotes"),
    ("clinic.yaml", CLINIC.replace("Europe/Paris", "Europe/Nowhere"), "clinic.yaml: "),
    ("clinic.yaml", CLINIC.replace("Europe/Paris", "../etc"), "clinic.yaml: "),
    ("clinic.yaml", CLINIC + "name: again", "clinic.yaml, line 7: 'name' stands twice"),
    ("questionnaires/intake.yaml", "5", "questionnaires/intake.yaml: is not a FHIR Questionnaire"),
    ("questionnaires/extra.yaml", "a: [", "questionnaires/extra.yaml, line"),
]


@pytest.mark.parametrize(("name", "text", "words"), BROKEN, ids=[f"{name}: {words}" for name, _, words in BROKEN])
def test_a_broken_file_is_told_by_its_name_and_entry(own: Path, quick: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(TaperlineError) as told:
        with_file(own, quick, name, text)
    assert name in str(told.value)
    assert words in str(told.value)


@pytest.mark.parametrize("text", ["phrases: 5", "a: [", "- 1", "phrases: [{id: x}]"])
def test_a_broken_phrase_file_is_told_by_its_name(own: Path, quick: Path, text: str) -> None:
    (own / "phrases").mkdir()
    with pytest.raises(ContentError, match=r"phrases: .*taper\.yaml"):
        with_file(own, quick, "phrases/taper.yaml", text)


def test_a_file_that_is_not_text_is_told_by_its_name(own: Path, quick: Path) -> None:
    (own / "clinic.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ContentError, match=r"clinic\.yaml cannot be read"):
        catalogue.load(own, quick)


def test_a_clinics_own_file_stands_in_front_of_ours_and_the_rest_stays(
    own: Path, quick: Path, content: Catalogue
) -> None:
    found = with_file(own, quick, "clinic.yaml", CLINIC)
    assert (found.clinic.name, found.clinic.zone) == ("A", "Europe/Paris")
    assert found.rules == content.rules
    assert found.policies == content.policies
    assert found.questionnaires == content.questionnaires


def test_the_first_of_several_folders_wins_file_by_file(own: Path, quick: Path) -> None:
    behind = own / "behind"
    behind.mkdir()
    (behind / "clinic.yaml").write_text(CLINIC.replace("name: A", "name: Behind"))
    (behind / "redflags.yaml").write_text(RULE)
    (own / "clinic.yaml").write_text(CLINIC)
    found = catalogue.load(own, behind, quick)
    assert found.clinic.name == "A"
    assert [rule.id for rule in found.rules] == ["T1"]


def test_a_clinics_own_questionnaire_replaces_ours_and_a_new_one_is_added(
    own: Path, quick: Path, content: Catalogue
) -> None:
    mine = {
        "resourceType": "Questionnaire",
        "status": "active",
        "item": [{"linkId": "q", "type": "text", "text": "Hm?"}],
    }
    (own / "questionnaires" / "extra.yaml").write_text(yaml.safe_dump(mine))
    (own / "redflags.yaml").write_text(when("{question: q, operator: exists, answer: true}"))
    found = with_file(own, quick, "questionnaires/check_in.yaml", yaml.safe_dump(mine))
    assert [item.link_id for item in found.questionnaires["check_in"].walk()] == ["q"]
    assert found.questionnaires["intake"] == content.questionnaires["intake"]
    assert set(found.questionnaires) == set(content.questionnaires) | {"extra"}


def test_a_form_that_asks_for_the_clinics_medicines_keeps_their_names(own: Path, quick: Path) -> None:
    asked = {"linkId": "q", "type": "choice", "text": "Which?"}
    listed = {**asked, "answerValueSet": "https://taperline.example/ValueSet/medicines"}
    mine = {"resourceType": "Questionnaire", "status": "active", "item": [listed]}
    (own / "medicines.yaml").write_text("- {generic: diazepam, brands: [Valium], groups: [benzodiazepine]}")
    first = with_file(own, quick, "questionnaires/extra.yaml", yaml.safe_dump(mine)).questionnaires["extra"]
    assert [option.label for option in first.items[0].options] == ["Diazepam (Valium)"]
    (own / "medicines.yaml").write_text("- {generic: lorazepam, groups: [benzodiazepine]}")
    then = catalogue.load(own, quick).questionnaires["extra"]
    assert [option.label for option in then.items[0].options] == ["Lorazepam"]
    assert first.hash != then.hash
    assert questionnaire.load(first.source, "kept").items == first.items


def test_a_rule_on_a_question_that_the_clinic_removed_is_refused(own: Path, quick: Path) -> None:
    mine = {
        "resourceType": "Questionnaire",
        "status": "active",
        "item": [{"linkId": "q", "type": "text", "text": "Hm?"}],
    }
    with pytest.raises(ContentError, match="which no questionnaire asks"):
        with_file(own, quick, "questionnaires/check_in.yaml", yaml.safe_dump(mine))


def test_a_rule_is_read_with_all_its_parts(own: Path, quick: Path) -> None:
    fall = "{all: [{question: '%dose.fall', operator: '>', answer: 0.5}]}"
    text = when(f"{{any: [{{question: asq-5, operator: exists, answer: true}}, {fall}]}}")
    text = text.replace("tier: urgent,", "tier: urgent, after: 2h,")
    text += "  request: visit\n  message: {template: crisis, buttons: [safe]}\n"
    rule = with_file(own, quick, "redflags.yaml", text).rule("T1")
    assert rule is not None
    assert (rule.owners, rule.cases[0].tier, rule.cases[0].after) == ((Role.STAFF,), Tier.URGENT, timedelta(hours=2))
    assert rule.request == "visit"
    assert rule.message is not None
    assert (rule.message.template, rule.message.buttons) == ("crisis", ("safe",))


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("5m", timedelta(minutes=5)),
        ("4h", timedelta(hours=4)),
        ("1d", timedelta(days=1)),
        ("10 m", timedelta(minutes=10)),
    ],
)
def test_durations(own: Path, quick: Path, text: str, wait: timedelta) -> None:
    found = with_file(own, quick, "escalation.yaml", TIERS.replace("5m", text))
    step = found.policies[Tier.URGENT].steps[0]
    assert (step.to, step.wait) == ((Audience.EVERYONE, Audience.FALLBACK), wait)


def test_our_own_content_asks_for_the_dose_in_both_questionnaires(content: Catalogue) -> None:
    assert content.dose_questions == {"dose-total", *(f"dose-{days_ago}" for days_ago in range(1, 8))}
    assert content.rule("S1") is not None
    assert content.rule("nothing") is None
    assert {"intake", "check_in"} <= set(content.questionnaires)
    assert all(line.number and line.wording for line in content.crisis_lines)
    assert {"988", "911"} <= {line.number for line in content.crisis_lines}


def test_a_rule_that_the_program_keeps_needs_no_cases(own: Path, quick: Path) -> None:
    kept = RULE.replace("  cases:", "  not-cases:") + "  kept_by: the reminder\n"
    (rule,) = with_file(own, quick, "redflags.yaml", kept).rules
    assert (rule.cases, rule.kept_by) == ((), "the reminder")
