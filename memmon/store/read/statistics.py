"""Aggregates made in SQL: pandas takes two to three times as long for the same.

Peaks are never hidden: every mean has its minimum or maximum beside it, also where the samples
are rollups already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memmon.facts.readings import READINGS
from memmon.footprint import footprint_of
from memmon.store.read.answers import Buckets, ReadingStatistics, WindowStatistics, datetime_or_none
from memmon.store.read.samples import fetch_columns, seconds, union, union_arms
from memmon.store.retention.rollup_columns import COUNTERS, EXTREMES, MEANS, VALUES, mean_expression
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memmon.facts.readings import Reading
    from memmon.store.read.ports import Session
    from memmon.store.read.samples import Window

    FloatArray = NDArray[np.float64]

_LAST = (
    "rss_bytes",
    "available_bytes",
    "system_percent",
    "limit_bytes",
    "limit_used_bytes",
    "charged_bytes",
    "rss_anon_bytes",
    "rss_shmem_bytes",
    "swap_bytes",
)


def window_statistics(session: Session, window: Window) -> WindowStatistics:
    """Return last, mean, least and largest of a window."""
    columns = ("rss_bytes", "min_rss_bytes", "max_rss_bytes", "max_system_percent")
    (row,) = session.rows(
        "SELECT min(at_ms), max(at_ms), sum(rss_count), sum(1.0 * rss_bytes * rss_count), min(min_rss_bytes), "
        "max(max_rss_bytes), max(max_system_percent) "
        f"FROM ({union(window, columns)}) q",
        window.parameters(),
    )
    known_count = int(row[2] or 0)
    last = _last_values(session, window)
    return WindowStatistics(
        first_at=datetime_or_none(row[0]),
        last_at=datetime_or_none(row[1]),
        sample_count=known_count,
        average_rss_bytes=float(row[3]) / known_count if known_count else None,
        min_rss_bytes=row[4],
        max_rss_bytes=row[5],
        max_system_percent=row[6],
        **_told(last),
    )


def _told(last: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a newest sample tells, by the fields of WindowStatistics."""
    return {
        "last_rss_bytes": last.get("rss_bytes"),
        "last_available_bytes": last.get("available_bytes"),
        "last_system_percent": last.get("system_percent"),
        "last_limit_bytes": last.get("limit_bytes"),
        "last_limit_used_bytes": last.get("limit_used_bytes"),
        "last_charged_bytes": last.get("charged_bytes"),
        "last_footprint_bytes": footprint_bytes(last),
    }


def footprint_bytes(last: Mapping[str, int | None]) -> int | None:
    """Return what the process can't give back by one sample alone."""
    if last.get("rss_bytes") is None:
        return None
    rss, anon, shmem, swapped = (
        np.array([np.nan if last.get(name) is None else last[name]], dtype=np.float64)
        for name in ("rss_bytes", "rss_anon_bytes", "rss_shmem_bytes", "swap_bytes")
    )
    footprint = footprint_of(rss, anon_bytes=anon, shmem_bytes=shmem, swap_bytes=swapped)
    return round(float(footprint[0]))


def _last_values(session: Session, window: Window) -> dict[str, Any]:
    """Return the newest sample with a known RSS; of a rollup its last RSS, else its means."""
    columns = [f"s.{name}" for name in _LAST]
    rolled = ["h.last_rss_bytes", *(f"h.{name}" for name in _LAST[1:])]
    sql = (
        f"SELECT * FROM (SELECT s.at_ms, s.run_id, s.uptime_ms, {', '.join(columns)} FROM snapshot s "
        f"WHERE {window.condition('s')} AND s.rss_bytes IS NOT NULL "
        f"UNION ALL SELECT h.at_ms, h.run_id, h.uptime_ms, {', '.join(rolled)} FROM rollup h "
        f"WHERE {window.condition('h')} AND h.last_rss_bytes IS NOT NULL) q "
        # Of processes that were read at one moment, always the same; of one whose clock was set back, the later.
        "ORDER BY at_ms DESC, run_id DESC, uptime_ms DESC LIMIT 1"
    )
    rows = session.rows(sql, window.parameters())
    return dict(zip(_LAST, rows[0][3:], strict=True)) if rows else {}


