"""Judge sources for the commands `leaks` and `check`; numpy and the reading side, nothing heavier."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from memmon.cli.output import say
from memmon.cli.sources import bounds_of, no_data
from memmon.errors import NoDataError
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.analysis.leak_values import LeakFinding, LeakPolicy
    from memmon.cli.options import Window
    from memmon.cli.sources import Bounds, Opened
    from memmon.facts.staleness import Staleness
    from memmon.history import History
    from memmon.store.read import SourceInfo, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A source, what was looked at, and the verdict on it."""

    source: SourceInfo
    history: History
    finding: LeakFinding
    age: Staleness
    bounds: Bounds


def policy_of(opened: Opened, window: Window) -> LeakPolicy:
    """Return the policy that the options and settings mean."""
    from memmon.analysis.leak_values import LeakPolicy

    threshold = window.threshold_mb_per_hour or opened.place.settings.leak_threshold_mb_per_hour
    return LeakPolicy(threshold_mb_per_hour=threshold)


def judge(opened: Opened, source: SourceInfo, window: Window, *, now: datetime) -> Judged:
    """Return the verdict on one source; raises NoDataError when the window holds no sample."""
    from memmon.analysis.leak import detect_leak

    policy = policy_of(opened, window)
    bounds = bounds_of(opened.store, source, window, back_hours=policy.look_back_hours)
    history = opened.store.history(source.name, bounds.since, bounds.until, run_id=bounds.run_id)
    if history.is_empty:
        raise no_data(opened.store, source, bounds)
    if window.since is not None:
        policy = _look_back_to(policy, history)
    return Judged(
        source=source,
        history=history,
        finding=detect_leak(history, policy),
        age=age_of(opened.store, source, now=now),
        bounds=bounds,
    )


def judge_all(opened: Opened, window: Window, *, now: datetime) -> tuple[Judged, ...]:
    """Return the verdicts on the source named, else on every one.

    A source without a sample in the window is left out and said; raises NoDataError when none has any.
    """
    judged, lacking = [], []
    for source in opened.all():
        try:
            judged.append(judge(opened, source, window, now=now))
        except NoDataError as error:
            lacking.append(error)
    if not judged:
        raise lacking[0]
    for reason in lacking:
        say(f"left out: {reason}")
    return tuple(judged)


def _look_back_to(policy: LeakPolicy, history: History) -> LeakPolicy:
    """Widen the look-back to all of a window that was asked for by name."""
    span_hours = float(history.at_seconds.max() - history.at_seconds.min()) / SECONDS_PER_HOUR
    return replace(policy, look_back_hours=max(span_hours + 1.0, policy.look_back_hours))


def age_of(store: Store, source: SourceInfo, *, now: datetime) -> Staleness:
    """Return how old the newest sample is, measured in the newest run's own intervals."""
    from memmon.facts.staleness import newest_interval_seconds, staleness

    interval_seconds = newest_interval_seconds(store.runs(source.name))
    return staleness(source.last_at, now=now, interval_seconds=interval_seconds)


def finding_object(judged: Judged) -> dict[str, Any]:
    """Return a finding as `--json` prints it: the fields of the Python value, and the source."""
    return {**judged.finding.to_dict(), "source": judged.source.name}


def source_object(judged: Judged) -> dict[str, Any]:
    """Return what `--json` says of a source beside its finding: how fresh it is."""
    return {
        "source": judged.source.name,
        "last_at": judged.age.last_at,
        "age_seconds": judged.age.age_seconds,
        "interval_seconds": judged.age.interval_seconds,
        "is_stale": judged.age.is_stale,
    }
