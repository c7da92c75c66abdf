"""What runs towards a limit where processes live side by side, and when it gets there: one rule.

A limit that was recorded, the container's or the machine's, holds for all together: what counts against it is the
whole group's, and it is reached at the pace of all processes that leak. A limit that is given is each process's own,
as it is where there is only one: the process that reaches it first is what is forecast, by name. Of processes on
several hosts a recorded limit holds for those on the host that it was read on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memmon.assessment.process import labels
from memmon.formatting import shown, size
from memmon.units import MIB, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.forecast.finding import Forecast
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.assessment.by_process import ByProcess, JudgedProcess
    from memmon.assessment.held import Held
    from memmon.assessment.limits import Limit
    from memmon.history import History


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limited:
    """What is carried forward to a limit: its history, the verdict on it, and what it has used of the limit.

    `run_id`: of which of several processes it is; None: of all together, or of the only one.
    """

    history: History
    finding: LeakFinding
    limit: Limit | None
    run_id: int | None = None
    who: str = ""
    """How a sentence names it; empty where there is only one process."""
    remarks: tuple[str, ...] = ()


def limited_by(history: History, judged: ByProcess, limit: Limit | None, held: Held) -> Limited:
    """Return what runs towards the limit; `held`: what the processes hold together."""
    if limit is None or not judged.are_several:
        return Limited(history=history, finding=judged.finding, limit=limit)
    if limit.counts == "footprint":
        return _first_to_reach(judged, limit, held)
    return _all_together(history, judged, limit)


def _first_to_reach(judged: ByProcess, limit: Limit, held: Held) -> Limited:
    """Return the process that reaches a limit of its own first, at its present pace; the largest where none grows."""
    first = min(judged.processes, key=lambda one: (_hours_to(limit, one), -one.footprint_bytes))
    finding = judged.finding if first.finding is None else first.finding
    names = dict(zip((one.run_id for one in held.processes), labels(held.processes), strict=True))
    return Limited(
        history=first.history,
        finding=replace(finding, source=judged.finding.source),
        limit=replace(limit, used_bytes=round(first.footprint_bytes)),
        run_id=first.run_id,
        who=f"{names[first.run_id]}, the first of {len(judged.processes)} processes",
        remarks=(_own(limit, held),),
    )


def _own(limit: Limit, held: Held) -> str:
    """Return whose the limit is, and what it would mean for all together."""
    every = held.footprint_bytes or 0
    most = "" if held.is_exact else "at most "
    said = f"The limit is taken as each process's own; all together hold {most}{size(mb_from_bytes(every))}"
    if every < limit.limit_bytes:
        return f"{said}."
    if held.is_exact:
        return f"{said}: were it meant for all, it would be reached."
    return f"{said}: were it meant for all, it might be reached."


def _hours_to(limit: Limit, one: JudgedProcess) -> float:
    left_mb = limit.limit_bytes / MIB - one.footprint_bytes / MIB
    if left_mb <= 0.0:
        return 0.0
    slope = (
        one.finding.slope_mb_per_hour
        if one.finding is not None and one.finding.verdict.row.tone == "warn"
        else None
    )
    return left_mb / slope if slope is not None and slope > 0.0 else math.inf


def _all_together(history: History, judged: ByProcess, limit: Limit) -> Limited:
    """Return what all processes hold together, growing as fast as those that leak do: what else counts stays as it is."""
    sharing = _sharing(judged)
    is_everybody = len(sharing) == len(judged.processes)
    growing = [one for one in sharing if one.is_sure_leak]
    leaking = [one.finding for one in growing if one.finding is not None]
    if leaking and (judged.run_id is not None or not is_everybody):
        carried, finding = _carried(history, growing), _added(leaking)
    elif is_everybody:
        carried, finding = judged.total(history), judged.finding
    else:
        carried = _carried(history, sharing)
        finding = next((one.finding for one in sharing if one.finding is not None), judged.finding)
    count = f"{len(sharing)} processes" if len(sharing) > 1 else "one process"
    on = "" if is_everybody else f" on {shown(sharing[0].lane[-1].host or 'one host')}"
    added = f", and {len(leaking)} of them leak" if len(leaking) > 1 else ""
    every = f"all {count}" if is_everybody else count
    return Limited(
        history=carried,
        finding=replace(finding, source=judged.finding.source),
        limit=limit,
        who=f"{count}{on} together" if len(sharing) > 1 else f"{count}{on}",
        remarks=(f"The limit holds for {every}{on} together{added}.",),
    )


def _sharing(judged: ByProcess) -> list[JudgedProcess]:
    """Return the processes that a limit holds for: those on the host of the one that it was read with, the newest."""
    newest = max(judged.processes, key=lambda one: (one.lane[-1].end_seconds, one.run_id))
    return [one for one in judged.processes if one.lane[-1].host == newest.lane[-1].host]


def _carried(history: History, processes: Sequence[JudgedProcess]) -> History:
    if len(processes) == 1:
        return processes[0].history
    from memmon.assessment.together import together

    return together(history, [one.lane for one in processes])


def _added(leaking: Sequence[LeakFinding]) -> LeakFinding:
    """Return the worst finding with the slopes of all that leak added; their errors are independent."""
    worst = leaking[0]
    slope = sum(one.slope_mb_per_hour or 0.0 for one in leaking)
    below = math.hypot(
        *((one.slope_mb_per_hour or 0.0) - (one.slope_low_mb_per_hour or 0.0) for one in leaking)
    )
    above = math.hypot(
        *((one.slope_high_mb_per_hour or 0.0) - (one.slope_mb_per_hour or 0.0) for one in leaking)
    )
    # All of them grow only from where the last has begun.
    since = max((one.since for one in leaking if one.since is not None), default=worst.since)
    return replace(
        worst,
        slope_mb_per_hour=slope,
        slope_low_mb_per_hour=slope - below,
        slope_high_mb_per_hour=slope + above,
        since=since,
    )


def forecast_of(limited: Limited, *, level: float, is_cross_checked: bool) -> Forecast:
    """Return when the limit is reached by what runs towards it."""
    from memmon.analysis.forecast.limit import forecast_limit  # where there is a limit

    limit = limited.limit
    assert limit is not None, "without a limit nothing is forecast"
    found = forecast_limit(
        limited.history,
        limit.limit_bytes,
        used_bytes=limit.used_bytes,
        counts=limit.counts,
        finding=limited.finding,
        level=level,
        cross_check=is_cross_checked,
    )
    summary = f"{limited.who}: {found.summary}" if limited.who else found.summary
    return replace(found, summary=summary, details=(*limited.remarks, *found.details))
