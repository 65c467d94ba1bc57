"""A conversation is loaded as it was left, by the questions it began with, and no answer is ever changed."""

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from flows.care import Aside
from flows.conversation import Conversation, Draft, Purpose
from flows.lifecycle import Stage
from flows.listener import Signal
from flows.taper import DailyDose
from flows.values import DECLINED, Coding, PartialDate, Place, Quantity, Values
from storage import conversations
from storage.cipher import Cipher, Keyring, SealBrokenError
from storage.database import Store, Transaction, new_id
from storage.tables import AnswerRow, DefinitionRow
from tests.databases import Database
from tests.storage.parts import NOW, ZONE, add_patient, do, form

pytestmark = pytest.mark.both_databases

DAY = timedelta(days=1)
DOSE = ("dose", "other-dose")
ONE_OF_EACH: list[Values] = [
    (),
    (True,),
    (False,),
    (0,),
    (-7,),
    (Decimal("0.5"),),
    (Decimal("1000.125"),),
    ("",),
    ("Grüße 🙂\nsecond line | v1|k1",),
    ("\ud800 half a surrogate",),
    (date(2026, 2, 28),),
    (PartialDate(2019),),
    (PartialDate(2019, 3),),
    (time(9, 30),),
    (datetime(2026, 2, 28, 9, 30, tzinfo=timezone(timedelta(hours=-8))),),
    (Quantity(Decimal("0.5"), "mg", "mg", "http://unitsofmeasure.org"),),
    (DECLINED,),
    (Coding("LA6568-5", "http://loinc.org", "Not at all", Decimal(0)),),
    (Coding("alone"),),
    (Coding("a"), "and words", 3),
]


@pytest.fixture
def patient(store: Store) -> int:
    return do(store, add_patient)


def begin(tx: Transaction, patient_id: int, *, stage: Stage = Stage.ASKING, **changes: object) -> Conversation:
    """A conversation that was saved."""
    parts = {"purpose": Purpose.CHECK_IN, "questionnaire": form(), "revision": 1, "question": Place("mood"), **changes}
    conversation = Conversation(new_id(), stage=stage, opened=NOW, **parts)  # type: ignore[arg-type]
    conversations.save(tx, patient_id, conversation, now=NOW)
    return conversation


def loaded(store: Store, conversation_id: int) -> Conversation:
    found = do(store, lambda tx: conversations.by_id(tx, conversation_id))
    assert found is not None
    return found


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_conversation_comes_back_as_it_was_saved(store: Store, patient: int, purpose: Purpose, stage: Stage) -> None:
    begun = do(store, lambda tx: begin(tx, patient, purpose=purpose, stage=stage, revision=7))
    assert loaded(store, begun.id) == begun
    assert do(store, lambda tx: conversations.open_ones(tx, patient)) == (begun if begun.is_open else None, ())


def test_saving_again_writes_where_it_is_now(store: Store, patient: int) -> None:
    begun = do(store, lambda tx: begin(tx, patient))
    moved = Conversation(begun.id, begun.purpose, begun.questionnaire, Stage.SUBMITTED, 4, None, opened=NOW)
    do(store, lambda tx: conversations.save(tx, patient, moved, now=NOW + DAY))
    assert loaded(store, begun.id) == moved
    assert do(store, lambda tx: conversations.of_patient(tx, patient)) == [(moved, NOW + DAY)]


@pytest.mark.parametrize("values", ONE_OF_EACH, ids=repr)
def test_an_answer_of_every_type_comes_back_as_it_was_given(store: Store, patient: int, values: Values) -> None:
    begun = do(store, lambda tx: begin(tx, patient))
    do(store, lambda tx: conversations.record(tx, begun.id, 1, Place("mood"), values, now=NOW))
    found = loaded(store, begun.id).answers
    assert found == {Place("mood"): values}
    assert [type(value) for value in found[Place("mood")]] == [type(value) for value in values]
    for kept, given_ in zip(found[Place("mood")], values, strict=True):
        if isinstance(given_, Coding):
            assert isinstance(kept, Coding)
            assert (kept.display, kept.ordinal) == (given_.display, given_.ordinal)


