"""Values for the tests of the report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from memmon.analysis.leak.finding import LeakFinding, LeakPolicy, LeakWindow
from memmon.model import DequeReading

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class Held:
    timestamp: datetime
    rss_mb: float
    deque_sizes: dict[str, float | None] = field(default_factory=dict)


def held(values_mb, *, minutes=5.0, **kwargs):
    start = NOW - timedelta(minutes=minutes * (len(values_mb) - 1))
    return [
        Held(start + timedelta(minutes=minutes * i), value, **kwargs) for i, value in enumerate(values_mb)
    ]


def finding(**changes) -> LeakFinding:
    base = LeakFinding(
        verdict="stable",
        is_leak=False,
        confidence="low",
        slope_mb_per_hour=2.15,
        slope_low_mb_per_hour=-0.2,
        slope_high_mb_per_hour=4.5,
        ols_slope_mb_per_hour=2.2,
        ols_slope_low_mb_per_hour=-0.4,
        ols_slope_high_mb_per_hour=4.8,
        growth_mb=51.6,
        since=None,
        since_earliest=None,
        since_latest=None,
        duration_hours=24.0,
        sample_count=288,
        smallest_visible_slope_mb_per_hour=1.25,
        summary="No sustained growth in 24 hours.",
        details=(),
        reason="trend",
        policy=LeakPolicy(),
        window=LeakWindow(start=NOW - timedelta(hours=24), end=NOW, duration_hours=24.0, run_count=1),
    )
    return replace(base, **changes)


def bounded(name, length, maxlen=100, **kwargs) -> DequeReading:
    return DequeReading(name=name, length_count=length, maxlen_count=maxlen, **kwargs)
