"""A database that cannot be used: one sentence that says why and what to do, and not one byte changed."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from bot.app import open_memory, read_keys
from bot.settings import Settings
from flows.errors import TaperlineError
from storage.address import DatabaseError, database_file
from storage.cipher import Keyring, KeysError
from storage.database import open_store
from storage.sqlite import SoleUse
from tests.storage.parts import SOON, do, look, start, write, written_in

HOLD = """
import sys
from storage.sqlite import SoleUse
use = SoleUse(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def made(url: str, keyring: Keyring, path: Path) -> bytes:
    """The bytes of a database that was used and closed."""
    store = open_store(url, keyring)
    do(store, lambda tx: [write(f"row {number}", "x" * 100)(tx) for number in range(200)])
    store.close()
    return path.read_bytes()


def refused(url: str, keyring: Keyring) -> str:
    """What is said when this database is opened."""
    with pytest.raises(DatabaseError) as caught:
        open_store(url, keyring)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    "content",
    [bytes(range(256)) * 64, b"Dear diary, this is no database.", b"SQLite format 3\0" + b"\xff" * 8000, b"\0" * 8192],
    ids=["random bytes", "a text", "only the name of one", "zeros"],
)
def test_a_file_that_is_no_database_is_refused_and_not_touched(
    url: str, keyring: Keyring, path: Path, content: bytes
) -> None:
    path.write_bytes(content)
    sentence = refused(url, keyring)
    assert str(path) in sentence
    assert "Restore it from a backup, or set DATABASE_URL" in sentence
    assert path.read_bytes() == content


@pytest.mark.parametrize("kept", [100, 5000, 0.5, 0.9])
def test_a_database_that_was_cut_short_is_refused_and_not_touched(
    url: str, keyring: Keyring, path: Path, made: bytes, kept: float
) -> None:
    cut = made[: int(kept if kept > 1 else len(made) * kept)]
    path.write_bytes(cut)
    assert "Restore it from a backup" in refused(url, keyring)
    assert path.read_bytes() == cut


def test_a_database_with_a_damaged_page_is_refused_and_not_touched(
    url: str, keyring: Keyring, path: Path, made: bytes
) -> None:
    size = int.from_bytes(made[16:18], "big")
    for page in range(1, len(made) // size):
        damaged = made[: page * size] + b"\xff" * size + made[(page + 1) * size :]
        path.write_bytes(damaged)
        assert "Restore it from a backup" in refused(url, keyring), f"page {page + 1}"
        assert path.read_bytes() == damaged


def test_the_same_file_undamaged_opens(url: str, keyring: Keyring, path: Path, made: bytes) -> None:
    path.write_bytes(made)
    store = open_store(url, keyring)
    store.close()
    assert len(written_in(path)) == 200


def test_a_folder_in_the_place_of_the_database_is_named(url: str, keyring: Keyring, path: Path) -> None:
    path.mkdir()
    sentence = refused(url, keyring)
    assert str(path) in sentence
    assert "set DATABASE_URL" in sentence
    assert list(path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path, keyring: Keyring) -> None:
    (tmp_path / "data").write_text("a file")
    sentence = refused(f"sqlite:///{tmp_path}/data/taperline.db", keyring)
    assert f"{tmp_path}/data" in sentence
    assert "Set DATABASE_URL to another place." in sentence
    assert (tmp_path / "data").read_text() == "a file"


def test_every_way_into_a_place_that_cannot_be_written_ends_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/data/taperline.db")  # type: ignore[call-arg]
    for way in (open_memory, read_keys, lambda each: SoleUse(each.database_url)):
        with pytest.raises(TaperlineError, match="cannot be"):
            way(settings)


def test_a_folder_that_is_missing_is_made(tmp_path: Path, keyring: Keyring) -> None:
    open_store(f"sqlite:///{tmp_path}/new/folder/taperline.db", keyring).close()
    assert (tmp_path / "new/folder/taperline.db").is_file()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://clinic:secret@localhost/taperline",
        "mysql+pymysql://clinic:secret@localhost/taperline",
        "sqlite+aiosqlite:///data/taperline.db",
        "nothing://clinic:secret@localhost",
    ],
)
def test_another_kind_of_database_is_refused_with_what_to_use_and_without_the_password(
    url: str, keyring: Keyring
) -> None:
    sentence = refused(url, keyring)
    assert "is not supported. Use sqlite:///" in sentence
    assert url.partition(":")[0] in sentence
    assert "secret" not in sentence


