"""DATABASE_URL: which database it names, and that name without its password."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from flows.errors import TaperlineError

SQLITE = "sqlite+pysqlite"
POSTGRESQL = "postgresql+psycopg"
DRIVERS = {
    "sqlite": SQLITE,
    SQLITE: SQLITE,
    "postgres": POSTGRESQL,
    "postgresql": POSTGRESQL,
    POSTGRESQL: POSTGRESQL,
}
"""What may stand before the `:` of an address, and the driver that it means."""

EXAMPLES = "sqlite:///data/taperline.db or postgresql://user:password@host/taperline"
ELSEWHERE = "Set DATABASE_URL to another place."


class DatabaseError(TaperlineError):
    """The database cannot be used; the text says why and what to do."""


def address(url: str) -> URL:
    """The address with the driver that we use. Raises DatabaseError when it has no sense."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError(f"DATABASE_URL is no address such as {EXAMPLES}. Correct it.") from error
    if parsed.drivername not in DRIVERS:
        raise DatabaseError(f"DATABASE_URL: {parsed.drivername} is not supported. Use {EXAMPLES}")
    parsed = parsed.set(drivername=DRIVERS[parsed.drivername])
    if parsed.drivername == SQLITE and parsed.database in {None, "", ":memory:"}:
        raise DatabaseError("DATABASE_URL names no file, and memory is lost at a stop. Use sqlite:///data/taperline.db")
    if parsed.drivername == POSTGRESQL and not parsed.database:
        raise DatabaseError("DATABASE_URL names no database. Use postgresql://user:password@host/taperline")
    if parsed.drivername == POSTGRESQL and "@" in f"{parsed.host}{parsed.database}":
        raise DatabaseError("DATABASE_URL has an @ too many. In a user or password write @ as %40, / as %2F, : as %3A.")
    return parsed


def name(url: str) -> str:
    """The address as it may be shown: without the password, and without the options, which can hold one too."""
    parsed = address(url)
    scheme = parsed.drivername.partition("+")[0]
    shown = URL.create(scheme, username=parsed.username, host=parsed.host, port=parsed.port, database=parsed.database)
    return shown.render_as_string()


def database_file(url: str) -> Path | None:
    """The file of a SQLite database; None for PostgreSQL. Raises DatabaseError when the address has no sense."""
    parsed = address(url)
    return Path(parsed.database) if parsed.drivername == SQLITE and parsed.database else None
