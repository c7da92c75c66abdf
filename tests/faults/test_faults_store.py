"""Promises 9, 15 and 17: schemas, long readers, and years of history."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from fault_kit import integrity, rows, run_host, start_host, stored, torn_count

from memmon import Recorder, open_store
from memmon.analysis.robust import theil_sen
from memmon.clock import ManualClock
from memmon.config import Settings, parse_database
from memmon.store.retention import prune
from memmon.store.schema.identity import HEAD_REVISION
from memmon.store.upkeep.migrate import upgrade

pytestmark = pytest.mark.faults

MIB = 2**20


def content(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def old_history(tmp_path_factory):
    """A database of the first schema, with 500 snapshots."""
    path = tmp_path_factory.mktemp("old") / "old.db"
    upgrade(parse_database(str(path)), revision="0001")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO source (id, name, created_ms) VALUES (1, 'bot', 0)")
        connection.execute("INSERT INTO run (id, uuid, source_id, started_ms) VALUES (1, 'old', 1, 0)")
        connection.executemany(
            "INSERT INTO snapshot (run_id, seq, at_ms, uptime_ms, rss_bytes) VALUES (1, ?, ?, ?, 5)",
            [(number, number * 300_000, number * 300_000) for number in range(1, 501)],
        )
        connection.commit()
    return path


def record_into(path):
    recorder = Recorder(path, source="bot", clock=ManualClock(), gc_threshold_mb=0)
    recorder.take_snapshot()
    is_stored = recorder.flush(60.0)
    status = recorder.status
    recorder.stop()
    return is_stored, status


def test_older_schema(tmp_path, old_history):
    """An older schema is migrated at the first write; a copy of the old file lies beside it."""
    path = tmp_path / "o.db"
    shutil.copy(old_history, path)
    assert record_into(path)[0]
    assert rows(path, "SELECT version_num FROM alembic_version") == [(HEAD_REVISION,)]
    assert rows(path, "SELECT count(*) FROM snapshot") == [(501,)]
    (copy,) = tmp_path.glob("o.db.before-upgrade-*")
    assert rows(copy, "SELECT count(*) FROM snapshot") == [(500,)]
    assert copy.stat().st_mode & 0o777 == 0o600


def test_newer_schema(tmp_path, old_history):
    """A newer schema is left untouched, byte for byte; the snapshots are held and the status says why."""
    path = tmp_path / "n.db"
    shutil.copy(old_history, path)
    upgrade(parse_database(str(path)))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = content(path)
    is_stored, status = record_into(path)
    assert (is_stored, status.held_count) == (False, 1)
    assert "newer" in status.last_error
    assert content(path) == before


def test_half_migrated(tmp_path, old_history, figures):
    """A file that another migrator left half-way is kept aside whole, and recording goes on in a new one."""
    path = tmp_path / "h.db"
    shutil.copy(old_history, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE rollup (half INTEGER)")
        connection.commit()
    assert record_into(path)[0]
    (kept,) = [
        found for found in tmp_path.glob("h.db.corrupt-*") if not found.name.endswith(("-wal", "-shm"))
    ]
    assert rows(kept, "SELECT count(*) FROM snapshot") == [(500,)]
    assert rows(path, "SELECT count(*) FROM snapshot") == [(1,)]
    figures(
        9,
        "older: migrated, copy beside it; newer: untouched byte for byte, held; half-migrated: kept aside whole, recording goes on",
    )


MIGRATE = """
    import os, sys
    from memmon.config import parse_database
    from memmon.store.upkeep.migrate import upgrade
    print("ready", flush=True)
    for line in sys.stdin:
        if os.fork() == 0:
            os.setsid()
            os.write(1, b"born %d\\n" % os.getpid())
            try:
                upgrade(parse_database(line.strip()))
                os.write(1, b"done\\n")
            except BaseException as error:
                os.write(1, f"failed {error!r}\\n".replace("\\\\n", " ").encode())
            os._exit(0)
