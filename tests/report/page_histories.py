"""Histories whose pages are worth looking at: seven that try a page's form, six from which strangers read what is wrong.

`benchmarks/report/look.py` makes their pages and pictures of them.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from memmon.config import parse_database
from memmon.model import ComponentReading, DequeReading, EventRecord, RunRecord, Snapshot
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, RunEnd, Writer
from memmon.units import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = datetime(2026, 3, 5, 16, 20, tzinfo=UTC)
LONG = "orders_that_wait_for_a_confirmation_by_the_exchange_and_are_kept"
HOSTILE = "<script>window.pwned=1</script>\"'&\x1b[31m\u202e"


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One run of a simulated program; ages are hours before now, sizes MB.

    `leak_mb_per_hour` begins `leaks_after_hours` past the start; `culprit` holds `share` of it, the rest nobody does.
    `is_native`: the leak is none of Python's. `clock_hours`: the clock was set by so much in the middle of the life.
    """

    ago_hours: float
    hours: float
    release: str = "2.3.0"
    ended: str | None = None
    base_mb: float = 240.0
    leak_mb_per_hour: float = 0.0
    leaks_after_hours: float = 0.0
    culprit: str = ""
    share: float = 0.8
    is_native: bool = False
    limit_mb: float | None = 2048.0
    minutes: float = 5.0
    deques: int = 6
    day_mb: float = 8.0
    pauses: tuple[tuple[float, float], ...] = ()
    clock_hours: float = 0.0
    host: str = "node-3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A history: whose it is, its runs from the oldest on, and what its deques and components are called."""

    source: str
    lives: tuple[Life, ...]
    components: tuple[str, ...] = ("http_pool", "templates")
    name_of_deque: Callable[[int], str] = lambda number: f"{KINDS[number % 4]}_{PAIRS[number // 4 % 14]}"


KINDS = ("trades", "quotes", "candles_1m", "book_changes")
PAIRS = (
    "BTC",
    "ETH",
    "SOL",
    "XRP",
    "ADA",
    "DOT",
    "AVAX",
    "LTC",
    "LINK",
    "ATOM",
    "UNI",
    "ALGO",
    "NEAR",
    "ETC",
)


def write(path: Path, past: Past, *, now: datetime = NOW) -> str:
    """Write a history that ends now into a new file; returns its path as text."""
    database = parse_database(path)
    upgrade(database)
    generator = random.Random(past.source)
    for number, life in enumerate(past.lives):
        start = now - timedelta(hours=life.ago_hours)
        run = RunRecord(
            uuid=f"{past.source}-{number}",
            source=past.source,
            source_was_given=True,
            started_at=start,
            interval_seconds=life.minutes * 60,
            host=life.host,
            pid=1200 + 7 * number,
            release=life.release,
        )
        snapshots = list(_snapshots(past, life, start, generator))
        end = RunEnd(at=snapshots[-1].at, reason=life.ended) if life.ended and snapshots else None
        events = list(_events(life, start))
        Writer(database).write(Batch(run=run, snapshots=snapshots, events=events, end=end))
    return str(path)


def _snapshots(past: Past, life: Life, start: datetime, generator: random.Random) -> Iterator[Snapshot]:
    for number in range(1, int(life.hours * 60 / life.minutes + 1e-6) + 1):
        hours = number * life.minutes / 60
        if any(first < hours < last for first, last in life.pauses):
            continue
        at = start + timedelta(hours=hours)
        if life.clock_hours and hours > life.hours / 2:
            at += timedelta(hours=life.clock_hours)
        yield _snapshot(past, life, number, hours, at, generator)


