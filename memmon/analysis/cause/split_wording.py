"""The sentences about a cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.formatting import in_percent, megabytes, span
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.cause.split_finding import Cause, CausePart

MENTIONED_SHARE = 0.1
"""Parts from this share on are named in the sentence. Chosen: keeps it short."""

UNKNOWN_BUILD = (
    "How it divides into Python objects and native allocations is unknown on this build: a free-threaded Python, or "
    "another allocator than CPython's and glibc's, counts neither."
)
"""What is said where a recorder inside the program could not read the allocators' counters."""

SELDOM_COUNTED = (
    "How it divides into Python objects and native allocations can't be told: the allocators' counters were read too "
    "seldom (a look at a heap with many holes is had less often)."
)
"""What is said where a run's counters were read, and not at both its ends."""

SELDOM_READ = "The cause can't be told: the counters that split it were read too seldom."
NOT_READ = "The cause can't be told: the counters that split it were not recorded."

_ADVICE: dict[str, str] = {
    "python": (
        "Look for what keeps objects alive: an unbounded list, dict or cache, or classes and callbacks that are "
        "registered and never removed."
    ),
    "native": (
        "Attach a native profiler such as memray (--native), and look at the extension modules in use: what "
        "grows is no Python object."
    ),
    "retained": (
        "Try MALLOC_ARENA_MAX=2, another allocator (jemalloc, mimalloc), or trimming the heap after large bursts: "
        "freed memory stays with the allocator."
    ),
    "private": (
        "A recorder inside the program (`memmon.Recorder`, on Linux with glibc) tells Python objects, native "
        "allocations and fragmentation apart."
    ),
    "shared": "Look for shared memory that is never closed: mmap, multiprocessing.shared_memory, /dev/shm.",
    "file": "Look for mapped files (mmap, numpy.memmap, databases): the kernel can take their clean pages back.",
}


def summary_for(cause: Cause, growth_bytes: float, hours: float, parts: Sequence[CausePart]) -> str:
    """Return one sentence that says what the growth consists of."""
    if cause == "unknown":
        return NOT_READ
    while_it = f"over {span(hours)}"
    if cause == "none":
        return f"Nothing to explain: memory did not grow {while_it}."
    named = [part for part in parts if part.share >= MENTIONED_SHARE and part.growth_bytes > 0]
    shares = ", ".join(f"{in_percent(part.share)} {part.label}" for part in named)
    return f"Of {megabytes(mb_from_bytes(growth_bytes))} MB growth {while_it}: {shares}."


def advice_for(cause: Cause) -> str:
    """Return what to look at next for a cause; empty where there is nothing to advise."""
    return _ADVICE.get(cause, "")


def details_for(
    cause: Cause, parts: Sequence[CausePart], *, was_seen_released: bool, is_late: bool
) -> tuple[str, ...]:
    """Return what limits the finding, as sentences."""
    details = []
    if is_late and cause != "none":
        details.append(
            "The allocators' counters were not read lately (a look at a heap with many holes is had less often)."
        )
    if cause == "native":
        details.append("Large buffers of Python objects (numpy arrays, bytes of many KB) look native too.")
    retained = next((part for part in parts if part.name == "retained"), None)
    if (
        retained is not None
        and cause != "none"
        and retained.share >= MENTIONED_SHARE
        and not was_seen_released
    ):
        details.append(
            "Retention is what neither allocator accounts for; no larger use was seen before, so it may also be "
            "thread stacks or memory that a library maps by itself."
        )
    return tuple(details)
