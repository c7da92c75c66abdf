"""A leak below load that comes and goes: the floor tells it, where the line through a whole day can't."""

from __future__ import annotations

import numpy as np
import pytest

from memmon import History, detect_leak
from memmon.analysis.leak.envelope import block_minima, block_quantiles
from memmon.analysis.leak.floor import lying_on_floor

HOURS = np.arange(0, 24, 1 / 12)
MIB = 2**20


def history(mb, hours=HOURS):
    """Return the history of so many MB at these hours."""
    return History.from_arrays(at_seconds=1_767_225_600.0 + hours * 3600, rss_bytes=mb * MIB)


def load(rng, hours, spells, *, noise_mb=15.0):
    """Return a level of 300 MB with noise, and load of about 2 GB in the spells: pairs of (first, last hour)."""
    mb = 300 + np.abs(rng.normal(0, noise_mb, hours.size))
    for first, last in spells:
        inside = (hours >= first) & (hours < last)
        mb[inside] += 2000 + rng.normal(0, 200, int(inside.sum()))
    return mb


SPELLS = {
    "one in the middle": [(7, 17)],
    "one at the start": [(2, 7)],
    "three": [(3, 6), (9, 13), (16, 19)],
}


@pytest.mark.parametrize("spells", SPELLS.values(), ids=SPELLS)
def test_a_leak_below_load_is_told_at_its_rate(spells):
    """Of 20 MB/h beside load of two gigabytes nine days in ten are found, each at its rate and nearly all within its interval."""
    found = [
        detect_leak(history(load(np.random.default_rng(seed), HOURS, spells) + 20 * HOURS))
        for seed in range(40)
    ]
    leaks = [one for one in found if one.is_leak]
    assert len(leaks) >= 36
    assert np.median([one.slope_mb_per_hour for one in leaks]) == pytest.approx(20, abs=1)
    held = [one.slope_low_mb_per_hour <= 20 <= one.slope_high_mb_per_hour for one in leaks]
    assert np.mean(held) >= 0.85


@pytest.mark.parametrize("spells", SPELLS.values(), ids=SPELLS)
@pytest.mark.parametrize("rate", [0.0, 5.0])
def test_load_alone_or_half_the_threshold_is_none(spells, rate):
    """The same load over a level floor, or one that rises by half the threshold, alarms in no day of forty."""
    for seed in range(40):
        mb = load(np.random.default_rng(1000 + seed), HOURS, spells) + rate * HOURS
        assert not detect_leak(history(mb)).is_leak, seed


def test_what_carried_the_verdict_is_named():
    """The window's kind and the explanation say that the floor was judged, and since when it rises is the whole run."""
    mb = load(np.random.default_rng(3), HOURS, SPELLS["one in the middle"]) + 20 * HOURS
    finding = detect_leak(history(mb))
    assert finding.is_leak
    assert finding.window.kind == "floor"
    assert finding.details[0] == "Judged: the floor of the whole run, below load that comes and goes, 23.9 h."
    assert (finding.since - finding.window.start).total_seconds() <= 3 * 3600


def test_a_floor_that_ends_high_or_began_high_is_none():
    """A level before load and a higher one after it (what the load left behind) is a step and no leak."""
    for seed in range(40):
        mb = load(np.random.default_rng(2000 + seed), HOURS, [(8, 15)])
        mb[HOURS >= 15] += 300
        assert not detect_leak(history(mb)).is_leak, seed


def test_a_young_history_is_not_judged_by_its_floor():
    """In less than 19.5 h load at both ends of growth is seen too seldom."""
    hours = HOURS[HOURS < 15]
    kinds = {
        detect_leak(
            history(load(np.random.default_rng(seed), hours, [(4, 9)]) + 20 * hours, hours)
        ).window.kind
        for seed in range(20)
    }
    assert "floor" not in kinds


def test_even_noise_is_all_floor():
    """Where nothing comes and goes every block lies on the line: what is left out is load, and not the noise's upper half."""
    shares = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        blocks = block_minima(HOURS, 300 + 20 * HOURS + rng.normal(0, 20, HOURS.size))
        shares.append(float(lying_on_floor(blocks, 0.2, 10.0).mean()))
    assert np.mean(shares) > 0.95


def test_blocks_of_quantiles_are_those_of_their_readings():
    """A block's quartile is the reading that a quarter of the block's lies below, the growth within a block left out."""
    rng = np.random.default_rng(7)
    mb = 100 + 3 * HOURS + rng.exponential(5, HOURS.size)
    blocks = block_quantiles(HOURS, mb, 0.25, block_count=24)
    assert blocks.mb.size == 24
    level = (mb - 3 * HOURS).reshape(24, 12)
    expected = np.sort(level, axis=1)[:, 3] + 3 * blocks.hours
    assert np.abs(blocks.mb - expected).max() < 0.6
