from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest
from store_kit import START, deque_of, ticks

from memmon.config import Settings
from memmon.errors import OutputError, StoreDamagedError, StoreNotFoundError
from memmon.model import EventRecord
from memmon.store.read import open_store
from memmon.store.retention import prune
from memmon.store.salvage import salvage
from memmon.store.write.writer import RunEnd

PAGE = 4096
TABLES = ("source", "run", "series", "snapshot", "reading", "rollup", "reading_rollup", "event")


def rows_of(path) -> dict[str, set]:
    """Return all rows by table, without the checksums: these are of what is there."""
    found = {}
    with closing(sqlite3.connect(path)) as connection:
        for name in TABLES:
            columns = [
                row[1] for row in connection.execute(f"PRAGMA table_info({name})") if row[1] != "digest"
            ]
            found[name] = set(connection.execute(f"SELECT {', '.join(columns)} FROM {name}"))
    return found


def total(rows: dict[str, set]) -> int:
    return sum(len(found) for found in rows.values())


@pytest.fixture(scope="module")
def whole(tmp_path_factory, empty_store):
    """A store of a few hundred pages: three runs, 24 deques, events, rollups of the first days."""
    from store_kit import StoreMaker

    path = tmp_path_factory.mktemp("whole") / "memmon.db"
    shutil.copy(empty_store, path)
    store = StoreMaker(path)
    rng = random.Random(7)
    for run in range(3):
        size = 1000
        lengths = [[rng.randrange(1000)] * size for _ in range(24)]
        for row in lengths:
            for n in range(1, size):
                row[n] = rng.randrange(1000) if rng.random() < 0.25 else row[n - 1]
        start = START + timedelta(days=4 * run)
        store.add_run(
            ticks(
                size,
                start=start,
                rss_mb=lambda n: 100 + rng.random() * 50,
                deques=lambda n, rows=lengths: [deque_of(f"d{k}", rows[k][n]) for k in range(24)],
            ),
            source=f"bot{run % 2}",
            release=f"1.{run}",
            events=[
                EventRecord(at=start + timedelta(minutes=n), sequence=n + 1, kind="gc", text="x" * 40)
                for n in range(50)
            ],
            end=RunEnd(at=start + timedelta(days=3.9), reason="stopped"),
        )
    now = START + timedelta(days=12)
    prune.apply(store.database, Settings(raw_days=10), now=now, pause_seconds=0.0)
    return path


def damage(path, pages, how, rng) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            content = bytearray(file.read(PAGE))
            file.seek((page - 1) * PAGE)
            file.write(how(content, rng))


def garbage(content, rng) -> bytes:
    return rng.randbytes(PAGE)


def zeros(content, rng) -> bytes:
    return bytes(PAGE)


def half(content, rng) -> bytes:
    return bytes(content[: PAGE // 2]) + rng.randbytes(PAGE // 2)


def flips(content, rng) -> bytes:
    for _ in range(3):
        content[rng.randrange(PAGE)] ^= 1 << rng.randrange(8)
    return bytes(content)


def test_salvage_of_a_whole_store_brings_back_every_row(whole, tmp_path):
    """Nothing is lost, refused or rebuilt where nothing is damaged."""
    report = salvage(whole, tmp_path / "new.db")
    assert rows_of(tmp_path / "new.db") == rows_of(whole)
    assert report.damaged_page_count == 0
    assert not any(report.refused_count.values())
    assert not any(report.rebuilt_count.values())
    assert report.proved_count > 0.95 * report.total_count
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("how", [garbage, zeros, half, flips])
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_salvage_at_one_percent_damaged_pages(whole, tmp_path, how, seed):
    """With 1 % of the pages damaged at least 98 % of the recorded rows come back, and none is wrong."""
    rng = random.Random(seed)
    damaged = tmp_path / "damaged.db"
    shutil.copy(whole, damaged)
    page_count = damaged.stat().st_size // PAGE
    # Anywhere but in the few pages of the schema and the names, which have tests of their own.
    chosen = rng.sample(range(30, page_count + 1), max(1, round(page_count / 100)))
    damage(damaged, chosen, how, rng)
    before = damaged.read_bytes()
    salvage(damaged, tmp_path / "new.db")
    assert damaged.read_bytes() == before
    expected, found = rows_of(whole), rows_of(tmp_path / "new.db")
    assert total(found) >= 0.98 * total(expected)
    for name in ("snapshot", "reading", "rollup", "reading_rollup"):
        assert found[name] <= expected[name], name
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert len(open_store(tmp_path / "new.db").sources()) == 2
    again = salvage(tmp_path / "new.db", tmp_path / "again.db")
    assert rows_of(tmp_path / "again.db") == found
    assert not any(again.refused_count.values())


@pytest.mark.parametrize("page", [1, 2, 3, 4, 6, 9, 14, 20, 27])
def test_salvage_survives_the_loss_of_any_early_page(whole, tmp_path, page):
    """Without the head, or any page of the schema and the names, all that other pages hold still comes back."""
    damaged = tmp_path / "damaged.db"
    shutil.copy(whole, damaged)
    damage(damaged, [page], garbage, random.Random(page))
    salvage(damaged, tmp_path / "new.db")
    expected, found = rows_of(whole), rows_of(tmp_path / "new.db")
    for name in ("snapshot", "reading", "rollup", "reading_rollup"):
        assert found[name] <= expected[name], name
    assert total(found) >= 0.97 * total(expected)
    assert {row[:2] for row in found["run"]} == {row[:2] for row in expected["run"]}
    assert found["series"] == expected["series"]


def test_salvage_of_a_file_full_of_flipped_bits(whole, tmp_path):
    """However many bits flipped, no snapshot or rollup comes back wrong, and nine of ten come back."""
    rng = random.Random(11)
    expected = rows_of(whole)
    damaged = tmp_path / "damaged.db"
    shutil.copy(whole, damaged)
    size = damaged.stat().st_size
    with damaged.open("r+b") as file:
        for _ in range(300):
            place = rng.randrange(30 * PAGE, size)
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 1 << rng.randrange(8)]))
    report = salvage(damaged, tmp_path / "new.db")
    found = rows_of(tmp_path / "new.db")
    assert found["snapshot"] <= expected["snapshot"]
    assert found["rollup"] <= expected["rollup"]
    assert len(found["snapshot"]) > 0.9 * len(expected["snapshot"])
    # Nearly half of the pages are broken: what could not be proved is counted, and little of it is wrong.
    wrong = found["reading"] - expected["reading"]
    assert len(wrong) <= 0.05 * report.unproved_count


