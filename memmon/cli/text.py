"""Text for people beside the reports': safe names, local times, tables; nothing here computes."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from memmon import formatting
from memmon.units import MIB

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

UNKNOWN = "-"


def printable(text: object) -> str:
    r"""Return `text` with what steers a terminal or hides in it shown as escapes.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return formatting.shown(str(text))


def one_line(text: object) -> str:
    """Return `text` in one printable line."""
    return printable(" ".join(str(text).split()))


def local_time(moment: datetime | None) -> str:
    """Return a moment in local time with its UTC offset, such as `2026-01-31 14:05 +01:00`."""
    return UNKNOWN if moment is None else formatting.local_time(moment)


def duration(seconds: float | None) -> str:
    """Return a length of time in the unit that reads best."""
    return UNKNOWN if seconds is None else formatting.age(max(seconds, 0.0))


def size(size_bytes: float | None) -> str:
    """Return a size in MB (2**20 bytes), in GB from 10 GB on."""
    return UNKNOWN if size_bytes is None else formatting.size(size_bytes / MIB)


def number(value: float | None, *, decimals: int = 2) -> str:
    """Return a number with fixed decimals, or a dash where it is unknown."""
    return UNKNOWN if value is None else f"{value:.{decimals}f}"


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows under headings in aligned columns; columns of numbers stand to the right."""
    cells = [[UNKNOWN if cell is None else printable(cell) for cell in row] for row in rows]
    grid = [[printable(heading) for heading in headings], *cells]
    places = range(len(headings))
    numeric = [bool(cells) and all(_is_numeric(row[place]) for row in cells) for place in places]
    widths = [max(_width(row[place]) for row in grid) for place in places]
    return "\n".join(
        "  ".join(_padded(row[place], widths[place], right=numeric[place]) for place in places).rstrip()
        for row in grid
    )


def _padded(cell: str, width: int, *, right: bool) -> str:
    gap = " " * (width - _width(cell))
    return gap + cell if right else cell + gap


def _is_numeric(cell: str) -> bool:
    head = cell.split(" ", 1)[0].rstrip("%").lstrip("+-")
    return cell == UNKNOWN or head.replace(".", "", 1).isdigit()


def _width(cell: str) -> int:
    """Return how many columns a terminal needs."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in cell
    )
