"""Kept for programs that import by this path: see `memmon.analysis.cause.split_finding`."""

from memmon.analysis.cause.split_finding import (
    CAUSE_LABELS,
    COUNTER_NAMES,
    Cause,
    CauseFinding,
    CausePart,
    CauseSeries,
)

__all__ = ["CAUSE_LABELS", "COUNTER_NAMES", "Cause", "CauseFinding", "CausePart", "CauseSeries"]
