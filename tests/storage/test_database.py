"""A transaction is on disk when its caller hears of it, or nothing of it is; and one that fails fails alone."""

import asyncio
import itertools
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from storage import outbox, timers
from storage.cipher import Keyring
from storage.database import BATCH, DatabaseError, Store, Transaction, new_id, open_store
from storage.tables import AnswerRow, Meta, TimerRow
from tests.databases import Database
from tests.storage.parts import NOW, SOON, commits, do, held, look, start, write, written, written_in

pytestmark = pytest.mark.both_databases

COUNT = """
import sys
from storage.cipher import Keyring
from storage.database import open_store
from storage.tables import Meta

def add_one(tx):
    row = tx.session.get(Meta, "count", with_for_update=True) or Meta(name="count", value="0")
    row.value = str(int(row.value) + 1)
    tx.session.add(row)
    return tx.index("chat", 1)

print("ready", flush=True)
sys.stdin.readline()
store = open_store(sys.argv[1], Keyring.parse(sys.argv[2], source="test"))
for _ in range(150):
    index = store.submit(add_one).result()
print(index)
store.close()
"""

WRITE_FOR_EVER = """
import itertools, sys
from storage.cipher import Keyring
from storage.database import open_store
from storage.tables import Meta

store = open_store(sys.argv[1], Keyring.parse(sys.argv[2], source="test"))
for number in itertools.count():
    store.submit(lambda tx: tx.session.add(Meta(name=str(number), value="x"))).result()
    print(number, flush=True)
"""


class SomethingWentWrongError(Exception):
    """Raised by a work."""


def fail(after: Callable[[Transaction], object], error: type[BaseException] = SomethingWentWrongError) -> Any:
    """A work that writes, and then fails."""

    def work(tx: Transaction) -> None:
        after(tx)
        tx.session.flush()
        raise error

    return work


def give_up(tx: Transaction) -> None:
    """SQLite itself rolls the whole transaction back, as it does when the disk is full."""
    tx.session.connection().exec_driver_sql("INSERT OR ROLLBACK INTO meta VALUES ('index_key', 'again')")


def fill(tx: Transaction) -> None:
    """The database may not grow any more, and it should."""
    pages = tx.session.connection().exec_driver_sql("PRAGMA page_count").scalar_one()
    tx.session.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    for number in range(100):
        tx.session.connection().exec_driver_sql("INSERT INTO meta VALUES (?, ?)", (f"big {number}", "x" * 4000))


async def test_p1_what_run_wrote_is_on_disk_when_it_returns(store: Store, database: Database) -> None:
    for number in range(5):
        await store.run(write(f"row {number}"))
        assert f"row {number}" in written(database)


async def test_run_returns_what_the_work_returns(store: Store) -> None:
    await store.run(write("name", "value"))
    assert await store.run(lambda tx: tx.session.get_one(Meta, "name").value) == "value"


def test_a_row_that_a_work_returns_can_be_read_afterwards(store: Store) -> None:
    do(store, lambda tx: timers.put(tx, "patient:1", "check-in", NOW, "{}"))
    row = do(store, lambda tx: tx.session.get(TimerRow, timers.due(tx, NOW, 1)[0]))
    assert row is not None
    assert (row.scope, row.due_at) == ("patient:1", NOW)


def test_p1_the_database_syncs_each_commit_and_checks_references(store: Store, path: Path) -> None:
    def pragma(name: str) -> object:
        return do(store, lambda tx: tx.session.connection().exec_driver_sql(f"PRAGMA {name}").scalar())

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2, "FULL: the log is synced at each commit"
    assert pragma("foreign_keys") == 1
    assert pragma("busy_timeout") == 30_000


def test_p2_a_row_that_refers_to_nothing_is_refused(store: Store, database: Database) -> None:
    orphan = AnswerRow(id=1, conversation_id=5, revision=1, link_id="mood", values_sealed="", answered_at=NOW)
    with pytest.raises(IntegrityError):
        do(store, lambda tx: tx.session.add(orphan))
    assert database.look("SELECT * FROM answer") == []


