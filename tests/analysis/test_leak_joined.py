"""Pieces of one run, and restarts: what goes on at its level is judged as one."""

from __future__ import annotations

import numpy as np
import pytest

from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.joined import joined
from memmon.history import History, HistoryRun

BEGIN = 1_767_571_200.0


def pieces(mb, *, every_hours=6.0, pids=None, births=None, step_hours=1 / 12, pause_hours=0.0):
    times = np.arange(mb.size) * step_hours
    run = np.floor(times / every_hours + 1e-9)
    times = times + pause_hours * run
    first = [times[run == number][0] for number in run]
    runs = [
        HistoryRun(
            run_id=number,
            started_at_seconds=BEGIN + every_hours * number * 3600,
            pid=pid,
            host="here",
            born_at_seconds=None if births is None else births[number],
        )
        for number, pid in enumerate(pids or [])
    ]
    return History.from_arrays(
        at_seconds=BEGIN + times * 3600,
        uptime_seconds=(times - np.asarray(first)) * 3600,
        run_id=run,
        rss_bytes=mb * 2**20,
        runs=runs,
    )


def noisy(hours, rate, sd=2.0):
    times = np.arange(0, hours, 1 / 12)
    return 300 + rate * times + np.random.default_rng(3).normal(0, sd, times.size)


def test_a_leak_is_found_through_the_seams():
    """A program that replaces itself every 90 minutes at a continuous level leaks as one that does not."""
    whole = detect_leak(pieces(noisy(20, 14.0), every_hours=100))
    split = detect_leak(pieces(noisy(20, 14.0), every_hours=1.5))
    assert whole.is_leak
    assert split.is_leak
    assert split.slope_mb_per_hour == pytest.approx(whole.slope_mb_per_hour, abs=0.2)
    assert split.window.run_count == 1


def teeth(hours, rate, high, every_hours):
    """A leak below teeth of garbage that all come down at once, the first of them after a whole tooth."""
    times = np.arange(0, hours, 1 / 12)
    return 300 + rate * times + high * np.mod(times / every_hours, 1)


@pytest.mark.parametrize(
    ("name", "mb"),
    [
        ("a tooth that rises at the seam", teeth(24, 20.0, 50.0, 1.3)),
        ("a tooth that comes down there", teeth(24, 20.0, 50.0, 2.0)),
    ],
)
def test_a_seam_that_moves_as_the_program_does_is_none(name, mb):
    """Where the level moves at the seam as it does at other times, the program goes on: its leak is that of one run."""
    found = joined(pieces(mb))
    assert len(found.runs) == 1, name
    assert detect_leak(pieces(mb)).is_leak, name


def test_a_restart_that_gives_back_what_grew_is_no_tooth():
    """A fall at the seam as large as a tooth's is a restart all the same, where most that the run had grown is gone."""
    level = 300 + 20.0 * np.mod(np.arange(288) / 12, 6.0)
    assert len(joined(pieces(level + teeth(24, 0.0, 150.0, 1.9))).runs) == 4


def test_uptime_goes_on_over_the_seams():
    """Joined pieces have one run, whose uptime is that of the wall clock."""
    found = joined(pieces(noisy(24, 0.0)))
    assert len(found.runs) == 1
    assert float(found.uptime_seconds[-1]) == pytest.approx(float(np.ptp(found.at_seconds)))


@pytest.mark.parametrize(
    ("name", "mb", "options"),
    [
        ("a restart falls back", noisy(24, 20.0) - 120 * np.floor(np.arange(288) / 72), {}),
        ("another process has its own memory", noisy(24, 0.0), {"pids": [1, 2, 3, 4]}),
        (
            "a pid that was given again",
            noisy(24, 0.0),
            {"pids": [1] * 4, "births": [BEGIN, BEGIN + 21_600, BEGIN + 43_200, BEGIN + 64_800]},
        ),
        ("after a pause nobody knows", noisy(24, 0.0), {"pause_hours": 1.0}),
    ],
)
def test_what_is_no_piece_stays_apart(name, mb, options):
    """Runs are joined only where the same process may go on at its level."""
    assert len(joined(pieces(mb, **options)).runs) == 4, name


def test_runs_side_by_side_stay_apart():
    """Where another process lives at the seam, nobody knows whose memory goes on."""
    one, other = pieces(noisy(24, 0.0)), pieces(noisy(24, 0.0), every_hours=100)
    both = History.from_arrays(
        at_seconds=np.concatenate([one.at_seconds, other.at_seconds + 1]),
        rss_bytes=np.concatenate([one.rss_bytes, other.rss_bytes]),
        run_id=np.concatenate([one.run_id, other.run_id + 10]),
    )
    assert len(joined(both).runs) == 5


def test_restarts_that_hide_a_leak_in_noise_are_judged_apart_too():
    """Short runs that start again at their level within the noise still show their leak together."""
    rng = np.random.default_rng(8)
    mb = 300 + 20 * (np.arange(864) % 36) / 12 + rng.normal(0, 12, 864)
    assert detect_leak(pieces(mb, every_hours=3.0)).is_leak
