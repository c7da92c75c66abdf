"""Growth that began lately: the last 24, 12 and 6 hours of a longer run, in new territory only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak_blocks import block_minima, day_columns, day_profile, median_of
from memmon.analysis.leak_rules import RECENT_MARGINS, rule
from memmon.analysis.leak_trend import (
    DAY_CYCLE_FROM_HOURS,
    FEWEST_FOR_DAY_CYCLE,
    Trend,
    fit_trend,
    shows_days,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.leak_series import RunSeries

    FloatArray = NDArray[np.float64]

EARLIER_AT_LEAST_HOURS = 10.0
TERRITORY_QUANTILE = 0.95
GROWTH_OVER_EARLIER = 1.3
FEWEST_SAMPLES = 12


def recent_alarm(series: RunSeries, threshold_mb_per_hour: float) -> tuple[float, Trend] | None:
    """Return (window hours, trend) of the longest recent window that is an alarm, None without one.

    A window counts only in new territory: its last third lies above the 95 % quantile of what came
    before, and it grew by more than any earlier stretch of its length, the daily cycle taken out of both.
    """
    hours, mb = series.hours, series.mb
    for window_hours, margin in RECENT_MARGINS.items():
        cut = int(np.searchsorted(hours, hours[-1] - window_hours))
        earlier_hours = float(hours[cut] - hours[0])
        if earlier_hours < EARLIER_AT_LEAST_HOURS or hours.size - cut < FEWEST_SAMPLES:
            continue
        if float(hours[-1] - hours[cut]) < 0.8 * window_hours:
            continue
        profile = known_profile(series, cut)
        trend = fit_trend(hours[cut:], mb[cut:], profile=profile)
        if trend is None:
            continue
        if rule(trend, threshold_mb_per_hour, margin=margin).is_alarm and _is_new_territory(
            series, cut, trend, profile
        ):
            return window_hours, trend
    return None


def known_profile(series: RunSeries, cut: int) -> FloatArray | None:
    """Return the daily cycle known from the samples before `cut`, None when they are too few."""
    hours, mb = series.hours[:cut], series.mb[:cut]
    if cut < FEWEST_FOR_DAY_CYCLE or hours[-1] - hours[0] < DAY_CYCLE_FROM_HOURS:
        return None
    before = block_minima(hours, mb)
    return day_profile(before.hours, before.mb) if shows_days(before) else None


def _is_new_territory(series: RunSeries, cut: int, trend: Trend, profile: FloatArray | None) -> bool:
    """Compare the window with all that came before it, in blocks of the window's own length."""
    length = trend.blocks.length_hours
    hours, mb = series.hours[:cut], series.mb[:cut]
    number = np.floor((hours - hours[0]) / length).astype(np.int64)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(number) > 0]))
    lowest = np.minimum.reduceat(mb, starts)
    if profile is not None:
        lowest = lowest - day_columns(hours[starts] + length / 2) @ profile
    now = trend.blocks.mb
    third = max(now.size // 3, 1)
    if median_of(now[-third:]) <= float(np.quantile(lowest, TERRITORY_QUANTILE)):
        return False
    width = now.size - third
    if lowest.size < width + third:
        return True
    smooth = np.convolve(lowest, np.full(third, 1 / third), mode="valid")
    grown = smooth[width:] - smooth[: smooth.size - width] if smooth.size > width else np.zeros(1)
    rise = float(now[-third:].mean() - now[:third].mean())
    return rise > GROWTH_OVER_EARLIER * float(grown.max(initial=0.0))
