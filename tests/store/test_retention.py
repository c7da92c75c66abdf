from __future__ import annotations

import random
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from store_kit import MB, START, deque_of, ticks

from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.robust import theil_sen
from memmon.clock import SystemClock
from memmon.config import Settings
from memmon.errors import StoreBusyError, StoreTooNewError
from memmon.model import EventRecord
from memmon.store.read import open_store
from memmon.store.retention import prune
from memmon.store.retention.keep import Folder

SETTINGS = Settings(raw_days=2, hourly_days=5)


def purge(store, *, days: float, settings: Settings = SETTINGS):
    return prune.apply(store.database, settings, now=START + timedelta(days=days), pause_seconds=0.0)


def count(store, table: str) -> int:
    return open_store(store.database.url).query(f"SELECT count(*) FROM {table}").rows[0][0]


def rss_mb(number: int) -> float:
    """A slow growth under a daily swing, with one spike."""
    swing = 0.5 * np.sin(2 * np.pi * number / 288)
    return 900.0 if number == 77 else 200.0 + number / 40 + swing + (number * 7919 % 11) / 10


def lengths(seed: int, size: int) -> list[int]:
    rng = random.Random(seed)
    made = [0]
    while len(made) < size:
        made.append(rng.randrange(100) if rng.random() < 0.1 else made[-1])
    return made


@pytest.fixture
def ten_days(store):
    """Ten days of one run at 5 minutes, with a busy deque and one that never changes."""
    size = 10 * 288
    busy = lengths(1, size)
    store.add_run(
        ticks(
            size,
            rss_mb=rss_mb,
            deques=lambda n: [deque_of("busy", busy[n], 100), deque_of("still", 7, 9)],
        )
    )
    store.busy = busy
    return store


def test_retention_folds_by_age(ten_days):
    """Raw stays for its days, hours for theirs, days for what is older; nothing is in two tables."""
    report = purge(ten_days, days=10)
    frame = open_store(ten_days.database.url).snapshots()
    counts = frame.groupby("resolution_seconds")["sample_count"].sum()
    assert counts.to_dict() == {0.0: 2 * 288, 3600.0: 3 * 288, 86400.0: 5 * 288}
    assert report.folded_snapshot_count == 8 * 288
    assert report.is_complete
    assert count(ten_days, "snapshot") == 2 * 288
    assert count(ten_days, "rollup") == 3 * 24 + 5


def test_retention_again_changes_nothing(ten_days):
    """A second pass at the same time finds nothing to do."""
    purge(ten_days, days=10)
    before = open_store(ten_days.database.url).snapshots()
    again = purge(ten_days, days=10)
    assert again.folded_snapshot_count == again.folded_hour_count == again.batch_count == 0
    assert open_store(ten_days.database.url).snapshots().equals(before)


def test_retention_keeps_statistics_and_peaks(ten_days):
    """Least, largest, last and mean over all time are the same before and after, and the spike is still seen."""
    reader = open_store(ten_days.database.url)
    before, daily_before = reader.window_statistics(), reader.buckets(bucket_seconds=86400)
    purge(ten_days, days=10)
    after, daily_after = reader.window_statistics(), reader.buckets(bucket_seconds=86400)
    assert after.sample_count == before.sample_count
    assert after.max_rss_bytes == before.max_rss_bytes == 900 * MB
    assert after.min_rss_bytes == before.min_rss_bytes
    assert after.last_rss_bytes == before.last_rss_bytes
    assert after.average_rss_bytes == pytest.approx(before.average_rss_bytes, rel=1e-6)
    for name in ("rss_bytes", "max_rss_bytes", "min_rss_bytes", "work_count", "min_available_bytes"):
        assert daily_after.columns[name] == pytest.approx(daily_before.columns[name], rel=1e-6), name
    assert reader.runs()[0].snapshot_count == 2880
    assert reader.runs()[0].peak_rss_bytes == 900 * MB


def slope(history) -> float:
    return theil_sen(history.uptime_seconds, history.rss_bytes).slope


def test_retention_keeps_slopes(ten_days):
    """The robust slope over hours, and over days, is within 2 % of the slope over the raw samples of that time."""
    reader = open_store(ten_days.database.url)
    raw = reader.history()
    purge(ten_days, days=10)
    rolled = reader.history()
    assert len(rolled) < len(raw) / 4
    for first, last in ((0, 5), (5, 8)):
        span = {"since": START + timedelta(days=first), "until": START + timedelta(days=last, seconds=-1)}
        assert slope(rolled.slice_time(**span)) == pytest.approx(slope(raw.slice_time(**span)), rel=0.02)


def test_retention_keeps_a_leak_that_is_swapped_out(store):
    """Growth that goes into swap is a leak at the same rate after the raw samples were folded into hours."""
    made = [
        replace(snapshot, rss_anon_bytes=150 * MB, rss_shmem_bytes=0, swap_bytes=round(number * MB * 20 / 12))
        for number, snapshot in enumerate(ticks(3 * 288, rss_mb=lambda number: 200.0 + number % 7))
    ]
    store.add_run(made)
    purge(store, days=30, settings=Settings(raw_days=1, hourly_days=40))
    history = open_store(store.database.url).history()
    assert len(history) < 100
    finding = detect_leak(history)
    assert finding.verdict == "leaking"
    assert finding.slope_mb_per_hour == pytest.approx(20, rel=0.02)


