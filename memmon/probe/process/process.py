"""Memory of one process and of its host."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import psutil

from memmon.clock import SystemClock
from memmon.guest.shielding import attempt
from memmon.probe.process.backoff_reading import Patience
from memmon.probe.process.files import read_bytes, told_after
from memmon.units import KIB

if TYPE_CHECKING:
    from collections.abc import Callable

_THREADS_KEY = b"Threads:"
_LARGEST_BYTES = 2**62
_SLOW_FD_COUNT_SECONDS = 0.005


def _from_status(key: bytes) -> Any:
    """Return a field for a size that a Linux process status tells under `key`."""
    return field(default=None, metadata={"status": key + b":"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReading:
    """Memory of one process at one moment; None: could not be read (or not on this platform).

    The names are those of a `Snapshot`, which takes all of them.
    """

    rss_bytes: int | None = _from_status(b"VmRSS")
    vms_bytes: int | None = _from_status(b"VmSize")
    rss_anon_bytes: int | None = _from_status(b"RssAnon")
    rss_file_bytes: int | None = _from_status(b"RssFile")
    rss_shmem_bytes: int | None = _from_status(b"RssShmem")
    swap_bytes: int | None = _from_status(b"VmSwap")
    thread_count: int | None = None
    fd_count: int | None = None


_STATUS_KEYS: dict[bytes, str] = {
    one.metadata["status"]: one.name for one in fields(ProcessReading) if "status" in one.metadata
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemReading:
    """Memory of the host: also inside a container it is the host that is meant."""

    percent: float | None = None
    available_bytes: int | None = None
    total_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_free_bytes: int | None = None


class ProcessProbe:
    """Reads one process: this one (also after a fork), or another by its pid.

    `pid`: None for the process that calls `read`. Another process is known by its pid and its
    start time; when the pid has passed to a new process, every value is missing and `is_alive`
    is False. `monotonic` times the count of open files, which rests after a slow one.
    """

    def __init__(self, pid: int | None = None, *, monotonic: Callable[[], float] | None = None) -> None:
        """Make a probe; a process that is already gone is no error."""
        self._pid = pid
        self._process: psutil.Process | None = None
        self._process_pid: int | None = None
        timer = monotonic or SystemClock().monotonic
        self._fd_count = Patience(self._count_fds, timer, slow_seconds=_SLOW_FD_COUNT_SECONDS)
        if pid is not None:
            self._process = attempt(psutil.Process, pid)

    @property
    def pid(self) -> int:
        """The pid that is read."""
        return os.getpid() if self._pid is None else self._pid

    @property
    def is_own(self) -> bool:
        """True when the process read is the one that this code runs in."""
        return self._pid is None or self._pid == os.getpid()

    def is_alive(self) -> bool:
        """Return whether the process still runs (a zombie does not; nor does another with its old pid)."""
        process = self._bind()
        if process is None or not attempt(process.is_running):
            return False
        return attempt(process.status) != psutil.STATUS_ZOMBIE

    def started_at_seconds(self) -> float | None:
        """Return when the process began, in seconds since 1970 (UTC)."""
        process = self._bind()
        return None if process is None else attempt(process.create_time)

    def read(self) -> ProcessReading:
        """Return the cheap values: about 0.1 ms."""
        process = self._bind()
        if process is None or not (self.is_own or attempt(process.is_running)):
            return ProcessReading()
        status = _read_status(self.pid)
        if "rss_bytes" not in status or "vms_bytes" not in status:
            memory = attempt(process.memory_info)
            told = {
                f"{name}_bytes": size for name in ("rss", "vms") if (size := _size(memory, name)) is not None
            }
            if told == {"rss_bytes": 0, "vms_bytes": 0}:
                return ProcessReading()  # a zombie: it ended and has no memory; that is no reading of zero
            status |= told
        threads = status.pop("thread_count", None)
        return ProcessReading(
            thread_count=threads if threads is not None else attempt(process.num_threads),
            fd_count=self._fd_count(),
            **status,
        )

    def read_costly(self) -> tuple[int | None, int | None]:
        """Return (uss, pss) in bytes: walks the page tables, 24 ms at 0.5 GB. Hourly at most."""
        process = self._bind()
        if process is None or not (self.is_own or attempt(process.is_running)):
            return (None, None)
        memory = attempt(process.memory_full_info)
        return (_size(memory, "uss"), _size(memory, "pss"))

    def _bind(self) -> psutil.Process | None:
        """Return the psutil handle.

        Our own is made anew in a forked child, because a handle keeps reporting its parent.
        Another process is bound once: a later holder of its pid is a stranger.
        """
        if self._pid is None and (self._process is None or self._process_pid != os.getpid()):
            self._process = None
            self._process = attempt(psutil.Process)
            self._process_pid = os.getpid()
        return self._process

    def _count_fds(self) -> int | None:
        told = stated_fd_count(self.pid)
        if told:
            return told
        process = self._process
        count = getattr(process, "num_fds", None) or getattr(process, "num_handles", None)
        return int(count()) if count is not None else None


def stated_fd_count(pid: int) -> int:
    """Return the number of open files that the kernel tells (Linux 6.2 and newer: the folder's size), else 0.

    Listing the folder instead lets the program's other threads in at every entry.
    """
    told = attempt(os.stat, f"/proc/{pid}/fd")
    return 0 if told is None else told.st_size


def read_system() -> SystemReading:
    """Return the host's memory: what the kernel tells in one reading, where that is Linux, else psutil's word."""
    told = attempt(read_meminfo) or SystemReading()
    if told.total_bytes and told.available_bytes:
        share = (told.total_bytes - told.available_bytes) / told.total_bytes
        return replace(told, percent=round(100 * share, 1))
    memory = attempt(psutil.virtual_memory)
    percent = attempt(lambda: float(memory.percent)) if memory is not None else None
    return replace(
        told,
        percent=percent if percent is not None and 0.0 <= percent <= 100.0 else None,  # noqa: PLR2004 - percent
        available_bytes=_size(memory, "available"),
        total_bytes=told.total_bytes if memory is None else _size(memory, "total"),
    )


def read_meminfo(root: str = "") -> SystemReading:
    """Return what `/proc/meminfo` below `root` tells, without a percentage; raises OSError.

    None: not told, or more available than there is.
    """
    content = read_bytes(f"{root}/proc/meminfo")
    total, available = _told_bytes(content, b"MemTotal:") or None, _told_bytes(content, b"MemAvailable:")
    return SystemReading(
        total_bytes=total,
        available_bytes=available if total and available is not None and available <= total else None,
        swap_total_bytes=_told_bytes(content, b"SwapTotal:"),
        swap_free_bytes=_told_bytes(content, b"SwapFree:"),
    )


def _told_bytes(meminfo: bytes, key: bytes) -> int | None:
    """Return what /proc/meminfo tells under a key, in bytes."""
    parts = told_after(meminfo, key).split()
    return int(parts[0][:32]) * KIB if parts and parts[0].isdigit() else None


def _size(values: object, name: str) -> int | None:
    """Return a size of a psutil tuple; what is no size (NaN, negative, text) is missing."""
    size = attempt(lambda: int(getattr(values, name)))
    return size if size is not None and 0 <= size <= _LARGEST_BYTES else None


def _read_status(pid: int) -> dict[str, int]:
    """Return what /proc/<pid>/status says of memory and threads; {} where there is none."""
    content = attempt(read_bytes, f"/proc/{pid}/status")
    return parse_status(content) if content else {}


def parse_status(content: bytes) -> dict[str, int]:
    """Return the memory (bytes) and thread lines of a Linux process status; odd lines are left out."""
    found: dict[str, int] = {}
    for key, name in _STATUS_KEYS.items():
        parts = told_after(content, key).split()
        if len(parts) == 2 and parts[0].isdigit() and parts[1] == b"kB":  # noqa: PLR2004 - number and unit
            found[name] = int(parts[0]) * KIB
    threads = told_after(content, _THREADS_KEY).strip()
    if threads.isdigit():
        found["thread_count"] = int(threads)
    return found
