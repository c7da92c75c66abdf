"""What holds for every command: errors in one line, outputs, settings, help."""

from __future__ import annotations

import json
import os
import sqlite3
import sys

import pytest
from cli_helpers import ramp_csv

from memmon.cli import app
from memmon.cli.app import COMMANDS
from memmon.errors import MemmonError

PUBLIC = [name for name in COMMANDS if not name.startswith("_")]


def test_bare_command_shows_the_help(call):
    """Without arguments the commands are listed."""
    answer = call()
    assert answer.code == 0
    assert "Commands:" in answer.out


@pytest.mark.parametrize("name", PUBLIC)
def test_every_command_loads_and_says_what_it_does(call, name):
    """--help of each command works, and the list's line is the command's own."""
    answer = call(name, "--help")
    assert answer.code == 0
    command = app.main.get_command(None, name)
    assert command.get_short_help_str(limit=1000)
    assert COMMANDS[name][1].endswith(".")


def test_unknown_command_suggests_the_near_one(call):
    """A mistyped command is refused with the one that was meant."""
    answer = call("leeks")
    assert answer.code == 2
    assert "did you mean 'leaks'" in answer.err


def test_version(call):
    """--version names the program and its version."""
    answer = call("--version")
    assert answer.code == 0
    assert answer.out.startswith("memmon ")


def test_missing_database_names_path_variable_and_others(call, tmp_path, own_home):
    """A database not found: the path tried, who named it, the variable, and what else there is."""
    other = own_home / "other.db"
    call("import", "--db", other, ramp_csv(tmp_path / "b.csv", hours=1, mb_per_hour=0))
    answer = call("leaks", "--db", tmp_path / "missing.db")
    assert answer.code == 2
    assert str(tmp_path / "missing.db") in answer.last_line
    assert "MEMMON_DATABASE_URL is not set" in answer.last_line
    assert str(other) in answer.last_line
    assert len(answer.err.splitlines()) == 1
    assert not (tmp_path / "missing.db").exists()


def test_variable_names_the_database(call, tmp_path, monkeypatch):
    """MEMMON_DATABASE_URL is used, and named when there is nothing."""
    monkeypatch.setenv("MEMMON_DATABASE_URL", f"sqlite:///{tmp_path}/v.db")
    answer = call("runs")
    assert (answer.code, "named by MEMMON_DATABASE_URL" in answer.err) == (2, True)
    assert call("import", ramp_csv(tmp_path / "b.csv", hours=1, mb_per_hour=0)).code == 0
    assert call("runs").code == 0


@pytest.mark.parametrize("content", [b"", b"not a database" * 100, b"SQLite format 3\0" + b"\0" * 5000])
def test_file_that_is_no_database_is_left_untouched(call, tmp_path, content):
    """A file that is not memmon's is refused in one line, and not a byte of it changes."""
    path = tmp_path / "x.db"
    path.write_bytes(content)
    for command in (["leaks"], ["runs"], ["sql", "select 1"], ["report"], ["db", "status"], ["doctor"]):
        answer = call(*command, "--db", path)
        assert answer.code in {1, 2}
        assert "Traceback" not in answer.err
        assert "fault in memmon itself" not in answer.err
    assert path.read_bytes() == content


def test_foreign_and_newer_databases_are_refused_untouched(call, tmp_path):
    """Another program's database and a newer memmon's are refused by reading and by writing commands."""
    foreign = tmp_path / "foreign.db"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    newer = tmp_path / "newer.db"
    source = ramp_csv(tmp_path / "b.csv", hours=1, mb_per_hour=0)
    assert call("import", "--db", newer, source).code == 0
    connection = sqlite3.connect(newer)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    for path in (foreign, newer):
        before = path.read_bytes()
        for command in (
            ["leaks"],
            ["import", source],
            ["db", "upgrade"],
            ["run", "--", "true"],
            ["annotate", "x"],
        ):
            answer = (
                call(command[0], "--db", path, *command[1:])
                if command[0] != "db"
                else call(*command, "--db", path)
            )
            assert answer.code == 2, (path, command, answer)
            assert "fault in memmon itself" not in answer.err
        assert path.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_database_without_permission(call, tmp_path):
    """A database that may not be read is refused in one line."""
    path = tmp_path / "p.db"
    call("import", "--db", path, ramp_csv(tmp_path / "b.csv", hours=1, mb_per_hour=0))
    path.chmod(0)
    answer = call("leaks", "--db", path)
    assert (answer.code, "permi" in answer.err.lower()) == (2, True)


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite:///:memory:", "", "sqlite:///x.db?mode=ro"])
def test_unusable_urls(call, url):
    """A URL that memmon can't use is refused in one line."""
    answer = call("runs", "--db", url)
    assert answer.code == 2
    assert len(answer.err.splitlines()) == 1


def test_output_file_is_whole_and_never_replaced_unasked(call, histories, tmp_path):
    """-o writes a file, refuses an existing one without --force, and leaves nothing behind on errors."""
    path = tmp_path / "out.txt"
    assert call("runs", "--db", histories, "-o", path).code == 0
    first = path.read_text()
    again = call("runs", "--db", histories, "-o", path)
    assert (again.code, "--force" in again.last_line) == (2, True)
    assert call("runs", "--db", histories, "-o", path, "--force", "--json").code == 0
    assert json.loads(path.read_text())["command"] == "runs"
    assert first.startswith("flat")
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []


@pytest.mark.parametrize(("target", "word"), [("/nowhere/at/all.txt", "no folder"), (".", "folder")])
def test_output_to_an_impossible_place(call, histories, target, word):
    """An output that can't be written is refused before any work is done."""
    answer = call("runs", "--db", histories, "-o", target)
    assert (answer.code, word in answer.last_line) == (2, True)
    assert "database:" not in answer.err


