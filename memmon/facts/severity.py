"""How urgent a source can be: the one scale of which colours, exit codes and levels of alerts are renderings."""

from __future__ import annotations

from enum import StrEnum

NEAR_HOURS = 24.0
"""A limit that is dated within so many hours is near: time for one person to sleep, and then to act."""


class Severity(StrEnum):
    """How urgent a source is, the least first."""

    OK = "ok"
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place among the severities, the least first."""
        return tuple(Severity).index(self)
