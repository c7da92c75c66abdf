"""The memory limit that kills: the smallest one of the control groups around this process.

`psutil.virtual_memory` reports the host, also inside a container. What ends a process there is
the limit of its control group or of any group around that one, in version 1 (`memory` controller)
or version 2 of the kernel's interface; see `Documentation/admin-guide/cgroup-v2.rst` and
`cgroup-v1/memory.rst` in the Linux sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.guest.shielding import attempt
from memmon.probe.process.cgroups import MemoryGroup, find_groups, read_text
from memmon.probe.process.process import read_system
from memmon.units import KIB

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memmon.probe.process.process import SystemReading

HOST = "host"
NO_LIMIT_FROM_BYTES = 2**60
"""Version 1 spells "no limit" as the largest number that fits, rounded down to a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReading:
    """The limit in force, where it comes from, and what is used of it (None: unknown)."""

    limit_bytes: int | None
    origin: str | None
    used_bytes: int | None


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

        `system`: the host's memory, where it was just read.
        """
        return attempt(self._read, system) or LimitReading(limit_bytes=None, origin=None, used_bytes=None)

    def memory_events(self) -> tuple[MemoryEvents, ...]:
        """Return the event counts of each group around the process, the innermost first."""
        return attempt(self._read_events) or ()

    def _read(self, system: SystemReading | None) -> LimitReading:
        host_total, host_available = self._read_host(system)
        smallest: MemoryGroup | None = None
        limit: int | None = None
        outer_are_known: set[int] = set()
        for group in self._find_groups():
            if group.version in outer_are_known:
                continue
            group_limit, knows_outer = _group_limit(group)
            if knows_outer:
                outer_are_known.add(group.version)
            if group_limit is not None and (limit is None or group_limit < limit):
                smallest, limit = group, group_limit
        if smallest is not None and limit is not None and (host_total is None or limit < host_total):
            return LimitReading(limit_bytes=limit, origin=smallest.origin, used_bytes=_group_used(smallest))
        if host_total is None:
            return LimitReading(limit_bytes=None, origin=None, used_bytes=None)
        used = host_total - host_available if host_available is not None else None
        return LimitReading(limit_bytes=host_total, origin=HOST, used_bytes=used)

    def _read_host(self, system: SystemReading | None) -> tuple[int | None, int | None]:
        if not self._root:
            system = system or read_system()
            if system.total_bytes is not None:
                return system.total_bytes, system.available_bytes
        values = parse_counts(read_text(f"{self._root}/proc/meminfo"))
        total, available = values.get("MemTotal"), values.get("MemAvailable")
        return (
            total * KIB if total else None,
            available * KIB if total and available is not None and available <= total else None,
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


def parse_limit(text: str | None) -> int | None:
    """Return a limit file's bytes; None for either spelling of "no limit" and for what can't be read."""
    value = (text or "").strip()
    if not (value.isascii() and value.isdigit()):
        return None
    limit = int(value[:32])
    return limit if 0 < limit < NO_LIMIT_FROM_BYTES else None


def parse_counts(text: str | None) -> dict[str, int]:
    """Return the `name number` lines of a kernel file (a colon after the name or a unit is passed over)."""
    counts: dict[str, int] = {}
    for line in (text or "").splitlines():
        parts = line.split()
        if len(parts) >= 2 and parts[1].isascii() and parts[1].isdigit():  # noqa: PLR2004 - name and number
            counts[parts[0].rstrip(":")] = int(parts[1][:32])
    return counts


def _group_limit(group: MemoryGroup) -> tuple[int | None, bool]:
    """Return a group's limit, and whether it tells that no group around it has a smaller one."""
    if group.version == 2:  # noqa: PLR2004 - the interface's version
        return parse_limit(read_text(f"{group.folder}/memory.max")), False
    if not group.is_innermost and (read_text(f"{group.folder}/memory.use_hierarchy") or "").strip() == "0":
        return None, False  # such a group does not count what its children use
    own = parse_limit(read_text(f"{group.folder}/memory.limit_in_bytes"))
    if not group.is_innermost:
        return own, False
    # The innermost group also tells of ancestors, of those that are not mounted here, too.
    told = parse_counts(read_text(f"{group.folder}/memory.stat")).get("hierarchical_memory_limit")
    inherited = None if told is None else parse_limit(str(told))
    limit = _smallest(one for one in (own, inherited) if one is not None)
    return limit, told is not None and limit == own


def _group_used(group: MemoryGroup) -> int | None:
    stat = parse_counts(read_text(f"{group.folder}/memory.stat"))
    names = ("anon",) if group.version == 2 else ("total_rss", "rss")  # noqa: PLR2004 - the interface's version
    return next((stat[name] for name in names if name in stat), None)


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


def _smallest(limits: Iterable[int]) -> int | None:
    return min(limits, default=None)
