"""What recording loads into a program: little, and nothing of what only readers and servers need."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"sqlalchemy", "msgspec", "importlib.metadata", "hashlib", "decimal", "tomllib", "alembic", "numpy"}
NEEDLESS = {"uuid", "platform", "queue", "shlex", "sysconfig", "zlib", "unicodedata", "importlib.util"}
"""Each was loaded for one line that does without."""
LATER = {"memmon.probe.objects.evidence", "memmon.probe.objects.walk", "objsize"}
"""For objects that lead to others, and for what grows."""
MODULE_COUNT = 210
"""memmon's own, psutil's, sqlite3's and those of the standard library that these load; less is better."""

PROGRAM = """
import json, sys, threading
before = set(sys.modules)
from collections import deque
from datetime import timedelta
from memmon import Recorder
from memmon.clock import SystemClock

class Clock(SystemClock):
    ahead = 0.0
    def monotonic(self):
        return super().monotonic() + self.ahead

told, pause, clock = [], threading.Event(), Clock()
recorder = Recorder(
    sys.argv[1], source="bot", clock=clock, on_alert=told.append, high_memory_percent=0.001, **json.loads(sys.argv[2])
)
kept = deque(range(5), maxlen=9)
recorder.register_deques({"kept": kept})
recorder.take_snapshot()
assert recorder.flush(60.0), recorder.status
for turn in range(1200):
    if turn % 40 == 0 and not recorder.children.start_count:
        clock.ahead += 601.0  # once more: the writer may begin to count the time after the first
    recorder.flush(1.0)
    if told and recorder.children.start_count and recorder._dispatcher._hourly_check._child is None:
        break
    pause.wait(0.05)
recorder.take_snapshot()
assert recorder.flush(60.0), recorder.status
assert recorder.children.start_count and not recorder.children.failure_count, recorder.status
print(json.dumps([[one.kind for one in told], sorted(set(sys.modules) - before)]))
recorder.stop()
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """What was told and what was loaded by then, with each writer: a snapshot stored, a check done, an alert told."""

    def record(**options):
        path = tmp_path_factory.mktemp("weight") / "m.db"
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, path, json.dumps(options)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return record


def test_recording_loads_nothing_heavy(recorded):
    """After the first stored snapshot, the first hourly check and the first alert none of the heavy modules is loaded, and few in all."""
    kinds, loaded = recorded(writer="sqlite3")
    assert "high_memory" in kinds
    assert not (HEAVY | NEEDLESS | LATER) & set(loaded)
    assert len(loaded) <= MODULE_COUNT, len(loaded)


def test_sqlalchemy_is_loaded_where_it_is_asked_for(recorded):
    """With the other writer SQLAlchemy is there, and nothing else of what is heavy and ours."""
    _, loaded = recorded(writer="sqlalchemy")
    assert "sqlalchemy" in loaded
    assert not {"msgspec", "tomllib", "alembic", "numpy", "sqlalchemy.orm"} & set(loaded)
