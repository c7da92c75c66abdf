"""What a window of a history holds, as arrays and figures of each reading; a check needs none of it, so it stands apart.

Frozen; times are UTC epoch seconds, sizes bytes, NaN (None of a figure) is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingStatistics:
    """One reading over a window, raw snapshots and rollups together; None: it was never read in it."""

    column: str
    unit: str
    """`bytes`, `count` or `percent`."""
    last: int | float | None
    """The newest known one; where that is a rollup, its mean."""
    mean: float | None
    """Weighted by samples; None for a counter that only grows."""
    least: int | float | None
    largest: int | float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Buckets:
    """Samples gathered into equal spans of time, one row per (run, span), ordered by time.

    `columns` has, per row: `rss_bytes` and the other measured values (means; counters: the
    largest), and what must not be lost in a mean: `min_rss_bytes`, `max_rss_bytes`,
    `max_system_percent`, `min_available_bytes` and the like. NaN where unknown.
    """

    bucket_seconds: float
    at_seconds: FloatArray
    """The beginning of each span, UTC epoch seconds."""
    run_id: IntArray
    sample_count: IntArray
    columns: Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DequeMatrix:
    """The lengths of all deques at every sample of a window, filled forward within each run."""

    names: tuple[str, ...]
    run_id: IntArray
    at_seconds: FloatArray
    uptime_seconds: FloatArray
    resolution_seconds: FloatArray
    """0: a snapshot; 3600 or 86400: a rollup, whose lengths are time-weighted means."""
    length_count: FloatArray
    """Shape (samples, deques); NaN where there was no reading."""
    maxlen_count: FloatArray
    """Shape (samples, deques); NaN where a deque has no bound."""
    peak_length_count: FloatArray
    """Shape (samples, deques): the largest length within the sample's span."""
    dropped_count: FloatArray
    """Shape (samples, deques): items dropped so far, NaN where a deque does not count them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartMatrix:
    """Bytes of every deque and component at every sample of a window, ordered by run and uptime."""

    names: tuple[str, ...]
    run_id: IntArray
    at_seconds: FloatArray
    uptime_seconds: FloatArray
    rss_bytes: FloatArray
    footprint_bytes: FloatArray
    """What the process can't give back; resident memory where no better is known."""
    work_count: FloatArray
    size_bytes: FloatArray
    """Shape (samples, names); NaN where there was no reading."""
