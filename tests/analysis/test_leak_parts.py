"""The parts that the verdict is made of: blocks, noise, onset, steps, rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.analysis.leak.envelope import block_minima, median_slope
from memmon.analysis.leak.evidence import whole_evidence
from memmon.analysis.leak.onset import find_onset
from memmon.analysis.leak.pool import pool_trends, rule_pool
from memmon.analysis.leak.recent import recent_trends
from memmon.analysis.leak.rules import DEMANDS, Demands, margin_for, rule
from memmon.analysis.leak.series import run_series
from memmon.analysis.leak.shape import find_steps, lasting_slope
from memmon.analysis.leak.trend import fit_trend
from memmon.analysis.stats.noise import fit_noise, t_quantile, weights_error
from memmon.history import History
from memmon.units import MIB


def grid(length_hours):
    return np.arange(0, length_hours + 1e-9, 1 / 12)


def run_of(hours, mb):
    return run_series(History.from_arrays(at_seconds=hours * 3600, rss_bytes=mb * MIB), warm_up_hours=1.0)


def ar1(rng, count, phi, sd=1.0):
    values = np.empty(count)
    value = rng.normal(0, sd)
    for index, shock in enumerate(rng.normal(0, sd * np.sqrt(1 - phi**2), count)):
        value = phi * value + shock
        values[index] = value
    return values


@pytest.mark.parametrize("freedom", [4, 6, 10, 30, 46, 200])
@pytest.mark.parametrize("probability", [0.9, 0.975, 0.995])
def test_t_quantiles_agree_with_scipy(probability, freedom):
    """The series stays within 1.5 % of scipy's Student quantile from 4 degrees of freedom on."""
    exact = scipy.stats.t.ppf(probability, freedom)
    assert t_quantile(probability, freedom) == pytest.approx(exact, rel=0.015)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_slopes_through_blocks_agree_with_scipy(values):
    """Theil-Sen on blocks is scipy's."""
    y = np.asarray(values)
    x = np.arange(y.size) * 0.5
    assert median_slope(x, y) == pytest.approx(scipy.stats.theilslopes(y, x).slope, rel=1e-9, abs=1e-9)


def test_block_minima_forget_teeth_and_bursts():
    """A sawtooth of 80 MB and bursts of 200 MB leave the slope of the floor alone."""
    hours = grid(24)
    burst = 200.0 * (np.arange(hours.size) % 37 == 0)
    blocks = block_minima(hours, 100 + 12 * hours + 80 * (hours / 0.4 % 1) + burst)
    assert median_slope(blocks.hours, blocks.mb) == pytest.approx(12, abs=0.2)
    assert 40 <= blocks.mb.size <= 49


@pytest.mark.parametrize(("phi", "sd"), [(0.0, 2.0), (0.6, 2.0), (0.95, 5.0)])
def test_errors_of_the_slope_are_what_they_say(phi, sd):
    """The error of the slope lies within a factor of the true scatter, never far below it."""
    rng = np.random.default_rng(5)
    x = np.arange(48.0)
    weights = (x - x.mean()) / float((x - x.mean()) @ (x - x.mean()))
    numbers = np.arange(48)
    slopes, errors = [], []
    for _ in range(400):
        y = ar1(rng, 48, phi, sd)
        slope = float(weights @ y)
        slopes.append(slope)
        left = y - y.mean() - slope * (x - x.mean())
        errors.append(weights_error(weights, numbers, fit_noise(left, numbers)))
    true = float(np.std(slopes))
    assert 0.85 * true < np.median(errors) < 2.2 * true


def test_a_random_walk_is_taken_for_one():
    """Noise that can't be told from a random walk gets a random walk's error."""
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(50):
        walk = np.cumsum(rng.normal(0, 1, 48))
        x = np.arange(48.0)
        left = walk - np.polyval(np.polyfit(x, walk, 1), x)
        hits += fit_noise(left, np.arange(48)).is_random_walk
    assert hits >= 30


def test_gaps_between_blocks_count_as_time():
    """Missing blocks lengthen the distance: a walk with a gap has the variance of the whole way."""
    numbers = np.array([0, 1, 2, 10, 11, 12])
    weights = np.array([-1.0, 0, 0, 0, 0, 1.0])
    walk = fit_noise(np.array([0.0, 8, 16, 24, 32, 40.0]) - 20, numbers)
    assert walk.is_random_walk
    assert weights_error(weights, numbers, walk) == pytest.approx(walk.shock_mb * np.sqrt(12))


