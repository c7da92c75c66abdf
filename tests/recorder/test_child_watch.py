"""Which children live is known to the recorder: found in /proc, and noted when it changes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psutil
import pytest

from memmon import Recorder, assess_source, open_store
from memmon.child.mark import MARK_VARIABLE
from memmon.clock import ManualClock
from memmon.errors import MemmonError
from memmon.facts.children import children_of
from memmon.facts.severity import Severity
from memmon.model import RunRecord
from memmon.probe.process import children
from memmon.probe.process.children import ChildProcess, ChildrenProbe
from memmon.recorder import child_watch
from memmon.recorder.child_watch import ChildWatch
from memmon.store.write.open_run import OpenRun
from memmon.units import MIB

WAITS = "import sys; print('ready', flush=True); sys.stdin.read()"
HOLDS = f"held = b'x' * (40 * 2**20); {WAITS}"
LATER = "import time; time.sleep(2.5); "
STARTS_ANOTHER = (
    "import subprocess, sys; "
    f"inner = subprocess.Popen([sys.executable, '-c', {HOLDS!r}], stdout=subprocess.PIPE); "
    "inner.stdout.readline(); print(inner.pid, flush=True); sys.stdin.read()"
)


@pytest.fixture
def started(monkeypatch):
    """Start programs that wait for the end of their input, young ones counted; they end with the test."""
    monkeypatch.setattr(children, "LEAST_AGE_SECONDS", 0.0)
    running = []

    def start(code, **environment):
        program = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        running.append(program)
        return program, program.stdout.readline().strip()

    yield start
    for program in running:
        program.communicate()


def probe(**options):
    return ChildrenProbe(monotonic=time.monotonic, stopwatch=time.monotonic, **options)


def found_by(one):
    return {child.pid: child for child in one.read()}


def test_children_and_their_children_are_found_until_they_end(started):
    """A child's child counts, with its own memory; what has ended is there no more, waited for or not."""
    outer, inner_pid = started(STARTS_ANOTHER)
    watched = probe()
    found = found_by(watched)
    assert {outer.pid, int(inner_pid)} <= set(found)
    inner = found[int(inner_pid)]
    assert inner.parent_pid == outer.pid
    assert inner.held_bytes == pytest.approx(45 * MIB, rel=0.3)
    assert inner.pss_bytes < inner.rss_bytes
    outer.kill()
    os.waitid(os.P_PID, outer.pid, os.WEXITED | os.WNOWAIT)
    assert outer.pid not in found_by(watched)


def test_memmons_own_processes_and_the_youngest_are_left_out(started, monkeypatch):
    """What memmon starts for itself is no child of the program's, nor what has only just begun."""
    own, _ = started(WAITS, **{MARK_VARIABLE: "1"})
    other, _ = started(WAITS)
    watched = probe(mark=MARK_VARIABLE)
    assert own.pid not in found_by(watched)
    assert other.pid in found_by(watched)
    monkeypatch.setattr(children, "LEAST_AGE_SECONDS", 3_600.0)
    assert other.pid not in found_by(watched)


def test_the_interpreters_helper_is_left_out(started):
    """The resource tracker that multiprocessing starts holds nothing of the program's."""
    code = f"'multiprocessing.resource_tracker'; {WAITS}"
    helper, _ = started(code)
    assert helper.pid not in found_by(probe())


def test_shares_are_read_hourly_and_follow_growth_meanwhile(started, monkeypatch):
    """The costly reading is repeated after an hour; in between what is resident now is added or taken off."""
    clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
    child, _ = started(WAITS)
    looks = []
    monkeypatch.setattr(children, "_read_share", lambda pid: looks.append(pid) or 7 * MIB)
    watched = ChildrenProbe(monotonic=clock.monotonic, stopwatch=time.monotonic)
    assert found_by(watched)[child.pid].pss_bytes == 7 * MIB
    found_by(watched)
    assert looks.count(child.pid) == 1
    clock.advance(3_601.0)
    found_by(watched)
    assert looks.count(child.pid) == 2


