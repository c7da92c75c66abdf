"""A bot's recorded history for the tests of the report, the pages and the dashboard."""

from __future__ import annotations

import math
import random
from datetime import timedelta

from report_values import NOW

from memmon.config import parse_database
from memmon.model import DequeReading, EventRecord, RunRecord, Snapshot
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, RunEnd, Writer
from memmon.units import MIB

HOSTILE = "<script>window.pwned=1</script>\"'&\x1b[31m\u202e"


def record_bot(  # noqa: PLR0913 - a test names what it needs
    path,
    *,
    days=2.0,
    minutes=5.0,
    deques=8,
    runs=1,
    source="orderbot",
    slope_mb_per_hour=0.0,
    hostile=False,
    limit_mb=2048.0,
    until=NOW,
    seed=1,
    pause_hours=(0.0, 0.0),
    host="trader-1",
    release=None,
):
    """Write `runs` runs of equal length that end at `until`; returns the database's path as text.

    `pause_hours`: from when to when within each run nothing is recorded; `release`: of all runs, else each has its own.
    """
    database = parse_database(path)
    upgrade(database)
    rng = random.Random(seed)
    run_hours = days * 24 / runs
    count = int(run_hours * 60 / minutes)
    releases = ["1.4.0", "1.4.1", "1.4.2"]
    for number in range(runs):
        start = until - timedelta(hours=run_hours * (runs - number))
        record = RunRecord(
            uuid=f"{source}-{seed}-{number}",
            source=source,
            source_was_given=True,
            started_at=start,
            interval_seconds=minutes * 60,
            host=HOSTILE if hostile else host,
            pid=4000 + number,
            release=HOSTILE if hostile else release or releases[number * 3 // runs],
        )
        snapshots = [
            _snapshot(start, i, minutes, deques, slope_mb_per_hour, hostile, limit_mb, rng)
            for i in range(1, count + 1)
            if not pause_hours[0] < i * minutes / 60 < pause_hours[1]
        ]
        events = _events(start, run_hours, hostile)
        last = number == runs - 1
        end = None if last else RunEnd(at=snapshots[-1].at, reason=["stopped", "oom", "sigterm"][number % 3])
        Writer(database).write(Batch(run=record, snapshots=snapshots, events=events, end=end))
    return str(path)


def _snapshot(start, i, minutes, deques, slope, hostile, limit_mb, rng):
    hours = i * minutes / 60
    at = start + timedelta(minutes=i * minutes)
    load = 12 * math.sin(2 * math.pi * (at.hour + at.minute / 60) / 24)
    warm = 70 * (1 - math.exp(-hours / 1.5))
    rss = 210 + warm + load + slope * hours + rng.gauss(0, 1.5) + (60 if rng.random() < 0.004 else 0)
    anon = rss - 42
    native = 60 + 0.4 * slope * hours
    return Snapshot(
        at=at,
        sequence=i,
        uptime_seconds=hours * 3600,
        rss_bytes=int(rss * MIB),
        vms_bytes=int(rss * 3 * MIB),
        system_percent=round(46 + load / 4, 1),
        system_available_bytes=int((8600 - rss) * MIB),
        limit_bytes=int(limit_mb * MIB),
        limit_origin="cgroup v2 /docker/ab12",
        limit_used_bytes=int(anon * MIB),
        rss_anon_bytes=int(anon * MIB),
        rss_file_bytes=int(36 * MIB),
        rss_shmem_bytes=int(6 * MIB),
        heap_used_bytes=int(native * MIB),
        heap_mmap_bytes=int(18 * MIB),
        python_block_count=900_000,
        work_count=i * 40,
        deques=tuple(_deque(d, i, hostile, rng) for d in range(deques)),
    )


def _deque(number, i, hostile, rng):
    assets, kinds = (
        ["BTC", "ETH", "SOL", "XRP"],
        ["binance_price_history", "binance_volume_history", "mtf_price_1m", "mtf_volume_5m"],
    )
    name = f"{kinds[number // 4 % 4]}_{assets[number % 4]}" + (f"_{number // 16}" if number >= 16 else "")
    if hostile and number == 0:
        name = HOSTILE
    if number == 3:
        return DequeReading(name="pending_orders", length_count=i * 3, maxlen_count=None, size_bytes=i * 300)
    maxlen = [10_000, 5_000, 60, 200][number // 4 % 4]
    changing = number % 4 == 0
    length = min(maxlen, i * (maxlen // 300 + 1)) - (rng.randrange(max(maxlen // 8, 1)) if changing else 0)
    return DequeReading(name=name, length_count=max(length, 0), maxlen_count=maxlen, size_bytes=length * 64)


def _events(start, hours, hostile):
    kinds = [
        ("gc", "freed 0.4 MB in 0.31 s", 0.3),
        ("annotation", HOSTILE if hostile else "deployed hotfix 7", 0.55),
        ("alert", "High memory usage", 0.8),
    ]
    return [
        EventRecord(at=start + timedelta(hours=hours * place), sequence=n, kind=kind, text=text)
        for n, (kind, text, place) in enumerate(kinds, 1)
    ]
