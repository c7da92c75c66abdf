"""Text for people: local times with their offset, sizes, durations, tables; nothing here computes."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from memmon.units import GIB, MIB, SECONDS_PER_DAY, SECONDS_PER_HOUR, SECONDS_PER_MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

UNKNOWN = "-"
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})


def printable(text: object) -> str:
    r"""Return `text` with what steers a terminal or hides in it shown as escapes.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    shown = str(text)
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(
        char if unicodedata.category(char) not in _UNSAFE else char.encode("unicode_escape").decode("ascii")
        for char in shown
    )


def one_line(text: object) -> str:
    """Return `text` in one printable line."""
    return printable(" ".join(str(text).split()))


def local_time(moment: datetime | None) -> str:
    """Return a moment in local time with its UTC offset, such as `2026-01-31 14:05:00 +01:00`."""
    if moment is None:
        return UNKNOWN
    local = moment.astimezone()
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def duration(seconds: float | None) -> str:
    """Return a length of time in its largest fitting unit: `45 s`, `12 min`, `5.5 h`, `3.2 days`."""
    if seconds is None:
        return UNKNOWN
    size = abs(seconds)
    if size < 2 * SECONDS_PER_MINUTE:
        return f"{seconds:.0f} s"
    if size < 2 * SECONDS_PER_HOUR:
        return f"{seconds / SECONDS_PER_MINUTE:.0f} min"
    if size < 2 * SECONDS_PER_DAY:
        return f"{seconds / SECONDS_PER_HOUR:.1f} h"
    return f"{seconds / SECONDS_PER_DAY:.1f} days"


def size(size_bytes: float | None) -> str:
    """Return a size in MB (2**20) or GB (2**30)."""
    if size_bytes is None:
        return UNKNOWN
    if abs(size_bytes) >= 10 * GIB:
        return f"{size_bytes / GIB:.1f} GB"
    return f"{size_bytes / MIB:.1f} MB"


def number(value: float | None, *, decimals: int = 2) -> str:
    """Return a number with fixed decimals, or a dash where it is unknown."""
    return UNKNOWN if value is None else f"{value:.{decimals}f}"


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows under headings in aligned columns; columns of numbers stand to the right."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not cells:
        return ""
    numeric = [all(_is_numeric(row[column]) for row in cells) for column in range(len(headings))]
    widths = [max(_width(row[column]) for row in [list(headings), *cells]) for column in range(len(headings))]
    lines = []
    for row in [list(headings), *cells]:
        parts = []
        for column, cell in enumerate(row):
            gap = " " * (widths[column] - _width(cell))
            parts.append(gap + cell if numeric[column] else cell + gap)
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def _is_numeric(cell: str) -> bool:
    head = cell.split(" ", maxsplit=1)[0].rstrip("%")
    return cell == UNKNOWN or head.lstrip("+-").replace(".", "", 1).replace(",", "").isdigit()


def _width(cell: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in cell
    )
