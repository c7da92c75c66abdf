"""Engines keep to themselves: what the program does with SQLAlchemy, sqlite3 and logging is not done to memmon's."""

from __future__ import annotations

import functools
import json
import logging
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing, contextmanager

import pytest
import sqlalchemy
from alembic.runtime.environment import EnvironmentContext
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine import create as making
from sqlalchemy.pool import NullPool, Pool
from store_kit import ticks

from memmon.config import parse_database
from memmon.store.connect.engine import read_engine, write_engine
from memmon.store.connect.session import maintenance
from memmon.store.schema.identity import HEAD_REVISION
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import read_notified

ON_CONNECTIONS = (
    "before_execute",
    "before_cursor_execute",
    "after_cursor_execute",
    "begin",
    "commit",
    "engine_connect",
)
ON_POOLS = ("connect", "first_connect", "checkout", "checkin", "reset", "close")
ON_DIALECTS = ("do_connect", "do_execute", "do_executemany", "handle_error")
TARGETS = [
    *((target, name) for target in (Engine, Connection) for name in ON_CONNECTIONS),
    *((target, name) for target in (Engine, Pool, NullPool) for name in ON_POOLS),
    *((Engine, name) for name in ON_DIALECTS),
]


@pytest.fixture
def heard():
    """The names of all events that a listener of the program's on SQLAlchemy's classes was called for."""
    names = []
    added = []
    for target, name in TARGETS:
        listener = functools.partial(
            lambda said, *_arguments, **_more: names.append(said), f"{target.__name__}.{name}"
        )
        event.listen(target, name, listener, named=False)
        added.append((target, name, listener))
    yield names
    for target, name, listener in added:
        event.remove(target, name, listener)


@pytest.fixture
def logged():
    """The records that a program gets which logs all of SQLAlchemy and Alembic."""
    records = []

    class Keeping(logging.Handler):
        def emit(self, record):
            records.append(record)

    handler, before = Keeping(), {}
    for name in ("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.engine.Engine", "sqlalchemy.pool", "alembic"):
        one = logging.getLogger(name)
        before[name] = one.level
        one.setLevel(logging.DEBUG)
    loggers = [logging.getLogger(name) for name in ("sqlalchemy", "alembic")]
    for one in loggers:
        one.addHandler(handler)
    yield records
    for one in loggers:
        one.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def _do_all(store) -> None:
    """All that memmon does with an engine: write, read, keep, and fail."""
    store.add_run(ticks(3))
    database = parse_database(str(store.path))
    with maintenance(database) as session, session.write() as transaction:
        transaction.run("UPDATE source SET name = :name", {"name": "b"})
        transaction.run_many("DELETE FROM event WHERE run_id = :id", [{"id": -1}, {"id": -2}])
    with read_engine(database).begin() as connection:
        assert connection.execute(text("SELECT name FROM source")).scalar_one() == "b"
    assert read_notified(database, "b") == {}
    with pytest.raises(sqlalchemy.exc.OperationalError), write_engine(database).begin() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))


def test_no_line_in_the_programs_log(store, logged):
    """Nothing of memmon's is logged, at any level, also where logging is turned on later; the program's engine logs as before."""
    _do_all(store)
    own = create_engine("sqlite://")
    assert logged == []
    with own.begin() as connection:
        connection.execute(text("SELECT 1"))
    count = len(logged)
    assert any("SELECT 1" in record.getMessage() for record in logged)
    engine = write_engine(parse_database(str(store.path)))
    logging.getLogger("sqlalchemy.engine.Engine").setLevel(logging.INFO)
    engine.echo = True
    with engine.begin() as connection:
        connection.execute(text("SELECT 1"))
    assert len(logged) == count


def test_no_listener_of_the_programs_is_called(store, heard):
    """Listeners on the classes of SQLAlchemy, of before and of after an engine was made, are called for the program's alone."""
    engine = write_engine(parse_database(str(store.path)))
    later = lambda *_arguments: heard.append("later")  # noqa: E731
    event.listen(Engine, "before_cursor_execute", later)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT 1"))
        _do_all(store)
        assert heard == []
        with create_engine("sqlite://").begin() as connection:
            connection.execute(text("SELECT 1"))
    finally:
        event.remove(Engine, "before_cursor_execute", later)
    expected = {"Engine.begin", "Connection.before_execute", "Engine.do_execute", "Pool.checkout", "later"}
    assert expected <= set(heard)


def test_no_tracer_is_passed(store, monkeypatch):
    """Functions that a tracer has put in place of SQLAlchemy's and of sqlite3's are not called by memmon."""
    called = []

    def traced(function):
        @functools.wraps(function)
        def tracing(*arguments, **options):
            called.append(function.__name__)
            return function(*arguments, **options)

        return tracing

    for module in (sqlalchemy, sqlalchemy.engine, making):
        monkeypatch.setattr(module, "create_engine", traced(module.create_engine))
    monkeypatch.setattr(Engine, "connect", traced(Engine.connect))
    monkeypatch.setattr(sqlite3, "connect", traced(sqlite3.connect))
    _do_all(store)
    assert called == []


