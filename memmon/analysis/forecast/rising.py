"""Whether memory that is level so far has begun to rise: too young for a verdict, too much for a promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_minima, day_columns, day_profile
from memmon.analysis.leak.trend import DAY_CYCLE_FROM_HOURS, fit_trend, shows_days

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.forecast.stretch import Stretch

    Floats = NDArray[np.float64]

WINDOWS_HOURS = (12.0, 6.0, 3.0)
"""Newest hours that are looked at. Chosen: what the verdict can't hear yet."""
FEWEST_SAMPLES = 12
"""Samples that they need. Chosen: an hour of five minutes."""
TERRITORY_QUANTILE = 0.95
"""Quantile of earlier minima above which memory is in new territory: as in the verdict."""
CLEAR_ERRORS = 2.0
"""Standard errors above zero from which a rise is no chance. Chosen: two."""


def rises_lately(stretch: Stretch) -> bool:
    """Tell whether the newest hours rise, to where memory has not been before."""
    hours, mb = stretch.hours, stretch.mb
    for window in WINDOWS_HOURS:
        cut = int(np.searchsorted(hours, hours[-1] - window))
        if cut < FEWEST_SAMPLES or hours.size - cut < FEWEST_SAMPLES:
            continue
        level = mb - _cycle(hours, mb, cut)
        trend = fit_trend(hours[cut:], level[cut:])
        if trend is None or trend.slope <= CLEAR_ERRORS * trend.spread:
            continue
        earlier = block_minima(hours[:cut], level[:cut], block_count=max(12, cut // FEWEST_SAMPLES)).mb
        newest = float(np.median(trend.blocks.mb[-max(trend.blocks.mb.size // 3, 1) :]))
        if newest > float(np.quantile(earlier, TERRITORY_QUANTILE)):
            return True
    return False


def _cycle(hours: Floats, mb: Floats, cut: int) -> Floats:
    """Return the daily cycle known from before `cut`, zero where it is not."""
    if hours[cut - 1] - hours[0] < DAY_CYCLE_FROM_HOURS:
        return np.zeros(hours.size)
    before = block_minima(hours[:cut], mb[:cut])
    if not shows_days(before):
        return np.zeros(hours.size)
    return np.asarray(day_columns(hours) @ day_profile(before.hours, before.mb))
