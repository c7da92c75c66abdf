"""What every page needs: the database, the clock, and the verdicts judged so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.analysis.leak_values import LeakFinding
    from memmon.clock import Clock
    from memmon.config import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A source's verdict, kept until the source has a newer sample."""

    last_at: datetime | None
    finding: LeakFinding | None
    memory_mb: float | None
    limit_percent: float | None
    interval_seconds: float | None
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What every page needs: the database, the clock, the verdicts judged so far."""

    database: Database
    clock: Clock
    judged: dict[str, Judged]
