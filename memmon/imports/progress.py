"""How far an import has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is done to which file, and how much of it."""

    step: str
    """`reading` or `storing`."""
    name: str
    """Of the file."""
    done: int
    total: int | None
    """None: nobody knows, as of a pipe."""
    unit: str
    """`bytes` (as they lie on disk), `rows` or `snapshots`."""


if TYPE_CHECKING:
    Tell = Callable[[Progress], None]


def tell_nobody(_progress: Progress) -> None:
    """Tell nobody."""
