"""Alerts with a memory: their states, silences, the outbox of messages, and the evaluators' lease."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("alert_watch", "alert_silence", "alert_message", "alert_delivery", "alert_lease")


def upgrade() -> None:
    op.create_table(
        "alert_watch",
        sa.Column("source_id", sa.Integer(), nullable=False, autoincrement=False),
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
        sa.PrimaryKeyConstraint("source_id", "fingerprint", name="pk_alert_watch"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_alert_watch_source_id"),
    )
    op.create_table(
        "alert_silence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer()),
        sa.Column("kind", sa.Text()),
        sa.Column("from_ms", BIG, nullable=False),
        sa.Column("until_ms", BIG, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_alert_silence"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_alert_silence_source_id"),
    )
    op.create_table(
        "alert_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_alert_message"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_alert_message_source_id"),
        sa.UniqueConstraint("uuid", name="uq_alert_message_uuid"),
    )
    op.create_index("ix_alert_message_at_ms", "alert_message", ["at_ms"])
    op.create_table(
        "alert_delivery",
        sa.Column("message_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_ms", BIG, nullable=False),
        sa.Column("done_ms", BIG),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("message_id", "channel", name="pk_alert_delivery"),
        sa.ForeignKeyConstraint(["message_id"], ["alert_message.id"], name="fk_alert_delivery_message_id"),
    )
    op.create_table(
        "alert_lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_alert_lease"),
    )


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
