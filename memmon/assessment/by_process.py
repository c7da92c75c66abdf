"""The verdict on a source with processes side by side: each is judged by itself, and the worst speaks for the source.

Verdicts are never averaged. Where no process leaks for sure, all runs together may show it (short ones that follow one
another), or the sum may: work that moves from process to process takes its leak along.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memmon.analysis.leak.detect import judge_history
from memmon.analysis.stats.newey_west import ols_newey_west
from memmon.arrays import median_of
from memmon.assessment.lives import history_lanes
from memmon.facts.side_by_side import living
from memmon.facts.verdicts import Confidence, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memmon.analysis.leak.finding import LeakFinding, LeakPolicy
    from memmon.analysis.stats.newey_west import LeastSquares
    from memmon.facts.side_by_side import Lane
    from memmon.history import History

    Judge = Callable[[History], LeakFinding]

MOST_JUDGED = 16
"""Processes that are judged by themselves: those that have grown most. Chosen: bounds the cost of a verdict."""
END_SHARE = 0.1
"""Share of a history at each of its ends between which its growth is told roughly. Chosen: a tenth."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgedProcess:
    """One process that lives: its runs, their samples, and the verdict on them (None: it was not judged)."""

    lane: Lane
    history: History
    finding: LeakFinding | None

    @property
    def run_id(self) -> int:
        """Its newest run."""
        return self.lane[-1].run_id

    @property
    def present(self) -> History:
        """The samples of its newest run."""
        return self.history.of_runs([self.run_id])

    @property
    def footprint_bytes(self) -> float:
        """What it can't give back, at its last sample."""
        return float(self.history.footprint_bytes[-1])

    @property
    def is_sure_leak(self) -> bool:
        """Tell whether it leaks, with more than low confidence."""
        return self.finding is not None and is_sure_leak(self.finding)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ByProcess:
    """The verdict on a source, and on each process that lives, the worst first.

    `run_id`: of which of several processes the verdict is; None: of all together, or there is only one.
    """

    finding: LeakFinding
    run_id: int | None = None
    processes: tuple[JudgedProcess, ...] = ()
    lanes: tuple[Lane, ...] = ()

    @property
    def are_several(self) -> bool:
        """Tell whether processes live side by side."""
        return len(self.processes) > 1

    def total(self, history: History) -> History:
        """Return what all processes of the history hold together."""
        from memmon.assessment.together import together  # most programs are one process

        return together(history, self.lanes)


def is_sure_leak(finding: LeakFinding) -> bool:
    """Tell whether it is a leak of more than low confidence."""
    return finding.is_leak and finding.confidence is not Confidence.LOW


def judge_processes(
    history: History,
    policy: LeakPolicy,
    *,
    least_squares: LeastSquares = ols_newey_west,
    known: Callable[[], History] | None = None,
) -> ByProcess:
    """Return the verdict on a history whose runs may be processes side by side; `least_squares`: the second trend's.

    `known`: reads the history with the week before it, for one process of which a week by itself does not tell.
    """

    def judge(samples: History) -> LeakFinding:
        return judge_history(samples, policy, least_squares=least_squares)

    found = history_lanes(history)
    there = living(found, at_seconds=float("-inf") if history.is_empty else float(history.at_seconds.max()))
    if len(there) < 2:  # noqa: PLR2004 -- one speaks for itself
        finding = judge(history)
        if known is not None and finding.verdict.row.asks_week_before:
            longer = judge(known())
            finding = longer if longer.is_leak else finding
        return judged_alone(history, finding)
    processes = worst_first(_judged(history, there, judge))
    speaking = next((one for one in processes if _is_known(one)), processes[0])
    assert speaking.finding is not None, "those that have grown most are judged"
    by_process = ByProcess(
        finding=_told(speaking.finding, history),
        run_id=speaking.run_id,
        processes=processes,
        lanes=found,
    )
    if speaking.finding.is_leak:
        return by_process
    total = _of_all(history, by_process, judge)
    return by_process if total is None else replace(by_process, finding=total, run_id=None)


def judged_alone(history: History, finding: LeakFinding) -> ByProcess:
    """Return the verdict on a history of one process; of several it is the verdict on whichever was heard of last."""
    if history.is_empty:
        return ByProcess(finding=finding)
    lanes = history_lanes(history)
    there = living(lanes, at_seconds=float(history.at_seconds.max()))
    newest = max(there or lanes, key=lambda lane: lane[-1].end_seconds)
    only = JudgedProcess(lane=newest, history=_of(history, newest), finding=finding)
    return ByProcess(finding=finding, processes=(only,), lanes=lanes)


def _of(history: History, lane: Lane) -> History:
    return history.of_runs(one.run_id for one in lane)


def _judged(history: History, there: Sequence[Lane], judge: Judge) -> list[JudgedProcess]:
    rough = sorted(
        (JudgedProcess(lane=lane, history=_of(history, lane), finding=None) for lane in there),
        key=lambda one: _rough_growth_bytes(one.history),
        reverse=True,
    )
    judged = [replace(one, finding=judge(one.history)) for one in rough[:MOST_JUDGED]]
    return [*judged, *rough[MOST_JUDGED:]]


def _rough_growth_bytes(history: History) -> float:
    footprint = history.footprint_bytes
    count = max(round(END_SHARE * footprint.size), 1)
    return median_of(footprint[-count:]) - median_of(footprint[:count])


def worst_first(processes: Sequence[JudgedProcess]) -> tuple[JudgedProcess, ...]:
    """Return processes by verdict, confidence and slope, as sources are; what can't be judged yet stands behind."""
    return tuple(sorted(processes, key=_badness))


def _badness(one: JudgedProcess) -> tuple[bool, int, int, float, float]:
    finding = one.finding
    if finding is None:
        return True, Verdict.STABLE.rank, 0, 0.0, -one.footprint_bytes
    confidence = -finding.confidence.rank if finding.is_leak else 0
    slope = -(finding.slope_mb_per_hour or 0.0) if finding.verdict.row.grows else 0.0
    return not _is_known(one), finding.verdict.rank, confidence, slope, -one.footprint_bytes


def _is_known(one: JudgedProcess) -> bool:
    return one.finding is not None and one.finding.verdict is not Verdict.CANNOT_SAY


def _of_all(history: History, by_process: ByProcess, judge: Judge) -> LeakFinding | None:
    """Return the leak that all runs together show, else their sum; None where neither leaks for sure."""
    pooled = judge(history)
    if is_sure_leak(pooled) and pooled.window.kind == "pooled":
        return _told(pooled, history, "All runs of the processes side by side show it together.")
    total = judge(by_process.total(history))
    if not is_sure_leak(total):
        return None
    said = "No process by itself grows so for certain: what they hold together does."
    return _told(replace(total, details=(said, *total.details)), history)


def _told(finding: LeakFinding, history: History, *more: str) -> LeakFinding:
    return replace(finding, source=history.source, details=(*finding.details, *more))
