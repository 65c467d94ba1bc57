"""A database for each test, made and opened as the bot does it. A test that asks for `path` looks at SQLite's file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.cipher import Keyring
from storage.database import Store, open_store
from tests.databases import KEYRING, Database


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return KEYRING


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "taperline.db"


@pytest.fixture
def url(database: Database) -> str:
    return database.url


@pytest.fixture
def store(url: str, keyring: Keyring) -> Iterator[Store]:
    store = open_store(url, keyring)
    yield store
    store.close()
