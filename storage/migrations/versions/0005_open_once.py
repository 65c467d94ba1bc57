"""One open alert of a patient and rule, one open request of a patient and kind, also with several processes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OPEN_ALERT, OPEN_REQUEST = sa.text("state != 'resolved'"), sa.text("is_open")


def upgrade() -> None:
    op.create_index(
        "uq_alert_open",
        "alert",
        ["patient_id", "rule"],
        unique=True,
        sqlite_where=OPEN_ALERT,
        postgresql_where=OPEN_ALERT,
    )
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
    op.drop_index("uq_alert_open", "alert")
