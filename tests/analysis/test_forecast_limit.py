"""The forecast: when memory reaches a limit, with an interval that holds."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.analysis.forecast import limit as forecast_module
from memmon.analysis.forecast.limit import backtest_forecast, forecast_limit, forecast_readings
from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.finding import LeakPolicy
from memmon.history import History
from memmon.units import MIB

START_SECONDS = 1_767_225_600.0
STEP_HOURS = 1 / 12


def autoregression(size, memory, sd, seed):
    """Return a stationary AR(1)."""
    shocks = np.random.default_rng(seed).normal(0, sd * math.sqrt(1 - memory**2), size)
    values = np.empty(size)
    level = 0.0
    for place in range(size):
        level = memory * level + shocks[place]
        values[place] = level
    return values


def history_of(mb, *, step_hours=STEP_HOURS, **columns):
    hours = np.arange(len(mb)) * step_hours
    return History.from_arrays(
        at_seconds=START_SECONDS + hours * 3600, rss_bytes=np.asarray(mb) * MIB, source="bot", **columns
    )


def leak(hours, rate, *, memory=0.5, sd=1.0, seed=1, base=300.0):
    times = np.arange(round(hours / STEP_HOURS) + 1) * STEP_HOURS
    return base + rate * times + autoregression(times.size, memory, sd, seed)


def numbers_of(value):
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers_of(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers_of(item)]
    return [value] if isinstance(value, float) else []


def test_a_steady_leak_is_continued_to_the_limit():
    """20 MB/h with 400 MB of room: 20 hours, and the interval holds the truth."""
    forecast = forecast_limit(history_of(leak(24, 20)), (300 + 20 * 44) * MIB)
    assert forecast.state == "dated"
    assert forecast.hours_to_limit == pytest.approx(20, rel=0.03)
    assert forecast.hours_to_limit_low < 20 < forecast.hours_to_limit_high
    assert forecast.level == 0.8
    assert forecast.slope_mb_per_hour == pytest.approx(20, rel=0.02)
    assert forecast.at == forecast.as_of + timedelta(hours=forecast.hours_to_limit)
    assert "in about" in forecast.summary


def test_the_interval_of_the_time_to_the_limit_holds():
    """Over 60 seeded leaks in autocorrelated noise the 90 % interval covers at least 50 first touches."""
    hits, errors = 0, []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rate, memory, sd = rng.uniform(5, 40), rng.uniform(0.3, 0.97), rng.uniform(0.5, 8)
        mb = leak(80, rate, memory=memory, sd=sd, seed=seed + 1000)
        seen = 24 * 12 + 1
        limit_mb = 300 + rate * rng.uniform(32, 60)
        touched = np.flatnonzero(mb[seen:] >= limit_mb)
        truth = (touched[0] + 1) * STEP_HOURS
        forecast = forecast_limit(history_of(mb[:seen]), limit_mb * MIB, level=0.9)
        low = forecast.hours_to_limit_low - STEP_HOURS
        high = math.inf if forecast.hours_to_limit_high is None else forecast.hours_to_limit_high
        hits += low <= truth <= high + STEP_HOURS
        errors.append(abs(forecast.hours_to_limit / truth - 1))
    assert hits >= 50
    assert np.median(errors) <= 0.05


def test_readings_ahead_stay_inside_their_interval():
    """The 90 % interval of single readings a day ahead covers at least 50 of 60, and is not absurdly wide."""
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        sd = rng.uniform(1, 8)
        mb = leak(48, rng.uniform(0, 20), memory=rng.uniform(0.3, 0.97), sd=sd, seed=seed)
        curve = forecast_readings(history_of(mb[: 24 * 12 + 1]), (24.0,), level=0.9)
        hits += curve.low_mb[0] <= mb[-1] <= curve.high_mb[0]
        assert curve.high_mb[0] - curve.low_mb[0] < 60 * sd
    assert hits >= 50


@pytest.mark.parametrize("mb", [np.full(288, 250.0), leak(24, 0, sd=0.3), leak(24, -5.0)])
def test_memory_that_does_not_grow_never_reaches_the_limit(mb):
    """Constant, steady and falling memory: never within the horizon, which is named once."""
    forecast = forecast_limit(history_of(mb), 4096 * MIB)
    assert forecast.state == "never"
    assert (forecast.hours_to_limit, forecast.hours_to_limit_low, forecast.hours_to_limit_high) == (
        None,
        None,
        None,
    )
    assert forecast.summary.count("never") == 0
    assert "does not reach the limit of 4,096 MB within" in forecast.summary


def test_a_limit_at_or_below_the_present_value_is_reached_now():
    """Zero hours, and the state says so; also with too little history for a trend."""
    for mb in (leak(24, 20), [300.0, 301.0]):
        forecast = forecast_limit(history_of(mb), 250 * MIB)
        assert forecast.state == "reached"
        assert (forecast.hours_to_limit, forecast.hours_to_limit_low, forecast.hours_to_limit_high) == (
            0,
            0,
            0,
        )
        assert forecast.headroom_bytes < 0
        assert "already" in forecast.summary


@pytest.mark.parametrize("mb", [[], [300.0], list(np.linspace(300, 320, 20)), leak(0.9, 50)])
def test_too_little_history_says_so(mb):
    """No sample, one, less than 24, less than an hour: cannot say, and nothing is invented."""
    forecast = forecast_limit(history_of(mb), 4096 * MIB)
    assert forecast.state == "cannot_say"
    assert forecast.hours_to_limit is None
    assert forecast.summary.startswith("Cannot say yet")
    assert "never" not in " ".join([forecast.summary, *forecast.details])


def test_a_short_run_whose_growth_slows_has_a_level():
    """Three bent hours end at their level, which is told; three straight ones go on."""
    times = np.arange(37) / 12
    warming = 200 + 100 * (1 - np.exp(-times / 0.7)) + autoregression(37, 0, 0.1, 1)
    bent = forecast_limit(history_of(warming), 1000 * MIB)
    assert (bent.state, bent.hours_to_limit) == ("never", None)
    assert bent.plateau_bytes == pytest.approx(300 * MIB, rel=0.01)
    straight = 200 + 50 * times + autoregression(37, 0, 0.1, 1)
    assert forecast_limit(history_of(straight), 1000 * MIB).hours_to_limit == pytest.approx(13, rel=0.05)


def test_growth_that_has_ended_is_not_continued():
    """A cache that filled in the first ten of 24 hours does not reach the limit."""
    times = np.arange(289) / 12
    mb = 200 + 30 * np.minimum(times, 10) + autoregression(289, 0.3, 0.5, 2)
    assert forecast_limit(history_of(mb), 700 * MIB).hours_to_limit is None


def test_a_leak_that_began_yesterday_is_continued_at_its_own_pace():
    """The slope is that of the last day, not of the quiet days before."""
    times = np.arange(120 * 12) / 12
    mb = 300 + 20 * np.maximum(times - 80, 0) + autoregression(times.size, 0.5, 1.0, 4)
    forecast = forecast_limit(history_of(mb), (300 + 20 * 40 + 200) * MIB)
    assert forecast.hours_to_limit == pytest.approx(10, rel=0.1)


def test_only_the_present_run_counts():
    """After a restart the growth of the run before is no evidence about this one."""
    mb = np.concatenate([leak(24, 40), np.full(288, 300.0)])
    run_id = np.repeat([1, 2], [289, 288])
    uptime = np.concatenate([np.arange(289), np.arange(288)]) * 300.0
    history = history_of(mb, run_id=run_id, uptime_seconds=uptime)
    forecast = forecast_limit(history, 2000 * MIB)
    assert forecast.hours_to_limit is None
    assert forecast.sample_count == 288


def test_bounded_deques_stop_growing_when_they_are_full():
    """Growth explained by registered deques ends at their capacity; unregistered it goes on."""
    times = np.arange(289) / 12
    held = 10.0 * times
    mb = 200 + held + autoregression(289, 0.3, 0.3, 5)
    filling = history_of(mb, deque_bytes=held * MIB, deque_capacity_bytes=np.full(289, 300 * MIB))
    forecast = forecast_limit(filling, 600 * MIB)
    assert forecast.hours_to_limit is None
    assert forecast.deques_full_hours == pytest.approx(6, rel=0.05)
    assert forecast_limit(history_of(mb), 600 * MIB).hours_to_limit == pytest.approx(16, rel=0.05)
    assert forecast_limit(filling, 470 * MIB).hours_to_limit == pytest.approx(3, rel=0.1)
    assert forecast_limit(filling, 480 * MIB).state == "cannot_say"  # sizes are known to 40 %


@pytest.mark.parametrize("error", [0.1, 0.4])
def test_deques_make_the_level_that_their_sizes_say_whatever_the_error(error):
    """The level is the middle of what they can take at least and at most, and its ends are these two."""
    held = 10.0 * np.arange(289) / 12
    room = 300.0 - held
    filling = history_of(
        200 + held + autoregression(289, 0.3, 0.3, 5),
        deque_bytes=held * MIB,
        deque_capacity_bytes=(held + (1 - error) * room) * MIB,
        deque_most_capacity_bytes=(held + (1 + error) * room) * MIB,
    )
    forecast = forecast_limit(filling, 900 * MIB)
    assert forecast.deques_full_hours == pytest.approx(6, rel=0.05)
    ends = (forecast.plateau_low_bytes, forecast.plateau_bytes, forecast.plateau_high_bytes)
    assert [one / MIB for one in ends] == pytest.approx([500 - 60 * error, 500, 500 + 60 * error], abs=2.0)


def test_a_daily_cycle_is_continued_too():
    """With three days of history the limit is touched at a daily peak, before the line gets there."""
    times = np.arange(120 * 12) / 12
    mb = 300 + 5 * times + 60 * np.sin(2 * np.pi * times / 24) + autoregression(times.size, 0.5, 1.0, 6)
    seen = 72 * 12 + 1
    limit_mb = 300 + 5 * 110
    truth = (np.flatnonzero(mb[seen:] >= limit_mb)[0] + 1) / 12
    forecast = forecast_limit(history_of(mb[:seen]), limit_mb * MIB)
    assert truth < 36
    assert forecast.hours_to_limit == pytest.approx(truth, rel=0.05)


def test_readings_every_few_seconds_are_thinned_but_not_their_peaks():
    """A day at 2 s forecasts as the same day at 5 min does; a peak between thinned readings still counts."""
    step_hours = 2 / 3600
    times = np.arange(43_200) * step_hours
    mb = 300 + 20 * times + autoregression(times.size, 0.9, 0.5, 7)
    forecast = forecast_limit(history_of(mb, step_hours=step_hours), (300 + 20 * 44) * MIB)
    assert forecast.hours_to_limit == pytest.approx(20, rel=0.02)
    mb[101::300] += 100
    spiky = forecast_limit(history_of(mb, step_hours=step_hours), (300 + 20 * 44) * MIB)
    assert spiky.hours_to_limit == pytest.approx(15, rel=0.05)


def test_a_later_now_brings_the_limit_nearer():
    """Hours count from `now`; samples after it are not known yet."""
    history = history_of(leak(24, 20))
    last = history.last_at
    at_last = forecast_limit(history, 1200 * MIB)
    later = forecast_limit(history, 1200 * MIB, now=last + timedelta(hours=2))
    assert later.hours_to_limit == pytest.approx(at_last.hours_to_limit - 2, abs=1e-6)
    earlier = forecast_limit(history, 1200 * MIB, now=last - timedelta(hours=6))
    assert earlier.sample_count < at_last.sample_count
    assert earlier.hours_to_limit == pytest.approx(at_last.hours_to_limit + 6, rel=0.1)
    overdue = forecast_limit(history, 1200 * MIB, now=last + timedelta(days=3))
    assert overdue.hours_to_limit == 0


def test_a_later_now_brings_the_limit_of_bent_growth_nearer_too():
    """The date of growth that levels off above the limit stays the same, whenever it is asked for."""
    hours = np.arange(12 * 12) * STEP_HOURS
    mb = 200 + 800 * (1 - np.exp(-hours / 14)) + autoregression(hours.size, 0.5, 0.5, 3)
    history = history_of(mb)
    at_last = forecast_limit(history, 800 * MIB)
    later = forecast_limit(history, 800 * MIB, now=history.last_at + timedelta(hours=1))
    assert at_last.state == later.state == "dated"
    assert at_last.plateau_bytes is not None
    assert abs((later.at - at_last.at).total_seconds()) < 60


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), rate=st.floats(-10, 40), sd=st.floats(0, 10), room=st.floats(5, 500))
def test_a_higher_limit_is_never_reached_sooner(seed, rate, sd, room):
    """Hours rise with the limit, a wider level gives a wider interval, and no number is NaN."""
    history = history_of(leak(12, rate, sd=sd, seed=seed))
    peak = float(history.rss_bytes.max())
    near, far = (forecast_limit(history, peak + extra * MIB, level=0.8) for extra in (room, 2 * room))
    wide = forecast_limit(history, peak + room * MIB, level=0.95)
    for name in ("hours_to_limit", "hours_to_limit_low", "hours_to_limit_high"):
        values = [math.inf if getattr(one, name) is None else getattr(one, name) for one in (near, far)]
        assert values[0] <= values[1] * (1 + 1e-9) + STEP_HOURS
    if near.hours_to_limit_low is not None:
        assert wide.hours_to_limit_low <= near.hours_to_limit_low * 1.1 + STEP_HOURS
    for number in numbers_of(near.to_dict()):
        assert math.isfinite(number)
    json.dumps(near.to_dict())


@settings(deadline=None, max_examples=40)
@given(
    values=st.lists(st.floats(0, 2**50, allow_nan=False), min_size=24, max_size=80),
    steps=st.lists(st.floats(0.001, 5), min_size=24, max_size=80),
    limit=st.floats(1, 2**60),
)
def test_any_readings_give_a_forecast_without_warning_or_nan(values, steps, limit):
    """Jumps over fifteen orders of magnitude, uneven times: a state, finite numbers, an order of the hours."""
    size = min(len(values), len(steps))
    history = History.from_arrays(
        at_seconds=START_SECONDS + np.cumsum(steps[:size]) * 3600, rss_bytes=np.array(values[:size])
    )
    forecast = forecast_limit(history, limit)
    for number in numbers_of(forecast.to_dict()):
        assert math.isfinite(number)
    hours = [forecast.hours_to_limit_low, forecast.hours_to_limit, forecast.hours_to_limit_high]
    ordered = [math.inf if one is None else one for one in hours]
    assert ordered == sorted(ordered)


def test_the_same_history_gives_the_same_forecast():
    """Simulated courses are seeded."""
    history = history_of(leak(24, 8, sd=6, memory=0.9))
    assert forecast_limit(history, 700 * MIB) == forecast_limit(history, 700 * MIB)


@pytest.mark.parametrize("limit", [0, -1, math.nan, math.inf])
def test_a_limit_that_is_none_is_refused(limit):
    """NaN, infinity, zero and below raise a ValueError that names the argument."""
    with pytest.raises(ValueError, match="limit_bytes"):
        forecast_limit(history_of(leak(24, 20)), limit)


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
def test_a_level_outside_its_range_is_refused(level):
    """The same for the probability of the interval, in every function that takes one."""
    history = history_of(leak(24, 20))
    for call in (
        lambda: forecast_limit(history, 2**40, level=level),
        lambda: backtest_forecast(history, level=level),
        lambda: forecast_readings(history, (1.0,), level=level),
    ):
        with pytest.raises(ValueError, match="level"):
            call()


def test_a_naive_now_is_refused():
    """A time without a zone means nothing here."""
    with pytest.raises(ValueError, match="timezone-aware"):
        forecast_limit(history_of(leak(24, 20)), 2**40, now=datetime(2026, 1, 2))  # noqa: DTZ001 - what is refused


def test_a_now_before_the_history_says_nothing():
    """Nothing was known then."""
    forecast = forecast_limit(history_of(leak(24, 20)), 2**40, now=datetime(2020, 1, 1, tzinfo=UTC))
    assert forecast.state == "cannot_say"


def test_the_back_test_shows_how_earlier_forecasts_did():
    """On a steady leak earlier forecasts were close; where the course kept changing the interval is widened."""
    steady = backtest_forecast(history_of(leak(24, 20)))
    assert steady.origin_count >= 4
    assert steady.median_error_mb < 3
    assert steady.spread_factor < 1.3
    times = np.arange(289) / 12
    sudden = 300 + 30 * np.maximum(times - 16, 0) + autoregression(289, 0.5, 1.0, 3)
    shaken = backtest_forecast(history_of(sudden))
    assert shaken.spread_factor > 1.5
    assert shaken.coverage < steady.coverage
    assert backtest_forecast(history_of(leak(1.5, 20))) is None


def test_the_back_test_widens_the_interval_of_the_forecast(monkeypatch):
    """A history whose earlier forecasts failed gets a wider interval round the same middle."""
    times = np.arange(289) / 12
    history = history_of(300 + 30 * np.maximum(times - 16, 0) + autoregression(289, 0.5, 1.0, 3))
    tested = forecast_limit(history, 3000 * MIB)
    assert any("Back-test" in line for line in tested.details)
    monkeypatch.setattr(forecast_module, "backtest_stretch", lambda stretch, *, level: None)
    untested = forecast_limit(history, 3000 * MIB)
    assert untested.hours_to_limit == tested.hours_to_limit
    # Readings come every five minutes: one end may stay at the same reading, both where the limit is near.
    assert tested.hours_to_limit_low <= untested.hours_to_limit_low
    assert tested.hours_to_limit_high >= untested.hours_to_limit_high
    widths = [one.hours_to_limit_high - one.hours_to_limit_low for one in (tested, untested)]
    assert widths[0] > widths[1]


def test_the_cross_check_asks_a_second_model():
    """The local linear trend agrees about a clean leak; without asking there is none."""
    history = history_of(leak(24, 20))
    forecast = forecast_limit(history, 1200 * MIB, cross_check=True)
    assert forecast.cross_check.hours_to_limit == pytest.approx(forecast.hours_to_limit, rel=0.1)
    assert forecast.cross_check.agrees
    assert forecast.cross_check.summary in forecast.details
    assert forecast_limit(history, 1200 * MIB).cross_check is None


def test_a_forecast_needs_no_more_than_numpy():
    """Without the cross-check neither pandas, scipy nor statsmodels load, nor numpy.random."""
    code = (
        "import sys, numpy as np; of_numpy = set(sys.modules); from memmon.history import History;"
        "from memmon.analysis.forecast.limit import forecast_limit;"
        "t = np.arange(300.0) * 300; h = History.from_arrays(at_seconds=t, rss_bytes=3e8 + t * 1e3);"
        "assert forecast_limit(h, 2**30).state == 'dated';"
        "brought = set(sys.modules) - of_numpy;"  # numpy 1.26 brings numpy.random at once
        "assert not {'statsmodels', 'scipy', 'pandas', 'numpy.random'} & brought"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_forecast_looks_as_far_back_as_its_verdict():
    """A leak judged over ten days is continued from its onset, whatever the usual look-back is."""
    mb = leak(240, 4.0, memory=0.9, sd=6.0)
    history = history_of(mb)
    policy = LeakPolicy(look_back_hours=300.0)
    judged = detect_leak(history, policy)
    forecast = forecast_limit(history, 2_000 * MIB, policy=policy)
    assert forecast == forecast_limit(history, 2_000 * MIB, finding=judged)
    assert forecast.window_hours > 200.0


@pytest.mark.parametrize("limit_gb", [4, 16, 32])
def test_a_leak_has_a_date_however_far_its_limit_is(limit_gb):
    """A day of a leak of 20 MB/hour gets the date of a limit that is weeks or months away, and never `never`."""
    history = history_of(leak(24, 20.0))
    forecast = forecast_limit(history, limit_gb * 1024 * MIB)
    assert forecast.state == "dated"
    assert forecast.hours_to_limit == pytest.approx((limit_gb * 1024 - 300 - 480) / 20.0, rel=0.03)
    assert forecast.hours_to_limit_low < forecast.hours_to_limit < (forecast.hours_to_limit_high or math.inf)
