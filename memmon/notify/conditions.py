"""What calls for an alert: pure functions from what was read and judged to observations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.facts.defaults import INTERVAL_SECONDS
from memmon.facts.deque_state import deque_fault
from memmon.facts.run_endings import END_WORDS, MEANT_ENDS
from memmon.facts.staleness import is_stale
from memmon.facts.verdicts import Verdict
from memmon.formatting import local_time, shown, size, span
from memmon.model import DequeReading
from memmon.notify.machine import Observation
from memmon.units import SECONDS_PER_HOUR, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.analysis.forecast_values import Forecast
    from memmon.analysis.leak_values import LeakFinding
    from memmon.assessment.limits import Limit
    from memmon.notify.machine import Level
    from memmon.notify.policy import AlertPolicy
    from memmon.store.read import DequeStatus, EventInfo, RunInfo, WindowStatistics

_SHORT_RUN_SECONDS = 1_800.0
_SHOWN_DEQUES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The source that is looked at, and its newest run."""

    source_id: int
    source: str
    run: RunInfo


def silence_of(subject: Subject, *, now: datetime, policy: AlertPolicy) -> Observation:
    """Tell whether a source has fallen silent: no snapshot for three intervals, and no end that was meant."""
    run = subject.run
    interval_seconds = run.interval_seconds or INTERVAL_SECONDS
    last_at = run.last_at or run.started_at
    silent_seconds = (now - last_at).total_seconds()
    level: Level = "clear"
    if run.end_reason not in MEANT_ENDS and is_stale(
        silent_seconds, interval_seconds, interval_count=policy.silent_interval_count
    ):
        is_recent = silent_seconds < policy.forget_silent_hours * SECONDS_PER_HOUR
        level = "active" if is_recent else "between"
    how = "" if run.end_reason is None else f" The run {END_WORDS.get(run.end_reason, run.end_reason)}."
    return Observation(
        source_id=subject.source_id,
        source=subject.source,
        fingerprint="silent",
        kind="silent",
        level=level,
        severity="error",
        title="No snapshots arrive",
        message=(
            f"The last snapshot is {span(silent_seconds / SECONDS_PER_HOUR)} old "
            f"({local_time(last_at)}); one was due every {interval_seconds:g} s.{how}"
        ),
        action="See whether the process still runs and why it ended.",
        command=("runs",),
        values={
            "last_at": last_at.isoformat(),
            "silent_seconds": round(silent_seconds, 1),
            "interval_seconds": interval_seconds,
            "end_reason": run.end_reason,
        },
    )


def high_memory_of(
    subject: Subject, stats: WindowStatistics, limit: Limit | None, policy: AlertPolicy
) -> Observation | None:
    """Tell whether the container's memory, or else the host's, is nearly used up; None: it was not read."""
    in_container = limit is not None and limit.origin != "host"
    percent = limit.used_percent if limit is not None and in_container else stats.last_system_percent
    if percent is None:
        return None
    level: Level = "clear" if percent < policy.high_memory_clear_percent else "between"
    if percent >= policy.high_memory_percent:
        level = "active"
    what = "container" if in_container else "host"
    parts = [f"{percent:.1f} % of the {what}'s memory is used (threshold {policy.high_memory_percent:g} %)"]
    values: dict[str, object] = {"percent": round(percent, 2), "of": what}
    if stats.last_rss_bytes is not None:
        total = None if limit is None else limit.limit_bytes
        share = "" if not total else f", {100 * stats.last_rss_bytes / total:.1f} % of it all"
        parts.append(f"this process holds {size(mb_from_bytes(stats.last_rss_bytes))} (RSS){share}")
        values["rss_mb"] = round(mb_from_bytes(stats.last_rss_bytes), 1)
        values["process_share_percent"] = None if not total else round(100 * stats.last_rss_bytes / total, 2)
    if stats.last_system_percent is not None:
        values["system_percent"] = stats.last_system_percent
        if in_container:
            parts.append(f"the host is at {stats.last_system_percent:.1f} %")
    if stats.last_available_bytes is not None:
        values["available_mb"] = round(mb_from_bytes(stats.last_available_bytes), 1)
        parts.append(f"{size(mb_from_bytes(stats.last_available_bytes))} available on the host")
    return Observation(
        source_id=subject.source_id,
        source=subject.source,
        fingerprint="high_memory",
        kind="high_memory",
        level=level,
        severity="error" if percent >= policy.very_high_memory_percent else "warning",
        title="High memory usage",
        message="; ".join(parts) + ".",
        action="Find what grew, or raise the limit before the kernel ends a process.",
        values=values,
        scope=None if in_container else f"high_memory:{subject.run.host}",
    )