def test_p8_a_question_that_was_skipped_is_not_one_that_was_never_asked(store: Store, patient: int) -> None:
    begun = do(store, lambda tx: begin(tx, patient))
    do(store, lambda tx: conversations.record(tx, begun.id, 1, Place("mood"), (), now=NOW))
    assert loaded(store, begun.id).answers == {Place("mood"): ()}


VALUE = st.one_of(
    st.booleans(),
    st.integers(),
    st.decimals(min_value=-(10**9), max_value=10**9, places=6),
    st.text(),
    st.dates(),
    st.times().map(lambda found: found.replace(microsecond=0)),
    st.builds(PartialDate, st.integers(1900, 2100), st.none() | st.integers(1, 12)),
    st.builds(Quantity, st.decimals(min_value=-(10**9), max_value=10**9, places=6), st.text()),
    st.builds(Coding, st.text(min_size=1), st.none() | st.text(min_size=1), st.text()),
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["mood", "dose", "nights"]), st.lists(st.integers(1, 50), max_size=3).map(tuple)),
        st.lists(VALUE, max_size=2).map(tuple),
    )
)
def test_all_answers_of_a_conversation_come_back(
    store: Store, answers: dict[tuple[str, tuple[int, ...]], Values]
) -> None:
    def work(tx: Transaction) -> int:
        begun = begin(tx, add_patient(tx, new_id()))
        for revision, (place, values) in enumerate(answers.items(), start=1):
            conversations.record(tx, begun.id, revision, Place(*place), values, now=NOW)
        return begun.id

    assert loaded(store, do(store, work)).answers == {Place(*key): values for key, values in answers.items()}


def test_an_answer_that_is_given_again_supersedes_the_first_which_stays_as_it_was(
    store: Store, patient: int, database: Database
) -> None:
    begun = do(store, lambda tx: begin(tx, patient))
    do(store, lambda tx: conversations.record(tx, begun.id, 1, Place("mood"), ("low",), now=NOW))
    do(store, lambda tx: conversations.record(tx, begun.id, 2, Place("nights"), (3,), now=NOW))
    before = database.look("SELECT id, values_sealed, answered_at FROM answer ORDER BY id")
    do(store, lambda tx: conversations.record(tx, begun.id, 3, Place("mood"), ("better",), now=NOW + DAY))
    do(store, lambda tx: conversations.record(tx, begun.id, 4, Place("mood"), ("good",), now=NOW + 2 * DAY))
    assert loaded(store, begun.id).answers == {Place("mood"): ("good",), Place("nights"): (3,)}
    after = database.look("SELECT id, values_sealed, answered_at FROM answer ORDER BY id")
    assert after[:2] == before
    query = select(AnswerRow).order_by(col(AnswerRow.id))
    rows = do(store, lambda tx: [(row.link_id, row.superseded_at) for row in tx.session.exec(query)])
    assert rows == [("mood", NOW + DAY), ("nights", None), ("mood", NOW + 2 * DAY), ("mood", None)]


def test_p8_an_answer_that_was_superseded_does_not_come_back_whatever_its_revision(store: Store, patient: int) -> None:
    begun = do(store, lambda tx: begin(tx, patient))
    for revision, answer in ((5, "low"), (2, "better")):
        do(store, lambda tx: conversations.record(tx, begun.id, revision, Place("mood"), (answer,), now=NOW))  # noqa: B023
    assert loaded(store, begun.id).answers == {Place("mood"): ("better",)}


def test_an_answer_supersedes_none_of_another_conversation(store: Store, patient: int) -> None:
    first, second = (do(store, lambda tx: begin(tx, patient, stage=Stage.SUBMITTED)) for _ in range(2))
    for conversation in (first, second):
        do(store, lambda tx: conversations.record(tx, conversation.id, 1, Place("mood"), ("low",), now=NOW))  # noqa: B023
    assert loaded(store, first.id).answers == {Place("mood"): ("low",)}


