"""What one event changes for a patient: intake, check-in, alarms, commands, silence."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from flows.answers import Reason, choices
from flows.care import EXPIRE_AFTER, GONE, REMIND_AFTER, SEND_AFTER, WEEKLY, Aside, Channel
from flows.catalogue import Catalogue
from flows.conversation import Conversation, Purpose
from flows.effects import (
    Ask,
    Begin,
    End,
    Forget,
    IntakeOutcome,
    Keep,
    Raise,
    Record,
    Request,
    RequestKind,
    Say,
    Settle,
    Toast,
    Wake,
)
from flows.escalation import Tier
from flows.events import (
    AlertSeen,
    Answered,
    Asked,
    Begun,
    ChannelLost,
    CheckInDue,
    Command,
    Enrolled,
    ExpiryDue,
    Medium,
    Press,
    Pressed,
    ReminderDue,
    ReviewDue,
    RuleDue,
    Said,
    Seen,
    Sent,
    SilenceDue,
    Sought,
    VisitMissed,
)
from flows.evidence import Evidence
from flows.lifecycle import NotAllowedError, Stage, Standing
from flows.past import Past
from flows.questionnaire import Questionnaire
from flows.schedule import WeeklyHour
from flows.taper import Plan, PlanStep
from flows.values import Coding, Place
from tests.flows.forms import item, load, scored
from tests.flows.people import (
    CRISIS,
    HUMAN,
    MEDICAL,
    MONDAY,
    STATES,
    STOP,
    TAPER,
    ZONE,
    Patient,
    checking_in,
    enrolled,
    in_state,
    prospect,
    quiet,
)

CLOSED = ("new", "requested", "enrolled", "stopped", "blocked")
ASKING = ("asking", "checking in")


def intake(content: Catalogue) -> Patient:
    return in_state(content, "asking")


# --- the ordinary way -------------------------------------------------------------------------------------------


def test_the_first_start_invites_to_the_intake_and_reminds_a_day_later(content: Catalogue) -> None:
    sam = prospect(content)
    assert sam.told == ["intake_invitation"]
    assert sam.all(Say)[0].buttons == (Begin(sam.conversation.id, "begin"),)
    assert sam.conversation.purpose is Purpose.INTAKE
    held = sam.conversation.id
    assert sam.all(Wake) == [
        Wake(f"remind:{held}", MONDAY + REMIND_AFTER, ReminderDue(held)),
        Wake(f"expire:{held}", MONDAY + EXPIRE_AFTER, ExpiryDue(held)),
    ]


def test_whoever_writes_without_start_is_greeted_and_kept(content: Catalogue) -> None:
    sam = Patient(content)
    sam.says("hello there")
    assert sam.told == ["hello"]
    assert sam.all(Say)[0].buttons == (Command.START, Command.PERSON)
    assert sam.all(Keep) == [Keep("hello there", frozenset())]


@pytest.mark.parametrize("word", ["yes", "OK!", "Begin", "go on", "ready."])
def test_an_invitation_can_be_taken_up_by_a_word(content: Catalogue, word: str) -> None:
    sam = prospect(content)
    sam.says(word)
    assert sam.conversation.stage is Stage.ASKING
    assert sam.told == ["?consent"]


def test_an_intake_goes_to_its_end_and_asks_for_a_consultation(content: Catalogue) -> None:
    sam = intake(content)
    conversation = sam.conversation.id
    sam.goes()
    assert sam.closed[-1].stage is Stage.SUBMITTED
    assert sam.all(Request) == [Request(RequestKind.CONSULTATION, IntakeOutcome.VISIT)]
    assert sam.told == ["intake_done_visit"]
    assert sam.all(Forget) == [Forget(f"{kind}:{conversation}") for kind in ("remind", "review", "expire", "silent")]
    assert sam.person.standing is Standing.REQUESTED


def test_each_answer_is_recorded_settled_and_followed_by_the_next_question(content: Catalogue) -> None:
    sam = intake(content)
    sam.answers("yes")
    assert sam.recorded == ["consent"]
    yes = Coding("yes", "urn:taperline")
    assert [(settled.item.link_id, settled.values) for settled in sam.all(Settle)] == [("consent", (yes,))]
    assert sam.told == ["?contact-name"]


def test_enrolment_sets_the_weekly_hour_and_the_first_check_in(content: Catalogue) -> None:
    sam = Patient(content)
    sam.does(Enrolled())
    assert sam.person.standing is Standing.ENROLLED
    assert sam.person.check_in == WeeklyHour(0, 10, ZONE)
    assert sam.all(Wake) == [Wake("check-in", datetime(2026, 11, 30, 18, tzinfo=UTC), CheckInDue())]
    assert sam.told == ["enrolled"]


def test_nobody_is_enrolled_twice(content: Catalogue) -> None:
    sam = enrolled(content)
    with pytest.raises(NotAllowedError):
        sam.does(Enrolled())


def test_a_quiet_check_in_raises_nothing_and_ends_with_thanks(content: Catalogue) -> None:
    sam = enrolled(content, [(7, "10")])
    sam.does(CheckInDue())
    assert sam.told == ["check_in_invitation"]
    sam.begins()
    while sam.conversation.stage is Stage.ASKING:
        sam.answers(quiet(sam.question)) if choices(sam.question) or not sam.question.required else sam.says("7")
        assert sam.raised == []
    assert sam.told == ["review"]
    sam.sends()
    assert sam.raised == []
    assert sam.told == ["check_in_done"]
    assert not sam.all(Request)
    assert sam.person.standing is Standing.ENROLLED


def test_the_intro_of_a_branch_is_said_with_its_first_question(content: Catalogue) -> None:
    sam = intake(content).goes(until="in-person")
    sam.answers("no")
    (asked,) = sam.all(Ask)
    assert any("only treat people in person" in text for text in asked.intro)


# --- P9: an answer to everything --------------------------------------------------------------------------------


@pytest.mark.parametrize("command", list(Command))
@pytest.mark.parametrize("state", STATES)
def test_p9_each_command_in_each_state_is_answered(content: Catalogue, state: str, command: Command) -> None:
    sam = in_state(content, state)
    sam.wants(command)
    assert sam.told, f"{command} in {state} is met with silence"


@pytest.mark.parametrize("text", ["hello", CRISIS, MEDICAL, TAPER, HUMAN, STOP, "I stopped taking it cold turkey", "?"])
@pytest.mark.parametrize("state", STATES)
def test_p9_whatever_is_typed_in_whatever_state_is_answered_and_kept(content: Catalogue, state: str, text: str) -> None:
    sam = in_state(content, state)
    sam.says(text)
    assert sam.told
    assert [kept.text for kept in sam.all(Keep)] == [text]


@pytest.mark.parametrize("state", STATES)
def test_p9_help_offers_a_person_a_visit_and_stop_and_the_way_back(content: Catalogue, state: str) -> None:
    sam = in_state(content, state)
    sam.wants(Command.HELP)
    buttons = sam.all(Say)[0].buttons
    assert {Command.PERSON, Command.VISIT, Command.STOP} <= set(buttons)
    assert any(isinstance(button, Begin) for button in buttons) == (sam.person.conversation is not None)


@pytest.mark.parametrize("state", STATES)
def test_a_person_or_a_visit_can_be_asked_for_in_every_state(content: Catalogue, state: str) -> None:
    sam = in_state(content, state)
    sam.wants(Command.PERSON)
    assert sam.raised == ["X2 routine"]
    assert sam.told == ["person_will_call"]
    sam.wants(Command.VISIT)
    assert sam.all(Request) == [Request(RequestKind.VISIT)]
    assert sam.told == ["visit_requested"]


def test_safe_and_no_call_are_answered_and_raise_nothing(content: Catalogue) -> None:
    sam = in_state(content, "paused")
    for command, template in ((Command.SAFE, "safe"), (Command.NO_CALL, "no_call")):
        sam.wants(command)
        assert (sam.told, sam.raised) == ([template], [])
        assert sam.all(Say)[0].buttons == (Begin(sam.conversation.id, "go_on"),)


def test_staying_brings_the_open_question_back(content: Catalogue) -> None:
    sam = intake(content)
    sam.wants(Command.STAY)
    assert sam.told == ["?consent"]


# --- P8: never a wrong answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ASKING)
@pytest.mark.parametrize(
    ("event", "template"),
    [
        (Said("Yes", forwarded=True), "forwarded"),
        (Said("Yes", edited=True), "edited"),
        (Said("Not at all", edited=True), "edited"),
        *((Sent(medium, "Yes"), "not_text") for medium in Medium),
        (Sent(Medium.STICKER), "not_text"),
    ],
)
def test_p8_forwarded_edited_and_media_never_answer_a_question(
    content: Catalogue, state: str, event: Said | Sent, template: str
) -> None:
    sam = in_state(content, state)
    before = sam.conversation
    sam.does(event)
    assert sam.conversation == before
    assert sam.recorded == []
    assert before.question is not None
    assert sam.told == [template, f"?{before.question.link_id}"]


def test_what_was_sent_is_kept_with_its_kind(content: Catalogue) -> None:
    sam = intake(content)
    sam.does(Sent(Medium.VOICE))
    sam_kept = sam.all(Keep)
    sam.does(Sent(Medium.PICTURE, "my pills"))
    assert [kept.text for kept in (*sam_kept, *sam.all(Keep))] == ["[voice]", "[picture] my pills"]


@pytest.mark.parametrize("event", [Begun(99), Answered(99, 1, 1, 0)])
@pytest.mark.parametrize("state", STATES)
def test_p8_a_button_of_another_conversation_changes_nothing(
    content: Catalogue, state: str, event: Begun | Answered
) -> None:
    sam = in_state(content, state)
    before = sam.person
    sam.does(event)
    assert sam.person.conversation == before.conversation
    assert sam.person.standing == before.standing
    assert sam.recorded == []
    assert sam.all(Toast) == [Toast("stale")]
    assert sam.told


def test_p8_a_tap_while_paused_answers_nothing(content: Catalogue) -> None:
    sam = in_state(content, "paused")
    held = sam.conversation
    sam.does(Answered(held.id, held.revision, 1, 0))
    assert sam.conversation == held
    assert sam.all(Toast) == [Toast("stale")]


def test_p8_what_was_typed_before_the_question_was_seen_answers_nothing_and_is_kept(content: Catalogue) -> None:
    sam = intake(content)
    before = sam.conversation
    sam.does(Said("yes", seen=Seen.NO))
    assert sam.conversation == before
    assert sam.effects == (Keep("yes", frozenset()),)


def test_p6_what_was_typed_early_is_listened_to(content: Catalogue) -> None:
    sam = intake(content)
    sam.does(Said(CRISIS, seen=Seen.NO))
    assert sam.raised == ["S1 emergency"]
    assert sam.conversation.stage is Stage.PAUSED


def test_a_rejected_answer_asks_again_with_the_reason(content: Catalogue) -> None:
    sam = intake(content)
    sam.says("bananas")
    assert [asked.note for asked in sam.all(Ask)] == [Reason.PICK_ONE]
    assert sam.told == ["?consent"]


# --- crisis and emergencies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_crisis_words_in_every_state_raise_s1_at_once(content: Catalogue, state: str) -> None:
    sam = in_state(content, state)
    sam.says(CRISIS)
    assert sam.raised == ["S1 emergency"]
    assert sam.told[0] == "crisis_emergency"
    assert sam.all(Say)[0].buttons == (Command.SAFE, Command.UNSAFE, Command.PERSON)


@pytest.mark.parametrize("state", ASKING)
@pytest.mark.parametrize(
    "event",
    [
        Said(CRISIS),
        Said(CRISIS, forwarded=True),
        Said(CRISIS, edited=True),
        Sent(Medium.PICTURE, CRISIS),
        Said(f"{CRISIS}. stop messaging me"),
        Said(MEDICAL),
    ],
)
def test_an_emergency_in_words_pauses_instead_of_asking_on(content: Catalogue, state: str, event: Said | Sent) -> None:
    sam = in_state(content, state)
    question = sam.conversation.question
    assert question is not None
    sam.does(event)
    assert any(raised.endswith("emergency") for raised in sam.raised)
    assert sam.conversation.stage is Stage.PAUSED
    assert sam.told[-1] == "paused"
    assert not sam.all(Ask)
    sam.begins()
    assert sam.told == [f"?{question.link_id}"]


def test_crisis_words_inside_a_free_text_answer_keep_the_answer_and_pause(content: Catalogue) -> None:
    sam = intake(content).goes(until="contact-name")
    sam.says(CRISIS)
    assert sam.recorded == ["contact-name"]
    assert [kept.text for kept in sam.all(Keep)] == [CRISIS]
    assert sam.raised == ["S1 emergency"]
    assert sam.told == ["crisis_emergency", "paused"]
    sam.begins()
    assert sam.told == ["?contact-phone"]


def test_crisis_words_in_the_last_answer_raise_and_are_sent_all_the_same(content: Catalogue) -> None:
    sam = checking_in(content).goes(until="visit-topic")
    sam.says(CRISIS)
    assert sam.raised == ["S1 emergency"]
    assert sam.told == ["crisis_emergency", "paused_complete"]
    (wake,) = [wake for wake in sam.all(Wake) if isinstance(wake.event, ReviewDue)]
    sam.now = wake.at
    sam.does(wake.event)
    assert sam.closed[-1].stage is Stage.SUBMITTED
    assert sam.told == ["check_in_done"]


def test_crisis_words_twice_raise_twice(content: Catalogue) -> None:
    sam = enrolled(content)
    for _ in range(2):
        sam.says(CRISIS)
        assert sam.raised == ["S1 emergency"]


@pytest.mark.parametrize("state", STATES)
def test_not_safe_raises_s1_and_pauses_what_is_being_asked(content: Catalogue, state: str) -> None:
    sam = in_state(content, state)
    sam.wants(Command.UNSAFE)
    assert sam.raised == ["S1 emergency"]
    assert sam.told[0] == "crisis_emergency"
    if state in ASKING:
        assert sam.conversation.stage is Stage.PAUSED
        assert sam.told[-1] == "paused"


EMERGENCIES = [
    ("asking", {}, "seizure", "yes", "M1", "emergency"),
    ("asking", {}, "seizure", "unsure", "M1", "emergency"),
    ("asking", {}, "confusion", "yes", "M2", "emergency"),
    ("asking", {}, "chest", "unsure", "M3", "emergency"),
    ("asking", {"extra": "yes"}, "overdose-signs", "yes", "M4", "overdose"),
    ("asking", {"substances": "yes"}, "sedation", "yes", "M5", "overdose"),
    ("asking", {"asq_4": "yes"}, "asq-4-when", "lately", "S1", "crisis_emergency"),
    ("asking", {"asq_1": "yes"}, "asq-5", "yes", "S1", "crisis_emergency"),
    ("checking in", {}, "seizure", "yes", "M1", "emergency"),
    ("checking in", {"dose_as_agreed": "more"}, "overdose-signs", "unsure", "M4", "overdose"),
    ("checking in", {"used": "alcohol", "substances": "unsure"}, "sedation", "unsure", "M5", "overdose"),
    ("checking in", {"phq9_9": "Several days"}, "asq-4-since", "yes", "S1", "crisis_emergency"),
    ("checking in", {"phq9_9": "Several days", "asq_3": "yes"}, "asq-5", "yes", "S1", "crisis_emergency"),
]


@pytest.mark.parametrize(("state", "before", "question", "answer", "rule", "template"), EMERGENCIES)
def test_an_emergency_fires_on_the_answer_itself_and_pauses(  # noqa: PLR0917
    content: Catalogue, state: str, before: dict[str, str], question: str, answer: str, rule: str, template: str
) -> None:
    sam = in_state(content, state).goes(until=question, **before)
    sam.answers(answer)
    assert sam.recorded == [question]
    assert f"{rule} emergency" in sam.raised
    assert template in sam.told
    assert sam.told[-1] == "paused"
    assert sam.conversation.stage is Stage.PAUSED
    sam.begins()
    assert sam.conversation.stage is Stage.ASKING
    assert sam.told[0].startswith("?")
    assert sam.raised == []


@pytest.mark.parametrize("word", ["continue", "go on", "OK", "ready"])
def test_a_paused_conversation_goes_on_by_a_word(content: Catalogue, word: str) -> None:
    sam = in_state(content, "paused")
    question, revision = sam.conversation.question, sam.conversation.revision
    assert question is not None
    sam.says(word)
    assert sam.told == [f"?{question.link_id}"]
    assert sam.conversation.revision == revision


def test_whether_somebody_is_safe_can_be_answered_by_a_word(content: Catalogue) -> None:
    sam = in_state(content, "paused")
    sam.says("no")
    assert sam.raised == ["S1 emergency"]
    sam.says("Yes.")
    assert (sam.told, sam.raised) == (["safe"], [])
    assert sam.conversation.stage is Stage.PAUSED
    sam.says("yes")
    assert sam.conversation.stage is Stage.ASKING


def test_p8_a_bare_no_means_not_safe_only_right_after_that_question(content: Catalogue) -> None:
    sam = intake(content).goes(until="seizure")
    sam.says(CRISIS)
    sam.begins()
    sam.says("no")
    assert (sam.recorded, sam.raised) == (["seizure"], [])


def test_an_alarm_is_told_before_the_next_question_and_only_once(content: Catalogue) -> None:
    sam = intake(content).goes(until="supply")
    sam.answers("out")
    assert sam.told == ["stopped_suddenly", "?missed-dose"]
    assert sam.raised == ["D1 urgent"]
    sam.answers("never")
    assert (sam.told, sam.raised) == (["?beside"], [])


def test_d1_becomes_an_emergency_with_signs_of_withdrawal(content: Catalogue) -> None:
    sam = intake(content).goes(until="seizure", taking="sudden")
    sam.answers("yes")
    assert set(sam.raised) == {"M1 emergency", "D1 emergency"}


# --- S2 and its waiting -----------------------------------------------------------------------------------------


def waiting(sam: Patient) -> list[Wake]:
    return [wake for wake in sam.all(Wake) if wake.key.startswith("rule:")]


@pytest.mark.parametrize(
    ("answer", "tiers"),
    [
        ("Several days", ["urgent"]),
        ("More than half the days", ["urgent"]),
        ("Nearly every day", ["urgent", "emergency"]),
    ],
)
def test_an_unfinished_screen_is_looked_at_again_after_15_minutes(
    content: Catalogue, answer: str, tiers: list[str]
) -> None:
    sam = checking_in(content).goes(until="phq9-9")
    sam.answers(answer)
    assert sam.raised == ["S2 urgent"]
    assert sam.told == ["crisis", "?asq-1"]
    wakes = waiting(sam)
    assert {wake.at for wake in wakes} == {MONDAY + timedelta(minutes=15)}
    assert len({wake.key for wake in wakes}) == len(tiers)
    found = []
    for wake in wakes:
        sam.does(wake.event)
        found += sam.raised
    assert sorted(found) == sorted(f"S2 {tier}" for tier in tiers)


def test_no_thoughts_of_death_start_no_waiting(content: Catalogue) -> None:
    sam = checking_in(content).goes(until="phq9-9")
    sam.answers("Not at all")
    assert (sam.raised, waiting(sam)) == ([], [])
    assert sam.told == ["?gad7-1"]


def test_a_finished_screen_is_left_in_peace_after_15_minutes(content: Catalogue) -> None:
    sam = checking_in(content).goes(until="phq9-9")
    sam.answers("Nearly every day")
    wakes = waiting(sam)
    sam.goes(until="seizure")
    for wake in wakes:
        assert sam.does(wake.event) == ()


def test_one_answer_calms_the_emergency_but_not_the_unfinished_screen(content: Catalogue) -> None:
    sam = checking_in(content).goes(until="phq9-9")
    sam.answers("Nearly every day")
    wakes = waiting(sam)
    sam.answers("no")
    raised = []
    for wake in wakes:
        sam.does(wake.event)
        raised += sam.raised
    assert raised == ["S2 urgent"]


def test_an_unfinished_screen_is_looked_at_even_when_the_patient_stopped(content: Catalogue) -> None:
    sam = checking_in(content).goes(until="phq9-9")
    sam.answers("Several days")
    (wake,) = waiting(sam)
    sam.wants(Command.STOP_NOW)
    assert not any(wake.key.startswith(forget.prefix) for forget in sam.all(Forget))
    sam.person = replace(sam.person, conversation=sam.closed.pop())
    sam.does(wake.event)
    assert sam.raised == ["S2 urgent"]


def test_p6_a_waiting_rule_that_the_content_no_longer_has_is_seen_by_a_person(content: Catalogue) -> None:
    sam = checking_in(content)
    for rule, case in (("S99", 0), ("S2", 99)):
        gone = Evidence(case, Tier.URGENT, note=GONE)
        assert sam.does(RuleDue(sam.conversation.id, rule, case)) == (Raise(rule, Tier.URGENT, (gone,)),)


def test_p6_an_old_button_that_would_worry_is_heard_and_an_emergency_pauses(content: Catalogue) -> None:
    sam = intake(content).goes(until="confusion")
    assert sam.conversation.answers[Place("seizure")] != ()
    old = Answered(sam.conversation.id, sam.conversation.revision - 1, position(sam, "seizure"), 0)
    sam.does(old)
    assert sam.raised == ["M1 emergency"]
    assert sam.conversation.stage is Stage.PAUSED
    assert sam.conversation.answers[Place("seizure")] == (Coding("no", "urn:taperline"),)


def test_p8_a_forged_button_of_a_question_that_was_not_asked_raises_nothing(content: Catalogue) -> None:
    sam = intake(content).goes(until="seizure")
    forged = Answered(sam.conversation.id, sam.conversation.revision, position(sam, "chest"), 0)
    assert not any(isinstance(effect, Raise | Record) for effect in sam.does(forged))
    assert sam.conversation.stage is Stage.ASKING


def position(sam: Patient, link_id: str) -> int:
    return [item.link_id for item in sam.conversation.questionnaire.walk()].index(link_id)


def test_a_positive_screen_raises_and_asks_on(content: Catalogue) -> None:
    sam = intake(content).goes(until="asq-2")
    sam.answers("yes")
    assert sam.raised == ["S2 urgent"]
    assert sam.told == ["crisis", "?asq-3"]


def test_a_screen_that_is_refused_counts_as_positive(content: Catalogue) -> None:
    sam = intake(content).goes(until="asq-3")
    sam.answers("declined")
    assert sam.raised == ["S2 urgent"]
    sam.goes(until="asq-5")
    assert sam.question.link_id == "asq-5"


# --- the medicine -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_p5_a_taper_question_in_every_state_becomes_a_visit_and_the_question_comes_again(
    content: Catalogue, state: str
) -> None:
    sam = in_state(content, state)
    before = sam.person.conversation
    sam.says(TAPER)
    assert "D6 routine" in sam.raised
    assert sam.all(Request) == [Request(RequestKind.VISIT)]
    again = [f"?{before.question.link_id}"] if before is not None and before.question and state in ASKING else []
    assert sam.told == ["no_taper_advice", *(["review"] if state == "reviewing" else again)]
    assert sam.person.conversation == before


def with_forms(content: Catalogue, **forms: Questionnaire) -> Catalogue:
    """The clinic's content, with these questionnaires instead of its own."""
    return replace(content, questionnaires={**content.questionnaires, **forms})


