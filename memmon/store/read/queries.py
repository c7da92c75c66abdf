"""What is in the store: sources, runs, events, reports, alerts, and the newest values by seek."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from memmon.store.read.answers import (
    EventInfo,
    ReportInfo,
    RunInfo,
    SourceInfo,
    datetime_of,
    datetime_or_none,
)
from memmon.store.read.newest import present_at, read_run_ends
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from memmon.model import AlertInfo
    from memmon.store.read.newest import NewestSample
    from memmon.store.read.ports import Rows, Session
    from memmon.store.read.samples import Window

_RUN_COLUMNS = (
    "id, uuid, host, pid, process_started_ms, boot_id, parent_uuid, role, script_path, external_id, release, "
    "python_version, memmon_version, interval_ms, limit_bytes, limit_origin, started_ms, ended_ms, "
    "end_reason, end_detail"
)


def read_sources(
    session: Session,
    *,
    latest_ms: int,
    name: str | None = None,
    ends: Mapping[int, Sequence[NewestSample]] | None = None,
) -> tuple[SourceInfo, ...]:
    """Return all sources by name, or the one of that name; `ends`: the newest sample of each run, where it is known."""
    chosen = "" if name is None else "WHERE name = :name "
    rows = session.rows(
        f"SELECT id, name, script_path, created_ms FROM source {chosen}ORDER BY name",
        {} if name is None else {"name": name},
    )
    if ends is None:
        one = rows[0][0] if name is not None and rows else None
        ends = read_run_ends(session, latest_ms=latest_ms, source_id=one) if rows else {}
    return tuple(
        SourceInfo(
            source_id=row[0],
            name=row[1],
            script_path=row[2],
            created_at=datetime_of(row[3]),
            run_count=len(ends.get(row[0], ())),
            last_at=present_at(ends.get(row[0], ())),
        )
        for row in rows
    )


def read_runs(session: Session, source_id: int, *, source: str, latest_ms: int) -> tuple[RunInfo, ...]:
    """Return the runs of a source, oldest start first, each with a summary of its samples."""
    rows = session.rows(
        f"SELECT {_RUN_COLUMNS} FROM run WHERE source_id = :source_id ORDER BY started_ms, id",
        {"source_id": source_id},
    )
    ends = read_run_ends(session, latest_ms=latest_ms, source_id=source_id).get(source_id, ())
    known = {end.run_id: end for end in ends}
    summaries = _run_summaries(session, source_id, latest_ms)
    return tuple(_run_info(row, source, known[row[0]], summaries.get(row[0])) for row in rows)


def read_light_runs(
    session: Session,
    *,
    latest_ms: int,
    ends: Mapping[int, Sequence[NewestSample]] | None = None,
    source_id: int | None = None,
) -> dict[int, list[RunInfo]]:
    """Return all runs (or those of a source) by source id, oldest start first: of their samples only when the newest was taken.

    The name of the source is left empty. A seek per run, where `read_runs` looks at every sample.
    """
    if ends is None:
        ends = read_run_ends(session, latest_ms=latest_ms, source_id=source_id)
    known = {end.run_id: end for found in ends.values() for end in found}
    chosen = "" if source_id is None else "WHERE source_id = :source_id "
    rows = session.rows(
        f"SELECT source_id, {_RUN_COLUMNS} FROM run {chosen}ORDER BY started_ms, id",
        {} if source_id is None else {"source_id": source_id},
    )
    found: dict[int, list[RunInfo]] = {}
    for owner_id, *row in rows:
        found.setdefault(owner_id, []).append(_run_info(tuple(row), "", known[row[0]], None))
    return found


def _run_info(
    row: tuple[object, ...], source: str, end: NewestSample, summary: tuple[object, ...] | None
) -> RunInfo:
    one = dict(zip(_RUN_COLUMNS.replace(" ", "").split(","), row, strict=True))
    nothing = (None, 0, 0, None, None, None, None)
    first_ms, count, ahead_count, ahead_ms, peak, first_rss, last_rss = summary or nothing
    values = {
        "run_id": one.pop("id"),
        "source": source,
        "interval_seconds": _seconds(one.pop("interval_ms")),
        "first_at": datetime_or_none(first_ms),  # type: ignore[arg-type] # a column of integers
        "last_at": end.last_at,
        "snapshot_count": count,
        "first_rss_bytes": first_rss,
        "last_rss_bytes": last_rss,
        "peak_rss_bytes": peak,
        "clock_start_at": end.clock_start_at,
        "ahead_at": datetime_or_none(end.ahead_ms),
        "is_clock_ahead": end.is_clock_ahead,
        "ahead_count": ahead_count,
        "ahead_until": datetime_or_none(ahead_ms),  # type: ignore[arg-type] # same
    }
    for name in ("process_started", "started", "ended"):
        values[f"{name}_at"] = datetime_or_none(one.pop(f"{name}_ms"))  # type: ignore[arg-type] # same
    return RunInfo(**one, **values)  # type: ignore[arg-type] # the columns of the schema


def _run_summaries(session: Session, source_id: int, latest_ms: int) -> dict[int, tuple[object, ...]]:
    past = "CASE WHEN at_ms <= :latest_ms THEN"
    edge = (
        f"SELECT run_id, min({past} at_ms END) AS first_ms, sum(sample_count) AS samples, "
        f"sum({past} 0 ELSE sample_count END) AS ahead, max({past} NULL ELSE at_ms END) AS ahead_ms, max({past} peak END) AS peak FROM ("
        # In each arm by itself: from outside, the condition is applied only after both tables were read whole.
        "SELECT s.run_id, s.at_ms, 1 AS sample_count, s.rss_bytes AS peak FROM snapshot s "
        "WHERE s.run_id IN (SELECT id FROM run WHERE source_id = :source_id) "
        "UNION ALL SELECT h.run_id, h.at_ms, h.sample_count, h.max_rss_bytes FROM rollup h "
        "WHERE h.run_id IN (SELECT id FROM run WHERE source_id = :source_id)) q GROUP BY run_id"
    )
    first = _edge_rss("h.rss_bytes", "ASC")
    last = _edge_rss("h.last_rss_bytes", "DESC")
    sql = f"SELECT e.run_id, e.first_ms, e.samples, e.ahead, e.ahead_ms, e.peak, {first}, {last} FROM ({edge}) e"
    rows = session.rows(sql, {"source_id": source_id, "latest_ms": latest_ms})
    return {row[0]: (row[1], int(row[2]), int(row[3]), *row[4:]) for row in rows}


def _edge_rss(rolled: str, direction: str) -> str:
    """Return the seek for a run's first (ASC) or last (DESC) RSS; rollups are older than raw."""
    raw = (
        "(SELECT s.rss_bytes FROM snapshot s WHERE s.run_id = e.run_id AND s.rss_bytes IS NOT NULL "
        f"AND s.at_ms <= :latest_ms ORDER BY s.seq {direction} LIMIT 1)"
    )
    old = (
        f"(SELECT {rolled} FROM rollup h WHERE h.run_id = e.run_id AND {rolled} IS NOT NULL "
        f"AND h.at_ms <= :latest_ms ORDER BY h.uptime_ms {direction} LIMIT 1)"
    )
    return f"coalesce({old}, {raw})" if direction == "ASC" else f"coalesce({raw}, {old})"


