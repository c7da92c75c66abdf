"""A first working day: in a run's first week the rise after a weekend looks like growth that began lately.

The wall clock tells the day of the week; the hour of the day it does not, for nobody knows the time zone of the load.
So a day here is one wherever it may be: the edges are wide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.leak.series import RunSeries
    from memmon.analysis.leak.trend import Trend

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

HOURS_PER_WEEK = 168.0
"""Hours of a week: from then on the same weekday was seen. By definition."""
MONDAY_SECONDS = 4 * 86_400.0
"""1970-01-05, a Monday, in seconds since 1970. By definition."""
SHORT_WINDOW_HOURS = 24.0
"""The longest recent window that one day's rise carries. By definition: a day."""
LONGEST_RISE_HOURS = 15.0
"""Hours for which one day's load rises, at the most. Tuned on simulated working days."""
LOW_SHARE = 0.15
"""Part of the rise up to which it has not begun. Chosen."""
WEEKEND_ENDS, FIRST_DAY_ENDS = -14.0, 36.0
"""Hours round Monday 0:00 UTC between which the first working day may be: 14 zones ahead, 12 behind."""
FRIDAY_ENDS = 5 * 24.0 - 14.0
"""Hours since Monday 0:00 UTC from which no working day may be, in some zone. By definition: Friday's end at UTC+14."""
MONDAY_BEGINS = 12.0
"""Hours since Monday 0:00 UTC until which it may be Sunday still, in some zone. By definition: UTC-12."""
KNOWN_DAY_HOURS = 30.0
"""Hours of working days that show how memory rises on one. Chosen: a day, and a zone's doubt."""


def hours_of_week(at_seconds: FloatArray) -> FloatArray:
    """Return the hours since Monday 0:00 UTC."""
    since = (at_seconds - MONDAY_SECONDS) / SECONDS_PER_HOUR
    return np.asarray(np.mod(since, HOURS_PER_WEEK), dtype=np.float64)


def is_surely_worked(first_hour: int, last_hour: int) -> bool:
    """Tell whether hours of the clock (since 1970) lie on working days in every time zone."""
    into = (np.array([first_hour, last_hour]) - MONDAY_SECONDS / SECONDS_PER_HOUR) % HOURS_PER_WEEK
    return bool(into[0] >= MONDAY_BEGINS and into[1] <= FRIDAY_ENDS and into[0] <= into[1])


def surely_worked(first_hour: int, count: int) -> BoolArray:
    """Tell for each of so many hours of the clock (since 1970) whether it lies on a working day in every time zone."""
    into = (first_hour + np.arange(count) - MONDAY_SECONDS / SECONDS_PER_HOUR) % HOURS_PER_WEEK
    return np.asarray((into >= MONDAY_BEGINS) & (into < FRIDAY_ENDS))


def may_be_first_working_day(series: RunSeries, trend: Trend, window_hours: float) -> bool:
    """Tell whether a recent window may show no more than the first working day after a weekend.

    That is so in the first week of a run that has seen hardly any other working day, while the rise has not
    lasted for longer than a day's.
    """
    if window_hours > SHORT_WINDOW_HOURS or series.history_hours >= HOURS_PER_WEEK:
        return False
    if _rise_hours(trend) >= LONGEST_RISE_HOURS:
        return False
    at = series.at_seconds
    end = float(hours_of_week(at[-1:])[0])
    into = end - HOURS_PER_WEEK if end >= HOURS_PER_WEEK + WEEKEND_ENDS else end
    if not WEEKEND_ENDS <= into < FIRST_DAY_ENDS:
        return False
    return not saw_working_day(series)


def saw_working_day(series: RunSeries) -> bool:
    """Tell whether a run had seen how memory rises on a working day when the last Friday ended, wherever that is."""
    since_friday = float(hours_of_week(series.at_seconds[-1:] - FRIDAY_ENDS * SECONDS_PER_HOUR)[0])
    known = float(series.at_seconds[-1] - series.first_at_seconds) / SECONDS_PER_HOUR - since_friday
    return known >= KNOWN_DAY_HOURS


def _rise_hours(trend: Trend) -> float:
    """Return for how long memory has been above where it rose from."""
    hours, mb = trend.blocks.hours, trend.blocks.mb
    low, high = float(mb.min()), float(mb.max())
    began = int(np.flatnonzero(mb <= low + LOW_SHARE * (high - low))[-1])
    return float(hours[-1] - hours[began])
