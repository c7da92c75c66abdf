"""What is written in one transaction, and what the store made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from memmon.model import EventRecord, RunRecord, Snapshot
    from memmon.store.certificate import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How and when a run ended."""

    at: datetime
    reason: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMark:
    """When an alert was last told: what the cooldown remembers across restarts."""

    fingerprint: str
    kind: str
    severity: str
    notified_at: datetime


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
    alert_marks: Sequence[AlertMark] = ()
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
    alert_marks: Mapping[str, AlertMark] = field(default_factory=dict)
    """When the source's alerts were last told, by fingerprint; only when `opened_run`."""
    certificates: tuple[Certificate, ...] = ()
    """How earlier runs ended that ended without a word; only when `opened_run`."""