class Seen:
    """A probe that finds what a test says, and the watch that asks it."""

    pid_is_own = True

    def __init__(self):
        self.now = ()
        self.young = set()
        self.read_count = 0
        self.clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
        self.noted = []
        self.watch = ChildWatch(
            clock=self.clock, put=lambda _state, event: self.noted.append(event), probe=self
        )
        record = RunRecord(
            uuid="u",
            source="web",
            source_was_given=True,
            started_at=self.clock.now(),
            interval_seconds=300.0,
            host="box",
            pid=1,
        )
        self.watch.begin(OpenRun(record, started_monotonic=self.clock.monotonic()))
        self.watch.tick()

    def read(self):
        self.read_count += 1
        return tuple(one for one in self.now if one.pid not in self.young)

    def direct(self):
        return frozenset(one.pid for one in self.now)

    def pass_seconds(self, seconds):
        until = self.clock.monotonic() + seconds
        while (left := until - self.clock.monotonic()) > 0:
            self.clock.advance(min(max(self.watch.tick(), 0.5), left))
        self.watch.tick()


def child(pid, mb):
    return ChildProcess(
        pid=pid, parent_pid=1, started_at_seconds=100.0, name="python", rss_bytes=mb * MIB, pss_bytes=mb * MIB
    )


def test_children_are_noted_soon_and_then_when_they_change():
    """Within seconds of the start it is known who lives; then whoever comes, goes or grows is noted, and nothing else."""
    seen = Seen()
    seen.now = (child(7, 20), child(8, 30))
    seen.pass_seconds(3.0)
    (first,) = seen.noted
    assert [one.pid for one in children_of(first.data)] == [8, 7]
    assert first.data["held_bytes"] == 50 * MIB
    seen.pass_seconds(3_600.0)
    assert len(seen.noted) == 1
    seen.now = (child(7, 20), child(8, 60))
    seen.pass_seconds(300.0)
    seen.now = (child(7, 20),)
    seen.pass_seconds(300.0)
    assert [one.data["count"] for one in seen.noted] == [2, 2, 1]
    seen.now = ()
    seen.pass_seconds(86_400.0)
    assert [one.data["count"] for one in seen.noted] == [2, 2, 1, 0]


@pytest.mark.parametrize("passed_seconds", range(12))
def test_who_comes_or_goes_is_noted_within_seconds(monkeypatch, passed_seconds):
    """However long the interval and the program's life, a worker that starts or ends is known within twelve seconds."""
    monkeypatch.setattr(child_watch, "processor_seconds", lambda: 0.0)
    seen = Seen()
    seen.pass_seconds(3_600.0 + passed_seconds)
    seen.now = (child(7, 20),)
    seen.pass_seconds(12.0)
    assert [one.data["count"] for one in seen.noted] == [1]
    seen.now = (child(7, 20), child(8, 20))
    seen.pass_seconds(12.0)
    seen.now = (child(8, 20),)
    seen.pass_seconds(12.0)
    assert [one.data["count"] for one in seen.noted] == [1, 2, 1]


def test_workers_that_are_too_young_for_the_first_look_are_looked_for_at_once():
    """Workers that are started just before the first look are not looked for before they are old enough, and known seconds later."""
    seen = Seen()
    seen.pass_seconds(1.8)
    seen.now, seen.young = (child(7, 20), child(8, 20)), {7, 8}
    seen.pass_seconds(1.2)
    assert seen.read_count == 0
    seen.young = set()
    seen.pass_seconds(2.0)
    assert [one.data["count"] for one in seen.noted] == [2]


