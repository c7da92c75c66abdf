"""Nothing can be changed through a statement that an operator has run, whoever the operator is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from pg_attempts import ATTEMPTS, BY_LOOKUP_ALONE, EXTENSION_ATTEMPTS, HARMLESS
from pg_maker import event, run_record, snapshots
from pg_traps import Trapped, set_traps

from memmon.config import parse_database
from memmon.errors import MemmonError, SqlError
from memmon.model import DequeReading
from memmon.store.connect.engine import write_engine
from memmon.store.read import open_store, operator, sql
from memmon.store.write.writer import Batch, Writer

ROLES = ("superuser", "clerk")
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def trapped(pg_server, pg_template, tmp_path_factory):
    """A database with traps; the module's tests prove that it stays as it is."""
    pg_server.execute(f"CREATE DATABASE trapped TEMPLATE {pg_template}")
    url = pg_server.url("trapped")
    items = snapshots(3, deques=(DequeReading(name="q", length_count=3, maxlen_count=9),))
    Writer(parse_database(url)).write(Batch(run=run_record(), snapshots=items, events=[event(1)]))
    out = pg_server._folder / "out"
    out.mkdir()
    yield set_traps(pg_server, url, out)
    pg_server.execute("DROP DATABASE trapped WITH (FORCE)")


def attempts(trapped: Trapped) -> dict[str, str]:
    with psycopg.connect(trapped.url) as connection:
        installed = {name for (name,) in connection.execute("SELECT extname FROM pg_extension")}
    more = [found for name, found in EXTENSION_ATTEMPTS.items() if name in installed]
    every = {name: text for found in (ATTEMPTS, *more) for name, text in found.items()}
    return {
        name: text.replace("{out}", str(trapped.out)).replace("{url}", trapped.url)
        for name, text in every.items()
    }


def refusals(trapped: Trapped, role: str, chosen: dict[str, str]) -> dict[str, str]:
    """Run attempts; return the messages of those that were refused, and fail when anything has changed."""
    store, found = open_store(trapped.url_of(role)), {}
    before = trapped.state()
    for name, statement in chosen.items():
        try:
            store.query(statement)
        except MemmonError as error:
            found[name] = str(error)
    assert trapped.state() == before
    return found


@pytest.mark.parametrize("role", ROLES)
def test_pg_every_attempt_to_write_is_refused_and_changes_nothing(trapped, role):
    """Of more than a hundred kinds of attempt, as superuser and as a role with many rights, none changes anything."""
    chosen = attempts(trapped)
    refused = refusals(trapped, role, chosen)
    assert set(chosen) == set(refused)
    assert "lo_export" in refused["lo_export"]
    assert "spring (through hidden)" in refused["view of a view"]


@pytest.mark.parametrize("role", [ROLES[0], pytest.param(ROLES[1], marks=pytest.mark.slow)])
def test_pg_the_command_refuses_as_the_store_does(trapped, role):
    """`memmon sql`, as a process of its own, changes nothing, and says why in one line."""
    chosen = attempts(trapped)
    before = trapped.state()
    for name in ("commit and delete", "commit and program", "lo_export", "delete in with", "view of a view"):
        done = subprocess.run(
            [sys.executable, "-m", "memmon", "sql", "--db", trapped.url_of(role), chosen[name]],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "PYTHONPATH": str(DOCS.parent)},
        )
        assert (done.returncode, done.stdout) == (2, ""), name
        assert done.stderr.strip().splitlines()[-1].startswith("memmon: "), name
        assert trapped.state() == before, name


@pytest.mark.parametrize("role", ROLES)
def test_pg_harmless_statements_answer(trapped, role):
    """Literals, comments, signs, functions that only calculate, and columns named like functions all work."""
    store = open_store(trapped.url_of(role))
    for statement, rows in HARMLESS.items():
        assert store.query(statement).rows == rows, statement


@pytest.mark.parametrize("role", ROLES)
def test_pg_the_questions_of_the_documentation_are_answered(trapped, role):
    """Every statement in the documentation runs, and every view can be read and explained."""
    store = open_store(trapped.url_of(role))
    text = (DOCS / "sql.md").read_text(encoding="utf-8")
    questions = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert len(questions) == 11
    for question in questions:
        assert store.query(question).columns
    for view in re.findall(r"^### (v_\w+):", text, re.MULTILINE):
        assert store.query(f"TABLE {view}").columns
        assert store.query(f"EXPLAIN (ANALYZE, FORMAT TEXT) SELECT * FROM {view}").columns == ("QUERY PLAN",)
    assert len(store.query("SELECT * FROM v_deque").rows) == 3


def test_pg_the_server_holds_without_the_look_at_the_text(trapped, monkeypatch):
    """When what a statement begins with is not looked at, nothing changes either."""
    monkeypatch.setattr(sql, "check_reading", lambda *_, **__: None)
    chosen = attempts(trapped)
    for role in ROLES:
        refused = refusals(trapped, role, chosen)
        # Some are refused when they would be kept, and nothing is.
        assert set(chosen) - set(refused) <= {"explain create"}
        assert "multiple commands" in refused["commit and delete"]


def test_pg_the_text_and_the_server_hold_without_the_look_into_the_catalogues(trapped, monkeypatch):
    """Without that look a superuser's rights are laid down all the same, so nothing of a superuser's runs."""
    monkeypatch.setattr(operator, "check_reach", lambda *_: None)
    chosen = {name: text for name, text in attempts(trapped).items() if name not in BY_LOOKUP_ALONE}
    chosen = {name: text for name, text in chosen.items() if name in ATTEMPTS}
    refused = refusals(trapped, "superuser", chosen)
    assert {"lo_export", "read a file", "reload", "physical slot", "view that exports", "nextval"} <= set(
        refused
    )


