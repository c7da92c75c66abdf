"""The one sentence on a source: verdict, rate, since when, whose it is, and when the limit is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.assessment.culprits import GUILTY_SHARE, UNEXPLAINED
from memmon.assessment.freshness import FreshnessState
from memmon.assessment.overtaken import overtaken_words
from memmon.facts.limit_names import limit_name
from memmon.facts.run_endings import END_WORDS
from memmon.facts.signals import Signal
from memmon.facts.verdicts import Verdict
from memmon.formatting import age, in_percent, interval, local_time, rate, shown, size, span, span_range
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.culprits import Culprit, Culprits
    from memmon.assessment.freshness import Freshness

_HUNDRED_PERCENT = 100.0
"""By definition: a whole in per cent."""


def headline_of(assessed: Assessment) -> str:
    """Return the sentence; what is not known is left out of it."""
    parts = [
        f"{_verdict(assessed)}{where_of(assessed)}",
        "" if assessed.before_restart is None else assessed.before_restart.clause(local_time),
        _culprit(assessed),
        _limit(assessed),
        *(one.clause(assessed.label_of(one.run_id)) for one in assessed.growing_resources),
        "" if assessed.unrecorded is None else assessed.unrecorded.words,
        _freshness(assessed.freshness),
    ]
    return "; ".join(filter(None, parts)) + "."


def chief_culprit(culprits: Culprits | None, *, least_share: float = GUILTY_SHARE) -> Culprit | None:
    """Return the named part that most of the growth belongs to, where it is a good part of it."""
    named = [one for one in (() if culprits is None else culprits.parts) if one.name != UNEXPLAINED]
    return next((one for one in named if one.share >= least_share), None)


def _verdict(assessed: Assessment) -> str:
    finding = assessed.finding
    slope = finding.slope_mb_per_hour
    words = finding.verdict.row.beginning
    if finding.verdict is Verdict.CANNOT_SAY and assessed.waits_for:
        words += f" ({assessed.waits_for})"
    if slope is None:
        return words
    words += f": {rate(slope)}"
    low, high = finding.slope_low_mb_per_hour, finding.slope_high_mb_per_hour
    if low is not None and high is not None:
        words += f" (95 % interval {interval(low, high)})"
    if finding.verdict.row.grows and finding.since is not None:
        words += f" since {local_time(finding.since)}"
    return words if finding.signal is Signal.FOOTPRINT else f"{words}, told by {finding.signal.words}"


def where_of(assessed: Assessment) -> str:
    """Return of which of several processes the verdict is, as the end of a clause; empty of a single one."""
    count = len(assessed.recorded)
    if count < 2:  # noqa: PLR2004 -- a single one needs no name
        return ""
    if assessed.finding_run_id is None:
        return f", in {count} processes together"
    name = assessed.worst_label
    return f", in {name}, the worst of {count} processes" if name else f", of {count} processes side by side"


def _culprit(assessed: Assessment) -> str:
    found = chief_culprit(assessed.culprits) if assessed.finding.verdict.row.is_explained else None
    return "" if found is None else f"{in_percent(found.share)} of it in {shown(found.name)}"


def _limit(assessed: Assessment) -> str:
    limit_bytes, percent, forecast = assessed.limit_bytes, assessed.used_percent, assessed.forecast
    if limit_bytes is None or percent is None:
        return ""
    whole = f"{limit_name(assessed.limit_origin)} ({size(mb_from_bytes(limit_bytes))})"
    name = assessed.label_of(assessed.limited_run_id)
    by = f" by {name}" if name else ""
    if percent >= _HUNDRED_PERCENT:
        return f"{whole} is reached{by}"
    if assessed.pace is not None:
        return f"{percent:.0f} % of {whole} is used{by}; at the present pace it is reached {assessed.pace.span_words}"
    hours = None if forecast is None else forecast.hours_to_limit
    if hours is None or forecast is None or assessed.finding.verdict is Verdict.CANNOT_SAY:
        return f"{percent:.0f} % of {whole} is used{by}"
    low, high = forecast.hours_to_limit_low, forecast.hours_to_limit_high
    sure = span_range(low or 0.0, high)
    at = "" if forecast.at is None else f", at {local_time(forecast.at)}"
    reached = overtaken_words(assessed) or f"is reached in about {span(hours)}"
    return f"{whole} {reached}{by} ({in_percent(forecast.level)} interval {sure}){at}"


def _freshness(freshness: Freshness | None) -> str:
    if freshness is None:
        return ""
    ago = "" if freshness.age_seconds is None else f" {age(freshness.age_seconds)} ago"
    match freshness.state:
        case FreshnessState.LIVE:
            return ""
        case FreshnessState.CLOCK_AHEAD:
            until = "" if freshness.ahead_until is None else f" ({local_time(freshness.ahead_until)})"
            return f"clock ahead: its newest sample lies in the future{until}"
        case FreshnessState.SILENT:
            return f"silent: its last sample came{ago}" if ago else "silent: no sample was ever recorded"
        case _:
            how = END_WORDS.get(freshness.end_reason or "", freshness.end_reason or "ended")
            return f"its run ended{ago} ({how})"
