"""Since when it grows: the change-point of the robust trend, with an interval.

A line with one hinge is fitted to the lower envelope for every hinge time; the best one counts when it
explains clearly more than the straight line does, allowing for the residuals' memory. The interval holds
all hinge times that fit nearly as well (profile likelihood, chi-square with one degree of freedom; Hinkley
1971 on the two-phase line).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import day_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

EDGE_BLOCKS = 3
"""Blocks at each end without a hinge. Chosen: each side needs a line."""
DAY_TERMS = 6
"""Terms of the day's cycle: sine and cosine of three harmonics."""
CHI_SQUARE_95 = 3.84
"""95 % quantile of chi-square with one degree of freedom: the profile likelihood (Hinkley 1971)."""
CLEAR_GAIN = 12.0
"""Gain in squared error, in residual variances, from which a hinge counts. Tuned on straight lines."""
QUIET_SHARE = 0.4
"""Slope before a hinge, over that after it, below which it is an onset. Tuned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """Hours (on the series' own clock) at which growth began, and the 95 % interval; `found`: a change was seen."""

    hours: float
    earliest_hours: float
    latest_hours: float
    found: bool


def find_onset(hours: FloatArray, mb: FloatArray, *, day_cycle: bool = False) -> Onset:
    """Return the onset of growth in a lower envelope (`hours` ascending, up to a few hundred points).

    `day_cycle` fits the day's harmonics beside the hinged line. Without a clear change the growth is as old
    as the series: `found` is False, `hours` its beginning.
    """
    first = float(hours[0])
    n = hours.size
    if n < 2 * EDGE_BLOCKS + 2 + (DAY_TERMS if day_cycle else 0):
        return Onset(hours=first, earliest_hours=first, latest_hours=first, found=False)
    away = hours - hours.mean()
    columns = [np.ones_like(hours), away]
    design = np.column_stack([*columns, day_columns(hours)] if day_cycle else columns)
    at = hours[EDGE_BLOCKS : n - EDGE_BLOCKS]
    left, hinged = _squared_errors(design, np.maximum(hours[:, None] - at[None, :], 0.0), mb)
    best = int(np.argmin(hinged))
    full = np.column_stack([design, np.maximum(hours - at[best], 0.0)])
    found = np.linalg.lstsq(full, mb, rcond=None)[0]
    before, turn = float(found[1]), float(found[-1])
    after = before + turn
    tiny = 1e-9 * float(np.sum((mb - mb.mean()) ** 2)) + 1e-12
    weight = independent_count(mb - full @ found) / max(float(hinged[best]), tiny)
    near = at[(hinged - hinged[best]) * weight <= CHI_SQUARE_95]
    if (left - float(hinged[best])) * weight > CLEAR_GAIN and after > 0 and before < QUIET_SHARE * after:
        half = float(hours[-1] - hours[0]) / (n - 1) / 2
        return Onset(
            hours=float(at[best]),
            earliest_hours=max(float(near[0]) - half, first),
            latest_hours=float(near[-1]) + half,
            found=True,
        )
    return Onset(hours=first, earliest_hours=first, latest_hours=first, found=False)


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
