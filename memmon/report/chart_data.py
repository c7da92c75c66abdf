"""The pictures' data from the store: buckets made in SQL that never hide a peak."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.stats.newey_west import ols_newey_west
from memmon.report.chart_lines import forecast_of, least_squares_of, trend_of
from memmon.report.chart_processes import are_several, history_of_finding, lines_of, of_finding, summed
from memmon.report.chart_trends import trend_rows
from memmon.report.chart_values import Charts, DayRow, DequeChart, Layer, Marker, MemoryChart, StackChart
from memmon.units import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    from numpy.typing import NDArray

    from memmon.analysis.stats.newey_west import LeastSquares
    from memmon.report.chart_values import Values
    from memmon.report.data import Report
    from memmon.store.read import Buckets, Store

    Floats = NDArray[np.float64]

MEMORY_POINTS = 9_000
"""At most about so many buckets: 30 days of 5-minute samples stay whole."""

SPLIT_POINTS = 1_200
DEQUE_POINTS = 240
MAX_MARKERS = 300
GAP_INTERVALS = 3.0
"""A pause longer than so many intervals breaks the line."""

_ROUND_SECONDS = (60, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400)
_MARKER_KINDS = {
    "death": "alert",
    "ended": "note",
    "gc": "gc",
    "trim": "gc",
    "alert": "alert",
    "annotation": "note",
    "clock_step": "note",
}


def build_charts(
    store: Store,
    report: Report,
    *,
    tz: tzinfo,
    run_id: int | None = None,
    least_squares: LeastSquares = ols_newey_west,
) -> Charts | None:
    """Return the pictures for `report`, None when it has no sample; days are those of `tz`.

    They begin where the verdict's look-back begins, so that its evidence is in sight. `least_squares`: as in
    `build_report`.
    """
    since, until = report.judged_from or report.since, report.until
    if report.is_empty or since is None or until is None:
        return None
    interval_seconds = (report.staleness.interval_seconds if report.staleness else None) or 1.0
    length_seconds = max((until - since).total_seconds(), 60.0)
    fine_seconds = bucket_seconds(length_seconds, MEMORY_POINTS, at_least_seconds=interval_seconds)
    buckets = store.buckets(report.source, since, until, bucket_seconds=fine_seconds, run_id=run_id)
    if buckets.at_seconds.size == 0:
        return None
    first_seconds = max(since.timestamp(), float(buckets.at_seconds[0]))
    whole = summed(buckets) if are_several(report.assessment) else buckets
    history = store.history(report.source, since, until, run_id=run_id)
    return Charts(
        since_seconds=first_seconds,
        until_seconds=until.timestamp(),
        memory=_memory(whole, report, each=buckets),
        split=split_of(whole),
        deques=_deques(store, report, datetime.fromtimestamp(first_seconds, until.tzinfo), until, run_id),
        days=tuple(_days(whole, report, tz)),
        windows=trend_rows(
            history_of_finding(history, report.assessment), report.leak.finding, least_squares=least_squares
        ),
        markers=tuple(_markers(report, first_seconds))[-MAX_MARKERS:],
    )


def bucket_seconds(length_seconds: float, point_count: int, *, at_least_seconds: float) -> float:
    """Return a round bucket size that gives at most `point_count` buckets, never below the interval."""
    wanted = length_seconds / point_count
    if wanted <= at_least_seconds:
        return max(at_least_seconds, 0.001)
    round_up = next((size for size in _ROUND_SECONDS if size >= wanted), None)
    return float(round_up or -(-wanted // 86400) * 86400)


def _memory(buckets: Buckets, report: Report, *, each: Buckets) -> MemoryChart:
    """Return the picture of memory; `each`: the processes of which `buckets` are the sum, or the same."""
    finding, found = report.leak.finding, report.assessment
    system = report.system
    rows = _with_breaks(buckets)
    judged = each if found is None or each is buckets else of_finding(each, found)
    return MemoryChart(
        at_seconds=tuple((rows.at_seconds + _middle(buckets)).tolist()),
        mean_mb=_values(rows.of(buckets.columns["rss_bytes"]) / MIB),
        min_mb=_values(rows.of(buckets.columns["min_rss_bytes"]) / MIB),
        max_mb=_values(rows.of(buckets.columns["max_rss_bytes"]) / MIB),
        bucket_seconds=buckets.bucket_seconds,
        trend=trend_of(judged, finding) if finding else (),
        least_squares=least_squares_of(judged, finding) if finding else (),
        forecast=forecast_of(report.forecast, float(buckets.at_seconds[0])),
        limit_mb=_limit_mb(report),
        limit_origin=system.limit_origin if system else None,
        processes=() if each is buckets else lines_of(each),
    )


def _limit_mb(report: Report) -> float | None:
    """Return the resident memory at which the limit is reached: others may use a part of it."""
    if report.forecast is not None and report.forecast.rss_at_limit_mb is not None:
        return report.forecast.rss_at_limit_mb
    return report.system.limit_mb if report.system else None


def _middle(buckets: Buckets) -> float:
    """Return what leads from the beginning of a bucket to its middle; raw samples have none."""
    return buckets.bucket_seconds / 2 if bool((buckets.sample_count > 1).any()) else 0.0


class _Rows:
    """Bucket rows with an empty one wherever a line must break: a restart, or a pause."""

    def __init__(self, at_seconds: Floats, breaks: NDArray[np.int64], pause_seconds: Floats) -> None:
        self._breaks = breaks
        self.at_seconds: Floats = np.insert(at_seconds, breaks, pause_seconds)

    def of(self, column: Floats) -> Floats:
        """Return a column's values with NaN where the line breaks."""
        spread: Floats = np.insert(column, self._breaks, np.nan)
        return spread


