"""The time until a bounded deque is full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.robust import theil_sen

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SMALLEST_SAMPLE_COUNT = 3
RECENT_SHARE = 0.5
RECENT_SAMPLE_COUNT = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class DequeFill:
    """How a bounded deque fills: items per hour (95 % interval) and hours until it is full.

    Hours are 0.0 for a full deque and None for one that does not grow; `hours_to_full_high` is None where the slow end
    of the interval never gets there.
    """

    items_per_hour: float
    items_per_hour_low: float
    items_per_hour_high: float
    hours_to_full: float | None
    hours_to_full_low: float | None
    hours_to_full_high: float | None


def deque_time_to_full(t_hours: ArrayLike, length_count: ArrayLike, *, maxlen_count: int) -> DequeFill | None:
    """Forecast from readings of one run when a deque holds `maxlen_count` items.

    `t_hours`: ascending times; `length_count`: lengths, NaN where unreadable. The rate is the median slope of the
    later half of the readings (at least 24, or all). Returns None for fewer than three readings or all at one time.
    Raises ValueError for a `maxlen_count` below one.
    """
    if maxlen_count < 1:
        raise ValueError(f"maxlen_count must be at least 1, not {maxlen_count!r}")
    hours, lengths = np.asarray(t_hours, dtype=np.float64), np.asarray(length_count, dtype=np.float64)
    known = np.isfinite(hours) & np.isfinite(lengths)
    hours, lengths = hours[known], lengths[known]
    recent = max(RECENT_SAMPLE_COUNT, int(hours.size * RECENT_SHARE))
    hours, lengths = hours[-recent:], lengths[-recent:]
    if hours.size < SMALLEST_SAMPLE_COUNT or not np.ptp(hours) > 0.0:
        return None
    line = theil_sen(hours, lengths)
    room_count = max(0.0, maxlen_count - float(lengths[-1]))
    return DequeFill(
        items_per_hour=line.slope,
        items_per_hour_low=line.slope_low,
        items_per_hour_high=line.slope_high,
        hours_to_full=_hours(room_count, line.slope),
        hours_to_full_low=_hours(room_count, line.slope_high),
        hours_to_full_high=_hours(room_count, line.slope_low),
    )


def _hours(room_count: float, items_per_hour: float) -> float | None:
    if room_count == 0.0:
        return 0.0
    return room_count / items_per_hour if items_per_hour > 0.0 else None