@pytest.mark.parametrize("begun", [10.0, 30.0, 55.0])
def test_the_onset_is_found_within_its_interval(begun):
    """A hinge in noise is dated, and in nine of ten histories the interval holds the truth."""
    held = found = 0
    for seed in range(40):
        hours = grid(72)
        rng = np.random.default_rng(seed)
        mb = 100 + 8 * np.maximum(hours - begun, 0) + ar1(rng, hours.size, 0.8, 3.0)
        blocks = block_minima(hours, mb)
        onset = find_onset(blocks.hours, blocks.mb)
        found += onset.found
        held += onset.earliest_hours <= begun <= onset.latest_hours
    assert found == 40
    assert held >= 34


def test_no_onset_is_seen_in_a_straight_line():
    """Growth as old as the series has no change-point."""
    hours = grid(48)
    mb = 100 + 5 * hours + ar1(np.random.default_rng(2), hours.size, 0.7, 2.0)
    blocks = block_minima(hours, mb)
    onset = find_onset(blocks.hours, blocks.mb)
    assert not onset.found
    assert onset.hours == onset.earliest_hours == blocks.hours[0]
    assert onset.latest_hours < 12


@pytest.mark.parametrize("memory", [0.9, 0.98])
def test_the_onsets_interval_knows_what_the_noise_remembers(memory):
    """Noise that wanders for hours turns by itself: the interval holds the truth all the same."""
    held = 0
    for seed in range(200):
        hours = grid(24)
        rng = np.random.default_rng([7, seed])
        begun = rng.uniform(6, 19)
        mb = 100 + 20 * np.maximum(hours - begun, 0) + ar1(rng, hours.size, memory, 12.0)
        blocks = block_minima(hours, mb)
        onset = find_onset(blocks.hours, blocks.mb, number=blocks.number)
        held += onset.earliest_hours <= begun <= onset.latest_hours
    assert held >= 180


def test_what_is_no_clear_onset_has_an_interval_still():
    """Growth that may be as old as the series may have begun later: the interval reaches to there."""
    held = unclear = 0
    for seed in range(120):
        hours = grid(24)
        rng = np.random.default_rng([8, seed])
        begun = rng.uniform(2, 8)
        mb = 100 + 20 * np.maximum(hours - begun, 0) + ar1(rng, hours.size, 0.97, 40.0)
        blocks = block_minima(hours, mb)
        onset = find_onset(blocks.hours, blocks.mb, number=blocks.number)
        if not onset.found:
            unclear += 1
            held += onset.earliest_hours <= max(begun, hours[0] + 0.25) and begun <= onset.latest_hours
    assert unclear >= 40
    assert held >= 0.93 * unclear


def test_a_day_that_may_turn_is_in_the_onsets_interval():
    """In one day a cycle can't be told from a turn: where a wave fits better, the hinges beside it count too."""
    held = {True: 0, False: 0}
    for seed in range(100):
        hours = grid(24)
        rng = np.random.default_rng([9, seed])
        begun = rng.uniform(8, 18)
        wave = 40 * np.cos(2 * np.pi * (hours - rng.uniform(0, 24)) / 24)
        mb = 100 + 20 * np.maximum(hours - begun, 0) + wave + rng.normal(0, 2.0, hours.size)
        blocks = block_minima(hours, mb)
        for may_hide in held:
            onset = find_onset(blocks.hours, blocks.mb, number=blocks.number, may_hide_days=may_hide)
            held[may_hide] += onset.earliest_hours <= begun <= onset.latest_hours
    assert held[True] >= 90
    assert held[False] < held[True] - 20


def test_steps_are_found_and_taken_out():
    """Two steps are seen where they are, and nothing is left between them."""
    hours = grid(24)
    mb = 100 + 60 * (hours > 7) + 40 * (hours > 15) + np.random.default_rng(3).normal(0, 0.5, hours.size)
    steps, rest = find_steps(fit_trend(hours, mb))
    assert sorted(round(step.hours) for step in steps) == [7, 15]
    assert sum(step.size_mb for step in steps) == pytest.approx(100, abs=4)
    assert abs(rest.slope) < 0.5


