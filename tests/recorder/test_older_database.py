"""A file of an older schema, met by a recorder that can start no child."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing

from memmon import Recorder
from memmon.child import AnsweredError, Children
from memmon.config import parse_database
from memmon.store.connect.engine import sqlite_code
from memmon.store.schema.identity import HEAD_REVISION
from memmon.store.upkeep.migrate import upgrade


def _revision(path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def test_older_file_is_held_off_until_somebody_upgrades_it(tmp_path, monkeypatch):
    """Where no child can bring an older file forward it is left as it is, the command is named, and what is held is stored after it."""
    path = tmp_path / "older.db"
    upgrade(parse_database(str(path)), revision="0003")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    recorder = Recorder(path, source="bot")
    recorder.take_snapshot()
    assert not recorder.flush(20.0)
    assert recorder.status.held_count == 1
    assert "run `memmon db upgrade` once" in recorder.status.last_error
    assert "schema 0003" in recorder.status.last_error
    assert HEAD_REVISION in recorder.status.last_error
    assert _revision(path) == "0003"

    upgrade(parse_database(str(path)))
    assert recorder.flush(20.0)
    assert recorder.status.stored_count == 1
    assert recorder.status.last_error is None
    recorder.stop(5.0)


def test_child_that_fails_in_an_unknown_way_is_told(tmp_path, monkeypatch):
    """A migration that fails for a reason that memmon knows nothing of is named, and tried again later."""
    path = tmp_path / "older.db"
    upgrade(parse_database(str(path)), revision="0003")
    answer = AnsweredError("CommandError: the revisions are not there", kind="CommandError")
    monkeypatch.setattr(Children, "run", lambda *_, **__: _raise(answer))
    recorder = Recorder(path, source="bot")
    recorder.take_snapshot()
    assert not recorder.flush(20.0)
    assert "the revisions are not there" in recorder.status.last_error
    assert "run `memmon db upgrade` once" in recorder.status.last_error
    monkeypatch.undo()
    assert recorder.flush(60.0)
    recorder.stop(5.0)


def _raise(error):
    raise error


def test_error_that_is_its_own_cause():
    """Looking for a driver's code behind an error ends, whatever the error's causes are."""
    error, other = ValueError("one"), ValueError("two")
    error.__cause__, other.__cause__ = other, error
    assert sqlite_code(error) is None
