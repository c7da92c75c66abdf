"""The tables. Times are integer UTC milliseconds (`_ms`), sizes bytes, names in dimension tables.

The revisions in `migrations/` create these tables; `alembic check` holds the two together. Columns
stand in the order in which the revisions made them: what a later one adds comes last.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from memmon.facts.readings import READINGS, Reading
from memmon.store.schema.identity import APPLICATION_ID, HEAD_REVISION

__all__ = ["APPLICATION_ID", "HEAD_REVISION", "metadata", "since_of"]

Big = BigInteger().with_variant(Integer, "sqlite")

_ROLLUP_SINCE = "0002"
_FIRST = tuple(one for one in READINGS if one.since <= _ROLLUP_SINCE)
_KEPT_LATER = tuple(one for one in READINGS if one.beside_since)
_LATER = tuple(sorted((one for one in READINGS if one.since > _ROLLUP_SINCE), key=lambda one: one.since))


def _column(name: str, one: Reading, *, since: str = "") -> Column[Any]:
    """Return a column for a reading, or for what a rollup keeps of it."""
    if one.unit == "percent":
        return Column(name, Float, info={"since": since})
    return Column(name, Integer if one.is_small else Big, info={"since": since})


def since_of(column: Column[Any]) -> str:
    """Return the revision that added a column to a table that was there; "": it came with its table."""
    since: str = column.info.get("since", "")
    return since


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

source = Table(
    "source",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("script_path", Text),
    Column("created_ms", Big, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("source_id", Integer, ForeignKey("source.id"), nullable=False),
    Column("host", Text),
    Column("pid", Big),
    Column("process_started_ms", Big),
    Column("boot_id", Text),
    Column("parent_uuid", Text),
    Column("role", Text),
    Column("script_path", Text),
    Column("external_id", Text),
    Column("release", Text),
    Column("python_version", Text),
    Column("memmon_version", Text),
    Column("interval_ms", Big),
    Column("limit_bytes", Big),
    Column("limit_origin", Text),
    Column("started_ms", Big, nullable=False),
    Column("ended_ms", Big),
    Column("end_reason", Text),
    Column("end_detail", Text),
    Index("ix_run_source_id_started_ms", "source_id", "started_ms"),
)

series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", Integer, ForeignKey("source.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("metric", Text, nullable=False),
    UniqueConstraint("source_id", "kind", "name", "metric"),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("run_id", Integer, ForeignKey("run.id"), primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", Big, nullable=False),
    Column("uptime_ms", Big, nullable=False),
    *(_column(one.column, one) for one in _FIRST),
    Column("digest", Big, info={"since": _ROLLUP_SINCE}),
    *(_column(one.column, one, since=one.since) for one in _LATER),
    sqlite_with_rowid=False,
)

reading = Table(
    "reading",
    metadata,
    Column("run_id", Integer, ForeignKey("run.id"), primary_key=True, autoincrement=False),
    Column("series_id", Integer, ForeignKey("series.id"), primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("value", Big),
    sqlite_with_rowid=False,
)

rollup = Table(
    "rollup",
    metadata,
    Column("run_id", Integer, ForeignKey("run.id"), primary_key=True, autoincrement=False),
    Column("resolution_ms", Big, primary_key=True, autoincrement=False),
    Column("bucket_ms", Big, primary_key=True, autoincrement=False),
    Column("sample_count", Integer, nullable=False),
    Column("rss_count", Integer, nullable=False),
    Column("at_ms", Big, nullable=False),
    Column("uptime_ms", Big, nullable=False),
    *(_column(name, one) for one in _FIRST if not one.beside_since for name in one.beside_columns),
    *(_column(one.column, one) for one in _FIRST),
    Column("digest", Big),
    *(_column(name, one, since=one.since) for one in _LATER for name in (*one.beside_columns, one.column)),
    *(_column(name, one, since=one.beside_since) for one in _KEPT_LATER for name in one.beside_columns),
    sqlite_with_rowid=False,
)
"""Hours and days of snapshots that are past their time: means (of counters: the last)."""

reading_rollup = Table(
    "reading_rollup",
    metadata,
    Column("run_id", Integer, ForeignKey("run.id"), primary_key=True, autoincrement=False),
    Column("series_id", Integer, ForeignKey("series.id"), primary_key=True, autoincrement=False),
    Column("resolution_ms", Big, primary_key=True, autoincrement=False),
    Column("bucket_ms", Big, primary_key=True, autoincrement=False),
    Column("min_value", Big),
    Column("mean_value", Float),
    Column("max_value", Big),
    Column("last_value", Big),
    sqlite_with_rowid=False,
)
"""Written on change only, like `reading`: without a row, the last value of the bucket before holds."""

event = Table(
    "event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", Integer, ForeignKey("source.id"), nullable=False),
    Column("run_id", Integer, ForeignKey("run.id")),
    Column("seq", Integer),
    Column("at_ms", Big, nullable=False),
    Column("uptime_ms", Big),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False, server_default=""),
    Column("data", Text),
    UniqueConstraint("run_id", "seq"),
    Index("ix_event_source_id_at_ms", "source_id", "at_ms"),
)

report = Table(
    "report",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", Integer, ForeignKey("source.id"), nullable=False),
    Column("at_ms", Big, nullable=False),
    Column("window_ms", Big, nullable=False),
    Column("text", Text, nullable=False),
    Column("data", Text),
    UniqueConstraint("source_id", "at_ms"),
)

alert_watch = Table(
    "alert_watch",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True, autoincrement=False),
    Column("holder", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("title", Text, nullable=False, server_default=""),
    Column("since_ms", Big, nullable=False),
    Column("clear_since_ms", Big),
    Column("told_ms", Big),
    Column("told_severity", Text),
    Column("told_members", Text),
    Column("told_since_ms", Big),
    Column("acknowledged_ms", Big),
    Column("acknowledged_by", Text),
    Column("seen_ms", Big, nullable=False),
    Column("data", Text),
    sqlite_with_rowid=False,
)
"""What is remembered of each alert, by whom: `holder` is `recorder` (the view `alert_state`) or `evaluator`."""

assessment = Table(
    "assessment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", Integer, ForeignKey("source.id"), nullable=False),
    Column("at_ms", Big, nullable=False),
    Column("writer", Text, nullable=False),
    Column("last_ms", Big),
    Column("severity", Text),
    Column("verdict", Text, nullable=False),
    Column("confidence", Text, nullable=False),
    Column("slope_mb_per_hour", Float),
    Column("rss_bytes", Big),
    Column("footprint_bytes", Big),
    Column("charged_bytes", Big),
    Column("limit_bytes", Big),
    Column("version", Integer, nullable=False),
    Column("data", Text, nullable=False),
    UniqueConstraint("source_id", "at_ms", "writer"),
)
"""What an hourly check said: `writer` is `child` (of the program) or `evaluator`; `last_ms`: the newest sample judged.

