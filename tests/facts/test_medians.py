"""The median that the program may load is the median that the judgements use."""

from __future__ import annotations

import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmon.alerts import pace
from memmon.analysis.stats.theil_sen import median_slope
from memmon.facts.medians import SIGMA_PER_MAD, median


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40))
def test_it_is_the_median(values):
    """Of any values it is what Python's own statistics answer, and of none there is no answer."""
    assert median(values) == statistics.median(values)
    assert median(iter(values)) == median(values)
    with pytest.raises(ValueError, match="no values"):
        median([])


def test_scatter_is_read_as_standard_deviations():
    """The median deviation of a normal law, times the factor, is its standard deviation."""
    assert pytest.approx(1 / statistics.NormalDist().inv_cdf(0.75), rel=1e-4) == SIGMA_PER_MAD


def test_the_pace_in_the_program_has_the_slope_of_the_analysis():
    """The slope that a program works out without numpy is the analysis's own, of readings at any distance from each other."""
    draw = random.Random(7)
    for count in (3, 4, 9, 10):
        at = sorted(draw.uniform(0, 60) for _ in range(count))
        level = [draw.gauss(100, 20) for _ in range(count)]
        assert pace._slope(at, level) == pytest.approx(median_slope(np.array(at), np.array(level)), rel=1e-9)
