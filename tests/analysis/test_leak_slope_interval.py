"""The interval of a slope knows that nobody knows exactly when growth began."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from memmon.analysis.leak.detect import detect_leak
from memmon.history import History

CHECKOUT = str(Path(__file__).resolve().parents[2])


@pytest.fixture(scope="module")
def benchmark():
    """The benchmark's modules by name, from the checkout."""
    if CHECKOUT not in sys.path:
        sys.path.insert(0, CHECKOUT)
    return lambda name: importlib.import_module(f"benchmarks.detection.{name}")


@pytest.fixture(scope="module")
def onsets(benchmark):
    """The benchmark's leaks that begin late."""
    return benchmark("onsets")


def test_the_interval_holds_the_rate_of_leaks_that_began_late(onsets):
    """On the backgrounds where a day of history tells least, at least 85 of 100 intervals hold the rate."""
    held = [
        one[1]
        for name in ("daily", "weekly", "ar_slow", "load_following")
        for one in onsets.held(name, 24.0, 12, "tuning")
    ]
    assert len(held) >= 40
    assert np.mean(held) >= 0.85


def test_the_interval_of_young_growth_knows_that_a_start_may_be_in_it(benchmark):
    """Of leaks on a warm-up that are told within three hours, 93 of 100 intervals hold the leak's own rate."""
    covers, rates = benchmark("covers"), benchmark("experiments").FAST
    held = []
    for index in range(300):
        found = detect_leak(covers.on_a_warm_up(3.0, index, "tuning").history())
        if found.is_leak:
            rate = rates[index % len(rates)]
            held.append(found.slope_low_mb_per_hour <= rate <= found.slope_high_mb_per_hour)
            assert found.slope_low_mb_per_hour > 0
    assert len(held) >= 30
    assert np.mean(held) >= 0.93


def test_the_interval_holds_beside_load_that_rises(onsets):
    """Where counted work rises and memory follows it, 90 of 100 intervals of three days hold the leak's own rate."""
    held = [one[1] for one in onsets.held("load_following", 72.0, 40, "tuning")]
    assert len(held) >= 35
    assert np.mean(held) >= 0.9


def _rising(per_unit_mb, *, work=True):
    hours = np.arange(0, 48 + 1e-9, 1 / 12)
    rng = np.random.default_rng(11)
    pace = (
        1000 * (1 + hours / 48 + 0.3 * np.sin(2 * np.pi * hours / 7)) * np.exp(rng.normal(0, 0.1, hours.size))
    )
    mb = 300 + 25 * np.maximum(hours - 24, 0) + per_unit_mb * pace / 1000 + rng.normal(0, 1, hours.size)
    return detect_leak(
        History.from_arrays(
            at_seconds=1.77e9 + hours * 3600,
            rss_bytes=mb * 2**20,
            work_count=np.cumsum(pace) / 12 if work else None,
        )
    )


def test_load_widens_an_interval_by_a_part_of_the_slope_at_most():
    """What load may explain reaches below the leak's own rate, and leaves a sure leak sure."""
    beside = _rising(80.0)
    assert beside.slope_low_mb_per_hour <= 25 <= beside.slope_high_mb_per_hour
    assert beside.slope_low_mb_per_hour > 10
    assert beside.confidence == "high"


def _day(mb):
    times = np.arange(0, 24 + 1e-9, 1 / 12)
    noise = np.random.default_rng(7).normal(0, 1.0, times.size)
    return detect_leak(
        History.from_arrays(at_seconds=1.77e9 + times * 3600, rss_bytes=(mb(times) + noise) * 2**20)
    )


def test_memory_that_moved_before_growth_began_may_move_beside_it():
    """A drift before a leak widens its interval by as much, each way, for the day's cycle is not known yet."""
    still = _day(lambda hours: 300 + 30 * np.maximum(hours - 12, 0))
    drifts = _day(lambda hours: 300 + 5 * np.minimum(hours, 12) + 30 * np.maximum(hours - 12, 0))
    widths = [one.slope_high_mb_per_hour - one.slope_low_mb_per_hour for one in (still, drifts)]
    assert widths[0] < 2
    assert 8 < widths[1] < 14
    assert drifts.slope_low_mb_per_hour < 26
    assert drifts.slope_high_mb_per_hour > 34


def test_growth_from_the_start_has_nothing_before_it():
    """A straight leak keeps the narrow interval of its noise, and what would show stays that of the noise alone."""
    straight = _day(lambda hours: 300 + 30 * hours)
    assert straight.slope_low_mb_per_hour < 30 < straight.slope_high_mb_per_hour
    assert straight.slope_high_mb_per_hour - straight.slope_low_mb_per_hour < 1
    assert straight.smallest_visible_slope_mb_per_hour < 1