def test_a_warm_up_leaves_no_lasting_slope():
    """What an exponential approach explains does not last; a line beside it does."""
    hours = grid(24)
    warm = 300 * (1 - np.exp(-hours / 5)) + np.random.default_rng(4).normal(0, 0.5, hours.size)
    assert lasting_slope(hours, warm) < 1
    assert lasting_slope(hours, warm + 15 * hours) == pytest.approx(15, abs=2)


def test_margins_shrink_with_history():
    """The less history, the more standard errors; below four hours only straight growth."""
    assert [margin_for(hours) for hours in (3, 5, 8, 15, 24)] == [None, 5.0, 3.5, 2.0, 0.25]


@pytest.mark.parametrize(
    ("mb", "failed"),
    [
        (lambda hours: 5 * hours, "slope"),
        (lambda hours: 30 * np.minimum(hours, 16.0), "tail"),
        (lambda hours: 100 * np.maximum(hours - 16, 0), "margin"),
        (lambda hours: 20 * hours, ""),
    ],
)
def test_the_rule_names_the_demand_that_failed(mb, failed):
    """An alarm needs size, lasting growth and spread; the ruling says which is missing."""
    hours = grid(24)
    trend = fit_trend(hours, 100 + mb(hours) + np.random.default_rng(1).normal(0, 0.3, hours.size))
    ruling = rule(trend, 10.0, margin=0.75)
    assert ruling.failed == failed
    assert ruling.is_alarm == (not failed)


def test_pooled_runs_that_disagree_have_a_wider_error():
    """Runs with different slopes are worth less together than runs with the same."""
    hours = grid(6)
    rng = np.random.default_rng(9)

    def trends(slopes):
        return [fit_trend(hours, 100 + s * hours + rng.normal(0, 0.5, hours.size)) for s in slopes]

    same, apart = pool_trends(trends([20, 20, 20, 20]), 10.0), pool_trends(trends([5, 15, 25, 35]), 10.0)
    assert same.slope == pytest.approx(20, abs=0.5)
    assert apart.error > 5 * same.error
    assert rule_pool(same, 10.0).is_alarm
    assert not rule_pool(apart, 10.0).is_alarm


@pytest.mark.parametrize("change", [{"order": 0.35}, {"floor_mb": -1.0}])
def test_growth_that_falls_back_is_no_alarm(change):
    """Leaked memory does not come back: disorder or a low floor refuse the alarm."""
    hours = grid(24)
    trend = fit_trend(hours, 100 + 20 * hours + np.random.default_rng(1).normal(0, 0.3, hours.size))
    assert rule(trend, 10.0, margin=0.75).is_alarm
    assert rule(replace(trend, **change), 10.0, margin=0.75).failed == "order"


def test_one_stray_block_hides_no_leak():
    """A burst or a dip of half an hour says nothing of a day's growth; a demand on it can still be made."""
    hours = grid(24)
    trend = fit_trend(hours, 100 + 20 * hours + np.random.default_rng(1).normal(0, 0.3, hours.size))
    stray = replace(trend, widest_mb=1e4)
    assert rule(stray, 10.0, margin=0.25).is_alarm
    assert rule(stray, 10.0, margin=0.25, demands=Demands(widest_share=1.0)).failed == "order"


def test_a_slope_that_may_be_nothing_is_no_alarm():
    """Growth within one and a half standard errors of none is no leak, however fast it looks."""
    hours = grid(24)
    trend = fit_trend(hours, 100 + 60 * hours + np.random.default_rng(1).normal(0, 0.3, hours.size))
    assert rule(replace(trend, error=39.0), 10.0, margin=0.25).is_alarm
    assert rule(replace(trend, error=41.0), 10.0, margin=0.25).failed == "margin"


