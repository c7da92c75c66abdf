"""`memmon check`: the state as a monitoring system wants it (plugin exit codes, performance data)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from memmon.assessment.advice import UNRECORDED_ADVICE
from memmon.assessment.check_state import WORST_FIRST, CheckReason, CheckState, check_state
from memmon.assessment.freshness import ahead_sentence
from memmon.assessment.severity import CRITICAL_SHARE, NEAR_HOURS, WARNING_SHARE
from memmon.cli.assessed import assessed, finding_object, limit_object, source_object, staleness_of
from memmon.cli.options import Common, WindowOptions, common, judging
from memmon.cli.output import write_json, write_text
from memmon.cli.parameter_types import DURATION, LIMIT
from memmon.cli.selection import opened
from memmon.cli.text import duration, local_time, printable, size
from memmon.errors import NoDataError
from memmon.facts.deque_state import state_of
from memmon.facts.staleness import stale_after_seconds
from memmon.facts.verdicts import Verdict
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.assessment.assessment import Assessment
    from memmon.assessment.gather import Judged
    from memmon.assessment.limits import LimitKind
    from memmon.cli.selection import Opened
    from memmon.store.read import SourceInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSource:
    """What the check says of one source."""

    source: str
    state: CheckState
    reasons: tuple[str, ...]
    judged: Judged | None = None


@click.command("check")
@click.option(
    "--max-age",
    type=DURATION,
    metavar="15m",
    help="Older data are UNKNOWN (default: 3 intervals, unless the run was ended on purpose).",
)
@click.option(
    "--limit", type=LIMIT, metavar="2GiB|container|host", help="Default: the limit that was recorded."
)
@judging
@common
def command(
    *, max_age: float | None, limit: LimitKind | int | None, common: Common, window: WindowOptions
) -> int:
    """Answer a monitoring system.

    0 OK; 1 WARNING: a leak of medium or high confidence, 80 % of the limit used, a limit that is
    reached soon at the present pace, a deque outside its limit, or child processes that nobody records and
    that hold more than 10 % of what is recorded; 2
    CRITICAL: the limit (of memory, or of open files that grow) will be reached within 24 hours, or 95 % of memory's is used; 3 UNKNOWN: no verdict yet, old or no
    data, errors. All sources are checked unless one is named; the worst decides.
    """
    from memmon.clock import SystemClock

    with opened(common, quiet=True) as found:
        now = SystemClock().now()
        checked = [
            _check(found, source, window, limit, max_age_seconds=max_age, now=now) for source in found.all()
        ]
        state = next(state for state in WORST_FIRST if any(one.state == state for one in checked))
        if common.as_json:
            write_json(common, command="check", database=found.place.database, **_values(state, checked))
        else:
            write_text(common, plugin_text(state, checked, database=found.place.database.shown))
    return state


def _check(
    found: Opened,
    source: SourceInfo,
    window: WindowOptions,
    wanted: LimitKind | int | None,
    *,
    max_age_seconds: float | None,
    now: datetime,
) -> CheckedSource:
    try:
        judged = assessed(found, source, window, now=now, limit=wanted, is_ahead_told=True)
    except NoDataError as error:
        return CheckedSource(source=source.name, state=CheckState.UNKNOWN, reasons=(str(error),))
    state, why = check_state(judged.assessment, max_age_seconds=max_age_seconds)
    age = staleness_of(judged)
    oldest = max_age_seconds or stale_after_seconds(age.interval_seconds)
    stale = f"stale: last sample {duration(age.age_seconds)} ago (allowed: {duration(oldest)})"
    fresh = judged.assessment.freshness
    if fresh is not None and fresh.ahead_until is not None:
        stale = f"stale: {ahead_sentence(fresh)}"
    reasons = tuple(stale if reason.kind == "stale" else _reason(judged.assessment, reason) for reason in why)
    return CheckedSource(source=source.name, state=state, reasons=reasons, judged=judged)


def _reason(found: Assessment, reason: CheckReason) -> str:
    """Return what led to a state, in words."""
    finding, forecast = found.finding, found.forecast
    if reason.kind == "deques":
        failing = sum(state_of(deque).is_failing for deque in found.deques)
        return f"{failing} of {len(found.deques)} deques outside their limit"
    if reason.kind == "resources":
        return "; ".join(one.clause(found.label_of(one.run_id)) for one in found.growing_resources)
    if reason.kind == "children":
        return "" if found.unrecorded is None else found.unrecorded.words
    if reason.kind == "pace":
        within = "" if found.pace is None else found.pace.span_words
        return f"at the present pace the limit is reached {within}"
    if reason.kind == "limit_use":
        percent = found.used_percent or 0.0
        return f"{size(found.charged_bytes)} of {size(found.limit_bytes)} used ({percent:.0f} %){_by(found)}"
    if reason.kind == "near_limit":
        hours = (None if forecast is None else forecast.hours_to_limit) or 0.0
        return f"limit reached {_within(hours)}{_by(found)}"
    if finding.is_leak:
        name = found.worst_label
        whose = f" in {name}, the worst of {len(found.recorded)} processes" if name else ""
        return f"leak of {_rate(finding.slope_mb_per_hour)} (confidence: {finding.confidence}){whose}"
    waits = f" ({found.waits_for})" if found.waits_for and finding.verdict is Verdict.CANNOT_SAY else ""
    return f"{finding.verdict.words}, {_rate(finding.slope_mb_per_hour)}{waits}"


def _within(hours: float) -> str:
    return f"in {duration(hours * SECONDS_PER_HOUR)}" if hours else "now"


def _by(found: Assessment) -> str:
    """Return of which of several processes the limit is; empty where it holds for all."""
    name = found.label_of(found.limited_run_id)
    return f" by {name}" if name else ""


def _rate(slope_mb_per_hour: float | None) -> str:
    return "no growth rate yet" if slope_mb_per_hour is None else f"{slope_mb_per_hour:z.2f} MB/hour"


def plugin_text(state: CheckState, checked: list[CheckedSource], *, database: str) -> str:
    """Return the plugin's lines: the state and its reason, performance data, then each source."""
    ordered = sorted(checked, key=lambda one: WORST_FIRST.index(one.state))
    worst = ordered[0]
    more = f" (and {len(checked) - 1} more sources)" if len(checked) > 1 else ""
    first = f"MEMMON {state.name} - {_plain(worst.source)}: {_plain('; '.join(worst.reasons))}{more}"
    data = [item for one in checked for item in _performance(one, alone=len(checked) == 1)]
    lines = [f"{first} | {' '.join(data)}" if data else first]
    if len(checked) > 1:
        lines += [
            f"{one.state.name} {_plain(one.source)}: {_plain('; '.join(one.reasons))}" for one in ordered
        ]
    lines += [line for one in ordered for line in _more(one, alone=len(checked) == 1)]
    lines.append(f"database: {_plain(database)}")
    return "\n".join(lines)


