"""Growth that is no leak by its shape: a few steps between level stretches, or growth that has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import Blocks, median_slope
from memmon.analysis.leak.jumps import without_steps
from memmon.analysis.leak.trend import Trend, trend_of_blocks
from memmon.arrays import median_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

EXPLAINED_SHARE = 0.6
"""Part of the growth that steps must explain. Tuned on simulated steps."""
FLAT_SHARE = 0.25
"""Slope left, over the whole slope, that is flat. Tuned on simulated steps and caches."""
LONGEST_WARM_UP_HOURS = 16.0
"""Longest time constant of a warm-up, in hours. Tuned on caches that fill."""
TIME_CONSTANTS_HOURS = np.array([0.7, 1.0, 1.5, 2.2, 3.3, 5.0, 7.3, 11.0, LONGEST_WARM_UP_HOURS])
"""Time constants, in hours, that are tried. Chosen: steps of about a half up to the longest."""
RISEN_SHARE = 0.9
"""Part of a rise at which it counts as ended. Tuned on warm-ups that restarts repeat in part."""
SAMPLES_OF_LEVEL = 5
"""Readings whose median is a level. Chosen: two odd ones don't matter."""
CHI_SQUARE_95 = 3.84
"""95 % quantile of chi-square with one degree of freedom, for the profile likelihood. By definition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A sudden, lasting change of level at `hours` (uptime)."""

    hours: float
    size_mb: float


def find_steps(trend: Trend) -> tuple[tuple[Step, ...], Trend]:
    """Return up to three upward or downward steps, and the trend of what remains without them: all of it without any."""
    x = trend.blocks.hours
    level, found = without_steps(trend.blocks.mb)
    if not found:
        return (), trend
    steps = tuple(Step(hours=float(x[place - 1] + x[place]) / 2, size_mb=size) for place, size in found)
    rest = Blocks(number=trend.blocks.number, hours=x, mb=level, length_hours=trend.blocks.length_hours)
    return steps, trend_of_blocks(rest, span_hours=trend.span_hours, terms=2 + len(steps))


def is_stepped(trend: Trend, steps: tuple[Step, ...], rest: Trend, *, is_doubted: bool = False) -> bool:
    """Tell whether upward steps explain the growth and little of it is left between them.

    `is_doubted`: no alarm is at stake, so that little which is left for sure, beside growth that is not sure, is no reason against it.
    """
    if not steps:
        return False
    growth_mb = max(trend.slope * trend.span_hours, float(trend.blocks.mb[-1] - trend.blocks.mb[0]))
    up_mb = sum(step.size_mb for step in steps)
    if up_mb <= 0 or up_mb < EXPLAINED_SHARE * growth_mb:
        return False
    left_mb = max(rest.slope, 0.0) * rest.span_hours
    if trend.low > 0:
        return _is_flat(trend, rest)
    return (is_doubted or rest.low <= 0) and left_mb < FLAT_SHARE * up_mb


def _is_flat(trend: Trend, rest: Trend) -> bool:
    return rest.low <= 0 or rest.slope < FLAT_SHARE * trend.slope


def risen_hours(hours: FloatArray, mb: FloatArray) -> float | None:
    """Return the time from which on memory held nine tenths of its rise for good; None where it did not rise."""
    first, last = median_of(mb[:SAMPLES_OF_LEVEL]), median_of(mb[-SAMPLES_OF_LEVEL:])
    floors = np.minimum.accumulate(mb[::-1])[::-1]
    after = floors >= first + RISEN_SHARE * (last - first)
    return float(hours[int(np.argmax(after))]) if last > first and after.any() else None


def lasting_slope(x: FloatArray, y: FloatArray, *, times: FloatArray | None = None) -> float:
    """Return the lowest slope (MB/h) that may last once a warm-up of unknown length is over.

    `x`: hours, ascending; `y`: MB. A line beside an exponential approach is fitted for time constants up to `LONGEST_WARM_UP_HOURS`; the
    smallest line slope among those that fit nearly as well as the best (profile likelihood) is returned. `times`: the hours
    in which the approach goes, where `x` is another clock.
    """
    through = x - x[0]
    since = through if times is None else times - times[0]
    constants = TIME_CONSTANTS_HOURS[since[-1] / 12 <= TIME_CONSTANTS_HOURS]
    if constants.size == 0:
        return median_slope(x, y)
    decay = np.exp(-since[None, :] / constants[:, None])
    scaled = np.broadcast_to((through / through[-1])[None, :], decay.shape)
    design = np.stack([np.ones_like(decay), scaled, decay], axis=2)
    moments = np.einsum("tbi,tbj->tij", design, design) + 1e-10 * np.eye(3)
    found = np.linalg.solve(moments, np.einsum("tbi,b->ti", design, y)[..., None])[..., 0]
    left = y[None, :] - np.einsum("tbi,ti->tb", design, found)
    squared = np.sum(left**2, axis=1)
    best = float(squared.min())
    close = squared <= best * (1 + CHI_SQUARE_95 / max(y.size / 4, 1)) + 1e-12
    return float(found[close, 1].min()) / float(through[-1])


def is_saturating(trend: Trend) -> bool:
    """Tell whether the growth slows down clearly, or has come to an end."""
    slowing = trend.bend < -2.0 and trend.tail_slope < 0.6 * max(trend.slope, trend.start_slope)  # noqa: PLR2004
    return slowing or trend.tail_slope < FLAT_SHARE * trend.slope