def test_floors_that_rise_throughout_are_sure_whatever_the_error():
    """A few jumps make the error of a day's growth as wide as the growth; its floors, which rise one after another, do not lie."""
    hours = grid(24)
    trend = fit_trend(hours, 100 + 60 * hours + np.random.default_rng(1).normal(0, 0.3, hours.size))
    unsure = replace(trend, error=41.0)
    assert unsure.rising_share == 1.0
    assert rule(unsure, 10.0, margin=0.25, known_hours=24.0).is_alarm
    assert rule(unsure, 10.0, margin=0.25).failed == "margin"
    bent = replace(
        unsure, blocks=replace(unsure.blocks, mb=100 + 400 * (1 - np.exp(-unsure.blocks.hours / 5)))
    )
    assert bent.rising_share == 1.0
    assert rule(bent, 10.0, margin=0.25, known_hours=24.0).failed == "tail"


def test_floors_that_fall_as_often_as_they_rise_prove_nothing():
    """Of a level's floors, a twelfth of the stretch each, about half rise; of a sawtooth's as well, and of a slow leak beside noise more."""
    hours = grid(24)
    rng = np.random.default_rng(2)
    level, teeth, leak = (
        np.mean([fit_trend(hours, 100 + mb(rng)).rising_share for _ in range(40)])
        for mb in (
            lambda rng: rng.normal(0, 5, hours.size),
            lambda rng: 40 * np.mod(hours / 5 + rng.uniform(), 1),
            lambda rng: 3 * hours + rng.normal(0, 5, hours.size),
        )
    )
    assert 0.35 < level < 0.65
    assert 0.35 < teeth < 0.8
    assert leak > 0.8


def test_young_growth_that_slows_down_clearly_is_no_alarm():
    """A cache that fills ever more slowly is none in its first hours, however fast it still fills; a straight leak beside a warm-up is one."""
    hours = grid(7)
    told = []
    for seed in range(20):
        noise = 300 + np.random.default_rng(seed).normal(0, 0.5, hours.size)
        cache = 500 * (hours / 24) ** 0.45
        started = 25 * hours + 20 * (1 - np.exp(-hours / 0.7))
        told.append(
            [
                whole_evidence(run_of(hours, noise + grown), 10.0).is_alarm
                for grown in (cache, started, 25 * hours)
            ]
        )
    assert np.sum(told, axis=0).tolist() == [0, 20, 20]


def test_hours_of_load_hide_no_leak_after_a_day():
    """A load of a GB for three hours makes the error of a day's slope wider than the growth beside it: the leak is told all the same."""
    hours = np.arange(0, 24, 1 / 12)
    told, without_leak = 0, 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        begin = rng.uniform(6, 16)
        load = 300 + 1000.0 * ((hours > begin) & (hours < begin + 3)) + rng.normal(0, 2, hours.size)
        leak = whole_evidence(run_of(hours, load + 20 * hours), 10.0)
        assert leak.trend.slope < DEMANDS.clear * leak.trend.spread
        told += leak.is_alarm
        without_leak += whole_evidence(run_of(hours, load), 10.0).is_alarm
    assert told == 20
    assert without_leak == 0


def test_what_is_too_slow_to_be_told_of_is_left_out_and_nothing_else():
    """Recent windows with a bound on the slope are those of all windows that reach it, with the same figures."""
    hours = grid(120)
    mb = 300 + 4 * np.maximum(hours - 100, 0) + np.random.default_rng(3).normal(0, 0.5, hours.size)
    series = run_series(History.from_arrays(at_seconds=3600 * hours, rss_bytes=mb * MIB), warm_up_hours=1.0)
    every = recent_trends(series)
    bound = float(np.median([one.trend.slope for one in every]))
    kept = recent_trends(series, at_least=bound)
    fast = [one for one in every if one.trend.slope >= bound]
    assert 0 < len(kept) < len(every)
    assert [(one.hours, one.trend.slope, one.trend.error) for one in kept] == [
        (one.hours, one.trend.slope, one.trend.error) for one in fast
    ]


def test_what_is_worked_out_late_is_of_the_trend_itself():
    """Where there are no steps, what remains without them is the trend; tail and bend of another level are its own."""
    hours = grid(24)
    trend = fit_trend(hours, 100 + 20 * hours + np.random.default_rng(1).normal(0, 0.3, hours.size))
    assert find_steps(trend) == ((), trend)
    lifted = replace(trend, blocks=replace(trend.blocks, mb=trend.blocks.mb + trend.blocks.hours))
    assert lifted.tail_slope == pytest.approx(trend.tail_slope + 1)
    assert lifted.end_slope == pytest.approx(trend.end_slope + 1)