def asking_for_the_dose(content: Catalogue) -> Catalogue:
    """A check-in that asks for today's total at once, and then goes on."""
    daily_dose = [{"system": "urn:taperline", "code": "daily-dose"}]
    return with_forms(content, check_in=load(item("total", "decimal", code=daily_dose), item("next")))


@pytest.mark.parametrize(
    ("reports", "today", "alarms"),
    [
        ([(7, "10")], "7.5", False),
        ([(7, "10")], "7.51", False),
        ([(7, "10")], "7.49", True),
        ([(7, "10")], "12", False),
        ([(14, "10")], "7", True),
        ([(15, "10")], "7", False),
        ([(14, "10"), (7, "8")], "7.5", False),
        ([(14, "10"), (7, "8")], "7.4", True),
        ([(14, "10"), (7, "7")], "6", True),
        ([(14, "10"), (7, "7")], "7.5", False),
        ([], "1", False),
        ([(7, "10")], "0", True),
        ([(7, "0")], "0", False),
    ],
)
def test_d2_is_a_report_of_more_than_a_quarter_below_the_highest_of_14_days(
    content: Catalogue, reports: list[tuple[int, str]], today: str, alarms: bool
) -> None:
    sam = checking_in(asking_for_the_dose(content), reports)
    sam.says(today)
    assert sam.recorded == ["total"]
    assert ("D2 urgent" in sam.raised) == alarms
    assert ("differs_from_plan" in sam.told) == alarms
    assert sam.all(Ask), "it is no emergency: the next question comes"


