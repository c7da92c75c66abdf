"""A soak of several processes: each is judged by itself, and their sum; what was not measured is never passed over."""

from __future__ import annotations

import numpy as np
import pytest

from memmon.assessment.soak import judge_soak_processes
from memmon.history import History, HistoryRun

BEGIN = 1.77e9


def process(number, slope=0.0, *, mb=100.0, begin=0.0, end=24.0, reason="exit"):
    """One process, read every five minutes; MB and hours."""
    hours = np.arange(round(begin * 12), round(end * 12) + 1) / 12
    noise = np.random.default_rng(number).normal(0, 0.1, hours.size)
    run = HistoryRun(
        run_id=number,
        started_at_seconds=BEGIN + begin * 3600,
        ended_at_seconds=BEGIN + end * 3600,
        end_reason=reason,
        host="box",
        pid=500 + number,
    )
    return run, BEGIN + hours * 3600 + 0.1 * number, mb + slope * (hours - begin) + noise


def soak(*processes, **more):
    history = History.from_arrays(
        source="suite",
        at_seconds=np.concatenate([at for _, at, _ in processes]),
        rss_bytes=np.concatenate([mb for _, _, mb in processes]) * 2**20,
        run_id=np.concatenate([np.full(at.size, run.run_id) for run, at, _ in processes]),
        runs=[run for run, _, _ in processes],
    )
    return judge_soak_processes(history, **more)


PARENT = process(1, mb=12.0)


def test_a_healthy_pool_passes():
    """Where every process is flat and so is their sum, the soak proves it, for all of them by name."""
    found = soak(PARENT, process(2), process(3))
    assert found.verdict.outcome == "PASS"
    assert "none of 3 processes leaks, nor their sum" in found.verdict.summary
    assert len(found.each) == 4


def test_a_program_that_ends_piece_by_piece_is_judged_while_it_was_whole():
    """Workers end before their parent: what they held is then gone, and neither hides growth nor forbids a proof."""
    ended = [process(number, end=23.0) for number in (2, 3)]
    assert soak(PARENT, *ended).verdict.outcome == "PASS"


@pytest.mark.parametrize("slopes", [(2.0, 2.0), (2.0, 0.0)])
def test_a_leaking_worker_fails_however_flat_its_parent(slopes):
    """The parent is small and flat; one worker that leaks is a FAIL, and is named."""
    found = soak(PARENT, *(process(number, slope) for number, slope in enumerate(slopes, 2)))
    assert found.verdict.outcome == "FAIL"
    assert dict(found.each)["pid 502"].outcome == "FAIL"
    assert dict(found.each)["pid 501"].outcome == "PASS"


def test_many_small_leaks_are_one():
    """Each process leaks less than would have to be seen; what they hold together does not."""
    found = soak(*(process(number, 0.2) for number in range(1, 9)))
    assert found.verdict.outcome == "FAIL"
    assert found.verdict.summary.startswith("the sum of 8 processes: leak")


@pytest.mark.parametrize("slope", [0.0, 60.0])
def test_a_process_that_began_late_is_no_proof(slope):
    """Of one that lived for the last minutes nobody knows whether it leaks: that is no PASS."""
    found = soak(PARENT, process(2), process(3, slope, begin=23.5))
    assert found.verdict.outcome != "PASS"


def test_a_helper_that_came_and_went_forbids_no_proof():
    """A small process that ended after moments can have kept nothing: it counts in the sum alone; a large one is judged."""
    small = process(3, mb=1.0, begin=5.0, end=5.1)
    assert soak(PARENT, process(2), small).verdict.outcome == "PASS"
    large = process(3, mb=400.0, begin=5.0, end=5.1)
    assert soak(PARENT, process(2), large).verdict.outcome != "PASS"


def test_what_was_not_measured_is_never_passed_over():
    """With a process that was seen and not recorded the best is INCONCLUSIVE, and it is said; a leak stays a FAIL."""
    found = soak(PARENT, process(2), unmeasured_count=3)
    assert found.verdict.outcome == "INCONCLUSIVE"
    assert found.verdict.summary.startswith("3 processes were not measured")
    assert soak(PARENT, process(2, 2.0), unmeasured_count=3).verdict.outcome == "FAIL"


def test_what_was_not_measured_is_said_beside_any_outcome():
    """How many were not measured stands beside a leak and beside what can't be ruled out as well."""
    leaking = soak(PARENT, process(2, 2.0), unmeasured_count=1)
    assert leaking.verdict.summary.endswith("; 1 process was not measured")
    late = soak(PARENT, process(2), process(3, begin=23.5), unmeasured_count=6)
    assert late.verdict.outcome == "INCONCLUSIVE"
    assert late.verdict.summary.endswith("; 6 processes were not measured")
    assert late.unmeasured_count == 6


def frozen(one, *, at=12.0):
    """A process as it was, standing still from then on: its memory neither grows nor shrinks."""
    run, seconds, mb = one
    stands = seconds - BEGIN >= at * 3600
    return run, seconds, np.where(stands, mb[stands][0], mb)


def test_a_frozen_worker_hides_no_leak():
    """A worker that stands still half way keeps its memory in the sum: a healthy pool passes, small leaks of the others are one."""
    assert soak(PARENT, frozen(process(2)), process(3)).verdict.outcome == "PASS"
    small = soak(frozen(process(1)), *(process(number, 0.2) for number in range(2, 10)))
    assert small.verdict.outcome == "FAIL"
    assert small.verdict.summary.startswith("the sum of 9 processes: leak")


def test_a_worker_frozen_while_it_leaked_is_no_proof():
    """Who grew until it stood still is not cleared by standing still, nor is the sum."""
    found = soak(PARENT, frozen(process(2, 2.0)), process(3))
    assert found.verdict.outcome != "PASS"
    each = dict(found.each)
    assert each["pid 502"].outcome != "PASS"
    assert each["the sum of 3 processes"].outcome != "PASS"


def test_who_fell_silent_is_not_measured_up_to_the_end():
    """A process that was not read for the second half, and of which no end is known, is said; without it there is no PASS."""
    run, seconds, mb = process(2, mb=0.2, end=12.0)
    silent = HistoryRun(
        run_id=run.run_id, started_at_seconds=run.started_at_seconds, host=run.host, pid=run.pid
    )
    found = soak(PARENT, (silent, seconds, mb / 100), process(3))
    assert found.verdict.outcome == "INCONCLUSIVE"
    assert found.verdict.summary.startswith("1 process was not measured up to the end")
    assert found.unmeasured_count == 1
