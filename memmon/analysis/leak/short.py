"""Growth of the last hours in a process that is known to be healthy: nine minima in new territory, rising as never since its start.

What is compared with earlier growth is the smaller of the two rises between thirds of a window: a step is in one of them only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_starts
from memmon.analysis.leak.garbage_rule import rule_beyond_garbage
from memmon.analysis.leak.trend import Trend, fit_trend
from memmon.analysis.leak.weekday import HOURS_PER_WEEK, hours_of_week, saw_working_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.leak.series import RunSeries

    FloatArray = NDArray[np.float64]

SHORT_WINDOWS_HOURS = (4.0, 3.0, 2.0)
"""Hours of the windows; empty turns them off. Given with the rule."""
BLOCKS = 9
"""Minima of a window. Given with the rule."""
SHORT_MARGIN = 2.0
"""Standard errors above the threshold. Chosen: as of twelve hours, the rest of the demands being sterner."""
KNOWN_HOURS = 8.0
"""Hours that came before, at least. Given with the rule."""
DAY_KNOWN_HOURS = 24.0
"""The same where nothing but all memory tells. Chosen: a day's rise was seen, and all false alarms of tuning seeds were in the first day."""
OVER_LARGEST, OVER_SPREAD = 1.5, 3.0
"""Rate over the largest earlier one, and over their standard deviation. Given with the rule."""
FEWEST_PER_BLOCK = 2
"""Samples of a block. Chosen: two hours of five minutes are 24."""
THIRD = BLOCKS // 3
"""Minima of a third of a window. By definition."""
WEEKEND_BEGINS, MONDAY_ENDS = 106.0, 204.0
"""Hours since Monday 0:00 UTC between which a weekend and the Monday after it may lie, wherever the clock is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShortTrend:
    """The trend of the last `hours`, which is an alarm."""

    hours: float
    trend: Trend


def short_alarm(
    run: RunSeries, threshold_mb_per_hour: float, *, margin: float = SHORT_MARGIN, known_hours: float
) -> ShortTrend | None:
    """Return the alarm that the last few hours are, None where they are none or less than `known_hours` came before."""
    for length_hours in SHORT_WINDOWS_HOURS:
        cut = int(np.searchsorted(run.hours, run.hours[-1] - length_hours - 1e-6))
        if not _is_known(run, cut, known_hours) or run.hours.size - cut < BLOCKS * FEWEST_PER_BLOCK:
            continue
        if not _is_new(run, length_hours):
            continue
        trend = fit_trend(run.hours[cut:], run.mb[cut:], block_count=BLOCKS, at_least=threshold_mb_per_hour)
        if trend is None:
            continue
        if rule_beyond_garbage(run, trend, threshold_mb_per_hour, margin=margin).is_alarm:
            return ShortTrend(hours=length_hours, trend=trend)
    return None


def _is_known(run: RunSeries, cut: int, known_hours: float) -> bool:
    """Tell whether enough came before a window, which is no first weekend, nor the Monday after it, unless working days did."""
    before = float(run.hours[cut] - run.hours[0])
    if before >= HOURS_PER_WEEK:
        return True
    if before < known_hours:
        return False
    of_week = hours_of_week(run.at_seconds[cut:])
    is_weekend = (of_week >= WEEKEND_BEGINS) | (of_week < MONDAY_ENDS - HOURS_PER_WEEK)
    return not bool(is_weekend.any()) or saw_working_day(run)


def _is_new(run: RunSeries, length_hours: float) -> bool:
    """Tell whether the last third lies above every earlier minimum, and all of it rose as memory never did since its start."""
    number = np.floor((run.hours[-1] - run.hours) / (length_hours / BLOCKS) * (1 - 1e-9)).astype(np.int64)
    starts = block_starts(number)
    lowest = np.minimum.reduceat(run.mb, starts)
    before = lowest[:-BLOCKS]
    if before.size < BLOCKS or lowest[-THIRD:].min() <= before.max():
        return False
    thirds = np.lib.stride_tricks.sliding_window_view(lowest, BLOCKS).reshape(-1, 3, THIRD)
    levels = np.sort(thirds, axis=2)[:, :, THIRD // 2]
    rises = np.minimum(levels[:, 1] - levels[:, 0], levels[:, 2] - levels[:, 1])
    reference = int(np.count_nonzero(number[starts[:-BLOCKS]] < BLOCKS * (1 + KNOWN_HOURS / length_hours)))
    earlier = rises[_start_ends(before, reference) : -BLOCKS]
    if not earlier.size:
        return False
    now = float(rises[-1])
    return now >= OVER_LARGEST * float(earlier.max(initial=0.0)) and now >= OVER_SPREAD * float(earlier.std())


def _start_ends(lowest: FloatArray, reference: int) -> int:
    """Return the first of these minima that is no start-up's: memory was never again below what it has held lately.

    `reference`: how many of them are of the last hours.
    """
    below = np.flatnonzero(lowest < lowest[-max(reference, 1) :].min())
    return int(below[-1]) + 1 if below.size else 0
