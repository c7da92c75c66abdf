"""Promise 6: damaged, removed, exchanged files, live and at start."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import deque
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fault_kit import integrity, rows, start_host, stored, torn_count, until

from memmon import Recorder
from memmon.clock import ManualClock
from memmon.config import parse_database
from memmon.model import DequeReading, Snapshot
from memmon.recorder.run_identity import new_run
from memmon.store.salvage import salvage
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, Writer

pytestmark = pytest.mark.faults


def cut(path, share):
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share))


def overwrite(path, begin, data):
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(data)


def flip(path, positions):
    data = bytearray(path.read_bytes())
    for at in positions:
        data[at] ^= 0x10
    overwrite(path, 0, data)


def exchange(path):
    """Another file at the same path, as a careless restore leaves it."""
    shutil.copy(path, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


NOISE = random.Random(3).randbytes(8192)
DAMAGE = {
    "emptied": lambda path: cut(path, 0.0),
    "garbage": lambda path: path.write_bytes(NOISE * 20),
    "text": lambda path: path.write_text("not a database\n" * 900),
    "magic overwritten": lambda path: overwrite(path, 0, NOISE[:16]),
    "head overwritten": lambda path: overwrite(path, 0, NOISE[:100]),
    "first page overwritten": lambda path: overwrite(path, 0, NOISE[:4096]),
    "application id lost": lambda path: overwrite(path, 68, b"\0\0\0\0"),
    "application id another": lambda path: overwrite(path, 68, b"\x12\x34\x56\x78"),
    "write version flipped": lambda path: overwrite(path, 18, b"\xff"),
    "schema format flipped": lambda path: overwrite(path, 47, b"\x99"),
    "a column's name flipped": lambda path: overwrite(
        path, path.read_bytes().index(b"rss_bytes"), b"rsS_bytez"
    ),
    "middle overwritten": lambda path: overwrite(path, path.stat().st_size // 2, NOISE),
    "all but the first page overwritten": lambda path: overwrite(
        path, 4096, (NOISE * 99)[: path.stat().st_size - 4096]
    ),
    "cut in half": lambda path: cut(path, 0.5),
    "cut by a byte": lambda path: cut(path, 0.9999),
    "40 bits flipped": lambda path: flip(path, random.Random(5).sample(range(4096, path.stat().st_size), 40)),
    "removed": lambda path: path.unlink(),
    "exchanged": exchange,
}


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A database with a history of 400 snapshots and 30 deques."""
    path = tmp_path_factory.mktemp("history") / "h.db"
    clock, kept = ManualClock(), {f"d{n}": deque(maxlen=99) for n in range(30)}
    recorder = Recorder(path, source="bot", clock=clock, gc_threshold_mb=0)
    recorder.register_deques(kept)
    for index in range(400):
        for one in list(kept.values())[: index % 30]:
            one.append(index)
        recorder.take_snapshot()
        clock.advance(300.0)
    assert recorder.flush(60.0)
    recorder.stop()
    return path


