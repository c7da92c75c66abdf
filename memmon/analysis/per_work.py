"""Kept for programs that import by this path: see `memmon.analysis.cause.per_work`."""

from memmon.analysis.cause.per_work import (
    CLEARLY_BETTER,
    SMALLEST_SHARE,
    SMALLEST_WORK,
    MovesWith,
    PerWork,
    WorkSeries,
    growth_per_work,
)
from memmon.analysis.cause.per_work import (
    FEWEST_WORK_BLOCKS as FEWEST_BLOCKS,
)
from memmon.analysis.cause.per_work import (
    SAMPLES_PER_WORK_BLOCK as SAMPLES_PER_BLOCK,
)
from memmon.analysis.cause.per_work import (
    SMALLEST_LEFT_BEHIND_BYTES as SMALLEST_GROWTH_BYTES,
)
from memmon.analysis.cause.per_work import (
    WORK_BLOCK_COUNT as BLOCK_COUNT,
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
