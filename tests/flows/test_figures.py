"""Figures: every number by hand, and what is left out because it may still be, or because it means nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from flows.catalogue import Catalogue
from flows.escalation import Audience, Outcome, PageStep, Policy, Tier
from flows.figures import Figures, Life, Period, Share, Spread, TierFigures, figures
from flows.lifecycle import AlertStep
from flows.schedule import OpeningHours

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""

PAGE, ACK, CONTACT = AlertStep.PAGE, AlertStep.ACKNOWLEDGE, AlertStep.CONTACT
HAND_OVER, ESCALATE, NEW_FACTS = AlertStep.HAND_OVER, AlertStep.ESCALATE, AlertStep.NEW_FACTS
OVERDUE, RESOLVE = AlertStep.OVERDUE, AlertStep.RESOLVE
PAGED = (timedelta(), PAGE)


@pytest.fixture(scope="module")
def clinic(content: Catalogue) -> Catalogue:
    """Five minutes to acknowledge, thirty to speak with the patient; open from 9 to 17 (UTC), Monday to Friday."""
    steps = (PageStep((Audience.OWNERS,), 5 * MINUTE), PageStep((Audience.EVERYONE,), 99 * MINUTE))
    policies = {tier: Policy(tier, steps, 30 * MINUTE, DAY, waits_for_opening=tier is Tier.SAME_DAY) for tier in Tier}
    open_at = OpeningHours(dict.fromkeys(range(5), ((time(9), time(17)),)), frozenset(), ZoneInfo("UTC"))
    return replace(content, policies=policies, clinic=replace(content.clinic, opening=open_at))


def life(
    *steps: tuple[timedelta, AlertStep],
    tier: Tier = Tier.EMERGENCY,
    rule: str = "S1",
    sent: timedelta | None = None,
    outcome: Outcome | None = None,
    raised_at: datetime = NOON,
    is_about_patient: bool = True,
) -> Life:
    """An alert whose steps, and first page, came so long after it was raised."""
    at = tuple((raised_at + after, step) for after, step in steps)
    return Life(rule, tier, is_about_patient, raised_at, at, None if sent is None else raised_at + sent, outcome)


def counted(clinic: Catalogue, *lives: Life, until: datetime = NOON + DAY, check_ins: int = 0, of: int = 0) -> Figures:
    return figures(Period(NOON - DAY, until, lives, check_ins, of), clinic)


def emergency(clinic: Catalogue, *lives: Life, until: datetime = NOON + DAY) -> TierFigures:
    [tier] = counted(clinic, *lives, until=until).tiers
    assert tier.tier is lives[0].tier
    return tier


def minutes(*numbers: float) -> Sequence[timedelta]:
    return [number * MINUTE for number in numbers]


def test_the_median_and_what_nine_of_ten_are_within() -> None:
    assert Spread.of([]) is None
    assert Spread.of(minutes(7)) == Spread(1, 7 * MINUTE, 7 * MINUTE)
    assert Spread.of(minutes(4, 1)) == Spread(2, 2.5 * MINUTE, 4 * MINUTE)
    assert Spread.of(minutes(9, 1, 5, 2, 8, 3, 10, 4, 7, 6)) == Spread(10, 5.5 * MINUTE, 9 * MINUTE)
    assert Spread.of(minutes(*range(1, 12))) == Spread(11, 6 * MINUTE, 10 * MINUTE)


def test_a_share_leaves_out_what_is_not_known() -> None:
    assert Share.counted([True, None, False, True]) == Share(2, 3)
    assert Share(1, 4).fraction == 0.25
    assert Share(0, 0).fraction is None


def test_times_begin_when_the_alert_is_raised(clinic: Catalogue) -> None:
    slow = life(PAGED, (3 * MINUTE, ACK), (20 * MINUTE, CONTACT), sent=4 * MINUTE)
    fast = life(PAGED, (1 * MINUTE, ACK), (10 * MINUTE, CONTACT), sent=2 * MINUTE)
    tier = emergency(clinic, slow, fast, life())
    assert tier.alerts == 3
    assert tier.to_page == Spread(2, 3 * MINUTE, 4 * MINUTE)
    assert tier.to_acknowledge == Spread(2, 2 * MINUTE, 3 * MINUTE)
    assert tier.to_contact == Spread(2, 15 * MINUTE, 20 * MINUTE)


@pytest.mark.parametrize("step", [ACK, CONTACT, RESOLVE])
def test_whoever_speaks_with_the_patient_or_resolves_has_taken_it(clinic: Catalogue, step: AlertStep) -> None:
    tier = emergency(clinic, life(PAGED, (2 * MINUTE, HAND_OVER), (3 * MINUTE, step), (9 * MINUTE, ACK)))
    assert tier.to_acknowledge == Spread(1, 3 * MINUTE, 3 * MINUTE)


@pytest.mark.parametrize("step", [HAND_OVER, ESCALATE])
def test_to_pass_it_on_is_not_to_take_it(clinic: Catalogue, step: AlertStep) -> None:
    assert emergency(clinic, life(PAGED, (2 * MINUTE, step))).to_acknowledge is None


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        (Outcome.HELPED, Spread(1, 8 * MINUTE, 8 * MINUTE)),
        (Outcome.REFERRED, Spread(1, 8 * MINUTE, 8 * MINUTE)),
        (Outcome.ARRANGED, None),
        (Outcome.NOT_REACHED, None),
        (Outcome.NO_ACTION, None),
    ],
)
def test_an_outcome_tells_that_the_patient_was_reached(
    clinic: Catalogue, outcome: Outcome, found: Spread | None
) -> None:
    tier = emergency(clinic, life(PAGED, (1 * MINUTE, ACK), (8 * MINUTE, RESOLVE), outcome=outcome))
    assert tier.to_contact == found


@pytest.mark.parametrize(
    ("steps", "until", "found"),
    [
        ([PAGED, (5 * MINUTE, ACK)], DAY, Share(1, 1)),
        ([PAGED, (5 * MINUTE + timedelta(seconds=1), ACK)], DAY, Share(0, 1)),
        ([PAGED], 5 * MINUTE, Share(0, 0)),
        ([PAGED], 5 * MINUTE + timedelta(seconds=1), Share(0, 1)),
        ([PAGED, (4 * MINUTE, PAGE), (8 * MINUTE, ACK)], DAY, Share(0, 1)),
        ([(60 * MINUTE, PAGE), (64 * MINUTE, ACK)], DAY, Share(1, 1)),
        ([(60 * MINUTE, ACK)], DAY, Share(1, 1)),
        ([], DAY, Share(0, 0)),
    ],
)
def test_in_time_is_before_the_second_page_was_due(
    clinic: Catalogue, steps: list[tuple[timedelta, AlertStep]], until: timedelta, found: Share
) -> None:
    assert emergency(clinic, life(*steps), until=NOON + until).acknowledged_in_time == found


@pytest.mark.parametrize(
    ("steps", "outcome", "until", "found"),
    [
        ([(2 * MINUTE, ACK), (32 * MINUTE, CONTACT)], None, DAY, Share(1, 1)),
        ([(2 * MINUTE, ACK), (33 * MINUTE, CONTACT)], None, DAY, Share(0, 1)),
        ([(2 * MINUTE, ACK)], None, 32 * MINUTE, Share(0, 0)),
        ([(2 * MINUTE, ACK)], None, 33 * MINUTE, Share(0, 1)),
        ([(2 * MINUTE, ACK), (32 * MINUTE, RESOLVE)], Outcome.HELPED, DAY, Share(1, 1)),
        ([(2 * MINUTE, ACK), (9 * MINUTE, RESOLVE)], Outcome.NOT_REACHED, DAY, Share(0, 1)),
        ([(2 * MINUTE, ACK), (9 * MINUTE, RESOLVE)], Outcome.ARRANGED, DAY, Share(0, 1)),
        ([(2 * MINUTE, ACK), (9 * MINUTE, RESOLVE)], Outcome.NO_ACTION, DAY, Share(0, 0)),
        ([], None, DAY, Share(0, 0)),
        (
            [(2 * MINUTE, ACK), (9 * MINUTE, HAND_OVER), (9 * MINUTE, ACK), (33 * MINUTE, CONTACT)],
            None,
            DAY,
            Share(0, 1),
        ),
    ],
)
def test_contact_is_in_time_from_the_first_acknowledgement(
    clinic: Catalogue,
    steps: list[tuple[timedelta, AlertStep]],
    outcome: Outcome | None,
    until: timedelta,
    found: Share,
) -> None:
    assert emergency(clinic, life(PAGED, *steps, outcome=outcome), until=NOON + until).contacted_in_time == found


def test_an_alert_about_the_clinic_has_nobody_to_speak_with(clinic: Catalogue) -> None:
    steps = (PAGED, (1 * MINUTE, ACK), (2 * MINUTE, RESOLVE))
    tier = emergency(clinic, life(*steps, outcome=Outcome.HELPED, is_about_patient=False))
    assert tier.to_acknowledge == Spread(1, MINUTE, MINUTE)
    assert (tier.to_contact, tier.contacted_in_time) == (None, Share(0, 0))


def test_what_waits_for_opening_is_due_in_opening_hours(clinic: Catalogue) -> None:
    late = datetime(2026, 3, 2, 16, 58, tzinfo=UTC)
    night = 16 * HOUR + 2 * MINUTE
    for after, in_time in ((night, 1), (night + MINUTE, 0)):
        alert = life(PAGED, (after, ACK), tier=Tier.SAME_DAY, raised_at=late)
        assert emergency(clinic, alert).acknowledged_in_time == Share(in_time, 1)
        alert = life(PAGED, (MINUTE, ACK), (after, CONTACT), tier=Tier.SAME_DAY, raised_at=late)
        assert emergency(clinic, alert).contacted_in_time == Share(in_time, 1)


def test_alerts_are_counted_once_for_what_happened_to_them(clinic: Catalogue) -> None:
    acked = (PAGED, (MINUTE, ACK))
    lives = (
        life(*acked, (2 * MINUTE, OVERDUE), (3 * MINUTE, ACK), (4 * MINUTE, OVERDUE)),
        life(*acked, (2 * MINUTE, ESCALATE), (3 * MINUTE, ESCALATE)),
        life(PAGED, (2 * MINUTE, ESCALATE)),
        life(*acked, (2 * MINUTE, HAND_OVER)),
        life(*acked, (2 * MINUTE, HAND_OVER)),
        life(*acked, (2 * MINUTE, HAND_OVER)),
        *(life(*acked, (2 * MINUTE, NEW_FACTS)) for _ in range(4)),
    )
    tier = emergency(clinic, *lives)
    assert (tier.overdue, tier.escalated, tier.handed_over, tier.raised_again) == (1, 2, 3, 4)


def test_facts_that_come_before_anybody_took_it_raise_nothing_again(clinic: Catalogue) -> None:
    assert emergency(clinic, life(PAGED, (MINUTE, NEW_FACTS), (2 * MINUTE, ACK))).raised_again == 0
    passed_on = life(PAGED, (MINUTE, ACK), (2 * MINUTE, HAND_OVER), (3 * MINUTE, NEW_FACTS))
    assert emergency(clinic, passed_on).raised_again == 0


def test_tiers_come_the_most_urgent_first_and_only_those_with_alerts(clinic: Catalogue) -> None:
    found = counted(clinic, life(tier=Tier.ROUTINE), life(tier=Tier.EMERGENCY), life(tier=Tier.ROUTINE))
    assert [(tier.tier, tier.alerts) for tier in found.tiers] == [(Tier.EMERGENCY, 1), (Tier.ROUTINE, 2)]
    assert counted(clinic).tiers == ()


def test_alerts_per_check_in(clinic: Catalogue) -> None:
    assert counted(clinic, check_ins=20, of=3).per_check_in == Share(3, 20)


def test_rules_that_page_for_nothing_come_first(clinic: Catalogue) -> None:
    def of_rule(rule: str, *outcomes: Outcome | None) -> list[Life]:
        return [life(rule=rule, outcome=outcome) for outcome in outcomes]

    nothing, helped = Outcome.NO_ACTION, Outcome.HELPED
    lives = [
        *of_rule("S2", helped, helped, helped),
        *of_rule("M1", helped),
        *of_rule("C2", nothing),
        *of_rule("C1", nothing, nothing, helped, None),
        *of_rule("W1", nothing, nothing, None),
        *of_rule("GONE", None),
    ]
    found = [(rule.rule, rule.raised, rule.no_action) for rule in counted(clinic, *lives).rules]
    assert found == [
        ("W1", 3, Share(2, 2)),
        ("C1", 4, Share(2, 3)),
        ("C2", 1, Share(1, 1)),
        ("S2", 3, Share(0, 3)),
        ("GONE", 1, Share(0, 0)),
        ("M1", 1, Share(0, 1)),
    ]
    titles = {rule.rule: rule.title for rule in counted(clinic, *lives).rules}
    assert (titles["W1"], titles["GONE"]) == ("Symptoms, urgent", "GONE")
