"""`memmon check`: the state as a monitoring system wants it (plugin exit codes, performance data)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from memmon.cli.commands.forecast import limit_object
from memmon.cli.judging import finding_object, judge, source_object
from memmon.cli.limits import LIMIT, limit_of
from memmon.cli.options import Common, Window, common, judging
from memmon.cli.output import write_json, write_text
from memmon.cli.sources import opened
from memmon.cli.text import duration, printable, size
from memmon.cli.values import DURATION
from memmon.errors import NoDataError
from memmon.facts.staleness import allowed_age_seconds
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.analysis.forecast_values import Forecast
    from memmon.cli.judging import Judged
    from memmon.cli.sources import Opened
    from memmon.report.limits import Limit
    from memmon.store.read import SourceInfo

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
_NAMES = {OK: "OK", WARNING: "WARNING", CRITICAL: "CRITICAL", UNKNOWN: "UNKNOWN"}
_WORST_FIRST = (CRITICAL, WARNING, UNKNOWN, OK)
WARNING_PERCENT = 80.0
CRITICAL_HOURS = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the check says of one source."""

    source: str
    state: int
    reasons: tuple[str, ...]
    judged: Judged | None = None
    limit: Limit | None = None
    forecast: Forecast | None = None


@click.command("check")
@click.option(
    "--max-age",
    type=DURATION,
    metavar="15m",
    help="Older data are UNKNOWN (default: 3 intervals, 15m at least).",
)
@click.option(
    "--limit", type=LIMIT, metavar="2GiB|container|host", help="Default: the limit that was recorded."
)
@judging
@common
def command(*, max_age: float | None, limit: str | int | None, common: Common, window: Window) -> int:
    """Answer a monitoring system.

    0 OK; 1 WARNING: a leak of medium confidence, or memory at 80 % of the limit; 2 CRITICAL: a leak of high
    confidence, or the limit within 24 hours; 3 UNKNOWN: old or no data, errors. All sources are checked
    unless one is named; the worst decides.
    """
    from memmon.clock import SystemClock

    with opened(common, quiet=True) as found:
        now = SystemClock().now()
        checked = [
            _check(found, source, window, limit, max_age_seconds=max_age, now=now) for source in found.all()
        ]
        state = next(state for state in _WORST_FIRST if any(one.state == state for one in checked))
        if common.as_json:
            write_json(common, command="check", database=found.place.database, **_values(state, checked))
        else:
            write_text(common, plugin_text(state, checked, database=found.place.database.shown))
    return state


def _check(
    found: Opened,
    source: SourceInfo,
    window: Window,
    wanted: str | int | None,
    *,
    max_age_seconds: float | None,
    now: datetime,
) -> Checked:
    try:
        judged = judge(found, source, window, now=now)
    except NoDataError as error:
        return Checked(source=source.name, state=UNKNOWN, reasons=(str(error),))
    oldest = max_age_seconds or allowed_age_seconds(judged.age.interval_seconds)
    limit = limit_of(found.store, source, judged.bounds, wanted)
    forecast = None if limit is None else _forecast(judged, limit)
    state, reasons = verdict(judged, limit, forecast)
    age_seconds = judged.age.age_seconds
    if age_seconds is None or age_seconds > oldest:
        stale = f"stale: last sample {duration(age_seconds)} ago (allowed: {duration(oldest)})"
        state, reasons = UNKNOWN, (stale, *reasons)
    return Checked(
        source=source.name, state=state, reasons=reasons, judged=judged, limit=limit, forecast=forecast
    )


def _forecast(judged: Judged, limit: Limit) -> Forecast:
    from memmon.analysis.forecast import forecast_limit

    return forecast_limit(judged.history, limit.rss_at_limit_bytes)


