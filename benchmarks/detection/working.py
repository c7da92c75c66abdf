"""Programs that count their work: leaks that follow it, and the many things that are no leak beside it.

    python -m benchmarks.detection.working [CASES] [tuning|evaluation]

prints, of so many simulated histories (default: 40) of each kind under each profile of work, how many checks said `leaking`.
What leaks with the work leaks `RATES` MB in an hour at the pace at which the average unit of work was done; by night,
at weekends and between jobs it pauses, so that the mean over the day is lower.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

CHECKOUT = Path(__file__).resolve().parents[2]
if str(CHECKOUT) not in sys.path:
    sys.path.insert(0, str(CHECKOUT))

from benchmarks.detection import calendars, simulator  # noqa: E402 - after the path, for a direct call
from benchmarks.detection.rates import Rate  # noqa: E402
from benchmarks.detection.simulator import Purpose, Track, ar1, log_uniform, rng_for  # noqa: E402
from memmon.analysis.leak.detect import detect_leak  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Memory = Callable[[np.random.Generator, np.ndarray, "Work"], np.ndarray]

HOURS = 48.0
FROM_HOURS, ONE_DAY_HOURS = 6.0, 24.0
HEARD_HOURS = 5.0
"""Hours of work after which a leak may be expected to be heard: the median delay of straight leaks."""
UNITS_PER_HOUR = 1000.0
RATES = (20.0, 50.0)
"""MB/h while working, of leaks."""
CACHES_MB = (15.0, 300.0)
FOLLOWS_MB = (5.0, 100.0)
QUIET = ("white", "heavy_tails", "ar_fast", "ar_slow", "gc_sawtooth", "arena_sawtooth")
"""What lies under a leak, a cache or a level: backgrounds without a trend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The pace of each sample (units an hour) and what was done until it."""

    pace: np.ndarray
    done: np.ndarray

    @property
    def working_pace(self) -> float:
        """The pace at which the average unit was done."""
        return float(np.sum(self.pace**2) / max(np.sum(self.pace), 1e-9))


def day(rng: np.random.Generator, clock: np.ndarray) -> np.ndarray:
    """Draw work that follows the day, smooth or flat-topped, little of it by night."""
    least = log_uniform(rng, 0.02, 0.3)
    return least + (1 - least) * np.clip(simulator.day_shape(rng, clock), 0.0, 1.0)


def office(rng: np.random.Generator, clock: np.ndarray) -> np.ndarray:
    """Draw work of offices on five days, hardly any else."""
    opens, closes = rng.uniform(7, 10), rng.uniform(16, 20)
    of_day = np.mod(clock, 24.0)
    is_open = (of_day >= opens) & (of_day < closes) & calendars.is_working_day(clock)
    return np.where(is_open, 1.0, 0.0 if rng.random() < 0.5 else log_uniform(rng, 0.005, 0.1))


def jobs(rng: np.random.Generator, clock: np.ndarray) -> np.ndarray:
    """Draw jobs that come at random, with nothing between them."""
    length, pause = log_uniform(rng, 0.3, 3), log_uniform(rng, 0.5, 6)
    found = np.zeros(clock.size)
    at = clock[0] + rng.uniform(-pause, pause)
    while at < clock[-1]:
        ends = at + length * rng.gamma(2.0) / 2
        found[(clock >= at) & (clock < ends)] = rng.uniform(0.5, 1.5)
        at = ends + pause * rng.gamma(2.0) / 2
    return found


def queue(rng: np.random.Generator, clock: np.ndarray) -> np.ndarray:
    """Draw a queue that fills by day and is empty at night, its worker as fast as it can while there is work."""
    begins, lasts = rng.uniform(5, 12), rng.uniform(6, 14)
    by_day = np.mod(clock - begins, 24.0) < lasts
    return np.where(by_day & (rng.random(clock.size) < rng.uniform(0.6, 1.0)), 1.0, 0.0)


def even(_rng: np.random.Generator, clock: np.ndarray) -> np.ndarray:
    """Draw work at one pace, day and night."""
    return np.ones(clock.size)


PROFILES: dict[str, Callable[[np.random.Generator, np.ndarray], np.ndarray]] = {
    one.__name__: one for one in (day, office, jobs, queue, even)
}


def work_of(rng: np.random.Generator, profile: str, hours: np.ndarray) -> tuple[Work, np.ndarray]:
    """Return the work of a profile, begun at any hour, on a working day for offices, and the hours since Monday 0:00."""
    clock = hours + rng.uniform(0, 24.0) + 24.0 * float(rng.integers(0, 5))
    pace = UNITS_PER_HOUR * PROFILES[profile](rng, clock) * np.exp(ar1(rng, hours.size, 0.9, 0.15))
    lasted = np.diff(hours, prepend=hours[0] - simulator.STEP_HOURS)
    done = np.cumsum(rng.poisson(pace * lasted))
    return Work(pace=pace, done=done.astype(float)), clock


def _leaks(rng: np.random.Generator, _hours: np.ndarray, work: Work) -> np.ndarray:
    return log_uniform(rng, *RATES) * work.done / max(work.working_pace, 1.0)


def _leaks_by_time(rng: np.random.Generator, hours: np.ndarray, _work: Work) -> np.ndarray:
    return log_uniform(rng, *RATES) * hours


def _level(_rng: np.random.Generator, hours: np.ndarray, _work: Work) -> np.ndarray:
    return np.zeros(hours.size)


def _cache(rng: np.random.Generator, hours: np.ndarray, work: Work) -> np.ndarray:
    """Fill straight with the work, until full within the first day's 0.05 to 0.7."""
    a_day = float(np.interp(24.0, hours, work.done))
    return log_uniform(rng, *CACHES_MB) * np.minimum(
        work.done / max(rng.uniform(0.05, 0.7) * a_day, 1.0), 1.0
    )


