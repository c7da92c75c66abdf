"""Views for analysts: readable times and sizes, readings filled forward, raw and rollups together."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SQLITE_TIME = {
    "second": "strftime('%Y-%m-%dT%H:%M:%SZ', {0} / 1000, 'unixepoch')",
    "hour": "strftime('%Y-%m-%dT%H', {0} / 1000, 'unixepoch')",
    "day": "strftime('%Y-%m-%d', {0} / 1000, 'unixepoch')",
}
_POSTGRESQL_TIME = {
    "second": "to_char(to_timestamp({0} / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
    "hour": "to_char(to_timestamp({0} / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24')",
    "day": "to_char(to_timestamp({0} / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
}

_MEASURED = (
    "rss_anon_bytes",
    "rss_file_bytes",
    "rss_shmem_bytes",
    "swap_bytes",
    "uss_bytes",
    "pss_bytes",
    "heap_used_bytes",
    "heap_mmap_bytes",
    "python_block_count",
    "gc_collection_count",
    "gc_uncollectable_count",
    "thread_count",
    "fd_count",
    "work_count",
)
_IN_BYTES_AND_MB = ("rss", "vms", "available", "limit", "limit_used")
_FOR_EVER = 2_147_483_647
_LAST_BUCKET = 9_000_000_000_000_000

VIEWS = ("v_source", "v_run", "v_snapshot", "v_event", "v_deque", "v_deque_change", "v_component")


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    time = _SQLITE_TIME if sqlite else _POSTGRESQL_TIME
    for name, query in (
        ("v_source", _source(time)),
        ("v_run", _run(time)),
        ("v_snapshot", _snapshot(time)),
        ("v_event", _event(time)),
        ("v_deque", _deque(time)),
        ("v_deque_change", _deque_change(time)),
        ("v_component", _component(time)),
    ):
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW {name}")


def _mb(column: str) -> str:
    return f"round({column} / 1048576.0, 3)"


def _at(time: dict[str, str], column: str, unit: str = "second") -> str:
    return time[unit].format(column)


def _source(time: dict[str, str]) -> str:
    return f"""
SELECT x.id AS source_id, x.name AS source, x.script_path, {_at(time, "x.created_ms")} AS created_at,
  (SELECT count(*) FROM run r WHERE r.source_id = x.id) AS run_count,
  (SELECT {_at(time, "max(r.started_ms)")} FROM run r WHERE r.source_id = x.id) AS last_start_at
FROM source x"""


def _run(time: dict[str, str]) -> str:
    last_raw = "(SELECT s.at_ms FROM snapshot s WHERE s.run_id = r.id ORDER BY s.seq DESC LIMIT 1)"
    last_old = "(SELECT max(h.at_ms) FROM rollup h WHERE h.run_id = r.id)"
    last_ms = f"coalesce({last_raw}, {last_old})"
    snapshots = (
        "(SELECT count(*) FROM snapshot s WHERE s.run_id = r.id) + "
        "coalesce((SELECT sum(h.sample_count) FROM rollup h WHERE h.run_id = r.id), 0)"
    )
    peak_raw = "(SELECT max(s.rss_bytes) FROM snapshot s WHERE s.run_id = r.id)"
    peak_old = "(SELECT max(h.max_rss_bytes) FROM rollup h WHERE h.run_id = r.id)"
    peak = f"CASE WHEN coalesce({peak_old}, 0) > coalesce({peak_raw}, 0) THEN {peak_old} ELSE {peak_raw} END"
    return f"""
SELECT r.id AS run_id, x.name AS source, r.release, r.host, r.pid, r.role, r.external_id, r.script_path,
  r.python_version, r.memmon_version, r.interval_ms / 1000.0 AS interval_seconds,
  {_at(time, "r.started_ms")} AS started_at, {_at(time, last_ms)} AS last_at,
  {_at(time, "r.ended_ms")} AS ended_at, r.end_reason, r.end_detail,
  round(({last_ms} - r.started_ms) / 3600000.0, 3) AS hours, {snapshots} AS snapshot_count,
  {_mb(peak)} AS peak_rss_mb, r.limit_bytes, {_mb("r.limit_bytes")} AS limit_mb, r.limit_origin,
  r.started_ms, r.uuid, r.parent_uuid
