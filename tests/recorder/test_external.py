"""Recording another process from outside."""

from __future__ import annotations

import subprocess
import sys

from memmon import open_store
from memmon.recorder.external import ExternalRecorder


def test_another_process_is_recorded_until_it_ends(tmp_path):
    """The other process's memory is stored under its pid; after its end nothing more, and how it ended is kept."""
    child = subprocess.Popen(
        [sys.executable, "-c", "held = bytearray(b'x') * 60_000_000; print('ready', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout.readline().strip() == b"ready"
    recorder = ExternalRecorder(
        tmp_path / "e.db", pid=child.pid, source="other", leak_check=False, daily_report=False
    )
    assert recorder.pid == child.pid
    assert recorder.source == "other"
    assert recorder.is_process_alive()
    alive = recorder.take_snapshot()
    assert alive.rss_bytes > 60_000_000
    child.communicate(b"\n")
    assert not recorder.is_process_alive()
    assert recorder.take_snapshot() == alive
    recorder.finish("exit", "exit code 0", timeout_seconds=20.0)
    with open_store(tmp_path / "e.db") as store:
        (run,) = store.runs("other")
    assert (run.pid, run.snapshot_count, run.end_reason, run.end_detail) == (
        child.pid,
        1,
        "exit",
        "exit code 0",
    )
