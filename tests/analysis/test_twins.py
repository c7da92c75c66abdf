"""Each figure that memmon computes by itself, to keep scipy and statsmodels out, is what those would have computed.

Verdicts, checks and the program's child have numpy alone. So whatever has an equal in scipy or statsmodels is held to
it here, or by the test that the table below names.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import numpy as np
import pytest
import scipy
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import burg
from statsmodels.tsa.arima_process import arma_acovf
from statsmodels.tsa.stattools import acf

from memmon.analysis import stats
from memmon.analysis.cause.per_work import _fit
from memmon.analysis.cause.pooled import pooled_slope
from memmon.analysis.leak.envelope import Blocks, day_columns, day_profile, kendall_tau
from memmon.analysis.leak.onset import _squared_errors, independent_count
from memmon.analysis.leak.trend import parabola
from memmon.analysis.stats.draws import normals, uniforms
from memmon.analysis.stats.mann_kendall import _autocorrelation
from memmon.analysis.stats.newey_west import fit_line, newey_west_lags
from memmon.analysis.stats.noise import Noise, fit_noise, weights_error, whitened
from memmon.analysis.stats.quantiles import normal_two_sided_p
from memmon.analysis.stats.theil_sen import median_slope

SEEDS = st.integers(0, 2**32 - 1)
TESTS = Path(__file__).parent

HELD_BY = {
    "draws.uniforms": "test_twins.py::test_draws_have_the_distribution_that_they_say",
    "draws.normals": "test_twins.py::test_draws_have_the_distribution_that_they_say",
    "mann_kendall.mann_kendall": "test_robust_mann_kendall.py::test_the_plain_test_equals_pymannkendall",
    "mann_kendall.hamed_rao": "test_robust_mann_kendall.py::test_hamed_rao_equals_pymannkendall",
    "newey_west.ols_newey_west": "test_models_ols.py::test_the_closed_form_equals_statsmodels",
    "newey_west.fit_line": "test_models_ols.py::test_the_closed_form_equals_statsmodels",
    "newey_west.newey_west_lags": "test_twins.py::test_the_lag_rule_is_that_of_its_sources",
    "noise.fit_noise": "test_twins.py::test_the_noises_memory_is_burgs",
    "noise.t_quantile": "test_leak_parts.py::test_t_quantiles_agree_with_scipy",
    "noise.weights_error": "test_twins.py::test_an_error_under_noise_is_that_of_its_covariance",
    "noise.whitened": "test_twins.py::test_what_is_whitened_remembers_nothing",
    "quantiles.normal_quantile": "test_robust_quantiles.py::test_normal_quantiles_equal_scipys",
    "quantiles.normal_two_sided_p": "test_twins.py::test_two_sided_probabilities_equal_scipys",
    "quantiles.student_t_quantile": "test_robust_quantiles.py::test_t_quantiles_equal_scipys",
    "statsmodels_gate.local_linear_trend_forecast": "test_second_opinion.py::test_the_lattice_finds_the_largest_likelihood",
    "statsmodels_gate.ols_hac": "test_models_ols.py::test_the_numbers_are_those_of_a_plain_statsmodels_call",
    "statsmodels_gate.regress": "test_trend_model.py::test_the_numbers_are_those_that_an_analyst_writes_down",
    "theil_sen.median_slope": "test_twins.py::test_median_slopes_equal_scipys",
    "theil_sen.theil_sen": "test_robust_theil_sen.py::test_slope_selection_gives_scipys_floats",
}
"""Every function that says a statistic, and the test that holds it to its equal."""

INNER = {
    *("exhaustive", "grid", "inversions", "lattice", "slope_cuts", "slopes"),
    *("theil_sen.finite_values", "theil_sen.paired_values", "theil_sen.rank_variance_numerator"),
    *("theil_sen.slopes_at_ranks", "theil_sen.tie_sizes", "theil_sen.tied_pair_count"),
}
"""Parts of those, which say no statistic by themselves; a module stands for all in it."""


def red_noise(seed, size, *, memory=0.8):
    shocks = np.random.default_rng(seed).normal(size=size)
    return scipy.signal.lfilter([1.0], [1.0, -memory], shocks)


def public_functions():
    for module in pkgutil.iter_modules(stats.__path__):
        for name, value in vars(importlib.import_module(f"{stats.__name__}.{module.name}")).items():
            is_own = (
                inspect.isfunction(inspect.unwrap(value))
                and value.__module__ == f"{stats.__name__}.{module.name}"
            )
            if is_own and not name.startswith("_"):
                yield module.name, f"{module.name}.{name}"


def test_every_statistic_is_held_to_its_equal():
    """No function of the statistics is without a test that compares it; none is listed that is gone."""
    found = {name for module, name in public_functions() if module not in INNER and name not in INNER}
    assert found == set(HELD_BY)
    for name, test in HELD_BY.items():
        file, _, function = test.partition("::")
        assert f"def {function}" in (TESTS / file).read_text(encoding="utf-8"), name


@given(z=st.floats(-30, 30))
def test_two_sided_probabilities_equal_scipys(z):
    """Twice the normal tail, to the last digits, far out too."""
    assert normal_two_sided_p(z) == pytest.approx(2 * scipy.stats.norm.sf(abs(z)), rel=1e-11, abs=0)


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, size=st.integers(2, 300))
def test_median_slopes_equal_scipys(seed, size):
    """The median of all pairwise slopes, without its interval."""
    x, y = np.arange(size) / 12, np.round(red_noise(seed, size), 2)
    assert median_slope(x, y) == scipy.stats.theilslopes(y, x).slope


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, size=st.integers(2, 48))
def test_kendalls_tau_equals_scipys(seed, size):
    """Blocks without ties have scipy's tau with time."""
    y = np.random.default_rng(seed).normal(size=size)
    expected = scipy.stats.kendalltau(np.arange(size), y).statistic
    assert kendall_tau(y) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, size=st.integers(4, 400))
