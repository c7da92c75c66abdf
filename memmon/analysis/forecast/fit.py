"""The course of memory to be continued: trend, daily cycle and the noise round them, of the present run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.forecast.stretch import FEWEST_SAMPLES, Stretch
from memmon.analysis.leak.envelope import day_columns, day_profile, median_slope
from memmon.analysis.stats.noise import Noise, fit_noise, t_quantile, weights_error
from memmon.arrays import median_of
from memmon.units import MIB

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

BLOCK_COUNT = 48
"""Blocks of a fit, at most. As in the envelope of the verdict."""
SAMPLES_PER_BLOCK = 3
"""Samples per block, at least. As in the envelope of the verdict."""
FEWEST_BLOCKS = 6
"""Blocks that a fit needs. As in the trend of the verdict."""
DAY_CYCLE_FROM_HOURS = 44.0
"""Hours from which a daily cycle can be told from a trend: nearly two days. As in the verdict."""
FEWEST_FOR_DAY_CYCLE = 24
"""Blocks that harmonics of 24, 12 and 8 h need. Chosen: three per term, line included."""
CYCLE_DOUBT_FROM_HOURS = 16.0
"""Hours from which a cycle may bend the slope: two thirds of a day. As in the verdict."""
CYCLE_FITS_SHARE = 0.4
"""Squared error left by a sine, over that of a line, below which it is one. Tuned: coverage."""
CYCLE_TRUST = 0.8
"""Part of the sine's correction that the slope takes. Tuned: coverage of daily cycles."""
CYCLE_DOUBT_SHARE = 0.5
"""Part of that difference that counts as error. Tuned: coverage of daily cycles."""
CLEARLY_SMALLER = 0.5
"""Ratio of errors below which a later part says more. Chosen: half."""
CLEAR_DIFFERENCE = 4.0
"""Standard errors by which a later part must differ to be taken. Chosen: chance rarely gives four."""
PAGE_MB = 4096 / MIB
"""MB of a page, the step of readings of RSS. By definition: 4 KiB on x86-64."""
SHORTEST_STRAIGHT_HOURS = 2.0
"""Hours of a later part, at least; twice that in long histories. Chosen: 24 samples."""
ENDED_SHARE = 0.3
"""Part of the slope under which a later part has stopped growing. Chosen: as the tail in the verdict."""
SHORT_RUN_HOURS = 4.0
"""Hours below which a run that slows down is warming up. Chosen: about where verdicts begin."""
SLOWING_SHARE = 0.7
"""Last rise over first below which a short run slows down. Chosen: seven tenths."""
SHORTEST_DAILY_HOURS = 23.5
"""Hours of a later part where days show. Chosen: one day, less a few samples."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NoisyLevel:
    """One value per block, less trend and cycle: its level, its last value and the noise between them."""

    level_mb: float
    last_mb: float
    level_error_mb: float
    noise: Noise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """A fitted course. All hours are uptime; slopes and their error in MB/h.

    `cycle_doubt`: what of the error is owed to a
    daily cycle that can't be told from a trend yet; `quantile`: Student's t for the slope's 95 % interval; `middle` and `peak`: the envelopes of block medians and
    block maxima; `scatter_mb`: each reading less its block's median; `replay_mb`: what readings
    did round trend and cycle, on an even grid of `replay_step_hours`.
    """

    slope: float
    slope_error: float
    cycle_doubt: float
    quantile: float
    centre_hours: float
    end_hours: float
    window_hours: float
    block_hours: float
    profile: Floats | None
    middle: NoisyLevel
    peak: NoisyLevel
    scatter_mb: Floats
    replay_mb: Floats
    replay_step_hours: float

    def trend_mb(self, hours: Floats) -> Floats:
        """Trend and daily cycle at uptime `hours`, without an envelope's level."""
        course = self.slope * hours
        return course if self.profile is None else course + day_columns(hours) @ self.profile


def fit_course(stretch: Stretch) -> Course | None:
    """Fit the recent part of `stretch` that says most about the present slope.

    Tried are all of it, its last half, quarter and eighth (whole days, once a daily cycle can be told from a trend).
    In steady noise the longest part has by far the smallest error; a part that begins after a step, a warm-up or the
    onset of a leak has the smaller one, because its residuals are, or a slope that clearly differs. A run of less
    than four hours whose growth slows down has no course yet.
    """
    if _is_warming_up(stretch):
        return None
    end = float(stretch.hours[-1])
    span = end - float(stretch.hours[0])
    shortest = min(max(span / 3, SHORTEST_STRAIGHT_HOURS), 2 * SHORTEST_STRAIGHT_HOURS)
    if span >= DAY_CYCLE_FROM_HOURS:
        shortest = SHORTEST_DAILY_HOURS
    best: Course | None = None
    while True:
        part = stretch.between(end - span, end)
        course = fit_part(part) if part.hours.size >= FEWEST_SAMPLES else None
        if course is None:
            break
        if best is None or _is_better(course, best):
            best = course
        span /= 2
        if span < shortest:
            break
    return best


