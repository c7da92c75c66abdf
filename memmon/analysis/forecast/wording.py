"""A forecast in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memmon.facts.verdicts import Verdict
from memmon.formatting import size
from memmon.units import MIB

if TYPE_CHECKING:
    from memmon.analysis.forecast.finding import Forecast
    from memmon.analysis.leak.finding import LeakFinding

HOURS_PER_DAY = 24.0
"""Hours of a day."""
DAYS_FROM_HOURS = 72.0
"""Hours from which a span is told in days. Chosen: three days."""

TOO_LITTLE = frozenset({"insufficient_data", "insufficient_duration"})
"""Reasons of a verdict that more readings alone mend."""


def describe(forecast: Forecast, finding: LeakFinding, remarks: tuple[str, ...] = ()) -> Forecast:
    """Return `forecast`, which continues `finding`, in words; `remarks` end the details."""
    details = (*_details(forecast, finding), *remarks)
    return replace(forecast, summary=_summary(forecast, finding), details=details)


def span_text(hours: float) -> str:
    """Say a duration as people do: minutes, hours or days.

    >>> span_text(0.4), span_text(13.26), span_text(200)
    ('24 min', '13.3 h', '8.3 days')
    """
    if hours < 1.0:
        return f"{hours * 60:.0f} min"
    if hours < DAYS_FROM_HOURS:
        return f"{hours:.1f} h"
    return f"{hours / HOURS_PER_DAY:.1f} days"


def _summary(forecast: Forecast, finding: LeakFinding) -> str:
    limit = f"the limit of {size(forecast.limit_bytes / MIB)}"
    match forecast.state:
        case "reached":
            return f"Memory has already reached {limit}."
        case "cannot_say":
            return f"{_why_silent(forecast, finding, limit)}{_asks_for_more(forecast)}."
        case "never":
            plateau = "" if forecast.plateau_bytes is None else f": it levels off at {_plateau(forecast)}"
            return f"Memory does not reach {limit} within {span_text(forecast.horizon_hours)}{plateau}."
    low, middle = forecast.hours_to_limit_low or 0.0, forecast.hours_to_limit or 0.0
    late = forecast.hours_to_limit_high
    high = f"more than {span_text(forecast.horizon_hours)}" if late is None else span_text(late)
    return (
        f"Memory reaches {limit} in about {span_text(middle)} "
        f"({forecast.level:.0%} interval: {span_text(low)} to {high})."
    )


def _why_silent(forecast: Forecast, finding: LeakFinding, limit: str) -> str:
    if forecast.plateau_bytes is not None:
        return f"Cannot say yet whether memory reaches {limit}: it levels off, at {_plateau(forecast)} as it seems"
    if finding.verdict is Verdict.CANNOT_SAY and finding.reason in TOO_LITTLE:
        return (
            f"Too little history to say when memory reaches {limit} "
            f"({forecast.sample_count} samples over {forecast.window_hours:.1f} h)"
        )
    if finding.verdict is Verdict.CANNOT_SAY:
        return f"Cannot say yet when memory reaches {limit}: whether it grows can't be told"
    if finding.verdict.row.grows:
        return f"Cannot say yet when memory reaches {limit}: too few readings since the growth began, or the start"
    return f"Cannot say yet whether memory reaches {limit}: it is level so far, but not surely enough"


def _asks_for_more(forecast: Forecast) -> str:
    if forecast.can_say_from is None:
        return ""
    return f"; more readings may tell from {forecast.can_say_from:%Y-%m-%d %H:%M} UTC on"


def _plateau(forecast: Forecast) -> str:
    """Name the level at which growth ends, with its interval."""
    level, low, high = forecast.plateau_bytes, forecast.plateau_low_bytes, forecast.plateau_high_bytes
    middle = size(None if level is None else level / MIB)
    least = size(None if low is None else low / MIB)
    if high is None:
        return f"{middle} (at least {least}, no upper end in sight)"
    return f"{middle} (95 % interval {least} to {size(high / MIB)})"


def _details(forecast: Forecast, finding: LeakFinding) -> list[str]:
    lines = []
    if forecast.plateau_bytes is not None and forecast.state == "dated":
        lines.append(f"It levels off at {_plateau(forecast)}.")
    if forecast.slope_mb_per_hour is not None:
        lines.append(
            f"{_carried(finding)} over the last {span_text(forecast.window_hours)}: {forecast.slope_mb_per_hour:z.2f} MB/hour "
            f"(95 % interval {forecast.slope_low_mb_per_hour:z.2f} to {forecast.slope_high_mb_per_hour:z.2f})."
        )
    back = forecast.backtest
    if back is not None:
        lines.append(
            f"Back-test: from {back.origin_count} earlier moments, readings up to {span_text(back.longest_hours)} "
            f"ahead were {back.median_error_mb:.1f} MB off (median); {back.coverage:.0%} lay inside the "
            f"{back.level:.0%} interval, which was then scaled by {back.spread_factor:.2f}."
        )
    if forecast.deques_full_hours:
        lines.append(
            f"Registered deques are full in {span_text(forecast.deques_full_hours)} at their present rate."
        )
    if forecast.cross_check is not None:
        lines.append(forecast.cross_check.summary)
    return lines


def _carried(finding: LeakFinding) -> str:
    if finding.verdict.row.grows and finding.since is not None:
        return f"Growth since {finding.since:%Y-%m-%d %H:%M} UTC, measured"
    return "Trend"