"""


def test_twelve_migrate_at_once(tmp_path, old_history, figures):
    """Of twelve processes that migrate one file at once, one does, the others find it done; no row is lost."""
    path = tmp_path / "t.db"
    shutil.copy(old_history, path)
    with ExitStack() as stack:
        hosts = [stack.enter_context(start_host(tmp_path, MIGRATE, name=f"m{n}.py")) for n in range(12)]
        for host in hosts:
            assert host.stdout.readline() == "ready\n", host.stderr.read()
        for host in hosts:
            host.stdin.write(f"{path}\n")
            host.stdin.flush()
        answers = []
        for host in hosts:
            assert host.stdout.readline().startswith("born")
            answers.append(host.stdout.readline())
    assert answers == ["done\n"] * 12
    assert rows(path, "SELECT count(*) FROM snapshot") == [(500,)]
    assert integrity(path) == "ok"
    figures(9, "12 processes migrate one file at once: 12 of 12 succeed, all rows there")


def test_killed_while_migrating(tmp_path, old_history, full, figures):
    """A migration killed at any moment leaves the old schema or the new one, never less than all rows."""
    count, pick, old, new = (100 if full else 25), random.Random(4), 0, 0
    with start_host(tmp_path, MIGRATE) as nursery:
        assert nursery.stdout.readline() == "ready\n"
        for index in range(count):
            path = tmp_path / f"{index}.db"
            shutil.copy(old_history, path)
            nursery.stdin.write(f"{path}\n")
            nursery.stdin.flush()
            line = nursery.stdout.readline()
            while not line.startswith("born"):
                line = nursery.stdout.readline()
            time.sleep(pick.uniform(0.0, 0.12))
            os.kill(int(line.split()[1]), signal.SIGKILL)
            assert rows(path, "SELECT count(*) FROM snapshot") == [(500,)]
            found = rows(path, "SELECT version_num FROM alembic_version")[0][0]
            old, new = old + (found == "0001"), new + (found == HEAD_REVISION)
            upgrade(parse_database(str(path)))
            assert rows(path, "SELECT version_num FROM alembic_version") == [(HEAD_REVISION,)]
            assert integrity(path) == "ok"
    assert old + new == count
    assert old > 0
    figures(9, f"{count} migrations killed: {old} left as they were, {new} done, all recovered by the next")


READER = """
    import json, os, sqlite3, sys, time
    from collections import deque
    from contextlib import closing
    from pathlib import Path
    from memmon import Recorder
    from memmon.clock import ManualClock

    os.umask(0)
    path, clock = Path(sys.argv[1]), ManualClock()
    kept = {f"d{n}": deque(maxlen=999) for n in range(100)}
    recorder = Recorder(path, source="bot", clock=clock, gc_threshold_mb=0, leak_check=False, daily_report=False)
    recorder.register_deques(kept)
    counts, others, modes, longest, largest, wal = [], [], set(), 0, 0, Path(f"{path}-wal")

    def snapshot(number):
        for one in kept.values():
            one.append(number)
        recorder.take_snapshot()
        clock.advance(300.0)

    def is_alone():
        # The descriptor that tells of a child's end is the last of its that is closed.
        threads = [Path(f"/proc/self/task/{one}/children") for one in os.listdir("/proc/self/task")]
        living = any(one.exists() and one.read_text() for one in threads)
        return not living and not any("[pidfd]" in name for name in descriptors())

    def descriptors():
        found = []
        for one in Path("/proc/self/fd").iterdir():
            try:
                found.append(os.readlink(one))
            except FileNotFoundError:  # closed since, as the one that lists them
                continue
        # A look at the processes opens what it reads there, for a moment.
        return [name for name in found if not name.startswith("/proc/") and name != "/proc"]

    snapshot(0)
    assert recorder.flush(30.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM snapshot").fetchall()
        for index in range(700):
            snapshot(index)
            if index % 2:
                assert recorder.flush(30.0)
                longest = max(longest, wal.stat().st_size)
                while index in (21, 699) and not is_alone():
                    time.sleep(0.01)  # at the ends one look at least is beside no child
                if index > 20:
                    found = descriptors()
                    counts.append(sum(1 for name in found if name.startswith(str(path))))
                    others.append(len(found) - counts[-1])
        modes = {found.stat().st_mode & 0o777 for found in path.parent.glob(f"{path.name}*")}
        reader.execute("COMMIT")
    snapshot(0)
    assert recorder.flush(30.0)
    after = wal.stat().st_size if wal.exists() else 0
    # A reader that never leaves, but reads anew each time, lets it shrink too.
    with closing(sqlite3.connect(path, isolation_level=None)) as idle:
        for index in range(300):
            idle.execute("SELECT count(*) FROM run").fetchall()
            snapshot(index)
            assert recorder.flush(30.0)
            largest = max(largest, wal.stat().st_size)
    recorder.stop()
    print(json.dumps({"longest": longest, "after": after, "largest": largest, "modes": sorted(modes), "counts": counts, "others": others}))
"""


def test_a_reader_for_hours(tmp_path, figures):
    """While a reader stays the log grows, when it leaves it shrinks; descriptors stay as many, all files private."""
    path = tmp_path / "w.db"
    done = run_host(tmp_path, READER, path)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3000:]
    found = json.loads(done.stdout)
    counts, others = found["counts"], found["others"]
    figures(
        15,
        f"reader in one transaction over 700 snapshots: WAL {found['longest'] / MIB:.1f} MB, after it left "
        f"{found['after'] / MIB:.1f} MB; beside an idle connection {found['largest'] / MIB:.1f} MB at most; "
        f"descriptors of the store {min(counts)} to {max(counts)}, others {min(others)} to {max(others)}; file modes {[oct(mode) for mode in found['modes']]}",
    )
    assert found["longest"] > 8 * MIB
    assert found["after"] < 8 * MIB
    assert found["largest"] < 8 * MIB
    # All that is not the store's stays as it is; a child that lives for a while has its own.
    assert min(others[-100:]) == min(others[:100])
    # The three files of a connection that is just opened or closed, and a look at one.
    assert max(counts) - min(counts) <= 4
    assert found["modes"] == [0o600]
    assert torn_count(path) == 0


START = datetime(2023, 1, 1, tzinfo=UTC)
START_MS = round(START.timestamp() * 1000)
STEP_MS = 900_000


def rss_of(source, month, count):
    pick = np.random.default_rng([source, month])
    hours = np.arange(count) * STEP_MS / 3_600_000
    rss_mb = 150 + 0.05 * hours + 3 * np.sin(2 * np.pi * hours / 24) + pick.normal(0, 1, count)
    rss_mb[pick.integers(count)] = 400 + source
    return np.round(rss_mb * MIB).astype(np.int64)


def add_month(connection, month, sources, count):
    begin_ms = START_MS + month * count * STEP_MS
    connection.execute("BEGIN IMMEDIATE")
    for source in range(1, sources + 1):
        run = month * sources + source
        connection.execute(
            "INSERT INTO run (id, uuid, source_id, started_ms) VALUES (?, ?, ?, ?)",
            (run, f"r{run}", source, begin_ms),
        )
        connection.executemany(
            "INSERT INTO snapshot (run_id, seq, at_ms, uptime_ms, rss_bytes) VALUES (?, ?, ?, ?, ?)",
            [
                (run, n + 1, begin_ms + n * STEP_MS, n * STEP_MS, size)
                for n, size in enumerate(rss_of(source, month, count).tolist())
            ],
        )
        connection.execute("INSERT INTO reading VALUES (?, ?, 1, 42)", (run, source))
    connection.execute("COMMIT")


PURGE = """
    import sys
    from datetime import datetime
    from memmon.config import Settings, parse_database
    from memmon.store.retention import prune
    print("ready", flush=True)
    sys.stdin.readline()
    prune.apply(parse_database(sys.argv[1]), Settings(raw_days=1.0, hourly_days=8.0), now=datetime.fromisoformat(sys.argv[2]))
"""


def snapshots_while_purging(folder, path, *, now):
    """Seconds that snapshots take (to be taken, and to be stored) alone, and beside a purge that moves nearly everything."""
    recorder = Recorder(path, source="live", gc_threshold_mb=0)
    recorder.take_snapshot()
    assert recorder.flush(30.0)

    def record(go_on):
        taking, storing = [], []
        while len(taking) < 300 and go_on():
            begun = time.monotonic()
            recorder.take_snapshot()
            taking.append(time.monotonic() - begun)
            assert recorder.flush(30.0)
            storing.append(time.monotonic() - begun)
            time.sleep(0.002)
        return taking, storing

    # In a process of its own, as the hourly child does it.
    with start_host(folder, PURGE, path, now.isoformat()) as purging:
        assert purging.stdout.readline() == "ready\n", purging.stderr.read()
        alone = record(lambda: True)
        purging.stdin.write("\n")
        purging.stdin.flush()
        beside = record(lambda: purging.poll() is None)
    recorder.stop()
    assert len(beside[0]) > 30
    return alone, beside


def write_years(path, settings, *, sources, months, count):
    """Write months of snapshots of several sources, purged after each month; return the file's sizes after each."""
    database = parse_database(str(path))
    upgrade(database)
    sizes = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for source in range(1, sources + 1):
            connection.execute(
                "INSERT INTO source (id, name, created_ms) VALUES (?, ?, ?)",
                (source, f"bot{source}", START_MS),
            )
            connection.execute(
                "INSERT INTO series VALUES (?, ?, 'deque', 'still', 'length')", (source, source)
            )
        for month in range(months):
            add_month(connection, month, sources, count)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            now = START + timedelta(milliseconds=(month + 1) * count * STEP_MS)
            prune.apply(database, settings, now=now, pause_seconds=0.0)
            sizes.append(path.stat().st_size)
    return sizes


def slope_errors(reader, source, *, sources, count):
    """Relative errors of the slopes of those runs of a source that are kept as rollups of one resolution."""
    errors = []
    for one in reader.history(f"bot{source}").per_run():
        month = (int(one.run_id[0]) - 1) // sources
        if len(set(one.resolution_seconds.tolist())) > 1 or one.resolution_seconds[0] == 0:
            continue
        uptime = np.arange(count) * STEP_MS / 1000
        expected = theil_sen(uptime, rss_of(source, month, count).astype(float)).slope
        errors.append(abs(theil_sen(one.uptime_seconds, one.rss_bytes).slope / expected - 1))
    return errors


def least_delay(folder, path, *, now):
    """Return how much longer the slowest snapshot takes beside a purge, and all the times: the best of three."""
    best = None
    for attempt in range(3):  # other programs on the machine only ever add
        copy = folder / f"purge{attempt}.db"
        shutil.copy(path, copy)
        alone, beside = snapshots_while_purging(folder, copy, now=now)
        delay = max(beside[0]) - max(alone[0])
        if best is None or delay < best[0]:
            best = (delay, alone, beside)
        if delay < 0.05:
            break
    return best


def test_years_of_history(tmp_path, full, figures):
    """Over simulated years the file stays under its ceiling; nothing is counted twice, no peak is lost, slopes hold; purging delays no snapshot."""
    sources, months, count = (20, 36, 2880) if full else (4, 12, 2880)
    # The short version folds sooner, so that all three resolutions meet.
    settings = Settings(
        size_ceiling_mb=48.0 if full else 4.0,
        raw_days=90.0 if full else 40.0,
        hourly_days=730.0 if full else 180.0,
    )
    path = tmp_path / "y.db"
    sizes = write_years(path, settings, sources=sources, months=months, count=count)
    reader = open_store(path)
    errors = []
    for source in {1, sources}:
        frame = reader.snapshots(f"bot{source}")
        assert frame["sample_count"].sum() == months * count, "a sample is counted twice or lost"
        assert {0.0, 3600.0} <= set(frame["resolution_seconds"])
        peaks = frame.groupby("run_id")["max_rss_bytes"].max().to_numpy()
        assert (peaks == (400 + source) * MIB).all(), "a peak is lost"
        assert set(reader.deque_readings(f"bot{source}")["still"]) == {42.0}
        errors += slope_errors(reader, source, sources=sources, count=count)
    assert len(errors) > 4
    worst = max(errors)
    delay, alone, beside = least_delay(tmp_path, path, now=START + timedelta(days=months * 31))
    figures(
        17,
        f"{sources} sources, {months} months: file {max(sizes) / MIB:.1f} MB at most (ceiling {settings.size_ceiling_mb:g}), slopes from rollups "
        f"within {worst:.2%} of raw ({len(errors)} runs), nothing twice, no peak lost, unchanged deque known; "
        f"while purging {len(beside[0])} snapshots take {max(beside[0]) * 1000:.0f} ms at most (alone {max(alone[0]) * 1000:.0f}), and are "
        f"stored after {sorted(beside[1])[len(beside[1]) // 2] * 1000:.0f} ms, {max(beside[1]) * 1000:.0f} at most "
        f"(alone {sorted(alone[1])[len(alone[1]) // 2] * 1000:.0f}, {max(alone[1]) * 1000:.0f})",
    )
    assert max(sizes) <= settings.size_ceiling_mb * MIB
    assert worst < 0.02
    assert delay < 0.05
    assert len(stored(path)) > 0
