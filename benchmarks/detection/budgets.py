"""What a budget of false alarms costs: alarms a month in a fleet without a leak, and the hours until a leak is one.

Each simulated process is looked at every hour, as one of a thousand of which no other has any evidence: it is an alarm where
it leaks and its e-value alone reaches the bar of all. (Where others leak as well, each needs less.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import real, simulator
from benchmarks.detection.experiments import CHECK_FROM_HOURS, episodes
from benchmarks.detection.hourly import MONTH_HOURS, PROCESS_COUNT, HourlyEvidence, hourly
from benchmarks.detection.rates import Rate
from memmon.history import History

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.detection.experiments import Plan

BUDGETS = (None, 30.0, 10.0, 3.0, 1.0, 0.3)
REAL_HOURS = 168.0
WATCHED_HOURS = 96.0
LEAK_MB_PER_HOUR = 20.0
FILLS = "cache_fill"
REAL_SETS = ("bitbrains_vms", "nezha_pods")


def leaking(plan: Plan, *, healthy_hours: float) -> dict[str, list[HourlyEvidence]]:
    """Watch leaks that begin with the process (0) or after some healthy hours; hours count from the leak on."""
    found: dict[str, list[HourlyEvidence]] = {}
    for name in simulator.BACKGROUNDS:
        for index in range(plan.processes):
            length = healthy_hours + WATCHED_HOURS
            rng = simulator.rng_for(plan.purpose, f"budget/{name}/{healthy_hours:g}", length, index)
            track = simulator.strengthened(rng, simulator.BACKGROUNDS[name](rng, length))
            grown = track.hours - healthy_hours
            if name == "restarts":
                grown = np.minimum(track.uptime, grown)
            track.mb = track.mb + LEAK_MB_PER_HOUR * np.maximum(grown, 0)
            seen = hourly(track.history(), healthy_hours + CHECK_FROM_HOURS, length)
            after, twice = ([at - healthy_hours for at in of] for of in (seen.hours, seen.confirmed_hours))
            one = HourlyEvidence(after, seen.log_e_values, seen.watched_hours, twice)
            found.setdefault(name, []).append(one)
    return found


def on_real(folder: Path, name: str) -> list[HourlyEvidence]:
    """Watch the series of a real set, as recorded, for up to a week each."""
    found = []
    for seconds, sizes in real.background_series(folder, name).values():
        rows = seconds <= seconds[0] + REAL_HOURS * 3600
        history = History.from_arrays(at_seconds=seconds[rows], rss_bytes=sizes[rows], source=name)
        found.append(hourly(history, CHECK_FROM_HOURS, history.duration_hours))
    return found


def per_month(of: list[HourlyEvidence], budget: float | None) -> str:
    """Return the alarms of a thousand such processes in 30 days, with 95 % bounds (each process alarms or does not)."""
    months = sum(one.watched_hours for one in of) / MONTH_HOURS
    counts = [episodes(one.alarms(budget)) for one in of]
    total, noisy = sum(counts), sum(1 for count in counts if count)
    low, high = poisson_bounds(total)
    scale = PROCESS_COUNT / max(months, 1e-9)
    return f"{total * scale:.1f} ({low * scale:.1f}-{high * scale:.1f}); {total} in {noisy} of {len(of)}"


def poisson_bounds(count: int) -> tuple[float, float]:
    """Return the 95 % bounds of a Poisson mean of which `count` was seen (Garwood 1936)."""
    from scipy import stats

    low = stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return float(low), float(stats.chi2.ppf(0.975, 2 * count + 2) / 2)


def delay(of: dict[str, list[HourlyEvidence]], budget: float | None) -> str:
    """Return the median and 90 % of the hours until a leak is an alarm, and how many are none within the time."""
    first = [next(iter(one.alarms(budget)), math.inf) for kind in of.values() for one in kind]
    middle, late = np.quantile(first, [0.5, 0.9], method="higher")
    missed = Rate(int(np.isinf(first).sum()), len(first))
    return f"{middle:g} / {late:g}; {missed}"
