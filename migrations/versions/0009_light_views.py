"""The views in few words: they show what they showed, in the same columns.

SQLite reads the text of every view with each new connection, and a recorder makes one for each flush: what a
view costs there grows with its names, operators and calls. So a column is named without its table where one
table alone has it (three words fewer), what two views share stands in one (`held_reading`), and nothing is
said twice.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

LIGHT_VIEWS = True

NAMES = (
    "v_source",
    "v_run",
    "v_snapshot",
    "v_event",
    "held_reading",
    "v_deque",
    "v_deque_change",
    "v_component",
    "v_assessment",
)
"""In the order in which they can be made: `v_deque` and `v_component` read `held_reading`."""

_TIME = {
    "sqlite": "strftime('{form}', {column} / 1000, 'unixepoch')",
    "postgresql": "to_char(to_timestamp({column} / 1000.0) AT TIME ZONE 'UTC', '{form}')",
}
_FORMS = {
    "sqlite": {"at": "%Y-%m-%d %H:%M:%SZ", "hour": "%Y-%m-%d %H", "day": "%Y-%m-%d"},
    "postgresql": {"at": 'YYYY-MM-DD HH24:MI:SS"Z"', "hour": "YYYY-MM-DD HH24", "day": "YYYY-MM-DD"},
}
_ORDERED_JOIN = {"sqlite": "CROSS JOIN", "postgresql": "JOIN"}
"""A join that SQLite makes in the order given; a server finds an order by itself, and wants this word with USING."""
_IN_BYTES_AND_MB = ("rss_bytes", "vms_bytes", "available_bytes", "q.limit_bytes", "limit_used_bytes")
"""`run` has a `limit_bytes` too."""
_MEASURED = (
    "rss_anon_bytes, rss_file_bytes, rss_shmem_bytes, swap_bytes, uss_bytes, pss_bytes, heap_used_bytes, "
    "heap_mmap_bytes, python_block_count, gc_collection_count, gc_uncollectable_count, thread_count, fd_count, work_count"
)
_FOR_EVER = 2_147_483_647
_LAST_BUCKET = 9_000_000_000_000_000


def upgrade() -> None:
    op.remake_views(revision)


def downgrade() -> None:
    op.remake_views(down_revision)
    op.execute("DROP VIEW held_reading")


def queries(dialect: str, added: list | tuple) -> dict[str, str]:
    """Return the query of each view; `added`: (column of a snapshot, column of the view) of readings after 0003."""
    made = (
        _source(dialect),
        _run(dialect),
        snapshot(dialect, added),
        _event(dialect),
        _held(dialect),
        _deque(dialect),
        _deque_change(dialect),
        _component(dialect),
        _assessment(dialect),
    )
    return dict(zip(NAMES, made, strict=True))


def _mb(column: str) -> str:
    return f"round({column} / 1048576.0, 3)"


def _at(dialect: str, column: str, form: str = "at") -> str:
    return _TIME[dialect].format(form=_FORMS[dialect][form], column=column)


def _source(dialect: str) -> str:
    return f"""
SELECT id AS source_id, name AS source, script_path, {_at(dialect, "created_ms")} AS created_at,
  (SELECT count(*) FROM run WHERE source_id = x.id) AS run_count,
  (SELECT {_at(dialect, "max(started_ms)")} FROM run WHERE source_id = x.id) AS last_start_at
FROM source x"""


def _run(dialect: str) -> str:
    return f"""
SELECT r.id AS run_id, name AS source, release, host, pid, role, external_id, r.script_path,
  python_version, memmon_version, interval_ms / 1000.0 AS interval_seconds,
  {_at(dialect, "started_ms")} AS started_at, {_at(dialect, "last_ms")} AS last_at,
  {_at(dialect, "ended_ms")} AS ended_at, end_reason, end_detail,
  round((last_ms - started_ms) / 3600000.0, 3) AS hours,
  (SELECT count(*) FROM snapshot WHERE run_id = r.id)
  + coalesce((SELECT sum(sample_count) FROM rollup WHERE run_id = r.id), 0) AS snapshot_count,
  (SELECT {_mb("max(peak)")} FROM (SELECT max(rss_bytes) AS peak FROM snapshot WHERE run_id = r.id
    UNION ALL SELECT max(max_rss_bytes) FROM rollup WHERE run_id = r.id) q) AS peak_rss_mb,
  limit_bytes, {_mb("limit_bytes")} AS limit_mb, limit_origin, started_ms, uuid, parent_uuid
