"""Growth too young for a verdict: memory that rises as never before is not told to stay below its limit."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from memmon.analysis.forecast.limit import forecast_limit
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
