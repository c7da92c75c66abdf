"""`Store.engine` on a server: what an operator's statement may not do, an analyst's may not either."""

from __future__ import annotations

import os

import pandas as pd
import psycopg
import pytest
from pg_attempts import ATTEMPTS
from pg_maker import event, run_record, snapshots
from pg_traps import set_traps
from sqlalchemy import inspect, text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from memmon.config import parse_database
from memmon.errors import MemmonError, SqlError
from memmon.history import History
from memmon.model import DequeReading
from memmon.store.read import open_store
from memmon.store.write.writer import Batch, Writer


@pytest.fixture(scope="module")
def trapped(pg_server, pg_template, tmp_path_factory):
    """A database with traps; the module's tests prove that it stays as it is."""
    pg_server.execute(f"CREATE DATABASE trapped_engine TEMPLATE {pg_template}")
    url = pg_server.url("trapped_engine")
    items = snapshots(3, deques=(DequeReading(name="q", length_count=3, maxlen_count=9),))
    Writer(parse_database(url)).write(Batch(run=run_record(), snapshots=items, events=[event(1)]))
    out = pg_server._folder / "out_engine"
    out.mkdir()
    yield set_traps(pg_server, url, out)
    pg_server.execute("DROP DATABASE trapped_engine WITH (FORCE)")


@pytest.mark.parametrize("role", ["superuser", "clerk"])
def test_pg_engine_refuses_every_attempt(trapped, role):
    """Of more than a hundred kinds of attempt to do more than read, through the engine, none runs or changes anything."""
    engine, before, ran = open_store(trapped.url_of(role)).engine, trapped.state(), []
    for name, attempt in ATTEMPTS.items():
        statement = attempt.replace("{out}", str(trapped.out)).replace("{url}", trapped.url)
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(statement)
                connection.commit()
        except (MemmonError, SQLAlchemyError):
            continue
        ran.append(name)
    assert ran == []
    assert trapped.state() == before
    assert len(ATTEMPTS) > 50
    assert os.listdir(trapped.out) == []  # noqa: PTH208


def test_pg_engine_says_what_it_refuses(trapped):
    """Writes, programs and a transaction that is made writable are refused by SqlError, in words."""
    engine = open_store(trapped.url_of("superuser")).engine
    for statement, words in {
        "INSERT INTO source (name, created_ms) VALUES ('x', 1)": "INSERT is not run",
        "COPY (SELECT 1) TO PROGRAM 'true'": "COPY is not run",
        "SET TRANSACTION READ WRITE": "SET is not run",
        "SELECT lo_export(4711, '/tmp/x')": "lo_export",
        "SELECT 1; DELETE FROM snapshot": "one statement",
    }.items():
        with engine.connect() as connection, pytest.raises(SqlError, match=words):
            connection.exec_driver_sql(statement)
    with (
        engine.connect().execution_options(postgresql_readonly=False) as connection,
        pytest.raises(SqlError, match="not read-only"),
    ):
        connection.exec_driver_sql("SELECT 1")


def test_pg_engine_is_read_only_past_sqlalchemy(trapped):
    """A raw connection of the engine's begins read-only transactions."""
    raw = open_store(trapped.url_of("superuser")).engine.raw_connection()
    try:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            raw.cursor().execute("DELETE FROM snapshot")
    finally:
        raw.close()


@pytest.mark.parametrize("role", ["superuser", "clerk"])
def test_pg_engine_serves_pandas(trapped, role):
    """`pd.read_sql` takes statements, parameters and views; a second statement in a transaction works as the first."""
    with open_store(trapped.url_of(role)) as reader:
        engine = reader.engine
        frame = pd.read_sql("select * from v_snapshot", engine)
        assert len(frame) == 3
        assert History.from_frame(frame, unit="B").rss_bytes.tolist() == reader.history().rss_bytes.tolist()
        assert (
            len(pd.read_sql(text("select * from v_run where source = :s"), engine, params={"s": "bot"})) <= 1
        )
        assert len(pd.read_sql("v_run", engine)) == 1
        assert "v_snapshot" in inspect(engine).get_view_names()
        with engine.connect() as connection:
            for _ in range(2):
                assert connection.exec_driver_sql("SELECT count(*) FROM v_snapshot").scalar() == 3
        with pytest.raises(SqlError):
            frame.to_sql("made", engine)
        with engine.connect() as connection, pytest.raises(ProgrammingError, match="missing"):
            connection.exec_driver_sql("SELECT missing FROM v_run")
