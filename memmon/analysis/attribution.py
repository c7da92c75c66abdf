"""Kept for programs that import by this path: see `memmon.analysis.cause.attribution`."""

from memmon.analysis.cause.attribution import (
    IN_STEP_CORRELATION,
    OVERCLAIM,
    SMALLEST_GROWTH_MB,
    attribute_growth,
)
from memmon.analysis.cause.attribution import (
    SMALLEST_CURVE_GAIN as SMALLEST_GAIN,
)

__all__ = ["IN_STEP_CORRELATION", "OVERCLAIM", "SMALLEST_GAIN", "SMALLEST_GROWTH_MB", "attribute_growth"]
