"""A program that root began and that goes on as another user."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")

PROGRAM = """
import logging, os, sys
logging.basicConfig(level=logging.WARNING, format="%(message)s")
from memmon import Recorder
from memmon.config import parse_database
from memmon.store.upkeep.migrate import upgrade
database, when, user = sys.argv[1], sys.argv[2], int(sys.argv[3])
warm = Recorder(sys.argv[4], source="warm")   # what root alone may load is loaded
warm.start(); warm.take_snapshot(); warm.flush(); warm.stop()
if when == "made by root":
    upgrade(parse_database(database))
recorder = Recorder(database, source="bot")
if when == "after the start":
    recorder.start(); recorder.take_snapshot(); recorder.flush()
os.setgroups([]); os.setgid(user); os.setuid(user)
if when != "after the start":
    recorder.start()
recorder.take_snapshot(); recorder.flush(); recorder.take_snapshot()
recorder.stop()
"""


@needs_root
@pytest.mark.parametrize("when", ["before the start", "after the start", "made by root"])
def test_a_change_of_user_says_who_owns_what_and_what_is_lost(when):
    """One line says whose the database or its folder is and what to do; at the end one says what is lost."""
    folder = Path(tempfile.mkdtemp(prefix="memmon-user-"))
    try:
        folder.chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, folder / "m.db", when, str(NOBODY), folder / "warm.db"],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        shutil.rmtree(folder)
    lines = [line for line in done.stderr.splitlines() if "m.db" in line and "warm" not in line]
    assert done.returncode == 0, done.stderr
    assert len(lines) == 2, done.stderr
    assert all("belongs to root" in line for line in lines)
    assert "held in memory" in lines[0]
    # A start takes one by itself; that of before the change is stored.
    count = 2 if when == "after the start" else 3
    assert f"ends with {count} snapshots that could not be stored" in lines[1]


CATCHES_UP = """
import os, sys
from memmon import Recorder
from memmon.config import parse_database
from memmon.store.upkeep.migrate import upgrade
database, when, user = sys.argv[1], sys.argv[2], int(sys.argv[3])
options = dict(leak_check=False, daily_report=False, gc_threshold_mb=0)
warm = Recorder(sys.argv[4], source="warm", **options)   # what root alone may load is loaded
warm.take_snapshot(); warm.flush(60); warm.stop()
if when == "made by root":
    upgrade(parse_database(database))
recorder = Recorder(database, source="bot", interval_seconds=86400, **options)
if when == "after the start":
    recorder.start(); recorder.take_snapshot(); assert recorder.flush(60)
os.setgroups([]); os.setgid(user); os.setuid(user)
if when != "after the start":
    recorder.start()
recorder.take_snapshot()
assert not recorder.flush(60) and recorder.pending_count, recorder.status
print("held", flush=True)
sys.stdin.readline()
recorder.take_snapshot()
stored = recorder.flush(60)
recorder.stop()
status = recorder.status
print(stored, status.taken_count, status.stored_count, status.dropped_count, recorder.pending_count, flush=True)
"""


@needs_root
@pytest.mark.parametrize("when", ["before the start", "after the start", "made by root"])
def test_recording_catches_up_when_the_owner_is_mended(when):
    """Once the folder and the database are given to the user that the program became, all that was held is stored, by itself, once."""
    folder = Path(tempfile.mkdtemp(prefix="memmon-user-"))
    try:
        folder.chmod(0o755)
        with subprocess.Popen(
            [sys.executable, "-c", CATCHES_UP, folder / "m.db", when, str(NOBODY), folder / "warm.db"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as program:
            assert program.stdout.readline() == "held\n", program.stderr.read()
            for path in (folder, *folder.glob("m.db*")):
                os.chown(path, NOBODY, NOBODY)
            said, complaints = program.communicate("\n")
        assert program.returncode == 0, complaints
        stored, taken, stored_count, dropped_count, held_count = said.split()
        assert (stored, dropped_count, held_count) == ("True", "0", "0")
        assert taken == stored_count
        with closing(sqlite3.connect(folder / "m.db")) as connection:
            (rows,) = connection.execute("SELECT count(*) FROM snapshot").fetchone()
        assert rows == int(taken)
    finally:
        shutil.rmtree(folder)
