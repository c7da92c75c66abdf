"""What a store must do, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from pg_maker import START, event, run_record, snapshots
from pg_server import PASSWORD

from memmon.alerts.records import Watch
from memmon.config import parse_database
from memmon.errors import StoreTooNewError, StoreTooOldError
from memmon.model import DequeReading
from memmon.store.connect.engine import write_engine
from memmon.store.read import open_store
from memmon.store.schema import tables
from memmon.store.schema.identity import HEAD_REVISION
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, RunEnd, StoredReport, Writer


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """An empty, migrated store of each kind."""
    if request.param == "sqlite":
        made = parse_database(str(tmp_path / "memmon.db"))
        upgrade(made)
        return made
    return parse_database(request.getfixturevalue("pg_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request, tmp_path):
    """A place where there is no store yet."""
    if request.param == "sqlite":
        return parse_database(str(tmp_path / "memmon.db"))
    return parse_database(request.getfixturevalue("pg_empty_url"))


def _count(database, table) -> int:
    with write_engine(database).connect() as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()


def test_pg_migrations_make_the_tables_of_the_schema(empty_database):
    """The revisions make exactly the tables and columns that the code declares, on both kinds."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    done = upgrade(empty_database, revision=HEAD_REVISION)  # by the revisions, not by the script
    assert (done.before, done.after) == (None, HEAD_REVISION)
    assert upgrade(empty_database).before == HEAD_REVISION
    with write_engine(empty_database).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_object": lambda _o, name, kind, *_: kind != "table" or name in tables.metadata.tables
            },
        )
        assert compare_metadata(context, tables.metadata) == []


@pytest.mark.parametrize(
    "revision",
    [pytest.param("head", id="script"), pytest.param(HEAD_REVISION, id="revisions", marks=pytest.mark.slow)],
)
def test_pg_processes_that_migrate_at_once_all_succeed(empty_database, revision):
    """Of several processes that find an empty database, one migrates and the others find the work done."""
    code = (
        "import sys; from memmon.config import parse_database; from memmon.store.upkeep.migrate import upgrade; "
        "print(upgrade(parse_database(sys.argv[1]), revision=sys.argv[2]).after)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, empty_database.url, revision], stdout=-1, stderr=-1)
        for _ in range(4)
    ]
    results = [process.communicate(timeout=120) for process in started]
    assert [
        (out.decode().strip(), process.returncode) for (out, _), process in zip(results, started, strict=True)
    ] == [(HEAD_REVISION, 0)] * 4, results


def test_pg_retry_of_a_batch_changes_nothing(database):
    """A batch that is written twice, as after a lost acknowledgement, is stored once, whatever it holds."""
    batch = Batch(
        run=run_record(),
        snapshots=snapshots(50, deques=(DequeReading(name="q", length_count=2**40, maxlen_count=None),)),
        events=[event(1), event(2)],
        watches=[
            Watch(
                source_id=0,
                fingerprint="leak",
                kind="leak",
                state="firing",
                severity="warning",
                title="Memory leak detected",
                since=START,
                seen_at=START,
                told_at=START,
                told_severity="warning",
                told_since=START,
            )
        ],
        reports=[StoredReport(at=START, window_hours=24, text="report")],
        end=RunEnd(at=START, reason="stopped"),
    )
    first = Writer(database).write(batch)
    again = Writer(database).write(batch)
    assert (first.run_id, first.opened_run, again.run_id, again.opened_run) == (
        first.run_id,
        True,
        first.run_id,
        False,
    )
    counts = {
        name: _count(database, name)
        for name in ("source", "run", "snapshot", "event", "alert_state", "report")
    }
    assert counts == {"source": 1, "run": 1, "snapshot": 50, "event": 2, "alert_state": 1, "report": 1}
    history = open_store(database.url).history("bot")
    assert len(history) == 50
    assert history.runs[0].end_reason == "stopped"


