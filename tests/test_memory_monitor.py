"""MemoryMonitor: snapshots, deques, leak detection, statistics, garbage collection, alerts."""

from __future__ import annotations

import gc
import logging
import math
from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from memmon import MemoryLeakReport, MemoryMonitor, MemorySnapshot
from memmon.clock import ManualClock
from memmon.errors import ChildError
from memmon.probe.process.process import SystemReading


@pytest.fixture
def clock():
    return ManualClock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))


@pytest.fixture
def told():
    return []


@pytest.fixture
def monitor(tmp_path, clock, told):
    made = MemoryMonitor(
        database_url=tmp_path / "m.db", source="bot", clock=clock, on_alert=told.append, daily_report=False
    )
    yield made
    made.close()


@pytest.fixture
def system(monkeypatch):
    """Let the host's memory be what the test says, in percent."""
    present = {"percent": 40.0}

    def read():
        available = 8 * 2**30
        total = round(available / (1 - present["percent"] / 100))
        return SystemReading(percent=present["percent"], available_bytes=available, total_bytes=total)

    monkeypatch.setattr("memmon.probe.sampler.read_system", read)
    return present


def fill(monitor, *, count, minutes, rss_mb):
    """Give the monitor `count` snapshots, `minutes` apart, of memory `rss_mb(index)`."""
    start = datetime.now() - timedelta(minutes=minutes * (count - 1))  # noqa: DTZ005 -- naive local, as hosts pass it
    for index in range(count):
        moment = start + timedelta(minutes=minutes * index)
        monitor.snapshots.append(MemorySnapshot(moment, rss_mb(index), 400.0, 40.0, 8000.0, {}))


# -- snapshots ------------------------------------------------------------------------------------


def test_defaults(tmp_path):
    """The settings are those that bots know, under the names that they use."""
    monitor = MemoryMonitor(database_url=tmp_path / "m.db")
    assert (monitor.snapshot_interval, monitor.max_snapshots) == (300, 288)
    assert (monitor.leak_threshold, monitor.high_memory_threshold) == (10.0, 80.0)
    assert monitor.alert_cooldown_minutes == 30
    assert len(monitor.snapshots) == 0
    assert len(monitor.tracked_deques) == 0
    assert monitor.last_snapshot_time is None
    assert monitor.last_high_memory_alert is None


def test_positional_settings(tmp_path):
    """The four settings may be given by position, in the order that bots use."""
    monitor = MemoryMonitor(60, 12, 5.0, 90.0, database_url=tmp_path / "m.db")
    assert monitor.snapshot_interval == 60
    assert monitor.max_snapshots == 12
    assert monitor.leak_threshold == 5.0
    assert monitor.high_memory_threshold == 90.0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"snapshot_interval_seconds": 0}, ValueError),
        ({"snapshot_interval_seconds": -5}, ValueError),
        ({"snapshot_interval_seconds": math.nan}, ValueError),
        ({"snapshot_interval_seconds": "300"}, TypeError),
        ({"max_snapshots": 0}, ValueError),
        ({"max_snapshots": 2.5}, TypeError),
        ({"leak_threshold_mb_per_hour": -1}, ValueError),
        ({"high_memory_threshold_percent": 101}, ValueError),
        ({"on_alert": 3}, TypeError),
        ({"clock": object()}, TypeError),
        ({"source": ""}, ValueError),
        ({"database_url": "sqlite://"}, ValueError),
        ({"database_url": "mysql://u:secret@h/d"}, ValueError),
        ({"no_such_option": 1}, TypeError),
    ],
)
def test_wrong_settings(tmp_path, arguments, error):
    """A wrong setting raises TypeError or ValueError at the call, and names itself."""
    with pytest.raises(error) as caught:
        MemoryMonitor(**{"database_url": tmp_path / "m.db", **arguments})
    assert "secret" not in str(caught.value)
    name = next(iter(arguments))
    assert name.split("_")[0] in str(caught.value) or "sqlite" in str(caught.value)


