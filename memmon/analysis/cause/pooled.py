"""A least-squares slope common to several runs, and how far it can stray."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.stats.noise import fit_noise, t_quantile, weights_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

BLOCK_COUNT = 48
"""Blocks of a run that its noise is estimated from. As in the envelope of the verdict."""
_FEWEST_NOISE_BLOCKS = 4
"""Blocks of a run below which its error is infinite. As in the noise model, which fits no fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledSlope:
    """A slope per hour with its 95 % interval, and its standard error."""

    slope: float
    low: float
    high: float
    error: float


def pooled_slope(hours: Sequence[FloatArray], values: Sequence[FloatArray]) -> PooledSlope:
    """Fit one slope to several runs, each with a level of its own.

    `hours`, `values`: an array per run. Sums of series have the sums of their slopes, because the
    line is that of least squares. The error comes from block means (48 a run), whose residuals'
    memory is allowed for as in the verdict. A slope that nothing tells of is 0 with an endless error.
    """
    spreads, slopes, errors, freedom = [], [], [], 0
    for at, series in zip(hours, values, strict=True):
        away = at - at.mean() if at.size else at
        spread = float(away @ away)
        if spread <= 0:
            continue
        slope = float(away @ (series - series.mean())) / spread
        error, block_count = _run_error(away, series - series.mean() - slope * away)
        spreads.append(spread)
        slopes.append(slope)
        errors.append(error)
        freedom += max(1, block_count - 2)
    if not spreads:
        return PooledSlope(slope=0.0, low=-math.inf, high=math.inf, error=math.inf)
    total = sum(spreads)
    slope = sum(s * b for s, b in zip(spreads, slopes, strict=True)) / total
    error = math.sqrt(sum((s * e) ** 2 for s, e in zip(spreads, errors, strict=True))) / total
    reach = t_quantile(0.975, freedom) * error if error else 0.0
    return PooledSlope(slope=slope, low=slope - reach, high=slope + reach, error=error)


def _run_error(away_hours: FloatArray, residual: FloatArray) -> tuple[float, int]:
    """Return the slope's standard error within one run and the number of blocks that it comes from."""
    length = float(away_hours[-1] - away_hours[0]) / BLOCK_COUNT * (1 + 1e-9)
    number = np.floor((away_hours - away_hours[0]) / length).astype(np.int64)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(number) > 0]))
    if starts.size < _FEWEST_NOISE_BLOCKS:
        return math.inf, int(starts.size)
    counts = np.diff(np.concatenate([starts, [residual.size]]))
    means = np.add.reduceat(residual, starts) / counts
    centre = np.add.reduceat(away_hours, starts) / counts
    centre = centre - centre.mean()
    block = number[starts]
    noise = fit_noise(means - means.mean(), block)
    return weights_error(centre / float(centre @ centre), block, noise), int(starts.size)
