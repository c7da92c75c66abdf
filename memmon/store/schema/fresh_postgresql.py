"""What makes a new PostgreSQL database: generated from the revisions, not edited by hand.

Renewed by `python migrations/make_fresh_script.py`.
"""

from __future__ import annotations

STATEMENTS: tuple[str, ...] = (
    """CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)""",
    """CREATE TABLE source (
    id SERIAL NOT NULL,
    name TEXT NOT NULL,
    script_path TEXT,
    created_ms BIGINT NOT NULL,
    CONSTRAINT pk_source PRIMARY KEY (id),
    CONSTRAINT uq_source_name UNIQUE (name)
)""",
    """CREATE TABLE alert_state (
    source_id INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    notified_ms BIGINT,
    data TEXT,
    CONSTRAINT pk_alert_state PRIMARY KEY (source_id, fingerprint),
    CONSTRAINT fk_alert_state_source_id FOREIGN KEY(source_id) REFERENCES source (id)
)""",
    """CREATE TABLE report (
    id SERIAL NOT NULL,
    source_id INTEGER NOT NULL,
    at_ms BIGINT NOT NULL,
    window_ms BIGINT NOT NULL,
    text TEXT NOT NULL,
    data TEXT,
    CONSTRAINT pk_report PRIMARY KEY (id),
    CONSTRAINT fk_report_source_id FOREIGN KEY(source_id) REFERENCES source (id),
    CONSTRAINT uq_report_source_id_at_ms UNIQUE (source_id, at_ms)
)""",
    """CREATE TABLE run (
    id SERIAL NOT NULL,
    uuid TEXT NOT NULL,
    source_id INTEGER NOT NULL,
    host TEXT,
    pid BIGINT,
    process_started_ms BIGINT,
    boot_id TEXT,
    parent_uuid TEXT,
    role TEXT,
    script_path TEXT,
    external_id TEXT,
    release TEXT,
    python_version TEXT,
    memmon_version TEXT,
    interval_ms BIGINT,
    limit_bytes BIGINT,
    limit_origin TEXT,
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    end_reason TEXT,
    end_detail TEXT,
    CONSTRAINT pk_run PRIMARY KEY (id),
    CONSTRAINT fk_run_source_id FOREIGN KEY(source_id) REFERENCES source (id),
    CONSTRAINT uq_run_uuid UNIQUE (uuid)
)""",
    "CREATE INDEX ix_run_source_id_started_ms ON run (source_id, started_ms)",
    """CREATE TABLE series (
    id SERIAL NOT NULL,
    source_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    metric TEXT NOT NULL,
    CONSTRAINT pk_series PRIMARY KEY (id),
    CONSTRAINT fk_series_source_id FOREIGN KEY(source_id) REFERENCES source (id),
    CONSTRAINT uq_series_source_id_kind_name_metric UNIQUE (source_id, kind, name, metric)
)""",
    """CREATE TABLE event (
    id SERIAL NOT NULL,
    source_id INTEGER NOT NULL,
    run_id INTEGER,
    seq INTEGER,
    at_ms BIGINT NOT NULL,
    uptime_ms BIGINT,
    kind TEXT NOT NULL,
    text TEXT DEFAULT '' NOT NULL,
    data TEXT,
    CONSTRAINT pk_event PRIMARY KEY (id),
    CONSTRAINT fk_event_source_id FOREIGN KEY(source_id) REFERENCES source (id),
    CONSTRAINT fk_event_run_id FOREIGN KEY(run_id) REFERENCES run (id),
    CONSTRAINT uq_event_run_id_seq UNIQUE (run_id, seq)
)""",
    "CREATE INDEX ix_event_source_id_at_ms ON event (source_id, at_ms)",
    """CREATE TABLE reading (
    run_id INTEGER NOT NULL,
    series_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    value BIGINT,
    CONSTRAINT pk_reading PRIMARY KEY (run_id, series_id, seq),
    CONSTRAINT fk_reading_run_id FOREIGN KEY(run_id) REFERENCES run (id),
    CONSTRAINT fk_reading_series_id FOREIGN KEY(series_id) REFERENCES series (id)
)""",
    """CREATE TABLE snapshot (
    run_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_ms BIGINT NOT NULL,
    uptime_ms BIGINT NOT NULL,
    rss_bytes BIGINT,
    vms_bytes BIGINT,
    system_percent FLOAT,
    available_bytes BIGINT,
    limit_bytes BIGINT,
    limit_used_bytes BIGINT,
    rss_anon_bytes BIGINT,
    rss_file_bytes BIGINT,
    rss_shmem_bytes BIGINT,
    swap_bytes BIGINT,
    uss_bytes BIGINT,
    pss_bytes BIGINT,
    heap_used_bytes BIGINT,
    heap_mmap_bytes BIGINT,
    python_block_count BIGINT,
    gc_collection_count BIGINT,
    gc_uncollectable_count BIGINT,
    thread_count INTEGER,
    fd_count INTEGER,
    work_count BIGINT,
    CONSTRAINT pk_snapshot PRIMARY KEY (run_id, seq),
    CONSTRAINT fk_snapshot_run_id FOREIGN KEY(run_id) REFERENCES run (id)
)""",
    "ALTER TABLE snapshot ADD COLUMN digest BIGINT",
    """CREATE TABLE rollup (
    run_id INTEGER NOT NULL,
    resolution_ms BIGINT NOT NULL,
    bucket_ms BIGINT NOT NULL,
    sample_count INTEGER NOT NULL,
    rss_count INTEGER NOT NULL,
    at_ms BIGINT NOT NULL,
    uptime_ms BIGINT NOT NULL,
    min_rss_bytes BIGINT,
    max_rss_bytes BIGINT,
    last_rss_bytes BIGINT,
    max_vms_bytes BIGINT,
    max_system_percent FLOAT,
    min_available_bytes BIGINT,
    max_limit_used_bytes BIGINT,
    max_thread_count INTEGER,
    max_fd_count INTEGER,
    rss_bytes BIGINT,
    vms_bytes BIGINT,
    system_percent FLOAT,
    available_bytes BIGINT,
    limit_bytes BIGINT,
    limit_used_bytes BIGINT,
    rss_anon_bytes BIGINT,
    rss_file_bytes BIGINT,
    rss_shmem_bytes BIGINT,
    swap_bytes BIGINT,
    uss_bytes BIGINT,
    pss_bytes BIGINT,
    heap_used_bytes BIGINT,
    heap_mmap_bytes BIGINT,
    python_block_count BIGINT,
    gc_collection_count BIGINT,
    gc_uncollectable_count BIGINT,
    thread_count INTEGER,
    fd_count INTEGER,
    work_count BIGINT,
    digest BIGINT,
    CONSTRAINT pk_rollup PRIMARY KEY (run_id, resolution_ms, bucket_ms),
    CONSTRAINT fk_rollup_run_id FOREIGN KEY(run_id) REFERENCES run (id)
)""",
    """CREATE TABLE reading_rollup (
    run_id INTEGER NOT NULL,
    series_id INTEGER NOT NULL,
    resolution_ms BIGINT NOT NULL,
    bucket_ms BIGINT NOT NULL,
    min_value BIGINT,
    mean_value FLOAT,
    max_value BIGINT,
    last_value BIGINT,
    CONSTRAINT pk_reading_rollup PRIMARY KEY (run_id, series_id, resolution_ms, bucket_ms),
    CONSTRAINT fk_reading_rollup_run_id FOREIGN KEY(run_id) REFERENCES run (id),
    CONSTRAINT fk_reading_rollup_series_id FOREIGN KEY(series_id) REFERENCES series (id)
)""",
    """CREATE TABLE alert_watch (
    source_id INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    title TEXT DEFAULT '' NOT NULL,
    since_ms BIGINT NOT NULL,
    clear_since_ms BIGINT,
    told_ms BIGINT,
    told_severity TEXT,
    told_members TEXT,
    told_since_ms BIGINT,
    acknowledged_ms BIGINT,
    acknowledged_by TEXT,
    seen_ms BIGINT NOT NULL,
    CONSTRAINT pk_alert_watch PRIMARY KEY (source_id, fingerprint),
    CONSTRAINT fk_alert_watch_source_id FOREIGN KEY(source_id) REFERENCES source (id)
)""",
    """CREATE TABLE alert_silence (
    id SERIAL NOT NULL,
    source_id INTEGER,
    kind TEXT,
    from_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_alert_silence PRIMARY KEY (id),
    CONSTRAINT fk_alert_silence_source_id FOREIGN KEY(source_id) REFERENCES source (id)
)""",
    """CREATE TABLE alert_message (
    id SERIAL NOT NULL,
    uuid TEXT NOT NULL,
    source_id INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    event TEXT NOT NULL,
    severity TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    data TEXT,
    CONSTRAINT pk_alert_message PRIMARY KEY (id),
    CONSTRAINT fk_alert_message_source_id FOREIGN KEY(source_id) REFERENCES source (id),
    CONSTRAINT uq_alert_message_uuid UNIQUE (uuid)
)""",
    "CREATE INDEX ix_alert_message_at_ms ON alert_message (at_ms)",
    """CREATE TABLE alert_delivery (
    message_id INTEGER NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt_count INTEGER DEFAULT '0' NOT NULL,
    next_ms BIGINT NOT NULL,
    done_ms BIGINT,
    error TEXT,
    CONSTRAINT pk_alert_delivery PRIMARY KEY (message_id, channel),
    CONSTRAINT fk_alert_delivery_message_id FOREIGN KEY(message_id) REFERENCES alert_message (id)
)""",
    """CREATE TABLE alert_lease (
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    until_ms BIGINT NOT NULL,
    CONSTRAINT pk_alert_lease PRIMARY KEY (name)
)""",
    "CREATE TABLE alert_watch_before AS SELECT source_id, fingerprint, kind, state, severity, title, since_ms, clear_since_ms, told_ms, told_severity, told_members, told_since_ms, acknowledged_ms, acknowledged_by, seen_ms FROM alert_watch",
    "DROP TABLE alert_watch",
    """CREATE TABLE alert_watch (
    source_id INTEGER NOT NULL,
    holder TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    title TEXT DEFAULT '' NOT NULL,
    since_ms BIGINT NOT NULL,
    clear_since_ms BIGINT,
    told_ms BIGINT,
    told_severity TEXT,
    told_members TEXT,
    told_since_ms BIGINT,
    acknowledged_ms BIGINT,
    acknowledged_by TEXT,
    seen_ms BIGINT NOT NULL,
    data TEXT,
    CONSTRAINT pk_alert_watch PRIMARY KEY (source_id, holder, fingerprint),
    CONSTRAINT fk_alert_watch_source_id FOREIGN KEY(source_id) REFERENCES source (id)
)""",
    "INSERT INTO alert_watch (holder, source_id, fingerprint, kind, state, severity, title, since_ms, clear_since_ms, told_ms, told_severity, told_members, told_since_ms, acknowledged_ms, acknowledged_by, seen_ms) SELECT 'evaluator', source_id, fingerprint, kind, state, severity, title, since_ms, clear_since_ms, told_ms, told_severity, told_members, told_since_ms, acknowledged_ms, acknowledged_by, seen_ms FROM alert_watch_before",
    "INSERT INTO alert_watch (source_id, holder, fingerprint, kind, state, severity, title, since_ms, told_ms, told_severity, told_since_ms, seen_ms, data) SELECT source_id, 'recorder', fingerprint, kind, state, severity, '', since_ms, notified_ms, severity, since_ms, coalesce(notified_ms, since_ms), data FROM alert_state",
    "DROP TABLE alert_watch_before",
    "DROP TABLE alert_state",
    "CREATE VIEW alert_state AS SELECT source_id, fingerprint, kind, state, severity, since_ms, told_ms AS notified_ms, data FROM alert_watch WHERE holder = 'recorder'",
    "ALTER TABLE snapshot ADD COLUMN charged_bytes BIGINT",
    "ALTER TABLE rollup ADD COLUMN max_charged_bytes BIGINT",
    "ALTER TABLE rollup ADD COLUMN charged_bytes BIGINT",
    """CREATE TABLE assessment (
    id SERIAL NOT NULL,
    source_id INTEGER NOT NULL,
    at_ms BIGINT NOT NULL,
    writer TEXT NOT NULL,
    last_ms BIGINT,
    severity TEXT,
    verdict TEXT NOT NULL,
    confidence TEXT NOT NULL,
    slope_mb_per_hour FLOAT,
    rss_bytes BIGINT,
    footprint_bytes BIGINT,
    charged_bytes BIGINT,
    limit_bytes BIGINT,
    version INTEGER NOT NULL,
    data TEXT NOT NULL,
    CONSTRAINT pk_assessment PRIMARY KEY (id),
    CONSTRAINT fk_assessment_source_id FOREIGN KEY(source_id) REFERENCES source (id),
    CONSTRAINT uq_assessment_source_id_at_ms_writer UNIQUE (source_id, at_ms, writer)
)""",
    """CREATE OR REPLACE VIEW v_source AS
SELECT id AS source_id, name AS source, script_path, to_char(to_timestamp(created_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS created_at,
  (SELECT count(*) FROM run WHERE source_id = x.id) AS run_count,
  (SELECT to_char(to_timestamp(max(started_ms) / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') FROM run WHERE source_id = x.id) AS last_start_at
FROM source x""",
    """CREATE OR REPLACE VIEW v_run AS
SELECT r.id AS run_id, name AS source, release, host, pid, role, external_id, r.script_path,
  python_version, memmon_version, interval_ms / 1000.0 AS interval_seconds,
  to_char(to_timestamp(started_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS started_at, to_char(to_timestamp(last_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS last_at,
  to_char(to_timestamp(ended_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS ended_at, end_reason, end_detail,
  round((last_ms - started_ms) / 3600000.0, 3) AS hours,
  (SELECT count(*) FROM snapshot WHERE run_id = r.id)
  + coalesce((SELECT sum(sample_count) FROM rollup WHERE run_id = r.id), 0) AS snapshot_count,
  (SELECT round(max(peak) / 1048576.0, 3) FROM (SELECT max(rss_bytes) AS peak FROM snapshot WHERE run_id = r.id
    UNION ALL SELECT max(max_rss_bytes) FROM rollup WHERE run_id = r.id) q) AS peak_rss_mb,
  limit_bytes, round(limit_bytes / 1048576.0, 3) AS limit_mb, limit_origin, started_ms, uuid, parent_uuid
FROM (SELECT id, coalesce((SELECT at_ms FROM snapshot WHERE run_id = o.id ORDER BY seq DESC LIMIT 1),
    (SELECT max(at_ms) FROM rollup WHERE run_id = o.id)) AS last_ms FROM run o) l
JOIN run r USING (id) JOIN source x ON x.id = source_id""",
    """CREATE OR REPLACE VIEW v_event AS
SELECT name AS source, run_id, release, to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS at, to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, at_ms,
  round(uptime_ms / 3600000.0, 4) AS uptime_hours, kind, text, data
FROM event e JOIN source x ON x.id = e.source_id LEFT JOIN run r ON r.id = run_id""",
    """CREATE OR REPLACE VIEW held_reading AS
SELECT source_id, o.name AS source, release, kind, metric, x.name, r.id AS run_id, s.seq, at_ms, 0 AS resolution_ms, 1 AS sample_count,
  value, value AS max_value
FROM source o CROSS JOIN run r JOIN series x USING (source_id) CROSS JOIN reading c JOIN snapshot s USING (run_id)
WHERE o.id = source_id AND run_id = r.id AND series_id = x.id AND s.seq BETWEEN c.seq AND coalesce((
  SELECT min(seq) - 1 FROM reading WHERE run_id = r.id AND series_id = x.id AND seq > c.seq), 2147483647)
UNION ALL SELECT source_id, o.name, release, kind, metric, x.name, r.id, NULL, at_ms, h.resolution_ms, sample_count,
  CASE h.bucket_ms WHEN c.bucket_ms THEN mean_value ELSE last_value END,
  CASE h.bucket_ms WHEN c.bucket_ms THEN max_value ELSE last_value END
FROM source o CROSS JOIN run r JOIN series x USING (source_id) CROSS JOIN reading_rollup c JOIN rollup h USING (run_id)
WHERE o.id = source_id AND run_id = r.id AND series_id = x.id AND h.resolution_ms IN (3600000, 86400000)
  AND (h.bucket_ms > c.bucket_ms OR h.resolution_ms = c.resolution_ms) AND h.bucket_ms BETWEEN c.bucket_ms AND coalesce((
  SELECT min(bucket_ms) - 1 FROM reading_rollup WHERE run_id = r.id AND series_id = x.id AND bucket_ms > c.bucket_ms), 9000000000000000)""",
    """CREATE OR REPLACE VIEW v_deque AS
SELECT source, run_id, release, seq, to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS at, to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, at_ms,
  name, value AS length, max_value AS max_length, maxlen, round(CAST(100.0 * value / nullif(maxlen, 0) AS NUMERIC), 1) AS fill_percent,
  round(CAST(100.0 * max_value / nullif(maxlen, 0) AS NUMERIC), 1) AS max_fill_percent, sample_count, resolution_ms / 1000 AS resolution_seconds
FROM (SELECT q.*, CASE resolution_ms
    WHEN 0 THEN (SELECT value FROM series CROSS JOIN reading WHERE source_id = q.source_id AND kind = 'deque' AND name = q.name AND metric = 'maxlen' AND run_id = q.run_id AND series_id = id AND seq <= q.seq ORDER BY seq DESC LIMIT 1)
    ELSE (SELECT last_value FROM series CROSS JOIN reading_rollup WHERE source_id = q.source_id AND kind = 'deque' AND name = q.name AND metric = 'maxlen' AND run_id = q.run_id AND series_id = id AND bucket_ms <= at_ms
      ORDER BY bucket_ms DESC LIMIT 1) END AS maxlen
  FROM held_reading q WHERE kind = 'deque' AND metric = 'length') d""",
    """CREATE OR REPLACE VIEW v_deque_change AS
SELECT o.name AS source, run_id, release, seq, to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS at, to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, at_ms,
  x.name, metric, value
FROM run r CROSS JOIN source o JOIN series x USING (source_id) CROSS JOIN reading
LEFT JOIN snapshot USING (run_id, seq)
WHERE o.id = source_id AND kind = 'deque' AND run_id = r.id AND series_id = x.id""",
    """CREATE OR REPLACE VIEW v_component AS
SELECT source, run_id, release, seq, to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS at, to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, at_ms,
  name, value AS size_bytes, round(CAST(value / 1048576.0 AS NUMERIC), 3) AS size_mb, round(CAST(max_value / 1048576.0 AS NUMERIC), 3) AS max_size_mb,
  sample_count, resolution_ms / 1000 AS resolution_seconds
FROM held_reading WHERE kind = 'component' AND metric = 'bytes'""",
    """CREATE OR REPLACE VIEW v_assessment AS
SELECT name AS source, to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS at, to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, at_ms, writer,
  to_char(to_timestamp(last_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS last_at, severity, verdict, confidence, slope_mb_per_hour, rss_bytes, round(rss_bytes / 1048576.0, 3) AS rss_mb, footprint_bytes, round(footprint_bytes / 1048576.0, 3) AS footprint_mb, charged_bytes, round(charged_bytes / 1048576.0, 3) AS charged_mb, limit_bytes, round(limit_bytes / 1048576.0, 3) AS limit_mb,
  round(CAST(100.0 * charged_bytes / nullif(limit_bytes, 0) AS NUMERIC), 1) AS limit_percent, version, data
FROM assessment a JOIN source x ON x.id = source_id""",
    "ALTER TABLE snapshot ADD COLUMN gc_pending_count BIGINT",
    "ALTER TABLE rollup ADD COLUMN gc_pending_count BIGINT",
    """CREATE OR REPLACE VIEW v_snapshot AS
SELECT name AS source, run_id, release, seq, to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS at,
  to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24') AS hour, to_char(to_timestamp(at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, at_ms,
  round(uptime_ms / 3600000.0, 4) AS uptime_hours, rss_bytes, round(rss_bytes / 1048576.0, 3) AS rss_mb, vms_bytes, round(vms_bytes / 1048576.0, 3) AS vms_mb, available_bytes, round(available_bytes / 1048576.0, 3) AS available_mb, q.limit_bytes, round(q.limit_bytes / 1048576.0, 3) AS limit_mb, limit_used_bytes, round(limit_used_bytes / 1048576.0, 3) AS limit_used_mb,
  round(min_rss_bytes / 1048576.0, 3) AS min_rss_mb, round(max_rss_bytes / 1048576.0, 3) AS max_rss_mb,
  system_percent, max_system_percent, rss_anon_bytes, rss_file_bytes, rss_shmem_bytes, swap_bytes, uss_bytes, pss_bytes, heap_used_bytes, heap_mmap_bytes, python_block_count, gc_collection_count, gc_uncollectable_count, thread_count, fd_count, work_count,
  sample_count, resolution_ms / 1000 AS resolution_seconds, charged_bytes, max_charged_bytes, gc_pending_count
FROM (SELECT run_id, seq, at_ms, uptime_ms, 0 AS resolution_ms, 1 AS sample_count, rss_bytes AS min_rss_bytes,
    rss_bytes AS max_rss_bytes, system_percent, system_percent AS max_system_percent, rss_bytes, vms_bytes, available_bytes, limit_bytes, limit_used_bytes, rss_anon_bytes, rss_file_bytes, rss_shmem_bytes, swap_bytes, uss_bytes, pss_bytes, heap_used_bytes, heap_mmap_bytes, python_block_count, gc_collection_count, gc_uncollectable_count, thread_count, fd_count, work_count, charged_bytes, charged_bytes AS max_charged_bytes, gc_pending_count
  FROM snapshot UNION ALL SELECT run_id, NULL, at_ms, uptime_ms, resolution_ms, sample_count, min_rss_bytes,
    max_rss_bytes, system_percent, max_system_percent, rss_bytes, vms_bytes, available_bytes, limit_bytes, limit_used_bytes, rss_anon_bytes, rss_file_bytes, rss_shmem_bytes, swap_bytes, uss_bytes, pss_bytes, heap_used_bytes, heap_mmap_bytes, python_block_count, gc_collection_count, gc_uncollectable_count, thread_count, fd_count, work_count, charged_bytes, max_charged_bytes, gc_pending_count FROM rollup) q
JOIN run r ON r.id = run_id JOIN source x ON x.id = source_id""",
    "ALTER TABLE rollup ADD COLUMN min_heap_used_bytes BIGINT",
    "ALTER TABLE rollup ADD COLUMN min_heap_mmap_bytes BIGINT",
    "ALTER TABLE rollup ADD COLUMN min_python_block_count BIGINT",
    "INSERT INTO alembic_version (version_num) VALUES ('0010')",
)
