"""What is measured on simulated histories: each function returns rates by rule, length and class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import simulator, sureness
from benchmarks.detection.rates import Rate
from benchmarks.detection.rivals import RULES, Opinion
from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.sequential import confirmed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from benchmarks.detection.simulator import Purpose, Track
    from memmon import LeakFinding

THRESHOLD = 10.0
HORIZONS = (6.0, 24.0, 72.0, 168.0)
FAST = (20.0, 35.0, 50.0)
NEAR = (12.0, 15.0)
SMALL = (0.5, 2.0, 5.0)
CHECK_FROM_HOURS = 2.0
LOOK_BACK_HOURS = 168.0

Rates = dict[tuple[str, float, str], Rate]
"""By (rule, hours, class)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is simulated: cases per class, for memmon and (fewer) for the rivals; processes per class for hourly checks.

    `recordings`: the folder of the recordings with counters, where they are.
    """

    purpose: Purpose
    cases: int
    rival_cases: int
    processes: int
    horizons: tuple[float, ...] = HORIZONS
    recordings: Path | None = None

    def rules(self, index: int) -> Iterable[str]:
        """Return the rules that judge case `index`."""
        return RULES if index < self.rival_cases else ("memmon",)


def _tally(
    plan: Plan,
    classes: dict[str, Callable[[float, int], Track]],
    hit: str = "alarm",
    true_rate: Callable[[str, int], float | None] = lambda _name, _index: None,
) -> Rates:
    """Count the hits of each rule; of memmon's alarms also how sure they are, and whether they claim no more than is true.

    `true_rate`: that of a case of a class, None where growth of its own or a leak's shape hides it.
    """
    counts: dict[tuple[str, float, str], list[int]] = {}
    for hours in plan.horizons:
        for name, make in classes.items():
            for index in range(plan.cases):
                history = make(hours, index).history()
                for rule in plan.rules(index):
                    opinion: Opinion = RULES[rule](history, THRESHOLD)
                    found = {rule: opinion.alarm if hit == "alarm" else opinion.verdict == hit}
                    if rule == "memmon" and hit == "alarm":
                        found |= sureness.of(opinion, true_rate(name, index))
                    for told, is_hit in found.items():
                        tally = counts.setdefault((told, hours, name), [0, 0])
                        tally[0] += is_hit
                        tally[1] += 1
    return {key: Rate(hits, count) for key, (hits, count) in counts.items()}


def leak_free(plan: Plan) -> Rates:
    """Count false alarms on every leak-free background, and on registered deques that fill."""
    names = [*simulator.BACKGROUNDS, "filling_deque"]
    return _tally(
        plan,
        {
            name: lambda hours, index, name=name: simulator.background_case(name, hours, index, plan.purpose)
            for name in names
        },
        true_rate=lambda name, _index: 0.0 if name in simulator.SLOPE_IS_TRUE else None,
    )


def leaks(plan: Plan, shape: str, rates: tuple[float, ...], *, hit: str = "alarm") -> Rates:
    """Count the leaks found of one shape on every background; the cases take the rates in turn."""

    def is_known(name: str) -> bool:
        return shape == "linear" and name in simulator.SLOPE_IS_TRUE

    return _tally(
        plan,
        {
            name: lambda hours, index, name=name: simulator.leak_case(
                name, shape, rates[index % len(rates)], hours, index, plan.purpose
            )
            for name in simulator.BACKGROUNDS
        },
        hit,
        lambda name, index: rates[index % len(rates)] if is_known(name) else None,
    )


def coverage(plan: Plan) -> Rates:
    """Count how often the 95 % interval holds the true slope, where there is one: 0, 5 and 20 MB/h."""
    counts: dict[tuple[str, float, str], list[int]] = {}
    for hours in plan.horizons:
        for name in simulator.SLOPE_IS_TRUE:
            for index in range(plan.cases):
                true = (0.0, 5.0, 20.0)[index % 3]
                history = simulator.leak_case(
                    name, "linear", true, hours, 10_000 + index, plan.purpose
                ).history()
                for rule in plan.rules(index):
                    opinion = RULES[rule](history, THRESHOLD)
                    if opinion.low is None or opinion.high is None:
                        continue
                    tally = counts.setdefault((rule, hours, name), [0, 0])
                    tally[0] += opinion.low - 1e-9 <= true <= opinion.high + 1e-9
                    tally[1] += 1
    return {key: Rate(hits, count) for key, (hits, count) in counts.items()}


def trendless(plan: Plan, phi: float = 0.95) -> Rates:
    """Count how often "growing" is said of AR(1) noise without a trend."""

    def make(hours: float, index: int) -> Track:
        rng = simulator.rng_for(plan.purpose, f"trendless {phi}", hours, index)
        track = simulator.blank(rng, hours, noise_mb=0.05)
        track.mb += simulator.ar1(rng, track.mb.size, phi, simulator.log_uniform(rng, 0.5, 20))
        return track

    only = Plan(plan.purpose, plan.cases * 10, 0, 0, plan.horizons)
    return _tally(only, {f"AR(1) {phi}": make}, hit="growing")


def hourly_alarms(track: Track, begin_hours: float = CHECK_FROM_HOURS) -> list[float]:
    """Return the hours at which an hourly check, looking back seven days, has a confirmed alarm."""
    found: list[LeakFinding] = []
    alarms = []
    for now, finding in hourly_findings(track, begin_hours):
        found = [*found[-1:], finding]
        if confirmed(found):
            alarms.append(now)
    return alarms


def hourly_findings(
    track: Track, begin_hours: float = CHECK_FROM_HOURS
) -> Iterator[tuple[float, LeakFinding]]:
    """Yield the hour and the finding of each hourly check, looking back seven days."""
    history = track.history()
    hours = (history.at_seconds - history.at_seconds[0]) / 3600
    for now in np.arange(begin_hours, hours[-1] + 1e-6, 1.0).tolist():
        part = history.slice_time(
            float(history.at_seconds[0]) + (now - LOOK_BACK_HOURS) * 3600,
            float(history.at_seconds[0]) + now * 3600,
        )
        yield now, detect_leak(part)


def episodes(alarms: list[float]) -> int:
    """Return how many separate alarms there are: those an hour apart are one."""
    return sum(1 for i, at in enumerate(alarms) if i == 0 or at - alarms[i - 1] > 1.5)


def delays(plan: Plan, rate: float, *, healthy_hours: float) -> dict[str, list[float]]:
    """Measure the hours from a leak's beginning to its confirmed alarm; inf when not within 48 h.

    The leak begins with the process (`healthy_hours` 0) or after that many healthy hours.
    """
    out: dict[str, list[float]] = {}
    for name in simulator.BACKGROUNDS:
        for index in range(plan.processes):
            length = healthy_hours + 48.0
            rng = simulator.rng_for(plan.purpose, f"delay/{name}/{rate:g}", length, index)
            track = simulator.BACKGROUNDS[name](rng, length)
            clock = np.minimum(track.uptime, track.hours - healthy_hours) if name == "restarts" else None
            grown = track.hours - healthy_hours if clock is None else clock
            track.mb = track.mb + rate * np.maximum(grown, 0)
            alarms = hourly_alarms(track, healthy_hours + CHECK_FROM_HOURS)
            out.setdefault(name, []).append(alarms[0] - healthy_hours if alarms else float("inf"))
    return out
