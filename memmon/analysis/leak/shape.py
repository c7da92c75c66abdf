"""Growth that is no leak by its shape: a few steps between level stretches, or growth that has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import Blocks, median_slope
from memmon.analysis.leak.trend import Trend, trend_of_blocks
from memmon.arrays import median_of
from memmon.facts.medians import SIGMA_PER_MAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

MOST_LEVEL_STEPS = 3
"""Steps that are looked for. Chosen: more of them are growth."""
SIDE_BLOCKS = 4
"""Blocks on each side of a step whose medians are compared. Tuned on simulated steps."""
STEP_OVER_NOISE = 5.0
"""Size of a step, over the noise of differences. Tuned on simulated steps."""
EXPLAINED_SHARE = 0.6
"""Part of the growth that steps must explain. Tuned on simulated steps."""
FLAT_SHARE = 0.25
"""Slope left, over the whole slope, that is flat. Tuned on simulated steps and caches."""
LONGEST_WARM_UP_HOURS = 16.0
"""Longest time constant of a warm-up, in hours. Tuned on caches that fill."""
TIME_CONSTANTS_HOURS = np.array([0.7, 1.0, 1.5, 2.2, 3.3, 5.0, 7.3, 11.0, LONGEST_WARM_UP_HOURS])
"""Time constants, in hours, that are tried. Chosen: steps of about a half up to the longest."""
CHI_SQUARE_95 = 3.84
"""95 % quantile of chi-square with one degree of freedom, for the profile likelihood. By definition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A sudden, lasting change of level at `hours` (uptime)."""

    hours: float
    size_mb: float


def find_steps(trend: Trend) -> tuple[tuple[Step, ...], Trend]:
    """Return up to three upward or downward steps, and the trend of what remains without them: all of it without any."""
    x, y = trend.blocks.hours, trend.blocks.mb.copy()
    steps: list[Step] = []
    for _ in range(MOST_LEVEL_STEPS):
        found = _largest_step(y)
        if found is None:
            break
        place, size = found
        y[place:] -= size
        steps.append(Step(hours=float(x[place - 1] + x[place]) / 2, size_mb=size))
    if not steps:
        return (), trend
    rest = Blocks(number=trend.blocks.number, hours=x, mb=y, length_hours=trend.blocks.length_hours)
    return tuple(steps), trend_of_blocks(rest, span_hours=trend.span_hours, terms=2 + len(steps))


def _largest_step(y: FloatArray) -> tuple[int, float] | None:
    """Return (index of the first block after the step, size) of the largest clear step, else None."""
    n = y.size
    jumps = y[1:] - y[:-1]
    noise = SIGMA_PER_MAD * median_of(np.abs(jumps - median_of(jumps)))
    best: tuple[int, float] | None = None
    for place in (np.argsort(np.abs(jumps))[::-1][:2] + 1).tolist():
        before, after = y[max(place - SIDE_BLOCKS, 0) : place], y[place : min(place + SIDE_BLOCKS, n)]
        drift = median_of(jumps)
        size = median_of(after) - median_of(before) - drift * (before.size + after.size) / 2
        if abs(size) > STEP_OVER_NOISE * max(noise, 1e-3) and (best is None or abs(size) > abs(best[1])):
            best = (int(place), float(size))
    return best


def is_stepped(trend: Trend, steps: tuple[Step, ...], rest: Trend) -> bool:
    """Tell whether upward steps explain the growth and little of it is left between them."""
    if not steps:
        return False
    growth_mb = max(trend.slope * trend.span_hours, float(trend.blocks.mb[-1] - trend.blocks.mb[0]))
    up_mb = sum(step.size_mb for step in steps)
    if up_mb <= 0 or up_mb < EXPLAINED_SHARE * growth_mb:
        return False
    left_mb = max(rest.slope, 0.0) * rest.span_hours
    return rest.low <= 0 and left_mb < FLAT_SHARE * up_mb if trend.low <= 0 else _is_flat(trend, rest)


def _is_flat(trend: Trend, rest: Trend) -> bool:
    return rest.low <= 0 or rest.slope < FLAT_SHARE * trend.slope


def lasting_slope(x: FloatArray, y: FloatArray) -> float:
    """Return the lowest slope (MB/h) that may last once a warm-up of unknown length is over.

    `x`: hours, ascending; `y`: MB. A line beside an exponential approach is fitted for time constants up to `LONGEST_WARM_UP_HOURS`; the
    smallest line slope among those that fit nearly as well as the best (profile likelihood) is returned.
    """
    since = x - x[0]
    constants = TIME_CONSTANTS_HOURS[since[-1] / 12 <= TIME_CONSTANTS_HOURS]
    if constants.size == 0:
        return median_slope(x, y)
    decay = np.exp(-since[None, :] / constants[:, None])
    scaled = np.broadcast_to((since / since[-1])[None, :], decay.shape)
    design = np.stack([np.ones_like(decay), scaled, decay], axis=2)
    moments = np.einsum("tbi,tbj->tij", design, design) + 1e-10 * np.eye(3)
    found = np.linalg.solve(moments, np.einsum("tbi,b->ti", design, y)[..., None])[..., 0]
    left = y[None, :] - np.einsum("tbi,ti->tb", design, found)
    squared = np.sum(left**2, axis=1)
    best = float(squared.min())
    close = squared <= best * (1 + CHI_SQUARE_95 / max(y.size / 4, 1)) + 1e-12
    return float(found[close, 1].min()) / float(since[-1])


def is_saturating(trend: Trend) -> bool:
    """Tell whether the growth slows down clearly, or has come to an end."""
    slowing = trend.bend < -2.0 and trend.tail_slope < 0.6 * max(trend.slope, trend.start_slope)  # noqa: PLR2004
    return slowing or trend.tail_slope < FLAT_SHARE * trend.slope
