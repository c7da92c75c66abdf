"""Sections of a report built from plain values; standard library only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from memmon.facts.deque_state import state_of
from memmon.formatting import rate
from memmon.report.data import DequeSection, LeakSection, MemorySection
from memmon.report.deque_row import DequeRow
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memmon.analysis.leak.finding import LeakFinding
    from memmon.model import DequeReading

EMPTY_MEMORY = MemorySection(current_mb=None, average_mb=None, min_mb=None, max_mb=None, sample_count=0)


def memory_section(rss_mb: Sequence[float]) -> MemorySection:
    """Return the figures of the readings, oldest first; NaN (a failed reading) is left out."""
    readings = [value for value in rss_mb if math.isfinite(value)]
    if not readings:
        return EMPTY_MEMORY
    return MemorySection(
        current_mb=readings[-1],
        average_mb=math.fsum(readings) / len(readings),
        min_mb=min(readings),
        max_mb=max(readings),
        sample_count=len(readings),
    )


def deque_section(readings: Iterable[DequeReading]) -> DequeSection:
    """Return a row per deque: failing first, then gone or unreadable ones, then the fullest."""
    rows = [_deque_row(reading) for reading in readings]
    return DequeSection(rows=tuple(sorted(rows, key=_rank)))


def _deque_row(reading: DequeReading) -> DequeRow:
    length, maxlen = reading.length_count, reading.maxlen_count
    percent = None if length is None or not maxlen else 100.0 * length / maxlen
    return DequeRow(
        name=reading.name,
        length_count=length,
        maxlen_count=maxlen,
        percent_full=percent,
        state=state_of(reading),
        expected_maxlen_count=reading.expected_maxlen_count,
        size_mb=None if reading.size_bytes is None else mb_from_bytes(reading.size_bytes),
        dropped_count=reading.dropped_count,
    )


def _rank(row: DequeRow) -> tuple[int, float, str]:
    order = 0 if row.is_failing else 1 if row.state.tone == "warn" else 2
    return order, -(row.percent_full or 0.0), row.name


def leak_section(
    finding: LeakFinding | None, *, threshold_mb_per_hour: float, missing_reason: str | None = None
) -> LeakSection:
    """Return the leak section for a finding, or for the reason why there is none."""
    if finding is None:
        return LeakSection(
            finding=None, threshold_mb_per_hour=threshold_mb_per_hour, missing_reason=missing_reason
        )
    return LeakSection(
        finding=finding,
        threshold_mb_per_hour=finding.policy.threshold_mb_per_hour,
        disagreement=disagreement(finding),
    )


def disagreement(finding: LeakFinding) -> str | None:
    """Return one sentence on why least squares and the robust slope differ, None where they agree.

    They disagree when least squares lies outside the robust interval, or on the other side of the
    threshold. None as well where the finding's own details say it already.
    """
    robust, ols = finding.slope_mb_per_hour, finding.ols_slope_mb_per_hour
    low, high = finding.slope_low_mb_per_hour, finding.slope_high_mb_per_hour
    if robust is None or ols is None or low is None or high is None:
        return None
    threshold = finding.policy.threshold_mb_per_hour
    across = (robust >= threshold) != (ols >= threshold)
    if (low <= ols <= high and not across) or rate(robust) == rate(ols):
        return None
    if any(sentence.startswith("Least squares") for sentence in finding.details):
        return None
    why = "steps, bursts or a warm-up pull it up" if ols > robust else "falls after a peak pull it down"
    return f"Least squares differs because {why}; the robust slope follows the lower envelope."
