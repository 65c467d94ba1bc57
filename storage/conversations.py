"""Conversations, their answers, and the words that were no answers."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from flows import questionnaire
from flows.care import Aside
from flows.conversation import Conversation, Draft
from flows.lifecycle import Stage
from flows.listener import Signal
from flows.questionnaire import Questionnaire
from flows.taper import WINDOW, DailyDose, reported
from flows.values import Place, Values, decode, encode
from storage.database import Transaction, new_id
from storage.tables import AnswerRow, ConversationRow, DefinitionRow, FreeTextRow

ANSWER = "answer/values"
DRAFT = "conversation/draft"
FREE_TEXT = "free_text/text"
OPEN = (Stage.INVITED, Stage.ASKING, Stage.REVIEW, Stage.PAUSED)


@dataclass(frozen=True, slots=True)
class FreeText:
    """Words of a patient that wait for a person to read them."""

    id: int
    said_at: datetime
    text: str
    signals: tuple[str, ...]


def open_ones(tx: Transaction, patient_id: int) -> tuple[Conversation | None, tuple[Aside, ...]]:
    """The conversation that a patient is in, of which there is at most one, and those that were set aside."""
    query = (
        select(ConversationRow)
        .where(ConversationRow.patient_id == patient_id, col(ConversationRow.stage).in_(OPEN))
        .order_by(col(ConversationRow.moved_at), col(ConversationRow.id))
    )
    rows = tx.session.exec(query).all()
    front = next((row for row in reversed(rows) if row.in_front), None)
    aside = tuple(Aside(row.id, row.purpose) for row in rows if row is not front)
    return None if front is None else _load(tx, front), aside


def open_place(tx: Transaction, patient_id: int) -> tuple[int, int] | None:
    """The conversation in which something waits for a patient's answer, and the revision at which it does."""
    query = select(ConversationRow).where(
        ConversationRow.patient_id == patient_id, col(ConversationRow.stage).in_((Stage.ASKING, Stage.REVIEW))
    )
    row = tx.session.exec(query.order_by(col(ConversationRow.id))).first()
    return None if row is None else (row.id, row.revision)


def by_id(tx: Transaction, conversation_id: int) -> Conversation | None:
    """A conversation in any stage."""
    row = tx.session.get(ConversationRow, conversation_id)
    return None if row is None else _load(tx, row)


def of_this_patient(tx: Transaction, patient_id: int, conversation_id: int) -> Conversation | None:
    """A conversation in any stage, if it is this patient's: the id on a button can be forged."""
    row = tx.session.get(ConversationRow, conversation_id) if conversation_id < 2**63 else None
    return _load(tx, row) if row is not None and row.patient_id == patient_id else None


def of_patient(tx: Transaction, patient_id: int) -> Sequence[tuple[Conversation, datetime]]:
    """All conversations of a patient with the time of their last move, oldest first."""
    query = select(ConversationRow).where(ConversationRow.patient_id == patient_id).order_by(col(ConversationRow.id))
    given = (
        select(AnswerRow)
        .join(ConversationRow, col(ConversationRow.id) == AnswerRow.conversation_id)
        .where(ConversationRow.patient_id == patient_id, col(AnswerRow.superseded_at).is_(None))
        .order_by(col(AnswerRow.id))
    )
    answers: dict[int, list[AnswerRow]] = {}
    for answer in tx.session.exec(given):
        answers.setdefault(answer.conversation_id, []).append(answer)
    rows = tx.session.exec(query).all()
    forms = {found: _definition(tx, found) for found in {row.definition_hash for row in rows}}
    return [(_held(tx, row, forms[row.definition_hash], answers.get(row.id, ())), row.moved_at) for row in rows]


def last_sent(tx: Transaction, patient_id: int, purpose: str) -> tuple[Conversation, datetime] | None:
    """The conversation of this purpose that a patient sent last, and when."""
    query = (
        select(ConversationRow)
        .where(
            ConversationRow.patient_id == patient_id,
            ConversationRow.purpose == purpose,
            ConversationRow.stage == Stage.SUBMITTED,
        )
        .order_by(col(ConversationRow.moved_at).desc(), col(ConversationRow.id).desc())
    )
    row = tx.session.exec(query).first()
    return None if row is None else (_load(tx, row), row.moved_at)


