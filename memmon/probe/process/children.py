"""The living processes that a process has started, and their own: who they are and about how much they hold.

Linux tells it in /proc/PID/stat of every process, one short read each; elsewhere psutil does, for more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import psutil

from memmon.guest.shielding import attempt
from memmon.probe.process.files import read_bytes
from memmon.units import KIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LEAST_AGE_SECONDS = 1.0
"""Younger ones are passed over: most live no longer."""
SHARES_BUDGET_SECONDS = 0.05
"""So long the shares of memory are read at one look, of the largest first; those left over are read at the next."""
SHARE_HOLDS_SECONDS = SECONDS_PER_HOUR
"""A share is read again after so long; meanwhile what has grown is added."""

_GONE = frozenset({b"Z", b"X", b"x"})
_PARENT, _START, _RESIDENT = 1, 19, 21
"""Places in /proc/PID/stat behind the name in parentheses (proc(5): fields 4, 22 and 24)."""
_HELPERS = (b"multiprocessing.resource_tracker",)
"""What the interpreter itself starts beside its workers; it holds nothing of the program's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildProcess:
    """A living process; None: not known.

    `started_at_seconds`: UTC epoch, as psutil tells it. `pss_bytes`: its share of resident memory, pages that it shares divided among all who have
    them, as it was read within the hour and with what has grown since; until it is read, as those of its siblings are.
    """

    pid: int
    parent_pid: int
    started_at_seconds: float | None
    name: str
    rss_bytes: int | None
    pss_bytes: int | None = None

    @property
    def held_bytes(self) -> int:
        """What it holds, as well as it is known."""
        return (self.rss_bytes or 0) if self.pss_bytes is None else self.pss_bytes


class _Stat(NamedTuple):
    pid: int
    parent_pid: int
    start: int
    name: str
    rss_bytes: int


class _Share(NamedTuple):
    read_at: float
    pss_bytes: int | None
    rss_bytes: int


_Key = tuple[int, int]
"""A pid and its start: a pid is given to others later."""


class ChildrenProbe:
    """Finds the living descendants of one process; those that bear `mark` in their environment are left out, with their own."""

    def __init__(
        self,
        pid: int | None = None,
        *,
        monotonic: Callable[[], float],
        stopwatch: Callable[[], float],
        mark: str = "",
        least_age_seconds: float | None = None,
        has_shares: bool = True,
    ) -> None:
        """`pid`: None for the process that calls. `monotonic`: of the recording; `stopwatch`: times the reading itself.

        `has_shares`: their shares of memory are read too.
        """
        self._least_age_seconds = least_age_seconds
        self._has_shares = has_shares
        self._pid = pid
        self._monotonic = monotonic
        self._stopwatch = stopwatch
        self._mark = f"{mark}=".encode() if mark else b""
        self._shares: dict[_Key, _Share] = {}
        self._left_out: dict[_Key, bool] = {}

    @property
    def pid(self) -> int:
        """Whose descendants are meant."""
        return os.getpid() if self._pid is None else self._pid

    @property
    def pid_is_own(self) -> bool:
        """Tell whether they are this process's own."""
        return self._pid is None

    def read(self, *, besides: tuple[int, ...] = ()) -> tuple[ChildProcess, ...]:
        """Return the living descendants, by their pids; those of the processes `besides` are looked for too."""
        if not os.path.isdir("/proc/self"):  # noqa: PTH112 -- imports nothing
            return tuple(_through_psutil(self.pid))
        found = self._descendants(_all_stats(), (self.pid, *besides))
        keys = {(one.pid, one.start) for one in found}
        self._shares = {key: share for key, share in self._shares.items() if key in keys}
        if self._has_shares:
            self._read_shares(found)
        booted = attempt(psutil.boot_time) if found else None
        usual_share = self._usual_share()
        return tuple(self._child(one, booted, usual_share) for one in sorted(found))

    def direct(self) -> frozenset[int] | None:
        """Return the pids of its own children alone, by a look that costs a fraction; None where the system does not list them."""
        lists = attempt(_lists_of_children, self.pid)
        if not lists:
            return None
        return frozenset(int(word) for one in lists for word in one.split())

    def _usual_share(self) -> float | None:
        """Return how much of what is resident is a process's own share, over those of which it was read."""
        known = [share for share in self._shares.values() if share.pss_bytes is not None and share.rss_bytes]
        rss = sum(share.rss_bytes for share in known)
        return sum(share.pss_bytes or 0 for share in known) / rss if rss else None

    def _descendants(self, stats: Iterable[_Stat], roots: tuple[int, ...]) -> list[_Stat]:
        by_parent: dict[int, list[_Stat]] = {}
        for one in stats:
            by_parent.setdefault(one.parent_pid, []).append(one)
        up_seconds = _up_seconds()
        least_age = LEAST_AGE_SECONDS if self._least_age_seconds is None else self._least_age_seconds
        known, self._left_out = self._left_out, {}
        found: dict[_Key, _Stat] = {}
        waiting = list(roots)
        while waiting:
            for one in by_parent.get(waiting.pop(), ()):
                key = (one.pid, one.start)
                if up_seconds is not None and up_seconds - one.start / _TICKS < least_age:
                    continue
                self._left_out[key] = is_out = known[key] if key in known else self._is_left_out(one.pid)
                if not is_out and key not in found:
                    found[key] = one
                    waiting.append(one.pid)
        return list(found.values())

    def _is_left_out(self, pid: int) -> bool:
        line = attempt(read_bytes, f"/proc/{pid}/cmdline") or b""
        if any(helper in line for helper in _HELPERS):
            return True
        if not self._mark:
            return False
        environment = attempt(read_bytes, f"/proc/{pid}/environ") or b""
        return any(item.startswith(self._mark) for item in environment.split(b"\0"))

    def _read_shares(self, found: Iterable[_Stat]) -> None:
        begun, now = self._stopwatch(), self._monotonic()
        for one in sorted(found, key=lambda one: -one.rss_bytes):
            share = self._shares.get((one.pid, one.start))
            if share is not None and now - share.read_at < SHARE_HOLDS_SECONDS:
                continue
            if self._stopwatch() - begun > SHARES_BUDGET_SECONDS:
                return
            pss = attempt(_read_share, one.pid)
            self._shares[one.pid, one.start] = _Share(now, pss, one.rss_bytes)

    def _child(self, one: _Stat, booted: float | None, usual_share: float | None) -> ChildProcess:
        share = self._shares.get((one.pid, one.start))
        pss = None if share is not None or usual_share is None else round(usual_share * one.rss_bytes)
        if share is not None and share.pss_bytes is not None:
            pss = max(share.pss_bytes + one.rss_bytes - share.rss_bytes, 0)
        return ChildProcess(
            pid=one.pid,
            parent_pid=one.parent_pid,
            started_at_seconds=None if booted is None else booted + one.start / _TICKS,
            name=one.name,
            rss_bytes=one.rss_bytes,
            pss_bytes=pss,
        )


