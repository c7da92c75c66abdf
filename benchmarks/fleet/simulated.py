"""A simulated fleet: sources with 7 days of 5-minute snapshots, written straight into the tables.

Of each ten sources: one leaks 12 MB/h, one 3 MB/h, one restarts daily and leaks, two have a daily cycle,
one warms up, the others wander. Seeded: the same everywhere.
"""

from __future__ import annotations

import numpy as np
from sqlalchemy import insert

from memmon.config import parse_database
from memmon.store.connect.engine import write_engine
from memmon.store.schema import tables
from memmon.store.upkeep.migrate import upgrade

MB = 2**20
START_MS = 1_772_323_200_000
STEP_MS = 300_000
SAMPLE_COUNT = 7 * 288


def course_mb(number: int) -> tuple[np.ndarray, list[int]]:
    """Return the RSS of one source in MB and where its runs begin."""
    rng = np.random.default_rng([7, number])
    hours = np.arange(SAMPLE_COUNT) / 12
    noise = np.zeros(SAMPLE_COUNT)
    shocks = rng.normal(0, 0.5, SAMPLE_COUNT)
    for index in range(1, SAMPLE_COUNT):
        noise[index] = 0.9 * noise[index - 1] + shocks[index]
    base, kind, starts = rng.uniform(100, 800), number % 10, [0]
    if kind == 0:
        grown = 12.0 * hours
    elif kind == 1:
        grown = 3.0 * hours
    elif kind == 2:
        starts = list(range(0, SAMPLE_COUNT, 288))
        grown = 15.0 * (hours % 24)
    elif kind in {3, 4}:
        grown = 30.0 * np.sin(2 * np.pi * hours / 24)
    elif kind == 5:
        grown = 200.0 * (1 - np.exp(-hours / 20))
    else:
        grown = 0.0 * hours
    return base + grown + noise, starts


def build(url: str, *, source_count: int) -> None:
    """Make the store and fill it."""
    database = parse_database(url)
    upgrade(database)
    engine = write_engine(database)
    for start in range(0, source_count, 50):
        with engine.begin() as connection:
            for number in range(start, min(start + 50, source_count)):
                _add(connection, number)


def _add(connection, number: int) -> None:
    mb, starts = course_mb(number)
    source_id = number + 1
    connection.execute(
        insert(tables.source), [{"id": source_id, "name": f"bot-{number:05d}", "created_ms": START_MS}]
    )
    stops = [*starts[1:], SAMPLE_COUNT]
    for part, (first, stop) in enumerate(zip(starts, stops, strict=True)):
        run_id = number * 10 + part + 1
        run = {
            "id": run_id,
            "uuid": f"{number}-{part}",
            "source_id": source_id,
            "host": f"host-{number % 40:02d}",
            "release": f"1.{number % 3}",
            "interval_ms": STEP_MS,
            "started_ms": START_MS + first * STEP_MS,
        }
        connection.execute(insert(tables.run), [run])
        rows = [
            {
                "run_id": run_id,
                "seq": index - first + 1,
                "at_ms": START_MS + index * STEP_MS,
                "uptime_ms": (index - first) * STEP_MS,
                "rss_bytes": round(mb[index] * MB),
                "vms_bytes": round(mb[index] * 3 * MB),
                "system_percent": 50.0,
                "available_bytes": 4_000 * MB,
            }
            for index in range(first, stop)
        ]
        connection.execute(insert(tables.snapshot), rows)