def test_d2_fires_on_the_report_and_not_again_on_the_answers_after_it(content: Catalogue) -> None:
    sam = checking_in(content, [(7, "10")]).goes(until="dose-1", dose_as_agreed="less", different_days="1")
    sam.says("5")
    assert sam.raised == ["D2 urgent"]
    while sam.conversation.stage is Stage.ASKING:
        sam.answers(quiet(sam.question))
        assert sam.raised == []
    sam.sends()
    assert sam.raised == []


def test_a_skipped_dose_is_no_fall(content: Catalogue) -> None:
    sam = checking_in(asking_for_the_dose(content), [(7, "10")])
    sam.answers(None)
    assert (sam.recorded, sam.raised) == (["total"], [])


def test_the_day_of_a_report_is_the_patients_own(content: Catalogue) -> None:
    sam = checking_in(asking_for_the_dose(content), [(14, "10")])
    sam.now = datetime(2026, 11, 24, 7, 59, tzinfo=UTC)
    assert sam.person.doses[0].day == date(2026, 11, 9)
    sam.says("5")
    assert "D2 urgent" in sam.raised
    late = checking_in(asking_for_the_dose(content), [(14, "10")])
    late.now = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    late.says("5")
    assert "D2 urgent" not in late.raised


# --- X2: not understood -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["asking", "checking in", "enrolled", "requested", "invited"])
def test_p6_a_person_is_fetched_after_two_misunderstandings(content: Catalogue, state: str) -> None:
    sam = in_state(content, state)
    sam.says("zzz")
    assert sam.raised == []
    sam.says("zzz")
    assert sam.raised == ["X2 routine"]
    assert sam.told[0] == "person_will_call"
    sam.says("zzz")
    assert sam.raised == []


