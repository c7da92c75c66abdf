"""Kept for programs that import by this path: see `memmon.analysis.leak.soak`."""

from memmon.analysis.leak.soak import DETECT_MB_PER_HOUR, Outcome, SoakVerdict, judge_soak

__all__ = ["DETECT_MB_PER_HOUR", "Outcome", "SoakVerdict", "judge_soak"]