FROM (SELECT id, coalesce((SELECT at_ms FROM snapshot WHERE run_id = o.id ORDER BY seq DESC LIMIT 1),
    (SELECT max(at_ms) FROM rollup WHERE run_id = o.id)) AS last_ms FROM run o) l
JOIN run r USING (id) JOIN source x ON x.id = source_id"""


def snapshot(dialect: str, added: list | tuple) -> str:
    """Return the query of `v_snapshot`; `added` as in `queries`."""
    sizes = ", ".join(
        f"{one}, {_mb(one)} AS {one[2 * one.startswith('q.') : -6]}_mb" for one in _IN_BYTES_AND_MB
    )
    shared = ", ".join(one.removeprefix("q.") for one in _IN_BYTES_AND_MB)
    new_raw = "".join(f", {name}{'' if name == shown else f' AS {shown}'}" for name, shown in added)
    new = "".join(f", {shown}" for _, shown in added)
    return f"""
SELECT name AS source, run_id, release, seq, {_at(dialect, "at_ms")} AS at,
  {_at(dialect, "at_ms", "hour")} AS hour, {_at(dialect, "at_ms", "day")} AS day, at_ms,
  round(uptime_ms / 3600000.0, 4) AS uptime_hours, {sizes},
  {_mb("min_rss_bytes")} AS min_rss_mb, {_mb("max_rss_bytes")} AS max_rss_mb,
  system_percent, max_system_percent, {_MEASURED},
  sample_count, resolution_ms / 1000 AS resolution_seconds{new}
FROM (SELECT run_id, seq, at_ms, uptime_ms, 0 AS resolution_ms, 1 AS sample_count, rss_bytes AS min_rss_bytes,
    rss_bytes AS max_rss_bytes, system_percent, system_percent AS max_system_percent, {shared}, {_MEASURED}{new_raw}
  FROM snapshot UNION ALL SELECT run_id, NULL, at_ms, uptime_ms, resolution_ms, sample_count, min_rss_bytes,
    max_rss_bytes, system_percent, max_system_percent, {shared}, {_MEASURED}{new} FROM rollup) q
JOIN run r ON r.id = run_id JOIN source x ON x.id = source_id"""


def _event(dialect: str) -> str:
    return f"""
SELECT name AS source, run_id, release, {_at(dialect, "at_ms")} AS at, {_at(dialect, "at_ms", "day")} AS day, at_ms,
  round(uptime_ms / 3600000.0, 4) AS uptime_hours, kind, text, data
FROM event e JOIN source x ON x.id = e.source_id LEFT JOIN run r ON r.id = run_id"""


def _held(dialect: str) -> str:
    """Return the query of every series at every sample: each reading held until the next of its series.

    The join goes from the changes to the samples between them: a seek per change, not one per sample. Of a
    rollup its own part tells mean and maximum, an earlier one its last value.
    """
    ordered = _ORDERED_JOIN[dialect]
    known = "kind, metric, x.name, r.id"
    of_runs = f"FROM source o CROSS JOIN run r {ordered} series x USING (source_id)"
    of_one = "run_id = r.id AND series_id = x.id"
    return f"""
SELECT source_id, o.name AS source, release, {known} AS run_id, s.seq, at_ms, 0 AS resolution_ms, 1 AS sample_count,
  value, value AS max_value
{of_runs} CROSS JOIN reading c {ordered} snapshot s USING (run_id)
WHERE o.id = source_id AND {of_one} AND s.seq BETWEEN c.seq AND coalesce((
  SELECT min(seq) - 1 FROM reading WHERE {of_one} AND seq > c.seq), {_FOR_EVER})
