"""What each unit of work leaves behind: bytes per message, told apart from memory that follows the load.

Memory may depend on the work in two ways: it follows the rate (buffers, workers, caches in use) and
goes when the load goes, or something of every unit stays. Both are fitted together, round a level of
its own for each run, to the medians of short blocks: RSS = level + bytes x units so far + load x rate
(and the rate a block earlier, because memory lags behind). The interval allows for noise with a
memory, as the verdict's does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from memmon.analysis.stats.noise import fit_noise, t_quantile, weights_error
from memmon.arrays import median_of
from memmon.formatting import in_percent
from memmon.units import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

WORK_BLOCK_COUNT = 96
"""Blocks per run whose medians are fitted, at most. Chosen: twice as fine as the envelope, for the load."""
FEWEST_WORK_BLOCKS = 12
"""Blocks that a run needs to take part. Chosen: four terms need several points each."""
SAMPLES_PER_WORK_BLOCK = 2
"""Samples per block, at least. Chosen: short runs get fewer blocks rather than single readings."""
SMALLEST_WORK = 1e-100  # units in all; less is no work
"""Units of work from which a rate is computed. Chosen: division by less overflows a float."""
SMALLEST_LEFT_BEHIND_BYTES = 1.0 * MIB
"""Bytes left behind in all from which it is a leak. Chosen: 1 MB, as for shares of growth."""
SMALLEST_SHARE = 0.1
"""Share of memory's whole movement that must be left behind. Chosen: less is lost in the load's swing."""
CLEARLY_BETTER = 0.8
"""Ratio of squared errors below which work, or time, explains more. Chosen: else it says 'either'."""

MovesWith = Literal["work", "time", "either"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkSeries:
    """Memory and the units of work done so far, over one run: one value per sample in the order of time.

    `rss_bytes`: what is judged, the footprint where it is known, else resident memory.
    """

    hours: FloatArray
    rss_bytes: FloatArray
    work_count: FloatArray

    @classmethod
    def from_arrays(cls, hours: ArrayLike, rss_bytes: ArrayLike, work_count: ArrayLike) -> WorkSeries:
        """Build a series; samples without any of the three are left out. Raises ValueError for odd lengths."""
        columns = [np.asarray(column, dtype=np.float64) for column in (hours, rss_bytes, work_count)]
        if len({column.shape for column in columns}) != 1:
            raise ValueError(f"lengths differ: {[column.shape for column in columns]}")
        good = np.flatnonzero(np.isfinite(np.stack(columns)).all(axis=0))
        order = good[np.argsort(columns[0][good], kind="stable")]
        return cls(hours=columns[0][order], rss_bytes=columns[1][order], work_count=columns[2][order])


@dataclass(frozen=True, slots=True, kw_only=True)
class PerWork:
    """Growth per unit of work, with its 95 % interval, in bytes.

    `is_leak`: the interval lies above zero and what the work left behind is at least 1 MB and a
    tenth of RSS's whole movement. `load_bytes_per_unit_per_hour`: memory that comes and goes with the
    rate. `moves_with`: whether growth follows the work better than time, worse, or can't be told
    (with an even load it can't).
    """

    bytes_per_unit: float
    bytes_per_unit_low: float
    bytes_per_unit_high: float
    is_leak: bool
    unit_count: float
    duration_hours: float
    load_bytes_per_unit_per_hour: float
    moves_with: MovesWith
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _WorkBlocks:
    number: IntArray
    hours: FloatArray
    rss_bytes: FloatArray
    work_count: FloatArray
    rate: FloatArray

    def in_units_of(self, unit_count: float) -> _WorkBlocks:
        """Return the same with work in shares of `unit_count`, so that no absurd unit overflows a square."""
        return replace(self, work_count=self.work_count / unit_count, rate=self.rate / unit_count)


def growth_per_work(
    runs: WorkSeries | Sequence[WorkSeries], *, growth_bytes: float | None = None
) -> PerWork | None:
    """Return what each unit of work leaves behind; None when work was not counted or hardly varied.

    `runs`: one run or several; those with fewer than 24 samples, or no work, are left out. `growth_bytes`: how much
    grew, where another judged it already: the sentence then tells the share of that.
    """
    several = [runs] if isinstance(runs, WorkSeries) else list(runs)
    blocks = [found for found in map(_blocks_of, several) if found is not None]
    unit_count = sum(float(np.ptp(block.work_count)) for block in blocks)
    if not SMALLEST_WORK <= unit_count < math.inf:
        return None
    blocks = [block.in_units_of(unit_count) for block in blocks]
    rss = np.concatenate([block.rss_bytes - block.rss_bytes.mean() for block in blocks])
    load = np.concatenate(
        [_centred(np.stack([block.rate, _earlier(block.rate)])) for block in blocks], axis=1
    )
    work = np.concatenate([block.work_count - block.work_count.mean() for block in blocks])
    time = np.concatenate([block.hours - block.hours.mean() for block in blocks])
    fit = _fit(np.vstack([work, load]), rss)
    if fit is None:
        return None
    found, weights, left = fit
    error = _error(blocks, weights, left)
    by_time = _fit(np.vstack([time, load]), rss)
    freedom = rss.size - 3 - len(blocks)
    left_behind, reach = float(found[0]), t_quantile(0.975, freedom) * error
    movement = sum(float(np.ptp(block.rss_bytes)) for block in blocks)
    hours = sum(float(np.ptp(block.hours)) for block in blocks)
    is_leak = (
        left_behind - reach > 0
        and left_behind >= SMALLEST_LEFT_BEHIND_BYTES
        and left_behind >= SMALLEST_SHARE * movement
    )
    each, reach = left_behind / unit_count, reach / unit_count
    low, high = each - reach, each + reach
    return PerWork(
        bytes_per_unit=each,
        bytes_per_unit_low=low,
        bytes_per_unit_high=high,
        is_leak=is_leak,
        unit_count=unit_count,
        duration_hours=hours,
        load_bytes_per_unit_per_hour=float(found[1] + found[2]) / unit_count,
        moves_with=_moves_with(left, by_time),
        summary=_summary((each, low, high), unit_count, is_leak=is_leak, growth_bytes=growth_bytes),
    )


def _summary(
    found: tuple[float, float, float], unit_count: float, *, is_leak: bool, growth_bytes: float | None
) -> str:
    each, low, high = found
    if not is_leak:
        return f"No memory is left behind per unit of work ({low / KIB:.2f} to {high / KIB:.2f} KB)."
    left = each * unit_count
    what = (
        f"{left / MIB:.1f} MB"
        if not growth_bytes
        else f"{in_percent(min(1.0, left / growth_bytes))} of the growth"
    )
    return (
        f"Each unit of work leaves {each / KIB:.2f} KB behind ({low / KIB:.2f} to {high / KIB:.2f} KB), "
        f"{what} over {unit_count:,.0f} units."
    )


def _blocks_of(run: WorkSeries) -> _WorkBlocks | None:
    """Gather a run into blocks of equal length; None for a run too short, or without work."""
    size = run.hours.size
    count = min(WORK_BLOCK_COUNT, size // SAMPLES_PER_WORK_BLOCK)
    if count < FEWEST_WORK_BLOCKS or run.hours[-1] <= run.hours[0]:
        return None
    done = np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(run.work_count), 0.0))])
    if done[-1] <= 0:
        return None
    length = float(run.hours[-1] - run.hours[0]) / count * (1 + 1e-9)
    number = np.floor((run.hours - run.hours[0]) / length).astype(np.int64)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(number) > 0]))
    if starts.size < FEWEST_WORK_BLOCKS:
        return None
    sizes = np.diff(np.concatenate([starts, [size]]))
    edges = run.hours[0] + np.stack([number[starts], number[starts] + 1]) * length
    counted = np.interp(edges, run.hours, done)
    return _WorkBlocks(
        number=number[starts],
        hours=np.add.reduceat(run.hours, starts) / sizes,
        rss_bytes=np.asarray([median_of(part) for part in np.split(run.rss_bytes, starts[1:])]),
        work_count=np.add.reduceat(done, starts) / sizes,
        rate=(counted[1] - counted[0]) / length,
    )


def _earlier(rate: FloatArray) -> FloatArray:
    return np.concatenate([rate[:1], rate[:-1]])


def _centred(rows: FloatArray) -> FloatArray:
    return np.asarray(rows - rows.mean(axis=1, keepdims=True), dtype=np.float64)


def _fit(rows: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Return (coefficients, the weights of the first one, residuals); None when it can't be separated."""
    scale = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    if scale[0] <= 0:
        return None
    design = (rows / np.where(scale > 0, scale, 1.0)[:, None]).T
    solver = np.linalg.pinv(design, rcond=1e-6)
    found = solver @ target
    if float(np.linalg.norm(solver[0])) > 1e4:  # noqa: PLR2004 - work and rate rise alike
        return None
    coefficients = np.where(scale > 0, found / np.where(scale > 0, scale, 1.0), 0.0)
    return coefficients, solver[0] / scale[0], target - design @ found


def _error(blocks: Sequence[_WorkBlocks], weights: FloatArray, left: FloatArray) -> float:
    """Return the first coefficient's standard error: each run's share, from its own noise."""
    variance = 0.0
    begin = 0
    for block in blocks:
        rows = slice(begin, begin + block.number.size)
        begin = rows.stop
        noise = fit_noise(left[rows], block.number, trend_terms=4)
        variance += weights_error(weights[rows], block.number, noise) ** 2
    return math.sqrt(variance)


def _moves_with(
    left_by_work: FloatArray, by_time: tuple[FloatArray, FloatArray, FloatArray] | None
) -> MovesWith:
    if by_time is None:
        return "either"
    of_work, of_time = float(left_by_work @ left_by_work), float(by_time[2] @ by_time[2])
    if of_work < CLEARLY_BETTER * of_time:
        return "work"
    return "time" if of_time < CLEARLY_BETTER * of_work else "either"
