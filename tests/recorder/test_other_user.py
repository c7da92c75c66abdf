"""A program that root began and that goes on as another user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
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
