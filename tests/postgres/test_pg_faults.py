"""Servers that are wrong, absent or go away, under real recorders."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading

import pytest
from pg_server import PASSWORD

from memmon import Recorder
from memmon.config import parse_database
from memmon.errors import MemmonError, SettingsError
from memmon.facts.masking import mask_url
from memmon.store.connect.engine import write_engine
from memmon.store.read import open_store

QUIET = {"leak_check": False, "daily_report": False, "gc_threshold_mb": 0}


def test_pg_recorder_makes_its_tables_and_reads_back(pg_empty_url):
    """The same three lines record into an empty database on a server, and everything is read back."""
    recorder = Recorder(pg_empty_url, source="bot", **QUIET)
    for _ in range(5):
        recorder.take_snapshot()
    assert recorder.flush(60.0), recorder.status
    recorder.stop()
    store = open_store(pg_empty_url)
    assert store.runs("bot")[0].snapshot_count == 5
    assert store.runs("bot")[0].end_reason == "stopped"
    assert PASSWORD not in f"{recorder.status}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.replace(PASSWORD, "wrong-Secret-1"), "password authentication failed"),
        (lambda url: url.rsplit("/", 1)[0] + "/nowhere", "does not exist"),
        (lambda url: url.replace("127.0.0.1", "127.0.0.1:1/x?host=127.0.0.1&port=1&password=pw-Q#"), "can't"),
    ],
    ids=["password", "database", "port"],
)
def test_pg_wrong_urls_are_told_without_the_password(pg_url, change, words, caplog):
    """A wrong password, database or port gives one line that says so and shows no password anywhere."""
    url = change(pg_url)
    recorder = Recorder(url, source="bot", **QUIET)
    recorder.take_snapshot()
    with caplog.at_level(logging.DEBUG):
        assert not recorder.flush(30.0)
    assert recorder.pending_count == 1
    told = f"{caplog.text} {recorder.status}"
    recorder.stop(0.0)
    with pytest.raises(MemmonError) as raised:
        open_store(url)
    told += f" {raised.value}"
    done = subprocess.run(
        [sys.executable, "-m", "memmon", "runs", "--db", url], capture_output=True, text=True, check=False
    )
    told += done.stdout + done.stderr
    assert done.returncode == 2
    assert "Traceback" not in told
    assert words in told
    for secret in (PASSWORD, "wrong-Secret-1", "pw-Q"):
        assert secret not in told


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bot:s3cret@host/db",
        "postgresql://bot:s3cret/with/slash@host/db",
        "postgresql://bot:with#hash-s3cret@host/db",
        "postgresql://bot:with?mark-s3cret@host/db",
        "postgresql://bot:with@at-s3cret@host/db",
        "postgresql://bot@host/db?password=s3cret",
        "postgresql://bot@host/db?sslpassword=s3cret&sslmode=require",
        "postgresql://bot:s3cret@[::1]:5432/db",
        "postgresql://bot:s3cret@host:notaport/db",
    ],
)
def test_pg_passwords_are_masked_in_every_spelling_of_a_url(url):
    """No spelling of a URL, right or wrong, shows its password in what people see."""
    assert "s3cret" not in mask_url(url)
    assert "bot" in mask_url(url) or "***" in mask_url(url)
    try:
        shown = parse_database(url).shown
        write_engine(parse_database(url))
    except SettingsError as error:
        shown = str(error)
    assert "s3cret" not in shown


def test_pg_recorder_leaves_an_older_server_to_its_operator(pg_url, caplog):
    """A recorder holds its snapshots when a server's schema is older, says what to run, and catches up after it."""
    with write_engine(parse_database(pg_url)).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept AS SELECT version_num FROM alembic_version")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    recorder = Recorder(pg_url, source="bot", **QUIET)
    recorder.take_snapshot()
    assert not recorder.flush(30.0)
    assert "memmon db upgrade" in caplog.text
    with write_engine(parse_database(pg_url)).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = (SELECT version_num FROM kept)")
    assert recorder.flush(30.0)
    recorder.stop()
    assert open_store(pg_url).runs("bot")[0].snapshot_count == 1


def _outage(pg_server, pg_url, *, writer_count: int, down_seconds: float) -> tuple[int, int, int]:
    """Record with many writers through an outage; returns snapshots taken, rows stored, distinct (run, seq)."""
    recorders = [Recorder(pg_url, source=f"bot-{number}", **QUIET) for number in range(writer_count)]
    pause = threading.Event()
    for recorder in recorders:
        recorder.take_snapshot()
    assert all(recorder.flush(60.0) for recorder in recorders)
    # The server goes away while these are being written.
    for recorder in recorders:
        recorder.take_snapshot()
    pg_server.stop()
    for _ in range(round(down_seconds / 0.5)):
        for recorder in recorders:
            recorder.take_snapshot()
        pause.wait(0.5)
    assert all(recorder.pending_count for recorder in recorders)
    pg_server.start()
    for recorder in recorders:
        recorder.take_snapshot()
    stored = [recorder.flush(60.0) for recorder in recorders]
    assert all(stored)
    taken = sum(recorder.status.taken_count for recorder in recorders)
    assert sum(recorder.status.dropped_count for recorder in recorders) == 0
    for recorder in recorders:
        recorder.stop()
    with write_engine(parse_database(pg_url)).connect() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM snapshot").scalar()
        distinct = connection.exec_driver_sql(
            "SELECT count(*) FROM (SELECT DISTINCT uuid, seq FROM snapshot JOIN run ON run.id = run_id) q"
        ).scalar()
    return taken, rows, distinct


@pytest.mark.faults
def test_pg_server_that_goes_away_loses_and_repeats_nothing(pg_server, pg_url):
    """Fifty writers hold what they take while the server is gone and store each snapshot once when it is back."""
    taken, rows, distinct = _outage(pg_server, pg_url, writer_count=50, down_seconds=3.0)
    assert (rows, distinct) == (taken, taken)


@pytest.mark.faults
@pytest.mark.slow
def test_pg_server_that_is_gone_for_a_minute_loses_nothing(pg_server, pg_url):
    """The same for a whole minute."""
    taken, rows, distinct = _outage(pg_server, pg_url, writer_count=50, down_seconds=60.0)
    print(f"taken {taken}, stored {rows}, distinct {distinct}")
    assert (rows, distinct) == (taken, taken)
