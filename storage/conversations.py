"""Conversations, their answers, and the words that were no answers."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from flows import questionnaire
from flows.conversation import Conversation, Purpose
from flows.lifecycle import Stage
from flows.listener import Signal
from flows.questionnaire import Questionnaire
from flows.taper import WINDOW, DailyDose, reported
from flows.values import Values, decode, encode
from storage.database import Transaction, new_id
from storage.tables import AnswerRow, ConversationRow, DefinitionRow, FreeTextRow

ANSWER = "answer/values"
FREE_TEXT = "free_text/text"
OPEN = (Stage.INVITED, Stage.ASKING, Stage.PAUSED)


@dataclass(frozen=True, slots=True)
class FreeText:
    """Words of a patient that wait for a person to read them."""

    said_at: datetime
    text: str
    signals: tuple[str, ...]


def open_one(tx: Transaction, patient_id: int) -> Conversation | None:
    """The conversation that a patient is in; there is at most one."""
    query = select(ConversationRow).where(
        ConversationRow.patient_id == patient_id, col(ConversationRow.stage).in_(OPEN)
    )
    row = tx.session.exec(query).first()
    return None if row is None else _load(tx, row)


def open_place(tx: Transaction, patient_id: int) -> tuple[int, int] | None:
    """The conversation in which a patient is being asked, and the revision of its open question."""
    query = select(ConversationRow).where(
        ConversationRow.patient_id == patient_id, ConversationRow.stage == Stage.ASKING
    )
    row = tx.session.exec(query).first()
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
    return [(_load(tx, row), row.moved_at) for row in tx.session.exec(query)]


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
            opened_at=now,
            moved_at=now,
        )
    row.stage, row.revision, row.question, row.moved_at = (
        conversation.stage,
        conversation.revision,
        conversation.question,
        now,
    )
    tx.session.add(row)
    tx.session.flush()


def end(tx: Transaction, conversation_id: int, stage: Stage, *, now: datetime) -> None:
    """Close a conversation that gave way to another one."""
    row = tx.session.get_one(ConversationRow, conversation_id)
    row.stage, row.question, row.moved_at = stage, None, now
    tx.session.add(row)
    tx.session.flush()


def record(
    tx: Transaction, conversation_id: int, revision: int, link_id: str, values: Values, *, now: datetime
) -> None:
    """Append an answer; an earlier one to the same question is superseded and stays."""
    earlier = select(AnswerRow).where(
        AnswerRow.conversation_id == conversation_id,
        AnswerRow.link_id == link_id,
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
    )
    found: list[DailyDose] = []
    for answer, conversation in tx.session.exec(query):
        form = _definition(tx, conversation.definition_hash)
        day = answer.answered_at.astimezone(ZoneInfo(zone)).date()
        found += reported(form, {answer.link_id: _values(tx, answer)}, day=day)
    return tuple(found)


def keep_text(tx: Transaction, patient_id: int, text: str, signals: Collection[Signal], *, now: datetime) -> None:
    """Keep a patient's words, with what was heard in them."""
    row_id = new_id()
    sealed = tx.seal(json.dumps({"text": text, "signals": sorted(signals)}), FREE_TEXT, row_id)
    tx.session.add(FreeTextRow(id=row_id, patient_id=patient_id, said_at=now, text_sealed=sealed))


def texts(tx: Transaction, patient_id: int) -> Sequence[FreeText]:
    """The kept words of a patient, oldest first."""
    query = select(FreeTextRow).where(FreeTextRow.patient_id == patient_id).order_by(col(FreeTextRow.id))
    kept = [(row, json.loads(tx.open(row.text_sealed, FREE_TEXT, row.id))) for row in tx.session.exec(query)]
    return [FreeText(row.said_at, content["text"], tuple(content["signals"])) for row, content in kept]


def _load(tx: Transaction, row: ConversationRow) -> Conversation:
    query = select(AnswerRow).where(AnswerRow.conversation_id == row.id, col(AnswerRow.superseded_at).is_(None))
    return Conversation(
        id=row.id,
        purpose=Purpose(row.purpose),
        questionnaire=_definition(tx, row.definition_hash),
        stage=Stage(row.stage),
        revision=row.revision,
        question=row.question,
        answers={answer.link_id: _values(tx, answer) for answer in tx.session.exec(query)},
    )


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
