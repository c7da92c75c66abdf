"""Moments as the store keeps them: integer UTC milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime

from memmon.units import MS_PER_SECOND


def ms_from_datetime(moment: datetime) -> int:
    """Return integer UTC milliseconds of an aware datetime."""
    return round(moment.timestamp() * MS_PER_SECOND)


def datetime_from_ms(at_ms: int) -> datetime:
    """Return the aware UTC datetime of integer milliseconds."""
    return datetime.fromtimestamp(at_ms / MS_PER_SECOND, UTC)
