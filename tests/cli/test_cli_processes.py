"""The command line as a process of its own: streams, signals, start-up, what it loads."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import PACKAGE_FOLDER, finished, process

UNTIL_RECORDED = """
import sqlite3, sys, time
for _ in range(400):
    time.sleep(0.05)
    try:
        connection = sqlite3.connect("file:{database}?mode=ro", uri=True)
        if connection.execute("SELECT count({what}) FROM snapshot").fetchone()[0] >= {count}:
            break
    except sqlite3.Error:
        pass
"""
"""A program that lives until so many snapshots, or runs with one, are stored, however slow the machine."""
SNAPSHOTS, RUNS = "*", "DISTINCT run_id"
# In short sleeps: a signal that comes just before a long one would be handled after it.
CHILD = "import sys, time; print('ready', flush=True); [time.sleep(0.05) for _ in range(20 * {})]"


def until_recorded(database, count, what=SNAPSHOTS):
    return UNTIL_RECORDED.format(database=database, count=count, what=what)


def runs(database):
    found = finished("runs", "--db", database, "--json").json["sources"]
    return {source["name"]: source["runs"] for source in found}


def first_line(started):
    return started.stdout.readline().decode().strip()


def test_help_is_quick(tmp_path):
    """`memmon --help` starts in under 0.2 s of processor time and loads no command."""
    best = min(_cpu_seconds("--help") for _ in range(3))
    assert best < 0.2


def _cpu_seconds(*arguments):
    before = os.times()
    finished(*arguments)
    after = os.times()
    return (after.children_user - before.children_user) + (after.children_system - before.children_system)


HEAVY = "{'pandas', 'statsmodels', 'scipy', 'sqlalchemy', 'alembic', 'jinja2', 'rich'} & set(sys.modules)"


def loaded_by(code):
    """Return which of the heavy modules a program has loaded at its end."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; sys.stderr.write(str(sorted({HEAVY})))"],
        env={**os.environ, "PYTHONPATH": PACKAGE_FOLDER},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-300:]
    return ast.literal_eval(done.stderr.decode().splitlines()[-1])


def command_on(database, *arguments):
    return f"from memmon.cli.app import run; run([*{arguments!r}, '--db', {str(database)!r}])"


@pytest.mark.parametrize("command", ["leaks", "check", "deques", "runs", "report", "alerts"])
def test_light_commands_load_no_pandas(histories, command):
    """What operators call often loads numpy at most: no pandas, statsmodels, SQLAlchemy, Jinja2 or rich."""
    source = ["--source", "young" if command == "report" else "flat"]
    assert loaded_by(command_on(histories, command, *source)) == []


@pytest.mark.parametrize("command", [["fleet"], ["leaks"], ["check"], ["forecast", "--no-cross-check"]])
def test_judging_many_loads_no_statsmodels(histories, command):
    """All sources side by side, and a forecast without its second model, keep statsmodels and scipy out."""
    source = ["--source", "leaky"] if command[0] == "forecast" else []
    assert not {"statsmodels", "scipy"} & set(loaded_by(command_on(histories, *command, *source)))


def test_a_report_by_hand_over_a_day_asks_statsmodels(histories):
    """Least squares over 24 hours and more is statsmodels' in a report that somebody runs; and nothing else is loaded."""
    assert loaded_by(command_on(histories, "report", "--source", "flat")) == [
        "pandas",
        "scipy",
        "statsmodels",
    ]


def test_the_programs_child_loads_no_statsmodels(histories, tmp_path):
    """The hourly check with its daily report, and the report on what the program holds, keep statsmodels and pandas out."""
    database = shutil.copy(histories, tmp_path / "copy.db")
    code = (
        "from datetime import UTC, datetime, timedelta; from memmon.child.requests import Check;"
        "from memmon.tasks.check import check;"
        f"done = check(Check(database={str(database)!r}, source='leaky', now=datetime.now(UTC) + timedelta(hours=1),"
        " threshold_mb_per_hour=10.0, leak_check=True, daily_report=True, look_at_all_pages=False));"
        "assert done.report is not None and 'Least squares: 25' in done.report.text"
    )
    assert not {"statsmodels", "scipy", "pandas", "jinja2"} & set(loaded_by(code))


