"""Least squares with HAC errors: numpy's closed form and statsmodels agree."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.analysis.stats.newey_west import ols_newey_west
from memmon.analysis.stats.statsmodels_gate import local_linear_trend_forecast, ols_hac

FIELDS = (
    "slope_mb_per_hour",
    "slope_low_mb_per_hour",
    "slope_high_mb_per_hour",
    "standard_error_mb_per_hour",
    "intercept_mb",
    "r_squared",
)


def autoregression(size, memory, seed):
    noise = np.random.default_rng(seed).normal(size=size)
    values = np.empty(size)
    level = 0.0
    for place in range(size):
        level = memory * level + noise[place]
        values[place] = level
    return values


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(4, 400),
    memory=st.sampled_from([0.0, 0.9, 1.0]),
    slope=st.sampled_from([0.0, -3.0, 25.0]),
    max_lags=st.sampled_from([None, 0, 1, 12]),
    confidence=st.sampled_from([0.8, 0.95]),
)
def test_the_closed_form_equals_statsmodels(seed, size, memory, slope, max_lags, confidence):
    """Slope, interval, error, intercept and R squared agree to nine digits for any noise and any lags."""
    hours = np.cumsum(np.random.default_rng(seed + 1).uniform(0.02, 0.3, size))
    values = 250.0 + slope * hours + autoregression(size, memory, seed)
    ours = ols_newey_west(hours, values, confidence=confidence, max_lags=max_lags)
    theirs = ols_hac(hours, values, confidence=confidence, max_lags=max_lags)
    assert ours.lag_count == theirs.lag_count
    for field in FIELDS:
        assert getattr(ours, field) == pytest.approx(getattr(theirs, field), rel=1e-9, abs=1e-9), field


def test_the_numbers_are_those_of_a_plain_statsmodels_call():
    """An analyst who writes the regression down finds our numbers."""
    from statsmodels.api import OLS, add_constant

    hours = np.arange(300) / 12
    values = 100 + 4 * hours + autoregression(300, 0.8, 5)
    ours = ols_hac(hours, values)
    result = OLS(values, add_constant(hours)).fit(
        cov_type="HAC", cov_kwds={"maxlags": ours.lag_count, "use_correction": True}, use_t=True
    )
    assert ours.slope_mb_per_hour == pytest.approx(result.params[1], rel=1e-9)
    assert ours.intercept_mb == pytest.approx(result.params[0], rel=1e-9)
    assert ours.standard_error_mb_per_hour == pytest.approx(result.bse[1], rel=1e-9)
    assert (ours.slope_low_mb_per_hour, ours.slope_high_mb_per_hour) == pytest.approx(
        tuple(result.conf_int()[1]), rel=1e-9
    )


def test_strong_memory_gets_more_lags_and_a_wider_interval():
    """The automatic lag rule follows the memory of the residuals."""
    hours = np.arange(576) / 12
    white, red = autoregression(576, 0.0, 1), autoregression(576, 0.95, 1)
    assert ols_newey_west(hours, red).lag_count > 3 * ols_newey_west(hours, white).lag_count
    short = ols_newey_west(hours, red, max_lags=5)
    assert ols_newey_west(hours, red).standard_error_mb_per_hour > short.standard_error_mb_per_hour


@pytest.mark.parametrize("fit", [ols_newey_west, ols_hac])
@pytest.mark.parametrize(
    ("hours", "values"),
    [
        ([], []),
        ([1.0], [2.0]),
        ([0, 1, 2], [1, 2, 3]),
        ([1.0] * 20, list(range(20))),
        ([0, 1, 2, 3, 4], [np.nan, np.inf, 1, np.nan, 2]),
    ],
)
def test_too_little_for_a_line_is_none(fit, hours, values):
    """Fewer than four usable points, or all at one time: None, not a warning."""
    assert fit(hours, values) is None


@pytest.mark.parametrize("fit", [ols_newey_west, ols_hac])
@pytest.mark.parametrize("slope", [0.0, 2.0])
def test_a_perfect_line_has_no_error_and_no_nan(fit, slope):
    """Without residuals the interval shrinks to the slope."""
    hours = np.arange(50.0)
    trend = fit(hours, 10 + slope * hours)
    assert trend.slope_mb_per_hour == pytest.approx(slope, abs=1e-12)
    assert trend.slope_low_mb_per_hour == pytest.approx(slope, abs=1e-9)
    assert trend.slope_high_mb_per_hour == pytest.approx(slope, abs=1e-9)


@pytest.mark.parametrize("fit", [ols_newey_west, ols_hac])
def test_missing_values_are_left_out(fit):
    """NaN readings change nothing."""
    hours = np.arange(60.0)
    values = 5 * hours + autoregression(60, 0.5, 3)
    holed_hours, holed = np.append(hours, 60.0), np.append(values, np.nan)
    assert fit(holed_hours, holed) == fit(hours, values)


def test_arrays_of_different_length_are_refused():
    """A mistake of the caller is an error, not a result."""
    with pytest.raises(ValueError, match="of one length"):
        ols_newey_west([1, 2, 3], [1, 2])


def test_the_local_linear_trend_continues_a_trend():
    """A noisy line goes on as a line, and its interval widens."""
    values = 100 + 2.0 * np.arange(80) + np.random.default_rng(2).normal(size=80)
    forecast = local_linear_trend_forecast(values, step_count=40, level=0.9)
    assert forecast.converged
    assert forecast.median_mb[-1] == pytest.approx(100 + 2.0 * 119, abs=6)
    width = forecast.high_mb - forecast.low_mb
    assert (np.diff(width) > 0).all()
    assert forecast.low_mb[-1] < 100 + 2.0 * 119 < forecast.high_mb[-1]


def test_the_local_linear_trend_bears_gaps():
    """NaN stands for a block without readings."""
    values = 100 + 2.0 * np.arange(80) + np.random.default_rng(2).normal(size=80)
    values[30:45] = np.nan
    forecast = local_linear_trend_forecast(values, step_count=5)
    assert forecast.median_mb[0] == pytest.approx(260, abs=6)


@pytest.mark.parametrize("values", [[], [1.0] * 5, [3.0] * 50, [np.nan] * 50])
def test_nothing_to_forecast_from_is_none(values):
    """Too short, constant or empty: None, not a warning."""
    assert local_linear_trend_forecast(values, step_count=3) is None


def test_statsmodels_loads_only_when_a_model_is_fitted():
    """Importing the module, or the closed form, costs nothing of statsmodels, scipy or pandas."""
    code = (
        "import sys; import memmon.analysis.stats.statsmodels_gate, memmon.analysis.stats.newey_west, memmon.analysis.robust;"
        "memmon.analysis.stats.newey_west.ols_newey_west(range(9), [1,2,1,2,3,2,3,4,3]);"
        "assert not {'statsmodels', 'scipy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
