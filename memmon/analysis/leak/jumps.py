"""Sudden, lasting changes of level in block minima."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.arrays import median_of
from memmon.facts.medians import SIGMA_PER_MAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

MOST_LEVEL_STEPS = 3
"""Steps that are looked for. Chosen: more of them are growth."""
SIDE_BLOCKS = 4
"""Blocks on each side of a step whose medians are compared. Tuned on simulated steps."""
CLEARLY_LARGER = 1.1
"""So many times as large must a step at a smaller jump be: the medians of its sides hardly know a block's difference. Chosen."""
STEP_OVER_NOISE = 5.0
"""Size of a step, over the noise of differences. Tuned on simulated steps."""


def without_steps(mb: FloatArray) -> tuple[FloatArray, list[tuple[int, float]]]:
    """Return the blocks without up to three steps, up or down, and of each (its first block, its size in MB), the clearest first."""
    left = mb.copy()
    found: list[tuple[int, float]] = []
    for _ in range(MOST_LEVEL_STEPS):
        step = _largest_step(left)
        if step is None:
            break
        left[step[0] :] -= step[1]
        found.append(step)
    return left, found


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
        if abs(size) > STEP_OVER_NOISE * max(noise, 1e-3) and (
            best is None or abs(size) > CLEARLY_LARGER * abs(best[1])
        ):
            best = (int(place), float(size))
    return best
