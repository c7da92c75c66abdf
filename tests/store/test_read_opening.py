from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from store_kit import ticks

from memmon.errors import (
    ForeignStoreError,
    StoreBusyError,
    StoreDamagedError,
    StoreNotFoundError,
    StorePermissionError,
    StoreTooNewError,
    StoreTooOldError,
)
from memmon.store.read import open_store, sqlite_session

NOBODY = 65534


def test_open_says_where_it_looked_and_what_else_there_is(tmp_path, monkeypatch):
    """A database that is not there: the message has the path, the variable and what was found instead."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "other.db").touch()
    (tmp_path / "state" / "memmon").mkdir(parents=True)
    (tmp_path / "state" / "memmon" / "memmon.db").touch()
    with pytest.raises(StoreNotFoundError) as caught:
        open_store(tmp_path / "absent.db")
    message = str(caught.value)
    assert str(tmp_path / "absent.db") in message
    assert "MEMMON_DATABASE_URL" in message
    assert str(tmp_path / "other.db") in message
    assert str(tmp_path / "state" / "memmon" / "memmon.db") in message
    assert not (tmp_path / "absent.db").exists()
    with pytest.raises(StoreNotFoundError):
        open_store(tmp_path / "no" / "such" / "folder.db")


def test_open_without_a_name_takes_the_settings(store, monkeypatch):
    """Without an argument the environment's database is read."""
    store.add_run(ticks(1))
    monkeypatch.setenv("MEMMON_DATABASE_URL", f"sqlite:///{store.path}")
    with open_store() as reader:
        assert [one.name for one in reader.sources()] == ["bot"]


def test_open_refuses_what_is_not_memmons(tmp_path):
    """Another program's database, a text file, an empty file and a folder are each told apart, and left as they were."""
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE t (x)")
    before = foreign.read_bytes()
    with pytest.raises(ForeignStoreError):
        open_store(foreign)
    assert foreign.read_bytes() == before
    text = tmp_path / "notes.db"
    text.write_text("these are notes, and long enough to have a header")
    with pytest.raises(StoreDamagedError):
        open_store(text)
    empty = tmp_path / "empty.db"
    empty.touch()
    with pytest.raises(StoreNotFoundError, match="empty"):
        open_store(empty)
    with pytest.raises(StoreNotFoundError, match="folder"):
        open_store(tmp_path)


@pytest.mark.parametrize(("revision", "error"), [("0000", StoreTooOldError), ("9999", StoreTooNewError)])
def test_open_tells_an_older_from_a_newer_schema(store, revision, error):
    """A schema that this version does not read is refused with the way out of it."""
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.commit()
    with pytest.raises(error, match=revision):
        open_store(store.path)


def test_open_tells_of_damage(store):
    """A page of garbage is named as damage, with the command that salvages."""
    store.add_run(ticks(200))
    with store.path.open("r+b") as file:
        file.seek(4096 + 100)
        file.write(os.urandom(store.path.stat().st_size - 8192))
    with pytest.raises(StoreDamagedError, match="salvage"):
        open_store(store.path).snapshots("bot")


def test_open_tells_of_damage_that_sqlite_can_not_name(store):
    """A schema whose names are no text any more is damage like any other."""
    content = store.path.read_bytes()
    store.path.write_bytes(content.replace(b"CREATE TABLE", b"CREATE T\xff\xfeLE"))
    with pytest.raises(StoreDamagedError, match="salvage"):
        open_store(store.path)


def test_open_waits_no_longer_than_it_says(store, monkeypatch):
    """A database that another process holds exclusively is reported as busy."""
    monkeypatch.setattr(sqlite_session, "BUSY_TIMEOUT_SECONDS", 0.05)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as holder:
        holder.execute("PRAGMA journal_mode=DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusyError, match="locked"):
            open_store(store.path)


def test_open_for_reading_loads_neither_sqlalchemy_nor_pandas(store):
    """A report's reads of a file need numpy and sqlite3 alone."""
    store.add_run(ticks(3))
    code = (
        "import sys; from memmon.store.read import open_store\n"
        f"reader = open_store({str(store.path)!r}); reader.history(); reader.window_statistics(); reader.runs()\n"
        "print([name for name in ('sqlalchemy', 'pandas', 'alembic', 'scipy') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def _as_nobody(code: str) -> str:
    """Run Python code in a child that is no privileged user; return what it printed."""
    # Imported before: the interpreter's own folder may be closed to that user.
    drop = (
        "import os, pandas, memmon.history\nfrom memmon.store.read import open_store\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
    )
    found = subprocess.run([sys.executable, "-c", drop + code], capture_output=True, text=True, check=False)
    return found.stdout.strip() or found.stderr.strip().splitlines()[-1]


@pytest.fixture
def shared_folder():
    """A folder that every user may enter and only its owner may write; each start of pytest closes its own anew."""
    folder = Path(tempfile.mkdtemp(prefix="memmon-shared-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


_READ = "print(len(open_store({path!r}).snapshots('bot')))"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_open_as_another_user_reads_and_leaves_nothing(store, shared_folder):
    """A user who may only read gets all rows, and no side file appears; one who may not is told how to be allowed."""
    store.add_run(ticks(7))
    path = shared_folder / "memmon.db"
    shutil.copy(store.path, path)
    path.chmod(0o644)
    assert _as_nobody(_READ.format(path=str(path))) == "7"
    assert sorted(one.name for one in shared_folder.iterdir()) == ["memmon.db"]
    path.chmod(0o600)
    refused = _as_nobody(_READ.format(path=str(path)))
    assert "StorePermissionError" in refused
    assert "file_mode" in refused


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_open_as_another_user_while_the_owner_writes(store, shared_folder):
    """A reader without permission to write sees whole states only, while flushes come and go under it."""
    path = shared_folder / "memmon.db"
    shutil.copy(store.path, path)
    path.chmod(0o644)
    maker = type(store)(path)
    maker.add_run(ticks(50))
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.wait(0.002):
            maker.add_run(ticks(50), source="busy")

    writer = threading.Thread(target=keep_writing)
    writer.start()
    code = (
        f"reader = open_store({str(path)!r})\n"
        "print({len(reader.snapshots('bot')) for _ in range(40)}, len(reader.snapshots('busy')) % 50)"
    )
    try:
        assert _as_nobody(code) == "{50} 0"
    finally:
        stop.set()
        writer.join()


def test_open_reads_again_when_the_file_changed_under_it(store, monkeypatch):
    """An immutable read during which the file changed is thrown away and made again."""
    store.add_run(ticks(3))
    monkeypatch.setattr(sqlite_session.SqliteGate, "_must_be_immutable", lambda self: True)
    reader = open_store(store.path)
    calls = []

    def work(session):
        calls.append(1)
        if len(calls) == 1:
            os.utime(store.path, ns=(1, 1))
        return session.rows("SELECT count(*) FROM snapshot")

    assert reader._gate.read(work) == [(3,)]
    assert len(calls) == 2


def test_open_permission_is_told_for_a_folder_that_may_not_be_entered(store, monkeypatch):
    """An unreadable path is a matter of permission, not of absence."""

    def refuse(*_args, **_more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(store.path), "open", refuse)
    with pytest.raises(StorePermissionError):
        open_store(store.path)
