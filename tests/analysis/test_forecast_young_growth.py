"""Growth too young for a verdict: memory that rises as never before is not told to stay below its limit."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from memmon.analysis.forecast.limit import forecast_limit
from memmon.history import History
from memmon.units import MIB

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks" / "detection"))
from simulator import BACKGROUNDS, rng_for

CASES = 30
FLAT_HOURS, GROWING_HOURS, RATE = 168.0, 6.0, 25.0


def states_of(background, rate, purpose):
    """Return what is said after a week without growth and six hours of `rate` MB/h, the limit a day of it away."""
    found = []
    for index in range(CASES):
        rng = rng_for(purpose, f"young/{background}", FLAT_HOURS, index)
        track = BACKGROUNDS[background](rng, FLAT_HOURS + GROWING_HOURS)
        grown = rate * np.maximum(track.hours - FLAT_HOURS, 0.0)
        limit_mb = max(float(np.median(track.mb)) + 30 * RATE, 1.1 * float((track.mb + grown).max()))
        track.mb = track.mb + grown
        found.append(forecast_limit(track.history(), limit_mb * MIB).state)
    return found


@pytest.mark.parametrize("background", ["bursts", "daily", "gc_sawtooth", "white"])
def test_young_growth_is_not_told_to_stay_below_its_limit(background):
    """Where memory grows since hours towards its limit, `never` is not said, whether or not the verdict knows it yet."""
    assert states_of(background, RATE, "never").count("never") <= 1


@pytest.mark.parametrize("background", ["bursts", "daily", "gc_sawtooth", "white"])
def test_level_memory_is_told_to_stay_below_its_limit(background):
    """Memory that does not grow is told to stay below its limit, in seven of ten histories at least of every kind."""
    assert states_of(background, 0.0, "level").count("never") >= 0.7 * CASES


def falling_half_of_a_day(hours, leak_mb_per_hour, seed):
    """Return readings of a daily cycle past its peak, below which a leak has begun some hours ago."""
    at = np.arange(round(hours * 12) + 1) / 12
    cycle = 70 * np.cos(2 * np.pi * (at + 1.0) / 24)
    grown = leak_mb_per_hour * np.maximum(at - hours + 5.0, 0.0)
    return history_of(300 + cycle + grown + np.random.default_rng(seed).normal(0, 0.5, at.size))


def history_of(mb):
    at = np.arange(mb.size) * 300.0
    return History.from_arrays(at_seconds=1.7e9 + at, uptime_seconds=at, rss_bytes=mb * MIB)


@pytest.mark.parametrize("hours", [8, 10, 12])
def test_the_falling_half_of_a_day_tells_nothing_of_what_it_hides(hours):
    """Before a day was seen, memory that falls is no reason for calm: a leak below it would not show. It says until when."""
    history = falling_half_of_a_day(hours, 8.0, hours)
    forecast = forecast_limit(history, 520 * MIB)
    assert forecast.state == "cannot_say"
    assert forecast.ready_at.timestamp() == pytest.approx(history.last_seconds + (23.5 - hours) * 3600, abs=1)


@pytest.mark.parametrize("seed", [7, 8, 11])
def test_noise_that_may_reach_the_limit_is_calm_only_after_a_day(seed):
    """What one course of ten reaches within weeks is not said to stay below before a day was seen."""
    rng = np.random.default_rng(seed)
    noise = np.zeros(24 * 12 + 1)
    for place in range(1, noise.size):
        noise[place] = 0.9 * noise[place - 1] + rng.normal(0, 1.0)
    said = [forecast_limit(history_of(300 + noise[: hours * 12 + 1]), 360 * MIB) for hours in (12, 24)]
    assert [one.state for one in said] == ["cannot_say", "never"]


def test_level_memory_far_below_its_limit_is_calm_at_once():
    """A few hours without growth are enough where nothing that was seen could lead to the limit."""
    mb = 300 + np.random.default_rng(2).normal(0, 0.5, 6 * 12)
    assert forecast_limit(history_of(mb), 4096 * MIB).state == "never"
