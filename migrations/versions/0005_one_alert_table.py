"""One table of alerts: the recorders' marks become watches of their own holder; `alert_state` shows them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WATCH = (
    "source_id, fingerprint, kind, state, severity, title, since_ms, clear_since_ms, told_ms, told_severity, "
    "told_members, told_since_ms, acknowledged_ms, acknowledged_by, seen_ms"
)
STATE = "source_id, fingerprint, kind, state, severity, since_ms, notified_ms, data"
FROM_STATE = (
    "INSERT INTO alert_watch (source_id, holder, fingerprint, kind, state, severity, title, since_ms, told_ms, "
    "told_severity, told_since_ms, seen_ms, data) "
    "SELECT source_id, 'recorder', fingerprint, kind, state, severity, '', since_ms, notified_ms, severity, "
    "since_ms, coalesce(notified_ms, since_ms), data FROM alert_state"
)
VIEW = (
    "CREATE VIEW alert_state AS SELECT source_id, fingerprint, kind, state, severity, since_ms, "
    "told_ms AS notified_ms, data FROM alert_watch WHERE holder = 'recorder'"
)


def upgrade() -> None:
    # SQLite can't change a key: the rows wait elsewhere while the table is made anew.
    op.execute(f"CREATE TABLE alert_watch_before AS SELECT {WATCH} FROM alert_watch")
    op.drop_table("alert_watch")
    _create_watch(
        sa.Column("holder", sa.Text(), nullable=False),
        *_watch_columns(),
        sa.Column("data", sa.Text()),
        key=("source_id", "holder", "fingerprint"),
        sqlite_with_rowid=False,
    )
    op.execute(
        f"INSERT INTO alert_watch (holder, {WATCH}) SELECT 'evaluator', {WATCH} FROM alert_watch_before"
    )
    op.execute(FROM_STATE)
    op.drop_table("alert_watch_before")
    op.drop_table("alert_state")
    op.execute(VIEW)


def downgrade() -> None:
    op.execute("DROP VIEW alert_state")
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
    op.execute(
        f"INSERT INTO alert_state ({STATE}) SELECT source_id, fingerprint, kind, state, severity, since_ms, "
        "told_ms, data FROM alert_watch WHERE holder = 'recorder'"
    )
    op.execute(
        f"CREATE TABLE alert_watch_before AS SELECT {WATCH} FROM alert_watch WHERE holder = 'evaluator'"
    )
    op.drop_table("alert_watch")
    _create_watch(*_watch_columns(), key=("source_id", "fingerprint"))
    op.execute(f"INSERT INTO alert_watch ({WATCH}) SELECT {WATCH} FROM alert_watch_before")
    op.drop_table("alert_watch_before")


def _create_watch(*columns: sa.Column, key: tuple[str, ...], **options: bool) -> None:
    op.create_table(
        "alert_watch",
        sa.Column("source_id", sa.Integer(), nullable=False, autoincrement=False),
        *columns,
        sa.PrimaryKeyConstraint(*key, name="pk_alert_watch"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_alert_watch_source_id"),
        **options,
    )


def _watch_columns() -> list[sa.Column]:
    return [
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False, server_default=""),
        sa.Column("since_ms", BIG, nullable=False),
        sa.Column("clear_since_ms", BIG),
        sa.Column("told_ms", BIG),
        sa.Column("told_severity", sa.Text()),
        sa.Column("told_members", sa.Text()),
        sa.Column("told_since_ms", BIG),
        sa.Column("acknowledged_ms", BIG),
        sa.Column("acknowledged_by", sa.Text()),
        sa.Column("seen_ms", BIG, nullable=False),
    ]
