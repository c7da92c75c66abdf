"""How a run ended is known: from itself, or from the next start of its source."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from memmon import Recorder, open_store
from memmon.config import parse_database
from memmon.store.connect.engine import write_engine

HOST = """
    import os, signal, sys
    from memmon import Recorder

    way, _, noting = sys.argv[2].partition("+")
    recorder = Recorder(
        sys.argv[1], source="bot", leak_check=False, daily_report=False, note_sigterm=bool(noting)
    )
    recorder.take_snapshot()
    assert recorder.flush(30.0)
    if way == "raise":
        raise LookupError("no such order")
    if way == "sys.exit":
        sys.exit(3)
    if way == "with-exit":
        with recorder:
            sys.exit(3)
    if way == "Ctrl-C":
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.kill(os.getpid(), signal.SIGINT)
    if way == "shown":
        import code
        code.InteractiveInterpreter().runsource("raise LookupError")
        assert sys.last_value
    if way == "stop":
        recorder.stop()
    if way == "_exit":
        os._exit(7)
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
        ("with-exit", 3, "exit"),
        ("raise", 1, "exception"),
        ("Ctrl-C", -2, "sigint"),
        ("shown", 0, "exit"),
        ("_exit", 7, "unknown"),
        ("SIGKILL", -9, "unknown"),
        ("SIGTERM", -15, "unknown"),
        ("SIGTERM+noting", -15, "sigterm"),
        ("SIGKILL+noting", -9, "unknown"),
    ],
)
def test_the_way_a_run_ended(tmp_path, caplog, way, code, reason):
    """Each way to die is told apart as far as it can be, and the process's exit code is its own."""
    assert live_and_die(tmp_path, way).returncode == code
    caplog.set_level("INFO", logger="memmon")
    runs, events = next_start(tmp_path)
    assert runs[0].end_reason == reason
    assert runs[0].ended_at is not None
    assert [event.kind for event in events if event.kind in {"death", "ended"}] == ["ended"] * (
        reason == "unknown"
    )
    told = [
        line.levelname
        for line in caplog.records
        if "an earlier run ended without a word" in line.getMessage()
    ]
    assert told == ["INFO"] * (reason == "unknown")
    assert not [line for line in caplog.records if line.levelname == "WARNING"]


def test_the_exception_is_named(tmp_path):
    """A run that ended by an exception names its type."""
    live_and_die(tmp_path, "raise")
    runs, _ = next_start(tmp_path)
    assert runs[0].end_detail == "LookupError"


def test_out_of_memory_by_the_kernels_count(tmp_path, monkeypatch):
    """When the kernel's killer has struck since the run's start, the certificate says out of memory."""
    live_and_die(tmp_path, "SIGKILL")
    with write_engine(parse_database(tmp_path / "c.db")).begin() as connection:
        connection.exec_driver_sql(
            "UPDATE event SET data = '{\"oom_kill_count\": 0}' WHERE kind = 'run_start'"
        )
    monkeypatch.setattr("memmon.recorder.recording.oom_kill_count", lambda limit: 1)
    runs, events = next_start(tmp_path)
    assert runs[0].end_reason == "oom"
    assert any("out-of-memory killer" in event.text for event in events)


def test_out_of_memory_by_the_last_reading(tmp_path):
    """A death without a word with memory at the limit is put down to memory."""
    live_and_die(tmp_path, "SIGKILL")
    with write_engine(parse_database(tmp_path / "c.db")).begin() as connection:
        connection.exec_driver_sql("UPDATE event SET data = NULL WHERE kind = 'run_start'")
        connection.exec_driver_sql(
            "UPDATE snapshot SET limit_bytes = 1000, limit_used_bytes = 180, charged_bytes = 970"
        )
    runs, _ = next_start(tmp_path)
    assert runs[0].end_reason == "oom"


GREEDY = """
    import sys, time
    from memmon import Recorder

    recorder = Recorder(sys.argv[1], source="bot", leak_check=False, daily_report=False)
    recorder.take_snapshot()
    assert recorder.flush(60.0), recorder.status
    if sys.argv[2] == "greedy":
        kept = []
        while True:
            kept.append(bytearray(b"x") * 2_000_000)
    recorder.stop()
"""


@pytest.fixture
def small_group():
    """A control group of 200 MB, where this machine lets the test make one."""
    for mount, limit in (
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        ("/sys/fs/cgroup", "memory.max"),
    ):
        group = Path(mount) / f"memmon-oom-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(200 * 2**20))
        except OSError:
            group.rmdir()
            continue
        yield group
        group.rmdir()
        return
    pytest.skip("this machine does not let the test make a control group")


