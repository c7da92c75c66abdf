"""A start that only repeats how runs before it started, and came to a level, is no leak."""

from __future__ import annotations

import numpy as np
import pytest

from memmon.analysis.leak.detect import detect_leak
from memmon.history import History

MIB = 2**20
RUN_HOURS = 16.0
WARM_HOURS = 7.0


def _history(*runs, newest_hours):
    """Return runs, each a function of uptime in hours to MB, one after the other; the newest so far for `newest_hours`."""
    at, mb, run_id, uptime = [], [], [], []
    for number, made in enumerate(runs):
        hours = np.arange(0, newest_hours if number == len(runs) - 1 else RUN_HOURS, 1 / 12)
        noise = np.random.default_rng([5, number]).normal(0, 0.3, hours.size)
        at.append(1.77e9 + (number * RUN_HOURS + hours) * 3600)
        mb.append(made(hours) + noise)
        run_id.append(np.full(hours.size, number + 1))
        uptime.append(hours * 3600)
    at, mb, run_id, uptime = map(np.concatenate, (at, mb, run_id, uptime))
    return History.from_arrays(at_seconds=at, rss_bytes=mb * MIB, run_id=run_id, uptime_seconds=uptime)


def warms(share, warm_hours=WARM_HOURS):
    """Return a run that fills its last `share` of 300 MB in a straight line, the rest is there at once."""
    return lambda hours: 500 - 300 * share * (1 - np.minimum(hours / warm_hours, 1))


def leaks(per_hour, begin_mb=200.0):
    """Return a run that leaks from its start on."""
    return lambda hours: begin_mb + per_hour * hours


def test_a_warm_up_that_restarts_repeat_is_told_by_the_run_before():
    """The same straight rise is a leak where no run before is known, and a warm-up after one that ended so."""
    alone = detect_leak(_history(warms(0.6), newest_hours=5.0))
    after = detect_leak(_history(warms(1.0), warms(0.6), newest_hours=5.0))
    assert alone.verdict == "leaking"
    assert after.verdict == "saturating"
    assert after.reason == "as_before"
    assert "as after the starts before" in after.summary
    assert any("runs before" in line for line in after.details)


@pytest.mark.parametrize("newest_hours", [4.0, 5.0, 6.0, 7.0, 10.0])
def test_no_age_of_such_a_run_is_a_leak(newest_hours):
    """From its first hours until its end a repeated warm-up is never called a leak."""
    runs = (warms(1.0), warms(0.5), warms(0.7), warms(0.4))
    assert not detect_leak(_history(*runs, newest_hours=newest_hours)).is_leak


def test_runs_that_leaked_excuse_nothing():
    """A leak that goes on over restarts leaves no level, so the newest run is judged as ever."""
    found = detect_leak(_history(leaks(30), leaks(30), leaks(30), newest_hours=5.0))
    assert found.verdict == "leaking"


def test_one_leak_among_the_last_runs_is_enough_to_excuse_nothing():
    """Where one of the last runs went on growing to its end, none of the others excuses the newest."""
    found = detect_leak(_history(warms(1.0), leaks(30), warms(0.6), newest_hours=5.0))
    assert found.verdict == "leaking"


def test_growth_beyond_what_was_seen_is_a_leak():
    """A rise that is larger at the same uptime, or that takes longer than any before, is one."""
    larger = detect_leak(_history(warms(0.4), leaks(30), newest_hours=5.0))
    longer = detect_leak(_history(warms(1.0, warm_hours=3.0), leaks(20), newest_hours=5.0))
    assert larger.verdict == "leaking"
    assert longer.verdict == "leaking"


def test_a_leak_beside_the_warm_up_is_heard_when_the_start_is_over():
    """What goes on after as long as earlier starts took is a leak, however slowly it went before."""
    runs = (warms(1.0), warms(1.0), lambda hours: warms(0.2)(hours) + 30 * hours)
    assert not detect_leak(_history(*runs, newest_hours=5.0)).is_leak
    assert detect_leak(_history(*runs, newest_hours=15.0)).is_leak
