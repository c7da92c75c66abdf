from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from store_kit import MB, START, StoreMaker

from memmon.analysis.robust import theil_sen
from memmon.config import Settings
from memmon.store.read import open_store
from memmon.store.retention import prune

SOURCES = 20
MONTHS = 36
MONTH_DAYS = 30
INTERVAL_SECONDS = 900
PER_MONTH = MONTH_DAYS * 86_400 // INTERVAL_SECONDS
CEILING_MB = 48.0
GROWTH_MB_PER_HOUR = 0.05
START_MS = round(START.timestamp() * 1000)


def month_of_rss(source: int, month: int) -> np.ndarray:
    """A leak of 0.05 MB/h under a daily swing and noise, restarted every month, with one spike a month."""
    rng = np.random.default_rng([source, month])
    hours = np.arange(PER_MONTH) * INTERVAL_SECONDS / 3600
    rss_mb = (
        150 + GROWTH_MB_PER_HOUR * hours + 3 * np.sin(2 * np.pi * hours / 24) + rng.normal(0, 1, PER_MONTH)
    )
    rss_mb[rng.integers(PER_MONTH)] = 400 + source
    return np.round(rss_mb * MB).astype(np.int64)


def add_month(connection: sqlite3.Connection, month: int) -> None:
    """Record a month of all sources: a run each, a deque that never changes and one that does every hour."""
    begin_ms = START_MS + month * MONTH_DAYS * 86_400_000
    connection.execute("BEGIN")
    for source in range(1, SOURCES + 1):
        run = month * SOURCES + source
        connection.execute(
            "INSERT INTO run (id, uuid, source_id, started_ms) VALUES (?, ?, ?, ?)",
            (run, f"{run:032x}", source, begin_ms),
        )
        rss = month_of_rss(source, month).tolist()
        connection.executemany(
            "INSERT INTO snapshot (run_id, seq, at_ms, uptime_ms, rss_bytes, vms_bytes) VALUES (?, ?, ?, ?, ?, ?)",
            (
                (
                    run,
                    n + 1,
                    begin_ms + n * INTERVAL_SECONDS * 1000,
                    n * INTERVAL_SECONDS * 1000,
                    size,
                    size * 2,
                )
                for n, size in enumerate(rss)
            ),
        )
        connection.execute("INSERT INTO reading VALUES (?, ?, 1, 42)", (run, source))
        connection.executemany(
            "INSERT INTO reading VALUES (?, ?, ?, ?)",
            ((run, SOURCES + source, n + 1, n % 77) for n in range(0, PER_MONTH, 4)),
        )
    connection.execute("COMMIT")


@pytest.fixture
def store(empty_store):
    """A store in memory where there is room for one: thousands of durable commits prove nothing here."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        path = Path(folder, "memmon.db")
        shutil.copy(empty_store, path)
        yield StoreMaker(path)


@pytest.mark.slow
def test_retention_over_three_years_of_twenty_sources(store):
    """For three years the file stays under its ceiling; at the end nothing is counted twice, no peak is lost, slopes hold, an unchanged deque is known."""
    settings = Settings(size_ceiling_mb=CEILING_MB)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for source in range(1, SOURCES + 1):
            connection.execute(
                "INSERT INTO source (id, name, created_ms) VALUES (?, ?, ?)",
                (source, f"bot{source:02}", START_MS),
            )
            for number, name in ((source, "still"), (SOURCES + source, "busy")):
                connection.execute(
                    "INSERT INTO series VALUES (?, ?, 'deque', ?, 'length')", (number, source, name)
                )
        sizes = []
        for month in range(MONTHS):
            add_month(connection, month)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            now = START + timedelta(days=MONTH_DAYS * (month + 1))
            report = prune.apply(store.database, settings, now=now, pause_seconds=0.0)
            assert not report.is_over_ceiling
            sizes.append(store.path.stat().st_size)
    assert max(sizes) <= CEILING_MB * MB
    # Seen from its end: what lies later than now is set aside.
    reader = open_store(store.path).as_of(now)
    for source in (1, SOURCES):
        frame = reader.snapshots(f"bot{source:02}")
        assert frame["sample_count"].sum() == MONTHS * PER_MONTH
        assert set(frame["resolution_seconds"]) == {0.0, 3600.0, 86400.0}
        peaks = frame.groupby("run_id")["max_rss_bytes"].max().to_numpy()
        assert (peaks == (400 + source) * MB).all()
        readings = reader.deque_readings(f"bot{source:02}")
        assert set(readings["still"]) == {42.0}
        assert reader.deque_readings(f"bot{source:02}", value="peak_length")["busy"].max() == 76
    _slopes_hold(reader)
    print(f"largest file: {max(sizes) / MB:.1f} MB; kept raw for {report.raw_days:g} days")


def _slopes_hold(reader) -> None:
    compared = 0
    history = reader.history("bot01")
    for one in history.per_run():
        month = (int(one.run_id[0]) - 1) // SOURCES
        if len(set(one.resolution_seconds.tolist())) > 1 or one.resolution_seconds[0] == 0:
            continue
        raw = month_of_rss(1, month).astype(float)
        uptime = np.arange(PER_MONTH) * float(INTERVAL_SECONDS)
        expected = theil_sen(uptime, raw).slope
        assert theil_sen(one.uptime_seconds, one.rss_bytes).slope == pytest.approx(expected, rel=0.02), month
        compared += 1
    assert compared > 24
