"""What a monitoring system is told: the severity of one source as a state, and why; the command words it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

from memmon.facts.severity import Severity
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.severity import SeverityReason


class CheckState(IntEnum):
    """The states of monitoring plugins, each its exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


WORST_FIRST = (CheckState.CRITICAL, CheckState.WARNING, CheckState.UNKNOWN, CheckState.OK)

_BY_SEVERITY = {
    Severity.OK: CheckState.OK,
    Severity.NOTICE: CheckState.OK,
    Severity.WARNING: CheckState.WARNING,
    Severity.CRITICAL: CheckState.CRITICAL,
}

ReasonKind = Literal["stale", "verdict", "near_limit", "pace", "limit_use", "deques", "resources", "children"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReason:
    """One thing that was looked at, and the state it calls for."""

    kind: ReasonKind
    state: CheckState


def check_state(
    assessed: Assessment, *, max_age_seconds: float | None = None
) -> tuple[CheckState, tuple[CheckReason, ...]]:
    """Return the state and what led to it, the worst first.

    A source that is silent, or of which no verdict can be given yet, is UNKNOWN unless it is known to be worse: of
    a silent one only what counted against its limit is, of the other also its present pace. `max_age_seconds`: older samples are silence too, whatever
    became of the run; None: three intervals, unless it ended as somebody meant.
    """
    is_stale = is_too_old(assessed, max_age_seconds)
    found = [CheckReason(kind="stale", state=CheckState.UNKNOWN)] if is_stale else []
    found += [
        CheckReason(kind=reason.kind, state=_state(reason, assessed, is_stale=is_stale))
        for reason in assessed.severity_reasons
    ]
    found.sort(key=lambda reason: WORST_FIRST.index(reason.state))
    return found[0].state, tuple(found)


def is_too_old(assessed: Assessment, max_age_seconds: float | None) -> bool:
    """Tell whether the newest sample is too old for an answer: by the source's own intervals, or as it was asked for."""
    fresh = assessed.freshness
    if fresh is None:
        return False
    is_undated = fresh.ahead_until is not None and fresh.is_stale
    if max_age_seconds is None or is_undated:
        return fresh.is_stale or fresh.age_seconds is None
    return fresh.age_seconds is None or fresh.age_seconds > max_age_seconds


def _state(reason: SeverityReason, assessed: Assessment, *, is_stale: bool) -> CheckState:
    if is_stale and reason.kind != "limit_use":
        return CheckState.UNKNOWN
    if reason.kind == "verdict" and assessed.finding.verdict is Verdict.CANNOT_SAY:
        return CheckState.UNKNOWN
    return _BY_SEVERITY[reason.severity]
