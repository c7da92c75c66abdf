"""When will memory reach its limit? The finding goes on: its growth, with its interval, towards the limit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from memmon.analysis.forecast.backtest import backtest_stretch
from memmon.analysis.forecast.calm import day_seen_at, has_seen_a_day, is_reach_excluded, judged_hours
from memmon.analysis.forecast.continuing import (
    Continued,
    continue_finding,
    counted_pause,
    since_hours_of,
)
from memmon.analysis.forecast.finding import Backtest, CrossCheck, Forecast, ForecastCurve, ForecastState
from memmon.analysis.forecast.fit import fit_course
from memmon.analysis.forecast.levelling import levelling_off
from memmon.analysis.forecast.paths import Filling, first_passage_hours, reading_quantiles
from memmon.analysis.forecast.plain_answers import cannot_say, hours_since, moment_after, plain_forecast
from memmon.analysis.forecast.quantity import Counts, Quantity, quantity_of
from memmon.analysis.forecast.rising import rises_lately
from memmon.analysis.forecast.stretch import stretch_of
from memmon.analysis.forecast.unseen import filling_holes, waiting_hours
from memmon.analysis.forecast.wording import describe
from memmon.analysis.leak.detect import DEFAULT_POLICY, detect_leak
from memmon.facts.defaults import LOOK_BACK_HOURS
from memmon.facts.verdicts import Verdict
from memmon.history import as_history
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd
    from numpy.typing import NDArray

    from memmon.analysis.leak.finding import LeakFinding, LeakPolicy
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
"""Horizon of what does not grow, in lengths of what was judged. Chosen: further ahead its calm says nothing."""
SHORTEST_HORIZON_HOURS = 168.0
"""Shortest horizon, in hours. Chosen: a week."""
LONGEST_HORIZON_HOURS = 8_760.0
"""Longest horizon, in hours. Chosen: a year."""
CURVE_POINT_COUNT = 40
"""Points of the curve that is drawn. Chosen: enough for a picture."""
BETWEEN_READINGS = 0.65
"""Share of the way between two readings that each end of an interval is wider. Tuned: coverage of young leaks."""
LIKELY_SHARE = 0.5
"""Share of courses that reach the limit from which level memory is not said to stay below it. Chosen: half."""


def forecast_limit(  # noqa: PLR0913 -- the question, and how it is to be answered
    history: History | pd.DataFrame | pd.Series[Any],
    limit_bytes: float,
    *,
    used_bytes: float | None = None,
    counts: Counts = "footprint",
    finding: LeakFinding | None = None,
    policy: LeakPolicy = DEFAULT_POLICY,
    level: float = 0.8,
    now: datetime | None = None,
    cross_check: bool = False,
) -> Forecast:
    """Say when what counts against a limit reaches `limit_bytes`, as of `now` (default: the last sample).

    `history`: a History, or a DataFrame or Series (of bytes, its index times) as `History.from_frame` takes it.
    It is the forecast of a finding: that given, else `detect_leak(history, policy)`. Growth goes on in the present
    run from its onset, with its slope and interval and the noise round it, in 400 simulated courses; growth that
    levels off has a plateau, and a date only where the plateau's lower end lies above the limit; what is level
    reaches no limit; where nothing can be said, nothing is said. `level`: probability of the interval.
    The horizon is a year where memory grows, else 30 times what was judged, between a week and a year.

    `used_bytes`: what counts at the last sample, memory of others included (None: the footprint alone).
    `counts`: `charged` is carried on itself, where the history has it since the onset; `used` leaves out what is
    swapped, so that nothing can be said of growth into swap.
    `cross_check=True` adds the answer of statsmodels' local linear trend to a growing course, which loads
    statsmodels; where that model can't be fitted `cross_check` is None and the details say so.

    Raises ValueError for a limit that is not a finite number above zero, a level outside (0, 1) and a naive `now`.
    """
    if not (math.isfinite(limit_bytes) and limit_bytes > 0):
        raise ValueError(f"limit_bytes must be a finite number above zero, not {limit_bytes!r}")
    _check_level(level)
    history = as_history(history)
    look_back_hours = (policy if finding is None else finding.policy).look_back_hours
    run = _present_run(history, now, look_back_hours)
    if run is None:
        return describe(plain_forecast(history, None, limit_bytes, level, now))
    found = finding or detect_leak(history, policy, now=now)
    quantity = _quantity(run, found, counts, used_bytes)
    plain = plain_forecast(history, quantity, limit_bytes, level, now)
    if plain.state == "reached":
        return describe(plain)
    if found.verdict is Verdict.CANNOT_SAY or quantity.is_swapped_away:
        return describe(cannot_say(plain, found, run))
    levelling = levelling_off(plain, quantity, found, horizon_hours=_horizon(found))
    if levelling is not None:
        return describe(levelling)
    return _continued(plain, quantity, found, cross_check=cross_check)


def backtest_forecast(
    history: History, *, level: float = 0.8, now: datetime | None = None
) -> Backtest | None:
    """Tell how trends fitted at earlier moments of the present run would have done (rolling origin).

    Returns None where the history is too short to look back from any earlier moment.
    """
    _check_level(level)
    run = _present_run(history, now)
    stretch = None if run is None else stretch_of(run)
    return None if stretch is None else backtest_stretch(stretch, level=level)


def forecast_readings(
    history: History, hours_ahead: tuple[float, ...], *, level: float = 0.8, now: datetime | None = None
) -> ForecastCurve | None:
    """Forecast single readings of the footprint (MB) at `hours_ahead` of the last sample; None for too little history."""
    _check_level(level)
    run = _present_run(history, now)
    stretch = None if run is None else stretch_of(run)
    course = None if stretch is None else fit_course(stretch)
    if stretch is None or course is None:
        return None
    basis = Continued(stretch=stretch, course=course)
    backtest = backtest_stretch(stretch, level=level)
    factor = 1.0 if backtest is None else backtest.spread_factor
    return _curve(basis, np.asarray(hours_ahead, dtype=np.float64), level, factor)


def _check_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, not {level!r}")


def _present_run(
    history: History, now: datetime | None, look_back_hours: float = LOOK_BACK_HOURS
) -> History | None:
    """Return the newest run's samples of `look_back_hours` up to `now`, None when there are none."""
    if now is not None and now.tzinfo is None:
        raise ValueError("now must be timezone-aware: pass datetime(..., tzinfo=UTC)")
    if history.is_empty:
        return None
    end = float(history.at_seconds.max()) if now is None else now.timestamp()
    recent = history.slice_time(end - look_back_hours * SECONDS_PER_HOUR, end)
    if recent.is_empty:
        return None
    # Runs that overlap are never joined; the one that spoke last is the present one.
    return max(recent.per_run(), key=lambda run: float(run.at_seconds[-1]))


