"""`memmon forecast`: when memory reaches its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from memmon.cli.assessed import age_of, require_limit
from memmon.cli.options import Common, WindowOptions, common, judging
from memmon.cli.output import write_json, write_text
from memmon.cli.selection import bounds_of, no_data, opened
from memmon.cli.text import duration, local_time, printable, size
from memmon.cli.values import LIMIT
from memmon.facts.defaults import LOOK_BACK_HOURS

if TYPE_CHECKING:
    from memmon.analysis.forecast.finding import Forecast
    from memmon.assessment.limits import Limit, LimitKind
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
    from memmon.analysis.forecast.limit import forecast_limit
    from memmon.clock import SystemClock

    with opened(common) as found:
        source = found.one()
        bounds = bounds_of(found.store, source, window, back_hours=LOOK_BACK_HOURS)
        history = found.store.history(source.name, bounds.since, bounds.until, run_id=bounds.run_id)
        if history.is_empty:
            raise no_data(found.store, source, bounds)
        chosen = require_limit(found.store, source, bounds, limit)
        forecast = forecast_limit(
            history, chosen.rss_at_limit_bytes, level=level, cross_check=not no_cross_check
        )
        age = age_of(found.store, source, now=SystemClock().now())
        if common.as_json:
            write_json(
                common,
                command="forecast",
                database=found.place.database,
                findings=[forecast_object(forecast, source.name)],
                limit=limit_object(chosen),
                staleness=age,
            )
        else:
            write_text(common, _text(forecast, chosen, age, source.name))


def forecast_object(forecast: Forecast, source: str) -> dict[str, Any]:
    """Return a forecast as `--json` prints it: the fields of the Python value, and the source."""
    return {**forecast.to_dict(), "source": source}


def limit_object(limit: Limit | None) -> dict[str, Any] | None:
    """Return what `--json` says of a limit."""
    if limit is None:
        return None
    return {
        "limit_bytes": limit.limit_bytes,
        "used_bytes": limit.used_bytes,
        "used_percent": limit.used_percent,
        "rss_at_limit_bytes": limit.rss_at_limit_bytes,
        "origin": limit.origin,
    }


def _text(forecast: Forecast, limit: Limit, age: Staleness, source: str) -> str:
    percent = f"{100 * forecast.level:g} %"
    lines = [
        f"{printable(source)}: {printable(forecast.summary)}",
        (
            f"  Limit: {size(limit.limit_bytes)} ({printable(limit.origin)}), {size(limit.used_bytes)} used"
            f" ({limit.used_percent:.1f} %)"
        ),
        (
            f"  Reached in: {_hours(forecast.hours_to_limit)} ({percent}: {_hours(forecast.hours_to_limit_low)}"
            f" to {_hours(forecast.hours_to_limit_high)})"
        ),
    ]
    if forecast.at is not None:
        lines.append(f"  That is: {local_time(forecast.at)}")
    if forecast.deques_full_hours is not None:
        lines.append(f"  Deques full in: {_hours(forecast.deques_full_hours)}")
    lines += [f"  {printable(detail)}" for detail in forecast.details]
    stale = " - STALE: nothing is being recorded" if age.is_stale else ""
    lines.append(f"  Last sample: {local_time(age.last_at)} ({duration(age.age_seconds)} ago){stale}")
    return "\n".join(lines)


def _hours(hours: float | None) -> str:
    return "never within the horizon" if hours is None else duration(hours * 3600)