FROM run r JOIN source x ON x.id = r.source_id"""


def _snapshot(time: dict[str, str]) -> str:
    sizes = ", ".join(f"q.{name}_bytes, {_mb(f'q.{name}_bytes')} AS {name}_mb" for name in _IN_BYTES_AND_MB)
    shared = ", ".join(f"{{0}}.{name}_bytes" for name in _IN_BYTES_AND_MB)
    others = ", ".join(f"{{0}}.{name}" for name in _MEASURED)
    raw = (
        "SELECT s.run_id, s.seq, s.at_ms, s.uptime_ms, 0 AS resolution_ms, 1 AS sample_count, "
        "s.rss_bytes AS min_rss_bytes, s.rss_bytes AS max_rss_bytes, s.system_percent, "
        f"s.system_percent AS max_system_percent, {shared.format('s')}, {others.format('s')} FROM snapshot s"
    )
    old = (
        "SELECT h.run_id, NULL, h.at_ms, h.uptime_ms, h.resolution_ms, h.sample_count, "
        "h.min_rss_bytes, h.max_rss_bytes, h.system_percent, "
        f"h.max_system_percent, {shared.format('h')}, {others.format('h')} FROM rollup h"
    )
    return f"""
SELECT x.name AS source, q.run_id, r.release, q.seq, {_at(time, "q.at_ms")} AS at,
  {_at(time, "q.at_ms", "hour")} AS hour, {_at(time, "q.at_ms", "day")} AS day, q.at_ms,
  round(q.uptime_ms / 3600000.0, 4) AS uptime_hours, {sizes},
  {_mb("q.min_rss_bytes")} AS min_rss_mb, {_mb("q.max_rss_bytes")} AS max_rss_mb,
  q.system_percent, q.max_system_percent, {others.format("q")},
  q.sample_count, q.resolution_ms / 1000 AS resolution_seconds
FROM ({raw} UNION ALL {old}) q JOIN run r ON r.id = q.run_id JOIN source x ON x.id = r.source_id"""


def _event(time: dict[str, str]) -> str:
    return f"""
SELECT x.name AS source, e.run_id, r.release, {_at(time, "e.at_ms")} AS at,
  {_at(time, "e.at_ms", "day")} AS day, e.at_ms, round(e.uptime_ms / 3600000.0, 4) AS uptime_hours,
  e.kind, e.text, e.data
