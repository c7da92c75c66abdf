"""Kept for programs that import by this path: see `memmon.many.run`."""

from memmon.many.run import BATCH_COUNT, Fleet, LeakGroup, fleet, summarised

__all__ = ["BATCH_COUNT", "Fleet", "LeakGroup", "fleet", "summarised"]
