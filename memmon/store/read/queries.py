"""What is in the store: sources, runs, events, reports, alerts, and the newest values by seek."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from memmon.facts.deque_memory import SLOT_BYTES, held_bytes
from memmon.facts.series_kinds import DEQUE
from memmon.model import AlertInfo
from memmon.store.read.deque_bytes import told_size
from memmon.store.read.values import (
    DequeStatus,
    EventInfo,
    ReportInfo,
    RunInfo,
    SourceInfo,
    datetime_of,
    datetime_or_none,
)
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memmon.store.read.ports import Session
    from memmon.store.read.samples import Window

_NEWEST_RAW = "(SELECT s.at_ms FROM snapshot s WHERE s.run_id = r.id ORDER BY s.seq DESC LIMIT 1)"
_NEWEST_ROLLED = "(SELECT max(h.at_ms) FROM rollup h WHERE h.run_id = r.id)"
_RUN_COLUMNS = (
    "id, uuid, host, pid, process_started_ms, boot_id, parent_uuid, role, script_path, external_id, release, "
    "python_version, memmon_version, interval_ms, limit_bytes, limit_origin, started_ms, ended_ms, "
    "end_reason, end_detail"
)


def read_sources(session: Session, *, name: str | None = None) -> tuple[SourceInfo, ...]:
    """Return all sources by name, or the one of that name; the newest sample is found by a seek per run."""
    chosen = "" if name is None else "WHERE x.name = :name "
    rows = session.rows(
        "SELECT x.id, x.name, x.script_path, x.created_ms, count(r.id), "
        f"max(coalesce({_NEWEST_RAW}, {_NEWEST_ROLLED})) "
        f"FROM source x LEFT JOIN run r ON r.source_id = x.id {chosen}"
        "GROUP BY x.id, x.name, x.script_path, x.created_ms ORDER BY x.name",
        {} if name is None else {"name": name},
    )
    return tuple(
        SourceInfo(
            source_id=row[0],
            name=row[1],
            script_path=row[2],
            created_at=datetime_of(row[3]),
            run_count=row[4],
            last_at=datetime_or_none(row[5]),
        )
        for row in rows
    )


def read_runs(session: Session, source_id: int, *, source: str) -> tuple[RunInfo, ...]:
    """Return the runs of a source, oldest start first, each with a summary of its samples."""
    rows = session.rows(
        f"SELECT {_RUN_COLUMNS} FROM run WHERE source_id = :source_id ORDER BY started_ms, id",
        {"source_id": source_id},
    )
    summaries = _run_summaries(session, source_id)
    return tuple(_run_info(row, source, summaries.get(row[0])) for row in rows)


def read_light_runs(session: Session) -> dict[int, list[RunInfo]]:
    """Return all runs by source id, oldest start first: of their samples only when the newest was taken.

    The name of the source is left empty. A seek per run, where `read_runs` looks at every sample.
    """
    rows = session.rows(
        f"SELECT r.source_id, coalesce({_NEWEST_RAW}, {_NEWEST_ROLLED}), {_RUN_COLUMNS} FROM run r "
        "ORDER BY started_ms, id"
    )
    found: dict[int, list[RunInfo]] = {}
    for source_id, last_ms, *row in rows:
        summary = (None, last_ms, 0, None, None, None)
        found.setdefault(source_id, []).append(_run_info(tuple(row), "", summary))
    return found


def _run_info(row: tuple[object, ...], source: str, summary: tuple[object, ...] | None) -> RunInfo:
    one = dict(zip(_RUN_COLUMNS.replace(" ", "").split(","), row, strict=True))
    first_ms, last_ms, count, peak, first_rss, last_rss = summary or (None, None, 0, None, None, None)
    values = {
        "run_id": one.pop("id"),
        "source": source,
        "interval_seconds": _seconds(one.pop("interval_ms")),
        "first_at": datetime_or_none(first_ms),  # type: ignore[arg-type] # a column of integers
        "last_at": datetime_or_none(last_ms),  # type: ignore[arg-type] # a column of integers
        "snapshot_count": count,
        "first_rss_bytes": first_rss,
        "last_rss_bytes": last_rss,
        "peak_rss_bytes": peak,
    }
    for name in ("process_started", "started", "ended"):
        values[f"{name}_at"] = datetime_or_none(one.pop(f"{name}_ms"))  # type: ignore[arg-type] # same
    return RunInfo(**one, **values)  # type: ignore[arg-type] # the columns of the schema


def _run_summaries(session: Session, source_id: int) -> dict[int, tuple[object, ...]]:
    edge = (
        "SELECT run_id, min(at_ms) AS first_ms, max(at_ms) AS last_ms, sum(sample_count) AS samples, "
        "max(peak) AS peak FROM ("
        # In each arm by itself: from outside, the condition is applied only after both tables were read whole.
        "SELECT s.run_id, s.at_ms, 1 AS sample_count, s.rss_bytes AS peak FROM snapshot s "
        "WHERE s.run_id IN (SELECT id FROM run WHERE source_id = :source_id) "
        "UNION ALL SELECT h.run_id, h.at_ms, h.sample_count, h.max_rss_bytes FROM rollup h "
        "WHERE h.run_id IN (SELECT id FROM run WHERE source_id = :source_id)) q GROUP BY run_id"
    )
    first = _edge_rss("h.rss_bytes", "ASC")
    last = _edge_rss("h.last_rss_bytes", "DESC")
    sql = f"SELECT e.run_id, e.first_ms, e.last_ms, e.samples, e.peak, {first}, {last} FROM ({edge}) e"
    rows = session.rows(sql, {"source_id": source_id})
    return {row[0]: (row[1], row[2], int(row[3]), row[4], row[5], row[6]) for row in rows}


def _edge_rss(rolled: str, direction: str) -> str:
    """Return the seek for a run's first (ASC) or last (DESC) RSS; rollups are older than raw."""
    raw = (
        "(SELECT s.rss_bytes FROM snapshot s WHERE s.run_id = e.run_id AND s.rss_bytes IS NOT NULL "
        f"ORDER BY s.seq {direction} LIMIT 1)"
    )
    old = (
        f"(SELECT {rolled} FROM rollup h WHERE h.run_id = e.run_id AND {rolled} IS NOT NULL "
        f"ORDER BY h.uptime_ms {direction} LIMIT 1)"
    )
    return f"coalesce({old}, {raw})" if direction == "ASC" else f"coalesce({raw}, {old})"


