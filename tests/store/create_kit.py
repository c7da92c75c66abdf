"""What the tests of a new database share."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from memmon import Recorder
from memmon.config import parse_database
from memmon.store.connect.create import create
from memmon.store.schema.identity import APPLICATION_ID, HEAD_REVISION


def made(path, **more) -> bool:
    return create(parse_database(str(path)), **more)


def ask(path, statement):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def assert_whole_and_empty(path):
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]
    assert ask(path, "SELECT version_num FROM alembic_version") == [(HEAD_REVISION,)]
    assert ask(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert ask(path, "SELECT (SELECT count(*) FROM source) + (SELECT count(*) FROM event)") == [(0,)]


def record_one(path) -> None:
    recorder = Recorder(path, source="bot", gc_threshold_mb=0, leak_check=False, daily_report=False)
    recorder.take_snapshot()
    assert recorder.flush(30.0), recorder.status
    recorder.stop()
    assert ask(path, "SELECT count(*) FROM snapshot") == [(1,)]
