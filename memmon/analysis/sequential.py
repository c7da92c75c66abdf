"""Kept for programs that import by this path: see `memmon.analysis.leak.sequential`."""

from memmon.analysis.leak.sequential import CHECKS_THAT_AGREE, confirmed

__all__ = ["CHECKS_THAT_AGREE", "confirmed"]
