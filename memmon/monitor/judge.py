"""MemoryMonitor's questions to the child process, and what is answered when it can't run."""

from __future__ import annotations

import math
from datetime import UTC
from typing import TYPE_CHECKING, TypeVar

from memmon.alerts.findings import Leak
from memmon.child import require_headroom
from memmon.child.requests import SnapshotColumns
from memmon.facts.verdicts import Verdict
from memmon.monitor.values import COUNTERS, MemoryLeakReport
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.child import Children
    from memmon.child.requests import LeakAnswer, Request
    from memmon.errors import ChildError
    from memmon.model import DequeReading, Snapshot
    from memmon.monitor.values import MemorySnapshot

AnswerT = TypeVar("AnswerT")

JUDGE_TIMEOUT_SECONDS = 30.0


def columns_of(snapshots: Sequence[MemorySnapshot]) -> SnapshotColumns:
    """Return the snapshots in the columns of a request."""
    newest = snapshots[-1].deque_sizes if snapshots else {}
    return SnapshotColumns(
        timestamp=tuple(item.timestamp for item in snapshots),
        uptime_seconds=tuple(item.uptime_seconds for item in snapshots),
        rss_mb=tuple(_finite(item.rss_mb) for item in snapshots),
        vms_mb=tuple(_finite(item.vms_mb) for item in snapshots),
        percent=tuple(_finite(item.percent) for item in snapshots),
        available_mb=tuple(_finite(item.available_mb) for item in snapshots),
        deque_sizes=dict(newest),
        counters=_counters_of(snapshots),
    )


def _counters_of(snapshots: Sequence[MemorySnapshot]) -> dict[str, tuple[float | None, ...]]:
    """Return each counter that was read at all, by its name in a History."""
    columns = {
        name: tuple(item.counters[place] if len(item.counters) > place else None for item in snapshots)
        for place, name in enumerate(COUNTERS)
    }
    return {name: values for name, values in columns.items() if any(value is not None for value in values)}


def ask(request: Request[AnswerT], latest: Snapshot | None, children: Children) -> AnswerT:
    """Ask a child; raises ChildError when it can't be run or takes too long."""
    require_headroom(latest)
    return children.run(request, timeout_seconds=JUDGE_TIMEOUT_SECONDS)


def report_of(found: LeakAnswer) -> MemoryLeakReport:
    """Return a child's verdict in MemoryMonitor's form."""
    return MemoryLeakReport(
        leak_detected=found.leak_detected,
        growth_rate_mb_per_hour=found.growth_rate_mb_per_hour,
        total_growth_mb=found.total_growth_mb,
        duration_hours=found.duration_hours,
        start_memory_mb=found.start_memory_mb,
        end_memory_mb=found.end_memory_mb,
        confidence=found.confidence,
        details=found.details,
    )


def too_little(
    snapshots: Sequence[MemorySnapshot], *, min_duration_hours: float, min_samples: int
) -> MemoryLeakReport | None:
    """Return the answer for too few or too short data, which needs no analysis; None: there is enough."""
    usable = [item for item in snapshots if math.isfinite(item.rss_mb)]
    duration_hours = span_hours(usable)
    if len(usable) < min_samples:
        details = f"Insufficient data: {len(usable)} samples, {min_samples} are needed"
    elif duration_hours < min_duration_hours:
        details = f"Insufficient duration: {duration_hours:.2f} hours, {min_duration_hours:g} are needed"
    else:
        return None
    return plain_report(usable, details)


def unavailable(snapshots: Sequence[MemorySnapshot], error: ChildError) -> MemoryLeakReport:
    """Return the answer when the analysis could not be run: no verdict, and why."""
    return plain_report(
        [item for item in snapshots if math.isfinite(item.rss_mb)], f"Analysis not available: {error}"
    )


def plain_report(usable: Sequence[MemorySnapshot], details: str) -> MemoryLeakReport:
    """Return a report without a verdict: first and last reading, and `details`."""
    start = usable[0].rss_mb if usable else 0.0
    end = usable[-1].rss_mb if usable else 0.0
    return MemoryLeakReport(
        leak_detected=False,
        growth_rate_mb_per_hour=0.0,
        total_growth_mb=end - start,
        duration_hours=span_hours(usable),
        start_memory_mb=start,
        end_memory_mb=end,
        confidence="low",
        details=details,
    )


def span_hours(snapshots: Sequence[MemorySnapshot]) -> float:
    """Return the hours from the first to the last snapshot: monotonic where all have it, else by the wall."""
    if len(snapshots) < 2:  # noqa: PLR2004 -- a span has two ends
        return 0.0
    first, last = snapshots[0], snapshots[-1]
    if first.uptime_seconds is not None and last.uptime_seconds is not None:
        return max(last.uptime_seconds - first.uptime_seconds, 0.0) / SECONDS_PER_HOUR
    seconds = (last.timestamp.astimezone() - first.timestamp.astimezone()).total_seconds()
    return max(seconds, 0.0) / SECONDS_PER_HOUR


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None  # a program may append what counts as a number


def leak_of(report: MemoryLeakReport) -> Leak:
    """Return a leak that was found, as the conditions of alerts take it."""
    return Leak(
        verdict=Verdict.LEAKING,
        is_leak=True,
        confidence=report.confidence,
        duration_hours=report.duration_hours,
        slope_mb_per_hour=report.growth_rate_mb_per_hour,
        growth_mb=report.total_growth_mb,
    )


def report_without_child(
    items: list[MemorySnapshot],
    readings: Sequence[DequeReading],
    *,
    source: str,
    now: datetime,
    threshold_mb_per_hour: float,
    reason: str,
) -> str:
    """Return the report without a verdict, as text; `reason` says why there is none."""
    # Needed only when no child can be had, and light: no numpy.
    from memmon.report.from_snapshots import report_from_snapshots
    from memmon.report.text import render_text

    report = report_from_snapshots(
        items,
        readings,
        source=source,
        now=now.astimezone(UTC),
        threshold_mb_per_hour=threshold_mb_per_hour,
        leak_missing_reason=reason,
    )
    return render_text(report)
