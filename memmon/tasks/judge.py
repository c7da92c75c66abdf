"""The leak verdict on what a program holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from memmon.analysis.leak.detect import LeakPolicy
from memmon.child.requests import LeakAnswer, LeakJudged
from memmon.report.from_snapshots import judge_snapshots
from memmon.tasks.held import held_snapshots

if TYPE_CHECKING:
    from memmon.child.requests import JudgeLeak


def judge_leak(request: JudgeLeak) -> LeakJudged:
    """Judge the program's snapshots."""
    snapshots = held_snapshots(request.snapshots)
    policy = LeakPolicy(
        threshold_mb_per_hour=request.threshold_mb_per_hour,
        min_duration_hours=request.min_duration_hours,
        min_sample_count=request.min_samples,
    )
    finding = judge_snapshots(
        snapshots, policy=policy, source=request.source, counters=request.snapshots.counters
    )
    readable = [item.rss_mb for item in snapshots if math.isfinite(item.rss_mb)]
    start, end = (readable[0], readable[-1]) if readable else (0.0, 0.0)
    found = LeakAnswer(
        leak_detected=finding.is_leak,
        growth_rate_mb_per_hour=finding.slope_mb_per_hour or 0.0,
        total_growth_mb=end - start,
        duration_hours=finding.duration_hours,
        start_memory_mb=start,
        end_memory_mb=end,
        confidence=finding.confidence,
        details=". ".join(text.rstrip(".") for text in (finding.summary, *finding.details)),
    )
    return LeakJudged(leak=found)
