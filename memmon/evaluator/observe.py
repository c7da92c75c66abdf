"""Looking at every source of a store: what is known of it now, and what could be told of that."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.alerts import conditions
from memmon.alerts.present import Memory, PresentState
from memmon.analysis.leak.budget import log_e_value, within_budget
from memmon.analysis.leak.finding import LeakPolicy
from memmon.assessment.advice import way_back
from memmon.assessment.gather import Question, is_confirmed, judge
from memmon.assessment.present import Bounds
from memmon.errors import MemmonError
from memmon.facts.recording_order import newest_ahead, newest_recorded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.alerts.policy import AlertPolicy
    from memmon.alerts.state_machine import Observation
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.gather import Judged
    from memmon.store.read import EventInfo, RunInfo, SourceInfo, Store, WindowStatistics


def observe(
    store: Store, *, now: datetime, policy: AlertPolicy, source: str | None = None
) -> tuple[list[tuple[Observation, RunInfo]], list[str]]:
    """Return what is seen of each source (or one), with its newest run, and what could not be looked at."""
    found: list[tuple[Observation, RunInfo]] = []
    failed: list[str] = []
    store = store.as_of(now)
    every = store.sources()
    sources = every if source is None else (store.resolve_source(source),)
    known: list[tuple[PresentState, RunInfo]] = []
    for one in sources:
        try:
            known += present_of(store, one, now=now, policy=policy)
        except MemmonError as error:
            # One source that can't be judged must not keep the others from being heard.
            failed.append(f"{one.name}: {error}")
    scopes: set[str] = set()
    for present, run in _within_budget(known, policy, source_count=len(every)):
        for observation in conditions.observe(present, policy):
            # What concerns the host is told once, by the first source on it.
            if observation.scope is None or observation.scope not in scopes:
                found.append((observation, run))
            if observation.scope is not None:
                scopes.add(observation.scope)
    return found, failed


def observe_source(
    store: Store, source: SourceInfo, *, now: datetime, policy: AlertPolicy
) -> list[tuple[Observation, RunInfo]]:
    """Return what is seen of one source by itself, without a budget; of a silent one only that it is silent."""
    return [
        (observation, run)
        for present, run in present_of(store, source, now=now, policy=policy)
        for observation in conditions.observe(present, policy)
    ]


def _within_budget(
    known: Sequence[tuple[PresentState, RunInfo]], policy: AlertPolicy, *, source_count: int
) -> list[tuple[PresentState, RunInfo]]:
    """Return what is known of the sources, with those leaks marked that are not sure enough for all of them together."""
    if not policy.false_alarms_per_month:
        return list(known)
    sure = within_budget(
        [-math.inf if (value := present.leak_log_e_value) is None else value for present, _ in known],
        policy.false_alarms_per_month,
        process_count=source_count,
    )
    return [
        (replace(present, is_leak_within_budget=is_sure), run)
        for (present, run), is_sure in zip(known, sure, strict=True)
    ]


def present_of(
    store: Store, source: SourceInfo, *, now: datetime, policy: AlertPolicy
) -> list[tuple[PresentState, RunInfo]]:
    """Return what is known of one source and its newest run (nothing where it has none); of a silent one little more."""
    store = store.as_of(now)
    runs = store.runs(source.name)
    if not runs:
        return []
    newest = newest_run(runs)
    present = PresentState(
        at=now,
        source=source.name,
        source_id=source.source_id,
        run=newest,
        runs=runs,
        ahead_at=newest.ahead_at if newest.is_clock_ahead else None,
    )
    silent = conditions.silent(present, policy)
    is_silent = silent is None or silent.level != "clear"
    if not is_silent and newest.end_reason != "imported" and newest.last_at is not None:
        present = living(store, present, runs, at=newest.last_at, policy=policy)
    return [(present, newest)]


def newest_run(runs: Sequence[RunInfo]) -> RunInfo:
    """Return the run that was heard of last; whose samples lie in the future counts by the order of recording."""
    newest, ahead = newest_recorded(runs), newest_ahead(runs)
    if ahead is not None:
        return ahead
    heard = [run for run in runs if run.ahead_at is None and run.last_at is None]
    return max([newest or runs[-1], *heard], key=lambda run: run.last_at or run.started_at)


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
    """Return what is known with the assessment of the history up to `at`: verdict, forecast, deques, severity."""
    found = assessed(store, present.source, runs, at=at, now=present.at, policy=policy, stats=stats)
    return with_assessment(present, found, is_leak_confirmed=is_confirmed(found))


def with_assessment(present: PresentState, found: Judged, *, is_leak_confirmed: bool) -> PresentState:
    """Return what is known with an assessment: verdict, forecast, deques, severity."""
    return replace(
        present,
        leak=found.assessment.finding,
        leak_log_e_value=log_e_value(found.assessment.finding),
        is_leak_confirmed=is_leak_confirmed,
        leaking_process=_leaking_process(found.assessment),
        forecast=found.assessment.forecast,
        pace=found.assessment.pace,
        is_pace_known=True,
        severity=found.assessment.severity,
        deques=found.assessment.deques,
        before_restart=found.assessment.before_restart,
        way_back=way_back(found.assessment),
        grown=found.assessment.grown,
    )


def assessed(
    store: Store,
    source: str,
    runs: Sequence[RunInfo],
    *,
    at: datetime,
    now: datetime,
    policy: AlertPolicy,
    stats: WindowStatistics | None = None,
) -> Judged:
    """Return what is said of the history up to `at`, and an hour more of it than the policy looks back over.

    The hour before must have been judged by as much.
    """
    rules = LeakPolicy(threshold_mb_per_hour=policy.leak_threshold_mb_per_hour)
    since = at - timedelta(hours=rules.look_back_hours + 1)
    question = Question(bounds=Bounds(since=since, until=at), policy=rules, has_cause=False)
    return judge(store, store.resolve_source(source), question, now=now, stats=stats, runs=tuple(runs))


def _leaking_process(found: Assessment) -> str:
    """Return which of several processes leaks, as an alert names it."""
    name = found.worst_label
    return f"{name} (the worst of {len(found.recorded)} processes)" if name else ""


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
