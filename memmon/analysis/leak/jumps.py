"""Sudden, lasting changes of level: in block minima, and in the readings of a young history."""

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

FEWEST_JUMPS = 3
"""Jumps upward that make a climb. Chosen: by chance as many of either way are all upward once in eight times."""
JUMPS_HOLD_SHARE = 0.6
"""Part of the growth that they must hold. Chosen: as of what steps explain."""
SMALLEST_JUMP_HOURS = 0.15
"""Size of a jump, at least, in hours of growth at the threshold. Chosen: nine minutes."""
END_READINGS = 3
"""Readings at each end whose means tell the growth. Chosen: three, as a block has."""


def climbs_by_jumps(mb: FloatArray, threshold_mb_per_hour: float) -> bool:
    """Tell whether readings grew by jumps far above their noise, all of them upward.

    Noise, however long it remembers, jumps either way; what makes the error of a slope wide here is the leak itself.
    """
    steps = mb[1:] - mb[:-1]
    noise = SIGMA_PER_MAD * median_of(np.abs(steps - median_of(steps)))
    large = max(STEP_OVER_NOISE * noise, SMALLEST_JUMP_HOURS * threshold_mb_per_hour)
    upward = steps[steps > large]
    if upward.size < FEWEST_JUMPS or bool((steps < -large).any()):
        return False
    grown_mb = float(np.add.reduce(mb[-END_READINGS:] - mb[:END_READINGS])) / END_READINGS
    return float(np.add.reduce(upward)) > JUMPS_HOLD_SHARE * grown_mb


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
