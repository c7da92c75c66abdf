"""A first working day after a weekend: its rise is no leak yet, and growth that outlasts it is."""

from __future__ import annotations

import numpy as np
import pytest

from memmon.analysis.leak.detect import detect_leak
from memmon.history import History

FRIDAY_EVENING = 1_767_376_800.0  # 2026-01-02 18:00 UTC
MONDAY_MORNING_HOURS = 61.0


def deployed(begin_seconds, grown_mb, *, hours=96.0):
    """A quiet program since `begin_seconds`; `grown_mb` of the hours since its 61st is put on top."""
    times = np.arange(0, hours + 1e-9, 1 / 12)
    noise = np.random.default_rng(7).normal(0, 1.0, times.size)
    mb = 300 + noise + grown_mb(np.maximum(times - MONDAY_MORNING_HOURS, 0.0))
    return History.from_arrays(at_seconds=begin_seconds + times * 3600, rss_bytes=mb * 2**20)


def alarms(history, first, last):
    begin = float(history.at_seconds[0])
    moments = np.arange(first, last + 1e-6)
    return [
        hour
        for hour in moments.tolist()
        if detect_leak(history.slice_time(None, begin + hour * 3600)).is_leak
    ]


def a_day(hours):
    """Load that comes in ten hours and goes in six."""
    return np.interp(hours, [0, 10, 16], [0, 300, 0])


@pytest.mark.parametrize("zone_hours", [-9, 0, 11])
def test_the_first_monday_after_a_weekend_is_no_leak(zone_hours):
    """What was deployed on a Friday evening, in whatever time zone, raises no alarm when Monday's load comes."""
    history = deployed(FRIDAY_EVENING - zone_hours * 3600, a_day)
    assert alarms(history, 62, 80) == []


def test_on_other_days_the_same_rise_is_heard():
    """The same rise of a program that was deployed on a Tuesday evening is growth that began lately."""
    history = deployed(FRIDAY_EVENING - 3 * 86_400, a_day)
    assert alarms(history, 66, 72)


def test_a_program_that_has_seen_a_working_day_is_heard_on_monday():
    """Deployed on a Wednesday evening, a rise on Monday that no working day had is growth that began lately."""
    quiet = deployed(
        FRIDAY_EVENING - 2 * 86_400, lambda hours: np.interp(hours, [48, 58], [0, 300]), hours=144
    )
    assert alarms(quiet, 114, 120)


def test_growth_that_outlasts_a_day_is_heard_on_the_first_monday():
    """A leak that begins on the first Monday is found within a day, before the next working day ends."""
    heard = alarms(deployed(FRIDAY_EVENING, lambda hours: 30 * hours), 63, 85)
    assert heard
    assert heard[0] - MONDAY_MORNING_HOURS <= 20
