"""What resolves a leak that was seen in the act where work is counted: work done without growth, not a pause of the work.

By night a queue is empty and nothing leaks; that says nothing of the leak. As much work done at a level does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.judgement import WorkPause
from memmon.arrays import medians_of
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.leak.series import RunSeries

    FloatArray = NDArray[np.float64]

LEAST_WORKED_HOURS = 1.5
"""Hours at the pace of the growth that must be worked, at the least, for a level to resolve it. Chosen."""
WIDEST_TIMES = 2.0
"""Growth that is missing, over the largest distance of a reading from the line, to be sure. Chosen."""
UNGROWN_SHARE = 0.25
"""Part of the growth with as much work below which there was none. Chosen, as of the same hours of a later day."""
SLOWED_SHARE = 0.5
"""The same while work goes on at such a part of its pace: then growth slows down by itself. Chosen, as growth ahead is asked for."""
THRESHOLD_SHARE = 0.5
"""The same as a part of the threshold. Chosen, as growth ahead is asked for."""


SAME_LOAD_SHARE = 0.5
"""Work of an hour, over that of an earlier one, from which falling load hides no growth between them. Chosen: a half."""
BUSY_SHARE = 0.5
"""Pace of work, over that while memory grew, at which it goes on. Chosen: a half."""

AT_WORK_SHARE = 0.1
"""Part of the work that must have been done in the last quarter of the growth. Chosen, as of the growth itself."""

IDLE_SHARE = 0.05
"""Pace, over that of the growth, below which hardly any work is done. Chosen."""
LEAST_IDLE_HOURS = 1.0
"""Hours of it that are worth a word. Chosen: one hourly check."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkByHour:
    """Units done until the middle of each hour of the clock, and in it, in the order of a run's floors."""

    done: FloatArray
    paces: FloatArray

    def made(self, hour: int, spell_hours: int) -> float:
        """Return the units done while memory grew until an hour; 0.0 where hardly any were in the last quarter of it."""
        units, lately = (
            float(self.done[hour] - self.done[max(hour - back, 0)])
            for back in (spell_hours, -(-spell_hours // 4))
        )
        return units if lately >= AT_WORK_SHARE * units else 0.0


def work_by_hour(counted: RunSeries, first: int, count: int) -> WorkByHour | None:
    """Return the work of so many hours from one of the clock on; None where none was counted, or the count fell back."""
    if counted.work is None or counted.work[-1] <= counted.work[0] or float(np.diff(counted.work).min()) < 0:
        return None
    halves = (first + np.arange(2 * count + 1) / 2) * SECONDS_PER_HOUR
    done = np.interp(halves, counted.at_seconds, counted.work)
    return WorkByHour(done=done[1::2], paces=np.diff(done[::2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """Growth until an hour: by how many MB, in how many hours, with how many units of work."""

    hour: int
    mb: float
    hours: int
    units: float

    @property
    def per_unit(self) -> float:
        """MB for each unit."""
        return self.mb / self.units

    @property
    def pace(self) -> float:
        """Units an hour."""
        return self.units / self.hours


def is_level_beside_work(
    floors: FloatArray, work: WorkByHour, grown: Grown, threshold_mb_per_hour: float, widest_mb: float
) -> bool:
    """Tell whether, after growth, enough work was done at any time with hardly a part of it, or less than half the threshold.

    Enough is what makes the growth stand out of how far readings stray (`widest_mb`), at most as much as made it. Between
    hours of which the later one was idler memory that follows the load falls, and says nothing.
    """
    least = max(UNGROWN_SHARE * grown.per_unit, THRESHOLD_SHARE * threshold_mb_per_hour / grown.pace)
    since = _since(floors, work, grown, widest_mb)
    return bool((since.is_enough & (since.rose < least * since.units)).any())


def slows_beside_work(floors: FloatArray, work: WorkByHour, grown: Grown, widest_mb: float) -> bool:
    """Tell whether, after growth, enough work was done nearly as fast with less than half of it: it slows down by itself."""
    since = _since(floors, work, grown, widest_mb)
    is_busy = since.is_enough & (since.units >= BUSY_SHARE * grown.pace * since.hours)
    return bool((is_busy & (since.rose < SLOWED_SHARE * grown.per_unit * since.units)).any())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Since:
    """What came between any two hours after growth: from the first (row) to the second (column)."""

    units: FloatArray
    rose: FloatArray
    hours: FloatArray
    is_enough: NDArray[np.bool_]


def _since(floors: FloatArray, work: WorkByHour, grown: Grown, widest_mb: float) -> _Since:
    enough = max(LEAST_WORKED_HOURS * grown.pace, WIDEST_TIMES * widest_mb / grown.per_unit)
    places = np.arange(floors.size, dtype=np.float64)
    units, rose, hours = (_between(one[grown.hour :]) for one in (work.done, floors, places))
    paces = work.paces[grown.hour :]
    is_same_load = paces[None, :] >= SAME_LOAD_SHARE * paces[:, None]
    is_enough = (units >= min(enough, grown.units)) & is_same_load
    return _Since(units=units, rose=rose, hours=hours, is_enough=is_enough)


def is_given_back(floors: FloatArray, grown: Grown, share: float) -> bool:
    """Tell whether, after growth, so large a share of all that it had come to was given back, as three hours' middle tells."""
    begun = float(floors[grown.hour - grown.hours])
    after = floors[grown.hour :]
    if after.size < 3:  # noqa: PLR2004 - the middle of three
        return False
    levels = medians_of(np.lib.stride_tricks.sliding_window_view(after, 3))
    highest = np.maximum.accumulate(after)[:-2]
    return bool((levels < highest - share * (highest - begun)).any())


def grows_without_work(floors: FloatArray, work: WorkByHour, grown: Grown, widest_mb: float) -> bool:
    """Tell whether memory grew on, after growth, by clearly more than the work done since explains: then it goes by time."""
    since = float((floors[grown.hour :] - grown.per_unit * work.done[grown.hour :]).max())
    begun = float(floors[grown.hour]) - grown.per_unit * float(work.done[grown.hour])
    return since - begun > WIDEST_TIMES * widest_mb


def work_pause(counted: RunSeries, grown: Grown) -> WorkPause:
    """Return since when no work was done, or hardly any beside that of the growth; neither where that is shorter than an hour."""
    assert counted.work is not None
    left = counted.work[-1] - counted.work
    hours = (counted.at_seconds[-1] - counted.at_seconds) / SECONDS_PER_HOUR
    hardly = int(np.argmax(left <= IDLE_SHARE * grown.pace * hours))
    none = int(np.argmax(left <= 0))
    if hours[none] >= LEAST_IDLE_HOURS:
        return WorkPause(none_since_seconds=float(counted.at_seconds[none]))
    if hours[hardly] >= LEAST_IDLE_HOURS:
        return WorkPause(hardly_any_since_seconds=float(counted.at_seconds[hardly]))
    return WorkPause()


def _between(values: FloatArray) -> FloatArray:
    """Return by how much a value rose from each hour (row) to each (column)."""
    return np.asarray(values[None, :] - values[:, None])
