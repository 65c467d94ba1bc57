"""SQLite: one file, one process that runs the bot, one writer."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from storage.address import ELSEWHERE, DatabaseError, address, database_file, name

BUSY_SECONDS = 30
"""How long a writer waits for another process before it gives up."""

REMEDY = "Restore it from a backup, or set DATABASE_URL to another place."


def engine(url: str) -> Engine:
    """The way into the file, which is made with its folder. Raises DatabaseError when it cannot be."""
    path = database_file(url)
    if path is not None:
        _make_folder(path)
        _keep_private(path)
    found = create_engine(
        address(url), hide_parameters=True, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
    )
    event.listen(found, "connect", _on_connect)
    event.listen(found, "begin", _on_begin)
    return found


def check_health(connection: Connection, url: str) -> None:
    """Raise DatabaseError when the file is damaged."""
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if found != "ok":
        raise DatabaseError(f"The database {name(url)} is damaged: {str(found).splitlines()[-1]}. {REMEDY}")


@contextmanager
def rebuilding(connection: Connection) -> Iterator[None]:
    """SQLite changes a column by building its table anew; other tables may not hold on to it while that happens."""
    raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys=ON")


def check_references(connection: Connection, url: str) -> None:
    """Raise DatabaseError when a row refers to one that is not there."""
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise DatabaseError(f"The database {name(url)} is damaged: {broken[0]} misses rows of {broken[2]}. {REMEDY}")


def check_open(connection: Connection) -> None:
    """Raise DatabaseError when SQLite gave the transaction up: the next statement would commit by itself."""
    raw: Any = connection.connection.dbapi_connection
    if not raw.in_transaction:
        raise DatabaseError("SQLite gave the transaction up (a full disk does that): nothing of it was kept.")


class SoleUse:
    """The right of one process to run the bot on a SQLite file; given back by the kernel when the process dies."""

    is_first = True

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
            raise DatabaseError(f"The file {lock} cannot be written: {error.strerror}. {ELSEWHERE}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise DatabaseError(
                f"Another Taperline runs on {path}. Stop it first, or set DATABASE_URL: PostgreSQL takes several."
            ) from error

    def release(self) -> None:
        """Let another process have it."""
        if self._file is not None:
            self._file.close()


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"The folder {path.parent} for the database cannot be made: {error.strerror}. {ELSEWHERE}"
        ) from error


def _keep_private(path: Path) -> None:
    """Only its owner may read the database: codes and states are not sealed. SQLite's other files get the same mode."""
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
    except OSError as error:
        raise DatabaseError(f"The database {path} cannot be written: {error.strerror}. {ELSEWHERE}") from error


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
