"""The assessments of the hourly checks are kept; `v_assessment` shows them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = {
    "sqlite": (
        "strftime('%Y-%m-%dT%H:%M:%SZ', {0} / 1000, 'unixepoch')",
        "strftime('%Y-%m-%d', {0} / 1000, 'unixepoch')",
    ),
    "postgresql": (
        "to_char(to_timestamp({0} / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
        "to_char(to_timestamp({0} / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    ),
}
_SIZES = ("rss", "footprint", "charged", "limit")


def upgrade() -> None:
    op.create_table(
        "assessment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("last_ms", BIG),
        sa.Column("severity", sa.Text()),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("slope_mb_per_hour", sa.Float()),
        sa.Column("rss_bytes", BIG),
        sa.Column("footprint_bytes", BIG),
        sa.Column("charged_bytes", BIG),
        sa.Column("limit_bytes", BIG),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_assessment"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_assessment_source_id"),
        sa.UniqueConstraint("source_id", "at_ms", "writer", name="uq_assessment_source_id_at_ms_writer"),
    )
    op.execute(f"CREATE VIEW v_assessment AS {_view(op.get_bind().dialect.name)}")


def downgrade() -> None:
    op.execute("DROP VIEW v_assessment")
    op.drop_table("assessment")


def _view(dialect_name: str) -> str:
    moment, day = _TIME[dialect_name]
    sizes = ", ".join(f"a.{name}_bytes, {_mb(f'a.{name}_bytes')} AS {name}_mb" for name in _SIZES)
    share = "round(CAST(100.0 * a.charged_bytes / nullif(a.limit_bytes, 0) AS NUMERIC), 1)"
    return f"""
SELECT x.name AS source, {moment.format("a.at_ms")} AS at, {day.format("a.at_ms")} AS day, a.at_ms, a.writer,
  {moment.format("a.last_ms")} AS last_at, a.severity, a.verdict, a.confidence, a.slope_mb_per_hour,
  {sizes}, {share} AS limit_percent, a.version, a.data
FROM assessment a JOIN source x ON x.id = a.source_id"""


def _mb(column: str) -> str:
    return f"round({column} / 1048576.0, 3)"
