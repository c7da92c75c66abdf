"""Kept for programs that import by this path: see `memmon.analysis.stats.newey_west`."""

from memmon.analysis.stats.newey_west import (
    SMALLEST_SAMPLE_COUNT,
    LineFit,
    OlsTrend,
    fit_line,
    newey_west_lags,
    ols_newey_west,
)

__all__ = ["SMALLEST_SAMPLE_COUNT", "LineFit", "OlsTrend", "fit_line", "newey_west_lags", "ols_newey_west"]
