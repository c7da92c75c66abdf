"""Robust statistics with numpy alone: exact at any size, equal to scipy's and pymannkendall's results."""

from __future__ import annotations

from memmon.analysis.robust.trend_line import TheilSen, median_slope, theil_sen
from memmon.analysis.robust.trend_test import MannKendall, hamed_rao, mann_kendall

__all__ = ["MannKendall", "TheilSen", "hamed_rao", "mann_kendall", "median_slope", "theil_sen"]
