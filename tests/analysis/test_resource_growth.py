"""Whether threads or open files grow: never said of a healthy program, soon of one that loses them."""

from __future__ import annotations

import importlib
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from memmon.analysis.resources.finding import ResourceState
from memmon.analysis.resources.growth import rough_growth

CHECKOUT = Path(__file__).resolve().parents[2]
if str(CHECKOUT) not in sys.path:
    sys.path.insert(0, str(CHECKOUT))
counts = importlib.import_module("benchmarks.detection.counts")

DAY = counts.moments(24)
LENGTHS = ((24, 5), (48, 5), (168, 15))
SEEDS = 12


def test_a_healthy_program_never_gets_growing():
    """Of counts that keep a level, follow the day or the week, fill a pool, come in steps or wander, 1 % at most is told as growth."""
    told = []
    for length, minutes in LENGTHS:
        hours = counts.moments(length, minutes)
        for kind in counts.HEALTHY:
            told += [
                (kind.__name__, length, seed)
                for seed in range(SEEDS)
                if counts.is_told(hours, kind(np.random.default_rng([seed, length]), hours))
            ]
    assert len(told) <= 0.01 * SEEDS * len(LENGTHS) * len(counts.HEALTHY), told


@pytest.mark.parametrize(
    ("background", "per_hour", "hours", "begin"),
    [
        (counts.level, 6.0, 24, 0.0),
        (counts.noisy, 6.0, 24, 0.0),
        (counts.level, 1.0, 24, 0.0),
        (counts.daily, 6.0, 96, 0.0),
        (counts.level, 1.0, 168, 120.0),
    ],
)
def test_what_is_lost_steadily_is_told(background, per_hour, hours, begin):
    """A file lost every 10 minutes, or a thread an hour, is found after a day in 95 % of programs, and its pace is right."""
    at = counts.moments(hours)
    found = []
    for seed in range(40):
        rng = np.random.default_rng([100 + seed, hours])
        found.append(
            counts.judge(at, background(rng, at) + counts.evenly(rng, at, per_hour, from_hours=begin))
        )
    growing = [one for one in found if one.state is ResourceState.GROWING]
    assert len(growing) >= 0.95 * len(found)
    assert np.median([one.slope_per_hour for one in growing]) == pytest.approx(per_hour, rel=0.1)
    assert all(one.slope_low_per_hour <= one.slope_per_hour <= one.slope_high_per_hour for one in growing)


def test_growth_that_began_lately_is_told_since_then():
    """A loss that began two days ago in a week's history is told at its own pace, since about then."""
    at = counts.moments(168)
    rng = np.random.default_rng(5)
    found = counts.judge(at, 40.0 + rng.poisson(3, at.size) + counts.evenly(rng, at, 4.0, from_hours=120.0))
    began = datetime.fromtimestamp(counts.START_SECONDS, UTC) + timedelta(hours=120)
    assert found.state is ResourceState.GROWING
    assert found.slope_per_hour == pytest.approx(4.0, rel=0.1)
    assert abs(found.since - began) < timedelta(hours=12)


@pytest.mark.parametrize("hours", [0.5, 6, 19])
def test_before_a_day_nothing_is_said(hours):
    """With less than a day of one run nothing is said, however fast a count rises: a morning does that too."""
    at = counts.moments(hours)
    found = counts.judge(at, 40.0 + 30.0 * at)
    assert found.state is ResourceState.CANNOT_SAY
    assert found.slope_per_hour is None


def test_rows_without_a_count_are_no_history():
    """Rows in which nothing was counted (of older versions) make no day, and none of them is taken for zero."""
    grown = 40.0 + np.floor(6.0 * DAY)
    half = np.where(DAY < 12.0, np.nan, grown)
    assert counts.judge(DAY, np.full(DAY.size, np.nan)).state is ResourceState.CANNOT_SAY
    assert counts.judge(DAY, half).state is ResourceState.CANNOT_SAY
    some = np.where(np.arange(DAY.size) % 3 == 0, np.nan, grown)
    assert counts.judge(DAY, some).slope_per_hour == pytest.approx(6.0, rel=0.02)
    assert rough_growth(np.full(DAY.size, np.nan)) == 0.0


@pytest.mark.parametrize(
    ("kind", "seed", "hours"),
    [
        (counts.working_hours, 6, [61]),
        (counts.weekly, 2, [100, 101, 102]),
        (counts.steps, 3, [74, 75, 76]),
        (counts.connections, 9, [57, 58]),
        (counts.pool_over_days, 10, [59, 60, 61, 62]),
    ],
)
def test_what_looks_like_growth_for_a_few_hours_is_never_told(kind, seed, hours):
    """A healthy count that is asked about every hour of a week looks like growth in some of them: no answer says so."""
    at = counts.moments(168, 10)
    count = kind(np.random.default_rng([9_000 + seed, counts.HEALTHY.index(kind)]), at)
    assert not any(counts.is_told(at[at <= end], count[at <= end]) for end in hours)


def test_growth_is_told_when_it_is_seen_again_hours_later(monkeypatch):
    """Growth that nobody saw hours ago is steady with its slope, not told; hours later it is, and from then on."""
    at = counts.moments(72)
    count = 40.0 + counts.evenly(np.random.default_rng(4), at, 6.0, from_hours=24.0)
    found = {end: counts.judge(at[at <= end], count[at <= end]) for end in range(24, 73, 4)}
    told = [end for end, one in found.items() if one.state is ResourceState.GROWING]
    monkeypatch.setattr("memmon.analysis.resources.growth.SEEN_AGAIN_HOURS", 0.0)
    seen = [end for end in found if counts.is_told(at[at <= end], count[at <= end])]
    assert told == [end + 4 for end in seen][: len(told)]
    assert seen[-1] == told[-1] == 72
    assert found[seen[0]].state is ResourceState.STEADY
    assert found[seen[0]].slope_per_hour > 1.0


def test_a_steady_count_has_a_slope_too():
    """What does not grow has its slope and interval all the same, and no beginning."""
    found = counts.judge(DAY, counts.noisy(np.random.default_rng(2), DAY))
    assert found.state is ResourceState.STEADY
    assert found.slope_low_per_hour < 0.0 < found.slope_high_per_hour
    assert found.since is None
