"""Garbage that no collection has looked at yet: growth that may be that is no evidence of a leak.

A program that tells the collector to wait holds garbage for hours, in memory that grows as a leak does. The count of objects
that no collection has looked at bounds how fast it may grow. Where the collector is off that count is 0: then it is the leak.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_minima, median_slope
from memmon.analysis.leak.rules import Ruling, rule
from memmon.arrays import quantile_of
from memmon.facts.python_memory import USUAL_BLOCK_BYTES
from memmon.units import MIB

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.leak.series import RunSeries
    from memmon.analysis.leak.trend import Trend

    FloatArray = NDArray[np.float64]

BLOCKS_PER_OBJECT = 8.0
"""Blocks of Python's own allocator that an object holds with all that is its own, at most. Given with the rule."""
WITH_BUFFERS = 1.5
"""Bytes that garbage holds, over those of its blocks. Chosen: large buffers of small objects lie in the C library's heap."""
MANY_SHARE = 0.5
"""Objects that came to wait, over the most that ever did, that are many. Chosen: a half."""
SURELY_QUANTILE = 0.1
"""Quantile of the blocks that came with each which bounds what one holds. Chosen: the least, but for noise."""
GARBAGE = "garbage"
"""The demand that such growth fails, and the reason why nothing can be said of it."""


def garbage_mb(pending_count: FloatArray, block_count: FloatArray | None, *, keeps_room: bool) -> FloatArray:
    """Return the MB that may be garbage at each sample (0.0 where the objects were not counted).

    With `keeps_room` the most so far: pages that were held once stay with the process when what lay in them is collected.
    """
    pending = np.nan_to_num(pending_count)
    mb = pending * (_blocks_per_object(pending, block_count) * USUAL_BLOCK_BYTES / MIB)
    return np.maximum.accumulate(mb) if keeps_room else mb


def _blocks_per_object(pending: FloatArray, block_count: FloatArray | None) -> float:
    """Return how many blocks an object may hold: no more than came with it since blocks were fewest, whenever many did."""
    if block_count is None:
        return BLOCKS_PER_OBJECT
    blocks = np.where(np.isfinite(block_count), block_count, np.inf)
    fewest = np.minimum.accumulate(blocks)
    at_fewest = np.maximum.accumulate(np.where(blocks == fewest, np.arange(blocks.size), 0))
    more = pending - pending[at_fewest]
    many = (more > 0) & (more >= MANY_SHARE * more.max()) & np.isfinite(blocks)
    if not bool(many.any()):
        return BLOCKS_PER_OBJECT
    seen = quantile_of((blocks - fewest)[many] / more[many], SURELY_QUANTILE)
    return min(WITH_BUFFERS * seen, BLOCKS_PER_OBJECT)


def rule_beyond_garbage(
    run: RunSeries, trend: Trend, threshold_mb_per_hour: float, *, margin: float | None, is_old: bool = False
) -> Ruling:
    """Apply the alarm rule to the trend of the last part of a run: what grows beside garbage must be a leak by itself."""
    ruling = rule(trend, threshold_mb_per_hour, margin=margin, is_old=is_old)
    beyond = trend.slope - threshold_mb_per_hour
    return beyond_garbage(run, ruling, beyond_mb_per_hour=beyond, span_hours=trend.span_hours)


def beyond_garbage(run: RunSeries, ruling: Ruling, *, beyond_mb_per_hour: float, span_hours: float) -> Ruling:
    """Return a ruling, no alarm where what grows beyond the threshold may be garbage; `run`: the newest it speaks of."""
    if not ruling.is_alarm or _slope(run, span_hours) <= beyond_mb_per_hour:
        return ruling
    return replace(ruling, is_alarm=False, failed=GARBAGE)


def _slope(run: RunSeries, span_hours: float) -> float:
    """Return how fast garbage may grow in the last hours of a run, as the floor of memory is measured."""
    if run.garbage_mb is None:
        return 0.0
    first = int(np.searchsorted(run.hours, run.hours[-1] - span_hours - 1e-6))
    blocks = block_minima(run.hours[first:], run.garbage_mb[first:])
    return median_slope(blocks.hours, blocks.mb) if blocks.hours.size > 1 else 0.0
