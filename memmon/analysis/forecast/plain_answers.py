"""Answers that need no course: the limit is reached already, or nothing can be said yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from memmon.analysis.forecast.finding import Forecast
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from memmon.analysis.forecast.quantity import Quantity
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.history import History


def plain_forecast(
    history: History, quantity: Quantity | None, limit_bytes: float, level: float, now: datetime | None
) -> Forecast:
    """Answer without a course: `reached`, or `cannot_say` for want of anything better."""
    current = None if quantity is None else quantity.now_mb * MIB
    run = None if quantity is None else quantity.run
    is_reached = current is not None and current >= limit_bytes
    last = None if run is None else datetime.fromtimestamp(float(run.at_seconds[-1]), UTC)
    as_of = last if now is None else now
    hours, moment = (0.0, as_of) if is_reached else (None, None)
    return Forecast(
        source=history.source,
        limit_bytes=round(limit_bytes),
        level=level,
        state="reached" if is_reached else "cannot_say",
        hours_to_limit=hours,
        hours_to_limit_low=hours,
        hours_to_limit_high=hours,
        at=moment,
        at_low=moment,
        at_high=moment,
        as_of=as_of,
        horizon_hours=0.0,
        current_bytes=None if current is None else round(current),
        headroom_bytes=None if current is None else round(limit_bytes - current),
        slope_mb_per_hour=None,
        slope_low_mb_per_hour=None,
        slope_high_mb_per_hour=None,
        window_hours=0.0 if run is None else run.duration_hours,
        sample_count=0 if run is None else len(run),
        deques_full_hours=None,
        summary="",
        details=(),
        counts="footprint" if quantity is None else quantity.counts,
    )


def cannot_say(plain: Forecast, finding: LeakFinding, run: History) -> Forecast:
    """Return the answer where no verdict can be given: from when on there may be one, if time is all that lacks."""
    return replace(plain, state="cannot_say", ready_at=ready_at(finding, run))


def ready_at(finding: LeakFinding, run: History) -> datetime | None:
    """Return when the history will be long enough for a verdict; None where it is, or that can't be told."""
    if finding.reason not in {"insufficient_data", "insufficient_duration"} or len(run) < 2:  # noqa: PLR2004 - a step
        return None
    policy = finding.policy
    span_hours = (float(run.uptime_seconds[-1]) - float(run.uptime_seconds[0])) / SECONDS_PER_HOUR
    step_hours = span_hours / (len(run) - 1)
    lacking = max(policy.min_duration_hours - finding.duration_hours, 0.0)
    lacking = max(lacking, (policy.min_sample_count - finding.sample_count) * step_hours)
    if lacking <= 0.0:
        return None
    return datetime.fromtimestamp(float(run.at_seconds[-1]), UTC) + timedelta(hours=lacking)


def moment_after(as_of: datetime | None, hours: float | None) -> datetime | None:
    """Return the moment so many hours after `as_of`; None where one of the two is not known."""
    return None if hours is None or as_of is None else as_of + timedelta(hours=hours)


def hours_since(run: History, as_of: datetime | None) -> float:
    """Return how many hours before `as_of` the last sample was taken: 0 where `as_of` is not known."""
    if as_of is None:
        return 0.0
    return max(0.0, as_of.timestamp() - float(run.at_seconds[-1])) / SECONDS_PER_HOUR