def save(tx: Transaction, patient_id: int, conversation: Conversation, *, now: datetime) -> None:
    """Write where a conversation is. Answers are recorded one by one, by `record`."""
    row = tx.session.get(ConversationRow, conversation.id)
    if row is None:
        _keep_definition(tx, conversation.questionnaire)
        row = ConversationRow(
            id=conversation.id,
            patient_id=patient_id,
            purpose=conversation.purpose,
            definition_hash=conversation.questionnaire.hash,
            stage=conversation.stage,
            revision=conversation.revision,
            opened_at=conversation.opened or now,
            moved_at=now,
        )
    row.stage, row.revision, row.moved_at, row.in_front = conversation.stage, conversation.revision, now, True
    row.question, row.instance = _written(conversation.question)
    row.draft_sealed = _sealed_draft(tx, conversation)
    tx.session.add(row)
    tx.session.flush()


def end(tx: Transaction, conversation_id: int, stage: Stage, *, now: datetime) -> None:
    """A conversation is not in front any more: it gave way to another one, or it is over."""
    row = tx.session.get_one(ConversationRow, conversation_id)
    row.stage, row.moved_at, row.in_front = stage, now, False
    if stage not in OPEN:
        row.question, row.instance, row.draft_sealed = None, "", None
    tx.session.add(row)
    tx.session.flush()


def withdraw(tx: Transaction, conversation_id: int, places: Collection[Place], *, now: datetime) -> None:
    """Answers that belonged to values which are no longer given are superseded, and stay."""
    query = select(AnswerRow).where(
        AnswerRow.conversation_id == conversation_id, col(AnswerRow.superseded_at).is_(None)
    )
    for row in tx.session.exec(query):
        if _place(row.link_id, row.instance) in places:
            row.superseded_at = now


def record(
    tx: Transaction, conversation_id: int, revision: int, place: Place, values: Values, *, now: datetime
) -> None:
    """Append an answer; an earlier one to the same question is superseded and stays."""
    link_id, instance = place.link_id, _dotted(place.instance)
    earlier = select(AnswerRow).where(
        AnswerRow.conversation_id == conversation_id,
        AnswerRow.link_id == link_id,
        AnswerRow.instance == instance,
        col(AnswerRow.superseded_at).is_(None),
    )
    for row in tx.session.exec(earlier):
        row.superseded_at = now
    row_id = new_id()
    sealed = tx.seal(json.dumps([encode(value) for value in values]), ANSWER, row_id)
    tx.session.add(
        AnswerRow(
            id=row_id,
            conversation_id=conversation_id,
            revision=revision,
            link_id=link_id,
            instance=instance,
            values_sealed=sealed,
            answered_at=now,
        )
    )


def doses(
    tx: Transaction, patient_id: int, dose_questions: Collection[str], zone: str, *, now: datetime
) -> tuple[DailyDose, ...]:
    """The daily totals that a patient reported in the last two weeks, in conversations that are over."""
    query = (
        select(AnswerRow, ConversationRow)
        .join(ConversationRow, col(ConversationRow.id) == AnswerRow.conversation_id)
        .where(
            ConversationRow.patient_id == patient_id,
            col(ConversationRow.stage).not_in(OPEN),
            col(AnswerRow.link_id).in_(dose_questions),
            AnswerRow.answered_at >= now - WINDOW,
            col(AnswerRow.superseded_at).is_(None),
        )
        .order_by(col(AnswerRow.id))
    )
    given: dict[tuple[int, str, date], dict[str, Values]] = {}
    for answer, conversation in tx.session.exec(query):
        day = answer.answered_at.astimezone(ZoneInfo(zone)).date()
        facts = given.setdefault((conversation.id, conversation.definition_hash, day), {})
        facts[answer.link_id] = (*facts.get(answer.link_id, ()), *_values(tx, answer))
    return tuple(
        dose for (_, form, day), facts in given.items() for dose in reported(_definition(tx, form), facts, day=day)
    )


