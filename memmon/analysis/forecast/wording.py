"""A forecast in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from memmon.formatting import in_percent, local_time, size, span, span_range
from memmon.units import MIB

if TYPE_CHECKING:
    from memmon.analysis.forecast.finding import Forecast


def describe(
    forecast: Forecast, remarks: tuple[str, ...] = (), *, earliest_hours: float | None = None
) -> Forecast:
    """Return `forecast` with its summary and details written; `remarks` end the details.

    `earliest_hours`: how soon one of ten courses would meet a limit that is not expected to be met.
    """
    details = (*_details(forecast), *_earliest(forecast, earliest_hours), *remarks)
    return replace(forecast, summary=_summary(forecast), details=details)


def _summary(forecast: Forecast) -> str:
    limit = f"the limit of {size(forecast.limit_bytes / MIB)}"
    match forecast.state:
        case "reached":
            return f"Memory has already reached {limit}."
        case "cannot_say":
            return f"Cannot say yet when memory reaches {limit}{_until(forecast)}."
        case "never":
            return f"Memory does not reach {limit}{_or_levels_off(forecast)}."
        case "dated":
            return f"Memory reaches {limit} {_when(forecast)}."
        case _:
            assert_never(forecast.state)


def told_as_level(forecast: Forecast) -> Forecast:
    """Return the forecast of what does not grow: where it gives no date it says that there is none, not that one is to come.

    Of a short history it says so far, and from when on more can be said.
    """
    if forecast.state != "cannot_say" or forecast.plateau_bytes is not None:
        return forecast
    limit = size(forecast.limit_bytes / MIB)
    end = (
        ", so that there is no date"
        if forecast.ready_at is None
        else f" so far; more can be said from about {local_time(forecast.ready_at)} on"
    )
    return replace(forecast, summary=f"Nothing grows towards the limit of {limit}{end}.")


def _until(forecast: Forecast) -> str:
    """Return what is known beside that nothing can be said: the level approached, or when more can be said."""
    if forecast.plateau_bytes is not None:
        return f": it levels off at about {_plateau(forecast)}"
    if forecast.ready_at is not None:
        return f": more readings are needed, up to about {local_time(forecast.ready_at)}"
    return ""


def _or_levels_off(forecast: Forecast) -> str:
    if forecast.plateau_bytes is not None:
        return f": it levels off at about {_plateau(forecast)}"
    return f" within {span(forecast.horizon_hours)}"


def _plateau(forecast: Forecast) -> str:
    low, high = forecast.plateau_low_bytes, forecast.plateau_high_bytes
    top = "no known end" if high is None else size(high / MIB)
    return f"{size((forecast.plateau_bytes or 0) / MIB)} ({size((low or 0) / MIB)} to {top})"


def _when(forecast: Forecast) -> str:
    low, high = forecast.hours_to_limit_low or 0.0, forecast.hours_to_limit_high
    sure = span_range(low, high, endless="later than the horizon")
    return f"in about {span(forecast.hours_to_limit or 0.0)} ({in_percent(forecast.level)} interval: {sure})"


def _earliest(forecast: Forecast, hours: float | None) -> tuple[str, ...]:
    if hours is None:
        return ()
    one_in = round(2.0 / (1.0 - forecast.level))
    return (f"At the earliest (1 in {one_in}) it would be reached in {span(hours)}.",)


def _details(forecast: Forecast) -> list[str]:
    lines = []
    if forecast.slope_mb_per_hour is not None:
        lines.append(
            f"Continued is the growth of the last {span(forecast.window_hours)}: {forecast.slope_mb_per_hour:z.2f} MB/hour "
            f"(95 % interval {forecast.slope_low_mb_per_hour:z.2f} to {forecast.slope_high_mb_per_hour:z.2f})."
        )
    back = forecast.backtest
    if back is not None:
        lines.append(
            f"Back-test: from {back.origin_count} earlier moments, readings up to {span(back.longest_hours)} "
            f"ahead were {back.median_error_mb:.1f} MB off (median); {in_percent(back.coverage)} lay inside the "
            f"{in_percent(back.level)} interval, which was then scaled by {back.spread_factor:.2f}."
        )
    if forecast.deques_full_hours:
        lines.append(
            f"Bounded containers are full in {span(forecast.deques_full_hours)} at their present rate."
        )
    if forecast.cross_check is not None:
        lines.append(forecast.cross_check.summary)
    return lines
