"""What a rule was fired by, in words: each kind of condition, every shape of a test, and rules that are broken."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flows.care import OLD_BUTTON, WAITED, Channel
from flows.catalogue import COMPUTED, OF_MEASURES, Catalogue, ContentError, load
from flows.conditions import Condition, Every, Operator, Some, Test, causes
from flows.effects import Raise, Wake
from flows.escalation import Role, Tier
from flows.events import Answered, Begun, ChannelLost, Command, Medium, RuleDue, Said, Sent, Sought
from flows.evidence import TOLD, Evidence, Finding, Witness
from flows.questionnaire import Questionnaire
from flows.redflags import Case, Rule, fired, still
from flows.values import DECLINED, Coding, Facts, Quantity, Value
from tests.flows import forms
from tests.flows.people import CRISIS, MEDICAL, Patient, checking_in, enrolled, prospect

EXTRA = forms.load(
    forms.item("tired"),
    forms.choice("sleep", "well", "badly", repeats=True),
    forms.item("falls", "integer"),
    forms.item("since", "date"),
    forms.item("words", "string", prefix="4."),
    forms.item("bmi", "quantity"),
)


def is_(question: str, answer: Value = True, operator: Operator = Operator.EQUAL) -> Condition:
    return Condition(question, operator, answer)


def witness(answers: Facts | None = None, said: str = "", form: Questionnaire = EXTRA) -> Witness:
    return Witness(said, {}, (form,), answers or {})


def found(test: Test, facts: Facts, said: str = "") -> tuple[Finding, ...]:
    """What is found when a test fires on facts that are answers of the form."""
    return witness(facts, said).evidence(0, Tier.URGENT, causes(test, facts)).findings


CODES = {code: Coding(code, "urn:test") for code in ("well", "badly")}


@pytest.mark.parametrize(
    ("test", "values", "expected"),
    [
        (is_("tired"), (True,), ("tired is Yes", "About tired?", ("Yes",))),
        (is_("tired", False), (False,), ("tired is No", "About tired?", ("No",))),
        (is_("tired", True, Operator.NOT_EQUAL), (), ("tired is not Yes", "About tired?", ())),
        (is_("tired", False, Operator.EXISTS), (), ("tired is not answered", "About tired?", ())),
        (is_("tired", True, Operator.EXISTS), (False,), ("tired is answered", "About tired?", ("No",))),
        (is_("sleep", "badly"), (CODES["badly"],), ("sleep is badly", "About sleep?", ("Badly",))),
        (
            is_("sleep", "badly"),
            (CODES["well"], CODES["badly"]),
            ("sleep is badly", "About sleep?", ("Well", "Badly")),
        ),
        (is_("sleep", DECLINED.code), (DECLINED,), ("sleep is asked-declined", "About sleep?", ("Prefer not to say",))),
        (is_("falls", 1, Operator.GREATER_OR_EQUAL), (1,), ("falls >= 1", "About falls?", ("1",))),
        (is_("falls", 1, Operator.LESS), (0,), ("falls < 1", "About falls?", ("0",))),
        (
            is_("since", date(2026, 1, 1), Operator.LESS),
            (date(2025, 3, 4),),
            ("since < Thursday, January 1, 2026", "About since?", ("Tuesday, March 4, 2025",)),
        ),
        (is_("words", "ouch"), ("ouch",), ("words is ouch", "4. About words?", ("ouch",))),
        (is_("bmi", 30, Operator.GREATER), (Quantity(Decimal(31), "kg"),), ("bmi > 30", "About bmi?", ("31 kg",))),
        (is_("nowhere", True, Operator.NOT_EQUAL), (), ("nowhere is not Yes", "nowhere", ())),
    ],
)
def test_each_kind_of_condition_is_told_with_its_question_and_its_answers(
    test: Condition, values: tuple[Value, ...], expected: tuple[str, str, tuple[str, ...]]
) -> None:
    assert found(test, {test.question: values}) == (Finding(test.question, *expected),)


def named(test: Test, **facts: Any) -> list[str]:
    """The facts that a test of yes-or-no questions was fired by."""
    return [cause.condition.question for cause in causes(test, {name: (value,) for name, value in facts.items()})]


A, B, C, D = map(is_, "abcd")


@pytest.mark.parametrize(
    ("test", "facts", "expected"),
    [
        (Some((A, B, C)), {"b": True}, ["b"]),
        (Some((A, B, C)), {"a": True, "c": True}, ["a", "c"]),
        (Every((A, B)), {"a": True, "b": True, "c": True}, ["a", "b"]),
        (Every((Some((A, B)), Some((C, D)))), {"b": True, "d": True}, ["b", "d"]),
        (Some((Every((A, B)), Every((C, D)))), {"a": True, "c": True, "d": True}, ["c", "d"]),
        (Some((A, Every((B, Some((C, D)))))), {"b": True, "c": True, "d": True}, ["b", "c", "d"]),
        (Some((A, B)), {"a": "no truth value", "b": True}, ["b"]),
        (Some((A, B)), {"a": "no truth value", "b": False}, ["a"]),
        (Some((Every((A, B)), C)), {"a": True, "b": False, "c": "no truth value"}, ["c"]),
        (Every((A, Some((B, C)))), {"a": True, "b": "no truth value"}, ["a", "b"]),
    ],
)
def test_only_the_conditions_that_did_it_are_evidence(test: Test, facts: dict[str, Any], expected: list[str]) -> None:
    assert named(test, **facts) == expected


BROKEN = is_("sleep", 1, Operator.GREATER)


def test_p6_a_rule_that_cannot_be_evaluated_says_which_condition_and_the_kind_of_error() -> None:
    test, facts = Every((is_("tired"), BROKEN)), {"tired": (True,), "sleep": (CODES["badly"],)}
    rule = Rule("R", "R", (Role.STAFF,), (Case(Tier.URGENT, test),), None, None, "why", "where")
    for firing in (fired([rule], {}, facts)[0], still(rule, 0, facts)):
        assert firing is not None
        assert witness(facts).evidence(firing.case, firing.tier, firing.causes).findings == (
            Finding("tired", "tired is Yes", "About tired?", ("Yes",)),
            Finding("sleep", "sleep > 1", "About sleep?", ("Badly",), "TypeError"),
        )


class Unspeakable(str):
    """A text that raises when it is put into words."""

    def __str__(self) -> str:
        raise LookupError

    __slots__ = ()


def test_p6_what_cannot_be_told_does_not_keep_the_alert_from_being_raised() -> None:
    test = is_("words", "ouch")
    told = witness({"words": (Unspeakable("ouch"),)}).evidence(
        2, Tier.ROUTINE, causes(test, {"words": (Unspeakable("ouch"),)}), "A note."
    )
    assert told == Evidence(2, Tier.ROUTINE, (), "A note. What was found cannot be told (LookupError).")


@pytest.mark.parametrize(
    ("name", "operator", "limit", "value", "expected"),
    [
        ("%dose.fall", ">", Decimal("0.25"), Decimal("0.33333"), "below the highest of the last 14 days by: 33.3 %"),
        ("%misunderstood", ">=", 2, 2, "Messages in a row that were not understood: 2"),
        ("%channel", "!=", "open", "stopped", "The patient's chat: stopped by the patient"),
        ("%standing", "=", "enrolled", "enrolled", "The patient is: enrolled"),
        ("%safe", "=", False, False, "Are you in a safe place right now?: No"),
        ("%total.phq9-all", ">=", 15, Decimal(17), "PHQ-9 total: 17"),
        ("%total.phq9-all", "<=", 1, Decimal(1), "PHQ-9 total: 1"),
        ("%rise-share.symptoms", ">=", Decimal("0.3"), Decimal("0.5"), "higher than the time before by: 50 %"),
        ("%rise.phq9-all", ">=", 5, Decimal(6), "PHQ-9: higher than the time before by: 6"),
        ("%last.supply", "=", "out", Coding("out", "urn:taperline"), "(the time before): "),
        ("%new.fact", "=", True, True, "new fact: Yes"),
    ],
)
def test_a_computed_fact_is_told_in_readable_words(  # noqa: PLR0917
    content: Catalogue, name: str, operator: str, limit: Value, value: Value, expected: str
) -> None:
    seen = Witness("", content.namesakes, tuple(content.questionnaires.values()))
    test = Condition(name, Operator(operator), limit)
    [finding] = seen.evidence(0, Tier.URGENT, causes(test, {name: (value,)})).findings
    assert expected in f"{finding.about}: {', '.join(finding.found)}"
    assert finding.found != ()


def test_every_computed_fact_has_words() -> None:
    families = tuple(name for name in TOLD if name.endswith("."))
    names = {*COMPUTED, *(f"{kind}.phq9" for kind in OF_MEASURES), "%last.supply"}
    assert {name for name in names if name not in TOLD and not name.startswith(families)} == set()


def test_an_answer_of_last_time_is_told_by_its_question_and_its_label(content: Catalogue) -> None:
    seen = Witness("", content.namesakes, tuple(content.questionnaires.values()))
    asked = next(form.find("supply") for form in content.questionnaires.values() if form.find("supply"))
    assert asked is not None
    out = Coding("out", "urn:taperline")
    [finding] = seen.evidence(0, Tier.URGENT, causes(is_("%last.supply", "out"), {"%last.supply": (out,)})).findings
    assert finding.about == f"{asked.text} (the time before)"
    assert finding.found == tuple(option.label for option in asked.options if option.value == out)


# --- what comes out of a turn ----------------------------------------------------------------------------------


def evidence(sam: Patient, rule: str) -> tuple[Evidence, ...]:
    """What the last event raised a rule by."""
    [raised] = [effect for effect in sam.all(Raise) if effect.rule == rule]
    return raised.evidence


def test_an_answer_is_evidence_by_the_words_of_its_question_and_of_its_button(content: Catalogue) -> None:
    sam = checking_in(content).goes(until="phq9-9")
    asked = sam.question
    sam.answers("Several days")
    [told] = evidence(sam, "S2")
    assert told == Evidence(
        0, Tier.URGENT, (Finding("phq9-9", "phq9-9 >= 1", f"{asked.prefix} {asked.text}".strip(), ("Several days",)),)
    )


@pytest.mark.parametrize(
    ("event", "heard"),
    [
        (Said(CRISIS), f"“{CRISIS}”"),
        (Said(CRISIS, forwarded=True), f"“[forwarded] {CRISIS}”"),
        (Said(CRISIS, edited=True), f"“[edited] {CRISIS}”"),
        (Sent(Medium.VOICE, CRISIS), f"“[voice] {CRISIS}”"),
    ],
)
def test_a_signal_is_evidence_by_the_words_in_which_it_was_heard(
    content: Catalogue, event: Said | Sent, heard: str
) -> None:
    for sam in (enrolled(content), checking_in(content)):
        sam.does(event)
        [told] = evidence(sam, "S1")
        assert told.case == 1
        [finding] = told.findings
        assert finding.fact == "%signal"
        assert finding.found == ("thoughts of death, suicide or self-harm", heard)


def test_words_in_an_answer_are_evidence_too(content: Catalogue) -> None:
    sam = prospect(content)
    sam.begins()
    sam.goes(until="name")
    sam.says(CRISIS)
    assert evidence(sam, "S1")[0].findings[0].found[-1] == f"“{CRISIS}”"


def test_only_the_signal_that_a_rule_listens_for_is_its_evidence(content: Catalogue) -> None:
    sam = enrolled(content)
    sam.says(f"{MEDICAL}. {CRISIS}")
    assert evidence(sam, "S1")[0].findings[0].found[0] == TOLD["%signal"].values["crisis"]
    assert evidence(sam, "M1")[0].findings[0].found[0] == TOLD["%signal"].values["medical"]


def test_a_wish_by_a_button_has_no_words(content: Catalogue) -> None:
    sam = enrolled(content)
    sam.wants(Command.PERSON)
    assert evidence(sam, "X2")[0].findings[0].found == ("wants a person", "by a button")


def test_not_safe_by_a_button_is_evidence(content: Catalogue) -> None:
    sam = enrolled(content)
    sam.wants(Command.UNSAFE)
    [told] = evidence(sam, "S1")
    assert (told.case, told.findings[0].found) == (2, ("No",))


def test_a_lost_channel_is_evidence(content: Catalogue) -> None:
    sam = enrolled(content)
    assert sam.person.channel is Channel.OPEN
    sam.does(ChannelLost())
    [told] = evidence(sam, "V5")
    assert [finding.fact for finding in told.findings] == ["%channel", "%standing"]
    assert told.findings[0].found == ("blocked: the bot cannot write to it",)


def test_every_case_of_a_rule_that_fires_at_once_is_evidence(content: Catalogue) -> None:
    sam = checking_in(content).goes(until="phq9-9")
    sam.says(MEDICAL)
    sam.says("I ran out of my pills and I had a seizure")
    tiers = [told.tier for told in evidence(sam, "D1")]
    assert tiers[0] is Tier.EMERGENCY, "the most urgent first"
    assert Tier.URGENT in tiers
    assert len({told.case for told in evidence(sam, "D1")}) == len(tiers)


def test_a_case_that_waited_takes_its_evidence_when_it_fires(content: Catalogue) -> None:
    sam = checking_in(content).goes(until="phq9-9")
    sam.answers("Several days")
    [due] = [wake.event for wake in sam.all(Wake) if isinstance(wake.event, RuleDue)]
    sam.does(due)
    [told] = evidence(sam, "S2")
    assert (told.case, told.tier, told.note) == (3, Tier.URGENT, WAITED)
    assert [(finding.condition, finding.found) for finding in told.findings] == [
        ("phq9-9 >= 1", ("Several days",)),
        ("asq-4 is not answered", ()),
    ]


def test_an_old_button_says_that_the_answer_on_record_did_not_change(content: Catalogue) -> None:
    sam = prospect(content)
    sam.begins()
    sam.goes(until="confusion")
    position = sam.conversation.questionnaire.positions["seizure"]
    sam.does(Answered(sam.conversation.id, sam.conversation.revision - 1, position, 0))
    [told] = evidence(sam, "M1")
    assert (told.note, told.findings[0].found) == (OLD_BUTTON, ("Yes",))


def test_a_question_under_another_name_is_told_in_its_own_words(content: Catalogue) -> None:
    """Whoever wrote the form: the question with the code of item 9 is what was asked."""
    nine = next(item for item in content.questionnaires["check_in"].walk() if item.link_id == "phq9-9")
    other = forms.scored("dark", 0, 1, 2, code=[{"system": code.system, "code": code.code} for code in nine.codes])
    foreign = replace(content, questionnaires={**content.questionnaires, "other": forms.load(other)})
    sam = enrolled(foreign)
    sam.does(Sought("other"))
    sam.does(Begun(sam.conversation.id))
    sam.answers("O2")
    assert evidence(sam, "S2")[0].findings == (Finding("phq9-9", "phq9-9 >= 1", "About dark?", ("O2",)),)


def test_a_question_without_an_answer_is_told_in_the_words_of_the_form_in_hand(content: Catalogue) -> None:
    sam = enrolled(content)
    sam.does(Sought("phq-9"))
    sam.does(Begun(sam.conversation.id))
    while not sam.all(Raise):
        sam.answers("Several days" if "better off dead" in sam.question.text else "Not at all")
    [due] = [wake.event for wake in sam.all(Wake) if isinstance(wake.event, RuleDue)]
    sam.does(due)
    asked = next(finding for finding in evidence(sam, "S2")[0].findings if finding.fact == "asq-4")
    texts = {item.text for item in sam.conversation.questionnaire.walk()}
    assert (asked.found, asked.about in texts) == ((), True)


# --- the times of a rule -----------------------------------------------------------------------------------------


def test_a_rule_may_say_in_words_when_it_is_taken_and_the_patient_called(tmp_path: Path) -> None:
    rule = (
        "- id: R\n  title: A title\n  owners: [staff]\n  rationale: why\n  source: where\n"
        '  cases: [{tier: routine, when: {question: "%failed", operator: "=", answer: true}}]\n'
    )
    (tmp_path / "redflags.yaml").write_text(rule + "  acknowledge: within 5 minutes\n  contact: the same day\n")
    [read] = load(tmp_path).rules
    assert (read.acknowledge, read.contact) == ("within 5 minutes", "the same day")
    (tmp_path / "redflags.yaml").write_text(rule)
    assert (load(tmp_path).rules[0].acknowledge, load(tmp_path).rules[0].contact) == ("", "")
    (tmp_path / "redflags.yaml").write_text(rule + "  contact: [30]\n")
    with pytest.raises(ContentError, match="rule R: contact must be text"):
        load(tmp_path)
