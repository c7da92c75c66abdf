"""How urgent a source can be: the one scale of which colours, exit codes and levels of alerts are renderings."""

from __future__ import annotations

from enum import StrEnum


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
