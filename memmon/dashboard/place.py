"""What every page needs: the database, the clock, and what was judged so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memmon.clock import Clock
    from memmon.config import Database
    from memmon.many.said import SourceTable


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContext:
    """What every page needs: the database, the clock, the table of all sources with what it has judged."""

    database: Database
    clock: Clock
    table: SourceTable
