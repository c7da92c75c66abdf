"""What calls for an alert: one pure function for each kind, over what is known now."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, assert_never

from memmon.alerts.kinds import AlertKind
from memmon.alerts.pace import AT_PACE, pace_message, pace_values
from memmon.alerts.seen import seen, severity_here
from memmon.facts.defaults import INTERVAL_SECONDS
from memmon.facts.deque_state import deque_fault
from memmon.facts.run_endings import END_WORDS, ENDS_ON_PURPOSE, IMPORTED
from memmon.facts.severity import NEAR_HOURS
from memmon.facts.staleness import is_stale
from memmon.facts.verdicts import Confidence, Verdict
from memmon.formatting import in_percent, local_time, shown, size, span, span_range
from memmon.units import SECONDS_PER_HOUR, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from memmon.alerts.findings import ForecastLike, LeakLike, RunLike
    from memmon.alerts.policy import AlertPolicy
    from memmon.alerts.present import Memory, PresentState, Used
    from memmon.alerts.state_machine import Level, Observation

    Condition = Callable[[PresentState, AlertPolicy], Observation | None]

_SHORT_RUN_SECONDS = 1_800.0
"""A run that ended unmeant before this had no time for a verdict. Chosen: half an hour."""
_SHOWN_DEQUES = 20
"""Deques that one alert names, at most. Chosen: what a message holds."""


def observe(present: PresentState, policy: AlertPolicy, *, in_process: bool = False) -> list[Observation]:
    """Return what is seen of each kind that can be judged from what is known.

    `in_process`: of the kinds alone that a program tells of itself.
    """
    found = [judge(present, policy) for judge in _conditions(in_process=in_process)]
    return [one for one in found if one is not None]


@cache
def _conditions(*, in_process: bool) -> tuple[Condition, ...]:
    """Return the functions of all kinds, or of those alone that a program tells of itself: at each snapshot."""
    return tuple(condition_of(kind) for kind in AlertKind if kind.row.is_told_in_process or not in_process)


def condition_of(kind: AlertKind) -> Condition:
    """Return the function that judges a kind."""
    match kind:
        case AlertKind.LEAK:
            return leak
        case AlertKind.FORECAST:
            return forecast
        case AlertKind.DEQUE:
            return deque
        case AlertKind.HIGH_MEMORY:
            return high_memory
        case AlertKind.SILENT:
            return silent
        case AlertKind.RESTART_LOOP:
            return restart_loop
        case AlertKind.RECORDER:
            return recorder
        case _:
            assert_never(kind)


def silent(present: PresentState, policy: AlertPolicy) -> Observation | None:
    """Tell whether a source has fallen silent: no snapshot for three intervals, and no end that was meant.

    Of an imported history nobody knows when more of it is due.
    """
    run = present.run
    if run is None or run.end_reason == IMPORTED:
        return None
    interval_seconds = run.interval_seconds or INTERVAL_SECONDS
    last_at = run.last_at or run.started_at
    if present.ahead_at is not None:
        return _undated(present, run, present.ahead_at)
    silent_seconds = max((present.at - last_at).total_seconds(), 0.0)
    level: Level = "clear"
    if is_stale(
        silent_seconds,
        interval_seconds,
        interval_count=policy.silent_interval_count,
        end_reason=run.end_reason,
    ):
        is_recent = silent_seconds < policy.forget_silent_hours * SECONDS_PER_HOUR
        level = "active" if is_recent else "between"
    how = "" if run.end_reason is None else f" The run {END_WORDS.get(run.end_reason, run.end_reason)}."
    return seen(
        present,
        AlertKind.SILENT,
        level,
        message=(
            f"The last snapshot is {span(silent_seconds / SECONDS_PER_HOUR)} old "
            f"({local_time(last_at)}); one was due every {interval_seconds:g} s.{how}"
        ),
        values={
            "last_at": last_at.isoformat(),
            "silent_seconds": round(silent_seconds, 1),
            "interval_seconds": interval_seconds,
            "end_reason": run.end_reason,
        },
    )


def _undated(present: PresentState, run: RunLike, ahead_at: datetime) -> Observation:
    """Return what is seen of a source whose newest snapshots lie in the future: it may have died long ago."""
    return seen(
        present,
        AlertKind.SILENT,
        "clear" if run.end_reason in ENDS_ON_PURPOSE else "active",
        message=(
            f"The newest snapshots lie in the future (up to {local_time(ahead_at)}): the clock of their machine was "
            "ahead, and nothing tells whether the source still records."
        ),
        values={
            "last_at": None if run.last_at is None else run.last_at.isoformat(),
            "ahead_at": ahead_at.isoformat(),
            "end_reason": run.end_reason,
        },
    )


def high_memory(present: PresentState, policy: AlertPolicy) -> Observation | None:
    """Tell whether the container's memory or the host's is nearly used up; None: neither was read."""
    memory = present.memory
    used = None if memory is None else memory.judged(from_percent=policy.high_memory_clear_percent)
    if memory is None or used is None:
        return None
    level: Level = "clear" if used.percent < policy.high_memory_clear_percent else "between"
    if used.percent >= policy.high_memory_percent:
        level = "active"
    return seen(
        present,
        AlertKind.HIGH_MEMORY,
        level,
        severity="error" if used.percent >= policy.very_high_memory_percent else None,
        message="; ".join(_memory_parts(memory, used, policy)) + ".",
        values=_memory_values(memory, used, policy),
        scope=f"high_memory:{present.run.host}" if used.of == "host" and present.run is not None else None,
    )


def _memory_parts(memory: Memory, used: Used, policy: AlertPolicy) -> list[str]:
    parts = [
        f"{used.percent:.1f} % of the {used.of}'s memory is used (threshold {policy.high_memory_percent:g} %)"
    ]
    share = _process_share(memory, used)
    if memory.rss_bytes is not None:
        # Pages of files are resident, and no part of what is used.
        of_all = "" if share is None or share > used.percent else f", {share:.1f} % of it all"
        parts.append(
            f"in resident memory this process holds {size(mb_from_bytes(memory.rss_bytes))} (RSS){of_all}"
        )
    other = memory.machine if used.of == "container" else memory.container
    if other is not None:
        parts.append(f"the {other.of} is at {other.percent:.1f} %")
    if memory.available_bytes is not None:
        parts.append(f"{size(mb_from_bytes(memory.available_bytes))} available on the host")
    return parts


def _memory_values(memory: Memory, used: Used, policy: AlertPolicy) -> dict[str, object]:
    values: dict[str, object] = {
        "percent": round(used.percent, 2),
        "of": used.of,
        "threshold_percent": policy.high_memory_percent,
    }
    if memory.rss_bytes is not None:
        share = _process_share(memory, used)
        values["rss_mb"] = round(mb_from_bytes(memory.rss_bytes), 1)
        values["process_share_percent"] = None if share is None else round(share, 2)
    if memory.system_percent is not None:
        values["system_percent"] = memory.system_percent
    if memory.container is not None:
        values["container_percent"] = round(memory.container.percent, 2)
    if memory.available_bytes is not None:
        values["available_mb"] = round(mb_from_bytes(memory.available_bytes), 1)
    return values


def _process_share(memory: Memory, used: Used) -> float | None:
    if memory.rss_bytes is None or not used.total_bytes:
        return None
    return 100 * memory.rss_bytes / used.total_bytes


def deque(present: PresentState, _policy: AlertPolicy) -> Observation | None:
    """Tell which deques are outside their limits."""
    readings = present.deques
    if readings is None:
        return None
    faults = {item.name: fault for item in readings if (fault := deque_fault(item)) is not None}
    told = [f"{shown(name)} {fault}" for name, fault in sorted(faults.items())]
    if len(told) > _SHOWN_DEQUES:
        told = [
            *told[:_SHOWN_DEQUES],
            "and also " + ", ".join(shown(name) for name in sorted(faults)[_SHOWN_DEQUES:]),
        ]
    row = AlertKind.DEQUE.row
    return seen(
        present,
        AlertKind.DEQUE,
        "active" if faults else "clear",
        title=row.title_of_one if len(faults) == 1 else None,
        message=f"{len(faults)} of {len(readings)} deques: {'; '.join(told)}.",
        values={"failed_count": len(faults), "failed": sorted(faults)},
        members=tuple(sorted(faults)),
    )


def leak(present: PresentState, policy: AlertPolicy) -> Observation | None:
    """Tell whether memory leaks, once the check an hour before agrees; one of low confidence is not told.

    Nor is one that is not sure enough for the budget of false alarms; what was told stays told meanwhile.
    """
    newest = present.leak
    if newest is None:
        return None
    level: Level = "clear"
    if newest.is_leak:
        level = "active" if _is_leak_told(present, newest) else "between"
    elif newest.verdict == Verdict.CANNOT_SAY:
        level = "between"
    low, high = newest.slope_low_mb_per_hour, newest.slope_high_mb_per_hour
    sure = "" if low is None or high is None else f" (95 % interval {low:.2f} to {high:.2f})"
    since = "" if newest.since is None else f", since {local_time(newest.since)}"
    hours = _hours_within(present.forecast, policy.forecast_hours)
    limit_bytes = None if present.forecast is None else present.forecast.limit_bytes
    whose = f" in {present.leaking_process}" if present.leaking_process else ""
    grows = "" if present.grown is None else f" {shown(present.grown.sentence)}"
    ends = "" if hours is None else f" The limit ({_mb(limit_bytes)}) is reached in {span(hours)}."
    return seen(
        present,
        AlertKind.LEAK,
        level,
        severity=severity_here(present),
        message=(
            f"Growth rate {newest.slope_mb_per_hour or 0.0:z.2f} MB/hour{sure}{whose}, "
            f"total growth {newest.growth_mb or 0.0:z.1f} MB over {newest.duration_hours:.1f} h{since}{present.before_words}; "
            f"confidence {newest.confidence}.{ends}{grows}{present.back_words}"
        ),
        values={
            "growth_rate_mb_per_hour": newest.slope_mb_per_hour,
            "slope_low_mb_per_hour": low,
            "slope_high_mb_per_hour": high,
            "total_growth_mb": newest.growth_mb,
            "duration_hours": newest.duration_hours,
            "confidence": newest.confidence,
            "since": None if newest.since is None else newest.since.isoformat(),
            "hours_to_limit": hours,
            **present.beside_leak,
        },
    )


def forecast(present: PresentState, policy: AlertPolicy) -> Observation | None:
    """Tell whether the limit is near although no leak is called: slow growth reaches it too.

    Growth that ends by itself below the limit is not told. A leak is told by its own alert; where that waits for a
    second check and the limit is surely reached within a day, this one does not wait. Where nothing can be said yet,
    the present pace is all that there is.
    """
    newest, ahead = present.leak, present.forecast
    if present.pace is not None or newest is None or ahead is None or ahead.state == "cannot_say":
        return _at_pace(present)
    level: Level = "between"
    levels_off = Verdict(newest.verdict).row.tone == "wait" and newest.verdict != Verdict.CANNOT_SAY
    if (levels_off and not ahead.ends_above_limit) or _hours_within(
        ahead, policy.forecast_clear_hours
    ) is None:
        level = "clear"
    elif newest.is_leak:
        level = _beside_leak(present, newest, ahead)
    elif newest.verdict != Verdict.CANNOT_SAY and _hours_within(ahead, policy.forecast_hours) is not None:
        level = "active"
    hours = ahead.hours_to_limit or 0.0
    low, high = ahead.hours_to_limit_low, ahead.hours_to_limit_high
    sure = span_range(low or 0.0, high)
    rate = "" if ahead.slope_mb_per_hour is None else f", growing {ahead.slope_mb_per_hour:.2f} MB/hour"
    return seen(
        present,
        AlertKind.FORECAST,
        level,
        severity=severity_here(present),
        title=AlertKind.FORECAST.row.title.format(hours=policy.forecast_hours),
        message=(
            f"In about {span(hours)} ({in_percent(ahead.level)} interval {sure}) memory reaches "
            f"{_mb(ahead.limit_bytes)}{rate}; it is now at {_mb(ahead.current_bytes)}."
        ),
        values={
            "hours_to_limit": ahead.hours_to_limit,
            "hours_to_limit_low": low,
            "hours_to_limit_high": high,
            "limit_bytes": ahead.limit_bytes,
            "verdict": str(newest.verdict),
        },
    )


def _is_leak_told(present: PresentState, newest: LeakLike) -> bool:
    return present.is_leak_confirmed and present.is_leak_within_budget and newest.confidence != Confidence.LOW


def _beside_leak(present: PresentState, newest: LeakLike, ahead: ForecastLike) -> Level:
    is_told = _is_leak_told(present, newest)
    latest = ahead.hours_to_limit_high
    is_sure = latest is not None and latest <= NEAR_HOURS
    # What this one has told stays told beside the leak's own alert, until the limit is far again.
    return "active" if is_sure and not is_told else "between" if is_sure else "clear"


def _at_pace(present: PresentState) -> Observation | None:
    """Return whether the limit is reached soon at the present pace: a warning, for no verdict stands behind it."""
    pace = present.pace
    if pace is None and not present.is_pace_known:
        return None
    return seen(
        present,
        AlertKind.FORECAST,
        "clear" if pace is None else "active",
        title=AT_PACE,
        message="" if pace is None else pace_message(pace),
        values={} if pace is None else pace_values(pace),
    )


def restart_loop(present: PresentState, policy: AlertPolicy) -> Observation | None:
    """Tell whether a source restarts again and again: runs that ended early, one after the other."""
    newest, runs = present.run, present.runs
    if newest is None or runs is None:
        return None
    since = present.at - timedelta(hours=policy.restart_window_hours)
    short = [
        run
        for run in runs
        if run.started_at >= since and run.run_id != newest.run_id and _is_short(run, before=newest)
    ]
    level: Level = "clear" if len(short) < policy.restart_count - 1 else "between"
    if len(short) >= policy.restart_count:
        level = "active"
    reasons = sorted({END_WORDS.get(run.end_reason or "lost", str(run.end_reason)) for run in short})
    return seen(
        present,
        AlertKind.RESTART_LOOP,
        level,
        message=(
            f"{len(short)} runs ended within {span(policy.restart_window_hours)}, each after less than "
            f"{span(_SHORT_RUN_SECONDS / SECONDS_PER_HOUR)} ({'; '.join(reasons)})."
        ),
        values={"restart_count": len(short), "window_hours": policy.restart_window_hours},
    )


def recorder(present: PresentState, policy: AlertPolicy) -> Observation | None:
    """Tell whether a recorder had to give snapshots up."""
    counts = present.dropped_counts
    if counts is None:
        return None
    return seen(
        present,
        AlertKind.RECORDER,
        "active" if counts else "clear",
        message=(
            f"{sum(counts)} snapshots were dropped in the last {span(policy.trouble_window_hours)}: "
            "the database could not be written for too long."
        ),
        values={"dropped_count": sum(counts)},
    )


def _is_short(run: RunLike, *, before: RunLike) -> bool:
    """Tell whether a run was over, after a short life, when the newest one began."""
    ended = run.ended_at or run.last_at or run.started_at
    is_over = run.ended_at is not None or ended < before.started_at
    return (
        is_over
        and ended <= before.started_at
        and run.end_reason != "imported"
        and (ended - run.started_at).total_seconds() < _SHORT_RUN_SECONDS
    )


def _hours_within(ahead: ForecastLike | None, hours: float) -> float | None:
    """Return the hours to the limit when it is reached within `hours`."""
    if ahead is None or ahead.state == "cannot_say" or ahead.hours_to_limit is None:
        return None
    return ahead.hours_to_limit if ahead.hours_to_limit <= hours else None


def _mb(size_bytes: float | None) -> str:
    return size(None if size_bytes is None else mb_from_bytes(size_bytes))
