"""The rota: rotations with their people, absences, and stretches that somebody covers."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rotation",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sqltypes.AutoString(), nullable=False),
        sa.Column("every_hours", sa.Integer(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("hand_over", sa.Time(), nullable=False),
        sa.Column("zone", sqltypes.AutoString(), nullable=False),
        sa.Column("falls_to_next", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotation")),
    )
    op.create_index(op.f("ix_rotation_name"), "rotation", ["name"])
    op.create_table(
        "rotation_member",
        sa.Column("rotation_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("clinician_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["rotation_id"], ["rotation.id"], name=op.f("fk_rotation_member_rotation_id")),
        sa.ForeignKeyConstraint(["clinician_id"], ["clinician.id"], name=op.f("fk_rotation_member_clinician_id")),
        sa.PrimaryKeyConstraint("rotation_id", "place", name=op.f("pk_rotation_member")),
    )
    op.create_table(
        "absence",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("clinician_id", sa.BigInteger(), nullable=False),
        sa.Column("begins", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ends", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinician_id"], ["clinician.id"], name=op.f("fk_absence_clinician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    op.create_index(op.f("ix_absence_ends"), "absence", ["ends"])
    op.create_table(
        "cover",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("rotation", sqltypes.AutoString(), nullable=False),
        sa.Column("clinician_id", sa.BigInteger(), nullable=False),
        sa.Column("begins", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ends", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinician_id"], ["clinician.id"], name=op.f("fk_cover_clinician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cover")),
    )
    op.create_index(op.f("ix_cover_ends"), "cover", ["ends"])


def downgrade() -> None:
    op.drop_table("cover")
    op.drop_table("absence")
    op.drop_table("rotation_member")
    op.drop_table("rotation")