def test_pg_writers_that_begin_at_once_share_one_source(database):
    """Twelve writers that open runs of one new source in the same moment make one source and twelve runs."""
    gate = threading.Barrier(12)
    failures = []

    def write(number: int) -> None:
        writer = Writer(database)
        gate.wait()
        try:
            for part in range(3):
                writer.write(Batch(run=run_record(number), snapshots=snapshots(10, first=1 + 10 * part)))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert (_count(database, "source"), _count(database, "run"), _count(database, "snapshot")) == (1, 12, 360)


def test_pg_default_names_of_two_scripts_are_told_apart(database):
    """A default name that another script holds gets a suffix."""
    for number, path in ((1, "/a/bot.py"), (2, "/b/bot.py"), (3, "/a/bot.py")):
        Writer(database).write(Batch(run=run_record(number, source_was_given=False, script_path=path)))
    assert [(one.name, one.run_count) for one in open_store(database.url).sources()] == [
        ("bot", 2),
        ("bot-2", 1),
    ]


def test_pg_every_view_can_be_read(database):
    """Every view for analysts answers, with the same columns on both kinds of database."""
    Writer(database).write(
        Batch(
            run=run_record(),
            snapshots=snapshots(30, deques=(DequeReading(name="q", length_count=3, maxlen_count=9),)),
            events=[event(1)],
        )
    )
    with write_engine(database).connect() as connection:
        from sqlalchemy import inspect

        views = sorted(inspect(connection).get_view_names())
    assert {"v_snapshot", "v_run", "v_event", "v_deque"} <= set(views)
    store = open_store(database.url)
    for view in views:
        assert store.query(f"SELECT * FROM {view}").columns
    assert len(store.query("SELECT * FROM v_snapshot").rows) == 30
    assert len(store.query("SELECT * FROM v_deque").rows) == 30


@pytest.mark.parametrize(("revision", "wanted"), [("0001", StoreTooOldError), ("9999", StoreTooNewError)])
def test_pg_other_schemas_are_refused_with_what_to_do(database, revision, wanted):
    """A store with an older or newer schema is neither read nor written, and the message says what to run."""
    with write_engine(database).begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
    advice = "memmon db upgrade" if wanted is StoreTooOldError else "upgrade memmon"
    with pytest.raises(wanted, match=advice):
        open_store(database.url)
    with pytest.raises(wanted, match=advice):
        Writer(database).write(Batch(run=run_record(), snapshots=snapshots(1)))


def test_pg_metrics_and_alerts_come_from_either(database):
    """The metrics and a round of alerts are made of a store on SQLite and on a server alike."""
    pytest.importorskip("prometheus_client")
    from memmon.clock import ManualClock
    from memmon.export.metrics import render_metrics
    from memmon.notify import CallbackChannel, run_once

    items = snapshots(3, deques=(DequeReading(name="q", length_count=3, maxlen_count=None),))
    Writer(database).write(Batch(run=run_record(), snapshots=items))
    now = items[-1].at
    with open_store(database.url) as store:
        text = render_metrics(store, now=now)
    assert 'memmon_deque_length{deque="q",source="bot"} 3.0' in text
    got = []
    for _ in range(2):
        run_once(database.url, channels=[CallbackChannel(got.append)], clock=ManualClock(now))
    assert [message.kind for message in got] == ["deque"]
    assert PASSWORD not in got[0].text
    assert "--db" in got[0].text


def test_pg_evaluators_at_once_tell_once(database):
    """Of six evaluators at the same moment one tells, and each message is sent once, on both kinds."""
    from memmon.clock import ManualClock
    from memmon.notify import CallbackChannel, run_once

    items = snapshots(3, deques=(DequeReading(name="q", length_count=3, maxlen_count=None),))
    Writer(database).write(Batch(run=run_record(), snapshots=items))
    gate, got, failures = threading.Barrier(6), [], []

    def evaluate() -> None:
        gate.wait()
        try:
            run_once(database.url, channels=[CallbackChannel(got.append)], clock=ManualClock(items[-1].at))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=evaluate) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [message.kind for message in got] == ["deque"]
