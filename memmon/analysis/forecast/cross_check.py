"""A second opinion: the same question put to statsmodels' local linear trend."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.forecast.finding import CrossCheck
from memmon.analysis.forecast.paths import ROUNDING_SHARE
from memmon.analysis.stats.statsmodels_gate import local_linear_trend_forecast

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.forecast.fit import Course
    from memmon.analysis.forecast.paths import Filling
    from memmon.analysis.forecast.stretch import Stretch
    from memmon.analysis.stats.statsmodels_gate import LocalLinearTrend

    Floats = NDArray[np.float64]
    Hours = tuple[float | None, float | None, float | None]

NO_SECOND_OPINION = "No second opinion: the local linear trend could not be fitted to this history."
MODEL_NAME = "local linear trend (statsmodels UnobservedComponents)"
_MOST_STEPS = 2_000
"""Blocks that the second opinion looks ahead, at most. Chosen: bounds its cost."""


def cross_check_limit(
    stretch: Stretch,
    course: Course,
    limit_mb: float,
    filling: Filling,
    *,
    level: float,
    horizon_hours: float,
    hours: Hours,
) -> CrossCheck | None:
    """Ask when block maxima, continued by a local linear trend, reach the limit; or None.

    None: the trend could not be fitted, did not converge, or has no finite interval; it is not to be shown.
    `hours`: the forecast's own low, middle and high, for the comparison (None: not within the horizon).
    """
    part = stretch.between(course.end_hours - course.window_hours, course.end_hours)
    values = _block_maxima(part, course.block_hours)
    step_count = min(int(np.ceil(horizon_hours / course.block_hours)), _MOST_STEPS)
    forecast = local_linear_trend_forecast(values, step_count=step_count, level=level)
    if forecast is None or not _is_fit_to_show(forecast):
        return None
    ahead = np.arange(1.0, step_count + 1.0) * course.block_hours
    taken = filling.taken_mb(ahead)
    middle = _first_hours(forecast.median_mb + taken, ahead, limit_mb)
    soonest = _first_hours(forecast.high_mb + taken, ahead, limit_mb)
    latest = _first_hours(forecast.low_mb + taken, ahead, limit_mb)
    # Reached within a block is known at its end.
    begin = None if soonest is None else soonest - course.block_hours
    agrees = _overlap((begin, latest), (hours[0], hours[2]))
    said = "not within the horizon" if middle is None else f"in {middle:.1f} h"
    verdict = (
        "which agrees"
        if agrees
        else "which disagrees: it continues the newest readings, not the growth found"
    )
    return CrossCheck(
        model=MODEL_NAME,
        hours_to_limit=middle,
        hours_to_limit_low=soonest,
        hours_to_limit_high=latest,
        agrees=agrees,
        summary=f"A local linear trend says {said}{_range(soonest, latest)}, {verdict}.",
    )


def _is_fit_to_show(trend: LocalLinearTrend) -> bool:
    low, middle, high = trend.low_mb, trend.median_mb, trend.high_mb
    finite = np.isfinite(low).all() and np.isfinite(middle).all() and np.isfinite(high).all()
    return trend.converged and bool(finite and (low <= middle).all() and (middle <= high).all())


def _block_maxima(part: Stretch, block_hours: float) -> Floats:
    number = np.floor((part.hours - part.hours[0]) / block_hours).astype(np.int64)
    values = np.full(int(number[-1]) + 1, -np.inf)
    np.maximum.at(values, number, part.peak_mb)
    return np.where(np.isfinite(values), values, np.nan)


def _first_hours(values_mb: Floats, ahead: Floats, limit_mb: float) -> float | None:
    reached = np.flatnonzero(values_mb >= limit_mb - ROUNDING_SHARE * abs(limit_mb))
    return float(ahead[reached[0]]) if reached.size else None


def _overlap(one: tuple[float | None, float | None], other: tuple[float | None, float | None]) -> bool:
    """Tell whether two intervals of hours have a moment in common; None stands for "later than the horizon"."""
    (soonest, latest), (low, high) = (
        tuple(math.inf if hours is None else hours for hours in interval) for interval in (one, other)
    )
    return soonest <= high and low <= latest


def _range(soonest: float | None, latest: float | None) -> str:
    if soonest is None:
        return ""
    return f" ({soonest:.1f} h to {'later' if latest is None else f'{latest:.1f} h'})"
