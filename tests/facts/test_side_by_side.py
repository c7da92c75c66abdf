"""Which runs are processes side by side, and which are restarts."""

from __future__ import annotations

import pytest

from memmon.facts.side_by_side import Life, lanes, living

HOUR = 3600.0


def life(number, begin_hours, end_hours, **more):
    """A run between two hours, read every five minutes."""
    return Life(
        run_id=number,
        begin_seconds=begin_hours * HOUR,
        end_seconds=end_hours * HOUR,
        **{"interval_seconds": 300.0, **more},
    )


def numbers(found):
    """The runs of each lane."""
    return [[one.run_id for one in lane] for lane in found]


def test_workers_that_start_together_are_processes_side_by_side():
    """Runs that live through the same hours are four processes and no restart, whatever lies between their first samples."""
    workers = [life(n, 0.0001 * n, 24.0 + 0.0001 * n) for n in range(4)]
    assert numbers(lanes(workers)) == [[0], [1], [2], [3]]
    imported = [life(n, 0.0001 * n, 24.0 + 0.0001 * n, end_reason="imported") for n in range(4)]
    assert numbers(lanes(imported)) == [[0], [1], [2], [3]]
    stopped = [life(n, 0.0001 * n, 24.0 + 0.0001 * n, end_reason="stopped") for n in range(4)]
    assert numbers(lanes(stopped)) == [[0], [1], [2], [3]]


def test_runs_that_follow_one_another_are_restarts():
    """A run that begins after the one before has ended, or was heard of last, is its restart."""
    runs = [life(1, 0, 5, end_reason="oom"), life(2, 5.1, 9.0), life(3, 9.0, 12)]
    assert numbers(lanes(runs, at_seconds=12 * HOUR)) == [[1, 2, 3]]


def test_a_worker_that_is_replaced_while_others_live_is_a_restart():
    """The new worker takes the place of the one that went, not that of a worker that went long ago."""
    runs = [
        life(1, 0, 24), life(2, 0, 10), life(3, 0, 4), life(4, 10.01, 24), life(5, 20, 24),
    ]  # fmt: skip
    assert numbers(lanes(runs)) == [[1], [2, 4], [3, 5]]


@pytest.mark.parametrize("minutes", [1, 5, 9])
def test_a_rolling_restart_is_a_restart(minutes):
    """A new process that overlaps the old one for some minutes is no second process, once the old one has ended."""
    old, new = life(1, 0, 10, end_reason="sigterm"), life(2, 10 - minutes / 60, 20)
    assert numbers(lanes([old, new])) == [[1, 2]]
    silent = life(1, 0, 10)
    assert numbers(lanes([silent, new])) == [[1, 2]]


def test_processes_that_live_together_for_long_are_two():
    """An overlap that is longer, a good part of a short life, or inside the other's life is none of a restart."""
    later = life(2, 9.5, 20)
    assert numbers(lanes([life(1, 0, 10, end_reason="exit"), later])) == [[1], [2]]
    assert numbers(lanes([life(1, 9.45, 9.6, end_reason="exit"), later])) == [[1], [2]]
    assert numbers(lanes([life(1, 0, 10), life(2, 9.95, 10, end_reason="exit")])) == [[1], [2]]


def test_a_process_that_may_still_live_is_not_replaced():
    """One that was heard of a moment ago goes on: the one that begins now is a second one; silence tells otherwise."""
    first, second = life(1, 0, 5.0), life(2, 5.02, 5.03)
    assert numbers(lanes([first, second])) == [[1], [2]]
    assert numbers(lanes([first, life(2, 5.02, 6)])) == [[1, 2]]


def test_pools_that_recycle_their_workers_have_as_many_processes_as_workers():
    """Of four workers that live an hour each, staggered, there are four processes at any time; the others are restarts."""
    pool = [
        life(10 * slot + turn, turn + slot / 4, turn + slot / 4 + 0.99)
        for slot in range(4)
        for turn in range(12)
    ]
    found = lanes(pool)
    assert len(found) == 4
    assert len(pool) - len(found) == 44


def test_a_machine_that_was_started_anew_has_no_process_of_before():
    """A clock that lies behind after a start makes no second process: nothing lives through a start of its machine."""
    before = life(1, 0, 10, host="pi", boot_id="a")
    after = life(2, 9.2, 9.3, host="pi", boot_id="b")
    assert numbers(lanes([before, after], at_seconds=10 * HOUR)) == [[1, 2]]
    elsewhere = life(2, 9.2, 9.3, host="other", boot_id="b")
    assert numbers(lanes([before, elsewhere], at_seconds=10 * HOUR)) == [[1], [2]]
    namesakes = [before, life(2, 1, 10, host="pi", boot_id="b")]
    assert numbers(lanes(namesakes)) == [[1], [2]]


def test_a_recorder_that_starts_again_in_its_process_is_no_second_process():
    """Two runs of one process are a restart of the recorder, also while the first has no end."""
    one = {"host": "box", "pid": 7, "born_seconds": 3.0}
    assert numbers(lanes([life(1, 0, 5, **one), life(2, 4.95, 5.01, **one)])) == [[1, 2]]


def test_the_living_are_the_newest_of_each_lane_that_neither_ended_nor_fell_silent():
    """Of those that went nobody is there; where all have ended, those are meant that were there at the end."""
    runs = [
        life(1, 0, 24),
        life(2, 0, 10, end_reason="oom"),
        life(3, 10, 23.99),
        life(4, 0, 20),
        life(5, 0, 24, end_reason="exit"),
    ]
    found = lanes(runs)
    assert numbers(living(found, at_seconds=24 * HOUR)) == [[1], [2, 3]]
    ended = lanes([life(n, 0, 24 - n / 3600, end_reason="stopped") for n in range(3)])
    assert len(living(ended, at_seconds=30 * HOUR)) == 3
    assert lanes([]) == ()
    assert living((), at_seconds=0.0) == ()
