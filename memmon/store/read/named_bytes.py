"""What the operator named, in bytes: every deque and component at every sample, beside RSS and work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.arrays import distinct
from memmon.facts.names import component_name
from memmon.facts.series_kinds import COMPONENT
from memmon.footprint import footprint_of
from memmon.store.read.deque_sizes import read_deque_sizes
from memmon.store.read.deques import Readings, fetch_series, means
from memmon.store.read.samples import Window, fetch_points, seconds
from memmon.store.read.window_answers import PartMatrix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memmon.store.read.deque_sizes import DequeSizes
    from memmon.store.read.deques import Series
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
    sizes = read_deque_sizes(session, window, points, by_name=True)
    return part_matrix_of(points, sizes, component_bytes_of(*read_components(session, window, points)))


def read_components(
    session: Session, window: Window, points: Mapping[str, FloatArray]
) -> tuple[Readings | None, tuple[Series, ...]]:
    """Return the readings of a window's components over its samples (None: there is no component), and their series."""
    series = fetch_series(session, window.source_id, kind=COMPONENT, metrics=("bytes",))
    if not series:
        return None, series
    return Readings(session, window, points, kind=COMPONENT, rolled=("mean_value",)), series


def component_bytes_of(readings: Readings | None, series: Sequence[Series]) -> dict[str, FloatArray]:
    """Return the bytes of each component at every sample of its readings, by its name."""
    columns: dict[str, FloatArray] = {}
    for one in () if readings is None else series:
        assert readings is not None
        column = np.full(readings.points["run_id"].size, np.nan)
        for run_id, rows in readings.runs:
            changes = readings.changes(run_id, one.series_id)
            if changes is not None:
                column[rows] = means(changes, rows.stop - rows.start)
        columns[one.name] = column
    return columns


def part_matrix_of(
    points: Mapping[str, FloatArray], sizes: DequeSizes, components: Mapping[str, FloatArray]
) -> PartMatrix:
    """Return the parts of samples that are read: the deques by their names, and the components."""
    columns = _told_apart(sizes, components)
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
    for run_id in distinct(points["run_id"]).tolist():
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


def _told_apart(sizes: DequeSizes, components: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return all parts by name; a component with a deque's name says what it is.

    A cache or queue that is read as both is one part: as it is told of deques, else (in runs of older recorders,
    or while its entries have no size) as the component.
    """
    columns = dict(sizes.by_name)
    for name, part in components.items():
        shown = component_name(name) if name in columns and name not in sizes.components else name
        known = columns.get(shown)
        columns[shown] = part if known is None else np.where(np.isfinite(known), known, part)
    return columns
