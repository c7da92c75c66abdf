"""Recorder: its contract with the host that embeds it."""

from __future__ import annotations

import gc
import logging
import math
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections import deque
from contextlib import closing
from datetime import UTC, datetime

import pytest

from memmon import Alert, Recorder, Snapshot, open_store
from memmon.cli.diagnosis import history
from memmon.clock import ManualClock
from memmon.config import parse_database
from memmon.store.upkeep.migrate import upgrade


@pytest.fixture
def clock():
    return ManualClock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))


@pytest.fixture
def make(tmp_path, clock):
    """Make recorders on one database, and stop them in the end."""
    made = []

    def make(**options):
        options.setdefault("source", "bot")
        one = Recorder(options.pop("database_url", tmp_path / "r.db"), **{"clock": clock, **options})
        made.append(one)
        return one

    yield make
    for one in made:
        one.stop()


def rows(path, query):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def run_host(tmp_path, code, *arguments):
    script = tmp_path / "host.py"
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
    )


def test_heartbeat(make, clock, tmp_path):
    """Without start() the host's own heartbeat records: a snapshot per interval, all durably stored."""
    recorder = make(interval_seconds=60.0)
    for _ in range(10):
        if recorder.should_take_snapshot():
            recorder.take_snapshot()
        clock.advance(30.0)
    assert recorder.flush()
    assert recorder.pending_count == 0
    assert recorder.status.taken_count == recorder.status.stored_count == 5
    assert rows(tmp_path / "r.db", "SELECT seq, uptime_ms FROM snapshot") == [
        (index + 1, 60_000 * index) for index in range(5)
    ]


def test_snapshot_values(make, clock):
    """A snapshot has this process's memory, the host's, the limit in force and its origin."""
    snapshot = make().take_snapshot()
    assert isinstance(snapshot, Snapshot)
    assert snapshot.at == clock.now()
    assert snapshot.rss_bytes > 5 * 2**20
    assert snapshot.vms_bytes > snapshot.rss_bytes
    assert 0 < snapshot.system_percent <= 100
    assert snapshot.limit_bytes > 0
    assert snapshot.limit_origin
    assert snapshot.python_block_count > 1000


def test_thread_mode(tmp_path):
    """start() takes the first snapshot at once and goes on by itself; stop() ends the run."""
    with Recorder(tmp_path / "r.db", source="bot", interval_seconds=0.05) as recorder:
        for _ in range(200):
            if recorder.status.taken_count >= 4:
                break
            threading.Event().wait(0.02)
    assert recorder.status.taken_count >= 4
    assert recorder.pending_count == 0
    with open_store(tmp_path / "r.db") as store:
        (run,) = store.runs("bot")
    assert run.end_reason == "stopped"
    assert run.snapshot_count == recorder.status.stored_count


def test_start_stop_start_makes_two_runs(make, tmp_path):
    """One start-to-stop is one run: a recorder that is started again opens another."""
    recorder = make()
    for _ in range(2):
        recorder.take_snapshot()
        recorder.stop()
    assert rows(tmp_path / "r.db", "SELECT count(DISTINCT run_id), count(*) FROM snapshot") == [(2, 2)]


def test_readings_are_written_on_change(make, clock, tmp_path):
    """A deque's length is stored when it changes; liveness shows in the snapshots; what is dead is NULL."""
    recorder = make()
    prices = deque([1], maxlen=10)
    recorder.register_deque("prices", prices)
    recorder.take_snapshot()
    recorder.take_snapshot()
    prices.append(2)
    recorder.take_snapshot()
    del prices
    gc.collect()
    recorder.take_snapshot()
    assert recorder.flush()
    stored = rows(
        tmp_path / "r.db",
        "SELECT seq, value FROM reading JOIN series ON series.id = series_id WHERE metric = 'length' ORDER BY seq",
    )
    assert stored == [(1, 1), (3, 2), (4, None)]


def test_a_registration_does_not_keep_alive(make):
    """A registered deque is released as soon as its owner lets go; a getter follows a re-bound attribute."""

    class Owner:
        def __init__(self):
            self.prices = deque([1, 2], maxlen=5)

    recorder, owner = make(), Owner()
    recorder.register_deque("prices", lambda: owner.prices)
    assert recorder.take_snapshot().deques[0].length_count == 2
    owner.prices = deque(range(4), maxlen=8)
    reading = recorder.take_snapshot().deques[0]
    assert (reading.length_count, reading.maxlen_count) == (4, 8)


