"""The values of MemoryMonitor: MB of 2**20 bytes, naive local times, NaN for what could not be read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.model import Snapshot


COUNTERS = {
    "anon_bytes": "rss_anon_bytes",
    "shmem_bytes": "rss_shmem_bytes",
    "swap_bytes": "swap_bytes",
    "python_block_count": "python_block_count",
    "heap_used_bytes": "heap_used_bytes",
    "heap_mmap_bytes": "heap_mmap_bytes",
    "gc_pending_count": "gc_pending_count",
    "work_count": "work_count",
}
"""{array of a History: field of a Snapshot}: what the verdict knows beside resident memory."""


@dataclass(slots=True)
class MemorySnapshot:
    """One tick as MemoryMonitor shows it."""

    timestamp: datetime
    """Naive local time."""
    rss_mb: float
    vms_mb: float = math.nan
    percent: float = math.nan
    """System memory in use, in percent."""
    available_mb: float = math.nan
    deque_sizes: dict[str, int] = field(default_factory=dict)
    """Length of each registered deque that could be read."""
    uptime_seconds: float | None = field(default=None, repr=False, compare=False)
    """Monotonic seconds of the run; None for a snapshot that the program made itself."""
    counters: tuple[int | None, ...] = field(default=(), repr=False, compare=False)
    """What was read beside resident memory, as `COUNTERS` names it; empty for a snapshot that the program made itself."""


@dataclass(slots=True)
class MemoryLeakReport:
    """What `detect_memory_leak` found."""

    leak_detected: bool
    growth_rate_mb_per_hour: float
    total_growth_mb: float
    """Last reading less the first."""
    duration_hours: float
    start_memory_mb: float
    end_memory_mb: float
    confidence: str
    """`low`, `medium` or `high`."""
    details: str


def local_time(moment: datetime) -> datetime:
    """Return a moment as naive local time; a naive one is local already."""
    return moment if moment.tzinfo is None else moment.astimezone().replace(tzinfo=None)


def memory_snapshot(snapshot: Snapshot) -> MemorySnapshot:
    """Return `snapshot` in MemoryMonitor's form."""
    return MemorySnapshot(
        timestamp=local_time(snapshot.at),
        rss_mb=_mb(snapshot.rss_bytes),
        vms_mb=_mb(snapshot.vms_bytes),
        percent=math.nan if snapshot.system_percent is None else snapshot.system_percent,
        available_mb=_mb(snapshot.system_available_bytes),
        deque_sizes={
            one.name: one.length_count
            for one in snapshot.deques
            if one.length_count is not None and one.is_registered
        },
        uptime_seconds=snapshot.uptime_seconds,
        counters=tuple(getattr(snapshot, name) for name in COUNTERS.values()),
    )


def _mb(size_bytes: int | None) -> float:
    return math.nan if size_bytes is None else mb_from_bytes(size_bytes)