def test_pg_the_look_into_the_catalogues_holds_without_the_role(trapped, monkeypatch):
    """On a server without the readers' role (before version 14) a superuser is held by the rest."""
    monkeypatch.setattr(operator, "READERS_ROLE", "no_such_role")
    chosen = attempts(trapped)
    assert set(refusals(trapped, "superuser", chosen)) == set(chosen)
    rows = open_store(trapped.url).query("SELECT current_user, count(*) FROM v_snapshot").rows
    assert rows == (("memmon", 3),)


def test_pg_a_transaction_that_may_write_runs_nothing(trapped, monkeypatch):
    """When the transaction is not read-only after all, no statement is run, not even a harmless one."""
    store = open_store(trapped.url)
    monkeypatch.setattr(store._gate, "_engine", write_engine(store.database))
    with pytest.raises(SqlError, match="not read-only"):
        store.query("SELECT 1")


@pytest.mark.parametrize(
    "name", ["delete in with", "insert in with", "select into", "delete", "commit and delete"]
)
def test_pg_a_cursor_takes_no_statement_that_writes(trapped, monkeypatch, name):
    """Even in a transaction that may write, with nothing looked at, the way a statement is sent keeps the tables."""
    monkeypatch.setattr(sql, "check_reading", lambda *_, **__: None)
    monkeypatch.setattr(operator, "hold_to_reading", lambda *_: None)
    store = open_store(trapped.url)
    monkeypatch.setattr(store._gate, "_engine", write_engine(store.database))
    before = trapped.state()
    with pytest.raises(SqlError):
        store.query(attempts(trapped)[name])
    assert trapped.state() == before


def test_pg_harmless_functions_of_extensions_are_called(trapped):
    """An extension's immutable functions are called, also where they share a name with the server's own."""
    with psycopg.connect(trapped.url) as connection:
        offered = {name for (name,) in connection.execute("SELECT name FROM pg_available_extensions")}
        if "vector" not in offered:
            pytest.skip("the server brings no extension to try")
        connection.execute("CREATE EXTENSION vector")
    try:
        found = open_store(trapped.url).query(
            "SELECT '[1,2]'::vector <-> '[1,3]', vector_dims('[1,2]'::vector), avg(a) FROM victim"
        )
        assert found.rows[0][:2] == (1.0, 2)
    finally:
        with psycopg.connect(trapped.url) as connection:
            connection.execute("DROP EXTENSION vector")


def test_pg_rows_are_not_left_out_for_a_superuser(trapped, monkeypatch):
    """A policy on rows doesn't cut a superuser's answer in silence."""
    monkeypatch.setattr(operator, "check_reach", lambda *_: None)
    with pytest.raises(SqlError, match="row-level security"):
        open_store(trapped.url).query("SELECT * FROM guarded")


def test_pg_a_locked_table_is_said_to_be_locked(trapped, monkeypatch):
    """A lock that another session holds is not waited for without end, and the message says so."""
    from memmon.errors import StoreBusyError

    monkeypatch.setattr(operator, "_SETTINGS", operator._SETTINGS.replace("'30s'", "'50ms'"))
    store = open_store(trapped.url)
    with psycopg.connect(trapped.url) as other:
        other.execute("LOCK TABLE victim")
        with pytest.raises(StoreBusyError, match="locked by another session"):
            store.query("SELECT count(*) FROM victim")


def test_pg_only_the_rows_asked_for_are_fetched(trapped):
    """A statement of a hundred million rows answers with its head at once."""
    found = open_store(trapped.url).query(
        "SELECT n FROM (VALUES (1), (2)) v(n), generate_series(1, 10000) a, generate_series(1, 5000) b",
        row_limit=3,
    )
    assert (len(found.rows), found.is_cut) == (3, True)


def test_pg_the_role_that_the_documentation_advises_reads_and_no_more(pg_server, pg_url):
    """The documented statements make a role that reads every view, also of tables made later, and can't write."""
    statements = re.search(
        r"### A role that only reads.*?```sql\n(.*?)```", (DOCS / "fleet.md").read_text(), re.DOTALL
    )
    name = pg_url.rpartition("/")[2]
    assert statements is not None
    with psycopg.connect(pg_url, autocommit=True) as owner:
        for statement in statements[1].replace("DATABASE memmon ", f"DATABASE {name} ").strip().split("\n"):
            owner.execute(statement)
        owner.execute("CREATE TABLE later (a int)")
    url = pg_url.replace(pg_url.split("//")[1].split("@")[0], "memmon_reader:choose%20one")
    try:
        store = open_store(url)
        assert store.sources() == ()
        for view in re.findall(r"^### (v_\w+):", (DOCS / "sql.md").read_text(), re.MULTILINE):
            assert store.query(f"SELECT * FROM {view}").columns
        assert store.query("SELECT * FROM later").rows == ()
        with psycopg.connect(url, autocommit=True) as other:
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                other.execute("CREATE TABLE made (a int)")
            other.execute("SET default_transaction_read_only = off")
            for statement in ("DELETE FROM later", "INSERT INTO source DEFAULT VALUES"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    other.execute(statement)
    finally:
        pg_server.execute("DROP OWNED BY memmon_reader", database=name)
        pg_server.execute("DROP ROLE memmon_reader")
