"""Where a line must be cut: at every restart, and wherever nothing was recorded for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.arrays import median_of
from memmon.report.chart_values import Pause, Ribbon

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from memmon.report.chart_values import Values
    from memmon.store.read import Buckets

    Floats = NDArray[np.float64]

GAP_INTERVALS = 3.0
"""A pause longer than so many intervals breaks the line."""


def breaks_of(at_seconds: Floats, run_id: NDArray[np.int64], *, bucket_seconds: float) -> NDArray[np.int64]:
    """Return the rows that a line must not be drawn to from the row before."""
    step = np.diff(at_seconds)
    usual = median_of(step) if step.size else bucket_seconds
    apart = step > GAP_INTERVALS * max(usual, bucket_seconds)
    found: NDArray[np.int64] = np.flatnonzero((np.diff(run_id) != 0) | apart) + 1
    return found


def pauses_of(buckets: Buckets) -> tuple[Pause, ...]:
    """Return what lies between the pieces of a series, oldest first; a restart within one bucket takes no time."""
    at, size = buckets.at_seconds, buckets.bucket_seconds
    return tuple(
        Pause(from_seconds=min(float(at[row - 1]) + size, float(at[row])), until_seconds=float(at[row]))
        for row in breaks_of(at, buckets.run_id, bucket_seconds=size).tolist()
    )


class PiecewiseRows:
    """Bucket rows with an empty one wherever a line must break."""

    def __init__(self, buckets: Buckets) -> None:
        at = buckets.at_seconds
        self._breaks = breaks_of(at, buckets.run_id, bucket_seconds=buckets.bucket_seconds)
        self.at_seconds: Floats = np.insert(at, self._breaks, (at[self._breaks - 1] + at[self._breaks]) / 2)

    def of(self, column: Floats) -> Floats:
        """Return a column's values with NaN where the line breaks."""
        spread: Floats = np.insert(column, self._breaks, np.nan)
        return spread


def cut_ribbons(ribbons: Sequence[Ribbon], pauses: Sequence[Pause]) -> tuple[Ribbon, ...]:
    """Return the ribbons without what lies in a pause."""
    found = []
    for one in ribbons:
        for at in _between(one.at_seconds, pauses):
            low, middle, high = (
                tuple(np.interp(at, one.at_seconds, values).tolist())
                for values in (one.low_mb, one.middle_mb, one.high_mb)
            )
            found.append(Ribbon(at_seconds=at, low_mb=low, middle_mb=middle, high_mb=high))
    return tuple(found)


def _between(at_seconds: Sequence[float], pauses: Sequence[Pause]) -> Iterator[tuple[float, ...]]:
    """Yield the times of each stretch outside the pauses, its ends included."""
    start, end = at_seconds[0], at_seconds[-1]
    for pause in pauses:
        if pause.until_seconds <= start or pause.from_seconds >= end:
            continue
        if pause.from_seconds > start:
            yield _stretch(at_seconds, start, pause.from_seconds)
        start = pause.until_seconds
    if end > start:
        yield _stretch(at_seconds, start, end)


def _stretch(at_seconds: Sequence[float], start: float, end: float) -> tuple[float, ...]:
    return (start, *(at for at in at_seconds if start < at < end), end)


class CutCells:
    """Cells of time without what lies in a pause, with an empty one at each pause: found once for many series.

    A cell that a pause parts stands on either side of it with its one value.
    """

    def __init__(self, at_seconds: Sequence[float], pauses: Sequence[Pause], *, cell_seconds: float) -> None:
        rows = [
            (piece[0], number)
            for number, at in enumerate(at_seconds)
            for piece in _between((at, at + cell_seconds), pauses)
        ]
        rows += [((pause.from_seconds + pause.until_seconds) / 2, _NO_CELL) for pause in pauses]
        rows.sort()
        self._cells = [number for _, number in rows]
        self.at_seconds = tuple(at for at, _ in rows)

    def of(self, values: Values) -> Values:
        """Return a series, one value per cell, at `at_seconds`."""
        padded = (*values, None)  # which is where `_NO_CELL` points
        return tuple(padded[number] for number in self._cells)


_NO_CELL = -1