@pytest.mark.parametrize("link_id", ["mood", "nights"])
def test_p8_the_database_itself_refuses_a_second_answer_at_one_revision(
    store: Store, patient: int, link_id: str
) -> None:
    begun = do(store, lambda tx: begin(tx, patient))
    do(store, lambda tx: conversations.record(tx, begun.id, 1, Place("mood"), ("low",), now=NOW))
    with pytest.raises(IntegrityError):
        do(store, lambda tx: conversations.record(tx, begun.id, 1, Place(link_id), ("high",), now=NOW))
    assert loaded(store, begun.id).answers == {Place("mood"): ("low",)}


def test_p7_an_answer_that_was_moved_to_another_row_is_not_read(store: Store, patient: int) -> None:
    begun = do(store, lambda tx: begin(tx, patient))
    do(store, lambda tx: conversations.record(tx, begun.id, 1, Place("mood"), ("low",), now=NOW))
    do(store, lambda tx: conversations.record(tx, begun.id, 2, Place("nights"), (3,), now=NOW))

    def swap(tx: Transaction) -> None:
        first, second = tx.session.exec(select(AnswerRow))
        first.values_sealed, second.values_sealed = second.values_sealed, first.values_sealed

    do(store, swap)
    with pytest.raises(SealBrokenError):
        loaded(store, begun.id)


def test_p8_a_conversation_keeps_the_questions_it_began_with(store: Store, patient: int) -> None:
    old, new = form(), form(version="2", text="How are you, in one word?")
    first = do(store, lambda tx: begin(tx, patient, questionnaire=old))
    do(store, lambda tx: conversations.end(tx, first.id, Stage.EXPIRED, now=NOW))
    second = do(store, lambda tx: begin(tx, patient, questionnaire=new))
    assert loaded(store, first.id).questionnaire == old
    assert loaded(store, second.id).questionnaire == new
    moved = Conversation(first.id, first.purpose, new, Stage.EXPIRED, 1, None)
    do(store, lambda tx: conversations.save(tx, patient, moved, now=NOW))
    assert loaded(store, first.id).questionnaire == old, "not even a save changes it"


def test_a_definition_is_kept_once_however_many_use_it(store: Store, patient: int) -> None:
    for _ in range(3):
        do(store, lambda tx: begin(tx, patient))
    assert do(store, lambda tx: [row.hash for row in tx.session.exec(select(DefinitionRow))]) == [form().hash]
    assert do(store, lambda tx: tx.session.get_one(DefinitionRow, form().hash).source) == form().source


def test_a_definition_that_is_used_cannot_be_deleted(store: Store, patient: int) -> None:
    do(store, lambda tx: begin(tx, patient))
    with pytest.raises(IntegrityError):
        do(store, lambda tx: tx.session.delete(tx.session.get_one(DefinitionRow, form().hash)))


def test_the_open_conversation_is_this_patients_and_the_open_one(store: Store, patient: int) -> None:
    other = do(store, lambda tx: add_patient(tx, 222))
    do(store, lambda tx: begin(tx, other))
    do(store, lambda tx: begin(tx, patient, stage=Stage.SUBMITTED))
    mine = do(store, lambda tx: begin(tx, patient, stage=Stage.PAUSED))
    assert do(store, lambda tx: conversations.open_ones(tx, patient)) == (mine, ())
    do(store, lambda tx: conversations.end(tx, mine.id, Stage.EXPIRED, now=NOW + DAY))
    assert do(store, lambda tx: conversations.open_ones(tx, patient)) == (None, ())
    ended = loaded(store, mine.id)
    assert (ended.stage, ended.question) == (Stage.EXPIRED, None)
    assert [moved for _, moved in do(store, lambda tx: conversations.of_patient(tx, patient))] == [NOW, NOW + DAY]


def test_a_conversation_that_nobody_had_is_none(store: Store) -> None:
    assert do(store, lambda tx: conversations.by_id(tx, 5)) is None


