"""Nothing can be changed through an operator's statement on a SQLite file, and it can be interrupted."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import threading
from contextlib import closing

import psutil
import pytest
from store_kit import deque_of, ticks

from memmon.errors import SqlError
from memmon.store.read import interruptible, open_store, sql, sqlite_session

ATTEMPTS = {
    "several": "SELECT 1; DELETE FROM snapshot",
    "commit first": "SELECT 1; COMMIT; DELETE FROM snapshot",
    "delete": "DELETE FROM snapshot",
    "insert": "INSERT INTO source (name) VALUES ('x')",
    "replace": "REPLACE INTO source (id, name) VALUES (1, 'x')",
    "update": "/* SELECT */ UPDATE run SET host = 'x'",
    "with insert": "WITH x AS (SELECT 1) INSERT INTO source (name) SELECT 'x' FROM x",
    "with delete": "WITH x AS (SELECT 1) DELETE FROM snapshot RETURNING *",
    "with update": "WITH x AS (SELECT 1) UPDATE run SET host = 'x'",
    "explain delete": "EXPLAIN DELETE FROM snapshot",
    "explain vacuum": "EXPLAIN VACUUM INTO 'made.db'",
    "create": "CREATE TABLE made (a)",
    "create temp": "CREATE TEMP TABLE made AS SELECT 1",
    "temp schema": "CREATE TABLE temp.made (a)",
    "temp trigger": "CREATE TEMP TRIGGER made AFTER INSERT ON run BEGIN DELETE FROM run; END",
    "drop": "DROP TABLE snapshot",
    "alter": "ALTER TABLE run ADD COLUMN made",
    "index": "CREATE INDEX made ON run (host)",
    "virtual table": "CREATE VIRTUAL TABLE made USING fts5(a)",
    "reindex": "REINDEX",
    "analyze": "ANALYZE",
    "vacuum": "VACUUM",
    "vacuum into": "VACUUM INTO 'made.db'",
    "attach": "ATTACH 'made.db' AS made",
    "attach as uri": "ATTACH 'file:made.db?mode=rwc' AS made",
    "detach": "DETACH main",
    "journal": "PRAGMA journal_mode=DELETE",
    "checkpoint": "PRAGMA wal_checkpoint(TRUNCATE)",
    "checkpoint as a table": "SELECT * FROM pragma_wal_checkpoint('TRUNCATE')",
    "journal as a table": "SELECT * FROM pragma_journal_mode('DELETE')",
    "version as a table": "SELECT * FROM pragma_user_version(7)",
    "writable schema": "PRAGMA writable_schema=ON",
    "query only": "PRAGMA query_only=OFF",
    "query only as a table": "SELECT * FROM pragma_query_only(0)",
    "optimise as a table": "SELECT * FROM pragma_optimize",
    "user version": "PRAGMA user_version=7",
    "schema table": "UPDATE sqlite_master SET sql = ''",
    "extension": "SELECT load_extension('made.so')",
    "tokenizer": "SELECT fts3_tokenizer('made', x'00')",
    "log": "SELECT sqlite_log(1, 'x')",
    "begin": "BEGIN IMMEDIATE",
    "commit": "COMMIT",
    "savepoint": "SAVEPOINT made",
    "a host's function": "SELECT hosts_own(1)",
    "no statement": ";",
}
HARMLESS = (
    "SELECT 1;",
    "VALUES (1, 'a;b--c')",
    "-- a comment\n/* another */ SELECT '100%', \"name\", [name], `name` FROM source",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4) SELECT sum(i) FROM n",
    "EXPLAIN QUERY PLAN SELECT * FROM v_run",
    "EXPLAIN SELECT * FROM v_snapshot",
    "SELECT seq, lag(rss_bytes) OVER (ORDER BY seq), random(), datetime('now'), upper('a') FROM snapshot",
    "SELECT value FROM json_each('[1, 2]')",
    "SELECT json_extract('{\"a\": 1}', '$.a'), round(2.5), printf('%d', 3)",
    "SELECT name FROM pragma_table_info('run')",
    "SELECT * FROM pragma_user_version",
    "SELECT count(*) FROM sqlite_master",
    "SELECT upper, length FROM (SELECT 1 AS upper, 2 AS length)",
)


@pytest.fixture
def recorded(store, monkeypatch):
    store.add_run(ticks(5, deques=lambda n: [deque_of("q", n)]))
    monkeypatch.chdir(store.path.parent)
    return store


def state(path):
    """Return the names and contents of all files beside the database, without SQLite's index of the WAL."""
    return {
        one.name: hashlib.sha256(one.read_bytes()).hexdigest()
        for one in sorted(path.parent.iterdir())
        if not one.name.endswith("-shm")
    }


def refused(reader, statement: str) -> bool:
    try:
        reader.query(statement)
    except SqlError:
        return True
    return False


def test_sql_every_attempt_to_write_is_refused_and_changes_nothing(recorded):
    """Of all kinds of attempt none runs, and neither the database nor any other file is changed or made."""
    reader = open_store(recorded.path)
    reader.query("SELECT 1")
    before = state(recorded.path)
    assert {name for name, statement in ATTEMPTS.items() if not refused(reader, statement)} == set()
    assert state(recorded.path) == before


