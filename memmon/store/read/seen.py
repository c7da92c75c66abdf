"""A store as it is seen at a moment: where its sources' present lies, and which samples a window means."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from memmon.clock import SystemClock
from memmon.facts.recording_order import latest_ms
from memmon.store.read.answers import ms_of
from memmon.store.read.newest import present_at, read_run_ends
from memmon.store.read.opened import OpenedStore
from memmon.store.read.samples import Window

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    import numpy as np
    from numpy.typing import NDArray

    from memmon.store.read.answers import SourceInfo

    FloatArray = NDArray[np.float64]


class SeenStore(OpenedStore):
    """A database, the way to read it, and the moment that counts as now."""

    _now: datetime | None = None
    _source: SourceInfo | None = None

    def as_of(self, now: datetime) -> Self:
        """Return the same store seen at `now` (aware): what is later is set aside; default: the machine's clock."""
        seen = copy(self)
        seen._now, seen._engine = now, None  # noqa: SLF001 -- its own kind
        return seen

    def of(self, source: SourceInfo) -> Self:
        """Return the same store, which does not look a source up again that was found in it; where its present ends is."""
        seen = copy(self)
        seen._source, seen._engine = source, None  # noqa: SLF001 -- its own kind
        return seen

    def _identified(self, name: str | None) -> SourceInfo:
        """Return the source of that name, of which only that is asked for."""
        known = self._source
        return known if known is not None and known.name == name else self.resolve_source(name)

    def resolve_source(self, name: str | None = None) -> SourceInfo:
        """Return the source of that name, or the only one."""
        raise NotImplementedError

    def deque_peaks(
        self,
        source: str | None,
        since: datetime,
        until: datetime,
        *,
        span_seconds: float,
        span_count: int,
        run_id: int | None = None,
    ) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Return (largest length, bound) of each deque in each of so many spans from `since` on."""
        from memmon.store.read.deque_peaks import Spans, read_deque_peaks

        window = self._window(source, since, until, run_id)
        spans = Spans(since.timestamp(), span_seconds, span_count)
        return self._gate.read(lambda session: read_deque_peaks(session, window, spans))

    def _window(
        self, source: str | None, since: datetime | None, until: datetime | None, run_id: int | None
    ) -> Window:
        return self._samples_of(self._source_of(source, until), since, until, run_id)

    def _all_of(
        self, source: str | None, since: datetime | None, until: datetime | None, run_id: int | None
    ) -> Window:
        return window_of(self._identified(source).source_id, since, until, run_id)

    def _source_of(self, name: str | None, until: datetime | None) -> SourceInfo:
        """Return the source of a window, with its present where the window has no end of its own."""
        return self.resolve_source(name) if until is None else self._identified(name)

    def _latest_ms(self) -> int:
        return latest_ms(self._now or SystemClock().now())

    def _samples_of(
        self, source: SourceInfo, since: datetime | None, until: datetime | None, run_id: int | None
    ) -> Window:
        """Return a window of samples; one without an end reaches to the source's present (or the run's)."""
        window = window_of(source.source_id, since, until, run_id)
        if window.until_ms is not None:
            return window
        last_at, until_ms = source.last_at, self._latest_ms()
        if run_id is not None:
            ends = self._gate.read(
                lambda session: read_run_ends(session, latest_ms=until_ms, source_id=source.source_id)
            )
            last_at = present_at(end for end in ends.get(source.source_id, ()) if end.run_id == run_id)
        last_ms = ms_of(last_at, name="last_at")
        return replace(window, until_ms=until_ms if last_ms is None else last_ms)

    def _look_back(self, source: SourceInfo, look_back: timedelta | None, since: datetime | None) -> Window:
        if since is None and look_back is not None and source.last_at is not None:
            since = source.last_at - look_back
        return self._samples_of(source, since, None, None)


def window_of(source_id: int, since: datetime | None, until: datetime | None, run_id: int | None) -> Window:
    """Return a window between two aware moments (None: no bound), of one run or of all."""
    return Window(
        source_id=source_id,
        since_ms=ms_of(since, name="since"),
        until_ms=ms_of(until, name="until"),
        run_id=run_id,
    )
