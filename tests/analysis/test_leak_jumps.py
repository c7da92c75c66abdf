"""A leak that comes by events: jumps upward and none downward make growth sure in the first hours."""

from __future__ import annotations

import numpy as np
import pytest

from memmon import History, detect_leak
from memmon.analysis.leak.jumps import climbs_by_jumps

HOURS = np.arange(0, 6.01, 1 / 12)
MIB = 2**20


def leaks(mb):
    """Tell whether six hours of these MB are a leak."""
    seconds = 1_767_225_600.0 + HOURS * 3600
    return detect_leak(History.from_arrays(at_seconds=seconds, rss_bytes=mb * MIB)).is_leak


def staircase(rng, times, sizes_mb, *, noise_mb=0.5):
    """Return a level of 200 MB with noise and lasting jumps at these hours."""
    risen = np.concatenate([[0.0], np.cumsum(sizes_mb)])
    return 200 + rng.normal(0, noise_mb, HOURS.size) + risen[np.searchsorted(times, HOURS, side="right")]


EVENTS_AT = np.array([1.2, 1.9, 2.3, 3.1, 3.4, 4.2, 4.8, 5.3, 5.8])


def test_jumps_upward_at_random_are_a_leak():
    """Of sixty leaks by fourteen events at random times, 150 MB together, most are told, though their slope's error is as wide as the growth."""
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        times, sizes = np.sort(rng.uniform(0.2, 6, 14)), rng.gamma(8.0, 1, 14)
        found.append(leaks(staircase(rng, times, 150 * sizes / sizes.sum())))
    assert np.mean(found) >= 0.6


def test_jumps_of_either_way_are_none():
    """Jumps of which every second goes back by half alarm in no history of sixty, though memory ends higher."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        sizes = rng.uniform(15, 45, EVENTS_AT.size)
        sizes[1::2] *= -0.5
        assert not leaks(staircase(rng, EVENTS_AT, sizes)), seed


def test_jumps_that_become_rare_are_a_warm_up():
    """Jumps that come ever more seldom and grow smaller alarm in no history of sixty."""
    times = np.array([1.1, 1.4, 1.8, 2.2, 2.7, 3.2, 3.8, 4.4])
    for seed in range(60):
        rng = np.random.default_rng(seed)
        sizes = rng.uniform(0.7, 1.3, times.size) * 40 * 0.75 ** np.arange(times.size)
        assert not leaks(staircase(rng, times, sizes)), seed


@pytest.mark.parametrize(
    ("steps_mb", "climbs"),
    [
        ([9, 9, 9], True),
        ([9, 9], False),
        ([9, 9, 9, -9], False),
        ([1, 1, 1, 1], False),
    ],
    ids=["three up", "two up", "one down", "small"],
)
def test_what_a_climb_is(steps_mb, climbs):
    """Three jumps upward are one, two are not, nor are more with one downward, nor those below nine minutes of the threshold."""
    mb = np.full(61, 100.0)
    for place, step in zip(range(10, 60, 10), steps_mb, strict=False):
        mb[place:] += step
    assert climbs_by_jumps(mb, 10.0) is climbs


def test_a_slope_beside_jumps_is_no_climb():
    """Where most of the growth lies between the jumps its error is that of the noise, and is asked for."""
    mb = 100 + 8 * np.arange(61) / 12 + np.repeat([0, 3, 6, 9], [15, 15, 15, 16])
    assert not climbs_by_jumps(mb, 10.0)
