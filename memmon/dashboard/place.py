"""What every page needs: the database, the clock, and the verdicts judged so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.assessment.assessment import Assessment
    from memmon.clock import Clock
    from memmon.config import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSource:
    """What was judged of a source, held until the source has a newer sample; its age is counted anew each time."""

    last_at: datetime | None
    assessment: Assessment | None
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContext:
    """What every page needs: the database, the clock, the verdicts judged so far."""

    database: Database
    clock: Clock
    judged: dict[str, JudgedSource]
