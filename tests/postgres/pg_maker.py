"""Small runs, written by the recorder's own writer into any database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from memmon.model import EventRecord, RunRecord, Snapshot

START = datetime(2026, 3, 1, tzinfo=UTC)
MB = 2**20


def run_record(number: int = 1, *, source: str = "bot", **more) -> RunRecord:
    """Return a run with an identity made from `number`."""
    values = {
        "uuid": f"{number:032x}",
        "source": source,
        "source_was_given": True,
        "started_at": START,
        "interval_seconds": 300.0,
        "host": "host-1",
        "pid": 1000 + number,
    }
    return RunRecord(**{**values, **more})


def snapshots(count: int, *, first: int = 1, **more) -> list[Snapshot]:
    """Return `count` snapshots, five minutes apart."""
    return [
        Snapshot(
            at=START + timedelta(minutes=5 * number),
            sequence=number,
            uptime_seconds=300.0 * number,
            rss_bytes=100 * MB + number,
            system_percent=40.25,
            **more,
        )
        for number in range(first, first + count)
    ]


def event(number: int, kind: str = "annotation") -> EventRecord:
    """Return an event with a text that databases choke on."""
    return EventRecord(at=START, sequence=number, kind=kind, text="nul \0 and a lone surrogate \ud800")
