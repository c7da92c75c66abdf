"""Runs of two releases, made comparable: the same uptimes, the same blocks, one daily cycle for both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import HOURS_PER_DAY, Blocks, day_columns, median_slope
from memmon.analysis.leak.series import run_series
from memmon.arrays import distinct, median_of
from memmon.facts.medians import SIGMA_PER_MAD
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memmon.analysis.leak.series import RunSeries
    from memmon.history import History

    FloatArray = NDArray[np.float64]

WARM_UP_HOURS = 1.0
"""Hours after a start that are left out. As in the verdict."""
WARM_UP_SHARE = 0.2
"""The part of the compared uptime that counts as warm-up, beyond the first hour. Chosen: a fifth."""

SHORTEST_COMPARED_HOURS = 1.5
"""Hours of a run, the warm-up left out, from which it takes part. Chosen: as many blocks as a trend needs."""
SHORTEST_SHARE = 0.5
"""A run takes part when it is at least this share of the compared uptime long. Chosen: half."""

COMPARED_BLOCK_COUNT = 48
"""Blocks over the compared uptime. As in the envelope of the verdict."""
LONGEST_BLOCK_HOURS = 4.0
"""Longest block, in hours: longer ones hide the day. As in the envelope of the verdict."""
SHORTEST_BLOCK_HOURS = 0.25
"""Shortest block, in hours. Chosen: three samples of five minutes."""
FEWEST_BLOCKS = 6
"""Blocks that a run needs to be compared. As in the trend of the verdict."""
SHARED_DAY_FROM_HOURS = 20.0
"""Hours of all runs together from which they may share a daily cycle. Chosen: most of one day."""
DAY_SLOT_COUNT = 8
"""Slots of the day, 3 h each, all of which the runs must cover. Chosen: no hole in the day."""
DAY_FIT_PASSES = 3
"""Passes of reweighted least squares. Chosen: outlying blocks have lost their weight by then."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparedRun:
    """The settled part of one run as block minima; `day_hours`: each block's UTC hour of the day."""

    blocks: Blocks
    day_hours: FloatArray
    hours: float
    sample_count: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparable:
    """The runs of both releases that can be compared, and the uptime up to which they are."""

    before: tuple[ComparedRun, ...]
    after: tuple[ComparedRun, ...]
    horizon_hours: float
    cycle_terms: int
    """Coefficients of the daily cycle that was taken out of all runs; 0: none was."""


def comparable_runs(before: Sequence[History], after: Sequence[History]) -> Comparable:
    """Return runs (one History each) of two releases over the same uptimes, in blocks of the same length.

    Of longer runs only the uptime that the other release reached as well is used, so that a young release
    is compared with the old one's youth. A daily cycle, where both together cover the day, is
    estimated once for all runs (load is the host's, not the release's) and taken out.
    """
    series = [_series(side) for side in (before, after)]
    horizon = min((max(float(run.hours[-1]) for run in runs) for runs in series if runs), default=0.0)
    length = min(max(horizon / COMPARED_BLOCK_COUNT, SHORTEST_BLOCK_HOURS), LONGEST_BLOCK_HOURS)
    cut = [[_settled(run, horizon, length) for run in runs] for runs in series]
    kept = [[run for run in runs if run is not None] for runs in cut]
    if not all(kept):
        return Comparable(before=tuple(kept[0]), after=tuple(kept[1]), horizon_hours=horizon, cycle_terms=0)
    flat, terms = _without_day(kept[0] + kept[1])
    middle = len(kept[0])
    return Comparable(
        before=tuple(flat[:middle]), after=tuple(flat[middle:]), horizon_hours=horizon, cycle_terms=terms
    )


def _series(side: Sequence[History]) -> list[RunSeries]:
    runs = (run_series(run, warm_up_hours=WARM_UP_HOURS) for run in side)
    return [
        run
        for run in runs
        if run is not None
        and run.hours[-1] - max(float(run.hours[0]), WARM_UP_HOURS) >= SHORTEST_COMPARED_HOURS * (1 - 1e-6)
    ]


