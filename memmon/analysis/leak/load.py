"""Memory that follows the load: what remains of the growth once the work done is taken into account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_minima
from memmon.analysis.stats.noise import fit_noise, weights_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.leak.series import RunSeries

    FloatArray = NDArray[np.float64]

FEWEST_LOAD_BLOCKS = 10
"""Blocks that line and work rate need together. Chosen: fewer say nothing."""
CLEAR_RATIO = 3.0
"""Standard errors by which memory must follow the rate. By convention: the three-sigma rule."""
RISING_SHARE = 0.2
"""Rise of the rate, as a share of its level, that can explain a straight line. Tuned."""
SAME_SHAPE = 0.98
"""Correlation from which memory and a rising rate have one shape. Tuned on load that rises."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadShare:
    """The series without its load-following part; `mb_per_unit`: MB per unit of work per hour."""

    series: RunSeries
    mb_per_unit: float
    rise_share: float
    is_inseparable: bool


def without_load(series: RunSeries) -> LoadShare | None:
    """Take out the part of `series` that follows the work rate; None when it does not follow it.

    A line and the work rate are fitted together to the lower envelope; the rate's share counts when it
    is positive by more than `CLEAR_RATIO` standard errors. Where rate and time rise so evenly that they
    can't be told apart, memory of the same shape as a clearly rising rate is put down to the rate.
    """
    if series.work is None:
        return None
    blocks = block_minima(series.hours, series.mb)
    n = blocks.mb.size
    rate = _rate(series, blocks.number, blocks.length_hours)
    level = float(np.abs(rate).mean())
    if n < FEWEST_LOAD_BLOCKS or level <= 0 or float(np.ptp(rate)) <= 1e-6 * level:
        return None
    rate = rate / level
    away = blocks.hours - blocks.hours.mean()
    design = np.column_stack([np.ones(n), away, rate])
    moments = design.T @ design
    rate_slope = float(away @ rate) / float(away @ away)
    rise = rate_slope * float(away[-1] - away[0])
    alike = float(np.corrcoef(rate, blocks.mb)[0, 1]) if float(np.ptp(blocks.mb)) > 0 else 0.0
    straight = abs(float(np.corrcoef(rate, away)[0, 1])) > 0.999  # noqa: PLR2004 - as good as collinear
    if straight:
        if rise >= RISING_SHARE and alike >= SAME_SHAPE:
            share = float(np.ptp(blocks.mb)) / float(np.ptp(rate))
            return _share(series, share / level, rise, inseparable=True)
        return None
    solver = np.linalg.solve(moments, design.T)
    found = solver @ blocks.mb
    left = blocks.mb - design @ found
    noise = fit_noise(left - left.mean(), blocks.number, trend_terms=3)
    error = weights_error(solver[2], blocks.number, noise)
    if found[2] <= CLEAR_RATIO * error:
        return None
    return _share(series, float(found[2]) / level, rise, inseparable=False)


def slope_beside_load(series: RunSeries, from_seconds: float) -> tuple[float, float] | None:
    """Return the slope since a time, fitted beside the work done per hour, and its standard error (MB/h).

    None where no work was counted, or its rate tells nothing there.
    """
    if series.work is None:
        return None
    cut = int(np.searchsorted(series.at_seconds, from_seconds - 1e-3))
    since = replace(series, hours=series.hours[cut:], mb=series.mb[cut:], work=series.work[cut:])
    if since.hours.size < FEWEST_LOAD_BLOCKS:
        return None
    blocks = block_minima(since.hours, since.mb)
    rate = _rate(since, blocks.number, blocks.length_hours)
    level = float(np.abs(rate).mean())
    if blocks.mb.size < FEWEST_LOAD_BLOCKS or level <= 0 or float(np.ptp(rate)) <= 1e-6 * level:
        return None
    away = blocks.hours - blocks.hours.mean()
    design = np.column_stack([np.ones(away.size), away, rate / level])
    solver = np.linalg.pinv(design)
    found = solver @ blocks.mb
    left = blocks.mb - design @ found
    noise = fit_noise(left - left.mean(), blocks.number, trend_terms=3)
    return float(found[1]), weights_error(solver[1], blocks.number, noise)


def without_rate(series: RunSeries, clock: FloatArray) -> FloatArray:
    """Return the MB of a series without what follows the work done per hour, fitted beside a line in another clock."""
    blocks = block_minima(series.hours, series.mb)
    rate = _rate(series, blocks.number, blocks.length_hours)
    level = float(np.abs(rate).mean())
    if blocks.mb.size < FEWEST_LOAD_BLOCKS or level <= 0 or float(np.ptp(rate)) <= 1e-6 * level:
        return series.mb
    at = np.interp(blocks.hours, series.hours, clock)
    design = np.column_stack([np.ones(at.size), at - at.mean(), rate / level])
    found = np.linalg.lstsq(design, blocks.mb, rcond=None)[0]
    follows = np.interp(series.hours, blocks.hours, rate / level) * max(float(found[2]), 0.0)
    return np.asarray(series.mb - follows, dtype=np.float64)


def _share(series: RunSeries, mb_per_unit: float, rise: float, *, inseparable: bool) -> LoadShare:
    assert series.work is not None
    blocks = block_minima(series.hours, series.mb)
    rate = _rate(series, blocks.number, blocks.length_hours)
    follows = np.interp(series.hours, blocks.hours, rate) * mb_per_unit
    return LoadShare(
        series=replace(series, mb=series.mb - follows, work=None),
        mb_per_unit=mb_per_unit,
        rise_share=rise,
        is_inseparable=inseparable,
    )


def _rate(series: RunSeries, number: NDArray[np.int64], length_hours: float) -> FloatArray:
    """Return the work per hour in each block (0.0 where the count fell back)."""
    assert series.work is not None
    begin = float(series.hours[0])
    edges = begin + np.stack([number, number + 1]) * length_hours
    counted = np.interp(edges, series.hours, series.work)
    seen = np.minimum(edges[1], series.hours[-1]) - edges[0]
    return np.asarray(np.maximum(counted[1] - counted[0], 0.0) / np.maximum(seen, 1e-9), dtype=np.float64)
