"""From one row to the next question: a release leads to its runs, a run to its samples, window and events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from memmon.report.html.view_model import PageLink

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_RUNS = frozenset({"run_id", "release", "host"})
_BESIDE = timedelta(minutes=1)
"""Times in the views are of whole seconds: the ends of a window lie outside of them."""


def cells_of(columns: Sequence[str], row: Sequence[object]) -> list[PageLink]:
    """Return the cells of a row: those that lead on have an address."""
    return [
        PageLink(href=_href(column, cell), label="-" if cell is None else str(cell))
        for column, cell in zip(columns, row, strict=True)
    ]


def _href(column: str, cell: object) -> str:
    if cell is not None and column == "source":
        return "/source?" + urlencode({"name": str(cell)})
    is_of_runs = cell is not None and column in _OF_RUNS
    return "/data/v_run?" + urlencode({column: str(cell)}) if is_of_runs else ""


def ways_of(columns: Sequence[str], row: Sequence[object]) -> list[PageLink]:
    """Return what a run leads to: its part of the source's page, its samples, the events meanwhile."""
    one = dict(zip(columns, row, strict=True))
    begun, last = _time(one.get("started_at")), _time(one.get("last_at") or one.get("ended_at"))
    if "uuid" not in one or begun is None:
        return []
    name, end = str(one["source"]), (last or begun) + _BESIDE
    window = urlencode({"name": name, "since": (begun - _BESIDE).isoformat(), "until": end.isoformat()})
    return [
        PageLink(href=f"/source?{window}", label="window"),
        PageLink(href=f"/data/v_snapshot?{urlencode({'run_id': str(one['run_id'])})}", label="samples"),
        PageLink(href=f"/events?{window}", label="events"),
    ]


def _time(cell: object) -> datetime | None:
    """Return a time of a view; SQLite gives text, PostgreSQL a value."""
    if isinstance(cell, datetime):
        return cell if cell.tzinfo else cell.replace(tzinfo=UTC)
    if not isinstance(cell, str):
        return None
    try:
        found = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
