"""Room in a SQLite file: how much is in use, and giving free pages back in small steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.store.connect.session import Maintenance

_INCREMENTAL = 2
_STEP_PAGE_COUNT = 64
_FREE_SHARE_KEPT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The pages of a file, in bytes."""

    file_bytes: int
    free_bytes: int

    @property
    def used_bytes(self) -> int:
        """What is in use."""
        return self.file_bytes - self.free_bytes


def measure_space(session: Maintenance) -> Space | None:
    """Return how a file's pages are used; None for a server, which manages its own."""
    if not session.database.is_sqlite:
        return None
    page_bytes = session.pragma("page_size")
    return Space(
        file_bytes=session.pragma("page_count") * page_bytes,
        free_bytes=session.pragma("freelist_count") * page_bytes,
    )


def give_back(session: Maintenance, *, ceiling_bytes: int, batch: Callable[[Callable[[], int]], int]) -> None:
    """Shrink a file that is over the ceiling or mostly free; a tenth stays free for what comes next.

    Only files made with incremental auto-vacuum can shrink in steps; others do by `memmon db vacuum`.
    """
    if session.pragma("auto_vacuum") != _INCREMENTAL:
        return

    def step() -> int:
        space = measure_space(session)
        if space is None:
            return 0
        kept = 0 if space.file_bytes > ceiling_bytes else space.used_bytes * _FREE_SHARE_KEPT
        if space.free_bytes <= kept:
            return 0
        session.vacuum_some(_STEP_PAGE_COUNT)
        after = measure_space(session)
        return 0 if after is None else (space.free_bytes - after.free_bytes)

    while batch(step):
        pass
