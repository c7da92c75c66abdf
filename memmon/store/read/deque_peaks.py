"""The largest length and the bound of each deque over equal spans of a window, for pictures: one read, no matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.facts.series_kinds import DEQUE
from memmon.store.read.deques import Readings, carried, fetch_series, peaks
from memmon.store.read.samples import fetch_points, seconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.store.read.ports import Session
    from memmon.store.read.samples import Window

    FloatArray = NDArray[np.float64]

_METRICS = ("length", "maxlen")


def read_deque_peaks(
    session: Session, window: Window, *, start_seconds: float, span_seconds: float, count: int
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return each deque's largest length and its bound in each of `count` spans from `start_seconds` on, by its name.

    NaN: there was no sample in the span, or no bound.
    """
    points = fetch_points(session, window, ())
    place = ((seconds(points["at_ms"]) - start_seconds) // span_seconds).astype(np.int64).clip(0, count - 1)
    readings = Readings(session, window, points, kind=DEQUE, metrics=_METRICS, rolled=("max_value",))
    found: dict[str, tuple[FloatArray, FloatArray]] = {}
    for one in fetch_series(session, window.source_id, kind=DEQUE, metrics=_METRICS):
        lengths, bounds = found.setdefault(one.name, (np.full(count, np.nan), np.full(count, np.nan)))
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
