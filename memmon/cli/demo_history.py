"""The demo's history: two weeks of a simulated trading bot in a container, with releases, restarts and a leak."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.model import ComponentReading, DequeReading, EventRecord, RunRecord, Snapshot
from memmon.store.write.writer import Batch, RunEnd, Writer
from memmon.units import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from memmon.config import Database

SOURCE = "orderbot"
CULPRIT = "order_cache"
INTERVAL_SECONDS = 300.0
LIMIT_MB = 1024.0
LEAK_MB_PER_HOUR = 12.0
BURST_HOURS = 1.5
ASSETS = ("BTC", "ETH", "SOL", "XRP")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """One run: when it began, before now, how long it lasted and how it ended (None: it lives); what went wrong in it."""

    ago_hours: float
    hours: float
    release: str
    ended: str | None = None
    leaks: bool = False
    ends_in_burst: bool = False


LIVES = (
    DemoRun(ago_hours=336.0, hours=46.0, release="1.7.3", ended="stopped"),
    DemoRun(ago_hours=289.9, hours=134.4, release="1.7.3", ended="oom", ends_in_burst=True),
    DemoRun(ago_hours=155.4, hours=49.0, release="1.8.0", ended="sigterm"),
    DemoRun(ago_hours=106.3, hours=55.2, release="1.8.0", ended="stopped"),
    DemoRun(ago_hours=51.0, hours=51.0, release="1.8.1", leaks=True),
)
"""From the oldest on; the last one lives."""


def write_demo_history(database: Database, *, now: datetime) -> None:
    """Write the history so that its newest sample is of `now`; the database must have its tables."""
    generator = random.Random(18)
    writer = Writer(database)
    for number, life in enumerate(LIVES):
        start = now - timedelta(hours=life.ago_hours)
        snapshots = list(_snapshots(life, start, generator))
        writer.write(
            Batch(
                run=_run(life, start, number),
                snapshots=snapshots,
                events=list(_events(life, start)),
                end=None if life.ended is None else RunEnd(at=snapshots[-1].at, reason=life.ended),
            )
        )


def _run(life: DemoRun, start: datetime, number: int) -> RunRecord:
    return RunRecord(
        uuid=f"demo-{start:%Y%m%dT%H%M%S}-{number}",
        source=SOURCE,
        source_was_given=True,
        started_at=start,
        interval_seconds=INTERVAL_SECONDS,
        host="trader-1",
        pid=211 + 97 * number,
        release=life.release,
    )


def _snapshots(life: DemoRun, start: datetime, generator: random.Random) -> Iterator[Snapshot]:
    """Yield a snapshot of every five minutes; the last one of a run that lives is of its end."""
    count = round(life.hours * 3600 / INTERVAL_SECONDS)
    for number in range(1, count + 1):
        yield _snapshot(life, start, number, generator)


def _snapshot(life: DemoRun, start: datetime, number: int, generator: random.Random) -> Snapshot:
    uptime_seconds = number * INTERVAL_SECONDS
    hours, at = uptime_seconds / 3600, start + timedelta(seconds=uptime_seconds)
    day = math.sin(2 * math.pi * (at.hour + at.minute / 60 - 9) / 24)
    leaked = LEAK_MB_PER_HOUR * hours if life.leaks else 0.0
    cached = 24.0 + 3.0 * day + 0.82 * leaked
    burst = 38.0 if generator.random() < 0.004 else 0.0  # noqa: PLR2004 -- one sample in 250 sees a large answer
    if life.ends_in_burst:
        burst += 690.0 * max(0.0, 1 - (life.hours - hours) / BURST_HOURS) ** 2
    rss = 246 + 48 * (1 - math.exp(-hours / 0.8)) + 9 * day + leaked + generator.gauss(0, 1.4) + burst
    frames = 61.0 + 4.0 * day + generator.gauss(0, 0.3)
    deques = tuple(_deques(number, generator))
    return Snapshot(
        at=at,
        sequence=number,
        uptime_seconds=uptime_seconds,
        rss_bytes=int(rss * MIB),
        system_percent=round(38 + day + rss / 160, 1),
        system_available_bytes=int((9_900 - rss) * MIB),
        limit_bytes=int(LIMIT_MB * MIB),
        limit_origin="cgroup v2 /docker/orderbot",
        charged_bytes=int((rss - 30) * MIB),
        limit_used_bytes=int((rss - 38) * MIB),
        rss_anon_bytes=int((rss - 36) * MIB),
        rss_file_bytes=36 * MIB,
        rss_shmem_bytes=0,
        heap_used_bytes=52 * MIB,
        heap_mmap_bytes=14 * MIB,
        python_block_count=int(900_000 + 5_200 * leaked),
        gc_pending_count=number * 97 % 700,
        thread_count=9,
        fd_count=41,
        work_count=number * 130,
        deques=deques,
        components=(
            ComponentReading(name=CULPRIT, size_bytes=int(cached * MIB)),
            ComponentReading(name="price_frames", size_bytes=int(frames * MIB)),
            ComponentReading(name="signal_model", size_bytes=42 * MIB),
        ),
    )


def _deques(number: int, generator: random.Random) -> Iterator[DequeReading]:
    for place, (kind, maxlen) in enumerate((("trades", 10_000), ("quotes", 5_000), ("candles_1m", 1_440))):
        for asset in ASSETS:
            grown = number * (35 - 7 * place)
            length = min(maxlen, grown) if kind != "quotes" else generator.randrange(maxlen // 4, maxlen // 2)
            yield DequeReading(
                name=f"{kind}_{asset}", length_count=length, maxlen_count=maxlen, size_bytes=length * 120
            )


def _events(life: DemoRun, start: datetime) -> Iterator[EventRecord]:
    passes = list(range(6, int(life.hours), 18))
    for number, hours in enumerate(passes, 1):
        yield EventRecord(
            at=start + timedelta(hours=hours), sequence=number, kind="gc", text="freed 0.3 MB in 0.21 s"
        )
    if life.leaks:
        yield EventRecord(
            at=start + timedelta(hours=6.5),
            sequence=len(passes) + 1,
            kind="alert",
            text=f"Memory grows: {LEAK_MB_PER_HOUR:.1f} MB/hour",
        )
