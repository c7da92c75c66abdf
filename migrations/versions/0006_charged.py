"""What counts against the limit in force: all that is charged and can't be taken back."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ADDED = (("charged_bytes", "bytes", ("max",)),)


def upgrade() -> None:
    op.add_readings(revision)


def downgrade() -> None:
    op.drop_readings(revision)
