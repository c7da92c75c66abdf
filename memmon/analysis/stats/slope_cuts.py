"""Cuts between the pairwise slopes of points: how many lie below a slope, and which lie between two.

A residual carries a rounding error. A cut at which two residuals are closer than that error can't be made; at the
slope of tied values, and on a grid of integers at any slope, a pair of cuts is exact instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.stats.draws import uniforms
from memmon.analysis.stats.grid import grid_steps
from memmon.analysis.stats.inversions import (
    count_inversions,
    inversion_pairs,
    stable_order,
    stable_order_and_levels,
)
from memmon.arrays import median_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

EPSILON = float(np.finfo(np.float64).eps)
"""Distance from 1 to the next double (IEEE 754)."""
_SAMPLE_COUNT = 1 << 14
"""Pairs that are sampled to bracket a rank. Chosen by speed; the result does not depend on it."""
_SEED = 19680
"""Seed of that sample. Chosen: any gives the same slopes, a fixed one at the same cost."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """All pairs split by a slope: `below_count` of them lie below it; `order` sorts the points by residual."""

    slope: float
    below_count: int
    order: NDArray[np.int64]
    is_exact: bool = False


class Points:
    """Points sorted by x and then by y, ready to be ordered by their residuals from lines."""

    def __init__(self, x: Floats, y: Floats) -> None:
        self.x, self.y = x, y
        # Centred copies only steer the search; slopes are always computed from the values as given.
        self._x_centred = x - x[0]
        self._y_centred = y - median_of(y)
        self._residual_scale = EPSILON * 2.0 * float(np.abs(self._y_centred).max())
        self.x_span = float(self._x_centred[-1])
        self._group = np.concatenate(([0], np.cumsum(x[1:] != x[:-1])))

    def outermost_cuts(self, pair_count: int) -> list[Cut]:
        """Return the two cuts that all slopes lie between."""
        forward = np.arange(self.x.size)
        return [
            Cut(slope=-math.inf, below_count=0, order=forward, is_exact=True),
            Cut(slope=math.inf, below_count=pair_count, order=forward, is_exact=True),
        ]

    def rounding(self, slope: float) -> float:
        """Bound on the rounding error of the difference of two residuals."""
        return 2.0 * (self._residual_scale + 3.0 * EPSILON * abs(slope) * self.x_span)

    def blur(self, slope: float) -> float:
        """Bound how far from `slope` a pair of neighbours may seem to lie, by rounding of the residuals."""
        steps = np.diff(self.x)
        return 4.0 * self.rounding(slope) / float(steps[steps > 0.0].min()) + 8.0 * EPSILON * abs(slope)

    def sample_slopes(self) -> Floats:
        """Return the sorted slopes of random pairs, always the same ones."""
        draws = uniforms(2 * _SAMPLE_COUNT, seed=_SEED) * self.x.size
        first, second = draws.astype(np.int64).reshape(2, _SAMPLE_COUNT)
        run = self.x[second] - self.x[first]
        kept = run != 0.0
        slopes: Floats = (self.y[second] - self.y[first])[kept] / run[kept]
        slopes.sort()
        return slopes

    def cut_at(self, slope: float) -> Cut | None:
        """Return the cut at a slope, None where rounding would blur the order of two points."""
        residuals = self._y_centred - slope * self._x_centred
        order = np.argsort(residuals)
        ordered = residuals[order]
        close = np.flatnonzero(np.diff(ordered) <= self.rounding(slope))
        if close.size:
            if (self._group[order[close]] != self._group[order[close + 1]]).any():
                return None
            order = stable_order(residuals)
        return Cut(slope=slope, below_count=count_inversions(order), order=order)

    def tied_cuts(self, slope: float, residuals: NDArray[np.generic]) -> tuple[Cut, Cut]:
        """Return the two cuts that enclose all pairs whose exact residuals are equal."""
        before, levels = stable_order_and_levels(residuals)
        level = np.arange(before.size) if levels is None else levels
        # Equal points (same x, same y) have no slope: they must keep their order on both sides.
        size = before.size
        if self._group[-1] == size - 1:  # all x differ: each level simply turns round
            keys = level * size + (size - 1 - before)
            keys.sort()
            after = size - 1 - (keys - level * size)
        else:
            after = before[np.lexsort((before, -self._group[before], level))]
        low, high = (
            Cut(slope=slope, below_count=count_inversions(order), order=order, is_exact=True)
            for order in (before, after)
        )
        return low, high

    def grid_cuts(self, slope: float, first: int, second: int) -> tuple[Cut, Cut] | None:
        """Return the exact cuts on both sides of the slope of one pair, if all values lie on a grid of integers."""
        steps = grid_steps(self.x, self.y)
        if steps is None:
            return None
        x, y = steps
        run, rise = int(x[second] - x[first]), int(y[second] - y[first])
        common = math.gcd(run, rise)
        run, rise = run // common, rise // common
        if abs(run) * int(np.ptp(y)) + abs(rise) * int(np.ptp(x)) >= 2**62:
            return None
        return self.tied_cuts(slope, y * abs(run) - x * (rise if run > 0 else -rise))

    def slopes_between(self, low: Cut, high: Cut) -> Floats:
        """Return the sorted slopes of the pairs that change places between two cuts."""
        order_in_high = self._order_of(high)
        place_in_high = np.empty(order_in_high.size, dtype=np.int64)
        place_in_high[order_in_high] = np.arange(order_in_high.size)
        larger, smaller = inversion_pairs(place_in_high[self._order_of(low)])
        first, second = order_in_high[larger], order_in_high[smaller]
        slopes: Floats = (self.y[second] - self.y[first]) / (self.x[second] - self.x[first])
        slopes.sort()
        return slopes

    def some_slope_between(self, low: Cut, high: Cut) -> tuple[float, int, int]:
        """Return the median slope of the neighbours (in the lower order) that change places, and the pair."""
        place_in_high = np.empty(self.x.size, dtype=np.int64)
        place_in_high[self._order_of(high)] = np.arange(self.x.size)
        order = self._order_of(low)
        places = place_in_high[order]
        swapped = np.flatnonzero(places[:-1] > places[1:])
        first, second = order[swapped], order[swapped + 1]
        slopes = (self.y[second] - self.y[first]) / (self.x[second] - self.x[first])
        middle = int(np.argsort(slopes)[slopes.size // 2])
        return float(slopes[middle]), int(first[middle]), int(second[middle])

    def _order_of(self, cut: Cut) -> NDArray[np.int64]:
        if cut.slope != math.inf:
            return cut.order
        return np.lexsort((cut.order, -self._group))
