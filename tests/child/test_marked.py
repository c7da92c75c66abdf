"""A recorder in a process that memmon started for itself is inert, whatever the program does with it."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque

from memmon import MemoryMonitor, Recorder
from memmon.child.mark import MARK_VARIABLE


def test_a_recorder_is_inert(tmp_path, monkeypatch, caplog):
    """No thread, no file, no process, nothing held; what the program reads from it still makes sense."""
    monkeypatch.setenv(MARK_VARIABLE, "1")
    caplog.set_level(logging.WARNING, "memmon")
    threads = set(threading.enumerate())
    recorder = Recorder(tmp_path / "folder" / "m.db", source="bot", interval_seconds=0.01)
    prices = deque([1, 2, 3], maxlen=5)
    recorder.register_deque("prices", prices)
    with recorder:
        snapshot = recorder.take_snapshot()
        recorder.count_work(3)
        recorder.annotate("a note")
        assert recorder.flush()
        assert set(threading.enumerate()) <= threads
    assert snapshot.rss_bytes > 0
    assert [one.length_count for one in snapshot.deques] == [3]
    assert recorder.pending_count == 0
    assert recorder.status.taken_count == 0
    assert MARK_VARIABLE in recorder.status.last_error
    assert not (tmp_path / "folder").exists()
    assert len(caplog.records) == 1


def test_a_monitor_is_inert(tmp_path, monkeypatch):
    """The same for the interface that bots embed already; the file that is there is not even opened."""
    (tmp_path / "m.db").touch()
    monkeypatch.setenv(MARK_VARIABLE, "1")
    monkeypatch.setattr(sqlite3, "connect", None)
    monitor = MemoryMonitor(database_url=tmp_path / "m.db", source="bot")
    assert monitor.should_take_snapshot()
    assert monitor.take_snapshot().rss_mb > 0
    monitor.close()
    assert [(one.name, one.stat().st_size) for one in tmp_path.iterdir()] == [("m.db", 0)]
