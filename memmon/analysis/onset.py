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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

EDGE_BLOCKS = 3
CHI_SQUARE_95 = 3.84
CLEARLY_BETTER = 12.0
QUIET_SHARE = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """Hours (on the series' own clock) at which growth began, and the 95 % interval; `found`: a change was seen."""

    hours: float
    earliest_hours: float
    latest_hours: float
    found: bool


def find_onset(hours: FloatArray, mb: FloatArray) -> Onset:
    """Return the onset of growth in a lower envelope (`hours` ascending, up to a few hundred points).

    Without a clear change the growth is as old as the series: `found` is False, `hours` its beginning.
    """
    first = float(hours[0])
    n = hours.size
    if n < 2 * EDGE_BLOCKS + 2:
        return Onset(hours=first, earliest_hours=first, latest_hours=first, found=False)
    at = hours[EDGE_BLOCKS : n - EDGE_BLOCKS]
    hinged, coefficients = _hinge_fits(hours, mb, at)
    best = int(np.argmin(hinged))
    away = hours - hours.mean()
    line_slope = float(away @ mb) / float(away @ away)
    line = float(np.sum((mb - mb.mean() - line_slope * away) ** 2))
    tiny = 1e-9 * float(np.sum((mb - mb.mean()) ** 2)) + 1e-12
    weight = _independent_count(hours, mb, at[best], coefficients[best]) / max(float(hinged[best]), tiny)
    before, turn = float(coefficients[best, 1]), float(coefficients[best, 2])
    after = before + turn
    clear = (line - float(hinged[best])) * weight > CLEARLY_BETTER
    near = at[(hinged - hinged[best]) * weight <= CHI_SQUARE_95]
    if clear and after > 0 and before < QUIET_SHARE * after:
        half = float(hours[-1] - hours[0]) / (n - 1) / 2
        return Onset(
            hours=float(at[best]),
            earliest_hours=max(float(near[0]) - half, first),
            latest_hours=float(near[-1]) + half,
            found=True,
        )
    return Onset(hours=first, earliest_hours=first, latest_hours=first, found=False)


def _hinge_fits(hours: FloatArray, mb: FloatArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the squared error and the coefficients (level, slope, turn) for a hinge at each of `at`."""
    away = hours - hours.mean()
    after = np.maximum(hours[None, :] - at[:, None], 0.0)
    design = np.stack(
        [np.ones_like(after), np.broadcast_to(away, after.shape), after], axis=2
    )  # hinge x block x coefficient
    moments = np.einsum("hbi,hbj->hij", design, design)
    found = np.linalg.solve(moments, np.einsum("hbi,b->hi", design, mb)[..., None])[..., 0]
    left = mb[None, :] - np.einsum("hbi,hi->hb", design, found)
    return np.sum(left**2, axis=1), found


def _independent_count(hours: FloatArray, mb: FloatArray, at: float, found: FloatArray) -> float:
    """Return how many independent values the residuals of the best hinge are worth."""
    left = mb - found[0] - found[1] * (hours - hours.mean()) - found[2] * np.maximum(hours - at, 0.0)
    power = float(left @ left)
    a = float(left[:-1] @ left[1:]) / power if power > 0 else 0.0
    a = min(max(a + 4 / left.size, 0.0), 0.95)
    return float(max(left.size * (1 - a) / (1 + a), 4.0))
