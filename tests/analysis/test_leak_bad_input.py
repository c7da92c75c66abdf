"""Bad input: a verdict or a clear error, never a warning, never NaN."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.analysis.leak.detect import LeakPolicy, detect_leak
from memmon.facts.verdicts import Verdict
from memmon.history import History

NUMBERS = (
    "slope_mb_per_hour",
    "slope_low_mb_per_hour",
    "slope_high_mb_per_hour",
    "ols_slope_mb_per_hour",
    "ols_slope_low_mb_per_hour",
    "ols_slope_high_mb_per_hour",
    "growth_mb",
    "duration_hours",
    "smallest_visible_slope_mb_per_hour",
)
EASY = LeakPolicy(min_duration_hours=0, min_sample_count=0)


def sound(finding):
    """Assert what holds of every finding."""
    assert finding.verdict in set(Verdict)
    assert finding.is_leak == (finding.verdict == "leaking")
    for name in NUMBERS:
        value = getattr(finding, name)
        assert value is None or math.isfinite(value), name
    if finding.slope_mb_per_hour is not None:
        assert finding.slope_low_mb_per_hour <= finding.slope_mb_per_hour <= finding.slope_high_mb_per_hour
    assert "nan" not in finding.summary.lower()
    return finding


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
@pytest.mark.parametrize(
    "name",
    ["threshold_mb_per_hour", "min_duration_hours", "min_sample_count", "look_back_hours", "warm_up_hours"],
)
def test_policies_refuse_what_is_no_number(name, value):
    """A NaN, infinite or negative setting is refused at once, by its name."""
    with pytest.raises(ValueError, match=name):
        LeakPolicy(**{name: value})


@pytest.mark.parametrize("level", [0.0, 1.0, 5e7, 2.0**61])
def test_one_constant_value_is_stable(level):
    """A series that never changes is stable, whatever its level."""
    times = np.arange(0, 48 * 3600, 300.0)
    found = sound(detect_leak(History.from_arrays(at_seconds=times, rss_bytes=np.full(times.size, level))))
    assert found.verdict == "stable"
    assert found.slope_mb_per_hour == 0.0


@pytest.mark.parametrize("count", [0, 1, 2, 5, 9])
def test_a_handful_of_samples_gets_a_verdict(count):
    """Down to no sample at all the answer is `cannot_say`, also when the minima are waived."""
    times = np.arange(count) * 3600.0
    history = History.from_arrays(at_seconds=times, rss_bytes=1e8 + times * 1e5)
    assert sound(detect_leak(history)).verdict == "cannot_say"
    sound(detect_leak(history, EASY))


def test_readings_of_zero_are_failed_readings():
    """A live process holds memory: zeros between good readings don't shape the trend."""
    times = np.arange(0, 24 * 3600, 300.0)
    sizes = 2e8 + times * 6000
    sizes[::7] = 0.0
    found = sound(detect_leak(History.from_arrays(at_seconds=times, rss_bytes=sizes)))
    assert found.verdict == "leaking"


def test_nearly_all_samples_in_one_corner_are_no_trend():
    """Many samples in a minute and one a day later are no 24 h of history."""
    times = np.append(np.arange(60.0), 86_400.0)
    found = sound(detect_leak(History.from_arrays(at_seconds=times, rss_bytes=1e8 + times)))
    assert found.verdict == "cannot_say"


@pytest.mark.slow
def test_ten_million_samples_take_seconds():
    """Size alone breaks nothing."""
    times = np.arange(10_000_000) * 1.0
    history = History.from_arrays(at_seconds=times, rss_bytes=1e8 + times * 6000)
    found = sound(detect_leak(history, LeakPolicy(look_back_hours=1e5)))
    assert found.verdict == "leaking"
    assert found.slope_mb_per_hour == pytest.approx(6000 * 3600 / 2**20, rel=1e-3)


@settings(deadline=None, max_examples=150)
@given(
    count=st.integers(0, 80),
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(-3, 18),
    step_seconds=st.sampled_from([1e-3, 1.0, 300.0, 86_400.0]),
    runs=st.integers(1, 4),
    spoiled=st.floats(0, 1),
    threshold=st.floats(0, 1e9),
)
def test_any_series_gets_a_sound_finding(count, seed, scale, step_seconds, runs, spoiled, threshold):
    """Mixed runs, gaps, outliers, any scale, spoiled rows and odd thresholds: always a sound finding."""
    rng = np.random.default_rng(seed)
    at = np.cumsum(rng.exponential(step_seconds, count)) + rng.choice([0, 1.7e9])
    rss = 10.0**scale * (1 + rng.standard_t(2, count).cumsum() ** rng.integers(1, 3))
    bad = rng.random(count) < spoiled / 3
    rss[bad] = rng.choice([math.nan, math.inf, -math.inf, -5.0, 0.0, 1e300], int(bad.sum()))
    columns = {}
    if rng.random() < 0.5:
        columns = {
            "deque_bytes": rng.exponential(1e7, count),
            "work_count": rng.integers(-5, 50, count).cumsum(),
        }
        columns["deque_capacity_bytes"] = np.where(rng.random(count) < 0.2, math.nan, 2e7)
    history = History.from_arrays(
        at_seconds=rng.permutation(at), rss_bytes=rss, run_id=rng.integers(0, runs, count), **columns
    )
    sound(
        detect_leak(
            history, LeakPolicy(threshold_mb_per_hour=threshold, min_duration_hours=0, min_sample_count=0)
        )
    )
    sound(detect_leak(history))
