"""Readings without noise: what rounding leaves of them decides nothing, so no processor differs from another."""

from __future__ import annotations

import numpy as np
import pytest

from memmon.analysis.forecast.limit import forecast_limit
from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.trend import fit_trend
from memmon.analysis.stats.noise import fit_noise
from memmon.history import History
from memmon.units import MIB

ROUNDING_MB = 1e-12
"""A few last digits of a sum of readings of 4,000 MB: what another order of additions changes."""


def rounded(mb, seed):
    return mb + ROUNDING_MB * np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], len(mb))


def history_of(hours, mb):
    return History.from_arrays(at_seconds=1_767_225_600 + hours * 3600, rss_bytes=mb * MIB, source="bot")


@pytest.mark.parametrize("rate", [25.0, 0.7, -2.0])
def test_a_perfect_line_is_continued_from_all_of_it(rate):
    """No half of a line without noise tells more than the whole, whatever its last digits."""
    hours = np.arange(168 * 12 + 1) / 12
    line = 900 + rate * hours
    forecasts = [
        forecast_limit(history_of(hours, rounded(line, seed)), float(line[-1] + 500) * MIB)
        for seed in range(6)
    ]
    assert {round(one.window_hours) for one in forecasts} == {167}
    assert {one.details[0] for one in forecasts} == {forecasts[0].details[0]}
    assert "-0.00" not in forecasts[0].details[0]


@pytest.mark.parametrize(("begin_hours", "room_mb"), [(84.0, 216.0), (0.0, 5.0), (0.0, 20.0)])
def test_the_last_digits_put_no_limit_off(begin_hours, room_mb):
    """Growth of 5 MB/h without noise meets its limit at the same time, also where a reading meets it exactly."""
    hours = np.arange(168 * 12 + 1) / 12
    line = 300 + 5 * np.maximum(hours - begin_hours, 0)
    found = [
        forecast_limit(history_of(hours, rounded(line, seed)), float(line[-1] + room_mb) * MIB).hours_to_limit
        for seed in range(8)
    ]
    assert found == pytest.approx([room_mb / 5] * 8, abs=1 / 12)
    assert found == pytest.approx([found[0]] * 8, abs=1e-6)


@pytest.mark.parametrize("hours_long", [6, 30])
def test_rounding_is_no_bend(hours_long):
    """Flat memory is bent neither way, and says the same of itself with any last digits."""
    hours = np.arange(hours_long * 12 + 1) / 12
    flat = np.where(np.arange(hours.size) == hours.size // 2, 400.0, 300.0)
    trends = [fit_trend(hours, rounded(flat, seed)) for seed in range(8)]
    assert max(abs(trend.bend) for trend in trends) < 0.01
    found = [detect_leak(history_of(hours, rounded(flat, seed))) for seed in range(8)]
    assert len({(one.verdict, one.confidence, one.summary, one.details) for one in found}) == 1


def test_a_true_bend_is_still_seen():
    """A warm-up without noise flattens clearly."""
    hours = np.arange(24 * 12 + 1) / 12
    assert fit_trend(hours, 300 + 50 * (1 - np.exp(-hours / 4))).bend < -2.0


@pytest.mark.parametrize("drift", [1e-9, -1e-9])
def test_flat_memory_has_no_signed_zero(drift):
    """The trend of flat memory reads 0.00, not -0.00 on some processors."""
    hours = np.arange(24 * 12 + 1) / 12
    forecast = forecast_limit(history_of(hours, 300 + drift * hours), 1024 * MIB)
    assert "0.00 MB/hour (95 % interval 0.00 to 0.00)" in forecast.details[0]
    assert "-0.00" not in forecast.details[0]


@pytest.mark.parametrize("seed", range(4))
def test_rounding_has_no_memory(seed):
    """Residuals below a byte are no noise that could wander, however they follow each other; larger ones may."""
    walk = np.cumsum(np.random.default_rng(seed).normal(size=48))
    block = np.arange(48)
    rounding = fit_noise((walk - walk.mean()) * ROUNDING_MB / 10, block)
    assert (rounding.root, rounding.is_random_walk) == (0.0, False)
    assert fit_noise(walk - walk.mean(), block).root > 0.5