def _keys(rng: np.random.Generator, hours: np.ndarray, work: Work) -> np.ndarray:
    """Fill ever more slowly with the work: keys that come again."""
    a_day = float(np.interp(24.0, hours, work.done))
    return log_uniform(rng, *CACHES_MB) * (
        1 - np.exp(-work.done / max(log_uniform(rng, 0.02, 0.3) * a_day, 1.0))
    )


def _warm_up(rng: np.random.Generator, hours: np.ndarray, _work: Work) -> np.ndarray:
    return log_uniform(rng, 15, 600) * (1 - np.exp(-hours / log_uniform(rng, 0.2, 12)))


KINDS: dict[str, Memory] = {
    "leaks with the work": _leaks,
    "leaks by time, work beside it": _leaks_by_time,
    "level": _level,
    "a cache, straight with the work": _cache,
    "a cache, ever more slowly": _keys,
    "a warm-up by time": _warm_up,
}
ANY = "any of the 18 backgrounds"
LEAKING = ("leaks with the work", "leaks by time, work beside it")


def case(kind: str, profile: str, index: int, purpose: Purpose, *, hours: float = HOURS) -> Track:
    """Return case `index` of a kind under a profile of work; memory follows the load as well in half of the cases."""
    rng = rng_for(purpose, f"working {kind} {profile}", hours, index)
    names = tuple(simulator.BACKGROUNDS) if kind == ANY else QUIET
    name = names[index % len(names)]
    track = simulator.strengthened(rng, simulator.BACKGROUNDS[name](rng, hours))
    work, clock = work_of(rng, profile, track.hours)
    if kind in KINDS:
        track.mb = track.mb + KINDS[kind](rng, track.hours, work)
    if track.work is None:
        track.work = work.done
        if rng.random() < 0.5:
            track.mb = track.mb + log_uniform(rng, *FOLLOWS_MB) * work.pace / UNITS_PER_HOUR
    return calendars.begin_at(track, int(clock[0] // 24), float(clock[0] % 24), float(rng.integers(-8, 10)))


def said(track: Track, moments: np.ndarray) -> np.ndarray:
    """Tell for each check whether it said `leaking`."""
    history = track.history()
    first = float(history.at_seconds[0])
    return np.array([detect_leak(history.slice_time(None, first + hour * 3600)).is_leak for hour in moments])


def has_worked(track: Track, moments: np.ndarray) -> np.ndarray:
    """Tell for each check whether `HEARD_HOURS` of work, at the pace of the average unit, were done by then."""
    assert track.work is not None
    made = np.diff(track.work, prepend=0.0)
    pace = float(np.sum(made**2)) / max(float(made.sum()), 1.0) / simulator.STEP_HOURS
    return np.asarray(np.interp(moments, track.hours, track.work) >= HEARD_HOURS * pace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How many checks there were, and how many of them said `leaking`."""

    of_first_day: Rate
    once_worked: Rate
    at_a_day: Rate
    at_two_days: Rate

    def row(self) -> str:
        """Return the rates as cells of a table."""
        return " | ".join(
            str(one) for one in (self.of_first_day, self.once_worked, self.at_a_day, self.at_two_days)
        )


def together(many: Sequence[Told]) -> Told:
    """Return the rates of several profiles as one."""
    rates = [
        Rate(sum(one.hits for one in each), sum(one.count for one in each))
        for each in zip(
            *((one.of_first_day, one.once_worked, one.at_a_day, one.at_two_days) for one in many), strict=True
        )
    ]
    return Told(of_first_day=rates[0], once_worked=rates[1], at_a_day=rates[2], at_two_days=rates[3])


def told(kind: str, profile: str, cases: int, purpose: Purpose) -> Told:
    """Judge so many cases of a kind under a profile, every hour of the first day from `FROM_HOURS` on, and at two days."""
    moments = np.append(np.arange(FROM_HOURS, ONE_DAY_HOURS + 1e-6), HOURS)
    tracks = [case(kind, profile, index, purpose) for index in range(cases)]
    leaking = np.array([said(track, moments) for track in tracks])
    worked = np.array([has_worked(track, moments) for track in tracks])[:, :-1]
    day = leaking[:, :-1]
    return Told(
        of_first_day=Rate(int(day.sum()), day.size),
        once_worked=Rate(int(day[worked].sum()), int(worked.sum())),
        at_a_day=Rate(int(day[:, -1].sum()), len(tracks)),
        at_two_days=Rate(int(leaking[:, -1].sum()), len(tracks)),
    )


def main(cases: int, purpose: Purpose) -> None:
    """Print the rates."""
    print(
        f"| kind | work | checks of 6 to 24 h that said leaking | the same once {HEARD_HOURS:g} h of work were done | at 24 h | at 48 h |"
    )
    print("|---|---|---|---|---|---|")
    for kind in (*KINDS, ANY):
        found = []
        for profile in PROFILES:
            found.append(told(kind, profile, cases, purpose))
            if kind in LEAKING:
                print(f"| {kind} | {profile} | {found[-1].row()} |", flush=True)
        print(f"| {kind} | all | {together(found).row()} |", flush=True)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 40,
        "evaluation" if "evaluation" in sys.argv[2:] else "tuning",
    )
