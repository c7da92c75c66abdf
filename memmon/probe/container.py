"""Kept for programs that import by this path: see `memmon.probe.process.container`."""

from memmon.facts.limit_names import HOST
from memmon.probe.process.charged import NO_LIMIT_FROM_BYTES, parse_counts, parse_limit
from memmon.probe.process.container import (
    LimitProbe,
    LimitReading,
    MemoryEvents,
    memory_events,
    read_limit,
)

__all__ = [
    "HOST",
    "NO_LIMIT_FROM_BYTES",
    "LimitProbe",
    "LimitReading",
    "MemoryEvents",
    "memory_events",
    "parse_counts",
    "parse_limit",
    "read_limit",
]
