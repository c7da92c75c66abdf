"""The trend of one stretch of one run: slope, interval that holds, and the shape of the growth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import (
    BLOCK_COUNT,
    HOURS_PER_DAY,
    Blocks,
    block_minima,
    day_columns,
    day_profile,
    kendall_tau,
    mean_of,
    median_slope,
)
from memmon.analysis.leak.jumps import without_steps
from memmon.analysis.stats.noise import BYTE_MB, Noise, fit_noise, t_quantile, weights_error
from memmon.arrays import median_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

DAY_CYCLE_FROM_HOURS = 44.0
"""Hours from which a daily cycle can be told from a trend. Chosen: nearly two days."""
CYCLE_DOUBT_FROM_HOURS = 16.0
"""Hours from which a daily cycle may be in the slope: two thirds of a day. Tuned."""
WAVE_FITS_SHARE = 0.7
"""Squared error left beside a sine of 24 h, over that of a line, that doubts. Tuned: coverage."""
WAVE_DOUBT_SHARE = 0.8
"""Part of the difference of the two slopes that joins the error. Tuned: coverage."""
STEPS_LEAVE_SHARE = 0.25
"""Squared error left beside steps, line and days, over that beside line and days, from which the steps are real. Chosen: a quarter."""
PLAIN_TERMS = 2
"""Terms of a line. By definition: level and slope."""
TAIL_SHARE = 0.3
"""Last part of the stretch whose slope is its tail. Tuned with the rules of the alarm."""
FLOOR_COUNT = 12
"""Floors that are compared one with the next. Chosen: two hours each in a day, four of 48 blocks."""
FEWEST_BLOCKS_HELD = 6
"""Blocks that a trend needs. Chosen: thirds of two blocks each."""
FEWEST_FOR_DAY_CYCLE = 24
"""Blocks that harmonics of 24, 12 and 8 h need. Chosen: three per term, line included."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trend:
    """A straight line through the lower envelope, and how far from straight the growth is.

    `error`: standard error under the noise model; `cycle_doubt`: what a daily cycle may add to it; `quantile`: t quantile of the 95 % interval.
    `tail_slope`: of the last 30 %; `least_third_slope`: the smaller of the two rises between the medians
    of the thirds, per hour; `order`: Kendall's tau of the blocks with time; `floor_mb`: how far the lowest
    block of the last third lies above the median of the first; `widest_mb`: the largest distance of a
    block from the line; `bend`: the quadratic term over its standard error (negative: flattening);
    `end_slope` and `ahead_slope`: the parabola's slope at the end, and half a window beyond.
    All slopes in MB/h. What a verdict seldom asks for is worked out when it is.
    """

    blocks: Blocks
    slope: float
    level_mb: float
    error: float
    quantile: float
    terms: int
    noise: Noise
    span_hours: float
    least_third_slope: float
    order: float
    floor_mb: float
    widest_mb: float

    @cached_property
    def tail_slope(self) -> float:
        """The slope of the last 30 %."""
        x, y = self.blocks.hours, self.blocks.mb
        tail = min(int(np.searchsorted(x, x[-1] - TAIL_SHARE * (x[-1] - x[0]))), x.size - 3)
        return median_slope(x[tail:], y[tail:])

    @cached_property
    def rising_share(self) -> float:
        """The share of the floors, each of a twelfth of the blocks, that lie above the one before."""
        y = self.blocks.mb
        floors = np.minimum.reduceat(y, np.arange(FLOOR_COUNT) * y.size // FLOOR_COUNT)
        return float(np.mean(floors[1:] > floors[:-1]))

    @cached_property
    def cycle_doubt(self) -> float:
        """What a daily cycle that is not taken out may add to the error."""
        if self.terms != PLAIN_TERMS:
            return 0.0
        return _cycle_doubt(self.blocks.hours, self.blocks.mb, self.slope)

    @cached_property
    def _parabola(self) -> tuple[float, float, float]:
        return parabola(self.blocks, self.noise)

    @property
    def bend(self) -> float:
        """The quadratic term over its standard error."""
        return self._parabola[0]

    @property
    def end_slope(self) -> float:
        """The parabola's slope at the end."""
        return self._parabola[1]

    @property
    def ahead_slope(self) -> float:
        """The parabola's slope half a window on."""
        return self._parabola[2]

    @property
    def spread(self) -> float:
        """The standard error, doubt about a daily cycle included."""
        return math.hypot(self.error, self.cycle_doubt)

    @property
    def low(self) -> float:
        """Lower end of the slope's 95 % interval."""
        return self.slope - self.quantile * self.spread

    @property
    def high(self) -> float:
        """Upper end of the slope's 95 % interval."""
        return self.slope + self.quantile * self.spread

    @property
    def scatter_mb(self) -> float:
        """The standard deviation of the blocks about the line."""
        return float(np.std(self.blocks.mb - self.slope * self.blocks.hours))

    @property
    def start_slope(self) -> float:
        """The parabola's slope at the beginning."""
        return self.end_slope - 4 * (self.ahead_slope - self.end_slope)

    @property
    def visible(self) -> float:
        """A slope that would come out above zero four times in five."""
        return (self.quantile + 0.84) * self.spread


def fit_trend(
    hours: FloatArray,
    mb: FloatArray,
    *,
    profile: FloatArray | None = None,
    block_count: int = BLOCK_COUNT,
    at_least: float = -math.inf,
) -> Trend | None:
    """Fit the trend of samples `mb` at ascending `hours` (of uptime) of one run; None: too few blocks, or too slow.

    `profile`: the daily cycle known from earlier history; without it, the cycle is fitted and taken out
    from 44 h of history on. `at_least`: the slope (MB/h) below which the trend is not asked for.
    """
    blocks = block_minima(hours, mb, block_count=block_count)
    if blocks.mb.size < FEWEST_BLOCKS_HELD:
        return None
    span = float(hours[-1] - hours[0])
    terms = PLAIN_TERMS
    level = blocks.mb
    if profile is None and span >= DAY_CYCLE_FROM_HOURS and shows_days(blocks):
        profile = day_cycle(blocks)
        terms += profile.size
    if profile is not None:
        level = level - day_columns(blocks.hours) @ profile
        blocks = Blocks(number=blocks.number, hours=blocks.hours, mb=level, length_hours=blocks.length_hours)
    slope = median_slope(blocks.hours, blocks.mb)
    return None if slope < at_least else _trend(blocks, slope, span_hours=span, terms=terms)


def day_cycle(blocks: Blocks) -> FloatArray:
    """Return the coefficients of the daily cycle, fitted beside a line and lasting steps.

    A single step would else be told as a wave, and the level left of it as a slope. Steps count where they, and not the
    days, explain the course.
    """
    return day_profile(blocks.hours, _without_real_steps(blocks))


def _without_real_steps(blocks: Blocks) -> FloatArray:
    level, steps = without_steps(blocks.mb)
    if not steps:
        return blocks.mb
    design = np.concatenate(
        [np.ones((blocks.hours.size, 1)), blocks.hours[:, None], day_columns(blocks.hours)], axis=1
    )
    whole, rest = (_squared_beside(design, mb) for mb in (blocks.mb, level))
    return level if rest < STEPS_LEAVE_SHARE * whole else blocks.mb


def _squared_beside(design: FloatArray, mb: FloatArray) -> float:
    left = mb - design @ np.linalg.lstsq(design, mb, rcond=None)[0]
    return float(left @ left)


def shows_days(blocks: Blocks) -> bool:
    """Tell whether the blocks are short and many enough for the daily cycle to be fitted."""
    return blocks.length_hours < HOURS_PER_DAY / 2 and blocks.mb.size >= FEWEST_FOR_DAY_CYCLE


def trend_of_blocks(blocks: Blocks, *, span_hours: float, terms: int = 2) -> Trend:
    """Fit the line, the noise round it and the shape figures to block minima."""
    slope = median_slope(blocks.hours, blocks.mb)
    return _trend(blocks, slope, span_hours=span_hours, terms=terms)


def _trend(blocks: Blocks, slope: float, *, span_hours: float, terms: int) -> Trend:
    x, y, n = blocks.hours, blocks.mb, blocks.hours.size
    left = y - slope * x
    base = median_of(left)
    shaken = left - mean_of(left)
    noise = fit_noise(shaken, blocks.number, trend_terms=terms)
    away = x - mean_of(x)
    error = weights_error(away / float(away @ away), blocks.number, noise)
    third = n // 3
    medians = [median_of(y[:third]), median_of(y[third : n - third]), median_of(y[n - third :])]
    least_rise = min(medians[1] - medians[0], medians[2] - medians[1])
    return Trend(
        blocks=blocks,
        slope=slope,
        level_mb=base,
        error=error,
        quantile=t_quantile(0.975, n - terms),
        terms=terms,
        noise=noise,
        span_hours=span_hours,
        least_third_slope=least_rise / (span_hours / 3),
        order=kendall_tau(y),
        floor_mb=float(y[n - third :].min()) - medians[0],
        widest_mb=max(float(left.max()) - base, base - float(left.min())),
    )


def _cycle_doubt(x: FloatArray, y: FloatArray, slope: float) -> float:
    """Return how much of the slope may be a piece of a daily cycle, while too few days show to tell.

    A line beside a sine of 24 h fits a single day of cyclic load far better than a line alone; the doubt is
    then a share of the difference between the two slopes.
    """
    span = float(x[-1] - x[0])
    if not CYCLE_DOUBT_FROM_HOURS <= span < DAY_CYCLE_FROM_HOURS:
        return 0.0
    away = x - mean_of(x)
    angle = 2 * np.pi * x / 24
    design = np.column_stack([np.ones_like(x), away, np.sin(angle), np.cos(angle)])
    solver = np.linalg.solve(design.T @ design, design.T)
    found = solver @ y
    left = y - slope * x
    plain = left - mean_of(left)
    rest = y - design @ found
    if float(rest @ rest) >= WAVE_FITS_SHARE * float(plain @ plain):
        return 0.0
    return WAVE_DOUBT_SHARE * abs(slope - float(found[1]))


def parabola(blocks: Blocks, noise: Noise) -> tuple[float, float, float]:
    """Return the bend (quadratic term over its error) and the slopes at the end and half a window on."""
    x, y = blocks.hours, blocks.mb
    half = float(x[-1] - x[0]) / 2
    u = (x - mean_of(x)) / half
    design = np.column_stack([np.ones_like(u), u, u * u])
    solver = np.linalg.solve(design.T @ design, design.T)
    _, linear, quadratic = (solver @ y).tolist()
    error = weights_error(solver[2], blocks.number, noise)
    # Readings are whole bytes: a bend of less is rounding, and its sign another on the next processor.
    bend = quadratic / max(error, 1e-9 * abs(linear), BYTE_MB)
    return bend, (linear + 2 * quadratic) / half, (linear + 3 * quadratic) / half
