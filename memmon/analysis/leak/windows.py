"""Two regressions over rolling windows: how the trend itself changes through a history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from memmon.analysis.leak.detect import DEFAULT_POLICY, LeakPolicy, judge_history
from memmon.analysis.leak.evidence import newest_run, whole_evidence
from memmon.analysis.leak.series import run_series, thinned
from memmon.analysis.stats.newey_west import ols_newey_west
from memmon.analysis.stats.statsmodels_gate import ols_hac
from memmon.history import as_history
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from memmon.analysis.leak.finding import LeakFinding
    from memmon.analysis.stats.newey_west import LeastSquares, OlsTrend
    from memmon.history import History

    FloatArray = NDArray[np.float64]

SHORTEST_WINDOW_HOURS = 24.0
"""Shortest window, in hours. Chosen: a day, since shorter ones have the slope of their hours."""
MISSING_SHARE = 0.05
"""A window may lack this much of its length at the history's beginning. Chosen: a twentieth."""

COLUMNS = (
    "start",
    "sample_count",
    "slope_mb_per_hour",
    "slope_low_mb_per_hour",
    "slope_high_mb_per_hour",
    "ols_slope_mb_per_hour",
    "ols_slope_low_mb_per_hour",
    "ols_slope_high_mb_per_hour",
    "growth_mb",
    "verdict",
    "is_leak",
    "confidence",
)


def trend_windows(
    history: History | pd.DataFrame | pd.Series[Any],
    *,
    window: str | timedelta | float = "24h",
    step: str | timedelta | float = "6h",
    policy: LeakPolicy = DEFAULT_POLICY,
) -> pd.DataFrame:
    """Return one row per window: both slopes with their 95 % intervals, and the verdict on that window.

    `history`: a History, or a DataFrame or Series (of bytes, its index times) as `History.from_frame` takes it.
    `window` (24 h or longer) and `step`: a pandas duration such as "24h" or "2D", a timedelta, or hours.
    Windows end at the last sample and every `step` before it, as long as they lie within the history. The
    index `end` ascends (UTC); slopes are in MB/h, NaN where there are too few samples for them. The robust
    slope is that of the whole window (Theil-Sen on the lower envelope), the other least squares with HAC
    errors by statsmodels. A history shorter than the window gives an empty frame with the same columns.

    Raises ValueError for a window below 24 h or a step of zero or less.
    """
    import pandas as pd

    rows = window_rows(
        as_history(history),
        window_hours=hours_of(window, "window"),
        step_hours=hours_of(step, "step"),
        policy=policy,
        least_squares=ols_hac,
    )
    frame = pd.DataFrame(rows, columns=["end", *COLUMNS]).set_index("end")
    frame.index = pd.DatetimeIndex(pd.to_datetime(frame.index, utc=True), name="end")
    numbers = [name for name in COLUMNS if name.endswith(("_mb_per_hour", "_mb"))]
    return frame.astype(dict.fromkeys(numbers, "float64"))


def window_rows(
    history: History,
    *,
    window_hours: float,
    step_hours: float,
    policy: LeakPolicy = DEFAULT_POLICY,
    least_squares: LeastSquares = ols_newey_west,
) -> list[dict[str, Any]]:
    """Return the rows of `trend_windows` as plain values, oldest first: `end` and the names in COLUMNS.

    `least_squares`: the closed form (the numbers are the same), or statsmodels' own.

    Raises ValueError for a window below 24 h or a step of zero or less.
    """
    if window_hours < SHORTEST_WINDOW_HOURS:
        raise ValueError(
            f"window must be 24 h or longer, not {window_hours:g} h: shorter trends say too little"
        )
    if step_hours <= 0:
        raise ValueError(f"step must be above zero, not {step_hours:g} h")
    rows: list[dict[str, Any]] = []
    first, last = history.first_at, history.last_at
    end = last
    while first is not None and end is not None:
        start = end - timedelta(hours=window_hours)
        if start < first - timedelta(hours=MISSING_SHARE * window_hours):
            break
        part = history.slice_time(start, end)
        rows.append({"end": end, **_row(part, policy, window_hours, least_squares)})
        end -= timedelta(hours=step_hours)
    return rows[::-1]


def least_squares_by_hand(hours: FloatArray, mb: FloatArray) -> OlsTrend | None:
    """Fit as a report does that somebody asked for: by statsmodels from 24 h on, where it is installed."""
    if hours.size and hours[-1] - hours[0] >= SHORTEST_WINDOW_HOURS * (1 - MISSING_SHARE):
        try:
            return ols_hac(hours, mb)
        except ModuleNotFoundError:  # left out of a packed program
            pass
    return ols_newey_west(hours, mb)


def hours_of(duration: str | timedelta | float, name: str) -> float:
    """Return a duration in hours."""
    if isinstance(duration, str):
        import pandas as pd

        try:
            duration = pd.Timedelta(duration).to_pytimedelta()
        except ValueError as error:
            raise ValueError(f'{name} must be a duration such as "24h" or "2D", not {duration!r}') from error
    if isinstance(duration, timedelta):
        return duration.total_seconds() / SECONDS_PER_HOUR
    return float(duration)


def _row(
    part: History, policy: LeakPolicy, window_hours: float, least_squares: LeastSquares
) -> dict[str, Any]:
    rules = replace(policy, look_back_hours=window_hours * (1 + MISSING_SHARE))
    finding = judge_history(part, rules, least_squares=least_squares)
    row: dict[str, Any] = {name: getattr(finding, name) for name in COLUMNS if name != "start"}
    row["start"] = part.first_at
    row["sample_count"] = len(part)
    if not part.is_empty:
        footprint = part.footprint_bytes
        row["growth_mb"] = float(footprint[-1] - footprint[0]) / 2**20
    if finding.window.kind not in {"whole", "pooled", "empty"}:
        row.update(_slopes_of_all(part, policy, finding, least_squares))
    return row


def _slopes_of_all(
    part: History, policy: LeakPolicy, finding: LeakFinding, least_squares: LeastSquares
) -> dict[str, float]:
    """Return both slopes over the whole window, where the verdict rests on a part of it."""
    prepared = (run_series(run, warm_up_hours=policy.warm_up_hours) for run in part.per_run())
    run = newest_run([one for one in prepared if one is not None])
    whole = whole_evidence(run, finding.policy.threshold_mb_per_hour)
    ols = least_squares(*thinned(run.hours, run.mb))
    if whole is None or ols is None:
        return {}
    return {
        "slope_mb_per_hour": whole.slope,
        "slope_low_mb_per_hour": whole.low,
        "slope_high_mb_per_hour": whole.high,
        "ols_slope_mb_per_hour": ols.slope_mb_per_hour,
        "ols_slope_low_mb_per_hour": ols.slope_low_mb_per_hour,
        "ols_slope_high_mb_per_hour": ols.slope_high_mb_per_hour,
    }
