"""The present pace: told in time where memory runs into its limit, and never of a start-up."""

from __future__ import annotations

import importlib
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from memmon.alerts.pace import PaceReading, PresentReadings

sys.path.append(str(Path(__file__).resolve().parents[2]))
simulated = importlib.import_module("benchmarks.exhaustion.simulated")
recorded = importlib.import_module("benchmarks.exhaustion.start_ups")

Leak, first_told = simulated.Leak, simulated.first_told
HALF_AN_HOUR = 30.0


def minutes_before(leak) -> float:
    """Return how long before the limit it is first told; 0: never."""
    told = first_told(leak.readings(), leak.limit_mb, every_minutes=leak.every_minutes)
    return 0.0 if told is None else leak.dead_minutes - told[0]


def kinds_of(every_minutes: float, count: int):
    """Yield growth of 480 MB an hour into 1 GB: each noise, each beginning, several heights."""
    for seed in range(count):
        yield Leak(
            every_minutes=every_minutes,
            noise=simulated.NOISES[seed % 5],
            noise_mb=(3.0, 8.0, 15.0)[seed % 3],
            shape=simulated.SHAPES[seed // 5 % 3],
            start_mb=(50.0, 120.0, 250.0, 400.0)[seed % 4],
            flat_minutes=(0.0, 0.0, 0.0, 180.0)[seed // 3 % 4],
            seed=4_000 + seed,
        )


@pytest.mark.parametrize(("every_minutes", "count"), [(5.0, 300), (2.0, 100), (1 / 6, 20)])
def test_growth_into_the_limit_is_told_half_an_hour_before(every_minutes, count):
    """Of 480 MB an hour into 1 GB at least 95 of 100 are told 30 minutes before or earlier, none more than two hours."""
    before = [minutes_before(leak) for leak in kinds_of(every_minutes, count)]
    in_time = sum(HALF_AN_HOUR <= one <= 120.0 for one in before)
    assert in_time >= 0.95 * count, sorted(before)[: count // 10]


@pytest.mark.parametrize(
    ("rate", "limit_mb", "start_mb"),
    [(240.0, 512.0, 60.0), (120.0, 256.0, 60.0), (900.0, 2_048.0, 100.0), (2_000.0, 8_192.0, 800.0), (700.0, 1_024.0, 80.0)],
)  # fmt: skip
def test_other_rates_and_limits_are_told_as_well(rate, limit_mb, start_mb):
    """What fills a small or a large limit in one to four hours is told half an hour before."""
    leak = Leak(rate_mb_per_hour=rate, limit_mb=limit_mb, start_mb=start_mb, noise_mb=0.01 * limit_mb)
    before = [minutes_before(replace(leak, seed=seed)) for seed in range(40)]
    assert sum(one >= HALF_AN_HOUR for one in before) >= 38, sorted(before)[:5]


def test_what_is_told_comes_true():
    """The limit is reached within the interval told in at least 80 of 100."""
    inside = told = 0
    for leak in kinds_of(5.0, 200):
        found = first_told(leak.readings(), leak.limit_mb, every_minutes=5.0)
        if found is not None:
            at, pace = found
            told += 1
            inside += pace.minutes_to_limit_low <= leak.dead_minutes - at <= pace.minutes_to_limit_high
    assert told > 190
    assert inside >= 0.8 * told


def test_real_start_ups_are_never_told():
    """Of 350 recorded starts none is told at its own speed, nor read 50 or 100 times as slow, whatever the limit."""
    curves = [curve for _, curve in recorded.start_ups()]
    assert len(curves) >= 300
    for speed in ("their own", "50 times", "100 times"):
        for times in recorded.LIMITS:
            told = recorded.told_count(curves, speed, times=times)
            assert highest_rate(told, len(curves)) <= 0.01, (speed, times, told)
        assert recorded.told_count(curves, speed, limit_mb=512.0) == 0


def test_start_ups_that_take_an_hour_are_rarely_told():
    """Read 300 times as slow, a start of 10 s takes 50 minutes: at most 1 of 100 is told, whatever the limit."""
    curves = [curve for _, curve in recorded.start_ups()]
    for times in recorded.LIMITS:
        assert recorded.told_count(curves, "300 times", times=times) <= 0.01 * len(curves)


def highest_rate(count: int, of: int) -> float:
    """Return the upper end of the one-sided 95 % Wilson interval of a rate."""
    z, share = 1.645, count / of
    middle = share + z * z / (2 * of)
    return (middle + z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))) / (1 + z * z / of)


@pytest.mark.parametrize("time_constant_minutes", [5.0, 15.0, 30.0, 60.0, 120.0, 300.0])
@pytest.mark.parametrize("times", [1.05, 1.2, 1.5, 2.0])
def test_what_levels_off_is_not_told(time_constant_minutes, times):
    """A cache that warms slows down all the time: it is not told, however slowly it warms and however near the limit."""
    curve = [(5.0 * n, 80 + 420 * (1 - math.exp(-5.0 * n / time_constant_minutes))) for n in range(240)]
    assert first_told(curve, 500 * times, every_minutes=5.0) is None


def test_what_comes_and_goes_is_not_told_again():
    """Memory that rises for hours and is given back has been so high before: only its first rise is told."""
    rise = [200 + 5.0 * n for n in range(120)]
    curve = [(float(n), mb) for n, mb in enumerate(rise * 6)]
    first, _ = first_told(curve, 900.0, every_minutes=1.0)
    assert first < 120
    later = [(at, mb) for at, mb in curve if at >= 120]
    held = PresentReadings(interval_seconds=60.0, peak_bytes=max(rise) * 2**20)
    assert not told_of(later, held, limit_mb=900.0)


def told_of(curve, held, *, limit_mb: float, **more) -> bool:
    """Tell whether anything is told of readings (minutes, MB)."""
    found = False
    for minutes, mb in curve:
        held.add(reading(minutes, mb, limit_mb=limit_mb, **more))
        found = found or held.pace() is not None
    return found


def reading(
    minutes: float,
    mb: float,
    *,
    limit_mb: float = 1_024.0,
    filled_mb: float = 0.0,
    origin: str = "cgroup v2 /x",
):
    return PaceReading(
        at=simulated.BEGAN_AT,
        uptime_seconds=60.0 * minutes,
        charged_bytes=mb * 2**20,
        limit_bytes=round(limit_mb * 2**20),
        limit_origin=origin,
        filled_bytes=filled_mb * 2**20,
    )


STEEP = [(5.0 * n, 100 + 40.0 * n) for n in range(22)]


def test_bounded_deques_that_fill_are_not_told():
    """What bounded deques take in ends by itself: growth that they explain is no pace."""
    for filled, expected in ((0.0, True), (1.0, False)):
        held = PresentReadings(interval_seconds=300.0)
        told = False
        for minutes, mb in STEEP:
            held.add(reading(minutes, mb, filled_mb=filled * (mb - 100)))
            told = told or held.pace() is not None
        assert told is expected


@pytest.mark.parametrize("change", ["gap", "restart", "limit"])
def test_nothing_is_carried_over_a_gap_a_restart_or_another_limit(change):
    """A pace that stood is gone after the change, and comes back only after a start-up's time."""
    held = PresentReadings(interval_seconds=300.0)
    for minutes, mb in STEEP[:17]:
        held.add(reading(minutes, mb))
    assert held.pace() is not None
    shift, origin = {
        "gap": (15.0, "cgroup v2 /x"),
        "restart": (-80.0, "cgroup v2 /x"),
        "limit": (0.0, "host"),
    }[change]
    for minutes, mb in STEEP[17:21]:
        # On the same line as before: only the change tells that it is not the same growth.
        held.add(reading(minutes + shift, mb + 8.0 * max(shift, 0.0), origin=origin))
        assert held.pace() is None, minutes


def test_a_single_snapshot_that_is_late_changes_nothing():
    """One reading left out is no gap."""
    held = PresentReadings(interval_seconds=300.0)
    assert told_of([one for n, one in enumerate(STEEP) if n != 10], held, limit_mb=1_024.0)


def test_the_sentence_says_which_limit_and_how_soon():
    """It names the limit and its size, and how many minutes are left, with an interval."""
    _, pace = first_told(STEEP, 1_024.0, every_minutes=5.0)
    assert pace.summary == (
        "At the present pace the container's limit (1,024 MB) is reached in about 40 minutes (35 to 45)."
    )
    assert pace.slope_mb_per_hour == pytest.approx(480.0)
    assert pace.minutes_to_limit_low < pace.minutes_to_limit < pace.minutes_to_limit_high
