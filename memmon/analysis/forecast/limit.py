"""When will memory reach its limit? A median, an interval that holds, and how earlier forecasts would have done."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.forecast.backtest import backtest_stretch
from memmon.analysis.forecast.finding import (
    Backtest,
    CrossCheck,
    Forecast,
    ForecastCurve,
    ForecastState,
)
from memmon.analysis.forecast.fit import Course, Stretch, fit_course, stretch_of
from memmon.analysis.forecast.paths import Filling, first_passage_hours, reading_quantiles
from memmon.analysis.forecast.wording import describe
from memmon.facts.defaults import LOOK_BACK_HOURS
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.history import History

    Floats = NDArray[np.float64]
    Hours = tuple[float | None, float | None, float | None]

__all__ = [
    "Backtest",
    "CrossCheck",
    "Forecast",
    "ForecastCurve",
    "ForecastState",
    "backtest_forecast",
    "forecast_limit",
    "forecast_readings",
]

HORIZON_PER_WINDOW = 30.0
"""Horizon, in lengths of the stretch. Chosen: further ahead a trend says nothing."""
SHORTEST_HORIZON_HOURS = 168.0
"""Shortest horizon, in hours: a week, by choice."""
LONGEST_HORIZON_HOURS = 8_760.0
"""Longest horizon, in hours: a year, by choice."""
CURVE_POINT_COUNT = 40
"""Points of the curve that is drawn. Chosen: enough for a picture."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Basis:
    """What every forecast of one history rests on."""

    run: History
    stretch: Stretch
    course: Course
    backtest: Backtest | None

    @property
    def spread_factor(self) -> float:
        return 1.0 if self.backtest is None else self.backtest.spread_factor

    @property
    def filling(self) -> Filling:
        return Filling(room_mb=self.stretch.room_mb, rate_mb_per_hour=self.stretch.fill_rate_mb_per_hour)


def forecast_limit(
    history: History,
    limit_bytes: float,
    *,
    level: float = 0.8,
    now: datetime | None = None,
    cross_check: bool = False,
) -> Forecast:
    """Forecast when a reading of `history` first reaches `limit_bytes`, as of `now` (default: its last sample).

    Only the present run counts (never across a restart), and of it the last seven days; of these the longest
    straight stretch. Its robust trend, a daily cycle from 44 h on and the autoregressive noise of block maxima are
    continued in 400 simulated courses, whose spread is rescaled by a back-test on this history
    (`backtest_forecast`). `level`: probability of the interval. Hours are None where the limit is not reached
    within the horizon: 30 times the stretch, between a week and a year.

    `cross_check=True` adds the answer of statsmodels' local linear trend, which loads statsmodels. Where that
    model can't be fitted or does not converge, `cross_check` is None and the details say so.

    Too little history is the state `cannot_say`, a limit at or below the present value the state `over_limit`
    (0 hours). Raises ValueError for a limit that is not a finite number above zero, a level outside (0, 1) and a
    naive `now`.
    """
    if not (math.isfinite(limit_bytes) and limit_bytes > 0):
        raise ValueError(f"limit_bytes must be a finite number above zero, not {limit_bytes!r}")
    _check_level(level)
    run = _present_run(history, now)
    over = run is not None and float(run.rss_bytes[-1]) >= limit_bytes
    basis = None if run is None or over else _basis_of(run, level)
    if basis is None:
        return describe(_plain_forecast(history, run, limit_bytes, level, now))
    return _forecast(history, basis, limit_bytes, level, now, cross_check=cross_check)


def backtest_forecast(
    history: History, *, level: float = 0.8, now: datetime | None = None
) -> Backtest | None:
    """Tell how forecasts made at earlier moments of the present run would have done (rolling origin).

    Returns None where the history is too short to look back from any earlier moment.
    """
    _check_level(level)
    run = _present_run(history, now)
    stretch = None if run is None else stretch_of(run)
    return None if stretch is None else backtest_stretch(stretch, level=level)


def forecast_readings(
    history: History, hours_ahead: tuple[float, ...], *, level: float = 0.8, now: datetime | None = None
) -> ForecastCurve | None:
    """Forecast single readings (MB) at `hours_ahead` of the last sample; None for too little history."""
    _check_level(level)
    run = _present_run(history, now)
    basis = None if run is None else _basis_of(run, level)
    return None if basis is None else _curve(basis, np.asarray(hours_ahead, dtype=np.float64), level)


def _check_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, not {level!r}")


def _present_run(history: History, now: datetime | None) -> History | None:
    """Return the newest run's samples of the last seven days up to `now`, None when there are none."""
    if now is not None and now.tzinfo is None:
        raise ValueError("now must be timezone-aware: pass datetime(..., tzinfo=UTC)")
    if history.is_empty:
        return None
    end = float(history.at_seconds.max()) if now is None else now.timestamp()
    recent = history.slice_time(end - LOOK_BACK_HOURS * SECONDS_PER_HOUR, end)
    if recent.is_empty:
        return None
    # Runs that overlap are never joined; the one that spoke last is the present one.
    return max(recent.per_run(), key=lambda run: float(run.at_seconds[-1]))


def _basis_of(run: History, level: float) -> _Basis | None:
    stretch = stretch_of(run)
    course = None if stretch is None else fit_course(stretch)
    if stretch is None or course is None:
        return None
    return _Basis(run=run, stretch=stretch, course=course, backtest=backtest_stretch(stretch, level=level))


