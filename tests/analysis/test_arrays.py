"""Medians, quantiles and distinct values of arrays, beside numpy's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.arrays import _SORTED_COUNT, distinct, median_of, medians_of, quantile_of, quantiles_of

NUMBERS = st.floats(width=64) | st.sampled_from([0.0, 1.0, float("nan"), float("inf")])


def numpys(values, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of no values, and of infinities
        return np.median(values, **more)


@settings(deadline=None)
@given(st.lists(NUMBERS, max_size=60))
def test_the_median_is_numpys(values):
    """The median of any floats is numpy's bit for bit, NaN where there are none or one is NaN."""
    array = np.asarray(values, dtype=np.float64)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(median_of(array), numpys(array))


@pytest.mark.parametrize(
    "count", [_SORTED_COUNT - 1, _SORTED_COUNT, _SORTED_COUNT + 1, _SORTED_COUNT + 2, 8641]
)
def test_the_median_of_many_is_numpys(count):
    """Where values are parted and not sorted the median is still numpy's, also of whole numbers and with a NaN among them."""
    values = np.random.default_rng(count).normal(300.0, 5.0, count)
    assert median_of(values) == numpys(values)
    whole = (values * 1000).astype(np.int64)
    assert median_of(whole) == numpys(whole)
    values[count // 3] = np.nan
    assert np.isnan(median_of(values))


def test_a_median_leaves_the_values_as_they_are():
    """What a median is asked of is not sorted under its owner."""
    values = np.array([3.0, 1.0, 2.0])
    assert median_of(values) == 2.0
    assert values.tolist() == [3.0, 1.0, 2.0]


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.data())
def test_medians_of_rows_are_numpys(columns, rows, data):
    """The medians of a table's rows are numpy's along the last axis, a row with a NaN included."""
    table = np.array(
        data.draw(
            st.lists(st.lists(NUMBERS, min_size=columns, max_size=columns), min_size=rows, max_size=rows)
        )
    )
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(medians_of(table), numpys(table, axis=1))


@given(st.lists(st.integers(-50, 50)))
def test_distinct_values_are_numpys(values):
    """The distinct values of whole numbers and of floats are numpy's unique ones, in rising order."""
    for kind in (np.int64, np.float64):
        array = np.asarray(values, dtype=kind)
        found = distinct(array)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, np.unique(array))


SHARES = st.floats(0.0, 1.0) | st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])


@settings(deadline=None)
@given(st.lists(st.floats(-1e9, 1e9) | st.just(float("nan")), min_size=1, max_size=60), SHARES)
def test_a_quantile_is_numpys(values, share):
    """Any quantile of any floats is numpy's bit for bit, NaN where one is NaN."""
    array = np.asarray(values, dtype=np.float64)
    np.testing.assert_array_equal(quantile_of(array, share), np.quantile(array, share))
    assert np.array_equal(array, values, equal_nan=True)


@settings(deadline=None)
@given(st.integers(1, 7), st.integers(1, 5), st.lists(SHARES, min_size=1, max_size=4), st.integers(0, 99))
def test_quantiles_of_rows_are_numpys(columns, rows, shares, seed):
    """The quantiles of a table's rows are numpy's along the last axis, also of a row with a NaN."""
    table = np.random.default_rng(seed).normal(300.0, 5.0, (rows, columns))
    table[seed % rows, 0] = np.nan if seed % 2 else 1.0
    np.testing.assert_array_equal(quantiles_of(table, shares), np.quantile(table, shares, axis=1))
