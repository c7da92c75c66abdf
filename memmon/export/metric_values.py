"""The newest values of every source, summed over its live processes: two seeks per live run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from memmon.assessment.freshness import freshness_of
from memmon.facts.readings import metrics
from memmon.facts.recording_order import latest_ms
from memmon.facts.run_endings import MEANT_ENDS
from memmon.facts.staleness import is_stale, stale_after_seconds
from memmon.store.read.many_sources import component_sizes, deque_statuses, light_runs
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from memmon.facts.readings import Reading
    from memmon.store.read import DequeStatus, RunInfo, SourceInfo, Store

_LONGEST_INTERVAL = timedelta(days=1)
_END_TOLD = timedelta(days=1)
"""So long an end is told: its time and reason are a series of their own."""
_ROW_LIMIT = 1_000_000
_RARE_MS = 2 * 3_600_000
"""What is read hourly at most was read within two hours, or is known no longer."""
_SHOWN = tuple(reading for reading, _ in metrics())


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """The present of one source; None: not known, or too old to be the present."""

    source: str
    run_count: int
    last_at: datetime | None
    is_fresh: bool
    is_ended: bool = False
    """Nothing records any more, and somebody meant that: nobody is missed."""
    is_clock_ahead: bool = False
    """Its newest samples lie in the future."""
    process_count: int = 0
    values: Mapping[str, int | float] = field(default_factory=dict)
    """What is known, by the column of the reading."""
    deques: tuple[DequeStatus, ...] = ()
    components: tuple[tuple[str, int], ...] = ()
    """(name, bytes) of the components of the newest run."""
    firing: tuple[tuple[str, str], ...] = ()
    """(kind, severity) of the alerts that fire."""
    release: tuple[str, datetime] | None = None
    """The release that runs, and when it began to."""
    end: tuple[str, datetime] | None = None
    """How and when a run ended last, for a day after that."""


def read_states(store: Store, *, now: datetime) -> tuple[SourceState, ...]:
    """Return every source's present as of `now`, in the order of their names."""
    store = store.as_of(now)
    live: dict[int, list[dict[str, Any]]] = {}
    firing: dict[int, list[tuple[str, str]]] = {}
    told = "SELECT source_id, kind, severity FROM alert_watch WHERE holder = 'evaluator' AND state = 'firing' ORDER BY kind"
    for source_id, kind, severity in store.query(told, row_limit=_ROW_LIMIT).rows:
        firing.setdefault(source_id, []).append((kind, severity))
    sources, runs = store.sources(), light_runs(store.database, now)
    ahead = {run.run_id for found in runs.values() for run in found if run.is_clock_ahead}
    for row in _newest(store, now):
        if row["run_id"] not in ahead:
            live.setdefault(row["source_id"], []).append(row)
    alive = [one for one in sources if one.source_id in live]
    deques = deque_statuses(store.database, alive, now)
    components = component_sizes(store.database, alive, now)
    return tuple(
        _state(
            one,
            live.get(one.source_id, []),
            firing=tuple(firing.get(one.source_id, ())),
            deques=deques.get(one.source_id, ()),
            components=components.get(one.source_id, ()),
            runs=runs.get(one.source_id, ()),
            now=now,
        )
        for one in sources
    )


def _newest(store: Store, now: datetime) -> list[dict[str, Any]]:
    """Return the newest snapshot of every run that is alive."""
    now_ms = round(now.timestamp() * MS_PER_SECOND)
    oldest_ms = now_ms - round(stale_after_seconds(_LONGEST_INTERVAL.total_seconds())) * MS_PER_SECOND
    columns = ("run_id", "source_id", "interval_ms", "at_ms", *(one.column for one in _SHOWN))
    names = ", ".join(_newest_known(one.column) if one.is_rare else f"s.{one.column}" for one in _SHOWN)
    statement = " ".join(
        (
            f"SELECT r.id, r.source_id, r.interval_ms, s.at_ms, {names}",
            # CROSS: else SQLite goes through all snapshots and looks at the run of each.
            "FROM run r CROSS JOIN snapshot s WHERE s.run_id = r.id",
            "AND s.seq = (SELECT n.seq FROM snapshot n WHERE n.run_id = r.id",
            f"AND n.at_ms <= {latest_ms(now):d} ORDER BY n.seq DESC LIMIT 1)",
            f"AND r.ended_ms IS NULL AND s.at_ms >= {oldest_ms:d}",
            # As everywhere: of processes that were read at one moment the last one speaks.
            "ORDER BY s.at_ms DESC, r.id DESC",
        )
    )
    rows = [dict(zip(columns, row, strict=True)) for row in store.query(statement, row_limit=_ROW_LIMIT).rows]
    return [
        row
        for row in rows
        if not is_stale((now_ms - row["at_ms"]) / MS_PER_SECOND, (row["interval_ms"] or 0) / MS_PER_SECOND)
    ]


