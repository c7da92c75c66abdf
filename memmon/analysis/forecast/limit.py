"""When will memory reach its limit? A finding goes on: its growth, with its interval, towards the limit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.forecast.answers import (
    Question,
    dated,
    filling_up,
    hours_to_full,
    levelling_off,
    plain_answer,
    silent,
    with_plateau,
)
from memmon.analysis.forecast.backtest import backtest_stretch
from memmon.analysis.forecast.continuing import Continued, begins_at, continue_finding
from memmon.analysis.forecast.finding import (
    Backtest,
    CrossCheck,
    Forecast,
    ForecastCurve,
    ForecastState,
)
from memmon.analysis.forecast.fit import fit_course, fit_part
from memmon.analysis.forecast.levelling import fit_approach
from memmon.analysis.forecast.paths import Filling, first_passage_hours, reading_quantiles
from memmon.analysis.forecast.rising import rises_lately
from memmon.analysis.forecast.stretch import stretch_of
from memmon.analysis.forecast.wording import describe
from memmon.analysis.leak.detect import DEFAULT_POLICY, detect_leak
from memmon.facts.defaults import LOOK_BACK_HOURS
from memmon.facts.verdicts import Verdict
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from memmon.analysis.forecast.fit import Course
    from memmon.analysis.forecast.stretch import Stretch
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

GROWTH_HORIZON_HOURS = 8_760.0
"""Hours that growth is carried on, at most: a year, by choice."""
LEVEL_HORIZON_HOURS = 168.0
"""Hours for which memory that is level is promised to stay below the limit: a week, by choice."""
BEND_GAIN = 12.0
"""Gain of a bent curve over a line, in residual variances, from which growth may level off. As for an onset."""
WIDE_LEVEL = 0.9
"""Probability of the wider interval."""
CURVE_POINT_COUNT = 40
"""Points of the curve that is drawn. Chosen: enough for a picture."""
CURVE_HOURS = 24.0
"""Hours that are drawn where no date is given, at least: a day, by choice."""


def forecast_limit(  # noqa: PLR0913 - the options of one question, keyword-only
    history: History,
    limit_bytes: float,
    *,
    used_bytes: float | None = None,
    counts: str = "footprint",
    finding: LeakFinding | None = None,
    policy: LeakPolicy = DEFAULT_POLICY,
    level: float = 0.8,
    now: datetime | None = None,
    cross_check: bool = False,
) -> Forecast:
    """Say when what counts against a limit reaches `limit_bytes`, as of `now` (default: the last sample).

    It continues a finding: the one given, else that of `detect_leak(history, policy)`. Growth goes on in the present
    run from its onset, with its slope and interval and the noise round it, in 400 simulated courses, whose spread is
    rescaled by a back-test since the onset. Growth that levels off has a plateau, and a date only where the plateau's
    lower end lies above the limit. Memory that is level does not reach the limit within a week, or nothing can be
    said: where its noise allows more, or its newest hours rise. Where the verdict can't be told, nor can a date.
    `level`: probability of the interval.

    `used_bytes`: what counts against the limit at the last sample (None: the quantity that is carried on).
    `counts="charged"`: that quantity is `history.charged_bytes`, where it is known since the onset; else, and with
    any other word, the process's footprint.

    `cross_check=True` adds the answer of statsmodels' local linear trend to a course that grows, which loads
    statsmodels. Where that model can't be fitted or does not converge, `cross_check` is None and the details say so.

    Raises ValueError for a limit that is not a finite number above zero, a level outside (0, 1) and a naive `now`.
    """
    if not (math.isfinite(limit_bytes) and limit_bytes > 0):
        raise ValueError(f"limit_bytes must be a finite number above zero, not {limit_bytes!r}")
    _check_level(level)
    run = _present_run(history, now, policy.look_back_hours)
    found = finding or detect_leak(history, policy, now=now)
    question = _question(
        history, run, found, limit_bytes, used_bytes=used_bytes, counts=counts, level=level, now=now
    )
    plain = plain_answer(question)
    if plain.state == "reached":
        return describe(plain, found)
    if run is None or found.verdict is Verdict.CANNOT_SAY:
        return describe(silent(plain, found, run), found)
    return _continued(plain, question, found, cross_check=cross_check)


def _question(
    history: History,
    run: History | None,
    finding: LeakFinding,
    limit_bytes: float,
    *,
    used_bytes: float | None,
    counts: str,
    level: float,
    now: datetime | None,
) -> Question:
    """Put the limit and what is used of it into the quantity that is carried on."""
    charged = counts == "charged" and run is not None and _is_charged_known(run, finding)
    held: float | None = None
    if run is not None:
        series = run.charged_bytes if charged else run.footprint_bytes
        assert series is not None
        held = float(series[-1])
    used = held if used_bytes is None else used_bytes
    return Question(
        source=history.source,
        run=run,
        counts="charged" if charged else "footprint",
        used_bytes=used,
        beside_bytes=0.0 if used is None or held is None else used - held,
        limit_bytes=limit_bytes,
        level=level,
        now=now,
    )


def _is_charged_known(run: History, finding: LeakFinding) -> bool:
    """Tell whether the charge is known at each sample since the finding's growth, or its window, began."""
    if run.charged_bytes is None:
        return False
    since = run.uptime_seconds >= begins_at(run, finding) * SECONDS_PER_HOUR - 1e-3
    return bool(np.isfinite(run.charged_bytes[since]).all()) and bool(since.any())