def test_statements_are_compiled_once(store):
    """Engines of their own class still keep compiled statements."""
    engine = write_engine(parse_database(str(store.path)))
    for _ in range(3):
        with engine.begin() as connection:
            connection.execute(sqlalchemy.select(sqlalchemy.literal(1)))
    assert len(engine._compiled_cache) == 1


def test_engines_share_their_classes(store):
    """However many engines are made, SQLAlchemy's classes have no more derived ones to walk through."""
    database = parse_database(str(store.path))
    kinds = {type(engine.dialect) for engine in (write_engine(database) for _ in range(5))}
    assert len(kinds) == 1


def test_migrating_logs_nothing(tmp_path, logged):
    """Alembic says nothing in the program's log when memmon migrates there; another thread's records still pass."""
    others = logging.getLogger("alembic.runtime.migration")
    begun, done = threading.Event(), threading.Event()

    def speak():
        begun.wait(30)
        others.info("another thread's")
        done.set()

    thread = threading.Thread(target=speak)
    thread.start()
    with _when_alembic_configures(lambda: (begun.set(), done.wait(30))):
        # By the revisions, also where a new database needs none of them.
        upgrade(parse_database(str(tmp_path / "new.db")), revision=HEAD_REVISION)
    thread.join()
    assert [record.getMessage() for record in logged] == ["another thread's"]
    assert others.filters == []


@contextmanager
def _when_alembic_configures(call):
    original = EnvironmentContext.configure

    def configure(*arguments, **options):
        call()
        return original(*arguments, **options)

    EnvironmentContext.configure = configure
    try:
        yield
    finally:
        EnvironmentContext.configure = original


def _run(tmp_path, code):
    script = tmp_path / "host.py"
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_alembic_is_quiet_while_it_is_loaded(tmp_path):
    """A program that logs everything and migrates before it has ever loaded Alembic gets no line either."""
    found = _run(
        tmp_path,
        """
        import json, logging, sys
        from memmon.config import parse_database
        from memmon.store.schema.identity import HEAD_REVISION
        from memmon.store.upkeep.migrate import upgrade
        said = []
        class Keeping(logging.Handler):
            def emit(self, record):
                said.append([record.name, record.getMessage()])
        logging.basicConfig(level=logging.DEBUG, handlers=[Keeping()])
        was_loaded = "alembic" in sys.modules
        upgrade(parse_database("new.db"), revision=HEAD_REVISION)
        print(json.dumps([was_loaded, "alembic.runtime.migration" in sys.modules, said]))
        """,
    )
    assert found == [False, True, []]


def test_adapters_of_the_program(tmp_path, store):
    """Adapters and converters that the program registered for plain types change nothing of what is stored, and aren't called."""
    store.add_run(ticks(1))
    found = _run(
        tmp_path,
        f"""
        import json, sqlite3
        from memmon import Recorder
        called = []
        def adapter(kind):
            def adapt(value):
                called.append(kind.__name__)
                return "adapted"
            return adapt
        for kind in (int, float, str, bytes, bool):
            sqlite3.register_adapter(kind, adapter(kind))
        sqlite3.register_converter("INTEGER", lambda value: called.append("converter"))
        recorder = Recorder({str(store.path)!r}, source="adapted", leak_check=False, daily_report=False)
        recorder.annotate("a text")
        recorder.take_snapshot()
        is_stored = recorder.flush(60)
        error = recorder.status.last_error
        recorder.stop(5)
        print(json.dumps([is_stored, error, called]))
        """,
    )
    assert found == [True, None, []]
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT name FROM source ORDER BY id").fetchall() == [
            ("bot",),
            ("adapted",),
        ]
        kinds = connection.execute(
            "SELECT DISTINCT typeof(at_ms), typeof(rss_bytes) FROM snapshot"
        ).fetchall()
    assert kinds == [("integer", "integer")]


def test_a_handler_that_hangs_and_one_that_flushes(tmp_path, store):
    """A program whose handlers hang or flush meanwhile: all is stored, others can write, a fork waits for nothing."""
    found = _run(
        tmp_path,
        f"""
        import json, logging, os, sqlite3, threading, time
        from memmon import Recorder
        path = {str(store.path)!r}
        recorder = Recorder(path, source="log", leak_check=False, daily_report=False)
        recorder.take_snapshot()
        stored = [recorder.flush(60)]
        seen, gate = [], threading.Event()
        class Hanging(logging.Handler):
            def emit(self, record):
                seen.append(record.getMessage())
                recorder.flush(40)
                gate.wait(60)
        for name in ("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger().addHandler(Hanging())
        begun = time.monotonic()
        recorder.take_snapshot()
        stored.append(recorder.flush(35))
        other = sqlite3.connect(path, timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
        other.close()
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        took = time.monotonic() - begun
        gate.set()
        recorder.stop(5)
        print(json.dumps([stored, seen, took < 30]))
        """,
    )
    assert found == [[True, True], [], True]
