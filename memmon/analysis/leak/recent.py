"""Growth that began lately: the last 24, 12 and 6 hours of a longer run, in new territory only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_minima, block_starts, day_columns
from memmon.analysis.leak.garbage_rule import rule_beyond_garbage
from memmon.analysis.leak.rules import RECENT_MARGINS
from memmon.analysis.leak.trend import (
    DAY_CYCLE_FROM_HOURS,
    FEWEST_FOR_DAY_CYCLE,
    Trend,
    day_cycle,
    fit_trend,
    shows_days,
)
from memmon.analysis.leak.weekday import may_be_first_working_day
from memmon.arrays import median_of, quantile_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from memmon.analysis.leak.series import RunSeries

    FloatArray = NDArray[np.float64]

EARLIER_AT_LEAST_HOURS = 10.0
"""Hours of history that a recent window needs before it. Tuned on simulated histories."""
TERRITORY_QUANTILE = 0.95
"""Quantile of earlier minima above which memory is in new territory. Tuned."""
GROWTH_OVER_EARLIER = 1.3
"""Rise, over any earlier one of as many hours, that is new. Tuned."""
FEWEST_RECENT_SAMPLES = 12
"""Samples that a recent window needs. Chosen: an hour of five minutes."""
COVERED_SHARE = 0.8
"""Part of a recent window that samples must cover. Chosen: gaps are not growth."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecentTrend:
    """The trend of the last `hours`, which begin with sample `cut`; `profile`: the daily cycle taken out."""

    hours: float
    margin: float
    cut: int
    profile: FloatArray | None
    trend: Trend


def recent_trends(
    series: RunSeries,
    windows_hours: Iterable[float] = tuple(RECENT_MARGINS),
    *,
    at_least: float = -math.inf,
) -> list[RecentTrend]:
    """Return the trends of the recent windows that enough history came before, in the order of `windows_hours`.

    Those of a slope below `at_least` (MB/h), of which nothing can come, are left out.
    """
    hours, mb = series.hours, series.mb
    found = []
    for window_hours in windows_hours:
        cut = int(np.searchsorted(hours, hours[-1] - window_hours))
        if hours[cut] - hours[0] < EARLIER_AT_LEAST_HOURS or hours.size - cut < FEWEST_RECENT_SAMPLES:
            continue
        if hours[-1] - hours[cut] < COVERED_SHARE * window_hours:
            continue
        profile = known_profile(series, cut)
        trend = fit_trend(hours[cut:], mb[cut:], profile=profile, at_least=at_least)
        if trend is not None:
            found.append(
                RecentTrend(
                    hours=window_hours,
                    margin=RECENT_MARGINS[window_hours],
                    cut=cut,
                    profile=profile,
                    trend=trend,
                )
            )
    return found


def first_alarm(
    series: RunSeries, trends: Sequence[RecentTrend], threshold_mb_per_hour: float
) -> RecentTrend | None:
    """Return the first of `trends` that is an alarm, None without one.

    A window counts only in new territory: its last third lies above the 95 % quantile of what came
    before, and it grew by more than any earlier stretch of its length, the daily cycle taken out of both.
    """
    for recent in trends:
        ruling = rule_beyond_garbage(series, recent.trend, threshold_mb_per_hour, margin=recent.margin)
        if ruling.is_alarm and is_new(series, recent):
            return recent
    return None


def is_new(series: RunSeries, recent: RecentTrend) -> bool:
    """Tell whether a window is in new territory, and no first working day after a weekend."""
    return _is_new_territory(series, recent) and not may_be_first_working_day(
        series, recent.trend, recent.hours
    )


def known_profile(series: RunSeries, cut: int) -> FloatArray | None:
    """Return the daily cycle known from the samples before `cut`, None when they are too few."""
    hours, mb = series.hours[:cut], series.mb[:cut]
    if cut < FEWEST_FOR_DAY_CYCLE or hours[-1] - hours[0] < DAY_CYCLE_FROM_HOURS:
        return None
    before = block_minima(hours, mb)
    return day_cycle(before) if shows_days(before) else None


def _is_new_territory(series: RunSeries, recent: RecentTrend) -> bool:
    """Compare the window with all that came before it, in blocks of the window's own length."""
    blocks, profile = recent.trend.blocks, recent.profile
    length = blocks.length_hours
    hours, mb = series.hours[: recent.cut], series.mb[: recent.cut]
    number = np.floor((hours - hours[0]) / length).astype(np.int64)
    starts = block_starts(number)
    lowest = np.minimum.reduceat(mb, starts)
    if profile is not None:
        lowest = lowest - day_columns(hours[starts] + length / 2) @ profile
    now = blocks.mb
    third = max(now.size // 3, 1)
    if median_of(now[-third:]) <= quantile_of(lowest, TERRITORY_QUANTILE):
        return False
    width = now.size - third
    if lowest.size < width + third:
        return True
    smooth = np.convolve(lowest, np.full(third, 1 / third), mode="valid")
    grown = smooth[width:] - smooth[: smooth.size - width] if smooth.size > width else np.zeros(1)
    rise = float(now[-third:].mean() - now[:third].mean())
    return rise > GROWTH_OVER_EARLIER * float(grown.max(initial=0.0))
