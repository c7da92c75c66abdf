"""What the pictures show, as plain data: times in seconds since 1970 (UTC), sizes in MB (2**20 bytes).

A value of None breaks a line: a gap, a restart, or a reading that failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memmon.report.deque_row import DequeRow

Values = tuple[float | None, ...]
"""One value per time, None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A moment worth telling; `kind` is `restart`, `deploy`, `end`, `death`, `gc`, `alert` or `note`."""

    at_seconds: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSpan:
    """From when to when a release was the newest that ran."""

    name: str
    from_seconds: float
    until_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """When the forecast meets the limit: its middle, and from when to when with its level (None: later than is known)."""

    at_seconds: float
    from_seconds: float | None
    until_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A stretch in which nothing was recorded; at a restart it may take no time. No line goes through it."""

    from_seconds: float
    until_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbon:
    """A line with its interval: the trend of one run, or the forecast."""

    at_seconds: tuple[float, ...]
    middle_mb: tuple[float, ...]
    low_mb: tuple[float, ...]
    high_mb: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that nothing breaks: the memory of one process over one stretch."""

    at_seconds: tuple[float, ...]
    value_mb: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryChart:
    """Resident memory in buckets that begin at `at_seconds`: the mean of each, with the band from min to max."""

    at_seconds: tuple[float, ...]
    mean_mb: Values
    min_mb: Values
    max_mb: Values
    bucket_seconds: float = 0.0
    trend: tuple[Ribbon, ...] = ()
    trend_words: str = ""
    """What stands on the trend's line."""
    forecast: Ribbon | None = None
    reach: Reach | None = None
    """Where the forecast meets the limit; None: not within what `forecast` shows."""
    full_at_seconds: float | None = None
    """When the limit is met, shown or not; None: no date is known."""
    newest_mb: float | None = None
    """The newest reading, as the cards tell it; the last bucket's mean may differ from it."""
    limit_mb: float | None = None
    limit_origin: str | None = None
    processes: tuple[Line, ...] = ()
    """Each of several processes, of which the memory is the sum."""
    sample_counts: tuple[int, ...] = ()
    """How many samples stand behind each bucket."""
    whole_limit_mb: float | None = None
    """The limit itself; `limit_mb` is the resident memory at which it is reached, as others may use a part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One part of a stacked chart."""

    name: str
    value_mb: Values
    kind: str = ""
    """How it is drawn, as the style sheet names it; empty: by its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackChart:
    """Parts that add up, bottom first, in buckets that begin at `at_seconds`."""

    at_seconds: tuple[float, ...]
    layers: tuple[Layer, ...]
    bucket_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DequeChart:
    """One deque's fill over time, the largest of each span: percent of maxlen, or its length where it has no maxlen."""

    row: DequeRow
    at_seconds: tuple[float, ...]
    fill: Values
    is_percent: bool
    span_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One local day: memory figures over all its samples, and how many runs began."""

    day: str
    sample_count: int
    min_mb: float | None
    mean_mb: float | None
    max_mb: float | None
    start_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRow:
    """The two regressions and the verdict over one rolling window that ends at `end_seconds`."""

    end_seconds: float
    slope_mb_per_hour: float | None
    slope_low_mb_per_hour: float | None
    slope_high_mb_per_hour: float | None
    ols_slope_mb_per_hour: float | None
    ols_slope_low_mb_per_hour: float | None
    ols_slope_high_mb_per_hour: float | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """All pictures and tables of one HTML report."""

    since_seconds: float
    until_seconds: float
    memory: MemoryChart
    split: StackChart | None = None
    parts: StackChart | None = None
    """Who holds the memory; None where nothing that was named has a size."""
    deques: tuple[DequeChart, ...] = ()
    days: tuple[DayRow, ...] = ()
    windows: tuple[WindowRow, ...] = ()
    """Rolling windows of 24 hours, oldest first."""
    markers: tuple[Marker, ...] = ()
    ends: tuple[Marker, ...] = ()
    """Where a run ended, oldest first."""
    releases: tuple[ReleaseSpan, ...] = ()
    """The releases that ran in the window, oldest first; empty where none was named."""
    pauses: tuple[Pause, ...] = ()
    """Where nothing was recorded, oldest first."""
    offset_seconds: float = 0.0
    """How far local time is ahead of UTC: bins begin at local midnight."""
    told_at_seconds: float | None = None
    """From when moments are told, as in the sentences: when the assessment was made. None: from `until_seconds`."""
