"""The memory limit that kills: the smallest one of the control groups around this process.

`psutil.virtual_memory` reports the host, also inside a container. What ends a process there is
the limit of its control group or of any group around that one, in version 1 (`memory` controller)
or version 2 of the kernel's interface; see `Documentation/admin-guide/cgroup-v2.rst` and
`cgroup-v1/memory.rst` in the Linux sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.facts.limit_names import HOST
from memmon.guest.shielding import attempt
from memmon.probe.process.cgroups import MemoryGroup, find_groups, read_text
from memmon.probe.process.charged import (
    NO_LIMIT_FROM_BYTES,
    GroupFiles,
    GroupLimit,
    anonymous_bytes,
    charged_bytes,
    parse_counts,
    parse_limit,
    swap_room_bytes,
)
from memmon.probe.process.process import SystemReading, read_meminfo, read_system

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReading:
    """The limit in force, where it comes from, and what counts against it (None: unknown).

    `limit_bytes` is memory and the swap that may be used beside it; `used_bytes` is what can't be taken back of the
    same. `anonymous_bytes`, the older measure, is the group's anonymous memory (the host's: all but what is available).
    """

    limit_bytes: int | None = None
    origin: str | None = None
    used_bytes: int | None = None
    anonymous_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Host:
    """The machine's memory; None: unknown."""

    total_bytes: int | None
    available_bytes: int | None
    swap_total_bytes: int
    swap_free_bytes: int

    def limit(self) -> LimitReading:
        if self.total_bytes is None:
            return LimitReading()
        used = None if self.available_bytes is None else self.total_bytes - self.available_bytes
        swapped = self.swap_total_bytes - self.swap_free_bytes
        return LimitReading(
            limit_bytes=self.total_bytes + self.swap_total_bytes,
            origin=HOST,
            used_bytes=None if used is None else used + swapped,
            anonymous_bytes=used,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEvents:
    """What the group's memory controller counted so far; None: not told by this kernel.

    `oom_kill_count`: processes of the group that the kernel killed; `oom_count`: how often the
    limit was hit with nothing left to reclaim; `limit_hit_count`: how often usage reached the limit.
    """

    origin: str
    oom_kill_count: int | None = None
    oom_count: int | None = None
    limit_hit_count: int | None = None


class LimitProbe:
    """Reads the limit of one process; finds the groups once and again when the process is moved.

    `root` stands before `/proc` and `/sys` (tests build their own). `pid`: None for this process.
    """

    def __init__(self, root: str = "/", pid: int | None = None) -> None:
        """Make a probe; nothing is read yet."""
        self._root = root.rstrip("/")
        self._pid = pid
        self._membership: str | None = None
        self._groups: tuple[MemoryGroup, ...] = ()

    def read(self, system: SystemReading | None = None) -> LimitReading:
        """Return the smallest limit; the host's memory where no group sets a smaller one.

        `system`: the host's memory, where it was just read: it is not read twice.
        """
        return attempt(self._read, system) or LimitReading()

    def memory_events(self) -> tuple[MemoryEvents, ...]:
        """Return the event counts of each group around the process, the innermost first."""
        return attempt(self._read_events) or ()

    def _read(self, system: SystemReading | None) -> LimitReading:
        host = self._read_host(system)
        knows_swap = host.swap_total_bytes > 0
        groups = [GroupFiles(group) for group in self._find_groups()]
        limits: list[GroupLimit] = []
        is_free_v1 = False
        for files in groups:
            if any(one.knows_outer and one.files.is_v2 == files.is_v2 for one in limits):
                continue
            if is_free_v1 and not files.is_v2:
                continue
            limit = _group_limit(files, knows_swap=knows_swap)
            is_free_v1 = is_free_v1 or (not knows_swap and _knows_of_no_limit(files))
            # A limit that the machine does not have kills no one.
            if limit is not None and (host.total_bytes is None or limit.memory_bytes < host.total_bytes):
                limits.append(limit)
        return _smallest(limits, groups, host.swap_total_bytes) or host.limit()

    def _read_host(self, system: SystemReading | None) -> _Host:
        told = system if not self._root else attempt(read_meminfo, self._root) or SystemReading()
        if told is None or (told.total_bytes is None and not self._root):
            told = read_system()
        total, available = told.total_bytes, told.available_bytes
        swap_total, swap_free = told.swap_total_bytes, told.swap_free_bytes
        if swap_total is None or swap_free is None or swap_free > swap_total:
            swap_total = swap_free = 0
        return _Host(
            total_bytes=total,
            available_bytes=available if total and available is not None and available <= total else None,
            swap_total_bytes=swap_total,
            swap_free_bytes=swap_free,
        )

    def _read_events(self) -> tuple[MemoryEvents, ...]:
        return tuple(filter(None, map(_group_events, self._find_groups())))

    def _find_groups(self) -> tuple[MemoryGroup, ...]:
        process = "self" if self._pid is None else str(self._pid)
        membership = read_text(f"{self._root}/proc/{process}/cgroup")
        if membership is None or membership != self._membership:
            self._groups = find_groups(self._root, membership or "")
            self._membership = membership
        return self._groups


def read_limit(root: str = "/", pid: int | None = None) -> LimitReading:
    """Return the smallest memory limit around a process (once; `LimitProbe` remembers the groups)."""
    return LimitProbe(root, pid).read()


def memory_events(root: str = "/", pid: int | None = None) -> tuple[MemoryEvents, ...]:
    """Return how often the kernel's out-of-memory killer struck in the groups around a process."""
    return LimitProbe(root, pid).memory_events()


def _smallest(
    limits: Sequence[GroupLimit], groups: Sequence[GroupFiles], swap_total_bytes: int
) -> LimitReading | None:
    """Return the smallest of the groups' limits with what counts against it, None where there is none.

    Of equal ones it is that of the group which sets it, the innermost of these.
    """
    found = [(limit, swap_room_bytes(limit, groups, swap_total_bytes)) for limit in limits]
    if not found:
        return None
    limit, swap_room = min(found, key=lambda one: (one[0].memory_bytes + one[1], not one[0].is_own))
    return LimitReading(
        limit_bytes=limit.memory_bytes + swap_room,
        origin=limit.files.group.origin,
        used_bytes=charged_bytes(limit.files, with_swap=swap_room > 0) if limit.is_own else None,
        anonymous_bytes=anonymous_bytes(limit.files),
    )


def _group_limit(files: GroupFiles, *, knows_swap: bool) -> GroupLimit | None:
    """Return the limit that a group sets or, the innermost of version 1, tells of."""
    if files.is_v2:
        own = files.limit("memory.max")
        return None if own is None else GroupLimit(files=files, memory_bytes=own)
    if not files.group.is_innermost and (files.text("memory.use_hierarchy") or "").strip() == "0":
        return None  # such a group does not count what its children use
    own = files.limit("memory.limit_in_bytes")
    # The innermost group also tells of ancestors, of those that are not mounted here, too.
    told = files.count("hierarchical_memory_limit") if files.group.is_innermost else None
    inherited = None if told is None else parse_limit(str(told))
    if inherited is not None and (own is None or inherited < own):
        return GroupLimit(files=files, memory_bytes=inherited, is_own=False)
    if own is None:
        return None
    # With swap a group around this one may still set the smaller limit on both together.
    return GroupLimit(files=files, memory_bytes=own, knows_outer=own == told and not knows_swap)


def _knows_of_no_limit(files: GroupFiles) -> bool:
    """Tell whether the innermost group of version 1 says that neither it nor a group around it is limited."""
    if files.is_v2 or not files.group.is_innermost:
        return False
    told = files.count("hierarchical_memory_limit")
    return told is not None and told >= NO_LIMIT_FROM_BYTES


def _group_events(group: MemoryGroup) -> MemoryEvents | None:
    if group.version == 2:  # noqa: PLR2004 - the interface's version
        counts = parse_counts(read_text(f"{group.folder}/memory.events"))
        hits = counts.get("max")
    else:
        counts = parse_counts(read_text(f"{group.folder}/memory.oom_control"))
        hits_text = (read_text(f"{group.folder}/memory.failcnt") or "").strip()
        hits = int(hits_text) if hits_text.isascii() and hits_text.isdigit() else None
    if not counts:
        return None
    return MemoryEvents(
        origin=group.origin,
        oom_kill_count=counts.get("oom_kill"),
        oom_count=counts.get("oom"),
        limit_hit_count=hits,
    )
