"""How urgent a source is: one severity, from the first row of one table that holds.

critical: a leak of high confidence whose limit is dated within 24 hours, any dated limit whose whole interval
lies within 24 hours, or 95 % of the limit used; warning: a leak of high or medium confidence, 80 % of the limit
used, or a deque's fault; notice: a leak of low confidence, growing, warming up, filling; ok: else. Growth that
ends by itself, and growth of which nothing can be said yet, is never critical for being growth.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from memmon.facts.defaults import HIGH_MEMORY_PERCENT
from memmon.facts.deque_state import state_of
from memmon.facts.verdicts import Confidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.forecast.finding import Forecast
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.model import DequeReading

NEAR_HOURS = 24.0
"""A limit that is dated within so many hours is near: time for one person to sleep, and then to act."""

CRITICAL_SHARE = 0.95
WARNING_SHARE = HIGH_MEMORY_PERCENT / 100


class Severity(StrEnum):
    """How urgent a source is, the least first."""

    OK = "ok"
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place among the severities, the least first."""
        return tuple(Severity).index(self)


def severity_of(
    finding: LeakFinding,
    *,
    forecast: Forecast | None = None,
    limit_share: float | None = None,
    deques: Sequence[DequeReading] = (),
) -> Severity:
    """Return the severity of what was found; what is not known (None, empty) makes nothing urgent."""
    share = 0.0 if limit_share is None else limit_share
    if share >= CRITICAL_SHARE or _is_reached_soon(finding, forecast):
        return Severity.CRITICAL
    is_sure = finding.is_leak and finding.confidence is not Confidence.LOW
    if is_sure or share >= WARNING_SHARE or any(state_of(deque).is_failing for deque in deques):
        return Severity.WARNING
    row = finding.verdict.row
    return Severity.NOTICE if row.grows and row.is_explained else Severity.OK


def _is_reached_soon(finding: LeakFinding, forecast: Forecast | None) -> bool:
    """Tell whether memory will reach the limit within a day: surely, or by a leak of high confidence."""
    if forecast is None or forecast.hours_to_limit is None or finding.verdict.row.tone == "wait":
        return False
    latest = forecast.hours_to_limit_high
    if latest is not None and latest <= NEAR_HOURS:
        return True
    return finding.is_leak and finding.confidence is Confidence.HIGH and forecast.hours_to_limit <= NEAR_HOURS
