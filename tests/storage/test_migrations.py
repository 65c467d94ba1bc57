"""The migrations make exactly the tables of the models, from nothing and back, and all or nothing."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

import storage
from flows.conversation import Conversation, Purpose
from flows.escalation import Tier
from flows.evidence import Evidence, Occasion
from flows.lifecycle import Stage
from flows.values import Place
from storage import alerts, conversations
from storage.cipher import Keyring
from storage.database import Store, new_id, open_store
from storage.tables import metadata
from tests.databases import Database
from tests.storage.parts import NOW, ROOT, add_patient, do, form

pytestmark = pytest.mark.both_databases

OPEN = """
import sys
from flows.errors import TaperlineError
from storage.cipher import Keyring
from storage.database import open_store
try:
    open_store(sys.argv[1], Keyring.parse(sys.argv[2], source="test")).close()
except TaperlineError as error:
    print(type(error).__name__)
else:
    print("opened")
"""

LATER = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9999", "{head}"


def upgrade():
    op.add_column("patient", sa.Column("added_later", sa.Text()))
    {then}


def downgrade():
    op.drop_column("patient", "added_later")
"""


def alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations"))
    return config


HEAD = ScriptDirectory.from_config(alembic()).get_current_head()


def migrate(url: str, revision: str) -> None:
    """Up or down to a revision."""
    engine = create_engine(url)
    with engine.connect() as connection:
        config = alembic()
        config.attributes["connection"] = connection
        (command.upgrade if revision == "head" else command.downgrade)(config, revision)
        connection.commit()
    engine.dispose()


CATALOGUE = {
    "sqlite": ["SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"],
    "postgresql": [
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1, 2",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 2",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace ORDER BY 2",
    ],
}
"""What tells how the tables, indexes and constraints of a database are made."""


def schema(database: Database) -> list[list[object]]:
    """Every table and index, its lines sorted: a table that was built anew may have them in another order."""
    found = [row for query in CATALOGUE[database.kind] for row in database.look(query)]
    return [[*names, sorted(line.strip(" \t,") for line in str(last).splitlines())] for *names, last in found]


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def columns(url: str, table: str) -> set[str]:
    engine = create_engine(url)
    found = {column["name"] for column in inspect(engine).get_columns(table)}
    engine.dispose()
    return found


def test_models_and_migrations_do_not_drift(url: str, keyring: Keyring) -> None:
    open_store(url, keyring).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_an_empty_database_gets_every_table_with_its_keys_indexes_and_constraints(url: str, keyring: Keyring) -> None:
    open_store(url, keyring).close()
    engine = create_engine(url)
    found = inspect(engine)
    assert set(found.get_table_names()) == {*metadata.tables, "alembic_version"}
    for name, table in metadata.tables.items():
        assert {column["name"] for column in found.get_columns(name)} == set(table.columns.keys())
        assert found.get_pk_constraint(name)["constrained_columns"] == [column.name for column in table.primary_key]
        assert {key["name"] for key in found.get_foreign_keys(name)} == {
            key.name for key in table.foreign_key_constraints
        }
        indexes = {index["name"] for index in found.get_indexes(name) if "duplicates_constraint" not in index}
        assert indexes == {index.name for index in table.indexes}
    assert {("conversation_id", "revision")} == {
        tuple(unique["column_names"]) for unique in found.get_unique_constraints("answer")
    }
    engine.dispose()


def test_the_revisions_are_one_line_without_branches() -> None:
    script = ScriptDirectory.from_config(alembic())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


def test_down_to_nothing_and_up_again_gives_the_same_tables(database: Database, keyring: Keyring) -> None:
    open_store(database.url, keyring).close()
    before = schema(database)
    assert before
    migrate(database.url, "base")
    assert tables(database.url) == {"alembic_version"}
    migrate(database.url, "head")
    assert schema(database) == before
    open_store(database.url, keyring).close()