def test_take_snapshot_reads_this_process(monitor):
    """A snapshot has this process's memory in MB, the system's state and a naive local time."""
    taken = monitor.take_snapshot()
    assert 5 < taken.rss_mb < 10_000
    assert taken.vms_mb > taken.rss_mb
    assert 0 < taken.percent <= 100
    assert taken.available_mb > 0
    assert taken.timestamp.tzinfo is None
    assert list(monitor.snapshots) == [taken]


def test_snapshot_interval(monitor, clock):
    """A snapshot is due before the first one and then when the interval has passed, not earlier."""
    assert monitor.should_take_snapshot()
    monitor.take_snapshot()
    assert not monitor.should_take_snapshot()
    clock.advance(299.0)
    assert not monitor.should_take_snapshot()
    clock.advance(1.0)
    assert monitor.should_take_snapshot()


def test_interval_ignores_the_wall_clock(monitor, clock):
    """A stepped wall clock neither hastens nor delays the next snapshot."""
    monitor.take_snapshot()
    clock.step(86_400.0)
    assert not monitor.should_take_snapshot()
    clock.step(-3 * 86_400.0)
    clock.advance(300.0)
    assert monitor.should_take_snapshot()


def test_assigning_last_snapshot_time(monitor, clock):
    """What a host assigns to last_snapshot_time takes effect at once."""
    monitor.take_snapshot()
    now = clock.now().astimezone().replace(tzinfo=None)
    monitor.last_snapshot_time = now - timedelta(seconds=301)
    assert monitor.should_take_snapshot()
    monitor.last_snapshot_time = now
    assert not monitor.should_take_snapshot()
    monitor.last_snapshot_time = None
    assert monitor.should_take_snapshot()


def test_changing_the_interval(monitor, clock):
    """A new snapshot_interval holds from the next question on."""
    monitor.take_snapshot()
    clock.advance(61.0)
    assert not monitor.should_take_snapshot()
    monitor.snapshot_interval = 60
    assert monitor.should_take_snapshot()


def test_snapshots_are_bounded(tmp_path, clock):
    """Only the newest max_snapshots are kept in memory, but all are stored."""
    with_few = MemoryMonitor(60, 5, database_url=tmp_path / "m.db", clock=clock)
    for _ in range(8):
        with_few.take_snapshot()
        clock.advance(60.0)
    assert len(with_few.snapshots) == 5
    assert with_few.flush()
    assert with_few.status.stored_count == 8
    with_few.close()


def test_snapshots_are_a_sequence(tmp_path):
    """A host may slice, extend, replace and clear the snapshots; the bound holds in every way."""
    monitor = MemoryMonitor(60, 3, database_url=tmp_path / "m.db")
    items = [MemorySnapshot(datetime(2026, 1, 1, 0, minute), float(minute)) for minute in range(6)]  # noqa: DTZ001 -- naive, as hosts pass it
    monitor.snapshots.extend(items)
    assert [item.rss_mb for item in monitor.snapshots[-2:]] == [4.0, 5.0]
    assert len(monitor.snapshots) == 3
    monitor.snapshots += items[:1]
    assert [item.rss_mb for item in monitor.snapshots] == [4.0, 5.0, 0.0]
    monitor.snapshots.insert(0, items[1])
    assert len(monitor.snapshots) == 3
    monitor.snapshots = items
    assert len(monitor.snapshots) == 3
    monitor.max_snapshots = 2
    assert monitor.snapshots.popleft().rss_mb == 4.0
    monitor.snapshots.clear()
    assert list(monitor.snapshots) == []


def test_a_failed_reading_is_nan(monitor, monkeypatch):
    """What can't be read is NaN in the snapshot, never zero, and no error."""
    monkeypatch.setattr("memmon.probe.sampler.read_system", SystemReading)
    taken = monitor.take_snapshot()
    assert math.isnan(taken.percent)
    assert math.isnan(taken.available_mb)
    assert taken.rss_mb > 0


def test_deque_sizes_in_the_snapshot(monitor):
    """A snapshot has the length of each registered deque."""
    prices, volumes = deque([1, 2, 3], maxlen=10), deque(maxlen=5)
    monitor.register_deque("prices", prices)
    monitor.register_deque("volumes", volumes)
    assert monitor.take_snapshot().deque_sizes == {"prices": 3, "volumes": 0}