@pytest.mark.parametrize("understood", ["typed", "tapped", "signal"])
def test_being_understood_in_between_starts_the_count_again(content: Catalogue, understood: str) -> None:
    sam = intake(content).goes(until="phq9-1")
    for _ in range(3):
        sam.says("zzz")
        assert sam.raised == []
        match understood:
            case "typed":
                sam.says(choices(sam.question)[0][1])
                assert sam.recorded
            case "tapped":
                sam.answers(quiet(sam.question))
                assert sam.recorded
            case "signal":
                sam.says(TAPER)


# --- stop, block, silence ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_the_word_stop_asks_first(content: Catalogue, state: str) -> None:
    sam = in_state(content, state)
    before = sam.person
    sam.says(STOP)
    assert sam.told == ["confirm_stop"]
    assert sam.all(Say)[0].buttons == (Command.STOP_NOW, Command.STAY)
    assert sam.person.conversation == before.conversation
    assert (sam.person.channel is Channel.STOPPED) == (state == "stopped")


@pytest.mark.parametrize("state", STATES)
def test_stopping_ends_what_is_open_and_forgets_the_timers(content: Catalogue, state: str) -> None:
    sam = in_state(content, state)
    open_before = sam.person.conversation
    sam.wants(Command.STOP_NOW)
    assert sam.person.channel is Channel.STOPPED
    assert sam.person.conversation is None
    assert {forget.prefix for forget in sam.all(Forget)} == {"remind:", "review:", "expire:", "silent:", "check-in"}
    assert sam.told == ["stopped"]
    if open_before is not None:
        assert sam.closed[-1].stage is Stage.STOPPED
    assert sam.raised == (["V5 routine"] if state in {"enrolled", "checking in", "blocked"} else [])


def test_v5_is_raised_when_an_enrolled_patient_blocks_the_bot_and_nothing_is_sent(content: Catalogue) -> None:
    sam = enrolled(content)
    sam.does(ChannelLost())
    assert (sam.raised, sam.told) == (["V5 routine"], [])
    assert sam.person.channel is Channel.BLOCKED
    sam.does(ChannelLost())
    assert sam.raised == []


def test_a_prospect_who_blocks_the_bot_worries_nobody(content: Catalogue) -> None:
    sam = prospect(content)
    sam.does(ChannelLost())
    assert (sam.raised, sam.told) == ([], [])


def test_whoever_writes_again_is_no_longer_blocked(content: Catalogue) -> None:
    sam = in_state(content, "blocked")
    sam.says("hello")
    assert sam.person.channel is Channel.OPEN


def test_nothing_but_start_opens_a_stopped_chat(content: Catalogue) -> None:
    sam = in_state(content, "stopped")
    sam.says("hello")
    assert sam.told == ["stopped"]
    assert sam.person.channel is Channel.STOPPED
    sam.wants(Command.START)
    assert sam.person.channel is Channel.OPEN
    assert [wake.key for wake in sam.all(Wake)] == ["check-in"]
    assert sam.told == ["home"]


def test_who_stopped_and_then_blocked_gets_check_ins_again_after_start(content: Catalogue) -> None:
    sam = in_state(content, "stopped")
    sam.does(ChannelLost())
    sam.wants(Command.START)
    assert sam.person.channel is Channel.OPEN
    assert [wake.event for wake in sam.all(Wake)] == [CheckInDue()]


def test_a_prospect_who_stopped_may_begin_anew(content: Catalogue) -> None:
    sam = intake(content)
    sam.wants(Command.STOP_NOW)
    sam.wants(Command.START)
    assert sam.told == ["intake_invitation"]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("invited", ["reminder"]),
        ("asking", ["reminder", "?consent"]),
        ("reviewing", ["reminder", "review"]),
        ("paused", ["reminder"]),
    ],
)
def test_a_reminder_asks_the_open_question_again_or_brings_the_way_back(
    content: Catalogue, state: str, told: list[str]
) -> None:
    sam = in_state(content, state)
    before = sam.person
    sam.does(ReminderDue(sam.conversation.id))
    assert sam.told == told
    way_back = () if len(told) > 1 else (Begin(sam.conversation.id, "go_on"),)
    assert sam.all(Say)[0].buttons == way_back
    assert sam.person == before


