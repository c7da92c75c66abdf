"""Kept for programs that import by this path: see `memmon.analysis.leak.windows`."""

from memmon.analysis.leak.windows import (
    COLUMNS,
    MISSING_SHARE,
    SHORTEST_WINDOW_HOURS,
    trend_windows,
    window_rows,
)

__all__ = ["COLUMNS", "MISSING_SHARE", "SHORTEST_WINDOW_HOURS", "trend_windows", "window_rows"]
