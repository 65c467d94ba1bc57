"""Store: the engine, and run(work) = one transaction, off the event loop."""

import asyncio
import queue
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from storage import postgresql, sqlite, tables
from storage.address import ELSEWHERE, DatabaseError, database_file, name
from storage.cipher import Cipher, Keyring, KeysError, SealBrokenError

Result = TypeVar("Result")
BATCH = 64
"""The most transactions that share one commit."""

TRIES, PAUSE = 3, 0.1
"""How often a job is tried that others undo, and the seconds in which those others get what they waited for."""


class Transaction:
    """What the work in a transaction may use: the session, the cipher, and ids for new rows."""

    def __init__(self, session: Session, cipher: Cipher) -> None:
        self.session = session
        self.cipher = cipher

    def seal(self, text: str, column: str, row_id: int) -> str:
        """Seal a text for its place: the column (`table/column`) of one row."""
        return self.cipher.seal(text, f"{column}/{row_id}")

    def open(self, sealed: str, column: str, row_id: int) -> str:
        """Open what was sealed for this place. Raises SealBrokenError."""
        return self.cipher.open(sealed, f"{column}/{row_id}")

    def index(self, kind: str, value: str | int) -> str:
        """The blind index of a value, such as a chat id."""
        return self.cipher.index(kind, str(value))


@dataclass(slots=True)
class _Job(Generic[Result]):
    work: Callable[[Transaction], Result]
    future: "Future[Result]"


