"""What an alert was raised by, sealed with each event that raised it."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alert_event", sa.Column("evidence_sealed", sqltypes.AutoString(), nullable=True))


def downgrade() -> None:
    op.drop_column("alert_event", "evidence_sealed")