def test_p2_a_rollback_really_rolls_back(store: Store, path: Path) -> None:
    """pysqlite's trap: without a BEGIN of our own, statements commit by themselves and a rollback does nothing."""

    def work(tx: Transaction) -> None:
        connection = tx.session.connection()
        connection.exec_driver_sql("INSERT INTO meta VALUES ('a row', 'x')")
        connection.exec_driver_sql("CREATE TABLE a_table (id INTEGER)")
        connection.exec_driver_sql("DELETE FROM meta WHERE name = 'kept before'")
        assert look(path, "SELECT name FROM sqlite_master WHERE name = 'a_table'") == []
        raise SomethingWentWrongError

    do(store, write("kept before"))
    with pytest.raises(SomethingWentWrongError):
        do(store, work)
    assert written_in(path) == {"kept before"}
    assert look(path, "SELECT name FROM sqlite_master WHERE name = 'a_table'") == []


def test_p2_nothing_is_seen_from_outside_before_the_commit(store: Store, database: Database) -> None:
    def work(tx: Transaction) -> set[str]:
        write("early")(tx)
        tx.session.flush()
        return written(database)

    assert do(store, work) == set()
    assert written(database) == {"early"}


def test_the_write_lock_is_taken_at_the_beginning_of_a_transaction(store: Store, path: Path) -> None:
    """So that what a work reads is still true when it writes, and no other process can come between."""

    def another_process_writes(_tx: Transaction) -> None:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
            other.execute("INSERT INTO meta VALUES ('between', 'x')")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        do(store, another_process_writes)
    assert written_in(path) == set()


