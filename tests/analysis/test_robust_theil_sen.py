"""Theil-Sen: exact, equal to scipy's to the last bit, at any size."""

from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from memmon.analysis.robust import TheilSen, median_slope, theil_sen
from memmon.analysis.stats import slopes as slope_module
from memmon.analysis.stats import theil_sen as trend_line
from memmon.analysis.stats.inversions import count_inversions

SAMPLES_PER_HOUR = 12


def assert_equals_scipy(x, y, *, confidence=0.95):
    """Compare every float; where scipy's interval is NaN (a negative variance) only the line is compared."""
    ours = theil_sen(x, y, confidence=confidence)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        theirs = stats.theilslopes(y, x, confidence)
    assert ours.slope == theirs.slope
    assert ours.intercept == theirs.intercept
    if np.isnan(theirs.low_slope):
        assert ours.slope_low <= ours.slope <= ours.slope_high
    else:
        assert (ours.slope_low, ours.slope_high) == (theirs.low_slope, theirs.high_slope)


def series(kind, size, seed):
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(size=size))
    return {
        "walk": walk,
        "noise": rng.normal(size=size),
        "heavy tails": rng.standard_cauchy(size),
        "three values": rng.integers(0, 3, size).astype(float),
        "pages": (np.round(25_000 + walk * 10) + np.arange(size) // 7) * 4096.0,
        "staircase": np.floor(np.arange(size) / 10) * 4096.0,
        "straight line": np.arange(size) * 4096.0 + 1e8,
        "line of tenths": np.arange(size) * 0.1,
        "constant": np.full(size, 0.1),
        "jump": (np.arange(size) > 0.7 * size) * 50.0 + rng.normal(size=size),
        "large offset": 1e9 + rng.integers(-3, 4, size) / 8,
    }[kind]


def times(kind, size, seed):
    rng = np.random.default_rng(seed + 1)
    even = np.arange(size) / SAMPLES_PER_HOUR
    return {
        "hours": even,
        "seconds": np.arange(size) * 300.0,
        "unix": 1.7e9 + np.arange(size) * 300.0 + rng.normal(size=size),
        "gaps": even + np.cumsum(rng.random(size) < 0.01) * 5.5,
        "duplicated": np.sort(rng.integers(0, size // 3, size)).astype(float),
        "one far away": np.append(even[:-1], 1e4),
        "unsorted": rng.permutation(even),
    }[kind]


KINDS = (
    "walk",
    "noise",
    "heavy tails",
    "three values",
    "pages",
    "staircase",
    "straight line",
    "line of tenths",
    "constant",
    "jump",
    "large offset",
)
TIMES = ("hours", "seconds", "unix", "gaps", "duplicated", "one far away", "unsorted")


@pytest.mark.parametrize("time_kind", TIMES)
@pytest.mark.parametrize("kind", KINDS)
def test_slope_selection_gives_scipys_floats(kind, time_kind):
    """Beyond the size of listing all pairs, slope, interval and intercept equal scipy's to the last bit."""
    size = 501
    assert size > trend_line._ALL_PAIRS_POINT_LIMIT
    assert_equals_scipy(times(time_kind, size, 3), series(kind, size, 4))


@pytest.mark.parametrize("kind", ["walk", "pages", "three values"])
def test_a_month_of_samples_gives_scipys_floats(kind):
    """At 4,000 samples (scipy's memory still bearable) the floats are the same."""
    assert_equals_scipy(times("hours", 4_000, 5), series(kind, 4_000, 6))


@settings(deadline=None, max_examples=150)
@given(data=st.data(), size=st.integers(2, 40), confidence=st.sampled_from([0.5, 0.8, 0.95, 0.99]))
def test_any_small_series_gives_scipys_floats(data, size, confidence):
    """Ties, repeated times, negative and huge values: small series equal scipy's."""
    numbers = st.one_of(
        st.integers(-5, 5).map(float),
        st.floats(-1e12, 1e12, allow_nan=False).map(lambda number: round(number, 60)),
    )
    x = data.draw(hnp.arrays(np.float64, size, elements=numbers))
    y = data.draw(hnp.arrays(np.float64, size, elements=numbers))
    if np.ptp(x) == 0:
        return
    assert_equals_scipy(x, y, confidence=confidence)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(2, 120),
    level_count=st.sampled_from([2, 5, 40, 10**6]),
    time_count=st.sampled_from([3, 30, 10**6]),
    unit=st.sampled_from([1.0, 0.1, 4096.0, 1 / 3]),
)
def test_selection_never_depends_on_ties(seed, size, level_count, time_count, unit):
    """Forced on short series too, selection equals listing all pairs: any mix of ties in x and in y."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.integers(0, time_count, size) / 12)
    y = rng.integers(0, level_count, size) * unit + x * unit * rng.integers(-1, 2)
    if np.ptp(x) == 0:
        return
    original = trend_line._ALL_PAIRS_POINT_LIMIT, slope_module._LISTED_PER_POINT
    expected = theil_sen(x, y)
    try:
        trend_line._ALL_PAIRS_POINT_LIMIT, slope_module._LISTED_PER_POINT = 0, 1
        assert theil_sen(x, y) == expected
    finally:
        trend_line._ALL_PAIRS_POINT_LIMIT, slope_module._LISTED_PER_POINT = original


@pytest.mark.parametrize("gap", [1e-13, 1e-11, 1e-6])
def test_samples_closer_than_rounding_still_give_scipys_floats(gap):
    """Two readings a picosecond apart make slopes that residuals can't order: the quotients themselves decide."""
    rng = np.random.default_rng(11)
    x = (np.arange(250)[:, None] + np.array([0.0, gap])).ravel()
    y = np.repeat(rng.normal(size=250) * 1e3, 2) + rng.integers(0, 2, 500) * gap
    assert_equals_scipy(x, y)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([10, 350]), power=st.integers(-8, 8))
def test_rescaling_by_a_power_of_two_rescales_the_slope(seed, size, power):
    """The line is equivariant: a scale of y scales it, a mirrored y mirrors it, order of points is nothing."""
    rng = np.random.default_rng(seed)
    x, y = rng.random(size), rng.normal(size=size)
    line = theil_sen(x, y)
    scaled = theil_sen(x, y * 2.0**power)
    assert scaled.slope == line.slope * 2.0**power
    assert scaled.slope_high == line.slope_high * 2.0**power
    mirrored = theil_sen(x, -y)
    assert (mirrored.slope, mirrored.slope_low) == (-line.slope, -line.slope_high)
    shuffle = rng.permutation(size)
    assert theil_sen(x[shuffle], y[shuffle]) == line


def test_a_trend_added_is_a_trend_found():
    """Adding b x to the values adds b to slope and interval."""
    rng = np.random.default_rng(8)
    x, y = np.arange(900) / 12, rng.normal(size=900)
    plain, tilted = theil_sen(x, y), theil_sen(x, y + 7.5 * x)
    assert tilted.slope == pytest.approx(plain.slope + 7.5, rel=1e-12)
    assert tilted.slope_low == pytest.approx(plain.slope_low + 7.5, rel=1e-12)


def test_the_same_arguments_give_the_same_floats():
    """The random sample is seeded: two calls agree, whatever numpy's global state."""
    x, y = times("hours", 3_000, 1), series("walk", 3_000, 2)
    first = theil_sen(x, y)
    np.random.seed(1)  # noqa: NPY002 - the global state is what is disturbed here
    assert theil_sen(x, y) == first


def test_the_slope_alone_is_the_slope_of_the_line():
    """median_slope is theil_sen without the interval."""
    x, y = times("gaps", 2_000, 3), series("walk", 2_000, 4)
    assert median_slope(x, y) == theil_sen(x, y).slope


def test_a_constant_series_has_slope_zero_and_an_interval_without_width():
    """No change is a trend of exactly zero."""
    line = theil_sen(np.arange(1_000.0), np.full(1_000, 3.5))
    assert line == TheilSen(slope=0.0, intercept=3.5, slope_low=0.0, slope_high=0.0)


def test_many_ties_in_both_directions_still_give_an_interval():
    """Where scipy's variance turns negative and its interval NaN, ours shrinks to the slope."""
    x = np.repeat(np.arange(10.0), 50)
    line = theil_sen(x, np.ones(500))
    assert (line.slope_low, line.slope, line.slope_high) == (0.0, 0.0, 0.0)


def test_two_samples_make_a_line():
    """Two points have one slope."""
    assert theil_sen([0.0, 2.0], [1.0, 5.0]) == TheilSen(
        slope=2.0, intercept=1.0, slope_low=2.0, slope_high=2.0
    )


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([0.0, 1.0], [1.0, np.nan], "y has 1 values that are NaN or infinite"),
        ([0.0, np.inf], [1.0, 2.0], "x has 1 values that are NaN or infinite"),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], "two different x"),
        ([1.0], [1.0], "two different x"),
        ([], [], "two different x"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "one length"),
        ([[1.0, 2.0]], [[1.0, 2.0]], "one-dimensional"),
        ([0.0, 1.0], [-1.7e308, 1.7e308], "too wide a range"),
        ([0.0, 1e-300], [0.0, 1e300], "overflow"),
    ],
)
def test_what_has_no_slope_is_refused_with_a_reason(x, y, reason):
    """NaN, infinity, fewer than two times and overflow raise a ValueError that says what is wrong."""
    with pytest.raises(ValueError, match=reason):
        theil_sen(x, y)


@pytest.mark.parametrize("confidence", [0.0, 0.3, 1.0, float("nan")])
def test_an_absurd_confidence_is_refused(confidence):
    """Scipy reads 0.3 as 70 %; we refuse what could be meant either way."""
    with pytest.raises(ValueError, match="confidence"):
        theil_sen([0, 1], [0, 1], confidence=confidence)


def test_thirty_days_need_less_than_ten_megabytes():
    """Memory stays linear: 8,640 samples within 10 MB (scipy takes 1.8 GB)."""
    x, y = times("hours", 8_640, 1), series("walk", 8_640, 2)
    theil_sen(x[:400], y[:400])
    tracemalloc.start()
    try:
        theil_sen(x, y)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10 * 2**20


def test_a_year_of_samples_is_exact():
    """At 105,120 samples the counts of pairs below and above the slope prove it the median."""
    rng = np.random.default_rng(9)
    size = 105_120
    x = np.arange(size, dtype=float)
    y = rng.integers(0, 2**40, size).astype(float) + x * 2**20
    slope = median_slope(x, y)
    residuals = y - slope * x
    order = np.argsort(residuals)
    pair_count = size * (size - 1) // 2
    assert abs(count_inversions(order) - pair_count // 2) <= 2
