"""Growth and plateau of two releases: one figure per run, its error, and how much runs scatter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.compare.runs import line_columns
from memmon.analysis.leak.envelope import day_columns
from memmon.analysis.leak.trend import trend_of_blocks
from memmon.analysis.stats.noise import fit_noise, t_quantile
from memmon.arrays import median_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memmon.analysis.compare.runs import Comparable, ComparedRun

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

CHANGE_CONFIDENCE = 0.98
"""Of each of the two changes. Chosen: both together mislead in at most 4 % of equal pairs."""

ESTIMATE_CONFIDENCE = 0.95
"""Confidence of the interval of one release's figure. By convention: 95 %."""
POWER_QUANTILE = 0.84
"""Normal quantile of 80 % power, the convention (Cohen 1988): a change called four times in five."""
SMALLEST_SLOPE_MB_PER_HOUR = 0.2
"""MB/h by which growth must change to count. Chosen: 5 MB a day matter to nobody."""
SMALLEST_PLATEAU_MB = 4.0
"""MB by which a plateau must change to count. Chosen: less matters to nobody."""
SMALLEST_PLATEAU_SHARE = 0.02
"""Share of a plateau by which it must change to count. Chosen: a fiftieth matters to nobody."""

USUAL_SCATTER_SHARE = 0.015
"""Share of the level that restarts of one program usually differ by. Chosen: holds few runs up."""
USUAL_SCATTER_MB = 2.0
"""MB that restarts usually differ by at least. Chosen: the same for small programs."""
FIRST_BLOCKS = 3
"""Blocks at a run's start whose median is its fresh level. Chosen: before a leak adds much."""
USUAL_FREEDOM = 4.0
"""Degrees of freedom that the usual scatter of restarts is worth. Chosen: a few runs of its own outweigh it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figures:
    """One figure (slope or level) of each run of a release, with its error within the run."""

    value: FloatArray
    error: FloatArray
    weight: FloatArray

    @property
    def mean(self) -> float:
        """The release's figure: the weighted mean of its runs."""
        return float(self.weight @ self.value)

    def error_with(self, scatter: float) -> float:
        """Return the standard error of the mean when runs scatter by `scatter` beyond their own errors."""
        return math.sqrt(float(np.sum(self.weight**2 * (self.error**2 + scatter**2))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A figure of both releases, how much runs scatter, and the degrees of freedom behind that."""

    before: Figures
    after: Figures
    scatter: float
    freedom: float
    least: float
    cycle_error: float
    """What the daily cycle, being estimated too, adds to the change's error."""

    @property
    def change(self) -> float:
        """After minus before."""
        return self.after.mean - self.before.mean

    @property
    def error(self) -> float:
        """The change's standard error."""
        return math.hypot(
            self.before.error_with(self.scatter), self.after.error_with(self.scatter), self.cycle_error
        )

    @property
    def reach(self) -> float:
        """Half the width of the change's interval."""
        return t_quantile(0.5 + CHANGE_CONFIDENCE / 2, self.freedom) * self.error

    @property
    def is_certain(self) -> bool:
        """Tell whether the change's interval leaves out zero and the change is large enough to matter."""
        return abs(self.change) > max(self.reach, self.least)

    @property
    def smallest_visible(self) -> float:
        """A change that would be called four times in five."""
        return max(self.reach + POWER_QUANTILE * self.error, self.least)

    def bounds(self, figures: Figures) -> tuple[float, float]:
        """Return the 95 % interval of one release's figure."""
        reach = t_quantile(0.5 + ESTIMATE_CONFIDENCE / 2, self.freedom) * figures.error_with(self.scatter)
        return figures.mean - reach, figures.mean + reach


def slope_pair(runs: Comparable) -> Pair:
    """Return the growth of both releases in MB/h: the runs' robust trends, weighted by the square of their length."""
    before, after = (_slopes(side, runs) for side in (runs.before, runs.after))
    return _slope_pair(runs, before, after, _scatter((before, after)), (*runs.before, *runs.after))


def slope_alone(runs: Comparable, side: Sequence[ComparedRun]) -> Pair:
    """Return the growth of one release where the other has no runs to compare it with: both figures are its own."""
    figures = _slopes(side, runs)
    return _slope_pair(runs, figures, figures, _scatter((figures,)), side)


def _slope_pair(
    runs: Comparable,
    before: Figures,
    after: Figures,
    scattered: tuple[float, int],
    all_runs: Sequence[ComparedRun],
) -> Pair:
    scatter, count = scattered
    blocks = sum(run.blocks.mb.size - 2 for run in all_runs) - runs.cycle_terms
    freedom = max(min(blocks / 2, USUAL_FREEDOM + 2 * count if count else blocks / 2), 3.0)
    usual = count / (count + USUAL_FREEDOM)
    return Pair(
        before=before,
        after=after,
        scatter=scatter * math.sqrt(usual),
        freedom=freedom,
        least=SMALLEST_SLOPE_MB_PER_HOUR,
        cycle_error=_cycle_error(runs, before, after, column=1),
    )


def level_pair(runs: Comparable) -> Pair:
    """Return the plateaus of both releases in MB: the runs' settled levels, each run counting the same."""
    before, after = (_levels(side, runs) for side in (runs.before, runs.after))
    scatter, count = _scatter((before, after))
    # What a leak has added by the middle of a run is no reason for restarts to differ.
    fresh_mb = float(np.mean([median_of(run.blocks.mb[:FIRST_BLOCKS]) for run in runs.before]))
    usual = max(USUAL_SCATTER_MB, USUAL_SCATTER_SHARE * fresh_mb)
    moderated = math.sqrt((USUAL_FREEDOM * usual**2 + count * scatter**2) / (USUAL_FREEDOM + count))
    return Pair(
        before=before,
        after=after,
        scatter=moderated,
        freedom=USUAL_FREEDOM + count,
        least=max(SMALLEST_PLATEAU_MB, SMALLEST_PLATEAU_SHARE * fresh_mb),
        cycle_error=_cycle_error(runs, before, after, column=0),
    )


def _slopes(runs: Sequence[ComparedRun], all_runs: Comparable) -> Figures:
    trends = [trend_of_blocks(run.blocks, span_hours=run.hours) for run in runs]
    weight = np.array([run.hours for run in runs]) ** 2
    doubtful = all_runs.cycle_terms == 0
    return Figures(
        value=np.array([trend.slope for trend in trends]),
        error=np.array([trend.spread if doubtful else trend.error for trend in trends]),
        weight=weight / weight.sum(),
    )


def _levels(runs: Sequence[ComparedRun], all_runs: Comparable) -> Figures:
    """Return each run's level: the mean of its settled blocks over the uptimes that all runs share."""
    shared = min(float(run.blocks.hours[-1]) for run in (*all_runs.before, *all_runs.after))
    value, error = [], []
    for run in runs:
        rows = run.blocks.hours <= shared + run.blocks.length_hours
        mb, hours = run.blocks.mb[rows], run.blocks.hours[rows]
        value.append(median_of(mb))
        error.append(_level_error(mb, hours, run.blocks.number[rows]))
    return Figures(value=np.array(value), error=np.array(error), weight=np.full(len(value), 1 / len(value)))


def _level_error(mb: FloatArray, hours: FloatArray, number: IntArray) -> float:
    """Return the standard error of a level: autocorrelated blocks count for fewer than they are."""
    centred = hours - hours.mean()
    slope = float(centred @ mb) / (float(centred @ centred) or 1.0)
    left = mb - mb.mean() - slope * centred
    spread = math.sqrt(float(left @ left) / max(left.size - 2, 1))
    root = min(fit_noise(left, number).root, 1 - 2 / (left.size + 2))
    return spread * math.sqrt(min((1 + root) / ((1 - root) * left.size), 1.0))


def _cycle_error(runs: Comparable, before: Figures, after: Figures, *, column: int) -> float:
    """Return what taking out a daily cycle adds to a change's error (column 0: level, 1: slope).

    A cycle and a line look alike over a day or two. Both are therefore seen as one least-squares fit: the
    added error is the difference between the change's variance with the cycle in the fit and without.
    """
    if runs.cycle_terms == 0:
        return 0.0
    every = (*runs.before, *runs.after)
    contrast = np.zeros(2 * len(every))
    contrast[column::2] = np.concatenate([-before.weight, after.weight])
    lines = line_columns(every)
    cycle = day_columns(np.concatenate([run.day_hours for run in every]))
    wide = np.concatenate([contrast, np.zeros(cycle.shape[1])])
    with_cycle = _change_variance(every, np.concatenate([lines, cycle], axis=1), wide)
    return math.sqrt(max(with_cycle - _change_variance(every, lines, contrast), 0.0))


def _change_variance(runs: Sequence[ComparedRun], design: FloatArray, contrast: FloatArray) -> float:
    """Return the variance of a contrast of least-squares coefficients under each run's noise."""
    weights = contrast @ np.linalg.pinv(design)
    total, row = 0.0, 0
    for run in runs:
        rows = slice(row, row + run.blocks.mb.size)
        row = rows.stop
        hours = run.blocks.hours - run.blocks.hours.mean()
        slope = float(hours @ run.blocks.mb) / float(hours @ hours)
        noise = fit_noise(run.blocks.mb - run.blocks.mb.mean() - slope * hours, run.blocks.number)
        root = min(noise.root, 1 - 2 / (run.blocks.mb.size + 2))
        level = noise.shock_mb**2 / (1 - root**2)
        lag = np.abs(run.blocks.number[:, None] - run.blocks.number[None, :])
        total += level * float(weights[rows] @ (root**lag @ weights[rows]))
    return total


def _scatter(releases: Sequence[Figures]) -> tuple[float, int]:
    """Return how much runs of one release differ beyond their own errors, and the degrees of freedom."""
    count = sum(one.value.size - 1 for one in releases)
    if count == 0:
        return 0.0, 0
    square = sum(float(np.sum((one.value - one.value.mean()) ** 2)) for one in releases)
    within = float(np.mean(np.concatenate([one.error for one in releases]) ** 2))
    return math.sqrt(max(square / count - within, 0.0)), count
