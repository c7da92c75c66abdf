"""Rollups by hour and day for what is past its time, and a checksum for each snapshot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

BIG_COLUMNS_BEFORE = ("min_rss_bytes", "max_rss_bytes", "last_rss_bytes", "max_vms_bytes")
MEANS = (
    ("rss_bytes", BIG),
    ("vms_bytes", BIG),
    ("system_percent", sa.Float()),
    ("available_bytes", BIG),
    ("limit_bytes", BIG),
    ("limit_used_bytes", BIG),
    ("rss_anon_bytes", BIG),
    ("rss_file_bytes", BIG),
    ("rss_shmem_bytes", BIG),
    ("swap_bytes", BIG),
    ("uss_bytes", BIG),
    ("pss_bytes", BIG),
    ("heap_used_bytes", BIG),
    ("heap_mmap_bytes", BIG),
    ("python_block_count", BIG),
    ("gc_collection_count", BIG),
    ("gc_uncollectable_count", BIG),
    ("thread_count", sa.Integer()),
    ("fd_count", sa.Integer()),
    ("work_count", BIG),
)


def upgrade() -> None:
    op.add_column("snapshot", sa.Column("digest", BIG))
    op.create_table(
        "rollup",
        sa.Column("run_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("resolution_ms", BIG, nullable=False, autoincrement=False),
        sa.Column("bucket_ms", BIG, nullable=False, autoincrement=False),
        sa.Column("sample_count", sa.Integer(), nullable=False),
        sa.Column("rss_count", sa.Integer(), nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("uptime_ms", BIG, nullable=False),
        *(sa.Column(name, BIG) for name in BIG_COLUMNS_BEFORE),
        sa.Column("max_system_percent", sa.Float()),
        sa.Column("min_available_bytes", BIG),
        sa.Column("max_limit_used_bytes", BIG),
        sa.Column("max_thread_count", sa.Integer()),
        sa.Column("max_fd_count", sa.Integer()),
        *(sa.Column(name, kind) for name, kind in MEANS),
        sa.Column("digest", BIG),
        sa.PrimaryKeyConstraint("run_id", "resolution_ms", "bucket_ms", name="pk_rollup"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_rollup_run_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reading_rollup",
        sa.Column("run_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("series_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("resolution_ms", BIG, nullable=False, autoincrement=False),
        sa.Column("bucket_ms", BIG, nullable=False, autoincrement=False),
        sa.Column("min_value", BIG),
        sa.Column("mean_value", sa.Float()),
        sa.Column("max_value", BIG),
        sa.Column("last_value", BIG),
        sa.PrimaryKeyConstraint(
            "run_id", "series_id", "resolution_ms", "bucket_ms", name="pk_reading_rollup"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_reading_rollup_run_id"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_reading_rollup_series_id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("reading_rollup")
    op.drop_table("rollup")
    op.drop_column("snapshot", "digest")