def deques_of(subject: Subject, deques: Sequence[DequeStatus]) -> Observation:
    """Tell which deques are outside their limits."""
    faults = {item.name: fault for item in deques if (fault := deque_fault(_reading(item))) is not None}
    told = [f"{shown(name)} {fault}" for name, fault in sorted(faults.items())]
    if len(told) > _SHOWN_DEQUES:
        told = [
            *told[:_SHOWN_DEQUES],
            "and also " + ", ".join(shown(name) for name in sorted(faults)[_SHOWN_DEQUES:]),
        ]
    return Observation(
        source_id=subject.source_id,
        source=subject.source,
        fingerprint="deque",
        kind="deque",
        level="active" if faults else "clear",
        severity="error",
        title="Deque limits exceeded" if len(faults) != 1 else "Deque limit exceeded",
        message=f"{len(faults)} of {len(deques)} deques: {'; '.join(told)}.",
        action="Give these deques a maxlen, or empty them faster.",
        command=("deques",),
        values={"failed_count": len(faults), "failed": sorted(faults)},
        members=tuple(sorted(faults)),
    )


def leak_of(
    subject: Subject,
    newest: LeakFinding,
    *,
    is_confirmed: bool,
    forecast: Forecast | None,
    policy: AlertPolicy,
) -> Observation:
    """Tell whether memory leaks; `is_confirmed`: the check an hour before agrees."""
    level: Level = "clear"
    if newest.is_leak:
        level = "active" if is_confirmed else "between"
    elif newest.verdict is Verdict.CANNOT_SAY:
        level = "between"
    low, high = newest.slope_low_mb_per_hour, newest.slope_high_mb_per_hour
    sure = "" if low is None or high is None else f" (95 % interval {low:.2f} to {high:.2f})"
    since = "" if newest.since is None else f", since {local_time(newest.since)}"
    hours = _hours_within(forecast, policy.forecast_hours)
    ends = (
        ""
        if forecast is None or hours is None
        else f" The limit ({_mb(forecast.limit_bytes)}) is reached in {span(hours)}."
    )
    return Observation(
        source_id=subject.source_id,
        source=subject.source,
        fingerprint="leak",
        kind="leak",
        level=level,
        severity="warning" if hours is None else "error",
        title="Memory leak detected",
        message=(
            f"Growth rate {newest.slope_mb_per_hour or 0.0:z.2f} MB/hour{sure}, "
            f"total growth {newest.growth_mb or 0.0:z.1f} MB over {newest.duration_hours:.1f} h{since}; "
            f"confidence {newest.confidence}.{ends}"
        ),
        action="Compare with the release before; restart it in a quiet hour if the limit is near.",
        values={
            "growth_rate_mb_per_hour": newest.slope_mb_per_hour,
            "slope_low_mb_per_hour": low,
            "slope_high_mb_per_hour": high,
            "total_growth_mb": newest.growth_mb,
            "duration_hours": newest.duration_hours,
            "confidence": newest.confidence,
            "since": None if newest.since is None else newest.since.isoformat(),
            "hours_to_limit": hours,
        },
    )


