"""What `memmon doctor` says of a database that can't be written, or of a configuration that can't be read."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from memmon.cli.diagnosis import mark
from memmon.cli.diagnosis_access import permissions
from memmon.config import parse_database
from memmon.errors import StoreBusyError, StoreError
from memmon.store.connect.trial import require_trial
from memmon.store.upkeep.migrate import upgrade

NOBODY, OTHER = 65534, 65533
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to other users")

DOCTOR = """
import contextlib, io, json, os, pwd, shlex, sys
import pandas, memmon.history, sqlalchemy.dialects.sqlite
from memmon.cli.app import main
def doctor(path):
    out = io.TextIOWrapper(io.BytesIO(), encoding='utf-8')
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main(["doctor", "--json", "--db", path])
    out.flush()
    return out.buffer.getvalue().decode()
doctor(sys.argv[2])
if int(sys.argv[3]):
    os.setgroups([]); os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[3]))
print(doctor(sys.argv[1]))
"""


@pytest.fixture
def path(tmp_path):
    """A database of an ordinary user's in a folder of his own."""
    folder = Path(tempfile.mkdtemp(prefix="memmon-doctor-"))
    folder.chmod(0o755)
    upgrade(parse_database(str(folder / "m.db")))
    if os.geteuid() == 0:
        for one in (folder, *folder.iterdir()):
            os.chown(one, NOBODY, NOBODY)
    yield folder / "m.db"
    folder.chmod(0o755)
    shutil.rmtree(folder)


def doctor(path, user=NOBODY):
    """What is not ok, as that user is told: (state, subject, finding, advice)."""
    warm = Path(f"{path}.warm")
    upgrade(parse_database(str(warm)))
    done = subprocess.run(
        [sys.executable, "-c", DOCTOR, str(path), str(warm), str(user if os.geteuid() == 0 else 0)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    told = found["diagnoses"]
    has_problem = any(one["state"] == "problem" for one in told)
    assert found["exit_code"] == int(has_problem)
    return [
        (one["state"], one["subject"], f"{one['finding']} {one['advice']}")
        for one in told
        if one["subject"] in {"permissions", "writing", "database"}
    ]


def test_a_database_that_can_be_written(path):
    """It was tried, and nothing is left or changed by that."""
    before = path.read_bytes()
    assert [(state, subject) for state, subject, _ in doctor(path)] == [("ok", "writing"), ("ok", "database")]
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o444, 0o400, 0o000])
def test_a_database_that_is_read_only(path, mode):
    """Its owner is told the command that mends it, and nobody that it can be written."""
    path.chmod(mode)
    told = doctor(path)
    (found,) = [text for state, subject, text in told if state == "problem" and subject == "permissions"]
    assert f"is read-only (mode {mode:04o}): `chmod u+rw {path}`" in found
    assert "writing" not in [subject for _, subject, _ in told]


@needs_root
def test_root_is_told_that_the_owner_may_not_write(path):
    """Root could write it; who records may not, and that is what is asked."""
    path.chmod(0o444)
    assert any("its owner may not write" in text for state, _, text in doctor(path, 0) if state == "problem")


@pytest.mark.parametrize("suffix", ["-shm", "-wal"])
def test_a_file_left_read_only_by_its_owner(path, suffix):
    """It is named with the command, and that memmon mends it itself; then it is mended."""
    side = path.with_name(path.name + suffix)
    side.touch()
    side.chmod(0o444)
    if os.geteuid() == 0:
        os.chown(side, NOBODY, NOBODY)
    told = doctor(path)
    (text,) = [text for state, _, text in told if state == "note" and str(side) in text]
    assert "it is mended before the next write" in text
    assert f"`chmod 0600 {side}`" in text
    assert ("ok", "writing") in [(state, subject) for state, subject, _ in told]
    assert not side.exists() or stat.S_IMODE(side.stat().st_mode) == 0o600


@needs_root
@pytest.mark.parametrize(
    ("user", "suffix"),
    [
        (NOBODY, "-shm"),
        (0, "-wal"),
        pytest.param(NOBODY, "-wal", marks=pytest.mark.slow),
        pytest.param(0, "-shm", marks=pytest.mark.slow),
    ],
)
def test_a_file_left_by_another_user(path, suffix, user):
    """It is a problem, for the one who records and for root who looks: whose it is, and the command that mends it."""
    side = path.with_name(path.name + suffix)
    side.touch()
    side.chmod(0o444)
    os.chown(side, OTHER, OTHER)
    (text,) = [text for state, _, text in doctor(path, user) if state == "problem" and str(side) in text]
    assert f"{side} belongs to user {OTHER} (mode 0444)" in text
    subprocess.run(["/bin/sh", "-c", text.split("`")[1]], check=True)
    assert [state for state, _, _ in doctor(path, user)] == ["ok", "ok"]


def test_a_folder_that_is_read_only(path):
    """A folder in which SQLite can make no files is a problem."""
    warm = Path(f"{path}.warm")
    upgrade(parse_database(str(warm)))
    path.parent.chmod(0o555)
    (text,) = [
        text for state, subject, text in doctor(path) if state == "problem" and subject == "permissions"
    ]
    assert f"{path.parent} may not be written by" in text


@needs_root
def test_a_folder_that_may_not_be_entered(path):
    """A database behind a closed folder is not called absent, and nothing breaks."""
    path.parent.chmod(0o700)
    told = doctor(path, OTHER)
    assert any("can't be looked at by this user" in text for state, _, text in told if state == "problem")
    assert not any("none yet" in text for _, _, text in told)


def test_a_folder_in_the_place_of_a_database(tmp_path):
    """A folder that is named by mistake is said to be one: nobody is told to change its mode."""
    tmp_path.chmod(0o1777)
    found = list(permissions(tmp_path))
    assert found == []


def test_the_mark_in_the_environment(monkeypatch):
    """That programs started from here would record nothing is a problem, with what to do."""
    assert list(mark()) == []
    monkeypatch.setenv("MEMMON_CHILD", "1")
    (found,) = mark()
    assert found.state == "problem"
    assert found.advice.startswith("unset MEMMON_CHILD")


def test_a_trial_meets_a_lock_and_a_full_disk(path, monkeypatch):
    """A writer at work is no fault; what SQLite refuses for another reason is told with its words."""
    database = parse_database(str(path))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("memmon.store.connect.trial._WAIT_SECONDS", 0.0)
        with pytest.raises(StoreBusyError, match="is being written"):
            require_trial(database)
        other.execute("ROLLBACK")
    require_trial(database)
    monkeypatch.setattr("memmon.store.connect.trial.sqlite_uri", lambda one, mode: f"file:{one}?mode=ro")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=DELETE")
    with pytest.raises(StoreError, match="can't be written: attempt to write a readonly database"):
        require_trial(database)


def test_a_configuration_that_is_not_read(tmp_path, monkeypatch, path, call):
    """A default file that is there and can't be read is one note, in doctor and beside the settings."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "memmon" / "memmon.toml").mkdir(parents=True)
    found = call("doctor", "--db", path, "--json").json["diagnoses"]
    (note,) = [one for one in found if one["subject"] == "configuration"]
    assert note["state"] == "note"
    assert "can't be read (Is a directory)" in note["finding"]
    assert "note: " in call("config", "show", "--db", path).out
    assert "can't be read" in call("config", "show", "--db", path, "--json").json["configuration_note"]
    (tmp_path / "memmon" / "memmon.toml").rmdir()
    assert "note: " not in call("config", "show", "--db", path).out
