"""What damage is found in a file that SQLite calls read-only or of another format."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from memmon.config import parse_database
from memmon.errors import ForeignStoreError, StoreDamagedError
from memmon.recorder.store_faults import Fault, classify, may_be_damage
from memmon.store.upkeep.integrity import find_damage, head_fault
from memmon.store.upkeep.migrate import upgrade


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    path = tmp_path_factory.mktemp("healthy") / "h.db"
    upgrade(parse_database(str(path)))
    return path


def changed(healthy, tmp_path, at, value):
    path = tmp_path / "c.db"
    shutil.copy(healthy, path)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(value)
    return parse_database(str(path))


def test_nothing_is_found_where_nothing_is(healthy, tmp_path):
    """A healthy, an absent and an empty file are not damaged."""
    assert find_damage(parse_database(str(healthy))) is None
    assert find_damage(parse_database(str(tmp_path / "absent.db"))) is None
    assert head_fault(b"") is None


@pytest.mark.parametrize(
    ("at", "value", "word"),
    [
        (0, b"garbage", "begin"),
        (16, b"\x00\x07", "page size"),
        (18, b"\x09", "versions"),
        (47, b"\x77", "format"),
    ],
)
def test_a_damaged_head(healthy, tmp_path, at, value, word):
    """Each field of the head that SQLite reports as something else is told."""
    assert word in find_damage(changed(healthy, tmp_path, at, value))


def test_a_damaged_schema(healthy, tmp_path):
    """A column whose name was hit is missed."""
    at = healthy.read_bytes().index(b"vms_bytes")
    assert "vms_bytes" in find_damage(changed(healthy, tmp_path, at, b"vmz_bytes"))


def test_a_page_of_the_schema(healthy, tmp_path):
    """A schema that can't be parsed is damage, too."""
    assert find_damage(changed(healthy, tmp_path, 100, b"\xff" * 2000)) is not None


def test_another_program_s_file_is_no_damage(tmp_path):
    """A foreign database is foreign, one with memmon's tables and another mark is damaged."""
    from memmon.store.connect.engine import refuse_foreign

    with closing(sqlite3.connect(tmp_path / "f.db")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        with pytest.raises(ForeignStoreError):
            refuse_foreign(connection)
        for name in ("alembic_version", "source", "run", "series", "snapshot", "reading"):
            connection.execute(f"CREATE TABLE {name} (x)")
        with pytest.raises(StoreDamagedError):
            refuse_foreign(connection)


def sqlite_error(code, kind=sqlite3.OperationalError):
    error = kind("it failed")
    error.sqlite_errorcode = code
    return error


def test_classes_of_trouble(tmp_path):
    """Each kind of error has its name, and a file that ends too early is damaged, not unreachable."""
    path = tmp_path / "x.db"
    assert classify(sqlite_error(sqlite3.SQLITE_CANTOPEN), path) is Fault.MISSING
    path.touch()
    assert classify(sqlite_error(sqlite3.SQLITE_CANTOPEN), path) is Fault.UNREACHABLE
    assert classify(sqlite_error(sqlite3.SQLITE_BUSY), path) is Fault.BUSY
    assert classify(sqlite_error(sqlite3.SQLITE_FULL), path) is Fault.FULL
    assert classify(sqlite_error(sqlite3.SQLITE_IOERR_SHORT_READ), path) is Fault.DAMAGED
    assert classify(sqlite_error(sqlite3.SQLITE_IOERR_WRITE), path) is Fault.UNREACHABLE
    assert classify(sqlite_error(sqlite3.SQLITE_NOTADB), path) is Fault.DAMAGED
    assert classify(OSError(28, "no space"), path) is Fault.FULL
    assert classify(OSError(30, "read-only"), path) is Fault.READONLY
    assert classify(PermissionError(13, "denied"), path) is Fault.READONLY
    assert classify(ValueError("anything"), None) is Fault.UNREACHABLE


def test_what_may_be_damage(tmp_path):
    """Only a file that may be written and says otherwise, or knows a statement no more, is worth a look."""
    path = tmp_path / "x.db"
    path.touch()
    assert may_be_damage(sqlite_error(sqlite3.SQLITE_READONLY), Fault.READONLY, path)
    assert may_be_damage(sqlite_error(sqlite3.SQLITE_ERROR), Fault.UNREACHABLE, path)
    assert not may_be_damage(sqlite_error(sqlite3.SQLITE_IOERR), Fault.UNREACHABLE, path)
    assert not may_be_damage(sqlite_error(sqlite3.SQLITE_BUSY), Fault.BUSY, path)
    assert not may_be_damage(sqlite_error(sqlite3.SQLITE_READONLY), Fault.READONLY, None)


def test_damage_that_no_head_shows(healthy, tmp_path):
    """Pages in the middle that were overwritten are found by a look at all pages, and by that alone."""
    path = tmp_path / "m.db"
    shutil.copy(healthy, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO source (id, name, created_ms) VALUES (1, 'bot', 0)")
        connection.execute("INSERT INTO run (id, uuid, source_id, started_ms) VALUES (1, 'u', 1, 0)")
        connection.execute("INSERT INTO series VALUES (1, 1, 'deque', 'd', 'length')")
        connection.executemany("INSERT INTO reading VALUES (1, 1, ?, ?)", ((n, n * n) for n in range(20_000)))
    database = parse_database(str(path))
    assert find_damage(database, in_all_pages=True) is None
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(random.Random(1).randbytes(20_000))
    assert find_damage(database) is None
    assert find_damage(database, in_all_pages=True)


def test_damage_in_any_page_that_is_used(healthy, tmp_path):
    """Whichever page of rows, or of the way to them, is overwritten: it is found."""
    path = tmp_path / "p.db"
    shutil.copy(healthy, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        with connection:
            connection.execute("INSERT INTO source (id, name, created_ms) VALUES (1, 'bot', 0)")
            connection.execute("INSERT INTO run (id, uuid, source_id, started_ms) VALUES (1, 'u', 1, 0)")
            connection.execute("INSERT INTO series VALUES (1, 1, 'deque', 'd', 'length')")
            connection.executemany(
                "INSERT INTO reading VALUES (1, 1, ?, ?)", ((n, n * n) for n in range(100_000))
            )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    page_bytes = int.from_bytes(whole[16:18], "big")
    used = [
        at
        for at in range(page_bytes, len(whole), page_bytes)
        if whole[at] in {0x02, 0x05, 0x0A, 0x0D} and whole[at + 3 : at + 5] != b"\0\0"
    ]
    interior = [at for at in used if whole[at] in {0x02, 0x05}]
    assert interior
    for at in interior + random.Random(2).sample(used, 12):
        path.write_bytes(whole[:at] + random.Random(at).randbytes(page_bytes) + whole[at + page_bytes :])
        assert find_damage(parse_database(str(path)), in_all_pages=True), at
