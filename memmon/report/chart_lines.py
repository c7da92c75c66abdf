"""The lines that stand on the memory picture: robust trend, least squares, forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.report.chart_values import Line, Ribbon
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from memmon.analysis.leak.finding import LeakFinding
    from memmon.report.data import ForecastSection
    from memmon.store.read import Buckets

    Floats = NDArray[np.float64]

_SHORTEST_POINT_COUNT = 3
_MAX_RUNS = 60
_FORECAST_POINTS = 24


def trend_of(buckets: Buckets, finding: LeakFinding) -> tuple[Ribbon, ...]:
    """Return the robust trend of each run in the finding's window, drawn through its lower envelope.

    The interval of the slope turns about the middle of the run.
    """
    slope = finding.slope_mb_per_hour
    if slope is None:
        return ()
    low = slope if finding.slope_low_mb_per_hour is None else finding.slope_low_mb_per_hour
    high = slope if finding.slope_high_mb_per_hour is None else finding.slope_high_mb_per_hour
    ribbons = []
    for at, rss_mb in _stretches(buckets, finding, "min_rss_bytes"):
        hours = (at - at[0]) / SECONDS_PER_HOUR
        level = float(np.median(rss_mb - slope * hours))
        ends = np.array([0.0, hours[-1] / 2, hours[-1]])
        middle = level + slope * ends
        one, other = middle[1] + low * (ends - ends[1]), middle[1] + high * (ends - ends[1])
        ribbons.append(
            Ribbon(
                at_seconds=tuple((at[0] + ends * SECONDS_PER_HOUR).tolist()),
                middle_mb=tuple(middle.tolist()),
                low_mb=tuple(np.minimum(one, other).tolist()),
                high_mb=tuple(np.maximum(one, other).tolist()),
            )
        )
    return tuple(ribbons)


def least_squares_of(buckets: Buckets, finding: LeakFinding) -> tuple[Line, ...]:
    """Return the least-squares line of each run in the finding's window, through the run's mean."""
    slope = finding.ols_slope_mb_per_hour
    if slope is None:
        return ()
    lines = []
    for at, rss_mb in _stretches(buckets, finding, "rss_bytes"):
        hours = (at - at.mean()) / SECONDS_PER_HOUR
        ends = [float(at[0]), float(at[-1])]
        values = [float(rss_mb.mean() + slope * hours[place]) for place in (0, -1)]
        lines.append(Line(at_seconds=tuple(ends), value_mb=tuple(values)))
    return tuple(lines)


def forecast_of(forecast: ForecastSection | None, first_seconds: float) -> Ribbon | None:
    """Return the part of the forecast that stands beside the window: it never takes half the picture.

    It reaches to the limit when that is near, else a third of the window ahead.
    """
    if forecast is None or forecast.curve is None:
        return None
    at = np.array(forecast.curve.at_seconds)
    window = max(float(at[0]) - first_seconds, 1.0)
    hours = forecast.hours_to_limit_high or forecast.hours_to_limit
    ahead = window / 3
    if hours is not None and hours * SECONDS_PER_HOUR * 1.1 <= window * 0.8:
        ahead = max(ahead, hours * SECONDS_PER_HOUR * 1.1)
    points = np.linspace(at[0], min(at[0] + ahead, at[-1]), _FORECAST_POINTS)
    low, middle, high = (
        np.interp(points, at, values)
        for values in (forecast.curve.low_mb, forecast.curve.middle_mb, forecast.curve.high_mb)
    )
    return Ribbon(
        at_seconds=tuple(points.tolist()),
        middle_mb=tuple(middle.tolist()),
        low_mb=tuple(low.tolist()),
        high_mb=tuple(high.tolist()),
    )


def _stretches(buckets: Buckets, finding: LeakFinding, column: str) -> Iterator[tuple[Floats, Floats]]:
    """Yield (times, MB) of each run within the finding's window, the newest `_MAX_RUNS` of them."""
    rss_bytes = buckets.columns[column]
    keep = np.isfinite(rss_bytes)
    if finding.window.start is not None and finding.window.end is not None:
        keep &= buckets.at_seconds >= finding.window.start.timestamp() - buckets.bucket_seconds
        keep &= buckets.at_seconds <= finding.window.end.timestamp()
    for number in list(dict.fromkeys(buckets.run_id[keep].tolist()))[-_MAX_RUNS:]:
        rows = keep & (buckets.run_id == number)
        if int(rows.sum()) >= _SHORTEST_POINT_COUNT:
            yield buckets.at_seconds[rows], rss_bytes[rows] / MIB
