"""Units: storage is in bytes and integer milliseconds; people read MB (2**20 bytes) and hours."""

from __future__ import annotations

KIB = 2**10
MIB = 2**20
GIB = 2**30

MS_PER_SECOND = 1_000
SECONDS_PER_MINUTE = 60
MINUTES_PER_HOUR = 60
SECONDS_PER_HOUR = 3_600
SECONDS_PER_DAY = 86_400
MS_PER_HOUR = SECONDS_PER_HOUR * MS_PER_SECOND
MS_PER_DAY = SECONDS_PER_DAY * MS_PER_SECOND


def mb_from_bytes(size_bytes: float) -> float:
    """Return `size_bytes` in MB; 1 MB is 2**20 bytes everywhere in memmon."""
    return size_bytes / MIB


def bytes_from_mb(size_mb: float) -> int:
    """Return `size_mb` (MB of 2**20 bytes) in whole bytes."""
    return round(size_mb * MIB)