def _continued(plain: Forecast, question: Question, finding: LeakFinding, *, cross_check: bool) -> Forecast:
    """Answer for a verdict that says how memory goes on."""
    run = question.run
    assert run is not None
    whole = stretch_of(run, counts=question.counts, fewest_samples=2, shortest_hours=0.0)
    if whole is None:
        return describe(silent(plain, finding, run), finding)
    judged = whole.between(begins_at(run, finding), float(whole.hours[-1]))
    match finding.verdict:
        case Verdict.SATURATING:
            answer = levelling_off(plain, question, judged, finding, horizon_hours=LEVEL_HORIZON_HOURS)
            return describe(answer, finding)
        case Verdict.FILLING:
            answer = filling_up(plain, question, judged, finding, horizon_hours=LEVEL_HORIZON_HOURS)
            return describe(answer, finding)
    basis = continue_finding(whole, run, finding, is_judged_quantity=question.counts == "footprint")
    if basis is None:
        return describe(silent(plain, finding, run), finding)
    if finding.verdict in {Verdict.LEAKING, Verdict.GROWING}:
        return _growing(plain, question, basis, finding, cross_check=cross_check)
    return _level(plain, question, basis, whole, finding)


def _growing(
    plain: Forecast, question: Question, basis: Continued, finding: LeakFinding, *, cross_check: bool
) -> Forecast:
    """Continue growth: dated within the horizon, else never; not where it may level off below the limit."""
    plain = _with_course(plain, question, basis, GROWTH_HORIZON_HOURS)
    approach = fit_approach(basis.stretch)
    limit_mb = question.limit_mb - basis.stretch.filled_mb
    if approach is not None and approach.gain > BEND_GAIN and approach.low_mb <= limit_mb:
        bent = with_plateau(plain, question, basis.stretch, approach)
        return describe(silent(replace(bent, horizon_hours=0.0), finding, question.run), finding)
    backtest = backtest_stretch(basis.stretch, level=plain.level, fit=fit_part)
    spread = 1.0 if backtest is None else backtest.spread_factor
    hours = _hours_to_limit(basis, question, GROWTH_HORIZON_HOURS, spread)
    middle, low, high, *_ = hours
    check, remarks = None, tuple[str, ...]()
    if cross_check:
        from memmon.analysis.forecast.cross_check import NO_SECOND_OPINION, cross_check_limit

        check = cross_check_limit(
            basis.stretch,
            basis.course,
            limit_mb,
            _filling(basis.stretch),
            level=plain.level,
            horizon_hours=GROWTH_HORIZON_HOURS,
            hours=(low, middle, high),
        )
        remarks = () if check else (NO_SECOND_OPINION,)
    answer = replace(plain, state="never") if middle is None else dated(plain, hours)
    ahead = max(CURVE_HOURS, basis.course.window_hours) if middle is None else 2.0 * middle
    curve_end = min(GROWTH_HORIZON_HOURS, ahead + 2.0 * question.stale_hours)
    curve = _curve(
        basis.stretch,
        basis.course,
        np.linspace(0.0, curve_end, CURVE_POINT_COUNT + 1)[1:],
        plain.level,
        spread,
        beside_mb=question.beside_bytes / MIB,
    )
    return describe(replace(answer, curve=curve, backtest=backtest, cross_check=check), finding, remarks)