def _is_better(part: Course, whole: Course) -> bool:
    """Tell whether the later part says more about the present slope than the whole.

    Where a daily cycle may be at work, a part of a day proves nothing but one thing: that growth has ended.
    """
    if whole.cycle_doubt > 0.0:
        return abs(part.slope) + 2.0 * part.slope_error < ENDED_SHARE * whole.slope
    gap = abs(part.slope - whole.slope)
    part_error, whole_error = _told_error(part), _told_error(whole)
    differs = gap > CLEAR_DIFFERENCE * math.hypot(part_error, whole_error)
    return differs or part_error < CLEARLY_SMALLER * whole_error


def _told_error(course: Course) -> float:
    """Return the slope's error, not below that of readings in whole pages.

    A line without noise has an error of rounding only, which tells no part from another and is another on the next
    processor.
    """
    return math.hypot(course.slope_error, PAGE_MB / math.sqrt(BLOCK_COUNT) / course.window_hours)


def _is_warming_up(stretch: Stretch) -> bool:
    """Tell whether a short run's growth slows down: the medians of its four quarters rise less and less."""
    hours, mb = stretch.hours, stretch.mb
    if float(hours[-1] - hours[0]) >= SHORT_RUN_HOURS:
        return False
    edges = np.searchsorted(hours, np.linspace(hours[0], hours[-1], 5)[1:4])
    if min(np.diff(edges, prepend=0, append=hours.size).tolist()) < 1:
        return False
    first, second, third, last = (median_of(part) for part in np.split(mb, edges.tolist()))
    return last - third < SLOWING_SHARE * (second - first)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSlope:
    """A slope that was found elsewhere, in MB/h, and half its 95 % interval."""

    slope: float
    reach: float


