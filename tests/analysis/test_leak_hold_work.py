"""Where work is counted, a pause of the work resolves no leak that was seen in the act; work without growth does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.detection import working
from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.hold_work import (
    Grown,
    WorkByHour,
    grows_without_work,
    is_given_back,
    is_level_beside_work,
)
from memmon.history import History

MONDAY = 1_767_571_200.0  # 2026-01-05 0:00 UTC
UNITS_PER_HOUR = 1_000.0


def worker(hours, *, pace, mb_of, seed=5):
    """Return a program since Monday 8 h: `pace` (of the most) at each hour of its clock; `mb_of`: MB by hours worked, and by hours."""
    times = np.arange(0, hours + 1e-9, 1 / 12)
    rate = np.array([pace(8.0 + at) for at in times])
    worked = np.concatenate([[0.0], np.cumsum(rate[1:]) / 12])
    mb = 300 + np.random.default_rng(seed).normal(0, 0.7, times.size) + mb_of(worked, times)
    return History.from_arrays(
        at_seconds=MONDAY + (8.0 + times) * 3600,
        uptime_seconds=times * 3600,
        rss_bytes=mb * 2**20,
        run_id=np.ones(times.size),
        work_count=np.round(UNITS_PER_HOUR * worked),
    )


def by_day(clock):
    """Work from 8 to 16 h, none by night."""
    return 1.0 if clock % 24 < 16 and clock % 24 >= 8 else 0.0


def at(history, clock):
    return detect_leak(history.slice_time(None, MONDAY + clock * 3600))


def leaks(worked, _times):
    return 40.0 * worked


def test_a_night_without_work_takes_nothing_back():
    """What leaked with the work from its start on is leaking at night, and says that no work was done, and since when."""
    history = worker(20, pace=by_day, mb_of=leaks)
    assert at(history, 15).reason != "held"
    for clock in range(18, 28):
        night = at(history, clock)
        assert (night.verdict, night.reason) == ("leaking", "held")
        assert night.paused_hours == pytest.approx(clock - 16, abs=1.1)
        assert "because no work was done since 2026-01-05 15:55" in night.summary
    assert any("nor was as much work done" in line for line in night.details)


def test_without_a_count_no_leak_is_told_of_it():
    """The same memory without the count may be a cache that filled."""
    assert not at(replace(worker(20, pace=by_day, mb_of=leaks), work_count=None), 26).is_leak


def test_hardly_any_work_is_told_as_that():
    """A few units by night are a pause of the work too."""
    history = worker(20, pace=lambda clock: by_day(clock) or 0.01, mb_of=leaks)
    assert "because hardly any work was done since 2026-01-05" in at(history, 26).summary


def test_less_work_leaks_less_and_goes_on():
    """Where a fifth of the work is done by night the leak goes on with it, and says so."""
    history = worker(9.5, pace=lambda clock: by_day(clock) or 0.2, mb_of=leaks)
    evening = at(history, 17.5)
    assert evening.is_leak
    late = at(worker(20, pace=lambda clock: by_day(clock) or 0.2, mb_of=leaks), 26)
    assert late.is_leak
    assert late.reason == "by_work" or "goes on with the work done" in late.summary


def test_work_without_growth_resolves_it():
    """A cache that was full while work went on is none at night, nor is what does not grow on the next day."""
    full = worker(40, pace=by_day, mb_of=lambda worked, _: 40.0 * np.minimum(worked, 5.0))
    assert at(full, 12).is_leak
    assert not at(full, 24).is_leak
    filled = worker(40, pace=by_day, mb_of=lambda worked, _: 40.0 * np.minimum(worked, 8.0))
    assert at(filled, 24).is_leak
    assert not at(filled, 36).is_leak
    assert not at(filled, 44).is_leak


def test_memory_given_back_resolves_it():
    """A third of the growth given back by night was no leak, whatever work is done."""
    history = worker(20, pace=by_day, mb_of=lambda worked, times: 40.0 * worked - 130.0 * (times >= 12))
    assert at(history, 19).is_leak
    assert not at(history, 26).is_leak


def by_hour(paces):
    paces = np.asarray(paces, dtype=float)
    return WorkByHour(done=np.cumsum(paces) - paces / 2, paces=paces)


GREW = Grown(hour=5, mb=200.0, hours=5, units=500.0)


@pytest.mark.parametrize(("mb_an_hour", "is_by_time"), [(0.0, False), (1.0, False), (8.0, True)])
def test_growth_that_goes_on_without_work_goes_by_time(mb_an_hour, is_by_time):
    """A warm-up goes on by night, more slowly, while no work is done: the pause of the work excuses nothing of it."""
    floors = np.concatenate([40.0 * np.arange(6), 200.0 + mb_an_hour * np.arange(1, 7)])
    work = by_hour([100.0] * 6 + [0.0] * 6)
    assert grows_without_work(floors, work, GREW, widest_mb=6.0) is is_by_time


@pytest.mark.parametrize(("level", "is_back"), [(200.0, False), (150.0, False), (120.0, True)])
def test_a_third_of_all_growth_is_given_back(level, is_back):
    """What counts is what it had come to, for three hours; one low hour is none."""
    floors = np.concatenate([40.0 * np.arange(6), [level] * 3])
    assert is_given_back(floors, GREW, 1 / 3) is is_back
    assert not is_given_back(np.append(40.0 * np.arange(6), [0.0]), GREW, 1 / 3)


@pytest.mark.parametrize(("pace", "is_level"), [(100.0, True), (60.0, True), (20.0, False)])
def test_only_as_much_load_tells_a_level(pace, is_level):
    """Where the load has fallen since, memory that follows it hides what leaks; at the same load a level is one."""
    floors = np.concatenate([40.0 * np.arange(6), [200.0] * 12])
    work = by_hour([100.0] * 6 + [pace] * 12)
    idler = by_hour([100.0] * 7 + [pace] * 2)
    assert is_level_beside_work(floors, work, GREW, 10.0, 1.0)
    assert is_level_beside_work(floors[:9], idler, GREW, 10.0, 1.0) is is_level


def test_rates_on_simulated_programs():
    """Of leaks with the work most are held at night; caches, warm-ups and levels beside counted work are hardly ever leaks."""
    hours = 24.0

    def told(kind, profile, count):
        tracks = (working.case(kind, profile, index, "evaluation", hours=hours) for index in range(count))
        return np.mean([detect_leak(track.history()).is_leak for track in tracks])

    assert (
        np.mean([told("leaks with the work", profile, 12) for profile in ("day", "office", "queue")]) >= 0.7
    )
    calm = [kind for kind in working.KINDS if kind not in working.LEAKING]
    assert np.mean([told(kind, profile, 6) for kind in calm for profile in working.PROFILES]) <= 0.02
