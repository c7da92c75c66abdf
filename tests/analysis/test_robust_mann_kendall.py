"""Mann-Kendall and Hamed-Rao: the numbers of pymannkendall in a hundredth of the time."""

from __future__ import annotations

import warnings

import numpy as np
import pymannkendall
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memmon.analysis.robust import hamed_rao, mann_kendall

CLOSE = {"rel": 1e-9, "abs": 1e-12}


@settings(deadline=None, max_examples=80)
@given(
    values=hnp.arrays(
        np.float64,
        st.integers(2, 120),
        elements=st.one_of(st.integers(-4, 4).map(float), st.floats(-1e9, 1e9, allow_nan=False)),
    )
)
def test_the_plain_test_equals_pymannkendall(values):
    """S, its variance, z, p and tau agree, ties included."""
    theirs = pymannkendall.original_test(values)
    ours = mann_kendall(values)
    assert ours.s == theirs.s
    assert ours.variance == pytest.approx(theirs.var_s, **CLOSE)
    assert ours.tau == pytest.approx(theirs.Tau, **CLOSE)
    if theirs.var_s > 0:
        assert ours.z == pytest.approx(theirs.z, **CLOSE)
        assert ours.p_value == pytest.approx(theirs.p, **CLOSE)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(4, 400), memory=st.sampled_from([0.0, 0.5, 0.95]))
def test_hamed_rao_equals_pymannkendall(seed, size, memory):
    """The corrected variance agrees for white and for strongly autocorrelated noise."""
    noise = np.random.default_rng(seed).normal(size=size)
    values = np.empty(size)
    level = 0.0
    for place in range(size):
        level = memory * level + noise[place]
        values[place] = level
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        theirs = pymannkendall.hamed_rao_modification_test(values)
    ours = hamed_rao(values)
    assert ours.s == theirs.s
    assert ours.slope == theirs.slope
    if theirs.var_s > 0:
        assert ours.variance == pytest.approx(theirs.var_s, **CLOSE)
        assert ours.z == pytest.approx(theirs.z, **CLOSE)
        assert ours.p_value == pytest.approx(theirs.p, **CLOSE)


def test_hamed_rao_equals_pymannkendall_on_a_long_tied_series():
    """Two thousand page-sized steps: the FFT and the direct sums agree."""
    rng = np.random.default_rng(3)
    values = np.round(np.cumsum(rng.normal(size=2_000))) * 4096.0
    theirs = pymannkendall.hamed_rao_modification_test(values)
    ours = hamed_rao(values)
    assert (ours.s, ours.slope) == (theirs.s, theirs.slope)
    assert ours.variance == pytest.approx(theirs.var_s, **CLOSE)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(2, 300), scale=st.sampled_from([1e-9, 3.0, 1e6]))
def test_only_the_order_of_the_values_matters(seed, size, scale):
    """S is invariant under rising transformations and changes sign with the direction of time."""
    values = np.random.default_rng(seed).normal(size=size)
    plain = mann_kendall(values)
    assert mann_kendall(np.exp(values) * scale).s == plain.s
    assert mann_kendall(values[::-1]).s == -plain.s


def test_a_rising_line_has_every_pair_in_its_favour():
    """Tau is 1 for a strictly rising series and -1 for a falling one."""
    assert mann_kendall(np.arange(50)).tau == 1.0
    assert mann_kendall(-np.arange(50)).tau == -1.0


@pytest.mark.parametrize("test", [mann_kendall, hamed_rao])
def test_a_constant_series_has_no_trend_and_no_nan(test):
    """All pairs tied: S and z are 0, p is 1."""
    found = test(np.full(30, 7.0))
    assert (found.s, found.z, found.p_value) == (0, 0.0, 1.0)


@pytest.mark.parametrize("test", [mann_kendall, hamed_rao])
@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan, 2.0], [1.0, np.inf, 3.0]])
def test_what_can_not_be_tested_is_refused(test, values):
    """Too few values, NaN and infinity raise a ValueError."""
    with pytest.raises(ValueError, match=r"needs at least|NaN or infinite"):
        test(values)


def test_an_absurd_alpha_is_refused():
    """The level of significance lies between 0 and 1."""
    with pytest.raises(ValueError, match="alpha"):
        hamed_rao([1.0, 2.0, 3.0], alpha=1.5)
