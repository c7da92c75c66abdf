"""The live view of all sources: a line for each, in the order and the words of the overview and of `memmon fleet`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.cli.source_table import HEADINGS, SourceCells
from memmon.cli.text import table
from memmon.facts.urgency import counted_states
from memmon.formatting import counted

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.cli.selection import Opened
    from memmon.many.said import Said, SourceTable


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewOfAll:
    """What one look at all sources shows."""

    headline: str
    lines: tuple[str, ...]
    rows: tuple[Said, ...]


def look_at_all(found: Opened, known: SourceTable, *, now: datetime, most: int, is_screen: bool) -> ViewOfAll:
    """Return the view of all sources as of now, the most urgent first; `most`: so many have a line."""
    rows = tuple(known.look(found.store.as_of(now), now=now))
    states = counted_states(one.ranked.urgency for one in rows)
    lines = (
        table(HEADINGS, [_cells(one).texts(is_screen=is_screen) for one in rows[:most]]).splitlines()
        if rows
        else []
    )
    if len(rows) > most:
        lines.append(f"... ({len(rows):,} in all)")
    headline = counted(len(rows), "source") + (f": {states}" if states else "")
    return ViewOfAll(headline=headline, lines=tuple(lines), rows=rows)


def _cells(one: Said) -> SourceCells:
    seen = one.assessment
    return SourceCells(
        state=one.ranked.words,
        source=one.standing.source,
        rss_bytes=one.standing.present.rss_bytes if seen is None else seen.rss_bytes,
        used_percent=None if seen is None else seen.used_percent,
        left=one.ranked.time_words,
        slope_mb_per_hour=None if seen is None else seen.finding.slope_mb_per_hour,
        age_seconds=one.standing.freshness.age_seconds,
    )
