"""Kept for programs that import by this path: see `memmon.monitor.values`."""

from memmon.monitor.values import MemoryLeakReport, MemorySnapshot, local_time, memory_snapshot

__all__ = ["MemoryLeakReport", "MemorySnapshot", "local_time", "memory_snapshot"]
