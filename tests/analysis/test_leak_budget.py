"""The budget of false alarms: e-values of slopes, and the bar over many processes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from memmon.analysis.leak.budget import (
    CHOICE_COUNT,
    SETTLING_HOURS,
    log_e_value,
    log_e_value_of_slope,
    within_budget,
)
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
            log_e_value_of_slope(_with(leak, slope=sigma * one, error=error, sample_count=sample_count))
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
    found = log_e_value_of_slope(_with(leak, slope=slope, error=error))
    assert found == pytest.approx(math.log(expected / CHOICE_COUNT), rel=1e-9)


def test_what_does_not_grow_has_no_e_value(leak):
    """A slope of none, or below, and a finding without one, are no evidence at all; a surer slope is more of it."""
    assert log_e_value_of_slope(_with(leak, slope=0.0, error=1.0)) == -math.inf
    assert log_e_value_of_slope(_with(leak, slope=-5.0, error=1.0)) == -math.inf
    assert (
        log_e_value_of_slope(replace(leak, slope_mb_per_hour=None, smallest_visible_slope_mb_per_hour=None))
        == -math.inf
    )
    surer = [
        log_e_value_of_slope(_with(leak, slope=20.0, error=error)) for error in (10.0, 5.0, 2.0, 1.0, 0.0)
    ]
    assert surer == sorted(surer)
    assert math.isfinite(surer[-1])


def _history(mb, *, step_hours=1 / 12):
    hours = np.arange(len(mb)) * step_hours
    noise = np.random.default_rng(7).normal(0, 0.3, hours.size)
    return History.from_arrays(at_seconds=1.77e9 + hours * 3600, rss_bytes=(np.asarray(mb) + noise) * 2**20)


def test_growth_that_a_young_process_ends_by_itself_is_no_evidence(leak):
    """Over starts, caches and first days that end ever later, the mean of the e-values is one, whenever one looks."""
    sure = _with(leak, slope=50.0, error=0.01)
    lengths = -SETTLING_HOURS * np.log1p(-(np.arange(200_000) + 0.5) / 200_000)
    for looked_at in (2.0, 6.0, 12.0):
        evidence = math.exp(log_e_value(replace(sure, risen_after_hours=looked_at)))
        assert float(np.mean(lengths > looked_at)) * evidence == pytest.approx(1.0, rel=0.03)


def test_of_a_thousand_processes_a_young_one_must_grow_for_a_day():
    """A straight rise from the start on is no alarm within 23 h at a budget of three for a thousand; after a day it is one."""
    rise = 300 + 20 * np.arange(0, 30, 1 / 12)
    told = {}
    for hours in (6, 12, 23, 24, 30):
        finding = detect_leak(_history(rise[: hours * 12 + 1]))
        assert finding.is_leak
        told[hours] = within_budget([log_e_value(finding)], 3.0, process_count=1000)[0]
    assert told == {6: False, 12: False, 23: False, 24: True, 30: True}


def test_a_process_that_was_level_for_days_is_heard_within_hours():
    """What begins to leak after three healthy days is an alarm of a thousand six hours later, as without a budget."""
    hours = np.arange(0, 78 + 1e-9, 1 / 12)
    finding = detect_leak(_history(300 + 20 * np.maximum(hours - 72, 0)))
    assert finding.is_leak
    assert finding.risen_after_hours == pytest.approx(77.4, abs=0.5)
    assert finding.duration_hours < 10
    assert within_budget([log_e_value(finding)], 3.0, process_count=1000)[0]


def test_a_hold_adds_no_evidence():
    """Growth that pauses is held with the evidence that it had: that of a process as old as it was when it last grew."""
    hours = np.arange(0, 40, 1 / 12)
    finding = detect_leak(_history(300 + 40 * np.clip(hours - 8, 0, 10)))
    assert (finding.is_leak, finding.reason) == (True, "held")
    assert finding.paused_hours > 15
    assert finding.risen_after_hours < 19
    assert log_e_value(finding) < 19 / SETTLING_HOURS
    assert not within_budget([log_e_value(finding)], 3.0, process_count=1000)[0]


def test_restarts_are_as_old_as_one_of_them():
    """Ten runs of six hours that each grow say together that growth is there, and no more of how it ends than one run."""
    hours = np.arange(0, 60, 1 / 12)
    run, uptime = (hours // 6).astype(int), hours % 6
    noise = np.random.default_rng(7).normal(0, 0.3, hours.size)
    finding = detect_leak(
        History.from_arrays(
            at_seconds=1.77e9 + hours * 3600,
            rss_bytes=(300 + 20 * uptime + noise) * 2**20,
            run_id=run,
            uptime_seconds=uptime * 3600,
        )
    )
    assert (finding.is_leak, finding.window.kind) == (True, "pooled")
    assert finding.risen_after_hours < 6
    assert log_e_value(finding) < 6 / SETTLING_HOURS < log_e_value_of_slope(finding)


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
