"""What was taken and is not yet stored: held in memory, bounded, written oldest first.

Nothing leaves memory before the store has acknowledged it. When the bound is reached the
oldest snapshots go, and how many is recorded. Only the writer thread comes here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memmon.alerts.records import Watch
from memmon.model import EventRecord
from memmon.store.write.writer import Batch, RunEnd, StoredReport, Written

if TYPE_CHECKING:
    from typing import TypeAlias

    from memmon.model import Snapshot
    from memmon.store.write.open_run import OpenRun

    Item: TypeAlias = Snapshot | EventRecord | Watch | StoredReport | RunEnd

HELD_BYTES_LIMIT = 16 * 2**20
_SNAPSHOT_BYTES = 1_500
_READING_BYTES = 200
_BATCH_SNAPSHOTS = 500
_EVENTS_LIMIT = 2_000


@dataclass(slots=True)
class _Held:
    """What is held of one run."""

    state: OpenRun
    snapshots: deque[tuple[Snapshot, int]] = field(default_factory=deque)
    events: deque[EventRecord] = field(default_factory=deque)
    watches: list[Watch] = field(default_factory=list)
    reports: list[StoredReport] = field(default_factory=list)
    end: RunEnd | None = None
    dropped_count: int = 0

    def is_empty(self) -> bool:
        return not (self.snapshots or self.events or self.watches or self.reports or self.end)


class Outbox:
    """The held items of all runs of one recorder, oldest run first."""

    def __init__(self, *, limit_bytes: int = HELD_BYTES_LIMIT) -> None:
        self._runs: deque[_Held] = deque()
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._last_readings: frozenset[int] = frozenset()
        self.dropped_count = 0

    @property
    def snapshot_count(self) -> int:
        """Snapshots held."""
        return sum(len(held.snapshots) for held in self._runs)

    @property
    def held_bytes(self) -> int:
        """Estimate of the memory that the held snapshots take."""
        return self._held_bytes

    def is_empty(self) -> bool:
        """Tell whether everything is stored."""
        return all(held.is_empty() for held in self._runs)

    def add(self, state: OpenRun, item: Item) -> None:
        """Hold `item` of a run until it is stored."""
        held = self._of(state)
        if isinstance(item, EventRecord):
            held.events.append(item)
            if len(held.events) > _EVENTS_LIMIT:
                held.events.popleft()
        elif isinstance(item, Watch):
            # The newest of each alert says it all.
            held.watches = [one for one in held.watches if one.fingerprint != item.fingerprint]
            held.watches.append(item)
        elif isinstance(item, StoredReport):
            held.reports.append(item)
        elif isinstance(item, RunEnd):
            held.end = item
        else:
            self._add_snapshot(held, item)

    def next_batch(self) -> tuple[OpenRun, Batch] | None:
        """Return the oldest batch to be written; None when nothing is held."""
        while self._runs and self._runs[0].is_empty() and len(self._runs) > 1:
            self._runs.popleft()
        held = next((one for one in self._runs if not one.is_empty()), None)
        if held is None:
            return None
        snapshots = [one for one, _ in list(held.snapshots)[:_BATCH_SNAPSHOTS]]
        is_last = len(snapshots) == len(held.snapshots)
        batch = Batch(
            run=held.state.record,
            snapshots=snapshots,
            events=[*held.events, *_dropped_event(held)],
            watches=list(held.watches),
            reports=list(held.reports),
            end=held.end if is_last else None,
        )
        return held.state, batch

    def acknowledge(self, state: OpenRun, batch: Batch, _written: Written) -> None:
        """Let go of what the store has acknowledged."""
        held = self._of(state)
        for _ in batch.snapshots:
            _, cost = held.snapshots.popleft()
            self._held_bytes -= cost
        stored = {item.sequence for item in batch.events}
        held.events = deque(item for item in held.events if item.sequence not in stored)
        held.watches = [one for one in held.watches if not any(one is its for its in batch.watches)]
        held.reports = held.reports[len(batch.reports) :]
        held.dropped_count = 0
        if batch.end is held.end:
            held.end = None

    def _of(self, state: OpenRun) -> _Held:
        for held in reversed(self._runs):
            if held.state is state:
                return held
        held = _Held(state)
        self._runs.append(held)
        return held

    def _add_snapshot(self, held: _Held, item: Snapshot) -> None:
        # A reading that did not change is the same object as in the snapshot before: it costs a pointer.
        present = frozenset(map(id, item.deques))
        fresh_count = len(present - self._last_readings)
        self._last_readings = present
        cost = _SNAPSHOT_BYTES + 8 * len(item.deques) + _READING_BYTES * (fresh_count + len(item.components))
        held.snapshots.append((item, cost))
        self._held_bytes += cost
        while self._held_bytes > self._limit_bytes and self.snapshot_count > 1:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        held = next(one for one in self._runs if one.snapshots)
        _, cost = held.snapshots.popleft()
        self._held_bytes -= cost
        held.dropped_count += 1
        self.dropped_count += 1


def _dropped_event(held: _Held) -> list[EventRecord]:
    if not held.dropped_count or not held.snapshots:
        return []
    first = held.snapshots[0][0]
    return [
        EventRecord(
            at=first.at,
            sequence=held.state.next_event(),
            kind="dropped",
            text=f"{held.dropped_count} snapshots were dropped: the database could not be written for too long",
            uptime_seconds=first.uptime_seconds,
            data={"dropped_count": held.dropped_count},
        )
    ]


def most_bytes(item: Snapshot) -> int:
    """Return an estimate of what a snapshot takes when all its readings are new."""
    return _SNAPSHOT_BYTES + (_READING_BYTES + 8) * (len(item.deques) + len(item.components))
