"""What figures are counted from: which alerts, pages and check-ins belong to a period, and drills never."""

from datetime import datetime, timedelta

import pytest

from flows.conversation import Conversation, Purpose
from flows.escalation import Outcome, Tier
from flows.figures import Life
from flows.lifecycle import AlertStep, Stage
from flows.redflags import DRILL
from storage import alerts, conversations, outbox
from storage.database import Store, Transaction, new_id
from storage.figures import period
from storage.outbox import Urgency
from tests.storage.parts import NOW, add_clinician, add_patient, do, form

pytestmark = pytest.mark.both_databases
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
SINCE, UNTIL = NOW - DAY, NOW + DAY


@pytest.fixture
def patient(store: Store) -> int:
    return do(store, add_patient)


def raise_(store: Store, patient: int | None, *, rule: str = "S1", tier: Tier = Tier.URGENT, at: datetime = NOW) -> int:
    return do(store, lambda tx: alerts.number(alerts.raise_(tx, patient, rule, tier, (), merge=timedelta(), now=at)[0]))


def move(store: Store, number: int, step: AlertStep, at: datetime) -> None:
    def work(tx: Transaction) -> None:
        alert = alerts.by_number(tx, number)
        assert alert is not None
        alerts.move(tx, alert, step, now=at)
        if step is AlertStep.RESOLVE:
            alert.outcome = Outcome.NO_ACTION

    do(store, work)


def keep_note(tx: Transaction, number: int) -> None:
    alert = alerts.by_number(tx, number)
    assert alert is not None
    alerts.note(tx, alert, "note", words="They are well.", now=NOW)


def page(store: Store, number: int, at: datetime, sent_at: datetime | None, clinician: int | None) -> None:
    """A page that was queued at a time, and sent at another or not."""

    def work(tx: Transaction) -> None:
        alert = alerts.by_number(tx, number)
        assert alert is not None
        letter = outbox.put(tx, 900, "sendMessage", {}, urgency=Urgency.URGENT, now=at, alert_id=number)
        alerts.paged(tx, alert, letter, 1, clinician)
        tx.session.flush()
        [claimed] = outbox.claim(tx, now=at, limit=9)
        if sent_at is not None:
            outbox.sent(tx, claimed, 1, now=sent_at)
        else:
            outbox.give_up(tx, claimed, "lost")

    do(store, work)


def check_in(
    store: Store,
    patient: int,
    at: datetime,
    *,
    opened: datetime = NOW - 9 * DAY,
    stage: Stage = Stage.SUBMITTED,
    purpose: str = Purpose.CHECK_IN,
) -> None:
    held = Conversation(new_id(), purpose, form(), stage=stage, opened=opened)
    do(store, lambda tx: conversations.save(tx, patient, held, now=at))


def test_an_alert_with_its_steps_its_first_page_and_its_outcome(store: Store, patient: int) -> None:
    clinician = do(store, add_clinician)
    number = raise_(store, patient)
    page(store, number, NOW, None, clinician)
    page(store, number, NOW, NOW + 9 * SECOND, clinician)
    page(store, number, NOW, NOW + 5 * SECOND, clinician)
    page(store, number, NOW, NOW + 7 * SECOND, None)
    for step, after in ((AlertStep.PAGE, 0), (AlertStep.ACKNOWLEDGE, 0), (AlertStep.RESOLVE, 60)):
        move(store, number, step, NOW + after * SECOND)
    do(store, lambda tx: keep_note(tx, number))
    other = raise_(store, None, rule="ROTA", tier=Tier.ROUTINE, at=NOW + HOUR)
    steps = (
        (NOW, AlertStep.PAGE),
        (NOW, AlertStep.ACKNOWLEDGE),
        (NOW + 60 * SECOND, AlertStep.RESOLVE),
    )
    assert do(store, lambda tx: period(tx, SINCE, UNTIL)).lives == (
        Life("S1", Tier.URGENT, True, NOW, steps, NOW + 5 * SECOND, Outcome.NO_ACTION),
        Life("ROTA", Tier.ROUTINE, False, NOW + HOUR),
    )
    assert other != number


def test_the_period_has_its_ends_and_nothing_beyond_them(store: Store) -> None:
    for number, at in enumerate((SINCE - SECOND, SINCE, UNTIL, UNTIL + SECOND)):
        raise_(store, None, rule=f"R{number}", at=at)
    assert [life.rule for life in do(store, lambda tx: period(tx, SINCE, UNTIL)).lives] == ["R1", "R2"]


def test_drills_are_left_out(store: Store) -> None:
    number = raise_(store, None, rule=DRILL)
    page(store, number, NOW, NOW, None)
    found = do(store, lambda tx: period(tx, SINCE, UNTIL))
    assert (found.lives, found.of_check_ins) == ((), 0)


def test_check_ins_are_counted_that_patients_sent_in(store: Store, patient: int) -> None:
    check_in(store, patient, NOW)
    check_in(store, patient, SINCE)
    check_in(store, patient, UNTIL, purpose=Purpose.AFTER_CARE)
    assert do(store, lambda tx: period(tx, SINCE, UNTIL)).check_ins == 3
    check_in(store, patient, SINCE - SECOND)
    check_in(store, patient, UNTIL + SECOND)
    check_in(store, patient, NOW, stage=Stage.EXPIRED)
    check_in(store, patient, NOW, purpose=Purpose.INTAKE)
    check_in(store, patient, NOW, purpose="phq-9")
    assert do(store, lambda tx: period(tx, SINCE, UNTIL)).check_ins == 3


def test_pressing_alerts_count_for_check_ins_from_a_patients_first_one_on(store: Store, patient: int) -> None:
    def of_check_ins() -> int:
        return do(store, lambda tx: period(tx, SINCE, UNTIL)).of_check_ins

    newcomer = do(store, lambda tx: add_patient(tx, 222))
    check_in(store, patient, NOW, opened=NOW, stage=Stage.ASKING)
    check_in(store, patient, NOW, opened=NOW + HOUR)
    check_in(store, newcomer, NOW, purpose=Purpose.INTAKE)
    raise_(store, patient, rule="R0", tier=Tier.EMERGENCY, at=NOW)
    raise_(store, patient, rule="R1", tier=Tier.URGENT, at=NOW + 2 * HOUR)
    assert of_check_ins() == 2
    raise_(store, patient, rule="before", at=NOW - SECOND)
    raise_(store, patient, rule="beyond", at=UNTIL + SECOND)
    raise_(store, patient, rule="same", tier=Tier.SAME_DAY, at=NOW)
    raise_(store, patient, rule="mild", tier=Tier.ROUTINE, at=NOW)
    raise_(store, newcomer, at=NOW)
    raise_(store, None, at=NOW)
    assert of_check_ins() == 2


def test_the_drill_that_is_open(store: Store) -> None:
    def going() -> int | None:
        found = do(store, alerts.open_drill)
        return None if found is None else alerts.number(found)

    raise_(store, None, rule="ROTA")
    assert going() is None
    number = raise_(store, None, rule=DRILL)
    assert going() == number
    move(store, number, AlertStep.ACKNOWLEDGE, NOW)
    assert going() == number
    move(store, number, AlertStep.RESOLVE, NOW)
    assert going() is None