def read_newest_statistics(
    session: Session, *, latest_ms: int, presents: Mapping[int, int], source_id: int | None = None
) -> dict[int, dict[int, WindowStatistics]]:
    """Return the values of each run's newest snapshot with a known RSS, by the source's id and the run's: a seek per run.

    `source_id`: of that source alone.

    `presents`: the run with the present of each source, by the source's id; it stands last, else the one that was
    sampled last. Nothing but those values is known. What has only rollups left is not there.
    """
    columns = ", ".join(f"s.{name}" for name in _LAST)
    newest = (
        "SELECT n.seq FROM snapshot n WHERE n.run_id = r.id AND n.rss_bytes IS NOT NULL "
        "AND n.at_ms <= :latest_ms ORDER BY n.seq DESC LIMIT 1"
    )
    chosen = "" if source_id is None else "AND r.source_id = :source_id "
    rows = session.rows(
        f"SELECT r.source_id, r.id, s.at_ms, {columns} FROM run r "
        # CROSS: else SQLite goes through all snapshots and looks at the run of each.
        f"CROSS JOIN snapshot s WHERE s.run_id = r.id AND s.seq = ({newest}) {chosen}ORDER BY s.at_ms, r.id",
        {"latest_ms": latest_ms} | ({} if source_id is None else {"source_id": source_id}),
    )
    found: dict[int, dict[int, WindowStatistics]] = {}
    for owner_id, run_id, at_ms, *values in rows:
        found.setdefault(owner_id, {})[run_id] = _of_newest(at_ms, values)
    for owner_id, run_id in presents.items():
        runs = found.get(owner_id, {})
        if run_id in runs:
            runs[run_id] = runs.pop(run_id)
    return found


def _of_newest(at_ms: int, values: Sequence[Any]) -> WindowStatistics:
    return WindowStatistics(
        first_at=None,
        last_at=datetime_or_none(at_ms),
        sample_count=1,
        average_rss_bytes=None,
        min_rss_bytes=None,
        max_rss_bytes=None,
        max_system_percent=None,
        **_told(dict(zip(_LAST, values, strict=True))),
    )


def read_reading_statistics(session: Session, window: Window) -> tuple[ReadingStatistics, ...]:
    """Return last, mean, least and largest of every reading."""
    found = _whole_columns(session, window)
    order = np.argsort(found["at_ms"], kind="stable")
    return tuple(_of_reading(one, {name: array[order] for name, array in found.items()}) for one in READINGS)


def _whole_columns(session: Session, window: Window) -> dict[str, FloatArray]:
    """Return `VALUES` of all samples in a window: raw ones have their extremes in the values themselves, read once."""
    counts, plain = ("at_ms", "sample_count", "rss_count"), (*MEANS, *COUNTERS)
    raw_sql, rolled_sql = union_arms(window, plain)[0], union_arms(window, VALUES)[1]
    raw = fetch_columns(session, raw_sql, (*counts, *plain), parameters=window.parameters())
    rolled = fetch_columns(session, rolled_sql, (*counts, *VALUES), parameters=window.parameters())
    return {
        name: np.concatenate([raw[EXTREMES.get(name, name)], rolled[name]]) for name in (*counts, *VALUES)
    }


def _of_reading(one: Reading, found: Mapping[str, FloatArray]) -> ReadingStatistics:
    values = found[one.column]
    known = np.isfinite(values)
    if not known.any():
        return ReadingStatistics(
            column=one.column, unit=one.unit, last=None, mean=None, least=None, largest=None
        )
    mean = None
    if one.fold == "mean":
        mean = float(np.average(values[known], weights=found[_weight(one.column)][known]))
    lows = found[f"min_{one.column}"] if "min" in one.beside else values
    highs = found[f"max_{one.column}"] if "max" in one.beside else values
    return ReadingStatistics(
        column=one.column,
        unit=one.unit,
        last=_plain(one, values[known][-1]),
        mean=mean,
        least=_plain(one, np.nanmin(lows)),
        largest=_plain(one, np.nanmax(highs)),
    )


def _plain(one: Reading, value: np.float64) -> int | float:
    return float(value) if one.unit == "percent" else int(value)


def read_buckets(session: Session, window: Window, *, bucket_seconds: float) -> Buckets:
    """Return the samples of a window gathered into spans of `bucket_seconds`, per run."""
    bucket_ms = round(bucket_seconds * MS_PER_SECOND)
    if bucket_ms <= 0:
        msg = f"bucket_seconds must be positive, not {bucket_seconds}"
        raise ValueError(msg)
    # Means are weighted by the samples behind them; whole numbers keep the transport fast.
    parts = [f"{mean_expression(name, _weight(name))} AS {name}" for name in MEANS]
    parts += [f"max({name}) AS {name}" for name in COUNTERS]
    parts += [f"{name[:3]}({name}) AS {name}" for name in EXTREMES]
    query = (
        f"SELECT at_ms / :bucket_ms * :bucket_ms AS bucket_ms, run_id, sum(sample_count) AS sample_count, "
        f"{', '.join(parts)} FROM ({union(window, VALUES)}) u GROUP BY run_id, at_ms / :bucket_ms"
    )
    found = fetch_columns(
        session,
        query,
        ("bucket_ms", "run_id", "sample_count", *VALUES),
        parameters={**window.parameters(), "bucket_ms": bucket_ms},
    )
    order = np.lexsort((found["run_id"], found["bucket_ms"]))
    return Buckets(
        bucket_seconds=bucket_ms / MS_PER_SECOND,
        at_seconds=seconds(found["bucket_ms"][order]),
        run_id=found["run_id"][order].astype(np.int64),
        sample_count=found["sample_count"][order].astype(np.int64),
        columns={name: found[name][order] for name in VALUES},
    )


def _weight(name: str) -> str:
    return "rss_count" if name == "rss_bytes" else "sample_count"
