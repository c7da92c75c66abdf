"""Kept for programs that import by this path: see `memmon.analysis.cause.per_work`."""

from memmon.analysis.cause.per_work import (
    BLOCK_COUNT,
    CLEARLY_BETTER,
    FEWEST_BLOCKS,
    SAMPLES_PER_BLOCK,
    SMALLEST_GROWTH_BYTES,
    SMALLEST_SHARE,
    SMALLEST_WORK,
    MovesWith,
    PerWork,
    WorkSeries,
    growth_per_work,
)

__all__ = [
    "BLOCK_COUNT",
    "CLEARLY_BETTER",
    "FEWEST_BLOCKS",
    "SAMPLES_PER_BLOCK",
    "SMALLEST_GROWTH_BYTES",
    "SMALLEST_SHARE",
    "SMALLEST_WORK",
    "MovesWith",
    "PerWork",
    "WorkSeries",
    "growth_per_work",
]