def test_results_and_messages_have_their_streams(histories):
    """Standard output has the result alone, so that --json can be piped; messages are on standard error."""
    answer = finished("leaks", "--db", histories, "--json")
    assert answer.code == 1
    json.loads(answer.out)
    assert "database:" in answer.err


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, {}], ids=["none", "both", "a pipe"])  # fmt: skip
def test_no_colour_is_asked_for(histories, call, monkeypatch, environment):
    """With NO_COLOR, and in pipes anyway, no escape sequence is written."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    answer = call("report", "--db", histories, "--source", "leaky")
    assert "LEAK DETECTED" in answer.out
    assert "\x1b" not in answer.out + answer.err


def test_terminal_without_unicode(histories):
    """Where the encoding can't carry the signs, plain ones stand for them."""
    answer = finished(
        "report", "--db", histories, "--source", "leaky", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    assert answer.code == 0
    assert "!! LEAK DETECTED" in answer.out


def test_reader_that_leaves(histories):
    """A pipe whose reader leaves ends the command quietly."""
    started = process("export", "--db", histories, "--all-sources")
    started.stdout.read(10)
    started.stdout.close()
    err = started.stderr.read().decode()
    assert started.wait(30) in {141, 0}
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
    started.stderr.close()
    started.stdin.close()


@pytest.mark.parametrize("code", [0, 7])
def test_run_passes_the_exit_code(tmp_path, code):
    """`memmon run` ends with the program's exit code, and stores how it ended."""
    database = tmp_path / "r.db"
    words = ["run", "--db", database, "--interval", "100ms", "--source", "p", "--", sys.executable, "-c"]
    answer = finished(*words, until_recorded(database, 2) + f"sys.exit({code})")
    assert answer.code == code
    (run,) = runs(database)["p"]
    assert (run["end_reason"], run["end_detail"]) == ("exit", f"exit code {code}")
    assert run["snapshot_count"] >= 2
    assert run["last_rss_bytes"] > 2**20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_run_passes_signals(tmp_path, number):
    """A signal sent to `memmon run` reaches the program, and its death by it becomes ours."""
    database = tmp_path / "r.db"
    started = process("run", "--db", database, "--source", "p", "--", sys.executable, "-c", CHILD.format(60))
    assert first_line(started) == "ready"
    started.send_signal(number)
    started.communicate(timeout=20)
    # Python turns SIGINT into KeyboardInterrupt and then dies of the signal itself.
    assert started.returncode == -number


def test_run_gives_the_program_its_own_streams(tmp_path):
    """Input, output and arguments that look like options go to the program."""
    started = process("run", "--db", tmp_path / "r.db", "--", sys.executable, "-c", "import sys; print(sys.argv[1:], sys.stdin.read())", "--db", "-o", "x")  # fmt: skip
    out, _ = started.communicate(b"hello", timeout=30)
    assert out.decode().strip() == "['--db', '-o', 'x'] hello"


def test_run_killed_and_restarted_is_one_history(tmp_path):
    """A program killed and started again is one source with several runs, each with its end."""
    database = tmp_path / "r.db"
    words = ["run", "--db", database, "--interval", "100ms", "--source", "p", "--", sys.executable, "-c"]
    for number in range(2):
        killed = until_recorded(database, number + 1, RUNS) + "import os; os.kill(os.getpid(), 9)"
        answer = finished(*words, killed)
        assert answer.code == -signal.SIGKILL
    assert [run["end_reason"] for run in runs(database)["p"]] == ["sigkill", "sigkill"]


@pytest.mark.parametrize(
    "words",
    [[], ["--", "no-such-program"], ["--interval", "0", "--", "true"], ["--interval", "2d", "--", "true"], ["--json", "--", "true"], ["--", "/"], ["--db", "mysql://x", "--", "true"]],
)  # fmt: skip
def test_run_bad_arguments(call, tmp_path, monkeypatch, words):
    """What can't be run or recorded is refused with one line before anything starts."""
    monkeypatch.setenv("MEMMON_DATABASE_URL", str(tmp_path / "r.db"))
    answer = call("run", *words)
    assert answer.code == 2
    assert len(answer.err.strip().splitlines()) == 1


def test_run_starts_the_program_whatever_its_history_is_like(tmp_path):
    """A damaged or older database is the recorder's to mend: the program runs all the same."""
    database = tmp_path / "r.db"
    database.write_bytes(b"rubbish" * 1000)
    answer = finished("run", "--db", database, "--", sys.executable, "-c", "print('ran')")
    assert answer.out.strip().endswith("ran")
    assert answer.code == 0


def test_run_says_that_it_records_nothing(tmp_path):
    """Under the mark of memmon's own processes the program runs all the same, and nobody is told that it is recorded."""
    program = (sys.executable, "-c", "raise SystemExit(7)")
    found = finished("run", "--db", tmp_path / "m.db", "--", *program, MEMMON_CHILD="1")
    assert found.code == 7
    assert "not recording" in found.err
    assert "recording pid" not in found.err


def test_record_a_running_program(tmp_path):
    """`memmon record` attaches to a pid or a command line, and ends when the program does."""
    mark, database = f"mark_{os.getpid()}", tmp_path / "r.db"
    code = until_recorded(database, 3)
    with subprocess.Popen([sys.executable, "-c", code, mark]) as target:
        answer = finished(
            "record", "--db", database, "--command", mark, "--interval", "100ms", "--source", "t"
        )
        target.wait()
    assert answer.code == 0
    (run,) = runs(database)["t"]
    assert run["snapshot_count"] >= 3
    assert run["end_reason"] == "lost"


def test_record_for_a_time_and_until_asked_to_stop(tmp_path):
    """--for ends the recording, and so does SIGTERM: both end the run as stopped and leave the program alone."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as target:
        try:
            database = tmp_path / "r.db"
            words = ["record", "--db", database, "--pid", target.pid, "--interval", "100ms", "--source", "t"]
            assert finished(*words, "--for", "700ms").code == 0
            started = process(*words)
            subprocess.run([sys.executable, "-c", until_recorded(database, 2, RUNS)], check=True)
            started.terminate()
            started.communicate(timeout=20)
            assert started.returncode == 0
            assert target.poll() is None
        finally:
            target.kill()
    assert [run["end_reason"] for run in runs(database)["t"]] == ["stopped", "stopped"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "either --pid or --command"),
        (["--pid", "1", "--command", "x"], "either --pid or --command"),
        (["--pid", "4194000"], "no such process"),
        (["--command", "surely-nothing-is-called-so"], "no process matches"),
        (["--command", "("], "regular expression"),
    ],
)
def test_record_bad_arguments(call, tmp_path, monkeypatch, words, said):
    """Without exactly one process to record, one line says why."""
    monkeypatch.setenv("MEMMON_DATABASE_URL", str(tmp_path / "r.db"))
    answer = call("record", *words)
    assert (answer.code, said in answer.err) == (2, True)
    assert not (tmp_path / "r.db").exists()


def test_demo_needs_nothing_and_touches_nothing(tmp_path):
    """The demo prints a report with a leak, records a live bot, writes pages, and leaves the operator's database alone."""
    mine = tmp_path / "mine.db"
    answer = finished(
        "demo", "--seconds", 1, "--folder", tmp_path / "demo", MEMMON_DATABASE_URL=str(mine), timeout=120
    )
    assert answer.code == 0, answer.err
    assert "LEAK DETECTED (confidence: high)" in answer.out
    assert "simulated" in answer.out
    assert "order_cache" in answer.out
    assert "first verdict after 2 hours" in answer.out
    assert "(32 deques total)" in answer.out
    pages = [line.strip() for line in answer.out.splitlines() if line.strip().endswith(".html")]
    assert len(pages) == 2
    assert all(Path(page).read_text().lower().startswith("<!doctype html>") for page in pages)
    assert not mine.exists()
    again = finished("demo", "--seconds", 1, "--folder", tmp_path / "demo")
    assert (again.code, "new file of its own" in again.err) == (2, True)


def test_import_from_a_foreign_folder(tmp_path):
    """A folder with a click.py or a migrations/ of its own changes nothing."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
    (tmp_path / "b.csv").write_text("at,rss_bytes\n2026-01-01,50000000\n")
    answer = finished("import", "--db", "x.db", "b.csv", cwd=tmp_path)
    assert answer.code == 0, answer.err
    assert (tmp_path / "x.db").exists()


def test_the_mark_in_the_environment_is_told(tmp_path):
    """Where memmon's own mark was exported by mistake, `run` says that nothing is recorded, and `doctor` why."""
    database = tmp_path / "m.db"
    mark = {"MEMMON_CHILD": "1"}
    ran = finished("run", "--db", database, "--", sys.executable, "-c", "raise SystemExit(5)", **mark)
    assert ran.code == 5
    assert "not recording" in ran.err
    assert "MEMMON_CHILD" in ran.err
    assert "memmon: recording pid" not in ran.err
    looked = finished("doctor", "--db", database, "--json", **mark)
    (found,) = [one for one in looked.json["diagnoses"] if one["subject"] == "environment"]
    assert found["state"] == "problem"
    assert "records nothing" in found["finding"]


def test_run_records_a_lone_child_behind_a_shell(tmp_path):
    """A shell in front is small and flat: the program behind it is recorded beside it, as a child of its run."""
    database = tmp_path / "r.db"
    script = tmp_path / "behind.py"
    until = UNTIL_RECORDED.format(database=database, count=3, what="*").replace(
        "snapshot", "snapshot WHERE run_id > 1"
    )
    script.write_text(f"held = bytearray(b'x') * 60_000_000\n{until}", encoding="utf-8")
    shell = f"{sys.executable} {script}; exit 3"
    started = process("run", "--db", database, "--interval", "100ms", "--source", "p", "--", "sh", "-c", shell)  # fmt: skip
    started.communicate(timeout=60)
    assert started.returncode == 3
    first, behind = runs(database)["p"]
    assert behind["parent_uuid"] == first["uuid"]
    assert first["peak_rss_bytes"] < 10_000_000
    assert behind["peak_rss_bytes"] > 60_000_000
