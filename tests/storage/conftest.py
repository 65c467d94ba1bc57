"""A database for each test: a real SQLite file, made and opened as the bot does it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.cipher import Keyring
from storage.database import Store, open_store


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring.generate()


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring) -> bytes:
    """The bytes of a database that nobody has used yet: migrating once saves most of the time of a test."""
    path = tmp_path_factory.mktemp("new") / "taperline.db"
    open_store(f"sqlite:///{path}", keyring).close()
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "taperline.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def store(url: str, path: Path, keyring: Keyring, new_database: bytes) -> Iterator[Store]:
    path.write_bytes(new_database)
    store = open_store(url, keyring)
    yield store
    store.close()
