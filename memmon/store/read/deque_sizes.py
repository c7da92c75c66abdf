"""The sizes of all deques of a window, read once: what they hold together, what is still to come, and each by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memmon.facts.series_kinds import DEQUE
from memmon.store.read.deque_bytes import SIZE_METRICS, has_size, most_room_of, read_deque_bytes
from memmon.store.read.deques import Readings, fetch_series, series_by_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memmon.store.read.deques import Series
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
    components: frozenset[str] = frozenset()
    """Those of them that are components too."""


def read_deque_sizes(
    session: Session,
    window: Window,
    points: Mapping[str, FloatArray],
    *,
    by_name: bool = False,
    series: Sequence[Series] | None = None,
) -> DequeSizes:
    """Return the sizes of a window's deques; `points` are its samples (`fetch_points`), `series` its deques' where known."""
    if series is None:
        series = fetch_series(session, window.source_id, kind=DEQUE, metrics=SIZE_METRICS)
    readings = None
    if sized_deques(series) and points["run_id"].size:
        readings = Readings(session, window, points, kind=DEQUE, metrics=SIZE_METRICS, rolled=("mean_value",))
    return deque_sizes_of(readings, series, points, by_name=by_name)


def sized_deques(series: Sequence[Series]) -> dict[str, dict[str, int]]:
    """Return the series of each deque that has a size, by its name and the metric."""
    return {name: metrics for name, metrics in series_by_name(series).items() if has_size(metrics)}


def deque_sizes_of(
    readings: Readings | None,
    series: Sequence[Series],
    points: Mapping[str, FloatArray],
    *,
    by_name: bool = False,
) -> DequeSizes:
    """Return the same of readings that are at hand over just these samples (None: no deque has a size)."""
    size = points["run_id"].size
    held, room, most_room = (np.full(size, np.nan) for _ in range(3))
    names = sized_deques(series)
    each = {name: np.full(size, np.nan) for name in names} if by_name else {}
    if readings is None:
        return DequeSizes(held, room, most_room, each)
    for run_id, rows in readings.runs:
        found = read_deque_bytes(readings, run_id, rows, list(names.values()))
        if found is None:
            continue
        held[rows], room[rows] = _sum_of_known(found.held), _sum_of_known(found.room)
        most_room[rows] = most_room_of(found)
        if by_name:
            ordered = tuple(each.values())
            for place, of_one in zip(found.places, found.held, strict=True):
                ordered[place][rows] = of_one
    components = frozenset(name for name, metrics in names.items() if "component" in metrics)
    return DequeSizes(held, held + room, held + most_room, each, components)


def _sum_of_known(deques: FloatArray) -> FloatArray:
    """Return the sum over all deques at every sample; NaN where nothing is known of any."""
    known = np.isfinite(deques)
    return np.where(known.any(axis=0), np.sum(np.where(known, deques, 0.0), axis=0), np.nan)
