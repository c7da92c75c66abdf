"""The newest values of every source, summed over its live processes: two seeks per live run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from memmon.facts.staleness import is_stale, stale_after_seconds
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.store.read import DequeStatus, SourceInfo, Store

_LONGEST_INTERVAL = timedelta(days=1)
_ROW_LIMIT = 1_000_000
_COLUMNS = (
    "source_id",
    "interval_ms",
    "at_ms",
    "rss_bytes",
    "vms_bytes",
    "limit_bytes",
    "limit_used_bytes",
    "available_bytes",
    "system_percent",
    "thread_count",
    "fd_count",
    "pss_bytes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """The present of one source; None: not known, or too old to be the present."""

    source: str
    run_count: int
    last_at: datetime | None
    is_fresh: bool
    process_count: int = 0
    rss_bytes: int | None = None
    pss_bytes: int | None = None
    vms_bytes: int | None = None
    limit_bytes: int | None = None
    limit_used_bytes: int | None = None
    available_bytes: int | None = None
    system_used_ratio: float | None = None
    thread_count: int | None = None
    fd_count: int | None = None
    deques: tuple[DequeStatus, ...] = ()
    firing: tuple[tuple[str, str], ...] = ()
    """(kind, severity) of the alerts that fire."""


def read_states(store: Store, *, now: datetime) -> tuple[SourceState, ...]:
    """Return every source's present as of `now`, in the order of their names."""
    live: dict[int, list[dict[str, Any]]] = {}
    for row in _newest(store, now):
        live.setdefault(row["source_id"], []).append(row)
    firing: dict[int, list[tuple[str, str]]] = {}
    told = "SELECT source_id, kind, severity FROM alert_watch WHERE holder = 'evaluator' AND state = 'firing' ORDER BY kind"
    for source_id, kind, severity in store.query(told, row_limit=_ROW_LIMIT).rows:
        firing.setdefault(source_id, []).append((kind, severity))
    return tuple(
        _state(store, one, live.get(one.source_id, []), tuple(firing.get(one.source_id, ())))
        for one in store.sources()
    )


def _newest(store: Store, now: datetime) -> list[dict[str, Any]]:
    """Return the newest snapshot of every run that is alive."""
    now_ms = round(now.timestamp() * MS_PER_SECOND)
    oldest_ms = now_ms - round(stale_after_seconds(_LONGEST_INTERVAL.total_seconds())) * MS_PER_SECOND
    pss = (
        "(SELECT p.pss_bytes FROM snapshot p WHERE p.run_id = r.id AND p.pss_bytes IS NOT NULL "
        "ORDER BY p.seq DESC LIMIT 1)"
    )
    names = ", ".join(f"s.{name}" for name in _COLUMNS[2:-1])
    statement = " ".join(
        (
            f"SELECT r.source_id, r.interval_ms, {names}, {pss}",
            "FROM run r JOIN snapshot s ON s.run_id = r.id",
            "AND s.seq = (SELECT max(n.seq) FROM snapshot n WHERE n.run_id = r.id)",
            f"WHERE r.ended_ms IS NULL AND s.at_ms >= {oldest_ms:d}",
        )
    )
    rows = [
        dict(zip(_COLUMNS, row, strict=True)) for row in store.query(statement, row_limit=_ROW_LIMIT).rows
    ]
    return [
        row
        for row in rows
        if not is_stale((now_ms - row["at_ms"]) / MS_PER_SECOND, (row["interval_ms"] or 0) / MS_PER_SECOND)
    ]


def _state(
    store: Store, one: SourceInfo, live: Sequence[dict[str, Any]], firing: tuple[tuple[str, str], ...]
) -> SourceState:
    if not live:
        return SourceState(
            source=one.name, run_count=one.run_count, last_at=one.last_at, is_fresh=False, firing=firing
        )
    newest = max(live, key=lambda row: row["at_ms"])
    percent = newest["system_percent"]
    return SourceState(
        source=one.name,
        run_count=one.run_count,
        last_at=one.last_at,
        is_fresh=True,
        process_count=len(live),
        rss_bytes=_sum(live, "rss_bytes"),
        pss_bytes=_sum(live, "pss_bytes"),
        vms_bytes=_sum(live, "vms_bytes"),
        limit_bytes=newest["limit_bytes"],
        limit_used_bytes=newest["limit_used_bytes"],
        available_bytes=newest["available_bytes"],
        system_used_ratio=None if percent is None else percent / 100,
        thread_count=_sum(live, "thread_count"),
        fd_count=_sum(live, "fd_count"),
        deques=store.deque_status(one.name),
        firing=firing,
    )


def _sum(rows: Sequence[dict[str, Any]], name: str) -> int | None:
    """Return the sum over all processes; None when one of them is not known: a part is no sum."""
    values = [row[name] for row in rows]
    return None if None in values else sum(values)
