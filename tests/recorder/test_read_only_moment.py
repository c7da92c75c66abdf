"""A database that may not be written for a moment: nothing is lost, and writing resumes at once.

Root is not hindered by modes: what records is a real process of an ordinary user.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from memmon.config import parse_database
from memmon.errors import StorePermissionError
from memmon.recorder.store_faults import Fault, classify, may_be_damage
from memmon.store.connect import access
from memmon.store.read import open_store
from memmon.store.upkeep.migrate import upgrade

NOBODY = 65534
IS_ROOT = os.geteuid() == 0
OTHER = 65533
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root gives files to other users")

# The interpreter's own folder may be closed to that user: all is loaded and used once before.
HOST = """
import json, os, pwd, shlex, sqlite3, sys, tempfile
from contextlib import closing
from memmon import Recorder
from memmon.config import parse_database
from memmon.store.connect.engine import write_engine
path, user, first = sys.argv[1], int(sys.argv[2]), sys.argv[3]
warm = Recorder(first, source="warm", leak_check=False, daily_report=False)
warm.take_snapshot(); warm.flush(60); warm.stop(5)
pwd.getpwuid(0)
if user >= 0:
    os.setgroups([]); os.setgid(user); os.setuid(user)
kept, recorder = [], None
def record():
    global recorder
    if recorder is None:
        recorder = Recorder(path, source="moment", leak_check=False, daily_report=False)
    recorder.take_snapshot()
    stored = recorder.flush(20)
    return [stored, recorder.pending_count, recorder.status.last_error]
def again():
    global recorder
    recorder.stop(5)
    recorder = None
    return record()
def read(close=True):
    connection = sqlite3.connect(path)
    connection.execute("SELECT count(*) FROM snapshot").fetchone()
    connection.close() if close else kept.append(connection)
def read_and_keep():
    read(close=False)
def change(mode, name=""):
    os.chmod(path + name if not name.startswith("/") else os.path.dirname(path), mode)
for line in sys.stdin:
    name, *arguments = json.loads(line)
    print(json.dumps(globals()[name](*arguments)), flush=True)
