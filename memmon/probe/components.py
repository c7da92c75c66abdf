"""Kept for programs that import by this path: see `memmon.probe.registered.components`."""

from memmon.probe.registered.components import ComponentRegistry

__all__ = ["ComponentRegistry"]
