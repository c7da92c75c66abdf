"""What a DataFrame has: its times in seconds, and its columns as floats; pandas loads only when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


def frame_column(frame: pd.DataFrame, name: str) -> FloatArray:
    """Return a column as floats, NaN where a cell is empty."""
    return np.asarray(frame[name].to_numpy(dtype="float64", na_value=np.nan), dtype=np.float64)


def frame_seconds(frame: pd.DataFrame) -> FloatArray:
    """Return each row's time in seconds since 1970 (or since the origin of `t_seconds`)."""
    import pandas as pd

    index: pd.Index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        if "t_seconds" in frame.columns:
            return frame_column(frame, "t_seconds")
        if "at" not in frame.columns:
            raise ValueError("the frame needs a timezone-aware index or a column t_seconds")
        index = pd.DatetimeIndex(frame["at"])
    if index.tz is None:
        if "t_seconds" in frame.columns:
            return frame_column(frame, "t_seconds")
        raise ValueError("the frame's times have no timezone: use frame.tz_localize('UTC') if they are UTC")
    seconds = index.tz_convert("UTC").as_unit("us").asi8 / 1e6
    return np.where(index.isna(), np.nan, seconds)
