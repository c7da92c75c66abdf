"""Since when it grows: the change-point of the robust trend, with an interval.

A line with one hinge is fitted to the lower envelope for every hinge time; the best one counts when it
explains clearly more than the straight line does, allowing for the residuals' memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import day_columns
from memmon.analysis.leak.onset_interval import EDGE_BLOCKS, QUIET_SHARE, near_onsets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

DAY_TERMS = 6
"""Terms of the day's cycle. By definition: sine and cosine of three harmonics."""
CLEAR_GAIN = 12.0
"""Gain in squared error, in residual variances, from which a hinge counts. Tuned on straight lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """Hours (on the series' own clock) at which growth began, and the 95 % interval; `found`: a change was seen."""

    hours: float
    earliest_hours: float
    latest_hours: float
    found: bool


def find_onset(
    hours: FloatArray,
    mb: FloatArray,
    *,
    number: IntArray | None = None,
    day_cycle: bool = False,
    may_hide_days: bool = False,
) -> Onset:
    """Return the onset of growth in a lower envelope (`hours` ascending, up to a few hundred points).

    `number`: those of its blocks, where some are missing; `day_cycle` fits the day's harmonics beside the hinged line;
    `may_hide_days`: they are neither fitted nor known. Without a clear change the growth may be as old as the series:
    `found` is False, `hours` its beginning, and the interval reaches from there to where it began at the latest.
    """
    first, n = float(hours[0]), hours.size
    if n < 2 * EDGE_BLOCKS + 2 + (DAY_TERMS if day_cycle else 0):
        return Onset(hours=first, earliest_hours=first, latest_hours=first, found=False)
    days = day_columns(hours) if day_cycle else np.empty((n, 0))
    begun = _clear_hinge(hours, mb, days)
    number = np.arange(n) if number is None else number
    near = near_onsets(hours, mb, number, days, may_hide_days=may_hide_days and not day_cycle)
    at = first if begun is None else begun
    earliest, latest = near or (at, at)
    return Onset(
        hours=at,
        earliest_hours=max(min(earliest, at), first),
        latest_hours=max(latest, at),
        found=begun is not None,
    )


def _clear_hinge(hours: FloatArray, mb: FloatArray, days: FloatArray) -> float | None:
    """Return the hour of the best hinge where growth clearly begins there; else None."""
    away = hours - hours.mean()
    design = np.column_stack([np.ones_like(hours), away, days])
    at = hours[EDGE_BLOCKS : hours.size - EDGE_BLOCKS]
    left, hinged = _squared_errors(design, np.maximum(hours[:, None] - at[None, :], 0.0), mb)
    best = int(np.argmin(hinged))
    full = np.column_stack([design, np.maximum(hours - at[best], 0.0)])
    found = np.linalg.lstsq(full, mb, rcond=None)[0]
    before, after = float(found[1]), float(found[1] + found[-1])
    tiny = 1e-9 * float(np.sum((mb - mb.mean()) ** 2)) + 1e-12
    weight = independent_count(mb - full @ found) / max(float(hinged[best]), tiny)
    is_clear = (left - float(hinged[best])) * weight > CLEAR_GAIN
    return float(at[best]) if is_clear and after > 0 and before < QUIET_SHARE * after else None


def _squared_errors(design: FloatArray, hinges: FloatArray, mb: FloatArray) -> tuple[float, FloatArray]:
    """Return the squared error without a hinge, and with each of `hinges` (one a column).

    Each hinge is fitted to what the common columns leave over (Frisch & Waugh 1933).
    """
    basis, _ = np.linalg.qr(design)
    left = mb - basis @ (basis.T @ mb)
    hinges = hinges - basis @ (basis.T @ hinges)
    power = np.maximum(np.sum(hinges**2, axis=0), 1e-12)
    total = float(left @ left)
    return total, np.maximum(total - (hinges.T @ left) ** 2 / power, 0.0)


def independent_count(left: FloatArray) -> float:
    """Return how many independent values the residuals `left` are worth."""
    power = float(left @ left)
    a = float(left[:-1] @ left[1:]) / power if power > 0 else 0.0
    a = min(max(a + 4 / left.size, 0.0), 0.95)
    return float(max(left.size * (1 - a) / (1 + a), 4.0))