def test_autocorrelations_equal_statsmodels(seed, size):
    """All lags, as of a series about its mean; and what lag one says of how many values count."""
    values = red_noise(seed, size)
    expected = acf(values, nlags=size - 1, fft=False)
    np.testing.assert_allclose(_autocorrelation(values)[:size], expected, atol=1e-9)
    shaken = values - values.mean()
    share = min(max(expected[1] + 4 / size, 0.0), 0.95)
    assert independent_count(shaken) == pytest.approx(max(size * (1 - share) / (1 + share), 4.0), rel=1e-9)


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, size=st.integers(10, 600), memory=st.sampled_from([0.0, 0.5, 0.9, 1.0]))
def test_the_lag_rule_is_that_of_its_sources(seed, size, memory):
    """The larger of statsmodels' own default and Andrews' plug-in with the regression's memory, at most a fifth."""
    hours = np.arange(size) / 12
    fit = fit_line(hours, 3 * hours + red_noise(seed, size, memory=memory))
    left = fit.residual_mb
    plain = sm.OLS(left, sm.add_constant(hours)).fit(cov_type="HAC", cov_kwds={"maxlags": None})
    default = int(np.floor(4 * (size / 100) ** (2 / 9)))
    assert plain.cov_params() == pytest.approx(
        sm.OLS(left, sm.add_constant(hours)).fit(cov_type="HAC", cov_kwds={"maxlags": default}).cov_params()
    )
    root = min(abs(float(sm.OLS(left[1:], left[:-1]).fit().params[0])), 0.99)
    andrews = 1.1447 * (4 * root**2 / (1 - root**2) ** 2 * size) ** (1 / 3)
    assert newey_west_lags(fit) == min(max(default, int(andrews)), size // 5)


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, size=st.integers(6, 48), memory=st.sampled_from([-0.3, 0.0, 0.6, 0.9]))
def test_the_noises_memory_is_burgs(seed, size, memory):
    """Before it is raised for its bias and its error, the root is that of statsmodels' Burg."""
    values = red_noise(seed, size, memory=memory) * 10
    values = values - values.mean()
    (rho,), _ = burg(values, order=1, demean=False)
    rho = max(rho, -0.5)
    raised = rho + (2 + 4 * rho) / (size - 1) + np.sqrt((1 - rho**2) / (size - 1))
    noise = fit_noise(values, np.arange(size))
    is_walk = raised >= 1 - 1 / np.sqrt(size)
    assert noise.is_random_walk == is_walk
    assert noise.root == pytest.approx(1.0 if is_walk else max(raised, 0.0), rel=1e-9)


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, size=st.integers(4, 48), root=st.sampled_from([0.0, 0.4, 0.95]), gaps=st.booleans())
def test_an_error_under_noise_is_that_of_its_covariance(seed, size, root, gaps):
    """The sandwich w'Cw with the covariance of statsmodels' AR(1), and of a random walk's sums; gaps count as time."""
    rng = np.random.default_rng(seed)
    block = np.cumsum(rng.integers(1, 4, size)) if gaps else np.arange(size)
    weights = rng.normal(size=size)
    weights -= weights.mean()
    covariance = scipy.linalg.toeplitz(arma_acovf([1, -root], [1], nobs=int(block[-1]) + 1, sigma2=2.25))
    expected = np.sqrt(weights @ covariance[np.ix_(block, block)] @ weights)
    noise = Noise(root=root, shock_mb=1.5, is_random_walk=False)
    assert weights_error(weights, block, noise) == pytest.approx(expected, rel=1e-6)
    walk = 2.25 * np.minimum.outer(block, block)
    expected = np.sqrt(weights @ walk @ weights)
    noise = Noise(root=1.0, shock_mb=1.5, is_random_walk=True)
    assert weights_error(weights, block, noise) == pytest.approx(expected, rel=1e-6)


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, size=st.integers(4, 48), root=st.sampled_from([0.0, 0.4, 0.95]), gaps=st.booleans())
def test_what_is_whitened_remembers_nothing(seed, size, root, gaps):
    """The covariance of statsmodels' AR(1), and of a random walk's sums, becomes that of independent shocks."""
    rng = np.random.default_rng(seed)
    block = np.cumsum(rng.integers(1, 4, size)) if gaps else np.arange(size)
    covariance = scipy.linalg.toeplitz(arma_acovf([1, -root], [1], nobs=int(block[-1]) + 1, sigma2=2.25))
    free = whitened(np.eye(size), block, Noise(root=root, shock_mb=1.5, is_random_walk=False))
    np.testing.assert_allclose(
        free @ covariance[np.ix_(block, block)] @ free.T, 2.25 * np.eye(size), atol=1e-6
    )
    free = whitened(np.eye(size), block, Noise(root=1.0, shock_mb=1.5, is_random_walk=True))
    walk = 2.25 * np.minimum.outer(block, block)
    np.testing.assert_allclose(free @ walk @ free.T, 2.25 * np.eye(size - 1), atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, size=st.integers(30, 96))
