"""Selection among the n(n-1)/2 pairwise slopes of a long series, exact, in O(n log n).

A line of slope s through every point orders the points by their residual y - s x. Between two slopes the order
changes for exactly those pairs whose own slope lies between them, so *counting* the slopes below s is counting
inversions, and *listing* the slopes of a narrow bracket is listing the pairs that change places. A random
sample of pairs brackets the wanted rank; interpolation between counts narrows the bracket until it holds O(n)
slopes, which are computed as quotients and sorted.

Sources: Dillencourt, Mount & Netanyahu, "A randomized algorithm for slope selection", Int. J. Comput. Geom.
Appl. 2 (1992) 1-27; Matoušek, "Randomized optimal algorithm for slope selection", Inf. Process. Lett. 39
(1991) 183-187.

The result is the very float that sorting all quotients would give. A residual carries a rounding error; a cut
at which two residuals are closer than that error is moved aside. At the slope of tied values (zero), and on a
grid of integers at any slope, the cut is exact instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.stats.draws import uniforms
from memmon.analysis.stats.exhaustive import select_slopes
from memmon.analysis.stats.grid import grid_steps
from memmon.analysis.stats.inversions import (
    count_inversions,
    inversion_pairs,
    stable_order,
    stable_order_and_levels,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_EPSILON = float(np.finfo(np.float64).eps)
"""Distance from 1 to the next double (IEEE 754)."""
_LARGEST = float(np.finfo(np.float64).max)
"""The largest double (IEEE 754)."""
_SAMPLE_COUNT = 1 << 14
"""Pairs that are sampled to bracket a rank. Chosen by speed; the result does not depend on it."""
_SEED = 19680
"""Seed of that sample. Chosen: any gives the same slopes, a fixed one at the same cost."""
_LISTED_PER_POINT = 4
"""Pairs per point that are listed at most: memory of O(n). Chosen by speed."""
_MARGIN_DIVISOR = 200
"""Part of a bracket that is left beside an interpolated cut. Chosen by speed."""
_ROUND_LIMIT = 80
"""Rounds of narrowing, at most. Chosen: more than the bits of a float."""
_EXHAUSTIVE_POINT_LIMIT = 20_000
"""Points up to which tied quotients are ranked pair by pair. Chosen: seconds of work."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cut:
    """All pairs split by a slope: `below_count` of them lie below it; `order` sorts the points by residual."""

    slope: float
    below_count: int
    order: NDArray[np.int64]
    is_exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Segment:
    """The sorted slopes of the ranks from `first_rank` on."""

    first_rank: int
    slopes: Floats