def test_history_by_hours(monitor, clock):
    """get_snapshot_history gives all snapshots, or those not older than the hours asked for."""
    for _ in range(5):
        monitor.take_snapshot()
        clock.advance(3600.0)
    assert len(monitor.get_snapshot_history()) == 5
    assert len(monitor.get_snapshot_history(hours=2.5)) == 2
    assert monitor.get_snapshot_history(hours=0.1) == []


# -- deques ---------------------------------------------------------------------------------------


def test_tracked_deques(monitor):
    """tracked_deques holds the very deque for as long as the caller keeps it, and no longer."""
    prices = deque(maxlen=10)
    monitor.register_deque("prices", prices)
    assert "prices" in monitor.tracked_deques
    assert monitor.tracked_deques["prices"] is prices
    del prices
    gc.collect()
    assert "prices" not in monitor.tracked_deques
    assert len(monitor.tracked_deques) == 0


def test_only_deques_are_registered(monitor):
    """What is neither a deque nor a getter is refused with a TypeError."""
    for wrong in ([1, 2], {"a": 1}, 5, None, "text"):
        with pytest.raises(TypeError):
            monitor.register_deque("wrong", wrong)
    with pytest.raises((TypeError, ValueError)):
        monitor.register_deque("", deque(maxlen=1))


def test_check_deque_limits(monitor, caplog):
    """Deques with a maxlen are within their limit; one without is not, and is logged as a warning."""
    bounded, unbounded = deque(range(10), maxlen=10), deque(range(10))
    monitor.register_deque("bounded", bounded)
    monitor.register_deque("unbounded", unbounded)
    with caplog.at_level(logging.WARNING, logger="memmon"):
        assert monitor.check_deque_limits() == {"bounded": True, "unbounded": False}
    records = [record for record in caplog.records if "unbounded" in record.getMessage()]
    assert records[0].levelno == logging.WARNING


def test_deque_above_its_limit(monitor, caplog, told):
    """A deque that holds more than its maxlen is an error, in the log and as an alert that names it."""

    class Broken(deque):
        def __len__(self):
            return 99

    broken = Broken(maxlen=10)
    monitor.register_deque("broken", broken)
    with caplog.at_level(logging.WARNING, logger="memmon"):
        assert monitor.check_deque_limits() == {"broken": False}
    assert any(record.levelno == logging.ERROR for record in caplog.records)
    assert monitor.flush()
    assert [(alert.kind, alert.severity) for alert in told] == [("deque", "error")]
    assert "broken" in told[0].message


def test_all_failed_deques_are_listed(monitor, told):
    """The deque alert lists every deque that failed."""
    kept = [deque() for _ in range(3)]
    for index, one in enumerate(kept):
        monitor.register_deque(f"free_{index}", one)
    monitor.check_deque_limits()
    monitor.flush()
    assert all(f"free_{index}" in told[0].message for index in range(3))


def test_deque_stats(monitor):
    """get_deque_stats gives size, maximum (0: none) and utilisation in percent."""
    half, free = deque(range(5), maxlen=10), deque(range(3))
    monitor.register_deques({"half": half, "free": free}, prefix="x_")
    stats = monitor.get_deque_stats()
    assert stats["x_half"] == {"current_size": 5, "max_size": 10, "utilization_pct": 50.0}
    assert stats["x_free"] == {"current_size": 3, "max_size": 0, "utilization_pct": 0.0}


# -- leak detection -------------------------------------------------------------------------------


def test_too_few_samples(monitor):
    """With fewer samples than the minimum there is no leak, low confidence, and the details say why."""
    fill(monitor, count=10, minutes=30, rss_mb=lambda index: 100.0 + 50.0 * index)
    report = monitor.detect_memory_leak()
    assert (report.leak_detected, report.confidence) == (False, "low")
    assert report.details.startswith("Insufficient data")


def test_too_short(monitor):
    """With less time than the minimum there is no leak, low confidence, and the details say why."""
    fill(monitor, count=30, minutes=1, rss_mb=lambda index: 100.0 + 5.0 * index)
    report = monitor.detect_memory_leak()
    assert (report.leak_detected, report.confidence) == (False, "low")
    assert report.details.startswith("Insufficient duration")


