"""What a verdict costs in processor time: of one signal by length of history, and of several beside one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import counters, simulator
from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.finding import LeakPolicy

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.detection.experiments import Plan
    from memmon.history import History

KINDS = ("ar_fast", "mixed_service", "warm_up", "restarts")
HISTORIES = 20
ROUNDS = 7
"""Times that each pair is measured, one signal and several by turns; the least of each counts."""


def _milliseconds(history: History, policy: LeakPolicy) -> float:
    begun = time.process_time()
    detect_leak(history, policy)
    return 1000 * (time.process_time() - begun)


def of_one_verdict(plan: Plan) -> dict[str, list[list[float]]]:
    """Return {kind: for each length of history the milliseconds of each of twenty}; the first call is not counted."""
    policy = LeakPolicy()
    _milliseconds(simulator.background_case(KINDS[0], 6.0, 89_999, plan.purpose).history(), policy)
    return {
        name: [
            [
                _milliseconds(
                    simulator.background_case(name, hours, 90_000 + i, plan.purpose).history(), policy
                )
                for i in range(HISTORIES)
            ]
            for hours in plan.horizons
        ]
        for name in KINDS
    }


def of_signals(folder: Path) -> dict[str, list[float]]:
    """Return the milliseconds of a verdict on each recorded day: by all memory alone, and by all signals that it has.

    By turns in the same process, the least of several: other programs only ever add time.
    """
    found: dict[str, list[float]] = {"one": [], "several": []}
    for one in counters.recordings(folder):
        policy = LeakPolicy(threshold_mb_per_hour=one.threshold_mb_per_hour)
        pair = {"one": counters.one_signal(one.history), "several": one.history}
        least = dict.fromkeys(pair, float("inf"))
        for _ in range(ROUNDS):
            for name, history in pair.items():
                least[name] = min(least[name], _milliseconds(history, policy))
        for name, spent in least.items():
            found[name].append(spent)
    return found


def middle(values: list[float]) -> float:
    return float(np.median(values))
