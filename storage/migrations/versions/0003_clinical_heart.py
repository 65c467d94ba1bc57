"""What earlier forms left, the recorded plan, check-ins that were missed, and what an intake led to."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("patient", sa.Column("past_sealed", sqltypes.AutoString(), nullable=True))
    op.add_column("patient", sa.Column("unanswered", sa.Integer(), server_default="0", nullable=False))
    op.add_column("request", sa.Column("outcome", sqltypes.AutoString(), nullable=True))
    op.create_table(
        "plan_step",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("begins", sa.Date(), nullable=False),
        sa.Column("step_sealed", sqltypes.AutoString(), nullable=False),
        sa.Column("recorded_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_plan_step_patient_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["clinician.id"], name=op.f("fk_plan_step_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_step")),
    )
    op.create_index(op.f("ix_plan_step_patient_id"), "plan_step", ["patient_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_plan_step_patient_id"), "plan_step")
    op.drop_table("plan_step")
    op.drop_column("request", "outcome")
    op.drop_column("patient", "unanswered")
    op.drop_column("patient", "past_sealed")
