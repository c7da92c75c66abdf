"""Kept for programs that import by this path: see `memmon.analysis.stats.statsmodels_gate`."""

from memmon.analysis.stats.statsmodels_gate import (
    SMALLEST_FORECAST_COUNT,
    LocalLinearTrend,
    local_linear_trend_forecast,
    ols_hac,
)

__all__ = ["SMALLEST_FORECAST_COUNT", "LocalLinearTrend", "local_linear_trend_forecast", "ols_hac"]
