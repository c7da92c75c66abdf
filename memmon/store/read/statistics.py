"""Aggregates over the samples of a window.

Peaks are never hidden: every mean has its minimum or maximum beside it, also where the samples
are rollups already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from memmon.facts.readings import READINGS
from memmon.footprint import footprint_of
from memmon.store.read.answers import WindowStatistics, datetime_or_none
from memmon.store.read.samples import is_float, seconds, union
from memmon.store.retention.rollup_columns import COUNTERS, EXTREMES, MEANS, VALUES
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memmon.facts.readings import Reading
    from memmon.store.read.ports import Session
    from memmon.store.read.samples import Window
    from memmon.store.read.window_answers import Buckets, ReadingStatistics

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


def reading_statistics_of(points: Mapping[str, FloatArray]) -> tuple[ReadingStatistics, ...]:
    """Return last, mean, least and largest of every reading of some samples (`fetch_whole`)."""
    order = np.argsort(points["at_ms"], kind="stable")
    return tuple(_of_reading(one, points, order) for one in READINGS)


def _of_reading(one: Reading, found: Mapping[str, FloatArray], order: NDArray[np.int64]) -> ReadingStatistics:
    from memmon.store.read.window_answers import ReadingStatistics

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
        last=_plain(one, values[order[known[order]][-1]]),
        mean=mean,
        least=_plain(one, np.nanmin(lows)),
        largest=_plain(one, np.nanmax(highs)),
    )


def _plain(one: Reading, value: np.float64) -> int | float:
    return float(value) if one.unit == "percent" else int(value)


def buckets_of(points: Mapping[str, FloatArray], *, bucket_seconds: float) -> Buckets:
    """Return samples (`fetch_whole`) gathered into spans of `bucket_seconds`, per run."""
    from memmon.store.read.window_answers import Buckets

    bucket_ms = round(bucket_seconds * MS_PER_SECOND)
    if bucket_ms <= 0:
        msg = f"bucket_seconds must be positive, not {bucket_seconds}"
        raise ValueError(msg)
    bucket = np.floor(points["at_ms"] / bucket_ms)
    order = np.lexsort((points["run_id"], bucket))
    bucket, run_id = bucket[order], points["run_id"][order]
    starts = np.flatnonzero(np.append(True, (np.diff(bucket) != 0) | (np.diff(run_id) != 0))[: bucket.size])
    folded = _Folded(starts, {name: points[name][order] for name in ("sample_count", "rss_count", *VALUES)})
    columns = {name: folded.mean(name) for name in MEANS}
    columns |= {name: folded.extreme(name, np.fmax) for name in COUNTERS}
    columns |= {
        name: folded.extreme(name, np.fmin if name.startswith("min") else np.fmax) for name in EXTREMES
    }
    return Buckets(
        bucket_seconds=bucket_ms / MS_PER_SECOND,
        at_seconds=seconds(bucket[starts] * bucket_ms),
        run_id=run_id[starts].astype(np.int64),
        sample_count=folded.total(folded.values["sample_count"]).astype(np.int64),
        columns={name: columns[name] for name in VALUES},
    )


class _Folded(NamedTuple):
    """Samples in the order of their spans; NaN where a reading is missing."""

    starts: NDArray[np.int64]
    """Where each span begins."""
    values: Mapping[str, FloatArray]

    def total(self, values: FloatArray) -> FloatArray:
        """Return the sum over each span."""
        return np.add.reduceat(values, self.starts) if self.starts.size else np.empty(0)

    def extreme(self, name: str, choose: np.ufunc) -> FloatArray:
        """Return the least or largest known value of each span."""
        found: FloatArray = (
            choose.reduceat(self.values[name], self.starts) if self.starts.size else np.empty(0)
        )
        return found

    def mean(self, name: str) -> FloatArray:
        """Return the mean of each span, weighted by the samples behind it; whole where the reading is."""
        values, weight = self.values[name], self.values[_weight(name)]
        known = np.isfinite(values)
        if not bool(known.any()):
            return np.full(self.starts.size, np.nan)
        count = self.total(np.where(known, weight, 0.0))
        with np.errstate(invalid="ignore"):
            mean = self.total(np.where(known, values * weight, 0.0)) / count
        return mean if is_float(name) else np.trunc(mean + np.copysign(0.5, mean))


def _weight(name: str) -> str:
    return "rss_count" if name == "rss_bytes" else "sample_count"
