"""What a report says, as plain frozen data: built once, rendered as text, HTML or JSON.

Importable with the standard library alone, so that the host of a recorder can render the memory
and deque sections even when the analysis can't run. Sizes are in MB (2**20 bytes), times
timezone-aware; `None` means "not known".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from memmon.analysis.compare_values import Comparison
    from memmon.analysis.leak_values import LeakFinding
    from memmon.report.chart_values import Ribbon

NO_DATA_TEXT = "No memory data available"
"""What every renderer answers when there is no sample at all."""

STALE_INTERVAL_COUNT = 3
"""A source is stale once this many intervals have passed without a sample."""

DequeState = Literal["ok", "full", "unbounded", "above", "unexpected_maxlen", "dead", "unreadable"]
"""What a deque's limit looks like; see `DequeRow`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySection:
    """Resident memory over the report's window; `sample_count` is 0 when there is no reading."""

    current_mb: float | None
    average_mb: float | None
    min_mb: float | None
    max_mb: float | None
    sample_count: int


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
class DequeRow:
    """One deque as last read.

    `state`: `ok`; `full` (bounded and at its limit: it drops silently, as designed); `unbounded` (no
    maxlen), `above` (longer than maxlen), `unexpected_maxlen` (not the limit that was registered):
    these three fail; `dead` (the deque no longer exists), `unreadable`: not judged.
    """

    name: str
    length_count: int | None
    maxlen_count: int | None
    percent_full: float | None
    state: DequeState
    expected_maxlen_count: int | None = None
    size_mb: float | None = None
    dropped_count: int | None = None

    @property
    def is_failing(self) -> bool:
        """Tell whether the deque breaks its limit or has none."""
        return self.state in {"unbounded", "above", "unexpected_maxlen"}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSection:
    """When memory reaches a limit; hours None: never within the horizon. `summary` is one sentence."""

    summary: str
    limit_mb: float | None = None
    limit_origin: str | None = None
    used_mb: float | None = None
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
    """The host and the limit at the last sample; `limit_used_mb` is what counts against the limit."""

    system_percent: float | None = None
    available_mb: float | None = None
    limit_mb: float | None = None
    limit_origin: str | None = None
    limit_used_mb: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """One reading over the window, in the unit that its name says; None: it was never read."""

    name: str
    last: int | float | None
    mean: float | None
    min: int | float | None
    max: int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """How old the newest sample is, and whether that is too old for the interval."""

    last_at: datetime | None
    age_seconds: float | None
    interval_seconds: float | None
    is_stale: bool


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
    staleness: Staleness | None = None
    system: SystemSection | None = None
    comparison: Comparison | None = None
    """The newest release against the one before, where runs of both were recorded."""
    judged_from: datetime | None = None
    """Where the verdict's look-back begins; the pictures begin there too."""
    readings: tuple[ReadingRow, ...] = ()
    """Every reading that was made in the window, in the order of their facts; JSON shows them."""

    @property
    def is_empty(self) -> bool:
        """True when there is no sample to report on."""
        return self.memory.sample_count == 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: the same names, times as ISO 8601 text, no NaN."""
        plain: dict[str, Any] = as_plain(self)
        return plain


def as_plain(value: object) -> Any:
    """Return `value` as plain JSON data: dataclasses to dicts, times to ISO 8601, NaN to None."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value):
        return {field.name: as_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    return value