class Store:
    """The database, and the threads that do what is asked of it.

    SQLite: one thread writes; transactions that wait are committed together, each undone alone if it fails. PostgreSQL:
    a few threads, each job in a transaction of its own.
    """

    def __init__(self, engine: Engine, cipher: Cipher) -> None:
        self._engine = engine
        self._cipher = cipher
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        write, number = (self._write_alone, postgresql.WRITERS) if _many(engine) else (self._write_together, 1)
        self._writers = [threading.Thread(target=write, name="taperline-writer", daemon=True) for _ in range(number)]
        for writer in self._writers:
            writer.start()

    async def run(self, work: Callable[[Transaction], Result]) -> Result:
        """Do the work in one transaction in a writer's thread; it is on disk when this returns.

        What the work raises is raised here, and then nothing of it is kept. The work may be done again, when what
        others did at the same moment undid it: it must not change anything but the database.
        """
        return await asyncio.shield(asyncio.wrap_future(self.submit(work)))

    def submit(self, work: Callable[[Transaction], Result]) -> "Future[Result]":
        """The same for callers without an event loop: `submit(work).result()`. Raises DatabaseError when closed."""
        future: Future[Result] = Future()
        with self._gate:
            if self._closed:
                raise DatabaseError("The database is closed: nothing more is taken.")
            self._jobs.put(_Job(work, future))
        return future

    def close(self) -> None:
        """Finish what waits, then close."""
        with self._gate:
            self._closed = True
            for _ in self._writers:
                self._jobs.put(None)
        for writer in self._writers:
            writer.join()
        self._engine.dispose()

    def _write_together(self) -> None:
        open_ = True
        while open_:
            batch = [self._jobs.get()]
            while len(batch) < BATCH and not self._jobs.empty():
                batch.append(self._jobs.get())
            open_ = None not in batch
            jobs = [job for job in batch if job is not None and job.future.set_running_or_notify_cancel()]
            if jobs:
                self._commit(jobs)

    def _commit(self, jobs: list[_Job[Any]]) -> None:
        done: list[Callable[[], None]] = []
        try:
            with self._engine.begin() as connection:
                for job in jobs:
                    done.append(self._attempt(connection, job))
                    sqlite.check_open(connection)
        except BaseException as error:  # noqa: BLE001 (whatever it was, the callers must hear that nothing was kept)
            for job in jobs:
                job.future.set_exception(error)
        else:
            for tell in done:
                tell()

    def _attempt(self, connection: Connection, job: _Job[Any]) -> Callable[[], None]:
        """Do one job inside a savepoint; what comes back tells the caller, and is to be called after the commit."""
        try:
            session = Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
            with session, session.begin():
                result = job.work(Transaction(session, self._cipher))
        except BaseException as error:  # noqa: BLE001 (handed to the caller)
            failure = _carried(error)
            return lambda: job.future.set_exception(failure)
        return lambda: job.future.set_result(result)

    def _write_alone(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job.future.set_running_or_notify_cancel():
                tries = 1
                while not self._do(job, is_last=tries == TRIES):
                    time.sleep(PAUSE)
                    tries += 1

    def _do(self, job: _Job[Any], *, is_last: bool) -> bool:
        """Do one job in a transaction of its own, and tell its caller; False when it is to be done again.

        Once the commit was asked for, nothing is done twice: the answer may have been lost on its way.
        """
        committing = False
        try:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                result = job.work(Transaction(session, self._cipher))
                session.flush()
                postgresql.check_open(session.connection())
                committing = True
        except BaseException as error:  # noqa: BLE001 (handed to the caller)
            others = postgresql.is_passing(error) or postgresql.is_doubled(error)
            if others and not (committing or is_last):
                return False
            job.future.set_exception(_carried(error))
        else:
            job.future.set_result(result)
        return True


def _carried(error: BaseException) -> BaseException:
    """The error as a future can carry it: asyncio refuses a StopIteration, and would leave the caller waiting."""
    return RuntimeError("The work raised StopIteration.") if isinstance(error, StopIteration) else error


def _many(engine: Engine) -> bool:
    """Whether more than one process, and more than one thread, may write."""
    return engine.dialect.name == "postgresql"


class _Ids:
    """Ids that grow with time: microseconds since 1970, then 10 random bits (61 bits in all)."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, (time.time_ns() // 1000) << 10 | secrets.randbits(10))
            return self._last


new_id = _Ids().next


def open_store(url: str, keyring: Keyring) -> Store:
    """Open the database, bring its tables up to date, and check that the keys are the right ones.

    Raises DatabaseError or KeysError, with one sentence and the remedy; then nothing was changed.
    """
    engine = _engine(url)
    kind = postgresql if _many(engine) else sqlite
    try:
        with engine.connect() as connection, kind.rebuilding(connection), connection.begin():
            if _many(engine):
                postgresql.lock_migrations(connection)
            _check_owner(connection, url)
            kind.check_health(connection, url)
            _check_version(connection, url)
            _migrate(connection)
            kind.check_references(connection, url)
            cipher = _cipher(connection, keyring)
    except DBAPIError as error:
        engine.dispose()
        reason = str(error.orig).splitlines()[0].rstrip(".")
        raise DatabaseError(f"The database {name(url)} cannot be used: {reason}. {kind.REMEDY}") from error
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, cipher)


def is_made(url: str) -> bool:
    """Whether there is a database that was opened before, and so has keys. Raises DatabaseError."""
    path = database_file(url)
    if path is not None:
        return path.exists()
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            return inspect(connection).has_table(str(tables.Meta.__tablename__))
    finally:
        engine.dispose()


def use(url: str) -> sqlite.SoleUse | postgresql.SharedUse:
    """The right of this process to run the bot on a database, until it is released. Raises DatabaseError."""
    return postgresql.SharedUse(url) if database_file(url) is None else sqlite.SoleUse(url)


def _engine(url: str) -> Engine:
    """The way to the database, which has been reached once. Raises DatabaseError."""
    return postgresql.engine(url) if database_file(url) is None else sqlite.engine(url)


def _check_owner(connection: Connection, url: str) -> None:
    tables_there = inspect(connection).get_table_names()
    if tables_there and "alembic_version" not in tables_there:
        raise DatabaseError(f"The database {name(url)} belongs to another program. {ELSEWHERE}")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _check_version(connection: Connection, url: str) -> None:
    here = MigrationContext.configure(connection).get_current_revision()
    try:
        ScriptDirectory.from_config(_alembic()).get_revision(here or "base")
    except CommandError as error:
        raise DatabaseError(
            f"The database {name(url)} was written by a newer Taperline ({here}). Install that version again."
        ) from error


def _migrate(connection: Connection) -> None:
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _cipher(connection: Connection, keyring: Keyring) -> Cipher:
    """The cipher of this database. The index key is made once and kept sealed, so it tells whether the keys fit."""
    place = "meta/index_key"
    with Session(connection, join_transaction_mode="create_savepoint") as session, session.begin():
        kept = session.get(tables.Meta, "index_key")
        if kept is None:
            index_key = secrets.token_hex(32)
            session.add(tables.Meta(name="index_key", value=Cipher(keyring, b"").seal(index_key, place)))
        else:
            try:
                index_key = Cipher(keyring, b"").open(kept.value, place)
            except SealBrokenError as error:
                raise KeysError(
                    "These keys do not open this database. Put back the keys it was made with (TAPERLINE_KEYS, or the "
                    "key file beside the database); nothing was changed."
                ) from error
    return Cipher(keyring, bytes.fromhex(index_key))
