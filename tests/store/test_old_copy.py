"""The copy that an upgrade lays beside an old file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from memmon.config import parse_database
from memmon.store.schema.identity import HEAD_REVISION
from memmon.store.upkeep import migrate

ROOT = Path(__file__).resolve().parents[2]

ENDED = """
import os, sys
from memmon.config import parse_database
from memmon.store.upkeep import migrate
migrate._run_revisions = lambda *_, **__: os._exit(9)
migrate.upgrade(parse_database(sys.argv[1]))
"""


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "o.db"
    migrate.upgrade(parse_database(str(path)), revision="0001")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO source (id, name, created_ms) VALUES (1, 'bot', 0)")
        connection.commit()
    return path


def beside(path):
    """The files that lie beside the database for good, SQLite's own left out."""
    sides = {f"{path.name}{side}" for side in ("", "-wal", "-shm")}
    return sorted(entry.name for entry in path.parent.iterdir() if entry.name not in sides)


def test_the_copy_is_whole(old):
    """An upgrade leaves one copy of the old file under its lasting name, with its rows and its schema."""
    done = migrate.upgrade(parse_database(str(old)))
    assert beside(old) == [done.copy_path.name]
    assert done.copy_path.name.startswith("o.db.before-upgrade-from-0001-")
    with closing(sqlite3.connect(done.copy_path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert connection.execute("SELECT name FROM source").fetchall() == [("bot",)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("moment", ["revisions", "commit"])
def test_an_upgrade_that_fails_leaves_no_copy(old, monkeypatch, moment):
    """An upgrade that is tried again and again and fails each time does not fill the disk with copies."""
    if moment == "revisions":
        monkeypatch.setattr(migrate, "_run_revisions", _fail)
    else:
        monkeypatch.setattr(migrate, "read_revision", _revision_then_a_commit_that_fails())
    for _ in range(3):
        with pytest.raises(Exception, match=r"full|FOREIGN KEY"):
            migrate.upgrade(parse_database(str(old)))
    assert beside(old) == []


def test_what_a_kill_left_goes_with_the_next_attempt(old):
    """Upgrades that are killed while the copy lies there leave one of them at most, and a later one none."""
    for _ in range(3):
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", ENDED, str(old)]
        assert subprocess.run(command, env=environ, check=False).returncode == 9
        assert len(beside(old)) == 1
    done = migrate.upgrade(parse_database(str(old)))
    assert (done.before, done.after) == ("0001", HEAD_REVISION)
    assert beside(old) == [done.copy_path.name]


def _fail(*_, **__):
    raise sqlite3.OperationalError("database or disk is full")


def _revision_then_a_commit_that_fails():
    """Read the revision; at the end leave what makes the commit fail, as a full disk does."""
    real = migrate.read_revision

    def read(connection):
        found = real(connection)
        if found == HEAD_REVISION:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            connection.exec_driver_sql(
                "INSERT INTO run (id, uuid, source_id, started_ms) VALUES (7, 'x', 99, 0)"
            )
        return found

    return read
