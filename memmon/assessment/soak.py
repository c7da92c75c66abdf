"""The soak gate over a program of several processes: each is judged by itself, and their sum.

What was not measured is never passed over: a PASS speaks for every process that was there, or it is none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memmon.analysis.leak.soak import DETECT_MB_PER_HOUR, judge_soak
from memmon.assessment.lives import history_lanes
from memmon.assessment.together import together
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.leak.soak import Outcome, SoakVerdict
    from memmon.facts.side_by_side import Lane
    from memmon.history import History

HELPER_SHARE = 0.1
"""A process that had ended after less than this share of the soak, and never held more than this share of all, is judged in the sum alone. Chosen: a tenth."""

ENDING_SHARE = 0.1
"""Share of the soak at its end in which its processes may end one after another. Chosen: a tenth."""

_WORST_FIRST: tuple[Outcome, ...] = ("FAIL", "INCONCLUSIVE", "PASS")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakOfProcesses:
    """What a soak of several processes proves.

    `verdict`: the one that decides, its summary saying of whom it is, and how many were not measured. `each`: of whom
    every verdict is, and the verdict. `unmeasured_count`: processes of which nothing was recorded, or not up to their end.
    """

    verdict: SoakVerdict
    each: tuple[tuple[str, SoakVerdict], ...]
    unmeasured_count: int = 0


def judge_soak_processes(
    history: History,
    *,
    detect_mb_per_hour: float = DETECT_MB_PER_HOUR,
    min_duration_hours: float = 2.0,
    unmeasured_count: int = 0,
) -> SoakOfProcesses:
    """Judge a soak by its processes and by their sum: FAIL where one of them leaks, PASS where all surely do not.

    `unmeasured_count`: processes that were there and were not recorded; with any, the best is INCONCLUSIVE.
    """

    def judge(samples: History) -> SoakVerdict:
        return judge_soak(
            samples, detect_mb_per_hour=detect_mb_per_hour, min_duration_hours=min_duration_hours
        )

    found = history_lanes(history)
    each: tuple[tuple[str, SoakVerdict], ...]
    if len(found) <= 1:
        each = (("", judge(history)),)
    else:
        total = _sum(history, found)
        judged = [lane for lane in found if not _is_helper(lane, history, total)]
        each = (
            *((_label(lane), judge(_of(history, lane))) for lane in judged),
            (f"the sum of {len(found)} processes", judge(total)),
        )
    each = tuple(sorted(each, key=_badness))
    label, worst = each[0]
    said = f"{label}: {worst.summary}" if label else worst.summary
    verdict = replace(worst, summary=said)
    silent_count = _silent_count(found)
    if unmeasured_count or silent_count:
        verdict = _with_unmeasured(verdict, _unmeasured(unmeasured_count, silent_count))
    elif verdict.outcome == "PASS" and len(each) > 1:
        verdict = replace(verdict, summary=f"none of {len(found)} processes leaks, nor their sum; {said}")
    return SoakOfProcesses(verdict=verdict, each=each, unmeasured_count=unmeasured_count + silent_count)


def _silent_count(found: Sequence[Lane]) -> int:
    """Return how many processes fell silent: nothing was read of them any more, and no end is known."""
    end = max((lane[-1].end_seconds for lane in found), default=0.0)
    return sum(not lane[-1].is_over and not lane[-1].is_open(end) for lane in found)


def _unmeasured(unmeasured_count: int, silent_count: int) -> str:
    said = []
    if unmeasured_count:
        said.append(f"{_processes_were(unmeasured_count)} not measured")
    if silent_count:
        said.append(f"{_processes_were(silent_count)} not measured up to the end")
    return " and ".join(said)


def _processes_were(count: int) -> str:
    return "1 process was" if count == 1 else f"{count} processes were"


def _with_unmeasured(verdict: SoakVerdict, said: str) -> SoakVerdict:
    """Return a verdict that says what was not measured; it is no proof of health then."""
    if verdict.outcome != "PASS":
        return replace(verdict, summary=f"{verdict.summary}; {said}")
    return replace(verdict, outcome="INCONCLUSIVE", summary=f"{said}; of the others: {verdict.summary}")


def _sum(history: History, found: Sequence[Lane]) -> History:
    """Return the sum over all processes, as long as those that were there near the end were all there.

    A program ends piece by piece: its workers first, the sum then falls, and hides what grew before.
    """
    end = max(lane[-1].end_seconds for lane in found)
    near_seconds = ENDING_SHARE * history.duration_hours * SECONDS_PER_HOUR
    ends = [lane[-1].end_seconds for lane in found]
    near = [
        one
        for one, lane in zip(ends, found, strict=True)
        if end - one <= max(near_seconds, lane[-1].silent_after_seconds)
    ]
    return together(history, found).slice_time(None, min(near))


def _badness(one: tuple[str, SoakVerdict]) -> tuple[int, float]:
    verdict = one[1]
    visible = verdict.smallest_visible_slope_mb_per_hour
    slope = (verdict.finding.slope_mb_per_hour or 0.0) if verdict.outcome == "FAIL" else visible
    return _WORST_FIRST.index(verdict.outcome), -(float("inf") if slope is None else slope)


def _of(history: History, lane: Lane) -> History:
    return history.of_runs(one.run_id for one in lane)


def _is_helper(lane: Lane, history: History, total: History) -> bool:
    """Tell whether a process was there for a moment only, and held little: it can have kept nothing."""
    end = float(history.at_seconds.max())
    lived = lane[-1].end_seconds - lane[0].begin_seconds
    if lane[-1].is_open(end) or lived >= HELPER_SHARE * history.duration_hours * SECONDS_PER_HOUR:
        return False
    return float(_of(history, lane).footprint_bytes.max()) <= HELPER_SHARE * float(total.rss_bytes.max())


def _label(lane: Lane) -> str:
    pid = lane[-1].pid
    return f"run {lane[-1].run_id}" if pid is None else f"pid {pid}"
