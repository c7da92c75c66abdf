"""Facts of the host and process that a run is known by, and the native heap's trim."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from memmon.probe.process.heap import glibc_heap_trim

CREATED_TOLERANCE_MS = 5_000


def process_started_at(pid: int | None = None) -> datetime | None:
    """Return when a process (default: this one) was created, or None when it can't be told."""
    try:
        return datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC)
    except (psutil.Error, OSError, ValueError, OverflowError):
        return None


def boot_id() -> str | None:
    """Return what tells this boot of the machine from the next, or None."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    with suppress(psutil.Error, OSError, RuntimeError):
        return f"boot-{psutil.boot_time():.0f}"
    return None


def heap_trim() -> None:
    """Ask the C library to give free heap back to the system; nothing where it can't."""
    with suppress(psutil.Error, OSError, AttributeError, RuntimeError):
        trim = getattr(psutil, "heap_trim", None) or glibc_heap_trim  # psutil has it from 7.2 on
        trim()


def is_process_alive(pid: int | None, started_ms: int | None, *, trust_pid: bool = False) -> bool:
    """Tell whether the process `pid` that was created at `started_ms` (UTC) runs on this host.

    A pid is given to other processes later, so the time of creation must agree to five seconds;
    `trust_pid` takes the pid's word alone (the clock may have been stepped since).
    """
    if pid is None:
        return False
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        created_ms = process.create_time() * 1000
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError, ValueError, OverflowError):
        return True
    return trust_pid or started_ms is None or abs(created_ms - started_ms) < CREATED_TOLERANCE_MS
