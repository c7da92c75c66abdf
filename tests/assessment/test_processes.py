"""Processes side by side: each is judged by itself, the worst speaks, and what they hold is added, never averaged."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from assessed_values import START

from memmon import SourceProcess
from memmon.analysis.leak.finding import LeakPolicy
from memmon.assessment.assess import assess
from memmon.assessment.by_process import judge_processes
from memmon.assessment.limits import Limit
from memmon.assessment.lives import history_lanes
from memmon.assessment.plainly import plainly
from memmon.assessment.present import Present
from memmon.assessment.together import together
from memmon.facts.verdicts import Verdict
from memmon.history import History, HistoryRun
from memmon.store.read.shares import ProportionalShare
from memmon.units import MIB

GIVEN = Limit(limit_bytes=1024 * MIB, used_bytes=180 * MIB, origin="given", counts="footprint")
GROUP = Limit(limit_bytes=4096 * MIB, used_bytes=2048 * MIB, origin="cgroup v2 /x", counts="used")


def worker(number, slope=0.0, *, mb=200.0, begin=0.0, end=24.0, host="box", reason=None):
    """One process that is read every five minutes, a moment after the one before it."""
    hours = np.arange(round(begin * 12), round(end * 12) + 1) / 12
    noise = np.random.default_rng(number).normal(0, 0.3, hours.size)
    run = HistoryRun(
        run_id=number,
        started_at_seconds=START.timestamp() + begin * 3600,
        ended_at_seconds=START.timestamp() + end * 3600 if reason else None,
        end_reason=reason,
        host=host,
        pid=500 + number,
    )
    return run, START.timestamp() + hours * 3600 + 0.1 * number, mb + slope * (hours - begin) + noise


def beside(*workers, **more):
    """The history of some processes."""
    return History.from_arrays(
        source="web",
        at_seconds=np.concatenate([at for _, at, _ in workers]),
        rss_bytes=np.concatenate([mb for _, _, mb in workers]) * MIB,
        run_id=np.concatenate([np.full(at.size, run.run_id) for run, at, _ in workers]),
        runs=[run for run, _, _ in workers],
        **more,
    )


FOUR = beside(worker(0, mb=60.0), worker(1), worker(2, 25.0), worker(3))


def test_the_worst_process_speaks_for_the_source_and_is_named():
    """One of four leaks: the verdict is its own, over its own samples, and every process stands beside it."""
    found = assess(FOUR)
    assert found.finding.verdict is Verdict.LEAKING
    assert found.finding.slope_mb_per_hour == pytest.approx(25.0, abs=0.1)
    assert found.finding.sample_count == 289
    assert found.finding_run_id == 2
    assert found.processes[0].pid == 502
    assert {one.verdict for one in found.processes[1:]} == {Verdict.STABLE}
    assert found.whose == "This is pid 502, the worst of 4 processes side by side."
    assert "in pid 502, the worst of 4 processes" in found.headline
    assert "in pid 502, the worst of 4 processes" in plainly(found)[0]


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ((0.0, 0.0), ""),
        ((14.0, 0.0), "; pid 501 (14.00 MB/hour) leaks too"),
        ((14.0, 17.0), "; pid 502 (17.00 MB/hour) and pid 501 (14.00 MB/hour) leak too"),
    ],
)
def test_every_process_that_leaks_is_named(rates, said):
    """Beside the worst process those that leak too are named, with their rates, the worse first."""
    workers = [worker(number, rate) for number, rate in enumerate((*rates, 30.0), start=1)]
    found = assess(beside(worker(0), *workers))
    words = re.sub(r"\d\d\.\d\d(?= MB)", lambda rate: f"{float(rate[0]):.0f}.00", found.whose)
    assert words == f"This is pid 503, the worst of 4 processes side by side{said}."


def test_of_many_that_leak_a_sentence_names_some_and_counts_the_rest():
    """Of seven processes that leak five are named, the worst and four more, and two are counted."""
    found = assess(beside(*(worker(number, 20.0 + number) for number in range(7))))
    assert found.whose.startswith("This is pid 506, the worst of 7 processes side by side; pid 505 (")
    assert found.whose.count("MB/hour") == 4
    assert found.whose.endswith(" and 2 more leak too.")


def test_memory_is_the_sum_at_most_that_much():
    """RSS and footprint are those of all processes together; without their shares each page may count in each of them."""
    found = assess(FOUR)
    assert found.footprint_bytes == sum(one.footprint_bytes for one in found.processes)
    assert found.rss_bytes == pytest.approx(1260 * MIB, rel=0.01)
    assert not found.is_sum_exact
    assert found.together.startswith("4 processes hold at most 1,2")
    assert json.loads(json.dumps(found.to_dict()))["processes"][0]["verdict"] == "leaking"


def test_with_the_share_of_every_process_the_sum_is_exact():
    """A share is that which was read and what has grown since; one that is not known leaves the sum an upper bound."""
    last = {one.run_id: one.footprint_bytes for one in assess(FOUR).processes}
    shares = {
        number: ProportionalShare(pss_bytes=40 * MIB, footprint_bytes=footprint - 10 * MIB)
        for number, footprint in last.items()
    }
    found = assess(FOUR, present=Present(shares=shares))
    assert found.is_sum_exact
    assert found.footprint_bytes == 200 * MIB
    assert found.together == "4 processes hold 200.0 MB together that they can't give back."
    part = {number: share for number, share in shares.items() if number != 3}
    assert not assess(FOUR, present=Present(shares=part)).is_sum_exact


def test_a_given_limit_is_each_process_its_own_and_says_so():
    """The process that reaches it first is forecast; what all hold together is said, and that they hold more than it."""
    found = assess(FOUR, present=Present(limit=GIVEN))
    assert found.limited_run_id == 2
    assert found.charged_bytes == pytest.approx(800 * MIB, rel=0.01)
    assert found.forecast.hours_to_limit == pytest.approx((1024 - 800) / 25, rel=0.03)
    assert found.forecast.summary.startswith("pid 502, the first of 4 processes: Memory reaches")
    assert "taken as each process's own" in found.forecast.details[0]
    assert found.forecast.details[0].endswith("were it meant for all, it might be reached.")
    assert found.rss_at_limit_bytes == 1024 * MIB


def test_a_limit_that_was_recorded_holds_for_all_and_is_approached_by_all_that_leak():
    """The container's use grows as fast as its leaking processes together; the level ones add nothing to that."""
    every = beside(worker(0), worker(1, 20.0), worker(2, 30.0), worker(3))
    found = assess(every, present=Present(limit=GROUP))
    assert found.limited_run_id is None
    assert found.charged_bytes == GROUP.used_bytes
    assert found.forecast.hours_to_limit == pytest.approx(2048 / 50, rel=0.03)
    assert "holds for all 4 processes together, and 2 of them leak" in found.forecast.details[0]