_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _all_stats() -> Iterator[_Stat]:
    for name in os.listdir("/proc"):  # noqa: PTH208 -- names are all that is wanted
        if name.isdigit():
            found = attempt(_read_stat, name)
            if found is not None:
                yield found


def _lists_of_children(pid: int) -> list[bytes]:
    """Return what each thread of a process has started, as the kernel lists it (proc(5): it may be built without)."""
    folder = f"/proc/{pid}/task"
    found = (
        attempt(read_bytes, f"{folder}/{thread}/children", in_pieces=True)
        for thread in os.listdir(folder)  # noqa: PTH208 -- names are all that is wanted
    )
    return [one for one in found if one is not None]


def _read_stat(pid: str) -> _Stat | None:
    """Return what /proc/PID/stat says of a process; None of one that has ended."""
    head, _, rest = read_bytes(f"/proc/{pid}/stat").rpartition(b")")
    words = rest.split()
    if words[0] in _GONE:
        return None
    name = head.partition(b"(")[2].decode("utf-8", "replace")
    return _Stat(int(pid), int(words[_PARENT]), int(words[_START]), name, int(words[_RESIDENT]) * _PAGE_BYTES)


def _read_share(pid: int) -> int | None:
    """Return a process's proportional share of memory; walks its page tables."""
    for line in read_bytes(f"/proc/{pid}/smaps_rollup", in_pieces=True).splitlines():
        key, _, value = line.partition(b":")
        if key == b"Pss":
            return int(value.split()[0]) * KIB
    return None


def _up_seconds() -> float | None:
    found = attempt(read_bytes, "/proc/uptime")
    return None if not found else attempt(lambda: float(found.split()[0]))


def _through_psutil(pid: int) -> Iterator[ChildProcess]:
    process = attempt(psutil.Process, pid)
    for one in (attempt(process.children, recursive=True) or ()) if process is not None else ():
        memory = attempt(one.memory_info)
        yield ChildProcess(
            pid=one.pid,
            parent_pid=attempt(one.ppid) or pid,
            started_at_seconds=attempt(one.create_time),
            name=attempt(one.name) or "",
            rss_bytes=None if memory is None else int(memory.rss),
        )
