"""Programs whose threads are green: memmon's are so too, nothing is raised, and the loop is not held up."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from host_page import command, files, lay
from server_kit import Host, assert_as_without, both, figure_of, needs, stored_counts

pytestmark = pytest.mark.programs

HELD_SECONDS = 3.0
LONGEST_GAP_SECONDS = 1.0
TICKING = """
import json, pathlib, threading, time
gaps = []
waits = pathlib.Path("/proc/thread-self/schedstat")
def passed():
    # But for the time in which the loop's thread waits for its turn: others may keep the processor as long as they like.
    waited = int(waits.read_text().split()[1]) / 1e9 if waits.exists() else 0.0
    return time.monotonic() - waited
def tick():
    last = passed()
    while not pathlib.Path("end").exists():
        time.sleep(0.01)
        now = passed()
        gaps.append(now - last)
        last = now
        pathlib.Path("ticks.txt").write_text(str(len(gaps)))
import memmon
from memmon.recorder.alerts import hourly_check
hourly_check.FIRST_CHECK_SECONDS = 1.0
recorder = memmon.Recorder("green.db", source="green")
recorder.start()
recorder.flush(60)
ticker = threading.Thread(target=tick)
ticker.start()
ticker.join()
recorder.stop()
status = recorder.status
print(json.dumps([max(gaps), status.child_start_count, status.child_failure_count, status.taken_count, status.stored_count]))
"""


@pytest.mark.parametrize("kind", ["gevent", "eventlet"])
def test_a_program_of_green_threads_is_recorded(kind, tmp_path, figures):
    """It says the same as without memmon, with its own subprocesses, and all that was taken is stored."""
    needs(kind)

    def run(folder, is_recorded):
        lay(folder, f"green_{kind}.py")
        words = command(f"python green_{kind}.py")
        return Host(folder, words, is_recorded=is_recorded).end(None)

    found, plain = both(tmp_path, run)
    figures(f"python green_{kind}.py", figure_of(found, plain))
    assert_as_without(found, plain, recorded_count=0, green=True)
    assert "0\n1\n2\n" in found.out
    assert found.ends == ["stopped"]
    assert sum(found.taken_counts.values()) > 3


@pytest.mark.parametrize("kind", ["gevent", "eventlet"])
def test_the_loop_goes_on_while_the_database_is_held(kind, tmp_path, figures):
    """While another process holds the database for seconds, the program's green threads go on; the checks' children are started and answer."""
    needs(kind)
    first, second, *_ = files()[f"green_{kind}.py"].split("\n\n")
    (tmp_path / "ticking.py").write_text(f"{first}\n{second}\n{TICKING}", encoding="utf-8")
    host = Host(tmp_path, [*command(f"python green_{kind}.py")[:1], "ticking.py"], is_recorded=True)
    ticks = tmp_path / "ticks.txt"
    host.wait_for(lambda: ticks.exists() and stored_counts(tmp_path), "first snapshots")
    with closing(sqlite3.connect(tmp_path / "green.db", isolation_level=None, timeout=60)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        count = int(ticks.read_text() or 0)
        host.wait_for(lambda: int(ticks.read_text() or 0) > count + HELD_SECONDS / 0.02, "ticks")
        connection.execute("ROLLBACK")
    host.wait_for(lambda: stored_check_count(tmp_path), "hourly check")
    (tmp_path / "end").touch()
    seen = host.end(None)
    longest, started, failed, taken, stored = json.loads(seen.out.splitlines()[-1])
    figures(
        f"{kind}, database held",
        f"longest gap {longest * 1000:.0f} ms; {started} children, {failed} failed; {taken} taken, {stored} stored",
    )
    assert longest < LONGEST_GAP_SECONDS
    assert (started >= 1, failed) == (True, 0)
    assert taken == stored == sum(seen.stored_counts.values())
    assert seen.code == 0
    assert seen.left == []


def stored_check_count(folder):
    with closing(sqlite3.connect(folder / "green.db", timeout=60)) as connection:
        return connection.execute("SELECT count(*) FROM assessment").fetchone()[0]