def _snapshot(
    past: Past, life: Life, number: int, hours: float, at: datetime, generator: random.Random
) -> Snapshot:
    day = math.sin(2 * math.pi * (at.hour + at.minute / 60 - 9) / 24)
    leaked = life.leak_mb_per_hour * max(0.0, hours - life.leaks_after_hours)
    burst = 26.0 if generator.random() < 0.004 else 0.0
    warm = 0.25 * life.base_mb * (1 - math.exp(-hours / 0.6))
    rss = 0.75 * life.base_mb + warm + life.day_mb * day + leaked + generator.gauss(0, 1.2) + burst
    held = [(name, 18.0 + 7 * place + 0.3 * day) for place, name in enumerate(past.components)]
    if life.culprit:
        held.insert(0, (life.culprit, 12.0 + 0.4 * day + life.share * leaked))
    in_heap = leaked if life.is_native else 0.02 * leaked
    in_python = 0.0 if life.is_native else leaked
    return Snapshot(
        at=at,
        sequence=number,
        uptime_seconds=hours * 3600,
        rss_bytes=int(rss * MIB),
        system_percent=round(41 + day + rss / 320, 1),
        system_available_bytes=int((19_000 - rss) * MIB),
        limit_bytes=None if life.limit_mb is None else int(life.limit_mb * MIB),
        limit_origin=None if life.limit_mb is None else "cgroup v2 /kubepods/pod7",
        charged_bytes=int((rss - 24) * MIB),
        limit_used_bytes=int((rss - 30) * MIB),
        rss_anon_bytes=int((rss - 31) * MIB),
        rss_file_bytes=31 * MIB,
        rss_shmem_bytes=0,
        heap_used_bytes=int((48 + in_heap) * MIB),
        heap_mmap_bytes=12 * MIB,
        python_block_count=int(700_000 + 5_200 * in_python),
        thread_count=11,
        fd_count=58,
        work_count=number * 210,
        deques=tuple(_deques(past, life, number, generator)),
        components=tuple(ComponentReading(name=name, size_bytes=int(mb * MIB)) for name, mb in held),
    )


