"""`memmon forecast`: when memory reaches its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

import click

from memmon.cli.assessed import assessed, no_limit, staleness_of
from memmon.cli.options import Common, WindowOptions, common, judging
from memmon.cli.output import write_json, write_text
from memmon.cli.selection import opened
from memmon.cli.text import duration, local_time, printable, size
from memmon.cli.values import LIMIT
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from memmon.analysis.forecast.finding import Forecast
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.limits import LimitKind
    from memmon.facts.staleness import Staleness


@click.command("forecast")
@click.option(
    "--limit", type=LIMIT, metavar="2GiB|container|host", help="Default: the limit that was recorded."
)
@click.option(
    "--level", type=click.FloatRange(0.5, 0.99), default=0.8, show_default=True, help="Of the interval."
)
@click.option("--no-cross-check", is_flag=True, help="Leave out the second model (statsmodels: 2 s more).")
@judging
@common
def command(
    *,
    limit: LimitKind | int | None,
    level: float,
    no_cross_check: bool,
    common: Common,
    window: WindowOptions,
) -> None:
    """Say when memory reaches its limit, with an interval, and how well such forecasts did on this history."""
    from memmon.clock import SystemClock

    with opened(common) as found:
        source = found.one()
        judged = assessed(
            found,
            source,
            window,
            now=SystemClock().now(),
            limit=limit,
            level=level,
            cross_check=not no_cross_check,
        )
        seen = judged.assessment
        if seen.forecast is None:
            raise no_limit(source, limit)
        if common.as_json:
            write_json(
                common,
                command="forecast",
                database=found.place.database,
                findings=[forecast_object(seen.forecast, source.name)],
                limit=limit_object(seen),
                staleness=staleness_of(judged),
            )
        else:
            write_text(common, _text(seen, seen.forecast, staleness_of(judged), source.name))


def forecast_object(forecast: Forecast, source: str) -> dict[str, Any]:
    """Return a forecast as `--json` prints it: the fields of the Python value, and the source."""
    return {**forecast.to_dict(), "source": source}


def limit_object(seen: Assessment) -> dict[str, Any] | None:
    """Return what `--json` says of a limit."""
    if seen.limit_bytes is None:
        return None
    return {
        "limit_bytes": seen.limit_bytes,
        "used_bytes": seen.charged_bytes,
        "used_percent": seen.used_percent,
        "rss_at_limit_bytes": seen.rss_at_limit_bytes,
        "origin": seen.limit_origin,
    }


def _text(seen: Assessment, forecast: Forecast, age: Staleness, source: str) -> str:
    lines = [
        f"{printable(source)}: {printable(forecast.summary)}",
        (
            f"  Limit: {size(seen.limit_bytes)} ({printable(seen.limit_origin or '')}), {size(seen.charged_bytes)} used"
            f" ({seen.used_percent or 0.0:.1f} %)"
        ),
        f"  Reached in: {_reached_in(forecast)}",
    ]
    if forecast.at is not None:
        lines.append(f"  That is: {local_time(forecast.at)}")
    if forecast.deques_full_hours is not None:
        lines.append(f"  Deques full in: {_hours(forecast.deques_full_hours)}")
    lines += [f"  {printable(detail)}" for detail in forecast.details]
    stale = " - STALE: nothing is being recorded" if age.is_stale else ""
    lines.append(f"  Last sample: {local_time(age.last_at)} ({duration(age.age_seconds)} ago){stale}")
    return "\n".join(lines)


def _reached_in(forecast: Forecast) -> str:
    """Return when the limit is reached, or why no time is given."""
    match forecast.state:
        case "cannot_say":
            later = (
                ""
                if forecast.ready_at is None
                else f" (more readings, until {local_time(forecast.ready_at)})"
            )
            return f"cannot say yet{later}"
        case "never":
            return f"never within the horizon of {_hours(forecast.horizon_hours)}"
        case "reached":
            return "now"
        case "dated":
            latest = forecast.hours_to_limit_high
            end = "later than the horizon" if latest is None else _hours(latest)
            soonest = _hours(forecast.hours_to_limit_low or 0.0)
            return (
                f"{_hours(forecast.hours_to_limit or 0.0)} ({100 * forecast.level:g} %: {soonest} to {end})"
            )
        case _:
            assert_never(forecast.state)


def _hours(hours: float) -> str:
    return duration(hours * SECONDS_PER_HOUR)
