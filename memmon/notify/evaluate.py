"""Looking at every source of a store: what could be told of it now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.assessment.limits import recorded_limit
from memmon.errors import MemmonError
from memmon.notify import conditions
from memmon.notify.conditions import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.notify.machine import Observation
    from memmon.notify.policy import AlertPolicy
    from memmon.store.read import RunInfo, SourceInfo, Store

_CHECK_STEP = timedelta(hours=1)


def observe(
    store: Store, *, now: datetime, policy: AlertPolicy, source: str | None = None
) -> tuple[list[tuple[Observation, RunInfo]], list[str]]:
    """Return what is seen of each source (or one), with its newest run, and what could not be looked at."""
    found: list[tuple[Observation, RunInfo]] = []
    failed: list[str] = []
    sources = store.sources() if source is None else (store.resolve_source(source),)
    scopes: set[str] = set()
    for one in sources:
        try:
            seen = observe_source(store, one, now=now, policy=policy)
        except MemmonError as error:
            # One source that can't be judged must not keep the others from being heard.
            failed.append(f"{one.name}: {error}")
            continue
        for observation, run in seen:
            # What concerns the host is told once, by the first source on it.
            if observation.scope is None or observation.scope not in scopes:
                found.append((observation, run))
            if observation.scope is not None:
                scopes.add(observation.scope)
    return found, failed


def observe_source(
    store: Store, source: SourceInfo, *, now: datetime, policy: AlertPolicy
) -> list[tuple[Observation, RunInfo]]:
    """Return what is seen of one source; of a silent one only that it is silent."""
    runs = store.runs(source.name)
    if not runs:
        return []
    newest = max(runs, key=lambda run: run.last_at or run.started_at)
    subject = Subject(source_id=source.source_id, source=source.name, run=newest)
    silent = conditions.silence_of(subject, now=now, policy=policy)
    seen = [silent, conditions.restarts_of(subject, runs, now=now, policy=policy)]
    if silent.level == "clear" and newest.end_reason != "imported" and newest.last_at is not None:
        seen += _living(store, subject, runs, now=now, policy=policy)
    return [(observation, newest) for observation in seen]


def _living(
    store: Store, subject: Subject, runs: Sequence[RunInfo], *, now: datetime, policy: AlertPolicy
) -> list[Observation]:
    from memmon.analysis.forecast import forecast_limit
    from memmon.analysis.leak import LeakPolicy, detect_leak
    from memmon.analysis.sequential import confirmed

    name, last_at = subject.source, subject.run.last_at
    assert last_at is not None
    stats = store.window_statistics(name, last_at - timedelta(minutes=1), last_at)
    limit = recorded_limit(stats, runs)
    leak_policy = LeakPolicy(threshold_mb_per_hour=policy.leak_threshold_mb_per_hour)
    history = store.history(name, last_at - timedelta(hours=leak_policy.look_back_hours + 1), last_at)
    newest = detect_leak(history, leak_policy)
    forecast = None
    if limit is not None and newest.verdict.may_reach_limit:
        forecast = forecast_limit(history, limit.rss_at_limit_bytes)
    agreed = newest.is_leak and confirmed(
        (detect_leak(history.slice_time(None, last_at - _CHECK_STEP), leak_policy), newest)
    )
    trouble_since = now - timedelta(hours=policy.trouble_window_hours)
    seen = [
        conditions.high_memory_of(subject, stats, limit, policy),
        conditions.deques_of(subject, store.deque_status(name)),
        conditions.leak_of(subject, newest, is_confirmed=agreed, forecast=forecast, policy=policy),
        conditions.forecast_of(subject, newest, forecast, policy),
        conditions.trouble_of(subject, store.events(name, trouble_since, kinds=("dropped",)), policy),
    ]
    return [one for one in seen if one is not None]
