"""Growth of the last two to four hours: told in a process that is known to be healthy, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from parts_kit import of_parts

from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.series import run_series
from memmon.analysis.leak.short import DAY_KNOWN_HOURS, KNOWN_HOURS, short_alarm
from memmon.facts.signals import Signal
from memmon.history import History
from memmon.units import MIB

TUESDAY = 1_767_657_600.0
"""2026-01-06 0:00 UTC."""
DAY_SECONDS = 86_400.0


def hours_of(length_hours):
    return np.arange(0, length_hours + 1e-9, 1 / 12)


def recorded(hours, mb, *, begins=TUESDAY):
    return History.from_arrays(
        at_seconds=begins + hours * 3600, uptime_seconds=hours * 3600, rss_bytes=np.asarray(mb) * MIB
    )


def noise(hours, seed, mb=1.0):
    return np.random.default_rng(seed).normal(0, mb, hours.size)


def alarm(hours, mb, *, begins=TUESDAY, known_hours=KNOWN_HOURS):
    series = run_series(recorded(hours, mb, begins=begins), warm_up_hours=1.0)
    return short_alarm(series, 10.0, known_hours=known_hours)


def test_all_memory_that_is_known_for_a_day_tells_a_late_leak_within_four_hours():
    """A leak of 20 MB/h that begins after 30 healthy hours is told after 4 h, of most seeds, without any counter."""
    hours = hours_of(34)
    found = [
        detect_leak(recorded(hours, 200 + noise(hours, seed) + 20 * np.maximum(hours - 30, 0)))
        for seed in range(20)
    ]
    assert np.mean([one.is_leak for one in found]) >= 0.9
    told = next(one for one in found if one.is_leak)
    assert told.slope_mb_per_hour == pytest.approx(20, rel=0.2)


def test_a_day_that_is_not_known_tells_nothing_of_its_last_hours():
    """All memory by itself needs a day before: the rise of a first day is no late leak."""
    hours = hours_of(16)
    mb = 200 + noise(hours, 1, 0.3) + 20 * np.maximum(hours - 12, 0)
    assert alarm(hours, mb) is not None
    assert alarm(hours, mb, known_hours=DAY_KNOWN_HOURS) is None


def test_the_rise_of_a_start_hides_no_late_leak():
    """What rose by 20 MB/h in its first six hours, and never was so low again, is heard when it leaks as fast later."""
    hours = hours_of(20)
    start = 20 * np.minimum(hours, 6)
    assert alarm(hours, 200 + start + noise(hours, 2, 0.3) + 20 * np.maximum(hours - 17, 0)) is not None
    assert alarm(hours, 200 + start + noise(hours, 2, 0.3)) is None


def test_a_step_hides_no_late_leak():
    """A step of 60 MB is no growth that the leak would have to exceed."""
    hours = hours_of(16)
    step = np.where(hours >= 9, 60.0, 0.0)
    assert alarm(hours, 200 + step + noise(hours, 3, 0.3) + 20 * np.maximum(hours - 13, 0)) is not None


def test_a_rise_that_came_before_and_went_is_none():
    """A load that rises as fast each eight hours, each time for longer, is no late leak; the first time it may be one."""
    hours = hours_of(40)
    risen = hours % 8
    mb = 200 + 20 * risen * (risen < 3 + hours // 8) + noise(hours, 4, 0.3)
    assert all(alarm(hours[hours <= end], mb[hours <= end]) is None for end in np.arange(19.75, 40, 0.25))
    level = np.where(hours < 32, 200 + noise(hours, 4, 0.3), mb)
    assert any(alarm(hours[hours <= end], level[hours <= end]) for end in np.arange(34, 40, 0.25))


def test_what_moves_by_more_each_day_does_not_tell_of_a_small_rise():
    """Memory that falls by 200 MB every four hours rises by 15 MB/h on top of that: it is told where nothing fell before."""
    hours = hours_of(36)
    falls = np.where(hours < 32, 200 * (4 - hours % 4) / 4, 200)
    rise = 15 * np.maximum(hours - 32, 0)
    assert alarm(hours, 400 + noise(hours, 6, 0.3) + rise) is not None
    assert alarm(hours, 200 + falls + noise(hours, 6, 0.3) + rise) is None


def test_a_weekend_is_no_silence_for_what_had_working_days_before():
    """From a Tuesday on, a leak that begins on the first Saturday is heard in hours; deployed on Friday evening it is not."""
    hours = hours_of(4 * 24 + 10)
    mb = 200 + noise(hours, 5, 0.3) + 20 * np.maximum(hours - hours[-1] + 3, 0)
    assert alarm(hours, mb) is not None
    evening = hours >= 3 * 24 + 20
    assert alarm(hours[evening] - hours[evening][0], mb[evening], begins=TUESDAY + 3.83 * DAY_SECONDS) is None


def grown(hours, *, objects, heap, beside):
    return of_parts(
        hours,
        objects=60 + objects + noise(hours, 6, 0.05),
        heap=40 + heap,
        anonymous=130 + objects + heap + beside,
        block_bytes=70.0,
        begins=TUESDAY,
    )


def test_all_memory_is_heard_early_where_what_is_in_use_may_grow_as_fast():
    """Under a noisy heap a leak is heard by all memory after 12 healthy hours; arenas, of which nothing is in use, are not."""
    hours = hours_of(16)
    leak = 20 * np.maximum(hours - 12, 0)
    heap = 12 * np.sin(2 * np.pi * hours / 2.7)
    held = 60 - heap
    heard = detect_leak(grown(hours, objects=0 * hours, heap=heap + leak, beside=held))
    assert (heard.is_leak, heard.signal) == (True, Signal.FOOTPRINT)
    arenas = grown(hours, objects=0 * hours, heap=0 * hours, beside=60 + leak)
    assert not detect_leak(arenas).is_leak
