"""Whether memory has risen lately beyond all that it did before: too young for a verdict, and no reason for calm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import kendall_tau

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.forecast.quantity import Quantity

    Floats = NDArray[np.float64]

RECENT_HOURS = (2.0, 4.0, 8.0, 16.0)
"""Lengths of the newest part that are looked at. Chosen: each twice the one before."""
RECENT_BLOCKS = 8
"""Blocks of the newest part."""
HABITUAL_QUANTILE = 0.975
"""Of earlier block medians: what memory did before. Chosen."""
FASTER = 1.5
"""Rise of the newest blocks over the known one, from which it is another. Chosen: half as much again."""
RISING_TAU = 0.5
"""Order of the newest blocks, from which they rise. Chosen: of eight level ones 2 in 100 do."""


def rises_lately(quantity: Quantity, *, known_slope: float = 0.0) -> bool:
    """Tell whether the newest hours rise in order, clearly faster than is known, up to a level that was rare before.

    `known_slope`: growth (MB/h) that the verdict allows for already.
    """
    hours, mb = quantity.hours, quantity.mb
    end = float(hours[-1])
    for length in RECENT_HOURS:
        cut = int(np.searchsorted(hours, end - length))
        if cut < mb.size // 4 or mb.size - cut < RECENT_BLOCKS:
            continue
        blocks = np.array([float(np.median(part)) for part in np.array_split(mb[cut:], RECENT_BLOCKS)])
        earlier = _medians(hours[:cut], mb[:cut], length / RECENT_BLOCKS)
        is_faster = blocks[-1] - blocks[0] > FASTER * known_slope * length
        if (
            is_faster
            and kendall_tau(blocks) >= RISING_TAU
            and blocks[-1] > np.quantile(earlier, HABITUAL_QUANTILE)
        ):
            return True
    return False


def _medians(hours: Floats, mb: Floats, length_hours: float) -> Floats:
    number = np.floor((hours - hours[0]) / length_hours)
    edges = np.flatnonzero(np.diff(number)) + 1
    return np.array([float(np.median(part)) for part in np.split(mb, edges)])