def _settled(run: RunSeries, horizon_hours: float, block_hours: float) -> ComparedRun | None:
    """Return the settled part of a run up to the compared uptime, None when it is too short."""
    start = max(WARM_UP_HOURS, WARM_UP_SHARE * horizon_hours)
    keep = (run.hours >= start) & (run.hours <= horizon_hours * (1 + 1e-9))
    if not bool(keep.any()) or float(run.hours[keep][-1]) < SHORTEST_SHARE * horizon_hours:
        return None
    hours, mb, at = run.hours[keep], run.mb[keep], run.at_seconds[keep]
    blocks, place = _minima(hours, mb, block_hours)
    if blocks.mb.size < FEWEST_BLOCKS:
        return None
    day = np.bincount(place, weights=at / SECONDS_PER_HOUR) / np.bincount(place)
    return ComparedRun(
        blocks=blocks,
        day_hours=day % HOURS_PER_DAY,
        hours=float(hours[-1] - hours[0]),
        sample_count=int(hours.size),
    )


def _minima(hours: FloatArray, mb: FloatArray, length_hours: float) -> tuple[Blocks, NDArray[np.int64]]:
    """Return block minima round a first slope, at fixed uptimes, and each sample's block."""
    number = np.floor(hours / length_hours).astype(np.int64)
    numbers, place = np.unique(number, return_inverse=True)
    size = np.bincount(place)
    centre = np.bincount(place, weights=hours) / size
    starts = np.searchsorted(place, np.arange(numbers.size))
    first = np.minimum.reduceat(mb, starts)
    slope = median_slope(centre, first) if numbers.size > 1 else 0.0
    lowest = np.minimum.reduceat(mb - slope * hours, starts) + slope * centre
    return Blocks(number=numbers, hours=centre, mb=lowest, length_hours=length_hours), place


def _without_day(runs: Sequence[ComparedRun]) -> tuple[list[ComparedRun], int]:
    """Return the runs without the daily cycle that they share, where together they cover the day."""
    day = np.concatenate([run.day_hours for run in runs])
    hours = sum(run.hours for run in runs)
    slots = distinct((day * DAY_SLOT_COUNT / HOURS_PER_DAY).astype(np.int64)).size
    if hours < SHARED_DAY_FROM_HOURS or slots < DAY_SLOT_COUNT:
        return list(runs), 0
    columns = day_columns(day)
    lines = line_columns(runs)
    level = np.concatenate([run.blocks.mb for run in runs])
    found = _weighted_fit(np.concatenate([lines, columns], axis=1), level)[lines.shape[1] :]
    cycle = columns @ found
    edges = np.cumsum([run.blocks.mb.size for run in runs])[:-1]
    flat = [
        replace(run, blocks=replace(run.blocks, mb=run.blocks.mb - part))
        for run, part in zip(runs, np.split(cycle, edges), strict=True)
    ]
    return flat, columns.shape[1]


def line_columns(runs: Sequence[ComparedRun]) -> FloatArray:
    """Return a level and a slope of its own for every run."""
    count = sum(run.blocks.mb.size for run in runs)
    design = np.zeros((count, 2 * len(runs)))
    row = 0
    for number, run in enumerate(runs):
        rows = slice(row, row + run.blocks.mb.size)
        design[rows, 2 * number] = 1.0
        design[rows, 2 * number + 1] = run.blocks.hours - run.blocks.hours.mean()
        row = rows.stop
    return design


def _weighted_fit(design: FloatArray, level: FloatArray) -> FloatArray:
    """Return least-squares coefficients; outlying blocks lose weight in later passes (Huber, k = 2.5)."""
    weight = np.ones(level.size)
    found = np.zeros(design.shape[1])
    for _ in range(DAY_FIT_PASSES):
        solved = np.linalg.lstsq(design * weight[:, None], level * weight, rcond=None)[0]
        found = np.asarray(solved, dtype=np.float64)
        left = np.abs(level - design @ found)
        scale = median_of(left) * SIGMA_PER_MAD
        if scale <= 0:
            break
        weight = np.sqrt(np.minimum(1.0, 2.5 * scale / np.maximum(left, 1e-12)))
    return np.asarray(found, dtype=np.float64)
