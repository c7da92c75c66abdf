"""Theil-Sen's line: the median of all pairwise slopes, with Sen's confidence interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memmon.analysis.stats.exhaustive import all_slopes
from memmon.analysis.stats.quantiles import normal_quantile
from memmon.analysis.stats.slopes import SlopeSelection
from memmon.arrays import median_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_ALL_PAIRS_POINT_LIMIT = 300
"""Points up to which all pairs are sorted. Chosen by speed; the result is the same."""
_WORTH_TIES_PER_POINT = 4
"""Tied pairs per point from which zero is counted exactly. Chosen by speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TheilSen:
    """A robust straight line: y = intercept + slope x, and the confidence interval of the slope."""

    slope: float
    intercept: float
    slope_low: float
    slope_high: float


def theil_sen(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> TheilSen:
    """Fit a line by the median of the slopes between all pairs of points (Theil 1950, Sen 1968).

    The slope, its interval and the intercept equal those of `scipy.stats.theilslopes(y, x, confidence)` to the
    last bit, at any size: pairs of equal x are left out, the interval follows Sen's equation 2.6 with both
    corrections for ties, and the intercept is median(y) - slope median(x). Time is O(n log n) and memory O(n);
    results depend on nothing but the arguments.

    Beyond 20,000 points, where more slopes than can be listed differ by nothing but the rounding of their
    quotients, one of these is returned: right to about 1e-12 of its size.

    The interval supposes independent noise. For a series of memory readings it is far too narrow; the verdict
    uses `memmon.analysis.stats.noise` instead.

    Raises ValueError for arrays that are not one-dimensional, of one length and finite, for fewer than two
    different x, for values whose differences overflow, and for a confidence outside [0.5, 1).
    """
    if not 0.5 <= confidence < 1.0:  # noqa: PLR2004 - below one half scipy means the complement
        raise ValueError(f"confidence must be at least 0.5 and below 1, not {confidence!r}")
    x_values, y_values = paired_values(x, y)
    by_x, by_y = _sorted_points(x_values, y_values)
    pair_count = _pair_count(by_x)
    low_rank, high_rank = _interval_ranks(by_x, by_y, pair_count, confidence)
    ranks = [(pair_count - 1) // 2, pair_count // 2, low_rank, high_rank]
    middle_low, middle_high, low, high = slopes_at_ranks(by_x, by_y, pair_count, ranks)
    slope = _finite_slope(_midpoint(middle_low, middle_high), low, high)
    intercept = median_of(y_values) - slope * median_of(x_values)
    return TheilSen(slope=slope, intercept=intercept, slope_low=low, slope_high=high)


def median_slope(x: ArrayLike, y: ArrayLike) -> float:
    """Return the slope of `theil_sen` alone, which costs a third of the whole."""
    by_x, by_y = _sorted_points(*paired_values(x, y))
    pair_count = _pair_count(by_x)
    ranks = [(pair_count - 1) // 2, pair_count // 2]
    return _finite_slope(_midpoint(*slopes_at_ranks(by_x, by_y, pair_count, ranks)))


def slopes_at_ranks(x: Floats, y: Floats, pair_count: int, ranks: Sequence[int]) -> list[float]:
    """Return the pairwise slopes of the given ranks (from zero) of points sorted by x, then y.

    Slopes that overflow are infinite, without a warning.
    """
    with np.errstate(over="ignore"):
        return _slopes_at_ranks(x, y, pair_count, ranks)


def _slopes_at_ranks(x: Floats, y: Floats, pair_count: int, ranks: Sequence[int]) -> list[float]:
    if x.size <= _ALL_PAIRS_POINT_LIMIT:
        slopes = all_slopes(x, y)
        return [float(slopes[rank]) for rank in ranks]
    selection = SlopeSelection(x, y, pair_count)
    if tied_pair_count(tie_sizes(np.sort(y))) >= _WORTH_TIES_PER_POINT * x.size:
        selection.add_exact_cuts_at_zero()
    return selection.values_at(ranks)


def paired_values(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Check and convert the two arrays of a regression."""
    x_values = finite_values(x, name="x")
    y_values = finite_values(y, name="y")
    if x_values.size != y_values.size:
        raise ValueError(f"x and y must have one length, not {x_values.size} and {y_values.size}")
    if x_values.size == 0 or float(x_values.min()) == float(x_values.max()):
        raise ValueError(f"a slope needs two different x; got {x_values.size} points, all at one x")
    return x_values, y_values


def finite_values(values: ArrayLike, *, name: str) -> Floats:
    """Convert to a one-dimensional float array; ValueError where that or finiteness fails."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {array.shape}")
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if not (math.isfinite(low) and math.isfinite(high)):
        bad_count = array.size - int(np.count_nonzero(np.isfinite(array)))
        raise ValueError(f"{name} has {bad_count} values that are NaN or infinite: drop them first")
    if not math.isfinite(high - low):
        raise ValueError(f"{name} spans too wide a range: differences would overflow")
    return array


def _sorted_points(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    if bool((x[1:] > x[:-1]).all()):
        return x, y
    order = np.lexsort((y, x))
    return x[order], y[order]


def _pair_count(sorted_x: Floats) -> int:
    size = sorted_x.size
    return size * (size - 1) // 2 - tied_pair_count(tie_sizes(sorted_x))


def tie_sizes(sorted_values: NDArray[Any]) -> dict[int, int]:
    """Return how many groups of equal values there are of each size above one; values in ascending order."""
    starts = np.flatnonzero(sorted_values[1:] != sorted_values[:-1]) + 1
    counts = np.diff(starts, prepend=0, append=sorted_values.size)
    sizes, groups = np.unique(counts[counts > 1], return_counts=True)
    return dict(zip(sizes.tolist(), groups.tolist(), strict=True))


def tied_pair_count(ties: Mapping[int, int]) -> int:
    """Count the pairs of equal values, from `tie_sizes`."""
    return sum(groups * size * (size - 1) // 2 for size, groups in ties.items())


def rank_variance_numerator(size: int, *ties: Mapping[int, int]) -> int:
    """Eighteen times the variance of Kendall's S among `size` values with `ties`; whole, so never rounded."""
    untied = size * (size - 1) * (2 * size + 5)
    for tie in ties:
        untied -= sum(groups * equal * (equal - 1) * (2 * equal + 5) for equal, groups in tie.items())
    return untied


def _interval_ranks(by_x: Floats, by_y: Floats, pair_count: int, confidence: float) -> tuple[int, int]:
    """Sen (1968), equation 2.6; where both ties together exceed it, the variance is zero, not negative."""
    eighteenfold = rank_variance_numerator(by_x.size, tie_sizes(by_x), tie_sizes(np.sort(by_y)))
    sigma = math.sqrt(max(0.0, 1 / 18.0 * eighteenfold))
    z = normal_quantile((1.0 - confidence) / 2.0)
    high = min(round((pair_count - z * sigma) / 2.0), pair_count - 1)
    low = max(round((pair_count + z * sigma) / 2.0) - 1, 0)
    return low, high


def _finite_slope(slope: float, *ends: float) -> float:
    if not all(map(math.isfinite, (slope, *ends))):
        raise ValueError("the slopes overflow: rescale x or y to moderate numbers")
    return slope


def _midpoint(low: float, high: float) -> float:
    """Return the mean as numpy's median forms it."""
    return low if low == high else (low + high) / 2.0
