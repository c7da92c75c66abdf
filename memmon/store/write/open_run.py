"""One run as its recorder counts it: numbers of snapshots and events, and the monotonic start."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from memmon.model import EventRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memmon.clock import Clock
    from memmon.model import RunRecord


class OpenRun:
    """The counters of one run; `next_*` are atomic (one bytecode each)."""

    def __init__(self, record: RunRecord, *, started_monotonic: float) -> None:
        self.record = record
        self.started_monotonic = started_monotonic
        self.next_sequence = itertools.count(1).__next__
        self.next_event = itertools.count(1).__next__

    def event(
        self, clock: Clock, kind: str, text: str = "", data: Mapping[str, object] | None = None
    ) -> EventRecord:
        """Return the record of something that happens now."""
        return EventRecord(
            at=clock.now(),
            sequence=self.next_event(),
            kind=kind,
            text=text,
            uptime_seconds=max(clock.monotonic() - self.started_monotonic, 0.0),
            data=data or {},
        )
