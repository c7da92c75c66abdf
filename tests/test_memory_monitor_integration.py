"""MemoryMonitor inside an orchestrator: registration, heartbeat, restarts, report, leak workflow."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
import time
from collections import deque
from datetime import UTC, datetime
from threading import Event

import pytest

from memmon import MemoryMonitor, open_store
from memmon.clock import ManualClock
from memmon.model import Snapshot

ASSETS = ("BTC", "ETH", "SOL", "XRP")
TIMEFRAMES = ("1m", "5m", "15m")


class Orchestrator:
    """A trading bot as the origin describes it: 32 deques, a heartbeat, a daily report."""

    def __init__(self, database, *, clock, on_alert=None, **options):
        self.clock = clock
        self.deques = {f"binance_price_history_{asset}": deque(maxlen=10_000) for asset in ASSETS}
        self.deques |= {f"binance_volume_history_{asset}": deque(maxlen=5_000) for asset in ASSETS}
        for kind in ("price", "volume"):
            for asset in ASSETS:
                for frame in TIMEFRAMES:
                    self.deques[f"mtf_{kind}_{asset}_{frame}"] = deque(maxlen=60)
        self.memory_monitor = MemoryMonitor(
            snapshot_interval_seconds=300,
            max_snapshots=288,
            database_url=database,
            source="trading-bot",
            clock=clock,
            on_alert=on_alert,
            **options,
        )
        for name, one in self.deques.items():
            self.memory_monitor.register_deque(name, one)

    def heartbeat(self):
        for one in self.deques.values():
            one.append(1.0)
        if self.memory_monitor.should_take_snapshot():
            return self.memory_monitor.take_snapshot()
        return None

    def live(self, minutes):
        """Let `minutes` pass, with a heartbeat each; returns how many snapshots were taken."""
        taken = 0
        for _ in range(minutes):
            taken += self.heartbeat() is not None
            self.clock.advance(60.0)
        return taken


@pytest.fixture
def clock():
    return ManualClock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))


@pytest.fixture
def memory(monkeypatch):
    """Let resident memory, all of it anonymous, be what the test says, in MB."""
    from memmon.probe.sampler import Sampler

    present = {"mb": 200.0}
    real = Sampler.sample

    def sample(self, **options):
        taken = real(self, **options)
        values = {name: getattr(taken, name) for name in Snapshot.__slots__}
        size_bytes = int(present["mb"] * 2**20)
        parts = {"rss_anon_bytes": size_bytes, "rss_file_bytes": 0, "rss_shmem_bytes": 0, "swap_bytes": 0}
        return Snapshot(**{**values, **parts, "rss_bytes": size_bytes})

    monkeypatch.setattr(Sampler, "sample", sample)
    return present


def test_all_32_deques_are_tracked(tmp_path, clock):
    """Every deque of the bot is tracked and within its limit."""
    bot = Orchestrator(tmp_path / "bot.db", clock=clock)
    assert len(bot.memory_monitor.tracked_deques) == 32
    assert all(bot.memory_monitor.check_deque_limits().values())
    bot.memory_monitor.close()


def test_heartbeat_keeps_the_cadence(tmp_path, clock):
    """A heartbeat every minute gives a snapshot every five minutes."""
    bot = Orchestrator(tmp_path / "bot.db", clock=clock)
    assert bot.live(60) == 12
    assert bot.memory_monitor.flush()
    assert bot.memory_monitor.status.stored_count == 12
    bot.memory_monitor.close()


def test_one_history_over_restarts(tmp_path, clock):
    """Three restarts give four runs of one source; deque lengths are stored with every snapshot."""
    for _ in range(4):
        bot = Orchestrator(tmp_path / "bot.db", clock=clock)
        bot.live(30)
        bot.memory_monitor.close()
        clock.advance(120.0)
    with open_store(tmp_path / "bot.db") as store:
        runs = store.runs("trading-bot")
        frame = store.deque_readings("trading-bot")
    assert [run.snapshot_count for run in runs] == [6, 6, 6, 6]
    assert all(run.end_reason == "stopped" for run in runs)
    assert len(frame) == 24
    assert frame["mtf_price_BTC_1m"].max() == 26
    assert frame["mtf_price_BTC_1m"].min() == 1


def test_report_through_asyncio(tmp_path, clock):
    """The 24-hour report is made beside a running event loop, with all deques counted and the history."""
    bot = Orchestrator(tmp_path / "bot.db", clock=clock)
    bot.live(24 * 60)
    assert len(bot.memory_monitor.snapshots) == 288
    ticks = []

    async def loop():
        async def beat():
            while True:
                ticks.append(1)
                await asyncio.sleep(0.01)

        beating = asyncio.create_task(beat())
        text = await asyncio.to_thread(bot.memory_monitor.generate_24h_report)
        beating.cancel()
        return text

    text = asyncio.run(loop())
    assert "  Samples: 288" in text
    assert "(32 deques total)" in text
    assert "✅ mtf_price_BTC_1m: 60/60 (100.0% full)" in text
    assert "HISTORY:" in text
    assert len(ticks) > 5
    bot.memory_monitor.close()


def test_leak_workflow(tmp_path, clock, memory):
    """A leak that begins in a quiet bot is detected, reported with its rate, and told once."""
    told = []
    bot = Orchestrator(tmp_path / "bot.db", clock=clock, on_alert=told.append)
    bot.live(12 * 60)
    assert not bot.memory_monitor.detect_memory_leak().leak_detected
    for _ in range(12 * 12):
        memory["mb"] += 30.0 / 12
        bot.live(5)
    report = bot.memory_monitor.detect_memory_leak()
    assert report.leak_detected
    assert report.growth_rate_mb_per_hour > 10.0
    assert report.total_growth_mb == pytest.approx(360.0, abs=5.0)
    assert "LEAK DETECTED" in bot.memory_monitor.generate_24h_report()
    bot.memory_monitor.detect_memory_leak()
    bot.memory_monitor.flush()
    assert [alert.kind for alert in told].count("leak") == 1
    bot.memory_monitor.close()


def test_an_unbounded_deque_is_told(tmp_path, clock):
    """A deque without maxlen is told from the heartbeat alone, with its name, and not again and again."""
    told = []
    bot = Orchestrator(tmp_path / "bot.db", clock=clock, on_alert=told.append)
    free = deque()
    bot.memory_monitor.register_deque("order_log", free)
    bot.live(120)
    bot.memory_monitor.flush()
    assert [alert.kind for alert in told] == ["deque"]
    assert "order_log" in told[0].message
    bot.memory_monitor.close()


def test_hourly_check_tells_a_leak(tmp_path, clock, memory, monkeypatch):
    """The scheduled check finds a leak in the stored history and tells it through on_alert."""
    # The first check comes when there is something to see, not eleven children earlier.
    monkeypatch.setattr("memmon.recorder.alerts.hourly_check.FIRST_CHECK_SECONDS", 29.5 * 3600.0)
    told = []
    bot = Orchestrator(
        tmp_path / "bot.db", clock=clock, on_alert=told.append, daily_report=True, gc_threshold_mb=0
    )
    for _ in range(30 * 12):
        memory["mb"] += 30.0 / 12
        bot.live(5)
        if bot.memory_monitor.status.stored_count == 0:
            bot.memory_monitor.flush()  # the schedule begins
    # The child works in real time while the clock is turned by hand: wait until it has spoken.
    reports, deadline = (), time.monotonic() + 120.0
    while not (reports and told) and time.monotonic() < deadline:
        Event().wait(0.1)
        clock.advance(60.0)
        bot.memory_monitor.flush()
        with open_store(tmp_path / "bot.db") as store:
            reports = store.reports("trading-bot")
    assert [alert.kind for alert in told] == ["leak"]
    assert "MB/hour" in told[0].message
    assert bot.memory_monitor.flush()
    bot.memory_monitor.close()
    with open_store(tmp_path / "bot.db") as store:
        events = store.events("trading-bot")
    assert "24-HOUR MEMORY USAGE REPORT" in reports[0].text
    assert "alert" in {event.kind for event in events}


HOST = """
    import asyncio, json, os, sys, time
    from collections import deque
    from memmon import MemoryMonitor

    async def main():
        monitor = MemoryMonitor(database_url=sys.argv[1], source="bot", max_snapshots=400)
        kept = {f"d{i}": deque(range(i), maxlen=60) for i in range(32)}
        monitor.register_deques(kept)
        for _ in range(300):
            monitor.take_snapshot()
        monitor.flush(30.0)
        gaps, last = [], time.perf_counter()

        async def beat():
            nonlocal last
            while True:
                await asyncio.sleep(0.005)
                now = time.perf_counter()
                gaps.append(now - last)
                last = now

        beating = asyncio.create_task(beat())
        await asyncio.sleep(0.2)
        before = monitor.get_current_memory_mb()
        last, text = time.perf_counter(), await asyncio.to_thread(monitor.generate_24h_report)
        after = monitor.get_current_memory_mb()
        beating.cancel()
        monitor.close()
        print(json.dumps({
            "longest_gap_seconds": max(gaps),
            "growth_mb": after - before,
            "heavy": [name for name in ("numpy", "pandas", "alembic", "statsmodels") if name in sys.modules],
            "report": text.splitlines()[1],
        }))

    asyncio.run(main())
"""


def test_the_report_leaves_the_bot_light(tmp_path):
    """A report adds less than 2 MB to the bot, loads neither numpy nor pandas, and lets the loop run."""
    script = tmp_path / "host.py"
    script.write_text(textwrap.dedent(HOST), encoding="utf-8")
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, str(script), str(tmp_path / "bot.db")],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["report"] == "24-HOUR MEMORY USAGE REPORT"
        assert found["heavy"] == []
        assert found["growth_mb"] < 2.0
    with open_store(tmp_path / "bot.db") as store:
        assert [run.snapshot_count for run in store.runs("bot")] == [300, 300, 300]
