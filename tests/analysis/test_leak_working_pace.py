"""A leak that follows the work is measured while work is done, from its first hours on; a warm-up beside jobs is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.detection import working
from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.series import run_series
from memmon.analysis.leak.shape import lasting_slope
from memmon.analysis.leak.signals.working_pace import working_clock
from memmon.history import History
from tests.analysis.parts_kit import of_parts

MIB = 2**20
EVERY_HOURS, LASTS_HOURS = 3.0, 1.0


def jobs(hours):
    """Return the moments, and the hours worked by then: a job of an hour every three."""
    times = np.arange(0, hours + 1e-9, 1 / 12)
    return times, LASTS_HOURS * np.floor(times / EVERY_HOURS) + np.minimum(times % EVERY_HOURS, LASTS_HOURS)


def program(hours, mb_of, *, seed=3, noise_mb=1.0):
    times, worked = jobs(hours)
    mb = 300 + np.random.default_rng(seed).normal(0, noise_mb, times.size) + mb_of(worked, times)
    return History.from_arrays(
        at_seconds=1.7e9 + times * 3600,
        uptime_seconds=times * 3600,
        rss_bytes=mb * MIB,
        work_count=np.round(1_000 * worked),
    )


def leaks(worked, _times):
    return 24.0 * worked


def test_a_leak_of_jobs_is_heard_though_its_average_is_below_the_threshold():
    """24 MB in an hour of work, done a third of the time, are 8 MB an hour: a leak by the pace of the work, told as both."""
    finding = detect_leak(program(20, leaks))
    assert (finding.verdict, finding.reason) == ("leaking", "working_pace")
    after_warm_up = 6 * 24.0 / 19.0
    assert finding.slope_low_mb_per_hour < after_warm_up < finding.slope_high_mb_per_hour
    assert finding.slope_high_mb_per_hour - finding.slope_low_mb_per_hour < 1.0
    assert "Memory leaks with the work done: it grows by 2" in finding.summary
    assert "while it works, at or above the threshold of 10, on average by 7." in finding.summary
    assert any("rests with it" in line for line in finding.details)


def test_without_the_count_no_leak_is_heard():
    """By time alone it grows by less than the threshold."""
    assert not detect_leak(replace(program(20, leaks), work_count=None)).is_leak


def test_slower_leaks_stay_below_the_threshold():
    """8 MB in an hour of work reach no threshold of 10, however they are counted."""
    assert not detect_leak(program(20, lambda worked, _: 8.0 * worked)).is_leak


@pytest.mark.parametrize("constant_hours", [2.0, 5.0, 12.0])
def test_a_warm_up_beside_jobs_is_no_leak(constant_hours):
    """An approach in time goes on while no work is done: beside it nothing lasts that follows the work."""
    rises = [
        detect_leak(
            program(hours, lambda _, times: 250.0 * (1 - np.exp(-times / constant_hours)), seed=hours)
        )
        for hours in range(9, 24)
    ]
    assert not any(one.reason == "working_pace" for one in rises)


def test_a_line_lasts_beside_an_approach_in_another_clock():
    """What is straight in jobs and not in time keeps its slope; what approaches a level in time leaves none in any other."""
    times, worked = jobs(20)
    assert lasting_slope(worked + 0.01 * times, 24.0 * worked, times=times) == pytest.approx(24, rel=0.1)
    since = np.arange(0, 12, 0.25)
    approach = 5 * (1 - np.exp(-since / 5))
    clock = approach + 0.3 * since
    assert lasting_slope(clock, 40 * approach, times=since) == pytest.approx(0, abs=1e-3)


def test_the_clock_passes_at_the_pace_of_the_average_unit():
    """An hour of work is an hour, a pause hardly any; a count that fell back, or none, makes no clock."""
    run = run_series(program(20, leaks), warm_up_hours=1.0)
    clock = working_clock(run)
    assert clock[-1] - clock[0] == pytest.approx(0.95 * 6 + 0.05 * 19, rel=0.05)
    assert float(np.diff(clock).min()) > 0
    assert working_clock(replace(run, work=None)) is None
    assert working_clock(replace(run, work=np.ones(run.hours.size))) is None
    fallen = run.work.copy()
    fallen[100:] -= 2_000
    assert working_clock(replace(run, work=fallen)) is None


def test_a_part_that_leaks_with_the_work_is_named():
    """Objects that fill holes of resident memory while work is done are told as what grows while it works."""
    times, worked = jobs(20)
    rng = np.random.default_rng(4)
    history = of_parts(
        times,
        objects=24.0 * worked + rng.normal(0, 0.3, times.size),
        heap=80 + rng.normal(0, 0.3, times.size),
        anonymous=700 + rng.normal(0, 2.0, times.size),
        block_bytes=80.0,
        work_count=np.round(1_000 * worked),
    )
    finding = detect_leak(history)
    assert (finding.verdict, finding.signal) == ("leaking", "blocks")
    assert "Memory leaks with the work done: Python objects grow by 2" in finding.summary
    assert "resident memory does not show it yet" in finding.summary


def test_rates_on_simulated_workers():
    """Most leaks of workers that rest are heard within a day; beside caches, warm-ups and levels nothing is told at its end."""
    profiles = ("jobs", "queue", "office")

    def told(kind):
        tracks = (
            working.case(kind, profile, index, "evaluation", hours=24.0)
            for profile in profiles
            for index in range(12)
        )
        return np.mean([detect_leak(track.history()).is_leak for track in tracks])

    assert told("leaks with the work") >= 0.7
    assert np.mean([told(kind) for kind in working.KINDS if kind not in working.LEAKING]) <= 0.02
