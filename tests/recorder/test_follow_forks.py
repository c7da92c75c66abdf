"""Processes that are forked from one that records: followed where it was asked for, else silent, and said so once."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading

import pytest

from memmon import MemoryMonitor, Recorder, open_store
from memmon.recorder.forked import Fork


def run_host(folder, code, **environment):
    script = folder / "host.py"
    script.write_text(HOST + textwrap.dedent(code), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done


HOST = """
import logging, os, sys, time
from collections import deque
from memmon import MemoryMonitor, Recorder
logging.basicConfig(format="%(levelname)s %(message)s")
queue = deque(maxlen=9)


def fork(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid


def recorded(recorder):  # waits for what the recorder's own thread takes
    until = time.monotonic() + 30
    while recorder.status.stored_count < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert recorder.status.stored_count >= 2, recorder.status


"""

FOLLOWED = """
recorder = Recorder("f.db", source="web", interval_seconds=0.2, leak_check=False, daily_report=False{option})
recorder.register_deque("orders", queue)
recorder.start()
assert recorder.flush(30)
def work():
    queue.append(1)
    recorder.count_work(3)
    recorded(recorder)
    recorder.stop()
workers = [fork(work) for _ in range(3)]
for pid in workers:
    assert os.waitpid(pid, 0)[1] == 0
recorder.stop()
"""


@pytest.mark.parametrize(
    ("option", "environment"), [(", follow_forks=True", {}), ("", {"MEMMON_FOLLOW_FORKS": "1"})]
)
def test_followed_forks_record_by_themselves(tmp_path, option, environment):
    """Each worker has a run of its own, its parent named, with what the parent registered; the parent's run is its own alone."""
    done = run_host(tmp_path, FOLLOWED.replace("{option}", option), **environment)
    assert done.stderr == ""
    with open_store(tmp_path / "f.db") as store:
        parent, *workers = store.runs("web")
        assert len({run.pid for run in workers}) == len(workers) == 3
        assert {run.parent_uuid for run in workers} == {parent.uuid}
        assert all(run.snapshot_count >= 2 for run in workers)
        for run in workers:
            (seen,) = store.deque_status("web", run_id=run.run_id)
            assert (seen.name, seen.length_count) == ("orders", 1)


def test_a_forks_fork_is_followed_though_its_parent_was_gone_at_once(tmp_path):
    """A daemon forks twice: the process in between records nothing, the last one does, as a child of the first."""
    run_host(
        tmp_path,
        """
        recorder = Recorder("d.db", source="daemon", interval_seconds=0.2, follow_forks=True)
        recorder.start()
        assert recorder.flush(30)
        def daemon():
            recorded(recorder)
            recorder.stop()
        os.waitpid(fork(lambda: fork(daemon)), 0)
        until = time.monotonic() + 30
        import sqlite3
        while time.monotonic() < until:
            ended = sqlite3.connect("d.db").execute("SELECT count(*) FROM run WHERE end_reason = 'stopped'").fetchone()[0]
            if ended:
                break
            time.sleep(0.1)
        recorder.stop()
        """,
    )
    with open_store(tmp_path / "d.db") as store:
        first, last = store.runs("daemon")
        assert last.parent_uuid == first.uuid
        assert last.pid != first.pid


def test_a_fork_that_is_not_followed_says_so_once(tmp_path):
    """The first work that it counts says that this process does not record and what to do; once, and not after start()."""
    done = run_host(
        tmp_path,
        """
        recorder = Recorder("s.db", source="web", interval_seconds=0.2, leak_check=False, daily_report=False)
        recorder.start()
        assert recorder.flush(30)
        recorder.count_work()
        def silent():
            for _ in range(10):
                recorder.count_work()
            assert recorder.status.taken_count == 0
        def started():
            recorder.start()
            recorder.count_work()
            recorded(recorder)
            recorder.stop()
        for work in (silent, started):
            assert os.waitpid(fork(work), 0)[1] == 0
        recorder.stop()
        """,
    )
    (line,) = done.stderr.splitlines()
    assert line.startswith("WARNING memmon: pid ")
    assert "was forked from the process that records web" in line
    assert "start()" in line
    assert "follow_forks=True" in line
    with open_store(tmp_path / "s.db") as store:
        assert len(store.runs("web")) == 2


def test_what_did_not_record_is_not_followed(tmp_path):
    """A fork from a process that has not started its recorder records nothing, asked for or not, and no word is said."""
    fork = Fork()
    fork.begin(was_recording=False, follows=True)
    assert (fork.is_following, fork.is_silent) == (False, False)
    fork.begin(was_recording=False, follows=False)
    assert (fork.is_following, fork.is_silent) == (False, False)


def test_the_setting_is_a_flag_of_both(tmp_path):
    """Recorder and MemoryMonitor take it; without it the settings say."""
    before = threading.active_count()
    assert Recorder(tmp_path / "a.db", follow_forks=True)._settings.follow_forks is True
    assert Recorder(tmp_path / "a.db")._settings.follow_forks is False
    monitor = MemoryMonitor(database_url=tmp_path / "a.db", follow_forks=True)
    assert monitor._recorder._settings.follow_forks is True
    assert threading.active_count() == before
