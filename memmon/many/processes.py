"""Many processes of one source: each as a series of its own, and what they take together.

Resident memory counts a shared page in every process that maps it; the proportional set size (PSS)
counts it once in the sum. It is read hourly at most, so that it is carried on for up to two hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.store.read import Buckets

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

PSS_HOLDS_SECONDS = 7_200.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProcessSeries:
    """The processes (runs) of one source over time; arrays of bytes, NaN where a process was not there."""

    at_seconds: FloatArray
    """The beginning of each span, UTC epoch seconds; ascending."""
    run_id: IntArray
    """Which run each column is."""
    rss_bytes: FloatArray
    """Shape (spans, runs)."""
    pss_bytes: FloatArray
    """Shape (spans, runs)."""
    total_rss_bytes: FloatArray
    """Summed over the processes of a span: shared pages count once for each."""
    total_pss_bytes: FloatArray
    """Summed over the processes of a span: shared pages count once. NaN where one of them is not known."""
    process_count: IntArray


def process_series(buckets: Buckets) -> ProcessSeries:
    """Return the processes side by side, from `Store.buckets(...)` of one source."""
    at_seconds, row = np.unique(buckets.at_seconds, return_inverse=True)
    run_id, column = np.unique(buckets.run_id, return_inverse=True)
    shape = (at_seconds.size, run_id.size)
    rss, pss = np.full(shape, np.nan), np.full(shape, np.nan)
    rss[row, column] = buckets.columns["rss_bytes"]
    pss[row, column] = buckets.columns["pss_bytes"]
    is_there = np.zeros(shape, dtype=np.bool_)
    is_there[row, column] = True
    pss = np.where(is_there, _held(at_seconds, pss), np.nan)
    return ProcessSeries(
        at_seconds=at_seconds,
        run_id=run_id,
        rss_bytes=rss,
        pss_bytes=pss,
        total_rss_bytes=_total(rss, is_there),
        total_pss_bytes=_total(pss, is_there),
        process_count=is_there.sum(axis=1),
    )


def _held(at_seconds: FloatArray, values: FloatArray) -> FloatArray:
    """Return each column carried on from its newest known value, for as long as that holds."""
    rows = np.arange(values.shape[0])[:, None]
    newest = np.maximum.accumulate(np.where(np.isfinite(values), rows, -1), axis=0)
    held = np.take_along_axis(values, np.maximum(newest, 0), axis=0)
    age_seconds = at_seconds[:, None] - at_seconds[np.maximum(newest, 0)]
    return np.where((newest >= 0) & (age_seconds <= PSS_HOLDS_SECONDS), held, np.nan)


def _total(values: FloatArray, is_there: NDArray[np.bool_]) -> FloatArray:
    known = np.isfinite(values) | ~is_there
    total = np.where(is_there, np.nan_to_num(values), 0.0).sum(axis=1)
    return np.where(known.all(axis=1) & is_there.any(axis=1), total, np.nan)