@pytest.mark.parametrize("state", STATES)
def test_a_reminder_of_what_is_over_says_nothing(content: Catalogue, state: str) -> None:
    sam = in_state(content, state)
    assert sam.does(ReminderDue(99)) == ()


def test_nobody_who_blocked_is_reminded(content: Catalogue) -> None:
    sam = prospect(content)
    sam.does(ChannelLost())
    assert sam.does(ReminderDue(sam.conversation.id)) == ()


# --- check-ins that are due -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["checking in", "paused check-in", "invited check-in"])
def test_a_check_in_that_is_due_ends_the_one_before(content: Catalogue, state: str) -> None:
    sam = enrolled(content)
    sam.does(CheckInDue())
    if state != "invited check-in":
        sam.begins()
    if state == "paused check-in":
        sam.says(CRISIS)
    old = sam.conversation.id
    sam.now += timedelta(days=7)
    sam.does(CheckInDue())
    assert sam.all(End) == [End(old, Stage.EXPIRED)]
    assert Forget(f"remind:{old}") in sam.effects
    assert sam.conversation.id != old
    assert sam.conversation.stage is Stage.INVITED
    assert sam.told == ["check_in_invitation"]
    sam.does(Answered(old, 1, 1, 0))
    assert sam.all(Toast) == [Toast("stale")]
    assert sam.recorded == []


def test_an_intake_gives_way_to_the_check_in_of_a_patient_who_was_enrolled_meanwhile(content: Catalogue) -> None:
    sam = intake(content)
    sam.does(Enrolled())
    old = sam.conversation.id
    sam.does(CheckInDue())
    assert sam.all(End) == [End(old, Stage.PAUSED)]
    assert sam.conversation.purpose is Purpose.CHECK_IN
    assert sam.person.aside == (Aside(old, Purpose.INTAKE),)


@pytest.mark.parametrize("late", [timedelta(), timedelta(hours=3), timedelta(days=3), timedelta(weeks=5, hours=1)])
def test_after_a_long_downtime_a_patient_is_asked_once(content: Catalogue, late: timedelta) -> None:
    sam = enrolled(content)
    sam.now += timedelta(days=7) + late
    sam.does(CheckInDue())
    assert sam.told == ["check_in_invitation"]
    (wake,) = [wake for wake in sam.all(Wake) if wake.key == "check-in"]
    assert WEEKLY <= wake.at - sam.now <= WEEKLY + timedelta(days=7)
    assert WeeklyHour.of(wake.at, ZONE) == sam.person.check_in


@pytest.mark.parametrize("state", ["new", "requested", "stopped"])
def test_nobody_else_is_asked(content: Catalogue, state: str) -> None:
    sam = in_state(content, state)
    assert sam.does(CheckInDue()) == ()


def test_a_blocked_patient_is_not_asked_but_the_week_after_they_come_back(content: Catalogue) -> None:
    sam = enrolled(content)
    sam.does(ChannelLost())
    sam.now += timedelta(days=7)
    sam.does(CheckInDue())
    assert sam.told == []
    (wake,) = sam.all(Wake)
    sam.says("hello")
    sam.now = wake.at
    sam.does(wake.event)
    assert sam.told == ["check_in_invitation"]


def test_the_first_check_in_compares_with_the_dose_of_the_days_before(content: Catalogue) -> None:
    sam = checking_in(asking_for_the_dose(content), [(3, "4")])
    sam.says("2")
    assert "D2 urgent" in sam.raised
    assert sam.person.doses[0].milligrams == Decimal(4)


def test_a_taper_question_asked_by_command_is_a_visit(content: Catalogue) -> None:
    sam = enrolled(content)
    sam.does(Asked(Command.VISIT))
    assert sam.all(Request) == [Request(RequestKind.VISIT)]


def test_who_stopped_the_bot_is_enrolled_without_a_word(content: Catalogue) -> None:
    sam = intake(content).goes(until="seizure")
    sam.does(Asked(Command.STOP_NOW))
    effects = sam.does(Enrolled())
    assert not any(isinstance(effect, Say) for effect in effects)
    assert any(isinstance(effect, Wake) for effect in effects)


def test_p6_a_worrying_button_is_heard_while_paused_and_after_the_end(content: Catalogue) -> None:
    sam = intake(content).goes(until="seizure")
    yes = Answered(sam.conversation.id, sam.conversation.revision, position(sam, "seizure"), 0)
    sam.does(Said(CRISIS))
    assert sam.conversation.stage is Stage.PAUSED
    sam.does(yes)
    assert sam.raised == ["M1 emergency"]
    past = sam.conversation
    sam.does(Asked(Command.STOP_NOW))
    sam.person = replace(sam.person, conversation=None, other=past)
    sam.does(yes)
    assert sam.raised == ["M1 emergency"]


# --- several conversations, pauses, the review, the end of patience ---------------------------------------------


def other(sam: Patient, conversation: Conversation) -> None:
    """The conversation that the next event names, as the turn loads it."""
    sam.person = replace(sam.person, other=conversation)


def sought(content: Catalogue) -> tuple[Patient, Conversation]:
    """A patient in the middle of a check-in who is sent another questionnaire; and the check-in."""
    sam = checking_in(content)
    sam.answers("Not at all")
    held = sam.conversation
    sam.does(Sought("intake"))
    return sam, replace(held, stage=Stage.PAUSED)


def test_a_second_conversation_sets_the_first_aside_and_mixes_nothing(content: Catalogue) -> None:
    sam, first = sought(content)
    assert sam.all(End) == [End(first.id, Stage.PAUSED)]
    assert sam.person.aside == (Aside(first.id, Purpose.CHECK_IN),)
    assert sam.told == ["intake_invitation"]
    sam.begins()
    other(sam, first)
    sam.does(Answered(first.id, first.revision, 2, 0))
    assert sam.recorded == []
    assert sam.all(Toast) == [Toast("stale")]
    assert sam.told == ["?consent"]


def test_a_conversation_that_was_set_aside_goes_on_where_it_was(content: Catalogue) -> None:
    sam, first = sought(content)
    sam.begins()
    second = sam.conversation
    other(sam, first)
    sam.does(Begun(first.id))
    assert sam.told == ["?phq9-2"]
    assert sam.all(End) == [End(second.id, Stage.PAUSED)]
    assert sam.conversation.answers == first.answers
    assert sam.person.aside == (Aside(second.id, Purpose.INTAKE),)


def test_after_the_end_the_one_that_waits_is_offered(content: Catalogue) -> None:
    sam, first = sought(content)
    sam.begins()
    sam.goes()
    assert sam.told == ["intake_done_visit", "another_open"]
    assert sam.all(Say)[-1].buttons == (Begin(first.id, "go_on"),)
    sam.says("hello")
    assert Begin(first.id, "go_on") in sam.all(Say)[-1].buttons


@pytest.mark.parametrize("way", ["/pause", "pause", "later", "not now"])
def test_a_pause_keeps_the_place_and_a_word_brings_it_back(content: Catalogue, way: str) -> None:
    sam = intake(content)
    sam.wants(Command.PAUSE) if way == "/pause" else sam.says(way)
    assert sam.conversation.stage is Stage.PAUSED
    assert sam.told == ["paused"]
    sam.says("where were we")
    assert sam.told == ["?consent"]


def test_where_were_we_and_my_answers_are_understood_in_the_middle(content: Catalogue) -> None:
    sam = intake(content).goes(until="age")
    sam.says("Where were we?")
    assert sam.told == ["?age"]
    sam.says("my answers")
    assert sam.told == ["review"]
    assert sam.person.misunderstood == 0
    sam.does(Pressed(sam.conversation.id, sam.conversation.revision, Press.EDIT, 0, position(sam, "consent")))
    assert sam.told == ["?consent"]


