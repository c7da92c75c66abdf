"""Bins of local time: the points of a picture, and the range that each stands for; none reaches over a pause.

Every size divides the day, and bins begin at local midnight, so that a daily cycle never beats against them.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memmon.report.chart_values import Pause, Values

BIN_POINTS = 360
"""At most so many bins over a window: one for every two or three pixels."""

DAY_SECONDS = 86_400
BIN_SECONDS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(hours * 3600 for hours in (1, 2, 3, 6, 24)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """What was recorded from `start_seconds` to `end_seconds`, in one figure with its extremes."""

    start_seconds: float
    end_seconds: float
    low: float
    mean: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """A series in equal cells of time, None where it is cut; `counts` weigh the means (empty: all alike)."""

    at_seconds: Sequence[float]
    """Where each cell begins."""
    low: Values
    mean: Values
    high: Values
    cell_seconds: float
    counts: Sequence[int] = ()


def bin_seconds(length_seconds: float, *, cell_seconds: float, point_count: int = BIN_POINTS) -> float:
    """Return the smallest size of which at most `point_count` fill a window, a multiple of the cell."""
    wanted = length_seconds / point_count
    sizes = (size for size in BIN_SECONDS if size >= max(wanted, cell_seconds))
    found = next((size for size in sizes if math.isclose(size % cell_seconds, 0.0)), None)
    days = math.ceil(max(wanted, cell_seconds) / DAY_SECONDS)
    return float(found or days * DAY_SECONDS)


def binned(
    cells: Cells,
    *,
    size_seconds: float,
    offset_seconds: float,
    pauses: Sequence[Pause] = (),
    until_seconds: float = math.inf,
) -> list[list[Bin]]:
    """Return the bins of each piece of a series; a new piece begins where it is cut, none reaches beyond `until_seconds`."""
    cuts = [*(pause.from_seconds for pause in pauses), until_seconds]
    return [list(_bins(cells, rows, (size_seconds, offset_seconds), cuts)) for rows in _pieces(cells.mean)]


def _pieces(values: Values) -> Iterator[range]:
    """Yield the rows of each stretch without a None."""
    start: int | None = None
    for row, value in enumerate((*values, None)):
        if value is not None and start is None:
            start = row
        elif value is None and start is not None:
            yield range(start, row)
            start = None


def _bins(
    cells: Cells, rows: range, size_and_offset: tuple[float, float], cuts: Sequence[float]
) -> Iterator[Bin]:
    size, offset = size_and_offset
    begin = rows.start
    for row in range(rows.start + 1, rows.stop + 1):
        number = (cells.at_seconds[begin] + offset) // size
        if row < rows.stop and (cells.at_seconds[row] + offset) // size == number:
            continue
        yield _bin(cells, range(begin, row), cuts)
        begin = row


def _bin(cells: Cells, rows: range, cuts: Sequence[float]) -> Bin:
    low, mean, high = _extent(cells, slice(rows.start, rows.stop))
    last = cells.at_seconds[rows.stop - 1]
    cut = bisect_right(cuts, last)
    after = cells.at_seconds[rows.stop : rows.stop + 1]
    end = min([last + cells.cell_seconds, *cuts[cut : cut + 1], cuts[-1], *after])
    return Bin(
        start_seconds=cells.at_seconds[rows.start],
        end_seconds=max(end, last),
        low=low,
        mean=mean,
        high=high,
    )


def _extent(cells: Cells, within: slice) -> tuple[float, float, float]:
    """Return the lowest, mean and highest value of some cells."""
    means = [value for value in cells.mean[within] if value is not None]
    if cells.low is cells.mean is cells.high:
        lows = highs = means
    else:
        lows, highs = (
            [value for value in values[within] if value is not None] for values in (cells.low, cells.high)
        )
    counts = [max(count, 1) for count in cells.counts[within]]
    if counts:
        mean = math.fsum(value * count for value, count in zip(means, counts, strict=True)) / sum(counts)
    else:
        mean = math.fsum(means) / len(means)
    return min(lows), mean, max(highs)
