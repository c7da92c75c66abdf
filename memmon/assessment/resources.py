"""What the processes of a source hold beside memory: of each resource, the process in which it stands worst.

A limit of open files is each process's own, and so is whoever never closes them: a sum over processes would say
neither. So of processes side by side one is told of for each resource, by its pid: what grows before what does not,
then what reaches its limit first, then the fastest, then the largest count. It need not be the one that leaks memory.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.resources.finding import ResourceGrowth, ResourceState
from memmon.analysis.resources.growth import LEAST_ROUGH_COUNT, resource_growth, rough_growth
from memmon.assessment.culprits import Culprits
from memmon.assessment.resource import Resource, ResourceName
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from memmon.analysis.leak.finding import LeakFinding, LeakPolicy
    from memmon.assessment.by_process import ByProcess
    from memmon.history import History, HistoryRun

    FloatArray = NDArray[np.float64]

COLUMNS: dict[ResourceName, str] = {"threads": "thread_count", "open_files": "fd_count"}


def resources_of(
    judged: ByProcess, policy: LeakPolicy, file_limits: Mapping[int, int]
) -> tuple[Resource, ...]:
    """Return each resource that is known; `file_limits`: how many open files a run's process may have."""
    runs = [_looked_at(one.present, policy) for one in judged.processes]
    return tuple(
        min(found, key=_badness)
        for name in COLUMNS
        if (found := list(_each(name, runs, policy, file_limits if name == "open_files" else {})))
    )


def _looked_at(run: History, policy: LeakPolicy) -> History:
    """Return what of a run the verdict looks back to."""
    return run.slice_time(run.last_seconds - policy.look_back_hours * SECONDS_PER_HOUR, run.last_seconds)


def _each(
    name: ResourceName, runs: Sequence[History], policy: LeakPolicy, limits: Mapping[int, int]
) -> Iterator[Resource]:
    for run in runs:
        counts: FloatArray | None = getattr(run, COLUMNS[name])
        if counts is None or not bool(np.isfinite(counts).any()):
            continue
        is_close = len(runs) == 1 or rough_growth(counts) >= LEAST_ROUGH_COUNT
        growth = resource_growth(run, counts, warm_up_hours=policy.warm_up_hours) if is_close else _LEVEL
        yield _resource(name, run.runs[-1], counts, growth, limits)


_LEVEL = ResourceGrowth(state=ResourceState.STEADY)


def _resource(
    name: ResourceName,
    run: HistoryRun,
    counts: FloatArray,
    growth: ResourceGrowth,
    limits: Mapping[int, int],
) -> Resource:
    count = round(float(counts[np.isfinite(counts)][-1]))
    found = Resource(
        name=name,
        count=count,
        limit_count=limits.get(run.run_id),
        state=growth.state,
        slope_per_hour=growth.slope_per_hour,
        slope_low_per_hour=growth.slope_low_per_hour,
        slope_high_per_hour=growth.slope_high_per_hour,
        since=growth.since,
        run_id=run.run_id,
        pid=run.pid,
    )
    if not found.is_growing or found.limit_count is None:
        return found
    room = max(found.limit_count - count, 0)
    return replace(
        found,
        hours_to_limit=_hours(room, found.slope_per_hour),
        hours_to_limit_low=_hours(room, found.slope_high_per_hour),
        hours_to_limit_high=_hours(room, found.slope_low_per_hour),
    )


def _hours(room_count: int, slope_per_hour: float | None) -> float | None:
    """Return when so much room is taken up; None: never."""
    if not room_count:
        return 0.0
    return room_count / slope_per_hour if slope_per_hour else None


def _badness(one: Resource) -> tuple[bool, float, float, float]:
    share = one.count / one.limit_count if one.limit_count else 0.0
    hours = math.inf if one.hours_to_limit is None else one.hours_to_limit
    slope = (one.slope_per_hour or 0.0) if one.is_growing else 0.0
    return not one.is_growing, hours, -slope, -(share or one.count)


def beside_resources(
    culprits: Culprits | None, finding: LeakFinding, run_id: int | None, resources: Sequence[Resource]
) -> Culprits | None:
    """Return whose a leak is with what else grows in the same process: a hint at what is never closed."""
    grown = [one for one in resources if one.is_growing and run_id in {None, one.run_id}]
    if not finding.is_leak or not grown:
        return culprits
    names = " and ".join(f"{one.words} (by {one.pace})" for one in grown)
    hint = f"At the same time {names} grow: what is never closed may hold the memory. That is evidence, not proof."
    known = culprits or Culprits(parts=(), sentences=())
    return replace(known, sentences=(*known.sentences, hint))
