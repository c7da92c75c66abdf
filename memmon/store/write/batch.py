"""What is written in one transaction, and what the store made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from memmon.alerts.records import Watch
    from memmon.model import EventRecord, RunRecord, Snapshot
    from memmon.store.write.run_endings import FoundEnding


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How and when a run ended."""

    at: datetime
    reason: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReport:
    """A report to be kept."""

    at: datetime
    window_hours: float
    text: str
    data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is written in one transaction, for one run."""

    run: RunRecord
    snapshots: Sequence[Snapshot] = ()
    events: Sequence[EventRecord] = ()
    watches: Sequence[Watch] = ()
    """What the recorder remembers of its alerts, where that has changed."""
    reports: Sequence[StoredReport] = ()
    end: RunEnd | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the store made of a batch."""

    run_id: int
    source_id: int
    source: str
    """The source's name in the store: with a suffix where another script held the default name."""
    opened_run: bool
    """True when this batch created the run's row."""
    watches: Mapping[str, Watch] = field(default_factory=dict)
    """What the source's recorders remember of its alerts, by fingerprint; only when `opened_run`."""
    found_endings: tuple[FoundEnding, ...] = ()
    """How earlier runs ended that ended without a word; only when `opened_run`."""
    refused_names: tuple[str, ...] = ()
    """Names that are not recorded for now, being too many new ones in a day; each is told once."""
