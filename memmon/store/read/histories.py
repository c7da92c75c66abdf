"""What the analysis and notebooks ask for: a History, the deques as a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memmon.arrays import distinct
from memmon.facts.series_kinds import DEQUE
from memmon.history import History, HistoryRun
from memmon.store.read.deque_sizes import read_deque_sizes
from memmon.store.read.deques import (
    Readings,
    carried,
    fetch_series,
    fetch_series_of_all,
    means,
    peaks,
    series_by_name,
)
from memmon.store.read.ports import in_parts, listed_values
from memmon.store.read.samples import Window, fetch_points, seconds
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memmon.store.read.deque_sizes import DequeSizes
    from memmon.store.read.ports import Session
    from memmon.store.read.window_answers import DequeMatrix

    FloatArray = NDArray[np.float64]

HISTORY_COLUMNS = (
    "rss_bytes",
    "vms_bytes",
    "available_bytes",
    "system_percent",
    "limit_bytes",
    "charged_bytes",
    "rss_anon_bytes",
    "rss_shmem_bytes",
    "swap_bytes",
    "python_block_count",
    "heap_used_bytes",
    "heap_mmap_bytes",
    "min_python_block_count",
    "min_heap_used_bytes",
    "min_heap_mmap_bytes",
    "gc_pending_count",
    "work_count",
    "min_rss_bytes",
    "max_rss_bytes",
    "thread_count",
    "fd_count",
)


def read_history(session: Session, window: Window, *, source: str) -> History:
    """Return the samples of a window with their runs, deque bytes, deque capacity and work."""
    points = fetch_points(session, window, HISTORY_COLUMNS)
    sizes = read_deque_sizes(session, window, points)
    return history_of(points, sizes, runs=read_history_runs(session, window.source_id), source=source)


def read_histories(session: Session, windows: Sequence[tuple[str, Window]]) -> tuple[History, ...]:
    """Return the histories of several sources, each with its name and window: what is known of all in few statements."""
    ids = [window.source_id for _, window in windows]
    runs, series = read_runs_of_all(session, ids), fetch_series_of_all(session, ids, kind=DEQUE)
    found = []
    for name, window in windows:
        points = fetch_points(session, window, HISTORY_COLUMNS)
        sizes = read_deque_sizes(session, window, points, series=series.get(window.source_id, ()))
        found.append(history_of(points, sizes, runs=runs.get(window.source_id, ()), source=name))
    return tuple(found)


def history_of(
    points: Mapping[str, FloatArray], sizes: DequeSizes, *, runs: Sequence[HistoryRun], source: str
) -> History:
    """Return the history of samples that are read (`HISTORY_COLUMNS`), and of their deques' sizes.

    `runs`: of the source, the oldest start first.
    """
    present = set(distinct(points["run_id"]).astype(np.int64).tolist())
    return History.from_arrays(
        source=source,
        runs=[run for run in runs if run.run_id in present],
        at_seconds=seconds(points["at_ms"]),
        run_id=points["run_id"],
        uptime_seconds=seconds(points["uptime_ms"]),
        rss_bytes=points["rss_bytes"],
        vms_bytes=points["vms_bytes"],
        available_bytes=points["available_bytes"],
        system_percent=points["system_percent"],
        limit_bytes=points["limit_bytes"],
        charged_bytes=points["charged_bytes"],
        deque_bytes=sizes.held,
        deque_capacity_bytes=sizes.capacity,
        deque_most_capacity_bytes=sizes.most_capacity,
        work_count=points["work_count"],
        anon_bytes=points["rss_anon_bytes"],
        shmem_bytes=points["rss_shmem_bytes"],
        swap_bytes=points["swap_bytes"],
        python_block_count=points["python_block_count"],
        heap_used_bytes=points["heap_used_bytes"],
        heap_mmap_bytes=points["heap_mmap_bytes"],
        min_python_block_count=points["min_python_block_count"],
        min_heap_used_bytes=points["min_heap_used_bytes"],
        min_heap_mmap_bytes=points["min_heap_mmap_bytes"],
        gc_pending_count=points["gc_pending_count"],
        min_rss_bytes=points["min_rss_bytes"],
        max_rss_bytes=points["max_rss_bytes"],
        thread_count=points["thread_count"],
        fd_count=points["fd_count"],
        resolution_seconds=seconds(points["resolution_ms"]),
    )


def read_deque_matrix(session: Session, window: Window) -> DequeMatrix:
    """Return the lengths, bounds and peaks of all deques at every sample."""
    from memmon.store.read.window_answers import DequeMatrix

    points = fetch_points(session, window, ())
    names = series_by_name(
        fetch_series(session, window.source_id, kind=DEQUE, metrics=("length", "maxlen", "dropped"))
    )
    readings = Readings(session, window, points, kind=DEQUE)
    shape = (points["run_id"].size, len(names))
    length, maxlen, peak = (np.full(shape, np.nan, order="F") for _ in range(3))
    is_counted = any("dropped" in metrics for metrics in names.values())
    dropped = np.full(shape, np.nan, order="F") if is_counted else np.broadcast_to(np.nan, shape)
    for run_id, rows in readings.runs:
        count = rows.stop - rows.start
        for place, metrics in enumerate(names.values()):
            changes = readings.changes(run_id, metrics["length"]) if "length" in metrics else None
            if changes is not None:
                length[rows, place] = means(changes, count)
                rolled = changes.rolled_position.size > 0
                peak[rows, place] = peaks(changes, count) if rolled else length[rows, place]
            bounds = readings.changes(run_id, metrics["maxlen"]) if "maxlen" in metrics else None
            if bounds is not None:
                maxlen[rows, place] = carried(bounds, count)
            drops = readings.changes(run_id, metrics["dropped"]) if "dropped" in metrics else None
            if drops is not None:
                dropped[rows, place] = carried(drops, count)
    return DequeMatrix(
        names=tuple(names),
        run_id=points["run_id"].astype(np.int64),
        at_seconds=seconds(points["at_ms"]),
        uptime_seconds=seconds(points["uptime_ms"]),
        resolution_seconds=seconds(points["resolution_ms"]),
        length_count=length,
        maxlen_count=maxlen,
        peak_length_count=peak,
        dropped_count=dropped,
    )


def read_history_runs(session: Session, source_id: int) -> Sequence[HistoryRun]:
    """Return what is known of each run of a source, the oldest start first."""
    return read_runs_of_all(session, [source_id]).get(source_id, ())


def read_runs_of_all(session: Session, source_ids: Sequence[int]) -> dict[int, list[HistoryRun]]:
    """Return the same of several sources, by their ids."""
    found: dict[int, list[HistoryRun]] = {}
    for part in in_parts([(one,) for one in source_ids]):
        values, parameters = listed_values(part)
        rows = session.rows(
            "SELECT source_id, id, started_ms, ended_ms, end_reason, release, host, pid, boot_id, process_started_ms "
            f"FROM run WHERE source_id IN ({values}) ORDER BY started_ms, id",
            parameters,
        )
        for source_id, *row in rows:
            found.setdefault(source_id, []).append(_history_run(row))
    return found


def _history_run(row: Sequence[Any]) -> HistoryRun:
    return HistoryRun(
        run_id=row[0],
        started_at_seconds=row[1] / MS_PER_SECOND,
        ended_at_seconds=None if row[2] is None else row[2] / MS_PER_SECOND,
        end_reason=row[3],
        release=row[4],
        host=row[5],
        pid=row[6],
        boot_id=row[7],
        born_at_seconds=None if row[8] is None else row[8] / MS_PER_SECOND,
    )
