"""A forecast in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memmon.units import MIB

if TYPE_CHECKING:
    from memmon.analysis.forecast.finding import Forecast

HOURS_PER_DAY = 24.0
"""Hours of a day."""
DAYS_FROM_HOURS = 72.0
"""Hours from which a span is told in days. Chosen: three days."""


def describe(forecast: Forecast, remarks: tuple[str, ...] = ()) -> Forecast:
    """Return `forecast` with its summary and details written; `remarks` end the details."""
    return replace(forecast, summary=_summary(forecast), details=(*_details(forecast), *remarks))


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


def _summary(forecast: Forecast) -> str:
    limit = f"the limit of {forecast.limit_bytes / MIB:,.0f} MB"
    if forecast.state == "over_limit":
        return f"Memory has already reached {limit}."
    if forecast.state == "cannot_say":
        return (
            f"Too little history of the present run to say when memory reaches {limit} "
            f"({forecast.sample_count} samples over {forecast.window_hours:.1f} h)."
        )
    if forecast.hours_to_limit is None:
        soonest = forecast.hours_to_limit_low
        doubt = (
            "" if soonest is None else f"; at the earliest (1 in {_one_in(forecast)}) in {span_text(soonest)}"
        )
        return f"Memory does not reach {limit} within {span_text(forecast.horizon_hours)}{doubt}."
    low = forecast.hours_to_limit_low or 0.0
    high = (
        "later than the horizon"
        if forecast.hours_to_limit_high is None
        else span_text(forecast.hours_to_limit_high)
    )
    return (
        f"Memory reaches {limit} in about {span_text(forecast.hours_to_limit)} "
        f"({forecast.level:.0%} interval: {span_text(low)} to {high})."
    )


def _one_in(forecast: Forecast) -> int:
    return round(2.0 / (1.0 - forecast.level))


def _details(forecast: Forecast) -> list[str]:
    lines = []
    if forecast.slope_mb_per_hour is not None:
        lines.append(
            f"Trend of the last {span_text(forecast.window_hours)}: {forecast.slope_mb_per_hour:z.2f} MB/hour "
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
