"""How the living children of a recorded process are stored: one event's data, written by the recorder, read beside the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CHILDREN_KIND = "children"
"""Of the events that say which children live."""

MOST_NAMED = 512
"""Children that one event names; those that hold least are counted and added."""
_COLUMNS = 5


class ChildRow(NamedTuple):
    """One child; None: not known."""

    pid: int
    started_ms: int | None
    """When it was created, UTC."""
    rss_bytes: int | None
    pss_bytes: int | None
    name: str

    @property
    def held_bytes(self) -> int:
        """What it holds, as well as it is known."""
        return (self.rss_bytes or 0) if self.pss_bytes is None else self.pss_bytes


def children_data(rows: Iterable[ChildRow]) -> dict[str, object]:
    """Return the data of an event that says that these live; the largest first."""
    ordered = sorted(rows, key=lambda one: (-one.held_bytes, one.pid))
    return {
        "count": len(ordered),
        "held_bytes": sum(one.held_bytes for one in ordered),
        "processes": [list(one) for one in ordered[:MOST_NAMED]],
    }


def children_of(data: Mapping[str, object]) -> tuple[ChildRow, ...]:
    """Return the children that an event names; what is no child is passed over."""
    rows = data.get("processes")
    found = (_child(row) for row in (rows if isinstance(rows, list) else ()))
    return tuple(one for one in found if one is not None)


def _child(row: object) -> ChildRow | None:
    if not isinstance(row, list) or len(row) < _COLUMNS or not isinstance(row[0], int):
        return None
    numbers = [value if isinstance(value, int) else None for value in row[1:4]]
    return ChildRow(row[0], numbers[0], numbers[1], numbers[2], str(row[4]))