def fit_part(part: Stretch, known: KnownSlope | None = None) -> Course | None:
    """Fit one stretch (level, cycle and noise alone where the slope is known), None where it has too few blocks."""
    hours, span = part.hours, float(part.hours[-1] - part.hours[0])
    blocks = _blocks_of(hours)
    if blocks is None:
        return None
    starts = blocks.starts
    profile = None
    if span >= DAY_CYCLE_FROM_HOURS and starts.size >= FEWEST_FOR_DAY_CYCLE:
        profile = day_profile(blocks.centre, _block_medians(part.mb, starts))
    terms = 2 + (0 if profile is None else profile.size)
    cycle = np.zeros(hours.size) if profile is None else day_columns(hours) @ profile
    quantile = t_quantile(0.975, starts.size - terms)
    if known is None:
        trend = _fit_trend(hours, part.mb - cycle, blocks, terms)
    else:
        rest = part.mb - cycle - known.slope * hours
        trend = _FittedTrend(slope=known.slope, error=known.reach / quantile, cycle_doubt=0.0, rest_mb=rest)
    middle = _block_medians(trend.rest_mb, starts)
    peak_rest = part.peak_mb - cycle - trend.slope * hours
    peak = np.maximum.reduceat(peak_rest, starts)
    step = median_of(np.diff(hours))
    return Course(
        slope=trend.slope,
        slope_error=math.hypot(trend.error, trend.cycle_doubt),
        cycle_doubt=trend.cycle_doubt,
        quantile=quantile,
        centre_hours=float(blocks.centre.mean()),
        end_hours=float(hours[-1]),
        window_hours=span,
        block_hours=blocks.length_hours,
        profile=profile,
        middle=_envelope(middle, blocks.number, terms),
        peak=_envelope(peak, blocks.number, terms),
        scatter_mb=trend.rest_mb - np.repeat(middle, blocks.sizes),
        replay_mb=_even(hours, peak_rest, step),
        replay_step_hours=step,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Blocks:
    """A stretch in blocks of equal length: of each that is not empty its number, first sample, size and mean hour."""

    length_hours: float
    number: Integers
    starts: Integers
    sizes: Integers
    centre: Floats


def _blocks_of(hours: Floats) -> _Blocks | None:
    """Cut a stretch into blocks, None where it has too few."""
    count = min(BLOCK_COUNT, max(FEWEST_BLOCKS, hours.size // SAMPLES_PER_BLOCK))
    length = float(hours[-1] - hours[0]) / count * (1 + 1e-9)
    number = np.floor((hours - hours[0]) / length).astype(np.int64)
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    if starts.size < FEWEST_BLOCKS:
        return None
    sizes = np.diff(starts, append=hours.size)
    centre = np.add.reduceat(hours, starts) / sizes
    return _Blocks(length_hours=length, number=number[starts], starts=starts, sizes=sizes, centre=centre)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _FittedTrend:
    """A slope in MB/h with its error, what a daily cycle adds to that, and the level less the slope."""

    slope: float
    error: float
    cycle_doubt: float
    rest_mb: Floats


def _fit_trend(hours: Floats, level: Floats, blocks: _Blocks, terms: int) -> _FittedTrend:
    """Fit the slope of a level: by the lower or the middle of the blocks, whichever is surer, corrected for a cycle."""
    starts, centre = blocks.starts, blocks.centre
    first_slope = median_slope(centre, _block_medians(level, starts))
    level = level - first_slope * hours
    middle = _block_medians(level, starts)
    lines = [
        _line(centre, values, blocks.number, terms) for values in (np.minimum.reduceat(level, starts), middle)
    ]
    added_slope, error = min(lines, key=lambda line: line[1])
    lean = _cycle_lean(centre, middle, float(hours[-1] - hours[0]))
    plain_slope = first_slope + added_slope
    # A warm-up fits a sine too, with a slope far above all that was seen: at most twice the plain one.
    corrected = plain_slope - CYCLE_TRUST * lean
    slope = min(corrected, 2.0 * plain_slope) if plain_slope > 0.0 else corrected
    return _FittedTrend(
        slope=slope,
        error=error,
        cycle_doubt=CYCLE_DOUBT_SHARE * abs(lean),
        rest_mb=level - (slope - first_slope) * hours,
    )


def _even(hours: Floats, values: Floats, step_hours: float) -> Floats:
    """Return values on an even grid, gaps closed: what happens next to what matters, not when."""
    place = np.round(np.diff(hours, prepend=hours[0]) / step_hours).astype(np.int64)
    place = np.cumsum(np.clip(place, 0, 1))
    grid = np.full(int(place[-1]) + 1, -np.inf)
    np.maximum.at(grid, place, values)
    return grid


def _cycle_lean(x: Floats, y: Floats, span_hours: float) -> float:
    """Return what the slope seems to owe to a daily cycle, in MB/h, while too few days show to tell.

    Where a sine of 24 h beside the line leaves much less than the line alone, that is the difference between the two
    slopes; elsewhere zero.
    """
    if not CYCLE_DOUBT_FROM_HOURS <= span_hours < DAY_CYCLE_FROM_HOURS:
        return 0.0
    away, angle = x - x.mean(), 2.0 * np.pi * x / 24.0
    plain = np.column_stack([np.ones_like(x), away])
    cyclic = np.column_stack([plain, np.sin(angle), np.cos(angle)])
    line, *_ = np.linalg.lstsq(plain, y, rcond=None)
    wave, *_ = np.linalg.lstsq(cyclic, y, rcond=None)
    left_by_line, left_by_wave = (
        float(np.sum((y - plain @ line) ** 2)),
        float(np.sum((y - cyclic @ wave) ** 2)),
    )
    if left_by_wave >= CYCLE_FITS_SHARE * left_by_line:
        return 0.0
    return float(line[1] - wave[1])


def _line(x: Floats, y: Floats, block: Integers, terms: int) -> tuple[float, float]:
    """Return Theil-Sen's slope and its standard error under autocorrelated noise."""
    slope = median_slope(x, y)
    rest = y - slope * x
    noise = fit_noise(rest - rest.mean(), block, trend_terms=terms)
    away = x - x.mean()
    error = weights_error(away / float(away @ away), block, noise)
    return slope, error


def _block_medians(values: Floats, starts: Integers) -> Floats:
    sizes = np.diff(starts, append=values.size)
    ordered = values[np.lexsort((values, np.repeat(np.arange(starts.size), sizes)))]
    return np.asarray((ordered[starts + (sizes - 1) // 2] + ordered[starts + sizes // 2]) / 2.0)


def _envelope(values: Floats, block: Integers, terms: int) -> NoisyLevel:
    level = median_of(values)
    noise = fit_noise(values - values.mean(), block, trend_terms=terms)
    if noise.is_random_walk:
        return NoisyLevel(level_mb=level, last_mb=float(values[-1]), level_error_mb=0.0, noise=noise)
    error = noise.shock_mb / max(1.0 - noise.root, 1e-6) / math.sqrt(values.size)
    return NoisyLevel(level_mb=level, last_mb=float(values[-1]), level_error_mb=error, noise=noise)
