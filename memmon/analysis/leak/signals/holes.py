"""The holes that an earlier peak left behind: memory that is held and not in use, which growth fills before all memory rises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.signals.known import anonymous_bytes, block_bytes, heap_bytes
from memmon.arrays import median_of
from memmon.units import MIB

if TYPE_CHECKING:
    from memmon.history import History

NOW_SAMPLES = 6
"""Newest samples of which the median is now. Chosen: half an hour of five minutes."""
LEAST_PEAK_MB = 4.0
"""MB that were held and not in use after a peak. Chosen: less is the bytes of a block, misjudged."""


def holes_left_mb(run: History) -> float | None:
    """Return how many MB of holes are left at most, None where it can't be told.

    That is how much more is held beside what is in use than before the peak; what no growth can fill is among it.
    Without a peak in this run, after which more was held so, nothing tells.
    """
    anonymous, heap, blocks = anonymous_bytes(run), heap_bytes(run), run.python_block_count
    if anonymous is None or heap is None or blocks is None:
        return None
    beside = anonymous - heap - block_bytes(run) * blocks
    beside = beside[np.isfinite(beside)]
    if beside.size < NOW_SAMPLES:
        return None
    before = float(beside[: int(np.argmax(beside)) + 1].min())
    left = median_of(beside[-NOW_SAMPLES:]) - before
    return max(left, 0.0) / MIB if float(beside.max()) - before >= LEAST_PEAK_MB * MIB else None
