"""A store for one page: what the page needs twice is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.store.read import Store
from memmon.store.read.named_bytes import read_history_and_parts
from memmon.store.read.opening import open_gate

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.config import Database
    from memmon.history import History
    from memmon.store.read import PartMatrix, SourceInfo


class PageStore(Store):
    """It remembers what it has read, so that a page's verdict and its charts are of the same samples.

    A year of a bot takes longer to read than all the rest of its page, most of that the sizes of its deques: the
    history and the parts of memory both need them. It is for one page: it is never read anew.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, open_gate(database))
        self._read: dict[tuple[object, ...], tuple[History, PartMatrix]] = {}
        self._sources: dict[tuple[object, ...], SourceInfo] = {}

    def resolve_source(self, name: str | None = None) -> SourceInfo:
        """Return a source as it was when it was first asked for: every other answer begins with it."""
        key = (name, self._now)
        if key not in self._sources:
            self._sources[key] = super().resolve_source(name)
        return self._sources[key]

    def history(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        run_id: int | None = None,
    ) -> History:
        """Return the history of a window, as it was when it was first asked for."""
        key = (source, since, until, run_id)
        if key not in self._read:
            found = self.resolve_source(source)
            window = self._samples_of(found, since, until, run_id)
            self._read[key] = self._gate.read(
                lambda session: read_history_and_parts(session, window, source=found.name)
            )
        return self._read[key][0]

    def part_matrix(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        run_id: int | None = None,
    ) -> PartMatrix:
        """Return the parts of memory in a window; those of a history that was read are at hand."""
        known = self._read.get((source, since, until, run_id))
        return known[1] if known else super().part_matrix(source, since, until, run_id=run_id)
