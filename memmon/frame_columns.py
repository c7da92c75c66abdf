"""What a DataFrame or a Series holds: times in seconds, runs, and columns as floats; pandas loads only when it is called.

The columns are those of a History, and what memmon's own tables and views call them: a frame of
`Store.snapshots`, or of `pd.read_sql` over the view v_snapshot, is taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memmon.facts.process_size import UNITS, refuse_wrong_unit, unit_named
from memmon.units import MS_PER_SECOND, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

OTHER_NAMES = {"anon_bytes": "rss_anon_bytes", "shmem_bytes": "rss_shmem_bytes"}
"""What the store's tables and views call a column, where that is another name."""

FEWEST_MIXED = 3
"""Rows that share their time with one of another process's size, from which on they are not a mistake."""
MIXED_SHARE = 0.2
"""Their share of all rows, likewise. Chosen: as for files."""
LEVELS_APART = 1.5
"""Sizes at one time that differ by this factor are those of two processes."""

_OFFSET = r"(?:[Zz]|[+-]\d{2}:?\d{2})$"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameArrays:
    """The arrays of a frame in seconds and bytes, in the order of its rows; `source` is empty where it names none."""

    source: str
    at_seconds: FloatArray
    rss_bytes: FloatArray
    run_id: NDArray[Any] | None
    others: dict[str, FloatArray]


def frame_arrays(
    data: pd.DataFrame | pd.Series[Any], *, names: Iterable[str], unit: str | None = None
) -> FrameArrays:
    """Return what a frame holds of a History: `names` are the columns it may have beside `rss_bytes` and the run.

    Raises TypeError for what is neither DataFrame nor Series, ValueError with what to do for what is no history.
    """
    frame = _table(data)
    others = {name: column for name in names if (column := _column(frame, name)) is not None}
    at_seconds, rss = frame_seconds(frame), frame_column(frame, "rss_bytes")
    if unit is None:
        refuse_wrong_unit(rss.tolist())
    else:
        factor = UNITS[unit_named(unit)]
        rss = rss * factor
        others |= {name: others[name] * factor for name in others if name.endswith("_bytes")}
    run_id = next((frame[name].to_numpy() for name in ("run_id", "run") if name in frame.columns), None)
    if run_id is None:
        _refuse_mixed(at_seconds, rss)
    return FrameArrays(
        source=_source(frame), at_seconds=at_seconds, rss_bytes=rss, run_id=run_id, others=others
    )


def frame_column(frame: pd.DataFrame, name: str) -> FloatArray:
    """Return a column as floats, NaN where a cell is empty."""
    column = frame[name]
    if column.ndim != 1:
        raise ValueError(f"the frame has more than one column {name}: rename or drop the others")
    try:
        return np.asarray(column.to_numpy(dtype="float64", na_value=np.nan), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"column {name} is no column of numbers (it is {column.dtype}, {error}): pd.to_numeric makes it one"
        ) from error


def frame_seconds(frame: pd.DataFrame) -> FloatArray:
    """Return each row's time in seconds since 1970 (or since the origin of `t_seconds`)."""
    import pandas as pd

    index: pd.Index = frame.index
    if isinstance(index, pd.DatetimeIndex) and index.tz is not None:
        return _seconds(index)
    if "t_seconds" in frame.columns:
        return frame_column(frame, "t_seconds")
    is_naive = isinstance(index, pd.DatetimeIndex)
    if is_naive:
        raise ValueError("the frame's times have no timezone: use frame.tz_localize('UTC') if they are UTC")
    if "at_ms" in frame.columns:
        return frame_column(frame, "at_ms") / MS_PER_SECOND
    if "at" in frame.columns:
        return _column_seconds(frame["at"])
    raise ValueError(
        "the frame needs a timezone-aware index or a column t_seconds, at or at_ms"
        f" (its index is {type(index).__name__} of {index.dtype}): pd.to_datetime(times, utc=True) makes one"
    )


def _table(data: pd.DataFrame | pd.Series[Any]) -> pd.DataFrame:
    import pandas as pd

    frame = data.to_frame("rss_bytes") if isinstance(data, pd.Series) else data
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"expected a pandas DataFrame or Series, not {type(data).__name__}")
    if "rss_bytes" not in frame.columns:
        raise ValueError(f"the frame has no column rss_bytes (its columns: {list(frame.columns)})")
    return frame


def _column(frame: pd.DataFrame, name: str) -> FloatArray | None:
    for known in (name, OTHER_NAMES.get(name)):
        if known in frame.columns:
            return frame_column(frame, str(known))
    if name == "uptime_seconds" and "uptime_hours" in frame.columns:
        return frame_column(frame, "uptime_hours") * SECONDS_PER_HOUR
    return None


def _column_seconds(column: pd.Series[Any]) -> FloatArray:
    """Return the times of a column: aware times, or text such as SQLite's views give."""
    import pandas as pd

    is_text = column.dtype.kind in "OTU"
    try:
        # Each text may have an offset of its own: where summer time begins, say.
        times = pd.DatetimeIndex(pd.to_datetime(column, format="ISO8601", utc=True) if is_text else column)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column at holds no times: {error}") from error
    has_zone = column.dropna().astype(str).str.contains(_OFFSET).all() if is_text else times.tz is not None
    if not has_zone:
        raise ValueError(
            "the times in column at have no timezone: use frame['at'].dt.tz_localize('UTC') if they are UTC"
        )
    return _seconds(times)


def _seconds(index: pd.DatetimeIndex) -> FloatArray:
    seconds = index.tz_convert("UTC").as_unit("us").asi8 / 1e6
    return np.where(index.isna(), np.nan, seconds)


def _source(frame: pd.DataFrame) -> str:
    """Return the one source that the frame's rows are of; raises ValueError where they are of several."""
    if "source" not in frame.columns:
        return str(frame.attrs.get("source", ""))
    found = [str(name) for name in frame["source"].dropna().unique()]
    if len(found) > 1:
        shown = ", ".join(sorted(found)[:5])
        raise ValueError(
            f"the frame holds {len(found)} sources ({shown}): judge them one by one, as in frame.groupby('source')"
        )
    return found[0] if found else ""


def _refuse_mixed(at_seconds: FloatArray, rss_bytes: FloatArray) -> None:
    """Raise ValueError where rows of one time have sizes so far apart that they are of several processes."""
    order = np.lexsort((rss_bytes, at_seconds))
    at, size = at_seconds[order], rss_bytes[order]
    same = at[1:] == at[:-1]
    if not same.any():
        return
    apart = int(np.sum(same & (size[1:] > LEVELS_APART * size[:-1])))
    if apart >= FEWEST_MIXED and apart >= MIXED_SHARE * at.size / 2:
        raise ValueError(
            f"{apart} rows share their time with one of another size: several processes in one frame?"
            " A column run_id tells them apart"
        )
