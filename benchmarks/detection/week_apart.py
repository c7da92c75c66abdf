"""What the second voice adds, from the tenth day on: each hour beside the same hour a week before.

Every history is judged twice at the same moments: with the week before what a verdict looks back over, and without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import calendars, real, simulator
from benchmarks.detection.rates import Rate
from memmon.analysis.leak.detect import detect_leak
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.detection.experiments import Plan
    from benchmarks.detection.simulator import Track
    from memmon.history import History

TWO_WEEKS_HOURS = 336.0
MOMENTS_HOURS = (240.0, 264.0, 288.0, 312.0, 336.0)
REAL_MOMENTS_HOURS = (264.0, 288.0, 312.0, 336.0)
LOOK_BACK_HOURS = 168.0
ADDED = (0.0, 12.0, 20.0)
REAL_SETS = ("bitbrains_vms",)
KINDS = ("weekly load", "steps", "a cache of days", "a random walk")

Both = tuple[Rate, Rate]
"""Alarms without and with the week before."""


def alarms(histories: Iterable[History], moments: tuple[float, ...]) -> Both:
    """Count the alarms as of each moment (hours since the first sample), without and with the week before."""
    without, beside, count = 0, 0, 0
    for history in histories:
        first = float(history.at_seconds[0])
        for moment in moments:
            known = history.slice_time(None, first + moment * SECONDS_PER_HOUR)
            judged = known.slice_time(known.last_seconds - LOOK_BACK_HOURS * SECONDS_PER_HOUR, None)
            without += detect_leak(judged).is_leak
            beside += detect_leak(known).is_leak
            count += 1
    return Rate(without, count), Rate(beside, count)


def leak_free(plan: Plan) -> dict[str, Both]:
    """Count false alarms on the backgrounds, and on what looks like growth between two weeks and is none."""
    names = [name for name in simulator.BACKGROUNDS if name != "restarts"]
    cases = range(max(plan.cases // 4, 1))
    backgrounds = (
        simulator.background_case(name, TWO_WEEKS_HOURS, 50_000 + index, plan.purpose)
        for name in names
        for index in cases
    )
    rows = {"backgrounds": alarms((track.history() for track in backgrounds), MOMENTS_HOURS)}
    for kind in KINDS:
        found = (hard_case(kind, index, plan).history() for index in range(plan.cases))
        rows[kind] = alarms(found, MOMENTS_HOURS)
    return rows


def hard_case(kind: str, index: int, plan: Plan) -> Track:
    """Return two weeks without a leak: load by the weekday that differs from week to week, few steps, a cache that fills."""
    rng = simulator.rng_for(plan.purpose, f"week apart {kind}", TWO_WEEKS_HOURS, index)
    track = simulator.strengthened(rng, calendars.working_days(rng, TWO_WEEKS_HOURS, 0, 0.0))
    if kind == "weekly load":
        track.mb = track.mb.min() + (track.mb - track.mb.min()) * np.where(
            track.hours < rng.uniform(72, 264), 1.0, rng.uniform(1.0, 3.0)
        )
    elif kind == "steps":
        for at in rng.uniform(24, TWO_WEEKS_HOURS, rng.integers(1, 4)):
            track.mb = track.mb + np.where(track.hours >= at, simulator.log_uniform(rng, 50, 5000), 0.0)
    elif kind == "a random walk":
        shocks = rng.normal(0, simulator.log_uniform(rng, 1, 20), track.mb.size)
        track.mb = track.mb + np.maximum(10_000 + np.cumsum(shocks), 100)
    else:
        filled = 1 - np.exp(-track.hours / simulator.log_uniform(rng, 6, 72))
        track.mb = track.mb + simulator.log_uniform(rng, 100, 5000) * filled
    return calendars.begin_at(track, int(rng.integers(0, 7)), rng.uniform(0, 24))


def office(plan: Plan) -> Both:
    """Count the checks of days 10 to 14 that tell a leak of office hours."""
    tracks = (
        calendars.office_leak(index, plan.purpose, background=name)
        for name in calendars.QUIET
        for index in range(max(plan.cases // 4, 1))
    )
    moments = tuple(float(hour) for hour in np.arange(216, 336, 3))
    return alarms((track.history() for track in tracks), moments)


def on_real(name: str, added: float) -> Both:
    """Count alarms on two weeks of real series as of days 11 to 14, with a leak added (0: none)."""
    folder = real.shared_folder()
    assert folder is not None, "asked for where the series are"
    cases = real.windows(real.background_series(folder, name), TWO_WEEKS_HOURS)
    return alarms((real.with_leak(history, added) for _, history in cases), REAL_MOMENTS_HOURS)
