"""What the read side answers with. Frozen; times are aware UTC, sizes bytes, None is unknown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """One thing that is monitored."""

    source_id: int
    name: str
    script_path: str | None
    created_at: datetime
    run_count: int
    last_at: datetime | None
    """When the newest sample was taken, by the order of recording; None: there is none, or all are later than now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """One start-to-stop of one recorder, and a summary of its samples."""

    run_id: int
    uuid: str
    source: str
    host: str | None
    pid: int | None
    process_started_at: datetime | None
    boot_id: str | None
    parent_uuid: str | None
    role: str | None
    script_path: str | None
    external_id: str | None
    release: str | None
    python_version: str | None
    memmon_version: str | None
    interval_seconds: float | None
    limit_bytes: int | None
    limit_origin: str | None
    started_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    end_detail: str | None
    first_at: datetime | None
    last_at: datetime | None
    snapshot_count: int
    """Snapshots taken, those that were folded into rollups included."""
    first_rss_bytes: int | None
    last_rss_bytes: int | None
    peak_rss_bytes: int | None
    clock_start_at: datetime | None = None
    """When it began by the clock of its newest sample: not `started_at` where that clock was set since."""
    ahead_at: datetime | None = None
    """The time of its newest sample of all, where that is later than now: then `last_at` is of one before it."""
    is_clock_ahead: bool = False
    """That sample's clock is the clock of those before it: then they are older than their times, too."""
    ahead_count: int = 0
    """Samples later than now; 0 also where they were not counted."""
    ahead_until: datetime | None = None
    """The latest time among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventInfo:
    """Something that happened at a moment: a gc pass, an alert, a deploy, a clock step."""

    event_id: int
    at: datetime
    kind: str
    text: str
    run_id: int | None = None
    sequence: int | None = None
    uptime_seconds: float | None = None
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInfo:
    """A stored report."""

    report_id: int
    at: datetime
    window_seconds: float
    text: str
    data: str | None
    """The report as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DequeStatus:
    """The newest known values of one deque (`DequeReading` with the moment and run it holds for)."""

    name: str
    length_count: int | None
    maxlen_count: int | None
    size_bytes: int | None
    """The newest estimate, scaled to the present length."""
    dropped_count: int | None
    expected_maxlen_count: int | None
    is_alive: bool
    run_id: int
    at: datetime
    """The newest snapshot of the run: up to then the values hold."""
    item_bytes: int | None = None
    """What one more item takes, its place included; None in what older recorders stored."""
    item_low_bytes: int | None = None
    item_high_bytes: int | None = None
    is_component: bool = False
    """It is a cache or queue that was registered as the component of that name."""
    is_found: bool = False
    """It is a container that a look found to grow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowStatistics:
    """Memory over a window, computed in SQL over raw snapshots and rollups together."""

    first_at: datetime | None
    last_at: datetime | None
    sample_count: int
    """Snapshots with a known RSS."""
    last_rss_bytes: int | None
    average_rss_bytes: float | None
    min_rss_bytes: int | None
    max_rss_bytes: int | None
    last_available_bytes: int | None
    last_system_percent: float | None
    max_system_percent: float | None
    last_limit_bytes: int | None
    last_limit_used_bytes: int | None
    """The older measure of what counts against the limit."""
    last_charged_bytes: int | None = None
    """What counts against the limit; None also where it was not read yet."""
    last_footprint_bytes: int | None = None
    """What the process can't give back."""


def datetime_or_none(at_ms: float | None) -> datetime | None:
    """Return the aware UTC datetime of integer milliseconds; None stays None."""
    return None if at_ms is None else datetime.fromtimestamp(at_ms / MS_PER_SECOND, UTC)


def datetime_of(at_ms: float) -> datetime:
    """Return the aware UTC datetime of integer milliseconds."""
    return datetime.fromtimestamp(at_ms / MS_PER_SECOND, UTC)


def ms_of(moment: datetime | None, *, name: str) -> int | None:
    """Return a moment's UTC milliseconds; raises ValueError for a naive one."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        msg = f"{name} must be timezone-aware: pass datetime(..., tzinfo=UTC)"
        raise ValueError(msg)
    return round(moment.timestamp() * MS_PER_SECOND)
