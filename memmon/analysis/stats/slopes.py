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

from memmon.analysis.stats.exhaustive import select_slopes
from memmon.analysis.stats.slope_cuts import EPSILON, Cut, Points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LARGEST = float(np.finfo(np.float64).max)
"""The largest double (IEEE 754)."""
_LISTED_PER_POINT = 4
"""Pairs per point that are listed at most: memory of O(n). Chosen by speed."""
_MARGIN_DIVISOR = 200
"""Part of a bracket that is left beside an interpolated cut. Chosen by speed."""
_ROUND_LIMIT = 80
"""Rounds of narrowing, at most. Chosen: more than the bits of a float."""
_EXHAUSTIVE_POINT_LIMIT = 20_000
"""Points up to which tied quotients are ranked pair by pair. Chosen: seconds of work."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Segment:
    """The sorted slopes of the ranks from `first_rank` on."""

    first_rank: int
    slopes: Floats


class SlopeSelection:
    """Answers which slope has a given rank, for points sorted by x and then by y."""

    def __init__(self, x: Floats, y: Floats, pair_count: int) -> None:
        self._points = Points(x, y)
        self._pair_count = pair_count
        self._listed_limit = _LISTED_PER_POINT * x.size
        self._cuts = self._points.outermost_cuts(pair_count)
        self._segments: list[_Segment] = []
        self._ranks: Sequence[int] = ()
        self._resolved: dict[int, float] = {}

    def add_exact_cuts_at_zero(self) -> None:
        """Cut on both sides of the slope zero: worth it where many values repeat."""
        self._enclose(self._points.tied_cuts(0.0, self._points.y))

    def values_at(self, ranks: Sequence[int]) -> list[float]:
        """Return the slopes of the given ranks (from zero), each exact."""
        self._ranks = ranks
        self._bracket_by_sample(min(ranks), max(ranks))
        return [self._value_at(rank) for rank in ranks]

    def _bracket(self, rank: int) -> tuple[Cut, Cut]:
        place = next(index for index, cut in enumerate(self._cuts) if cut.below_count > rank)
        return self._cuts[place - 1], self._cuts[place]

    def _bracket_by_sample(self, low_rank: int, high_rank: int) -> None:
        low, high = self._bracket(low_rank)
        if high.slope == low.slope or self._bracket(high_rank)[0] is not low:
            return
        sample = self._points.sample_slopes()
        if not sample.size:
            return
        share = np.array([low_rank, high_rank]) / self._pair_count
        spread = 2.5 * math.sqrt(sample.size * 0.25) + 1.0
        places = share * sample.size + np.array([-spread, spread])
        for place in np.clip(places, 0, sample.size - 1).astype(int).tolist():
            slope = float(sample[place])
            # Between two data slopes, so that the cut rarely meets one.
            self._try_cut(slope + abs(slope) * 1e-7 if place else slope - abs(slope) * 1e-7)

    def _value_at(self, rank: int) -> float:
        if rank in self._resolved:
            return self._resolved[rank]
        smallest_seen = self._pair_count
        stalled_count = 0
        for _ in range(_ROUND_LIMIT):
            listed = self._listed(rank)
            if listed is not None:
                return self._checked(listed, rank)
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

    def _listed(self, rank: int) -> float | None:
        for segment in self._segments:
            if 0 <= rank - segment.first_rank < segment.slopes.size:
                return float(segment.slopes[rank - segment.first_rank])
        return None

    def _checked(self, slope: float, rank: int) -> float:
        """Accept a listed slope unless it lies within rounding of an inexact cut."""
        low, high = self._bracket(rank)
        margin = 8.0 * EPSILON * abs(slope)
        too_low = not low.is_exact and slope - margin <= low.slope
        too_high = not high.is_exact and slope + margin >= high.slope
        return self._last_resort(rank) if too_low or too_high else slope

    def _narrow(self, rank: int, low: Cut, high: Cut, stalled_count: int) -> bool:
        """Add cuts inside the bracket; False when no float is left between its ends."""
        inside_count = high.below_count - low.below_count
        if math.isinf(low.slope) or math.isinf(high.slope):
            return self._narrow_open_end(low, high)
        if stalled_count >= 2:  # noqa: PLR2004 - once may be bad luck
            return self._narrow_on_cluster(low, high, stalled_count)
        width = high.slope - low.slope
        margin = max(self._points.x.size // 2, inside_count // _MARGIN_DIVISOR)
        before = len(self._cuts)
        for target in (rank - margin, rank + margin):
            share = (target + 0.5 - low.below_count) / inside_count
            if 0.0 < share < 1.0:
                self._try_cut(low.slope + width * share)
        return len(self._cuts) > before or self._try_cut(low.slope + 0.5 * width)

    def _narrow_open_end(self, low: Cut, high: Cut) -> bool:
        """Cut where the sample left one end of the bracket at infinity: double the reach."""
        if math.isinf(low.slope) and math.isinf(high.slope):
            return self._try_cut(float(np.ptp(self._points.y)) / self._points.x_span)
        known, sign = (high.slope, -1.0) if math.isinf(low.slope) else (low.slope, 1.0)
        reach = max(abs(known), float(np.ptp(self._points.y)) / self._points.x_span)
        return self._try_cut(known + sign * 4.0 * reach)

    def _narrow_on_cluster(self, low: Cut, high: Cut, stalled_count: int) -> bool:
        """Where counts jump, many pairs share one slope: take one of them and cut round it."""
        if stalled_count % 2:
            return self._try_cut(low.slope + 0.5 * (high.slope - low.slope))
        slope, first, second = self._points.some_slope_between(low, high)
        exact = self._points.grid_cuts(slope, first, second)
        if exact is not None:
            self._enclose(exact)
            return True
        width = self._points.blur(slope)
        if low.slope >= slope - 2.0 * width and high.slope <= slope + 2.0 * width:
            return False
        added = [
            self._try_cut(edge) for edge in (slope - width, slope + width) if low.slope < edge < high.slope
        ]
        return any(added)

    def _try_cut(self, slope: float) -> bool:
        """Cut at a slope, or a little beside it where rounding would blur the order; False if impossible."""
        place = next(index for index, cut in enumerate(self._cuts) if cut.slope > slope)
        low, high = self._cuts[place - 1], self._cuts[place]
        width = min(high.slope - low.slope, abs(slope) + self._points.rounding(slope) / self._points.x_span)
        for shift in (0.0, 1e-4, -1.3e-4, 1.7e-3, -2.1e-3):
            shifted = slope + shift * width
            if not (low.slope < shifted < high.slope and math.isfinite(shifted)):
                continue
            cut = self._points.cut_at(shifted)
            if cut is not None:
                self._cuts.insert(place, cut)
                return True
        return False

    def _enclose(self, cuts: tuple[Cut, Cut]) -> None:
        """Add the two cuts that enclose all pairs of one slope."""
        place = next(index for index, cut in enumerate(self._cuts) if cut.slope > cuts[0].slope)
        self._cuts[place:place] = cuts

    def _list_segment(self, low: Cut, high: Cut) -> bool:
        """Compute the slopes between two cuts; False should rounding make the cuts contradict each other."""
        slopes = self._points.slopes_between(low, high)
        if slopes.size != high.below_count - low.below_count:
            return False  # pragma: no cover - the test of each cut against rounding prevents it
        self._segments.append(_Segment(first_rank=low.below_count, slopes=slopes))
        return True

    def _last_resort(self, rank: int) -> float:
        """Rank the quotients themselves; beyond some size return one of the rank's indistinguishable slopes.

        Where the sample is one and the same float for six standard deviations round the rank, it is that float.
        """
        low, high = self._bracket(rank)
        sample = self._points.sample_slopes()
        sample = sample[(sample >= low.slope) & (sample <= high.slope)]
        inside_count = high.below_count - low.below_count
        if self._points.x.size > _EXHAUSTIVE_POINT_LIMIT:
            share = (rank - low.below_count) / inside_count
            return float(sample[int(share * sample.size)]) if sample.size else low.slope
        ranks = [other for other in self._ranks if low.below_count <= other < high.below_count]
        # A cut near a cluster may sit on the wrong side of some quotients by rounding: look a little beyond.
        low_slope = low.slope - self._points.blur(low.slope) if math.isfinite(low.slope) else -_LARGEST
        high_slope = high.slope + self._points.blur(high.slope) if math.isfinite(high.slope) else _LARGEST
        spread = 3.0 * math.sqrt(sample.size) + 2.0
        first = (min(ranks) - low.below_count) / inside_count * sample.size - spread
        last = (max(ranks) - low.below_count) / inside_count * sample.size + spread
        if first >= 0.0:
            low_slope = float(sample[int(first)])
        if last < sample.size:
            high_slope = float(sample[int(last)])
        slopes = select_slopes(self._points.x, self._points.y, ranks, low=low_slope, high=high_slope)
        self._resolved |= dict(zip(ranks, slopes, strict=True))
        return self._resolved[rank]
