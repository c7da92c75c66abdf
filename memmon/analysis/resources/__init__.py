"""Whether what a process holds beside memory (threads, open files) grows without an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.forwarding import forward

if TYPE_CHECKING:
    from memmon.analysis.resources.finding import ResourceGrowth, ResourceState
    from memmon.analysis.resources.growth import resource_growth, rough_growth

__all__ = ["ResourceGrowth", "ResourceState", "resource_growth", "rough_growth"]

__getattr__ = forward(
    __name__,
    {
        "finding": ("ResourceGrowth", "ResourceState"),
        "growth": ("resource_growth", "rough_growth"),
    },
)
