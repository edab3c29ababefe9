"""The head of each meeting's log, so that a cut tail is noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LAST = "FROM events WHERE events.meeting_id = meetings.meeting_id ORDER BY seq DESC LIMIT 1"


def upgrade() -> None:
    """Add the heads; those of the logs that are there are what they end with now."""
    op.add_column("meetings", sa.Column("head_seq", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(
        "meetings", sa.Column("head_hash", sa.String(length=64), nullable=False, server_default="0" * 64)
    )
    op.execute(
        f"UPDATE meetings SET head_seq = (SELECT seq {_LAST}), head_hash = (SELECT hash {_LAST})"  # noqa: S608
        " WHERE meeting_id IN (SELECT meeting_id FROM events)"
    )
