"""A new database beside what others left there: left-overs, second names, logs of removed files."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from create_kit import ask, assert_whole_and_empty, made, record_one

from memmon.store.connect import beside
from memmon.store.connect import create as creation

LOST_LOG = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(f"PRAGMA journal_mode={sys.argv[2]}")
connection.execute("PRAGMA cache_size=1")
connection.execute("BEGIN")
connection.executemany("INSERT INTO event (source_id, at_ms, kind, text) VALUES (1, ?, 'x', hex(zeroblob(900)))", [(n,) for n in range(200)])
if sys.argv[2] == "WAL":
    connection.execute("COMMIT")
os._exit(0)
"""


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_create_is_not_fooled_by_the_log_of_a_file_that_was_removed(tmp_path, journal):
    """What a removed database left in its log, or its journal, is not played into the new one."""
    path = tmp_path / "m.db"
    assert made(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("INSERT INTO source (id, name, created_ms) VALUES (1, 'old', 0)")
        connection.commit()
    subprocess.run([sys.executable, "-c", LOST_LOG, path, journal], check=True)
    log = Path(f"{path}{'-wal' if journal == 'WAL' else '-journal'}")
    assert log.stat().st_size > 4096
    path.unlink()
    assert made(path)
    assert_whole_and_empty(path)
    record_one(path)


def ended_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def leftover(path, *, where=None, pid=None, age_seconds=0.0, side="") -> Path:
    name = beside.name_beside(path).name.removeprefix(f"{path.name}.new-")
    here, own, rest = name.split("-", 2)
    found = path.with_name(
        f"{path.name}.new-{here if where is None else where}-{own if pid is None else pid}-{rest}{side}"
    )
    found.write_bytes(b"half")
    then = found.stat().st_mtime - age_seconds
    os.utime(found, (then, then))
    return found


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="whose number it is can be told on Linux")
def test_create_removes_what_ended_processes_left(tmp_path):
    """Files of ended processes go, and old ones; young ones of other hosts, of living processes and of other names stay."""
    path, dead = tmp_path / "m.db", ended_process()
    gone = [
        leftover(path, pid=dead),
        leftover(path, pid=dead, side="-wal"),
        leftover(path, where="0a0b0c0d", age_seconds=700),
        leftover(path, where="", age_seconds=700),
        leftover(path, age_seconds=90_000),
    ]
    kept = [
        leftover(path),
        leftover(path, pid=os.getppid()),
        leftover(path, where="0a0b0c0d", pid=dead),
        leftover(path, where="", pid=dead, age_seconds=500),
        leftover(tmp_path / "mm.db", pid=dead, age_seconds=90_000),
        leftover(path, pid=dead, side=".kept", age_seconds=90_000),
    ]
    folder = leftover(path, pid=dead, age_seconds=90_000)
    folder.unlink()
    folder.mkdir()
    assert made(path)
    assert [found.name for found in gone if found.exists()] == []
    assert [found.name for found in (*kept, folder) if not found.exists()] == []


def test_create_removes_a_second_name_of_a_database(tmp_path):
    """A process killed just after the link left a second name: it goes, the database stays."""
    first, path = tmp_path / "first.db", tmp_path / "m.db"
    assert made(first)
    second = beside.name_beside(path)
    os.link(first, second)
    assert made(path)
    assert not second.exists()
    assert_whole_and_empty(first)


def test_create_survives_that_its_file_is_taken_for_a_leftover(tmp_path, monkeypatch):
    """When another host removes the half-made file, the database is made in place."""
    path = tmp_path / "m.db"
    fill = creation._fill_unseen

    def fill_and_lose(found):
        fill(found)
        found.unlink()

    monkeypatch.setattr(creation, "_fill_unseen", fill_and_lose)
    assert made(path)
    assert_whole_and_empty(path)
    assert list(tmp_path.iterdir()) == [path]


def test_create_finds_that_another_was_first(tmp_path, monkeypatch):
    """When the file appears while one is made, that one is kept as it is and ours is thrown away."""
    path, theirs = tmp_path / "m.db", tmp_path / "theirs.db"
    assert made(theirs)
    with closing(sqlite3.connect(theirs)) as connection:
        connection.execute("INSERT INTO source (id, name, created_ms) VALUES (1, 'theirs', 0)")
        connection.commit()
    fill = creation._fill_unseen

    def fill_late(found):
        fill(found)
        shutil.copy(theirs, path)

    monkeypatch.setattr(creation, "_fill_unseen", fill_late)
    assert not made(path)
    assert ask(path, "SELECT name FROM source") == [("theirs",)]
    assert sorted(found.name for found in tmp_path.iterdir()) == ["m.db", "theirs.db"]
