"""What is said of a count over time: plain, frozen, JSON-able."""

from __future__ import annotations

# ruff: noqa: TC003 -- the JSON Schema is made from these annotations
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ResourceState(StrEnum):
    """What a resource does."""

    STEADY = "steady"
    GROWING = "growing"
    CANNOT_SAY = "cannot_say"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceGrowth:
    """Whether a count grows: its robust slope per hour with the 95 % interval, and since when; None: not known."""

    state: ResourceState
    slope_per_hour: float | None = None
    slope_low_per_hour: float | None = None
    slope_high_per_hour: float | None = None
    since: datetime | None = None
