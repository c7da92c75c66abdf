"""Whether calm is more than a guess: what was seen excludes that the limit is reached, or it does not yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from memmon.analysis.forecast.quantity import Quantity
    from memmon.analysis.leak.finding import LeakFinding

WHOLE_DAY_HOURS = 23.5
"""Hours that hold each hour of the day: before that a fall may be half of a cycle, and hide a leak. Chosen: a day, less a few samples."""


def judged_hours(finding: LeakFinding) -> float:
    """Return how long the stretch is that the verdict rests on."""
    start, end = finding.window.start, finding.window.end
    return 0.0 if start is None or end is None else (end - start).total_seconds() / SECONDS_PER_HOUR


def has_seen_a_day(quantity: Quantity, finding: LeakFinding) -> bool:
    """Tell whether the present run, or what was judged of several, holds each hour of the day."""
    return max(quantity.run.duration_hours, judged_hours(finding)) >= WHOLE_DAY_HOURS


def day_seen_at(quantity: Quantity, finding: LeakFinding) -> datetime | None:
    """Return when a day will have been seen; None where it was, or where no time brings a date."""
    if has_seen_a_day(quantity, finding) or finding.verdict.row.dateless:
        return None
    last = datetime.fromtimestamp(float(quantity.run.at_seconds[-1]), UTC)
    return last + timedelta(hours=WHOLE_DAY_HOURS - quantity.run.duration_hours)


def is_reach_excluded(
    quantity: Quantity,
    finding: LeakFinding,
    *,
    earliest_hours: float | None,
    limit_mb: float,
    horizon_hours: float,
) -> bool:
    """Tell whether the evidence of level memory, most of whose courses do not meet the limit, excludes that any does.

    `earliest_hours`: how soon the upper end of the courses, noise included, meets it (None: not within the horizon).
    Where a day was seen, the noise is known and most of the courses are enough. Before that none may meet it, and
    what falls may rise as fast: neither half of a daily cycle tells what the other hides.
    """
    if has_seen_a_day(quantity, finding):
        return True
    fall = max(-(finding.slope_low_mb_per_hour or 0.0), 0.0)
    return earliest_hours is None and fall * horizon_hours < limit_mb - quantity.now_mb
