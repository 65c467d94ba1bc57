"""A timer comes back once, not before its time, and what replaced it comes instead of it."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from flows.events import CheckInDue, ReminderDue, RuleDue, Waiting
from storage import timers
from storage.database import Store, Transaction
from storage.tables import TimerRow
from tests.storage.parts import NOW, SOON, do, held

HOUR = timedelta(hours=1)


def put(store: Store, key: str, due_at: datetime = NOW, *, scope: str = "patient:1", event: str = "{}") -> None:
    do(store, lambda tx: timers.put(tx, scope, key, due_at, event))


def due(store: Store, now: datetime = NOW, limit: int = 100) -> list[int]:
    return list(do(store, lambda tx: timers.due(tx, now, limit)))


def take(store: Store, timer_id: int, now: datetime = NOW) -> TimerRow | None:
    return do(store, lambda tx: timers.take(tx, timer_id, now))


def all_of(store: Store) -> set[tuple[str, str]]:
    return do(store, lambda tx: {(row.scope, row.key) for row in tx.session.exec(select(TimerRow))})


def test_a_timer_comes_when_it_is_due_and_not_before(store: Store) -> None:
    put(store, "check-in", NOW + HOUR, event="the event")
    assert due(store) == []
    assert due(store, NOW + HOUR - timedelta(microseconds=1)) == []
    (timer_id,) = due(store, NOW + HOUR)
    assert take(store, timer_id, NOW) is None, "not even when somebody asks for it by its id"
    taken = take(store, timer_id, NOW + HOUR)
    assert taken is not None
    assert (taken.scope, taken.key, taken.event) == ("patient:1", "check-in", "the event")


def test_a_timer_with_the_same_scope_and_key_replaces_the_one_before(store: Store) -> None:
    put(store, "check-in", NOW, event="old")
    (old,) = due(store)
    do(store, lambda tx: timers.put_off(tx, old, NOW))
    put(store, "check-in", NOW + HOUR, event="new")
    assert due(store) == []
    (timer_id,) = due(store, NOW + HOUR)
    taken = take(store, timer_id, NOW + HOUR)
    assert taken is not None
    assert (taken.event, taken.attempts) == ("new", 0)
    assert all_of(store) == set()


def test_the_same_key_in_another_scope_is_another_timer(store: Store) -> None:
    for scope in ("patient:1", "patient:2", "alert:1"):
        put(store, "page", scope=scope)
    assert len(due(store)) == 3


def test_the_database_itself_refuses_two_timers_with_one_key(store: Store) -> None:
    put(store, "page")
    row = TimerRow(id=1, scope="patient:1", key="page", due_at=NOW, event="{}")
    with pytest.raises(Exception, match="UNIQUE"):
        do(store, lambda tx: tx.session.add(row))


def test_p3_of_two_that_try_to_take_a_timer_one_gets_it(store: Store) -> None:
    put(store, "check-in")
    (timer_id,) = due(store)
    with held(store):
        tries = [store.submit(lambda tx: timers.take(tx, timer_id, NOW)) for _ in range(5)]
    assert sorted(future.result(SOON) is not None for future in tries) == [False] * 4 + [True]


def test_p2_a_timer_whose_handling_fails_is_still_there(store: Store) -> None:
    def work(tx: Transaction) -> None:
        assert timers.take(tx, timer_id, NOW) is not None
        raise LookupError

    put(store, "check-in")
    (timer_id,) = due(store)
    with pytest.raises(LookupError):
        do(store, work)
    assert due(store) == [timer_id]


def test_a_timer_can_be_set_again_while_it_is_handled(store: Store) -> None:
    """The check-in that is due sets the next one under the same key, in the same transaction."""

    def work(tx: Transaction) -> None:
        assert timers.take(tx, timer_id, NOW) is not None
        timers.put(tx, "patient:1", "check-in", NOW + HOUR, "next week")

    put(store, "check-in")
    (timer_id,) = due(store)
    do(store, work)
    assert due(store) == []
    assert len(due(store, NOW + HOUR)) == 1


def test_a_timer_that_is_gone_cannot_be_taken(store: Store) -> None:
    assert take(store, 12345) is None


def test_the_oldest_are_handled_first_and_no_more_than_asked_for(store: Store) -> None:
    for key, hours in (("c", 3), ("a", 1), ("b", 2)):
        put(store, key, NOW + hours * HOUR)
    ids = due(store, NOW + 3 * HOUR)
    keys = [getattr(take(store, timer_id, NOW + 3 * HOUR), "key", None) for timer_id in ids]
    assert keys == ["a", "b", "c"]
    for key in "abc":
        put(store, key)
    assert len(due(store, limit=2)) == 2


def test_next_due_is_the_soonest(store: Store) -> None:
    assert do(store, timers.next_due) is None
    put(store, "later", NOW + 2 * HOUR)
    put(store, "sooner", NOW + HOUR)
    assert do(store, timers.next_due) == NOW + HOUR


def test_a_timer_that_failed_is_put_off_and_its_failures_are_counted(store: Store) -> None:
    put(store, "check-in")
    (timer_id,) = due(store)
    for failures in (1, 2, 3):
        assert do(store, lambda tx: timers.put_off(tx, timer_id, NOW + HOUR)) == failures
    assert due(store) == []
    assert due(store, NOW + HOUR) == [timer_id]
    assert do(store, lambda tx: timers.put_off(tx, 12345, NOW)) == 0


def test_timers_are_forgotten_by_the_beginning_of_their_key_in_one_scope(store: Store) -> None:
    for key in ("remind:1", "remind:2", "check-in", "a remind:3"):
        put(store, key)
    put(store, "remind:1", scope="patient:2")
    put(store, "remind:1", scope="patient:11")
    do(store, lambda tx: timers.forget(tx, "patient:1", "remind:"))
    assert all_of(store) == {
        ("patient:1", "check-in"),
        ("patient:1", "a remind:3"),
        ("patient:2", "remind:1"),
        ("patient:11", "remind:1"),
    }
    do(store, lambda tx: timers.forget(tx, "patient:1", ""))
    assert {scope for scope, _ in all_of(store)} == {"patient:2", "patient:11"}


def test_a_forgotten_timer_can_be_set_again_in_the_same_transaction(store: Store) -> None:
    def work(tx: Transaction) -> None:
        timers.forget(tx, "patient:1", "remind:")
        timers.put(tx, "patient:1", "remind:1", NOW + HOUR, "{}")

    put(store, "remind:1")
    do(store, work)
    assert due(store) == []
    assert len(due(store, NOW + HOUR)) == 1


def test_hasten_makes_one_timer_due_now_and_never_later(store: Store) -> None:
    put(store, "page", NOW + HOUR, scope="alert:1")
    put(store, "contact", NOW + HOUR, scope="alert:1")
    put(store, "page", NOW + HOUR, scope="alert:10")
    put(store, "page", NOW - HOUR, scope="alert:2")
    for scope in ("alert:1", "alert:2", "alert:3"):
        do(store, lambda tx: timers.hasten(tx, scope, "page", NOW))  # noqa: B023 (done at once)
    assert look_at(store) == {
        ("alert:1", "page"): NOW,
        ("alert:1", "contact"): NOW + HOUR,
        ("alert:10", "page"): NOW + HOUR,
        ("alert:2", "page"): NOW - HOUR,
    }


def look_at(store: Store) -> dict[tuple[str, str], datetime]:
    return do(store, lambda tx: {(row.scope, row.key): row.due_at for row in tx.session.exec(select(TimerRow))})


IDS = st.integers(0, 2**63 - 1)
EVENTS = st.one_of(
    st.just(CheckInDue()),
    st.builds(ReminderDue, IDS),
    st.builds(RuleDue, IDS, st.text(), st.integers(0, 50)),
)


@given(EVENTS)
def test_every_event_that_a_timer_brings_comes_back_as_it_was(event: Waiting) -> None:
    assert timers.unpack(timers.pack(event)) == event


def test_every_kind_of_event_that_waits_can_be_unpacked() -> None:
    assert set(timers.KINDS.values()) == set(Waiting.__args__)