def test_salvage_of_a_truncated_file(whole, tmp_path):
    """What is left of a file that was cut in the middle of a page comes back."""
    damaged = tmp_path / "damaged.db"
    shutil.copy(whole, damaged)
    os.truncate(damaged, damaged.stat().st_size * 2 // 3 + 1000)
    salvage(damaged, tmp_path / "new.db")
    expected, found = rows_of(whole), rows_of(tmp_path / "new.db")
    assert found["snapshot"] <= expected["snapshot"]
    assert found["reading"] <= expected["reading"]
    assert total(found) > 0.45 * total(expected)


def test_salvage_takes_what_the_wal_had_committed(store, tmp_path):
    """Committed transactions that were not yet folded into the file come back, torn ones do not."""
    with closing(sqlite3.connect(store.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM source").fetchall()
        store.add_run(ticks(40, deques=lambda n: [deque_of("q", n)]))
        damaged = tmp_path / "damaged.db"
        shutil.copy(store.path, damaged)
        shutil.copy(f"{store.path}-wal", f"{damaged}-wal")
        expected = rows_of(store.path)
    assert len(expected["snapshot"]) == 40
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link.db").symlink_to(damaged)
    for number, path in enumerate((damaged, tmp_path / "folder" / "link.db")):
        salvage(path, tmp_path / f"new-{number}.db")
        assert rows_of(tmp_path / f"new-{number}.db") == expected
    wal = tmp_path / "damaged.db-wal"
    os.truncate(wal, wal.stat().st_size - 10)
    with pytest.raises(StoreDamagedError):
        salvage(damaged, tmp_path / "torn.db")


def test_salvage_never_brings_back_what_was_deleted(store, tmp_path):
    """Rows that retention folded away stay away, although their old pages still hold them."""
    store.add_run(ticks(2000, deques=lambda n: [deque_of("q", n)]))
    now = START + timedelta(days=100)
    prune.apply(store.database, Settings(), now=now, pause_seconds=0.0)
    expected = rows_of(store.path)
    assert not expected["snapshot"]
    salvage(store.path, tmp_path / "new.db")
    assert rows_of(tmp_path / "new.db") == expected
    damage(store.path, [1, 2], garbage, random.Random(1))
    salvage(store.path, tmp_path / "headless.db")
    found = rows_of(tmp_path / "headless.db")
    assert not found["snapshot"]
    assert found["rollup"] == expected["rollup"]


def test_salvage_refuses_what_it_can_not_do(whole, tmp_path):
    """An existing target, an absent file, and a file with nothing in it are each told apart."""
    with pytest.raises(OutputError, match="exists already"):
        salvage(whole, whole)
    with pytest.raises(StoreNotFoundError):
        salvage(tmp_path / "absent.db", tmp_path / "new.db")
    for content in (b"", b"no database at all" * 1000, os.urandom(100_000)):
        (tmp_path / "odd.db").write_bytes(content)
        with pytest.raises(StoreDamagedError):
            salvage(tmp_path / "odd.db", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_salvage_that_was_killed_can_be_run_again(whole, tmp_path):
    """Whatever a kill leaves behind, the target does not exist before it is whole."""
    import memmon.store.salvage as package

    program = (
        "import os, pathlib, sys, memmon.store.salvage as package\n"
        "write = package.write_rows\n"
        "package.write_rows = lambda *a: (write(*a), os.kill(os.getpid(), 9))\n"
        "package.salvage(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))\n"
    )
    target = tmp_path / "new.db"
    done = subprocess.run([sys.executable, "-P", "-c", program, whole, target], check=False)
    assert done.returncode == -9
    assert not target.exists()
    report = package.salvage(whole, target)
    assert report.row_count["snapshot"] == len(rows_of(target)["snapshot"]) > 0
    assert not target.with_name("new.db-wal").exists()
    assert target.stat().st_mode & 0o777 == 0o600


def test_salvaged_store_records_on(whole, tmp_path):
    """A recorder goes on writing into what was salvaged."""
    from store_kit import StoreMaker

    salvage(whole, tmp_path / "new.db")
    maker = StoreMaker(tmp_path / "new.db")
    maker.run_count = 90
    run_id = maker.add_run(ticks(3), source="bot0")
    counts = {one.run_id: one.snapshot_count for one in open_store(tmp_path / "new.db").runs("bot0")}
    assert counts[run_id] == 3