class SlopeSelection:
    """Answers which slope has a given rank, for points sorted by x and then by y."""

    def __init__(self, x: Floats, y: Floats, pair_count: int) -> None:
        self._x, self._y = x, y
        self._pair_count = pair_count
        # Centred copies only steer the search; slopes are always computed from the values as given.
        self._x_centred = x - x[0]
        self._y_centred = y - np.median(y)
        self._residual_scale = _EPSILON * 2.0 * float(np.abs(self._y_centred).max())
        self._x_span = float(self._x_centred[-1])
        self._group = np.concatenate(([0], np.cumsum(x[1:] != x[:-1])))
        size = x.size
        self._listed_limit = _LISTED_PER_POINT * size
        forward = np.arange(size)
        self._cuts = [
            _Cut(slope=-math.inf, below_count=0, order=forward, is_exact=True),
            _Cut(slope=math.inf, below_count=pair_count, order=forward, is_exact=True),
        ]
        self._segments: list[_Segment] = []
        self._ranks: Sequence[int] = ()
        self._resolved: dict[int, float] = {}

    def add_exact_cuts_at_zero(self) -> None:
        """Cut on both sides of the slope zero: worth it where many values repeat."""
        self._add_tied_cuts(0.0, self._y)

    def values_at(self, ranks: Sequence[int]) -> list[float]:
        """Return the slopes of the given ranks (from zero), each exact."""
        self._ranks = ranks
        self._bracket_by_sample(min(ranks), max(ranks))
        return [self._value_at(rank) for rank in ranks]

    def _bracket(self, rank: int) -> tuple[_Cut, _Cut]:
        place = next(index for index, cut in enumerate(self._cuts) if cut.below_count > rank)
        return self._cuts[place - 1], self._cuts[place]

    def _bracket_by_sample(self, low_rank: int, high_rank: int) -> None:
        low, high = self._bracket(low_rank)
        if high.slope == low.slope or self._bracket(high_rank)[0] is not low:
            return
        sample = self._sample_slopes()
        if not sample.size:
            return
        share = np.array([low_rank, high_rank]) / self._pair_count
        spread = 2.5 * math.sqrt(sample.size * 0.25) + 1.0
        places = share * sample.size + np.array([-spread, spread])
        for place in np.clip(places, 0, sample.size - 1).astype(int).tolist():
            slope = float(sample[place])
            # Between two data slopes, so that the cut rarely meets one.
            self._try_cut(slope + abs(slope) * 1e-7 if place else slope - abs(slope) * 1e-7)

    def _sample_slopes(self) -> Floats:
        draws = uniforms(2 * _SAMPLE_COUNT, seed=_SEED) * self._x.size
        first, second = draws.astype(np.int64).reshape(2, _SAMPLE_COUNT)
        run = self._x[second] - self._x[first]
        kept = run != 0.0
        slopes: Floats = (self._y[second] - self._y[first])[kept] / run[kept]
        slopes.sort()
        return slopes

    def _value_at(self, rank: int) -> float:
        if rank in self._resolved:
            return self._resolved[rank]
        smallest_seen = self._pair_count
        stalled_count = 0
        for _ in range(_ROUND_LIMIT):
            for segment in self._segments:
                if 0 <= rank - segment.first_rank < segment.slopes.size:
                    return self._checked(float(segment.slopes[rank - segment.first_rank]), rank)
            low, high = self._bracket(rank)
            if low.slope == high.slope:
                return low.slope
            inside_count = high.below_count - low.below_count
            if inside_count <= self._listed_limit:
                if not self._list_segment(low, high):
                    break
                continue
            stalled_count = stalled_count + 1 if 2 * inside_count > smallest_seen else 0
            smallest_seen = min(smallest_seen, inside_count)
            if not self._narrow(rank, low, high, stalled_count):
                break
        return self._last_resort(rank)

    def _checked(self, slope: float, rank: int) -> float:
        """Accept a listed slope unless it lies within rounding of an inexact cut."""
        low, high = self._bracket(rank)
        margin = 8.0 * _EPSILON * abs(slope)
        too_low = not low.is_exact and slope - margin <= low.slope
        too_high = not high.is_exact and slope + margin >= high.slope
        return self._last_resort(rank) if too_low or too_high else slope

    def _narrow(self, rank: int, low: _Cut, high: _Cut, stalled_count: int) -> bool:
        """Add cuts inside the bracket; False when no float is left between its ends."""
        inside_count = high.below_count - low.below_count
        if math.isinf(low.slope) or math.isinf(high.slope):
            return self._narrow_open_end(low, high)
        if stalled_count >= 2:  # noqa: PLR2004 - once may be bad luck
            return self._narrow_on_cluster(low, high, stalled_count)
        width = high.slope - low.slope
        margin = max(self._x.size // 2, inside_count // _MARGIN_DIVISOR)
        before = len(self._cuts)
        for target in (rank - margin, rank + margin):
            share = (target + 0.5 - low.below_count) / inside_count
            if 0.0 < share < 1.0:
                self._try_cut(low.slope + width * share)
        return len(self._cuts) > before or self._try_cut(low.slope + 0.5 * width)

    def _narrow_open_end(self, low: _Cut, high: _Cut) -> bool:
        """Cut where the sample left one end of the bracket at infinity: double the reach."""
        if math.isinf(low.slope) and math.isinf(high.slope):
            return self._try_cut(float(np.ptp(self._y)) / self._x_span)
        known, sign = (high.slope, -1.0) if math.isinf(low.slope) else (low.slope, 1.0)
        reach = max(abs(known), float(np.ptp(self._y)) / self._x_span)
        return self._try_cut(known + sign * 4.0 * reach)

    def _narrow_on_cluster(self, low: _Cut, high: _Cut, stalled_count: int) -> bool:
        """Where counts jump, many pairs share one slope: take one of them and cut round it."""
        if stalled_count % 2:
            return self._try_cut(low.slope + 0.5 * (high.slope - low.slope))
        slope, first, second = self._some_slope_between(low, high)
        if self._add_grid_cuts(slope, first, second):
            return True
        width = self._blur(slope)
        if low.slope >= slope - 2.0 * width and high.slope <= slope + 2.0 * width:
            return False
        added = [
            self._try_cut(edge) for edge in (slope - width, slope + width) if low.slope < edge < high.slope
        ]
        return any(added)

    def _some_slope_between(self, low: _Cut, high: _Cut) -> tuple[float, int, int]:
        """Return the median slope of the neighbours (in the lower order) that change places, and the pair."""
        place_in_high = np.empty(self._x.size, dtype=np.int64)
        place_in_high[self._order_of(high)] = np.arange(self._x.size)
        order = self._order_of(low)
        places = place_in_high[order]
        swapped = np.flatnonzero(places[:-1] > places[1:])
        first, second = order[swapped], order[swapped + 1]
        slopes = (self._y[second] - self._y[first]) / (self._x[second] - self._x[first])
        middle = int(np.argsort(slopes)[slopes.size // 2])
        return float(slopes[middle]), int(first[middle]), int(second[middle])

    def _rounding(self, slope: float) -> float:
        """Bound on the rounding error of the difference of two residuals."""
        return 2.0 * (self._residual_scale + 3.0 * _EPSILON * abs(slope) * self._x_span)

    def _blur(self, slope: float) -> float:
        """Bound how far from `slope` a pair of neighbours may seem to lie, by rounding of the residuals."""
        steps = np.diff(self._x)
        return 4.0 * self._rounding(slope) / float(steps[steps > 0.0].min()) + 8.0 * _EPSILON * abs(slope)

    def _try_cut(self, slope: float) -> bool:
        """Cut at a slope, or a little beside it where rounding would blur the order; False if impossible."""
        place = next(index for index, cut in enumerate(self._cuts) if cut.slope > slope)
        low, high = self._cuts[place - 1], self._cuts[place]
        width = min(high.slope - low.slope, abs(slope) + self._rounding(slope) / self._x_span)
        for shift in (0.0, 1e-4, -1.3e-4, 1.7e-3, -2.1e-3):
            shifted = slope + shift * width
            if not (low.slope < shifted < high.slope and math.isfinite(shifted)):
                continue
            cut = self._cut_at(shifted)
            if cut is not None:
                self._cuts.insert(place, cut)
                return True
        return False

    def _cut_at(self, slope: float) -> _Cut | None:
        residuals = self._y_centred - slope * self._x_centred
        order = np.argsort(residuals)
        ordered = residuals[order]
        close = np.flatnonzero(np.diff(ordered) <= self._rounding(slope))
        if close.size:
            if (self._group[order[close]] != self._group[order[close + 1]]).any():
                return None
            order = stable_order(residuals)
        return _Cut(slope=slope, below_count=count_inversions(order), order=order)

    def _add_grid_cuts(self, slope: float, first: int, second: int) -> bool:
        """Cut exactly on both sides of the slope of one pair, if all values lie on a grid of integers."""
        steps = grid_steps(self._x, self._y)
        if steps is None:
            return False
        x, y = steps
        run, rise = int(x[second] - x[first]), int(y[second] - y[first])
        common = math.gcd(run, rise)
        run, rise = run // common, rise // common
        if abs(run) * int(np.ptp(y)) + abs(rise) * int(np.ptp(x)) >= 2**62:
            return False
        self._add_tied_cuts(slope, y * abs(run) - x * (rise if run > 0 else -rise))
        return True

    def _add_tied_cuts(self, slope: float, residuals: NDArray[np.generic]) -> None:
        """Add the two cuts that enclose all pairs whose exact residuals are equal."""
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
        place = next(index for index, cut in enumerate(self._cuts) if cut.slope > slope)
        self._cuts[place:place] = [
            _Cut(slope=slope, below_count=count_inversions(order), order=order, is_exact=True)
            for order in (before, after)
        ]

    def _order_of(self, cut: _Cut) -> NDArray[np.int64]:
        if cut.slope != math.inf:
            return cut.order
        return np.lexsort((cut.order, -self._group))

    def _list_segment(self, low: _Cut, high: _Cut) -> bool:
        """Compute the slopes between two cuts; False should rounding make the cuts contradict each other."""
        order_in_high = self._order_of(high)
        place_in_high = np.empty(order_in_high.size, dtype=np.int64)
        place_in_high[order_in_high] = np.arange(order_in_high.size)
        larger, smaller = inversion_pairs(place_in_high[self._order_of(low)])
        first, second = order_in_high[larger], order_in_high[smaller]
        slopes = (self._y[second] - self._y[first]) / (self._x[second] - self._x[first])
        slopes.sort()
        if slopes.size != high.below_count - low.below_count:
            return False  # pragma: no cover - the test of each cut against rounding prevents it
        self._segments.append(_Segment(first_rank=low.below_count, slopes=slopes))
        return True

    def _last_resort(self, rank: int) -> float:
        """Rank the quotients themselves; beyond some size return one of the rank's indistinguishable slopes.

        Where the sample is one and the same float for six standard deviations round the rank, it is that float.
        """
        low, high = self._bracket(rank)
        sample = self._sample_slopes()
        sample = sample[(sample >= low.slope) & (sample <= high.slope)]
        inside_count = high.below_count - low.below_count
        if self._x.size > _EXHAUSTIVE_POINT_LIMIT:
            share = (rank - low.below_count) / inside_count
            return float(sample[int(share * sample.size)]) if sample.size else low.slope
        ranks = [other for other in self._ranks if low.below_count <= other < high.below_count]
        # A cut near a cluster may sit on the wrong side of some quotients by rounding: look a little beyond.
        low_slope = low.slope - self._blur(low.slope) if math.isfinite(low.slope) else -_LARGEST
        high_slope = high.slope + self._blur(high.slope) if math.isfinite(high.slope) else _LARGEST
        spread = 3.0 * math.sqrt(sample.size) + 2.0
        first = (min(ranks) - low.below_count) / inside_count * sample.size - spread
        last = (max(ranks) - low.below_count) / inside_count * sample.size + spread
        if first >= 0.0:
            low_slope = float(sample[int(first)])
        if last < sample.size:
            high_slope = float(sample[int(last)])
        slopes = select_slopes(self._x, self._y, ranks, low=low_slope, high=high_slope)
        self._resolved |= dict(zip(ranks, slopes, strict=True))
        return self._resolved[rank]
