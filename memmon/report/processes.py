"""Kept for programs that import by this path: see `memmon.many.processes`."""

from memmon.many.processes import PSS_HOLDS_SECONDS, ProcessSeries, process_series

__all__ = ["PSS_HOLDS_SECONDS", "ProcessSeries", "process_series"]
