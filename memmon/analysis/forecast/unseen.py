"""Growth of a part of memory that all memory does not show yet: it fills holes first, and then all memory grows as fast."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_minima, median_slope
from memmon.facts.signals import Signal
from memmon.formatting import span

if TYPE_CHECKING:
    from memmon.analysis.forecast.quantity import Quantity
    from memmon.analysis.leak.finding import LeakFinding

FEWEST_FOR_TILT = 2
"""Samples that a slope needs. By definition."""


def is_unseen(finding: LeakFinding) -> bool:
    """Tell whether the finding's rate is that of a part of memory."""
    return finding.slope_signal is not Signal.FOOTPRINT


def as_if_seen(quantity: Quantity, finding: LeakFinding, since_hours: float) -> Quantity:
    """Return the quantity as it had to rise since the onset to be where it is, had it grown as fast as the part."""
    if not is_unseen(finding) or finding.slope_mb_per_hour is None:
        return quantity
    hours = quantity.hours
    cut = int(np.searchsorted(hours, since_hours))
    if hours.size - cut < FEWEST_FOR_TILT:
        return quantity
    blocks = block_minima(hours[cut:], quantity.mb[cut:])
    own = median_slope(blocks.hours, blocks.mb) if blocks.hours.size >= FEWEST_FOR_TILT else 0.0
    tilt = (finding.slope_mb_per_hour - own) * (hours - hours[-1])
    return replace(quantity, mb=quantity.mb + tilt, peak_mb=quantity.peak_mb + tilt)


def waiting_hours(finding: LeakFinding) -> float:
    """Return for how long the part fills holes, if all of them can be filled."""
    if not is_unseen(finding) or not finding.holes_mb or not finding.slope_mb_per_hour:
        return 0.0
    return max(finding.holes_mb / finding.slope_mb_per_hour, 0.0)


def filling_holes(finding: LeakFinding, wait_hours: float) -> str:
    """Return what the date waits for."""
    return (
        f"First {finding.holes_mb or 0.0:,.0f} MB of memory that is held and not in use are filled, for about "
        f"{span(wait_hours)} if all of it can be; the interval begins as if none could."
    )
