"""Every table. Columns named `…_sealed` hold ciphertext: answers, evidence, words, names, chats and messages.

Ids, states, times, the linkId of an answer and the rule of an alert are in the clear, so that they can be looked up.
"""

from datetime import date, datetime, time

from sqlalchemy import BigInteger, Index, MetaData, UniqueConstraint, text, true
from sqlmodel import Field, SQLModel

metadata: MetaData = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
OPEN_REQUEST = text("is_open")
"""Of one patient and kind there is one such request."""


class Meta(SQLModel, table=True):
    """Facts about this database itself."""

    __tablename__ = "meta"
    name: str = Field(primary_key=True)
    value: str


class PatientRow(SQLModel, table=True):
    """A person who talks to the bot as a patient; `code` is how staff name them."""

    __tablename__ = "patient"
    id: int = Field(primary_key=True, sa_type=BigInteger)
    code: str = Field(unique=True)
    chat_index: str = Field(unique=True)
    chat_sealed: str
    standing: str
    channel: str
    zone: str
    weekday: int | None = None
    hour: int | None = None
    misunderstood: int = 0
    asked_if_safe: bool = False
    past_sealed: str | None = None
    unanswered: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    created_at: datetime


class ClinicianRow(SQLModel, table=True):
    """A member of the clinic; without a chat until the invitation is used."""

    __tablename__ = "clinician"
    id: int = Field(primary_key=True, sa_type=BigInteger)
    name_sealed: str
    role: str
    chat_index: str | None = Field(default=None, unique=True)
    chat_sealed: str | None = None
    invite_hash: str | None = Field(default=None, unique=True)
    invite_expires_at: datetime | None = None
    reachable: bool = True
    created_at: datetime


class DefinitionRow(SQLModel, table=True):
    """One version of a questionnaire, kept as long as a conversation refers to it."""

    __tablename__ = "definition"
    hash: str = Field(primary_key=True)
    url: str
    version: str
    source: str


class ConversationRow(SQLModel, table=True):
    """One person going through one version of one questionnaire.

    `question` and `instance` name what is asked; `in_front` tells the one that a patient is in from those set aside.
    """

    __tablename__ = "conversation"
    id: int = Field(primary_key=True, sa_type=BigInteger)
    patient_id: int = Field(foreign_key="patient.id", index=True, sa_type=BigInteger)
    purpose: str
    definition_hash: str = Field(foreign_key="definition.hash")
    stage: str
    revision: int
    question: str | None = None
    instance: str = Field(default="", sa_column_kwargs={"server_default": ""})
    draft_sealed: str | None = None
    in_front: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    opened_at: datetime
    moved_at: datetime


class AnswerRow(SQLModel, table=True):
    """One answer; never changed, only superseded. A revision is answered once.

    `instance` holds the numbers of the repeating groups around the question, such as 2.1.
    """

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("conversation_id", "revision"),)
    id: int = Field(primary_key=True, sa_type=BigInteger)
    conversation_id: int = Field(foreign_key="conversation.id", sa_type=BigInteger)
    revision: int
    link_id: str
    instance: str = Field(default="", sa_column_kwargs={"server_default": ""})
    values_sealed: str
    answered_at: datetime
    superseded_at: datetime | None = None


class FreeTextRow(SQLModel, table=True):
    """Words that were not an answer, or meant more than one: kept for a person to read."""

    __tablename__ = "free_text"
    id: int = Field(primary_key=True, sa_type=BigInteger)
    patient_id: int = Field(foreign_key="patient.id", index=True, sa_type=BigInteger)
    said_at: datetime
    text_sealed: str


class AlertRow(SQLModel, table=True):
    """Something that a human must take; its id is the number that clinicians see.

    Without a patient it is about the clinic itself. `handed_to` is the colleague whom the next page goes to, alone.
    """

    __tablename__ = "alert"
    __table_args__ = (Index("ix_alert_patient_id_rule", "patient_id", "rule"),)
    id: int | None = Field(default=None, primary_key=True)
    patient_id: int | None = Field(default=None, foreign_key="patient.id", sa_type=BigInteger)
    rule: str
    tier: str
    state: str = Field(index=True)
    step: int = 0
    raised_at: datetime
    taken_by: int | None = Field(default=None, foreign_key="clinician.id", sa_type=BigInteger)
    taken_at: datetime | None = None
    handed_to: int | None = Field(default=None, foreign_key="clinician.id", sa_type=BigInteger)
    outcome: str | None = None


class AlertEventRow(SQLModel, table=True):
    """What happened to an alert, in order: raised, paged, acknowledged, and so on; never changed."""

    __tablename__ = "alert_event"
    id: int = Field(primary_key=True, sa_type=BigInteger)
    alert_id: int = Field(foreign_key="alert.id", index=True)
    at: datetime
    kind: str
    clinician_id: int | None = Field(default=None, foreign_key="clinician.id", sa_type=BigInteger)
    evidence_sealed: str | None = None
    note_sealed: str | None = None


