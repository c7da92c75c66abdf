"""Kept for programs that import by this path: see `memmon.probe.process.cause`."""

from memmon.probe.process.cause import CauseProbe, CauseReading

__all__ = ["CauseProbe", "CauseReading"]
