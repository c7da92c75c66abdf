"""Leaks that pause: what is said of leaks of working hours in nights and over weekends, and of leaks by work in days without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import calendars, simulator
from benchmarks.detection.rates import Rate
from benchmarks.detection.weeks import checks
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from benchmarks.detection.experiments import Plan
    from benchmarks.detection.simulator import Track

STRETCHES = {
    "nights of the first week": [(24.0 * day + 20, 24.0 * day + 32) for day in range(4)],
    "the first weekend": [(116.0, 176.0)],
    "the second weekend": [(284.0, 336.0)],
}
"""{name: its stretches, in hours since Monday 0:00}."""
EVERY_HOURS = 4.0
BY_THE_CLOCK, BY_WORK = "in working hours", "with counted work of working days"
CALM = frozenset(verdict.value for verdict in Verdict if verdict.row.needs_all_parts)


def by_work(name: str, index: int, plan: Plan, *, hours: float = 336.0, mended: float = np.inf) -> Track:
    """Return a leak by each unit of counted work, which is done on working days; it is deployed on a Monday.

    It leaks until it is `mended`, in hours since that Monday's 0:00; the work goes on.
    """
    rng = simulator.rng_for(plan.purpose, f"leak by work {name}", hours, index)
    track = simulator.strengthened(rng, simulator.BACKGROUNDS[name](rng, hours))
    hour = rng.uniform(0, 9)
    clock = calendars.local_clock(track.hours, 0, hour)
    busy = simulator.day_shape(rng, clock) * calendars.is_working_day(clock)
    track.work = np.cumsum((busy + rng.uniform(0, 0.05)) * 1000 * np.exp(rng.normal(0, 0.2, busy.size)))
    week = track.work[-1] / (track.hours[-1] / 24.0) * 7 / calendars.DAYS
    leaked = np.minimum(track.work, np.interp(mended, clock, track.work))
    track.mb = track.mb + simulator.log_uniform(rng, 20, 50) * 24.0 * leaked / week
    track.leak_hours = calendars.OPEN - hour
    return calendars.begin_at(track, 0, hour)


def words(track: Track) -> dict[str, list[str]]:
    """Return the words of checks in each stretch."""
    begin = calendars.OPEN - track.leak_hours
    history = track.history()
    return {
        name: checks(
            history, [at - begin for first, last in parts for at in np.arange(first, last, EVERY_HOURS)]
        ).words
        for name, parts in STRETCHES.items()
    }


def measure(plan: Plan) -> list[tuple[str, str, Rate, Rate]]:
    """Return (leak, stretch, checks that say `leaking`, leaks that were ever called calm then)."""
    rows = []
    made = {
        BY_THE_CLOCK: lambda name, index: calendars.office_leak(index, plan.purpose, background=name),
        BY_WORK: lambda name, index: by_work(name, index, plan),
    }
    for leak, make in made.items():
        said: dict[str, list[list[str]]] = {}
        for name in calendars.QUIET:
            for index in range(max(plan.cases // 8, 1)):
                for stretch, found in words(make(name, index)).items():
                    said.setdefault(stretch, []).append(found)
        for stretch, each in said.items():
            told = Rate(sum(one.count("leaking") for one in each), sum(map(len, each)))
            calm = Rate(sum(bool(CALM & set(one)) for one in each), len(each))
            rows.append((leak, stretch, told, calm))
    return rows
