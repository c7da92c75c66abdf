"""Pictures of parts that add up to memory, in bins of local time: what it consists of, and who holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.report.chart_bins import Cells, bin_seconds, binned
from memmon.report.chart_pauses import PiecewiseRows
from memmon.report.chart_values import Layer, StackChart
from memmon.units import MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memmon.report.chart_bins import Bin
    from memmon.report.chart_values import Values
    from memmon.store.read import Buckets

    Floats = NDArray[np.float64]

STACK_POINTS = 1_200


def split_of(buckets: Buckets, *, offset_seconds: float = 0.0) -> StackChart | None:
    """Return what resident memory consists of, None where only its total was recorded.

    Anonymous memory less the native heap is what Python's own allocator and free memory hold.
    """
    columns = buckets.columns
    anonymous = columns["rss_anon_bytes"]
    if not bool(np.isfinite(anonymous).any()):
        return None
    native = np.nan_to_num(columns["heap_used_bytes"]) + np.nan_to_num(columns["heap_mmap_bytes"])
    native = np.minimum(native, anonymous)
    parts = {
        "native heap in use": native,
        "Python objects and free memory": anonymous - native,
        "shared": columns["rss_shmem_bytes"],
        "file-backed": columns["rss_file_bytes"],
    }
    known = {
        name: np.where(np.isfinite(anonymous), np.nan_to_num(part), np.nan)
        for name, part in parts.items()
        if float(np.nanmax(part, initial=0.0)) > 0
    }
    return stacked(buckets, known, offset_seconds=offset_seconds)


def stacked(buckets: Buckets, parts: dict[str, Floats], *, offset_seconds: float) -> StackChart:
    """Return the parts, bytes at each row of `buckets`, the lowest first, in about `STACK_POINTS` bins."""
    rows, at = PiecewiseRows(buckets), buckets.at_seconds
    size = bin_seconds(float(at[-1] - at[0]), cell_seconds=buckets.bucket_seconds, point_count=STACK_POINTS)
    counts = counts_of(rows, buckets)
    times: list[float] = []
    layers = []
    for name, part in parts.items():
        values = values_of(rows.of(part / MIB))
        cells = Cells(
            at_seconds=rows.at_seconds.tolist(),
            low=values,
            mean=values,
            high=values,
            cell_seconds=buckets.bucket_seconds,
            counts=counts,
        )
        pieces = binned(cells, size_seconds=size, offset_seconds=offset_seconds)
        times, means = _joined(pieces)
        layers.append(Layer(name=name, value_mb=means))
    return StackChart(at_seconds=tuple(times), layers=tuple(layers), bucket_seconds=size)


def _joined(pieces: Sequence[Sequence[Bin]]) -> tuple[list[float], Values]:
    """Return the bins' beginnings and means, with a None between two pieces."""
    times: list[float] = []
    means: list[float | None] = []
    for piece in pieces:
        if times:
            times.append((times[-1] + piece[0].start_seconds) / 2)
            means.append(None)
        times += [one.start_seconds for one in piece]
        means += [one.mean for one in piece]
    return times, tuple(means)


def counts_of(rows: PiecewiseRows, buckets: Buckets) -> tuple[int, ...]:
    """Return how many samples stand behind each row, 0 where the line is cut."""
    counts = np.nan_to_num(rows.of(buckets.sample_count.astype(np.float64)))
    return tuple(counts.astype(np.int64).tolist())


def values_of(column: Floats) -> Values:
    """Return a column with None where it is not known."""
    return tuple(None if value != value else value for value in column.tolist())  # noqa: PLR0124 - NaN is not itself