def verdict(judged: Judged, limit: Limit | None, forecast: Forecast | None) -> tuple[int, tuple[str, ...]]:
    """Return the state and what led to it, the worst first."""
    finding = judged.finding
    found: list[tuple[int, str]] = []
    if finding.is_leak:
        state = {"high": CRITICAL, "medium": WARNING}.get(finding.confidence, OK)
        found.append(
            (state, f"leak of {_rate(finding.slope_mb_per_hour)} (confidence: {finding.confidence})")
        )
    else:
        found.append((OK, f"{finding.verdict.words}, {_rate(finding.slope_mb_per_hour)}"))
    if forecast is not None and _is_near(forecast):
        state = CRITICAL if _is_certain(forecast) else WARNING
        found.append(
            (state, f"limit reached in {duration((forecast.hours_to_limit or 0.0) * SECONDS_PER_HOUR)}")
        )
    if limit is not None:
        used = f"{size(limit.used_bytes)} of {size(limit.limit_bytes)} used ({limit.used_percent:.0f} %)"
        found.append((WARNING if limit.used_percent >= WARNING_PERCENT else OK, used))
    found.sort(key=lambda item: _WORST_FIRST.index(item[0]))
    return found[0][0], tuple(text for _, text in found)


def _is_near(forecast: Forecast) -> bool:
    return forecast.hours_to_limit is not None and forecast.hours_to_limit <= CRITICAL_HOURS


def _is_certain(forecast: Forecast) -> bool:
    """Tell growth from noise: of leak-free histories 2 to 4 % seem to reach a near limit, half of them without this."""
    if forecast.state == "over_limit":
        return True
    return forecast.slope_low_mb_per_hour is not None and forecast.slope_low_mb_per_hour > 0


def _rate(slope_mb_per_hour: float | None) -> str:
    return "no growth rate yet" if slope_mb_per_hour is None else f"{slope_mb_per_hour:z.2f} MB/hour"


def plugin_text(state: int, checked: list[Checked], *, database: str) -> str:
    """Return the plugin's lines: the state and its reason, performance data, then each source."""
    ordered = sorted(checked, key=lambda one: _WORST_FIRST.index(one.state))
    worst = ordered[0]
    more = f" (and {len(checked) - 1} more sources)" if len(checked) > 1 else ""
    first = f"MEMMON {_NAMES[state]} - {_plain(worst.source)}: {_plain('; '.join(worst.reasons))}{more}"
    data = [item for one in checked for item in _performance(one, alone=len(checked) == 1)]
    lines = [f"{first} | {' '.join(data)}" if data else first]
    if len(checked) > 1:
        lines += [
            f"{_NAMES[one.state]} {_plain(one.source)}: {_plain('; '.join(one.reasons))}" for one in ordered
        ]
    lines.append(f"database: {_plain(database)}")
    return "\n".join(lines)


def _performance(one: Checked, *, alone: bool) -> list[str]:
    """Return `'label'=value;warn;crit;min;max` for each figure that is known."""
    if one.judged is None:
        return []
    prefix = "" if alone else _plain(one.source).replace("'", "").replace("=", "-") + " "
    finding, limit, forecast = one.judged.finding, one.limit, one.forecast
    items = [f"'{prefix}rss'={int(one.judged.history.rss_bytes[-1])}B;;;0"]
    if finding.slope_mb_per_hour is not None:
        items.append(
            f"'{prefix}slope_mb_per_hour'={finding.slope_mb_per_hour:z.3f};{finding.policy.threshold_mb_per_hour:g}"
        )
    if limit is not None:
        warn = round(limit.limit_bytes * WARNING_PERCENT / 100)
        items.append(f"'{prefix}limit_used'={limit.used_bytes}B;{warn};;0;{limit.limit_bytes}")
    if forecast is not None and forecast.hours_to_limit is not None:
        items.append(f"'{prefix}hours_to_limit'={forecast.hours_to_limit:.2f};;{CRITICAL_HOURS:g}:")
    if one.judged.age.age_seconds is not None:
        items.append(f"'{prefix}age'={max(one.judged.age.age_seconds, 0):.0f}s")
    return items


def _plain(text: str) -> str:
    """Return text that can't be taken for performance data."""
    return printable(text).replace("|", "/")


def _values(state: int, checked: list[Checked]) -> dict[str, Any]:
    return {
        "state": _NAMES[state],
        "exit_code": state,
        "findings": [finding_object(one.judged) for one in checked if one.judged is not None],
        "sources": [
            {
                **({"source": one.source} if one.judged is None else source_object(one.judged)),
                "state": _NAMES[one.state],
                "reasons": one.reasons,
                "limit": limit_object(one.limit),
                "hours_to_limit": None if one.forecast is None else one.forecast.hours_to_limit,
            }
            for one in checked
        ],
    }
