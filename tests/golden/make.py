"""Write the golden store of this version's schema: once, when the schema is about to be released.

    python tests/golden/make.py

Beside the store `NNNN.db` stands what every later version must read from it, `NNNN.json`.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "store"))

from golden_figures import figures  # noqa: E402
from store_kit import START, StoreMaker, deque_of, ticks, watch_of  # noqa: E402

from memmon.config import Settings  # noqa: E402
from memmon.model import AssessmentRecord, ComponentReading, EventRecord, Snapshot  # noqa: E402
from memmon.store.alerts.store import AlertStore  # noqa: E402
from memmon.store.retention import prune  # noqa: E402
from memmon.store.schema.identity import HEAD_REVISION  # noqa: E402
from memmon.store.upkeep.migrate import upgrade  # noqa: E402
from memmon.store.write.assessments import keep_assessments  # noqa: E402
from memmon.store.write.writer import RunEnd  # noqa: E402


def make(path: Path) -> None:
    """Two sources, three runs with deques, components, events and alerts; the oldest days are folded."""
    store = StoreMaker(path)
    upgrade(store.database)
    taken = ticks(
        600,
        rss_mb=lambda n: 100 + n / 40,
        deques=lambda n: [deque_of("prices", min(n // 2, 250), 250), deque_of("orders é", n // 3, None)],
        components=lambda n: [ComponentReading(name="cache", size_bytes=1_000 * (n // 10))],
    )
    store.add_run(
        _counted(taken),
        source="orderbot",
        release="1.4.1",
        events=[EventRecord(at=START, sequence=1, kind="annotation", text="began", uptime_seconds=0.0)],
        end=RunEnd(at=START + timedelta(hours=49.9), reason="stopped"),
    )
    start = START + timedelta(hours=50)
    watches = [
        watch_of("high_memory", "clear", at=start, told_at=START),
        watch_of(
            "deque", "firing", at=start, severity="error", told_severity="error", told_members=("orders é",)
        ),
    ]
    evaluator = AlertStore(store.database)
    evaluator.acquire("golden", at=start, lasting=timedelta(minutes=15))
    evaluator.record("golden", [watch_of("silent", "firing", at=start, source_id=1)], [], channels=[])
    evaluator.release("golden")
    later = ticks(300, start=start, rss_mb=lambda n: 180 - n % 5)
    store.add_run(
        _counted(later),
        source="orderbot",
        release="1.4.2",
        watches=watches,
    )
    store.add_run(
        [
            replace(one, charged_bytes=None if one.rss_bytes is None else one.rss_bytes + 2**20)
            for one in ticks(120, start=start, rss_mb=lambda n: None if n % 9 == 0 else 64.0)
        ],
        source="other",
    )
    keep_assessments(store.database, [_assessment(START + timedelta(hours=n), n) for n in (1, 2, 3)])
    prune.apply(
        store.database,
        Settings(raw_days=1.5, hourly_days=400.0),
        now=start + timedelta(days=1),
        pause_seconds=0.0,
    )
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("VACUUM")


def _counted(taken: list[Snapshot]) -> list[Snapshot]:
    return [
        replace(
            one,
            heap_used_bytes=2**22 + 1_000 * (number % 7),
            heap_mmap_bytes=2**20 + 4_096 * (number % 5),
            python_block_count=200_000 + 10 * (number % 9),
            gc_pending_count=97 * number % 700,
        )
        for number, one in enumerate(taken)
    ]


def _assessment(at: datetime, number: int) -> AssessmentRecord:
    return AssessmentRecord(
        source="orderbot",
        at=at,
        writer="child" if number % 2 else "evaluator",
        last_at=at - timedelta(minutes=5),
        severity="notice" if number > 1 else "ok",
        verdict="growing" if number > 1 else "stable",
        confidence="low",
        slope_mb_per_hour=number - 2.0,
        rss_bytes=100 * 2**20 + number,
        footprint_bytes=None,
        charged_bytes=1_000 * number,
        limit_bytes=8_000,
        version=1,
        data='{"version":1,"headline":"é"}',
    )


if __name__ == "__main__":
    target = FOLDER / f"{HEAD_REVISION}.db"
    target.unlink(missing_ok=True)
    make(target)
    (FOLDER / f"{HEAD_REVISION}.json").write_text(
        json.dumps(figures(target), indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