def test_the_daily_cycle_is_a_regressions(seed, size):
    """Harmonics beside a line: first by least squares, then by weighted ones, as statsmodels fits both."""
    hours = np.arange(size) * 1.5
    mb = 300 + hours + 5 * np.sin(hours / 24 * 2 * np.pi) + np.random.default_rng(seed).standard_t(2, size)
    design = np.column_stack([np.ones(size), hours - hours.mean(), day_columns(hours)])
    left = np.abs(sm.OLS(mb, design).fit().resid)
    scale = np.median(left) * 1.4826
    weight = np.minimum(1.0, 2.5 * scale / left)
    expected = sm.WLS(mb, design, weights=weight**2).fit().params[2:]
    np.testing.assert_allclose(day_profile(hours, mb), expected, atol=1e-8)


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, size=st.integers(6, 48))
def test_the_bend_is_a_regressions(seed, size):
    """The parabola's slopes at the end and half a window on are those of statsmodels' fit."""
    hours = 2.0 + np.arange(size) / 2
    mb = 300 + 3 * hours - 0.02 * hours**2 + red_noise(seed, size)
    blocks = Blocks(number=np.arange(size), hours=hours, mb=mb, length_hours=0.5)
    _, end, ahead = parabola(blocks, Noise(root=0.0, shock_mb=1.0, is_random_walk=False))
    _, linear, quadratic = sm.OLS(mb, np.vander(hours - hours.mean(), 3, increasing=True)).fit().params
    half = (hours[-1] - hours[0]) / 2
    assert end == pytest.approx(linear + 2 * quadratic * half, rel=1e-6, abs=1e-8)
    assert ahead == pytest.approx(linear + 4 * quadratic * half - quadratic * half, rel=1e-6, abs=1e-8)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, size=st.integers(10, 60))