`data` is the whole assessment as JSON, in the form that `version` numbers.
"""

alert_silence = Table(
    "alert_silence",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", Integer, ForeignKey("source.id")),
    Column("kind", Text),
    Column("from_ms", Big, nullable=False),
    Column("until_ms", Big, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    info={"operational": True},
)
"""Times in which nothing is told; source or kind NULL: all of them."""

alert_message = Table(
    "alert_message",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("source_id", Integer, ForeignKey("source.id"), nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("at_ms", Big, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("data", Text),
    Index("ix_alert_message_at_ms", "at_ms"),
    info={"operational": True},
)
"""What is to be told: written in the same transaction as the change of state that it tells of."""

alert_delivery = Table(
    "alert_delivery",
    metadata,
    Column("message_id", Integer, ForeignKey("alert_message.id"), primary_key=True, autoincrement=False),
    Column("channel", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("attempt_count", Integer, nullable=False, server_default="0"),
    Column("next_ms", Big, nullable=False),
    Column("done_ms", Big),
    Column("error", Text),
    info={"operational": True},
)
"""A message on its way through one channel; channels go by names without secrets."""

alert_lease = Table(
    "alert_lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until_ms", Big, nullable=False),
    info={"operational": True},
)
"""Which of several evaluators is at work, and until when without a sign of life."""