def test_what_was_answered_and_not_sent_is_sent_after_an_hour(content: Catalogue) -> None:
    sam = in_state(content, "reviewing")
    (wake,) = [wake for wake in sam.all(Wake) if isinstance(wake.event, ReviewDue)]
    assert wake.at == sam.now + SEND_AFTER
    sam.now = wake.at
    sam.does(wake.event)
    assert sam.told == ["intake_done_visit"]
    assert sam.all(Request) == [Request(RequestKind.CONSULTATION, IntakeOutcome.VISIT)]
    assert sam.does(wake.event) == (), "once"


def test_what_is_being_changed_is_sent_an_hour_after_the_last_touch(content: Catalogue) -> None:
    sam = in_state(content, "reviewing")
    held = sam.conversation
    sam.now += SEND_AFTER - timedelta(minutes=1)
    sam.does(Pressed(held.id, held.revision, Press.EDIT, 0, position(sam, "consent")))
    assert sam.told == ["?consent"]
    wakes = [wake for wake in sam.all(Wake) if isinstance(wake.event, ReviewDue)]
    assert wakes == [Wake(f"review:{held.id}", sam.now + SEND_AFTER, ReviewDue(held.id))], "it replaces the first"
    sam.now += SEND_AFTER
    sam.does(ReviewDue(held.id))
    assert sam.told == ["intake_done_visit"]
    assert sam.closed[-1].answers == held.answers


def test_nothing_is_sent_while_a_question_is_open(content: Catalogue) -> None:
    sam = intake(content)
    assert sam.does(ReviewDue(sam.conversation.id)) == ()


def test_whoever_leaves_at_the_review_is_told_that_it_will_be_sent(content: Catalogue) -> None:
    sam = in_state(content, "reviewing")
    sam.wants(Command.PAUSE)
    assert sam.told == ["paused_complete"]
    sam.does(ReviewDue(sam.conversation.id))
    assert sam.told == ["intake_done_visit"]


def test_a_reviewed_conversation_that_was_set_aside_is_sent_too(content: Catalogue) -> None:
    sam = in_state(content, "reviewing")
    first = replace(sam.conversation, stage=Stage.PAUSED)
    sam.does(Sought("check_in"))
    other(sam, first)
    sam.does(ReviewDue(first.id))
    assert End(first.id, Stage.SUBMITTED) in sam.effects
    assert sam.told == ["intake_done_visit"]
    assert sam.conversation.purpose == Purpose.CHECK_IN
    assert sam.person.aside == ()


@pytest.mark.parametrize("state", ["invited", "asking", "paused"])
def test_patience_ends_after_two_weeks_and_what_was_answered_stays(content: Catalogue, state: str) -> None:
    sam = in_state(content, state)
    held = sam.conversation
    sam.now += EXPIRE_AFTER
    sam.does(ExpiryDue(held.id))
    assert sam.all(End) == [End(held.id, Stage.EXPIRED)]
    assert sam.person.conversation is None
    assert sam.told == ["expired"]
    assert not any(isinstance(effect, Record) for effect in sam.effects)
    assert sam.does(ExpiryDue(held.id)) == ()
    sam.wants(Command.START)
    assert sam.told == ["intake_invitation"]


def test_p6_a_choice_among_several_worries_before_it_is_done(content: Catalogue) -> None:
    symptom = {"system": "urn:taperline", "code": "yes", "display": "A seizure"}
    calm = {"system": "urn:taperline", "code": "no", "display": "A headache"}
    options = [{"valueCoding": calm}, {"valueCoding": symptom}]
    several = item("seizure", "choice", repeats=True, answerOption=options)
    sam = Patient(with_forms(content, extra=load(several)))
    sam.does(Sought("extra"))
    sam.begins()
    held = sam.conversation
    sam.does(Pressed(held.id, held.revision, Press.ADD, 0))
    assert sam.raised == []
    sam.does(Pressed(held.id, held.revision, Press.ADD, 1))
    assert sam.raised == ["M1 emergency"]
    assert sam.conversation.stage is Stage.PAUSED


def test_p6_of_questions_that_carry_one_code_none_silences_another(content: Catalogue) -> None:
    item_9 = [{"system": "http://loinc.org", "code": "44260-8"}]
    thrice = load(*(scored(link_id, 0, 1, code=item_9) for link_id in ("phq9-9", "mine", "theirs")), item("last"))
    for chosen in ("o0 o1 o0", "o1 o0 o0", "o0 o0 o1", "o0 o0 o0"):
        sam = Patient(with_forms(content, extra=thrice))
        sam.does(Sought("extra"))
        sam.begins()
        raised = []
        for code in chosen.split():
            sam.answers(code)
            raised += sam.raised
            if sam.conversation.stage is Stage.PAUSED:
                sam.begins()
        assert [alert.partition(" ")[0] for alert in raised] == ["S2"] * ("o1" in chosen)


# --- silence and visits that were missed ------------------------------------------------------------------------

LORAZEPAM = "lorazepam"
TODAY = MONDAY.date()


def planned(sam: Patient, *steps: tuple[int, str]) -> None:
    """What a physician has recorded, by days ago and milligrams."""
    recorded = (PlanStep(LORAZEPAM, Decimal(amount), TODAY - timedelta(days=ago)) for ago, amount in steps)
    sam.person = replace(sam.person, plan=Plan(tuple(recorded)))


def remembered(sam: Patient, **last: str) -> None:
    """The last answers of earlier forms, by the codes of their options (`_` stands for `-`)."""
    coded: dict[str, tuple[Coding, ...]] = {}
    for name, code in last.items():
        link_id = name.replace("_", "-")
        asked = next(form.find(link_id) for form in sam.content.questionnaires.values() if form.find(link_id))
        assert asked is not None
        values = [option.value for option in asked.options if isinstance(option.value, Coding)]
        coded[link_id] = tuple(value for value in values if value.code == code)
        assert coded[link_id]
    sam.person = replace(sam.person, past=replace(sam.person.past, answers=coded))


def at_risk(sam: Patient, by: str) -> None:
    """Give a reason why silence is urgent."""
    match by:
        case "a step of late":
            planned(sam, (60, "2"), (7, "1.5"))
        case "an earlier step":
            planned(sam, (60, "2"), (15, "1.5"))
        case "an earlier seizure":
            remembered(sam, seizure_ever="seizure")
        case "epilepsy":
            remembered(sam, seizure_ever="epilepsy")
        case rule:
            sam.person = replace(sam.person, alerts_lately=frozenset({rule}))


RISKS = [
    *((rule, "urgent") for rule in ("S1", "S2", "M1", "M2", "M3", "M4", "M5")),
    ("a step of late", "urgent"),
    ("an earlier seizure", "urgent"),
    *((rule, "routine") for rule in ("D6", "X2", "S3")),
    ("an earlier step", "routine"),
    ("epilepsy", "routine"),
]


def unanswered(content: Catalogue, state: str = "invited") -> Patient:
    """A patient whose check-in was opened just now, and left so."""
    sam = enrolled(content)
    sam.does(CheckInDue())
    if state != "invited":
        sam.begins()
    if state == "paused":
        sam.wants(Command.PAUSE)
    if state == "blocked":
        sam.does(ChannelLost())
    return sam


def test_a_check_in_is_looked_at_after_two_days_and_a_week(content: Catalogue) -> None:
    sam = enrolled(content)
    sam.does(CheckInDue())
    held = sam.conversation.id
    silent = [wake for wake in sam.all(Wake) if isinstance(wake.event, SilenceDue)]
    assert [(wake.at - MONDAY, wake.event) for wake in silent] == [
        (timedelta(hours=48), SilenceDue(held)),
        (timedelta(days=7), SilenceDue(held)),
    ]
    assert len({wake.key for wake in silent}) == 2, "one does not replace the other"


