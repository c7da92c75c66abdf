"""The sizes of all deques of a window, read once: what they hold together, what is still to come, and each by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memmon.facts.series_kinds import DEQUE
from memmon.store.read.deque_bytes import SIZE_METRICS, has_size, most_room_of, read_deque_bytes
from memmon.store.read.deques import Readings, fetch_series, series_by_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from memmon.store.read.ports import Session
    from memmon.store.read.samples import Window

    FloatArray = NDArray[np.float64]


class DequeSizes(NamedTuple):
    """Bytes at every sample; NaN where no deque's size is known."""

    held: FloatArray
    """What all deques hold, an estimate."""
    capacity: FloatArray
    """What they would hold with the bounded ones full, at least."""
    most_capacity: FloatArray
    """The same at most."""
    by_name: Mapping[str, FloatArray]
    """What each holds whose size was estimated, 0 once it is gone; empty where it was not asked for."""


def read_deque_sizes(
    session: Session, window: Window, points: Mapping[str, FloatArray], *, by_name: bool = False
) -> DequeSizes:
    """Return the sizes of a window's deques; `points` are its samples (`fetch_points`)."""
    size = points["run_id"].size
    held, room, most_room = (np.full(size, np.nan) for _ in range(3))
    names = series_by_name(fetch_series(session, window.source_id, kind=DEQUE, metrics=SIZE_METRICS))
    names = {name: metrics for name, metrics in names.items() if has_size(metrics)}
    each = {name: np.full(size, np.nan) for name in names} if by_name else {}
    if not names or not size:
        return DequeSizes(held, room, most_room, each)
    readings = Readings(session, window, points, kind=DEQUE, metrics=SIZE_METRICS, rolled=("mean_value",))
    for run_id, rows in readings.runs:
        every = {name: read_deque_bytes(readings, run_id, rows, metrics) for name, metrics in names.items()}
        found = {name: one for name, one in every.items() if one is not None}
        for name, one in found.items():
            _accumulate(held[rows], one.held)
            _accumulate(room[rows], one.room)
            if by_name:
                each[name][rows] = one.held
        if found:
            most_room[rows] = most_room_of(list(found.values()))
    return DequeSizes(held, held + room, held + most_room, each)


def _accumulate(total: FloatArray, addend: FloatArray) -> None:
    present = np.isfinite(addend)
    total[present] = np.where(np.isnan(total[present]), 0.0, total[present]) + addend[present]
