"""DataFrames: the only place of the read side that loads pandas (half a second, 60 MB)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.facts.series_kinds import COMPONENT, WORK
from memmon.store.read.deques import Readings, carried, fetch_series, means
from memmon.store.read.histories import read_deque_matrix
from memmon.store.read.samples import fetch_points, seconds
from memmon.store.retention.rollup_columns import VALUES
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from memmon.store.read.deques import Changes
    from memmon.store.read.ports import Session
    from memmon.store.read.samples import Window

    FloatArray = NDArray[np.float64]


def snapshots_frame(session: Session, window: Window) -> pd.DataFrame:
    """Return the samples of a window, oldest first (index `at`)."""
    import pandas as pd

    points = fetch_points(session, window, VALUES)
    order = np.argsort(points["at_ms"], kind="stable")
    columns: dict[str, object] = {
        "run_id": points["run_id"][order].astype(np.int64),
        "uptime_seconds": seconds(points["uptime_ms"][order]),
    }
    columns |= {name: points[name][order] for name in VALUES}
    columns["sample_count"] = points["sample_count"][order].astype(np.int64)
    columns["resolution_seconds"] = seconds(points["resolution_ms"][order])
    return pd.DataFrame(columns, index=_time_index(points["at_ms"][order]))


def deque_frame(session: Session, window: Window, *, value: str) -> pd.DataFrame:
    """Return `length`, `maxlen` or `peak_length` of every deque, one row a sample."""
    import pandas as pd

    matrix = read_deque_matrix(session, window)
    chosen = {
        "length": matrix.length_count,
        "maxlen": matrix.maxlen_count,
        "peak_length": matrix.peak_length_count,
    }[value]
    order = np.argsort(matrix.at_seconds, kind="stable")
    return pd.DataFrame(
        chosen[order],
        columns=pd.Index(matrix.names, name="deque"),
        index=_time_index(matrix.at_seconds[order] * MS_PER_SECOND),
    )


def component_frame(session: Session, window: Window) -> pd.DataFrame:
    """Return the bytes of every component, one row a sample."""
    return _named_frame(session, window, kind=COMPONENT, metric="bytes", filled=means)


def work_frame(session: Session, window: Window) -> pd.DataFrame:
    """Return the units of work so far under every name, one row a sample; a rollup shows its last."""
    return _named_frame(session, window, kind=WORK, metric="count", filled=carried)


def _named_frame(
    session: Session,
    window: Window,
    *,
    kind: str,
    metric: str,
    filled: Callable[[Changes, int], FloatArray],
) -> pd.DataFrame:
    import pandas as pd

    points = fetch_points(session, window, ())
    readings = Readings(session, window, points, kind=kind)
    columns = {}
    for one in fetch_series(session, window.source_id, kind=kind, metrics=(metric,)):
        column = np.full(points["run_id"].size, np.nan)
        for run_id, rows in readings.runs:
            changes = readings.changes(run_id, one.series_id)
            if changes is not None:
                column[rows] = filled(changes, rows.stop - rows.start)
        columns[one.name] = column
    frame = pd.DataFrame(columns, index=_time_index(points["at_ms"]))
    frame.columns.name = kind
    return frame.sort_index(kind="stable")


def _time_index(at_ms: FloatArray) -> pd.DatetimeIndex:
    import pandas as pd

    whole = np.round(at_ms).astype(np.int64).astype("datetime64[ms]")
    return pd.DatetimeIndex(whole, name="at").tz_localize("UTC")
