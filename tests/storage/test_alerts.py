"""An alert is raised once, never lowered, moved only along its table, and never goes quiet unseen (P4)."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from flows.escalation import Tier
from flows.evidence import Evidence, Finding, Occasion
from flows.lifecycle import ALERT, AlertState, AlertStep, NotAllowedError, allows
from storage import alerts, outbox, timers
from storage.cipher import SealBrokenError
from storage.database import Store, Transaction, new_id
from storage.outbox import Delivery, Urgency
from storage.tables import AlertEventRow, AlertRow
from tests.storage.parts import NOW, add_clinician, add_patient, do

pytestmark = pytest.mark.both_databases

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RULE = "slow-breathing"


def raise_(tx: Transaction, patient_id: int, tier: Tier = Tier.URGENT, rule: str = RULE) -> tuple[int, bool]:
    """The number of the alert, and whether it must be paged now."""
    alert, page_now = alerts.raise_(tx, patient_id, rule, tier, (), merge=DAY, now=NOW)
    return alerts.number(alert), page_now


def get(tx: Transaction, number: int) -> AlertRow:
    alert = alerts.by_number(tx, number)
    assert alert is not None
    return alert


def move(store: Store, number: int, *steps: AlertStep, by: int | None = None) -> None:
    for step in steps:
        do(store, lambda tx: alerts.move(tx, get(tx, number), step, by=by, now=NOW))  # noqa: B023 (done at once)


def trace(store: Store, number: int) -> list[str]:
    query = select(AlertEventRow.kind).where(AlertEventRow.alert_id == number).order_by(col(AlertEventRow.id))
    return do(store, lambda tx: list(tx.session.exec(query)))


@pytest.fixture
def patient(store: Store) -> int:
    return do(store, add_patient)


def test_a_new_alert_is_raised_and_must_be_paged(store: Store, patient: int) -> None:
    number, page_now = do(store, lambda tx: raise_(tx, patient))
    assert page_now
    alert = do(store, lambda tx: get(tx, number))
    assert (alert.patient_id, alert.rule, alert.tier) == (patient, RULE, Tier.URGENT)
    assert (alert.state, alert.step, alert.raised_at) == (AlertState.RAISED, 0, NOW)
    assert trace(store, number) == ["raised"]


def test_the_same_rule_for_the_same_patient_adds_to_the_open_alert(store: Store, patient: int) -> None:
    number, _ = do(store, lambda tx: raise_(tx, patient))
    assert do(store, lambda tx: raise_(tx, patient)) == (number, False)
    assert trace(store, number) == ["raised", "new_facts"]
    assert len(do(store, alerts.open_ones)) == 1


def test_another_rule_and_another_patient_have_alerts_of_their_own(store: Store, patient: int) -> None:
    other = do(store, lambda tx: add_patient(tx, 222))
    numbers = {
        do(store, lambda tx: raise_(tx, patient))[0],
        do(store, lambda tx: raise_(tx, patient, rule="another"))[0],
        do(store, lambda tx: raise_(tx, other))[0],
    }
    assert len(numbers) == 3


def test_p4_a_tier_is_never_lowered(store: Store, patient: int) -> None:
    number, _ = do(store, lambda tx: raise_(tx, patient, Tier.EMERGENCY))
    for tier in (Tier.URGENT, Tier.ROUTINE):
        assert do(store, lambda tx: raise_(tx, patient, tier)) == (number, False)  # noqa: B023 (done at once)
        assert do(store, lambda tx: get(tx, number).tier) == Tier.EMERGENCY


def test_p4_a_tier_that_rises_starts_the_ladder_again_and_pages_now(store: Store, patient: int) -> None:
    number, _ = do(store, lambda tx: raise_(tx, patient, Tier.ROUTINE))
    move(store, number, AlertStep.PAGE)

    def climb(tx: Transaction) -> None:
        get(tx, number).step = 3

    do(store, climb)
    assert do(store, lambda tx: raise_(tx, patient, Tier.ROUTINE)) == (number, False)
    assert do(store, lambda tx: get(tx, number).step) == 3, "the same tier again does not start it again"
    assert do(store, lambda tx: raise_(tx, patient, Tier.EMERGENCY)) == (number, True)
    alert = do(store, lambda tx: get(tx, number))
    assert (alert.tier, alert.step) == (Tier.EMERGENCY, 0)


def kept(store: Store) -> list[tuple[str, str | None]]:
    """The kind and the sealed evidence of every event."""
    query = select(AlertEventRow).order_by(col(AlertEventRow.id))
    return do(store, lambda tx: [(row.kind, row.evidence_sealed) for row in tx.session.exec(query)])


def test_each_time_it_is_raised_what_raised_it_is_kept_and_nothing_kept_is_changed(store: Store, patient: int) -> None:
    answered = Evidence(0, Tier.URGENT, (Finding("q", "q is yes", "Is it?", ("Yes", "Ja")),))
    broken = Evidence(2, Tier.EMERGENCY, (Finding("q", "q > 1", "Is it?", (), "TypeError"),), "It waited.")

    def raised(tx: Transaction, *evidence: Evidence, rule: str = RULE) -> int:
        alert, _ = alerts.raise_(tx, patient, rule, Tier.URGENT, evidence, merge=DAY, now=NOW + HOUR * len(evidence))
        return alerts.number(alert)

    number = do(store, lambda tx: raised(tx, answered))
    first = kept(store)
    other = do(store, lambda tx: raised(tx, broken, rule="another"))
    move(store, number, AlertStep.PAGE, AlertStep.ACKNOWLEDGE)
    assert do(store, lambda tx: raised(tx, broken, answered)) == number
    assert kept(store)[:1] == first
    assert [kind for kind, sealed in kept(store) if sealed] == ["raised", "raised", "new_facts"]
    found = do(store, lambda tx: alerts.occasions(tx, [number, 99]))
    assert found == {number: [Occasion(NOW + HOUR, (answered,)), Occasion(NOW + 2 * HOUR, (broken, answered))]}
    assert set(do(store, lambda tx: alerts.occasions(tx, [number, other]))) == {number, other}
    assert do(store, lambda tx: alerts.occasions(tx, [])) == {}


def test_p7_evidence_opens_only_in_the_event_that_it_was_sealed_for(store: Store, patient: int) -> None:
    evidence = (Evidence(0, Tier.URGENT, note="told"),)
    first, _ = do(store, lambda tx: alerts.raise_(tx, patient, RULE, Tier.URGENT, evidence, merge=DAY, now=NOW))
    do(store, lambda tx: alerts.raise_(tx, patient, RULE, Tier.URGENT, evidence, merge=DAY, now=NOW))

    def swap(tx: Transaction) -> None:
        here, there = tx.session.exec(select(AlertEventRow).order_by(col(AlertEventRow.id))).all()
        here.evidence_sealed, there.evidence_sealed = there.evidence_sealed, here.evidence_sealed

    do(store, swap)
    with pytest.raises(SealBrokenError):
        do(store, lambda tx: alerts.occasions(tx, [alerts.number(first)]))


@pytest.mark.parametrize("tier", list(Tier))
def test_p4_new_facts_after_somebody_took_it_raise_it_again(store: Store, patient: int, tier: Tier) -> None:
    clinician = do(store, add_clinician)
    number, _ = do(store, lambda tx: raise_(tx, patient, Tier.URGENT))
    move(store, number, AlertStep.PAGE, AlertStep.ACKNOWLEDGE, by=clinician)

    def climb(tx: Transaction) -> None:
        get(tx, number).step = 2

    do(store, climb)
    assert do(store, lambda tx: raise_(tx, patient, tier)) == (number, True)
    alert = do(store, lambda tx: get(tx, number))
    assert (alert.state, alert.step) == (AlertState.RAISED, 0)
    assert alert.tier == min(tier, Tier.URGENT, key=lambda each: each.urgency)


def test_p4_after_it_was_resolved_the_same_rule_raises_a_new_alert(store: Store, patient: int) -> None:
    first, _ = do(store, lambda tx: raise_(tx, patient))
    move(store, first, AlertStep.RESOLVE)
    second, page_now = do(store, lambda tx: raise_(tx, patient))
    assert second != first
    assert page_now
    assert do(store, lambda tx: get(tx, first).state) == AlertState.RESOLVED


def test_every_step_leaves_a_trace_of_what_when_and_who(store: Store, patient: int) -> None:
    clinician = do(store, add_clinician)
    number, _ = do(store, lambda tx: raise_(tx, patient))
    do(store, lambda tx: alerts.move(tx, get(tx, number), AlertStep.PAGE, now=NOW))
    do(store, lambda tx: alerts.move(tx, get(tx, number), AlertStep.PAGE, now=NOW + HOUR))
    do(store, lambda tx: alerts.move(tx, get(tx, number), AlertStep.ACKNOWLEDGE, by=clinician, now=NOW + 2 * HOUR))
    do(store, lambda tx: alerts.move(tx, get(tx, number), AlertStep.RESOLVE, by=clinician, now=NOW + 3 * HOUR))
    query = select(AlertEventRow).where(AlertEventRow.alert_id == number).order_by(col(AlertEventRow.id))
    events = do(store, lambda tx: [(row.kind, row.at, row.clinician_id) for row in tx.session.exec(query)])
    assert events == [
        ("raised", NOW, None),
        ("page", NOW, None),
        ("page", NOW + HOUR, None),
        ("acknowledge", NOW + 2 * HOUR, clinician),
        ("resolve", NOW + 3 * HOUR, clinician),
    ]
    assert do(store, lambda tx: alerts.pages(tx, get(tx, number))) == 2
    alert = do(store, lambda tx: get(tx, number))
    assert (alert.state, alert.taken_by, alert.taken_at) == (AlertState.RESOLVED, clinician, NOW + 3 * HOUR)


def test_a_page_does_not_change_who_took_it(store: Store, patient: int) -> None:
    clinician = do(store, add_clinician)
    number, _ = do(store, lambda tx: raise_(tx, patient))
    move(store, number, AlertStep.ACKNOWLEDGE, AlertStep.ESCALATE, by=clinician)
    move(store, number, AlertStep.PAGE)
    assert do(store, lambda tx: get(tx, number).taken_by) == clinician


@pytest.mark.parametrize("step", list(AlertStep))
@pytest.mark.parametrize("state", list(AlertState))
def test_an_alert_moves_only_along_its_table(store: Store, patient: int, state: AlertState, step: AlertStep) -> None:
    def begin(tx: Transaction) -> int:
        number, _ = raise_(tx, patient)
        get(tx, number).state = state
        return number

    number = do(store, begin)
    if allows(ALERT, state, step):
        move(store, number, step)
        assert trace(store, number) == ["raised", step]
        return
    with pytest.raises(NotAllowedError):
        do(store, lambda tx: alerts.move(tx, get(tx, number), step, now=NOW))
    assert do(store, lambda tx: get(tx, number).state) == state
    assert trace(store, number) == ["raised"]


def test_a_refused_step_changes_nothing_even_when_its_transaction_goes_on(store: Store, patient: int) -> None:
    clinician = do(store, add_clinician)
    number, _ = do(store, lambda tx: raise_(tx, patient))
    move(store, number, AlertStep.RESOLVE)

    def tap_twice(tx: Transaction) -> None:
        with pytest.raises(NotAllowedError):
            alerts.move(tx, get(tx, number), AlertStep.ACKNOWLEDGE, by=clinician, now=NOW + HOUR)

    do(store, tap_twice)
    alert = do(store, lambda tx: get(tx, number))
    assert (alert.state, alert.taken_by, alert.taken_at) == (AlertState.RESOLVED, None, None)
    assert trace(store, number) == ["raised", "resolve"]


@pytest.mark.parametrize("step", [AlertStep.ACKNOWLEDGE, AlertStep.RESOLVE])
def test_an_alert_that_somebody_took_is_not_paged_again(store: Store, patient: int, step: AlertStep) -> None:
    number, _ = do(store, lambda tx: raise_(tx, patient))
    other, _ = do(store, lambda tx: raise_(tx, patient, rule="another"))
    for each in (number, other):
        do(store, lambda tx: timers.put(tx, alerts.scope(get(tx, each)), "page", NOW, "page"))  # noqa: B023
    move(store, number, step)
    left = do(store, lambda tx: [getattr(timers.take(tx, each, NOW), "scope", "") for each in timers.due(tx, NOW, 9)])
    assert left == [f"alert:{other}"]


def test_p4_a_page_keeps_the_timer_of_the_next_one(store: Store, patient: int) -> None:
    number, _ = do(store, lambda tx: raise_(tx, patient))
    do(store, lambda tx: timers.put(tx, f"alert:{number}", "page", NOW + HOUR, "page"))
    move(store, number, AlertStep.PAGE)
    assert do(store, alerts.gone_quiet) == []


@pytest.mark.parametrize("steps", [[], [AlertStep.PAGE], [AlertStep.ACKNOWLEDGE, AlertStep.ESCALATE]])
def test_p4_an_open_alert_without_a_timer_has_gone_quiet(store: Store, patient: int, steps: list[AlertStep]) -> None:
    clinician = do(store, add_clinician)
    number, _ = do(store, lambda tx: raise_(tx, patient))
    move(store, number, *steps, by=clinician)
    do(store, lambda tx: timers.put(tx, f"alert:{number}", "page", NOW + HOUR, "page"))
    assert do(store, alerts.gone_quiet) == []
    do(store, lambda tx: timers.forget(tx, f"alert:{number}", ""))
    assert [alerts.number(alert) for alert in do(store, alerts.gone_quiet)] == [number]


def test_p4_the_timer_of_another_alert_or_of_a_patient_does_not_count(store: Store, patient: int) -> None:
    number, _ = do(store, lambda tx: raise_(tx, patient))
    for scope in (f"alert:{number}0", f"patient:{number}", f"alert:{number} "):
        do(store, lambda tx: timers.put(tx, scope, "page", NOW + HOUR, "page"))  # noqa: B023 (done at once)
    assert [alerts.number(alert) for alert in do(store, alerts.gone_quiet)] == [number]


def test_p4_who_acknowledged_and_does_not_call_is_not_forgotten(store: Store, patient: int) -> None:
    number, _ = do(store, lambda tx: raise_(tx, patient))
    move(store, number, AlertStep.ACKNOWLEDGE)
    do(store, lambda tx: timers.put(tx, f"alert:{number}", alerts.PAGE, NOW + HOUR, "page"))
    assert [alerts.number(alert) for alert in do(store, alerts.gone_quiet)] == [number]
    do(store, lambda tx: alerts.revive(tx, get(tx, number), now=NOW))
    assert do(store, alerts.gone_quiet) == []
    assert do(store, lambda tx: timers.due_at(tx, f"alert:{number}", alerts.CONTACT)) == NOW


@pytest.mark.parametrize("step", [AlertStep.CONTACT, AlertStep.RESOLVE])
def test_an_alert_in_a_persons_hands_may_be_quiet(store: Store, patient: int, step: AlertStep) -> None:
    number, _ = do(store, lambda tx: raise_(tx, patient))
    do(store, lambda tx: timers.put(tx, f"alert:{number}", alerts.CONTACT, NOW + HOUR, "contact"))
    move(store, number, step)
    assert do(store, alerts.gone_quiet) == []
    assert do(store, timers.next_due) is None


def test_an_alert_about_the_clinic_itself_needs_no_contact(store: Store) -> None:
    alert, page_now = do(store, lambda tx: alerts.raise_(tx, None, "rota", Tier.URGENT, (), merge=DAY, now=NOW))
    assert page_now
    assert [alerts.number(each) for each in do(store, alerts.gone_quiet)] == [alerts.number(alert)]
    move(store, alerts.number(alert), AlertStep.ACKNOWLEDGE)
    assert do(store, alerts.gone_quiet) == []
    again, _ = do(store, lambda tx: alerts.raise_(tx, None, "rota", Tier.URGENT, (), merge=DAY, now=NOW))
    assert alerts.number(again) == alerts.number(alert)


@pytest.mark.parametrize("step", [AlertStep.ACKNOWLEDGE, AlertStep.CONTACT])
def test_new_facts_long_after_an_alert_was_taken_raise_another(store: Store, patient: int, step: AlertStep) -> None:
    number, _ = do(store, lambda tx: raise_(tx, patient))
    move(store, number, step)

    def later(tx: Transaction, passed: timedelta) -> int:
        return alerts.number(alerts.raise_(tx, patient, RULE, Tier.URGENT, (), merge=DAY, now=NOW + passed)[0])

    assert do(store, lambda tx: later(tx, DAY + HOUR)) != number


def test_new_facts_take_back_the_time_to_call(store: Store, patient: int) -> None:
    number, _ = do(store, lambda tx: raise_(tx, patient))
    move(store, number, AlertStep.ACKNOWLEDGE)
    do(store, lambda tx: timers.put(tx, f"alert:{number}", alerts.CONTACT, NOW + HOUR, "contact"))
    do(store, lambda tx: raise_(tx, patient))
    assert do(store, timers.next_due) is None, "nobody has it now: only a page brings it back"


def test_new_facts_go_to_the_alert_that_nobody_has_before_a_newer_one_that_somebody_has(
    store: Store, patient: int
) -> None:
    first, _ = do(store, lambda tx: raise_(tx, patient))
    move(store, first, AlertStep.CONTACT)

    def later(tx: Transaction, days: int) -> int:
        at = NOW + days * DAY
        return alerts.number(alerts.raise_(tx, patient, RULE, Tier.URGENT, (), merge=DAY, now=at)[0])

    second = do(store, lambda tx: later(tx, 2))
    move(store, second, AlertStep.CONTACT)
    move(store, first, AlertStep.ESCALATE)
    assert do(store, lambda tx: later(tx, 4)) == first


def test_new_facts_within_the_time_page_an_alert_again_that_was_taken(store: Store, patient: int) -> None:
    number, _ = do(store, lambda tx: raise_(tx, patient))
    move(store, number, AlertStep.CONTACT)
    alert, page_now = do(store, lambda tx: alerts.raise_(tx, patient, RULE, Tier.URGENT, (), merge=DAY, now=NOW + DAY))
    assert (alerts.number(alert), alert.state, page_now) == (number, AlertState.RAISED, True)


def test_the_trace_tells_every_step_and_what_became_of_every_page(store: Store, patient: int) -> None:
    clinician = do(store, add_clinician)
    number, _ = do(store, lambda tx: raise_(tx, patient))

    def page(tx: Transaction) -> None:
        alerts.move(tx, get(tx, number), AlertStep.PAGE, now=NOW + HOUR)
        for to in (clinician, None):
            letter = outbox.put(tx, to, "sendMessage", {}, urgency=Urgency.URGENT, now=NOW + HOUR, alert_id=number)
            alerts.paged(tx, get(tx, number), letter, 1, to)

    do(store, page)
    first = do(store, lambda tx: outbox.claim(tx, now=NOW + HOUR, limit=1))[0]
    do(store, lambda tx: outbox.sent(tx, first, 7, now=NOW + HOUR))
    do(store, lambda tx: alerts.move(tx, get(tx, number), AlertStep.RESOLVE, by=clinician, words="so", now=NOW + DAY))
    do(store, lambda tx: outbox.drop_pages(tx, number))
    lines = do(store, lambda tx: alerts.trace(tx, get(tx, number)))
    told = [(line.at, line.kind, line.clinician_id, line.words, line.delivery, line.attempts) for line in lines]
    assert told == [
        (NOW, "raised", None, "", None, 0),
        (NOW + HOUR, "page", clinician, "", Delivery.SENT, 1),
        (NOW + HOUR, "page", None, "", Delivery.DROPPED, 0),
        (NOW + DAY, "resolve", clinician, "so", None, 0),
    ]
    assert [line.sent_at for line in lines if line.sent_at is not None] == [NOW + HOUR]


def test_the_open_ones_are_shown_the_most_urgent_and_oldest_first(store: Store, patient: int) -> None:
    tiers = (Tier.ROUTINE, Tier.URGENT, Tier.EMERGENCY, Tier.URGENT, Tier.EMERGENCY)
    numbers = [do(store, lambda tx: raise_(tx, patient, tier, f"rule {at}"))[0] for at, tier in enumerate(tiers)]  # noqa: B023
    move(store, numbers[2], AlertStep.ACKNOWLEDGE)
    move(store, numbers[4], AlertStep.RESOLVE)
    found = [alerts.number(alert) for alert in do(store, alerts.open_ones)]
    assert found == [numbers[2], numbers[1], numbers[3], numbers[0]]


def test_p2_an_alert_whose_transaction_fails_was_never_raised(store: Store, patient: int) -> None:
    def work(tx: Transaction) -> None:
        raise_(tx, patient)
        raise LookupError

    with pytest.raises(LookupError):
        do(store, work)
    assert do(store, alerts.open_ones) == []


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.sampled_from(Tier), st.sampled_from(AlertStep)), max_size=10))
def test_p4_whatever_happens_an_open_alert_keeps_its_highest_tier_and_is_never_doubled(
    store: Store, happened: list[Tier | AlertStep]
) -> None:
    def work(tx: Transaction) -> None:
        patient_id = add_patient(tx, new_id())
        number, highest = None, Tier.ROUTINE
        for each in happened:
            if isinstance(each, Tier):
                known, _ = raise_(tx, patient_id, each)
                highest = each if known != number else min(each, highest, key=lambda tier: tier.urgency)
                number = known
                assert get(tx, number).tier == highest
            elif number is not None and allows(ALERT, AlertState(get(tx, number).state), each):
                alerts.move(tx, get(tx, number), each, now=NOW)
        assert len([alert for alert in alerts.open_ones(tx) if alert.patient_id == patient_id]) <= 1

    do(store, work)


def test_the_rules_of_late_are_those_of_this_patient_in_thirty_days_open_or_not(store: Store, patient: int) -> None:
    other = do(store, lambda tx: add_patient(tx, 222))
    number, _ = do(store, lambda tx: raise_(tx, patient, rule="resolved"))
    move(store, number, AlertStep.RESOLVE)
    do(store, lambda tx: raise_(tx, patient, rule="open"))
    do(store, lambda tx: raise_(tx, other, rule="of-another"))
    second = timedelta(seconds=1)
    for rule, at in (("just", NOW - alerts.LATELY), ("old", NOW - alerts.LATELY - second)):
        do(
            store,
            lambda tx, rule=rule, at=at: alerts.raise_(tx, patient, rule, Tier.URGENT, (), merge=DAY, now=at),
        )
    assert do(store, lambda tx: alerts.lately(tx, patient, NOW)) == {"resolved", "open", "just"}
    assert do(store, lambda tx: alerts.lately(tx, patient, NOW - second)) == {"just", "old"}