FROM event e JOIN source x ON x.id = e.source_id LEFT JOIN run r ON r.id = e.run_id"""


def _held(kind: str, metric: str) -> str:
    """Return the query of one metric at every sample: each reading held until the next of its series.

    The join goes from the changes to the snapshots between them: a seek per change, not one
    per snapshot.
    """
    series = f"x.kind = '{kind}' AND x.metric = '{metric}' AND x.source_id = r.source_id"
    after = (
        "coalesce((SELECT min(n.seq) FROM reading n WHERE n.run_id = c.run_id "
        f"AND n.series_id = c.series_id AND n.seq > c.seq), {_FOR_EVER})"
    )
    rolled_after = (
        "coalesce((SELECT min(n.bucket_ms) FROM reading_rollup n WHERE n.run_id = c.run_id "
        f"AND n.series_id = c.series_id AND n.bucket_ms > c.bucket_ms), {_LAST_BUCKET})"
    )
    columns = "r.source_id, r.release, x.name"
    raw = (
        f"SELECT {columns}, s.run_id, s.seq, s.at_ms, 0 AS resolution_ms, 1 AS sample_count, "
        "c.value AS value, c.value AS max_value "
        "FROM run r CROSS JOIN series x CROSS JOIN reading c CROSS JOIN snapshot s "
        f"WHERE {series} AND c.run_id = r.id AND c.series_id = x.id "
        f"AND s.run_id = c.run_id AND s.seq >= c.seq AND s.seq < {after}"
    )
    rolled = (
        f"SELECT {columns}, h.run_id, NULL, h.at_ms, h.resolution_ms, h.sample_count, {{values}} "
        "FROM run r CROSS JOIN series x CROSS JOIN reading_rollup c CROSS JOIN rollup h "
        f"WHERE {series} AND c.run_id = r.id AND c.series_id = x.id AND h.run_id = c.run_id "
    )
    own = rolled.format(values="c.mean_value, c.max_value") + (
        "AND h.resolution_ms = c.resolution_ms AND h.bucket_ms = c.bucket_ms"
    )
    carried = rolled.format(values="c.last_value, c.last_value") + (
        "AND h.resolution_ms IN (3600000, 86400000) AND h.bucket_ms > c.bucket_ms "
        f"AND h.bucket_ms < {rolled_after}"
    )
    return f"{raw} UNION ALL {own} UNION ALL {carried}"


def _deque(time: dict[str, str]) -> str:
    bound = (
        "SELECT m.value FROM series y CROSS JOIN reading m WHERE y.source_id = q.source_id "
        "AND y.kind = 'deque' AND y.name = q.name AND y.metric = 'maxlen' AND m.run_id = q.run_id "
        "AND m.series_id = y.id AND m.seq <= q.seq ORDER BY m.seq DESC LIMIT 1"
    )
    old_bound = (
        "SELECT m.last_value FROM series y CROSS JOIN reading_rollup m WHERE y.source_id = q.source_id "
        "AND y.kind = 'deque' AND y.name = q.name AND y.metric = 'maxlen' AND m.run_id = q.run_id "
        "AND m.series_id = y.id AND m.bucket_ms <= q.at_ms ORDER BY m.bucket_ms DESC LIMIT 1"
    )
    maxlen = f"CASE WHEN q.resolution_ms = 0 THEN ({bound}) ELSE ({old_bound}) END"
    fill = "round(CAST(100.0 * {0} / nullif(d.maxlen, 0) AS NUMERIC), 1)"
    return f"""
SELECT x.name AS source, d.run_id, d.release, d.seq, {_at(time, "d.at_ms")} AS at,
  {_at(time, "d.at_ms", "day")} AS day, d.at_ms, d.name, d.value AS length, d.max_value AS max_length,
  d.maxlen, {fill.format("d.value")} AS fill_percent, {fill.format("d.max_value")} AS max_fill_percent,
  d.sample_count, d.resolution_ms / 1000 AS resolution_seconds
FROM (SELECT q.*, {maxlen} AS maxlen FROM ({_held("deque", "length")}) q) d
JOIN source x ON x.id = d.source_id"""


def _deque_change(time: dict[str, str]) -> str:
    return f"""
SELECT o.name AS source, c.run_id, r.release, c.seq, {_at(time, "s.at_ms")} AS at,
  {_at(time, "s.at_ms", "day")} AS day, s.at_ms, x.name, x.metric, c.value
FROM run r CROSS JOIN source o CROSS JOIN series x CROSS JOIN reading c
LEFT JOIN snapshot s ON s.run_id = c.run_id AND s.seq = c.seq
WHERE o.id = r.source_id AND x.source_id = r.source_id AND x.kind = 'deque'
  AND c.run_id = r.id AND c.series_id = x.id"""


def _component(time: dict[str, str]) -> str:
    return f"""
SELECT x.name AS source, q.run_id, q.release, q.seq, {_at(time, "q.at_ms")} AS at,
  {_at(time, "q.at_ms", "day")} AS day, q.at_ms, q.name, q.value AS size_bytes,
  round(CAST(q.value / 1048576.0 AS NUMERIC), 3) AS size_mb,
  round(CAST(q.max_value / 1048576.0 AS NUMERIC), 3) AS max_size_mb,
  q.sample_count, q.resolution_ms / 1000 AS resolution_seconds
FROM ({_held("component", "bytes")}) q JOIN source x ON x.id = q.source_id"""
