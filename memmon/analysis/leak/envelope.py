"""The lower envelope of a run: block minima forget bursts, garbage and sawtooth teeth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from memmon.arrays import median_of
from memmon.facts.medians import SIGMA_PER_MAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

BLOCK_COUNT = 48
"""Blocks of an envelope. Chosen: half an hour each in a day; the constants were tuned with it."""
FEWEST_MINIMA = 12
"""Blocks below which blocks get fewer samples instead. Tuned with the rules of the verdict."""
SAMPLES_PER_BLOCK = 3
"""Samples per block where there are enough. Chosen: a minimum of three forgets one tooth."""
HOURS_PER_DAY = 24.0
"""Hours of a day. By definition."""
LONGEST_DAY_BLOCK_HOURS = 4.0
"""Longest block, in hours, that shows the day. By definition: half the shortest harmonic of it."""
DAY_HARMONICS_HOURS = (24.0, 12.0, 8.0)
"""Periods, in hours, of the day's first three harmonics. Chosen: enough for working hours."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blocks:
    """Block minima: `number` (ascending, gaps skip numbers), `hours` (mean time), `mb` (minimum)."""

    number: IntArray
    hours: FloatArray
    mb: FloatArray
    length_hours: float


@lru_cache(maxsize=32)
def _pairs(n: int) -> tuple[IntArray, IntArray]:
    first, second = np.triu_indices(n, 1)
    return first, second


def median_slope(x: FloatArray, y: FloatArray) -> float:
    """Return the median of all pairwise slopes (Theil 1950; Sen 1968) of at most a few hundred points.

    `x` ascending without ties. Larger series go through `memmon.analysis.stats`.
    """
    first, second = _pairs(x.size)
    return median_of((y[second] - y[first]) / (x[second] - x[first]))


def kendall_tau(y: FloatArray) -> float:
    """Return Kendall's tau of `y` with time: 1.0 when every later value is higher, 0.0 for no order."""
    first, second = _pairs(y.size)
    return mean_of(np.sign(y[second] - y[first]))


def mean_of(values: FloatArray) -> float:
    """Return the mean of a short array: what numpy's does, without its checks."""
    return float(np.add.reduce(values)) / values.size


def block_starts(number: IntArray) -> IntArray:
    """Return the places at which a block begins, of samples with these (never falling) block numbers."""
    begins = np.empty(number.size, dtype=np.bool_)
    begins[:1] = True
    np.not_equal(number[1:], number[:-1], out=begins[1:])
    return np.asarray(begins.nonzero()[0], dtype=np.int64)


def block_sizes(starts: IntArray, count: int) -> IntArray:
    """Return how many samples lie in each block, of `count` samples whose blocks begin at `starts`."""
    sizes = np.empty_like(starts)
    sizes[:-1], sizes[-1:] = starts[1:], count
    sizes -= starts
    return sizes


def block_minima(hours: FloatArray, mb: FloatArray, *, block_count: int = BLOCK_COUNT) -> Blocks:
    """Return about `block_count` minima over blocks of equal length of one run's samples.

    Fewer, longer blocks when there are few samples. The minima are taken round a first slope, so that
    a steep leak does not make every block's minimum its first sample.
    """
    begin, span = float(hours[0]), float(hours[-1] - hours[0])
    count = min(block_count, max(FEWEST_MINIMA, hours.size // SAMPLES_PER_BLOCK), hours.size)
    length = _whole_days(span / count, span) * (1 + 1e-9)
    since = hours - begin
    number = np.floor(since / length).astype(np.int64)
    starts = block_starts(number)
    sizes = block_sizes(starts, hours.size)
    centre = np.add.reduceat(hours, starts) / sizes
    first = np.minimum.reduceat(mb, starts)
    if starts.size < 2:  # noqa: PLR2004 - no slope through one point
        return Blocks(number=number[starts], hours=centre, mb=first, length_hours=length)
    slope = median_slope(centre, first)
    lowest = np.minimum.reduceat(mb - slope * since, starts) + slope * (centre - begin)
    return Blocks(number=number[starts], hours=centre, mb=lowest, length_hours=length)


def block_quantiles(hours: FloatArray, mb: FloatArray, quantile: float, *, block_count: int) -> Blocks:
    """Return that quantile (the nearest reading) of blocks of equal length of one run's samples, taken round a first slope too."""
    begin = float(hours[0])
    length = float(hours[-1] - hours[0]) / block_count * (1 + 1e-9)
    number = np.floor((hours - begin) / length).astype(np.int64)
    starts = block_starts(number)
    sizes = block_sizes(starts, hours.size)
    centre = np.add.reduceat(hours, starts) / sizes
    chosen = starts + np.floor(quantile * (sizes - 1) + 0.5).astype(np.int64)
    first = mb[np.lexsort((mb, number))][chosen]
    slope = median_slope(centre, first) if starts.size > 1 else 0.0
    level = mb - slope * (hours - begin)
    found = level[np.lexsort((level, number))][chosen] + slope * (centre - begin)
    return Blocks(number=number[starts], hours=centre, mb=found, length_hours=length)


def _whole_days(length_hours: float, span_hours: float) -> float:
    """Return a block length that shows the daily cycle (up to 4 h) or swallows it (whole days)."""
    if length_hours <= LONGEST_DAY_BLOCK_HOURS:
        return length_hours
    if span_hours < FEWEST_MINIMA * HOURS_PER_DAY:
        return LONGEST_DAY_BLOCK_HOURS
    return HOURS_PER_DAY * float(np.ceil(length_hours / HOURS_PER_DAY - 1e-6))


def day_columns(hours: FloatArray) -> FloatArray:
    """Return sine and cosine columns of the day's first three harmonics."""
    angle = 2 * np.pi * hours[:, None] / np.asarray(DAY_HARMONICS_HOURS)
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)


def day_profile(hours: FloatArray, mb: FloatArray) -> FloatArray:
    """Return the coefficients of the daily cycle in `mb`, fitted beside a line and twice weighted.

    Outlying blocks (beyond 2.5 robust standard deviations) lose weight in the second pass.
    """
    line = np.column_stack([np.ones_like(hours), hours - mean_of(hours)])
    design = np.concatenate([line, day_columns(hours)], axis=1)
    found = np.linalg.lstsq(design, mb, rcond=None)[0]
    left = np.abs(mb - design @ found)
    scale = median_of(left) * SIGMA_PER_MAD
    if scale > 0:
        weight = np.minimum(1.0, 2.5 * scale / np.maximum(left, 1e-12))
        found = np.linalg.lstsq(design * weight[:, None], mb * weight, rcond=None)[0]
    return np.asarray(found[2:], dtype=np.float64)