def read_events(
    session: Session, window: Window, *, kinds: Sequence[str] | None, limit: int | None
) -> tuple[EventInfo, ...]:
    """Return the events of a window, oldest first; with `limit` the newest that many."""
    parameters = window.parameters()
    terms = ["source_id = :source_id", *(["run_id = :run_id"] if window.run_id is not None else [])]
    rows = _newest_events(session, terms, parameters, kinds=kinds, limit=limit)
    return tuple(_event(row[1:]) for row in reversed(rows))


def read_events_of_all(
    session: Session,
    *,
    since_ms: int | None,
    until_ms: int | None,
    kinds: Sequence[str] | None,
    limit: int | None,
) -> tuple[tuple[int, EventInfo], ...]:
    """Return (source's id, event) of every source in a window, the newest first; with `limit` that many."""
    bounds = {"since_ms": since_ms, "until_ms": until_ms}
    parameters: dict[str, object] = {name: value for name, value in bounds.items() if value is not None}
    rows = _newest_events(session, [], parameters, kinds=kinds, limit=limit)
    return tuple((row[0], _event(row[1:])) for row in rows)


def _newest_events(
    session: Session,
    terms: list[str],
    parameters: dict[str, object],
    *,
    kinds: Sequence[str] | None,
    limit: int | None,
) -> Rows:
    for name, sign in (("since_ms", ">="), ("until_ms", "<=")):
        if name in parameters:
            terms.append(f"at_ms {sign} :{name}")
    if kinds is not None:
        names = {f"kind_{number}": kind for number, kind in enumerate(kinds)}
        terms.append(f"kind IN ({', '.join(f':{name}' for name in names) or 'NULL'})")
        parameters |= names
    where = f"WHERE {' AND '.join(terms)} " if terms else ""
    sql = f"SELECT source_id, id, at_ms, kind, text, run_id, seq, uptime_ms, data FROM event {where}ORDER BY at_ms DESC, id DESC"
    if limit is not None:
        sql += " LIMIT :row_limit"
        parameters["row_limit"] = limit
    return session.rows(sql, parameters)


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
        data=json_object(data),
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
    return tuple(_alert(row) for row in rows)


def _alert(row: Sequence[Any]) -> AlertInfo:
    from memmon.model import AlertInfo  # most sources have none

    return AlertInfo(
        fingerprint=row[0],
        kind=row[1],
        state=row[2],
        severity=row[3],
        since=datetime_of(row[4]),
        notified_at=datetime_or_none(row[5]),
        data=json_object(row[6]),
        title=row[7],
        holder=row[8],
    )


def _seconds(milliseconds: object) -> float | None:
    return milliseconds / MS_PER_SECOND if isinstance(milliseconds, int) else None


def json_object(text: object) -> Mapping[str, object]:
    """Return the object that a column of JSON holds; what is none stays readable under a name."""
    if not isinstance(text, str) or not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {"unreadable": text}
    return found if isinstance(found, dict) else {"value": found}
