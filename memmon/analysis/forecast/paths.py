"""Continuing a course: what to expect at a time, and when a limit is first reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.stats.draws import normals, uniforms
from memmon.analysis.stats.quantiles import normal_quantile
from memmon.arrays import quantile_of, quantiles_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.forecast.fit import Course, NoisyLevel

    Floats = NDArray[np.float64]

PATH_COUNT = 400
"""Simulated courses. Chosen: the ends of an 80 % interval rest on 40 each."""
_PATH_SEED = 1989
"""Seed of the draws. Chosen: any will do, a fixed one makes forecasts repeatable."""
ROUNDING_SHARE = 1e-9
"""Of a limit: a course that comes so near has met it. Chosen: its last digits don't move the time by a reading."""

_MOST_STEPS = 2_000
"""Steps of a course, at most; beyond, the history is made coarser. Chosen: bounds the cost."""
_GRID_COUNT = 600
"""Moments at which it is asked where the limit may be met. Chosen: fine enough for a window."""
_GRID_POINTS = 41
"""Quantiles of the level in the law of one reading. Chosen: enough for its 5 % ends."""
_SCATTER_POINTS = 33
"""Quantiles of the scatter in the law of one reading. Chosen: enough for its 5 % ends."""
_CHUNK_STEPS = 64
"""Steps simulated at once. Chosen: a table of 400 courses stays small."""
_WANDERING_ROOT = 0.9
"""Root of the noise above which courses walk rather than replay. Tuned: coverage."""
_COMMON_QUANTILE = 0.975
"""Quantile of readings above which excursions are rare. Tuned: coverage with bursts."""
_RARE_SIZE_SPREAD = 0.7
"""Log-normal spread of the sizes of rare excursions. Tuned: coverage with bursts."""
_FAR = 4.5
"""Standard errors beyond which no course is looked for. Chosen: one of 400 strata lies at 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What bounded deques will still take in: a rate until the room is used up."""

    room_mb: float
    rate_mb_per_hour: float

    def taken_mb(self, hours_ahead: Floats) -> Floats:
        """Return MB taken in after `hours_ahead`."""
        return np.minimum(self.room_mb, self.rate_mb_per_hour * hours_ahead)


