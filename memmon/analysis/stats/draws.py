"""Seeded random draws without numpy.random, whose import alone costs a command 15 ms.

The integers are those of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), so results stay the same over versions of
numpy; they are for simulation, not for secrets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
"""SplitMix64's step, 2**64 over the golden ratio (Steele, Lea & Flood 2014)."""
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
"""First multiplier of its mixing function (Steele, Lea & Flood 2014)."""
_MIX_2 = np.uint64(0x94D049BB133111EB)
"""Second multiplier of its mixing function (Steele, Lea & Flood 2014)."""


def uniforms(count: int, *, seed: int, stream: int = 0) -> Floats:
    """Return `count` values in the open unit interval; each (seed, stream) gives its own sequence."""
    start = np.uint64((seed * 0xD1342543DE82EF95 + stream * 0xA0761D6478BD642F) % 2**64)
    state = np.arange(1, count + 1, dtype=np.uint64) * _STEP + start
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    state ^= state >> np.uint64(31)
    return ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normals(count: int, *, seed: int, stream: int = 0) -> Floats:
    """Return `count` standard normal values (Box & Muller 1958)."""
    half = -(-count // 2)
    draws = uniforms(2 * half, seed=seed, stream=stream)
    radius = np.sqrt(-2.0 * np.log(draws[:half]))
    angle = 2.0 * np.pi * draws[half:]
    return np.concatenate((radius * np.cos(angle), radius * np.sin(angle)))[:count]