def test_a_real_death_by_memory(tmp_path, small_group):
    """A process that the kernel kills for its memory is certified as that by the next start in its group."""
    script = tmp_path / "greedy.py"
    script.write_text(textwrap.dedent(GREEDY), encoding="utf-8")
    for way, code in (("greedy", -9), ("modest", 0)):
        done = subprocess.run(
            [
                "sh",
                "-c",
                f'echo $$ > {small_group}/cgroup.procs; exec "$@"',
                "sh",
                sys.executable,
                script,
                tmp_path / "c.db",
                way,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
    with open_store(tmp_path / "c.db") as store:
        first, second = store.runs("bot")
    assert first.end_reason == "oom"
    assert "out-of-memory" in first.end_detail
    assert second.end_reason == "stopped"


def test_a_living_sibling_is_left_alone(tmp_path):
    """A run of the same source that is still recording gets no certificate."""
    first = Recorder(tmp_path / "c.db", source="bot", leak_check=False, daily_report=False)
    first.take_snapshot()
    assert first.flush(30.0)
    runs, events = next_start(tmp_path)
    assert runs[0].ended_at is None
    assert [event for event in events if event.kind == "death"] == []
    first.stop()


def test_the_last_verdict_is_part_of_it(tmp_path):
    """The certificate of a run that was told to leak says so, with its figures."""
    live_and_die(tmp_path, "SIGKILL")
    data = json.dumps({"kind": "leak", "message": "growth rate 12.40 MB/hour, confidence high"})
    with write_engine(parse_database(tmp_path / "c.db")).begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO event (source_id, run_id, seq, at_ms, kind, text, data) VALUES (1, 1, 99, 1, 'alert', 'x', ?)",
            (data,),
        )
    runs, _ = next_start(tmp_path)
    assert "last verdict: growth rate 12.40 MB/hour" in runs[0].end_detail


def test_what_grew_is_part_of_it(tmp_path):
    """The certificate of a run in which something was told to grow says what, and whether that was confirmed."""
    live_and_die(tmp_path, "SIGKILL")
    chain = {
        "path": "bot.CACHE",
        "kind": "dict",
        "grown_bytes": 1,
        "signature": "ab",
        "words": "bot.CACHE (dict): 1 to 9",
    }
    with write_engine(parse_database(tmp_path / "c.db")).begin() as connection:
        for number, (kind, state) in enumerate((("suspect", "suspect"), ("evidence", "confirmed"))):
            connection.exec_driver_sql(
                "INSERT INTO event (source_id, run_id, seq, at_ms, kind, text, data) VALUES (1, 1, ?, 1, ?, 'x', ?)",
                (98 + number, kind, json.dumps({"state": state, "chains": [chain]})),
            )
    runs, _ = next_start(tmp_path)
    assert "; confirmed by another look, it goes on growing: bot.CACHE (dict): 1 to 9" in runs[0].end_detail


def test_a_reboot(tmp_path):
    """After a start of the machine the certificate names it."""
    live_and_die(tmp_path, "SIGKILL")
    with write_engine(parse_database(tmp_path / "c.db")).begin() as connection:
        connection.exec_driver_sql("UPDATE run SET boot_id = 'an earlier one'")
    runs, _ = next_start(tmp_path)
    assert runs[0].end_reason == "reboot"


DAEMON = """
    import os, sys
    from memmon import Recorder

    recorder = Recorder(sys.argv[1], source="daemon", leak_check=False, daily_report=False)
    recorder.take_snapshot()
    assert recorder.flush(30.0)
    waiting, first = os.pipe()
    if os.fork():
        os._exit(0)
    os.close(first)
    os.read(waiting, 1)  # until the first process has ended
    recorder.take_snapshot()
    assert recorder.flush(30.0)
    recorder.stop()
"""


def test_what_forks_a_daemon_ends_as_that(tmp_path):
    """A process that leaves the work to what it has forked and goes: the end without a word says why it is none to worry about."""
    script = tmp_path / "daemon.py"
    script.write_text(textwrap.dedent(DAEMON), encoding="utf-8")
    subprocess.run([sys.executable, script, tmp_path / "c.db"], check=True, stdout=subprocess.PIPE)
    with open_store(tmp_path / "c.db") as store:
        first, second = store.runs("daemon")
    assert (first.end_reason, second.end_reason) == ("unknown", "stopped")
    assert first.end_detail.startswith("a process that it forked goes on, as a daemon does")
    assert second.parent_uuid == first.uuid


WORKERS = """
    import multiprocessing, sys
    from memmon import Recorder

    def work(database, way):
        recorder = Recorder(database, source=way, leak_check=False, daily_report=False)
        recorder.take_snapshot()
        assert recorder.flush(30.0)
        if way.endswith("raise"):
            raise LookupError("no such order")

    if __name__ == "__main__":
        method, database = sys.argv[1:]
        for way in ("return", "raise"):
            arguments = (database, f"{method}-{way}")
            worker = multiprocessing.get_context(method).Process(target=work, args=arguments)
            worker.start()
            worker.join()
            print(worker.exitcode, flush=True)
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_worker_of_multiprocessing_ends_as_what_it_did(tmp_path, method):
    """A worker that returns has exited, one that raises was ended by its exception; neither is a death."""
    script = tmp_path / "workers.py"
    script.write_text(textwrap.dedent(WORKERS), encoding="utf-8")
    command = [sys.executable, str(script), method, str(tmp_path / "c.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "1"]
    with open_store(tmp_path / "c.db") as store:
        runs = {run.source: run for source in store.sources() for run in store.runs(source.name)}
    assert runs[f"{method}-return"].end_reason == "exit"
    raised = runs[f"{method}-raise"]
    assert (raised.end_reason, raised.end_detail) == ("exception", "LookupError")
