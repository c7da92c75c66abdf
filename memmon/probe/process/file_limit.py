"""How many files a living process of this machine may have open: read from outside, by the kernel's files alone."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from typing import TYPE_CHECKING

from memmon.probe.process.files import read_bytes

if TYPE_CHECKING:
    from datetime import datetime

CREATED_TOLERANCE_SECONDS = 5.0
"""The machine's own time of boot is told in whole seconds, and its clock is set now and then."""

_LINE = b"Max open files"
_STARTED_FIELD = 19
"""Of /proc/PID/stat, counted from the state: what stands before may hold blanks."""


def open_file_limit(
    pid: int, *, started_at: datetime | None, host: str | None, boot: str | None
) -> int | None:
    """Return the soft limit of open files of a process; None where it has none, or is not (or not surely) one of here.

    `started_at`, `host`, `boot`: as they were recorded; a pid alone may be another process's by now.
    """
    if started_at is None or host != (platform.node() or "unknown"):
        return None
    with suppress(OSError, ValueError, IndexError, UnicodeDecodeError):
        if boot is None or boot.encode() != read_bytes("/proc/sys/kernel/random/boot_id").strip():
            return None
        if abs(_created_seconds(pid) - started_at.timestamp()) > CREATED_TOLERANCE_SECONDS:
            return None
        return parse_limits(read_bytes(f"/proc/{pid}/limits"))
    return None


def parse_limits(content: bytes) -> int | None:
    """Return the soft limit of open files that /proc/PID/limits tells; None where there is none."""
    for line in content.splitlines():
        if line.startswith(_LINE):
            soft = line[len(_LINE) :].split()[0]
            return int(soft) if soft.isdigit() else None
    return None


def _created_seconds(pid: int) -> float:
    """Return when a process was created, in seconds since 1970."""
    after_name = read_bytes(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    booted = next(
        line.split()[1]
        for line in read_bytes("/proc/stat", in_pieces=True).splitlines()
        if line.startswith(b"btime ")
    )
    return int(booted) + int(after_name[_STARTED_FIELD]) / os.sysconf("SC_CLK_TCK")
