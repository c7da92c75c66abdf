"""The quantity that is carried forward: what counts against the limit, of the present run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from memmon.history import History

    Floats = NDArray[np.float64]

SWAPPED_SHARE = 0.2
"""Share of the growth in swap from which it leads elsewhere than to a limit that leaves swap out. Chosen: a fifth."""

Counts = Literal["footprint", "charged", "used"]
"""What counts against a limit: the process's footprint; what the kernel charges to the group or machine; or an older
measure of that, which leaves out what is swapped."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantity:
    """What counts against a limit at each sample of the present run, in MB.

    `counts`: what it is; `offset_mb`: what else counts (memory of others), already part of `mb`; `peak_mb`: the
    largest that each sample stands for.
    """

    run: History
    counts: Counts
    mb: Floats
    peak_mb: Floats
    offset_mb: float

    @property
    def is_swapped_away(self) -> bool:
        """Tell whether it grows into swap, which the limit leaves out: then its growth does not lead to the limit."""
        swapped = self.run.swap_bytes
        if self.counts != "used" or swapped is None:
            return False
        known = swapped[np.isfinite(swapped)] / MIB
        grown = float(self.mb[-1] - self.mb[0])
        return bool(known.size) and float(known[-1] - known[0]) > SWAPPED_SHARE * max(grown, 1.0)

    @property
    def now_mb(self) -> float:
        """What counts at the last sample."""
        return float(self.mb[-1])

    @property
    def hours(self) -> Floats:
        """Uptime of each sample."""
        return self.run.uptime_seconds / SECONDS_PER_HOUR

    def uptime_at(self, moment: datetime) -> float:
        """Return the uptime in hours at a moment of the wall clock, within the run."""
        order = np.argsort(self.run.at_seconds, kind="stable")
        return float(np.interp(moment.timestamp(), self.run.at_seconds[order], self.hours[order]))


def quantity_of(
    run: History,
    *,
    counts: Counts = "footprint",
    used_bytes: float | None = None,
    since_hours: float | None = None,
) -> Quantity:
    """Return what counts against the limit in the present run.

    What is charged is taken where it is known from `since_hours` of uptime on; else the footprint, on top of
    whatever else `used_bytes` (what counts at the last sample) holds.
    """
    footprint = run.footprint_bytes / MIB
    rolled = 0.0 if run.max_rss_bytes is None else np.fmax(run.max_rss_bytes - run.rss_bytes, 0.0) / MIB
    charged = _charged_mb(run, since_hours) if counts == "charged" else None
    if charged is None and counts == "charged":
        counts = "used"
    if charged is not None:
        return Quantity(run=run, counts="charged", mb=charged, peak_mb=charged + rolled, offset_mb=0.0)
    offset = 0.0 if used_bytes is None else float(used_bytes) / MIB - float(footprint[-1])
    mb = footprint + offset
    return Quantity(run=run, counts=counts, mb=mb, peak_mb=mb + rolled, offset_mb=offset)


def _charged_mb(run: History, since_hours: float | None) -> Floats | None:
    """Return what was charged at each sample, None where it was not read all along; gaps lie between neighbours."""
    if run.charged_bytes is None:
        return None
    known = np.isfinite(run.charged_bytes)
    hours = run.uptime_seconds / SECONDS_PER_HOUR
    first = float(hours[0]) if since_hours is None else since_hours
    places = np.flatnonzero(known)
    if not known[-1] or float(hours[places[0]]) > first + (float(hours[-1]) - first) / 10:
        return None
    return np.asarray(np.interp(np.arange(known.size), places, run.charged_bytes[places]) / MIB)
