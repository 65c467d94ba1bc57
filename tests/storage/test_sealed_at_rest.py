"""Who reads the disk learns no name, chat, drug or answer (P7)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from flows.care import Person
from flows.conversation import Conversation, Purpose
from flows.escalation import Role, Tier
from flows.evidence import Evidence, Finding
from flows.listener import Signal
from flows.taper import PlanStep
from flows.values import Coding, Place, Value
from storage import alerts, clinicians, conversations, outbox, patients, plans, updates
from storage.cipher import Keyring
from storage.database import Store, Transaction, new_id, open_store
from storage.outbox import Urgency
from storage.tables import metadata
from tests.databases import Database
from tests.storage.parts import NOW, ZONE, do, form

pytestmark = pytest.mark.both_databases

PATIENT_CHAT, CLINICIAN_CHAT, UPDATE_CHAT = 7260514839, 5193847260, 8804433221
SECRETS = [
    str(PATIENT_CHAT),
    str(CLINICIAN_CHAT),
    str(UPDATE_CHAT),
    "Lovelace",
    "clonazepam",
    "Xanaxalot",
    "hopelessness",
    "nearly-every-day",
    "3.625",
    "I cannot go on",
    "Grüße von Jürgen",
    "refused text",
    "crisis",
    "sendMessage",
    "better off dead",
    "more than half the days",
    "went numb",
]
EVIDENCE = Evidence(
    1, Tier.URGENT, (Finding("q9", "q9 >= 1", "Better off dead?", ("More than half the days",)),), "I went numb"
)


def live(tx: Transaction) -> None:
    """Everything that the memory keeps about people."""
    patient = patients.add(tx, PATIENT_CHAT, Person(zone=ZONE), now=NOW)
    token = clinicians.invite(tx, "Dr. Lovelace", Role.PHYSICIAN, now=NOW)
    assert clinicians.accept(tx, token, CLINICIAN_CHAT, now=NOW) is not None
    conversation = Conversation(new_id(), Purpose.CHECK_IN, form(), revision=1, question=Place("mood"))
    conversations.save(tx, patient.id, conversation, now=NOW)
    answers: list[Value] = ["clonazepam", Decimal("3.625"), Coding("nearly-every-day", "urn:x", "hopelessness")]
    for revision, answer in enumerate(answers, start=1):
        conversations.record(tx, conversation.id, revision, Place("mood"), (answer,), now=NOW)
    conversations.keep_text(tx, patient.id, "I cannot go on. Grüße von Jürgen", [Signal.CRISIS], now=NOW)
    outbox.put(
        tx, PATIENT_CHAT, "sendMessage", {"chat_id": PATIENT_CHAT, "text": "Xanaxalot"}, urgency=Urgency.REPLY, now=NOW
    )
    outbox.put(
        tx, CLINICIAN_CHAT, "sendMessage", {"text": "Dr. Lovelace"}, urgency=Urgency.REPLY, now=NOW, topic="alert:1"
    )
    alert, _ = alerts.raise_(tx, patient.id, "a-rule", Tier.URGENT, (EVIDENCE,), merge=timedelta(days=1), now=NOW)
    assert alerts.occasions(tx, [alerts.number(alert)]) != {}
    plans.add(tx, patient.id, PlanStep("clonazepam", Decimal("3.625"), NOW.date()), by=_clinician(tx), now=NOW)
    before = patients.person(tx, patient)
    told = before.past.after({"mood": tuple(answers)}, {}, {}, is_check_in=True)
    patients.save(tx, patient, replace(before, past=told), before=before)
    updates.set_aside(tx, "update", f'{{"chat": {UPDATE_CHAT}, "text": "refused text"}}', "KeyError", now=NOW)


def _clinician(tx: Transaction) -> int:
    row = clinicians.by_chat(tx, CLINICIAN_CHAT)
    assert row is not None
    return row.id


def found(folder: Path) -> dict[str, set[str]]:
    """The secrets that stand in the files of the database, in any spelling that a search would find."""
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    return {
        name: {
            secret
            for secret in SECRETS
            for spelled in (secret.encode(), secret.encode("utf-16-le"), secret.encode("utf-16-be"))
            if spelled.lower() in content.lower()
        }
        for name, content in files.items()
    }


def test_p7_no_file_of_the_database_holds_a_name_a_chat_a_drug_or_an_answer(
    url: str, path: Path, keyring: Keyring
) -> None:
    store = open_store(url, keyring)
    do(store, live)
    for letter in do(store, lambda tx: outbox.claim(tx, now=NOW, limit=1)):
        do(store, lambda tx: outbox.sent(tx, letter, 1, now=datetime(2026, 3, 2, 18, tzinfo=UTC)))  # noqa: B023
    assert found(path.parent) == {"taperline.db": set(), "taperline.db-wal": set(), "taperline.db-shm": set()}
    store.close()
    assert found(path.parent) == {"taperline.db": set()}


def test_p7_no_row_of_any_table_holds_a_name_a_chat_a_drug_or_an_answer(store: Store, database: Database) -> None:
    do(store, live)
    for table in metadata.tables:
        rows = database.look(f"SELECT * FROM {table}")
        assert [secret for secret in SECRETS if secret.lower() in str(rows).lower()] == [], table
    assert "a-rule" in str(database.look("SELECT * FROM alert")), "what is not sealed would have been seen"


def test_p7_the_search_would_find_a_secret_that_is_not_sealed(store: Store, path: Path) -> None:
    do(store, lambda tx: updates.set_aside(tx, "update", "", f"a reason with {UPDATE_CHAT} in it", now=NOW))
    assert found(path.parent)["taperline.db-wal"] == {str(UPDATE_CHAT)}


def test_p7_what_was_sealed_can_be_read_again_by_who_has_the_keys(url: str, keyring: Keyring) -> None:
    store = open_store(url, keyring)
    do(store, live)
    store.close()
    again = open_store(url, keyring)
    patient = do(again, lambda tx: patients.by_chat(tx, PATIENT_CHAT))
    assert patient is not None
    assert [text.text for text in do(again, lambda tx: conversations.texts(tx, patient.id))] == [
        "I cannot go on. Grüße von Jürgen"
    ]
    assert [letter.chat_id for letter in do(again, lambda tx: outbox.claim(tx, now=NOW, limit=9))] == [
        PATIENT_CHAT,
        CLINICIAN_CHAT,
    ]
    again.close()
