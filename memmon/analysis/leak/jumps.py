"""Sudden, lasting changes of level in block minima: steps that explain growth, and jumps that are growth."""

from __future__ import annotations

import math
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

JUMP_OVER_NOISE = 4.0
"""Size of a jump, over the noise of differences. Tuned on leaks by events, walks and simulated arenas."""
SMALLEST_JUMP_NOISE_MB = 0.05
"""Noise, in MB, that is always allowed for. Chosen: a dozen pages."""
FEWEST_JUMPS = 6
"""Jumps upward from which they are growth. Chosen: more than what comes once or a few times; all six go up by chance once in 64 walks."""
IN_JUMPS_SHARE = 0.6
"""Part of the growth that the jumps hold, at least. Chosen: as steps that explain it."""
JUMPED_DOWN_SHARE = 0.1
"""Part of it that jumps downward give back, at most. Chosen: what leaked does not come back."""
LEAST_JUMPED_ERRORS = 2.0
"""Sum of the jumps over the root of their squares, at least: what chance makes of jumps of either sign. Chosen: 95 %."""
RARER_ERRORS = -1.5
"""Laplace's statistic below which jumps become rarer. Tuned with the size of a jump."""
LEAST_CHANCE_OF_PAUSE = 0.15
"""Chance that as many jumps leave the end free of them for so long, at least: else they have ended. Tuned with the same."""


def goes_on_by_jumps(hours: FloatArray, mb: FloatArray, growth_mb: float) -> bool:
    """Tell whether growth of so many MB comes by jumps upward that are not given back, become no rarer and have not ended.

    `hours`, `mb`: block minima, of which a jump is a move far beyond the usual one. Jumps that come at random, as often at the
    end as at the beginning, lie evenly: the mean of their moments is that of the stretch within its error (Laplace's test for
    a trend; Cox & Lewis 1966).
    """
    moves = mb[1:] - mb[:-1]
    beyond = moves - median_of(moves)
    least = JUMP_OVER_NOISE * max(SIGMA_PER_MAD * median_of(np.abs(beyond)), SMALLEST_JUMP_NOISE_MB)
    is_up = beyond > least
    count = int(is_up.sum())
    if count < FEWEST_JUMPS:
        return False
    up, down_mb = beyond[is_up], -float(moves[moves < -least].sum())
    up_mb = float(up.sum())
    if up_mb < IN_JUMPS_SHARE * growth_mb or down_mb > JUMPED_DOWN_SHARE * up_mb:
        return False
    if up_mb < LEAST_JUMPED_ERRORS * math.sqrt(float(up @ up)):
        return False
    at = ((hours[1:] + hours[:-1])[is_up] / 2 - hours[0]) / (hours[-1] - hours[0])
    laplace = (float(at.sum()) / count - 0.5) * math.sqrt(12 * count)
    return laplace >= RARER_ERRORS and float(at[-1]) ** count >= LEAST_CHANCE_OF_PAUSE


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
