"""Make `three_months.jsonl.gz`: a simulated bot over three months, 40 restarts and three releases.

    python notebooks/data/make_three_months.py

The history is simulated (seeded), so that the truth about it is known: release 1.4.0 is steady,
1.4.1 leaks 6.5 MB/h (most of it in `order_cache`) and is killed at the container's limit of 1 GB
when nobody restarts it in time, 1.4.2 is fixed but 24 MB larger. A tick stands for 30 minutes.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from memmon.config import parse_database
from memmon.model import ComponentReading, DequeReading, EventRecord, RunRecord, Snapshot
from memmon.store.transfer import dump
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, RunEnd, Writer
from memmon.units import GIB, MIB

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
STEP = timedelta(minutes=30)
LIMIT_BYTES = GIB
DAYS = 91
PLANNED_RESTARTS = 37
# Besides the planned ones, the service manager starts the bot again whenever it was killed.


@dataclass(frozen=True)
class Release:
    name: str
    first_day: float
    leak_mb_per_hour: float
    base_mb: float


RELEASES = (
    Release("1.4.0", 0.0, 0.0, 214.0),
    Release("1.4.1", 30.0, 6.5, 216.0),
    Release("1.4.2", 63.0, 0.0, 238.0),
)


def run_starts(random: np.random.Generator) -> list[float]:
    """Return the days on which a run began: three deploys among restarts at random."""
    others = np.sort(random.uniform(1.0, DAYS - 1.0, PLANNED_RESTARTS + 1 - len(RELEASES)))
    return sorted([*(release.first_day for release in RELEASES), *others.tolist()])


def record(writer: Writer, random: np.random.Generator, number: int, day: float, until_day: float) -> float:
    """Record one run; returns the day on which it ended."""
    release = next(one for one in reversed(RELEASES) if day >= one.first_day)
    started = BEGIN + timedelta(days=day)
    run = RunRecord(
        uuid=f"00000000-0000-4000-8000-{number:012d}",
        source="orderbot",
        source_was_given=True,
        started_at=started,
        interval_seconds=STEP.total_seconds(),
        host="trading-1",
        pid=1000 + 7 * number,
        boot_id="simulated",
        script_path="/srv/orderbot/bot.py",
        release=release.name,
        python_version="3.12.4",
        memmon_version="0.1.0",
    )
    is_deploy = any(abs(day - one.first_day) < 1e-9 for one in RELEASES)
    events = [EventRecord(at=started, sequence=1, kind="run_start", text=release.name, uptime_seconds=0.0)]
    if is_deploy:
        events.append(
            EventRecord(
                at=started, sequence=2, kind="annotation", text=f"deploy {release.name}", uptime_seconds=0.0
            )
        )
    snapshots: list[Snapshot] = []
    noise, trades = 0.0, 0
    recent: deque[int] = deque(maxlen=4)
    end = RunEnd(at=BEGIN + timedelta(days=until_day), reason="stopped")
    step = 0
    while started + step * STEP < BEGIN + timedelta(days=until_day) - timedelta(minutes=2):
        at = started + step * STEP
        hours = step * STEP.total_seconds() / 3600
        noise = 0.87 * noise + random.normal(0.0, 1.1)
        busy = 0.5 + 0.5 * np.sin(2 * np.pi * (at.hour + at.minute / 60 - 9) / 24)
        cache_mb = 9.0 + 0.87 * release.leak_mb_per_hour * hours
        trades = min(trades + int(random.poisson(120 + 240 * busy)), 10_000)
        rss_mb = (
            release.base_mb
            + release.leak_mb_per_hour * hours
            + 34.0 * (1 - np.exp(-hours / 1.4))
            + 7.0 * busy
            + trades * 0.0012
            + noise
        )
        recent.append(int(20 * busy + random.poisson(3)))
        lengths = {
            "order_book": (5_000, 5_000),
            "trades": (trades, 10_000),
            "signals": (min(step, 200), 200),
            "price_BTC_1m": (60, 60),
            "open_orders": (sum(recent), 500),
            "audit_log": (int(3 * hours), None),
        }
        snapshots.append(
            Snapshot(
                at=at,
                sequence=step + 1,
                uptime_seconds=step * STEP.total_seconds(),
                rss_bytes=int(rss_mb * MIB),
                vms_bytes=int((rss_mb + 310) * MIB),
                system_percent=round(38 + rss_mb / 160 + random.normal(0, 0.3), 1),
                system_available_bytes=int((9_800 - rss_mb) * MIB),
                limit_bytes=LIMIT_BYTES,
                limit_origin="cgroup v2 /orderbot",
                limit_used_bytes=int(rss_mb * 0.97 * MIB),
                rss_anon_bytes=int((rss_mb - 22) * MIB),
                rss_file_bytes=22 * MIB,
                gc_collection_count=int(hours * 5),
                thread_count=6,
                work_count=int(step * 800 + 900 * busy),
                deques=tuple(
                    DequeReading(name=name, length_count=length, maxlen_count=bound)
                    for name, (length, bound) in lengths.items()
                ),
                components=(ComponentReading(name="order_cache", size_bytes=int(cache_mb) * MIB),),
            )
        )
        if rss_mb > 500 and step % 48 == 47:
            pause_ms = float(random.uniform(180, 320))
            events.append(
                EventRecord(
                    at=at,
                    sequence=10 + len(events),
                    kind="gc",
                    text=f"collected 0 objects, freed 0.0 MB in {pause_ms:.0f} ms",
                    uptime_seconds=hours * 3600,
                    data={"pause_ms": round(pause_ms, 1), "objects_count": 0, "freed_bytes": 0},
                )
            )
        step += 1
        if rss_mb * 0.97 >= 1_010:
            end = RunEnd(at=at, reason="oom", detail="the kernel's out-of-memory killer struck in its group")
            break
    writer.write(Batch(run=run, snapshots=snapshots, events=events, end=end))
    return (end.at - BEGIN) / timedelta(days=1)


def main() -> None:
    random = np.random.default_rng(20260601)
    target = Path(__file__).with_name("three_months.jsonl.gz")
    with tempfile.TemporaryDirectory() as folder:
        database = parse_database(Path(folder) / "made.db")
        upgrade(database)
        starts = run_starts(random)
        number = 0
        for day, following in zip(starts, [*starts[1:], DAYS], strict=True):
            begun = day
            while begun < following - 0.02:
                number += 1
                begun = record(Writer(database), random, number, begun, following) + 0.01
        print(f"{number} runs")
        rows = [{"type": "memmon", "format": 1}, *dump(database)]
        lines = [json.dumps(row, separators=(",", ":")) for row in rows]
    with target.open("wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as packed:
        packed.write(("\n".join(lines) + "\n").encode())
    print(f"{target.name}: {len(lines)} rows, {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
