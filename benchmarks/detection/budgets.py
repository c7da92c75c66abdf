"""What a budget of false alarms costs: alarms a month in a fleet without a leak, and the hours until a leak is one.

Each simulated process is looked at every hour, as one of a thousand of which no other has any evidence: it is an alarm where
it leaks and its e-value alone reaches the bar of all. (Where others leak as well, each needs less.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import real, simulator
from benchmarks.detection.experiments import CHECK_FROM_HOURS, LOOK_BACK_HOURS, Plan, episodes
from benchmarks.detection.markdown import markdown
from benchmarks.detection.rates import Rate
from memmon.analysis.leak.budget import log_e_value, within_budget
from memmon.analysis.leak.detect import detect_leak
from memmon.history import History

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROCESS_COUNT = 1000
BUDGETS = (None, 30.0, 10.0, 3.0, 1.0, 0.3)
MONTH_HOURS = 720.0
REAL_HOURS = 168.0
WATCHED_HOURS = 96.0
LEAK_MB_PER_HOUR = 20.0
FILLS = "cache_fill"
REAL_SETS = ("bitbrains_vms", "nezha_pods")


@dataclass(frozen=True, slots=True)
class HourlyEvidence:
    """The hours (since a history's beginning) at which it leaks, and the evidence of each; how many hours were watched."""

    hours: list[float]
    log_e_values: list[float]
    watched_hours: float

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
    hours, values = [], []
    moments = np.arange(begin_hours, end_hours + 1e-6).tolist()
    for now in moments:
        found = detect_leak(history.slice_time(first + (now - LOOK_BACK_HOURS) * 3600, first + now * 3600))
        if found.is_leak:
            hours.append(now)
            values.append(log_e_value(found))
    return HourlyEvidence(hours, values, float(len(moments)))


def leak_free(plan: Plan) -> dict[str, list[HourlyEvidence]]:
    """Watch leak-free processes of each kind for a month."""
    return {
        name: [
            hourly(
                simulator.background_case(name, MONTH_HOURS, index, plan.purpose).history(),
                CHECK_FROM_HOURS,
                MONTH_HOURS,
            )
            for index in range(plan.processes)
        ]
        for name in simulator.BACKGROUNDS
    }


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
            after = [hour - healthy_hours for hour in seen.hours]
            found.setdefault(name, []).append(HourlyEvidence(after, seen.log_e_values, seen.watched_hours))
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


def report(plan: Plan, folder: Path | None) -> Iterator[str]:
    """Yield the curve of delay against budget, with the alarms of leak-free processes beside it."""
    free = leak_free(plan)
    every = [one for of in free.values() for one in of]
    noise = [one for name, of in free.items() if name != FILLS for one in of]
    early, late = leaking(plan, healthy_hours=0.0), leaking(plan, healthy_hours=72.0)
    known = {} if folder is None else {name: on_real(folder, name) for name in REAL_SETS}
    rows = [
        [
            "none" if budget is None else f"{budget:g}",
            per_month(every, budget),
            per_month(noise, budget),
            *(per_month(of, budget) for of in known.values()),
            delay(early, budget),
            delay(late, budget),
        ]
        for budget in BUDGETS
    ]
    header = ["budget", "all kinds", f"without {FILLS}", *known]
    header += ["delay from a start, median / 90 % h; not within 96 h (%)", "the same after 72 healthy hours"]
    noisy = {
        name: {budget: sum(episodes(one.alarms(budget)) for one in of) for budget in BUDGETS}
        for name, of in free.items()
        if any(one.hours for one in of)
    }
    yield (
        f"### Budget: false alarms a month of {PROCESS_COUNT} processes, and the delay at {LEAK_MB_PER_HOUR:g} MB/h\n\n"
        f"{len(every)} leak-free processes of 30 days, {plan.processes} of each kind.\n\n"
        + markdown(header, rows)
        + f"\n\nBy kind and budget: {noisy or 'none'}."
    )
