"""What makes a new SQLite database: generated from the revisions, not edited by hand.

Renewed by `python migrations/make_fresh_script.py`.
"""

from __future__ import annotations

STATEMENTS: tuple[str, ...] = (
    """CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)""",
    "PRAGMA application_id=1835363695",
    """CREATE TABLE source (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    script_path TEXT,
    created_ms INTEGER NOT NULL,
    CONSTRAINT pk_source PRIMARY KEY (id),
    CONSTRAINT uq_source_name UNIQUE (name)
)""",
    """CREATE TABLE alert_state (
    source_id INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    notified_ms INTEGER,
    data TEXT,
    CONSTRAINT pk_alert_state PRIMARY KEY (source_id, fingerprint),
    CONSTRAINT fk_alert_state_source_id FOREIGN KEY(source_id) REFERENCES source (id)
)""",
    """CREATE TABLE report (
    id INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    window_ms INTEGER NOT NULL,
    text TEXT NOT NULL,
    data TEXT,
    CONSTRAINT pk_report PRIMARY KEY (id),
    CONSTRAINT fk_report_source_id FOREIGN KEY(source_id) REFERENCES source (id),
    CONSTRAINT uq_report_source_id_at_ms UNIQUE (source_id, at_ms)
)""",
    """CREATE TABLE run (
    id INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    source_id INTEGER NOT NULL,
    host TEXT,
    pid INTEGER,
    process_started_ms INTEGER,
    boot_id TEXT,
    parent_uuid TEXT,
    role TEXT,
    script_path TEXT,
    external_id TEXT,
    release TEXT,
    python_version TEXT,
    memmon_version TEXT,
    interval_ms INTEGER,
    limit_bytes INTEGER,
    limit_origin TEXT,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    end_reason TEXT,
    end_detail TEXT,
    CONSTRAINT pk_run PRIMARY KEY (id),
    CONSTRAINT fk_run_source_id FOREIGN KEY(source_id) REFERENCES source (id),
    CONSTRAINT uq_run_uuid UNIQUE (uuid)
)""",
    "CREATE INDEX ix_run_source_id_started_ms ON run (source_id, started_ms)",
    """CREATE TABLE series (
    id INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    metric TEXT NOT NULL,
    CONSTRAINT pk_series PRIMARY KEY (id),
    CONSTRAINT fk_series_source_id FOREIGN KEY(source_id) REFERENCES source (id),
    CONSTRAINT uq_series_source_id_kind_name_metric UNIQUE (source_id, kind, name, metric)
)""",
    """CREATE TABLE event (
    id INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    run_id INTEGER,
    seq INTEGER,
    at_ms INTEGER NOT NULL,
    uptime_ms INTEGER,
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
    value INTEGER,
    CONSTRAINT pk_reading PRIMARY KEY (run_id, series_id, seq),
    CONSTRAINT fk_reading_run_id FOREIGN KEY(run_id) REFERENCES run (id),
    CONSTRAINT fk_reading_series_id FOREIGN KEY(series_id) REFERENCES series (id)
)
 WITHOUT ROWID""",
    """CREATE TABLE snapshot (
    run_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    uptime_ms INTEGER NOT NULL,
    rss_bytes INTEGER,
    vms_bytes INTEGER,
    system_percent FLOAT,
    available_bytes INTEGER,
    limit_bytes INTEGER,
    limit_used_bytes INTEGER,
    rss_anon_bytes INTEGER,
    rss_file_bytes INTEGER,
    rss_shmem_bytes INTEGER,
    swap_bytes INTEGER,
    uss_bytes INTEGER,
    pss_bytes INTEGER,
    heap_used_bytes INTEGER,
    heap_mmap_bytes INTEGER,
    python_block_count INTEGER,
    gc_collection_count INTEGER,
    gc_uncollectable_count INTEGER,
    thread_count INTEGER,
    fd_count INTEGER,
    work_count INTEGER,
    CONSTRAINT pk_snapshot PRIMARY KEY (run_id, seq),
    CONSTRAINT fk_snapshot_run_id FOREIGN KEY(run_id) REFERENCES run (id)
)
 WITHOUT ROWID""",
    "ALTER TABLE snapshot ADD COLUMN digest INTEGER",
    """CREATE TABLE rollup (
    run_id INTEGER NOT NULL,
    resolution_ms INTEGER NOT NULL,
    bucket_ms INTEGER NOT NULL,
    sample_count INTEGER NOT NULL,
    rss_count INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    uptime_ms INTEGER NOT NULL,
    min_rss_bytes INTEGER,
    max_rss_bytes INTEGER,
    last_rss_bytes INTEGER,
    max_vms_bytes INTEGER,
    max_system_percent FLOAT,
    min_available_bytes INTEGER,
    max_limit_used_bytes INTEGER,
    max_thread_count INTEGER,
    max_fd_count INTEGER,
    rss_bytes INTEGER,
    vms_bytes INTEGER,
    system_percent FLOAT,
    available_bytes INTEGER,
    limit_bytes INTEGER,
    limit_used_bytes INTEGER,
    rss_anon_bytes INTEGER,
    rss_file_bytes INTEGER,
    rss_shmem_bytes INTEGER,
    swap_bytes INTEGER,
    uss_bytes INTEGER,
    pss_bytes INTEGER,
    heap_used_bytes INTEGER,
    heap_mmap_bytes INTEGER,
    python_block_count INTEGER,
    gc_collection_count INTEGER,
    gc_uncollectable_count INTEGER,
    thread_count INTEGER,
    fd_count INTEGER,
    work_count INTEGER,
    digest INTEGER,
    CONSTRAINT pk_rollup PRIMARY KEY (run_id, resolution_ms, bucket_ms),
    CONSTRAINT fk_rollup_run_id FOREIGN KEY(run_id) REFERENCES run (id)
)
 WITHOUT ROWID""",
    """CREATE TABLE reading_rollup (
    run_id INTEGER NOT NULL,
    series_id INTEGER NOT NULL,
    resolution_ms INTEGER NOT NULL,
    bucket_ms INTEGER NOT NULL,
    min_value INTEGER,
    mean_value FLOAT,
    max_value INTEGER,
    last_value INTEGER,
    CONSTRAINT pk_reading_rollup PRIMARY KEY (run_id, series_id, resolution_ms, bucket_ms),
    CONSTRAINT fk_reading_rollup_run_id FOREIGN KEY(run_id) REFERENCES run (id),
    CONSTRAINT fk_reading_rollup_series_id FOREIGN KEY(series_id) REFERENCES series (id)
)
 WITHOUT ROWID""",
    """CREATE VIEW v_source AS
SELECT x.id AS source_id, x.name AS source, x.script_path, strftime('%Y-%m-%dT%H:%M:%SZ', x.created_ms / 1000, 'unixepoch') AS created_at,
  (SELECT count(*) FROM run r WHERE r.source_id = x.id) AS run_count,
  (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', max(r.started_ms) / 1000, 'unixepoch') FROM run r WHERE r.source_id = x.id) AS last_start_at
FROM source x""",
    """CREATE VIEW v_run AS
SELECT r.id AS run_id, x.name AS source, r.release, r.host, r.pid, r.role, r.external_id, r.script_path,
  r.python_version, r.memmon_version, r.interval_ms / 1000.0 AS interval_seconds,
  strftime('%Y-%m-%dT%H:%M:%SZ', r.started_ms / 1000, 'unixepoch') AS started_at, strftime('%Y-%m-%dT%H:%M:%SZ', coalesce((SELECT s.at_ms FROM snapshot s WHERE s.run_id = r.id ORDER BY s.seq DESC LIMIT 1), (SELECT max(h.at_ms) FROM rollup h WHERE h.run_id = r.id)) / 1000, 'unixepoch') AS last_at,
  strftime('%Y-%m-%dT%H:%M:%SZ', r.ended_ms / 1000, 'unixepoch') AS ended_at, r.end_reason, r.end_detail,
  round((coalesce((SELECT s.at_ms FROM snapshot s WHERE s.run_id = r.id ORDER BY s.seq DESC LIMIT 1), (SELECT max(h.at_ms) FROM rollup h WHERE h.run_id = r.id)) - r.started_ms) / 3600000.0, 3) AS hours, (SELECT count(*) FROM snapshot s WHERE s.run_id = r.id) + coalesce((SELECT sum(h.sample_count) FROM rollup h WHERE h.run_id = r.id), 0) AS snapshot_count,
  round(CASE WHEN coalesce((SELECT max(h.max_rss_bytes) FROM rollup h WHERE h.run_id = r.id), 0) > coalesce((SELECT max(s.rss_bytes) FROM snapshot s WHERE s.run_id = r.id), 0) THEN (SELECT max(h.max_rss_bytes) FROM rollup h WHERE h.run_id = r.id) ELSE (SELECT max(s.rss_bytes) FROM snapshot s WHERE s.run_id = r.id) END / 1048576.0, 3) AS peak_rss_mb, r.limit_bytes, round(r.limit_bytes / 1048576.0, 3) AS limit_mb, r.limit_origin,
  r.started_ms, r.uuid, r.parent_uuid
FROM run r JOIN source x ON x.id = r.source_id""",
    """CREATE VIEW v_snapshot AS
SELECT x.name AS source, q.run_id, r.release, q.seq, strftime('%Y-%m-%dT%H:%M:%SZ', q.at_ms / 1000, 'unixepoch') AS at,
  strftime('%Y-%m-%dT%H', q.at_ms / 1000, 'unixepoch') AS hour, strftime('%Y-%m-%d', q.at_ms / 1000, 'unixepoch') AS day, q.at_ms,
  round(q.uptime_ms / 3600000.0, 4) AS uptime_hours, q.rss_bytes, round(q.rss_bytes / 1048576.0, 3) AS rss_mb, q.vms_bytes, round(q.vms_bytes / 1048576.0, 3) AS vms_mb, q.available_bytes, round(q.available_bytes / 1048576.0, 3) AS available_mb, q.limit_bytes, round(q.limit_bytes / 1048576.0, 3) AS limit_mb, q.limit_used_bytes, round(q.limit_used_bytes / 1048576.0, 3) AS limit_used_mb,
  round(q.min_rss_bytes / 1048576.0, 3) AS min_rss_mb, round(q.max_rss_bytes / 1048576.0, 3) AS max_rss_mb,
  q.system_percent, q.max_system_percent, q.rss_anon_bytes, q.rss_file_bytes, q.rss_shmem_bytes, q.swap_bytes, q.uss_bytes, q.pss_bytes, q.heap_used_bytes, q.heap_mmap_bytes, q.python_block_count, q.gc_collection_count, q.gc_uncollectable_count, q.thread_count, q.fd_count, q.work_count,
  q.sample_count, q.resolution_ms / 1000 AS resolution_seconds
FROM (SELECT s.run_id, s.seq, s.at_ms, s.uptime_ms, 0 AS resolution_ms, 1 AS sample_count, s.rss_bytes AS min_rss_bytes, s.rss_bytes AS max_rss_bytes, s.system_percent, s.system_percent AS max_system_percent, s.rss_bytes, s.vms_bytes, s.available_bytes, s.limit_bytes, s.limit_used_bytes, s.rss_anon_bytes, s.rss_file_bytes, s.rss_shmem_bytes, s.swap_bytes, s.uss_bytes, s.pss_bytes, s.heap_used_bytes, s.heap_mmap_bytes, s.python_block_count, s.gc_collection_count, s.gc_uncollectable_count, s.thread_count, s.fd_count, s.work_count FROM snapshot s UNION ALL SELECT h.run_id, NULL, h.at_ms, h.uptime_ms, h.resolution_ms, h.sample_count, h.min_rss_bytes, h.max_rss_bytes, h.system_percent, h.max_system_percent, h.rss_bytes, h.vms_bytes, h.available_bytes, h.limit_bytes, h.limit_used_bytes, h.rss_anon_bytes, h.rss_file_bytes, h.rss_shmem_bytes, h.swap_bytes, h.uss_bytes, h.pss_bytes, h.heap_used_bytes, h.heap_mmap_bytes, h.python_block_count, h.gc_collection_count, h.gc_uncollectable_count, h.thread_count, h.fd_count, h.work_count FROM rollup h) q JOIN run r ON r.id = q.run_id JOIN source x ON x.id = r.source_id""",
    """CREATE VIEW v_event AS
SELECT x.name AS source, e.run_id, r.release, strftime('%Y-%m-%dT%H:%M:%SZ', e.at_ms / 1000, 'unixepoch') AS at,
  strftime('%Y-%m-%d', e.at_ms / 1000, 'unixepoch') AS day, e.at_ms, round(e.uptime_ms / 3600000.0, 4) AS uptime_hours,
  e.kind, e.text, e.data
FROM event e JOIN source x ON x.id = e.source_id LEFT JOIN run r ON r.id = e.run_id""",
    """CREATE VIEW v_deque AS
SELECT x.name AS source, d.run_id, d.release, d.seq, strftime('%Y-%m-%dT%H:%M:%SZ', d.at_ms / 1000, 'unixepoch') AS at,
  strftime('%Y-%m-%d', d.at_ms / 1000, 'unixepoch') AS day, d.at_ms, d.name, d.value AS length, d.max_value AS max_length,
  d.maxlen, round(CAST(100.0 * d.value / nullif(d.maxlen, 0) AS NUMERIC), 1) AS fill_percent, round(CAST(100.0 * d.max_value / nullif(d.maxlen, 0) AS NUMERIC), 1) AS max_fill_percent,
  d.sample_count, d.resolution_ms / 1000 AS resolution_seconds
FROM (SELECT q.*, CASE WHEN q.resolution_ms = 0 THEN (SELECT m.value FROM series y CROSS JOIN reading m WHERE y.source_id = q.source_id AND y.kind = 'deque' AND y.name = q.name AND y.metric = 'maxlen' AND m.run_id = q.run_id AND m.series_id = y.id AND m.seq <= q.seq ORDER BY m.seq DESC LIMIT 1) ELSE (SELECT m.last_value FROM series y CROSS JOIN reading_rollup m WHERE y.source_id = q.source_id AND y.kind = 'deque' AND y.name = q.name AND y.metric = 'maxlen' AND m.run_id = q.run_id AND m.series_id = y.id AND m.bucket_ms <= q.at_ms ORDER BY m.bucket_ms DESC LIMIT 1) END AS maxlen FROM (SELECT r.source_id, r.release, x.name, s.run_id, s.seq, s.at_ms, 0 AS resolution_ms, 1 AS sample_count, c.value AS value, c.value AS max_value FROM run r CROSS JOIN series x CROSS JOIN reading c CROSS JOIN snapshot s WHERE x.kind = 'deque' AND x.metric = 'length' AND x.source_id = r.source_id AND c.run_id = r.id AND c.series_id = x.id AND s.run_id = c.run_id AND s.seq >= c.seq AND s.seq < coalesce((SELECT min(n.seq) FROM reading n WHERE n.run_id = c.run_id AND n.series_id = c.series_id AND n.seq > c.seq), 2147483647) UNION ALL SELECT r.source_id, r.release, x.name, h.run_id, NULL, h.at_ms, h.resolution_ms, h.sample_count, c.mean_value, c.max_value FROM run r CROSS JOIN series x CROSS JOIN reading_rollup c CROSS JOIN rollup h WHERE x.kind = 'deque' AND x.metric = 'length' AND x.source_id = r.source_id AND c.run_id = r.id AND c.series_id = x.id AND h.run_id = c.run_id AND h.resolution_ms = c.resolution_ms AND h.bucket_ms = c.bucket_ms UNION ALL SELECT r.source_id, r.release, x.name, h.run_id, NULL, h.at_ms, h.resolution_ms, h.sample_count, c.last_value, c.last_value FROM run r CROSS JOIN series x CROSS JOIN reading_rollup c CROSS JOIN rollup h WHERE x.kind = 'deque' AND x.metric = 'length' AND x.source_id = r.source_id AND c.run_id = r.id AND c.series_id = x.id AND h.run_id = c.run_id AND h.resolution_ms IN (3600000, 86400000) AND h.bucket_ms > c.bucket_ms AND h.bucket_ms < coalesce((SELECT min(n.bucket_ms) FROM reading_rollup n WHERE n.run_id = c.run_id AND n.series_id = c.series_id AND n.bucket_ms > c.bucket_ms), 9000000000000000)) q) d
JOIN source x ON x.id = d.source_id""",
    """CREATE VIEW v_deque_change AS
SELECT o.name AS source, c.run_id, r.release, c.seq, strftime('%Y-%m-%dT%H:%M:%SZ', s.at_ms / 1000, 'unixepoch') AS at,
  strftime('%Y-%m-%d', s.at_ms / 1000, 'unixepoch') AS day, s.at_ms, x.name, x.metric, c.value
FROM run r CROSS JOIN source o CROSS JOIN series x CROSS JOIN reading c
LEFT JOIN snapshot s ON s.run_id = c.run_id AND s.seq = c.seq
WHERE o.id = r.source_id AND x.source_id = r.source_id AND x.kind = 'deque'
  AND c.run_id = r.id AND c.series_id = x.id""",
    """CREATE VIEW v_component AS
SELECT x.name AS source, q.run_id, q.release, q.seq, strftime('%Y-%m-%dT%H:%M:%SZ', q.at_ms / 1000, 'unixepoch') AS at,
  strftime('%Y-%m-%d', q.at_ms / 1000, 'unixepoch') AS day, q.at_ms, q.name, q.value AS size_bytes,
  round(CAST(q.value / 1048576.0 AS NUMERIC), 3) AS size_mb,
  round(CAST(q.max_value / 1048576.0 AS NUMERIC), 3) AS max_size_mb,
  q.sample_count, q.resolution_ms / 1000 AS resolution_seconds
FROM (SELECT r.source_id, r.release, x.name, s.run_id, s.seq, s.at_ms, 0 AS resolution_ms, 1 AS sample_count, c.value AS value, c.value AS max_value FROM run r CROSS JOIN series x CROSS JOIN reading c CROSS JOIN snapshot s WHERE x.kind = 'component' AND x.metric = 'bytes' AND x.source_id = r.source_id AND c.run_id = r.id AND c.series_id = x.id AND s.run_id = c.run_id AND s.seq >= c.seq AND s.seq < coalesce((SELECT min(n.seq) FROM reading n WHERE n.run_id = c.run_id AND n.series_id = c.series_id AND n.seq > c.seq), 2147483647) UNION ALL SELECT r.source_id, r.release, x.name, h.run_id, NULL, h.at_ms, h.resolution_ms, h.sample_count, c.mean_value, c.max_value FROM run r CROSS JOIN series x CROSS JOIN reading_rollup c CROSS JOIN rollup h WHERE x.kind = 'component' AND x.metric = 'bytes' AND x.source_id = r.source_id AND c.run_id = r.id AND c.series_id = x.id AND h.run_id = c.run_id AND h.resolution_ms = c.resolution_ms AND h.bucket_ms = c.bucket_ms UNION ALL SELECT r.source_id, r.release, x.name, h.run_id, NULL, h.at_ms, h.resolution_ms, h.sample_count, c.last_value, c.last_value FROM run r CROSS JOIN series x CROSS JOIN reading_rollup c CROSS JOIN rollup h WHERE x.kind = 'component' AND x.metric = 'bytes' AND x.source_id = r.source_id AND c.run_id = r.id AND c.series_id = x.id AND h.run_id = c.run_id AND h.resolution_ms IN (3600000, 86400000) AND h.bucket_ms > c.bucket_ms AND h.bucket_ms < coalesce((SELECT min(n.bucket_ms) FROM reading_rollup n WHERE n.run_id = c.run_id AND n.series_id = c.series_id AND n.bucket_ms > c.bucket_ms), 9000000000000000)) q JOIN source x ON x.id = q.source_id""",
    """CREATE TABLE alert_watch (
    source_id INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    title TEXT DEFAULT '' NOT NULL,
    since_ms INTEGER NOT NULL,
    clear_since_ms INTEGER,
    told_ms INTEGER,
    told_severity TEXT,
    told_members TEXT,
    told_since_ms INTEGER,
    acknowledged_ms INTEGER,
    acknowledged_by TEXT,
    seen_ms INTEGER NOT NULL,
    CONSTRAINT pk_alert_watch PRIMARY KEY (source_id, fingerprint),
    CONSTRAINT fk_alert_watch_source_id FOREIGN KEY(source_id) REFERENCES source (id)
)""",
    """CREATE TABLE alert_silence (
    id INTEGER NOT NULL,
    source_id INTEGER,
    kind TEXT,
    from_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_alert_silence PRIMARY KEY (id),
    CONSTRAINT fk_alert_silence_source_id FOREIGN KEY(source_id) REFERENCES source (id)
)""",
    """CREATE TABLE alert_message (
    id INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    source_id INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    event TEXT NOT NULL,
    severity TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
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
    next_ms INTEGER NOT NULL,
    done_ms INTEGER,
    error TEXT,
    CONSTRAINT pk_alert_delivery PRIMARY KEY (message_id, channel),
    CONSTRAINT fk_alert_delivery_message_id FOREIGN KEY(message_id) REFERENCES alert_message (id)
)""",
    """CREATE TABLE alert_lease (
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    until_ms INTEGER NOT NULL,
    CONSTRAINT pk_alert_lease PRIMARY KEY (name)
)""",
    "INSERT INTO alembic_version (version_num) VALUES ('0004')",
)