def test_errors_with_a_hinge_are_a_regressions(seed, size):
    """What a change of slope leaves over is the residual sum of statsmodels' fit with that column."""
    hours = np.arange(size) / 2
    mb = 2 * np.maximum(hours - hours[size // 2], 0) + red_noise(seed, size)
    design = np.column_stack([np.ones(size), hours])
    hinges = np.maximum(hours[:, None] - hours[None, 2:-2], 0.0)
    total, squared = _squared_errors(design, hinges, mb)
    assert total == pytest.approx(sm.OLS(mb, design).fit().ssr, rel=1e-9)
    expected = [sm.OLS(mb, np.column_stack([design, hinge])).fit().ssr for hinge in hinges.T]
    np.testing.assert_allclose(squared, expected, rtol=1e-7)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, sizes=st.lists(st.integers(8, 60), min_size=1, max_size=4))
def test_a_slope_common_to_runs_is_a_regressions(seed, sizes):
    """Runs with levels of their own: the slope beside a dummy for each."""
    rng = np.random.default_rng(seed)
    hours = [np.sort(rng.uniform(0, 10, size)) for size in sizes]
    values = [rng.normal(0, 50) + 2 * at + rng.normal(size=at.size) for at in hours]
    level = scipy.linalg.block_diag(*[np.ones((size, 1)) for size in sizes])
    model = sm.OLS(np.concatenate(values), np.column_stack([np.concatenate(hours), level])).fit()
    assert pooled_slope(hours, values).slope == pytest.approx(model.params[0], rel=1e-8, abs=1e-10)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, size=st.integers(8, 60))
def test_growth_per_work_is_a_regressions(seed, size):
    """Coefficients and residuals beside several columns are those of statsmodels."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(3, size)) * np.array([[1e6], [1.0], [1e-3]])
    target = rows.T @ np.array([2e-6, 3.0, 4e3]) + rng.normal(size=size)
    found, weights, left = _fit(rows, target)
    model = sm.OLS(target, rows.T).fit()
    np.testing.assert_allclose(found, model.params, rtol=1e-7)
    np.testing.assert_allclose(left, model.resid, atol=1e-8)
    assert weights @ target == pytest.approx(model.params[0], rel=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_draws_have_the_distribution_that_they_say(seed):
    """Kolmogorov and Smirnov find neither the uniforms nor the normals to be others than scipy's."""
    assert scipy.stats.kstest(uniforms(20_000, seed=seed), "uniform").pvalue > 1e-3
    drawn = normals(20_000, seed=seed)
    assert scipy.stats.kstest(drawn, "norm").pvalue > 1e-3
    assert drawn.std() == pytest.approx(1, abs=0.02)
    assert abs(acf(drawn, nlags=5)[1:]).max() < 0.03
