"""The counters that tell one cause of growth from another; about 3 µs a reading."""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memmon.guest.shielding import attempt
from memmon.probe.process.backoff_reading import Thrift
from memmon.probe.process.heap import heap_info, prepare_heap_info
from memmon.units import KIB

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_HEAP_SHARE = 0.001
"""Share of the time that looking at the heap may take. Chosen: 30 ms each half minute, and each snapshot else."""

LEAST_HEAP_BYTES = 256 * KIB
"""What glibc has handed out to any Python; where it is less, another allocator serves it."""

_LARGEST_COUNT = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseReading:
    """Counters of the allocators and the collector of this process; None: not read this time."""

    heap_used_bytes: int | None = None
    heap_mmap_bytes: int | None = None
    python_block_count: int | None = None
    gc_pending_count: int | None = None
    gc_collection_count: int | None = None
    gc_uncollectable_count: int | None = None


class CauseProbe:
    """Reads the counters of this process.

    `monotonic` times the look at the heap, which walks the free lists of the C allocator (0.6 µs on a tidy heap, 20 to
    30 ms with hundreds of thousands of holes) and lets other threads run meanwhile: it is had as often as it takes no more than
    a thousandth of the time. The blocks of Python's own allocator are counted each time (0.15 ms at 20 million objects):
    just when programs grow and churn both are needed.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Make a probe for the process that calls `read`."""
        prepare_heap_info()
        self._heap = Thrift(heap_info, monotonic, largest_share=LARGEST_HEAP_SHARE)

    def read(self) -> CauseReading:
        """Return the present counters."""
        heap = None if _is_free_threaded() else self._heap()
        if heap is not None and not _serves(heap):
            heap = None
        stats = attempt(gc.get_stats) or []
        return CauseReading(
            heap_used_bytes=_count(lambda: heap.heap_used) if heap is not None else None,
            heap_mmap_bytes=_count(lambda: heap.mmap_used) if heap is not None else None,
            python_block_count=_count(_block_count),
            gc_pending_count=_count(_pending_count),
            gc_collection_count=_count(lambda: stats[-1]["collections"]),
            gc_uncollectable_count=_count(lambda: sum(s["uncollectable"] for s in stats)) if stats else None,
        )


def _block_count() -> int | None:
    """Return the blocks of Python's own allocator; None where another serves its objects."""
    return None if _is_free_threaded() else sys.getallocatedblocks() or None


def _pending_count() -> int:
    """Return how many objects were made, less those gone, since a collection looked at the youngest; 0 where none comes by itself.

    That is the first of the collector's counts in every CPython. The others count collections, not objects, mean another
    thing in each, and what is in the older generations has been looked at. Where the collector is off, what grows is no
    garbage that waits for it.
    """
    return gc.get_count()[0] if gc.isenabled() and gc.get_threshold()[0] > 0 else 0


def _is_free_threaded() -> bool:
    """Tell a build without the interpreter's lock, whose allocator is in neither counter."""
    return "t" in getattr(sys, "abiflags", "")


def _serves(heap: Any) -> bool:
    """Tell whether the heap is where the C library's memory comes from (or can't be told)."""
    sizes = [_count(lambda: heap.heap_used), _count(lambda: heap.mmap_used)]
    return None in sizes or sum(size or 0 for size in sizes) >= LEAST_HEAP_BYTES


def _count(read: Callable[[], int | None]) -> int | None:
    value = attempt(read)
    return value if isinstance(value, int) and 0 <= value <= _LARGEST_COUNT else None