@pytest.mark.parametrize("error", [SomethingWentWrongError, KeyError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_p2_of_many_that_share_a_commit_only_the_one_that_fails_is_undone(
    store: Store, database: Database, error: type[BaseException]
) -> None:
    with held(store):
        waiting = [store.submit(write(f"row {number}")) for number in range(10)]
        failing = store.submit(fail(write("never"), error))
        waiting += [store.submit(write(f"row {number}")) for number in range(10, 20)]
    for future in waiting:
        assert future.result(SOON) is None
    with pytest.raises(error):
        failing.result(SOON)
    assert written(database) == {f"row {number}" for number in range(20)}


def test_p2_a_failure_at_the_flush_is_undone_alone_too(store: Store, path: Path) -> None:
    with held(store):
        first, twice, last = (store.submit(write(name)) for name in ("same", "same", "last"))
    assert first.result(SOON) is None
    with pytest.raises(IntegrityError):
        twice.result(SOON)
    assert last.result(SOON) is None
    assert written_in(path) == {"same", "last"}


def test_transactions_that_wait_together_share_one_commit(store: Store, path: Path) -> None:
    with held(store):
        before = commits(path)
        waiting = [store.submit(fail(write("never")) if number == 20 else write(str(number))) for number in range(40)]
    outcomes = [future.exception(SOON) for future in waiting]
    assert [type(outcome) for outcome in outcomes].count(SomethingWentWrongError) == 1
    assert len(written_in(path)) == 39
    assert commits(path) == before + 1


def test_more_than_fit_into_one_commit_are_all_kept(store: Store, path: Path) -> None:
    with held(store):
        before = commits(path)
        waiting = [store.submit(write(str(number))) for number in range(2 * BATCH + 1)]
    assert [future.result(SOON) for future in waiting] == [None] * (2 * BATCH + 1)
    assert len(written_in(path)) == 2 * BATCH + 1
    assert commits(path) == before + 3


def test_works_are_done_one_after_the_other_in_the_order_they_came(store: Store, path: Path) -> None:
    order: list[int] = []
    with held(store):
        waiting = [store.submit(lambda _tx, number=number: order.append(number)) for number in range(100)]  # type: ignore[misc]
    for future in waiting:
        future.result(SOON)
    assert order == list(range(100))


@pytest.mark.parametrize("spoil", [give_up, fill], ids=["transaction given up", "disk full"])
def test_p2_when_sqlite_gives_the_transaction_up_every_caller_is_told_and_nothing_is_kept(
    store: Store, path: Path, spoil: Callable[[Transaction], None]
) -> None:
    do(store, write("kept before"))
    with held(store):
        waiting = [store.submit(work) for work in (write("earlier"), spoil, write("later"), write("last"))]
    for future in waiting:
        with pytest.raises(DatabaseError, match="nothing of it was kept"):
            future.result(SOON)
    assert written_in(path) == {"kept before"}


def test_p2_a_work_that_hides_that_the_transaction_is_gone_is_told_as_well(store: Store, path: Path) -> None:
    def work(tx: Transaction) -> None:
        try:
            give_up(tx)
        except IntegrityError:
            return

    with held(store):
        earlier, hiding, later = (store.submit(each) for each in (write("earlier"), work, write("later")))
    for future in (earlier, hiding, later):
        assert isinstance(future.exception(SOON), DatabaseError)
    assert written_in(path) == set()


def test_p2_when_the_commit_itself_is_refused_every_caller_is_told_and_nothing_is_kept(
    store: Store, path: Path
) -> None:
    def refused_at_the_end(tx: Transaction) -> None:
        tx.session.execute(text("PRAGMA defer_foreign_keys = ON"))
        tx.session.add(AnswerRow(id=1, conversation_id=5, revision=1, link_id="x", values_sealed="", answered_at=NOW))

    with held(store):
        waiting = [store.submit(work) for work in (write("earlier"), refused_at_the_end, write("later"))]
    for future in waiting:
        assert isinstance(future.exception(SOON), IntegrityError)
    assert written_in(path) == set()


@pytest.mark.parametrize("spoil", [give_up, fill, fail(write("never")), fail(write("never"), SystemExit)])
def test_after_a_failure_the_next_transaction_is_as_good_as_ever(
    store: Store, path: Path, spoil: Callable[[Transaction], None]
) -> None:
    assert store.submit(spoil).exception(SOON) is not None
    do(store, lambda tx: tx.session.execute(text("PRAGMA max_page_count = 100000")))
    do(store, write("next"))
    assert written_in(path) == {"next"}


async def test_what_a_work_raises_is_raised_at_the_caller(store: Store) -> None:
    with pytest.raises(SomethingWentWrongError):
        await store.run(fail(write("never")))


async def test_a_work_that_raises_stop_iteration_does_not_hang_its_caller(store: Store) -> None:
    """asyncio refuses to carry a StopIteration, and would leave the caller waiting for ever."""
    async with asyncio.timeout(SOON):
        with pytest.raises(RuntimeError, match="StopIteration"):
            await store.run(lambda _tx: next(iter(())))


async def test_many_tasks_that_run_at_once_each_get_their_own_outcome(store: Store, database: Database) -> None:
    async def one(number: int) -> int:
        def work(tx: Transaction) -> int:
            write(str(number))(tx)
            if number % 7 == 0:
                raise SomethingWentWrongError
            return number

        return await store.run(work)

    outcomes = await asyncio.gather(*(one(number) for number in range(200)), return_exceptions=True)
    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, SomethingWentWrongError) if number % 7 == 0 else outcome == number
    assert written(database) == {str(number) for number in range(200) if number % 7}


async def test_the_event_loop_goes_on_while_a_transaction_is_slow(store: Store, path: Path) -> None:
    with held(store) as busy:
        waiting = asyncio.create_task(store.run(write("later")))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not busy.done()
        assert not waiting.done()
    await waiting


async def test_p1_a_task_that_is_cancelled_while_it_waits_breaks_nothing(store: Store, database: Database) -> None:
    with held(store):
        given_up = asyncio.create_task(store.run(write("of the cancelled task")))
        failing = asyncio.create_task(store.run(fail(write("never"))))
        other = asyncio.create_task(store.run(write("of another task")))
        await asyncio.sleep(0)
        given_up.cancel()
        failing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        with pytest.raises(asyncio.CancelledError):
            await failing
    await other
    await store.run(write("next"))
    assert written(database) == {"of the cancelled task", "of another task", "next"}


def test_a_future_that_is_cancelled_before_its_turn_is_left_out_and_breaks_nothing(store: Store, path: Path) -> None:
    with held(store):
        cancelled = store.submit(write("cancelled"))
        other = store.submit(write("other"))
        assert cancelled.cancel()
    other.result(SOON)
    do(store, write("next"))
    assert written_in(path) == {"other", "next"}


def test_a_loop_that_ended_before_its_transaction_breaks_nothing(store: Store, database: Database) -> None:
    async def begin_and_leave() -> None:
        task = asyncio.create_task(store.run(write("of a loop that ended")))
        await asyncio.sleep(0)
        task.cancel()

    with held(store):
        asyncio.run(begin_and_leave())
    do(store, write("next"))
    assert written(database) == {"of a loop that ended", "next"}


def test_p1_close_finishes_what_waits(url: str, keyring: Keyring, database: Database) -> None:
    store = open_store(url, keyring)
    with held(store):
        waiting = [store.submit(write(str(number))) for number in range(3 * BATCH)]
    store.close()
    assert all(future.done() for future in waiting)
    assert len(written(database)) == 3 * BATCH


async def test_a_store_that_is_closed_says_so_and_closes_twice(url: str, keyring: Keyring) -> None:
    store = open_store(url, keyring)
    store.close()
    async with asyncio.timeout(SOON):
        with pytest.raises(DatabaseError, match="closed"):
            await store.run(write("too late"))
    store.close()


def test_p1_after_close_everything_is_in_the_one_file(url: str, keyring: Keyring, path: Path) -> None:
    store = open_store(url, keyring)
    do(store, write("kept"))
    store.close()
    moved = path.rename(path.with_name("moved.db"))
    assert written_in(moved) == {"kept"}
    assert not path.with_name("taperline.db-wal").exists()


def test_p1_what_was_confirmed_before_a_kill_is_there_after_it(url: str, keyring: Keyring, database: Database) -> None:
    open_store(url, keyring).close()
    with start(WRITE_FOR_EVER, url, keyring.text()) as process:
        assert process.stdout is not None
        confirmed = list(itertools.islice(process.stdout, 40))
        process.kill()
        confirmed += process.stdout.readlines()
    names = {line.strip() for line in confirmed if line.endswith("\n")}
    assert len(names) >= 40
    assert names <= written(database)
    store = open_store(url, keyring)
    do(store, write("after the kill"))
    store.close()


def test_a_bot_and_a_command_make_a_new_database_and_write_at_once_and_neither_locks_out_nor_undoes_the_other(
    url: str, keyring: Keyring, database: Database
) -> None:
    with start(COUNT, url, keyring.text()) as first, start(COUNT, url, keyring.text()) as second:
        for process in (first, second):
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [process.communicate(timeout=SOON) for process in (first, second)]
    assert [errors for _, errors in told] == ["", ""]
    assert len({index for index, _ in told}) == 1, "both found the same index key"
    assert database.look("SELECT value FROM meta WHERE name = 'count'") == [("300",)]


def test_a_writer_that_waits_too_long_for_another_process_says_so_and_goes_on(store: Store, path: Path) -> None:
    do(store, lambda tx: tx.session.connection().exec_driver_sql("PRAGMA busy_timeout = 1"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            do(store, write("kept out"))
        other.execute("ROLLBACK")
    do(store, write("next"))
    assert written_in(path) == {"next"}


def test_p7_an_error_of_the_database_does_not_quote_what_was_to_be_written(store: Store) -> None:
    do(store, write("same"))
    with pytest.raises(IntegrityError) as caught:
        do(store, write("same", "Ada Lovelace"))
    assert "Ada" not in str(caught.value)


def test_times_come_back_aware_and_in_utc_and_a_naive_one_is_refused(store: Store) -> None:
    do(store, lambda tx: timers.put(tx, "patient:1", "check-in", NOW.astimezone(), "{}"))
    found = do(store, timers.next_due)
    assert found == NOW
    assert found is not None
    assert found.utcoffset() == datetime.now(UTC).utcoffset()
    with pytest.raises(Exception, match=r"(?i)naive|timezone|aware"):
        do(store, lambda tx: timers.put(tx, "patient:1", "x", NOW.replace(tzinfo=None), "{}"))


def test_ids_grow_with_time_and_never_repeat() -> None:
    before = time.time_ns() // 1000
    ids = [new_id() for _ in range(20_000)]
    assert ids == sorted(set(ids))
    assert before - 1 <= ids[0] >> 10
    assert ids[-1] < 2**63


def test_ids_grow_even_when_the_clock_of_the_machine_stands_still_or_goes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = [new_id()]
    for instant in (time.time_ns(), time.time_ns(), time.time_ns() - 3_600_000_000_000):
        monkeypatch.setattr(time, "time_ns", lambda instant=instant: instant)
        ids += [new_id() for _ in range(50)]
    assert ids == sorted(set(ids))


def test_the_parts_of_a_place_cannot_be_confused(store: Store) -> None:
    sealed = do(store, lambda tx: tx.seal("no", outbox.PAYLOAD, 17))
    assert do(store, lambda tx: tx.open(sealed, outbox.PAYLOAD, 17)) == "no"
    for column, row_id in ((outbox.PAYLOAD, 18), ("answer/values", 17), (outbox.PAYLOAD, 1)):
        assert store.submit(lambda tx, c=column, r=row_id: tx.open(sealed, c, r)).exception(SOON) is not None  # type: ignore[misc]