def test_the_conversations_of_a_patient_are_told_oldest_first(store: Store, patient: int) -> None:
    begun = [do(store, lambda tx: begin(tx, patient, stage=Stage.SUBMITTED)).id for _ in range(4)]
    found = [conversation.id for conversation, _ in do(store, lambda tx: conversations.of_patient(tx, patient))]
    assert found == begun


def dose(store: Store, patient_id: int, amount: str, ago: timedelta, *, stage: Stage = Stage.SUBMITTED) -> int:
    """A dose that was reported so long ago."""

    def work(tx: Transaction) -> int:
        conversation = begin(tx, patient_id, stage=stage)
        conversations.record(tx, conversation.id, 1, Place("dose"), (Decimal(amount),), now=NOW - ago)
        return conversation.id

    return do(store, work)


def doses(store: Store, patient_id: int, zone: str = ZONE) -> list[DailyDose]:
    found = do(store, lambda tx: conversations.doses(tx, patient_id, DOSE, zone, now=NOW))
    return sorted(found, key=lambda each: each.day)


def test_doses_are_those_of_the_last_two_weeks(store: Store, patient: int) -> None:
    dose(store, patient, "40", 14 * DAY + timedelta(seconds=1))
    dose(store, patient, "30", 14 * DAY)
    dose(store, patient, "20.5", 7 * DAY)
    assert doses(store, patient) == [
        DailyDose(date(2026, 2, 16), Decimal(30)),
        DailyDose(date(2026, 2, 23), Decimal("20.5")),
    ]


@pytest.mark.parametrize("stage", list(Stage))
def test_doses_are_those_of_conversations_that_are_over(store: Store, patient: int, stage: Stage) -> None:
    dose(store, patient, "30", DAY, stage=stage)
    is_over = stage in {Stage.SUBMITTED, Stage.EXPIRED, Stage.STOPPED}
    assert len(doses(store, patient)) == is_over


def test_doses_are_this_patients_and_those_that_still_count(store: Store, patient: int) -> None:
    other = do(store, lambda tx: add_patient(tx, 222))
    dose(store, other, "99", DAY)
    corrected = dose(store, patient, "300", DAY)
    do(store, lambda tx: conversations.record(tx, corrected, 2, Place("dose"), (Decimal(30),), now=NOW - DAY))
    do(store, lambda tx: conversations.record(tx, corrected, 3, Place("nights"), (5,), now=NOW - DAY))
    do(store, lambda tx: conversations.record(tx, corrected, 4, Place("other-dose"), (Decimal(2),), now=NOW - DAY))
    assert sorted(each.milligrams for each in doses(store, patient)) == [2, 30]


def test_two_check_ins_of_one_day_are_two_reports(store: Store, patient: int) -> None:
    dose(store, patient, "30", DAY)
    dose(store, patient, "20", DAY)
    assert sorted(each.milligrams for each in doses(store, patient)) == [20, 30]


def test_a_dose_that_was_skipped_is_no_dose(store: Store, patient: int) -> None:
    conversation = do(store, lambda tx: begin(tx, patient, stage=Stage.SUBMITTED))
    do(store, lambda tx: conversations.record(tx, conversation.id, 1, Place("dose"), (), now=NOW))
    assert doses(store, patient) == []


def test_the_day_of_a_dose_is_the_patients_own(store: Store, patient: int) -> None:
    dose(store, patient, "30", timedelta(hours=12))
    assert [each.day for each in doses(store, patient, "America/Los_Angeles")] == [date(2026, 3, 1)]
    assert [each.day for each in doses(store, patient, "Asia/Tokyo")] == [date(2026, 3, 2)]


