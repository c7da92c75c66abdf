"""The samples that a forecast rests on: of one run, in the quantity that is carried forward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.history import History

    Floats = NDArray[np.float64]

Counts = Literal["footprint", "charged"]
"""What is carried forward: the process's own footprint, or what the kernel charges to its group."""

FEWEST_SAMPLES = 24
"""Samples that a forecast rests on, at least. Chosen: two hours of five minutes."""
MOST_SAMPLES = 5_000
"""Readings beyond twice as many are thinned, their peaks kept: a week of seconds says no more than one of minutes."""
SHORTEST_HOURS = 1.0
"""Hours that a forecast rests on, at least. Chosen: less is a start."""
WARM_UP_HOURS = 1.0
"""Hours after a start that are left out: the hour that the verdict leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stretch:
    """Samples of one run: uptime in hours, readings in MB without what bounded deques took in.

    `peak_mb` is the largest reading that each sample stands for (rollups keep it). `filled_mb` is what the deques
    took in so far, `room_mb` what they still can; `fill_rate_mb_per_hour` how fast, lately.
    """

    hours: Floats
    mb: Floats
    peak_mb: Floats
    filled_mb: float
    room_mb: float
    fill_rate_mb_per_hour: float

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
        )


def stretch_of(
    run: History,
    *,
    counts: Counts = "footprint",
    fewest_samples: int = FEWEST_SAMPLES,
    shortest_hours: float = SHORTEST_HOURS,
) -> Stretch | None:
    """Return the samples of one run that a forecast may rest on, None for too few."""
    hours = run.uptime_seconds / SECONDS_PER_HOUR
    filled, room = _deque_fill(run)
    level = run.footprint_bytes if counts == "footprint" or run.charged_bytes is None else run.charged_bytes
    mb = level / MIB - filled
    peak = mb if run.max_rss_bytes is None else np.fmax(mb + (run.max_rss_bytes - run.rss_bytes) / MIB, mb)
    keep = run.rss_bytes > 0.0 if bool((run.rss_bytes > 0.0).any()) else np.ones(len(run), dtype=np.bool_)
    keep &= np.isfinite(mb)
    if hours.size and hours[0] < WARM_UP_HOURS and hours[-1] - hours[0] >= 3 * WARM_UP_HOURS:
        keep &= hours >= WARM_UP_HOURS
    if int(keep.sum()) < max(fewest_samples, 2) or hours[keep][-1] - hours[keep][0] < shortest_hours:
        return None
    groups = np.arange(0, int(keep.sum()), max(1, int(keep.sum()) // MOST_SAMPLES))
    return Stretch(
        hours=hours[keep][groups],
        mb=mb[keep][groups],
        peak_mb=np.maximum.reduceat(peak[keep], groups),
        filled_mb=float(filled[-1]),
        room_mb=room,
        fill_rate_mb_per_hour=_fill_rate(hours[keep], filled[keep]) if room > 0.0 else 0.0,
    )


def _deque_fill(run: History) -> tuple[Floats, float]:
    """Return the MB that registered deques hold at each sample, and how much the bounded ones can still take."""
    if run.deque_bytes is None:
        return np.zeros(len(run)), 0.0
    known = np.isfinite(run.deque_bytes)
    place = np.maximum.accumulate(np.where(known, np.arange(known.size), -1))
    place[place < 0] = int(np.argmax(known))
    held = run.deque_bytes[place] / MIB
    if run.deque_capacity_bytes is None:
        return held, 0.0
    capacity = run.deque_capacity_bytes[np.isfinite(run.deque_capacity_bytes)]
    return held, max(0.0, float(capacity[-1]) / MIB - float(held[-1])) if capacity.size else 0.0


def _fill_rate(hours: Floats, filled: Floats) -> float:
    """Return the rate of the last quarter, at least 24 samples."""
    start = max(0, hours.size - max(FEWEST_SAMPLES, hours.size // 4))
    return max(0.0, float(filled[-1] - filled[start]) / max(float(hours[-1] - hours[start]), 1e-9))
