"""Memory that fills something and ends: caches of a day, users that come, nightly work, a backfill. None is a leak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection.simulator import ar_fast, blank, log_uniform, rng_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.detection.simulator import Purpose, Track

HOURS = 36.0


def _level(rng: np.random.Generator) -> Track:
    return ar_fast(rng, HOURS) if rng.random() < 0.5 else blank(rng, HOURS)


def long_lru(rng: np.random.Generator) -> Track:
    """Fill a cache of recent things for a day, ever more slowly as what is asked for is in it already."""
    track = _level(rng)
    full, power = rng.uniform(14, 30), rng.uniform(0.45, 0.8)
    track.mb += log_uniform(rng, 80, 800) * np.minimum(track.hours / full, 1) ** power
    return track


def users(rng: np.random.Generator) -> Track:
    """Let users come, each with a session, until all are there."""
    track = _level(rng)
    middle, width = rng.uniform(2, 10), rng.uniform(0.8, 3)
    come = 1 / (1 + np.exp(-(track.hours - middle) / width))
    track.mb += log_uniform(rng, 50, 500) * come
    return track


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
    track.mb += log_uniform(rng, 12, 60) * np.minimum(track.hours, rng.uniform(4, 14))
    return track


SHAPES: dict[str, Callable[[np.random.Generator], Track]] = {
    made.__name__: made for made in (long_lru, users, nightly_batch, backfill)
}


def filling_case(name: str, index: int, purpose: Purpose) -> Track:
    """Return case `index` of a shape that fills."""
    return SHAPES[name](rng_for(purpose, f"filling {name}", HOURS, index))
