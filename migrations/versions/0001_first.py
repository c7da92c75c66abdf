"""The first schema: sources, runs, snapshots, readings written on change, events, reports, alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPLICATION_ID = 0x6D656D6F


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"PRAGMA application_id={APPLICATION_ID}")
    op.create_table(
        "source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("script_path", sa.Text()),
        sa.Column("created_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_source"),
        sa.UniqueConstraint("name", name="uq_source_name"),
    )
    op.create_table(
        "alert_state",
        sa.Column("source_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("since_ms", BIG, nullable=False),
        sa.Column("notified_ms", BIG),
        sa.Column("data", sa.Text()),
        sa.PrimaryKeyConstraint("source_id", "fingerprint", name="pk_alert_state"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_alert_state_source_id"),
    )
    op.create_table(
        "report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("window_ms", BIG, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_report"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_report_source_id"),
        sa.UniqueConstraint("source_id", "at_ms", name="uq_report_source_id_at_ms"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text()),
        sa.Column("pid", BIG),
        sa.Column("process_started_ms", BIG),
        sa.Column("boot_id", sa.Text()),
        sa.Column("parent_uuid", sa.Text()),
        sa.Column("role", sa.Text()),
        sa.Column("script_path", sa.Text()),
        sa.Column("external_id", sa.Text()),
        sa.Column("release", sa.Text()),
        sa.Column("python_version", sa.Text()),
        sa.Column("memmon_version", sa.Text()),
        sa.Column("interval_ms", BIG),
        sa.Column("limit_bytes", BIG),
        sa.Column("limit_origin", sa.Text()),
        sa.Column("started_ms", BIG, nullable=False),
        sa.Column("ended_ms", BIG),
        sa.Column("end_reason", sa.Text()),
        sa.Column("end_detail", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_run_source_id"),
        sa.UniqueConstraint("uuid", name="uq_run_uuid"),
    )
    op.create_index("ix_run_source_id_started_ms", "run", ["source_id", "started_ms"])
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_series_source_id"),
        sa.UniqueConstraint(
            "source_id", "kind", "name", "metric", name="uq_series_source_id_kind_name_metric"
        ),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer()),
        sa.Column("seq", sa.Integer()),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("uptime_ms", BIG),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False, server_default=""),
        sa.Column("data", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_event_source_id"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_event_run_id"),
        sa.UniqueConstraint("run_id", "seq", name="uq_event_run_id_seq"),
    )
    op.create_index("ix_event_source_id_at_ms", "event", ["source_id", "at_ms"])
    op.create_table(
        "reading",
        sa.Column("run_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("series_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("value", BIG),
        sa.PrimaryKeyConstraint("run_id", "series_id", "seq", name="pk_reading"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_reading_run_id"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_reading_series_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "snapshot",
        sa.Column("run_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("uptime_ms", BIG, nullable=False),
        sa.Column("rss_bytes", BIG),
        sa.Column("vms_bytes", BIG),
        sa.Column("system_percent", sa.Float()),
        sa.Column("available_bytes", BIG),
        sa.Column("limit_bytes", BIG),
        sa.Column("limit_used_bytes", BIG),
        sa.Column("rss_anon_bytes", BIG),
        sa.Column("rss_file_bytes", BIG),
        sa.Column("rss_shmem_bytes", BIG),
        sa.Column("swap_bytes", BIG),
        sa.Column("uss_bytes", BIG),
        sa.Column("pss_bytes", BIG),
        sa.Column("heap_used_bytes", BIG),
        sa.Column("heap_mmap_bytes", BIG),
        sa.Column("python_block_count", BIG),
        sa.Column("gc_collection_count", BIG),
        sa.Column("gc_uncollectable_count", BIG),
        sa.Column("thread_count", sa.Integer()),
        sa.Column("fd_count", sa.Integer()),
        sa.Column("work_count", BIG),
        sa.PrimaryKeyConstraint("run_id", "seq", name="pk_snapshot"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_snapshot_run_id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for name in ("alert_state", "report", "event", "reading", "snapshot", "series", "run", "source"):
        op.drop_table(name)