def _quantity(run: History, finding: LeakFinding, counts: Counts, used_bytes: float | None) -> Quantity:
    plain = quantity_of(run, used_bytes=used_bytes)
    if counts == "footprint":
        return plain
    return quantity_of(run, counts=counts, used_bytes=used_bytes, since_hours=since_hours_of(plain, finding))


def _horizon(finding: LeakFinding) -> float:
    """Return how far ahead is looked: a year where memory grows, else by what was judged, not by a part of it."""
    if finding.verdict.row.tone == "warn":
        return LONGEST_HORIZON_HOURS
    return min(max(HORIZON_PER_WINDOW * judged_hours(finding), SHORTEST_HORIZON_HOURS), LONGEST_HORIZON_HOURS)


def _continued(plain: Forecast, quantity: Quantity, finding: LeakFinding, *, cross_check: bool) -> Forecast:
    """Return the forecast of growth that goes on, or of memory that is level."""
    basis = continue_finding(quantity, finding)
    if basis is None:
        return describe(cannot_say(plain, finding, quantity.run))
    # A stretch that is longer than its growth has moments to look back from.
    backtest = backtest_stretch(basis.stretch, level=plain.level)
    factor = 1.0 if backtest is None else backtest.spread_factor
    horizon = _horizon(finding)
    stale_hours = hours_since(quantity.run, plain.as_of)
    limit_mb = plain.limit_bytes / MIB - basis.stretch.filled_mb
    hours = _hours_to_limit(basis, limit_mb, plain.level, horizon, stale_hours, factor)
    wait_hours = waiting_hours(finding)
    hours = _after(hours, wait_hours, horizon)
    state, may_level_off = _state(plain, quantity, finding, hours, horizon)
    if state == "cannot_say" and may_level_off:
        level = levelling_off(plain, quantity, finding, horizon_hours=horizon, is_level=True)
        if level is not None:
            return describe(level)
    check, remarks = None, tuple[str, ...]()
    if cross_check and state != "cannot_say":
        check, remarks = _second_opinion(basis, limit_mb, plain.level, horizon, hours)
    if state != "cannot_say":
        remarks = (*remarks, *counted_pause(finding))
    if wait_hours and state == "dated":
        remarks = (*remarks, filling_holes(finding, wait_hours))
    low, middle, high = hours if state == "dated" else (None, None, None)
    ahead = 2.0 * (middle + stale_hours) if middle else max(24.0, basis.course.window_hours)
    dated = replace(
        _of_course(plain, basis, quantity.run),
        state=state,
        hours_to_limit=middle,
        hours_to_limit_low=low,
        hours_to_limit_high=high,
        at=moment_after(plain.as_of, middle),
        at_low=moment_after(plain.as_of, low),
        at_high=moment_after(plain.as_of, high),
        horizon_hours=horizon,
        curve=_curve(
            basis,
            np.linspace(0.0, min(horizon, ahead), CURVE_POINT_COUNT + 1)[1:],
            plain.level,
            factor,
            wait_hours=wait_hours,
        ),
        backtest=backtest,
        cross_check=check,
        ready_at=day_seen_at(quantity, finding) if state == "cannot_say" else None,
    )
    return describe(dated, remarks, earliest_hours=hours[0] if state == "never" else None)


