"""Mann-Kendall's trend test, plain and with Hamed and Rao's correction for autocorrelation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.stats.inversions import count_inversions, stable_order_and_levels
from memmon.analysis.stats.quantiles import normal_quantile, normal_two_sided_p
from memmon.analysis.stats.theil_sen import (
    finite_values,
    median_slope,
    rank_variance_numerator,
    tie_sizes,
    tied_pair_count,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_SMALLEST_CORRECTED_COUNT = 3
"""Values that Hamed and Rao's formula needs: it divides by n - 2 (Hamed & Rao 1998)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MannKendall:
    """A test for a monotonic trend against "no trend".

    `s`: pairs that rise minus pairs that fall; `variance` of S without a trend; `z`: S in standard deviations,
    with the correction for continuity; `p_value`: two-sided; `tau`: S as a share of all pairs; `slope`: the
    median slope per sample where the test needed it, else None.
    """

    s: int
    variance: float
    z: float
    p_value: float
    tau: float
    slope: float | None = None


def mann_kendall(y: ArrayLike) -> MannKendall:
    """Test evenly ordered values for a trend (Mann 1945, Kendall 1975), ties corrected, in O(n log n).

    The numbers equal `pymannkendall.original_test`. The test supposes independent values and rejects "no trend"
    far too often for memory readings, which remember their past: see `hamed_rao`, and `memmon.analysis.stats.noise`
    for what the verdict uses. Raises ValueError for fewer than two values, NaN or infinity.
    """
    values = _series(y, smallest_count=2)
    s, variance = _score(values)
    return _judged(s, variance, values.size)


def hamed_rao(y: ArrayLike, *, alpha: float = 0.05) -> MannKendall:
    """Test for a trend with the variance of Hamed & Rao (J. Hydrol. 204 (1998) 182-196) for autocorrelated values.

    The ranks of the values less their median slope give an autocorrelation function (by FFT); the lags that
    differ from zero at level `alpha` scale the variance. The numbers equal
    `pymannkendall.hamed_rao_modification_test` to rounding; where its scaled variance is not positive (it gives
    NaN there) the plain variance is kept. Raises ValueError for fewer than three values, NaN or infinity.
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha!r}")
    values = _series(y, smallest_count=_SMALLEST_CORRECTED_COUNT)
    s, variance = _score(values)
    size = values.size
    slope = median_slope(np.arange(size), values)
    ranks = _average_ranks(values - np.arange(1, size + 1) * slope)
    autocorrelation = _autocorrelation(ranks)
    if autocorrelation is not None:
        lags = np.arange(1.0, size)
        bound = normal_quantile(1.0 - alpha / 2.0) / math.sqrt(size)
        significant = np.abs(autocorrelation[1:]) > bound
        weights = (size - lags) * (size - lags - 1) * (size - lags - 2)
        excess = float(np.sum((weights * autocorrelation[1:])[significant]))
        scale = 1.0 + 2.0 / (size * (size - 1) * (size - 2)) * excess
        variance = variance * scale if scale > 0.0 else variance
    return _judged(s, variance, size, slope=slope)


def _series(y: ArrayLike, *, smallest_count: int) -> Floats:
    values = finite_values(y, name="y")
    if values.size < smallest_count:
        raise ValueError(f"a trend test needs at least {smallest_count} values, not {values.size}")
    return values


def _score(values: Floats) -> tuple[int, float]:
    """Return S and its variance under independence."""
    size = values.size
    order, levels = stable_order_and_levels(values)
    ties = {} if levels is None else tie_sizes(levels)
    rising_or_falling = size * (size - 1) // 2 - tied_pair_count(ties)
    s = rising_or_falling - 2 * count_inversions(order)
    return s, rank_variance_numerator(size, ties) / 18


def _judged(s: int, variance: float, size: int, *, slope: float | None = None) -> MannKendall:
    z = 0.0
    if s != 0 and variance > 0.0:
        z = (s - math.copysign(1.0, s)) / math.sqrt(variance)
    return MannKendall(
        s=s,
        variance=variance,
        z=z,
        p_value=normal_two_sided_p(z),
        tau=s / (0.5 * size * (size - 1)),
        slope=slope,
    )


def _average_ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    order = np.argsort(values)
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    counts = np.diff(np.append(starts, values.size))
    ranks = np.empty(values.size)
    ranks[order] = np.repeat(starts + (counts + 1) / 2.0, counts)
    return ranks


def _autocorrelation(values: Floats) -> Floats | None:
    """Autocorrelation at the lags 0 .. n-1 by FFT (Wiener-Khinchin), or None for a constant series."""
    centred = values - values.mean()
    length = _fast_length(2 * values.size - 1)
    spectrum = np.fft.rfft(centred, length)
    covariance = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, length)[: values.size]
    variance = float(np.dot(centred, centred))
    return covariance / variance if variance > 0.0 else None


def _fast_length(least: int) -> int:
    """Return the smallest 2^a, 3 2^a or 5 2^a that is at least `least`: lengths that FFT handles well."""
    return min(factor << max(0, (-(-least // factor) - 1).bit_length()) for factor in (1, 3, 5))
