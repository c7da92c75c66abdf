"""Growth that bends: the level that it approaches, with an interval, and when a limit below that is met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.stats.quantiles import normal_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.forecast.stretch import Stretch

    Floats = NDArray[np.float64]

BLOCK_COUNT = 48
"""Blocks that the curve is fitted to: as many as the envelope of the verdict has."""
FEWEST_BLOCKS = 8
"""Blocks that a curve needs. Chosen: five more than it has terms."""
SHORTEST_CONSTANT_SHARE, LONGEST_CONSTANT_SHARE = 1 / 24, 2.0
"""Time constants that are tried, in lengths of the stretch: a shorter one is a step, a longer one a line."""
CONSTANT_COUNT = 60
"""Time constants that are tried. Chosen: steps of 7 %."""
CHI_SQUARE_95 = 3.84
"""95 % quantile of chi-square with one degree of freedom: the profile likelihood."""
MOST_MEMORY = 0.95
"""Memory of the residuals, at most; beyond it they would count as less than four values."""
FEWEST_INDEPENDENT = 4.0
"""Values that the residuals count for, at least."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Approach:
    """An exponential approach: `plateau_mb` with its 95 % interval, `high_mb` None where no end is in sight.

    `gain`: how much better than a line it fits, in residual variances; `noise_mb`: how far readings lie above it
    (95 % of them); `curves`: (plateau, amplitude, time constant) of the best curve and of all that fit nearly as well;
    hours count from `end_hours`.
    """

    plateau_mb: float
    low_mb: float
    high_mb: float | None
    gain: float
    noise_mb: float
    curves: tuple[tuple[float, float, float], ...]

    def hours_to(self, limit_mb: float) -> tuple[float, float, float | None] | None:
        """Return when the best curve meets `limit_mb`, and the first and the last that do; None: the best does not."""
        met = [_meets(curve, limit_mb) for curve in self.curves]
        best = met[0]
        known = [hours for hours in met if hours is not None]
        if best is None:
            return None
        return best, min(known), max(known) if len(known) == len(met) else None


def _meets(curve: tuple[float, float, float], limit_mb: float) -> float | None:
    plateau, left, constant = curve
    if plateau <= limit_mb:
        return None
    return max(0.0, constant * float(np.log(left / (plateau - limit_mb)))) if left > 0.0 else 0.0


def fit_approach(stretch: Stretch) -> Approach | None:
    """Fit level = plateau - amplitude * exp(-t / constant) to medians of blocks; None where nothing rises to a level."""
    x, y = _block_values(stretch)
    if y.size < FEWEST_BLOCKS:
        return None
    away = x - x[-1]
    span = float(-away[0])
    constants = np.geomspace(SHORTEST_CONSTANT_SHARE * span, LONGEST_CONSTANT_SHARE * span, CONSTANT_COUNT)
    fits = [_fit_constant(away, y, float(constant)) for constant in constants]
    squared = np.array([fit[0] for fit in fits])
    best = int(np.argmin(squared))
    plateau, left = fits[best][1], fits[best][2]
    if left <= 0.0:
        return None
    rest = y - (plateau - left * np.exp(-away / constants[best]))
    tiny = 1e-9 * float(np.sum((y - y.mean()) ** 2)) + 1e-12
    weight = _independent_count(rest) / max(float(squared[best]), tiny)
    near = np.flatnonzero((squared - squared[best]) * weight <= CHI_SQUARE_95)
    reach = normal_quantile(0.975)
    ends = [(fits[i][1], reach * fits[i][3] * np.sqrt(1.0 / weight)) for i in near]
    is_open = bool(near[-1] == constants.size - 1)
    design = np.column_stack([np.ones_like(away), away])
    line = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    order = [best, *[int(i) for i in near if i != best]]
    readings = stretch.peak_mb - np.interp(stretch.hours, x, y - rest)
    return Approach(
        plateau_mb=plateau,
        low_mb=float(min(level - error for level, error in ends)),
        high_mb=None if is_open else float(max(level + error for level, error in ends)),
        gain=float((line @ line - squared[best]) * weight),
        noise_mb=max(0.0, float(np.quantile(readings, 0.95))),
        curves=tuple((fits[i][1], fits[i][2], float(constants[i])) for i in order),
    )


def _fit_constant(away: Floats, y: Floats, constant: float) -> tuple[float, float, float, float]:
    """Return squared error, plateau, what is left to it at the end, and the plateau's error per unit of noise."""
    design = np.column_stack([np.ones_like(away), -np.exp(-away / constant)])
    scale = np.abs(design).max(axis=0)
    found, *_ = np.linalg.lstsq(design / scale, y, rcond=None)
    rest = y - design / scale @ found
    inverse = np.linalg.pinv((design / scale).T @ (design / scale))
    error = float(np.sqrt(max(inverse[0, 0], 0.0)))
    return float(rest @ rest), float(found[0]), float(found[1] / scale[1]), error


def _independent_count(rest: Floats) -> float:
    """Return how many independent values the residuals are worth."""
    power = float(rest @ rest)
    memory = float(rest[:-1] @ rest[1:]) / power if power > 0.0 else 0.0
    memory = min(max(memory + 4 / rest.size, 0.0), MOST_MEMORY)
    return max(rest.size * (1.0 - memory) / (1.0 + memory), FEWEST_INDEPENDENT)


def _block_values(stretch: Stretch) -> tuple[Floats, Floats]:
    """Return the mean hour and the median of up to 48 blocks."""
    hours, mb = stretch.hours, stretch.mb
    count = min(BLOCK_COUNT, max(hours.size // 3, 1))
    edges = np.searchsorted(hours, np.linspace(hours[0], hours[-1], count + 1)[1:-1])
    parts = [rows for rows in np.split(np.arange(hours.size), edges) if rows.size]
    return np.array([float(hours[rows].mean()) for rows in parts]), np.array(
        [float(np.median(mb[rows])) for rows in parts]
    )