def test_output_dash_is_standard_output(call, histories):
    """-o - writes to standard output."""
    assert call("runs", "--db", histories, "-o", "-").out == call("runs", "--db", histories).out


def test_wrong_settings_are_named(call, tmp_path, monkeypatch):
    """A wrong variable or configuration file is refused by its name, with what is allowed."""
    monkeypatch.setenv("MEMMON_RAW_DAYS", "-4")
    answer = call("config", "show")
    assert (answer.code, "MEMMON_RAW_DAYS" in answer.err) == (2, True)
    monkeypatch.delenv("MEMMON_RAW_DAYS")
    path = tmp_path / "memmon.toml"
    path.write_text("colour = 'red'\n")
    monkeypatch.setenv("MEMMON_CONFIG", str(path))
    answer = call("config", "show")
    assert (answer.code, str(path) in answer.err) == (2, True)


def test_config_init_writes_an_example_that_is_valid(call, tmp_path, monkeypatch):
    """The example holds every setting with its default, is not overwritten unasked, and can be read back."""
    path = tmp_path / "c" / "memmon.toml"
    monkeypatch.setenv("MEMMON_CONFIG", str(path))
    assert call("config", "init").code == 0
    text = path.read_text()
    assert "# raw_days = 90.0" in text
    assert call("config", "init").code == 2
    path.write_text(text.replace("# raw_days = 90.0", "raw_days = 12.0"))
    shown = call("config", "show", "--json").json
    setting = next(item for item in shown["settings"] if item["name"] == "raw_days")
    assert (setting["value"], setting["origin"]) == (12.0, "file")
    assert call("config", "init", "-o", "-").out.startswith("# Settings of memmon")


def test_config_masks_passwords(call, monkeypatch):
    """A password in the database's URL is never shown."""
    monkeypatch.setenv("MEMMON_DATABASE_URL", "postgresql://me:hunter2@db.example/memmon?password=hunter2")
    answer = call("config", "show")
    assert "hunter2" not in answer.out + answer.err
    assert "***" in answer.out


def test_config_schema_is_the_settings(call):
    """The schema of the settings lists each with its description."""
    schema = call("config", "schema").json
    assert "leak_threshold_mb_per_hour" in json.dumps(schema)


def test_faults_of_our_own_are_one_line(call, monkeypatch):
    """A fault in memmon is told in one line and ends with 2, in check with 3."""
    monkeypatch.setattr("memmon.cli.locate.load_settings", lambda: 1 / 0)
    answer = call("runs")
    assert answer.code == 2
    assert "ZeroDivisionError" in answer.err
    assert len(answer.err.splitlines()) == 1
    assert call("check").code == 3


@pytest.mark.parametrize(
    ("error", "code"),
    [(MemmonError("x"), 2), (PermissionError(13, "Permission denied", "/x"), 2), (MemoryError(), 2), (KeyboardInterrupt(), 130), (BrokenPipeError(), 141)],
)  # fmt: skip
def test_the_gate(monkeypatch, error, code, capfd):
    """Every kind of error has its exit code and no traceback."""

    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(app.main, "main", fail)
    monkeypatch.setattr(app, "_leave_pipe", lambda: 141)
    assert app.run(["runs"]) == code
    assert "Traceback" not in capfd.readouterr().err


def test_missing_driver_gives_the_install_command(call, monkeypatch):
    """A server's database without its driver is one line with the exact command."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    answer = call("runs", "--db", "postgresql://me:secret@localhost:1/x")
    assert answer.code == 2
    assert "pip install 'memmon[postgres]'" in answer.last_line
    assert "secret" not in answer.err


def test_debug_shows_where(call, monkeypatch):
    """MEMMON_DEBUG=1 adds the traceback for whoever looks for a fault."""
    monkeypatch.setenv("MEMMON_DEBUG", "1")
    monkeypatch.setattr("memmon.cli.locate.load_settings", lambda: 1 / 0)
    assert "Traceback" in call("runs").err


@pytest.mark.parametrize(
    "command",
    [
        ["leaks"],
        ["import", "b.csv"],
        ["run", "--", "true"],
        ["db", "upgrade"],
        ["db", "status"],
        ["annotate", "x"],
    ],
)
def test_folder_in_place_of_a_database(call, tmp_path, own_home, command):
    """A folder given as the database is refused in one line that says so."""
    ramp_csv(own_home / "b.csv", hours=1, mb_per_hour=0)
    words = (
        [*command[:2], "--db", tmp_path, *command[2:]]
        if command[0] == "db"
        else [command[0], "--db", tmp_path, *command[1:]]
    )
    answer = call(*words)
    assert answer.code == 2
    assert "is a folder: name the database file in it" in answer.last_line


def test_place_where_nothing_can_be_created(call, own_home):
    """A database that can't be created is one line with what to do."""
    ramp_csv(own_home / "b.csv", hours=1, mb_per_hour=0)
    for command in (
        ["import", "--db", "/proc/x.db", "b.csv"],
        ["db", "upgrade", "--db", "/proc/x.db"],
        ["run", "--db", "/proc/x.db", "--", "true"],
    ):
        answer = call(*command)
        assert (answer.code, "can't be created" in answer.last_line) == (2, True)
        assert "--db" in answer.last_line


def test_output_that_fills_up(call, histories):
    """A device without room is one line that names it."""
    answer = call("runs", "--db", histories, "-o", "/dev/full")
    assert (answer.code, "/dev/full: can't be written" in answer.last_line) == (2, True)
    nowhere = call("db", "backup", "--db", histories, "/surely/not/there.db")
    assert (nowhere.code, "there is no folder" in nowhere.last_line) == (2, True)