def test_p6_words_that_were_no_answer_are_kept_with_what_was_heard_in_them(store: Store, patient: int) -> None:
    other = do(store, lambda tx: add_patient(tx, 222))
    do(store, lambda tx: conversations.keep_text(tx, patient, "first \ud83d", [], now=NOW))
    do(store, lambda tx: conversations.keep_text(tx, other, "of somebody else", [], now=NOW))
    do(store, lambda tx: conversations.keep_text(tx, patient, "second", {Signal.HUMAN, Signal.CRISIS}, now=NOW + DAY))
    kept = do(store, lambda tx: conversations.texts(tx, patient))
    assert [(each.said_at, each.text, each.signals) for each in kept] == [
        (NOW, "first \ud83d", ()),
        (NOW + DAY, "second", ("crisis", "human")),
    ]


def test_p7_the_rows_of_two_columns_cannot_be_exchanged(
    store: Store, patient: int, keyring: Keyring, database: Database
) -> None:
    do(store, lambda tx: conversations.keep_text(tx, patient, "words", [], now=NOW))
    ((row_id, sealed),) = database.look("SELECT id, text_sealed FROM free_text")
    cipher = Cipher(keyring, b"")
    assert "words" in cipher.open(sealed, f"free_text/text/{row_id}")
    with pytest.raises(SealBrokenError):
        cipher.open(sealed, f"answer/values/{row_id}")


DRAFT = Draft((Coding("a", "urn:test", "A"), "words of her own"), date(2026, 2, 28), "feb, the end of her words")


def test_p1_what_was_begun_on_a_question_comes_back_and_is_sealed(
    store: Store, patient: int, database: Database
) -> None:
    begun = do(store, lambda tx: begin(tx, patient, question=Place("mood", (2, 1)), draft=DRAFT))
    assert loaded(store, begun.id) == begun
    ((sealed,),) = database.look("SELECT draft_sealed FROM conversation")
    assert sealed.startswith("v1|")
    assert "words" not in sealed
    do(store, lambda tx: conversations.end(tx, begun.id, Stage.EXPIRED, now=NOW))
    assert (loaded(store, begun.id).draft, loaded(store, begun.id).question) == (Draft(), None)


def test_the_same_question_in_two_occurrences_has_two_answers(store: Store, patient: int) -> None:
    begun = do(store, lambda tx: begin(tx, patient))
    first, second = Place("mood", (1,)), Place("mood", (2,))
    for revision, (place, word) in enumerate([(first, "low"), (second, "good"), (first, "better")], start=1):
        do(store, lambda tx: conversations.record(tx, begun.id, revision, place, (word,), now=NOW))  # noqa: B023
    assert loaded(store, begun.id).answers == {first: ("better",), second: ("good",)}


def test_withdrawn_answers_are_superseded_and_stay(store: Store, patient: int) -> None:
    begun = do(store, lambda tx: begin(tx, patient))
    first, second = Place("mood", (1,)), Place("mood", (2,))
    for revision, place in enumerate((first, second), start=1):
        do(store, lambda tx: conversations.record(tx, begun.id, revision, place, ("low",), now=NOW))  # noqa: B023
    do(store, lambda tx: conversations.withdraw(tx, begun.id, [first], now=NOW + DAY))
    assert loaded(store, begun.id).answers == {second: ("low",)}
    rows = select(AnswerRow).order_by(col(AnswerRow.id))
    kept = do(store, lambda tx: [row.superseded_at for row in tx.session.exec(rows)])
    assert kept == [NOW + DAY, None]


def test_what_gave_way_is_set_aside_until_it_is_in_front_again(store: Store, patient: int) -> None:
    first = do(store, lambda tx: begin(tx, patient))
    do(store, lambda tx: conversations.end(tx, first.id, Stage.PAUSED, now=NOW))
    second = do(store, lambda tx: begin(tx, patient, purpose="phq-9"))
    assert do(store, lambda tx: conversations.open_ones(tx, patient)) == (second, (Aside(first.id, Purpose.CHECK_IN),))
    do(store, lambda tx: conversations.end(tx, second.id, Stage.PAUSED, now=NOW))
    do(store, lambda tx: conversations.save(tx, patient, first, now=NOW))
    assert do(store, lambda tx: conversations.open_ones(tx, patient)) == (first, (Aside(second.id, "phq-9"),))
