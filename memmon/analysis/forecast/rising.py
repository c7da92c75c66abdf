"""Whether memory has risen lately beyond all that it did before: too young for a verdict, and no reason for calm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memmon.analysis.leak.envelope import block_minima, day_columns, kendall_tau
from memmon.analysis.leak.trend import DAY_CYCLE_FROM_HOURS, FEWEST_FOR_DAY_CYCLE, day_cycle, shows_days
from memmon.arrays import median_of, quantile_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from memmon.analysis.forecast.quantity import Quantity

    Floats = NDArray[np.float64]

RECENT_HOURS = (2.0, 4.0, 8.0, 16.0)
"""Lengths of the newest part that are looked at. Chosen: each twice the one before."""
RECENT_BLOCKS = 8
"""Blocks of the newest part. Chosen: as few as the orders below tell apart."""
HABITS = ((0.5, 0.975), (0.85, 0.9))
"""Order of the newest blocks from which they rise, and the share of earlier blocks below which their end is habitual.

Chosen: of eight level blocks 2 in 100 are in the first order, 1 in 1,000 in the second, which may end lower."""
FASTER = 1.5
"""Rise of the newest blocks over the known one, from which it is another. Chosen: half as much again."""


def rises_lately(quantity: Quantity, *, known_slope: float = 0.0) -> bool:
    """Tell whether the newest hours rise in order, clearly faster than is known, up to a level that was rare before.

    Medians are looked at, and minima: what comes in bursts hides a rise in the one, what drops now and then in the
    other; and both once more without the daily cycle, where that is known. `known_slope`: growth (MB/h) that the
    verdict allows for already.
    """
    hours = quantity.hours
    return any(
        _rises(hours, mb, level, known_slope)
        for mb in _without_days(hours, quantity.mb)
        for level in (median_of, np.min)
    )


def _rises(hours: Floats, mb: Floats, level: Callable[[Floats], Any], known_slope: float) -> bool:
    for length in RECENT_HOURS:
        cut = int(np.searchsorted(hours, hours[-1] - length))
        if cut < mb.size // 4 or mb.size - cut < RECENT_BLOCKS:
            continue
        recent = np.array([float(level(part)) for part in np.array_split(mb[cut:], RECENT_BLOCKS)])
        earlier = _levels(hours[:cut], mb[:cut], length / RECENT_BLOCKS, level)
        if recent[-1] - recent[0] <= FASTER * known_slope * length:
            continue
        tau = kendall_tau(recent)
        if any(tau >= order and recent[-1] > quantile_of(earlier, share) for order, share in HABITS):
            return True
    return False


def _without_days(hours: Floats, mb: Floats) -> list[Floats]:
    """Return the readings, and once more without the daily cycle of what lies before the newest hours."""
    cut = int(np.searchsorted(hours, hours[-1] - RECENT_HOURS[-1]))
    if cut < FEWEST_FOR_DAY_CYCLE or hours[cut] - hours[0] < DAY_CYCLE_FROM_HOURS:
        return [mb]
    before = block_minima(hours[:cut], mb[:cut])
    if not shows_days(before):
        return [mb]
    return [mb, mb - day_columns(hours) @ day_cycle(before)]


def _levels(hours: Floats, mb: Floats, length_hours: float, level: Callable[[Floats], Any]) -> Floats:
    number = np.floor((hours - hours[0]) / length_hours)
    begins = np.concatenate(([0], np.flatnonzero(np.diff(number)) + 1))
    if level is np.min:
        return np.minimum.reduceat(mb, begins)
    # Medians of hundreds of blocks at once: sorted within their blocks, of each the middle.
    sizes = np.diff(begins, append=mb.size)
    ordered = mb[np.lexsort((mb, np.repeat(np.arange(begins.size), sizes)))]
    return np.asarray((ordered[begins + (sizes - 1) // 2] + ordered[begins + sizes // 2]) / 2.0)