def test_work_that_moves_from_process_to_process_is_a_leak_of_their_sum():
    """Where no process leaks for sure by itself but what they hold together does, the verdict is that of the sum."""
    turns = [worker(n) for n in range(3)]
    hours = (turns[0][1] - turns[0][1][0]) / 3600
    turn = (hours // 2).astype(int) % 3
    steps = 20.0 * np.diff(hours, prepend=0.0)
    moving = [
        (run, at, mb + np.cumsum(np.where(turn == n, steps, 0.0))) for n, (run, at, mb) in enumerate(turns)
    ]
    found = assess(beside(*moving))
    assert found.finding.verdict is Verdict.LEAKING
    assert found.finding.slope_mb_per_hour == pytest.approx(20.0, abs=0.5)
    assert found.finding_run_id is None
    assert "what they hold together does" in " ".join(found.finding.details)
    assert not any(one.verdict is Verdict.LEAKING for one in found.processes)


def test_verdicts_and_sizes_are_never_averaged():
    """Processes of very different size that are level stay level, and nothing of a mixture is judged."""
    found = assess(beside(worker(0, mb=60.0), worker(1, mb=900.0), worker(2, mb=300.0, begin=20.0)))
    assert found.finding.verdict in {Verdict.STABLE, Verdict.STEPPED}
    assert {one.verdict for one in found.processes} <= {Verdict.STABLE, Verdict.STEPPED}
    assert abs(found.finding.slope_mb_per_hour) < 1.0
    assert found.whose == ""


def test_a_worker_that_replaced_another_is_judged_with_it():
    """The new worker carries on the place of the old one: there are three processes, and one of them was replaced."""
    gone = worker(1, end=12.0, reason="exit")
    judged = judge_processes(beside(worker(0), gone, worker(2), worker(3, begin=12.1)), LeakPolicy())
    assert len(judged.processes) == 3
    assert sorted(len(one.lane) for one in judged.processes) == [1, 1, 2]


def test_the_sum_goes_on_through_a_restart_and_has_no_hole_where_processes_are_read_in_turn():
    """At each moment every process that is there counts once: the sum of level processes is level, but for a start."""
    gone = worker(1, end=12.0, reason="exit")
    history = beside(worker(0), gone, worker(2), worker(3, begin=12.1))
    total = together(history, history_lanes(history)).rss_bytes / MIB
    assert total.min() > 595
    assert total.max() < 605
    assert total.size == pytest.approx(289, abs=2)
    later = beside(worker(0), worker(1, begin=12.0))
    rising = together(later, history_lanes(later)).rss_bytes / MIB
    assert rising[10] == pytest.approx(200, abs=2)
    assert rising[-1] == pytest.approx(400, abs=2)


def test_of_several_hosts_a_recorded_limit_holds_for_those_on_its_own():
    """What grows on another host does not run towards this container's limit."""
    hosts = beside(worker(0, 30.0, host="a"), worker(1, host="b"), worker(2, host="b"))
    found = assess(hosts, present=Present(limit=GROUP))
    assert found.finding_run_id == 0
    assert found.forecast.state == "never"
    assert found.forecast.summary.startswith("2 processes on b together: ")
    assert found.whose.startswith("This is pid 500 on a, ")


def test_processes_that_nobody_records_are_carried():
    """A child that is not recorded stands behind the others, with what it holds, and is no part of the sum."""
    child = SourceProcess(pid=77, name="worker", is_recorded=False, rss_bytes=160 * MIB)
    found = assess(beside(worker(0)), present=Present(unrecorded=(child,)))
    assert [one.is_recorded for one in found.processes] == [True, False]
    assert found.rss_bytes == pytest.approx(200 * MIB, rel=0.01)
    assert found.process_lines[1] == "pid 77 (worker): 160.0 MB, not recorded"
    assert found.together == ""


def test_of_one_that_is_left_the_memory_is_its_own():
    """When the process that started last has ended, memory is that of the one that goes on."""
    found = assess(beside(worker(0, mb=100.0), worker(1, mb=400.0, begin=2.0, end=12.0, reason="exit")))
    assert [one.pid for one in found.processes] == [500]
    assert found.footprint_bytes == pytest.approx(100 * MIB, rel=0.02)
    assert found.rss_bytes == pytest.approx(100 * MIB, rel=0.02)


def test_a_clock_that_was_set_makes_no_second_process():
    """Runs are placed by their uptime before their last sample: what a wall clock said earlier does not count."""
    before, after = worker(0, end=10.0), worker(1, begin=10.5)
    run, at, mb = after
    at = at.copy()
    at[:6] -= 9 * 3600
    uptime = np.concatenate([before[1] - before[1][0], after[1] - after[1][0]])
    history = beside(before, (run, at, mb), uptime_seconds=uptime)
    assert [[one.run_id for one in lane] for lane in history_lanes(history)] == [[0, 1]]


def test_only_so_many_processes_are_judged_by_themselves():
    """Of very many those that have grown most are judged; the others are told with what they hold."""
    many = beside(*(worker(n, 20.0 if n == 29 else 0.0) for n in range(30)))
    found = assess(many)
    assert found.finding_run_id == 29
    assert len(found.processes) == 30
    assert sum(one.verdict is not None for one in found.processes) == 16
    assert found.processes[0].age_seconds >= 0.0
    assert found.processes[0].last_at > datetime(2000, 1, 1, tzinfo=UTC) + timedelta(0)


def test_a_run_that_ended_after_the_window_still_lived_in_it():
    """What became of a process after the last sample that is looked at is not known there."""
    ended = worker(0, reason="exit")
    run = replace(ended[0], ended_at_seconds=ended[0].ended_at_seconds + 3600)
    assert len(assess(beside((run, *ended[1:]), worker(1))).processes) == 2
