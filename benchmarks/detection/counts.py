"""Counts of threads and open files as programs have them: healthy ones, and ones that grow; and how often growth is told.

    python -m benchmarks.detection.counts [HISTORIES]
    python -m benchmarks.detection.counts --week [PROGRAMS]

prints, of so many simulated histories (default: 300) of each class and length, in how many growth was told; with
`--week`, of so many programs (default: 12) of each class that are asked every hour of a week, of how many it was ever.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.resources.finding import ResourceGrowth, ResourceState
from memmon.analysis.resources.growth import resource_growth
from memmon.history import History

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

HOURS_PER_DAY = 24.0
START_SECONDS = 1_780_000_000.0
LENGTHS = ((24, 5), (30, 5), (36, 5), (48, 5), (96, 10), (168, 10))
"""(hours, minutes between samples)."""


def moments(hours: float, minutes: float = 5.0) -> FloatArray:
    """Return the hours at which samples are taken."""
    return np.arange(0.0, hours * 60.0 + 1.0, minutes) / 60.0


def _day(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    return np.sin(2 * np.pi * (hours + rng.uniform(0, HOURS_PER_DAY)) / HOURS_PER_DAY)


def level(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return a count that never changes."""
    return np.full(hours.size, float(rng.integers(3, 200)))


def noisy(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return independent requests."""
    return rng.poisson(rng.uniform(5, 200), hours.size).astype(float)


def daily(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return requests that follow the hour of the day."""
    mean = rng.uniform(20, 300)
    return rng.poisson(mean * (1 + rng.uniform(0.2, 0.9) * _day(rng, hours))).astype(float)


def daily_peaks(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return a count that is busy for a part of the day, idle for the rest."""
    peaks = np.maximum(_day(rng, hours), 0.0) ** rng.uniform(0.5, 3.0)
    return rng.poisson(20 + rng.uniform(20, 300) * peaks).astype(float)


def daily_smooth(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return the day's cycle without noise."""
    return np.round(rng.uniform(20, 300) * (1 + rng.uniform(0.2, 0.9) * _day(rng, hours)))


def working_hours(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return office hours on five days of the week."""
    clock = hours + rng.uniform(0, HOURS_PER_DAY) + HOURS_PER_DAY * rng.integers(0, 7)
    is_weekday = (clock // HOURS_PER_DAY) % 7 < 5
    is_open = (clock % HOURS_PER_DAY > 8) & (clock % HOURS_PER_DAY < 18)
    return rng.poisson(20 + rng.uniform(20, 200) * (is_weekday & is_open) + 30 * is_weekday).astype(float)


def weekly(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return days of the week that differ, with the day's cycle."""
    weekday = ((hours + rng.uniform(0, 168)) / HOURS_PER_DAY) % 7
    mean = rng.uniform(30, 300) * np.interp(weekday, np.arange(8), rng.uniform(0.5, 1, 8))
    return rng.poisson(mean * (1 + 0.5 * _day(rng, hours))).astype(float)


def pool_at_its_most(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return a pool of threads that keeps as many as were ever busy at once."""
    busy = rng.poisson(rng.uniform(2, 30), (hours.size, 10)).max(1)
    return 5.0 + np.minimum(np.maximum.accumulate(busy), rng.integers(10, 200))


def pool_over_days(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return the same where it is the hour of the day that makes them busy."""
    return 5.0 + np.maximum.accumulate(rng.poisson(rng.uniform(2, 60) * (1 + 0.8 * _day(rng, hours))))


def filling(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return a pool that fills ever more slowly."""
    return 5.0 + np.round(rng.integers(8, 64) * (1 - np.exp(-hours / rng.choice([1, 2, 4, 8, 12]))))


def steps(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return one to three lasting steps up."""
    found = 20.0 + rng.poisson(2, hours.size)
    for _ in range(rng.integers(1, 4)):
        found[hours > rng.uniform(0, hours[-1])] += rng.integers(5, 60)
    return found


def _held(rng: np.random.Generator, hours: FloatArray, mean: FloatArray, held_hours: float) -> FloatArray:
    stays = np.exp(-(hours[1] - hours[0]) / held_hours)
    found = [int(rng.poisson(mean[0]))]
    for wanted in mean[1:].tolist():
        found.append(int(rng.binomial(found[-1], stays) + rng.poisson(wanted * (1 - stays))))
    return np.array(found, dtype=float)


def connections(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return connections that are held for hours."""
    mean = np.full(hours.size, rng.uniform(20, 400))
    return _held(rng, hours, mean, rng.choice([0.5, 2.0, 6.0]))


def connections_over_days(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return the same with the day's cycle."""
    mean = rng.uniform(20, 400) * (1 + 0.6 * _day(rng, hours))
    return _held(rng, hours, mean, rng.choice([0.5, 2.0, 6.0]))


def sawtooth(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return files that stay open until a collection closes them."""
    period = rng.uniform(0.5, 9)
    return 20 + np.floor(((hours + rng.uniform(0, period)) % period) * rng.uniform(3, 30))


def wandering(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return a random walk."""
    return np.abs(50 + np.cumsum(rng.integers(-1, 2, hours.size))).astype(float)


def bursts(rng: np.random.Generator, hours: FloatArray) -> FloatArray:
    """Return jobs that come and go."""
    found = np.full(hours.size, 15.0)
    for _ in range(rng.integers(2, 15)):
        begin = rng.uniform(0, hours[-1])
        found[(hours > begin) & (hours < begin + rng.uniform(0.1, 5))] += rng.integers(5, 200)
    return found


HEALTHY: tuple[Callable[[np.random.Generator, FloatArray], FloatArray], ...] = (
    level,
    noisy,
    daily,
    daily_peaks,
    daily_smooth,
    working_hours,
    weekly,
    pool_at_its_most,
    pool_over_days,
    filling,
    steps,
    connections,
    connections_over_days,
    sawtooth,
    wandering,
    bursts,
)


def evenly(
    rng: np.random.Generator, hours: FloatArray, per_hour: float, *, from_hours: float = 0.0
) -> FloatArray:
    """Return how many were lost by each moment: one after the other."""
    return np.floor(np.maximum(hours - from_hours, 0.0) * per_hour + rng.uniform())


def at_random(
    rng: np.random.Generator, hours: FloatArray, per_hour: float, *, from_hours: float = 0.0
) -> FloatArray:
    """Return the same of losses that come at random."""
    step = hours[1] - hours[0]
    return np.cumsum(rng.poisson(np.where(hours > from_hours, per_hour * step, 0.0))).astype(float)


def judge(hours: FloatArray, counts: FloatArray) -> ResourceGrowth:
    """Return what is said of a count."""
    history = History.from_arrays(
        at_seconds=START_SECONDS + hours * 3600.0,
        uptime_seconds=hours * 3600.0,
        run_id=np.ones(hours.size),
        rss_bytes=np.full(hours.size, 3e8),
    )
    return resource_growth(history, counts, warm_up_hours=1.0)


def is_told(hours: FloatArray, counts: FloatArray) -> bool:
    """Tell whether growth is told of a count."""
    return judge(hours, counts).state is ResourceState.GROWING


def told_in_a_week(kind: Callable[[np.random.Generator, FloatArray], FloatArray], seed: int) -> list[int]:
    """Return the hours of a program's first week at which growth is told, asked every hour from the first day on."""
    hours = moments(168, 10)
    counts = kind(np.random.default_rng([9_000 + seed, HEALTHY.index(kind)]), hours)
    return [end for end in range(20, 169) if is_told(hours[hours <= end], counts[hours <= end])]


def week(programs: int) -> None:
    """Print of how many healthy programs growth is told at least once in a week of hourly questions."""
    found = {kind.__name__: [told_in_a_week(kind, seed) for seed in range(programs)] for kind in HEALTHY}
    ever = {name: sum(map(bool, each)) for name, each in found.items() if any(each)}
    told, asked = sum(ever.values()), programs * len(HEALTHY)
    print(f"healthy, asked hourly over a week: {told} of {asked} told once ({told / asked:.1%}): {ever}")


def main(histories: int) -> None:
    """Print the rates."""
    told, asked = 0, 0
    for length, minutes in LENGTHS:
        hours = moments(length, minutes)
        found = {}
        for place, kind in enumerate(HEALTHY):
            rngs = (np.random.default_rng([5_000 + seed, length, place]) for seed in range(histories))
            found[kind.__name__] = sum(is_told(hours, kind(rng, hours)) for rng in rngs)
        told, asked = told + sum(found.values()), asked + histories * len(HEALTHY)
        shown = ", ".join(f"{name} {count}" for name, count in found.items() if count)
        print(f"healthy, {length} h: {shown or 'none'} of {histories} each")
    print(f"healthy, all: {told} of {asked} ({told / asked:.2%})")
    for name, background, per_hour, length, begin in (
        ("6 an hour on a level", level, 6.0, 24, 0.0),
        ("6 an hour on noise", noisy, 6.0, 24, 0.0),
        ("1 an hour on a level", level, 1.0, 24, 0.0),
        ("1 an hour on a level", level, 1.0, 36, 0.0),
        ("6 an hour on connections", connections, 6.0, 24, 0.0),
        ("6 an hour on days", daily, 6.0, 48, 0.0),
        ("6 an hour on days", daily, 6.0, 96, 0.0),
        ("1 an hour for 48 h", level, 1.0, 168, 120.0),
        ("6 an hour for 38 h on noise", noisy, 6.0, 168, 130.0),
    ):
        hours = moments(length)
        for lost in (evenly, at_random):
            count = 0
            for seed in range(histories):
                rng = np.random.default_rng([5_000 + seed, 77, length])
                count += is_told(hours, background(rng, hours) + lost(rng, hours, per_hour, from_hours=begin))
            print(f"{name}, {lost.__name__}, {length} h: {count / histories:.1%}")


if __name__ == "__main__":
    if "--week" in sys.argv:
        week(int(sys.argv[2]) if len(sys.argv) > 2 else 12)
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