def test_unregistered(make):
    """What is unregistered is read no longer."""
    recorder = make()
    kept = deque(maxlen=3)
    recorder.register_deque("kept", kept)
    recorder.unregister_deque("kept")
    assert recorder.take_snapshot().deques == ()


def test_components_and_work(make, tmp_path):
    """Component sizes and counts of work are stored with the snapshot."""
    recorder = make()
    recorder.register_component("cache", lambda: 12_345)
    recorder.count_work()
    recorder.count_work(9, name="orders")
    snapshot = recorder.take_snapshot()
    assert snapshot.work_count == 10
    assert [(part.name, part.size_bytes) for part in snapshot.components] == [("cache", 12_345)]
    assert recorder.flush()
    assert rows(tmp_path / "r.db", "SELECT work_count FROM snapshot") == [(10,)]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"interval_seconds": 0}, ValueError),
        ({"interval_seconds": math.inf}, ValueError),
        ({"interval_seconds": True}, TypeError),
        ({"interval_seconds": 10**6}, ValueError),
        ({"database_url": 5}, TypeError),
        ({"database_url": "sqlite:///:memory:"}, ValueError),
        ({"database_url": ""}, ValueError),
        ({"source": 5}, TypeError),
        ({"release": " "}, ValueError),
        ({"on_alert": "mail"}, TypeError),
        ({"gc_threshold_mb": -1}, ValueError),
        ({"high_memory_percent": 0}, ValueError),
    ],
)
def test_wrong_arguments(make, options, error):
    """Wrong arguments raise TypeError or ValueError at the call."""
    with pytest.raises(error):
        make(**options)


def test_wrong_work(make):
    """count_work and annotate refuse what can't be counted or written."""
    recorder = make()
    for amount, error in ((-1, ValueError), (1.5, TypeError), (True, TypeError), ("1", TypeError)):
        with pytest.raises(error):
            recorder.count_work(amount)
    with pytest.raises(TypeError):
        recorder.annotate(5)


def test_a_wrong_setting_in_the_environment(tmp_path, monkeypatch):
    """A wrong variable is named when the recorder is made."""
    monkeypatch.setenv("MEMMON_RAW_DAYS", "minus three")
    with pytest.raises(ValueError, match="MEMMON_RAW_DAYS"):
        Recorder(tmp_path / "r.db")


def test_database_from_the_environment(tmp_path, monkeypatch):
    """Without an argument the environment's database is used, made absolute at once."""
    monkeypatch.setenv("MEMMON_DATABASE_URL", f"sqlite:///{tmp_path / 'env.db'}")
    recorder = Recorder(source="bot")
    recorder.take_snapshot()
    assert recorder.flush()
    recorder.stop()
    assert (tmp_path / "env.db").exists()


def test_the_default_database(own_home):
    """Without any setting the history lies in the user's state folder, in a private file."""
    recorder = Recorder(source="bot")
    recorder.take_snapshot()
    assert recorder.flush()
    recorder.stop()
    path = own_home / "state" / "memmon" / "memmon.db"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_relative_path_stays_where_it_was(tmp_path, monkeypatch):
    """A relative path means the folder that was current when the recorder was made."""
    monkeypatch.chdir(tmp_path)
    recorder = Recorder("here.db", source="bot")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    recorder.take_snapshot()
    assert recorder.flush()
    recorder.stop()
    assert (tmp_path / "here.db").exists()


def test_two_scripts_of_one_name(tmp_path):
    """Two scripts of the same name make two sources, unless the source was given."""
    code = """
        import sys
        from memmon import Recorder
        recorder = Recorder(sys.argv[1], source=sys.argv[2] if len(sys.argv) > 2 else None)
        recorder.take_snapshot()
        assert recorder.flush(20.0), recorder.status
        recorder.stop()
        print(recorder.source)
    """
    names = []
    for folder in ("a", "b", "a", "b"):
        (tmp_path / folder).mkdir(exist_ok=True)
        done = run_host(tmp_path / folder, code, tmp_path / "r.db")
        assert done.returncode == 0, done.stderr
        names.append(done.stdout.strip())
    assert names == ["host", "host-2", "host", "host-2"]
    assert run_host(tmp_path / "b", code, tmp_path / "r.db", "host").stdout.strip() == "host"