def test_a_database_that_is_up_to_date_is_not_written_to(store: Store, url: str, keyring: Keyring, path: Path) -> None:
    do(store, add_patient)
    store.close()
    before = path.read_bytes()
    open_store(url, keyring).close()
    assert path.read_bytes() == before


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """A Taperline of the future, with one revision more."""
    folder = tmp_path / "newer"
    for room in ("storage", "flows"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def open_with(newer: Path, url: str, keyring: Keyring, *, then: str = "pass") -> str:
    """Open the database with the Taperline of the future. Returns what it says."""
    (newer / "storage/migrations/versions/9999_later.py").write_text(LATER.format(head=HEAD, then=then))
    program = [sys.executable, "-c", OPEN, url, keyring.text()]
    done = subprocess.run(
        program, cwd=newer, env={"PYTHONPATH": str(newer)}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_an_older_database_is_brought_up_to_date_and_keeps_its_rows(
    store: Store, database: Database, keyring: Keyring, newer: Path
) -> None:
    patient_id = do(store, add_patient)
    store.close()
    assert open_with(newer, database.url, keyring) == "opened"
    assert database.look("SELECT id, added_later FROM patient") == [(patient_id, None)]
    assert database.look("SELECT version_num FROM alembic_version") == [("9999",)]


def test_p7_other_keys_are_refused_before_an_older_database_is_changed(
    store: Store, url: str, path: Path, newer: Path
) -> None:
    store.close()
    before = path.read_bytes()
    assert open_with(newer, url, Keyring.generate()) == "KeysError"
    assert path.read_bytes() == before


def test_a_revision_that_fails_half_way_is_undone(
    store: Store, database: Database, keyring: Keyring, newer: Path
) -> None:
    store.close()
    before = schema(database)
    assert open_with(newer, database.url, keyring, then='op.execute("SELECT * FROM nothing")') == "DatabaseError"
    assert schema(database) == before
    assert database.look("SELECT version_num FROM alembic_version") == [(HEAD,)]
    open_store(database.url, keyring).close()


def test_a_half_made_database_is_no_trap(url: str, keyring: Keyring, path: Path) -> None:
    """An empty file, as a process leaves it that was killed before its first commit."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    open_store(url, keyring).close()
    assert tables(url) == {*metadata.tables, "alembic_version"}


def test_a_conversation_of_first_light_is_brought_up_to_date_and_goes_on(
    store: Store, database: Database, keyring: Keyring
) -> None:
    patient_id = do(store, add_patient)
    held = Conversation(new_id(), Purpose.CHECK_IN, form(), Stage.ASKING, 2, Place("dose"), opened=NOW)
    do(store, lambda tx: conversations.save(tx, patient_id, held, now=NOW))
    do(store, lambda tx: conversations.record(tx, held.id, 1, Place("mood"), ("low",), now=NOW))
    store.close()
    migrate(database.url, "0001")
    assert "instance" not in columns(database.url, "answer")
    store = open_store(database.url, keyring)
    expected = replace(held, answers={Place("mood"): ("low",)})
    assert do(store, lambda tx: conversations.open_ones(tx, patient_id)) == (expected, ())
    store.close()


def test_an_alert_from_before_evidence_was_kept_goes_on_and_takes_new_facts(
    store: Store, database: Database, keyring: Keyring
) -> None:
    found, patient_id = (Evidence(0, Tier.URGENT, note="told"),), do(store, add_patient)
    do(store, lambda tx: alerts.raise_(tx, patient_id, "S1", Tier.URGENT, found, merge=timedelta(days=1), now=NOW))
    store.close()
    migrate(database.url, "0003")
    assert "evidence_sealed" not in columns(database.url, "alert_event")
    before = database.look("SELECT id, kind FROM alert_event")
    store = open_store(database.url, keyring)
    assert database.look("SELECT id, kind FROM alert_event") == before
    assert do(store, lambda tx: alerts.occasions(tx, [1])) == {}
    do(store, lambda tx: alerts.raise_(tx, patient_id, "S1", Tier.URGENT, found, merge=timedelta(days=1), now=NOW))
    assert do(store, lambda tx: alerts.occasions(tx, [1])) == {1: [Occasion(NOW, found)]}
    assert [kind for (kind,) in database.look("SELECT kind FROM alert_event ORDER BY id")] == ["raised", "new_facts"]
    store.close()
