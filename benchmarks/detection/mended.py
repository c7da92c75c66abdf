"""Growth that ends while the process runs on, and growth that only pauses over a weekend.

How soon the first is resolved, in hours and in hours of work; how often the second is called ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import calendars, pauses, simulator
from benchmarks.detection.rates import Rate
from benchmarks.detection.weeks import checks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.detection.experiments import Plan
    from benchmarks.detection.simulator import Track
    from memmon.history import History

HOURS = 504.0
"""Three weeks: two of a leak, and one after that."""
FOLLOWED_HOURS = 168.0
"""Hours after it was mended for which a leak is followed: each weekday once."""
WEEKEND = (4 * 24.0 + calendars.CLOSED, 7 * 24.0 + calendars.OPEN)
"""From Friday's closing to Monday's opening, in hours since Monday 0:00."""
EVERY_HOURS = 2.0
"""Hours between the checks of a weekend."""
LEAKING = "leaking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of leaks of one kind that were held when they were mended, or when the weekend began.

    `hours`, `worked_hours`: until the first of two hourly checks in a row that say something else, None where they never
    did; `called_ended`: those of which two checks in a row say something else while they pause.
    """

    hours: list[float | None]
    worked_hours: list[float | None]
    called_ended: Rate | None


def straight(name: str, index: int, plan: Plan, mended: float) -> Track:
    """Return a leak by the hour, day and night, until it is mended; it begins with the process, on a Monday."""
    rng = simulator.rng_for(plan.purpose, f"mended {name}", HOURS, index)
    track = simulator.strengthened(rng, simulator.BACKGROUNDS[name](rng, HOURS))
    hour = rng.uniform(0, 9)
    leaked = np.minimum(calendars.local_clock(track.hours, 0, hour), mended) - hour
    track.mb = track.mb + simulator.log_uniform(rng, 20, 50) * leaked
    track.leak_hours = calendars.OPEN - hour
    return calendars.begin_at(track, 0, hour)


KINDS: dict[str, Callable[[str, int, Plan, float], Track]] = {
    "by the hour, day and night": straight,
    pauses.BY_THE_CLOCK: lambda name, index, plan, mended: calendars.office_leak(
        index, plan.purpose, background=name, hours=HOURS, mended=mended
    ),
    pauses.BY_WORK: lambda name, index, plan, mended: pauses.by_work(
        name, index, plan, hours=HOURS, mended=mended
    ),
}
"""{kind: its leak, as (background, case, plan, hours since Monday 0:00 at which it is mended)}."""
PAUSING = (pauses.BY_THE_CLOCK, pauses.BY_WORK)


def mended_at(kind: str, name: str, index: int, plan: Plan) -> float:
    """Draw when a leak is mended: in an hour of work, from Tuesday to Friday of the first week, or (every other) of the second."""
    rng = simulator.rng_for(plan.purpose, f"mended at {kind} {name}", FOLLOWED_HOURS, index)
    day = float(rng.integers(1, calendars.DAYS)) + (7.0 if index % 2 else 0.0)
    return day * 24.0 + rng.uniform(calendars.OPEN, calendars.CLOSED)


def worked_between(first: float, last: float) -> float:
    """Return the hours of work between two moments, in hours since Monday 0:00."""
    clock = np.arange(first, last, 0.1)
    of_day = np.mod(clock, 24.0)
    busy = (of_day >= calendars.OPEN) & (of_day < calendars.CLOSED) & calendars.is_working_day(clock)
    return float(busy.sum()) / 10


def resolved_after(history: History, begin: float, mended: float) -> float | None:
    """Return the hours from a mending to the first of two hourly checks that say something else; None where none did.

    `begin`: when the history begins, as `mended` in hours since Monday 0:00.
    """
    before = False
    for after in np.arange(1.0, FOLLOWED_HOURS + 1e-6).tolist():
        is_other = checks(history, [mended + after - begin]).words != [LEAKING]
        if is_other and before:
            return after - 1.0
        before = is_other
    return None


def is_called_ended(words: Sequence[str]) -> bool:
    """Tell whether two checks in a row say something else."""
    return any(LEAKING not in pair for pair in pairwise(words))


def follow(kind: str, plan: Plan, cases: int) -> Ended:
    """Follow so many leaks of a kind on each quiet background."""
    hours: list[float | None] = []
    worked: list[float | None] = []
    ended = [0, 0]
    for name in calendars.QUIET:
        for index in range(cases):
            mended = mended_at(kind, name, index, plan)
            track = KINDS[kind](name, index, plan, mended)
            history, begin = track.history(), calendars.OPEN - track.leak_hours
            if checks(history, [mended - begin]).words == [LEAKING]:
                after = resolved_after(history, begin, mended)
                hours.append(after)
                worked.append(None if after is None else worked_between(mended, mended + after))
            if kind in PAUSING:
                history = KINDS[kind](name, index, plan, np.inf).history()
                words = checks(history, np.arange(*WEEKEND, EVERY_HOURS) - begin).words
                ended[0] += words[0] == LEAKING and is_called_ended(words)
                ended[1] += words[0] == LEAKING
    return Ended(hours=hours, worked_hours=worked, called_ended=Rate(*ended) if kind in PAUSING else None)
