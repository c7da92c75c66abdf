"""What a program asks a child and what it is answered: a frozen value for each.

A request travels as one line of JSON, its `command` and its fields beside those of an `Envelope`;
the answer as one line with the same `command`, or as a `Failed`. No field has a default and none
is left out (but for those added later), so that what is missing, or one too many, is another version's: memmon may be
replaced while a program runs that has loaded it.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 -- whoever decodes reads the annotations
from dataclasses import dataclass, field, fields
from datetime import datetime  # noqa: TC003 -- same
from typing import ClassVar, Protocol, Self, TypeVar

from memmon.alerts.state_machine import Level, Observation
from memmon.model import ADDED_LATER, AlertSeverity, DequeReading

AnswerT_co = TypeVar("AnswerT_co", covariant=True)


class Request(Protocol[AnswerT_co]):
    """One of the requests below."""

    @property
    def command(self) -> str:
        """Its name on the way."""

    @property
    def answer_type(self) -> type[AnswerT_co]:
        """What is answered to it, unless it fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What every request bears beside its own fields: where the child imports from, and when it ends."""

    import_paths: tuple[str, ...]
    memmon_folders: tuple[str, ...]
    editable_folders: tuple[str, ...]
    """Installed packages that a hook finds and no path leads to: the hooks lie in these folders."""
    timeout_seconds: float
    has_lifeline: bool
    """The channel of the request stays open as long as the program lives."""
    program_pid: int
    program_started_ticks: int | None
    """When the program was started, in clock ticks since boot; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The child ran, and its task failed."""

    error: str
    kind: str | None
    """The name of the error's class."""
    sqlite_code: int | None
    error_number: int | None
    """The system's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """A database has this version's schema."""

    command: ClassVar[str] = "migrate"
    before: str | None
    """The revision found; None: the database was empty."""
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrate:
    """Bring a database forward to this version's schema."""

    command: ClassVar[str] = Migrated.command
    answer_type: ClassVar[type[Migrated]] = Migrated
    database: str
    file_mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What is damaged in a file."""

    command: ClassVar[str] = "inspect"
    damage: str | None
    """None: nothing was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """Look whether a file is damaged."""

    command: ClassVar[str] = Inspected.command
    answer_type: ClassVar[type[Inspected]] = Inspected
    database: str
    in_all_pages: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAnswer:
    """An alert that the stored history calls for, as programs of the first version read it."""

    kind: str
    severity: AlertSeverity
    title: str
    message: str
    values: Mapping[str, object]
    """Plain JSON values."""

    @classmethod
    def of(cls, seen: Observation) -> Self:
        """Return what is seen as it travels."""
        return cls(**{one.name: getattr(seen, one.name) for one in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAnswer:
    """What is seen of one kind of alert in the stored history; the program says when and of which source."""

    kind: str
    fingerprint: str
    level: Level
    severity: AlertSeverity
    title: str
    message: str
    values: Mapping[str, object]
    """Plain JSON values."""
    members: tuple[str, ...]

    @classmethod
    def of(cls, seen: Observation) -> Self:
        """Return what is seen as it travels."""
        return cls(**{one.name: getattr(seen, one.name) for one in fields(cls)})

    def seen(self, *, source: str) -> Observation:
        """Return what is seen of a source."""
        known = {one.name: getattr(self, one.name) for one in fields(self)}
        return Observation(source_id=0, source=source, **known)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyReport:
    """A report to be kept."""

    window_hours: float
    text: str
    data: str
    """The same as JSON text."""
    headline: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the hourly check found."""

    command: ClassVar[str] = "check"
    damage: str | None
    """What is damaged in the file; nothing is judged then."""
    alerts: tuple[AlertAnswer, ...]
    """What is to be told."""
    seen: tuple[SeenAnswer, ...]
    """What was looked at, also what is not or no more the case."""
    report: DailyReport | None
    """None: it is not due."""
    is_suspicious: bool
    """Evidence of the growth should be gathered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Judge the stored history, as every hour; fold and prune what is old."""

    command: ClassVar[str] = Checked.command
    answer_type: ClassVar[type[Checked]] = Checked
    database: str
    source: str
    leak_check: bool
    daily_report: bool
    threshold_mb_per_hour: float
    now: datetime
    look_at_all_pages: bool
    """First look for damage that no read or write has met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotColumns:
    """The snapshots that a program holds, oldest first, each column as long as the others; None for NaN."""

    timestamp: tuple[datetime, ...]
    """Naive ones are local time."""
    uptime_seconds: tuple[float | None, ...]
    rss_mb: tuple[float | None, ...]
    vms_mb: tuple[float | None, ...]
    percent: tuple[float | None, ...]
    available_mb: tuple[float | None, ...]
    deque_sizes: Mapping[str, float | None]
    """Of the newest alone."""
    counters: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict, metadata=ADDED_LATER)
    """What was read beside resident memory, by the names of a History's arrays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakAnswer:
    """The fields of MemoryLeakReport."""

    leak_detected: bool
    growth_rate_mb_per_hour: float
    total_growth_mb: float
    duration_hours: float
    start_memory_mb: float
    end_memory_mb: float
    confidence: str
    details: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakJudged:
    """The verdict on what a program holds."""

    command: ClassVar[str] = "leak"
    leak: LeakAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeLeak:
    """Judge what a program holds."""

    command: ClassVar[str] = LeakJudged.command
    answer_type: ClassVar[type[LeakJudged]] = LeakJudged
    snapshots: SnapshotColumns
    min_duration_hours: float
    min_samples: int
    threshold_mb_per_hour: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRendered:
    """The 24-hour report on what a program holds."""

    command: ClassVar[str] = "report"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderReport:
    """Render the 24-hour report on what a program holds, with what the store adds."""

    command: ClassVar[str] = ReportRendered.command
    answer_type: ClassVar[type[ReportRendered]] = ReportRendered
    snapshots: SnapshotColumns
    deques: tuple[DequeReading, ...]
    threshold_mb_per_hour: float
    source: str
    database: str
    now: datetime


AnyRequest = Migrate | Inspect | Check | JudgeLeak | RenderReport
AnyAnswer = Migrated | Inspected | Checked | LeakJudged | ReportRendered

REQUESTS: Mapping[str, type[AnyRequest]] = {
    Migrate.command: Migrate,
    Inspect.command: Inspect,
    Check.command: Check,
    JudgeLeak.command: JudgeLeak,
    RenderReport.command: RenderReport,
}
"""By the name on the way."""