def _more(one: CheckedSource, *, alone: bool) -> list[str]:
    """Return since when earlier runs leaked too, what several processes hold together, and what counts against the limit and is held by nobody that is recorded."""
    if one.judged is None:
        return []
    found = one.judged.assessment
    prefix = "" if alone else f"{_plain(one.source)}: "
    before = "" if found.before_restart is None else found.before_restart.sentence(local_time)
    said = [before, found.together, found.elsewhere]
    if found.unrecorded is not None:
        said += [found.not_recorded, UNRECORDED_ADVICE]
    return [f"{prefix}{_plain(one)}" for one in said if one]


def _performance(one: CheckedSource, *, alone: bool) -> list[str]:
    """Return `'label'=value;warn;crit;min;max` for each figure that is known."""
    if one.judged is None:
        return []
    prefix = "" if alone else _plain(one.source).replace("'", "").replace("=", "-") + " "
    found = one.judged.assessment
    finding, limit_bytes, hours = found.finding, found.limit_bytes, _hours_to_limit(one)
    items = [] if found.rss_bytes is None else [f"'{prefix}rss'={found.rss_bytes}B;;;0"]
    if finding.slope_mb_per_hour is not None:
        items.append(
            f"'{prefix}slope_mb_per_hour'={finding.slope_mb_per_hour:z.3f};{finding.policy.threshold_mb_per_hour:g}"
        )
    if limit_bytes is not None:
        warn, critical = (round(limit_bytes * share) for share in (WARNING_SHARE, CRITICAL_SHARE))
        items.append(f"'{prefix}limit_used'={found.charged_bytes}B;{warn};{critical};0;{limit_bytes}")
    if hours is not None:
        items.append(f"'{prefix}hours_to_limit'={hours:.2f};;{NEAR_HOURS:g}:")
    age_seconds = staleness_of(one.judged).age_seconds
    if age_seconds is not None:
        items.append(f"'{prefix}age'={age_seconds:.0f}s")
    return items


def _hours_to_limit(one: CheckedSource) -> float | None:
    forecast = None if one.judged is None else one.judged.assessment.forecast
    return None if forecast is None else forecast.hours_to_limit


def _plain(text: str) -> str:
    """Return text that can't be taken for performance data."""
    return printable(text).replace("|", "/")


def _assessment_of(one: CheckedSource) -> dict[str, Any] | None:
    return None if one.judged is None else one.judged.assessment.to_dict()


def _values(state: CheckState, checked: list[CheckedSource]) -> dict[str, Any]:
    return {
        "state": state.name,
        "exit_code": int(state),
        "assessment": _assessment_of(next(one for one in checked if one.state == state)),
        "findings": [finding_object(one.judged) for one in checked if one.judged is not None],
        "sources": [
            {
                **({"source": one.source} if one.judged is None else source_object(one.judged)),
                "state": one.state.name,
                "reasons": one.reasons,
                "assessment": _assessment_of(one),
                "limit": None if one.judged is None else limit_object(one.judged.assessment),
                "hours_to_limit": _hours_to_limit(one),
            }
            for one in checked
        ],
    }
