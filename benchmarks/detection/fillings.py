"""Memory that fills something and ends: caches of a day, users that come, nightly work, a backfill, a warm-up that restarts repeat in part.

None is a leak. Where what fills is a container with a bound, the program may have registered it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection.simulator import ar_fast, blank, log_uniform, rng_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.detection.simulator import Purpose, Track

HOURS = 36.0
RESTARTING_HOURS = 72.0
THIRD_RUN = 2


def _level(rng: np.random.Generator, hours: float = HOURS) -> Track:
    return ar_fast(rng, hours) if rng.random() < 0.5 else blank(rng, hours)


def _with(track: Track, held_mb: np.ndarray) -> Track:
    track.mb += held_mb
    track.held_mb = held_mb
    return track


def long_lru(rng: np.random.Generator) -> Track:
    """Fill a cache of recent things for a day, ever more slowly as what is asked for is in it already."""
    track = _level(rng)
    full, power = rng.uniform(14, 30), rng.uniform(0.45, 0.8)
    return _with(track, log_uniform(rng, 80, 800) * np.minimum(track.hours / full, 1) ** power)


def users(rng: np.random.Generator) -> Track:
    """Let users come, each with a session, until all are there."""
    track = _level(rng)
    middle, width = rng.uniform(2, 10), rng.uniform(0.8, 3)
    come = 1 / (1 + np.exp(-(track.hours - middle) / width))
    return _with(track, log_uniform(rng, 50, 500) * come)


def nightly_batch(rng: np.random.Generator) -> Track:
    """Take memory for hours once a day, and give it back."""
    track = _level(rng)
    begin, rise, hold = rng.uniform(0, 24), log_uniform(rng, 1, 5), rng.uniform(0.5, 3)
    since = np.mod(track.hours - begin, 24)
    track.mb += log_uniform(rng, 50, 600) * np.where(since < rise, since / rise, since < rise + hold)
    return track


def backfill(rng: np.random.Generator) -> Track:
    """Read the past into memory for 4 to 14 h at one pace: until it ends nothing tells it from a leak."""
    track = _level(rng)
    return _with(track, log_uniform(rng, 12, 60) * np.minimum(track.hours, rng.uniform(4, 14)))


def partial_warm_up(rng: np.random.Generator) -> Track:
    """Warm up for 1 to 10 h after the first start; of that each later start repeats a part, the rest is there at once."""
    track = _level(rng, RESTARTING_HOURS)
    every = log_uniform(rng, 6, 24)
    track.run = np.floor((track.hours + rng.uniform(0, every)) / every).astype(int)
    track.run -= track.run[0]
    size, full, power = log_uniform(rng, 50, 500), log_uniform(rng, 1, 10), rng.uniform(0.5, 1)
    repeated = np.where(np.arange(track.run.max() + 1) == 0, 1.0, rng.uniform(0.3, 0.9))[track.run]
    warmed = np.minimum(track.uptime / full, 1) ** power
    track.mb += size * (1 - repeated * (1 - warmed))
    return track


SHAPES: dict[str, Callable[[np.random.Generator], Track]] = {
    made.__name__: made for made in (long_lru, users, nightly_batch, backfill)
}
RESTARTING = partial_warm_up.__name__
"""The shape that restarts: its verdict rests on more than one run."""
ALL = (*SHAPES, RESTARTING)
REGISTERED = {long_lru.__name__: 1.0, users.__name__: 2.0, backfill.__name__: 2.0}
"""Shapes whose container may be registered, with the most that its bound may be of what comes into it."""


def filling_case(name: str, index: int, purpose: Purpose) -> Track:
    """Return case `index` of a shape that fills."""
    if name == RESTARTING:
        return partial_warm_up(rng_for(purpose, f"filling {name}", RESTARTING_HOURS, index))
    return SHAPES[name](rng_for(purpose, f"filling {name}", HOURS, index))


def registered_case(name: str, index: int, purpose: Purpose) -> Track:
    """Return the same case with its container registered: its size is known to +-30 %, and its bound."""
    track = filling_case(name, index, purpose)
    rng = rng_for(purpose, f"registered {name}", HOURS, index)
    error, bound = rng.uniform(0.7, 1.3), rng.uniform(1.0, REGISTERED[name])
    assert track.held_mb is not None
    track.deque_mb = error * track.held_mb
    track.capacity_mb = np.full(track.hours.size, error * bound * float(track.held_mb.max()))
    return track


def filled_at_hours(track: Track) -> float:
    """Return when 95 % of all that comes into a case's container are in it."""
    assert track.held_mb is not None
    return float(track.hours[np.argmax(track.held_mb >= 0.95 * track.held_mb.max())])


def alarmed(track: Track, alarms: list[float]) -> tuple[bool, bool]:
    """Tell of confirmed alarms (hours) whether there is one, and whether one is in the third run or later.

    Until the first run has come to a level nothing tells how a start ends; where it was short, the second shows it.
    """
    begins = track.hours[track.run >= THIRD_RUN]
    return bool(alarms), bool(begins.size) and max(alarms, default=0.0) >= float(begins[0])
