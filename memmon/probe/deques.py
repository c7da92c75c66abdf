"""Kept for programs that import by this path: see `memmon.probe.registered.deques`."""

from memmon.probe.registered.deques import MAX_DEAD_COUNT, SIZE_BUDGET_SECONDS, DequeRegistry

__all__ = ["MAX_DEAD_COUNT", "SIZE_BUDGET_SECONDS", "DequeRegistry"]
