"""Robust slopes, quantiles, Newey-West errors, noise: statistics that know nothing of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.forwarding import forward

if TYPE_CHECKING:
    from memmon.analysis.stats.mann_kendall import MannKendall, hamed_rao, mann_kendall
    from memmon.analysis.stats.newey_west import OlsTrend, ols_newey_west
    from memmon.analysis.stats.statsmodels_gate import LocalLinearTrend, local_linear_trend_forecast, ols_hac
    from memmon.analysis.stats.theil_sen import TheilSen, median_slope, theil_sen

__all__ = [
    "LocalLinearTrend",
    "MannKendall",
    "OlsTrend",
    "TheilSen",
    "hamed_rao",
    "local_linear_trend_forecast",
    "mann_kendall",
    "median_slope",
    "ols_hac",
    "ols_newey_west",
    "theil_sen",
]

__getattr__ = forward(
    __name__,
    {
        "theil_sen": ("TheilSen", "median_slope", "theil_sen"),
        "mann_kendall": ("MannKendall", "hamed_rao", "mann_kendall"),
        "newey_west": ("OlsTrend", "ols_newey_west"),
        "statsmodels_gate": ("LocalLinearTrend", "local_linear_trend_forecast", "ols_hac"),
    },
)
