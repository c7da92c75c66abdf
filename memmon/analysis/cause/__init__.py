"""What grows: by kind of memory, by registered part, per unit of work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.forwarding import forward

if TYPE_CHECKING:
    from memmon.analysis.cause.attribution import attribute_growth
    from memmon.analysis.cause.attribution_finding import AttributedPart, Attribution, AttributionSeries
    from memmon.analysis.cause.per_work import PerWork, WorkSeries, growth_per_work
    from memmon.analysis.cause.split import split_cause
    from memmon.analysis.cause.split_finding import CauseFinding, CausePart, CauseSeries

__all__ = [
    "AttributedPart",
    "Attribution",
    "AttributionSeries",
    "CauseFinding",
    "CausePart",
    "CauseSeries",
    "PerWork",
    "WorkSeries",
    "attribute_growth",
    "growth_per_work",
    "split_cause",
]

__getattr__ = forward(
    __name__,
    {
        "split": ("split_cause",),
        "split_finding": ("CauseFinding", "CausePart", "CauseSeries"),
        "attribution": ("attribute_growth",),
        "attribution_finding": ("AttributedPart", "Attribution", "AttributionSeries"),
        "per_work": ("PerWork", "WorkSeries", "growth_per_work"),
    },
)
