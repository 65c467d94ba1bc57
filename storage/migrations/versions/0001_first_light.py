"""First light"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('audit',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('at', sqltypes.UTCDateTime(), nullable=False),
    sa.Column('actor', sqltypes.AutoString(), nullable=False),
    sa.Column('action', sqltypes.AutoString(), nullable=False),
    sa.Column('subject', sqltypes.AutoString(), nullable=False),
    sa.Column('reason', sqltypes.AutoString(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit'))
    )
    op.create_table('clinician',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('name_sealed', sqltypes.AutoString(), nullable=False),
    sa.Column('role', sqltypes.AutoString(), nullable=False),
    sa.Column('chat_index', sqltypes.AutoString(), nullable=True),
    sa.Column('chat_sealed', sqltypes.AutoString(), nullable=True),
    sa.Column('invite_hash', sqltypes.AutoString(), nullable=True),
    sa.Column('invite_expires_at', sqltypes.UTCDateTime(), nullable=True),
    sa.Column('reachable', sa.Boolean(), nullable=False),
    sa.Column('created_at', sqltypes.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clinician')),
    sa.UniqueConstraint('chat_index', name=op.f('uq_clinician_chat_index')),
    sa.UniqueConstraint('invite_hash', name=op.f('uq_clinician_invite_hash'))
    )
    op.create_table('dead_letter',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('at', sqltypes.UTCDateTime(), nullable=False),
    sa.Column('kind', sqltypes.AutoString(), nullable=False),
    sa.Column('reason', sqltypes.AutoString(), nullable=False),
    sa.Column('content_sealed', sqltypes.AutoString(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dead_letter'))
    )
    op.create_table('definition',
    sa.Column('hash', sqltypes.AutoString(), nullable=False),
    sa.Column('url', sqltypes.AutoString(), nullable=False),
    sa.Column('version', sqltypes.AutoString(), nullable=False),
    sa.Column('source', sqltypes.AutoString(), nullable=False),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_definition'))
    )
    op.create_table('meta',
    sa.Column('name', sqltypes.AutoString(), nullable=False),
    sa.Column('value', sqltypes.AutoString(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_meta'))
    )
    op.create_table('patient',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('code', sqltypes.AutoString(), nullable=False),
    sa.Column('chat_index', sqltypes.AutoString(), nullable=False),
    sa.Column('chat_sealed', sqltypes.AutoString(), nullable=False),
    sa.Column('standing', sqltypes.AutoString(), nullable=False),
    sa.Column('channel', sqltypes.AutoString(), nullable=False),
    sa.Column('zone', sqltypes.AutoString(), nullable=False),
    sa.Column('weekday', sa.Integer(), nullable=True),
    sa.Column('hour', sa.Integer(), nullable=True),
    sa.Column('misunderstood', sa.Integer(), nullable=False),
    sa.Column('asked_if_safe', sa.Boolean(), nullable=False),
    sa.Column('created_at', sqltypes.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patient')),
    sa.UniqueConstraint('chat_index', name=op.f('uq_patient_chat_index')),
    sa.UniqueConstraint('code', name=op.f('uq_patient_code'))
    )
    op.create_table('seen_update',
    sa.Column('bot_id', sa.BigInteger(), nullable=False),
    sa.Column('update_id', sa.BigInteger(), nullable=False),
    sa.Column('seen_at', sqltypes.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('bot_id', 'update_id', name=op.f('pk_seen_update'))
    )
    with op.batch_alter_table('seen_update', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_seen_update_seen_at'), ['seen_at'], unique=False)

    op.create_table('timer',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('scope', sqltypes.AutoString(), nullable=False),
    sa.Column('key', sqltypes.AutoString(), nullable=False),
    sa.Column('due_at', sqltypes.UTCDateTime(), nullable=False),
    sa.Column('event', sqltypes.AutoString(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_timer')),
    sa.UniqueConstraint('scope', 'key', name=op.f('uq_timer_scope_key'))
    )
    with op.batch_alter_table('timer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_timer_due_at'), ['due_at'], unique=False)

    op.create_table('alert',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('patient_id', sa.BigInteger(), nullable=False),
    sa.Column('rule', sqltypes.AutoString(), nullable=False),
    sa.Column('tier', sqltypes.AutoString(), nullable=False),
    sa.Column('state', sqltypes.AutoString(), nullable=False),
    sa.Column('step', sa.Integer(), nullable=False),
    sa.Column('raised_at', sqltypes.UTCDateTime(), nullable=False),
    sa.Column('taken_by', sa.BigInteger(), nullable=True),
    sa.Column('taken_at', sqltypes.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_alert_patient_id')),
    sa.ForeignKeyConstraint(['taken_by'], ['clinician.id'], name=op.f('fk_alert_taken_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert'))
    )
    with op.batch_alter_table('alert', schema=None) as batch_op:
        batch_op.create_index('ix_alert_patient_id_rule', ['patient_id', 'rule'], unique=False)
        batch_op.create_index(batch_op.f('ix_alert_state'), ['state'], unique=False)

    op.create_table('conversation',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('patient_id', sa.BigInteger(), nullable=False),
    sa.Column('purpose', sqltypes.AutoString(), nullable=False),
    sa.Column('definition_hash', sqltypes.AutoString(), nullable=False),
    sa.Column('stage', sqltypes.AutoString(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('question', sqltypes.AutoString(), nullable=True),
    sa.Column('opened_at', sqltypes.UTCDateTime(), nullable=False),
    sa.Column('moved_at', sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['definition_hash'], ['definition.hash'], name=op.f('fk_conversation_definition_hash')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_conversation_patient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conversation'))
    )
    with op.batch_alter_table('conversation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_conversation_patient_id'), ['patient_id'], unique=False)

    op.create_table('free_text',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('patient_id', sa.BigInteger(), nullable=False),
    sa.Column('said_at', sqltypes.UTCDateTime(), nullable=False),
    sa.Column('text_sealed', sqltypes.AutoString(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_free_text_patient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_free_text'))
    )
    with op.batch_alter_table('free_text', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_free_text_patient_id'), ['patient_id'], unique=False)

    op.create_table('request',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('patient_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sqltypes.AutoString(), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.Column('opened_at', sqltypes.UTCDateTime(), nullable=False),
    sa.Column('closed_at', sqltypes.UTCDateTime(), nullable=True),
    sa.Column('closed_by', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['closed_by'], ['clinician.id'], name=op.f('fk_request_closed_by')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_request_patient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_request'))
    )
    with op.batch_alter_table('request', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_request_is_open'), ['is_open'], unique=False)
        batch_op.create_index(batch_op.f('ix_request_patient_id'), ['patient_id'], unique=False)

    op.create_table('alert_event',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('alert_id', sa.Integer(), nullable=False),
    sa.Column('at', sqltypes.UTCDateTime(), nullable=False),
    sa.Column('kind', sqltypes.AutoString(), nullable=False),
    sa.Column('clinician_id', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], name=op.f('fk_alert_event_alert_id')),
    sa.ForeignKeyConstraint(['clinician_id'], ['clinician.id'], name=op.f('fk_alert_event_clinician_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert_event'))
    )
    with op.batch_alter_table('alert_event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_alert_event_alert_id'), ['alert_id'], unique=False)

    op.create_table('answer',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('conversation_id', sa.BigInteger(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('link_id', sqltypes.AutoString(), nullable=False),
    sa.Column('values_sealed', sqltypes.AutoString(), nullable=False),
    sa.Column('answered_at', sqltypes.UTCDateTime(), nullable=False),
    sa.Column('superseded_at', sqltypes.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_answer_conversation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_answer')),
    sa.UniqueConstraint('conversation_id', 'revision', name=op.f('uq_answer_conversation_id_revision'))
    )
    op.create_table('outbox',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('recipient', sqltypes.AutoString(), nullable=False),
    sa.Column('urgency', sa.Integer(), nullable=False),
    sa.Column('state', sqltypes.AutoString(), nullable=False),
    sa.Column('due_at', sqltypes.UTCDateTime(), nullable=False),
    sa.Column('payload_sealed', sqltypes.AutoString(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('token', sqltypes.AutoString(), nullable=True),
    sa.Column('lease_until', sqltypes.UTCDateTime(), nullable=True),
    sa.Column('queued_at', sqltypes.UTCDateTime(), nullable=False),
    sa.Column('sent_at', sqltypes.UTCDateTime(), nullable=True),
    sa.Column('message_id', sa.BigInteger(), nullable=True),
    sa.Column('topic', sqltypes.AutoString(), nullable=True),
    sa.Column('alert_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], name=op.f('fk_outbox_alert_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox'))
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index('ix_outbox_recipient', ['recipient', 'state'], unique=False)
        batch_op.create_index('ix_outbox_state_due_at', ['state', 'due_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_outbox_topic'), ['topic'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_outbox_topic'))
        batch_op.drop_index('ix_outbox_state_due_at')
        batch_op.drop_index('ix_outbox_recipient')

    op.drop_table('outbox')
    op.drop_table('answer')
    with op.batch_alter_table('alert_event', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_alert_event_alert_id'))

    op.drop_table('alert_event')
    with op.batch_alter_table('request', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_request_patient_id'))
        batch_op.drop_index(batch_op.f('ix_request_is_open'))

    op.drop_table('request')
    with op.batch_alter_table('free_text', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_free_text_patient_id'))

    op.drop_table('free_text')
    with op.batch_alter_table('conversation', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_conversation_patient_id'))

    op.drop_table('conversation')
    with op.batch_alter_table('alert', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_alert_state'))
        batch_op.drop_index('ix_alert_patient_id_rule')

    op.drop_table('alert')
    with op.batch_alter_table('timer', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_timer_due_at'))

    op.drop_table('timer')
    with op.batch_alter_table('seen_update', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_seen_update_seen_at'))

    op.drop_table('seen_update')
    op.drop_table('patient')
    op.drop_table('meta')
    op.drop_table('definition')
    op.drop_table('dead_letter')
    op.drop_table('clinician')
    op.drop_table('audit')
