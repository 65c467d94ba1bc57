"""What every test may ask for."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from bot import log
from bot.settings import Settings
from storage.database import open_store
from tests.databases import KEYRING, KINDS, Database, Server
from tests.world import World, world

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):  # the same examples every time: no commit fails by chance; a developer's machine explores
    settings.load_profile("ci")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test marked `both_databases` runs on SQLite and on PostgreSQL; what looks at SQLite's file, on SQLite alone."""
    if "database" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("both_databases") and "path" not in metafunc.fixturenames
        metafunc.parametrize("database", KINDS if both else ["sqlite"], indirect=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="Write the golden conversations as they are now.")


@pytest.fixture(autouse=True)
def _logs_as_in_production() -> None:
    """Logs look as they do in production; `capfd` sees them."""
    log.configure("info")


@pytest.fixture(autouse=True, scope="session")
def _own_environment() -> None:
    """No setting of the machine, and no `.env` of the developer, reaches a test."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    Settings.model_config["env_file"] = None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server, started when the first test wants it."""
    with Server.running() as server:
        yield server


@pytest.fixture(scope="session")
def new_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a SQLite database that nobody has used yet."""
    path = tmp_path_factory.mktemp("new") / "taperline.db"
    open_store(f"sqlite:///{path}", KEYRING).close()
    return path.read_bytes()


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """The database of a test: one that was made and not used, unless the test wants only its `url`."""
    made = bool({"store", "here", "anyhow", "made"} & set(request.fixturenames))
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        with server.database(made=made) as found:
            yield found
        return
    path = tmp_path / "taperline.db"
    if made:
        path.write_bytes(request.getfixturevalue("new_file"))
    yield Database("sqlite", f"sqlite:///{path}")


@pytest.fixture(params=["polling", "webhook"])
async def anyhow(request: pytest.FixtureRequest, tmp_path: Path, database: Database) -> AsyncIterator[World]:
    """A running world, once by polling and once by webhook."""
    async with world(tmp_path, database=database, webhook=request.param == "webhook") as here:
        yield here


@pytest.fixture
async def here(tmp_path: Path, database: Database) -> AsyncIterator[World]:
    """A running world, by polling."""
    async with world(tmp_path, database=database) as running:
        yield running