def test_no_snapshots(monitor):
    """Without a snapshot the answer is a report, not an error."""
    report = monitor.detect_memory_leak()
    assert isinstance(report, MemoryLeakReport)
    assert report.details.startswith("Insufficient data")


def test_steady_growth_is_a_leak(monitor, told):
    """1 MB every 3.6 minutes for three hours is a leak with at least medium confidence, and is told."""
    fill(monitor, count=51, minutes=3.6, rss_mb=lambda index: 200.0 + index)
    report = monitor.detect_memory_leak()
    assert report.leak_detected
    assert report.confidence in {"medium", "high"}
    assert report.growth_rate_mb_per_hour == pytest.approx(16.67, rel=0.02)
    assert report.total_growth_mb == pytest.approx(50.0)
    assert (report.start_memory_mb, report.end_memory_mb) == (200.0, 250.0)
    assert report.duration_hours == pytest.approx(3.0)
    monitor.flush()
    assert [alert.kind for alert in told] == ["leak"]
    for part in ("16.67", "50.0 MB", report.confidence):
        assert part in told[0].message


def test_alternation_is_no_leak(monitor, told):
    """Memory that alternates by a quarter of a MB is no leak, and nothing is told."""
    fill(monitor, count=51, minutes=3.6, rss_mb=lambda index: 200.0 + 0.25 * (-1) ** index)
    report = monitor.detect_memory_leak()
    assert not report.leak_detected
    assert abs(report.growth_rate_mb_per_hour) < 0.5
    monitor.flush()
    assert told == []


def test_shrinking_memory_is_no_leak(monitor):
    """Memory that falls is no leak."""
    fill(monitor, count=60, minutes=5, rss_mb=lambda index: 400.0 - index)
    assert not monitor.detect_memory_leak().leak_detected


def test_the_threshold_is_the_monitors(monitor):
    """The same growth is a leak or not by the monitor's own threshold, also when it is changed."""
    fill(monitor, count=61, minutes=5, rss_mb=lambda index: 200.0 + 0.5 * index)
    assert not monitor.detect_memory_leak().leak_detected
    monitor.leak_threshold = 3.0
    assert monitor.detect_memory_leak().leak_detected


def test_nan_readings_are_left_out(monitor):
    """Readings that failed (NaN) neither break the detection nor count as zero."""
    fill(monitor, count=60, minutes=5, rss_mb=lambda index: math.nan if index % 7 == 0 else 200.0)
    report = monitor.detect_memory_leak()
    assert not report.leak_detected
    assert (report.start_memory_mb, report.end_memory_mb) == (200.0, 200.0)


def test_without_a_child(monitor, monkeypatch):
    """When no child process can be run, the report still has memory and deques, and says what is missing."""

    def refuse(*args, **kwargs):
        raise ChildError("no interpreter")

    monkeypatch.setattr("memmon.child.starts.Children.run", refuse)
    prices = deque(maxlen=10)
    monitor.register_deque("prices", prices)
    fill(monitor, count=60, minutes=5, rss_mb=lambda index: 200.0)
    report = monitor.detect_memory_leak()
    assert not report.leak_detected
    assert "no interpreter" in report.details
    text = monitor.generate_24h_report()
    assert "Current: 200.0 MB" in text
    assert "prices: 0/10 (0.0% full)" in text
    assert "no interpreter" in text


# -- statistics and report ------------------------------------------------------------------------


def test_memory_stats(monitor):
    """get_memory_stats gives current, minimum, maximum, average and the number of samples."""
    fill(monitor, count=3, minutes=5, rss_mb=lambda index: [100.0, 300.0, 200.0][index])
    expected = {"current_mb": 200.0, "min_mb": 100.0, "max_mb": 300.0, "avg_mb": 200.0, "samples": 3}
    assert monitor.get_memory_stats() == expected


def test_memory_stats_without_snapshots(monitor):
    """Without snapshots the statistics are the present value and zeros."""
    stats = monitor.get_memory_stats()
    assert stats["current_mb"] == pytest.approx(monitor.get_current_memory_mb(), rel=0.2)
    assert (stats["min_mb"], stats["max_mb"], stats["avg_mb"], stats["samples"]) == (0.0, 0.0, 0.0, 0)


