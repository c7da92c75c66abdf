"""The statements by which a recorder writes: one text for either database, made from SQLAlchemy's expressions."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from store_kit import ticks

from memmon.config import parse_database
from memmon.store.connect.links import first, listed, read_links, write_links
from memmon.store.connect.sqlalchemy_link import EngineLinks
from memmon.store.connect.sqlite_link import SqliteLinks
from memmon.store.write import sql

ROOT = Path(__file__).resolve().parents[2]
WRITERS = ("sqlite3", "sqlalchemy")


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location(
        "make_write_statements", ROOT / "migrations" / "make_write_statements.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_text_is_what_the_expressions_say(generator):
    """The committed text is what its generator makes of the expressions today."""
    assert generator.PATH.read_text(encoding="utf-8") == generator.module_text(), (
        f"renew it: {generator.COMMAND}"
    )


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_one_text_serves_both_kinds_of_database(generator, dialect):
    """Rendered for SQLite and for PostgreSQL each statement is the one that is committed."""
    committed = {name: value for name, value in vars(sql).items() if name.isupper()}
    assert generator.texts(dialect) == committed
    assert len(committed) > 20


def linked(store, writer):
    database = replace(parse_database(str(store.path)), writer=writer)
    return write_links(database), read_links(database)


def test_who_opens_the_links(store):
    """A file is opened by sqlite3 unless SQLAlchemy is asked for."""
    assert {type(one) for one in linked(store, "sqlite3")} == {SqliteLinks}
    assert {type(one) for one in linked(store, "sqlalchemy")} == {EngineLinks}


@pytest.mark.parametrize("writer", WRITERS)
def test_both_links_say_the_same(store, writer):
    """Rows come by name, changes are counted, a failing transaction leaves nothing, and a reader can't write."""
    store.add_run(ticks(3))
    writing, reading = linked(store, writer)
    source = {"name": "other", "script_path": None, "created_ms": 5}
    with writing.connect() as link:
        assert (link.is_sqlite, link.info["journal"], link.info["path"]) == (True, "wal", str(store.path))
        with link.begin():
            assert {"run", "snapshot", "alembic_version"} <= link.table_names()
            assert link.run_many(sql.PUT_SOURCE, [source, source]) == 1
            assert link.run("UPDATE source SET created_ms = :at_ms", {"at_ms": 7}) == 2
        with pytest.raises(ZeroDivisionError), link.begin():
            link.run("DELETE FROM source WHERE name = :name", {"name": "other"})
            raise ZeroDivisionError
        with link.begin():  # it can be used further
            assert first(link, sql.FIND_SOURCE, {"name": "other"}) == {"id": 2, "script_path": None}
            assert first(link, sql.FIND_SOURCE, {"name": "nobody"}) is None
    with reading.connect() as link, link.begin():
        statement, names = listed(
            "SELECT name FROM source WHERE name IN (:names) ORDER BY id", "names", ["bot", "other", "x"]
        )
        assert [row["name"] for row in link.rows(statement, names)] == ["bot", "other"]
        with pytest.raises(Exception, match=r"readonly|read-only"):
            link.run("DELETE FROM source")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_commit_that_fails_keeps_no_lock(store, writer):
    """After a commit that is refused the next link writes again."""
    store.add_run(ticks(1))
    writing, _ = linked(store, writer)
    with writing.connect() as link, pytest.raises(Exception, match="FOREIGN KEY"), link.begin():
        link.run("PRAGMA defer_foreign_keys=ON")
        link.run("UPDATE run SET source_id = 99")
    with writing.connect() as link, link.begin():
        assert link.run("UPDATE source SET created_ms = 1") == 1


def test_statements_of_sqlalchemy_are_compiled_once():
    """The same text is compiled once for all its runs."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        for number in range(3):
            connection.execute(text("SELECT :number"), {"number": number})
    assert len(engine._compiled_cache) == 1


def test_writing_loads_no_sqlalchemy(store):
    """The writer, the certificate of ends, the log's verification and the look at the schema know no driver."""
    modules = ("write.writer", "write.inside", "connect.wal", "connect.create", "schema.revision")
    code = f"import sys; {'; '.join(f'import memmon.store.{name}' for name in modules)}; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
