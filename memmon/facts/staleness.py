"""Whether a source is stale: one rule, in its own intervals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 -- the JSON Schema is made from these annotations

STALE_INTERVAL_COUNT = 3
"""A source is stale once this many intervals have passed without a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """How old the newest sample is, and whether that is too old for the interval."""

    last_at: datetime | None
    age_seconds: float | None
    interval_seconds: float | None
    is_stale: bool


def stale_after_seconds(interval_seconds: float, *, interval_count: float = STALE_INTERVAL_COUNT) -> float:
    """Return from which age on a sample is no longer the present."""
    return interval_count * interval_seconds