def _state(
    plain: Forecast, quantity: Quantity, finding: LeakFinding, hours: Hours, horizon: float
) -> tuple[ForecastState, bool]:
    """Return what can be said, and where that is nothing, whether a curve that bends to an end may say more.

    It may not where memory rises of late beyond what the verdict knows, nor before a day was seen:
    half of a daily cycle bends, too.
    """
    if finding.verdict.row.tone == "warn" and hours[1] is not None:
        return "dated", False
    known = max(finding.slope_high_mb_per_hour or 0.0, 0.0)
    if rises_lately(quantity, known_slope=known):
        return "cannot_say", False
    is_excluded = hours[1] is None and is_reach_excluded(
        quantity,
        finding,
        earliest_hours=hours[0],
        limit_mb=plain.limit_bytes / MIB,
        horizon_hours=horizon,
    )
    return ("never", False) if is_excluded else ("cannot_say", has_seen_a_day(quantity, finding))


def _of_course(plain: Forecast, basis: Continued, run: History) -> Forecast:
    """Return a forecast with what its course says of the growth."""
    course = basis.course
    reach = course.quantile * course.slope_error
    return replace(
        plain,
        slope_mb_per_hour=course.slope,
        slope_low_mb_per_hour=course.slope - reach,
        slope_high_mb_per_hour=course.slope + reach,
        window_hours=course.window_hours,
        deques_full_hours=_hours_to_full(run, _filling(basis)),
    )


def _second_opinion(
    basis: Continued, limit_mb: float, level: float, horizon: float, hours: Hours
) -> tuple[CrossCheck | None, tuple[str, ...]]:
    from memmon.analysis.forecast.cross_check import NO_SECOND_OPINION, cross_check_limit

    check = cross_check_limit(
        basis.stretch,
        basis.course,
        limit_mb,
        _filling(basis),
        level=level,
        horizon_hours=horizon,
        hours=hours,
    )
    return check, () if check else (NO_SECOND_OPINION,)


def _filling(basis: Continued) -> Filling:
    return Filling(room_mb=basis.stretch.room_mb, rate_mb_per_hour=basis.stretch.fill_rate_mb_per_hour)


def _after(hours: Hours, wait_hours: float, horizon: float) -> Hours:
    """Return the hours after a wait for holes to fill; at the earliest none of them can be filled."""
    low, middle, high = hours
    middle, high = (
        None if one is None or one + wait_hours > horizon else one + wait_hours for one in (middle, high)
    )
    return low, middle, high


def _curve(
    basis: Continued, hours_ahead: Floats, level: float, factor: float, *, wait_hours: float = 0.0
) -> ForecastCurve:
    later = np.maximum(hours_ahead - wait_hours, 0.0) if wait_hours else hours_ahead
    median, low, high = (
        np.maximum(values + basis.stretch.filled_mb, 0.0)
        for values in reading_quantiles(
            basis.course, later, _filling(basis), level=level, spread_factor=factor
        )
    )
    return ForecastCurve(
        hours=tuple(hours_ahead.tolist()),
        median_mb=tuple(median.tolist()),
        low_mb=tuple(low.tolist()),
        high_mb=tuple(high.tolist()),
    )


def _hours_to_limit(
    basis: Continued, limit_mb: float, level: float, horizon: float, stale_hours: float, factor: float
) -> Hours:
    """Return low, middle and high; the back-test widens the interval, the middle stays where the model has it."""
    plain, widened = (
        first_passage_hours(
            basis.course, limit_mb, _filling(basis), horizon_hours=horizon, spread_factor=spread
        )
        for spread in (1.0, factor)
    )
    middle = _quantile(plain, LIKELY_SHARE, stale_hours)
    # Nobody sees the limit touched between two readings: the moment lies anywhere between them.
    step = BETWEEN_READINGS * level * basis.course.replay_step_hours
    low = _quantile(widened - step, 0.5 - level / 2, stale_hours)
    high = _quantile(widened + step, 0.5 + level / 2, stale_hours)
    if middle is None:
        return low, None, None
    return middle if low is None else min(low, middle), middle, None if high is None else max(high, middle)


def _quantile(hits: Floats, share: float, stale_hours: float) -> float | None:
    hours = float(hits[min(int(share * hits.size), hits.size - 1)])
    return max(0.0, hours - stale_hours) if math.isfinite(hours) else None


def _hours_to_full(run: History, filling: Filling) -> float | None:
    if run.deque_capacity_bytes is None:
        return None
    if filling.room_mb <= 0.0:
        return 0.0
    return filling.room_mb / filling.rate_mb_per_hour if filling.rate_mb_per_hour > 0.0 else None
