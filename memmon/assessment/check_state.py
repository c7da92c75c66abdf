"""What a monitoring system is told: the state of one source and what led to it, as codes; the command words them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

from memmon.facts.defaults import HIGH_MEMORY_PERCENT
from memmon.facts.verdicts import Confidence

if TYPE_CHECKING:
    from memmon.analysis.forecast.finding import Forecast
    from memmon.assessment.assessment import Assessment

WARNING_PERCENT = HIGH_MEMORY_PERCENT
CRITICAL_HOURS = 24.0


class CheckState(IntEnum):
    """The states of monitoring plugins, each its exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


WORST_FIRST = (CheckState.CRITICAL, CheckState.WARNING, CheckState.UNKNOWN, CheckState.OK)

_BY_CONFIDENCE = {
    Confidence.HIGH: CheckState.CRITICAL,
    Confidence.MEDIUM: CheckState.WARNING,
    Confidence.LOW: CheckState.OK,
}

ReasonKind = Literal["verdict", "near_limit", "limit_use"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReason:
    """One thing that was looked at, and the state it calls for."""

    kind: ReasonKind
    state: CheckState


def check_state(assessed: Assessment) -> tuple[CheckState, tuple[CheckReason, ...]]:
    """Return the state and what led to it, the worst first."""
    finding = assessed.finding
    state = _BY_CONFIDENCE[finding.confidence] if finding.is_leak else CheckState.OK
    found = [CheckReason(kind="verdict", state=state)]
    if assessed.forecast is not None and _is_near(assessed.forecast):
        state = CheckState.CRITICAL if _is_certain(assessed.forecast) else CheckState.WARNING
        found.append(CheckReason(kind="near_limit", state=state))
    used_percent = assessed.used_percent
    if used_percent is not None:
        state = CheckState.WARNING if used_percent >= WARNING_PERCENT else CheckState.OK
        found.append(CheckReason(kind="limit_use", state=state))
    found.sort(key=lambda reason: WORST_FIRST.index(reason.state))
    return found[0].state, tuple(found)


def _is_near(forecast: Forecast) -> bool:
    return forecast.hours_to_limit is not None and forecast.hours_to_limit <= CRITICAL_HOURS


def _is_certain(forecast: Forecast) -> bool:
    """Tell growth from noise: of leak-free histories 2 to 4 % seem to reach a near limit, half of them without this."""
    if forecast.state == "over_limit":
        return True
    return forecast.slope_low_mb_per_hour is not None and forecast.slope_low_mb_per_hour > 0