def test_report_without_snapshots(monitor):
    """Without a snapshot there is no report."""
    assert monitor.generate_24h_report() == "No memory data available"


def test_report_sections(monitor):
    """The report has its sections in order, with the labels that operators know."""
    prices = deque(range(8234), maxlen=10_000)
    monitor.register_deque("binance_price_history_BTC", prices)
    fill(monitor, count=288, minutes=5, rss_mb=lambda index: 240.0 + (index % 7) / 10)
    lines = monitor.generate_24h_report().splitlines()
    assert lines[0] == "=" * 80
    assert lines[1] == "24-HOUR MEMORY USAGE REPORT"
    wanted = [
        "MEMORY USAGE:",
        "  Current: 240.0 MB",
        "  Samples: 288",
        "MEMORY LEAK DETECTION:",
        "  ✅ No leak detected",
        "DEQUE SIZE LIMITS:",
        "  ✅ All deques within limits",
        "  ✅ binance_price_history_BTC: 8234/10000 (82.3% full)",
    ]
    places = [lines.index(line) for line in wanted]
    assert places == sorted(places)
    assert lines[-1] == "=" * 80
    assert max(map(len, lines)) <= 80


# -- garbage collection ---------------------------------------------------------------------------


def test_force_garbage_collection(monitor, caplog):
    """A forced collection returns the objects it collected and the MB it freed, and is logged."""

    class Node:
        pass

    gc.disable()
    try:
        for _ in range(100):
            node = Node()
            node.itself = node
        del node
        with caplog.at_level(logging.INFO, logger="memmon"):
            objects_count, freed_mb = monitor.force_garbage_collection()
    finally:
        gc.enable()
    assert objects_count >= 100
    assert isinstance(freed_mb, float)
    assert "garbage collection" in caplog.text


def test_relief_above_the_threshold(tmp_path, clock, monkeypatch):
    """Above the threshold a snapshot forces one collection; below it none."""
    passes = []
    low = MemoryMonitor(database_url=tmp_path / "m.db", clock=clock, gc_threshold_mb=1.0)
    high = MemoryMonitor(database_url=tmp_path / "m.db", clock=clock, gc_threshold_mb=10**6)
    for one in (low, high):
        monkeypatch.setattr(one._recorder._relief, "_collect", lambda one=one: passes.append(one) or 0)
        one.take_snapshot()
    assert passes == [low]
    low.close()
    high.close()


# -- high memory ----------------------------------------------------------------------------------


def test_high_memory_alert(monitor, system, told, caplog):
    """At the threshold the high-memory alert is told, with RSS, system percent and available memory."""
    system["percent"] = 80.0
    with caplog.at_level(logging.WARNING, logger="memmon"):
        monitor.take_snapshot()
        assert monitor.flush()
    assert monitor.last_high_memory_alert is not None
    assert [(alert.kind, alert.severity) for alert in told] == [("high_memory", "warning")]
    assert "80.0 %" in told[0].message
    assert "8,192 MB available" in told[0].message
    assert "resident" in told[0].message
    assert "High memory usage" in caplog.text


def test_no_alert_below(monitor, system, told):
    """Below the threshold nothing is told."""
    system["percent"] = 79.9
    monitor.take_snapshot()
    monitor.flush()
    assert told == []
    assert monitor.last_high_memory_alert is None


def test_alert_cooldown(monitor, system, told, clock):
    """The alert is not repeated within 30 minutes, and is after them."""
    system["percent"] = 95.0
    for _ in range(7):
        monitor.take_snapshot()
        clock.advance(300.0)
    monitor.flush()
    assert len(told) == 2


def test_alert_cooldown_survives_a_restart(tmp_path, clock, system):
    """A restarted bot knows when the alert was told, and does not tell it again within the cooldown."""
    system["percent"] = 95.0
    told = []
    for advance_seconds, expected in ((0.0, 1), (600.0, 1), (1500.0, 2)):
        clock.advance(advance_seconds)
        restarted = MemoryMonitor(
            database_url=tmp_path / "m.db", source="bot", clock=clock, on_alert=told.append
        )
        restarted.take_snapshot()
        assert restarted.flush()
        restarted.close()
        assert len(told) == expected
    assert restarted.last_high_memory_alert is not None


