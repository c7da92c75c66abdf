from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memmon.analysis.cause.per_work import WorkSeries, growth_per_work

MB = 2**20
KB = 1024
HOURS = np.arange(0, 24, 1 / 12)
N = HOURS.size


def varying_work(rng, per_hour=4000.0):
    """Messages so far under a daily load with bursts."""
    rate = per_hour * (1 + 0.7 * np.sin(2 * np.pi * (HOURS - rng.uniform(0, 24)) / 24))
    rate = rate * rng.lognormal(0, 0.3, N)
    return np.concatenate([[0], np.cumsum(rate[1:] / 12)]), rate


def noisy(rng, scale=0.5):
    value = np.zeros(N)
    for place in range(1, N):
        value[place] = 0.9 * value[place - 1] + rng.normal(0, scale)
    return value


def bot(rng, *, leak_bytes=0.0, load_bytes=0.0, time_mb=0.0, noise=0.5, work=None):
    done, rate = varying_work(rng) if work is None else work
    rss = 200 * MB + leak_bytes * done + load_bytes * rate + time_mb * MB * HOURS + noisy(rng, noise) * MB
    return WorkSeries.from_arrays(HOURS, rss, done)


def test_twelve_kb_a_message_is_told_within_one():
    """12 KB leaked per message is told as 12 +/- 1 KB under varying load, in at least 48 of 50 days."""
    right = 0
    for seed in range(50):
        found = growth_per_work(bot(np.random.default_rng(seed), leak_bytes=12 * KB, load_bytes=2 * KB))
        right += abs(found.bytes_per_unit - 12 * KB) <= KB and found.is_leak
    assert right >= 48


def test_a_bot_whose_memory_follows_its_load_is_not_reported():
    """Memory in proportion to the load, without a leak, is no leak per message: at most 3 of 50 days."""
    wrong = 0
    for seed in range(50):
        found = growth_per_work(bot(np.random.default_rng(seed), load_bytes=20 * KB))
        wrong += found.is_leak
        assert found.load_bytes_per_unit_per_hour > 0
    assert wrong <= 3


def test_a_load_that_rises_all_day_is_no_leak():
    """A load that climbs through the window carries memory up with it, and still nothing is left behind."""
    rate = np.linspace(1000, 8000, N)
    done = np.concatenate([[0], np.cumsum(rate[1:] / 12)])
    wrong = 0
    for seed in range(20):
        found = growth_per_work(bot(np.random.default_rng(seed), load_bytes=20 * KB, work=(done, rate)))
        wrong += found is not None and found.is_leak
    assert wrong <= 1


def test_the_interval_holds_the_truth():
    """The 95 % interval contains the true bytes per message in at least 90 of 100 days."""
    held = 0
    for seed in range(100):
        found = growth_per_work(bot(np.random.default_rng(seed), leak_bytes=3 * KB, load_bytes=KB, noise=1.0))
        held += found.bytes_per_unit_low <= 3 * KB <= found.bytes_per_unit_high
    assert held >= 90


def test_growth_that_follows_the_work_is_told_from_growth_with_time():
    """Under a strongly varying load the sentence is about work or about time, whichever fits better."""
    rng = np.random.default_rng(1)
    assert growth_per_work(bot(rng, leak_bytes=12 * KB, noise=0.05)).moves_with == "work"
    assert growth_per_work(bot(rng, time_mb=20.0, noise=0.05)).moves_with == "time"
    even = np.arange(N) * 300.0
    found = growth_per_work(bot(rng, leak_bytes=12 * KB, work=(even, np.full(N, 3600.0))))
    assert found.moves_with == "either"
    assert found.bytes_per_unit == pytest.approx(12 * KB, rel=0.05)


def test_restarts_in_between_do_not_disturb():
    """Several runs, each counting from zero, are judged together."""
    rng = np.random.default_rng(2)
    runs = [bot(rng, leak_bytes=12 * KB) for _ in range(3)]
    found = growth_per_work(runs)
    assert found.bytes_per_unit == pytest.approx(12 * KB, abs=KB)
    assert found.duration_hours > 65
    assert "12." in found.summary
    assert "11." in found.summary


def test_without_work_there_is_nothing_to_tell():
    """No work, no count, too few samples, and work that never happens give no figure."""
    rng = np.random.default_rng(3)
    rss = np.full(N, 100.0 * MB)
    for work in (np.zeros(N), np.full(N, np.nan)):
        assert growth_per_work(WorkSeries.from_arrays(HOURS, rss, work)) is None
    assert growth_per_work([]) is None
    short = bot(rng)
    assert (
        growth_per_work(WorkSeries.from_arrays(HOURS[:20], short.rss_bytes[:20], short.work_count[:20]))
        is None
    )
    clumped = np.concatenate([np.zeros(N - 1), [24.0]])
    assert growth_per_work(WorkSeries.from_arrays(clumped, rss, np.arange(N))) is None
    with pytest.raises(ValueError, match="lengths differ"):
        WorkSeries.from_arrays([1.0], [1.0, 2.0], [1.0])


def test_a_count_that_falls_back_is_no_negative_work():
    """A counter that was reset in the middle goes on from where it was."""
    rng = np.random.default_rng(4)
    series = bot(rng, leak_bytes=12 * KB)
    reset = series.work_count.copy()
    reset[N // 2 :] -= reset[N // 2]
    found = growth_per_work(WorkSeries.from_arrays(HOURS, series.rss_bytes, reset))
    assert found.bytes_per_unit == pytest.approx(12 * KB, abs=KB)


@pytest.mark.parametrize("unit", [5e-324, 1e-158, 1e-30, 1e-3, 1e30, 1e200])
def test_the_unit_of_work_does_not_matter(unit):
    """Work counted in any unit leaves the same memory behind in all; an amount too small to be work is none."""
    series = bot(np.random.default_rng(5), leak_bytes=12 * KB)
    plain = growth_per_work(series)
    found = growth_per_work(WorkSeries.from_arrays(HOURS, series.rss_bytes, series.work_count * unit))
    if unit < 1e-100:
        assert found is None
        return
    assert found.is_leak is plain.is_leak
    for name in ("bytes_per_unit", "bytes_per_unit_low", "bytes_per_unit_high"):
        assert getattr(found, name) * unit == pytest.approx(getattr(plain, name), rel=1e-6)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.floats(0, 1e6), st.floats(0, 100))
@example(seed=3, per_hour=1.5838206624310156e-158, noise=1.0)
def test_any_series_gives_ordered_finite_figures(seed, per_hour, noise):
    """Whatever the load and noise, a figure lies within its interval and is finite."""
    rng = np.random.default_rng(seed)
    found = growth_per_work(bot(rng, leak_bytes=KB, noise=noise, work=varying_work(rng, per_hour)))
    if found is not None:
        assert found.bytes_per_unit_low <= found.bytes_per_unit <= found.bytes_per_unit_high
        assert np.isfinite([found.bytes_per_unit_low, found.bytes_per_unit_high]).all()
