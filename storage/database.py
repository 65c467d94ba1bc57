"""Store: the engine, and run(work) = one transaction, off the event loop."""

import asyncio
import fcntl
import queue
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlmodel import Session

from flows.errors import TaperlineError
from storage import tables
from storage.cipher import Cipher, Keyring, KeysError, SealBrokenError

Result = TypeVar("Result")
BATCH = 64
"""The most transactions that share one commit."""

BUSY_SECONDS = 30
"""How long a writer waits for another process before it gives up."""


class DatabaseError(TaperlineError):
    """The database cannot be used; the text says why and what to do."""


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
    """The database. One thread writes; transactions that wait are committed together, each undone alone if it fails."""

    def __init__(self, engine: Engine, cipher: Cipher) -> None:
        self._engine = engine
        self._cipher = cipher
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._writer = threading.Thread(target=self._write, name="taperline-writer", daemon=True)
        self._writer.start()

    async def run(self, work: Callable[[Transaction], Result]) -> Result:
        """Do the work in one transaction in the writer's thread; it is on disk when this returns.

        What the work raises is raised here, and then nothing of it is kept.
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
            self._jobs.put(None)
        self._writer.join()
        self._engine.dispose()

    def _write(self) -> None:
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
                    _check_open(connection)
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
            failure = RuntimeError("The work raised StopIteration.") if isinstance(error, StopIteration) else error
            return lambda: job.future.set_exception(failure)
        return lambda: job.future.set_result(result)


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
    try:
        with engine.connect() as connection:
            _check_owner(connection, url)
            _check_health(connection, url)
            _check_version(connection, url)
        with engine.connect() as connection, _tables_may_be_rebuilt(connection), connection.begin():
            _migrate(connection)
            cipher = _cipher(connection, keyring)
    except DBAPIError as error:
        engine.dispose()
        raise DatabaseError(f"The database {_name(url)} cannot be used: {error.orig}. {_REMEDY}") from error
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, cipher)


def database_file(url: str) -> Path | None:
    """The file of a SQLite database; None for another kind. Raises DatabaseError when the address has no sense."""
    parsed = _address(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


class SoleUse:
    """The right of one process to run the bot on a SQLite file; given back by the kernel when the process dies."""

    def __init__(self, url: str) -> None:
        self._file = None
        path = database_file(url)
        if path is None:
            return
        _make_folder(path)
        lock = path.with_name(path.name + ".lock")
        try:
            self._file = lock.open("w")
        except OSError as error:
            raise DatabaseError(f"The file {lock} cannot be written: {error.strerror}. {_ELSEWHERE}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise DatabaseError(f"Another Taperline runs on {path}. Stop it first, or set DATABASE_URL.") from error

    def release(self) -> None:
        """Let another process have it."""
        if self._file is not None:
            self._file.close()


_REMEDY = "Restore it from a backup, or set DATABASE_URL to another place."
_ELSEWHERE = "Set DATABASE_URL to another place."


def _address(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseError("DATABASE_URL is no address such as sqlite:///data/taperline.db. Correct it.") from error
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise DatabaseError("DATABASE_URL names no file, and memory is lost at a stop. Use sqlite:///data/taperline.db")
    return parsed


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"The folder {path.parent} for the database cannot be made: {error.strerror}. {_ELSEWHERE}"
        ) from error


def _keep_private(path: Path) -> None:
    """Only its owner may read the database: codes and states are not sealed. SQLite's other files get the same mode."""
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
    except OSError as error:
        raise DatabaseError(f"The database {path} cannot be written: {error.strerror}. {_ELSEWHERE}") from error


def _engine(url: str) -> Engine:
    parsed = _address(url)
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise DatabaseError(f"DATABASE_URL: {parsed.drivername} is not supported yet. Use sqlite:///data/taperline.db")
    path = database_file(url)
    if path is not None:
        _make_folder(path)
        _keep_private(path)
    engine = create_engine(
        parsed, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _check_open(connection: Connection) -> None:
    """Raise DatabaseError when SQLite gave the transaction up: the next statement would commit by itself."""
    raw: Any = connection.connection.dbapi_connection
    if not raw.in_transaction:
        raise DatabaseError("SQLite gave the transaction up (a full disk does that): nothing of it was kept.")


def _check_owner(connection: Connection, url: str) -> None:
    tables_there = inspect(connection).get_table_names()
    connection.rollback()
    if tables_there and "alembic_version" not in tables_there:
        raise DatabaseError(f"The database {_name(url)} belongs to another program. {_ELSEWHERE}")


def _check_health(connection: Connection, url: str) -> None:
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    connection.rollback()
    if found != "ok":
        raise DatabaseError(f"The database {_name(url)} is damaged: {str(found).splitlines()[-1]}. {_REMEDY}")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _check_version(connection: Connection, url: str) -> None:
    here = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    try:
        ScriptDirectory.from_config(_alembic()).get_revision(here or "base")
    except CommandError as error:
        raise DatabaseError(
            f"The database {_name(url)} was written by a newer Taperline ({here}). Install that version again."
        ) from error


def _migrate(connection: Connection) -> None:
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise DatabaseError(f"The table {broken[0]} refers to rows of {broken[2]} that are not there. {_REMEDY}")


@contextmanager
def _tables_may_be_rebuilt(connection: Connection) -> Iterator[None]:
    """SQLite changes a column by building its table anew; others may not refer to it while that happens."""
    raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys=ON")


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


def _name(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
