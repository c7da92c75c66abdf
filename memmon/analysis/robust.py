"""Kept for programs that import by this path: see `memmon.analysis.stats`."""

from __future__ import annotations

from memmon.analysis.stats.mann_kendall import MannKendall, hamed_rao, mann_kendall
from memmon.analysis.stats.theil_sen import TheilSen, median_slope, theil_sen

__all__ = ["MannKendall", "TheilSen", "hamed_rao", "mann_kendall", "median_slope", "theil_sen"]
