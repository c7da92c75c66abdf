"""Quiet and sensitive at once: rates on simulated histories, with bounds that chance does not break.

The benchmark's evaluation seeds stay its own: these tests draw from the tuning ones. Each bound is the
promise itself plus what so few cases may stray.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from memmon.analysis.leak.detect import LeakPolicy, detect_leak
from memmon.analysis.leak.sequential import confirmed

CHECKOUT = str(Path(__file__).resolve().parents[2])


@pytest.fixture(scope="module")
def simulator():
    """The benchmark's simulator, from the checkout."""
    if CHECKOUT not in sys.path:
        sys.path.insert(0, CHECKOUT)
    return importlib.import_module("benchmarks.detection.simulator")


def free(simulator, hours, cases, first=50_000):
    for name in simulator.BACKGROUNDS:
        for index in range(first, first + cases):
            yield name, simulator.background_case(name, hours, index, "tuning").history()


def leaks(simulator, shape, rate, hours, cases, first=50_000):
    for name in simulator.BACKGROUNDS:
        for index in range(first, first + cases):
            yield name, simulator.leak_case(name, shape, rate, hours, index, "tuning").history()


def share(findings):
    found = [finding.is_leak for finding in findings]
    return sum(found) / len(found)


@pytest.mark.parametrize(("hours", "cases", "most"), [(6.0, 30, 0.025), (24.0, 30, 0.01), (72.0, 15, 0.01)])
def test_leak_free_histories_are_left_in_peace(simulator, hours, cases, most):
    """False alarms on leak-free histories of 6, 24 and 72 h stay at the promised rates."""
    assert share(detect_leak(history) for _, history in free(simulator, hours, cases)) <= most


@pytest.mark.parametrize(
    ("hours", "rate", "least"), [(24.0, 20.0, 0.93), (24.0, 50.0, 0.97), (72.0, 20.0, 0.97)]
)
def test_linear_leaks_are_found(simulator, hours, rate, least):
    """Leaks of 20 MB/h and more are found within a day on every kind of background."""
    assert share(detect_leak(h) for _, h in leaks(simulator, "linear", rate, hours, 10)) >= least


def test_slow_leaks_are_growing_not_leaking(simulator):
    """Leaks of half the threshold hardly ever alarm at 24 h."""
    assert share(detect_leak(h) for _, h in leaks(simulator, "linear", 5.0, 24.0, 15)) <= 0.015


def test_leaks_across_restarts_are_found(simulator):
    """A leak that restarts keep small is found in three days of runs."""
    cases = [
        simulator.leak_case("restarts", "linear", 20.0, 72.0, index, "tuning")
        for index in range(50_000, 50_040)
    ]
    assert share(detect_leak(track.history()) for track in cases) >= 0.9


def test_filling_deques_raise_no_alarm(simulator):
    """Registered deques that fill, sizes known to 30 %, hardly ever alarm."""
    cases = [
        simulator.background_case("filling_deque", 24.0, index, "tuning") for index in range(50_000, 50_150)
    ]
    assert share(detect_leak(track.history()) for track in cases) <= 0.02


def test_the_interval_holds(simulator):
    """The 95 % interval covers the true slope in at least 92 % of 24 h histories, in no class below 80 %."""
    held = {}
    for name in simulator.SLOPE_IS_TRUE:
        for index in range(24):
            true = (0.0, 5.0, 20.0)[index % 3]
            track = simulator.leak_case(name, "linear", true, 24.0, 60_000 + index, "tuning")
            found = detect_leak(track.history())
            held.setdefault(name, []).append(
                found.slope_low_mb_per_hour - 1e-9 <= true <= found.slope_high_mb_per_hour + 1e-9
            )
    rates = {name: float(np.mean(hits)) for name, hits in held.items()}
    assert np.mean(list(rates.values())) >= 0.92
    assert min(rates.values()) >= 0.7


def test_trendless_noise_does_not_grow(simulator):
    """AR(1) noise at 0.95 is called growing in at most 6 % of cases."""
    said = []
    for index in range(150):
        rng = simulator.rng_for("tuning", "trendless test", 24.0, index)
        track = simulator.blank(rng, 24.0, noise_mb=0.05)
        track.mb += simulator.ar1(rng, track.mb.size, 0.95, 5.0)
        said.append(detect_leak(track.history()).verdict)
    assert said.count("growing") <= 0.06 * 150
    assert "leaking" not in said


def test_the_threshold_scales_everything(simulator):
    """Ten times the memory at ten times the threshold is the same verdict: only ratios count."""
    for _, history in list(leaks(simulator, "linear", 20.0, 24.0, 1))[::4]:
        small = detect_leak(history)
        grown = type(history).from_arrays(
            at_seconds=history.at_seconds,
            rss_bytes=history.rss_bytes * 10,
            run_id=history.run_id,
            uptime_seconds=history.uptime_seconds,
        )
        large = detect_leak(grown, LeakPolicy(threshold_mb_per_hour=100.0))
        assert large.is_leak == small.is_leak


@pytest.mark.slow
def test_hourly_checks_keep_the_month_quiet(simulator):
    """Two agreeing checks an hour apart: no confirmed alarm in four quiet process-weeks."""
    for name in ("daily", "warm_up", "ar_slow", "bursts"):
        history = simulator.background_case(name, 168.0, 50_001, "tuning").history()
        begin = float(history.at_seconds[0])
        found = [detect_leak(history.slice_time(None, begin + hour * 3600)) for hour in range(2, 168, 1)]
        assert not any(confirmed(found[:end]) for end in range(2, len(found)))


def test_purposes_never_share_a_seed(simulator):
    """Tuning and evaluation cases differ by construction; the same case is the same twice."""
    tuning = simulator.background_case("white", 24.0, 0, "tuning").mb
    assert np.array_equal(tuning, simulator.background_case("white", 24.0, 0, "tuning").mb)
    assert not np.array_equal(tuning, simulator.background_case("white", 24.0, 0, "evaluation").mb)