class PageRow(SQLModel, table=True):
    """One page of an alert to one clinician, or to a fallback channel. What became of it stands in its outbox row."""

    __tablename__ = "page"
    id: int = Field(primary_key=True, foreign_key="outbox.id", sa_type=BigInteger)
    alert_id: int = Field(foreign_key="alert.id", index=True)
    number: int
    clinician_id: int | None = Field(default=None, foreign_key="clinician.id", sa_type=BigInteger)


class RequestRow(SQLModel, table=True):
    """A consultation or a visit that a patient asks for. Its id is the number that clinicians see."""

    __tablename__ = "request"
    __table_args__ = (
        Index(
            "uq_request_open",
            "patient_id",
            "kind",
            unique=True,
            sqlite_where=OPEN_REQUEST,
            postgresql_where=OPEN_REQUEST,
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    patient_id: int = Field(foreign_key="patient.id", index=True, sa_type=BigInteger)
    kind: str
    is_open: bool = Field(default=True, index=True)
    outcome: str | None = None
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: int | None = Field(default=None, foreign_key="clinician.id", sa_type=BigInteger)


class PlanStepRow(SQLModel, table=True):
    """One step of a taper plan, recorded at a visit in person; never changed."""

    __tablename__ = "plan_step"
    id: int = Field(primary_key=True, sa_type=BigInteger)
    patient_id: int = Field(foreign_key="patient.id", index=True, sa_type=BigInteger)
    begins: date
    step_sealed: str
    recorded_at: datetime
    recorded_by: int = Field(foreign_key="clinician.id", sa_type=BigInteger)


class OutboxRow(SQLModel, table=True):
    """A message that waits to be sent, is being sent, was sent, or was given up.

    `recipient` is the blind index of the chat or of the fallback channel: messages to one keep their order. `token`
    fences a lease. `reason` tells in words, without content, why it is dead or why the last try failed.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_state_due_at", "state", "due_at"),
        Index("ix_outbox_recipient", "recipient", "state"),
    )
    id: int = Field(primary_key=True, sa_type=BigInteger)
    recipient: str
    urgency: int
    state: str
    due_at: datetime
    payload_sealed: str
    attempts: int = 0
    token: str | None = None
    lease_until: datetime | None = None
    queued_at: datetime
    sent_at: datetime | None = None
    message_id: int | None = Field(default=None, sa_type=BigInteger)
    topic: str | None = Field(default=None, index=True)
    alert_id: int | None = Field(default=None, foreign_key="alert.id")
    reason: str | None = None


class TroubleRow(SQLModel, table=True):
    """Something that is wrong now, and that people were told of."""

    __tablename__ = "trouble"
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    since: datetime


class TimerRow(SQLModel, table=True):
    """An event that comes back at a time. Deleted in the transaction that handles it."""

    __tablename__ = "timer"
    __table_args__ = (UniqueConstraint("scope", "key"),)
    id: int = Field(primary_key=True, sa_type=BigInteger)
    scope: str
    key: str
    due_at: datetime = Field(index=True)
    event: str
    attempts: int = 0


class RotationRow(SQLModel, table=True):
    """People who take turns, from the first hand-over on, until a later row of this name begins."""

    __tablename__ = "rotation"
    id: int = Field(primary_key=True, sa_type=BigInteger)
    name: str = Field(index=True)
    every_hours: int
    first: date
    hand_over: time
    zone: str
    falls_to_next: bool


class RotationMemberRow(SQLModel, table=True):
    """A clinician's place in the order of a rotation."""

    __tablename__ = "rotation_member"
    rotation_id: int = Field(primary_key=True, foreign_key="rotation.id", sa_type=BigInteger)
    place: int = Field(primary_key=True)
    clinician_id: int = Field(foreign_key="clinician.id", sa_type=BigInteger)


class AbsenceRow(SQLModel, table=True):
    """A stretch in which a clinician is away."""

    __tablename__ = "absence"
    id: int = Field(primary_key=True, sa_type=BigInteger)
    clinician_id: int = Field(foreign_key="clinician.id", sa_type=BigInteger)
    begins: datetime
    ends: datetime = Field(index=True)


class CoverRow(SQLModel, table=True):
    """A stretch of a rotation that a clinician takes; of two, the row with the higher id holds."""

    __tablename__ = "cover"
    id: int = Field(primary_key=True, sa_type=BigInteger)
    rotation: str
    clinician_id: int = Field(foreign_key="clinician.id", sa_type=BigInteger)
    begins: datetime
    ends: datetime = Field(index=True)


class SeenUpdateRow(SQLModel, table=True):
    """An update that was handled; handling it twice changes nothing."""

    __tablename__ = "seen_update"
    bot_id: int = Field(primary_key=True, sa_type=BigInteger)
    update_id: int = Field(primary_key=True, sa_type=BigInteger)
    seen_at: datetime = Field(index=True)


class DeadLetterRow(SQLModel, table=True):
    """An update or a message that could not be handled, set aside for a person."""

    __tablename__ = "dead_letter"
    id: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime
    kind: str
    reason: str
    content_sealed: str


class AuditRow(SQLModel, table=True):
    """Who read or changed what, when and why."""

    __tablename__ = "audit"
    id: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str = ""
