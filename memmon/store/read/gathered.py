"""A window that is read once: the figures of any part of it, in every form that the read side has."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from memmon.facts.series_kinds import DEQUE
from memmon.store.read.deque_bytes import SIZE_METRICS
from memmon.store.read.deque_peaks import deque_peaks_of
from memmon.store.read.deque_sizes import deque_sizes_of
from memmon.store.read.deques import Readings, fetch_series
from memmon.store.read.histories import history_of, read_history_runs
from memmon.store.read.named_bytes import component_bytes_of, part_matrix_of, read_components
from memmon.store.read.samples import fetch_whole, within
from memmon.store.read.statistics import buckets_of, reading_statistics_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memmon.history import History, HistoryRun
    from memmon.store.read.deque_peaks import Peaks, Spans
    from memmon.store.read.deque_sizes import DequeSizes
    from memmon.store.read.deques import Series
    from memmon.store.read.ports import Session
    from memmon.store.read.samples import Window
    from memmon.store.read.window_answers import Buckets, PartMatrix, ReadingStatistics

    FloatArray = NDArray[np.float64]


class GatheredWindow:
    """The samples of a window and the readings of its deques and components."""

    def __init__(
        self,
        window: Window,
        points: Mapping[str, FloatArray],
        *,
        source: str,
        runs: Sequence[HistoryRun],
        deques: tuple[Readings | None, tuple[Series, ...]],
        components: tuple[Readings | None, tuple[Series, ...]],
    ) -> None:
        self.window = window
        self._points = points
        self._source = source
        self._runs = runs
        self._deques = deques
        self._components = components

    def covers(self, window: Window) -> bool:
        """Tell whether a window is a part of this one."""
        own = self.window
        return (
            own.source_id == window.source_id
            and own.run_id in {None, window.run_id}
            and _is_within(own.since_ms, window.since_ms, -1)
            and _is_within(own.until_ms, window.until_ms, 1)
        )

    def part(self, window: Window) -> GatheredWindow:
        """Return a part of it, as if that alone had been read."""
        points = within(self._points, window)
        return GatheredWindow(
            window,
            points,
            source=self._source,
            runs=self._runs,
            deques=_over(self._deques, points),
            components=_over(self._components, points),
        )

    @cached_property
    def history(self) -> History:
        """The same as `read_history` gives."""
        return history_of(self._points, self._sizes, runs=self._runs, source=self._source)

    @cached_property
    def part_matrix(self) -> PartMatrix:
        """The same as `read_part_matrix` gives."""
        return part_matrix_of(self._points, self._sizes, component_bytes_of(*self._components))

    @cached_property
    def reading_statistics(self) -> tuple[ReadingStatistics, ...]:
        """Last, mean, least and largest of every reading."""
        return reading_statistics_of(self._points)

    def buckets(self, *, bucket_seconds: float) -> Buckets:
        """Return the samples gathered into spans, per run."""
        return buckets_of(self._points, bucket_seconds=bucket_seconds)

    def deque_peaks(self, spans: Spans) -> Peaks:
        """Return the same as `read_deque_peaks`."""
        readings, series = self._deques
        return {} if readings is None else deque_peaks_of(readings, series, spans)

    @cached_property
    def _sizes(self) -> DequeSizes:
        readings, series = self._deques
        return deque_sizes_of(readings, series, self._points, by_name=True)


def read_window(session: Session, window: Window, *, source: str) -> GatheredWindow:
    """Return a window of the source of that name, read at once."""
    points = fetch_whole(session, window)
    series = fetch_series(session, window.source_id, kind=DEQUE, metrics=SIZE_METRICS)
    readings = Readings(session, window, points, kind=DEQUE, metrics=SIZE_METRICS) if series else None
    return GatheredWindow(
        window,
        points,
        source=source,
        runs=read_history_runs(session, window.source_id),
        deques=(readings, series),
        components=read_components(session, window, points),
    )


def _is_within(bound_ms: int | None, asked_ms: int | None, direction: int) -> bool:
    if bound_ms is None:
        return True
    return asked_ms is not None and direction * asked_ms <= direction * bound_ms


def _over(
    read: tuple[Readings | None, tuple[Series, ...]], points: Mapping[str, FloatArray]
) -> tuple[Readings | None, tuple[Series, ...]]:
    readings, series = read
    return (None if readings is None else readings.over(points)), series
