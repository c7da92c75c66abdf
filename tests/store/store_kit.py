"""Small histories in real databases, written by the recorder's own writer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from memmon.alerts.records import Watch
from memmon.config import Database, parse_database
from memmon.model import AssessmentRecord, ComponentReading, DequeReading, EventRecord, RunRecord, Snapshot
from memmon.store.write.writer import Batch, RunEnd, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from memmon.alerts.records import WatchState

START = datetime(2026, 3, 1, tzinfo=UTC)
MB = 2**20


@dataclass
class StoreMaker:
    """Writes runs of snapshots into one database."""

    path: Path
    database: Database = field(init=False)
    run_count: int = 0

    def __post_init__(self) -> None:
        self.database = parse_database(str(self.path))

    def add_run(
        self,
        snapshots: Sequence[Snapshot],
        *,
        source: str = "bot",
        start: datetime | None = None,
        release: str | None = None,
        end: RunEnd | None = None,
        events: Sequence[EventRecord] = (),
        watches: Sequence[Watch] = (),
        interval_seconds: float = 300.0,
    ) -> int:
        self.run_count += 1
        began = start or (snapshots[0].at if snapshots else START)
        run = RunRecord(
            uuid=f"{self.run_count:032x}",
            source=source,
            source_was_given=True,
            started_at=began,
            interval_seconds=interval_seconds,
            host="testhost",
            pid=4000 + self.run_count,
            release=release,
        )
        writer = Writer(self.database)
        written = writer.write(Batch(run=run, snapshots=snapshots, events=events, watches=watches, end=end))
        return written.run_id


def ticks(
    count: int,
    *,
    start: datetime = START,
    rss_mb: Callable[[int], float | None] = lambda _: 100.0,
    deques: Callable[[int], Sequence[DequeReading]] = lambda _: (),
    components: Callable[[int], Sequence[ComponentReading]] = lambda _: (),
    interval_seconds: float = 300.0,
    first_sequence: int = 1,
) -> list[Snapshot]:
    """Return `count` snapshots at an even pace."""
    made = []
    for number in range(count):
        size_mb = rss_mb(number)
        rss_bytes = None if size_mb is None else round(size_mb * MB)
        made.append(
            Snapshot(
                at=start + timedelta(seconds=number * interval_seconds),
                sequence=first_sequence + number,
                uptime_seconds=number * interval_seconds,
                rss_bytes=rss_bytes,
                vms_bytes=None if rss_bytes is None else rss_bytes * 3,
                system_percent=40.0 + number % 7 / 10,
                system_available_bytes=4_000 * MB - number,
                limit_bytes=8_000 * MB,
                limit_origin="host",
                work_count=number * 10,
                deques=tuple(deques(number)),
                components=tuple(components(number)),
            )
        )
    return made


def deque_of(name: str, length: int | None, maxlen: int | None = 1000, **more) -> DequeReading:
    return DequeReading(name=name, length_count=length, maxlen_count=maxlen, **more)


def watch_of(
    fingerprint: str, state: WatchState, *, at: datetime = START, source_id: int = 0, **more
) -> Watch:
    """Return the memory of an alert that was told when its state began."""
    known = {
        "source_id": source_id,
        "fingerprint": fingerprint,
        "kind": fingerprint,
        "state": state,
        "severity": "warning",
        "title": f"Title of {fingerprint}",
        "since": at,
        "seen_at": at,
        "told_at": at,
        "told_severity": "warning",
        "told_since": at if state == "firing" else None,
    }
    return Watch(**{**known, **more})


def kept_of(source: str, at: datetime, **more) -> AssessmentRecord:
    """Return what an hourly check keeps of a source that is well."""
    known = {
        "source": source,
        "at": at,
        "writer": "child",
        "last_at": at,
        "severity": "ok",
        "verdict": "stable",
        "confidence": "low",
        "slope_mb_per_hour": -0.5,
        "rss_bytes": 100 * MB,
        "footprint_bytes": None,
        "charged_bytes": 2_000 * MB,
        "limit_bytes": 8_000 * MB,
        "version": 1,
        "data": '{"version":1}',
    }
    return AssessmentRecord(**{**known, **more})
