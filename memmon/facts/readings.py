"""The readings: every number that a snapshot has of its process and machine, each in one row.

From a row derive the columns of `snapshot` and `rollup`, how the past is folded, what is written and
read back, what is exported and reported, and the tables in docs/. A new reading is a field of a
`Snapshot` and of what its probe reads (`ProcessReading`), a row here at the place where it reads best, a
revision of three lines (`migrations/reading_columns.py`) and its number in `store/schema/identity.py`; tests
name the commands that write the rest.

Standard library only: the recording side and the documentation load this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["bytes", "percent", "count"]
"""`bytes` and `count` are whole numbers, `percent` is a float (and its column's name ends in `_percent`)."""

Fold = Literal["mean", "counter"]
"""What stands for a bucket of samples: their mean, or the last of a number that only grows within a run."""

Beside = Literal["min", "max", "last"]
"""What is kept of a bucket beside its mean, in a column of that prefix."""

Across = Literal["sum", "newest"]
"""What several processes of a source have together: their sum, or what the newest sample of them says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingMetric:
    """How a reading is exported; `name` ends in its unit, where it has one."""

    name: str
    help: str
    unit: str = ""
    place: int = 100
    """Where it stands among the others, the smallest first; equal ones in the order of `READINGS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One number that each snapshot has, or lacks (None: it could not be read)."""

    column: str
    """Its name in the store, the views and the exports."""
    unit: Unit
    meaning: str
    """What it is, as the documentation says it."""
    since: str
    """The revision that added its column."""
    snapshot_field: str = ""
    """Its name in a `Snapshot`, where that is another."""
    fold: Fold = "mean"
    beside: tuple[Beside, ...] = ()
    """What a mean would hide and rollups keep; a counter has none."""
    beside_since: str = ""
    """The revision from which rollups keep that, where it is a later one than `since`."""
    is_small: bool = False
    """It fits in 32 bits."""
    is_rare: bool = False
    """It is costly, read hourly at most and missing in most snapshots: the newest known one counts."""
    across: Across = "sum"
    metric: ReadingMetric | None = None
    """The present, over all live processes of a source (`/metrics`)."""
    backfill: ReadingMetric | None = None
    """The recorded past of one process (`memmon export --format openmetrics`)."""

    @property
    def field(self) -> str:
        """Its name in a `Snapshot`."""
        return self.snapshot_field or self.column

    @property
    def beside_columns(self) -> tuple[str, ...]:
        """The columns of a rollup that keep what its mean would hide."""
        return tuple(f"{prefix}_{self.column}" for prefix in self.beside)


READINGS: tuple[Reading, ...] = (
    Reading(
        column="rss_bytes",
        unit="bytes",
        meaning="resident memory",
        since="0001",
        beside=("min", "max", "last"),
        metric=ReadingMetric(
            name="memmon_rss_bytes",
            help="Resident memory, summed over the live processes.",
            unit="bytes",
            place=10,
        ),
        backfill=ReadingMetric(
            name="memmon_rss_bytes", help="Resident memory of the process.", unit="bytes", place=10
        ),
    ),
    Reading(
        column="vms_bytes",
        unit="bytes",
        meaning="virtual memory",
        since="0001",
        beside=("max",),
        metric=ReadingMetric(
            name="memmon_vms_bytes",
            help="Virtual memory, summed over the live processes.",
            unit="bytes",
            place=30,
        ),
        backfill=ReadingMetric(
            name="memmon_vms_bytes", help="Virtual memory of the process.", unit="bytes", place=20
        ),
    ),
    Reading(
        column="system_percent",
        unit="percent",
        meaning="share of the host's memory in use",
        since="0001",
        beside=("max",),
        across="newest",
        metric=ReadingMetric(
            name="memmon_system_used_ratio",
            help="Share of the host's memory in use.",
            unit="ratio",
            place=70,
        ),
        backfill=ReadingMetric(
            name="memmon_system_used_percent", help="Memory in use on the host.", unit="percent", place=60
        ),
    ),
    Reading(
        column="available_bytes",
        snapshot_field="system_available_bytes",
        unit="bytes",
        meaning="the host's available memory",
        since="0001",
        beside=("min",),
        across="newest",
        metric=ReadingMetric(
            name="memmon_system_available_bytes",
            help="Memory that the host has left.",
            unit="bytes",
            place=60,
        ),
        backfill=ReadingMetric(
            name="memmon_system_available_bytes",
            help="Memory that the host has left.",
            unit="bytes",
            place=50,
        ),
    ),
    Reading(
        column="limit_bytes",
        unit="bytes",
        meaning="the limit in force: the smallest of the container's, else the host's memory, with the swap allowed",
        since="0001",
        across="newest",
        metric=ReadingMetric(
            name="memmon_limit_bytes", help="Memory limit in force.", unit="bytes", place=40
        ),
        backfill=ReadingMetric(
            name="memmon_limit_bytes", help="Memory limit in force.", unit="bytes", place=30
        ),
    ),
    Reading(
        column="limit_used_bytes",
        unit="bytes",
        meaning="the older measure against the limit: anonymous memory of the container",
        since="0001",
        beside=("max",),
        across="newest",
        metric=ReadingMetric(
            name="memmon_limit_used_bytes",
            help="Anonymous memory of the container whose limit is in force.",
            unit="bytes",
            place=50,
        ),
        backfill=ReadingMetric(
            name="memmon_limit_used_bytes",
            help="Anonymous memory of the container whose limit is in force.",
            unit="bytes",
            place=40,
        ),
    ),
    Reading(
        column="charged_bytes",
        unit="bytes",
        meaning="what counts against the limit: all that is charged and can't be taken back at once",
        since="0006",
        beside=("max",),
        across="newest",
        metric=ReadingMetric(
            name="memmon_charged_bytes",
            help="Memory that counts against the limit.",
            unit="bytes",
            place=45,
        ),
        backfill=ReadingMetric(
            name="memmon_charged_bytes",
            help="Memory that counts against the limit.",
            unit="bytes",
            place=35,
        ),
    ),
    Reading(
        column="rss_anon_bytes",
        unit="bytes",
        meaning="the part of RSS that has no file behind it",
        since="0001",
    ),
    Reading(column="rss_file_bytes", unit="bytes", meaning="the part of RSS that maps files", since="0001"),
    Reading(
        column="rss_shmem_bytes", unit="bytes", meaning="the part of RSS that is shared memory", since="0001"
    ),
    Reading(column="swap_bytes", unit="bytes", meaning="what was swapped out", since="0001"),
    Reading(column="uss_bytes", unit="bytes", meaning="unique set size", since="0001", is_rare=True),
    Reading(
        column="pss_bytes",
        unit="bytes",
        meaning="proportional set size: what the processes take together, shared pages counted once",
        since="0001",
        is_rare=True,
        metric=ReadingMetric(
            name="memmon_pss_bytes",
            help="Proportional memory, summed over the live processes.",
            unit="bytes",
            place=20,
        ),
    ),
    Reading(
        column="heap_used_bytes",
        unit="bytes",
        meaning="the native heap in use, without large mappings",
        since="0001",
        beside=("min",),
        beside_since="0010",
    ),
    Reading(
        column="heap_mmap_bytes",
        unit="bytes",
        meaning="native allocations with a mapping of their own",
        since="0001",
        beside=("min",),
        beside_since="0010",
    ),
    Reading(
        column="python_block_count",
        unit="count",
        meaning="blocks of Python's own allocator",
        since="0001",
        beside=("min",),
        beside_since="0010",
    ),
    Reading(
        column="gc_pending_count",
        unit="count",
        meaning="objects that no collection has looked at; 0 where none comes by itself",
        since="0010",
    ),
    Reading(
        column="gc_collection_count",
        unit="count",
        meaning="full collections so far",
        since="0001",
        fold="counter",
    ),
    Reading(
        column="gc_uncollectable_count",
        unit="count",
        meaning="uncollectable objects so far",
        since="0001",
        fold="counter",
    ),
    Reading(
        column="thread_count",
        unit="count",
        meaning="threads",
        since="0001",
        is_small=True,
        beside=("max",),
        metric=ReadingMetric(
            name="memmon_threads", help="Threads, summed over the live processes.", place=80
        ),
        backfill=ReadingMetric(name="memmon_threads", help="Threads of the process.", place=70),
    ),
    Reading(
        column="fd_count",
        unit="count",
        meaning="open files",
        since="0001",
        is_small=True,
        beside=("max",),
        metric=ReadingMetric(
            name="memmon_open_files", help="File descriptors, summed over the live processes.", place=90
        ),
        backfill=ReadingMetric(name="memmon_open_files", help="File descriptors of the process.", place=80),
    ),
    Reading(column="work_count", unit="count", meaning="units of work so far", since="0001", fold="counter"),
)
"""Every reading; those of the same revision in the order in which it made their columns."""


def metrics() -> tuple[tuple[Reading, ReadingMetric], ...]:
    """Return the readings that `/metrics` shows, in its order."""
    found = [(one, one.metric) for one in READINGS if one.metric is not None]
    return tuple(sorted(found, key=_place))


def backfills() -> tuple[tuple[Reading, ReadingMetric], ...]:
    """Return the readings of an OpenMetrics export, in its order."""
    found = [(one, one.backfill) for one in READINGS if one.backfill is not None]
    return tuple(sorted(found, key=_place))


def _place(found: tuple[Reading, ReadingMetric]) -> int:
    return found[1].place
