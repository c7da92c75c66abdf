"""How urgent a source is: one severity, from the first row of one table that holds.

critical: a leak of high confidence whose limit is dated within 24 hours, any dated limit whose whole interval
lies within 24 hours, or 95 % of the limit used; warning: a leak of high or medium confidence, 80 % of the limit
used, a limit that is reached soon at the present pace, a deque's fault, or living children that nobody records and that hold more than 10 % of what is recorded; notice: a leak of low confidence, growing, growth in mapped files, warming up,
filling; ok: else. Threads or open files that grow are a notice, within 24 hours of their limit a warning, and
critical where the whole interval lies within them. Growth that ends by itself, and growth of which nothing can be said yet, is never critical for being growth: a pace is a warning, however near it
brings the limit, until 95 % of it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from memmon.facts.defaults import HIGH_MEMORY_PERCENT
from memmon.facts.deque_state import state_of
from memmon.facts.severity import NEAR_HOURS, Severity
from memmon.facts.verdicts import Confidence, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.alerts.pace import Pace
    from memmon.analysis.forecast.finding import Forecast
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.assessment.resource import Resource
    from memmon.assessment.unrecorded import Unrecorded
    from memmon.model import DequeReading

__all__ = [
    "CRITICAL_SHARE",
    "NEAR_HOURS",
    "WARNING_SHARE",
    "Severity",
    "SeverityReason",
    "severity_reasons",
]

CRITICAL_SHARE = 0.95
"""Share of the limit from which memory is critical. Chosen: little is left to act in."""
WARNING_SHARE = HIGH_MEMORY_PERCENT / 100
"""Share of the limit from which memory is a warning. As in the alert of high memory."""

ReasonKind = Literal["verdict", "near_limit", "pace", "limit_use", "deques", "resources", "children"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityReason:
    """One thing that was looked at, and the severity that it calls for by itself."""

    kind: ReasonKind
    severity: Severity


def severity_reasons(
    finding: LeakFinding,
    *,
    forecast: Forecast | None = None,
    limit_share: float | None = None,
    deques: Sequence[DequeReading] = (),
    pace: Pace | None = None,
    resources: Sequence[Resource] = (),
    unrecorded: Unrecorded | None = None,
) -> tuple[SeverityReason, ...]:
    """Return what was looked at, the most urgent first: its severity is that of the source.

    What is not known (None, empty) makes nothing urgent. `Assessment.severity_reasons` asks this, and nobody else.
    """
    found = [SeverityReason(kind="verdict", severity=_of_verdict(finding))]
    if _is_near(finding, forecast):
        is_certain = _is_reached_soon(finding, forecast)
        found.append(
            SeverityReason(kind="near_limit", severity=Severity.CRITICAL if is_certain else Severity.OK)
        )
    if pace is not None:
        found.append(SeverityReason(kind="pace", severity=Severity.WARNING))
    if limit_share is not None:
        found.append(SeverityReason(kind="limit_use", severity=severity_of_share(limit_share)))
    if any(state_of(deque).is_failing for deque in deques):
        found.append(SeverityReason(kind="deques", severity=Severity.WARNING))
    if any(one.is_growing for one in resources):
        worst = max((_of_resource(one) for one in resources), key=lambda severity: severity.rank)
        found.append(SeverityReason(kind="resources", severity=worst))
    if unrecorded is not None:
        found.append(SeverityReason(kind="children", severity=_of_unrecorded(unrecorded)))
    return tuple(sorted(found, key=lambda reason: -reason.severity.rank))


def severity_of_share(limit_share: float) -> Severity:
    """Return how urgent it is that so much of the limit is used (0 to 1)."""
    if limit_share >= CRITICAL_SHARE:
        return Severity.CRITICAL
    return Severity.WARNING if limit_share >= WARNING_SHARE else Severity.OK


def _of_unrecorded(unrecorded: Unrecorded) -> Severity:
    of_limit = Severity.OK if unrecorded.limit_share is None else severity_of_share(unrecorded.limit_share)
    own = Severity.WARNING if unrecorded.is_much else Severity.OK
    return max(own, of_limit, key=lambda severity: severity.rank)


def _of_verdict(finding: LeakFinding) -> Severity:
    if finding.is_leak and finding.confidence is not Confidence.LOW:
        return Severity.WARNING
    row = finding.verdict.row
    return Severity.NOTICE if row.grows and row.is_explained else Severity.OK


def _of_resource(one: Resource) -> Severity:
    """Return how urgent the growth of a count is: a notice, until its limit is near."""
    if not one.is_growing:
        return Severity.OK
    if one.hours_to_limit is None or one.hours_to_limit > NEAR_HOURS:
        return Severity.NOTICE
    latest = one.hours_to_limit_high
    return Severity.CRITICAL if latest is not None and latest <= NEAR_HOURS else Severity.WARNING


def _is_near(finding: LeakFinding, forecast: Forecast | None) -> bool:
    """Tell whether the limit is dated within a day; growth that ends by itself dates none but by its level."""
    if forecast is None or forecast.hours_to_limit is None or forecast.hours_to_limit > NEAR_HOURS:
        return False
    if finding.verdict is Verdict.CANNOT_SAY:
        return False
    return finding.verdict.row.tone != "wait" or forecast.ends_above_limit


def _is_reached_soon(finding: LeakFinding, forecast: Forecast | None) -> bool:
    """Tell whether a limit that is near will be reached: surely within the day, or by a leak of high confidence."""
    latest = None if forecast is None else forecast.hours_to_limit_high
    if latest is not None and latest <= NEAR_HOURS:
        return True
    return finding.is_leak and finding.confidence is Confidence.HIGH