def _level(
    plain: Forecast, question: Question, basis: Continued, whole: Stretch, finding: LeakFinding
) -> Forecast:
    """Answer for memory that does not grow: never within a week, unless its noise or its newest hours allow it."""
    shown = _with_course(plain, question, basis, LEVEL_HORIZON_HOURS)
    low = _hours_to_limit(basis, question, LEVEL_HORIZON_HOURS, 1.0)[1]
    if low is None and not rises_lately(whole):
        ahead = np.linspace(0.0, max(CURVE_HOURS, basis.course.window_hours), CURVE_POINT_COUNT + 1)[1:]
        curve = _curve(
            basis.stretch,
            basis.course,
            ahead,
            plain.level,
            1.0,
            beside_mb=question.beside_bytes / MIB,
        )
        return describe(replace(shown, state="never", curve=curve), finding)
    return describe(silent(replace(shown, horizon_hours=0.0), finding, question.run), finding)


def _with_course(plain: Forecast, question: Question, basis: Continued, horizon_hours: float) -> Forecast:
    course, run = basis.course, question.run
    assert run is not None
    reach = course.quantile * course.slope_error
    return replace(
        plain,
        horizon_hours=horizon_hours,
        slope_mb_per_hour=course.slope,
        slope_low_mb_per_hour=course.slope - reach,
        slope_high_mb_per_hour=course.slope + reach,
        window_hours=course.window_hours,
        deques_full_hours=hours_to_full(run, basis.stretch),
    )


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
    """Forecast single readings of the footprint (MB) at `hours_ahead` of the last sample; None for too little."""
    _check_level(level)
    run = _present_run(history, now)
    stretch = None if run is None else stretch_of(run)
    course = None if stretch is None else fit_course(stretch)
    if stretch is None or course is None:
        return None
    backtest = backtest_stretch(stretch, level=level)
    spread = 1.0 if backtest is None else backtest.spread_factor
    return _curve(stretch, course, np.asarray(hours_ahead, dtype=np.float64), level, spread)


def _check_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, not {level!r}")


def _present_run(
    history: History, now: datetime | None, look_back_hours: float = LOOK_BACK_HOURS
) -> History | None:
    """Return the newest run's samples of the look-back up to `now`, None when there are none."""
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


def _filling(stretch: Stretch) -> Filling:
    return Filling(room_mb=stretch.room_mb, rate_mb_per_hour=stretch.fill_rate_mb_per_hour)


def _curve(
    stretch: Stretch,
    course: Course,
    hours_ahead: Floats,
    level: float,
    spread: float,
    *,
    beside_mb: float = 0.0,
) -> ForecastCurve:
    median, low, high = (
        np.maximum(values + stretch.filled_mb + beside_mb, 0.0)
        for values in reading_quantiles(
            course, hours_ahead, _filling(stretch), level=level, spread_factor=spread
        )
    )
    return ForecastCurve(
        hours=tuple(hours_ahead.tolist()),
        median_mb=tuple(median.tolist()),
        low_mb=tuple(low.tolist()),
        high_mb=tuple(high.tolist()),
    )


def _hours_to_limit(
    basis: Continued, question: Question, horizon: float, spread: float
) -> tuple[float | None, ...]:
    """Return the median, both ends of the interval asked for and both of the 90 % one; None: beyond the horizon.

    The back-test widens the interval, the middle stays where the model has it.
    """
    limit_mb = question.limit_mb - basis.stretch.filled_mb
    plain, widened = (
        first_passage_hours(
            basis.course, limit_mb, _filling(basis.stretch), horizon_hours=horizon, spread_factor=factor
        )
        for factor in (1.0, spread)
    )
    stale = question.stale_hours
    middle = _quantile(plain, 0.5, stale)
    ends = []
    # Nobody sees the limit touched between two readings.
    step = basis.course.replay_step_hours
    for level in (question.level, WIDE_LEVEL):
        low = _quantile(widened - step, 0.5 - level / 2, stale)
        high = _quantile(widened + step, 0.5 + level / 2, stale)
        if middle is not None:
            low = middle if low is None else min(low, middle)
            high = None if high is None else max(high, middle)
        ends += [low, high]
    return middle, *ends


def _quantile(hits: Floats, share: float, stale_hours: float) -> float | None:
    hours = float(hits[min(int(share * hits.size), hits.size - 1)])
    return max(0.0, hours - stale_hours) if math.isfinite(hours) else None
