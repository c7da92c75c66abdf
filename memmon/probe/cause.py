"""Kept for programs that import by this path: see `memmon.probe.process.cause`."""

from memmon.probe.process.cause import SLOW_SECONDS, CauseProbe, CauseReading

__all__ = ["SLOW_SECONDS", "CauseProbe", "CauseReading"]