def test_sql_the_authorizer_holds_alone(recorded, monkeypatch):
    """With nothing looked at, and the file opened for writing, SQLite itself refuses whatever isn't reading."""
    monkeypatch.setattr(sql, "check_reading", lambda *_, **__: None)
    connect = sqlite3.connect

    def writable(place, **options):
        return connect(place.replace("mode=ro", "mode=rw"), **options)

    monkeypatch.setattr(sqlite_session.sqlite3, "connect", writable)
    monkeypatch.setattr(sqlite_session, "_PRAGMAS", ("trusted_schema=OFF",))
    reader = open_store(recorded.path)
    before = state(recorded.path)
    ran = {name for name, statement in ATTEMPTS.items() if not refused(reader, statement)}
    assert ran <= {"no statement", "explain delete", "explain vacuum"}
    assert state(recorded.path) == before


def test_sql_the_connection_holds_without_the_authorizer(recorded, monkeypatch):
    """Without SQLite's asking, the words a statement begins with and the read-only connection keep all files."""
    monkeypatch.setattr(sqlite_session, "allow_only_reading", lambda *_: None)
    reader = open_store(recorded.path)
    before = state(recorded.path)
    for statement in ATTEMPTS.values():
        refused(reader, statement)
    assert state(recorded.path) == before


def test_sql_harmless_statements_answer(recorded):
    """Literals, comments, table functions that read, and every view answer."""
    reader = open_store(recorded.path)
    for statement in HARMLESS:
        assert reader.query(statement).columns, statement
    (views,) = zip(*reader.query("SELECT name FROM sqlite_master WHERE type = 'view'").rows, strict=True)
    for view in views:
        assert reader.query(f"SELECT * FROM {view}").columns


def test_sql_table_statement_is_explained(recorded):
    """TABLE, which PostgreSQL has, gets a message that says what to write."""
    with pytest.raises(SqlError, match=r"SELECT \* FROM"):
        open_store(recorded.path).query("TABLE v_run")


def test_sql_a_character_that_is_none_is_refused_in_one_line(recorded):
    """Half a pair, NUL and a value longer than any may be are the statement's fault, not the file's."""
    for statement in ("SELECT '\ud800'", "SELECT '\0'", "SELECT zeroblob(2000000000)"):
        with pytest.raises(SqlError):
            open_store(recorded.path).query(statement)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def is_open(path) -> bool:
    """Whether this process still has a file open."""
    return any(one.path == str(path) for one in psutil.Process().open_files())


def interrupted_after(seconds: float, error: type[BaseException] = KeyboardInterrupt):
    """Let a signal come later, whose handler raises `error`; return the timer."""

    def handler(*_):
        raise error

    signal.signal(signal.SIGUSR1, handler)
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    return timer


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, TimeoutError])
def test_sql_an_interrupt_reaches_the_caller_and_ends_the_query(recorded, error):
    """What a signal's handler raises reaches the caller at once; the query has ended and its connection is closed."""
    reader = open_store(recorded.path)
    timer = interrupted_after(0.3, error)
    with pytest.raises(error):
        reader.query(ENDLESS)
    timer.join()
    assert not [one for one in threading.enumerate() if one.name == "memmon-sql"]
    assert reader.query("SELECT count(*) FROM snapshot").rows == ((5,),)
    assert not is_open(recorded.path)
    # Nothing of the query holds the file: it can be written.
    with closing(sqlite3.connect(recorded.path, timeout=0)) as connection:
        connection.execute("BEGIN IMMEDIATE")


def test_sql_a_step_that_can_not_be_interrupted_is_left_behind(recorded, monkeypatch):
    """The caller gets its interrupt also in the midst of one long step; the connection is closed behind it."""
    step_may_end, head = threading.Event(), sqlite_session.SqliteSession._head

    def one_long_step(session, *arguments):
        # As long as the test wants, on every machine; SQLite's interrupt does not end it.
        step_may_end.wait()
        return head(session, *arguments)

    monkeypatch.setattr(interruptible, "_PATIENCE_SECONDS", 0.1)
    reader = open_store(recorded.path)
    timer = interrupted_after(0.3)
    with monkeypatch.context() as held, pytest.raises(KeyboardInterrupt):
        held.setattr(sqlite_session.SqliteSession, "_head", one_long_step)
        reader.query("SELECT 1")
    timer.join()
    (left,) = (one for one in threading.enumerate() if one.name == "memmon-sql")
    assert reader.query("SELECT 1").rows == ((1,),)
    assert is_open(recorded.path)
    step_may_end.set()
    left.join()
    assert not is_open(recorded.path)


def test_sql_runs_where_no_thread_can_be_started(recorded, monkeypatch):
    """A statement runs in place in any other thread, and where the system gives no further thread."""
    reader, found = open_store(recorded.path), []
    thread = threading.Thread(target=lambda: found.append(reader.query("SELECT 1").rows))
    thread.start()
    thread.join()
    assert found == [((1,),)]

    def refuse(_self):
        msg = "can't start new thread"
        raise RuntimeError(msg)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert reader.query("SELECT 2").rows == ((2,),)
