"""The pictures' data from the store: buckets that never hide a peak."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.stats.newey_west import ols_newey_west
from memmon.assessment.overtaken import is_overtaken
from memmon.report.chart_bins import BIN_SECONDS
from memmon.report.chart_lines import forecast_of, trend_of, trend_words
from memmon.report.chart_marks import (
    EVENT_KINDS,
    MAX_MARKERS,
    MAX_PASSES,
    PASS_KINDS,
    ends_of,
    markers_of,
    releases_of,
)
from memmon.report.chart_parts import parts_of
from memmon.report.chart_pauses import CutCells, PiecewiseRows, cut_ribbons, pauses_of
from memmon.report.chart_processes import are_several, history_of_finding, lines_of, of_finding, summed
from memmon.report.chart_stacks import counts_of, split_of, values_of
from memmon.report.chart_trends import trend_rows
from memmon.report.chart_values import Charts, DayRow, DequeChart, MemoryChart
from memmon.units import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    from numpy.typing import NDArray

    from memmon.analysis.stats.newey_west import LeastSquares
    from memmon.report.chart_values import Pause
    from memmon.report.data import Report
    from memmon.store.read import Buckets, Store

    Floats = NDArray[np.float64]

MEMORY_POINTS = 9_000
"""At most about so many buckets: 30 days of 5-minute samples stay whole."""

DEQUE_POINTS = 240


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
    offset_seconds = local_offset_seconds(until, tz)
    interval_seconds = (report.staleness.interval_seconds if report.staleness else None) or 1.0
    length_seconds = max((until - max(since, _first_at(report, run_id) or since)).total_seconds(), 60.0)
    fine_seconds = bucket_seconds(
        length_seconds,
        MEMORY_POINTS,
        at_least_seconds=max(interval_seconds, 1.0),
        offset_seconds=offset_seconds,
    )
    buckets = store.buckets(report.source, since, until, bucket_seconds=fine_seconds, run_id=run_id)
    if buckets.at_seconds.size == 0:
        return None
    first_seconds = max(since.timestamp(), float(buckets.at_seconds[0]))
    whole = summed(buckets) if are_several(report.assessment) else buckets
    history = history_of_finding(store.history(report.source, since, until, run_id=run_id), report.assessment)
    window = _Window(
        since_seconds=first_seconds,
        until_seconds=until.timestamp(),
        offset_seconds=offset_seconds,
        interval_seconds=interval_seconds,
        pauses=pauses_of(whole),
    )
    return Charts(
        since_seconds=first_seconds,
        until_seconds=until.timestamp(),
        memory=_memory(whole, report, each=buckets),
        split=split_of(whole, offset_seconds=offset_seconds),
        parts=parts_of(store, report, buckets, offset_seconds=offset_seconds, bounds=(since, until, run_id)),
        deques=_deques(store, report, window, run_id),
        days=tuple(_days(whole, report, tz)),
        windows=trend_rows(history, report.leak.finding, least_squares=least_squares),
        markers=markers_of(
            report,
            *(
                store.events(report.source, since, until, kinds=kinds, limit=most, run_id=run_id)
                for kinds, most in ((list(EVENT_KINDS), MAX_MARKERS), (PASS_KINDS, MAX_PASSES))
            ),
            first_seconds=first_seconds,
            until_seconds=until.timestamp(),
        ),
        ends=ends_of(report, first_seconds=first_seconds),
        releases=releases_of(report, since_seconds=first_seconds, until_seconds=until.timestamp()),
        pauses=window.pauses,
        offset_seconds=offset_seconds,
        told_at_seconds=report.told_at.timestamp(),
    )


def _first_at(report: Report, run_id: int | None) -> datetime | None:
    """Return when the first sample may have been taken: a short history is drawn as finely as a long one."""
    history = report.history
    if history is None or run_id is None:
        return None if history is None else history.first_at
    return next((run.started_at for run in history.runs if run.run_id == run_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """What part of the world all pictures show."""

    since_seconds: float
    until_seconds: float
    offset_seconds: float
    interval_seconds: float
    pauses: tuple[Pause, ...]


def local_offset_seconds(at: datetime, tz: tzinfo) -> float:
    """Return how far local time is ahead of UTC at a moment."""
    offset = at.astimezone(tz).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


def bucket_seconds(
    length_seconds: float, point_count: int, *, at_least_seconds: float, offset_seconds: float = 0.0
) -> float:
    """Return the size of buckets that are no finer than needed and never coarser than the interval asks for.

    It divides the day and the offset of local time, so that bins from local midnight consist of whole buckets.
    """
    wanted = max(length_seconds / point_count, 1.0)
    fitting = [size for size in BIN_SECONDS if math.isclose(offset_seconds % size, 0.0)]
    if wanted <= at_least_seconds:
        return float(max(size for size in fitting if size <= at_least_seconds))
    return float(next((size for size in fitting if size >= wanted), fitting[-1]))


def _memory(buckets: Buckets, report: Report, *, each: Buckets) -> MemoryChart:
    """Return the picture of memory; `each`: the processes of which `buckets` are the sum, or the same."""
    finding, found = report.leak.finding, report.assessment
    system = report.system
    rows, pauses = PiecewiseRows(buckets), pauses_of(buckets)
    judged = each if found is None or each is buckets else of_finding(each, found)
    # What has ended meets no limit any more.
    ahead = None if is_overtaken(found) else report.forecast
    forecast, reach = forecast_of(ahead, float(buckets.at_seconds[0]))
    return MemoryChart(
        at_seconds=tuple(rows.at_seconds.tolist()),
        mean_mb=values_of(rows.of(buckets.columns["rss_bytes"]) / MIB),
        min_mb=values_of(rows.of(buckets.columns["min_rss_bytes"]) / MIB),
        max_mb=values_of(rows.of(buckets.columns["max_rss_bytes"]) / MIB),
        bucket_seconds=buckets.bucket_seconds,
        trend=cut_ribbons(trend_of(judged, finding), pauses) if finding else (),
        trend_words=trend_words(finding),
        forecast=forecast,
        reach=reach,
        full_at_seconds=_full_at(report),
        newest_mb=report.memory.current_mb,
        limit_mb=_limit_mb(report),
        whole_limit_mb=system.limit_mb if system else None,
        limit_origin=system.limit_origin if system else None,
        processes=() if each is buckets else lines_of(each),
        sample_counts=counts_of(rows, buckets),
    )


def _full_at(report: Report) -> float | None:
    """Return when the limit is met, where the forecast gives a date."""
    found = None if report.assessment is None else report.assessment.forecast
    return None if found is None or found.state != "dated" or found.at is None else found.at.timestamp()


def _limit_mb(report: Report) -> float | None:
    """Return the resident memory at which the limit is reached: others may use a part of it."""
    if report.forecast is not None and report.forecast.rss_at_limit_mb is not None:
        return report.forecast.rss_at_limit_mb
    return report.system.limit_mb if report.system else None


def _deques(store: Store, report: Report, window: _Window, run_id: int | None) -> tuple[DequeChart, ...]:
    """Return each deque's picture, in spans from local midnight on, cut where memory's line is."""
    if not report.deques.rows:
        return ()
    since, until = window.since_seconds, window.until_seconds
    length = max(until - since, 60.0, 2 * window.interval_seconds * DEQUE_POINTS)  # no span without a sample
    size = bucket_seconds(length, DEQUE_POINTS, at_least_seconds=1.0, offset_seconds=window.offset_seconds)
    start = (since + window.offset_seconds) // size * size - window.offset_seconds
    count = int((until - start) // size) + 1
    peaks = store.deque_peaks(
        report.source,
        datetime.fromtimestamp(start, UTC),
        datetime.fromtimestamp(until, UTC),
        run_id=run_id,
        span_seconds=size,
        span_count=count,
    )
    spans = [start + number * size for number in range(count)]
    cells = CutCells(spans, window.pauses, cell_seconds=size)
    charts = []
    for row in report.deques.rows:
        lengths, limits = peaks.get(row.name, (np.full(count, np.nan), np.full(count, np.nan)))
        is_percent = row.maxlen_count is not None and row.maxlen_count > 0
        fill = 100.0 * lengths / np.where(limits > 0, limits, row.maxlen_count) if is_percent else lengths
        values = cells.of(values_of(np.round(fill, 2)))
        charts.append(
            DequeChart(
                row=row, at_seconds=cells.at_seconds, fill=values, is_percent=is_percent, span_seconds=size
            )
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
