"""Garbage that no collection has looked at yet: how much memory it may hold.

A program that tells the collector to wait holds garbage for hours, in memory that grows as a leak does. The count of objects
that no collection has looked at bounds how fast it may grow. Where the collector is off that count is 0: then it is the leak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.arrays import quantile_of
from memmon.facts.python_memory import USUAL_BLOCK_BYTES
from memmon.units import MIB

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

BLOCKS_PER_OBJECT = 8.0
"""Blocks of Python's own allocator that an object holds with all that is its own, at most. Given with the rule."""
WITH_BUFFERS = 1.5
"""Bytes that garbage holds, over those of its blocks. Chosen: large buffers of small objects lie in the C library's heap."""
MANY_SHARE = 0.5
"""Objects that came to wait, over the most that ever did, that are many. Chosen: a half."""
SURELY_QUANTILE = 0.1
"""Quantile of the blocks that came with each which bounds what one holds. Chosen: the least, but for noise."""


def garbage_mb(pending_count: FloatArray, block_count: FloatArray | None, *, keeps_room: bool) -> FloatArray:
    """Return the MB that may be garbage at each sample (0.0 where the objects were not counted).

    With `keeps_room` the most so far: pages that were held once stay with the process when what lay in them is collected.
    """
    pending = np.nan_to_num(pending_count)
    mb = pending * (_blocks_per_object(pending, block_count) * USUAL_BLOCK_BYTES / MIB)
    return np.maximum.accumulate(mb) if keeps_room else mb


def _blocks_per_object(pending: FloatArray, block_count: FloatArray | None) -> float:
    """Return how many blocks an object may hold: no more than came with it since blocks were fewest, whenever many did."""
    if block_count is None:
        return BLOCKS_PER_OBJECT
    blocks = np.where(np.isfinite(block_count), block_count, np.inf)
    fewest = np.minimum.accumulate(blocks)
    at_fewest = np.maximum.accumulate(np.where(blocks == fewest, np.arange(blocks.size), 0))
    more = pending - pending[at_fewest]
    many = (more > 0) & (more >= MANY_SHARE * more.max()) & np.isfinite(blocks)
    if not bool(many.any()):
        return BLOCKS_PER_OBJECT
    seen = quantile_of((blocks[many] - fewest[many]) / more[many], SURELY_QUANTILE)
    return min(WITH_BUFFERS * seen, BLOCKS_PER_OBJECT)
