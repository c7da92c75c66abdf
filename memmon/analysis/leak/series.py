"""One run as the verdict sees it: uptime, MB without what bounded deques took in, and the load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.garbage import garbage_mb
from memmon.arrays import median_of
from memmon.facts.python_memory import UNTOLD_ERROR_SHARE
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.history import History

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

FEWEST_RUN_SAMPLES = 8
"""Samples that a run needs to be judged. Chosen: fewer make no trend."""
WARM_UP_NEEDS_HOURS = 3.0
"""The warm-up is left out only of runs at least this long. Chosen: 2 h of 3 h remain."""
FOUND_LATE_SHARE = 0.05
"""Of what deques took in at most, so much had come before they were read at least. Chosen: less is a sample's error."""
MOST_OLS_SAMPLES = 50_000
"""Least squares sees the means of neighbours in longer histories. Chosen: its errors cost samples times lags."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunSeries:
    """A run without its warm-up; arrays of one value per sample.

    `history_hours`, `first_at_seconds`: how much was recorded of the run and since when, warm-up
    included; `hours`: uptime; `mb`: the series to judge; `filled_mb`: what registered bounded deques took in at least
    since the run's first sample (None: none registered), already subtracted from `mb`; `most_filled_mb`: the same at
    most; `work`: the cumulative count of work done (None: not counted). `start_mb`: the median of the warm-up that was
    left out (None: none was); `started_mb`: the floor of its last half. `garbage_mb`: what may be garbage that no collection has looked at (None: not counted).
    """

    run_id: int
    history_hours: float
    first_at_seconds: float
    at_seconds: FloatArray
    hours: FloatArray
    mb: FloatArray
    filled_mb: FloatArray | None
    most_filled_mb: FloatArray | None
    work: FloatArray | None
    start_mb: float | None = None
    started_mb: float | None = None
    garbage_mb: FloatArray | None = None

    @property
    def span_hours(self) -> float:
        """Hours from the first to the last sample."""
        return float(self.hours[-1] - self.hours[0])

    def until(self, count: int) -> RunSeries:
        """Return what was known of the run at its sample number `count`."""
        if count >= self.hours.size:
            return self
        return replace(
            self,
            history_hours=self.history_hours - float(self.hours[-1] - self.hours[count - 1]),
            at_seconds=self.at_seconds[:count],
            hours=self.hours[:count],
            mb=self.mb[:count],
            filled_mb=None if self.filled_mb is None else self.filled_mb[:count],
            most_filled_mb=None if self.most_filled_mb is None else self.most_filled_mb[:count],
            work=None if self.work is None else self.work[:count],
            garbage_mb=None if self.garbage_mb is None else self.garbage_mb[:count],
        )

    def between(self, first_seconds: float, last_seconds: float) -> RunSeries | None:
        """Return what was read of the run between two times; None where that is too little to be judged."""
        begin, end = np.searchsorted(self.at_seconds, [first_seconds, last_seconds], side="left").tolist()
        if end - begin < FEWEST_RUN_SAMPLES:
            return None
        part = self.until(end)
        if begin == 0:
            return part
        return replace(
            part,
            history_hours=float(part.hours[-1] - part.hours[begin]),
            first_at_seconds=float(part.at_seconds[begin]),
            at_seconds=part.at_seconds[begin:],
            hours=part.hours[begin:],
            mb=part.mb[begin:],
            filled_mb=None if part.filled_mb is None else part.filled_mb[begin:],
            most_filled_mb=None if part.most_filled_mb is None else part.most_filled_mb[begin:],
            work=None if part.work is None else part.work[begin:],
            garbage_mb=None if part.garbage_mb is None else part.garbage_mb[begin:],
        )


def run_series(
    run: History,
    *,
    warm_up_hours: float,
    is_resident: bool = False,
    judged_bytes: FloatArray | None = None,
    keeps_room: bool = True,
) -> RunSeries | None:
    """Return what to judge of one run, None when fewer than `FEWEST_RUN_SAMPLES` remain.

    That is its footprint, or with `is_resident` its resident memory. Where samples are means, so much lower as
    the least resident memory lay below the mean one. `judged_bytes`: a part of it instead, NaN where it was not read.
    `keeps_room`: whether it keeps the room of what is collected, as pages do.
    """
    if judged_bytes is None:
        judged_bytes = _lowest(run, run.rss_bytes if is_resident else run.footprint_bytes)
    mb = judged_bytes / MIB
    known = np.isfinite(mb)
    if not bool(known.any()):
        return None
    begin, end = int(np.argmax(known)), mb.size - 1 - int(np.argmax(known[::-1]))
    hours = run.uptime_seconds / SECONDS_PER_HOUR
    filled, most_filled = _filled_mb(run, run.deque_capacity_bytes), _most_filled_mb(run)
    if filled is not None:
        mb = mb - filled
    keep, start_mb, started_mb = known, None, None
    if (
        hours.size
        and hours[0] < warm_up_hours
        and hours[-1] - hours[0] >= WARM_UP_NEEDS_HOURS * min(warm_up_hours, 1)
    ):
        keep = keep & (hours >= warm_up_hours)
        left_out = mb[known & ~keep]
        start_mb = median_of(left_out) if left_out.size else None
        last_half = mb[known & ~keep & (hours >= warm_up_hours / 2.0)]
        started_mb = float(last_half.min()) if last_half.size else None
    if not bool(run.rss_bytes.all()) and bool(run.rss_bytes.any()):
        keep = keep & (run.rss_bytes > 0)  # a process that lives holds memory: zero is a failed reading
    if int(keep.sum()) < FEWEST_RUN_SAMPLES or hours[keep][-1] <= hours[keep][0]:
        return None
    return RunSeries(
        run_id=int(run.run_id[0]),
        history_hours=float(run.uptime_seconds[end] - run.uptime_seconds[begin]) / SECONDS_PER_HOUR,
        first_at_seconds=float(run.at_seconds[begin]),
        at_seconds=run.at_seconds[keep],
        hours=hours[keep],
        mb=mb[keep],
        filled_mb=None if filled is None else filled[keep],
        most_filled_mb=None if most_filled is None else most_filled[keep],
        work=None if run.work_count is None else _forward_filled(run.work_count)[keep],
        start_mb=start_mb,
        started_mb=started_mb,
        garbage_mb=_garbage_mb(run, keep, keeps_room=keeps_room),
    )


def _garbage_mb(run: History, keep: BoolArray, *, keeps_room: bool) -> FloatArray | None:
    if run.gc_pending_count is None:
        return None
    blocks = None if run.python_block_count is None else run.python_block_count[keep]
    return garbage_mb(run.gc_pending_count[keep], blocks, keeps_room=keeps_room)


def more_filled(run: RunSeries) -> RunSeries:
    """Return a run without what bounded deques took in at most, where at least was taken off."""
    if run.filled_mb is None or run.most_filled_mb is None:
        return run
    return replace(run, mb=run.mb - (run.most_filled_mb - run.filled_mb))


def was_found_late(run: RunSeries) -> bool:
    """Tell whether deques that were found while they filled took in what is not taken off: at most, and before they were read."""
    filled, most = run.filled_mb, run.most_filled_mb
    if filled is None or most is None or not bool((filled > 0).any()):
        return False
    begin = int(np.argmax(filled > 0))
    return begin > 0 and float(most[begin - 1]) > FOUND_LATE_SHARE * float(most[-1])


def thinned(hours: FloatArray, mb: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the samples for least squares: of more than `MOST_OLS_SAMPLES` the means of neighbours."""
    group = -(-hours.size // MOST_OLS_SAMPLES)
    if group <= 1:
        return hours, mb
    starts = np.arange(0, hours.size, group)
    size = np.diff(np.append(starts, hours.size))
    return np.add.reduceat(hours, starts) / size, np.add.reduceat(mb, starts) / size


def _lowest(run: History, judged_bytes: FloatArray) -> FloatArray:
    if run.min_rss_bytes is None:
        return judged_bytes
    least = _first_known(run.min_rss_bytes, run.rss_bytes)
    return np.asarray(np.maximum(judged_bytes - (run.rss_bytes - least), 0.0), dtype=np.float64)


def _first_known(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.where(np.isfinite(first) & (first >= 0), first, second)


def _forward_filled(values: FloatArray) -> FloatArray:
    """Return `values` with each NaN replaced by the newest known value before it, else the first known."""
    known = np.isfinite(values)
    if bool(known.all()) or not bool(known.any()):
        return np.where(known, values, 0.0)
    newest = np.maximum.accumulate(np.where(known, np.arange(values.size), -1))
    newest[newest < 0] = int(np.argmax(known))
    return values[newest]


def _filled_mb(run: History, capacity_bytes: FloatArray | None) -> FloatArray | None:
    """Return the MB that bounded deques took in since the first sample; unbounded growth is not among it.

    The room left in the bounded ones (their capacity less what is held) can only shrink to zero. Without
    capacities all growth of the registered deques counts as filling.
    """
    if run.deque_bytes is None:
        return None
    held = _forward_filled(run.deque_bytes)
    if capacity_bytes is not None:
        capacity = _forward_filled(capacity_bytes)
        room = np.maximum(capacity - held, 0.0)
        return np.asarray((room[0] - room) / MIB, dtype=np.float64)
    return np.asarray((held - held[0]) / MIB, dtype=np.float64)


def _most_filled_mb(run: History) -> FloatArray | None:
    """Return what they took in at most; where no error is known, so much more as sizes from a sample may stray."""
    if run.deque_most_capacity_bytes is not None:
        return _filled_mb(run, run.deque_most_capacity_bytes)
    filled = _filled_mb(run, run.deque_capacity_bytes)
    return None if filled is None else (1.0 + UNTOLD_ERROR_SHARE) * filled