def _deques(past: Past, life: Life, number: int, generator: random.Random) -> Iterator[DequeReading]:
    for place in range(life.deques):
        maxlen = (10_000, 5_000, 1_440, 600)[place % 4]
        grown = min(maxlen, number * (40 - 6 * (place % 4)))
        length = grown if place % 4 else grown - generator.randrange(1 + grown // 6)
        yield DequeReading(
            name=past.name_of_deque(place), length_count=length, maxlen_count=maxlen, size_bytes=length * 90
        )


def _events(life: Life, start: datetime) -> Iterator[EventRecord]:
    passes = list(range(6, int(life.hours), max(18, int(life.hours) // 40)))
    for number, hours in enumerate(passes, 1):
        yield EventRecord(
            at=start + timedelta(hours=hours), sequence=number, kind="gc", text="freed 0.3 MB in 0.21 s"
        )
    if life.leak_mb_per_hour and life.hours > life.leaks_after_hours + 7:
        yield EventRecord(
            at=start + timedelta(hours=life.leaks_after_hours + 6.5),
            sequence=len(passes) + 1,
            kind="alert",
            text=f"Memory grows: {life.leak_mb_per_hour:.1f} MB/hour",
        )


BAD_MONTH = (
    Life(ago_hours=720, hours=300, release="1.7.3", ended="stopped", deques=56),
    Life(ago_hours=419.9, hours=180, release="1.8.0", ended="oom", leak_mb_per_hour=9.7, deques=56),
    Life(ago_hours=239.8, hours=143, release="1.7.3", ended="sigterm", deques=56),
    Life(ago_hours=96, hours=96, release="1.8.1", leak_mb_per_hour=13.0, culprit="order_cache", deques=56),
)
"""Quiet runs, one that ended out of memory, and one that leaks with its release."""


def _hostile_name(number: int) -> str:
    return (HOSTILE, LONG, f"{LONG}_2", "a" * 200, "käfig \u202e\u2066", "trades")[number % 6] + (
        str(number // 6) if number > 5 else ""
    )


LEVEL_MONTHS = tuple(
    Life(
        ago_hours=8760 - 730 * month,
        hours=729.5 if month < 11 else 730,
        release=f"4.{month // 2}",
        ended="stopped" if month < 11 else None,
        minutes=15.0,
        base_mb=310,
    )
    for month in range(12)
)

SEVEN: dict[str, Past] = {
    "month": Past(source="orderbot", lives=BAD_MONTH),
    "three": Past(source="newcomer", lives=(Life(ago_hours=0.25, hours=0.25, deques=3),)),
    "empty": Past(source="nothing-yet", lives=(Life(ago_hours=0.05, hours=0.0),)),
    "damaged": Past(source="orderbot", lives=(Life(ago_hours=120, hours=120, leak_mb_per_hour=6.0),)),
    "gaps": Past(
        source="laptop-bot",
        lives=(
            Life(ago_hours=150, hours=60, ended="stopped", pauses=((9.0, 26.0), (40.0, 43.0))),
            Life(
                ago_hours=84,
                hours=84,
                pauses=((20.0, 37.0), (60.0, 61.5)),
                clock_hours=-2.0,
                leak_mb_per_hour=3.0,
            ),
        ),
    ),
    "hostile": Past(
        source=f"{LONG}<b>&",
        lives=(
            Life(ago_hours=60, hours=20, ended="oom", release=HOSTILE, leak_mb_per_hour=60),
            Life(
                ago_hours=40,
                hours=40,
                release=LONG,
                leak_mb_per_hour=14.0,
                culprit=LONG,
                deques=8,
                host=HOSTILE,
            ),
        ),
        components=(HOSTILE, "b" * 120),
        name_of_deque=_hostile_name,
    ),
    "level-year": Past(source="steady", lives=LEVEL_MONTHS),
}
"""By name; `damaged` is written whole, and damaged where it is looked at."""

READERS: dict[str, Past] = {
    "1": Past(
        source="checkout-api",
        lives=(
            Life(ago_hours=240, hours=130, release="5.1.0", ended="stopped", base_mb=410),
            Life(ago_hours=109.9, hours=67, release="5.1.1", ended="stopped", base_mb=415),
            Life(
                ago_hours=42.7,
                hours=42.7,
                release="5.2.0",
                base_mb=420,
                leak_mb_per_hour=18.4,
                culprit="session_cache",
                share=0.91,
            ),
        ),
    ),
    "2": Past(
        source="image-resizer",
        lives=(
            Life(ago_hours=500, hours=200, release="0.9.4", ended="sigterm", base_mb=560, limit_mb=4096),
            Life(
                ago_hours=299.8,
                hours=299.8,
                release="0.9.4",
                base_mb=560,
                leak_mb_per_hour=3.1,
                leaks_after_hours=100,
                is_native=True,
                limit_mb=4096,
            ),
        ),
        components=("thumbnails", "fonts"),
    ),
    "3": Past(
        source="chat-gateway",
        lives=(
            Life(
                ago_hours=190,
                hours=190,
                release="3.0.2",
                base_mb=330,
                limit_mb=None,
                leak_mb_per_hour=47.0,
                leaks_after_hours=181.5,
                culprit="unsent_messages",
                share=0.97,
            ),
        ),
    ),
    "4": Past(
        source="mail-worker",
        lives=(
            Life(ago_hours=340, hours=150, release="7.4", ended="stopped", base_mb=290, limit_mb=1024),
            Life(ago_hours=189.8, hours=189.8, release="7.5", base_mb=295, limit_mb=1024),
        ),
    ),
    "5": Past(
        source="feed-parser",
        lives=(
            Life(ago_hours=120, hours=72, release="2.6.0", ended="stopped", base_mb=260, limit_mb=1536),
            Life(
                ago_hours=47.9,
                hours=27.2,
                release="2.7.0",
                ended="oom",
                base_mb=262,
                leak_mb_per_hour=45.5,
                limit_mb=1536,
                culprit="seen_articles",
                share=0.73,
            ),
            Life(
                ago_hours=20.6,
                hours=20.6,
                release="2.7.0",
                base_mb=262,
                leak_mb_per_hour=45.5,
                limit_mb=1536,
                culprit="seen_articles",
                share=0.73,
            ),
        ),
    ),
    "6": Past(
        source="price-collector",
        lives=tuple(
            Life(
                ago_hours=ago_hours,
                hours=hours,
                release="1.9.3",
                ended=ended,
                base_mb=340,
                leak_mb_per_hour=0.9,
                limit_mb=2048,
                culprit="price_history",
                share=0.9,
            )
            for ago_hours, hours, ended in (
                (672, 250, "stopped"),
                (421.8, 230, "stopped"),
                (191.7, 191.7, None),
            )
        ),
    ),
}
