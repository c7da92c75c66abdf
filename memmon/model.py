"""Values that travel between the layers: what a snapshot, a run, an event and an alert are.

All are frozen. Sizes are in bytes, times timezone-aware UTC, and `None` means "could not be
read": missing is never zero.
"""

from __future__ import annotations

# ruff: noqa: TC003 -- the JSON Schema is made from these annotations
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

AlertSeverity = Literal["warning", "error"]
"""How urgent an alert is."""


ADDED_LATER: Mapping[str, bool] = MappingProxyType({"was_added_later": True})
"""Marks a field that a program of an earlier version does not send to its child: it is left at its default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DequeReading:
    """One deque at one moment.

    `length_count` is None when the deque is gone or could not be read; `maxlen_count` is None
    for a deque without a bound. `size_bytes` is an estimate: the deque itself, and bytes per item, sampled hourly
    and when the length has grown by half, times the length; told anew when it moved by more than a hundredth.
    `item_bytes` is what one more item takes, its place included; `item_low_bytes` what it takes at least (what is held
    in several places counts in part), `item_high_bytes` at most (what the allocator adds included).
    Other bounded containers are told likewise: `is_component`, a cache or queue registered as the component of that
    name; `is_found`, what a look found to grow.
    """

    name: str
    length_count: int | None
    maxlen_count: int | None
    size_bytes: int | None = None
    dropped_count: int | None = None
    expected_maxlen_count: int | None = None
    is_alive: bool = True
    item_bytes: int | None = field(default=None, metadata=ADDED_LATER)
    item_low_bytes: int | None = field(default=None, metadata=ADDED_LATER)
    item_high_bytes: int | None = field(default=None, metadata=ADDED_LATER)
    is_component: bool = field(default=False, metadata=ADDED_LATER)
    is_found: bool = field(default=False, metadata=ADDED_LATER)

    @property
    def is_registered(self) -> bool:
        """Tell whether the program registered it as a deque."""
        return not (self.is_component or self.is_found)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentReading:
    """The size of one registered component at one moment, in bytes (None: could not be read)."""

    name: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that one tick reads of the process, its host and what is registered."""

    at: datetime
    """Wall clock, UTC."""
    sequence: int = 0
    """Number within the run, from 1."""
    uptime_seconds: float = 0.0
    """Monotonic seconds since the run began: slopes within a run are taken on this."""
    rss_bytes: int | None = None
    vms_bytes: int | None = None
    system_percent: float | None = None
    """Memory in use on the whole host, in percent."""
    system_available_bytes: int | None = None
    limit_bytes: int | None = None
    """The limit in force: the smallest cgroup limit of the ancestry, else the host's memory; with the swap it allows."""
    limit_origin: str | None = None
    """Where the limit comes from, such as `cgroup v2 /docker/ab12` or `host`."""
    limit_used_bytes: int | None = None
    """The older measure of what counts against the limit: anonymous memory of that cgroup."""
    charged_bytes: int | None = None
    """What counts against the limit: all that is charged to that cgroup, without what the kernel drops first."""
    rss_anon_bytes: int | None = None
    rss_file_bytes: int | None = None
    rss_shmem_bytes: int | None = None
    swap_bytes: int | None = None
    uss_bytes: int | None = None
    """Unique set size; costly, hourly at most."""
    pss_bytes: int | None = None
    """Proportional set size; costly, hourly at most."""
    heap_used_bytes: int | None = None
    """Native heap in use (malloc), without large mappings."""
    heap_mmap_bytes: int | None = None
    """Native allocations served by mappings of their own."""
    python_block_count: int | None = None
    """Blocks that the interpreter's own allocator has handed out."""
    gc_pending_count: int | None = None
    """Objects that no collection has looked at yet; 0 where none comes by itself."""
    gc_collection_count: int | None = None
    """Full (oldest generation) collections so far."""
    gc_uncollectable_count: int | None = None
    thread_count: int | None = None
    fd_count: int | None = None
    work_count: int | None = None
    """Units of work done so far, summed over the names given to `count_work`."""
    work: tuple[tuple[str, int], ...] = ()
    """(name, units so far) for each name given to `count_work`; empty when none ever was."""
    deques: tuple[DequeReading, ...] = ()
    components: tuple[ComponentReading, ...] = ()

    @property
    def counted_bytes(self) -> int | None:
        """What counts against the limit: all that is charged; where that is not known, the older measure."""
        return self.limit_used_bytes if self.charged_bytes is None else self.charged_bytes

    @property
    def limit_room_bytes(self) -> int | None:
        """What is left of the limit; None: not known."""
        if self.limit_bytes is None or self.counted_bytes is None:
            return None
        return self.limit_bytes - self.counted_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One start-to-stop of one recorder, as the store keeps it."""

    uuid: str
    source: str
    source_was_given: bool
    """False: the name is a default, and gets a suffix when another script holds it."""
    started_at: datetime
    interval_seconds: float
    host: str
    pid: int
    process_started_at: datetime | None = None
    boot_id: str | None = None
    parent_uuid: str | None = None
    role: str | None = None
    """What this process is among its siblings: `main`, `worker`, ..."""
    script_path: str | None = None
    external_id: str | None = None
    """An identity given from outside: a container's or a service unit's."""
    release: str | None = None
    oom_kill_count: int | None = None
    """How often the kernel's out-of-memory killer has struck in the process's groups, at the start."""
    python_version: str | None = None
    memmon_version: str | None = None


RUN_START_EVENT = "run_start"
"""The kind of the first event of a run."""
OWN_COST_EVENT = "own_cost"
"""The kind of the event that says what memmon itself costs its program."""
DAMAGE_EVENT = "damage"
"""The kind of the event that says where a damaged database was put aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """Something that happened at a moment of a run: a gc pass, an alert, a deploy, a clock step."""

    at: datetime
    sequence: int
    """Number within the run, from 1: a retry is recognised by it."""
    kind: str
    text: str = ""
    uptime_seconds: float | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    """Plain JSON values; names carry their unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What an operator is told, and when."""

    kind: str
    """`leak`, `deque`, `high_memory`, ..."""
    severity: AlertSeverity
    title: str
    message: str
    at: datetime
    source: str
    values: Mapping[str, object] = field(default_factory=dict)
    """The figures behind the message; names carry their unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderStatus:
    """What a recorder has done so far."""

    taken_count: int
    stored_count: int
    held_count: int
    """Taken and still only in memory."""
    dropped_count: int
    last_error: str | None = None
    last_stored_at: datetime | None = None
    source: str | None = None
    database: str | None = None
    """Where it is stored, with passwords masked."""
    child_start_count: int = 0
    """Short-lived processes started for checks, reports and migrations."""
    child_failure_count: int = 0
    """Of these, how many failed one after another up to now."""
    checks_off: str | None = None
    """Why no such process is started any more in this run; None: they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertInfo:
    """The state of one alert of a source."""

    fingerprint: str
    kind: str
    state: str
    """`firing`, `pending`, or `clear`: it is over."""
    severity: str
    since: datetime
    """When that state began."""
    notified_at: datetime | None
    data: Mapping[str, object] = field(default_factory=dict)
    title: str = ""
    holder: str = "recorder"
    """Who watches: the program's own `recorder`, or the `evaluator` outside."""

    @property
    def is_firing(self) -> bool:
        """Tell whether the alert is in force."""
        return self.state == "firing"

    @property
    def resolved_at(self) -> datetime | None:
        """When the alert was over; None while it is not."""
        return self.since if self.state == "clear" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentRecord:
    """What an hourly check said of a source, as the store keeps it; None: not known."""

    source: str
    at: datetime
    writer: Literal["child", "evaluator"]
    last_at: datetime | None
    """The newest sample that was judged."""
    severity: str | None
    verdict: str
    confidence: str
    slope_mb_per_hour: float | None
    rss_bytes: int | None
    footprint_bytes: int | None
    charged_bytes: int | None
    limit_bytes: int | None
    version: int
    """Of the form of `data`."""
    data: str
    """The whole as JSON."""
