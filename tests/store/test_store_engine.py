"""`Store.engine`: SQL in pandas, that reads and does nothing else."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from store_kit import START, deque_of, ticks
from test_sql_read_only import ATTEMPTS, HARMLESS, state

from memmon import History, SqlError, Store, detect_leak, open_store
from memmon.store.read import engine as reading

WITHOUT_EFFECT = {"commit", "savepoint", "explain delete", "explain vacuum", "no statement"}
"""What a reader's own transaction allows, and what only explains or says nothing."""


@pytest.fixture
def recorded(store, monkeypatch):
    store.add_run(ticks(40, deques=lambda n: [deque_of("q", n)]))
    monkeypatch.chdir(store.path.parent)
    return store


def outcome(engine, statement) -> str:
    """Return `ran`, or the class of the error that a statement meets."""
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
            connection.commit()
    except (SqlError, SQLAlchemyError) as error:
        return type(error).__name__
    return "ran"


def test_every_attempt_to_write_changes_nothing(recorded):
    """Of all kinds of attempt to write none changes or makes a file, and those that would are refused by SqlError."""
    with open_store(recorded.path) as reader:
        outcome(reader.engine, "SELECT 1")
        before = state(recorded.path)
        found = {name: outcome(reader.engine, statement) for name, statement in ATTEMPTS.items()}
    assert state(recorded.path) == before
    assert {name for name, said in found.items() if said == "ran"} <= WITHOUT_EFFECT
    refused = {name for name, said in found.items() if said == "SqlError"}
    assert {
        "insert",
        "update",
        "drop",
        "create temp",
        "attach",
        "journal",
        "query only",
        "extension",
    } <= refused


def test_sqlite_itself_refuses_where_the_file_is_open_for_writing(recorded, monkeypatch):
    """What asks before each thing holds by itself, should the connection not be a read-only one."""
    monkeypatch.setattr("memmon.store.connect.engine.sqlite_uri", lambda path, **_: f"file:{path}?mode=rw")
    monkeypatch.setattr(
        "memmon.store.connect.engine._prepare_reader",
        lambda connection, _record: connection.execute("SELECT 1"),
    )
    reader = open_store(recorded.path)
    outcome(reader.engine, "SELECT 1")  # who may write takes the empty log away when closing
    before = state(recorded.path)
    found = {name: outcome(reader.engine, statement) for name, statement in ATTEMPTS.items()}
    assert {name for name, said in found.items() if said == "ran"} <= WITHOUT_EFFECT | {"begin"}
    assert state(recorded.path) == before


def test_a_read_only_connection_holds_without_the_asking(recorded, monkeypatch):
    """Without SQLite's asking, the connection itself writes to no database of memmon's."""
    monkeypatch.setattr(reading, "_ask_before_each_thing", lambda *_: None)
    reader = open_store(recorded.path)
    before = state(recorded.path)
    for name in ("insert", "update", "delete", "drop", "alter", "user version", "reindex"):
        assert outcome(reader.engine, ATTEMPTS[name]) == "SqlError", name
    assert state(recorded.path) == before


def test_what_a_driver_is_told_past_sqlalchemy_is_refused_too(recorded):
    """A raw connection of the engine's reads and does not write."""
    raw = open_store(recorded.path).engine.raw_connection()
    try:
        cursor = raw.cursor()
        assert cursor.execute("SELECT count(*) FROM v_snapshot").fetchone() == (40,)
        with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
            cursor.execute("DELETE FROM snapshot")
    finally:
        raw.close()


@pytest.mark.parametrize("statement", HARMLESS)
def test_harmless_statements_answer(recorded, statement):
    """Literals, comments, functions that only calculate, and what tells of the schema all work."""
    with open_store(recorded.path).engine.connect() as connection:
        assert connection.exec_driver_sql(statement).fetchall() is not None


