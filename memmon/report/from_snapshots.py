"""A report from the snapshots that a host holds in memory: what `MemoryMonitor` shows.

`report_from_snapshots` needs the standard library alone, so the program can render the memory and
deque sections when the analysis can't run; only `judge_snapshots` loads numpy.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from memmon.facts import defaults
from memmon.facts.python_memory import SLOT_BYTES, held_bytes
from memmon.report.data import Report, StoredSections
from memmon.report.sections import deque_section, leak_section, memory_section
from memmon.report.words import window_title
from memmon.units import MIB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memmon.analysis.leak.finding import LeakFinding, LeakPolicy
    from memmon.model import DequeReading

REPORT_HOURS = 24.0
NOTHING_STORED = StoredSections()


class HeldSnapshot(Protocol):
    """What a host holds of one tick: `MemorySnapshot`, or anything with these names.

    `timestamp` may be naive (then it is local time); failed readings are NaN.
    """

    @property
    def timestamp(self) -> datetime:
        """When it was taken."""
        ...

    @property
    def rss_mb(self) -> float:
        """Resident memory in MB."""
        ...

    @property
    def deque_sizes(self) -> Mapping[str, float | None]:
        """The length of each deque."""
        ...


def report_from_snapshots(
    snapshots: Sequence[HeldSnapshot],
    deques: Sequence[DequeReading] = (),
    *,
    source: str,
    now: datetime,
    finding: LeakFinding | None = None,
    leak_missing_reason: str | None = None,
    threshold_mb_per_hour: float = defaults.LEAK_THRESHOLD_MB_PER_HOUR,
    stored: StoredSections = NOTHING_STORED,
) -> Report:
    """Return the 24-hour report on what the program holds.

    `snapshots`: oldest first; `deques`: the present reading of each registered deque; `finding`: the
    verdict on these snapshots (`judge_snapshots`), or None with `leak_missing_reason`; `stored`: what
    the store adds, where it could be read. `now` is aware.
    """
    return Report(
        title=window_title(REPORT_HOURS),
        source=source,
        since=_aware(snapshots[0].timestamp) if snapshots else None,
        until=_aware(snapshots[-1].timestamp) if snapshots else None,
        generated_at=now,
        memory=memory_section([snapshot.rss_mb for snapshot in snapshots]),
        leak=leak_section(
            finding, threshold_mb_per_hour=threshold_mb_per_hour, missing_reason=leak_missing_reason
        ),
        deques=deque_section(deques),
        database=stored.database,
        history=stored.history,
        forecast=stored.forecast,
        cause=stored.cause,
        events=stored.events,
        evidence=stored.evidence,
        own_cost=stored.own_cost,
        staleness=stored.staleness,
        system=stored.system,
    )


def judge_snapshots(
    snapshots: Sequence[HeldSnapshot],
    deques: Sequence[DequeReading] = (),
    *,
    policy: LeakPolicy | None = None,
    source: str = "",
    counters: Mapping[str, Sequence[float | None]] | None = None,
) -> LeakFinding:
    """Return the leak verdict on what the program holds, as one run; loads numpy.

    `deques` with an estimated size tell how much of the memory the deques hold over time. `counters`: what was read
    beside resident memory, one value a snapshot, None where it was not, by the names of a History's arrays.
    """
    from memmon.analysis.leak.finding import LeakPolicy
    from memmon.assessment.assess import assess
    from memmon.history import History

    held, least, most = _deque_bytes(snapshots, deques)
    known: dict[str, Any] = {
        name: [math.nan if value is None else value for value in values]
        for name, values in (counters or {}).items()
    }
    history = History.from_arrays(
        at_seconds=[snapshot.timestamp.timestamp() for snapshot in snapshots],
        rss_bytes=[snapshot.rss_mb * MIB for snapshot in snapshots],
        source=source,
        deque_bytes=held,
        deque_capacity_bytes=least,
        deque_most_capacity_bytes=most,
        **known,
    )
    return assess(history, policy=policy or LeakPolicy()).finding


def _deque_bytes(
    snapshots: Sequence[HeldSnapshot], deques: Sequence[DequeReading]
) -> tuple[list[float] | None, list[float] | None, list[float] | None]:
    """Return the bytes that sized deques hold at each snapshot, and with the bounded ones full, at least and at most."""
    sized = [reading for reading in deques if reading.item_bytes is not None]
    if not sized:
        return None, None, None
    ends = {one.name: _ends(one) for one in sized}
    held, least, most = [], [], []
    first: dict[str, float] = {}
    for snapshot in snapshots:
        lengths = {one.name: snapshot.deque_sizes.get(one.name) or 0.0 for one in sized}
        missing = {one.name: max(0.0, (one.maxlen_count or 0) - lengths[one.name]) for one in sized}
        first = first or missing
        chances = [
            (first[name] * end[2], (first[name] - missing[name]) * end[2]) for name, end in ends.items()
        ]
        strayed = sum(whole for whole, _ in chances) - math.hypot(*(max(0.0, taken) for _, taken in chances))
        held.append(
            sum(held_bytes(lengths[one.name], max(one.item_bytes or 0.0, SLOT_BYTES)) for one in sized)
        )
        least.append(held[-1] + sum(missing[name] * end[0] for name, end in ends.items()))
        most.append(held[-1] + sum(missing[name] * end[1] for name, end in ends.items()) + strayed)
    return held, least, most


def _ends(reading: DequeReading) -> tuple[float, float, float]:
    """Return what an item takes at least, at most, and what of that is chance: see `memmon.store.read.deque_bytes`."""
    each, low, high = reading.item_bytes or 0, reading.item_low_bytes or 0, reading.item_high_bytes or 0
    chance = min(high - each, each - low)
    return low, high - chance, chance


def _aware(timestamp: datetime) -> datetime:
    return timestamp.astimezone(UTC)