def keep_text(tx: Transaction, patient_id: int, text: str, signals: Collection[Signal], *, now: datetime) -> None:
    """Keep a patient's words, with what was heard in them."""
    row_id = new_id()
    sealed = tx.seal(json.dumps({"text": text, "signals": sorted(signals)}), FREE_TEXT, row_id)
    tx.session.add(FreeTextRow(id=row_id, patient_id=patient_id, said_at=now, text_sealed=sealed))


def texts(tx: Transaction, patient_id: int) -> Sequence[FreeText]:
    """The kept words of a patient, oldest first."""
    query = select(FreeTextRow).where(FreeTextRow.patient_id == patient_id).order_by(col(FreeTextRow.id))
    kept = [(row, json.loads(tx.open(row.text_sealed, FREE_TEXT, row.id))) for row in tx.session.exec(query)]
    return [FreeText(row.id, row.said_at, content["text"], tuple(content["signals"])) for row, content in kept]


def _load(tx: Transaction, row: ConversationRow) -> Conversation:
    query = select(AnswerRow).where(AnswerRow.conversation_id == row.id, col(AnswerRow.superseded_at).is_(None))
    answers = tx.session.exec(query.order_by(col(AnswerRow.id))).all()
    return _held(tx, row, _definition(tx, row.definition_hash), answers)


def _held(tx: Transaction, row: ConversationRow, form: Questionnaire, answers: Sequence[AnswerRow]) -> Conversation:
    return Conversation(
        id=row.id,
        purpose=row.purpose,
        questionnaire=form,
        stage=Stage(row.stage),
        revision=row.revision,
        question=None if row.question is None else _place(row.question, row.instance),
        answers={_place(answer.link_id, answer.instance): _values(tx, answer) for answer in answers},
        draft=_draft(tx, row),
        opened=row.opened_at,
    )


def _sealed_draft(tx: Transaction, conversation: Conversation) -> str | None:
    draft = conversation.draft
    if draft == Draft():
        return None
    guess, otherwise = (None if value is None else encode(value) for value in (draft.guess, draft.otherwise))
    parts = {"values": [encode(value) for value in draft.values], "guess": guess, "otherwise": otherwise}
    return tx.seal(json.dumps(parts), DRAFT, conversation.id)


def _draft(tx: Transaction, row: ConversationRow) -> Draft:
    if row.draft_sealed is None:
        return Draft()
    parts = json.loads(tx.open(row.draft_sealed, DRAFT, row.id))
    told = (parts["guess"], parts.get("otherwise"))  # drafts of an earlier version hold no words of their own
    guess, otherwise = (None if element is None else decode(element) for element in told)
    return Draft(tuple(map(decode, parts["values"])), guess, otherwise)


def _written(place: Place | None) -> tuple[str | None, str]:
    return (None, "") if place is None else (place.link_id, _dotted(place.instance))


def _dotted(instance: tuple[int, ...]) -> str:
    return ".".join(map(str, instance))


def _place(link_id: str, instance: str) -> Place:
    return Place(link_id, tuple(map(int, instance.split("."))) if instance else ())


def _values(tx: Transaction, row: AnswerRow) -> Values:
    return tuple(decode(element) for element in json.loads(tx.open(row.values_sealed, ANSWER, row.id)))


def _keep_definition(tx: Transaction, form: Questionnaire) -> None:
    if tx.session.get(DefinitionRow, form.hash) is None:
        tx.session.add(DefinitionRow(hash=form.hash, url=form.url, version=form.version, source=form.source))
        tx.session.flush()


def _definition(tx: Transaction, definition_hash: str) -> Questionnaire:
    return _parsed(definition_hash, tx.session.get_one(DefinitionRow, definition_hash).source)


@lru_cache(maxsize=64)
def _parsed(definition_hash: str, source: str) -> Questionnaire:
    return questionnaire.load(source, f"definition {definition_hash}")
