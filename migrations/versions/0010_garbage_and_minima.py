"""Objects that no collection has looked at; minima of the allocators' counters in rollups."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ADDED = (("gc_pending_count", "count", ()),)
KEPT = (
    ("heap_used_bytes", "bytes", ("min",)),
    ("heap_mmap_bytes", "bytes", ("min",)),
    ("python_block_count", "count", ("min",)),
)


def upgrade() -> None:
    op.add_readings(revision)
    op.keep_beside(revision)


def downgrade() -> None:
    op.drop_beside(revision)
    op.drop_readings(revision)
