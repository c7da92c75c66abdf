"""Rows of a History before they are one: their run, their uptime, their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.arrays import distinct, median_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

LONGEST_SECONDS = 253_000_000_000.0
"""An uptime beyond is none: as many seconds as the last year of the calendar has."""


def run_numbers(run_id: ArrayLike | None, at: FloatArray, uptime: FloatArray | None) -> IntArray:
    """Return an int64 run number per row: as given, else split where uptime falls back."""
    if run_id is None:
        ids = np.zeros(at.shape, dtype=np.int64)
        if uptime is None or at.size < 2 or at.shape != uptime.shape:  # noqa: PLR2004 - no pair, no fall
            return ids
        known = np.flatnonzero(np.isfinite(uptime))
        if bool((np.diff(uptime[known]) >= 0).all()):
            return ids  # one run in its own order, whatever the wall clock did
        known = known[np.argsort(at[known], kind="stable")]
        ids[known] = np.concatenate([[0], np.cumsum(np.diff(uptime[known]) < 0)])[: known.size]
        return ids
    given = np.asarray(run_id)
    if given.dtype.kind in "iu":
        return given.astype(np.int64)
    if given.dtype.kind == "f" and bool(np.all(np.isfinite(given) & (given == np.trunc(given)))):
        return given.astype(np.int64)
    names = np.asarray([str(value) for value in given.ravel().tolist()])
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def plausible_uptime(uptime_seconds: ArrayLike) -> FloatArray:
    """Return uptimes with NaN in place of what no process can have."""
    uptime = np.asarray(uptime_seconds, dtype=np.float64)
    return np.where(np.abs(uptime) <= LONGEST_SECONDS, uptime, np.nan)


def check_lengths(rss: FloatArray, others: Mapping[str, NDArray[np.generic] | None]) -> None:
    """Raise ValueError unless every array is as long as `rss`."""
    if rss.ndim != 1:
        raise ValueError(f"rss_bytes must have one dimension, not {rss.ndim}")
    for name, array in others.items():
        if array is not None and array.shape != rss.shape:
            raise ValueError(f"{name} has shape {array.shape}, rss_bytes has {rss.shape}: lengths must agree")


def filled_uptime(
    at: FloatArray, ids: IntArray, given: FloatArray | None, good: NDArray[np.bool_]
) -> FloatArray:
    """Return uptime for every row; where it is unknown, the wall clock stands in."""
    known = np.zeros(at.shape, np.bool_) if given is None else np.isfinite(given) & good
    uptime = np.full(at.shape, np.nan) if given is None else given.copy()
    if bool(known[good].all()):
        return uptime
    for number in distinct(ids[good]).tolist():
        rows = good & (ids == number)
        measured = rows & known
        origin = median_of(at[measured] - uptime[measured]) if bool(measured.any()) else at[rows].min()
        missing = rows & ~known
        uptime[missing] = at[missing] - origin
    return uptime


def row_order(at: FloatArray, ids: IntArray, uptime: FloatArray, good: NDArray[np.bool_]) -> IntArray:
    """Return the usable rows ordered by their run's first sample, then by uptime (stable)."""
    rows = np.flatnonzero(good)
    if rows.size == 0:
        return rows
    numbers, inverse = np.unique(ids[rows], return_inverse=True)
    begins = np.full(numbers.size, np.inf)
    np.minimum.at(begins, inverse, at[rows])
    rank = np.empty(numbers.size, dtype=np.int64)
    rank[np.argsort(begins, kind="stable")] = np.arange(numbers.size)
    run_rank = rank[inverse]
    step = np.diff(run_rank)
    in_order = (step > 0) | ((step == 0) & (np.diff(uptime[rows]) >= 0))
    return rows if bool(in_order.all()) else rows[np.lexsort((uptime[rows], run_rank))]
