"""What is kept of a patient is what leaves: all of it, and nothing of anybody else."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from flows import catalogue
from flows.catalogue import Catalogue
from flows.conversation import Conversation, Purpose
from flows.effects import RequestKind
from flows.escalation import Tier
from flows.evidence import Evidence, Finding, Occasion
from flows.fhir import Alert, Request, Words, bundle, read_bundle
from flows.lifecycle import AlertState, AlertStep, Stage, Standing
from flows.listener import Signal
from flows.values import Place
from storage import alerts, audit, conversations, patients, records, visits
from storage.database import Store, Transaction
from tests.storage.parts import NOW, add_clinician, add_patient, do, form

pytestmark = pytest.mark.both_databases

HOUR = timedelta(hours=1)
FOUND = (Evidence(0, Tier.EMERGENCY, (Finding("asq-5", "asq-5 is yes", "Now?", ("Yes",)),)),)


@pytest.fixture(scope="module")
def content() -> Catalogue:
    """The content that comes with Taperline."""
    return catalogue.load()


def fill(tx: Transaction, patient: int, by: int, conversation: int) -> None:
    """A conversation, words, an alert that was resolved, and two requests."""
    conversations.save(tx, patient, Conversation(conversation, Purpose.INTAKE, form(), Stage.ASKING), now=NOW)
    conversations.record(tx, conversation, 1, Place("mood"), ("first",), now=NOW)
    conversations.record(tx, conversation, 2, Place("mood"), ("well",), now=NOW)
    conversations.keep_text(tx, patient, "help me", {Signal.HUMAN}, now=NOW)
    conversations.keep_text(tx, patient, " ", set(), now=NOW)
    alert, _ = alerts.raise_(tx, patient, "S1", Tier.EMERGENCY, FOUND, merge=timedelta(days=1), now=NOW)
    alerts.move(tx, alert, AlertStep.PAGE, now=NOW + HOUR)
    alerts.move(tx, alert, AlertStep.RESOLVE, by=by, now=NOW + 2 * HOUR)
    visits.request(tx, patient, RequestKind.VISIT, now=NOW)


def test_the_whole_record(store: Store, content: Catalogue) -> None:
    patient, other = do(store, add_patient), do(store, lambda tx: add_patient(tx, 112))
    by = do(store, add_clinician)

    do(store, lambda tx: fill(tx, patient, by, 7))
    do(store, lambda tx: fill(tx, other, by, 8))
    found = do(store, lambda tx: records.of_patient(tx, patients.by_id(tx, patient), content))
    [kept] = found.responses
    assert (kept.conversation.id, kept.moved_at) == (7, NOW)
    assert kept.conversation.answers == {Place("mood"): ("well",)}
    [words] = found.words
    assert words == Words(words.id, NOW, "help me", ("human",))
    assert found.alerts == (
        Alert(
            number=1,
            rule="S1",
            title="Safety, acute",
            tier=Tier.EMERGENCY,
            state=AlertState.RESOLVED,
            raised_at=NOW,
            resolved_at=NOW + 2 * HOUR,
            pages=(NOW + HOUR,),
            occasions=(Occasion(NOW, FOUND),),
        ),
    )
    assert found.requests == (Request(1, RequestKind.VISIT, NOW),)
    back = read_bundle(bundle(found))
    assert (back.code, back.words, back.alerts, back.requests) == (
        found.code,
        found.words,
        found.alerts,
        found.requests,
    )


def test_the_consultation_that_ended_in_enrolment_is_known_by_the_audit_trail(store: Store, content: Catalogue) -> None:
    patient, by = do(store, add_patient), do(store, add_clinician)

    def work(tx: Transaction) -> None:
        for deed in ("close", "enrol", "close"):
            request, _ = visits.request(tx, patient, RequestKind.CONSULTATION, now=NOW)
            visits.close(tx, request, by, now=NOW + HOUR)
            audit.note(tx, f"clinician:{by}", deed, visits.topic(request), now=NOW + HOUR)
            tx.session.flush()

    def enrol(tx: Transaction) -> None:
        patients.by_id(tx, patient).standing = Standing.ENROLLED

    def enrolled() -> list[bool]:
        found = do(store, lambda tx: records.of_patient(tx, patients.by_id(tx, patient), content))
        return [request.enrolled for request in found.requests]

    do(store, work)
    assert enrolled() == [False, False, False]
    do(store, enrol)
    assert enrolled() == [False, True, False]


def test_a_long_record_takes_no_more_queries_than_a_short_one(store: Store, content: Catalogue) -> None:
    patient, by = do(store, add_patient), do(store, add_clinician)

    def queries(tx: Transaction) -> int:
        said: list[str] = []
        connection = tx.session.connection()
        tx.session.expire_all()
        event.listen(connection, "before_cursor_execute", lambda *parts: said.append(parts[2]))
        records.of_patient(tx, patients.by_id(tx, patient), content)
        return len(said)

    do(store, lambda tx: fill(tx, patient, by, 7))
    short = do(store, queries)
    for number in range(8, 20):
        do(store, lambda tx, number=number: fill(tx, patient, by, number))  # type: ignore[misc]
    assert do(store, queries) == short