@pytest.mark.parametrize("url", ["data/taperline.db", "", "clinic secret"])
def test_p7_an_address_that_is_none_is_refused_everywhere_and_not_repeated(url: str, keyring: Keyring) -> None:
    sentence = refused(url, keyring)
    assert "sqlite:///data/taperline.db" in sentence
    assert "secret" not in sentence
    for read in (SoleUse, database_file):
        with pytest.raises(DatabaseError):
            read(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_p1_a_database_without_a_file_is_refused(
    url: str, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "names no file" in refused(url, keyring)
    with pytest.raises(DatabaseError):
        SoleUse(url)
    assert list(tmp_path.iterdir()) == []


def test_p7_other_keys_are_refused_and_nothing_is_changed(url: str, path: Path, made: bytes) -> None:
    with pytest.raises(KeysError, match="Put back the keys") as caught:
        open_store(url, Keyring.generate())
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == made


def test_a_migration_that_fails_in_the_middle_leaves_nothing_of_itself(url: str, keyring: Keyring, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE timer (ours TEXT)")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    assert "timer already exists" in refused(url, keyring)
    assert look(path, "SELECT name FROM sqlite_master") == [("timer",), ("alembic_version",)]


def test_a_database_of_another_program_is_refused_and_not_touched(url: str, keyring: Keyring, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (ours TEXT)")
    assert "belongs to another program. Set DATABASE_URL" in refused(url, keyring)
    assert look(path, "SELECT name FROM sqlite_master") == [("recipes",)]


def test_p7_only_the_owner_may_read_the_database(url: str, keyring: Keyring, path: Path) -> None:
    open_store(url, keyring).close()
    assert path.stat().st_mode & 0o077 == 0


def test_a_database_of_a_newer_version_is_refused_and_not_touched(
    url: str, keyring: Keyring, path: Path, made: bytes
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = path.read_bytes()
    assert before != made
    sentence = refused(url, keyring)
    assert "newer Taperline (9999). Install that version again." in sentence
    assert path.read_bytes() == before


def test_a_refused_database_is_left_free_for_others(url: str, path: Path, made: bytes) -> None:
    with pytest.raises(KeysError):
        open_store(url, Keyring.generate())
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        assert connection.execute("PRAGMA locking_mode").fetchone() == ("normal",)
        connection.execute("BEGIN EXCLUSIVE")
    assert not path.with_name(path.name + "-wal").exists()


def settings_for(url: str, keys: str | None = None) -> Settings:
    return Settings(_env_file=None, database_url=url, taperline_keys=keys)  # type: ignore[arg-type,call-arg]


def test_the_bot_makes_a_key_file_with_a_new_database_and_opens_it_again(url: str, path: Path) -> None:
    store = open_memory(settings_for(url))
    do(store, write("kept"))
    store.close()
    key_file = path.with_name("taperline.keys")
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    open_memory(settings_for(url)).close()
    open_memory(settings_for(url, key_file.read_text())).close()
    assert written_in(path) == {"kept"}


def test_the_bot_does_not_make_a_new_key_for_a_database_that_is_there(url: str, path: Path) -> None:
    open_memory(settings_for(url)).close()
    key_file, before = path.with_name("taperline.keys"), path.read_bytes()
    key_file.unlink()
    with pytest.raises(KeysError, match=r"is missing, but the database is there\. Restore"):
        open_memory(settings_for(url))
    assert not key_file.exists()
    assert path.read_bytes() == before


def test_p7_the_bot_does_not_open_a_database_whose_key_file_is_open_to_others(url: str, path: Path) -> None:
    open_memory(settings_for(url)).close()
    path.with_name("taperline.keys").chmod(0o644)
    before = path.read_bytes()
    with pytest.raises(KeysError, match="chmod 600"):
        open_memory(settings_for(url))
    assert path.read_bytes() == before


@pytest.mark.parametrize("keys", ["k1:short", "“k1:abc”", "nonsense", "k1"])
def test_malformed_keys_in_the_settings_are_refused_and_the_database_is_not_even_made(
    url: str, path: Path, keys: str
) -> None:
    with pytest.raises(KeysError, match=r"TAPERLINE_KEYS must hold.*openssl rand"):
        open_memory(settings_for(url, keys))
    assert not path.exists()


def test_an_empty_taperline_keys_means_the_key_file(url: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPERLINE_KEYS", "")
    open_memory(Settings(_env_file=None, database_url=url)).close()  # type: ignore[call-arg]
    assert path.with_name("taperline.keys").is_file()


def test_keys_can_be_rotated_by_putting_a_new_one_in_front(url: str, keyring: Keyring, path: Path) -> None:
    open_store(url, keyring).close()
    new = Keyring.generate().keys["k1"]
    rotated = Keyring({"k2": new, **keyring.keys}, "k2")
    first = open_store(url, rotated)
    index = do(first, lambda tx: tx.index("chat", 111))
    sealed = do(first, lambda tx: tx.seal("no", "answer/values", 1))
    first.close()
    assert sealed.startswith("v1|k2|")
    again = open_store(url, keyring)
    assert do(again, lambda tx: tx.index("chat", 111)) == index, "people are found again after a rotation"
    again.close()


def test_two_databases_with_the_same_keys_have_other_blind_indexes(tmp_path: Path, keyring: Keyring) -> None:
    indexes = set()
    for name in ("one", "two"):
        store = open_store(f"sqlite:///{tmp_path}/{name}.db", keyring)
        indexes.add(do(store, lambda tx: tx.index("chat", 111)))
        store.close()
    assert len(indexes) == 2


def test_a_second_bot_on_the_same_database_is_refused(url: str, path: Path) -> None:
    first = SoleUse(url)
    with pytest.raises(DatabaseError, match=f"Another Taperline runs on {path}. Stop it first"):
        SoleUse(url)
    SoleUse(f"sqlite:///{path.with_name('another.db')}").release()
    first.release()
    SoleUse(url).release()


def test_a_bot_in_another_process_is_noticed_and_its_kill_frees_the_database(url: str) -> None:
    with start(HOLD, url) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(DatabaseError, match="Another Taperline"):
            SoleUse(url)
        other.kill()
        other.wait(SOON)
        SoleUse(url).release()


def test_a_command_may_open_the_database_while_the_bot_has_sole_use(url: str, keyring: Keyring, path: Path) -> None:
    use = SoleUse(url)
    store = open_store(url, keyring)
    do(store, write("by the command"))
    store.close()
    use.release()
    assert written_in(path) == {"by the command"}