def expectation(course: Course, envelope: NoisyLevel, hours_ahead: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation (MB) of an envelope `hours_ahead` of the end, before rescaling."""
    reach = course.end_hours - course.centre_hours
    decay = envelope.noise.root ** (hours_ahead / course.block_hours)
    offset = envelope.level_mb + decay * (envelope.last_mb - envelope.level_mb)
    mean = course.trend_mb(course.end_hours + hours_ahead) + offset
    lever = hours_ahead + reach * (1.0 - decay)
    variance = (course.slope_error * lever) ** 2 + (envelope.level_error_mb * (1.0 - decay)) ** 2
    return mean, np.sqrt(variance + _noise_variance(course, envelope, hours_ahead))


def _noise_variance(course: Course, envelope: NoisyLevel, hours_ahead: Floats) -> Floats:
    steps = hours_ahead / course.block_hours
    root, shock = envelope.noise.root, envelope.noise.shock_mb
    if envelope.noise.is_random_walk:
        return np.asarray(shock**2 * np.maximum(steps, 0.0))
    return np.asarray(shock**2 * (1.0 - root ** (2.0 * steps)) / (1.0 - root**2))


def reading_quantiles(
    course: Course, hours_ahead: Floats, filling: Filling, *, level: float, spread_factor: float
) -> tuple[Floats, Floats, Floats]:
    """Return median, lower and upper end (central `level`) of a single reading at each of `hours_ahead`."""
    mean, error = expectation(course, course.middle, hours_ahead)
    grid = _normal_strata(_GRID_POINTS)
    scatter = quantiles_of(course.scatter_mb, (np.arange(_SCATTER_POINTS) + 0.5) / _SCATTER_POINTS)
    readings = (mean + filling.taken_mb(hours_ahead))[:, None, None] + (
        spread_factor * error[:, None, None] * grid[None, :, None] + scatter[None, None, :]
    )
    flat = readings.reshape(hours_ahead.size, -1)
    low, median, high = quantiles_of(flat, [0.5 - level / 2, 0.5, 0.5 + level / 2])
    return median, low, high


def first_passage_hours(
    course: Course, limit_mb: float, filling: Filling, *, horizon_hours: float, spread_factor: float
) -> Floats:
    """Return the hours until each of 400 simulated courses first has a reading at `limit_mb`, sorted (inf: never).

    Slopes are stratified draws from the slope's distribution. Round each course, readings do what they did in the
    history, from a random moment of it on (so teeth, bursts and their timing stay as they are); where the noise
    wanders from block to block, block maxima follow the fitted autoregression from their last value on instead.
    The same arguments give the same hours.
    """
    limit_mb -= ROUNDING_SHARE * abs(limit_mb)
    wanders = course.middle.noise.is_random_walk or course.middle.noise.root > _WANDERING_ROOT
    hits = np.full(PATH_COUNT, np.inf)
    window = _window_of_doubt(
        course, limit_mb, filling, horizon_hours=horizon_hours, spread_factor=spread_factor
    )
    if window is None:
        return hits
    if wanders:
        _simulated(course, limit_mb, filling, window, course.block_hours, spread_factor).wander(hits)
    else:
        # What is left open far ahead is looked at more coarsely; most courses have met the limit before.
        near = (window[0], min(window[1], window[0] + _MOST_STEPS * course.replay_step_hours))
        for part in (near, (near[1], window[1])):
            if part[1] > part[0] and np.isinf(hits).any():
                step_hours = course.replay_step_hours
                _simulated(course, limit_mb, filling, part, step_hours, spread_factor).replay(hits)
    hits.sort()
    return hits


def _simulated(
    course: Course,
    limit_mb: float,
    filling: Filling,
    window: tuple[float, float],
    step_hours: float,
    spread_factor: float,
) -> _Simulation:
    """Return the simulation of a window, in steps of the history or, for a long one, in multiples of them."""
    start_hours, end_hours = window
    stride = max(1, int(np.ceil((end_hours - start_hours) / step_hours / _MOST_STEPS - 1e-9)))
    # Readings come at the steps of the history, and each path is the same, wherever the window begins.
    first = int(start_hours / (stride * step_hours) + 1e-9)
    start_hours = first * stride * step_hours
    count = int(np.ceil((end_hours - start_hours) / (stride * step_hours) - 1e-9))
    ahead: Floats = np.asarray(start_hours + np.arange(1, count + 1) * stride * step_hours, dtype=np.float64)
    return _Simulation(
        course=course,
        start_hours=start_hours,
        ahead=ahead,
        trend=course.trend_mb(course.end_hours + ahead) + filling.taken_mb(ahead),
        spread_factor=spread_factor,
        limit_mb=limit_mb,
        stride=stride,
        first=first,
    )


def _window_of_doubt(
    course: Course, limit_mb: float, filling: Filling, *, horizon_hours: float, spread_factor: float
) -> tuple[float, float] | None:
    """Return between which hours ahead the limit may first be reached; None: not within the horizon."""
    window = (0.0, horizon_hours)
    # Twice: a year ahead is looked at coarsely, and then what is left of it.
    for _ in range(2):
        grid = np.linspace(*window, _GRID_COUNT)
        nearer = _where_it_may_be(course, limit_mb, filling, grid, spread_factor=spread_factor)
        if nearer is None:
            return None
        window = nearer
    start, end = window
    return start, max(end, start + course.block_hours)


def _where_it_may_be(
    course: Course, limit_mb: float, filling: Filling, grid: Floats, *, spread_factor: float
) -> tuple[float, float] | None:
    """Return the moments of `grid` between which the limit may first be reached; None: at none of them."""
    mean, error = expectation(course, course.peak, grid)
    mean = mean + filling.taken_mb(grid)
    reach = spread_factor * _FAR * error
    common = quantile_of(course.replay_mb, _COMMON_QUANTILE)
    rare = float(course.replay_mb.max()) - common
    swing = common + rare * float(np.exp(3.0 * _RARE_SIZE_SPREAD)) - course.peak.level_mb
    possible = np.flatnonzero(mean + reach + swing >= limit_mb)
    if not possible.size:
        return None
    depth = course.peak.level_mb - float(np.min(course.replay_mb))
    certain = np.flatnonzero(mean - reach - depth >= limit_mb)
    start = float(grid[max(int(possible[0]) - 1, 0)])
    end = float(grid[min(int(certain[0]) + 1, grid.size - 1)]) if certain.size else float(grid[-1])
    return start, end


def _shuffled(values: Floats, *, stream: int) -> Floats:
    return np.asarray(values[np.argsort(uniforms(values.size, seed=_PATH_SEED, stream=stream))])


def _normal_strata(count: int) -> Floats:
    """Return the normal quantiles of the middles of `count` equal strata, to 5e-4 (Abramowitz & Stegun 26.2.23)."""
    share = (np.arange(count) + 0.5) / count
    t = np.sqrt(-2.0 * np.log(np.minimum(share, 1.0 - share)))
    z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (
        1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    )
    return np.asarray(np.where(share < 0.5, -z, z))  # noqa: PLR2004 - one half is the median


def _parameter_draws(course: Course, spread_factor: float) -> tuple[Floats, Floats]:
    """Return deviations of the slope (MB/h) and of the level (MB), one per path; heavier tails for few blocks."""
    strata = _normal_strata(PATH_COUNT)
    tails = course.quantile / normal_quantile(0.975)
    shuffled = _shuffled(strata, stream=1)
    tilt = strata * tails * spread_factor * course.slope_error
    return tilt, shuffled * spread_factor * course.peak.level_error_mb


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Simulation:
    """Paths from `start_hours` on, at the hours `ahead`, round the expected course `trend`."""

    course: Course
    start_hours: float
    ahead: Floats
    trend: Floats
    spread_factor: float
    limit_mb: float
    stride: int
    first: int
    """Steps before the first of `ahead`."""

    def replay(self, hits: Floats) -> None:
        """Let each path repeat the history's own readings round its course, from its own moment on."""
        pattern = _coarser(self.course.replay_mb, self.stride)
        common = np.minimum(pattern, quantile_of(pattern, _COMMON_QUANTILE))
        # The rare excursions seen are a small sample of those to come: their sizes vary from path to path.
        size = np.exp(_RARE_SIZE_SPREAD * _shuffled(_normal_strata(PATH_COUNT), stream=3))
        reach = self.course.end_hours - self.course.centre_hours
        tilt, level_shift = _parameter_draws(self.course, self.spread_factor)
        begin = np.floor(uniforms(PATH_COUNT, seed=_PATH_SEED, stream=2) * pattern.size).astype(np.int64)
        for start in range(0, self.ahead.size, _CHUNK_STEPS):
            steps = np.arange(start, min(start + _CHUNK_STEPS, self.ahead.size))
            open_paths = np.flatnonzero(np.isinf(hits))
            places = (begin[open_paths, None] + self.first + steps) % pattern.size
            value = common[places] + size[open_paths, None] * (pattern - common)[places]
            value += self.trend[steps] + level_shift[open_paths, None]
            value += tilt[open_paths, None] * (reach + self.ahead[steps])
            reached = value >= self.limit_mb
            found = reached.any(axis=1)
            hits[open_paths[found]] = self.ahead[start + reached[found].argmax(axis=1)]
            if found.all():
                break

    def wander(self, hits: Floats) -> None:
        """Walk block maxima on from their exact distribution at the start, and note when paths hit."""
        peak, course = self.course.peak, self.course
        reach = course.end_hours - course.centre_hours
        tilt, level_shift = _parameter_draws(course, self.spread_factor)
        level = peak.level_mb + level_shift
        before = self.start_hours
        walk = self._root(before) * (peak.last_mb - level - tilt * reach)
        walk = walk + self._shock(before) * normals(PATH_COUNT, seed=_PATH_SEED, stream=2)
        start_trend = float(course.trend_mb(np.array([course.end_hours + before]))[0])
        previous = start_trend + level + walk + tilt * (reach + before)
        step_hours = float(self.ahead[0]) - before
        root, shock = self._root(step_hours), self._shock(step_hours)
        for index in range(self.ahead.size):
            walk = root * walk + shock * normals(PATH_COUNT, seed=_PATH_SEED, stream=3 + index)
            value = self.trend[index] + level + walk + tilt * (reach + self.ahead[index])
            crossing = np.isinf(hits) & (value >= self.limit_mb)
            rise = np.maximum(value - previous, 1e-12)
            share = np.clip((self.limit_mb - previous) / rise, 0.0, 1.0)
            hits[crossing] = (self.ahead[index] - step_hours * (1.0 - share))[crossing]
            if not np.isinf(hits).any():
                break
            previous = value

    def _root(self, hours: float) -> float:
        return float(self.course.peak.noise.root ** (hours / self.course.block_hours))

    def _shock(self, hours: float) -> float:
        variance = _noise_variance(self.course, self.course.peak, np.array(hours))
        return self.spread_factor * float(np.sqrt(variance))


def _coarser(values: Floats, count: int) -> Floats:
    """Return the maxima of each `count` values."""
    padded = np.full(-(-values.size // count) * count, -np.inf)
    padded[: values.size] = values
    return np.asarray(padded.reshape(-1, count).max(axis=1))
