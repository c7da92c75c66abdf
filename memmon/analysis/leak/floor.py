"""The floor below load that comes and goes: what memory falls back to in quiet hours, and how fast that rises.

A load of gigabytes for some hours bends the line through all minima of a day, or makes its error as wide as the growth.
What leaked lies below it and is seen again when the load goes. So a line is laid along the lowest blocks, those that
stand far above it are left out, and the rest is judged by the demands of the alarm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import Blocks, block_minima, block_quantiles
from memmon.analysis.leak.rules import Demands
from memmon.analysis.leak.trend import DAY_CYCLE_FROM_HOURS, PLAIN_TERMS, Trend, trend_of_blocks
from memmon.arrays import median_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from memmon.analysis.leak.series import RunSeries

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

FLOOR = "floor"
"""Kind of the evidence that such a floor is. By definition."""
FAR_APART_SHARE = 1.0 / 3.0
"""Part of the blocks by which two that a line goes through lie apart. Chosen: a third, as both ends of it must be known."""
KNOWN_WITHIN_SHARE = 1.0 / 3.0
"""Part of the blocks, at the beginning and at the end, in which the floor must be seen. Chosen: a third."""
FEWEST_SHARE = 0.25
"""Part of the blocks that must lie on the floor. Chosen: a quarter."""
HIGHEST = 5.0
"""Height above the line, over the noise of the lowest blocks, from which a block is load. Chosen on sets left out in turn."""
SIGMA_PER_LOW_MEDIAN = 2.5
"""Standard deviation of noise over the median distance of the lowest blocks from their line. Chosen: normal noise has 3.1 for the minima, 2.4 for the tenths."""
SMALLEST_NOISE_MB = 1e-3
"""Noise, in MB, that is always allowed for. Chosen: a kilobyte."""
HOURLY_COUNT, DAYS_COUNT = 24, 48
"""Blocks of a tenth, in a day and beyond two. Chosen: of an hour each, and as many as of minima."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """One way to lay the line: along `quantile` of each block's readings (0.0: the least), with that share of blocks `below` it."""

    quantile: float
    below: float


FLOORS = (Floor(quantile=0.0, below=0.2), Floor(quantile=0.1, below=0.35))
"""The least of half an hour, which forgets most load, and the tenth of an hour, which forgets most noise. Chosen on a real set."""
FLOOR_MARGIN = 2.0
"""Standard errors that a floor's slope must stand above the threshold. Chosen on a real set."""
FLOOR_DEMANDS = Demands(rising_share=math.inf)
"""The demands of the alarm on a floor: those of the whole, but that the margin must be met. Chosen."""
FEWEST_FLOOR_BLOCKS = 20
"""Blocks that a floor needs. Chosen: four of them below the line, of which one is no chance."""


def floor_trends(run: RunSeries, whole: Trend, least_mb_per_hour: float) -> Iterator[tuple[Floor, Trend]]:
    """Yield the floors of a run that may rise by so much or more (MB/h), each as the trend of the blocks that lie on it.

    `whole`: the trend of all of the run.
    """
    for floor in FLOORS:
        blocks = _blocks(run, whole, floor)
        # Minima that do not rise by half of it need no look at tenths.
        if not _may_rise(blocks, floor.below, least_mb_per_hour / 2):
            return
        if not _may_rise(blocks, floor.below, least_mb_per_hour):
            continue
        on_floor = lying_on_floor(blocks, floor.below, least_mb_per_hour)
        if on_floor is not None:
            rest = Blocks(
                number=blocks.number[on_floor],
                hours=blocks.hours[on_floor],
                mb=blocks.mb[on_floor],
                length_hours=blocks.length_hours,
            )
            yield floor, trend_of_blocks(rest, span_hours=run.span_hours)


def lying_on_floor(blocks: Blocks, below: float, least_mb_per_hour: float) -> NDArray[np.bool_] | None:
    """Tell which blocks lie on the line along the lowest of them; None where it rises more slowly, or is not seen at both ends.

    `below`: the share of the blocks that the line leaves below it: a quantile regression (Koenker & Bassett 1978), whose
    line goes through two of them.
    """
    x, y = blocks.hours, blocks.mb
    first, second = _far_pairs(x.size)
    slopes = (y[second] - y[first]) / (x[second] - x[first])
    left = y[None, :] - y[first, None] - slopes[:, None] * (x[None, :] - x[first, None])
    best = int(np.argmin(below * left.sum(axis=1) - np.minimum(left, 0.0).sum(axis=1)))
    if slopes[best] < least_mb_per_hour:
        return None
    above = left[best]
    lowest = np.sort(above)[: int(2 * below * x.size) + 1]
    noise = max(SIGMA_PER_LOW_MEDIAN * median_of(np.abs(lowest)), SMALLEST_NOISE_MB)
    on_floor = above <= HIGHEST * noise
    places = np.flatnonzero(on_floor)
    edge = KNOWN_WITHIN_SHARE * x.size
    is_seen = places.size >= FEWEST_SHARE * x.size and places[0] <= edge and places[-1] >= x.size - 1 - edge
    return on_floor if is_seen else None


def _blocks(run: RunSeries, whole: Trend, floor: Floor) -> Blocks:
    if floor.quantile <= 0:  # those of the trend, unless the day is taken out of them
        return whole.blocks if whole.terms == PLAIN_TERMS else block_minima(run.hours, run.mb)
    count = HOURLY_COUNT if run.history_hours < DAY_CYCLE_FROM_HOURS else DAYS_COUNT
    return block_quantiles(run.hours, run.mb, floor.quantile, block_count=count)


def _may_rise(blocks: Blocks, below: float, least_mb_per_hour: float) -> bool:
    """Tell whether the line along the lowest blocks rises by so much: the sign of its loss's slope there, for that is convex."""
    if blocks.mb.size < FEWEST_FLOOR_BLOCKS:
        return False
    left = blocks.mb - least_mb_per_hour * blocks.hours
    place = int(below * left.size)
    lowest = np.argpartition(left, place)[:place]
    away = blocks.hours - float(np.add.reduce(blocks.hours)) / left.size
    # The lowest ones lie early where the line is steeper than that.
    return float(away[lowest].sum()) <= 0


@lru_cache(maxsize=16)
def _far_pairs(n: int) -> tuple[IntArray, IntArray]:
    first, second = np.triu_indices(n, max(int(np.ceil(FAR_APART_SHARE * n)), 1))
    return first, second
