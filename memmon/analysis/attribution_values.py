"""Kept for programs that import by this path: see `memmon.analysis.cause.attribution_finding`."""

from memmon.analysis.cause.attribution_finding import AttributedPart, Attribution, AttributionSeries

__all__ = ["AttributedPart", "Attribution", "AttributionSeries"]
