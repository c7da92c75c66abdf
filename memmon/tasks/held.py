"""The snapshots that a program holds, from their columns."""

from __future__ import annotations

import math
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from memmon.monitor.values import MemorySnapshot

if TYPE_CHECKING:
    from memmon.child.requests import SnapshotColumns


def held_snapshots(columns: SnapshotColumns) -> list[MemorySnapshot]:
    """Return the program's snapshots, oldest first.

    Where all have their monotonic time, the times are laid out along it, back from the newest:
    then neither a stepped clock nor a change to summer time bends the trend.
    """
    times = list(columns.timestamp)
    uptimes = [value for value in columns.uptime_seconds if value is not None]
    if times and len(uptimes) == len(times) and sorted(uptimes) == uptimes:
        newest = times[-1].astimezone(UTC)
        times = [newest - timedelta(seconds=uptimes[-1] - value) for value in uptimes]
    lengths = {name: int(count) for name, count in columns.deque_sizes.items() if count is not None}
    last = len(times) - 1
    return [
        MemorySnapshot(
            timestamp=moment,
            rss_mb=_number(columns.rss_mb[index]),
            vms_mb=_number(columns.vms_mb[index]),
            percent=_number(columns.percent[index]),
            available_mb=_number(columns.available_mb[index]),
            deque_sizes=lengths if index == last else {},
            uptime_seconds=columns.uptime_seconds[index],
        )
        for index, moment in enumerate(times)
    ]


def _number(value: float | None) -> float:
    return math.nan if value is None else value
