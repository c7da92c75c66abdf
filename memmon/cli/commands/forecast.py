"""`memmon forecast`: when memory reaches its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

import click

from memmon.cli.assessed import assessed, limit_object, require_forecast, staleness_of
from memmon.cli.options import Common, WindowOptions, common, judging
from memmon.cli.output import write_json, write_text
from memmon.cli.parameter_types import LIMIT, NumberRange
from memmon.cli.selection import opened
from memmon.cli.text import duration, local_time, printable, size
from memmon.facts.limit_names import limit_name
from memmon.formatting import span, span_range

if TYPE_CHECKING:
    from memmon.analysis.forecast.finding import Forecast
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.limits import LimitKind
    from memmon.facts.staleness import Staleness


@click.command("forecast")
@click.option(
    "--limit", type=LIMIT, metavar="2GiB|container|host", help="Default: the limit that was recorded."
)
@click.option("--level", type=NumberRange(0.5, 0.99), default=0.8, show_default=True, help="Of the interval.")
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
        judged = assessed(
            found,
            found.one(),
            window,
            now=SystemClock().now(),
            limit=limit,
            forecast_level=level,
            is_cross_checked=not no_cross_check,
        )
        forecast = require_forecast(judged, limit)
        if common.as_json:
            write_json(
                common,
                command="forecast",
                database=found.place.database,
                findings=[forecast_object(forecast, judged.source.name)],
                limit=limit_object(judged.assessment),
                staleness=staleness_of(judged),
            )
        else:
            write_text(common, _text(forecast, judged.assessment, staleness_of(judged)))


def forecast_object(forecast: Forecast, source: str) -> dict[str, Any]:
    """Return a forecast as `--json` prints it: the fields of the Python value, and the source."""
    return {**forecast.to_dict(), "source": source}


def _text(forecast: Forecast, found: Assessment, age: Staleness) -> str:
    lines = [
        f"{printable(found.source)}: {printable(forecast.summary)}",
        (
            f"  Limit: {size(found.limit_bytes)} ({limit_name(found.limit_origin)}), {size(found.charged_bytes)} used"
            f" ({found.used_percent:.1f} %)"
        ),
        f"  Reached in: {_reached(forecast, found)}",
    ]
    if forecast.at is not None:
        lines.append(f"  That is: {local_time(forecast.at)}")
    if forecast.deques_full_hours is not None:
        lines.append(f"  Deques full in: {span(forecast.deques_full_hours)}")
    lines += [f"  {printable(detail)}" for detail in (*found.outlook, *forecast.details)]
    stale = " - STALE: nothing is being recorded" if age.is_stale else ""
    lines.append(f"  Last sample: {local_time(age.last_at)} ({duration(age.age_seconds)} ago){stale}")
    return "\n".join(lines)


def _reached(forecast: Forecast, found: Assessment) -> str:
    """Return when the limit is reached; what can't be said yet is not `never`, and a true never names its horizon."""
    match forecast.state:
        case "cannot_say" if found.is_level:
            return "no date, as nothing grows towards it"
        case "cannot_say":
            again = "" if found.ready_at is None else f" (ask again at {local_time(found.ready_at)})"
            return f"cannot say yet{again}"
        case "never":
            return f"never within the horizon of {span(forecast.horizon_hours)}"
        case "reached":
            return "now"
        case "dated":
            sure = span_range(
                forecast.hours_to_limit_low or 0.0,
                forecast.hours_to_limit_high,
                endless="later than the horizon",
            )
            return f"{span(forecast.hours_to_limit or 0.0)} ({100 * forecast.level:g} %: {sure})"
        case _:
            assert_never(forecast.state)
