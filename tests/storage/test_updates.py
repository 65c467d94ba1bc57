"""An update is handled once; what cannot be handled is set aside, sealed; and the trail of deeds is kept."""

from datetime import timedelta

import pytest
from sqlmodel import select

from flows.effects import IntakeOutcome, RequestKind
from storage import audit, updates, visits
from storage.database import Store, Transaction
from storage.tables import DeadLetterRow
from tests.storage.parts import NOW, SOON, add_clinician, add_patient, do, held

pytestmark = pytest.mark.both_databases

DAY = timedelta(days=1)


def is_new(store: Store, update_id: int, bot_id: int = 1, days: int = 0) -> bool:
    return do(store, lambda tx: updates.is_new(tx, bot_id, update_id, now=NOW + days * DAY))


def test_p3_an_update_is_new_once(store: Store) -> None:
    assert is_new(store, 10)
    assert not is_new(store, 10)
    assert not is_new(store, 10, days=20)
    assert is_new(store, 11)
    assert is_new(store, 9), "updates may come out of order"


def test_p3_another_bot_counts_its_own_updates(store: Store) -> None:
    assert is_new(store, 10, bot_id=1)
    assert is_new(store, 10, bot_id=2)
    assert not is_new(store, 10, bot_id=2)


def test_p3_an_update_whose_transaction_fails_is_still_new(store: Store) -> None:
    def work(tx: Transaction) -> None:
        assert updates.is_new(tx, 1, 10, now=NOW)
        raise LookupError

    with pytest.raises(LookupError):
        do(store, work)
    assert is_new(store, 10)


def test_p3_an_update_that_comes_twice_at_once_is_handled_once(store: Store) -> None:
    with held(store):
        tries = [store.submit(lambda tx: updates.is_new(tx, 1, 10, now=NOW)) for _ in range(5)]
    assert sorted(future.result(SOON) for future in tries) == [False] * 4 + [True]


def test_p3_within_one_transaction_too(store: Store) -> None:
    assert do(store, lambda tx: [updates.is_new(tx, 1, 10, now=NOW) for _ in range(2)]) == [True, False]


def test_old_updates_are_forgotten_and_younger_ones_are_not(store: Store) -> None:
    for update_id, days in ((1, 0), (2, 1), (3, 2)):
        is_new(store, update_id, days=days)
    do(store, lambda tx: updates.forget_before(tx, NOW + DAY))
    assert [is_new(store, update_id) for update_id in (1, 2, 3)] == [True, False, False]


def test_p6_what_could_not_be_handled_is_kept_for_a_person(store: Store) -> None:
    do(store, lambda tx: updates.set_aside(tx, "update", "the words of Ada", "KeyError", now=NOW))
    row = do(store, lambda tx: tx.session.exec(select(DeadLetterRow)).one())
    assert (row.at, row.kind, row.reason) == (NOW, "update", "KeyError")
    assert "Ada" not in row.content_sealed
    assert do(store, lambda tx: tx.open(row.content_sealed, updates.CONTENT, row.id)) == "the words of Ada"


def test_p7_the_audit_trail_is_told_in_order(store: Store) -> None:
    for number in range(5):
        do(store, lambda tx: audit.note(tx, "clinician:17", f"deed {number}", "patient:3", now=NOW, reason="asked"))  # noqa: B023
    rows = do(store, audit.lines)
    assert [row.action for row in rows] == [f"deed {number}" for number in range(5)]
    assert {(row.actor, row.subject, row.reason, row.at) for row in rows} == {
        ("clinician:17", "patient:3", "asked", NOW)
    }


def test_p2_a_deed_that_failed_leaves_no_line_in_the_trail(store: Store) -> None:
    def work(tx: Transaction) -> None:
        audit.note(tx, "operator", "export", "patient:3", now=NOW)
        tx.session.flush()
        raise LookupError

    with pytest.raises(LookupError):
        do(store, work)
    assert do(store, audit.lines) == []


def test_a_request_that_is_open_stands_for_the_next_one_too(store: Store) -> None:
    patient, clinician = do(store, add_patient), do(store, add_clinician)

    def ask(kind: RequestKind) -> tuple[int, bool]:
        def work(tx: Transaction) -> tuple[int, bool]:
            row, is_new_ = visits.request(tx, patient, kind, now=NOW)
            return visits.number(row), is_new_

        return do(store, work)

    first, is_first = ask(RequestKind.VISIT)
    assert is_first
    assert ask(RequestKind.VISIT) == (first, False)
    other, is_other = ask(RequestKind.CONSULTATION)
    assert is_other
    assert [visits.number(row) for row in do(store, visits.open_ones)] == [first, other]

    def close(tx: Transaction) -> None:
        row = visits.by_number(tx, first)
        assert row is not None
        visits.close(tx, row, clinician, now=NOW + DAY)

    do(store, close)
    closed = do(store, lambda tx: visits.by_number(tx, first))
    assert closed is not None
    assert (closed.is_open, closed.closed_at, closed.closed_by) == (False, NOW + DAY, clinician)
    assert [visits.number(row) for row in do(store, visits.open_ones)] == [other]
    assert ask(RequestKind.VISIT)[1]


def test_a_request_of_one_patient_does_not_stand_for_another(store: Store) -> None:
    ada, ben = do(store, add_patient), do(store, lambda tx: add_patient(tx, 222))
    for patient in (ada, ben):
        assert do(store, lambda tx: visits.request(tx, patient, RequestKind.VISIT, now=NOW))[1]  # noqa: B023
    assert do(store, lambda tx: visits.by_number(tx, 99)) is None


def test_a_request_keeps_what_the_intake_led_to(store: Store) -> None:
    def work(tx: Transaction) -> tuple[str | None, str | None]:
        patient = add_patient(tx)
        intake, _ = visits.request(tx, patient, RequestKind.CONSULTATION, IntakeOutcome.CALL_FIRST, now=NOW)
        visit, _ = visits.request(tx, patient, RequestKind.VISIT, now=NOW)
        return intake.outcome, visit.outcome

    assert do(store, work) == ("call_first", None)