def _newest_known(column: str) -> str:
    """Return the query of a reading that is not taken every time: looked for as far back as it may lie, no further."""
    oldest = f"s.seq - 1 - {_RARE_MS} / coalesce(nullif(r.interval_ms, 0), {_RARE_MS})"
    known = f"p.seq >= {oldest} AND p.{column} IS NOT NULL ORDER BY p.seq DESC LIMIT 1"
    return f"(SELECT p.{column} FROM snapshot p WHERE p.run_id = r.id AND {known})"  # noqa: S608 -- our own names


def _state(
    one: SourceInfo,
    live: Sequence[dict[str, Any]],
    *,
    firing: tuple[tuple[str, str], ...],
    deques: tuple[DequeStatus, ...],
    components: tuple[tuple[str, int], ...],
    runs: Sequence[RunInfo],
    now: datetime,
) -> SourceState:
    if not live:
        fresh = freshness_of(runs, now=now)
        return SourceState(
            source=one.name,
            run_count=one.run_count,
            last_at=one.last_at,
            is_fresh=False,
            is_ended=fresh.end_reason in MEANT_ENDS,
            is_clock_ahead=fresh.ahead_until is not None,
            firing=firing,
            end=_end(runs, now),
        )
    newest = max(live, key=lambda row: row["at_ms"])
    return SourceState(
        source=one.name,
        run_count=one.run_count,
        last_at=one.last_at,
        is_fresh=True,
        process_count=len(live),
        values={one.column: value for one in _SHOWN if (value := _value(one, live, newest)) is not None},
        deques=deques,
        components=components,
        firing=firing,
        release=_release(runs),
        end=_end(runs, now),
    )


def _release(runs: Sequence[RunInfo]) -> tuple[str, datetime] | None:
    """Return the newest run's release, and when the first began of the runs that have had it since; None: it has none."""
    newest_first = sorted(_present(runs), key=lambda run: (run.started_at, run.run_id), reverse=True)
    release = newest_first[0].release if newest_first else None
    if release is None:
        return None
    since = takewhile(lambda run: run.release == release, newest_first)
    return release, min(run.started_at for run in since)


def _end(runs: Sequence[RunInfo], now: datetime) -> tuple[str, datetime] | None:
    """Return how and when a run ended last, where that is not longer ago than an end is told."""
    ended = [
        (run.ended_at, run.run_id, run.end_reason or "unknown")
        for run in _present(runs)
        if run.ended_at is not None and timedelta(0) <= now - run.ended_at <= _END_TOLD
    ]
    at, _, reason = max(ended, default=(None, 0, ""))
    return None if at is None else (reason, at)


def _present(runs: Sequence[RunInfo]) -> list[RunInfo]:
    return [run for run in runs if not run.is_clock_ahead]


def _value(one: Reading, live: Sequence[dict[str, Any]], newest: Mapping[str, Any]) -> int | float | None:
    """Return what the processes have of a reading, in the unit of its metric."""
    value: int | float | None = _sum(live, one.column) if one.across == "sum" else newest[one.column]
    return value / 100 if value is not None and one.unit == "percent" else value


def _sum(rows: Sequence[dict[str, Any]], name: str) -> int | None:
    """Return the sum over all processes; None when one of them is not known: a part is no sum."""
    values = [row[name] for row in rows]
    return None if None in values else sum(values)