@pytest.mark.parametrize("when", ["live", "at start"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_damage(tmp_path, history, kind, when):
    """Whatever happens to the file, recording resumes by itself, and what was damaged is kept aside and named."""
    path = tmp_path / "d.db"
    shutil.copy(history, path)
    clock = ManualClock()
    recorder = Recorder(path, source="bot", clock=clock, gc_threshold_mb=0)
    kept = deque(maxlen=9)
    recorder.register_deque("kept", kept)
    if when == "live":
        recorder.take_snapshot()
        assert recorder.flush(30.0)
    DAMAGE[kind](path)
    for _ in range(3):
        clock.advance(400.0)
        kept.append(1)
        recorder.take_snapshot()
    assert recorder.flush(60.0), recorder.status
    assert recorder.pending_count == 0
    uuid = recorder._run.state.record.uuid
    recorder.stop()
    numbers = {number for found, number in stored(path) if found == uuid}
    newest = {2, 3, 4} if when == "live" else {1, 2, 3}
    assert newest <= numbers
    evidence = [
        found for found in tmp_path.glob("d.db.corrupt-*") if not found.name.endswith(("-wal", "-shm"))
    ]
    old_rows = rows(path, "SELECT count(*) FROM snapshot")[0][0] > 300
    if kind != "removed" and not (kind == "emptied" and when == "at start"):
        assert old_rows or evidence, "the old history is neither there nor kept aside"
    if evidence:
        told = rows(path, "SELECT text FROM event WHERE kind = 'damage'")
        assert evidence[0].name in told[0][0]
        assert torn_count(path) == 0
        assert integrity(path) == "ok"


def test_damage_that_no_write_meets(tmp_path, figures):
    """Old pages that are damaged while recording goes on are found by the scheduled look, and the file is kept aside."""
    path, clock = tmp_path / "q.db", ManualClock()
    kept = {f"d{n}": deque(maxlen=99) for n in range(20)}
    recorder = Recorder(path, source="bot", clock=clock, gc_threshold_mb=0)
    recorder.register_deques(kept)
    recorder.take_snapshot()
    assert recorder.flush(30.0)
    with closing(sqlite3.connect(path)) as connection, connection:  # readings of long ago
        connection.execute(
            "INSERT INTO series (id, source_id, kind, name, metric) VALUES (9999, 1, 'work', 'old', 'count')"
        )
        connection.executemany(
            "INSERT INTO reading VALUES (1, 9999, ?, ?)", ((n, n * n) for n in range(100_000))
        )
    rows(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    overwrite(path, path.stat().st_size // 2, random.Random(4).randbytes(50_000))
    recorder.take_snapshot()
    assert recorder.flush(30.0)
    assert not list(tmp_path.glob("q.db.corrupt-*")), "the writes met the damage: nothing is shown"

    def is_aside():
        clock.advance(60.0)
        recorder.take_snapshot()
        assert recorder.flush(30.0)
        return bool(list(tmp_path.glob("q.db.corrupt-*")))

    assert until(is_aside, timeout=90.0)
    recorder.stop()
    evidence = next(tmp_path.glob("q.db.corrupt-*"))
    assert evidence.name in rows(path, "SELECT text FROM event WHERE kind = 'damage'")[0][0]
    assert (integrity(path), torn_count(path)) == ("ok", 0)
    figures(
        6, "damage in old pages, which no write meets: found by the scheduled look, evidence kept and named"
    )


def test_side_files(tmp_path, history):
    """With -wal or -shm removed or cut while a reader holds them, nothing is acknowledged that a crash would lose."""
    reader_code = """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        for line in sys.stdin:
            connection.execute("ROLLBACK" if connection.in_transaction else "SELECT 1")
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM snapshot").fetchall()
            print("reading", flush=True)
    """
    faults = {
        "-wal removed": lambda path: Path(f"{path}-wal").unlink(),
        "-wal emptied": lambda path: cut(Path(f"{path}-wal"), 0.0),
        "-wal cut": lambda path: cut(Path(f"{path}-wal"), 0.5),
        "-shm removed": lambda path: Path(f"{path}-shm").unlink(),
        "-wal and -shm removed": lambda path: [Path(f"{path}{side}").unlink() for side in ("-wal", "-shm")],
    }
    for index, (kind, strike) in enumerate(faults.items()):
        folder = tmp_path / str(index)
        folder.mkdir()
        path, clock = folder / "w.db", ManualClock()
        shutil.copy(history, path)
        recorder = Recorder(path, source="bot", clock=clock, gc_threshold_mb=0)
        recorder.take_snapshot()
        assert recorder.flush(30.0)
        with start_host(folder, reader_code, path, name="reader.py") as reader:
            for step in range(3):
                if step < 2:  # afterwards it goes on holding what it had begun to read
                    reader.stdin.write("go\n")
                    reader.stdin.flush()
                    assert reader.stdout.readline() == "reading\n"
                recorder.take_snapshot()
                assert recorder.flush(30.0), (kind, recorder.status)
                if step == 1:
                    strike(path)
            acknowledged = 4
            survivors = folder / "crash"
            survivors.mkdir()
            for found in folder.glob("w.db*"):  # what a crash at this moment would leave
                if found.suffix != ".db-shm" and not found.name.endswith("-shm"):
                    shutil.copy(found, survivors / found.name)
        uuid = recorder._run.state.record.uuid
        with closing(sqlite3.connect(survivors / "w.db")) as connection:
            numbers = {
                number
                for (number,) in connection.execute(
                    "SELECT seq FROM snapshot JOIN run ON run.id = run_id WHERE uuid = ?", (uuid,)
                )
            }
        assert acknowledged in numbers, (kind, numbers)
        recorder.take_snapshot()
        assert recorder.flush(30.0), kind
        assert 5 in {number for found, number in stored(path) if found == uuid}
        recorder.stop()


def test_no_flood_of_evidence(tmp_path, history):
    """A disk that damages everything it is given is left alone after ten files; snapshots are held."""
    path, clock = tmp_path / "f.db", ManualClock()
    shutil.copy(history, path)
    recorder = Recorder(path, source="bot", clock=clock, gc_threshold_mb=0)
    for _ in range(14):
        path.write_bytes(NOISE)
        recorder.take_snapshot()
        recorder.flush(30.0)
        clock.advance(400.0)
    assert 5 <= len(list(tmp_path.glob("*.corrupt-*"))) <= 10
    assert recorder.pending_count > 0
    assert "damaged" in recorder.status.last_error
    clock.advance(86_400.0)
    recorder.take_snapshot()
    assert recorder.flush(30.0)
    recorder.stop()


TABLES = {
    "snapshot": "run_id, seq, at_ms, uptime_ms, rss_bytes, vms_bytes, work_count",
    "reading": "run_id, series_id, seq, value",
}


def contents(path):
    return {table: set(rows(path, f"SELECT {columns} FROM {table}")) for table, columns in TABLES.items()}


@pytest.fixture(scope="module")
def long_history(tmp_path_factory):
    """4,000 snapshots with 40 deques of which a quarter changes, as the recorder writes them."""
    path, pick = tmp_path_factory.mktemp("long") / "l.db", random.Random(11)
    database = parse_database(str(path))
    upgrade(database)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    run = new_run(source="bot", release=None, interval_seconds=300.0, started_at=start)
    lengths, writer = [0] * 40, Writer(database)
    for first in range(1, 4001, 500):
        snapshots = []
        for number in range(first, first + 500):
            for index in pick.sample(range(40), 10):
                lengths[index] = pick.randrange(10_000)
            deques = tuple(
                DequeReading(name=f"d{index}", length_count=length, maxlen_count=10_000)
                for index, length in enumerate(lengths)
            )
            seconds = 300.0 * number
            snapshots.append(
                Snapshot(
                    at=start + timedelta(seconds=seconds),
                    sequence=number,
                    uptime_seconds=seconds,
                    rss_bytes=pick.randrange(10**8, 2 * 10**8),
                    vms_bytes=pick.randrange(10**9, 2 * 10**9),
                    work_count=number,
                    deques=deques,
                )
            )
        writer.write(Batch(run=run, snapshots=snapshots))
    return path


def test_salvage(tmp_path, long_history, figures, full):
    """With 1 % of the pages damaged salvage brings back at least 98 % of the rows, and none that is wrong."""
    truth = contents(long_history)
    pages = long_history.stat().st_size // 4096
    worst, wrong = 1.0, 0
    for seed in range(20 if full else 5):
        damaged, mended = tmp_path / f"{seed}.db", tmp_path / f"{seed}-mended.db"
        shutil.copy(long_history, damaged)
        pick = random.Random(seed)
        for page in pick.sample(range(1, pages), max(1, round(pages * 0.01))):
            overwrite(damaged, page * 4096, pick.randbytes(4096))
        salvage(damaged, mended)
        found = contents(mended)
        kept = sum(len(found[table] & truth[table]) for table in TABLES)
        worst = min(worst, kept / sum(map(len, truth.values())))
        wrong += sum(len(found[table] - truth[table]) for table in TABLES)
    figures(
        6,
        f"{2 * len(DAMAGE) + 5} kinds of damage (to the file live and at start, to -wal and -shm): recording resumed in all, "
        f"evidence kept and named; salvage at 1 % of {pages} pages damaged: at worst {worst:.1%} of the rows, {wrong} wrong",
    )
    assert wrong == 0
    assert worst >= 0.98
