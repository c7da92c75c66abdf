"""What tells growth that began in a run's first hours from a cache that filled: a level before it, or that it went on after a pause.

What is full fills no more.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from memmon.arrays import median_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.leak.evidence import Evidence
    from memmon.analysis.leak.hold_work import Grown

    FloatArray = NDArray[np.float64]

START_LEVEL_SHARE = 0.1
"""Rise from the warm-up, over an hour of the growth, that is level; growth from the start on makes half. Tuned on backfills."""
CLEAR_TIMES = 10.0
"""Growth of an hour, over the median distance of a block from the line, from which a level hour is told. Tuned on backfills."""
PAUSE_HOURS = 4
"""Hours of a pause, at the least, after which growth goes on. Chosen: as of the shortest growth."""
RECORD_SHARE = 0.1
"""Part of the growth by which a floor stands above all before, to be growth after a pause. Chosen."""
AGAIN_SHARE = 0.25
"""Part of the growth that must have come again. Chosen, as of the same hours of a later day."""
SAME_PACE = (0.5, 1.5)
"""Its pace, over that of before, and that of its steepest hour: no drift, and no step. Chosen."""


def begins_level(floors: FloatArray, started_mb: float | None, grown: Grown, evidence: Evidence) -> bool:
    """Tell whether memory was level from the middle of the warm-up on until after it, so that growth began later.

    `started_mb`: the floor of the warm-up's last half, in MB; None where there was none.
    """
    trend = evidence.trend
    if started_mb is None or trend is None:
        return False
    pace = grown.mb / grown.hours
    away = trend.blocks.mb - trend.slope * trend.blocks.hours
    is_clear = pace >= CLEAR_TIMES * median_of(np.abs(away - median_of(away)))
    return is_clear and float(floors[0]) - started_mb <= START_LEVEL_SHARE * pace


def went_on_at(floors: FloatArray, grown: Grown) -> int | None:
    """Return the place of the hour at which growth went on after a pause, as fast as before; None where it has not."""
    after, pace = floors[grown.hour :], grown.mb / grown.hours
    records = [0, *records_of(after, grown.mb).tolist()]
    begun = next((later - 1 for one, later in pairwise(records) if later - one >= PAUSE_HOURS), None)
    if begun is None:
        return None
    again = after[begun:]
    rose = float(again[-1] - after[: begun + 1].max())
    slow, fast = SAME_PACE
    last = int(np.argmax(again))
    if rose < AGAIN_SHARE * grown.mb or float(again[last] - again[0]) < slow * pace * last:
        return None
    return grown.hour + begun if float(np.diff(again).max()) <= fast * pace else None


def records_of(floors: FloatArray, grown_mb: float) -> NDArray[np.int64]:
    """Return the hours at which memory had clearly grown beyond all before, by a part of growth of so many MB."""
    highest, records = float(floors[0]), []
    for place, floor in enumerate(floors.tolist()):
        if floor > highest + RECORD_SHARE * grown_mb:
            records.append(place)
            highest = floor
    return np.array(records, dtype=np.int64)
