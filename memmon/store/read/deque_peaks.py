"""The largest length and the bound of each deque over equal spans of a window, for pictures: one read, no matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memmon.facts.series_kinds import DEQUE
from memmon.store.read.deques import Readings, carried, fetch_series, peaks
from memmon.store.read.samples import fetch_points, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memmon.store.read.deques import Series
    from memmon.store.read.ports import Session
    from memmon.store.read.samples import Window

    FloatArray = NDArray[np.float64]

_METRICS = ("length", "maxlen")

Peaks = dict[str, "tuple[FloatArray, FloatArray]"]
"""Each deque's largest length and its bound in each span, by its name; NaN: there was no sample, or no bound."""


class Spans(NamedTuple):
    """Equal spans of time."""

    start_seconds: float
    span_seconds: float
    span_count: int


def read_deque_peaks(session: Session, window: Window, spans: Spans) -> Peaks:
    """Return the peaks of all deques in a window; what lies beyond the first and last span counts to them."""
    points = fetch_points(session, window, ())
    readings = Readings(session, window, points, kind=DEQUE, metrics=_METRICS, rolled=("max_value",))
    series = fetch_series(session, window.source_id, kind=DEQUE, metrics=_METRICS)
    return deque_peaks_of(readings, series, spans)


def deque_peaks_of(readings: Readings, series: Sequence[Series], spans: Spans) -> Peaks:
    """Return the same of readings that are at hand."""
    at_seconds = seconds(readings.points["at_ms"])
    place = ((at_seconds - spans.start_seconds) // spans.span_seconds).astype(np.int64)
    place = place.clip(0, spans.span_count - 1)
    found: dict[str, tuple[FloatArray, FloatArray]] = {}
    for one in series:
        if one.metric not in _METRICS:
            continue
        lengths, bounds = found.setdefault(
            one.name, (np.full(spans.span_count, np.nan), np.full(spans.span_count, np.nan))
        )
        for run_id, rows in readings.runs:
            changes = readings.changes(run_id, one.series_id)
            if changes is None:
                continue
            size = rows.stop - rows.start
            if one.metric == "length":
                np.fmax.at(lengths, place[rows], peaks(changes, size))
            else:
                np.fmax.at(bounds, place[rows], carried(changes, size))
    return found


def together(*parts: Peaks) -> Peaks:
    """Return the peaks of a window that was read in parts."""
    found: dict[str, tuple[FloatArray, FloatArray]] = {}
    for part in parts:
        for name, (lengths, bounds) in part.items():
            known = found.get(name, (lengths, bounds))
            found[name] = np.fmax(known[0], lengths), np.fmax(known[1], bounds)
    return found
