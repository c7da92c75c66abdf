"""Kept for programs that import by this path: see `memmon.analysis.leak.finding`."""

from memmon.analysis.leak.finding import (
    HIGH_CONFIDENCE_HOURS,
    Confidence,
    LeakFinding,
    LeakPolicy,
    LeakWindow,
    Verdict,
    confidence_of,
)

__all__ = [
    "HIGH_CONFIDENCE_HOURS",
    "Confidence",
    "LeakFinding",
    "LeakPolicy",
    "LeakWindow",
    "Verdict",
    "confidence_of",
]
