"""A program that is recorded from outside is recorded with all that it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from memmon import open_store
from memmon.probe.process.children import ChildProcess
from memmon.recorder import tree as tree_module
from memmon.recorder.external import ExternalRecorder
from memmon.recorder.tree import TreeRecorder

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
    program.process.communicate()
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
