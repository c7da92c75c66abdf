"""A leak that a part of memory was heard with is held through a pause, as one of the whole is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.analysis.leak.hold import hold
from memmon.analysis.leak.judgement import Judgement
from memmon.analysis.leak.signals.alarm import alarm_of, part_evidence
from memmon.analysis.leak.states import judged_alone
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.leak.evidence import Evidence
    from memmon.analysis.leak.series import RunSeries
    from memmon.facts.signals import Signal

HELD_ORDER = 0.8
"""Kendall's tau of a part's minima with time, from which it is held. Chosen on simulated parts: leaks of office hours reach it."""
_ORDER = ("held", "paused")
"""What holding says, the surer first."""


def held_part(
    whole: dict[Signal, Evidence], newest: RunSeries, threshold_mb_per_hour: float, *, signal_count: int
) -> tuple[Signal, Judgement] | None:
    """Return what is said of a leak that checks of earlier hours heard in a part and that nothing has resolved, else None.

    That is `leaking`, or `cannot_say` of growth that began with the run: it may be a cache that filled.
    """

    def judge(runs: Sequence[RunSeries]) -> Judgement | None:
        return _heard(runs, threshold_mb_per_hour, signal_count=signal_count)

    found = []
    for signal, evidence in whole.items():
        now = judged_alone(evidence, threshold_mb_per_hour)
        held = hold(now, [evidence.series], evidence.series, threshold_mb_per_hour, judge, newest)
        if held.reason in _ORDER:
            found.append((signal, held))
    return min(found, key=lambda one: _ORDER.index(one[1].reason), default=None)


def _heard(runs: Sequence[RunSeries], threshold_mb_per_hour: float, *, signal_count: int) -> Judgement | None:
    """Return the leak that a part tells as of an earlier hour, None where it told none, or had risen only in part."""
    for part in runs:
        evidence = part_evidence(part, threshold_mb_per_hour, signal_count=signal_count)
        alarm = (
            None if evidence is None else alarm_of(evidence, threshold_mb_per_hour, signal_count=signal_count)
        )
        is_steady = alarm is not None and alarm.trend is not None and alarm.trend.order >= HELD_ORDER
        if alarm is not None and is_steady:
            return Judgement(verdict=Verdict.LEAKING, reason="trend", evidence=alarm)
    return None
