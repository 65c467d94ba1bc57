"""One open request of a patient and kind, also with several processes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OPEN_REQUEST = sa.text("is_open")


def upgrade() -> None:
    op.create_index(
        "uq_request_open",
        "request",
        ["patient_id", "kind"],
        unique=True,
        sqlite_where=OPEN_REQUEST,
        postgresql_where=OPEN_REQUEST,
    )


def downgrade() -> None:
    op.drop_index("uq_request_open", "request")