@pytest.mark.parametrize("state", ["invited", "asking", "paused", "blocked"])
def test_v2_a_check_in_that_waits_for_two_days_is_told_to_people_and_not_to_the_patient(
    content: Catalogue, state: str
) -> None:
    sam = unanswered(content, state)
    before = sam.person
    sam.now += timedelta(hours=48)
    sam.does(SilenceDue(sam.conversation.id))
    assert (sam.raised, sam.told) == (["V2 routine"], [])
    assert sam.person == before


@pytest.mark.parametrize(("risk", "tier"), RISKS)
def test_v2_silence_after_a_risk_is_urgent(content: Catalogue, risk: str, tier: str) -> None:
    sam = unanswered(content)
    at_risk(sam, risk)
    sam.now += timedelta(hours=48)
    sam.does(SilenceDue(sam.conversation.id))
    assert sam.raised == [f"V2 {tier}"]


def test_v3_a_week_of_silence_is_urgent_also_when_the_next_check_in_came(content: Catalogue) -> None:
    sam = unanswered(content)
    first = sam.conversation
    sam.now += timedelta(days=7)
    sam.does(SilenceDue(first.id))
    assert sam.raised == ["V3 urgent"]
    sam.does(CheckInDue())
    assert sam.raised == [], "one in a row is not two"
    assert not any(f"silent:{first.id}:".startswith(forget.prefix) for forget in sam.all(Forget))
    other(sam, replace(first, stage=Stage.EXPIRED))
    sam.does(SilenceDue(first.id))
    assert sam.raised == ["V3 urgent"]


def test_v3_two_check_ins_in_a_row_that_were_not_sent_are_urgent(content: Catalogue) -> None:
    sam = unanswered(content)
    raised = []
    for _ in range(3):
        sam.now += timedelta(days=7)
        sam.does(CheckInDue())
        raised.append(sam.raised)
    assert raised == [[], ["V3 urgent"], []]
    assert sam.person.unanswered == 3


def test_a_check_in_that_is_sent_ends_the_silence(content: Catalogue) -> None:
    sam = unanswered(content)
    sam.now += timedelta(days=7)
    sam.does(CheckInDue())
    assert sam.person.unanswered == 1
    sam.begins()
    sent = sam.conversation.id
    sam.goes()
    assert sam.person.unanswered == 0
    assert Forget(f"silent:{sent}") in sam.effects
    other(sam, sam.closed[-1])
    sam.now += timedelta(days=7)
    assert sam.does(SilenceDue(sent)) == ()


def test_silence_after_stop_is_not_looked_at(content: Catalogue) -> None:
    sam = unanswered(content)
    held = sam.conversation.id
    sam.wants(Command.STOP_NOW)
    other(sam, sam.closed[-1])
    assert sam.does(SilenceDue(held)) == ()


@pytest.mark.parametrize(("risk", "tier"), RISKS)
def test_v5_who_stops_after_a_risk_is_called_today(content: Catalogue, risk: str, tier: str) -> None:
    for event in (Asked(Command.STOP_NOW), ChannelLost()):
        sam = enrolled(content)
        at_risk(sam, risk)
        sam.does(event)
        assert sam.raised == [f"V5 {tier}"]


@pytest.mark.parametrize(("risk", "tier"), RISKS)
def test_v4_a_visit_that_was_missed_is_told_to_people_each_time(content: Catalogue, risk: str, tier: str) -> None:
    sam = enrolled(content)
    at_risk(sam, risk)
    for _ in range(2):
        sam.does(VisitMissed())
        assert (sam.raised, sam.told) == ([f"V4 {tier.replace('routine', 'same_day')}"], [])


@pytest.mark.parametrize(("supply", "tier"), [("days-3", "urgent"), ("out", "urgent"), ("week", "same_day")])
def test_v4_a_missed_visit_is_urgent_where_the_supply_ends(content: Catalogue, supply: str, tier: str) -> None:
    sam = enrolled(content)
    remembered(sam, supply=supply)
    sam.does(VisitMissed())
    assert sam.raised == [f"V4 {tier}"]


# --- after the taper --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "purpose", "days"),
    [
        ([], Purpose.CHECK_IN, 7),
        ([(30, "0.5")], Purpose.CHECK_IN, 7),
        ([(30, "0.5"), (0, "0")], Purpose.AFTER_CARE, 28),
        ([(30, "0.5"), (-1, "0")], Purpose.CHECK_IN, 7),
        ([(30, "0"), (7, "0.5")], Purpose.CHECK_IN, 7),
    ],
)
def test_once_the_total_of_the_plan_is_zero_the_check_in_is_the_monthly_one(
    content: Catalogue, steps: list[tuple[int, str]], purpose: Purpose, days: int
) -> None:
    sam = enrolled(content)
    planned(sam, *steps)
    sam.does(CheckInDue())
    assert sam.conversation.purpose == purpose
    assert sam.told == [f"{purpose}_invitation"]
    (wake,) = [wake for wake in sam.all(Wake) if wake.key == "check-in"]
    assert wake.at == MONDAY + timedelta(days=days)


def test_a_monthly_check_in_goes_to_its_end_and_counts_as_one(content: Catalogue) -> None:
    sam = enrolled(content)
    planned(sam, (30, "0"))
    sam.does(CheckInDue())
    sam.begins()
    sam.goes()
    assert sam.told == ["check_in_done"]
    assert sam.person.past.check_ins == 1
    assert sam.person.past.answers["trend"]


def test_the_next_check_in_ends_a_monthly_one_that_was_not_sent(content: Catalogue) -> None:
    sam = enrolled(content)
    planned(sam, (30, "0"))
    sam.does(CheckInDue())
    old = sam.conversation.id
    sam.now += timedelta(days=28)
    sam.does(CheckInDue())
    assert sam.all(End) == [End(old, Stage.EXPIRED)]
    assert sam.person.unanswered == 1


# --- what earlier forms leave for later ones --------------------------------------------------------------------


def opened(content: Catalogue, past: Past) -> Patient:
    """A check-in that somebody with this past has begun."""
    sam = enrolled(content)
    sam.person = replace(sam.person, past=past)
    sam.does(CheckInDue())
    sam.begins()
    return sam


@pytest.mark.parametrize(
    ("check_ins", "long"), [(0, False), (1, False), (2, False), (3, True), (4, False), (7, True), (11, True)]
)
def test_every_fourth_check_in_asks_the_long_forms(content: Catalogue, check_ins: int, long: bool) -> None:
    sam = opened(content, Past(check_ins=check_ins))
    for first, third, short in (("phq9-1", "phq9-3", "phq9-9"), ("gad7-1", "gad7-3", "seizure")):
        sam.goes(until=first)
        sam.answers("Not at all")
        sam.answers("Not at all")
        assert sam.question.link_id == (third if long else short)


@pytest.mark.parametrize(
    ("first", "second", "long"),
    [
        ("Nearly every day", "Not at all", True),
        ("More than half the days", "Several days", True),
        ("More than half the days", "Not at all", False),
        ("Several days", "Several days", False),
    ],
)
@pytest.mark.parametrize(
    ("form", "begins", "goes_on", "short"),
    [("phq", "phq9-1", "phq9-3", "phq9-9"), ("gad", "gad7-1", "gad7-3", "seizure")],
)
def test_two_answers_that_sum_up_to_three_ask_the_long_form(  # noqa: PLR0917
    content: Catalogue, form: str, begins: str, goes_on: str, short: str, first: str, second: str, long: bool
) -> None:
    assert begins.startswith(form)
    sam = checking_in(content).goes(until=begins)
    sam.answers(first)
    sam.answers(second)
    assert sam.question.link_id == (goes_on if long else short)


