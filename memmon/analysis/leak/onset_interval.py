"""The hours between which growth may have begun: a profile that knows what the noise remembers.

What remembers its past makes turns of its own. So the hinged lines are fitted to what the residuals' memory leaves of
the readings, and all hinges count that fit nearly as well as the best line (profile likelihood; Hinkley 1971). While
too few days show to tell a daily cycle from a turn, those beside a wave of 24 h count too where that fits better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import HOURS_PER_DAY
from memmon.analysis.stats.noise import fit_noise, t_quantile, whitened

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

EDGE_BLOCKS = 3
"""Blocks at each end without a hinge. Chosen: each side needs a line."""
QUIET_SHARE = 0.4
"""Slope before a hinge, over that after it, below which it is an onset. Tuned."""
CYCLE_HIDES_FROM_HOURS = 16.0
"""Hours from which a daily cycle may look like a turn. Chosen: as it may be in the slope."""


def near_onsets(
    hours: FloatArray, mb: FloatArray, number: IntArray, days: FloatArray, *, may_hide_days: bool
) -> tuple[float, float] | None:
    """Return the first and last hour at which growth may have begun; None where no hinge fits as a straight line does.

    `number`: those of the blocks (ascending, gaps skip some); `days`: the columns of the day's cycle, if it is fitted;
    `may_hide_days`: it is neither fitted nor known.
    """
    inner = hours[EDGE_BLOCKS : hours.size - EDGE_BLOCKS]
    at = np.sort(np.concatenate([inner, (inner[1:] + inner[:-1]) / 2]))
    near, variance = _near_hinges(hours, mb, number, days, at)
    if may_hide_days and hours[-1] - hours[0] >= CYCLE_HIDES_FROM_HOURS:
        angle = 2 * np.pi * hours[:, None] / HOURS_PER_DAY
        wave = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
        beside, left = _near_hinges(hours, mb, number, wave, at)
        if left <= variance:
            near = np.concatenate([near, beside])
    if near.size == 0:
        return None
    block = float(hours[-1] - hours[0]) / (hours.size - 1)  # a minimum lies anywhere in its block
    return float(near.min()) - block / 2, float(near.max()) + block / 2


def _near_hinges(
    hours: FloatArray, mb: FloatArray, number: IntArray, days: FloatArray, at: FloatArray
) -> tuple[FloatArray, float]:
    """Return those of the hinges `at` that fit nearly as well as the best line, and its residual variance.

    When growth began is a parameter as well: beside a level, a line and its turn.
    """
    away = (hours - hours.mean())[:, None]
    hinges = np.maximum(hours[:, None] - at[None, :], 0.0)
    level = np.column_stack([np.ones_like(hours), days])
    plain = _without(level, np.column_stack([mb, away, hinges]))
    best = int(np.argmin(_hinged(plain)[0]))
    left = _without(np.column_stack([level, away, hinges[:, best]]), mb[:, None])[:, 0]
    noise = fit_noise(left, number, trend_terms=level.shape[1] + 3)
    if noise.is_random_walk:
        level = level[:, 1:]  # it has no level
    freed = whitened(np.column_stack([level, mb, away, hinges]), number, noise)
    terms = level.shape[1]
    rest = _without(freed[:, :terms], freed[:, terms:])
    squared, straight = _of_onsets(rest)
    least = min(float(squared.min()), straight)
    freedom = max(rest.shape[0] - terms - 3, 3)
    rounding = 1e-9 * float(rest[:, 0] @ rest[:, 0]) + 1e-12
    variance = max(least, rounding) / freedom
    return at[squared - least <= t_quantile(0.975, freedom) ** 2 * variance], variance


def _without(columns: FloatArray, values: FloatArray) -> FloatArray:
    """Return what `columns` leave over of each of `values` (Frisch & Waugh 1933)."""
    basis, _ = np.linalg.qr(columns)
    return np.asarray(values - basis @ (basis.T @ values), dtype=np.float64)


def _hinged(rest: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the squared error of a line with each hinge, and its slopes before and after it.

    `rest`: readings, line and hinges as columns.
    """
    y, line, hinges = rest[:, 0], rest[:, 1], rest[:, 2:]
    power = max(float(line @ line), 1e-12)
    slope, across = float(line @ y) / power, (line @ hinges) / power
    own = np.maximum(np.sum(hinges**2, axis=0) - power * across**2, 1e-12)
    turn = (y @ hinges - power * slope * across) / own
    straight = float(y @ y) - power * slope**2
    before = slope - across * turn
    return np.maximum(straight - own * turn**2, 0.0), before, before + turn


def _of_onsets(rest: FloatArray) -> tuple[FloatArray, float]:
    """Return the squared error of growth that began at each hinge, and that of a straight line.

    Before it memory may grow by `QUIET_SHARE` of what it does after it, and where more would fit better it is so much.
    """
    y, line, hinges = rest[:, 0], rest[:, 1], rest[:, 2:]
    free, before, after = _hinged(rest)
    held = QUIET_SHARE * line[:, None] + (1 - QUIET_SHARE) * hinges
    total = float(y @ y)
    most = total - (y @ held) ** 2 / np.maximum(np.sum(held**2, axis=0), 1e-12)
    is_onset = (after > 0) & (before < QUIET_SHARE * after)
    straight = total - float(line @ y) ** 2 / max(float(line @ line), 1e-12)
    return np.where(is_onset, free, np.maximum(most, free)), max(straight, 0.0)
