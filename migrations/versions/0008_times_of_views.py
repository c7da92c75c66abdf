"""Times in the views have a blank between day and hour, so that SQLite's own times compare with them.

`at >= datetime('now', '-2 hours')` was true of the whole day: a T sorts behind a blank.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIMES = "spaced"


def upgrade() -> None:
    op.remake_views(revision)


def downgrade() -> None:
    op.remake_views(down_revision)
