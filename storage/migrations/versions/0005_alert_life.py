"""An alert's whole life: hand-over, outcome, notes, every page; and alerts about the clinic itself."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("alert") as alert:
        alert.alter_column("patient_id", existing_type=sa.BigInteger(), nullable=True)
        alert.add_column(sa.Column("handed_to", sa.BigInteger(), nullable=True))
        alert.add_column(sa.Column("outcome", sqltypes.AutoString(), nullable=True))
        alert.create_foreign_key(op.f("fk_alert_handed_to"), "clinician", ["handed_to"], ["id"])
    op.add_column("alert_event", sa.Column("note_sealed", sqltypes.AutoString(), nullable=True))
    op.create_table(
        "page",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("clinician_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["outbox.id"], name=op.f("fk_page_id")),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_page_alert_id")),
        sa.ForeignKeyConstraint(["clinician_id"], ["clinician.id"], name=op.f("fk_page_clinician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page")),
    )
    op.create_index(op.f("ix_page_alert_id"), "page", ["alert_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_page_alert_id"), "page")
    op.drop_table("page")
    op.drop_column("alert_event", "note_sealed")
    with op.batch_alter_table("alert") as alert:
        alert.drop_constraint(op.f("fk_alert_handed_to"), type_="foreignkey")
        alert.drop_column("outcome")
        alert.drop_column("handed_to")
        alert.alter_column("patient_id", existing_type=sa.BigInteger(), nullable=False)
