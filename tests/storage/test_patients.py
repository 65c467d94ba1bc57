"""Patients are found by chat and by code, and come back to the core as they left it."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from flows.care import Channel, Person
from flows.lifecycle import Standing
from flows.past import Past
from flows.schedule import WeeklyHour
from storage import patients
from storage.database import Store, Transaction
from tests.databases import Database
from tests.storage.parts import NOW, ZONE, add_patient, do

pytestmark = pytest.mark.both_databases


def test_a_patient_is_found_by_chat_and_by_code_however_it_is_written(store: Store) -> None:
    patient_id = do(store, add_patient)
    code = do(store, lambda tx: patients.by_id(tx, patient_id).code)
    for written in (code, code.lower(), f"  {code}\n"):
        found = do(store, lambda tx: patients.by_code(tx, written))  # noqa: B023 (done at once)
        assert found is not None
        assert found.id == patient_id
    by_chat = do(store, lambda tx: patients.by_chat(tx, 111))
    assert by_chat is not None
    assert by_chat.id == patient_id
    assert do(store, lambda tx: patients.by_chat(tx, 112)) is None
    assert do(store, lambda tx: patients.by_code(tx, "P-00000")) is None


def test_the_chat_of_a_patient_can_be_written_to(store: Store) -> None:
    patient_id = do(store, lambda tx: add_patient(tx, -1001234567890))
    assert do(store, lambda tx: patients.chat_of(tx, patients.by_id(tx, patient_id))) == -1001234567890


def test_a_chat_belongs_to_one_patient(store: Store) -> None:
    do(store, add_patient)
    with pytest.raises(IntegrityError):
        do(store, add_patient)


def test_every_patient_has_a_code_of_their_own_that_cannot_be_misread(store: Store) -> None:
    def add_many(tx: Transaction) -> list[str]:
        return [patients.by_id(tx, add_patient(tx, chat_id)).code for chat_id in range(1, 101)]

    codes = do(store, add_many)
    assert len(set(codes)) == 100
    for code in codes:
        assert code.startswith("P-")
        assert len(code) == 7
        assert not set(code.removeprefix("P-")) & set("01ILOU")


def test_p7_a_code_tells_nothing_about_the_chat_or_the_order(store: Store) -> None:
    codes = [do(store, lambda tx: patients.by_id(tx, add_patient(tx, chat)).code) for chat in range(1, 30)]  # noqa: B023
    assert codes != sorted(codes)
    assert codes != sorted(codes, reverse=True)


@pytest.mark.parametrize("standing", list(Standing))
@pytest.mark.parametrize("channel", list(Channel))
def test_what_the_core_changed_comes_back(store: Store, standing: Standing, channel: Channel) -> None:
    changed = Person("Asia/Tokyo", standing, channel, misunderstood=3, check_in=WeeklyHour(0, 0, "Asia/Tokyo"))

    def save(tx: Transaction) -> int:
        patient_id = add_patient(tx)
        patients.save(tx, patients.by_id(tx, patient_id), changed, before=Person(ZONE))
        return patient_id

    patient_id = do(store, save)
    assert do(store, lambda tx: patients.person(tx, patients.by_id(tx, patient_id))) == changed


def test_a_new_patient_is_the_person_that_was_added(store: Store) -> None:
    patient_id = do(store, add_patient)
    row = do(store, lambda tx: patients.by_id(tx, patient_id))
    assert do(store, lambda tx: patients.person(tx, row)) == Person(ZONE)
    assert row.created_at == NOW


def test_a_save_without_a_check_in_hour_keeps_the_one_that_is_set(store: Store) -> None:
    def work(tx: Transaction) -> Person:
        row = patients.by_id(tx, add_patient(tx))
        weekly = Person(ZONE, check_in=WeeklyHour(2, 9, ZONE))
        patients.save(tx, row, weekly, before=Person(ZONE))
        patients.save(tx, row, Person(ZONE), before=weekly)
        return patients.person(tx, row)

    assert do(store, work).check_in == WeeklyHour(2, 9, ZONE)


def kept(store: Store, *forms: Person) -> Person:
    """A patient as they come back after these were saved, one after another."""

    def work(tx: Transaction) -> int:
        patient_id = add_patient(tx)
        before = Person(ZONE)
        for changed in forms:
            patients.save(tx, patients.by_id(tx, patient_id), changed, before=before)
            before = changed
        return patient_id

    patient_id = do(store, work)
    return do(store, lambda tx: patients.person(tx, patients.by_id(tx, patient_id)))


PAST = Past().after(
    {"mood": ("so hopeless",)}, {"phq9": Decimal("12.50")}, {"felt": {"sleep": Decimal(3)}}, is_check_in=True
)


def test_the_past_and_what_was_not_answered_come_back(store: Store) -> None:
    told = Person(ZONE, past=PAST, unanswered=2)
    assert kept(store, told) == told


def test_a_save_that_leaves_the_past_alone_keeps_it(store: Store) -> None:
    told = Person(ZONE, past=PAST)
    assert kept(store, told, replace(told, unanswered=1)).past == PAST


def test_p7_the_past_is_sealed(store: Store, database: Database) -> None:
    kept(store, Person(ZONE, past=PAST))
    ((sealed,),) = database.look("SELECT past_sealed FROM patient")
    assert sealed.startswith("v1|")
    for secret in ("hopeless", "phq9", "sleep"):
        assert secret not in sealed
