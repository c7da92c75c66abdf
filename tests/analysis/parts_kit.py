"""Histories of programs whose parts of memory are known: Python's objects, the C library's heap, and what stands round them."""

from __future__ import annotations

import numpy as np

from memmon.history import History

MIB = 2**20
BEGINS_SECONDS = 1.7e9


def of_parts(
    hours, *, objects, heap, anonymous, block_bytes, heap_mmap_mb=1.3, begins=BEGINS_SECONDS, **columns
):
    """Return the history of one run with these parts (MB) at `hours`; `block_bytes`: what one of Python's blocks takes."""
    return History.from_arrays(
        at_seconds=begins + hours * 3600,
        uptime_seconds=hours * 3600,
        rss_bytes=(anonymous + 20) * MIB,
        anon_bytes=anonymous * MIB,
        shmem_bytes=np.zeros(hours.size),
        swap_bytes=np.zeros(hours.size),
        python_block_count=np.round(objects * MIB / block_bytes + 300_000),
        heap_used_bytes=heap * MIB,
        heap_mmap_bytes=np.full(hours.size, heap_mmap_mb * MIB),
        **columns,
    )
