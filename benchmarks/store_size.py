"""Bytes on disk and time to read back: 30 days at 5 minutes with 56 deques, a quarter changing each tick.

Beside it, in the same run, what a plain schema takes: one row per snapshot and one per reading
(snapshot id, name, length, maxlen) with an index on the snapshot, read back with pandas; and what the same
history would take if it were packed, at the price of plain SQL over it: each snapshot's readings in its row, or
whole days sealed, column by column, and compressed.

    python benchmarks/store_size.py [--days 30] [--deques 56]
"""

from __future__ import annotations

import argparse
import lzma
import random
import sqlite3
import tempfile
import time
import zlib
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pandas as pd

from memmon.config import parse_database
from memmon.model import DequeReading, RunRecord, Snapshot
from memmon.store.read import open_store
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START = datetime(2026, 1, 1, tzinfo=UTC)
INTERVAL_SECONDS = 300
CHANGING_SHARE = 0.25
TICKS_PER_BATCH = 12
REPEAT_COUNT = 5
MB = 2**20


def simulate(tick_count: int, deque_count: int) -> Iterator[tuple[int, int, list[int]]]:
    """Yield (tick, rss, lengths): a bot's sizes wander, a quarter of its deques changes each tick."""
    rng = random.Random(1)
    lengths = [rng.randrange(10_000) for _ in range(deque_count)]
    rss = 300 * MB
    for tick in range(tick_count):
        rss = max(100 * MB, rss + rng.randrange(-256, 257) * 4096)
        lengths = [
            min(10_000, max(0, value + rng.randrange(-5, 8))) if rng.random() < CHANGING_SHARE else value
            for value in lengths
        ]
        yield tick, rss, lengths


def snapshot(tick: int, rss: int, lengths: list[int]) -> Snapshot:
    """Return a snapshot with everything that a Linux host reads at every tick."""
    return Snapshot(
        at=START + timedelta(seconds=tick * INTERVAL_SECONDS, milliseconds=tick % 7),
        sequence=tick + 1,
        uptime_seconds=tick * INTERVAL_SECONDS + tick % 7 / 1000,
        rss_bytes=rss,
        vms_bytes=rss + 900 * MB,
        system_percent=41.5 + tick % 31 / 10,
        system_available_bytes=9_000 * MB - rss // 3,
        limit_bytes=16_000 * MB,
        limit_origin="host",
        limit_used_bytes=rss - 20 * MB,
        rss_anon_bytes=rss - 30 * MB,
        rss_file_bytes=29 * MB,
        rss_shmem_bytes=MB,
        swap_bytes=0,
        heap_used_bytes=rss // 2,
        heap_mmap_bytes=rss // 8,
        python_block_count=rss // 90,
        gc_pending_count=tick * 97 % 700,
        gc_collection_count=tick // 3,
        gc_uncollectable_count=0,
        thread_count=14,
        fd_count=60 + tick % 3,
        work_count=tick * 40,
        deques=tuple(
            DequeReading(
                name=f"exchange_{number // 8}_history_{number}", length_count=length, maxlen_count=10_000
            )
            for number, length in enumerate(lengths)
        ),
    )


def write_ours(path: Path, tick_count: int, deque_count: int) -> None:
    """Record through the recorder's own writer."""
    database = parse_database(path)
    upgrade(database)
    run = RunRecord(
        uuid="0" * 32,
        source="bot",
        source_was_given=True,
        started_at=START,
        interval_seconds=INTERVAL_SECONDS,
        host="host",
        pid=1,
    )
    writer = Writer(database)
    pending: list[Snapshot] = []
    for tick, rss, lengths in simulate(tick_count, deque_count):
        pending.append(snapshot(tick, rss, lengths))
        if len(pending) == TICKS_PER_BATCH:
            writer.write(Batch(run=run, snapshots=pending))
            pending = []
    if pending:
        writer.write(Batch(run=run, snapshots=pending))


def write_plain(path: Path, tick_count: int, deque_count: int) -> None:
    """Record a row per reading, as a plain schema does."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            CREATE TABLE snapshot (id INTEGER PRIMARY KEY, at TEXT, rss_mb REAL, vms_mb REAL, percent REAL);
            CREATE TABLE deque_size (id INTEGER PRIMARY KEY, snapshot_id INTEGER, name TEXT,
                                     length INTEGER, maxlen INTEGER);
            CREATE INDEX ix_deque_size ON deque_size (snapshot_id);
            """
        )
        for tick, rss, lengths in simulate(tick_count, deque_count):
            one = snapshot(tick, rss, lengths)
            connection.execute(
                "INSERT INTO snapshot VALUES (?, ?, ?, ?, ?)",
                (tick, one.at.isoformat(), rss / MB, one.vms_bytes / MB, one.system_percent),
            )
            connection.executemany(
                "INSERT INTO deque_size (snapshot_id, name, length, maxlen) VALUES (?, ?, ?, ?)",
                [(tick, item.name, item.length_count, item.maxlen_count) for item in one.deques],
            )
        connection.commit()


def cpu_ms(work: Callable[[], object]) -> float:
    """Return the least CPU milliseconds of some repetitions."""
    best = float("inf")
    for _ in range(REPEAT_COUNT):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best * 1000


