"""The second regression as statsmodels' own results, for whoever wants more of it than a slope and an interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memmon.analysis.leak.detect import DEFAULT_POLICY
from memmon.analysis.leak.evidence import newest_run
from memmon.analysis.leak.series import run_series, thinned
from memmon.analysis.leak.windows import hours_of
from memmon.analysis.stats.newey_west import fit_line, newey_west_lags
from memmon.analysis.stats.statsmodels_gate import regress
from memmon.errors import NoDataError
from memmon.history import as_history
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from datetime import timedelta

    import pandas as pd

    from memmon.analysis.leak.series import RunSeries
    from memmon.history import History

LEVEL, SLOPE, FOOTPRINT = "level_mb", "slope_mb_per_hour", "footprint_mb"


def trend_model(
    history: History | pd.DataFrame | pd.Series[Any],
    *,
    window: str | timedelta | float | None = None,
    maxlags: int | None = None,
    warm_up_hours: float = DEFAULT_POLICY.warm_up_hours,
) -> Any:
    """Fit a line to the footprint by least squares; returns statsmodels' own results, with HAC errors.

    `history`: a History, or a DataFrame or Series (of bytes, its index times) as `History.from_frame` takes it.
    `window`: only the last so much of it, as a pandas duration such as "24h", a timedelta, or hours (None: all).
    `maxlags`: lags of the Newey-West sum, Bartlett weights (None: the larger of the fixed rule of Newey & West
    1994, 4 (n/100)^(2/9), and of Andrews' plug-in of 1991, at most a fifth of the samples).

    The parameters are `level_mb`, the footprint in MB (2**20 bytes) at the first sample, and `slope_mb_per_hour`,
    MB per hour; the regressor is hours since the first sample, the index is time (UTC). `summary()`, `conf_int()`
    and `get_prediction(pd.DataFrame({"level_mb": 1.0, "slope_mb_per_hour": hours}))` are statsmodels'. The interval
    of `conf_int()` allows for autocorrelation, the one for single readings (`obs_ci_*`) takes the noise as white.

    What is fitted is what `detect_leak` sees: the run that was alive last (of several the longest), without its
    first `warm_up_hours`, without what bounded deques took in; of more than 50,000 samples the means of
    neighbours. So the slope is `ols_slope_mb_per_hour` of a finding that rests on the whole of that run, and
    `slope_mb_per_hour` of the same finding is the robust slope beside it.

    Raises NoDataError where no line can be judged: fewer than eight samples, or all at one time.
    """
    import pandas as pd

    run = _newest_series(_last(as_history(history), window), warm_up_hours)
    hours, mb = thinned(run.hours - run.hours[0], run.mb)
    fit = fit_line(hours, mb)
    if fit is None:
        raise NoDataError("too few samples for a line: they are all of one time")
    lag_count = newey_west_lags(fit) if maxlags is None else max(0, min(maxlags, hours.size - 1))
    at_us = np.round((run.at_seconds[0] + hours * SECONDS_PER_HOUR) * 1e6).astype("int64")
    index = pd.DatetimeIndex(at_us.astype("datetime64[us]"), name="at").tz_localize("UTC")
    columns = pd.DataFrame({LEVEL: 1.0, SLOPE: hours}, index=index)
    with np.errstate(all="ignore"):  # a perfect line has no error to divide by
        return regress(pd.Series(mb, index=index, name=FOOTPRINT), columns, lag_count=lag_count)


def _last(history: History, window: str | timedelta | float | None) -> History:
    last_at = history.last_at
    if window is None or last_at is None:
        return history
    hours = hours_of(window, "window")
    if hours <= 0:
        raise ValueError(f"window must be above zero, not {hours:g} h")
    return history.slice_time(last_at.timestamp() - hours * SECONDS_PER_HOUR, last_at)


def _newest_series(history: History, warm_up_hours: float) -> RunSeries:
    prepared = (run_series(run, warm_up_hours=warm_up_hours) for run in history.per_run())
    runs = [run for run in prepared if run is not None]
    if not runs:
        raise NoDataError(
            f"too few samples for a line: {len(history)} in {len(history.runs)} runs, and a run needs eight"
        )
    return newest_run(runs)
