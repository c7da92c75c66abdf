"""Looking at every source of a store: what is known of it now, and what could be told of that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.alerts import conditions
from memmon.alerts.present import Memory, PresentState
from memmon.errors import MemmonError
from memmon.model import DequeReading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.alerts.policy import AlertPolicy
    from memmon.alerts.state_machine import Observation
    from memmon.store.read import DequeStatus, EventInfo, RunInfo, SourceInfo, Store, WindowStatistics


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
    newest = newest_run(runs)
    present = PresentState(at=now, source=source.name, source_id=source.source_id, run=newest, runs=runs)
    silent = conditions.silent(present, policy)
    is_silent = silent is None or silent.level != "clear"
    if not is_silent and newest.end_reason != "imported" and newest.last_at is not None:
        present = living(store, present, runs, at=newest.last_at, policy=policy)
    return [(observation, newest) for observation in conditions.observe(present, policy)]


def newest_run(runs: Sequence[RunInfo]) -> RunInfo:
    """Return the run that was heard of last."""
    return max(runs, key=lambda run: run.last_at or run.started_at)


def living(
    store: Store, present: PresentState, runs: Sequence[RunInfo], *, at: datetime, policy: AlertPolicy
) -> PresentState:
    """Return what is known besides of a source that lives; `at`: its newest snapshot."""
    name = present.source
    stats = store.window_statistics(name, at - timedelta(minutes=1), at)
    since = present.at - timedelta(hours=policy.trouble_window_hours)
    return replace(
        judged(store, present, runs, at=at, policy=policy, stats=stats),
        memory=_memory(stats, runs),
        deques=[deque_reading(item) for item in store.deque_status(name)],
        dropped_counts=[_dropped(event) for event in store.events(name, since, kinds=("dropped",))],
    )


def judged(
    store: Store,
    present: PresentState,
    runs: Sequence[RunInfo],
    *,
    at: datetime,
    policy: AlertPolicy,
    stats: WindowStatistics | None = None,
) -> PresentState:
    """Return what is known with the judgement of the history up to `at`, and when the limit is reached."""
    from memmon.analysis.leak.detect import LeakPolicy
    from memmon.assessment.gather import Question, is_leak_confirmed, judge
    from memmon.assessment.present import Bounds

    name = present.source
    leak_policy = LeakPolicy(threshold_mb_per_hour=policy.leak_threshold_mb_per_hour)
    bounds = Bounds(since=at - timedelta(hours=leak_policy.look_back_hours + 1), until=at)
    question = Question(bounds=bounds, policy=leak_policy, has_cause=False)
    found = judge(store, store.resolve_source(name), question, now=present.at, stats=stats, runs=tuple(runs))
    return replace(
        present,
        leak=found.assessment.finding,
        is_leak_confirmed=is_leak_confirmed(found, leak_policy),
        forecast=found.assessment.forecast,
    )


def _memory(stats: WindowStatistics, runs: Sequence[RunInfo]) -> Memory:
    return Memory(
        rss_bytes=stats.last_rss_bytes,
        limit_bytes=stats.last_limit_bytes,
        limit_origin=next((run.limit_origin for run in reversed(runs) if run.limit_origin), None),
        limit_used_bytes=stats.last_limit_used_bytes,
        charged_bytes=stats.last_charged_bytes,
        system_percent=stats.last_system_percent,
        available_bytes=stats.last_available_bytes,
    )


def _dropped(event: EventInfo) -> int:
    count = event.data.get("dropped_count")
    return count if isinstance(count, int) else 0


def deque_reading(item: DequeStatus) -> DequeReading:
    """Return the newest reading of a stored deque."""
    return DequeReading(
        name=item.name,
        length_count=item.length_count,
        maxlen_count=item.maxlen_count,
        expected_maxlen_count=item.expected_maxlen_count,
        is_alive=item.is_alive,
    )
