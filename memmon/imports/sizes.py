"""What the sizes of a file are like as a whole, learned one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.facts.process_size import Sizes, is_pages

if TYPE_CHECKING:
    from memmon.imports.spool import Spool


class SizesSeen:
    """Learns sizes in the order in which they come; their median is looked up where they lie."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.has_none = True
        """True: no size was known so far."""
        self._count = 0
        self._least = self._largest = 0.0
        self._are_pages = True

    def see(self, size_bytes: float | None) -> None:
        """Learn one more; None: it is unknown."""
        if size_bytes is None:
            return
        self.has_none = False
        if size_bytes <= 0:
            return
        self._least = size_bytes if self._count == 0 else min(self._least, size_bytes)
        self._largest = max(self._largest, size_bytes)
        self._count += 1
        self._are_pages = self._are_pages and is_pages(size_bytes)

    def found(self) -> Sizes:
        """Return what is known of those above zero."""
        return Sizes(
            count=self._count,
            least=self._least,
            largest=self._largest,
            are_pages=self._are_pages,
            are_whole=True,
            typical=lambda: self._spool.median("rss_bytes"),
        )
