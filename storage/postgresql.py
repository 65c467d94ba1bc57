"""PostgreSQL: several processes on one database, which row locks and constraints keep apart."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from storage.address import DatabaseError, address, name

WRITERS = 4
"""Transactions that one process does at the same time."""

LOCK_SECONDS = 30
"""How long a transaction waits for what another one has locked before it gives up."""

FROZEN_SECONDS = 60
"""After this time without a word in the middle of a transaction, the server gives its locks to others."""

REMEDY = "Check the server and its log, or set DATABASE_URL to another place."
MIGRATING, RUNNING = 0x7461706572, 0x7461706573
"""Advisory locks: held while the tables are brought up to date, and while a bot runs."""

CONNECTING = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "taperline",
    "client_encoding": "utf8",
}
"""So that a server which vanished is noticed. What stands in DATABASE_URL comes first."""

ON_DISK = """SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"""
"""A commit is on disk when it is told (P1), whatever the server does for others."""

SERIALIZATION, DEADLOCK, DOUBLED = "40001", "40P01", "23505"


def engine(url: str) -> Engine:
    """The way to the server, tried once. Raises DatabaseError when nobody answers, or not to us."""
    parsed = address(url)
    options = {option: value for option, value in CONNECTING.items() if option not in parsed.query}
    found = create_engine(parsed, hide_parameters=True, connect_args=options, pool_size=WRITERS, max_overflow=0)
    event.listen(found, "connect", _on_connect)
    try:
        found.connect().close()
    except DBAPIError as error:
        found.dispose()
        raise _unreachable(url, error) from error
    return found


def check_health(connection: Connection, url: str) -> None:
    """Raise DatabaseError when the database takes nothing, or cannot hold every letter."""
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        raise DatabaseError(
            f"The database {name(url)} is kept in {encoding}, where not every letter has a place. Make one with "
            "createdb --encoding=UTF8 --template=template0."
        )
    if connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "on":
        raise DatabaseError(f"The database {name(url)} can only be read. Set DATABASE_URL to the primary server.")


def rebuilding(_connection: Connection) -> AbstractContextManager[None]:
    """PostgreSQL changes a column in its place."""
    return nullcontext()


def check_references(_connection: Connection, _url: str) -> None:
    """PostgreSQL never lets go of its constraints."""


def check_open(connection: Connection) -> None:
    """Raise DatabaseError when the work hid an error: the server would answer its COMMIT by undoing everything."""
    raw: Any = connection.connection.dbapi_connection
    if raw.info.transaction_status == TransactionStatus.INERROR:
        raise DatabaseError("PostgreSQL gave the transaction up (an error was hidden): nothing of it was kept.")


def lock_migrations(connection: Connection) -> None:
    """Until this transaction ends, no other process looks at the tables to bring them up to date."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")


def is_passing(error: BaseException) -> bool:
    """Whether the same work may well succeed at once in a new transaction: what undid it has nothing to do with it.

    Others did something at the same time (a deadlock, a row deleted), or the server had closed the connection.
    """
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _code(error) in {SERIALIZATION, DEADLOCK}
    return isinstance(error, StaleDataError)


def is_doubled(error: BaseException) -> bool:
    """Whether a constraint kept a row from being there twice: done again, the work finds the row of the others."""
    return isinstance(error, DBAPIError) and _code(error) == DOUBLED


class SharedUse:
    """A bot that runs on a PostgreSQL database, beside others; the server notices when its process dies.

    `is_first` tells that no other bot runs.
    """

    def __init__(self, url: str) -> None:
        self._engine = engine(url)
        self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self.is_first = bool(self._ask(f"SELECT pg_try_advisory_lock({RUNNING})"))
        self._ask(f"SELECT pg_advisory_lock_shared({RUNNING})")
        if self.is_first:
            self._ask(f"SELECT pg_advisory_unlock({RUNNING})")

    def _ask(self, query: str) -> object:
        return self._connection.exec_driver_sql(query).scalar()

    def release(self) -> None:
        """This bot does not run any more."""
        self._connection.close()
        self._engine.dispose()


def _unreachable(url: str, error: DBAPIError) -> DatabaseError:
    """Why there is no connection, in one sentence, with what to do."""
    reason = str(error.orig).splitlines()[0].split(" failed: ")[-1].removeprefix("FATAL:").strip()
    database = address(url).database
    if reason == f'database "{database}" does not exist':
        return DatabaseError(f"There is no database {name(url)}. Make it on the server with: createdb {database}")
    return DatabaseError(
        f"The database {name(url)} cannot be reached: {reason.rstrip('.')}. "
        "Check that the server runs, and host, port, user and password in DATABASE_URL."
    )


def _code(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _on_connect(connection: psycopg.Connection[object], _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{FROZEN_SECONDS}s'")
        cursor.execute(ON_DISK)
    connection.commit()