def read_events(
    session: Session, window: Window, *, kinds: Sequence[str] | None, limit: int | None
) -> tuple[EventInfo, ...]:
    """Return the events of a window, oldest first; with `limit` the newest that many."""
    parameters = window.parameters()
    terms = ["source_id = :source_id"]
    for name, sign in (("since_ms", ">="), ("until_ms", "<=")):
        if name in parameters:
            terms.append(f"at_ms {sign} :{name}")
    if window.run_id is not None:
        terms.append("run_id = :run_id")
    if kinds is not None:
        names = {f"kind_{number}": kind for number, kind in enumerate(kinds)}
        terms.append(f"kind IN ({', '.join(f':{name}' for name in names) or 'NULL'})")
        parameters |= names
    sql = (
        "SELECT id, at_ms, kind, text, run_id, seq, uptime_ms, data FROM event "
        f"WHERE {' AND '.join(terms)} ORDER BY at_ms DESC, id DESC"
    )
    if limit is not None:
        sql += " LIMIT :row_limit"
        parameters["row_limit"] = limit
    return tuple(_event(row) for row in reversed(session.rows(sql, parameters)))


def _event(row: tuple[object, ...]) -> EventInfo:
    event_id, at_ms, kind, text, run_id, seq, uptime_ms, data = row
    return EventInfo(
        event_id=event_id,  # type: ignore[arg-type] # the columns' types are the schema's
        at=datetime_of(at_ms),  # type: ignore[arg-type] # same
        kind=kind,  # type: ignore[arg-type] # same
        text=text,  # type: ignore[arg-type] # same
        run_id=run_id,  # type: ignore[arg-type] # same
        sequence=seq,  # type: ignore[arg-type] # same
        uptime_seconds=_seconds(uptime_ms),
        data=_json(data),
    )


def read_reports(session: Session, source_id: int, *, limit: int | None) -> tuple[ReportInfo, ...]:
    """Return the stored reports of a source, newest first."""
    parameters: dict[str, object] = {"source_id": source_id}
    sql = (
        "SELECT id, at_ms, window_ms, text, data FROM report WHERE source_id = :source_id ORDER BY at_ms DESC"
    )
    if limit is not None:
        sql += " LIMIT :row_limit"
        parameters["row_limit"] = limit
    return tuple(
        ReportInfo(
            report_id=row[0],
            at=datetime_of(row[1]),
            window_seconds=row[2] / MS_PER_SECOND,
            text=row[3],
            data=row[4],
        )
        for row in session.rows(sql, parameters)
    )


def read_alerts(session: Session, source_id: int, *, holder: str | None) -> tuple[AlertInfo, ...]:
    """Return the state of every alert of a source, newest first; `holder` None: whoever watches it."""
    of_holder = "" if holder is None else "AND holder = :holder "
    parameters: dict[str, object] = {"source_id": source_id}
    if holder is not None:
        parameters["holder"] = holder
    rows = session.rows(
        "SELECT fingerprint, kind, state, severity, since_ms, told_ms, data, title, holder FROM alert_watch "
        f"WHERE source_id = :source_id {of_holder}ORDER BY since_ms DESC, fingerprint, holder",
        parameters,
    )
    return tuple(
        AlertInfo(
            fingerprint=row[0],
            kind=row[1],
            state=row[2],
            severity=row[3],
            since=datetime_of(row[4]),
            notified_at=datetime_or_none(row[5]),
            data=_json(row[6]),
            title=row[7],
            holder=row[8],
        )
        for row in rows
    )


