"""What a report says, as plain frozen data: built once, rendered as text, HTML or JSON.

Importable with the standard library alone, so that the program with a recorder can render the memory
and deque sections even when the analysis can't run. Sizes are in MB (2**20 bytes), times
timezone-aware; `None` means "not known".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memmon.facts.plain import as_plain
from memmon.facts.staleness import Staleness
from memmon.report.deque_row import DequeRow
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.analysis.compare.finding import Comparison
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.assessment.assessment import Assessment
    from memmon.report.chart_values import Ribbon

__all__ = [
    "NO_DATA_TEXT",
    "CauseSection",
    "CauseShare",
    "DequeRow",
    "DequeSection",
    "EventRow",
    "ForecastSection",
    "HistorySection",
    "LeakSection",
    "MemorySection",
    "Report",
    "RunRow",
    "Staleness",
    "StoredSections",
    "SystemSection",
]

NO_DATA_TEXT = "No memory data available"
"""What every renderer answers when there is no sample at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySection:
    """Resident memory over the report's window; `sample_count` is 0 when there is no reading.

    Of processes side by side it is their sum at each moment, pages that they share counted in each of them.
    """

    current_mb: float | None
    average_mb: float | None
    min_mb: float | None
    max_mb: float | None
    sample_count: int
    process_count: int = 1
    """How many processes the figures are the sum of, at each moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakSection:
    """The verdict, or the reason why there is none.

    `disagreement` is one sentence when the robust slope and least squares tell different stories.
    """

    finding: LeakFinding | None
    threshold_mb_per_hour: float
    missing_reason: str | None = None
    disagreement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DequeSection:
    """All registered deques, failing first, then the fullest."""

    rows: tuple[DequeRow, ...]

    @property
    def failing_count(self) -> int:
        """How many deques fail their check."""
        return sum(row.is_failing for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One start-to-stop of a recorder: when, which release, how it ended, what memory did."""

    run_id: int
    started_at: datetime
    ended_at: datetime | None
    last_at: datetime | None = None
    end_reason: str | None = None
    end_detail: str | None = None
    release: str | None = None
    host: str | None = None
    pid: int | None = None
    sample_count: int | None = None
    first_mb: float | None = None
    last_mb: float | None = None
    max_mb: float | None = None
    is_running: bool = False
    """It has no end, and its newest sample is not stale."""

    @property
    def duration_hours(self) -> float | None:
        """Hours from the start to the end, or to the last sample of a run without an end."""
        end = self.ended_at or self.last_at
        return None if end is None else max((end - self.started_at).total_seconds(), 0.0) / SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySection:
    """What the store holds of this source, over all its runs; `runs` are the newest, newest first."""

    run_count: int
    first_at: datetime | None
    last_at: datetime | None
    runs: tuple[RunRow, ...] = ()
    sample_count: int | None = None
    max_mb: float | None = None
    missing_reason: str | None = None
    set_aside: str = ""
    """What is said of samples that lie in the future, in one sentence; empty: there are none."""
    process_count: int = 1
    """How many processes there have been side by side at most; every other run is a restart."""

    @property
    def restart_count(self) -> int:
        """How many runs took the place of one before."""
        return max(self.run_count - self.process_count, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSection:
    """When memory reaches a limit; hours None: never within the horizon. `summary` is one sentence."""

    summary: str
    limit_mb: float | None = None
    limit_origin: str | None = None
    used_mb: float | None = None
    state: str = "dated"
    """`dated`, `never`, `cannot_say` or `reached`."""
    hours_to_limit: float | None = None
    hours_to_limit_low: float | None = None
    hours_to_limit_high: float | None = None
    level: float | None = None
    rss_at_limit_mb: float | None = None
    """Resident memory of the process at which the limit is reached, all else staying as it is."""
    details: tuple[str, ...] = ()
    curve: Ribbon | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseShare:
    """One part of the growth: its name, how much and how fast, and its share of the whole (0 to 1)."""

    name: str
    growth_mb: float | None = None
    slope_mb_per_hour: float | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseSection:
    """What the growth consists of (`shares`) and moves with (`attributions`); `summary` in one sentence."""

    summary: str
    shares: tuple[CauseShare, ...] = ()
    attributions: tuple[CauseShare, ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """Something that happened in the window."""

    at: datetime
    kind: str
    text: str
    run_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSection:
    """The host and the limit at the last sample; `limit_used_mb` is what counts against the limit.

    `held_elsewhere_mb`: what of it no recorded process holds; `elsewhere` says so where it is worth saying.
    """

    system_percent: float | None = None
    available_mb: float | None = None
    limit_mb: float | None = None
    limit_origin: str | None = None
    limit_used_mb: float | None = None
    held_elsewhere_mb: float | None = None
    elsewhere: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """One reading over the window, in the unit that its name says; None: it was never read."""

    name: str
    last: int | float | None
    mean: float | None
    min: int | float | None
    max: int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSections:
    """What the store adds to a report, beyond the window's own figures; all may be missing."""

    database: str | None = None
    history: HistorySection | None = None
    forecast: ForecastSection | None = None
    cause: CauseSection | None = None
    events: tuple[EventRow, ...] = ()
    evidence: EventRow | None = None
    """What the recorder found out while memory grew: the suspects by name."""
    own_cost: EventRow | None = None
    """What memmon itself costs the program, as its recorder last told; None: it was not told yet."""
    staleness: Staleness | None = None
    system: SystemSection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one report says. `since` to `until` is the window of the memory section."""

    title: str
    source: str
    since: datetime | None
    until: datetime | None
    generated_at: datetime
    memory: MemorySection
    leak: LeakSection
    deques: DequeSection
    database: str | None = None
    """Where the history is kept, with secrets masked."""
    history: HistorySection | None = None
    forecast: ForecastSection | None = None
    cause: CauseSection | None = None
    events: tuple[EventRow, ...] = ()
    evidence: EventRow | None = None
    """What the recorder found out while memory grew: the suspects by name."""
    own_cost: EventRow | None = None
    """What memmon itself costs the program, as its recorder last told; None: it was not told yet."""
    staleness: Staleness | None = None
    system: SystemSection | None = None
    comparison: Comparison | None = None
    """The newest release against the one before, where runs of both were recorded."""
    judged_from: datetime | None = None
    """Where the verdict's look-back begins; the pictures begin there too."""
    assessment: Assessment | None = None
    """What the sections are rendered from; None where nothing could be judged."""
    readings: tuple[ReadingRow, ...] = ()
    """Every reading that was made in the window, in the order of their facts; JSON shows them."""

    @property
    def is_empty(self) -> bool:
        """True when there is no sample to report on."""
        return self.memory.sample_count == 0

    @property
    def told_at(self) -> datetime:
        """The one moment from which every other is told: when the assessment was made, else the report."""
        at = None if self.assessment is None else self.assessment.at
        return self.generated_at if at is None else at

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: the same names, times as ISO 8601 text, no NaN."""
        plain: dict[str, Any] = as_plain(self)
        return plain
