"""A leak that follows the work is heard beside the work counted; load that comes and goes is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.series import run_series
from memmon.analysis.leak.signals.by_work import work_clock
from memmon.history import History

MIB = 2**20


def program(length_hours, seed, *, leak_mb_per_hour=0.0, load_mb=20.0, noise_mb=3.0):
    """Return a program with work by day, memory that follows the work of each hour, and a leak with each unit of work."""
    hours = np.arange(0, length_hours, 1 / 12)
    rng = np.random.default_rng(seed)
    rate = np.maximum(1 + np.sin(2 * np.pi * (hours - 2) / 24), 0.03) * np.exp(rng.normal(0, 0.2, hours.size))
    done = np.cumsum(rate)
    noise = np.zeros(hours.size)
    for place in range(1, hours.size):
        noise[place] = 0.9 * noise[place - 1] + rng.normal(0, 0.4 * noise_mb)
    mb = 200 + load_mb * rate + noise + leak_mb_per_hour * length_hours * done / done[-1]
    return History.from_arrays(
        at_seconds=1.7e9 + hours * 3600,
        uptime_seconds=hours * 3600,
        rss_bytes=mb * MIB,
        work_count=np.round(1_000 * done),
    )


def test_a_leak_that_follows_the_work_is_heard_after_a_day():
    """Growth of twice the threshold that pauses by night is a leak beside the work, where time alone seldom tells it."""
    findings = [detect_leak(program(24, seed, leak_mb_per_hour=20.0)) for seed in range(12)]
    alone = [
        detect_leak(replace(program(24, seed, leak_mb_per_hour=20.0), work_count=None)) for seed in range(12)
    ]
    assert np.mean([one.is_leak for one in findings]) >= 0.9
    assert np.mean([one.is_leak for one in alone]) <= 0.6
    by_work = [one for one in findings if one.reason == "by_work"]
    assert by_work
    for one in by_work:
        assert one.slope_mb_per_hour == pytest.approx(20, rel=0.25)
        assert "with the work done" in one.summary
        assert any("beside the work counted" in line for line in one.details)


@pytest.mark.parametrize("length_hours", [24, 48])
def test_memory_that_follows_the_load_is_no_leak(length_hours):
    """What each hour's work takes, and gives back, is none, however much work was counted."""
    assert not any(detect_leak(program(length_hours, seed, load_mb=80.0)).is_leak for seed in range(12))


def test_a_young_history_is_judged_by_time_alone():
    """In the first hours a warm-up is as straight beside the work as a leak: nothing is said by it then."""
    history = program(18, 1, leak_mb_per_hour=20.0)
    assert detect_leak(history).reason != "by_work"


def test_the_clock_of_work_has_as_many_hours_as_time():
    """Hours pass as work is done and a little with time; a count that fell back, or none, makes no clock."""
    run = run_series(program(24, 1), warm_up_hours=1.0)
    clock = work_clock(run)
    assert clock[0] == run.hours[0]
    assert clock[-1] == pytest.approx(run.hours[-1])
    assert float(np.diff(clock).min()) > 0
    assert work_clock(replace(run, work=None)) is None
    assert work_clock(replace(run, work=np.zeros(run.hours.size))) is None
    fallen = run.work.copy()
    fallen[100:] -= 5_000
    assert work_clock(replace(run, work=fallen)) is None