def test_assigning_last_high_memory_alert(monitor, system, told):
    """What a host assigns to last_high_memory_alert takes effect at once."""
    system["percent"] = 95.0
    now = monitor._clock.now().astimezone().replace(tzinfo=None)
    monitor.last_high_memory_alert = now - timedelta(minutes=5)
    monitor.take_snapshot()
    monitor.flush()
    assert told == []
    monitor.last_high_memory_alert = None
    monitor.take_snapshot()
    monitor.flush()
    assert len(told) == 1


def test_changed_threshold(monitor, system, told):
    """A changed high_memory_threshold holds from the next snapshot on."""
    system["percent"] = 60.0
    monitor.take_snapshot()
    monitor.high_memory_threshold = 50.0
    monitor.take_snapshot()
    monitor.flush()
    assert len(told) == 1


def test_a_raising_callback(tmp_path, clock, system, caplog):
    """An on_alert that raises is logged, and the recording goes on."""

    def broken(alert):
        raise RuntimeError("the pager is on fire")

    system["percent"] = 95.0
    monitor = MemoryMonitor(database_url=tmp_path / "m.db", clock=clock, on_alert=broken)
    with caplog.at_level(logging.ERROR, logger="memmon"):
        monitor.take_snapshot()
        assert monitor.flush()
        monitor.take_snapshot()
        assert monitor.flush()
    assert "the pager is on fire" in caplog.text
    assert monitor.status.stored_count == 2
    monitor.close()


def grown(monitor, *, rss_mb, **counters):
    """Give the monitor a day of snapshots as the recorder takes them: resident memory `rss_mb(hour)`, counters alike."""
    from memmon.model import Snapshot
    from memmon.monitor.values import memory_snapshot

    for index in range(288):
        hour = index / 12
        taken = Snapshot(
            at=datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour),
            sequence=index + 1,
            uptime_seconds=hour * 3600,
            rss_bytes=round(rss_mb(hour) * 2**20),
            **{name: round(value(hour)) for name, value in counters.items()},
        )
        monitor.snapshots.append(memory_snapshot(taken))


def test_a_leak_that_fills_holes_is_heard_by_the_monitor_too(monitor):
    """The monitor's verdict is that of the stored history: a leak of objects that resident memory does not show is told."""
    grown(
        monitor,
        rss_mb=lambda _: 600.0,
        rss_anon_bytes=lambda _: 590 * 2**20,
        rss_shmem_bytes=lambda _: 0,
        swap_bytes=lambda _: 0,
        python_block_count=lambda hour: 1_000_000 + 20 * hour * 2**20 / 80,
        heap_used_bytes=lambda _: 50 * 2**20,
        heap_mmap_bytes=lambda _: 0,
    )
    found = monitor.detect_memory_leak()
    assert found.leak_detected
    assert found.growth_rate_mb_per_hour == pytest.approx(20, rel=0.1)
    assert "Python objects" in found.details
    assert "LEAK DETECTED" in monitor.generate_24h_report()


def test_growth_in_mapped_files_is_no_leak_to_the_monitor(monitor):
    """Resident memory that grows by pages of mapped files alone is told as that, as by every other face."""
    grown(
        monitor,
        rss_mb=lambda hour: 300 + 20 * hour,
        rss_anon_bytes=lambda _: 250 * 2**20,
        rss_shmem_bytes=lambda _: 0,
        swap_bytes=lambda _: 0,
    )
    found = monitor.detect_memory_leak()
    assert not found.leak_detected
    assert "mapped files" in found.details


def test_snapshots_of_the_programs_own_count_beside_the_recorders(monitor):
    """What a program appends by itself has no counters; with the recorder's snapshots it is judged all the same."""
    fill(monitor, count=30, minutes=5, rss_mb=lambda index: 100.0 + 2 * index)
    monitor.snapshots.append(monitor.take_snapshot())
    assert (
        "Analysis not available"
        not in monitor.detect_memory_leak(min_duration_hours=1, min_samples=5).details
    )
