"""PostgreSQL: several processes do nothing twice, and what cannot be used is told in one sentence."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlmodel import col, func, select

from bot.app import open_memory, read_keys
from bot.settings import Settings
from flows.care import Person
from flows.escalation import Role, Tier
from flows.lifecycle import AlertState, AlertStep
from storage import alerts, clinicians, outbox, patients, timers, updates
from storage.address import DatabaseError
from storage.cipher import Keyring, KeysError
from storage.database import TRIES, Store, Transaction, open_store, use
from storage.outbox import Delivery, Urgency
from storage.postgresql import FROZEN_SECONDS, LOCK_SECONDS, WRITERS
from storage.tables import Meta, OutboxRow, TimerRow
from tests.databases import KEYRING, Database, Server
from tests.storage.parts import NOW, SOON, ZONE, add_clinician, add_patient, do, start, write, written

HOUR = timedelta(hours=1)
RUN = """
import sys
from storage.database import use
using = use(sys.argv[1])
print(using.is_first, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def made(postgresql: Server) -> Iterator[Database]:
    """A database as `open_store` makes it."""
    with postgresql.database(made=True) as found:
        yield found


@pytest.fixture
def empty(postgresql: Server) -> Iterator[Database]:
    with postgresql.database(made=False) as found:
        yield found


@pytest.fixture
def one(made: Database) -> Iterator[Store]:
    """The store of one process."""
    store = open_store(made.url, KEYRING)
    yield store
    store.close()


@pytest.fixture
def other(made: Database) -> Iterator[Store]:
    """The store of another process on the same database: nothing but the server keeps the two apart."""
    store = open_store(made.url, KEYRING)
    yield store
    store.close()


@contextmanager
def in_the_middle(store: Store, work: Callable[[Transaction], object]) -> Iterator["Future[object]"]:
    """A work of another process has been done but not committed until the block ends."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> object:
        result = work(tx)
        tx.session.flush()
        begun.set()
        assert go_on.wait(SOON)
        return result

    future = store.submit(slow)
    assert begun.wait(SOON)
    try:
        yield future
    finally:
        go_on.set()
    future.result(SOON)


def waits_for_a_lock(database: Database) -> None:
    """Returns when some transaction waits for what another one holds."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    until = time.monotonic() + SOON
    while database.look(waiting) == [(0,)]:
        assert time.monotonic() < until, "nobody waits: nothing is locked"


def both(
    made: Database,
    one: Store,
    other: Store,
    first: Callable[[Transaction], Any],
    second: Callable[[Transaction], Any] | None = None,
) -> tuple[Any, Any]:
    """What comes of two works, when the second begins before the first was committed and has to wait for it."""
    with in_the_middle(one, first) as done:
        waiting = other.submit(second or first)
        waits_for_a_lock(made)
        assert not waiting.done()
    return done.result(SOON), waiting.result(SOON)


def refused(url: str, keyring: Keyring = KEYRING) -> str:
    """What is said when this database is opened; by every way into it the same."""
    with pytest.raises(DatabaseError) as caught:
        open_store(url, keyring)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "secret" not in sentence
    return sentence


# What is told when a database cannot be used


def test_p7_a_server_that_cannot_be_reached_is_named_without_the_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"postgresql://clinic:secret@127.0.0.1:{port}/taperline"
    sentence = refused(url)
    assert f"postgresql://clinic@127.0.0.1:{port}/taperline cannot be reached" in sentence
    assert "Connection refused" in sentence
    assert "Check that the server runs" in sentence
    for way in (use, lambda each: read_keys(settings_for(each)), lambda each: open_memory(settings_for(each))):
        with pytest.raises(DatabaseError, match="cannot be reached"):
            way(url)


def test_a_database_that_is_missing_is_named_with_how_to_make_it(postgresql: Server) -> None:
    sentence = refused(postgresql.url("clinic"))
    assert (
        "There is no database postgresql://taperline@/clinic. Make it on the server with: createdb clinic" in sentence
    )


def test_p7_a_wrong_password_is_told_and_not_shown(postgresql: Server) -> None:
    postgresql.order("DROP ROLE IF EXISTS locked", "CREATE ROLE locked LOGIN PASSWORD 'right'")
    for password in ("secret", "se%40cret%2Fsecret"):
        sentence = refused(postgresql.url("postgres", f"locked:{password}"))
        assert 'password authentication failed for user "locked". Check that' in sentence
    assert "cannot be used" in refused(postgresql.url("postgres", "locked:right")), "and with the right one we are in"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://clinic:secret@host", "names no database"),
        ("postgresql://clinic:secret@", "names no database"),
        ("postgresql://clinic:se@secret@host/taperline", "write @ as %40"),
        ("postgresql://clinic:secret@host:port/taperline", "is no address such as"),
        ("postgresql+asyncpg://clinic:secret@host/taperline", "postgresql+asyncpg is not supported. Use sqlite:///"),
        ("postgresql://127.0.0.1:1/taperline?password=secret", "postgresql://127.0.0.1:1/taperline cannot be reached"),
        ("postgresql://clinic:secret@127.0.0.1/taperline?nonsense=1", 'invalid connection option "nonsense"'),
    ],
)
def test_p7_an_address_with_a_mistake_is_told_without_the_password(url: str, told: str) -> None:
    assert told in refused(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_write_the_address_leads_to_the_database(empty: Database, scheme: str) -> None:
    store = open_store(f"{scheme}{empty.url.removeprefix('postgresql')}", KEYRING)
    do(store, write("kept"))
    store.close()
    assert written(empty) == {"kept"}


def test_a_database_of_another_program_is_refused_and_not_touched(empty: Database) -> None:
    empty.change("CREATE TABLE recipes (ours TEXT)")
    assert "belongs to another program. Set DATABASE_URL" in refused(empty.url)
    assert empty.look("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("recipes",)]


def test_a_database_of_a_newer_version_is_refused_and_not_touched(made: Database) -> None:
    made.change("UPDATE alembic_version SET version_num = '9999'")
    assert "newer Taperline (9999). Install that version again." in refused(made.url)
    assert made.look("SELECT version_num FROM alembic_version") == [("9999",)]


def test_p7_other_keys_are_refused_and_a_new_key_is_not_made(
    made: Database, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeysError, match="Put back the keys"):
        open_store(made.url, Keyring.generate())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeysError, match=r"is missing, but the database is there\. Restore"):
        read_keys(settings_for(made.url))
    assert list(tmp_path.iterdir()) == []


def test_the_bot_makes_a_key_file_with_a_new_database_and_opens_it_again(
    empty: Database, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        open_memory(settings_for(empty.url)).close()
    assert (tmp_path / "data/taperline.keys").is_file()


def test_a_database_that_can_only_be_read_is_refused(made: Database) -> None:
    name = make_url(made.url).database
    made.change(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "can only be read. Set DATABASE_URL to the primary server" in refused(made.url)


def test_a_database_that_cannot_hold_every_letter_is_refused(postgresql: Server) -> None:
    postgresql.order("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII'")
    assert "is kept in SQL_ASCII" in refused(postgresql.url("ascii"))
    postgresql.order("DROP DATABASE ascii")


def test_a_user_without_rights_is_told_what_is_missing(postgresql: Server, empty: Database) -> None:
    postgresql.order("DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
    sentence = refused(postgresql.url(str(make_url(empty.url).database), "guest"))
    assert "permission denied for schema public. Check the server" in sentence


def test_a_migration_that_fails_in_the_middle_leaves_nothing_of_itself(empty: Database) -> None:
    empty.change("CREATE TABLE timer (ours TEXT)", "CREATE TABLE alembic_version (version_num TEXT)")
    assert 'relation "timer" already exists' in refused(empty.url)
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    assert empty.look(tables) == [("alembic_version",), ("timer",)]


def settings_for(url: str) -> Settings:
    return Settings(_env_file=None, database_url=url)  # type: ignore[call-arg]


# What fails, fails alone


def test_p1_a_commit_is_on_disk_and_nobody_is_waited_for_without_end(one: Store) -> None:
    def shown(setting: str) -> object:
        return do(one, lambda tx: tx.session.execute(text(f"SHOW {setting}")).scalar())

    assert shown("synchronous_commit") == "on", "although this server says off"
    assert shown("transaction_isolation") == "read committed"
    assert shown("lock_timeout") == f"{LOCK_SECONDS}s"
    assert shown("idle_in_transaction_session_timeout") == f"{FROZEN_SECONDS // 60}min"


def test_p2_an_error_that_a_work_hides_is_told_and_nothing_is_kept(made: Database, one: Store) -> None:
    """Otherwise the server answers COMMIT by undoing everything, and says that all is well."""

    def work(tx: Transaction) -> None:
        write("never")(tx)
        tx.session.flush()
        with pytest.raises(ProgrammingError):
            tx.session.execute(text("SELECT * FROM nothing"))

    with pytest.raises(DatabaseError, match="nothing of it was kept"):
        do(one, work)
    do(one, write("next"))
    assert written(made) == {"next"}


def test_p2_a_job_that_fails_poisons_none_of_those_beside_it(made: Database, one: Store) -> None:
    def fail(tx: Transaction) -> None:
        write("never")(tx)
        tx.session.flush()
        tx.session.execute(text("SELECT * FROM nothing"))

    jobs = [one.submit(fail if number % 3 == 0 else write(str(number))) for number in range(30)]
    outcomes = [job.exception(SOON) for job in jobs]
    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, ProgrammingError) if number % 3 == 0 else outcome is None
    assert written(made) == {str(number) for number in range(30) if number % 3}


def test_p1_when_the_commit_itself_is_refused_its_caller_is_told_and_nothing_is_kept(
    made: Database, one: Store
) -> None:
    tries: list[int] = []

    def refused_at_the_end(tx: Transaction) -> None:
        tries.append(1)
        tx.session.execute(text("ALTER TABLE meta ADD CONSTRAINT late UNIQUE (value) DEFERRABLE INITIALLY DEFERRED"))
        write("one", "same")(tx)
        write("another", "same")(tx)

    with pytest.raises(IntegrityError):
        do(one, refused_at_the_end)
    assert len(tries) == 1, "once the commit was asked for, nothing is done twice"
    assert written(made) == set()


def test_a_job_is_done_again_when_the_server_cut_its_connection(made: Database, one: Store) -> None:
    tries: list[int] = []

    def cut_at_first(tx: Transaction) -> int:
        write("kept")(tx)
        tx.session.flush()
        tries.append(int(tx.session.execute(text("SELECT pg_backend_pid()")).scalar_one()))
        if len(tries) == 1:
            made.look(f"SELECT pg_terminate_backend({tries[0]})")
        return int(tx.session.execute(text("SELECT pg_backend_pid()")).scalar_one())

    assert do(one, cut_at_first) == tries[1]
    assert written(made) == {"kept"}


def test_a_job_that_a_constraint_refuses_every_time_ends_with_its_error(made: Database, one: Store) -> None:
    tries: list[int] = []

    def work(tx: Transaction) -> None:
        tries.append(1)
        write("same")(tx)

    do(one, write("same"))
    with pytest.raises(IntegrityError):
        do(one, work)
    assert len(tries) == TRIES
    assert written(made) == {"same"}


def test_while_the_server_is_down_every_job_fails_and_after_it_is_back_the_next_one_is_done(
    postgresql: Server, made: Database, one: Store
) -> None:
    do(one, write("before"))
    postgresql.stop()
    try:
        failed = [one.submit(write(f"never {number}")).exception(SOON) for number in range(WRITERS + 1)]
    finally:
        postgresql.start()
    assert {type(error) for error in failed} == {OperationalError}
    for number in range(WRITERS + 1):
        do(one, write(f"after {number}"))
    assert written(made) == {"before", *(f"after {number}" for number in range(WRITERS + 1))}


def test_connections_that_a_restart_cut_while_they_were_idle_cost_nobody_a_job(
    postgresql: Server, made: Database, one: Store
) -> None:
    for job in [one.submit(write(f"before {number}")) for number in range(10)]:
        job.result(SOON)
    postgresql.stop()
    postgresql.start()
    jobs = [one.submit(write(f"after {number}")) for number in range(10)]
    assert [job.exception(SOON) for job in jobs] == [None] * 10
    assert len(written(made)) == 20


def test_two_that_wait_for_each_other_are_both_done_in_the_end(made: Database, one: Store, other: Store) -> None:
    for name in ("left", "right"):
        do(one, write(name, "0"))
    met = threading.Barrier(2)

    def add(store: Store, names: tuple[str, str]) -> "Future[None]":
        tries: list[int] = []

        def work(tx: Transaction) -> None:
            tries.append(1)
            for name in names:
                row = tx.session.get_one(Meta, name, with_for_update=True)
                row.value = str(int(row.value) + 1)
                tx.session.flush()
                if name == names[0] and len(tries) == 1:
                    met.wait(SOON)

        return store.submit(work)

    for future in (add(one, ("left", "right")), add(other, ("right", "left"))):
        future.result(SOON)
    assert made.look("SELECT value FROM meta WHERE name IN ('left', 'right')") == [("2",), ("2",)]


# Two processes at once


def test_p3_an_update_that_comes_to_two_processes_at_once_is_handled_by_one(
    made: Database, one: Store, other: Store
) -> None:
    assert both(made, one, other, lambda tx: updates.is_new(tx, 1, 10, now=NOW)) == (True, False)


def test_somebody_who_writes_to_two_processes_at_once_is_one_patient(made: Database, one: Store, other: Store) -> None:
    def arrive(tx: Transaction) -> int:
        return (patients.by_chat(tx, 111) or patients.add(tx, 111, Person(ZONE), now=NOW)).id

    first, second = both(made, one, other, arrive)
    assert first == second
    assert made.look("SELECT count(*) FROM patient") == [(1,)]


def test_p8_what_one_process_changes_of_a_patient_another_one_waits_for_and_then_sees(
    made: Database, one: Store, other: Store
) -> None:
    do(one, add_patient)

    def count(tx: Transaction) -> int:
        row = patients.by_chat(tx, 111)
        assert row is not None
        row.misunderstood += 1
        return row.misunderstood

    assert both(made, one, other, count) == (1, 2)


def test_an_alert_is_raised_once_although_two_processes_raise_it(made: Database, one: Store, other: Store) -> None:
    patient_id = do(one, add_patient)

    def raise_(tx: Transaction) -> tuple[int, bool]:
        patients.hold(tx, patient_id)
        alert, page_now = alerts.raise_(tx, patient_id, "S1", Tier.URGENT, (), merge=HOUR, now=NOW)
        return alerts.number(alert), page_now

    (number, first), (same, second) = both(made, one, other, raise_)
    assert (first, second) == (True, False)
    assert same == number


def test_two_clinicians_who_tap_in_two_processes_are_told_who_was_first(
    made: Database, one: Store, other: Store
) -> None:
    patient_id, lee = do(one, add_patient), do(one, add_clinician)
    kim = do(one, lambda tx: add_clinician(tx, 901))
    do(one, lambda tx: alerts.raise_(tx, patient_id, "S1", Tier.URGENT, (), merge=HOUR, now=NOW))

    def take(clinician: int) -> Callable[[Transaction], int | None]:
        def work(tx: Transaction) -> int | None:
            alert = alerts.by_number(tx, 1)
            assert alert is not None
            if alert.taken_by is None:
                alerts.move(tx, alert, AlertStep.ACKNOWLEDGE, by=clinician, now=NOW)
            return alert.taken_by

        return work

    assert both(made, one, other, take(lee), take(kim)) == (lee, lee)


def test_p4_an_alert_about_the_clinic_is_found_and_taken_by_one_of_two(
    made: Database, one: Store, other: Store
) -> None:
    do(one, lambda tx: alerts.raise_(tx, None, "O1", Tier.URGENT, (), merge=HOUR, now=NOW))

    def page(tx: Transaction) -> str:
        alert = alerts.by_number(tx, 1)
        assert alert is not None
        if alert.state == AlertState.RAISED:
            alerts.move(tx, alert, AlertStep.PAGE, now=NOW)
            return "paged"
        return "had been paged"

    assert both(made, one, other, page) == ("paged", "had been paged")


def test_an_invitation_that_is_opened_twice_at_once_binds_one_chat(made: Database, one: Store, other: Store) -> None:
    token = do(one, lambda tx: clinicians.invite(tx, "Dr. Ada", Role.PHYSICIAN, now=NOW))

    def accept(chat_id: int) -> Callable[[Transaction], bool]:
        return lambda tx: clinicians.accept(tx, token, chat_id, now=NOW) is not None

    assert both(made, one, other, accept(900), accept(901)) == (True, False)


def test_p3_a_timer_rings_in_one_process(made: Database, one: Store, other: Store) -> None:
    patient_id = do(one, add_patient)
    do(one, lambda tx: timers.put(tx, f"patient:{patient_id}", "check-in", NOW, "{}"))
    (timer_id,) = do(one, lambda tx: timers.due(tx, NOW, 9))
    first, second = both(made, one, other, lambda tx: timers.take(tx, timer_id, NOW))
    assert isinstance(first, TimerRow)
    assert second is None


def test_a_timer_that_somebody_else_handles_is_passed_over_without_waiting(one: Store, other: Store) -> None:
    do(one, lambda tx: timers.put(tx, "clinic:1", "look", NOW, "{}"))
    (timer_id,) = do(one, lambda tx: timers.due(tx, NOW, 9))
    with in_the_middle(one, lambda tx: timers.take(tx, timer_id, NOW)):
        assert do(other, lambda tx: timers.take(tx, timer_id, NOW)) is None


def test_p4_a_page_that_is_due_while_somebody_takes_the_alert_waits_and_is_not_sent(
    made: Database, one: Store, other: Store
) -> None:
    """Who pages and who takes an alert hold the patient first: neither waits for the other's second lock."""
    patient_id = do(one, add_patient)
    do(one, lambda tx: alerts.raise_(tx, patient_id, "S1", Tier.URGENT, (), merge=HOUR, now=NOW))
    do(one, lambda tx: timers.put(tx, "alert:1", "page", NOW, "page"))
    (timer_id,) = do(one, lambda tx: timers.due(tx, NOW, 9))

    def take(tx: Transaction) -> None:
        alert = alerts.by_number(tx, 1)
        assert alert is not None
        alerts.move(tx, alert, AlertStep.ACKNOWLEDGE, now=NOW)

    assert both(made, one, other, take, lambda tx: timers.take(tx, timer_id, NOW)) == (None, None)
    assert made.look("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


def test_two_who_set_the_same_timer_at_once_set_one(made: Database, one: Store, other: Store) -> None:
    def put(hours: int) -> Callable[[Transaction], None]:
        return lambda tx: timers.put(tx, "clinic:1", "look", NOW + hours * HOUR, "{}")

    both(made, one, other, put(1), put(2))
    assert do(one, lambda tx: [row.due_at for row in tx.session.exec(select(TimerRow))]) == [NOW + 2 * HOUR]


def test_a_message_is_claimed_by_one_sender_and_nobody_waits_for_it(one: Store, other: Store) -> None:
    for chat_id in (111, 222):
        do(one, lambda tx: outbox.put(tx, chat_id, "sendMessage", {}, urgency=Urgency.REPLY, now=NOW))  # noqa: B023
    do(one, lambda tx: outbox.put(tx, 111, "sendMessage", {"second": 1}, urgency=Urgency.REPLY, now=NOW))
    with in_the_middle(one, lambda tx: outbox.claim(tx, now=NOW, limit=1)) as claimed:
        beside = do(other, lambda tx: outbox.claim(tx, now=NOW, limit=9))
    assert [letter.chat_id for letter in claimed.result()] == [111]  # type: ignore[attr-defined]
    assert [letter.chat_id for letter in beside] == [222], "not the second message to the same chat"


def test_many_senders_and_many_messages_each_message_once_and_in_order_in_its_chat(
    made: Database, one: Store, other: Store
) -> None:
    def put(tx: Transaction) -> None:
        for number in range(10):
            for chat_id in range(1, 7):
                words = {"number": number}
                outbox.put(tx, chat_id, "sendMessage", words, urgency=Urgency.REPLY, now=NOW)

    do(one, put)
    sent: list[tuple[int | None, int]] = []
    lock = threading.Lock()

    def send(store: Store) -> None:
        while made.look("SELECT count(*) FROM outbox WHERE state = 'queued'") != [(0,)]:
            for letter in do(store, lambda tx: outbox.claim(tx, now=NOW, limit=2)):
                with lock:
                    sent.append((letter.chat_id, letter.parameters["number"]))
                do(store, lambda tx: outbox.sent(tx, letter, 1, now=NOW))  # noqa: B023

    senders = [threading.Thread(target=send, args=(store,)) for store in (one, other, one, other)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len(sent) == 60
    for chat_id in range(1, 7):
        assert [number for chat, number in sent if chat == chat_id] == list(range(10))
    states = do(
        one, lambda tx: tx.session.exec(select(OutboxRow.state, func.count()).group_by(col(OutboxRow.state))).all()
    )
    assert states == [(Delivery.SENT, 60)]


def test_p4_an_audit_finds_no_alert_quiet_while_another_process_raises_and_pages_many(one: Store, other: Store) -> None:
    patient_id = do(one, add_patient)

    def raise_and_page(number: int) -> Callable[[Transaction], None]:
        def work(tx: Transaction) -> None:
            patients.hold(tx, patient_id)
            alert, _ = alerts.raise_(tx, patient_id, f"rule {number}", Tier.URGENT, (), merge=HOUR, now=NOW)
            timers.put(tx, alerts.scope(alert), "page", NOW + HOUR, "page")

        return work

    jobs = [one.submit(raise_and_page(number)) for number in range(40)]
    while not all(job.done() for job in jobs):
        assert do(other, alerts.gone_quiet) == []
    assert [job.exception() for job in jobs] == [None] * 40


def test_the_first_bot_knows_that_it_is_alone_and_the_next_ones_know_that_they_are_not(made: Database) -> None:
    with start(RUN, made.url) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "True\n"
        second = use(made.url)
        assert not second.is_first
        first.kill()
        first.wait(SOON)
        third = use(made.url)
        assert not third.is_first, "the second one still runs"
        second.release()
        third.release()


def test_a_bot_that_starts_when_all_others_are_gone_is_the_first_again(made: Database) -> None:
    for _ in range(2):
        using = use(made.url)
        assert using.is_first
        using.release()
