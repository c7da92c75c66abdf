"""Facts of the host and process that a run is known by, and the native heap's trim."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil


def process_started_at(pid: int | None = None) -> datetime | None:
    """Return when a process (default: this one) was created, or None when it can't be told."""
    try:
        return datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC)
    except (psutil.Error, OSError, ValueError, OverflowError):
        return None


def boot_id() -> str | None:
    """Return what tells this boot of the machine from the next, or None."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    with suppress(psutil.Error, OSError, RuntimeError):
        return f"boot-{psutil.boot_time():.0f}"
    return None


def heap_trim() -> None:
    """Ask the C library to give free heap back to the system; nothing where it can't."""
    with suppress(psutil.Error, OSError, AttributeError, RuntimeError):
        psutil.heap_trim()
