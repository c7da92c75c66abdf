"""How a run ended is known: from itself, or from the next start of its source."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from memmon import Recorder, open_store

HOST = """
    import os, signal, sys
    from memmon import Recorder

    recorder = Recorder(sys.argv[1], source="bot", leak_check=False, daily_report=False)
    recorder.take_snapshot()
    assert recorder.flush(30.0)
    way = sys.argv[2]
    if way == "raise":
        raise LookupError("no such order")
    if way == "sys.exit":
        sys.exit(3)
    if way == "stop":
        recorder.stop()
    if way.startswith("SIG"):
        os.kill(os.getpid(), getattr(signal, way))
"""


def live_and_die(tmp_path, way):
    script = tmp_path / "host.py"
    script.write_text(textwrap.dedent(HOST), encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(script), str(tmp_path / "c.db"), way],
        capture_output=True,
        text=True,
        check=False,
    )


def next_start(tmp_path, **options):
    recorder = Recorder(tmp_path / "c.db", source="bot", leak_check=False, daily_report=False, **options)
    recorder.take_snapshot()
    assert recorder.flush(30.0)
    recorder.stop()
    with open_store(tmp_path / "c.db") as store:
        return store.runs("bot"), store.events("bot")


@pytest.mark.parametrize(
    ("way", "code", "reason"),
    [
        ("stop", 0, "stopped"),
        ("return", 0, "exit"),
        ("sys.exit", 3, "exit"),
        ("raise", 1, "exception"),
        ("SIGKILL", -9, "killed"),
        ("SIGTERM", -15, "killed"),
    ],
)
def test_the_way_a_run_ended(tmp_path, way, code, reason):
    """Each way to die is told apart as far as it can be, and the process's exit code is its own."""
    assert live_and_die(tmp_path, way).returncode == code
    runs, events = next_start(tmp_path)
    assert runs[0].end_reason == reason
    assert runs[0].ended_at is not None
    deaths = [event for event in events if event.kind == "death"]
    assert len(deaths) == (reason == "killed")


def test_the_exception_is_named(tmp_path):
    """A run that ended by an exception names its type."""
    live_and_die(tmp_path, "raise")
    runs, _ = next_start(tmp_path)
    assert runs[0].end_detail == "LookupError"


def test_out_of_memory_by_the_kernels_count(tmp_path, monkeypatch):
    """When the kernel's killer has struck since the run's start, the certificate says out of memory."""
    live_and_die(tmp_path, "SIGKILL")
    from memmon.config import parse_database
    from memmon.store.engine import write_engine

    with write_engine(parse_database(tmp_path / "c.db")).begin() as connection:
        connection.exec_driver_sql(
            "UPDATE event SET data = '{\"oom_kill_count\": 0}' WHERE kind = 'run_start'"
        )
    monkeypatch.setattr(Recorder, "_oom_kill_count", lambda self: 1)
    runs, events = next_start(tmp_path)
    assert runs[0].end_reason == "oom"
    assert any("out-of-memory killer" in event.text for event in events)


def test_out_of_memory_by_the_last_reading(tmp_path):
    """A death without a word with memory at the limit is put down to memory."""
    live_and_die(tmp_path, "SIGKILL")
    from memmon.config import parse_database
    from memmon.store.engine import write_engine

    with write_engine(parse_database(tmp_path / "c.db")).begin() as connection:
        connection.exec_driver_sql("UPDATE event SET data = NULL WHERE kind = 'run_start'")
        connection.exec_driver_sql("UPDATE snapshot SET limit_bytes = 1000, limit_used_bytes = 970")
    runs, _ = next_start(tmp_path)
    assert runs[0].end_reason == "oom"


def test_a_living_sibling_is_left_alone(tmp_path):
    """A run of the same source that is still recording gets no certificate."""
    first = Recorder(tmp_path / "c.db", source="bot", leak_check=False, daily_report=False)
    first.take_snapshot()
    assert first.flush(30.0)
    runs, events = next_start(tmp_path)
    assert runs[0].ended_at is None
    assert [event for event in events if event.kind == "death"] == []
    first.stop()


def test_a_reboot(tmp_path):
    """After a start of the machine the certificate names it."""
    live_and_die(tmp_path, "SIGKILL")
    from memmon.config import parse_database
    from memmon.store.engine import write_engine

    with write_engine(parse_database(tmp_path / "c.db")).begin() as connection:
        connection.exec_driver_sql("UPDATE run SET boot_id = 'an earlier one'")
    runs, _ = next_start(tmp_path)
    assert runs[0].end_reason == "reboot"
