"""A store whose newest snapshot a test sets as it likes, and a channel that can be down."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from memmon.config import parse_database
from memmon.errors import ChannelError
from memmon.model import EventRecord, RunRecord, Snapshot
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, RunEnd, Writer

if TYPE_CHECKING:
    from memmon.clock import ManualClock

START = datetime(2026, 3, 1, tzinfo=UTC)
MB = 2**20


@dataclass
class Bot:
    """A simulated bot that writes snapshots; `restart` begins a new run of the same source."""

    url: str
    source: str = "bot"
    host: str = "host-1"
    interval_seconds: float = 300.0
    number: int = 0
    sequence: int = 0
    writer: Writer | None = None
    record: RunRecord | None = None

    def restart(self, at: datetime, *, end: RunEnd | None = None) -> None:
        if end is not None:
            self.end(end)
        self.number += 1
        self.sequence = 0
        self.writer = Writer(parse_database(self.url))
        self.record = RunRecord(
            uuid=f"{self.source}-{self.number}",
            source=self.source,
            source_was_given=True,
            started_at=at,
            interval_seconds=self.interval_seconds,
            host=self.host,
            pid=os.getpid(),
            release="1.4.2",
        )

    def end(self, end: RunEnd) -> None:
        self.writer.write(Batch(run=self.record, end=end))

    def tell(self, *events: EventRecord) -> None:
        self.writer.write(Batch(run=self.record, events=events))

    def take(self, at: datetime, *, percent: float = 40.0, rss_mb: float = 100.0, **more) -> None:
        self.write([self.snapshot(at, percent=percent, rss_mb=rss_mb, **more)])

    def write(self, snapshots: list[Snapshot]) -> None:
        self.writer.write(Batch(run=self.record, snapshots=snapshots))

    def snapshot(self, at: datetime, *, percent: float = 40.0, rss_mb: float = 100.0, **more) -> Snapshot:
        if self.writer is None:
            self.restart(at)
        self.sequence += 1
        values = {
            "at": at,
            "sequence": self.sequence,
            "uptime_seconds": (at - self.record.started_at).total_seconds(),
            "rss_bytes": round(rss_mb * MB),
            "system_percent": percent,
            "system_available_bytes": round((100 - percent) / 100 * 8_000 * MB),
        }
        return Snapshot(**{**values, **more})


@dataclass
class FlakyChannel:
    """Keeps what it is sent; refuses everything while it is down."""

    clock: ManualClock
    name: str = "test"
    is_down: bool = False
    sent: list = field(default_factory=list)

    def send(self, message) -> None:
        if self.is_down:
            raise ChannelError(f"{self.name}: down")
        self.sent.append((self.clock.now(), message))


def make_store(path) -> str:
    upgrade(parse_database(str(path)))
    return str(path)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
