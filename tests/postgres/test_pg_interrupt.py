"""Ctrl-C ends a running query on the server too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from memmon.store.read import open_store

PACKAGE_FOLDER = str(Path(__file__).parents[2])
LONG = {
    "sleeping": "SELECT pg_sleep(100) AS asleep",
    "computing": "SELECT count(*) AS computing FROM generate_series(1, 100000000000)",
    "explained": "EXPLAIN ANALYZE SELECT count(*) AS explained FROM generate_series(1, 100000000000)",
    "waiting": "SELECT count(*) AS waiting FROM v_run",
}


def running(pg_server, word: str) -> int:
    """Return how many other sessions run a statement with `word`, or have done so in an open transaction."""
    query = f"SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'memmon%' AND query LIKE '%{word}%' AND state <> 'idle'"
    # A cursor's statement is shown as its FETCH.
    fetch = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'memmon%' AND query LIKE '%memmon_operator%'"
    return max(pg_server.execute(query)[0][0], pg_server.execute(fetch)[0][0])


def until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("kind", LONG)
def test_pg_ctrl_c_ends_the_command_and_its_query(pg_server, pg_url, kind):
    """`memmon sql` ends with 130 and one line, and its session has gone from the server."""
    import psycopg

    with psycopg.connect(pg_url) as other:
        if kind == "waiting":
            other.execute("LOCK TABLE run")
        started = subprocess.Popen(
            [sys.executable, "-m", "memmon", "sql", "--db", pg_url, LONG[kind]],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": PACKAGE_FOLDER},
        )
        until(lambda: running(pg_server, kind) or started.poll() is not None)
        begun = time.monotonic()
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=60)
        assert time.monotonic() - begun < 15
        assert (started.returncode, out) == (130, b"")
        assert err.decode().splitlines()[-1] == "memmon: interrupted"
        assert b"Traceback" not in err
        until(lambda: not running(pg_server, kind), 5)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, TimeoutError])
@pytest.mark.parametrize("kind", ["sleeping", "explained"])
def test_pg_an_interrupt_reaches_the_caller_of_the_store(pg_server, pg_url, kind, error, caplog):
    """What a signal's handler raises reaches the caller of `query`; the query and its connection have ended."""

    def handler(*_):
        raise error

    store = open_store(pg_url)
    signal.signal(signal.SIGUSR1, handler)

    def interrupt() -> None:
        until(lambda: running(pg_server, kind))
        os.kill(os.getpid(), signal.SIGUSR1)

    helper = threading.Thread(target=interrupt)
    helper.start()
    with pytest.raises(error):
        store.query(LONG[kind])
    helper.join()
    until(lambda: not running(pg_server, kind), 5)
    assert store.query("SELECT 1").rows == ((1,),)
    assert not caplog.records


def test_pg_a_server_that_goes_away_is_said_so(pg_server, pg_url, caplog):
    """A session that the server ends in the midst of a query gives a clear error, not a traceback."""
    from memmon.errors import StoreNotFoundError

    def end() -> None:
        until(lambda: running(pg_server, "sleeping"))
        pg_server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'memmon%'"
        )

    helper = threading.Thread(target=end)
    helper.start()
    with pytest.raises(StoreNotFoundError, match="server"):
        open_store(pg_url).query(LONG["sleeping"])
    helper.join()
    assert not caplog.records