def _curve(basis: _Basis, hours_ahead: Floats, level: float) -> ForecastCurve:
    median, low, high = (
        np.maximum(values + basis.stretch.filled_mb, 0.0)
        for values in reading_quantiles(
            basis.course, hours_ahead, basis.filling, level=level, spread_factor=basis.spread_factor
        )
    )
    return ForecastCurve(
        hours=tuple(hours_ahead.tolist()),
        median_mb=tuple(median.tolist()),
        low_mb=tuple(low.tolist()),
        high_mb=tuple(high.tolist()),
    )


def _forecast(
    history: History,
    basis: _Basis,
    limit_bytes: float,
    level: float,
    now: datetime | None,
    *,
    cross_check: bool,
) -> Forecast:
    course, run = basis.course, basis.run
    horizon = min(
        max(HORIZON_PER_WINDOW * course.window_hours, SHORTEST_HORIZON_HOURS), LONGEST_HORIZON_HOURS
    )
    plain = _plain_forecast(history, run, limit_bytes, level, now)
    stale_hours = _hours_since(run, plain.as_of)
    limit_mb = limit_bytes / MIB - basis.stretch.filled_mb
    low, middle, high = hours = _hours_to_limit(basis, limit_mb, level, horizon, stale_hours)
    check, remarks = None, tuple[str, ...]()
    if cross_check:
        from memmon.analysis.forecast.cross_check import NO_SECOND_OPINION, cross_check_limit

        check = cross_check_limit(
            basis.stretch, course, limit_mb, basis.filling, level=level, horizon_hours=horizon, hours=hours
        )
        remarks = () if check else (NO_SECOND_OPINION,)
    curve_end = min(horizon, 2.0 * (middle + stale_hours) if middle else max(24.0, course.window_hours))
    reach = course.quantile * course.slope_error
    return describe(
        replace(
            plain,
            state="not_within_horizon" if middle is None else "reaching",
            hours_to_limit=middle,
            hours_to_limit_low=low,
            hours_to_limit_high=high,
            at=_moment(plain.as_of, middle),
            at_low=_moment(plain.as_of, low),
            at_high=_moment(plain.as_of, high),
            horizon_hours=horizon,
            slope_mb_per_hour=course.slope,
            slope_low_mb_per_hour=course.slope - reach,
            slope_high_mb_per_hour=course.slope + reach,
            window_hours=course.window_hours,
            deques_full_hours=_hours_to_full(run, basis.filling),
            curve=_curve(basis, np.linspace(0.0, curve_end, CURVE_POINT_COUNT + 1)[1:], level),
            backtest=basis.backtest,
            cross_check=check,
        ),
        remarks,
    )


def _hours_to_limit(
    basis: _Basis, limit_mb: float, level: float, horizon: float, stale_hours: float
) -> Hours:
    """Return low, middle and high; the back-test widens the interval, the middle stays where the model has it."""
    plain, widened = (
        first_passage_hours(
            basis.course, limit_mb, basis.filling, horizon_hours=horizon, spread_factor=factor
        )
        for factor in (1.0, basis.spread_factor)
    )
    middle = _quantile(plain, 0.5, stale_hours)
    # Nobody sees the limit touched between two readings.
    step = basis.course.replay_step_hours
    low = _quantile(widened - step, 0.5 - level / 2, stale_hours)
    high = _quantile(widened + step, 0.5 + level / 2, stale_hours)
    if middle is None:
        return low, None, None
    return middle if low is None else min(low, middle), middle, None if high is None else max(high, middle)


def _plain_forecast(
    history: History, run: History | None, limit_bytes: float, level: float, now: datetime | None
) -> Forecast:
    """Answer without a course: the limit is passed already, or there is too little to go by."""
    current = None if run is None else float(run.rss_bytes[-1])
    over = current is not None and current >= limit_bytes
    last = None if run is None else datetime.fromtimestamp(float(run.at_seconds[-1]), UTC)
    as_of = last if now is None else now
    hours, moment = (0.0, as_of) if over else (None, None)
    return Forecast(
        source=history.source,
        limit_bytes=round(limit_bytes),
        level=level,
        state="over_limit" if over else "cannot_say",
        hours_to_limit=hours,
        hours_to_limit_low=hours,
        hours_to_limit_high=hours,
        at=moment,
        at_low=moment,
        at_high=moment,
        as_of=as_of,
        horizon_hours=0.0,
        current_bytes=None if current is None else round(current),
        headroom_bytes=None if current is None else round(limit_bytes - current),
        slope_mb_per_hour=None,
        slope_low_mb_per_hour=None,
        slope_high_mb_per_hour=None,
        window_hours=0.0 if run is None else run.duration_hours,
        sample_count=0 if run is None else len(run),
        deques_full_hours=None,
        summary="",
        details=(),
    )


def _hours_since(run: History, as_of: datetime | None) -> float:
    return (
        0.0 if as_of is None else max(0.0, as_of.timestamp() - float(run.at_seconds[-1])) / SECONDS_PER_HOUR
    )


def _quantile(hits: Floats, share: float, stale_hours: float) -> float | None:
    hours = float(hits[min(int(share * hits.size), hits.size - 1)])
    return max(0.0, hours - stale_hours) if math.isfinite(hours) else None


def _moment(as_of: datetime | None, hours: float | None) -> datetime | None:
    return None if hours is None or as_of is None else as_of + timedelta(hours=hours)


def _hours_to_full(run: History, filling: Filling) -> float | None:
    if run.deque_capacity_bytes is None:
        return None
    if filling.room_mb <= 0.0:
        return 0.0
    return filling.room_mb / filling.rate_mb_per_hour if filling.rate_mb_per_hour > 0.0 else None
