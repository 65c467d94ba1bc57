"""Where in a repeating group a question stands, what was begun on it, and which conversation is in front."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversation", sa.Column("instance", sqltypes.AutoString(), server_default="", nullable=False))
    op.add_column("conversation", sa.Column("draft_sealed", sqltypes.AutoString(), nullable=True))
    op.add_column("conversation", sa.Column("in_front", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("answer", sa.Column("instance", sqltypes.AutoString(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("answer", "instance")
    op.drop_column("conversation", "in_front")
    op.drop_column("conversation", "draft_sealed")
    op.drop_column("conversation", "instance")
