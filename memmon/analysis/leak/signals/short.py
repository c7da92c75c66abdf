"""Growth of the last hours in a process that is known to be healthy: nine minima in new territory, at a rate never seen before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_starts
from memmon.analysis.leak.evidence import of_trend
from memmon.analysis.leak.garbage_rule import rule_beyond_garbage
from memmon.analysis.leak.signals.margin import paid_margin
from memmon.analysis.leak.trend import fit_trend
from memmon.analysis.leak.weekday import HOURS_PER_WEEK, hours_of_week

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.leak.evidence import Evidence
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
OVER_LARGEST, OVER_SPREAD = 1.5, 3.0
"""Rate over the largest earlier one, and over their standard deviation. Given with the rule."""
FEWEST_PER_BLOCK = 2
"""Samples of a block. Chosen: two hours of five minutes are 24."""
WEEKEND_BEGINS, MONDAY_ENDS = 106.0, 204.0
"""Hours since Monday 0:00 UTC between which a weekend and the Monday after it may lie, wherever the clock is."""


def short_evidence(run: RunSeries, threshold_mb_per_hour: float, *, signal_count: int) -> Evidence | None:
    """Return the alarm that the last few hours are, None where they are none or too little came before."""
    for length_hours in SHORT_WINDOWS_HOURS:
        cut = int(np.searchsorted(run.hours, run.hours[-1] - length_hours - 1e-6))
        if not _is_known(run, cut) or run.hours.size - cut < BLOCKS * FEWEST_PER_BLOCK:
            continue
        trend = fit_trend(run.hours[cut:], run.mb[cut:], block_count=BLOCKS)
        if trend is None or not _is_new(run, length_hours):
            continue
        margin = paid_margin(SHORT_MARGIN, signal_count)
        if rule_beyond_garbage(run, trend, threshold_mb_per_hour, margin=margin).is_alarm:
            return of_trend(f"last {length_hours:g} h", run, trend, is_alarm=True, failed="")
    return None


def _is_known(run: RunSeries, cut: int) -> bool:
    """Tell whether enough came before a window, of which the first week's weekend is no part."""
    before = float(run.hours[cut] - run.hours[0])
    if before >= HOURS_PER_WEEK:
        return True
    of_week = hours_of_week(run.at_seconds[cut:])
    is_weekend = (of_week >= WEEKEND_BEGINS) | (of_week < MONDAY_ENDS - HOURS_PER_WEEK)
    return before >= KNOWN_HOURS and not bool(is_weekend.any())


def _is_new(run: RunSeries, length_hours: float) -> bool:
    """Tell whether the last third lies above every earlier minimum, and rose faster than memory ever did."""
    number = np.floor((run.hours[-1] - run.hours) / (length_hours / BLOCKS) * (1 - 1e-9)).astype(np.int64)
    starts = block_starts(number)
    lowest = np.minimum.reduceat(run.mb, starts)
    third = BLOCKS // 3
    if lowest.size < 2 * BLOCKS or lowest[-third:].min() <= lowest[:-BLOCKS].max():
        return False
    means = np.convolve(lowest, np.full(third, 1 / third), mode="valid")
    rises = means[BLOCKS - third :] - means[: means.size - (BLOCKS - third)]
    now, earlier = float(rises[-1]), rises[:-BLOCKS]
    return now >= OVER_LARGEST * float(earlier.max(initial=0.0)) and now >= OVER_SPREAD * float(earlier.std())