def test_short_program(tmp_path):
    """A program that ends at once, without stop() or flush(), loses nothing."""
    upgrade(parse_database(tmp_path / "r.db"))
    code = """
        import sys
        from memmon import Recorder
        Recorder(sys.argv[1], source="short").start()
        Recorder(sys.argv[1], source="beat").take_snapshot()
    """
    done = run_host(tmp_path, code, tmp_path / "r.db")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    found = rows(
        tmp_path / "r.db",
        "SELECT name, end_reason, count(*) FROM snapshot JOIN run ON run.id = run_id "
        "JOIN source ON source.id = source_id GROUP BY name ORDER BY name",
    )
    assert found == [("beat", "exit", 1), ("short", "exit", 1)]


def test_light_import(tmp_path):
    """Importing memmon and recording loads neither numpy nor pandas nor Alembic nor SQLAlchemy's ORM."""
    code = """
        import sys
        from collections import deque
        from memmon import Recorder, MemoryMonitor
        monitor = MemoryMonitor(database_url=sys.argv[1], source="bot")
        kept = deque(maxlen=3)
        monitor.register_deque("kept", kept)
        monitor.take_snapshot()
        monitor.check_deque_limits()
        assert monitor.flush(20.0)
        monitor.close()
        heavy = ["numpy", "pandas", "scipy", "statsmodels", "alembic", "sqlalchemy.orm", "jinja2", "rich", "click"]
        print([name for name in heavy if name in sys.modules])
    """
    done = run_host(tmp_path, code, tmp_path / "r.db")
    assert done.stdout.strip() == "[]", done.stderr


def test_alert_after_flush(make, monkeypatch):
    """What a flushed snapshot calls for has been told when flush returns."""
    told = []
    recorder = make(on_alert=told.append)
    free = deque()
    recorder.register_deque("free", free)
    recorder.take_snapshot()
    assert recorder.flush()
    assert isinstance(told[0], Alert)
    assert (told[0].kind, told[0].source) == ("deque", "bot")


def test_events(make, clock, tmp_path):
    """Annotations, clock steps, run start and end are events on the time axis."""
    recorder = make(gc_threshold_mb=0)  # the test runner itself may be large
    recorder.take_snapshot()
    recorder.annotate("deployed 1.4.2")
    clock.advance(300.0)
    clock.step(-86_400.0)
    recorder.take_snapshot()
    recorder.stop()
    with open_store(tmp_path / "r.db") as store:
        events = store.events("bot")
    kinds = [
        event.kind for event in sorted(events, key=lambda event: event.id if hasattr(event, "id") else 0)
    ]
    assert sorted(kinds) == ["annotation", "clock_step", "run_end", "run_start"]
    step = next(event for event in events if event.kind == "clock_step")
    assert "-86400" in step.text


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fork(make, tmp_path):
    """A forked child records nothing until it asks, then in a run of its own whose parent is known."""
    recorder = make(clock=None)
    recorder.take_snapshot()
    assert recorder.flush()

    def child(queue):
        before = recorder.status.taken_count, recorder.pending_count
        snapshot = recorder.take_snapshot()
        queue.put((before, recorder.flush(20.0), snapshot.sequence, os.getpid()))
        recorder.stop()

    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=child, args=(queue,))
    process.start()
    before, stored, sequence, pid = queue.get(timeout=30)
    process.join(30)
    assert process.exitcode == 0
    assert (before, stored, sequence) == ((0, 0), True, 1)
    runs = rows(tmp_path / "r.db", "SELECT pid, uuid, parent_uuid FROM run ORDER BY id")
    assert [run[0] for run in runs] == [os.getpid(), pid]
    assert runs[1][2] == runs[0][1]


def test_removed_database(make, tmp_path):
    """When the file is removed under a running recorder, recording goes on in a new file."""
    recorder = make()
    recorder.take_snapshot()
    assert recorder.flush()
    for path in tmp_path.glob("r.db*"):
        path.unlink()
    recorder.take_snapshot()
    assert recorder.flush(20.0)
    assert rows(tmp_path / "r.db", "SELECT seq FROM snapshot") == [(2,)]


