"""Is the new release better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.forwarding import forward

if TYPE_CHECKING:
    from memmon.analysis.compare.finding import COMPARE_WORDS, CompareVerdict, Comparison, ReleaseEstimate
    from memmon.analysis.compare.releases import compare_histories, compare_releases

__all__ = [
    "COMPARE_WORDS",
    "CompareVerdict",
    "Comparison",
    "ReleaseEstimate",
    "compare_histories",
    "compare_releases",
]

__getattr__ = forward(
    __name__,
    {
        "releases": ("compare_histories", "compare_releases"),
        "finding": ("COMPARE_WORDS", "CompareVerdict", "Comparison", "ReleaseEstimate"),
    },
)
