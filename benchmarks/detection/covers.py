"""How often the slope's interval holds the rate of a leak on a start that warms up, or below an earlier high-water mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import simulator
from benchmarks.detection.experiments import FAST, Plan
from benchmarks.detection.rates import Rate
from memmon.analysis.leak.detect import detect_leak

if TYPE_CHECKING:
    from benchmarks.detection.simulator import Purpose, Track

HORIZONS = (3.0, 6.0, 24.0, 72.0)
BEGINS_LEVEL = 0.5
"""Share of the histories whose noise is that of requests (the others: of readings)."""


def _level(rng: np.random.Generator, hours: float) -> Track:
    return simulator.ar_fast(rng, hours) if rng.random() < BEGINS_LEVEL else simulator.blank(rng, hours)


def on_a_warm_up(hours: float, index: int, purpose: Purpose) -> Track:
    """Return a leak from the start on, beside a warm-up that ends exponentially."""
    rng = simulator.rng_for(purpose, "leak on a warm-up", hours, index)
    track = simulator.strengthened(rng, _level(rng, hours))
    tau = simulator.log_uniform(rng, 0.2, max(hours / 6, 0.5))
    warm = simulator.log_uniform(rng, 15, 400) * (1 - np.exp(-track.hours / tau))
    track.mb = track.mb + warm + FAST[index % len(FAST)] * track.hours
    return track


def below_a_mark(hours: float, index: int, purpose: Purpose) -> Track:
    """Return a leak that fills the holes of an early peak first, for up to half of the history."""
    rng = simulator.rng_for(purpose, "leak below a high-water mark", hours, index)
    track = simulator.strengthened(rng, _level(rng, hours))
    rate = FAST[index % len(FAST)]
    filled_hours = rng.uniform(0.05, 0.5) * hours
    track.mb = track.mb + rate * np.maximum(track.hours, filled_hours)
    return track


KINDS = {"on a warm-up": on_a_warm_up, "below a high-water mark": below_a_mark}


def measure(plan: Plan) -> list[tuple[str, float, Rate, Rate]]:
    """Return for each kind and length how often the interval holds the rate: of all that have one, and of leaks told."""
    rows = []
    for name, make in KINDS.items():
        for hours in HORIZONS:
            held: list[tuple[bool, bool]] = []
            for index in range(4 * plan.cases):
                found = detect_leak(make(hours, index, plan.purpose).history())
                low, high = found.slope_low_mb_per_hour, found.slope_high_mb_per_hour
                if low is not None and high is not None:
                    held.append((low <= FAST[index % len(FAST)] <= high, found.is_leak))
            told = [holds for holds, is_leak in held if is_leak]
            all_of = Rate(sum(holds for holds, _ in held), len(held))
            rows.append((name, hours, all_of, Rate(sum(told), len(told))))
    return rows