def test_unwritable_then_mended(tmp_path, clock):
    """While the database can't be made everything is held; when it can, all is stored."""
    blocked = tmp_path / "folder"
    blocked.write_text("a file stands where the folder should be", encoding="utf-8")
    recorder = Recorder(blocked / "r.db", source="bot", clock=clock)
    for _ in range(3):
        recorder.take_snapshot()
    assert not recorder.flush(10.0)
    status = recorder.status
    assert (status.taken_count, status.stored_count, status.held_count) == (3, 0, 3)
    assert status.last_error
    blocked.unlink()
    assert recorder.flush(20.0)
    assert recorder.status.last_error is None
    recorder.stop()
    assert rows(blocked / "r.db", "SELECT count(*) FROM snapshot") == [(3,)]


def test_foreign_database(tmp_path, clock):
    """Another program's database is never written, and the status says whose it is not."""
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        connection.commit()
    before = path.read_bytes()
    recorder = Recorder(path, source="bot", clock=clock)
    recorder.take_snapshot()
    assert not recorder.flush(10.0)
    recorder.stop()
    assert path.read_bytes() == before
    assert "another program" in recorder.status.last_error


def test_names_beyond_the_days_number_are_counted_and_said(tmp_path, make, monkeypatch, caplog):
    """Too many new names in a day are told at once in the log, as an event and by doctor, and again only when doubled."""
    monkeypatch.setenv("MEMMON_NEW_NAMES_PER_DAY", "3")
    caplog.set_level(logging.WARNING, "memmon")
    recorder, alive = make(), []
    recorder.take_snapshot()
    for number in range(8):
        alive.append(deque(maxlen=5))
        recorder.register_deque(f"order-{number}", alive[-1])
        recorder.take_snapshot()
        assert recorder.flush(20.0)
    recorder.stop()
    texts = [
        text for (text,) in rows(tmp_path / "r.db", "SELECT text FROM event WHERE kind = 'names' ORDER BY id")
    ]
    assert ["1 are" in text or "2 are" in text or "4 are" in text for text in texts] == [True, True, True]
    assert "more than 3 new names in a day" in texts[0]
    assert "'order-3'" in texts[0]
    assert sum("new names" in record.getMessage() for record in caplog.records) == 3
    assert rows(tmp_path / "r.db", "SELECT count(DISTINCT name) FROM series") == [(3,)]
    database = parse_database(str(tmp_path / "r.db"))
    said = [one.finding for one in history(database, now=recorder.status.last_stored_at)]
    assert texts[-1] in said


def test_flush_waits_for_a_database_that_another_holds(tmp_path, make, monkeypatch):
    """Whom the database's holder keeps out goes on until its own time is up, however soon an attempt gives up."""
    monkeypatch.setattr("memmon.store.connect.engine.BUSY_TIMEOUT_MS", 20)
    recorder = make()
    recorder.take_snapshot()
    assert recorder.flush()
    with closing(sqlite3.connect(tmp_path / "r.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        recorder.take_snapshot()
        answers = []
        asking = threading.Thread(target=lambda: answers.append(recorder.flush(60.0)))
        asking.start()
        assert not recorder.flush(0.3)
        assert "locked" in recorder.status.last_error
        assert not answers
        holder.execute("COMMIT")
        asking.join(30.0)
    assert answers == [True]
    assert recorder.status.last_error is None
    assert rows(tmp_path / "r.db", "SELECT seq FROM snapshot") == [(1,), (2,)]


def test_checks_that_cant_be_had_are_said(tmp_path, make, monkeypatch, caplog):
    """In a packed program all is stored, nothing is started, and that nothing is checked is said once, everywhere."""
    upgrade(parse_database(str(tmp_path / "r.db")))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    caplog.set_level(logging.WARNING, "memmon")
    recorder = make()
    for _ in range(3):
        recorder.take_snapshot()
        assert recorder.flush(20.0)
    status = recorder.status
    assert (status.stored_count, status.child_start_count) == (3, 0)
    assert "freeze_support" in status.checks_off
    assert recorder.flush(20.0)
    said = [one.getMessage() for one in caplog.records]
    assert ["no hourly check" in text and "freeze_support" in text for text in said] == [True]
    with open_store(tmp_path / "r.db") as store:
        assert len(store.events("bot", kinds=("checks_off",))) == 1
    found = subprocess.run(
        [sys.executable, "-m", "memmon", "doctor", "--db", str(tmp_path / "r.db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "source bot: no hourly check" in found.stdout
    assert found.returncode == 0
