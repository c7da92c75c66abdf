"""Kept for programs that import by this path: see `memmon.monitor.monitor`."""

from memmon.monitor.monitor import NO_DATA, MemoryMonitor

__all__ = ["NO_DATA", "MemoryMonitor"]
