"""One recorder for a process, database and source: the one that was started last."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections import deque
from contextlib import closing
from datetime import UTC, datetime

import pytest

from memmon import MemoryMonitor, Recorder, open_store
from memmon.clock import ManualClock

OPTIONS = {"leak_check": False, "daily_report": False}


@pytest.fixture
def make(tmp_path):
    """Make recorders on one database, and stop them in the end."""
    made = []

    def make(kind=Recorder, **options):
        options.setdefault("source", "bot")
        made.append(
            kind(tmp_path / "r.db", clock=ManualClock(datetime(2026, 3, 2, tzinfo=UTC)), **OPTIONS, **options)
        )
        return made[-1]

    yield make
    for one in made:
        one.stop()


def rows(tmp_path, sql):
    with closing(sqlite3.connect(tmp_path / "r.db")) as connection:
        return connection.execute(sql).fetchall()


def own_threads():
    return sorted(
        one.name
        for one in threading.enumerate()
        if one.name.startswith("memmon-s") or one.name == "memmon-writer"
    )


def test_a_script_that_runs_again_leaves_one_recorder(tmp_path):
    """After twenty runs of a script in one process: one sampler, one writer at most, no more open files than after the first, twenty runs stored."""
    host = textwrap.dedent(
        """
        import json, os, sys, threading
        SCRIPT = '''
        from memmon import Recorder
        Recorder(PATH, source="again", interval_seconds=30, leak_check=False, daily_report=False).start()
        '''
        from memmon import Recorder
        for click in range(20):
            space = {"__name__": "__main__", "PATH": sys.argv[1]}
            exec(SCRIPT, space)
            if click in (0, 19):
                # What is stored at once is stored before it is looked at.
                last = next(iter(sys.modules["memmon.guest.lifecycle"]._started))
                assert last.flush(30)
                # The writers of earlier runs end by themselves; one that does not is counted.
                for writer in [one for one in threading.enumerate() if one.name == "memmon-writer"][:-1]:
                    writer.join(5)
                names = [one.name for one in threading.enumerate()]
                counted = [names.count("memmon-sampler"), names.count("memmon-writer"), len(os.listdir("/proc/self/fd"))]
                print(json.dumps(counted), flush=True)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", host, tmp_path / "r.db"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, last = (tuple(map(int, line.strip("[]").split(","))) for line in done.stdout.splitlines())
    assert last[:2] == (1, 1)
    assert last[2] <= first[2] + 3
    ends = rows(tmp_path, "SELECT end_reason, count(*) FROM run GROUP BY end_reason ORDER BY end_reason")
    assert ends == [("exit", 1), ("replaced", 19)]


def test_the_earlier_one_behaves_as_stopped(tmp_path, make, caplog):
    """Its run ends as replaced, one line says so, and its snapshots are returned and stored nowhere."""
    caplog.set_level(logging.INFO, "memmon")
    first = make()
    first.register_deque("orders", held := deque(maxlen=3))
    first.start()
    assert first.flush(20.0)
    second = make()
    second.start()
    second.take_snapshot()
    until = time.monotonic() + 20.0
    while second.status.taken_count < 2 and time.monotonic() < until:  # its thread's first as well
        os.sched_yield()
    assert second.flush(20.0)
    counts = rows(tmp_path, "SELECT run_id, count(*) FROM snapshot GROUP BY run_id")
    taken = first.take_snapshot()
    assert taken.rss_bytes
    first.count_work()
    first.annotate("nobody hears this")
    assert first.flush(20.0)
    assert second.flush(20.0)
    assert rows(tmp_path, "SELECT run_id, count(*) FROM snapshot GROUP BY run_id") == counts
    assert rows(tmp_path, "SELECT id, end_reason FROM run ORDER BY id") == [(1, "replaced"), (2, None)]
    assert not rows(tmp_path, "SELECT 1 FROM event WHERE kind = 'annotation'")
    assert not rows(
        tmp_path, "SELECT 1 FROM reading r JOIN series x ON x.id = r.series_id WHERE r.run_id = 2"
    )
    lines = [
        one for one in caplog.records if "was replaced by one that was started later" in one.getMessage()
    ]
    assert [one.levelname for one in lines] == ["INFO"]
    assert held.maxlen == 3
    with open_store(str(tmp_path / "r.db")) as store:
        assert [run.end_reason for run in store.runs("bot")] == ["replaced", None]