def test_workers_that_are_exchanged_all_the_time_cost_few_rows(monkeypatch):
    """Where another worker comes every few seconds, a few are noted at once, then one set of them with each interval."""
    monkeypatch.setattr(child_watch, "processor_seconds", lambda: 0.0)
    seen = Seen()
    seen.pass_seconds(3_600.0)  # its start is looked at more often
    for number in range(600):
        seen.now = (child(100 + number, 20),)
        seen.pass_seconds(12.0)
        assert len(seen.noted) == number + 1 or number >= 5
    assert len(seen.noted) <= 6 + 600 * 12.0 / 300.0
    assert len(seen.noted) >= 600 * 12.0 / 300.0 - 1


def test_a_system_that_lists_no_children_is_looked_at_as_before():
    """Without the kernel's lists of children nothing is asked of them again, and the look of each interval finds who is new."""
    seen = Seen()
    asked = []
    seen.direct = lambda: asked.append(1)
    seen.pass_seconds(3_600.0)
    seen.watch.begin(seen.watch._state)
    asked.clear()
    seen.pass_seconds(3_600.0)
    assert len(asked) == 1
    seen.now = (child(7, 20),)
    seen.pass_seconds(300.0)
    assert [one.data["count"] for one in seen.noted] == [1]


def test_own_children_are_listed_at_a_glance(started):
    """A glance finds whom each thread of the process has started, also one that has ended and is not waited for, and nobody's children."""
    outer, inner_pid = started(STARTS_ANOTHER)
    watched = probe()
    found = watched.direct()
    assert outer.pid in found
    assert int(inner_pid) not in found
    assert probe(pid=outer.pid).direct() == {int(inner_pid)}
    assert probe(pid=2**22 + 1).direct() is None
    outer.kill()
    os.waitid(os.P_PID, outer.pid, os.WEXITED | os.WNOWAIT)
    with ThreadPoolExecutor(1) as other_thread:
        another, _ = other_thread.submit(started, WAITS).result()
        assert {outer.pid, another.pid} <= watched.direct()


def test_a_program_without_children_costs_no_row():
    """Where there never were children, nothing is noted, and beyond the glance nothing is looked at."""
    seen = Seen()
    seen.pass_seconds(86_400.0)
    assert seen.noted == []
    assert seen.read_count == 0


def test_children_that_stay_are_noted_anew_each_day():
    """What is stored of them outlives no retention: a day later it is said again."""
    seen = Seen()
    seen.now = (child(7, 20),)
    seen.pass_seconds(3 * 86_400.0)
    assert len(seen.noted) in {3, 4}


@pytest.mark.parametrize("begins", ["", LATER], ids=["at once", "when it was seen before"])
def test_a_recorder_says_of_its_own_accord_what_its_program_leaves_unrecorded(tmp_path, started, begins):
    """A program records and then starts a worker that does not: within seconds the assessment says so, by its size, and warns.

    Also of one that takes its memory after the first look at it, as any does on a machine with much else to do.
    """
    # Of a process that runs many tests 40 MB are too small a share to warn of.
    held_mb = 40 + psutil.Process().memory_info().rss // (4 * MIB)
    with Recorder(tmp_path / "w.db", source="web", interval_seconds=0.2, leak_check=False):
        worker, _ = started(f"{begins}held = b'x' * ({held_mb} * 2**20); {WAITS}")
        until = time.monotonic() + 30.0
        said = found = None
        while (said is None or said.pss_bytes < 0.75 * held_mb * MIB) and time.monotonic() < until:
            time.sleep(0.1)
            found = _assessed(tmp_path / "w.db")
            said = next((one for one in found.processes if one.pid == worker.pid), None) if found else None
    assert not said.is_recorded
    assert said.pss_bytes == pytest.approx((held_mb + 5) * MIB, rel=0.3)
    assert found.unrecorded.count >= 1
    assert found.severity is Severity.WARNING


def _assessed(path):
    try:
        with open_store(path) as store:
            return assess_source(store, "web")
    except MemmonError:  # nothing is stored yet
        return None
