"""A store for one page: what the page needs twice is read once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memmon.store.read import Store
from memmon.store.read.deque_peaks import Spans, read_deque_peaks, together
from memmon.store.read.gathered import GatheredWindow, read_window
from memmon.store.read.opening import open_gate

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.config import Database
    from memmon.history import History
    from memmon.store.read import Buckets, PartMatrix, ReadingStatistics, SourceInfo
    from memmon.store.read.deque_peaks import Peaks
    from memmon.store.read.samples import Window


class PageStore(Store):
    """It remembers what it has read, so that a page's verdict and its pictures are of the same samples.

    A year of a bot takes longer to read than all the rest of its page. What is asked of a window, or of a part of
    it, whose history was asked for before is worked out from what was read then. It is for one page: it is never
    read anew.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, open_gate(database))
        self._read: list[GatheredWindow] = []
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
        window = self._window(source, since, until, run_id)
        found = self._known(window)
        if found is None:
            name = self.resolve_source(source).name
            found = self._gate.read(lambda session: read_window(session, window, source=name))
            self._read.append(found)
        return found.history

    def part_matrix(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        run_id: int | None = None,
    ) -> PartMatrix:
        """Return the parts of memory in a window."""
        found = self._known(self._window(source, since, until, run_id))
        return found.part_matrix if found else super().part_matrix(source, since, until, run_id=run_id)

    def reading_statistics(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        run_id: int | None = None,
    ) -> tuple[ReadingStatistics, ...]:
        """Return last, mean, least and largest of every reading of a window."""
        found = self._known(self._window(source, since, until, run_id))
        if found:
            return found.reading_statistics
        return super().reading_statistics(source, since, until, run_id=run_id)

    def buckets(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        bucket_seconds: float,
        run_id: int | None = None,
    ) -> Buckets:
        """Return the samples gathered into spans of `bucket_seconds`, per run."""
        found = self._known(self._window(source, since, until, run_id))
        if found:
            return found.buckets(bucket_seconds=bucket_seconds)
        return super().buckets(source, since, until, bucket_seconds=bucket_seconds, run_id=run_id)

    def deque_peaks(
        self,
        source: str | None,
        since: datetime,
        until: datetime,
        *,
        span_seconds: float,
        span_count: int,
        run_id: int | None = None,
    ) -> Peaks:
        """Return (largest length, bound) of each deque in each span; the first may begin before what was read."""
        window = self._window(source, since, until, run_id)
        spans = Spans(since.timestamp(), span_seconds, span_count)
        found = self._known(window)
        if found:
            return found.deque_peaks(spans)
        for one in self._read:
            later = replace(window, since_ms=one.window.since_ms)
            if one.covers(later):
                before = self._peaks(_before(window, later), spans)
                return together(before, one.part(later).deque_peaks(spans))
        return self._peaks(window, spans)

    def _peaks(self, window: Window, spans: Spans) -> Peaks:
        return self._gate.read(lambda session: read_deque_peaks(session, window, spans))

    def _known(self, window: Window) -> GatheredWindow | None:
        """Return what was read of a window; None: at least a part of it was not."""
        same = next((one for one in self._read if one.window == window), None)
        whole = next((one for one in self._read if one.covers(window)), None)
        if same is None and whole is not None:
            same = whole.part(window)
            self._read.append(same)
        return same


def _before(window: Window, later: Window) -> Window:
    """Return what of a window lies before its later part."""
    return window if later.since_ms is None else replace(window, until_ms=later.since_ms - 1)