def _with_breaks(buckets: Buckets) -> _Rows:
    at, run = buckets.at_seconds, buckets.run_id
    step = np.diff(at)
    usual = float(np.median(step)) if step.size else buckets.bucket_seconds
    breaks = (
        np.flatnonzero((np.diff(run) != 0) | (step > GAP_INTERVALS * max(usual, buckets.bucket_seconds))) + 1
    )
    return _Rows(at, breaks, (at[breaks - 1] + at[breaks]) / 2)


def _values(column: Floats) -> Values:
    return tuple(None if value != value else value for value in column.tolist())  # noqa: PLR0124 - NaN is not itself


def split_of(buckets: Buckets) -> StackChart | None:
    """Return what resident memory consists of, None where only its total was recorded.

    Anonymous memory less the native heap is what Python's own allocator and free memory hold.
    """
    columns = buckets.columns
    anonymous = columns["rss_anon_bytes"]
    if not bool(np.isfinite(anonymous).any()):
        return None
    rows = _with_breaks(buckets)
    size = max(-(-rows.at_seconds.size // SPLIT_POINTS), 1)
    native = np.nan_to_num(columns["heap_used_bytes"]) + np.nan_to_num(columns["heap_mmap_bytes"])
    native = np.minimum(native, anonymous)
    parts = {
        "native heap in use": native,
        "Python objects and free memory": anonymous - native,
        "shared": columns["rss_shmem_bytes"],
        "file-backed": columns["rss_file_bytes"],
    }
    layers = [
        Layer(
            name=name,
            value_mb=_values(
                _grouped_mean(rows.of(np.where(np.isfinite(anonymous), np.nan_to_num(part), np.nan)), size)
                / MIB
            ),
        )
        for name, part in parts.items()
        if float(np.nanmax(part, initial=0.0)) > 0
    ]
    return StackChart(at_seconds=tuple(rows.at_seconds[::size].tolist()), layers=tuple(layers))


def _grouped_mean(column: Floats, size: int) -> Floats:
    """Return the mean of every `size` values, NaN where one of them is NaN."""
    padded = np.concatenate([column, np.full(-column.size % size, column[-1])])
    means: Floats = padded.reshape(-1, size).mean(axis=1)
    return means


def _deques(
    store: Store, report: Report, since: datetime, until: datetime, run_id: int | None
) -> tuple[DequeChart, ...]:
    if not report.deques.rows:
        return ()
    length_seconds = max((until - since).total_seconds(), 60.0)
    size_seconds = bucket_seconds(length_seconds, DEQUE_POINTS, at_least_seconds=1.0)
    start = since.timestamp()
    count = int(length_seconds // size_seconds) + 1
    peaks = store.deque_peaks(
        report.source, since, until, run_id=run_id, span_seconds=size_seconds, span_count=count
    )
    times = tuple(start + (number + 0.5) * size_seconds for number in range(count))
    charts = []
    for row in report.deques.rows:
        lengths, limits = peaks.get(row.name, (np.full(count, np.nan), np.full(count, np.nan)))
        is_percent = row.maxlen_count is not None and row.maxlen_count > 0
        fill = 100.0 * lengths / np.where(limits > 0, limits, row.maxlen_count) if is_percent else lengths
        charts.append(
            DequeChart(row=row, at_seconds=times, fill=_values(np.round(fill, 2)), is_percent=is_percent)
        )
    return tuple(charts)


def _days(buckets: Buckets, report: Report, tz: tzinfo) -> Iterator[DayRow]:
    names = [datetime.fromtimestamp(at, tz).strftime("%Y-%m-%d") for at in buckets.at_seconds.tolist()]
    days, place = np.unique(names, return_inverse=True)
    starts = [
        run.started_at.astimezone(tz).strftime("%Y-%m-%d")
        for run in (report.history.runs if report.history else ())
    ]
    mean, low, high = (buckets.columns[name] for name in ("rss_bytes", "min_rss_bytes", "max_rss_bytes"))
    for number, day in enumerate(days.tolist()):
        rows = (place == number) & np.isfinite(mean)
        known = bool(rows.any())
        yield DayRow(
            day=day,
            sample_count=int(buckets.sample_count[place == number].sum()),
            min_mb=float(low[rows].min()) / MIB if known else None,
            mean_mb=float(np.average(mean[rows], weights=buckets.sample_count[rows])) / MIB
            if known
            else None,
            max_mb=float(high[rows].max()) / MIB if known else None,
            start_count=starts.count(day),
        )


def _markers(report: Report, first_seconds: float) -> Iterator[Marker]:
    """Yield every moment worth a line, oldest first: starts and deploys of runs, and events."""
    markers: list[Marker] = []
    runs = sorted(report.history.runs, key=lambda run: run.started_at) if report.history else []
    are_several = report.history is not None and report.history.process_count > 1
    for before, run in zip([None, *runs], runs, strict=False):
        is_deploy = before is not None and run.release is not None and run.release != before.release
        who = f"pid {run.pid}" if are_several and run.pid is not None else ""
        text = ", ".join(filter(None, (who, f"release {run.release}" if run.release else "")))
        markers.append(
            Marker(
                at_seconds=run.started_at.timestamp(), kind="deploy" if is_deploy else "restart", text=text
            )
        )
    markers += [
        Marker(at_seconds=event.at.timestamp(), kind=_MARKER_KINDS[event.kind], text=event.text)
        for event in report.events
        if event.kind in _MARKER_KINDS
    ]
    inside = [marker for marker in markers if marker.at_seconds > first_seconds]
    yield from sorted(inside, key=lambda marker: marker.at_seconds)
