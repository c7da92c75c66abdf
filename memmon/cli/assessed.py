"""What the options ask to be assessed, and what `--json` says of it; numpy and the reading side, nothing heavier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memmon.cli.output import say
from memmon.cli.selection import bounds_of, no_data
from memmon.cli.text import printable
from memmon.errors import NoDataError

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.analysis.forecast.finding import Forecast
    from memmon.analysis.leak.finding import LeakPolicy
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.gather import Judged
    from memmon.assessment.limits import LimitKind
    from memmon.cli.options import WindowOptions
    from memmon.cli.selection import Opened
    from memmon.facts.staleness import Staleness
    from memmon.store.read import SourceInfo, Store


def policy_of(opened: Opened, window: WindowOptions) -> LeakPolicy:
    """Return the policy that the options and settings mean."""
    from memmon.analysis.leak.finding import LeakPolicy

    threshold = window.threshold_mb_per_hour or opened.place.settings.leak_threshold_mb_per_hour
    return LeakPolicy(threshold_mb_per_hour=threshold)


def assessed(
    opened: Opened,
    source: SourceInfo,
    window: WindowOptions,
    *,
    now: datetime,
    limit: LimitKind | int | None = None,
    is_ahead_told: bool = False,
    has_cause: bool = False,
    **asked: Any,
) -> Judged:
    """Return what is said of one source, its growth's cause only where it is asked for; raises NoDataError without a sample.

    `is_ahead_told`: a source whose samples all lie in the future is answered for too: that no verdict can be given.
    `asked`: more of the `Question`.
    """
    from memmon.assessment.gather import Question, judge

    policy = policy_of(opened, window)
    bounds = bounds_of(opened.store, source, window, back_hours=policy.look_back_hours)
    question = Question(
        bounds=bounds,
        policy=policy,
        limit=limit or "recorded",
        is_whole=window.since is not None,
        asks_week_before=window.since is None,
        has_cause=has_cause,
        **asked,
    )
    judged = judge(opened.store, source, question, now=now)
    if judged.history.is_empty and not (is_ahead_told and _is_clock_ahead(judged)):
        raise no_data(opened.store, source, bounds)
    return judged


def _is_clock_ahead(judged: Judged) -> bool:
    """Tell whether all samples of a source lie in the future."""
    fresh = judged.assessment.freshness
    return fresh is not None and fresh.ahead_until is not None and fresh.last_at is None


def all_assessed(opened: Opened, window: WindowOptions, *, now: datetime) -> tuple[Judged, ...]:
    """Return what is said of the source named, else of every one, in brief.

    A source without a sample in the window is left out and said; raises NoDataError when none has any.
    """
    found, lacking = [], []
    for source in opened.all():
        try:
            found.append(assessed(opened, source, window, now=now, is_ahead_told=True, is_brief=True))
        except NoDataError as error:
            lacking.append(error)
    if not found:
        raise lacking[0]
    for reason in lacking:
        say(f"left out: {reason}")
    return tuple(found)


def require_forecast(judged: Judged, wanted: LimitKind | int | None) -> Forecast:
    """Return when the limit is reached; raises NoDataError when no limit was recorded."""
    found = judged.assessment.forecast
    if found is None:
        kind = f"{wanted} limit" if isinstance(wanted, str) else "limit"
        raise NoDataError(
            f"no {kind} was recorded for {printable(judged.source.name)}; give one, such as --limit 2GiB"
        )
    return found


def limit_object(found: Assessment) -> dict[str, Any] | None:
    """Return what `--json` says of the limit."""
    if found.limit_bytes is None:
        return None
    return {
        "limit_bytes": found.limit_bytes,
        "used_bytes": found.charged_bytes,
        "used_percent": found.used_percent,
        "rss_at_limit_bytes": found.rss_at_limit_bytes,
        "origin": found.limit_origin,
    }


def age_of(store: Store, source: SourceInfo, *, now: datetime) -> Staleness:
    """Return how old the newest sample is, measured in the newest run's own intervals."""
    from memmon.assessment.freshness import freshness_of

    return freshness_of(store.runs(source.name), now=now).staleness


def staleness_of(judged: Judged) -> Staleness:
    """Return how old the newest sample of what was judged is."""
    found = judged.assessment.freshness
    assert found is not None, "the command line always says what time it is"
    return found.staleness


def finding_object(judged: Judged) -> dict[str, Any]:
    """Return a finding as `--json` prints it: the fields of the Python value, and the source."""
    return {**judged.assessment.finding.to_dict(), "source": judged.source.name}


def source_object(judged: Judged) -> dict[str, Any]:
    """Return what `--json` says of a source beside its finding: how fresh it is."""
    age = staleness_of(judged)
    return {
        "source": judged.source.name,
        "last_at": age.last_at,
        "age_seconds": age.age_seconds,
        "interval_seconds": age.interval_seconds,
        "is_stale": age.is_stale,
    }