def test_retention_keeps_deques_known(ten_days):
    """A deque that never changed is known at every age; a busy one keeps its mean and its peak."""
    purge(ten_days, days=10)
    reader = open_store(ten_days.database.url)
    assert set(reader.deque_readings()["still"]) == {7.0}
    assert set(reader.deque_readings(value="maxlen")["still"]) == {9.0}
    weights = reader.snapshots()["sample_count"].to_numpy()
    busy = reader.deque_readings()["busy"].to_numpy()
    assert np.average(busy, weights=weights) == pytest.approx(np.mean(ten_days.busy))
    assert reader.deque_readings(value="peak_length")["busy"].max() == max(ten_days.busy)
    raw = reader.deque_readings(since=START + timedelta(days=8))["busy"]
    assert raw.tolist() == ten_days.busy[8 * 288 :]
    assert {one.name: one.length_count for one in reader.deque_status()} == {
        "busy": ten_days.busy[-1],
        "still": 7,
    }


def test_retention_of_every_reading_at_every_cut(ten_days):
    """However often and whenever a pass runs, each hour's mean and peak are those of the full recording."""
    full = np.array(ten_days.busy, dtype=float)
    for days in np.arange(2.0, 12.0, 0.7):
        purge(ten_days, days=float(days), settings=Settings(raw_days=1.3, hourly_days=3.1))
    matrix = open_store(ten_days.database.url).deque_matrix()
    place = matrix.names.index("busy")
    for row, (at, span) in enumerate(zip(matrix.at_seconds, matrix.resolution_seconds, strict=True)):
        first = round((at - START.timestamp()) // span * span / 300) if span else None
        if first is None:
            continue
        expected = full[first : first + round(span / 300)]
        assert matrix.length_count[row, place] == pytest.approx(expected.mean())
        assert matrix.peak_length_count[row, place] == expected.max()


def test_retention_keeps_the_newest_reading_before_the_cut(ten_days):
    """For each run and series one reading before the first raw snapshot stays, the newest."""
    purge(ten_days, days=10)
    kept = (
        open_store(ten_days.database.url)
        .query(
            "SELECT series_id, count(*), max(seq) FROM reading "
            "WHERE seq < (SELECT min(seq) FROM snapshot) GROUP BY series_id"
        )
        .rows
    )
    assert [number for _, number, _ in kept] == [1] * len(kept)
    assert len(kept) >= 3


def test_retention_means_leave_missing_readings_out(store):
    """A reading that failed neither counts as zero nor hides the rest of its hour."""
    store.add_run(ticks(24, rss_mb=lambda n: None if n % 2 else 100.0))
    store.add_run(ticks(12, start=START + timedelta(days=1), rss_mb=lambda n: None))
    purge(store, days=10)
    frame = open_store(store.database.url).snapshots()
    assert frame["rss_bytes"].tolist()[:1] == [100 * MB]
    assert frame["rss_bytes"].isna().tolist() == [False, True]
    found = open_store(store.database.url).window_statistics()
    assert (found.sample_count, found.average_rss_bytes) == (12, 100 * MB)


def test_retention_of_a_dense_recording(store):
    """An hour with more samples than a batch holds is folded in several goes, to the same result."""
    sizes = lengths(3, 3000)
    store.add_run(
        ticks(
            3000,
            interval_seconds=1.0,
            rss_mb=lambda n: 100.0 + n % 50,
            deques=lambda n: [deque_of("q", sizes[n])],
        )
    )
    purge(store, days=4)
    frame = open_store(store.database.url).snapshots()
    assert frame["sample_count"].tolist() == [3000]
    assert frame["rss_bytes"].iloc[0] == pytest.approx(np.mean([100 + n % 50 for n in range(3000)]) * MB)
    assert frame["max_rss_bytes"].iloc[0] == 149 * MB
    matrix = open_store(store.database.url).deque_matrix()
    assert matrix.length_count[0, 0] == pytest.approx(np.mean(sizes))
    assert matrix.peak_length_count[0, 0] == max(sizes)


def test_retention_never_joins_runs(store):
    """Two runs within one hour stay two rows."""
    store.add_run(ticks(3))
    store.add_run(ticks(3, start=START + timedelta(minutes=20)))
    purge(store, days=40)
    frame = open_store(store.database.url).snapshots()
    assert frame["run_id"].nunique() == 2
    assert frame["sample_count"].tolist() == [3, 3]


def test_retention_holds_back_what_a_stepped_clock_marked_future(store):
    """Samples stamped in the future by a clock that was wrong stop the fold: more is kept, never less."""
    wrong = [*ticks(20), *ticks(20, start=START + timedelta(days=400), first_sequence=21)]
    store.add_run([*wrong, *ticks(20, start=START + timedelta(hours=2), first_sequence=41)])
    purge(store, days=30)
    assert open_store(store.database.url).snapshots()["sample_count"].sum() == 60
    assert count(store, "snapshot") == 40


def test_retention_under_a_ceiling_drops_the_oldest_detail_first(store):
    """Over the ceiling the oldest raw goes first, the newest stays, and the file shrinks below the ceiling."""
    rng = random.Random(5)
    store.add_run(
        ticks(20 * 288, deques=lambda n: [deque_of(f"d{k}", rng.randrange(1000)) for k in range(6)])
    )
    assert store.path.stat().st_size > 0.8 * MB
    settings = Settings(raw_days=90, hourly_days=365, size_ceiling_mb=0.6)
    report = purge(store, days=20, settings=settings)
    assert report.used_bytes <= 0.6 * MB
    assert not report.is_over_ceiling
    assert 1 <= report.raw_days < 20
    assert store.path.stat().st_size <= 0.6 * MB
    frame = open_store(store.database.url).snapshots()
    assert frame["sample_count"].sum() == 20 * 288
    assert (frame["resolution_seconds"].iloc[-100:] == 0).all()
    tiny = purge(store, days=20, settings=Settings(size_ceiling_mb=0.05))
    assert tiny.is_over_ceiling


def test_retention_deletes_old_bulk_events_and_reports_only(store):
    """Old gc events go with the hours; what marks the time axis stays for ever."""
    events = [
        EventRecord(at=START, sequence=1, kind="gc"),
        EventRecord(at=START, sequence=2, kind="annotation", text="deploy 2"),
        EventRecord(at=START + timedelta(days=9), sequence=3, kind="gc"),
    ]
    store.add_run(ticks(3), events=events)
    report = purge(store, days=10)
    assert report.deleted_event_count == 1
    assert [one.sequence for one in open_store(store.database.url).events()] == [2, 3]


def test_retention_stops_when_told(ten_days):
    """A pass that is told to stop ends after its batch; the next one goes on, and nothing is lost."""
    stop = threading.Event()
    stop.set()
    settings, now = SETTINGS, START + timedelta(days=10)
    report = prune.apply(ten_days.database, settings, now=now, stop=stop)
    assert not report.is_complete
    assert report.batch_count == 0
    assert purge(ten_days, days=10).is_complete
    assert open_store(ten_days.database.url).snapshots()["sample_count"].sum() == 2880


def test_retention_leaves_a_newer_store_alone(ten_days):
    """A database of a newer schema is refused untouched."""
    with closing(sqlite3.connect(ten_days.path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StoreTooNewError):
        purge(ten_days, days=10)
    with closing(sqlite3.connect(ten_days.path)) as connection:
        assert connection.execute("SELECT count(*) FROM snapshot").fetchone() == (2880,)


def test_retention_of_two_at_once_counts_nothing_twice(ten_days):
    """Two passes at the same time fold each sample once; the one that comes late may give up."""
    errors = []

    def work() -> None:
        try:
            purge(ten_days, days=10)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("another process" in str(error) for error in errors), errors
    purge(ten_days, days=10)
    assert open_store(ten_days.database.url).snapshots()["sample_count"].sum() == 2880


@pytest.mark.slow
def test_retention_hardly_delays_a_recorder(store):
    """While days are purged, a recorder's durable write takes less than 50 ms longer than it does alone."""
    store.add_run(ticks(900, deques=lambda n: [deque_of(f"d{k}", n * k % 97) for k in range(8)]))
    clock = SystemClock()
    stop = threading.Event()
    took = []

    def record() -> None:
        number = 0
        while not stop.wait(0.01):
            number += 1
            started = clock.monotonic()
            store.add_run(ticks(1, start=START + timedelta(days=20)), source=f"live{number}")
            took.append(clock.monotonic() - started)

    recorder = threading.Thread(target=record)
    recorder.start()
    stop.wait(0.5)
    alone = sorted(took)
    report = prune.apply(store.database, Settings(raw_days=1), now=START + timedelta(days=5))
    stop.set()
    recorder.join()
    beside = sorted(took[len(alone) :])
    assert report.folded_snapshot_count == 900
    assert beside[len(beside) // 2] - alone[len(alone) // 2] < 0.05


def test_retention_gives_up_when_another_pass_was_quicker(ten_days, monkeypatch):
    """A pass whose samples are folded by another one after it listed them gives up, and harms nothing."""
    listed = Folder._oldest
    passes = []

    def slow(self, *args, **options):
        samples = listed(self, *args, **options)
        if samples and not passes:
            passes.append(1)
            purge(ten_days, days=10)
        return samples

    monkeypatch.setattr(Folder, "_oldest", slow)
    with pytest.raises(StoreBusyError, match="another process"):
        purge(ten_days, days=10)
    assert open_store(ten_days.database.url).snapshots()["sample_count"].sum() == 2880
