"""The lines that stand on the memory picture: robust trend, forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.arrays import median_of
from memmon.assessment.plainly import told_growth
from memmon.formatting import rate
from memmon.report.chart_values import Reach, Ribbon
from memmon.units import MIB, SECONDS_PER_DAY, SECONDS_PER_HOUR

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

DAY_CYCLE_DAYS = 2.0
"""A forecast further ahead than that has points too far apart for the hours of a day, and is drawn without them."""

REACH_AIR = 1.1
"""What is left free beside the moment at which the limit is met."""


def trend_of(buckets: Buckets, finding: LeakFinding) -> tuple[Ribbon, ...]:
    """Return the robust trend of each run in the finding's window, drawn through its lower envelope.

    The interval of the slope turns about the middle of the run.
    """
    slope, low, high = told_growth(finding)
    if slope is None:
        return ()
    low, high = slope if low is None else low, slope if high is None else high
    ribbons = []
    for at, rss_mb in _stretches(buckets, finding, "min_rss_bytes"):
        hours = (at - at[0]) / SECONDS_PER_HOUR
        level = median_of(rss_mb - slope * hours)
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


def trend_words(finding: LeakFinding | None) -> str:
    """Return what stands on the trend's line: how fast it is."""
    slope = None if finding is None else told_growth(finding)[0]
    return "" if slope is None else f"trend {rate(slope)}"


def forecast_of(forecast: ForecastSection | None, first_seconds: float) -> tuple[Ribbon | None, Reach | None]:
    """Return the part of the forecast that stands beside the window, and where in it the limit is met.

    It never takes half the picture: it reaches to the limit when that is near, else a third of the window ahead.
    Beyond the limit it stays there.
    """
    if forecast is None or forecast.curve is None:
        return None, None
    at = np.array(forecast.curve.at_seconds)
    window = max(float(at[0]) - first_seconds, 1.0)
    reach = _reach_of(forecast, float(at[0]), most=0.8 * window / REACH_AIR)
    last = window / 3 if reach is None else REACH_AIR * _latest(reach, float(at[0])) + 0.02 * window
    last = min(last, float(at[-1] - at[0])) if reach is None else last
    points = np.linspace(at[0], at[0] + last, _FORECAST_POINTS)
    if reach is not None:
        points = np.unique(
            [*points, *filter(None, (reach.from_seconds, reach.at_seconds, reach.until_seconds))]
        )
    low, middle, high = (
        _read(points, at, np.array(values), day=last > DAY_CYCLE_DAYS * SECONDS_PER_DAY)
        for values in (forecast.curve.low_mb, forecast.curve.middle_mb, forecast.curve.high_mb)
    )
    if reach is not None and forecast.rss_at_limit_mb is not None:
        top = forecast.rss_at_limit_mb
        low, middle, high = (np.minimum(values, top) for values in (low, middle, high))
        middle[points >= reach.at_seconds] = top
        low[points >= _latest(reach, 0.0)] = top
    return Ribbon(
        at_seconds=tuple(points.tolist()),
        middle_mb=tuple(middle.tolist()),
        low_mb=tuple(low.tolist()),
        high_mb=tuple(high.tolist()),
    ), reach


def _read(points: Floats, at: Floats, values: Floats, *, day: bool) -> Floats:
    """Return a curve at some points; with `day` each is the mean of what lies about it, less towards the curve's ends.

    That is a day, or four of the curve's own steps: where these are hours long, the hours of its days stand in no order.
    """
    if not day:
        return np.interp(points, at, values)
    area = np.concatenate([[0.0], np.cumsum(np.diff(at) * (values[1:] + values[:-1]) / 2)])
    whole = max(SECONDS_PER_DAY / 2, 2 * float(at[1] - at[0]))
    half = np.minimum(whole, np.minimum(points - at[0], at[-1] - points))
    wide = half > 0

    def up_to(moments: Floats) -> Floats:
        before = np.clip(np.searchsorted(at, moments, side="right") - 1, 0, at.size - 1)
        return area[before] + (moments - at[before]) * (values[before] + np.interp(moments, at, values)) / 2

    means = np.interp(points, at, values)
    reach, places = half[wide], points[wide]
    means[wide] = (up_to(places + reach) - up_to(places - reach)) / (2 * reach)
    return means


def _latest(reach: Reach, since_seconds: float) -> float:
    """Return how long after a moment the limit is met at the latest, as far as that is shown."""
    return (reach.until_seconds or reach.at_seconds) - since_seconds


def _reach_of(forecast: ForecastSection, now_seconds: float, *, most: float) -> Reach | None:
    """Return where the limit is met, None where it may lie further ahead than `most` seconds, and lies past half of them."""
    hours = forecast.hours_to_limit
    if forecast.state != "dated" or hours is None or forecast.rss_at_limit_mb is None:
        return None
    late = forecast.hours_to_limit_high or hours
    if late * SECONDS_PER_HOUR > most and hours * SECONDS_PER_HOUR > most / 2:
        return None
    low, high = (
        None if one is None or one * SECONDS_PER_HOUR > most else now_seconds + one * SECONDS_PER_HOUR
        for one in (forecast.hours_to_limit_low, forecast.hours_to_limit_high)
    )
    return Reach(at_seconds=now_seconds + hours * SECONDS_PER_HOUR, from_seconds=low, until_seconds=high)


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
