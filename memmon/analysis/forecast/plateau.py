"""Where bent growth ends: an exponential approach to a plateau, with an interval for the plateau.

The level of a warm-up is continued as P - A exp(-t/τ). For every τ of a grid P and A follow by least squares; all τ
that fit nearly as well (profile likelihood, chi-square with one degree of freedom, allowing for the residuals'
memory) span the plateaus and the times that are possible.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.onset import independent_count
from memmon.arrays import distinct, median_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BLOCK_COUNT = 48
"""Blocks that a curve is fitted to, at most. As in the envelope of the verdict."""
FEWEST_BENT_BLOCKS = 8
"""Blocks that a curve of three parameters needs. Chosen."""
TIME_CONSTANTS = 60
"""Time constants that are tried, from a fortieth of the stretch to ten times as long. Chosen: steps of a tenth."""
SHORTEST_SHARE, LONGEST_SHARE = 0.025, 10.0
NEARLY_AS_GOOD = 3.84
"""Gain in squared error, in residual variances, up to which a curve is possible. By definition: 95 % of chi-square (1 degree)."""
END_IN_SIGHT = 2.71
"""The same, by which a straight line must be worse for growth to have a known end. By definition: one side of the 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plateau:
    """The curves that are possible: of each its plateau (MB), what it lacks to it now (MB), and its time constant (h)."""

    plateau_mb: float
    low_mb: float
    high_mb: float | None
    """None: growth without an end in sight fits nearly as well."""
    plateaus_mb: Floats
    missing_mb: Floats
    time_constants_hours: Floats
    best: int

    def hours_to(self, limit_mb: float) -> tuple[float, float, float] | None:
        """Return in how many hours the best, the soonest and the latest curve meet a limit; None: one does not."""
        if self.low_mb <= limit_mb:
            return None
        left = np.maximum(self.plateaus_mb - limit_mb, 1e-12)
        hours = self.time_constants_hours * np.log(np.maximum(self.missing_mb, left) / left)
        return float(hours[self.best]), float(hours.min()), float(hours.max())

    def course_mb(self, hours_ahead: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the best, the lowest and the highest course at `hours_ahead` of the last sample."""
        decay = np.exp(-hours_ahead[:, None] / self.time_constants_hours[None, :])
        courses = self.plateaus_mb[None, :] - self.missing_mb[None, :] * decay
        return courses[:, self.best], courses.min(axis=1), courses.max(axis=1)


def fit_plateau(hours: Floats, mb: Floats) -> Plateau | None:
    """Fit the bent curve to readings (`hours` ascending); None where there are too few, or nothing rises to a level."""
    centre, level = _block_medians(hours, mb)
    if centre.size < FEWEST_BENT_BLOCKS:
        return None
    span = float(hours[-1] - hours[0])
    since_end = centre - float(hours[-1])
    coarse = span * np.geomspace(SHORTEST_SHARE, LONGEST_SHARE, TIME_CONSTANTS)
    nearest = int(np.argmin([_fit(since_end, level, constant)[0] for constant in coarse.tolist()]))
    around = coarse[[max(nearest - 2, 0), min(nearest + 2, TIME_CONSTANTS - 1)]]
    constants = distinct(np.concatenate([coarse, np.geomspace(around[0], around[1], TIME_CONSTANTS)]))
    fits = [_fit(since_end, level, constant) for constant in constants.tolist()]
    errors = np.array([fit[0] for fit in fits])
    best = int(np.argmin(errors))
    _, plateau, missing, rest = fits[best]
    if missing <= 0.0:
        return None
    scale = max(float(errors[best]), 1e-9 * float(np.sum((level - level.mean()) ** 2)) + 1e-12)
    straight = float(errors[-1]) - float(errors[best])
    count = independent_count(rest)
    weight = count / scale
    near = np.flatnonzero(
        ((errors - errors[best]) * weight <= NEARLY_AS_GOOD) & (np.array([fit[2] for fit in fits]) > 0.0)
    )
    error = math.sqrt(scale / max(centre.size - 3, 1) / count)  # of the plateau of one time constant
    plateaus = np.array([fits[place][1] for place in near])
    return Plateau(
        plateau_mb=plateau,
        low_mb=float(plateaus.min()) - 2.0 * error,
        high_mb=None if straight * weight <= END_IN_SIGHT else float(plateaus.max()) + 2.0 * error,
        plateaus_mb=plateaus,
        missing_mb=np.array([fits[place][2] for place in near]),
        time_constants_hours=constants[near],
        best=int(np.flatnonzero(near == best)[0]),
    )


def _fit(since_end: Floats, level: Floats, constant: float) -> tuple[float, float, float, Floats]:
    """Return squared error, plateau, what is missing to it now, and the residuals, for one time constant."""
    shape = np.exp(-(since_end - float(since_end[0])) / constant)
    design = np.column_stack([np.ones_like(shape), -shape])
    (plateau, size), *_ = np.linalg.lstsq(design, level, rcond=None)
    rest = level - design @ np.array([plateau, size])
    missing = float(size) * math.exp(float(since_end[0]) / constant)
    return float(rest @ rest), float(plateau), missing, rest


def _block_medians(hours: Floats, mb: Floats) -> tuple[Floats, Floats]:
    count = max(FEWEST_BENT_BLOCKS, min(BLOCK_COUNT, hours.size // 3))
    length = float(hours[-1] - hours[0]) / count * (1 + 1e-9)
    if length <= 0.0:
        return np.empty(0), np.empty(0)
    number = np.floor((hours - hours[0]) / length).astype(np.int64)
    edges = np.flatnonzero(np.diff(number)) + 1
    return (
        np.array([float(part.mean()) for part in np.split(hours, edges)]),
        np.array([median_of(part) for part in np.split(mb, edges)]),
    )
