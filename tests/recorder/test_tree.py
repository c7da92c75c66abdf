"""A program that is recorded from outside is recorded with all that it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import psutil
import pytest

from memmon import assess_source, open_store
from memmon.config import parse_database
from memmon.model import Snapshot
from memmon.probe.process.children import ChildProcess
from memmon.recorder import tree as tree_module
from memmon.recorder.external import BACK_AFTER_SECONDS, ExternalRecorder
from memmon.recorder.run_identity import new_run
from memmon.recorder.tree import TreeRecorder
from memmon.store.write.writer import Batch, RunEnd, Writer

WAITS = "import sys; print('ready', flush=True); sys.stdin.read()"
STARTS_OTHERS = f"""
import subprocess, sys
for line in sys.stdin:
    other = subprocess.Popen([sys.executable, '-c', {WAITS!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    other.stdout.readline()
    print(other.pid, flush=True)
    others = [*globals().get('others', []), other]
"""


class Program:
    """A small parent that starts a process for each line that it is sent."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTS_OTHERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start_another(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture
def program(monkeypatch):
    monkeypatch.setattr(tree_module, "LEAST_AGE_SECONDS", 0.0)
    made = Program()
    yield made
    made.process.communicate()


def recorded_tree(path, program):
    """The recorder of a program, whose looks a test makes itself."""
    options = {"source": "pool", "interval_seconds": 0.05, "leak_check": False, "daily_report": False}
    root = ExternalRecorder(path, pid=program.process.pid, **options)

    def new(child):
        return ExternalRecorder(path, pid=child.pid, parent=root, role=child.name, **options)

    made = TreeRecorder(root, new=new, interval_seconds=0.0)
    made._run = lambda: None
    made.start()
    return made


def test_each_process_is_a_run_beside_the_others(tmp_path, program):
    """Whoever is found, early or late, is recorded until it ends, as a child of the program's run, under its source."""
    first = program.start_another()
    found = recorded_tree(tmp_path / "t.db", program)
    found.look()
    late = program.start_another()
    found.look()
    assert {one.pid for one in found.members} == {first, late}
    for one in (found.root, *found.members):
        assert one.take_snapshot().rss_bytes
        assert one.flush(20.0)
    children = [psutil.Process(pid) for pid in (first, late)]
    program.process.communicate()
    psutil.wait_procs(children, timeout=20.0)  # they end after the program, and nobody here is told when
    found.look()
    found.finish("exit", "exit code 0")
    assert found.members == ()
    assert found.unmeasured_count == 0
    with open_store(tmp_path / "t.db") as store:
        parent, *children = store.runs("pool")
        assert parent.pid == program.process.pid
        assert [(run.pid, run.parent_uuid, run.end_reason) for run in children] == [
            (first, parent.uuid, "exit"),
            (late, parent.uuid, "exit"),
        ]
        assert all(run.last_rss_bytes for run in children)
        assert found.stored_count == sum(run.snapshot_count for run in (parent, *children))


def test_beyond_the_bound_they_are_counted_as_not_measured(tmp_path, program, monkeypatch):
    """More processes than are recorded at a time are known to be left out, each once."""
    monkeypatch.setattr(tree_module, "MOST_RECORDED", 1)
    program.start_another()
    program.start_another()
    found = recorded_tree(tmp_path / "t.db", program)
    found.look()
    found.look()
    assert len(found.members) == 1
    assert found.members[0].take_snapshot().rss_bytes
    assert found.unmeasured_count == 1
    found.finish("exit")


STARTS_ONE_LATER = """
import signal, subprocess, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
print('ready', flush=True)
signal.sigwait({signal.SIGUSR1})
other = subprocess.Popen(['sleep', '600'])
print(other.pid, flush=True)
other.wait()
"""


def test_who_outlives_its_parent_is_recorded_on(tmp_path, monkeypatch):
    """What a process in between has started stays the program's when that one has ended, and what it starts then is, too."""
    monkeypatch.setattr(tree_module, "LEAST_AGE_SECONDS", 0.0)
    script = tmp_path / "later.py"
    script.write_text(STARTS_ONE_LATER, encoding="utf-8")
    shell = f"{sys.executable} {script} & echo $!; wait"
    between = subprocess.Popen(["sh", "-c", shell], stdout=subprocess.PIPE, text=True)
    said = {between.stdout.readline().strip() for _ in range(2)}
    inner = int((said - {"ready"}).pop())
    found = recorded_tree(tmp_path / "t.db", SimpleNamespace(process=between))
    found.look()
    (member,) = found.members
    assert member.pid == inner
    assert member.take_snapshot().rss_bytes
    between.kill()
    between.wait()
    found.look()
    assert found.members == (member,)
    os.kill(inner, signal.SIGUSR1)
    last = int(between.stdout.readline())
    found.look()
    assert {one.pid for one in found.members} == {inner, last}
    found.finish("sigkill")
    for pid in (inner, last):
        os.kill(pid, signal.SIGKILL)
    between.communicate()
    with open_store(tmp_path / "t.db") as store:
        ends = {run.pid: run.end_reason for run in store.runs("pool")}
    assert (ends[between.pid], ends[inner]) == ("sigkill", "stopped")


def test_the_end_of_one_is_told_by_its_recorder_alone(tmp_path, program, caplog):
    """Who joins the program later says of none of its processes that it was killed: their recorder knows better."""
    first = program.start_another()
    found = recorded_tree(tmp_path / "t.db", program)
    found.look()
    (member,) = found.members
    member.take_snapshot()
    assert member.flush(20.0)
    os.kill(first, signal.SIGKILL)
    while member.is_process_alive():
        os.sched_yield()
    late = found._new(
        ChildProcess(
            pid=program.start_another(), parent_pid=1, started_at_seconds=None, name="x", rss_bytes=1
        )
    )
    late.take_snapshot()
    assert late.flush(20.0)
    late.finish("exit")
    found.finish("exit")
    with open_store(tmp_path / "t.db") as store:
        assert [run.end_reason for run in store.runs("pool")] == ["exit", "exit", "exit"]
    assert "an earlier run ended" not in caplog.text


class RecordsItself:
    """What a process writes of itself, which a test does in its place."""

    def __init__(self, path, pid, source="pool", **changes):
        record = new_run(
            source=source, release=None, interval_seconds=1.0, started_at=datetime.now(UTC), pid=pid
        )
        self.record = replace(record, **{"python_version": "3.11", **changes})
        self._path = path
        self._write()

    def _write(self, end=None):
        snapshot = Snapshot(at=datetime.now(UTC), sequence=1, uptime_seconds=1.0, rss_bytes=2**24)
        Writer(parse_database(str(self._path))).write(
            Batch(run=self.record, snapshots=[snapshot], events=(), end=end)
        )

    def stop(self):
        self._write(RunEnd(at=datetime.now(UTC), reason="stopped"))


def looked(found):
    """Look now, also in the database."""
    found._give_way_at = 0.0
    found.look()


def ends_of(path, source="pool"):
    with open_store(path) as store:
        return [(run.pid, run.end_reason, run.end_detail) for run in store.runs(source)]


def test_who_records_itself_is_left_to_that(tmp_path, program):
    """Once a process is found to record itself, the run from outside is replaced, says by which, and nothing more of it is stored."""
    path = tmp_path / "t.db"
    child = program.start_another()
    found = recorded_tree(path, program)
    said = []
    found.on_given_way = said.append
    looked(found)
    (member,) = found.members
    for one in (found.root, member):
        one.take_snapshot()
        assert one.flush(20.0)
    assert (found.root.inside, member.inside) == (None, None)
    for pid in (program.process.pid, child):
        RecordsItself(path, pid)
    looked(found)
    looked(found)
    assert [one.pid for one in said] == [program.process.pid]
    for one in (found.root, member):
        assert one.flush(20.0)
    stored_count = found.stored_count
    for one in (found.root, member):
        assert one.inside.source == "pool"
        assert one.take_snapshot().rss_bytes
        assert one.flush(20.0)
    assert found.stored_count == stored_count
    assert ends_of(path) == [
        (program.process.pid, "replaced", "the process records itself: run 3 of pool"),
        (child, "replaced", "the process records itself: run 4 of pool"),
        (program.process.pid, None, None),
        (child, None, None),
    ]
    with open_store(path) as store:
        together = assess_source(store, "pool")
    assert {one.run_id for one in together.recorded} == {3, 4}
    assert together.rss_bytes == 2 * 2**24
    found.finish("sigkill", "SIGKILL")
    # How the others ended nobody has seen.
    assert ends_of(path)[2:] == [(program.process.pid, "sigkill", "SIGKILL"), (child, None, None)]


def test_what_ended_as_it_said_keeps_its_end(tmp_path, program):
    """A process that told its own end is not told another one."""
    path = tmp_path / "t.db"
    found = recorded_tree(path, program)
    assert found.root.flush(20.0)
    inside = RecordsItself(path, program.process.pid)
    looked(found)
    inside.stop()
    found.finish("exit", "exit code 0")
    assert [reason for _, reason, _ in ends_of(path)] == ["replaced", "stopped"]


def test_who_records_itself_no_longer_is_recorded_again(tmp_path, program):
    """A process that stops recording itself and lives on is recorded from outside again, in a run of its own, after a while."""
    path = tmp_path / "t.db"
    found = recorded_tree(path, program)
    assert found.root.flush(20.0)
    inside = RecordsItself(path, program.process.pid)
    looked(found)
    inside.stop()
    looked(found)
    assert found.root.inside is not None
    found.root._missed_at -= BACK_AFTER_SECONDS + 1.0
    looked(found)
    assert found.root.inside is None
    until = time.monotonic() + 20.0
    while found.root._run.state is None and time.monotonic() < until:  # its thread begins
        os.sched_yield()
    found.root.take_snapshot()
    assert found.root.flush(20.0)
    assert [reason for _, reason, _ in ends_of(path)] == ["replaced", "stopped", None]
    assert found.uuid == found.root.run_uuid
    found.finish("exit", "exit code 0")
    assert [reason for _, reason, _ in ends_of(path)] == ["replaced", "stopped", "exit"]


@pytest.mark.parametrize(
    "changes",
    [
        {"process_started_at": datetime(2026, 3, 2, tzinfo=UTC)},
        {"host": "elsewhere"},
        {"python_version": None},
    ],
)
def test_a_run_of_another_process_is_no_reason(tmp_path, program, changes):
    """A run of an earlier process with that number, of another machine, or from outside itself, takes nobody's place."""
    path = tmp_path / "t.db"
    found = recorded_tree(path, program)
    assert found.root.flush(20.0)
    RecordsItself(path, program.process.pid, "other", **changes)
    looked(found)
    assert found.root.inside is None
    found.finish("exit", "exit code 0")
    assert ends_of(path, "other")[0][1] is None


def test_somebody_goes_on_checking_the_others(tmp_path, program):
    """Where the program records itself under another name, one of its children does the checks of the name that they have here."""
    path = tmp_path / "t.db"
    program.start_another()
    program.start_another()
    found = recorded_tree(path, program)
    looked(found)
    assert found.root.flush(20.0)
    assert [one.is_checking for one in found.members] == [False, False]
    RecordsItself(path, program.process.pid, "bot")
    looked(found)
    looked(found)
    assert sorted(one.is_checking for one in found.members) == [False, True]
    found.finish("exit", "exit code 0")


def test_a_soak_measures_by_itself(tmp_path, program):
    """Who asks for that is given all that was measured from outside, whatever the program records of itself."""
    path = tmp_path / "t.db"
    found = recorded_tree(path, program)
    found._gives_way = False
    assert found.root.flush(20.0)
    RecordsItself(path, program.process.pid)
    looked(found)
    assert found.root.inside is None
    found.finish("exit", "exit code 0")
