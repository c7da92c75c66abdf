"""Quantiles: scipy's values without scipy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from memmon.analysis.stats.quantiles import normal_quantile, normal_two_sided_p, student_t_quantile

PROBABILITIES = st.floats(1e-12, 1 - 1e-12)


@settings(deadline=None)
@given(probability=PROBABILITIES)
def test_normal_quantiles_equal_scipys(probability):
    """Both tails agree to 1e-12."""
    assert normal_quantile(probability) == pytest.approx(stats.norm.ppf(probability), rel=1e-12, abs=1e-14)


@settings(deadline=None)
@given(probability=st.floats(1e-6, 1 - 1e-6), degrees=st.floats(0.5, 1e4))
def test_t_quantiles_equal_scipys(probability, degrees):
    """Fractional degrees of freedom too."""
    expected = stats.t.ppf(probability, degrees)
    assert student_t_quantile(probability, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_p_value_is_two_sided():
    """1.96 standard deviations leave 5 %."""
    assert normal_two_sided_p(1.959963984540054) == pytest.approx(0.05)
    assert normal_two_sided_p(-1.959963984540054) == pytest.approx(0.05)


@pytest.mark.parametrize("probability", [0.0, 1.0, -1.0, float("nan")])
def test_a_probability_outside_its_range_is_refused(probability):
    """Neither quantile returns infinity or NaN."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        normal_quantile(probability)
    with pytest.raises(ValueError, match="between 0 and 1"):
        student_t_quantile(probability, 5.0)


def test_degrees_of_freedom_must_be_positive():
    """Zero degrees of freedom have no distribution."""
    with pytest.raises(ValueError, match="degrees_of_freedom"):
        student_t_quantile(0.9, 0.0)
