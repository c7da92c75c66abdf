"""The budget of false alarms: e-values of slopes, and the bar over many processes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from memmon.analysis.leak.budget import CHOICE_COUNT, log_e_value, within_budget
from memmon.analysis.leak.detect import detect_leak
from memmon.history import History


@pytest.fixture(scope="module")
def leak():
    """The finding of a day of 20 MB/h."""
    hours = np.arange(0, 24, 1 / 12)
    noise = np.random.default_rng(3).normal(0, 1.0, hours.size)
    return detect_leak(
        History.from_arrays(at_seconds=1.77e9 + hours * 3600, rss_bytes=(300 + 20 * hours + noise) * 2**20)
    )


def _with(leak, *, slope, error, sample_count=288):
    return replace(
        leak,
        slope_mb_per_hour=slope,
        smallest_visible_slope_mb_per_hour=2.84 * error,
        sample_count=sample_count,
    )


@pytest.mark.parametrize("sample_count", [15, 27, 48, 288])
@pytest.mark.parametrize("sigma", [0.5, 2.0, 10.0, 50.0, 200.0])
def test_an_e_value_is_one_at_most_in_the_mean_where_nothing_grows(leak, sigma, sample_count):
    """Over slopes drawn round none, with errors estimated from as many blocks, the mean of the e-values is at most one."""
    from scipy import stats

    freedom = max(min(48, sample_count // 3) - 3, 2)
    total, at = 0.0, (np.arange(25) + 0.5) / 25
    z = np.linspace(0.05, 12.0, 240)  # of the true error; what is below zero has none
    for error in (sigma * np.sqrt(stats.chi2.ppf(at, freedom) / freedom)).tolist():
        values = [
            log_e_value(_with(leak, slope=sigma * one, error=error, sample_count=sample_count))
            for one in z.tolist()
        ]
        weights = stats.norm.pdf(z) * (z[1] - z[0])
        total += float(np.exp(values) @ weights) * CHOICE_COUNT
    assert 0.02 < total / at.size <= 1.0


def test_an_e_value_is_that_of_the_two_densities_of_t(leak):
    """It is the density of t, spread as the mixed slopes spread it, over that of t itself, over the number of choices."""
    from scipy import stats

    slope, error, freedom = 17.0, 4.0, 45
    spread = math.sqrt(1 + (2 * 10.0 / error) ** 2)
    expected = stats.t.pdf(slope / error / spread, freedom) / spread / stats.t.pdf(slope / error, freedom)
    found = log_e_value(_with(leak, slope=slope, error=error))
    assert found == pytest.approx(math.log(expected / CHOICE_COUNT), rel=1e-9)


def test_what_does_not_grow_has_no_e_value(leak):
    """A slope of none, or below, and a finding without one, are no evidence at all; a surer slope is more of it."""
    assert log_e_value(_with(leak, slope=0.0, error=1.0)) == -math.inf
    assert log_e_value(_with(leak, slope=-5.0, error=1.0)) == -math.inf
    assert (
        log_e_value(replace(leak, slope_mb_per_hour=None, smallest_visible_slope_mb_per_hour=None))
        == -math.inf
    )
    surer = [log_e_value(_with(leak, slope=20.0, error=error)) for error in (10.0, 5.0, 2.0, 1.0, 0.0)]
    assert surer == sorted(surer)
    assert math.isfinite(surer[-1])


def test_the_bar_rises_with_processes_and_falls_with_the_budget():
    """One leak among 1,000 processes must reach 1,000 * 720 / 3 at a budget of three a month, and no less."""
    bar = math.log(1000 * 720 / 3)
    others = [-math.inf] * 999
    assert within_budget([bar + 1e-9, *others], 3.0)[0]
    assert not within_budget([bar - 1e-9, *others], 3.0)[0]
    assert within_budget([bar - 1e-9, *others], 3.1)[0]
    assert within_budget([bar - 1e-9, *others[:-1]], 3.0)[0]
    assert not within_budget([bar - 1e-9], 3.0, process_count=1000)[0]


def test_many_leaks_at_once_need_less_each():
    """Of k equal leaks each needs the k-th part, and what is weaker than all of them is not carried along."""
    bar = math.log(1000 * 720 / 3)
    several = [bar - math.log(10) + 1e-9] * 10
    assert within_budget([*several, *[-math.inf] * 990], 3.0) == (*[True] * 10, *[False] * 990)
    assert not any(within_budget([*several[:-1], *[-math.inf] * 991], 3.0))
    weaker = [bar, bar - math.log(2), 1.0, -math.inf]
    assert within_budget([*weaker, *[-math.inf] * 996], 3.0) == (True, True, False, *[False] * 997)


@pytest.mark.parametrize("budget", [0.0, -1.0, math.nan, math.inf])
def test_a_budget_that_is_none_is_refused(budget):
    """A budget of nothing, below it, or no number at all says what is wrong."""
    with pytest.raises(ValueError, match="false_alarms_per_month must be a finite number above zero"):
        within_budget([1.0], budget)