def test_pandas_reads_statements_tables_and_views(recorded):
    """`pd.read_sql` takes a statement, one with parameters and a view's name; `to_sql` is refused in words."""
    with open_store(recorded.path) as reader:
        frame = pd.read_sql("select * from v_snapshot", reader.engine)
        assert len(frame) == 40
        some = pd.read_sql(text("select * from v_snapshot where seq < :n"), reader.engine, params={"n": 10})
        assert len(some) < 40
        assert list(pd.read_sql("v_run", reader.engine)["snapshot_count"]) == [40]
        with pytest.raises(SqlError, match="only reads"):
            frame.to_sql("made", reader.engine)
        with pytest.raises(SqlError, match="only reads"):
            frame.to_sql("snapshot", reader.engine, if_exists="append")


def test_an_error_that_is_no_refusal_stays_sqlalchemys(recorded):
    """A column that is not there is SQLAlchemy's error, with the statement in it."""
    with (
        open_store(recorded.path).engine.connect() as connection,
        pytest.raises(OperationalError, match="no such column: missing"),
    ):
        connection.exec_driver_sql("SELECT missing FROM v_run")


def test_frames_of_the_store_are_judged_as_its_history_is(recorded):
    """`snapshots`, and `pd.read_sql` over v_snapshot, give the arrays that `history` has, run by run."""
    recorded.add_run(ticks(30, start=START + timedelta(days=1)))
    with open_store(recorded.path) as reader:
        whole = reader.history()
        frames = {
            "snapshots": reader.snapshots(),
            "view": pd.read_sql("select * from v_snapshot", reader.engine),
        }
        for name, frame in frames.items():
            found = History.from_frame(frame)
            assert found.at_seconds.tolist() == whole.at_seconds.tolist(), name
            assert found.rss_bytes.tolist() == whole.rss_bytes.tolist(), name
            assert found.footprint_bytes.tolist() == whole.footprint_bytes.tolist(), name
            assert found.run_id.tolist() == whole.run_id.tolist(), name
            assert found.uptime_seconds == pytest.approx(whole.uptime_seconds, abs=0.2), name
            assert detect_leak(frame).verdict == detect_leak(whole).verdict, name


def test_closing_the_store_disposes_of_its_engine(recorded, monkeypatch):
    """The engine is one for all calls, and the store's end is its end; a store that made none closes as well."""
    disposed = []
    with open_store(recorded.path) as reader:
        engine = reader.engine
        assert reader.engine is engine
        monkeypatch.setattr(type(engine), "dispose", lambda self, **_: disposed.append(self))
    assert disposed == [engine]
    open_store(recorded.path).close()
    assert disposed == [engine]


def test_another_database_is_not_opened_by_its_engine(tmp_path, recorded):
    """Where the file was exchanged for another program's since, the engine says so and does not read it."""
    reader = open_store(recorded.path)
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    other.replace(recorded.path)
    with pytest.raises(Exception, match="another program's SQLite database"):
        reader.engine.connect()


def test_a_file_in_a_folder_that_may_not_be_written_is_read(recorded):
    """Another user's database is read where no side files can be made, and left as it is."""
    folder: Path = recorded.path.parent
    with sqlite3.connect(recorded.path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    for beside in ("-wal", "-shm"):
        Path(f"{recorded.path}{beside}").unlink(missing_ok=True)
    recorded.path.chmod(0o444)
    folder.chmod(0o555)
    try:
        with open_store(recorded.path) as reader:
            assert len(pd.read_sql("select * from v_snapshot", reader.engine)) == 40
        assert not list(folder.glob("*-wal"))
    finally:
        folder.chmod(0o755)
        recorded.path.chmod(0o644)


def test_sqlalchemy_loads_only_when_the_engine_is_asked_for(recorded):
    """Opening and reading a SQLite history costs no SQLAlchemy; the engine brings it."""
    code = (
        "import sys; from memmon.store.read import open_store; store = open_store(sys.argv[1]); store.history();"
        "assert 'sqlalchemy' not in sys.modules; store.engine; assert 'sqlalchemy' in sys.modules"
    )
    root = str(Path(__file__).parents[2])
    subprocess.run(
        [sys.executable, "-c", code, str(recorded.path)], check=True, env={**os.environ, "PYTHONPATH": root}
    )


def test_the_engine_is_the_stores_own_attribute():
    """It is a property of the public class, with a docstring that says what it is for."""
    assert "pd.read_sql" in (Store.engine.__doc__ or "")