def forecast_of(
    subject: Subject, newest: LeakFinding, forecast: Forecast | None, policy: AlertPolicy
) -> Observation | None:
    """Tell whether the limit is near although no leak is called: slow growth reaches it too."""
    if forecast is None or forecast.state == "cannot_say":
        return None
    near = _hours_within(forecast, policy.forecast_hours)
    level: Level = "between"
    if newest.is_leak or _hours_within(forecast, policy.forecast_clear_hours) is None:
        level = "clear"
    elif near is not None:
        level = "active"
    hours = forecast.hours_to_limit or 0.0
    low, high = forecast.hours_to_limit_low, forecast.hours_to_limit_high
    sure = f"{span(low or 0.0)} to {'never' if high is None else span(high)}"
    rate = "" if forecast.slope_mb_per_hour is None else f", growing {forecast.slope_mb_per_hour:.2f} MB/hour"
    return Observation(
        source_id=subject.source_id,
        source=subject.source,
        fingerprint="forecast",
        kind="forecast",
        level=level,
        severity="warning",
        title=f"The memory limit is reached within {policy.forecast_hours:g} h",
        message=(
            f"In about {span(hours)} ({forecast.level:.0%} interval {sure}) memory reaches "
            f"{_mb(forecast.limit_bytes)}{rate}; it is now at {_mb(forecast.current_bytes)}."
        ),
        action="Plan a restart or a higher limit before then.",
        command=("forecast",),
        values={
            "hours_to_limit": forecast.hours_to_limit,
            "hours_to_limit_low": low,
            "hours_to_limit_high": high,
            "limit_bytes": forecast.limit_bytes,
            "verdict": newest.verdict.value,
        },
    )


def restarts_of(
    subject: Subject, runs: Sequence[RunInfo], *, now: datetime, policy: AlertPolicy
) -> Observation:
    """Tell whether a source restarts again and again: runs that ended early, one after the other."""
    since = now - timedelta(hours=policy.restart_window_hours)
    short = [
        run
        for run in runs
        if run.started_at >= since and run.run_id != subject.run.run_id and _is_short(run, before=subject.run)
    ]
    level: Level = "clear" if len(short) < policy.restart_count - 1 else "between"
    if len(short) >= policy.restart_count:
        level = "active"
    reasons = sorted({END_WORDS.get(run.end_reason or "lost", str(run.end_reason)) for run in short})
    return Observation(
        source_id=subject.source_id,
        source=subject.source,
        fingerprint="restart_loop",
        kind="restart_loop",
        level=level,
        severity="error",
        title="Restart loop",
        message=(
            f"{len(short)} runs ended within {span(policy.restart_window_hours)}, each after less than "
            f"{span(_SHORT_RUN_SECONDS / SECONDS_PER_HOUR)} ({'; '.join(reasons)})."
        ),
        action="Read the log of the last start; no leak can be judged while it restarts.",
        command=("runs",),
        values={"restart_count": len(short), "window_hours": policy.restart_window_hours},
    )


def trouble_of(subject: Subject, dropped: Sequence[EventInfo], policy: AlertPolicy) -> Observation:
    """Tell whether a recorder had to give snapshots up (`dropped`: such events of the window)."""
    counts = [event.data.get("dropped_count") for event in dropped]
    lost = sum(count for count in counts if isinstance(count, int))
    return Observation(
        source_id=subject.source_id,
        source=subject.source,
        fingerprint="recorder",
        kind="recorder",
        level="active" if dropped else "clear",
        severity="warning",
        title="Recorder trouble",
        message=(
            f"{lost} snapshots were dropped in the last {span(policy.trouble_window_hours)}: "
            "the database could not be written for too long."
        ),
        action="See whether the disk is full or the server was away.",
        command=("doctor",),
        values={"dropped_count": lost},
    )


def _reading(item: DequeStatus) -> DequeReading:
    return DequeReading(
        name=item.name,
        length_count=item.length_count,
        maxlen_count=item.maxlen_count,
        expected_maxlen_count=item.expected_maxlen_count,
        is_alive=item.is_alive,
    )


def _is_short(run: RunInfo, *, before: RunInfo) -> bool:
    """Tell whether a run was over, after a short life, when the newest one began."""
    ended = run.ended_at or run.last_at or run.started_at
    is_over = run.ended_at is not None or ended < before.started_at
    return (
        is_over
        and ended <= before.started_at
        and run.end_reason != "imported"
        and (ended - run.started_at).total_seconds() < _SHORT_RUN_SECONDS
    )


def _hours_within(forecast: Forecast | None, hours: float) -> float | None:
    """Return the hours to the limit when it is reached within `hours`."""
    if (
        forecast is None
        or forecast.state not in {"reaching", "over_limit"}
        or forecast.hours_to_limit is None
    ):
        return None
    return forecast.hours_to_limit if forecast.hours_to_limit <= hours else None


def _mb(size_bytes: float | None) -> str:
    return size(None if size_bytes is None else mb_from_bytes(size_bytes))
