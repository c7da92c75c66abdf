"""A new database on a server: equal to what the revisions make, made once, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from pg_maker import run_record, snapshots

from memmon import Recorder
from memmon.child import Children
from memmon.config import parse_database
from memmon.errors import StoreTooOldError
from memmon.recorder.prepare import prepare
from memmon.store.connect import create as creation
from memmon.store.connect.create import create
from memmon.store.connect.engine import write_engine
from memmon.store.schema.identity import APPLICATION_ID, HEAD_REVISION
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, Writer

QUIET = {"leak_check": False, "daily_report": False, "gc_threshold_mb": 0}
CATALOG = {
    "relations": "SELECT relname, relkind, relpersistence, reloptions FROM pg_class "
    "WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2",
    "columns": "SELECT table_name, column_name, ordinal_position, column_default, is_nullable, data_type, "
    "character_maximum_length, is_identity, is_generated FROM information_schema.columns "
    "WHERE table_schema = 'public' ORDER BY 1, 3",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
    "constraints": "SELECT conrelid::regclass::text, conname, contype, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
    "sequences": "SELECT sequencename, data_type, start_value, increment_by, cycle FROM pg_sequences "
    "WHERE schemaname = 'public' ORDER BY 1",
    "revision": "SELECT version_num FROM alembic_version",
}


@pytest.fixture
def second_url(pg_server):
    """The URL of another database without any table."""
    pg_server.execute("CREATE DATABASE empty_beside")
    yield pg_server.url("empty_beside")
    pg_server.execute("DROP DATABASE empty_beside WITH (FORCE)")


def ask(url, statement):
    with write_engine(parse_database(url)).connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


def run(url, statement):
    with write_engine(parse_database(url)).begin() as connection:
        connection.exec_driver_sql(statement)


def test_pg_create_makes_what_the_revisions_make(pg_empty_url, second_url):
    """Tables, columns, defaults, indexes, constraints, views and sequences of the script are those of the revisions."""
    assert create(parse_database(pg_empty_url))
    upgrade(parse_database(second_url), revision=HEAD_REVISION)
    for name, query in CATALOG.items():
        found, wanted = ask(pg_empty_url, query), ask(second_url, query)
        assert wanted, name
        assert found == wanted, name
    assert ask(pg_empty_url, CATALOG["revision"]) == [(HEAD_REVISION,)]
    assert not create(parse_database(pg_empty_url))


def test_pg_create_starts_no_process_and_loads_no_alembic(pg_empty_url):
    """The first snapshot into an empty database on a server starts nothing and loads no Alembic."""
    code = (
        "import sys\nstarted = []\nsys.addaudithook(lambda name, _: started.append(name) if name in "
        "('subprocess.Popen', 'os.fork', 'os.posix_spawn', 'os.exec', 'os.system') else None)\n"
        "from memmon import Recorder\nr = Recorder(sys.argv[1], source='bot')\nr.take_snapshot()\n"
        "assert r.flush(60), r.status\nr.stop()\nassert not started, started\nassert 'alembic' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, pg_empty_url], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ask(pg_empty_url, "SELECT count(*) FROM snapshot") == [(1,)]


def test_pg_recorders_that_begin_at_once_make_the_tables_once(pg_empty_url):
    """Eight recorders that find an empty database at once all record, and none meets an error."""
    gate, failures = threading.Barrier(8), []

    def record() -> None:
        recorder = Recorder(pg_empty_url, source="fleet", **QUIET)
        gate.wait()
        for _ in range(3):
            recorder.take_snapshot()
        if not recorder.flush(60.0) or recorder.status.last_error:
            failures.append(recorder.status)
        recorder.stop()

    threads = [threading.Thread(target=record) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert ask(pg_empty_url, "SELECT (SELECT count(*) FROM run), count(*) FROM snapshot") == [(8, 24)]


def test_pg_create_is_whole_or_nothing(pg_empty_url):
    """When a table of another program is in the way nothing of memmon's is left, and theirs is as it was."""
    run(pg_empty_url, "CREATE TABLE alert_lease (theirs INTEGER)")
    recorder = Recorder(pg_empty_url, source="bot", **QUIET)
    recorder.take_snapshot()
    assert not recorder.flush(30.0)
    assert "alert_lease" in recorder.status.last_error
    assert ask(pg_empty_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [
        ("alert_lease",)
    ]
    recorder.stop(30.0)  # what it holds is tried again until then
    run(pg_empty_url, "DROP TABLE alert_lease")
    assert create(parse_database(pg_empty_url))


def test_pg_create_gives_up_waiting_for_a_lock_that_is_never_free(pg_empty_url, monkeypatch):
    """A process that holds the lock for ever makes the others say so and try again, not wait for ever."""
    monkeypatch.setattr(creation, "SERVER_WAIT_SECONDS", 0.3)
    database = parse_database(pg_empty_url)
    with write_engine(database).begin() as other:
        other.exec_driver_sql(f"SELECT pg_advisory_xact_lock({APPLICATION_ID})")
        with pytest.raises(Exception, match="lock timeout"):
            create(database)
    assert create(database)


@pytest.mark.parametrize(
    "statement", ["UPDATE alembic_version SET version_num = '0001'", "DELETE FROM alembic_version"]
)
def test_pg_older_schemas_are_left_to_the_operator(pg_empty_url, statement):
    """A recorder neither creates in nor upgrades a server's database of another schema: it says what to run."""
    database = parse_database(pg_empty_url)
    if "DELETE" in statement:
        upgrade(database, revision=HEAD_REVISION)
        from alembic import command

        from memmon.store.upkeep.migrate import alembic_config

        config = alembic_config()
        with write_engine(database).begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
    else:
        upgrade(database)
        run(pg_empty_url, statement)
    before = ask(pg_empty_url, CATALOG["relations"])
    with pytest.raises(StoreTooOldError, match="memmon db upgrade"):
        prepare(database, file_mode=0o600, run_child=Children().run)
    assert ask(pg_empty_url, CATALOG["relations"]) == before


def test_pg_database_made_by_the_script_takes_batches(pg_empty_url):
    """What the script made is written to as any other."""
    database = parse_database(pg_empty_url)
    assert create(database)
    assert Writer(database).write(Batch(run=run_record(), snapshots=snapshots(30))).run_id == 1
