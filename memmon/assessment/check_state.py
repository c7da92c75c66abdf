"""What a monitoring system is told: the severity of one source as a plugin's state, and what led to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from memmon.assessment.severity import NEAR_HOURS, Severity, severity_reasons
from memmon.facts.defaults import HIGH_MEMORY_PERCENT
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.severity import ReasonKind

WARNING_PERCENT = HIGH_MEMORY_PERCENT
CRITICAL_HOURS = NEAR_HOURS


class CheckState(IntEnum):
    """The states of monitoring plugins, each its exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


WORST_FIRST = (CheckState.CRITICAL, CheckState.WARNING, CheckState.UNKNOWN, CheckState.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReason:
    """One thing that was looked at, and the state it calls for."""

    kind: ReasonKind
    state: CheckState


def check_state(assessed: Assessment) -> tuple[CheckState, tuple[CheckReason, ...]]:
    """Return the state and what led to it, the worst first.

    A verdict that can't be given yet is no health: UNKNOWN, unless something else is worse.
    """
    found = [
        CheckReason(kind=one.kind, state=_state(one.severity))
        for one in severity_reasons(
            assessed.finding,
            forecast=assessed.forecast,
            limit_share=assessed.limit_share,
            deques=assessed.deques,
        )
    ]
    if assessed.finding.verdict is Verdict.CANNOT_SAY:
        found = [
            CheckReason(kind="verdict", state=CheckState.UNKNOWN) if one.kind == "verdict" else one
            for one in found
        ]
    found.sort(key=lambda reason: WORST_FIRST.index(reason.state))
    return found[0].state, tuple(found)


def _state(severity: Severity) -> CheckState:
    if severity is Severity.CRITICAL:
        return CheckState.CRITICAL
    return CheckState.WARNING if severity is Severity.WARNING else CheckState.OK
