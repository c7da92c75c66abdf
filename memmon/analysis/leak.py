"""The verdict: does this history leak? One function for monitor, hourly check, report and command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak_values import (
    Confidence,
    LeakFinding,
    LeakPolicy,
    LeakWindow,
    Verdict,
    confidence_of,
)
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from memmon.history import History

__all__ = ["Confidence", "LeakFinding", "LeakPolicy", "LeakWindow", "Verdict", "detect_leak"]

DEFAULT_POLICY = LeakPolicy()


def detect_leak(
    history: History, policy: LeakPolicy = DEFAULT_POLICY, *, now: datetime | None = None
) -> LeakFinding:
    """Judge `history` under `policy`, as of `now` (aware; default: its last sample).

    Samples after `now` and older than `policy.look_back_hours` before it are left out. Never raises
    for lack of data: then the verdict is `cannot_say` and `reason` tells what is missing.

    Raises ValueError when `now` is naive.
    """
    history = _looked_at(history, policy, now)
    window = LeakWindow(
        start=history.first_at,
        end=history.last_at,
        duration_hours=history.duration_hours,
        run_count=len(history.runs),
        kind="empty" if history.is_empty else "whole",
    )
    if len(history) < max(policy.min_sample_count, 2):
        return _cannot_say(
            history,
            policy,
            window,
            "insufficient_data",
            f"Insufficient data: {len(history)} samples, at least {policy.min_sample_count} needed",
        )
    if window.duration_hours < policy.min_duration_hours:
        return _cannot_say(
            history,
            policy,
            window,
            "insufficient_duration",
            f"Insufficient duration: {window.duration_hours:.1f} h, "
            f"at least {policy.min_duration_hours:g} h needed",
        )
    return _judge(history, policy, window)


def _looked_at(history: History, policy: LeakPolicy, now: datetime | None) -> History:
    if history.is_empty:
        return history
    if now is not None and now.tzinfo is None:
        raise ValueError("now must be timezone-aware: pass datetime(..., tzinfo=UTC)")
    end_seconds = float(history.at_seconds.max()) if now is None else now.timestamp()
    return history.slice_time(end_seconds - policy.look_back_hours * SECONDS_PER_HOUR, end_seconds)


def _cannot_say(
    history: History, policy: LeakPolicy, window: LeakWindow, reason: str, summary: str
) -> LeakFinding:
    growth_mb = float(history.rss_bytes[-1] - history.rss_bytes[0]) / MIB if len(history) else None
    return LeakFinding(
        verdict="cannot_say",
        is_leak=False,
        confidence="low",
        slope_mb_per_hour=None,
        slope_low_mb_per_hour=None,
        slope_high_mb_per_hour=None,
        ols_slope_mb_per_hour=None,
        ols_slope_low_mb_per_hour=None,
        ols_slope_high_mb_per_hour=None,
        growth_mb=growth_mb,
        since=None,
        since_earliest=None,
        since_latest=None,
        duration_hours=window.duration_hours,
        sample_count=len(history),
        smallest_visible_slope_mb_per_hour=None,
        summary=summary,
        details=(),
        reason=reason,
        policy=policy,
        window=window,
        source=history.source,
    )


def _judge(history: History, policy: LeakPolicy, window: LeakWindow) -> LeakFinding:
    hours = history.uptime_seconds / SECONDS_PER_HOUR
    rss_mb = history.rss_bytes / MIB
    hours = hours - hours.mean()
    spread = float(hours @ hours) or 1.0
    slope = float(hours @ rss_mb) / spread
    residual = rss_mb - rss_mb.mean() - slope * hours
    error = float(np.sqrt(residual @ residual / max(len(history) - 2, 1) / spread)) * 3.0
    low, high = slope - 2 * error, slope + 2 * error
    threshold = policy.threshold_mb_per_hour
    leak = slope >= threshold and low > 0
    verdict: Verdict = "leaking" if leak else "growing" if low > 0 else "stable"
    since = datetime.fromtimestamp(float(history.at_seconds[0]), UTC) if low > 0 else None
    return LeakFinding(
        verdict=verdict,
        is_leak=leak,
        confidence=confidence_of(low, window.duration_hours, threshold),
        slope_mb_per_hour=slope,
        slope_low_mb_per_hour=low,
        slope_high_mb_per_hour=high,
        ols_slope_mb_per_hour=slope,
        ols_slope_low_mb_per_hour=low,
        ols_slope_high_mb_per_hour=high,
        growth_mb=float(rss_mb[-1] - rss_mb[0]),
        since=since,
        since_earliest=since,
        since_latest=since,
        duration_hours=window.duration_hours,
        sample_count=len(history),
        smallest_visible_slope_mb_per_hour=2 * error,
        summary=f"{verdict}: {slope:.2f} MB/hour (95 % interval {low:.2f} to {high:.2f})",
        details=(),
        reason="trend",
        policy=policy,
        window=window,
        source=history.source,
    )
