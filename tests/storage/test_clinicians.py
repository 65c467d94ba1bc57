"""An invitation binds one chat to one clinician, once; only who can be reached is on call."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from flows.escalation import Role
from storage import clinicians
from storage.cipher import SealBrokenError
from storage.clinicians import INVITATION, INVITATION_HOURS
from storage.database import Store, Transaction
from tests.databases import Database
from tests.storage.parts import NOW, add_clinician, do

pytestmark = pytest.mark.both_databases

HOURS = timedelta(hours=INVITATION_HOURS)
MOMENT = timedelta(seconds=1)


def invite(store: Store, name: str = "Dr. Ada", role: Role = Role.PHYSICIAN) -> str:
    return do(store, lambda tx: clinicians.invite(tx, name, role, now=NOW))


def accept(store: Store, token: str, chat_id: int = 900, *, now: object = NOW) -> int | None:
    row = do(store, lambda tx: clinicians.accept(tx, token, chat_id, now=now))  # type: ignore[arg-type]
    return None if row is None else row.id


def test_an_invitation_binds_the_chat_of_who_uses_it(store: Store) -> None:
    clinician_id = accept(store, invite(store))
    assert clinician_id is not None
    found = do(store, lambda tx: clinicians.by_chat(tx, 900))
    assert found is not None
    assert found.id == clinician_id
    assert do(store, lambda tx: clinicians.chat_of(tx, clinician_id)) == 900
    assert do(store, lambda tx: clinicians.name_of(tx, clinician_id)) == "Dr. Ada"
    assert do(store, lambda tx: clinicians.by_chat(tx, 901)) is None


def test_an_invitation_works_once(store: Store) -> None:
    token = invite(store)
    first = accept(store, token)
    assert first is not None
    assert accept(store, token, 901) is None
    assert accept(store, token, 900) is None
    assert do(store, lambda tx: clinicians.chat_of(tx, first)) == 900


def test_an_invitation_is_too_old_after_three_days(store: Store) -> None:
    token = invite(store)
    assert accept(store, token, now=NOW + HOURS + MOMENT) is None
    assert do(store, lambda tx: clinicians.by_chat(tx, 900)) is None
    assert accept(store, token, now=NOW + HOURS) is not None


@pytest.mark.parametrize("token", ["", INVITATION, "clinician-guess", "None"])
def test_a_token_that_was_never_given_out_opens_nothing(store: Store, token: str) -> None:
    invite(store)
    used = accept(store, invite(store, "Used"), 901)
    assert used is not None
    assert accept(store, token) is None


def test_p7_only_the_hash_of_an_invitation_is_kept_and_it_is_gone_once_used(store: Store, database: Database) -> None:
    token = invite(store)
    kept = database.look("SELECT * FROM clinician")[0]
    assert hashlib.sha256(token.encode()).hexdigest() in kept
    assert not any(token.removeprefix(INVITATION) in str(part) for part in kept)
    assert accept(store, hashlib.sha256(token.encode()).hexdigest()) is None, "the hash is no token"
    accept(store, token)
    assert database.look("SELECT invite_hash, invite_expires_at FROM clinician") == [(None, None)]


def test_invitations_are_long_and_never_the_same(store: Store) -> None:
    tokens = {invite(store) for _ in range(20)}
    assert len(tokens) == 20
    for token in tokens:
        assert token.startswith(INVITATION)
        assert len(token.removeprefix(INVITATION)) >= 30
        assert len(token) <= 64, "Telegram's limit for the start parameter of a link"


def test_a_chat_belongs_to_one_clinician(store: Store) -> None:
    accept(store, invite(store))
    second = invite(store)
    with pytest.raises(IntegrityError):
        accept(store, second)
    assert accept(store, second, 901) is not None, "the invitation was not used up"


def team(store: Store) -> dict[int, Role]:
    return {one.id: one.role for one in do(store, lambda tx: clinicians.team(tx, NOW))}


def test_the_team_are_those_with_a_chat_who_can_be_reached(store: Store) -> None:
    invite(store, "Not yet here")
    ada = do(store, lambda tx: add_clinician(tx, 900, Role.PHYSICIAN))
    ben = do(store, lambda tx: add_clinician(tx, 901, Role.THERAPIST))
    assert team(store) == {ada: Role.PHYSICIAN, ben: Role.THERAPIST}

    def lose(tx: Transaction) -> None:
        row = clinicians.by_chat(tx, 900)
        assert row is not None
        row.reachable = False

    do(store, lose)
    assert team(store) == {ben: Role.THERAPIST}


def test_everyone_is_told_the_oldest_first_with_those_who_are_not_here_yet(store: Store) -> None:
    for name in ("Ada", "Ben", "Cas"):
        invite(store, name)
    names = do(store, lambda tx: [clinicians.name_of(tx, row.id) for row in clinicians.everyone(tx)])
    assert names == ["Ada", "Ben", "Cas"]


def test_somebody_unknown_has_a_name_that_can_be_shown(store: Store) -> None:
    assert do(store, lambda tx: clinicians.name_of(tx, None)) == "Somebody"
    assert do(store, lambda tx: clinicians.name_of(tx, 12345)) == "Somebody"


def test_a_clinician_without_a_chat_has_no_chat_to_page(store: Store) -> None:
    invite(store)
    with pytest.raises(SealBrokenError):
        do(store, lambda tx: clinicians.chat_of(tx, clinicians.everyone(tx)[0].id))