def known(sam: Patient) -> dict[str, list[object]]:
    """What the open conversation was given by the record, as it was written down when it was opened."""
    return {
        effect.place.link_id: [value.code if isinstance(value, Coding) else value for value in effect.values]
        for effect in sam.all(Record)
    }


def test_a_check_in_knows_what_the_intake_said(content: Catalogue) -> None:
    sam = in_state(content, "asking").goes(
        sex="female", pregnancy="breastfeeding", mind="bipolar+ptsd", audit_c_1="4 or more times a week"
    )
    sam.does(Enrolled())
    sam.does(CheckInDue())
    assert known(sam) == {
        "full-screen": [False],
        "mind-known": ["bipolar", "ptsd"],
        "alcohol-known": ["LA18929-2"],
        "sex-known": ["female"],
        "age-known": ["18-44"],
    }
    assert sam.conversation.revision == 5, "an answer that was written down has a revision of its own"
    sam.begins()
    asked = []
    while sam.conversation.stage is Stage.ASKING:
        asked.append(sam.question.link_id)
        words = quiet(sam.question)
        sam.answers(words) if choices(sam.question) or words is None else sam.says(words)
    assert {"racing", "stopped-drinking", "pregnancy"} <= set(asked)
    assert not {"mind-known", "alcohol-known", "sex-known", "age-known", "full-screen"} & set(asked)
    sam.sends()
    kept = sam.person.past.answers
    assert not {"mind-known", "alcohol-known", "sex-known", "age-known", "full-screen"} & set(kept)
    assert kept["pregnancy"] == (Coding("no", "urn:taperline:pregnancy"),), "the newest answer is what is known"
    assert kept["mind"], "what was not asked again stays"


def test_what_cannot_matter_to_somebody_is_not_asked_each_week(content: Catalogue) -> None:
    sam = in_state(content, "asking").goes(sex="male", mind="ptsd")
    sam.does(Enrolled())
    sam.does(CheckInDue())
    assert known(sam) == {
        "full-screen": [False],
        "mind-known": ["ptsd"],
        "alcohol-known": ["LA6270-8"],
        "sex-known": ["male"],
        "age-known": ["18-44"],
    }
    sam.begins()
    sam.goes()
    sent = {place.link_id for place in sam.closed[-1].answers}
    assert not {"racing", "pregnancy", "stopped-drinking"} & sent


def test_p1_a_pregnancy_is_news_once(content: Catalogue) -> None:
    raised = []
    sam = enrolled(content)
    remembered(sam, pregnancy="no")
    for _ in range(2):
        sam.does(CheckInDue())
        sam.begins()
        sam.goes(until="pregnancy")
        sam.answers("pregnant")
        raised.append(sam.raised)
        sam.goes()
        sam.now += timedelta(days=7)
    assert raised == [["P1 urgent"], []]


def test_the_past_is_kept_when_a_form_is_sent_and_not_before(content: Catalogue) -> None:
    sam = checking_in(content).goes(until="visit-topic")
    assert sam.person.past == Past()
    sam.answers(None)
    assert sam.person.past == Past(), "it waits to be sent"
    sam.sends()
    assert sam.person.past.check_ins == 1
    assert sam.person.past.totals["phq2-total"] == (0,)
    assert sam.person.past.answers["supply"]


def test_a_form_that_was_put_away_leaves_nothing_in_the_past(content: Catalogue) -> None:
    sam = checking_in(content).goes(until="visit-topic")
    held = sam.conversation.id
    sam.now += EXPIRE_AFTER
    sam.does(ExpiryDue(held))
    assert sam.person.past == Past()


def test_a_rise_since_the_last_check_in_is_seen_by_the_rules(content: Catalogue) -> None:
    sam = opened(content, Past(totals={"phq9": (Decimal(4),)}, highest={"phq9": Decimal(4)}, check_ins=3))
    raised = []
    while sam.question.link_id != "gad7-1":
        sam.answers("Several days" if sam.question.link_id != "phq9-9" else "Not at all")
        raised += sam.raised
    assert raised == [], "eight is four more than last time"
    sam = opened(content, Past(totals={"phq9": (Decimal(3),)}, highest={"phq9": Decimal(3)}, check_ins=3))
    while sam.question.link_id != "gad7-1":
        sam.answers("Several days" if sam.question.link_id != "phq9-9" else "Not at all")
        raised += sam.raised
    assert raised == ["Q2 routine"]


# --- what an intake leads to ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ({}, IntakeOutcome.VISIT),
        ({"consent": "no"}, IntakeOutcome.CALL_FIRST),
        ({"taking": "alone"}, IntakeOutcome.FLAGGED),
        ({"naloxone": "No", "opioids": "prescribed"}, IntakeOutcome.CALL_FIRST),
        ({"age": "65-up"}, IntakeOutcome.FLAGGED),
        ({"dose_total": None}, IntakeOutcome.FLAGGED),
        ({"in_person": "unsure"}, IntakeOutcome.FLAGGED),
        ({"in_person": "no"}, IntakeOutcome.ELSEWHERE),
        ({"in_person": "no", "age": "65-up"}, IntakeOutcome.ELSEWHERE),
        ({"age": "under-18"}, IntakeOutcome.CALL_FIRST),
        ({"supply": "days-3"}, IntakeOutcome.CALL_FIRST),
        ({"dose_total": "20"}, IntakeOutcome.CALL_FIRST),
        ({"in_person": "no", "source": "street"}, IntakeOutcome.CALL_FIRST),
        ({"asq_4": "declined"}, IntakeOutcome.CALL_FIRST),
        ({"seizure": "yes"}, IntakeOutcome.EMERGENCY),
        ({"supply": "days-3", "chest": "unsure"}, IntakeOutcome.EMERGENCY),
    ],
)
def test_what_an_intake_leads_to_is_told_to_the_patient_and_to_the_clinic(
    content: Catalogue, given: dict[str, str | None], outcome: IntakeOutcome
) -> None:
    sam = intake(content).goes(**given)
    assert sam.all(Request) == [Request(RequestKind.CONSULTATION, outcome)]
    assert sam.told == [f"intake_done_{outcome}"]
    assert sam.raised == (["I0 urgent"] if outcome is IntakeOutcome.CALL_FIRST else [])
    assert sam.person.standing is Standing.REQUESTED, "the bot rejects nobody"


def test_what_happened_in_an_earlier_taper_is_not_of_today_but_an_emergency_is_heard(content: Catalogue) -> None:
    sam = intake(content).goes(until="earlier-taper-what", earlier_tapers="more")
    sam.says("i stopped cold turkey in 2019, then cut my dose too fast and went back on it")
    assert (sam.recorded, sam.raised) == (["earlier-taper-what"], [])
    sam = intake(content).goes(until="earlier-taper-what", earlier_tapers="more")
    sam.says(CRISIS)
    assert sam.raised == ["S1 emergency"]


def test_who_would_rather_talk_to_a_person_is_only_asked_how_to_be_reached(content: Catalogue) -> None:
    sam = intake(content).goes(consent="no")
    asked = {place.link_id for place in sam.closed[-1].answers}
    assert asked == {"consent", "contact-name", "contact-phone", "contact-time", "voicemail"}


@pytest.mark.parametrize(
    ("channel", "rule", "is_told"),
    [
        (Channel.OPEN, "S1", True),
        (Channel.OPEN, "X0", False),
        (Channel.OPEN, "a rule that is gone", False),
        (Channel.STOPPED, "S1", False),
        (Channel.BLOCKED, "S1", False),
    ],
)
def test_who_was_told_that_people_are_alerted_hears_that_one_has_seen_it(
    content: Catalogue, channel: Channel, rule: str, is_told: bool
) -> None:
    patient = Patient(content)
    patient.person = replace(patient.person, channel=channel)
    before = patient.person
    assert patient.does(AlertSeen(rule)) == ((Say("seen", overtakes=True),) if is_told else ())
    assert patient.person == before