UNION ALL SELECT source_id, o.name, release, {known}, NULL, at_ms, h.resolution_ms, sample_count,
  CASE h.bucket_ms WHEN c.bucket_ms THEN mean_value ELSE last_value END,
  CASE h.bucket_ms WHEN c.bucket_ms THEN max_value ELSE last_value END
{of_runs} CROSS JOIN reading_rollup c {ordered} rollup h USING (run_id)
WHERE o.id = source_id AND {of_one} AND h.resolution_ms IN (3600000, 86400000)
  AND (h.bucket_ms > c.bucket_ms OR h.resolution_ms = c.resolution_ms) AND h.bucket_ms BETWEEN c.bucket_ms AND coalesce((
  SELECT min(bucket_ms) - 1 FROM reading_rollup WHERE {of_one} AND bucket_ms > c.bucket_ms), {_LAST_BUCKET})"""


def _deque(dialect: str) -> str:
    fill = "round(CAST(100.0 * {0} / nullif(maxlen, 0) AS NUMERIC), 1)"
    of_bound = (
        "WHERE source_id = q.source_id AND kind = 'deque' AND name = q.name AND metric = 'maxlen' "
        "AND run_id = q.run_id AND series_id = id AND"
    )
    return f"""
SELECT source, run_id, release, seq, {_at(dialect, "at_ms")} AS at, {_at(dialect, "at_ms", "day")} AS day, at_ms,
  name, value AS length, max_value AS max_length, maxlen, {fill.format("value")} AS fill_percent,
  {fill.format("max_value")} AS max_fill_percent, sample_count, resolution_ms / 1000 AS resolution_seconds
FROM (SELECT q.*, CASE resolution_ms
    WHEN 0 THEN (SELECT value FROM series CROSS JOIN reading {of_bound} seq <= q.seq ORDER BY seq DESC LIMIT 1)
    ELSE (SELECT last_value FROM series CROSS JOIN reading_rollup {of_bound} bucket_ms <= at_ms
      ORDER BY bucket_ms DESC LIMIT 1) END AS maxlen
  FROM held_reading q WHERE kind = 'deque' AND metric = 'length') d"""


def _deque_change(dialect: str) -> str:
    return f"""
SELECT o.name AS source, run_id, release, seq, {_at(dialect, "at_ms")} AS at, {_at(dialect, "at_ms", "day")} AS day, at_ms,
  x.name, metric, value
FROM run r CROSS JOIN source o {_ORDERED_JOIN[dialect]} series x USING (source_id) CROSS JOIN reading
LEFT JOIN snapshot USING (run_id, seq)
WHERE o.id = source_id AND kind = 'deque' AND run_id = r.id AND series_id = x.id"""


def _component(dialect: str) -> str:
    mb = "round(CAST({0} / 1048576.0 AS NUMERIC), 3)"
    return f"""
SELECT source, run_id, release, seq, {_at(dialect, "at_ms")} AS at, {_at(dialect, "at_ms", "day")} AS day, at_ms,
  name, value AS size_bytes, {mb.format("value")} AS size_mb, {mb.format("max_value")} AS max_size_mb,
  sample_count, resolution_ms / 1000 AS resolution_seconds
FROM held_reading WHERE kind = 'component' AND metric = 'bytes'"""


def _assessment(dialect: str) -> str:
    sizes = ", ".join(
        f"{one}_bytes, {_mb(f'{one}_bytes')} AS {one}_mb" for one in ("rss", "footprint", "charged", "limit")
    )
    return f"""
SELECT name AS source, {_at(dialect, "at_ms")} AS at, {_at(dialect, "at_ms", "day")} AS day, at_ms, writer,
  {_at(dialect, "last_ms")} AS last_at, severity, verdict, confidence, slope_mb_per_hour, {sizes},
  round(CAST(100.0 * charged_bytes / nullif(limit_bytes, 0) AS NUMERIC), 1) AS limit_percent, version, data
FROM assessment a JOIN source x ON x.id = source_id"""