recorder.stop(5)
"""


@dataclass
class Host:
    """A program that records, as an ordinary user."""

    process: subprocess.Popen
    path: object

    def __call__(self, name, *arguments):
        self.process.stdin.write(json.dumps([name, *arguments]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def rests(self) -> bool:
        """Wait until no connection is open any more: what a flush gave rise to is stored a moment later."""
        pause, quiet_count = threading.Event(), 0
        for _ in range(600):
            quiet_count = quiet_count + 1 if set(self.modes()) == {self.path.name} else 0
            if quiet_count == 10:  # between a flush and what it gave rise to it is quiet, too
                return True
            pause.wait(0.05)
        return False

    def modes(self):
        found = {}
        for one in self.path.parent.iterdir():
            with suppress(FileNotFoundError):  # a connection was closed meanwhile
                found[one.name] = stat.S_IMODE(one.stat().st_mode)
        return found


@pytest.fixture
def folder():
    """A folder of that user's, which others may enter (pytest's own is closed to them)."""
    base = Path(tempfile.mkdtemp(prefix="memmon-moment-"))
    base.chmod(0o755)
    if IS_ROOT:
        os.chown(base, NOBODY, NOBODY)
    yield base
    base.chmod(0o755)
    shutil.rmtree(base)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "empty.db"
    upgrade(parse_database(str(path)))
    return path


@pytest.fixture
def start(folder, empty, tmp_path):
    """Start programs that record into the folder's one database."""
    path = folder / "moment.db"
    shutil.copy(empty, path)
    if IS_ROOT:
        os.chown(path, NOBODY, NOBODY)
    started = []

    def start(user=NOBODY):
        first = tmp_path / f"warm-{len(started)}.db"
        shutil.copy(empty, first)
        process = subprocess.Popen(
            [sys.executable, "-c", HOST, str(path), str(user if IS_ROOT else -1), str(first)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        )
        started.append(process)
        return Host(process, path)

    yield start
    for process in started:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def stored_count(path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM snapshot").fetchone()[0]


STORED = [True, 0, None]


@pytest.mark.parametrize(
    ("mode", "reader"),
    [
        (0o444, "read"),
        (0o444, "read_and_keep"),
        (0o400, "read"),
        *((mode, "nobody") for mode in (0o444, 0o400, 0o000)),
        *(pytest.param(mode, "nobody", marks=pytest.mark.slow) for mode in (0o440, 0o200)),
    ],
)
def test_writing_resumes(start, mode, reader):
    """Once the mode is back, all that was held is stored at the next flush, and a second recorder stores at once, whoever read meanwhile."""
    host = start()
    assert host("record") == STORED
    # Else a connection that is opened in this very moment leaves a read-only `-shm` to the program's own
    # reader, and what one process has opened so it shares until that reader is closed.
    assert host.rests()
    host("change", mode)
    if reader != "nobody":
        host(reader)
    is_stored, held_count, error = host("record")
    assert (is_stored, held_count) == (False, 1)
    assert f"moment.db is read-only (mode {mode:04o}): `chmod u+rw " in error
    assert host("record")[:2] == [False, 2]
    host("change", 0o600)
    assert host("record") == STORED
    assert host("again") == STORED
    assert start()("record") == STORED
    assert set(host.modes().values()) == {0o600}
    assert stored_count(host.path) == 6


def test_no_side_file_is_made_while_it_is_read_only(start):
    """Memmon itself, writing or reading, leaves nothing beside a file that may not be written."""
    host = start()
    assert host("record") == STORED
    assert host.rests()
    host("change", 0o444)
    assert host("record")[0] is False
    with open_store(host.path) as store:
        assert [one.name for one in store.sources()] == ["moment"]
    assert set(host.modes()) == {"moment.db"}


def test_files_beside_it_made_read_only_as_well(start):
    """A change of the mode of all files, of which only the database's is taken back, is mended too; and so with a group's mode."""
    host = start()
    assert host("record") == STORED
    host("read_and_keep")
    assert set(host.modes()) == {"moment.db", "moment.db-wal", "moment.db-shm"}
    for name in ("", "-wal", "-shm"):
        host("change", 0o440, name)
    assert host("record")[0] is False
    host("change", 0o660)
    assert host("record") == STORED
    assert set(host.modes().values()) == {0o660}


@pytest.mark.parametrize("reader", ["read", "read_and_keep"])
def test_a_database_that_a_link_leads_to(start, reader):
    """The files beside it lie beside the file that the link leads to, and there they are mended."""
    host = start()
    real = host.path.parent / "elsewhere" / "real.db"
    real.parent.mkdir()
    host.path.rename(real)
    host.path.symlink_to(real)
    if IS_ROOT:
        os.chown(real.parent, NOBODY, NOBODY)
    assert host("record") == STORED
    host("change", 0o444)
    host(reader)
    assert host("record")[0] is False
    host("change", 0o600)
    assert host("record") == STORED
    assert {one.stat().st_mode & 0o777 for one in real.parent.iterdir()} == {0o600}
    assert stored_count(real) == 3


@pytest.mark.parametrize("mode", [0o555, 0o500])
def test_a_folder_that_was_read_only(start, folder, mode):
    """A folder in which nothing can be made is named, and once it is back all is stored."""
    host = start()
    assert host("record") == STORED
    assert host.rests()
    folder.chmod(mode)
    is_stored, held_count, error = host("record")
    assert (is_stored, held_count) == (False, 1)
    assert f"{folder} may not be written by " in error
    folder.chmod(0o755)
    assert host("record") == STORED
    assert stored_count(host.path) == 3


@needs_root
def test_an_owner_that_changed(start):
    """A file that was another user's for a moment: whose it is is told, and once it is back all is stored."""
    host = start()
    assert host("record") == STORED
    os.chown(host.path, 0, 0)
    is_stored, _, error = host("record")
    assert is_stored is False
    assert "belongs to root and may not be written by nobody (mode 0600)" in error
    os.chown(host.path, NOBODY, NOBODY)
    assert host("record") == STORED


@needs_root
@pytest.mark.parametrize("suffix", ["-shm", "-wal"])
def test_a_file_beside_it_that_is_another_users(start, suffix):
    """What another user left beside the database is not touched: the message has whose it is and the command, which mends it."""
    host = start()
    assert host("record") == STORED
    assert host.rests()
    side = host.path.with_name(f"moment.db{suffix}")
    side.touch()
    os.chown(side, OTHER, OTHER)
    side.chmod(0o444)
    is_stored, held_count, error = host("record")
    assert (is_stored, held_count) == (False, 1)
    assert f"{side} belongs to user {OTHER} and may not be written by nobody (mode 0444)" in error
    assert stat.S_IMODE(side.stat().st_mode) == 0o444
    command = error.split("`")[1]
    subprocess.run(["/bin/sh", "-c", command], check=True)
    assert host("record") == STORED


@needs_root
def test_a_file_system_mounted_read_only(start, folder):
    """A file system that is read-only for a moment is named so, and then all is stored."""
    if subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        host = start()
        assert host("record") == STORED
        assert host.rests()
        options = ["mount", "-o", "remount,bind,ro", folder]
        if subprocess.run(options, capture_output=True, check=False).returncode:
            pytest.skip("nothing can be mounted read-only here")
        is_stored, _, error = host("record")
        assert is_stored is False
        assert "mounted read-only" in error
        subprocess.run(["mount", "-o", "remount,bind,rw", folder], check=True)
        assert host("record") == STORED
        host.process.stdin.close()
        host.process.wait(30)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_link_beside_it_is_not_followed(tmp_path, monkeypatch):
    """Only a plain file is given another mode, and nothing that a link in its place leads to."""
    path, elsewhere = tmp_path / "m.db", tmp_path / "elsewhere"
    path.touch(mode=0o600)
    elsewhere.touch()
    elsewhere.chmod(0o400)
    (tmp_path / "m.db-shm").symlink_to(elsewhere)
    monkeypatch.setattr(access, "may_write", lambda one, **_more: one == path)
    access.repair_side_files(path)
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o400
    (tmp_path / "m.db-shm").unlink()
    elsewhere.rename(tmp_path / "m.db-shm")
    access.repair_side_files(path)
    assert stat.S_IMODE((tmp_path / "m.db-shm").stat().st_mode) == 0o600


def test_effective_ids_are_asked_for_only_where_they_differ(tmp_path, monkeypatch):
    """The plain question is put where both ids are the same: older containers refuse the other."""
    asked = []
    monkeypatch.setattr(
        os, "access", lambda path, access, *, effective_ids=False: asked.append(effective_ids) or True
    )
    monkeypatch.setattr(os, "supports_effective_ids", {os.access})
    access.may_write(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    access.may_write(tmp_path)
    assert asked == [False, True]


def test_what_is_known_is_no_damage(tmp_path):
    """A file that may not be written is not taken for a damaged one: no child looks into it."""
    path = tmp_path / "m.db"
    path.touch()
    error = StorePermissionError("moment.db is read-only")
    assert classify(error, path) is Fault.READONLY
    assert may_be_damage(error, Fault.READONLY, path) is False
