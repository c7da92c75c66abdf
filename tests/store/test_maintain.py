from __future__ import annotations

import random
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta

import pytest
from store_kit import START, deque_of, ticks

from memmon.config import Settings, parse_database
from memmon.errors import ForeignStoreError, OutputError, StoreNotFoundError
from memmon.store.read import open_store
from memmon.store.read.sqlite_session import SqliteSession
from memmon.store.retention import prune
from memmon.store.upkeep import maintenance


def execute(path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.fixture
def recorded(store):
    store.add_run(ticks(500, deques=lambda n: [deque_of("q", n // 3)]))
    return store


def test_check_proves_every_snapshot_of_a_whole_store(recorded):
    """A whole store has no problems, also after old snapshots were folded away, and every row is proved."""
    found = maintenance.check(recorded.database)
    assert found.is_ok
    assert found.proved_count == 500
    settings = Settings(raw_days=1)
    prune.apply(recorded.database, settings, now=START + timedelta(days=2), pause_seconds=0)
    after = maintenance.check(recorded.database)
    assert after.is_ok
    assert 0 < after.proved_count < 500


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE snapshot SET rss_bytes = rss_bytes + 1 WHERE seq = 77", "snapshot 77 of run 1"),
        ("UPDATE reading SET value = value + 1 WHERE seq = 7", "readings of snapshot 7 of run 1"),
        ("DELETE FROM reading WHERE seq = 10", "readings of snapshot 10 of run 1"),
        ("UPDATE run SET source_id = 99", "refers to a row of source that is not there"),
        ("UPDATE alembic_version SET version_num = '0001'", "the schema is 0001"),
    ],
)
def test_check_finds_what_was_changed(recorded, statement, said):
    """A value that changed by a single one, a reading that went, a reference to nothing: each is named."""
    execute(recorded.path, statement)
    found = maintenance.check(recorded.database)
    assert not found.is_ok
    assert any(said in problem for problem in found.problems), found.problems


def test_check_names_damaged_pages(recorded):
    """Pages of garbage are problems, not an exception."""
    with recorded.path.open("r+b") as file:
        file.seek(recorded.path.stat().st_size // 2)
        file.write(random.Random(1).randbytes(4096 * 3))
    assert not maintenance.check(recorded.database).is_ok


def test_backup_is_a_whole_store_of_its_own(recorded, tmp_path):
    """A copy made while a recorder writes is whole, private, needs no side files, and is never laid over a file."""
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.wait(0.005):
            recorded.add_run(ticks(20), source="busy")

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        report = maintenance.backup(recorded.database, tmp_path / "copy.db")
    finally:
        stop.set()
        writer.join()
    assert report.path == tmp_path / "copy.db"
    assert report.size_bytes == report.path.stat().st_size
    assert report.path.stat().st_mode & 0o777 == 0o600
    assert maintenance.check(parse_database(report.path)).is_ok
    assert len(open_store(report.path).snapshots("bot")) == 500
    assert [one.name for one in tmp_path.glob("copy*")] == ["copy.db"]
    with pytest.raises(OutputError, match="exists already"):
        maintenance.backup(recorded.database, report.path)
    with pytest.raises(OutputError, match="can't be written"):
        maintenance.backup(recorded.database, recorded.path / "no folder" / "copy.db")


def test_backup_removes_and_replaces_no_file_that_it_did_not_make(recorded, tmp_path, monkeypatch):
    """Neither a file of the copy's name with `.part`, nor one that appears at the target meanwhile, is touched."""
    other = tmp_path / "copy.db.part"
    other.write_text("mine")
    maintenance.backup(recorded.database, tmp_path / "copy.db")
    assert other.read_text() == "mine"
    target = tmp_path / "second.db"
    copy = maintenance._copy

    def overtaken(path, part):
        copy(path, part)
        target.write_text("another's")

    monkeypatch.setattr(maintenance, "_copy", overtaken)
    with pytest.raises(OutputError, match="second"):
        maintenance.backup(recorded.database, target)
    assert target.read_text() == "another's"
    assert not list(tmp_path.glob(".*"))


def test_vacuum_gives_room_back(recorded):
    """What was deleted no longer takes room, all rows stay, and retention can shrink the file in steps afterwards."""
    recorded.add_run(ticks(4000, start=START + timedelta(days=3), deques=lambda n: [deque_of("q", n)]))
    execute(recorded.path, "DELETE FROM reading WHERE run_id = 2")
    execute(recorded.path, "DELETE FROM snapshot WHERE run_id = 2")
    report = maintenance.vacuum(recorded.database)
    assert report.after_bytes < report.before_bytes / 2
    assert len(open_store(recorded.path).snapshots()) == 500
    with closing(sqlite3.connect(recorded.path)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_status_counts_and_measures(recorded):
    """The status has the schema, rows, sizes, and what was moved aside here."""
    aside = recorded.path.with_name("memmon.db.corrupt-20260301T000000Z")
    aside.touch()
    aside.with_name(f"{aside.name}-wal").touch()
    found = maintenance.status(recorded.database)
    assert found.row_count["snapshot"] == 500
    assert found.row_count["run"] == 1
    assert found.file_bytes == recorded.path.stat().st_size
    assert found.aside_paths == (aside,)


def test_maintain_leaves_foreign_files_alone(tmp_path):
    """Nothing is checked, copied or vacuumed that is another program's, and nothing is created."""
    foreign = tmp_path / "foreign.db"
    execute(foreign, "CREATE TABLE t (x)")
    before = foreign.read_bytes()
    for work in (maintenance.check, maintenance.vacuum, maintenance.status):
        with pytest.raises(ForeignStoreError):
            work(parse_database(foreign))
        with pytest.raises(StoreNotFoundError):
            work(parse_database(tmp_path / "absent.db"))
    with pytest.raises(ForeignStoreError):
        maintenance.backup(parse_database(foreign), tmp_path / "copy.db")
    assert foreign.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["foreign.db"]


def test_check_reads_each_row_once_however_many_runs_there_are(store, monkeypatch):
    """The rows that a check fetches grow with the rows there are: twice the runs, twice the rows."""
    fetched = []
    rows, head = SqliteSession.rows, SqliteSession.head

    def count_rows(self, *args):
        found = rows(self, *args)
        fetched.append(len(found))
        return found

    def count_head(self, *args, **more):
        names, found = head(self, *args, **more)
        fetched.append(len(found))
        return names, found

    monkeypatch.setattr(SqliteSession, "rows", count_rows)
    monkeypatch.setattr(SqliteSession, "head", count_head)
    costs = []
    for _ in range(2):
        for _ in range(20):
            store.add_run(ticks(5))
        fetched.clear()
        assert maintenance.check(store.database).is_ok
        costs.append(sum(fetched))
    assert costs[1] <= 2.5 * costs[0]
    assert costs[1] <= 40 * (5 + 1) + 10
