"""What the operator named, in bytes: every deque and component at every sample, beside RSS and work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.facts.series_kinds import COMPONENT, DEQUE
from memmon.footprint import footprint_of
from memmon.store.read.answers import PartMatrix
from memmon.store.read.deque_bytes import SIZE_METRICS, has_size, read_deque_bytes
from memmon.store.read.deques import Readings, fetch_series, means
from memmon.store.read.samples import Window, fetch_points, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from memmon.store.read.ports import Session

    FloatArray = NDArray[np.float64]


_FOOTPRINT_COLUMNS = {
    "anon_bytes": "rss_anon_bytes",
    "shmem_bytes": "rss_shmem_bytes",
    "swap_bytes": "swap_bytes",
}


def read_part_matrix(session: Session, window: Window) -> PartMatrix:
    """Return the bytes of all deques and components at every sample, filled forward within each run."""
    points = fetch_points(
        session, window, ("rss_bytes", "rss_anon_bytes", "rss_shmem_bytes", "swap_bytes", "work_count")
    )
    columns = _told_apart(_deque_bytes(session, window, points), _component_bytes(session, window, points))
    size = points["run_id"].size
    return PartMatrix(
        names=tuple(columns),
        run_id=points["run_id"].astype(np.int64),
        at_seconds=seconds(points["at_ms"]),
        uptime_seconds=seconds(points["uptime_ms"]),
        rss_bytes=points["rss_bytes"],
        footprint_bytes=_footprint_bytes(points),
        work_count=points["work_count"],
        size_bytes=np.stack(list(columns.values()), axis=1) if columns else np.empty((size, 0)),
    )


def _footprint_bytes(points: Mapping[str, FloatArray]) -> FloatArray:
    """Return the footprint at every sample, run by run; NaN where resident memory was not read."""
    footprint = points["rss_bytes"].copy()
    known = np.isfinite(footprint)
    for run_id in np.unique(points["run_id"]).tolist():
        rows = (points["run_id"] == run_id) & known
        if bool(rows.any()):
            footprint[rows] = footprint_of(
                points["rss_bytes"][rows],
                **{
                    name: points[column][rows] if bool(np.isfinite(points[column][rows]).any()) else None
                    for name, column in _FOOTPRINT_COLUMNS.items()
                },
            )
    return footprint


def _deque_bytes(session: Session, window: Window, points: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return what each deque holds whose size was estimated; 0 once it is gone."""
    names: dict[str, dict[str, int]] = {}
    for one in fetch_series(session, window.source_id, kind=DEQUE, metrics=SIZE_METRICS):
        names.setdefault(one.name, {})[one.metric] = one.series_id
    names = {name: metrics for name, metrics in names.items() if has_size(metrics)}
    readings = Readings(session, window, points, kind=DEQUE) if names else None
    columns: dict[str, FloatArray] = {}
    for name, metrics in names.items():
        assert readings is not None
        column = np.full(points["run_id"].size, np.nan)
        for run_id, rows in readings.runs:
            found = read_deque_bytes(readings, run_id, rows, metrics)
            if found is not None:
                column[rows] = found.held
        columns[name] = column
    return columns


def _component_bytes(
    session: Session, window: Window, points: Mapping[str, FloatArray]
) -> dict[str, FloatArray]:
    series = fetch_series(session, window.source_id, kind=COMPONENT, metrics=("bytes",))
    readings = Readings(session, window, points, kind=COMPONENT) if series else None
    columns: dict[str, FloatArray] = {}
    for one in series:
        assert readings is not None
        column = np.full(points["run_id"].size, np.nan)
        for run_id, rows in readings.runs:
            changes = readings.changes(run_id, rows, one.series_id)
            if changes is not None:
                column[rows] = means(changes, rows.stop - rows.start)
        columns[one.name] = column
    return columns


def _told_apart(deques: dict[str, FloatArray], components: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Return all parts by name; a component with a deque's name says what it is."""
    named = {f"{name} (component)" if name in deques else name: part for name, part in components.items()}
    return {**deques, **named}
