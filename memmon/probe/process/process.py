"""Memory of one process and of its host."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
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

    rss_bytes: int | None = None
    vms_bytes: int | None = None
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
        memory = attempt(process.memory_info)
        if (_size(memory, "rss"), _size(memory, "vms")) == (0, 0):
            return ProcessReading()  # a zombie: it ended and has no memory; that is no reading of zero
        status = _read_status(self.pid)
        threads = status.pop("thread_count", None)
        return ProcessReading(
            rss_bytes=_size(memory, "rss"),
            vms_bytes=_size(memory, "vms"),
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
    """Return the host's memory."""
    memory = attempt(psutil.virtual_memory)
    percent = attempt(lambda: float(memory.percent)) if memory is not None else None
    return SystemReading(
        percent=percent if percent is not None and 0.0 <= percent <= 100.0 else None,  # noqa: PLR2004 - percent
        available_bytes=_size(memory, "available"),
        total_bytes=_size(memory, "total"),
    )


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
