"""Ctrl-C on `memmon sql`: one line, exit code 130, and nothing runs on."""

from __future__ import annotations

import signal
import time

import cli_helpers
import psutil
import pytest

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
ONE_LONG_STEP = "SELECT instr(hex(zeroblob(3000000)), hex(zeroblob(1500000)) || '1')"


def is_computing(process: psutil.Process, database: str) -> bool:
    """Whether a process works in the open database: its start-up is over."""
    if not any(one.path == database for one in process.open_files()):
        return False
    before = process.cpu_times().user
    time.sleep(0.3)
    return process.num_threads() > 1 and process.cpu_times().user > before


@pytest.mark.parametrize("statement", [ENDLESS, ONE_LONG_STEP])
def test_cli_ctrl_c_ends_a_running_query(histories, statement):
    """A query that runs without end, or one long step of it, ends within seconds of Ctrl-C, with one line."""
    started = cli_helpers.process("sql", "--db", histories, statement)
    watched = psutil.Process(started.pid)
    deadline = time.monotonic() + 60
    while not is_computing(watched, str(histories)):
        assert started.poll() is None
        assert time.monotonic() < deadline
    begun = time.monotonic()
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=30)
    assert time.monotonic() - begun < 10
    assert started.returncode == 130
    assert out == b""
    assert err.decode().splitlines()[-1] == "memmon: interrupted"
    assert b"Traceback" not in err
