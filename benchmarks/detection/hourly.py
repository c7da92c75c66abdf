"""A process that is looked at every hour: when it leaks, with what evidence, and when two checks in a row say so."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import simulator
from benchmarks.detection.experiments import CHECK_FROM_HOURS, LOOK_BACK_HOURS, Plan
from memmon.analysis.leak.budget import log_e_value, within_budget
from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.sequential import confirmed

if TYPE_CHECKING:
    from memmon.history import History

PROCESS_COUNT = 1000
MONTH_HOURS = 720.0


@dataclass(frozen=True, slots=True)
class HourlyEvidence:
    """The hours (since a history's beginning) at which it leaks, and the evidence of each; how many hours were watched.

    `confirmed_hours`: those at which the check before said so too.
    """

    hours: list[float]
    log_e_values: list[float]
    watched_hours: float
    confirmed_hours: list[float]

    def alarms(self, budget: float | None) -> list[float]:
        """Return the hours at which it is an alarm, as the only one of `PROCESS_COUNT` that has any evidence."""
        return [
            hour
            for hour, value in zip(self.hours, self.log_e_values, strict=True)
            if budget is None or within_budget([value], budget, process_count=PROCESS_COUNT)[0]
        ]


def hourly(history: History, begin_hours: float, end_hours: float) -> HourlyEvidence:
    """Look at a history every hour between two, each time back over a week."""
    first = float(history.at_seconds[0])
    hours, values, twice, found = [], [], [], []
    moments = np.arange(begin_hours, end_hours + 1e-6).tolist()
    for now in moments:
        part = history.slice_time(first + (now - LOOK_BACK_HOURS) * 3600, first + now * 3600)
        found = [*found[-1:], detect_leak(part)]
        if found[-1].is_leak:
            hours.append(now)
            values.append(float(log_e_value(found[-1])))
        if confirmed(found):
            twice.append(now)
    return HourlyEvidence(hours, values, float(len(moments)), twice)


def month_of(plan: Plan, name: str) -> list[dict[str, object]]:
    """Watch leak-free processes of one kind for 30 days."""
    tracks = (
        simulator.background_case(name, MONTH_HOURS, index, plan.purpose) for index in range(plan.processes)
    )
    return [asdict(hourly(track.history(), CHECK_FROM_HOURS, MONTH_HOURS)) for track in tracks]