def test_a_monitor_is_replaced_like_a_recorder(tmp_path):
    """Of two monitors that are started for one database and source the later one records."""
    options = {"database_url": str(tmp_path / "r.db"), "source": "bot"}
    first, second = MemoryMonitor(**options), MemoryMonitor(**options)
    try:
        for one in (first, second):
            one.start()
            assert one.flush(20.0)
        assert first.take_snapshot().rss_mb > 0
        assert rows(tmp_path, "SELECT id, end_reason FROM run ORDER BY id") == [(1, "replaced"), (2, None)]
    finally:
        first.stop()
        second.stop()


def test_a_replaced_one_may_take_over_again(tmp_path, make):
    """Whoever starts last records; what was replaced begins a run of its own when it is started again."""
    first, second = make(), make()
    first.start()
    assert first.flush(20.0)
    second.start()
    assert second.flush(20.0)
    first.start()
    assert first.flush(20.0)
    first.take_snapshot()
    second.take_snapshot()
    assert first.flush(20.0)
    ends = rows(tmp_path, "SELECT id, end_reason FROM run ORDER BY id")
    assert ends == [(1, "replaced"), (2, "replaced"), (3, None)]
    assert rows(tmp_path, "SELECT count(*) FROM snapshot WHERE run_id = 3") == [(2,)]


def test_starting_again_what_runs_changes_nothing(tmp_path, make):
    """A recorder that is started twice goes on with its run; others beside it, of another source or database, too."""
    first, other = make(), make(source="other")
    elsewhere = Recorder(tmp_path / "e.db", source="bot", **OPTIONS)
    for one in (first, other, elsewhere, first):
        one.start()
        assert one.flush(20.0)
    assert rows(tmp_path, "SELECT end_reason FROM run") == [(None,), (None,)]
    elsewhere.stop()


def test_one_that_was_stopped_is_not_replaced(tmp_path, make, caplog):
    """What has ended keeps its end, and nobody is told of a replacement."""
    caplog.set_level(logging.INFO, "memmon")
    first, second = make(), make()
    first.start()
    assert first.flush(20.0)
    first.stop()
    second.start()
    assert second.flush(20.0)
    assert rows(tmp_path, "SELECT id, end_reason FROM run ORDER BY id") == [(1, "stopped"), (2, None)]
    assert not [one for one in caplog.records if "was replaced" in one.getMessage()]


def test_starts_in_a_race_leave_one(tmp_path, make):
    """Of many threads that start a recorder each at once, one goes on and all others are told ended."""
    made = [make() for _ in range(8)]
    at_once = threading.Barrier(len(made))

    def start(one):
        at_once.wait()
        one.start()

    threads = [threading.Thread(target=start, args=(one,)) for one in made]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for one in made:
        assert one.flush(30.0)
    samplers = [name for name in own_threads() if name == "memmon-sampler"]
    assert len(samplers) == 1
    open_runs = rows(tmp_path, "SELECT count(*) FROM run WHERE end_reason IS NULL")
    assert open_runs == [(1,)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_fork_replaces_nothing_of_its_parent(tmp_path, make):
    """A recorder that a forked child starts for the same source records beside its parent's."""
    first = make()
    first.start()
    assert first.flush(20.0)
    pid = os.fork()
    if not pid:
        own = Recorder(tmp_path / "r.db", source="bot", **OPTIONS)
        own.start()
        code = 0 if own.flush(30.0) else 1
        own.stop()
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert rows(tmp_path, "SELECT id, end_reason FROM run ORDER BY id") == [(1, None), (2, "stopped")]
