"""The columns in which every table of sources on a terminal begins: `memmon fleet` and `memmon watch --all` share them."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from memmon.cli.text import UNKNOWN, duration, number, printable, size

HEADINGS = ("state", "source", "now", "of limit", "left", "MB/hour", "last sample")
SCREEN_LETTERS = 40
"""So many letters of a name on a screen: one long name would push every other column out of sight."""
_TAIL_LETTERS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCells:
    """What is said of one source in those columns; `left`: when its limit is reached, in words."""

    state: str
    source: str
    rss_bytes: float | None
    used_percent: float | None
    left: str
    slope_mb_per_hour: float | None
    age_seconds: float | None

    def texts(self, *, is_screen: bool) -> tuple[str, ...]:
        """Return the cells; on a screen a long name is shortened in its middle, elsewhere it stands whole."""
        name = printable(self.source)
        return (
            self.state,
            shortened(name) if is_screen else name,
            size(self.rss_bytes),
            UNKNOWN if self.used_percent is None else f"{self.used_percent:.0f} %",
            self.left,
            number(self.slope_mb_per_hour),
            UNKNOWN if self.age_seconds is None else f"{duration(self.age_seconds)} ago",
        )


def shortened(name: str) -> str:
    """Return a name of at most SCREEN_LETTERS letters: what names begin and end with tells them apart.

    >>> shortened("a" * 30 + "b" * 30)
    'aaaaaaaaaaaaaaaaaaaaaaaaa...bbbbbbbbbbbb'
    """
    if len(name) <= SCREEN_LETTERS:
        return name
    head = SCREEN_LETTERS - _TAIL_LETTERS - len("...")
    return f"{name[:head]}...{name[-_TAIL_LETTERS:]}"


def is_screen(output: str | None) -> bool:
    """Tell whether text goes to somebody's screen, and not into a file or a pipe."""
    return output is None and sys.stdout.isatty()