def newest_run(session: Session, source_id: int) -> tuple[int, int, int] | None:
    """Return (run id, number, time in ms) of the newest snapshot of a source, by a seek per run."""
    rows = session.rows(
        "SELECT r.id, (SELECT max(s.seq) FROM snapshot s WHERE s.run_id = r.id) AS seq, "
        f"{_NEWEST_RAW} AS at_ms FROM run r WHERE r.source_id = :source_id",
        {"source_id": source_id},
    )
    found = [(row[2], row[0], row[1]) for row in rows if row[2] is not None]
    if not found:
        return None
    at_ms, run_id, seq = max(found)
    return run_id, seq, at_ms


def read_deque_status(
    session: Session, source_id: int, *, run_id: int | None = None
) -> tuple[DequeStatus, ...]:
    """Return the newest values of every deque of a run (default: the newest), by a seek per series."""
    newest = newest_run(session, source_id) if run_id is None else _newest_of(session, run_id)
    if newest is None:
        return ()
    run, _, at_ms = newest
    rows = session.rows(
        "SELECT x.name, x.metric, r.value, r.seq FROM series x CROSS JOIN reading r "
        "WHERE x.source_id = :source_id AND x.kind = :kind AND r.run_id = :run_id AND r.series_id = x.id "
        "AND r.seq = (SELECT max(p.seq) FROM reading p WHERE p.run_id = :run_id AND p.series_id = x.id) "
        "ORDER BY x.name",
        {"source_id": source_id, "kind": DEQUE, "run_id": run},
    )
    names: dict[str, dict[str, tuple[int | None, int]]] = {}
    for name, metric, value, seq in rows:
        names.setdefault(name, {})[metric] = (value, seq)
    told = _told_sizes(session, source_id, run)
    return tuple(
        DequeStatus(
            name=name,
            length_count=_value(metrics, "length"),
            maxlen_count=_value(metrics, "maxlen"),
            size_bytes=_size(_value(metrics, "length"), _value(metrics, "item"), told.get(name)),
            dropped_count=_value(metrics, "dropped"),
            expected_maxlen_count=_value(metrics, "expected_maxlen"),
            is_alive=not _value(metrics, "dead"),
            run_id=run,
            at=datetime_of(at_ms),
            item_bytes=_value(metrics, "item"),
            item_low_bytes=_value(metrics, "item_low"),
            item_high_bytes=_value(metrics, "item_high"),
        )
        for name, metrics in names.items()
    )


def _newest_of(session: Session, run_id: int) -> tuple[int, int, int] | None:
    rows = session.rows(
        "SELECT run_id, seq, at_ms FROM snapshot WHERE run_id = :run_id ORDER BY seq DESC LIMIT 1",
        {"run_id": run_id},
    )
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


def _told_sizes(session: Session, source_id: int, run_id: int) -> dict[str, tuple[int, int]]:
    """Return the newest size of each deque, and the length that it then had."""
    length_then = (
        "SELECT r.value FROM reading r WHERE r.run_id = b.run_id AND r.series_id = n.id AND r.seq <= b.seq "
        "ORDER BY r.seq DESC LIMIT 1"
    )
    newest = "SELECT max(p.seq) FROM reading p WHERE p.run_id = :run_id AND p.series_id = x.id AND p.value IS NOT NULL"
    rows = session.rows(
        f"SELECT x.name, b.value, ({length_then}) FROM series x CROSS JOIN reading b CROSS JOIN series n "
        "WHERE x.source_id = :source_id AND x.kind = :kind AND x.metric = 'bytes' AND b.run_id = :run_id "
        f"AND b.series_id = x.id AND b.seq = ({newest}) AND n.source_id = x.source_id AND n.kind = x.kind "
        "AND n.name = x.name AND n.metric = 'length'",
        {"source_id": source_id, "kind": DEQUE, "run_id": run_id},
    )
    return {name: (size, length) for name, size, length in rows if length is not None}


def _size(length_count: int | None, item_bytes: int | None, told: tuple[int, int] | None) -> int | None:
    """Return what a deque holds at its present length."""
    if length_count is None:
        return None
    if item_bytes is not None:
        return int(held_bytes(length_count, max(float(item_bytes), SLOT_BYTES)))
    return None if told is None else round(told_size(*told, length_count))


def _value(metrics: Mapping[str, tuple[int | None, int]], metric: str) -> int | None:
    return metrics[metric][0] if metric in metrics else None


def _seconds(milliseconds: object) -> float | None:
    return milliseconds / MS_PER_SECOND if isinstance(milliseconds, int) else None


def _json(text: object) -> Mapping[str, object]:
    if not isinstance(text, str) or not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {"unreadable": text}
    return found if isinstance(found, dict) else {"value": found}
