"""The check of the write-ahead log after a commit."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing

import pytest

from memmon import Recorder
from memmon.clock import ManualClock
from memmon.store.connect.wal import WalFaultError, check_wal


@pytest.fixture
def logged(tmp_path):
    """A database whose log holds twenty commits."""
    path = tmp_path / "w.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("CREATE TABLE t (x)")
        for index in range(20):
            connection.execute("INSERT INTO t VALUES (?)", (f"{index}" * 500,))
        yield connection, tmp_path / "w.db-wal"


def test_a_whole_log(logged):
    """A log as SQLite wrote it is whole, also when it was looked at before and has grown since."""
    connection, wal = logged
    mark = check_wal(wal, None)
    connection.execute("INSERT INTO t VALUES (1)")
    later = check_wal(wal, mark)
    assert later.frame_offset_bytes > mark.frame_offset_bytes
    assert check_wal(wal, None) == later


def test_a_log_that_began_anew(logged):
    """Frames of an earlier round behind the newest are no hole."""
    connection, wal = logged
    mark = check_wal(wal, None)
    connection.execute("PRAGMA wal_checkpoint(RESTART)")
    connection.execute("INSERT INTO t VALUES (2)")
    assert check_wal(wal, mark).frame_offset_bytes < mark.frame_offset_bytes


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_a_cut_log(logged, known, share):
    """A log that was cut and written on behind the hole is told, whatever was known of it before."""
    _, wal = logged
    mark = check_wal(wal, None) if known else None
    size = wal.stat().st_size
    data = wal.read_bytes()
    wal.write_bytes(data[: int(size * share)])
    with wal.open("r+b") as file:  # as SQLite goes on, at the offset that its index tells
        file.truncate(size)
        file.seek(size)
        file.write(data[-(24 + 4096) :])
    with pytest.raises(WalFaultError, match="cut"):
        check_wal(wal, mark)


def test_a_removed_log(tmp_path):
    """A log that is not there was removed; one that can't be looked at is no proof of anything."""
    with pytest.raises(WalFaultError, match="removed"):
        check_wal(tmp_path / "none-wal", None)
    with pytest.raises(OSError):
        check_wal(tmp_path, None)


def test_snapshots_leave_nothing_in_the_table_of_names(tmp_path, monkeypatch):
    """Storing snapshots interns no text, as each Path that is made anew does: CPython's table of such texts only fills, and is doubled then."""
    clock, interned, intern = ManualClock(), [], sys.intern
    recorder = Recorder(tmp_path / "m.db", source="bot", clock=clock, leak_check=False, daily_report=False)

    def snapshots(count):
        for _ in range(count):
            clock.advance(1.0)
            recorder.take_snapshot()
            assert recorder.flush(60.0), recorder.status

    snapshots(3)
    monkeypatch.setattr(sys, "intern", lambda text: interned.append(text) or intern(text))
    snapshots(20)
    recorder.stop()
    assert interned == []
