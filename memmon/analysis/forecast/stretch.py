"""The samples that a forecast rests on: of one run, without what bounded deques took in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.forecast.quantity import quantity_of
from memmon.units import MIB

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.forecast.quantity import Quantity
    from memmon.history import History

    Floats = NDArray[np.float64]

FEWEST_SAMPLES = 24
"""Samples that a forecast rests on, at least. Chosen: two hours of five minutes."""
MOST_SAMPLES = 5_000
"""Readings beyond twice as many are thinned, their peaks kept. Chosen: a week of seconds says no more than one of minutes."""
SHORTEST_HOURS = 1.0
"""Hours that a forecast rests on, at least. Chosen: less is a start."""
WARM_UP_HOURS = 1.0
"""Hours after a start that are left out. As in the verdict."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stretch:
    """Samples of one run: uptime in hours, readings in MB without what bounded deques took in.

    `peak_mb` is the largest reading that each sample stands for (rollups keep it). `filled_mb` is what the deques
    took in so far, `room_mb` what they still can, both at least; `fill_rate_mb_per_hour` how fast that is, lately.
    `most_room_mb`: what they still can at most, None where no error of their sizes is known.
    """

    hours: Floats
    mb: Floats
    peak_mb: Floats
    filled_mb: float
    room_mb: float
    fill_rate_mb_per_hour: float
    most_room_mb: float | None = None

    def between(self, since_hours: float, until_hours: float) -> Stretch:
        """Return the samples from `since_hours` to `until_hours` of uptime."""
        rows = slice(
            int(np.searchsorted(self.hours, since_hours)),
            int(np.searchsorted(self.hours, until_hours, "right")),
        )
        return Stretch(
            hours=self.hours[rows],
            mb=self.mb[rows],
            peak_mb=self.peak_mb[rows],
            filled_mb=self.filled_mb,
            room_mb=self.room_mb,
            fill_rate_mb_per_hour=self.fill_rate_mb_per_hour,
            most_room_mb=self.most_room_mb,
        )


def stretch_of(run: History) -> Stretch | None:
    """Return the footprint of one run as far as a forecast may rest on it, None for too few samples."""
    return stretch_of_quantity(quantity_of(run))


def stretch_of_quantity(quantity: Quantity, *, is_whole: bool = False) -> Stretch | None:
    """Return the samples that a forecast may rest on, None for too few; `is_whole`: the warm-up too."""
    run = quantity.run
    hours = quantity.hours
    filled, room = _deque_fill(run)
    mb = quantity.mb - filled
    peak = np.fmax(quantity.peak_mb - filled, mb)
    keep = run.rss_bytes > 0.0 if bool((run.rss_bytes > 0.0).any()) else np.ones(len(run), dtype=np.bool_)
    if not is_whole and hours.size and hours[0] < WARM_UP_HOURS and hours[-1] - hours[0] >= 3 * WARM_UP_HOURS:
        keep &= hours >= WARM_UP_HOURS
    if int(keep.sum()) < FEWEST_SAMPLES or hours[keep][-1] - hours[keep][0] < SHORTEST_HOURS:
        return None
    groups = np.arange(0, int(keep.sum()), max(1, int(keep.sum()) // MOST_SAMPLES))
    return Stretch(
        hours=hours[keep][groups],
        mb=mb[keep][groups],
        peak_mb=np.maximum.reduceat(peak[keep], groups),
        filled_mb=float(filled[-1]),
        room_mb=room,
        fill_rate_mb_per_hour=_fill_rate(hours[keep], filled[keep], _most_filled(run)[keep])
        if room > 0.0
        else 0.0,
        most_room_mb=_most_room(run),
    )


def _deque_fill(run: History) -> tuple[Floats, float]:
    """Return the MB that bounded deques took in since the first sample, and how much they can still take.

    As in the verdict: the room left in them can only shrink to zero; what has no bound is growth like any other.
    """
    if run.deque_bytes is None:
        return np.zeros(len(run)), 0.0
    held = _carried(run.deque_bytes) / MIB
    if run.deque_capacity_bytes is None:
        return held - held[0], 0.0
    room = np.maximum(_carried(run.deque_capacity_bytes) / MIB - held, 0.0)
    return np.asarray(room[0] - room), float(room[-1])


def _most_room(run: History) -> float | None:
    """Return the MB that bounded deques can still take in at most; None where no error of their sizes is known."""
    if run.deque_bytes is None or run.deque_most_capacity_bytes is None:
        return None
    return max(0.0, float((_carried(run.deque_most_capacity_bytes) - _carried(run.deque_bytes))[-1]) / MIB)


def _carried(values: Floats) -> Floats:
    """Return values with each unknown one replaced by the newest known before it, else the first known."""
    known = np.isfinite(values)
    place = np.maximum.accumulate(np.where(known, np.arange(known.size), -1))
    place[place < 0] = int(np.argmax(known))
    return values[place]


def _most_filled(run: History) -> Floats:
    """Return the MB that bounded deques took in since the first sample at most; zeros where that is not known."""
    if run.deque_bytes is None or run.deque_most_capacity_bytes is None:
        return np.zeros(len(run))
    room = np.maximum(_carried(run.deque_most_capacity_bytes) - _carried(run.deque_bytes), 0.0) / MIB
    return np.asarray(room[0] - room)


def _fill_rate(hours: Floats, filled: Floats, most: Floats) -> float:
    """Return the rate of the last quarter, at least 24 samples; of what was found filling only then, since that."""
    start = max(0, hours.size - max(FEWEST_SAMPLES, hours.size // 4))
    if filled[start] <= 0.0 < most[start]:
        start = max(start, int(np.argmax(filled > 0.0)) - 1)
    return max(0.0, float(filled[-1] - filled[start]) / max(float(hours[-1] - hours[start]), 1e-9))