def plain_rss(path: Path) -> pd.DataFrame:
    """Read the RSS series back from the plain schema."""
    with closing(sqlite3.connect(path)) as connection:
        frame = pd.read_sql("SELECT at, rss_mb FROM snapshot ORDER BY id", connection)
    frame["at"] = pd.to_datetime(frame["at"], format="ISO8601")
    return frame.set_index("at")


def plain_matrix(path: Path) -> pd.DataFrame:
    """Read all deques back from the plain schema, one row a snapshot."""
    with closing(sqlite3.connect(path)) as connection:
        frame = pd.read_sql("SELECT snapshot_id, name, length FROM deque_size", connection)
    return frame.pivot_table(index="snapshot_id", columns="name", values="length", aggfunc="first")


def packed_bytes(path: Path, copy: Path) -> int:
    """Return the size of a file like `path` whose readings lie in the row of their snapshot: (series, value) after the other."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        readings: dict[tuple[int, int], bytes] = {}
        for run, seq, series, value in target.execute(
            "SELECT run_id, seq, series_id, value FROM reading ORDER BY 1, 2, 3"
        ):
            readings[run, seq] = (
                readings.get((run, seq), b"") + varint(series) + varint(0 if value is None else 2 * value + 1)
            )
        target.execute("DELETE FROM reading")
        target.execute("ALTER TABLE snapshot ADD COLUMN packed BLOB")
        rows = [(packed, *key) for key, packed in readings.items()]
        target.executemany("UPDATE snapshot SET packed = ? WHERE run_id = ? AND seq = ?", rows)
        target.commit()
        target.execute("VACUUM")
    return copy.stat().st_size


def sealed_bytes(path: Path, compress: Callable[[bytes], bytes]) -> int:
    """Return what the snapshots and readings take, each day for itself, column by column as differences, compressed."""
    total = 0
    with closing(sqlite3.connect(path)) as connection:
        for table, order in (("snapshot", "seq"), ("reading", "series_id, seq")):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            days: dict[int, list[tuple[object, ...]]] = {}
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY {order}"):
                days.setdefault(row[names.index("seq")] * INTERVAL_SECONDS // 86_400, []).append(row)
            total += sum(
                len(compress(b"".join(map(differences, zip(*rows, strict=True))))) for rows in days.values()
            )
    return total


def differences(column: tuple[object, ...]) -> bytes:
    """Return a column as the differences from one value to the next; what is no number as text."""
    if not all(isinstance(value, int) for value in column):
        return repr(column).encode()
    values = cast("tuple[int, ...]", column)
    return b"".join(varint(later - before) for before, later in zip((0, *values), values, strict=False))


def varint(value: int) -> bytes:
    """Return a whole number in as few bytes as it takes."""
    rest = value * 2 if value >= 0 else -value * 2 - 1
    found = bytearray()
    while rest > 127:
        found.append(rest & 127 | 128)
        rest >>= 7
    found.append(rest)
    return bytes(found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--deques", type=int, default=56)
    options = parser.parse_args()
    tick_count = options.days * 86_400 // INTERVAL_SECONDS
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = Path(folder, "ours.db"), Path(folder, "plain.db")
        write_ours(ours, tick_count, options.deques)
        write_plain(plain, tick_count, options.deques)
        store = open_store(ours)
        rows = [
            ("bytes a snapshot", ours.stat().st_size / tick_count, plain.stat().st_size / tick_count, 300),
            (
                "  readings packed in the row",
                packed_bytes(ours, Path(folder, "packed.db")) / tick_count,
                None,
                None,
            ),
            ("  days sealed, zlib", sealed_bytes(ours, zlib.compress) / tick_count, None, None),
            ("  days sealed, lzma", sealed_bytes(ours, lzma.compress) / tick_count, None, None),
            (
                "RSS alone, CPU ms",
                cpu_ms(lambda: store.query("SELECT at_ms, rss_bytes FROM snapshot", row_limit=10**6)),
                cpu_ms(lambda: plain_rss(plain)),
                None,
            ),
            ("a whole History, CPU ms", cpu_ms(store.history), None, None),
            (
                f"{options.deques} deques read back, CPU ms",
                cpu_ms(store.deque_matrix),
                cpu_ms(lambda: plain_matrix(plain)),
                60,
            ),
            (
                "last day of them, CPU ms",
                cpu_ms(lambda: store.deque_matrix(since=START + timedelta(days=options.days - 1))),
                None,
                None,
            ),
            ("statistics in SQL, CPU ms", cpu_ms(store.window_statistics), None, None),
        ]
    print(
        f"{options.days} days, {tick_count} snapshots, {options.deques} deques, {CHANGING_SHARE:.0%} changing"
    )
    print(f"{'':32}{'memmon':>12}{'plain':>12}{'ratio':>8}{'target':>8}")
    for name, our_value, plain_value, target in rows:
        other = "" if plain_value is None else f"{plain_value:.1f}"
        ratio = "" if plain_value is None else f"{plain_value / our_value:.1f}"
        print(f"{name:32}{our_value:12.1f}{other:>12}{ratio:>8}{'' if target is None else target:>8}")


if __name__ == "__main__":
    main()
