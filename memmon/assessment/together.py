"""What the processes of a source hold together, moment by moment: a history of their sum.

Each process counts from its first sample to its last, and through a short pause between it and its restart. Nothing is
averaged over processes: at each moment all of them are added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from memmon.facts.medians import median
from memmon.history import History

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memmon.facts.side_by_side import Lane

    FloatArray = NDArray[np.float64]

MOST_MOMENTS = 9_000
"""Moments that are looked at, at most. Chosen: a month of five minutes."""

Quantity = Literal["footprint", "rss"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Course:
    """One process, its restarts included, over time; and the spans in which it was there."""

    samples: History
    spans: tuple[tuple[float, float], ...]

    def of(self, column: FloatArray | None, moments: FloatArray) -> FloatArray:
        """Return a column of the samples at some moments; 0 where the process was not there, or nothing is known."""
        known = np.zeros(0, dtype=np.bool_) if column is None else np.isfinite(column)
        if column is None or not known.any():
            return np.zeros(moments.size)
        at = self.samples.at_seconds[known]
        order = np.argsort(at, kind="stable")
        there = np.zeros(moments.size, dtype=np.bool_)
        for begin, end in self.spans:
            there |= (moments >= begin) & (moments <= end)
        return np.where(there, np.interp(moments, at[order], column[known][order]), 0.0)


def together(history: History, found: Sequence[Lane], *, quantity: Quantity = "footprint") -> History:
    """Return the sum over the processes of `found` as a history of one run; its `rss_bytes` is the quantity asked for."""
    end = max(lane[-1].end_seconds for lane in found)
    courses = [_course(history, lane, end) for lane in found]
    moments = _moments(courses, end, [one.interval_seconds for lane in found for one in lane])

    def total(name: str) -> FloatArray | None:
        columns = [course.of(getattr(course.samples, name), moments) for course in courses]
        return None if getattr(history, name) is None else np.sum(columns, axis=0)

    return History.from_arrays(
        source=history.source,
        at_seconds=moments,
        uptime_seconds=moments - moments[0],
        rss_bytes=np.asarray(total("footprint_bytes" if quantity == "footprint" else "rss_bytes")),
        charged_bytes=_charged(history, moments),
        deque_bytes=total("deque_bytes"),
        deque_capacity_bytes=total("deque_capacity_bytes"),
    )


def _course(history: History, lane: Lane, end: float) -> _Course:
    spans = []
    for one, after in zip(lane, (*lane[1:], None), strict=True):
        until = one.until(end)
        if after is not None and after.begin_seconds - one.end_seconds <= one.silent_after_seconds:
            until = max(until, after.begin_seconds)
        spans.append((one.begin_seconds, until))
    return _Course(samples=history.of_runs(one.run_id for one in lane), spans=tuple(spans))


def _moments(courses: Sequence[_Course], end: float, intervals: Sequence[float | None]) -> FloatArray:
    """Return the moments of the sum: as far apart as samples usually are, from when the first processes were all there."""
    known = [one for one in intervals if one]
    step = float(median(known)) if known else 1.0
    begins = np.array([course.spans[0][0] for course in courses])
    # Of processes that are there from the beginning, the first samples lie up to an interval apart.
    begin = float(begins[begins <= begins.min() + step].max())
    step = max(step, (end - begin) / MOST_MOMENTS)
    count = int((end - begin) // step) + 1
    back: FloatArray = np.arange(count - 1, -1, -1, dtype=np.float64)
    return end - step * back


def _charged(history: History, moments: FloatArray) -> FloatArray | None:
    """Return what was charged, which each process has read of the same group."""
    if history.charged_bytes is None:
        return None
    known = np.isfinite(history.charged_bytes)
    order = np.argsort(history.at_seconds[known], kind="stable")
    at, charged = history.at_seconds[known][order], history.charged_bytes[known][order]
    found: FloatArray = np.where(moments >= at[0], np.interp(moments, at, charged), np.nan)
    return found
