"""What deques are judged from, and what is found: plain, frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.facts.deque_state import DequeState  # noqa: TC001 -- the JSON Schema is made from these annotations

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DequeSeries:
    """One deque over one run, and its newest known values (None: unknown).

    `hours` (uptime) and `length_count` have one value per sample, NaN where it was not read;
    `dropped_count`, where the deque counts its drops, likewise.
    """

    name: str
    hours: FloatArray
    length_count: FloatArray
    maxlen_count: int | None = None
    expected_maxlen_count: int | None = None
    size_bytes: float | None = None
    """Estimated bytes at the newest length."""
    item_bytes: float | None = None
    """Estimated bytes of one more item, its place included; told from the size where it is not known."""
    dropped_count: FloatArray | None = None
    is_alive: bool = True

    @classmethod
    def from_arrays(
        cls,
        name: str,
        hours: ArrayLike,
        length_count: ArrayLike,
        *,
        maxlen_count: int | None = None,
        expected_maxlen_count: int | None = None,
        size_bytes: float | None = None,
        dropped_count: ArrayLike | None = None,
        is_alive: bool = True,
    ) -> DequeSeries:
        """Build a series from arrays in the order of time; ValueError when their lengths differ."""
        at = np.asarray(hours, dtype=np.float64)
        lengths = np.asarray(length_count, dtype=np.float64)
        dropped = None if dropped_count is None else np.asarray(dropped_count, dtype=np.float64)
        if lengths.shape != at.shape or (dropped is not None and dropped.shape != at.shape):
            raise ValueError(f"deque {name!a}: lengths of hours, length_count and dropped_count differ")
        return cls(
            name=name,
            hours=at,
            length_count=lengths,
            maxlen_count=maxlen_count,
            expected_maxlen_count=expected_maxlen_count,
            size_bytes=size_bytes,
            dropped_count=dropped,
            is_alive=is_alive,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DequeFinding:
    """The state of one deque; what is unknown is None.

    `growth_per_hour`: items an hour by which the length rises (0.0 when it does not clearly).
    `arrival_per_hour`: items that come in an hour, where it can be known: from the drops that a
    full deque counts, or from its rise while it was filling (then at least that many).
    `hours_to_full`: at that rise. `bytes_per_item`: what one more item takes, its place included; `capacity_bytes`:
    the deque's size when full.
    """

    name: str
    state: DequeState
    is_failing: bool
    length_count: int | None
    maxlen_count: int | None
    expected_maxlen_count: int | None
    peak_length_count: int | None
    utilization_percent: float | None
    size_bytes: float | None
    bytes_per_item: float | None
    capacity_bytes: float | None
    growth_per_hour: float
    arrival_per_hour: float | None
    drop_per_hour: float | None
    hours_to_full: float | None
    observed_hours: float
    message: str
    full_share: float | None = None
    """Part of the readings of a bounded deque that found it full, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DequeSuggestion:
    """A bound for one deque, and why; `maxlen_count` None: none can be derived, or none is needed."""

    name: str
    present_maxlen_count: int | None
    maxlen_count: int | None
    reason: str
