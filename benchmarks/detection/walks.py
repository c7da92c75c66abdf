"""Noise without a floor to come back to: random walks of hundreds of MB in a day, even or by jumps. None is a leak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection.simulator import blank, log_uniform, rng_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.detection.simulator import Purpose, Track

SIZES_MB = (50, 800)
"""By how much such a walk strays in the whole history."""


def even(rng: np.random.Generator, hours: float) -> Track:
    """Stray by a little with each reading."""
    track = blank(rng, hours)
    count = track.mb.size
    return _strayed(track, rng.normal(0, log_uniform(rng, *SIZES_MB) / np.sqrt(count), count))


def by_jumps(rng: np.random.Generator, hours: float) -> Track:
    """Stray by jumps, a third of one to four an hour, a few of them far larger than the others."""
    track = blank(rng, hours)
    places = rng.integers(0, track.mb.size, rng.poisson(hours * log_uniform(rng, 0.3, 4)) + 1)
    steps = np.zeros(track.mb.size)
    np.add.at(steps, places, rng.standard_t(3, places.size))
    spread = max(float(np.std(np.cumsum(steps))), 1e-9)
    return _strayed(track, steps * log_uniform(rng, *SIZES_MB) / (2 * spread))


def _strayed(track: Track, steps: np.ndarray) -> Track:
    walk = np.cumsum(steps)
    track.mb += walk - walk.min()
    return track


WALKS: dict[str, Callable[[np.random.Generator, float], Track]] = {"even": even, "by jumps": by_jumps}


def walk_case(name: str, hours: float, index: int, purpose: Purpose) -> Track:
    """Return case `index` of such a walk."""
    return WALKS[name](rng_for(purpose, f"walk {name}", hours, index), hours)
