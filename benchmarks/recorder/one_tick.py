"""One whole tick: read, 56 deques of which a quarter changed, a durable write.

    python benchmarks/recorder/one_tick.py

Against raw psutil reads with raw sqlite3 under the same pragmas (a connection per write, as memmon
has), and against a naive ORM (a Session that is kept, a row per reading). Wall and processor time in
ms, the median of 200 ticks after 20; the file lies where TMPDIR says.

SQLite reads the schema with each new connection: raw's has two tables, memmon's has the tables, indexes and views of
a whole history. What that takes of a tick is told at the end, for the file without its views too.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import deque
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psutil

WARM, TICKS, DEQUES = 20, 200, 56
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0", "mmap_size=0", "busy_timeout=5000")


def measure(name, tick, kept):
    pick, walls, cpus = random.Random(1), [], []
    for number in range(WARM + TICKS):
        for one in pick.sample(kept, DEQUES // 4):
            one.append(number)
            if len(one) > 900:
                one.clear()
        wall, cpu = time.perf_counter(), time.process_time()
        tick(number)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    wall, cpu = (statistics.median(values[WARM:]) * 1000 for values in (walls, cpus))
    print(f"{name}: {wall:.2f} ms wall, {cpu:.2f} ms processor")
    return wall, cpu


def deques():
    return [deque(maxlen=1000) for _ in range(DEQUES)]


def raw(folder):
    path, kept, last, process = f"{folder}/raw.db", deques(), {}, psutil.Process()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(
            "CREATE TABLE snapshot (seq INTEGER PRIMARY KEY, at REAL, rss, vms, percent, available)"
        )
        connection.execute(
            "CREATE TABLE reading (series, seq, value, PRIMARY KEY (series, seq)) WITHOUT ROWID"
        )

    def tick(number):
        memory, host = process.memory_info(), psutil.virtual_memory()
        lengths = {index: len(one) for index, one in enumerate(kept)}
        changed = [(key, number, value) for key, value in lengths.items() if last.get(key) != value]
        last.update(lengths)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN IMMEDIATE")
            row = (number, time.time(), memory.rss, memory.vms, host.percent, host.available)
            connection.execute("INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?)", row)
            connection.executemany("INSERT INTO reading VALUES (?, ?, ?)", changed)
            connection.execute("COMMIT")

    return tick, kept


def orm(folder):
    from sqlalchemy import Float, Integer, String, create_engine
    from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

    class Base(DeclarativeBase):
        pass

    class Snapshot(Base):
        __tablename__ = "snapshot"
        id = mapped_column(Integer, primary_key=True)
        at = mapped_column(Float)
        rss = mapped_column(Integer)

    class Reading(Base):
        __tablename__ = "reading"
        id = mapped_column(Integer, primary_key=True)
        snapshot_id = mapped_column(Integer, index=True)
        name = mapped_column(String)
        length = mapped_column(Integer)

    engine = create_engine(f"sqlite:///{folder}/orm.db")
    Base.metadata.create_all(engine)
    session, kept, process = Session(engine), deques(), psutil.Process()

    def tick(_number):
        row = Snapshot(at=time.time(), rss=process.memory_info().rss)
        session.add(row)
        session.flush()
        session.add_all(
            Reading(snapshot_id=row.id, name=f"deque number {n}", length=len(one))
            for n, one in enumerate(kept)
        )
        session.commit()

    return tick, kept


def memmon(folder):
    from memmon import Recorder

    recorder, kept = Recorder(f"{folder}/memmon.db", source="bench", gc_threshold_mb=0), deques()
    recorder.register_deques({f"deque number {n}": one for n, one in enumerate(kept)})

    def tick(_number):
        recorder.take_snapshot()
        assert recorder.flush(30.0)

    return tick, kept


def schema_ms(path):
    """Return the processor time in which SQLite reads the schema of a file that another connection holds open."""
    taken = []
    with closing(sqlite3.connect(path)) as held:
        held.execute("SELECT count(*) FROM sqlite_master").fetchall()
        for _ in range(TICKS):
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("PRAGMA application_id").fetchall()  # opens the file, and reads no schema
                begun = time.thread_time()
                connection.execute("PRAGMA journal_mode").fetchall()
                taken.append(time.thread_time() - begun)
    return statistics.median(taken) * 1000


def without_views(path):
    """Return a copy of a file that has no views."""
    copy = f"{path}.plain"
    shutil.copy(path, copy)
    with closing(sqlite3.connect(copy)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
            connection.execute(f"DROP VIEW {name}")
        connection.commit()
    return copy


def main() -> None:
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for make in (raw, memmon, orm):
            found[make.__name__] = measure(make.__name__, *make(folder))
        ours = f"{folder}/memmon.db"
        print(
            f"reading the schema: raw {schema_ms(f'{folder}/raw.db'):.2f}, memmon {schema_ms(ours):.2f}, "
            f"without its views {schema_ms(without_views(ours)):.2f} ms"
        )
    for other in ("raw", "orm"):
        wall, cpu = (ours / theirs for ours, theirs in zip(found["memmon"], found[other], strict=True))
        print(f"memmon / {other}: {wall:.2f} of the wall time, {cpu:.2f} of the processor time")


if __name__ == "__main__":
    main()
