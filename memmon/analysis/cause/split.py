"""What growth consists of: Python objects, native allocations, retention, shared or file-backed memory.

The kernel splits RSS into anonymous, shared and file-backed pages. Within the anonymous ones the
allocators know what they handed out: the C library its heap and its large mappings, Python the
number of its blocks. What neither accounts for was given back by the program and not by the
allocator, or was never theirs.

One ambiguity is decided by size: an object of more than 512 bytes lies in the C library's heap,
like a C library's own allocation. Python counts it as a block all the same, so heap growth is put
down to Python objects when blocks grow along with it: up to 700 bytes of heap for each new block,
or up to 16 KiB where the blocks clearly take no room in Python's own pools (which is so when each
of them is such a large object, and not when a C library's allocations are remembered in Python).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.cause.split_finding import CAUSE_LABELS, Cause, CauseFinding, CausePart, CauseSeries
from memmon.analysis.cause.split_wording import (
    SELDOM_COUNTED,
    SELDOM_READ,
    UNKNOWN_BUILD,
    advice_for,
    details_for,
    summary_for,
)
from memmon.arrays import medians_of
from memmon.facts.python_memory import USUAL_BLOCK_BYTES
from memmon.units import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

WINDOW_END_SHARE = 0.1
"""Part of the samples that each end of a window is read from. Chosen: a tenth."""

LATE_SHARE = 0.25
"""Counters that were not read in this last part of a window may have missed a turn. Chosen: a quarter."""

SMALLEST_GROWTH_BYTES = 0.5 * MIB
"""Bytes of growth that a cause is named for. Chosen: below half a MB counters are noise."""
SMALLEST_GROWTH_SHARE = 0.005
"""Share of the level that growth must exceed to have a cause. Chosen: half a per cent is noise."""

LEAST_SEEN_SHARE = 0.2
"""Share of the growth that the counters must show to be split by them. Chosen: less is another movement."""

LARGEST_BLOCK_BYTES = 512.0
"""Largest object, in bytes, that CPython puts into its pools. From its source: SMALL_REQUEST_THRESHOLD."""
FEWEST_PYTHON_BLOCKS = 2_000.0
"""Python blocks that must come to be before bytes per block are read. Chosen: fewer are noise."""
FEWEST_LINE_SAMPLES = 8
"""Samples from which a line through bytes over blocks has an error. Chosen: fewer say nothing."""
SMALL_OBJECT_HEAP_BYTES = 700.0
"""Heap bytes per new block up to which heap growth is Python's. Chosen: just over 512."""
LARGE_OBJECT_HEAP_BYTES = 16.0 * KIB
"""The same where the blocks lie outside the pools. Chosen: larger ones look native."""
POOLLESS_BLOCK_BYTES = 12.0
"""Bytes per block in the pools below which blocks lie outside. Chosen: below the smallest, 16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Growth:
    """What changed between the ends of a run, in bytes (and blocks)."""

    anonymous: float
    shared: float
    file: float
    heap: float
    blocks: float
    block_bytes: float
    """What one of Python's blocks takes in its pools."""
    most_block_bytes: float
    """The same at most, given how the counters scatter."""
    is_counted: bool
    """False when only the pages are known, not what the allocators handed out."""
    is_late: bool
    """True when the counters were not read towards the end."""
    released_bytes: float
    """How much more the allocators had in use at the peak than at the end."""


def split_cause(
    runs: CauseSeries | Sequence[CauseSeries],
    *,
    growth_bytes: float | None = None,
    has_files: bool = False,
    is_in_use: bool = False,
) -> CauseFinding:
    """Split the growth of a window into its causes.

    `runs`: the counters of one run, or of several whose growths are added up. Each end of a run is
    the median of a tenth of its samples. A run of fewer than two samples is left out. `growth_bytes`: the growth of
    the footprint, where another judged it already: the parts are then parts of that, without file-backed memory;
    with `has_files` of resident memory, and file-backed memory is one of its parts.
    `is_in_use`: it is what the allocators handed out that grew, whether all memory shows it or not.
    """
    given = [runs] if isinstance(runs, CauseSeries) else list(runs)
    several = [run for run in given if run.hours.size > 1]
    growths = [growth for growth in map(_growth_of, several) if growth is not None]
    hours = sum(float(run.hours[-1] - run.hours[0]) for run in several)
    sample_count = sum(run.hours.size for run in several)
    if not growths:
        found = _finding("unknown", 0.0, hours, sample_count, {}, released_bytes=0.0, is_late=False)
        was_read = any(bool(np.isfinite(run.rss_anon_bytes).any()) for run in given)
        return replace(found, summary=SELDOM_READ) if was_read else found
    parts: dict[str, float] = dict.fromkeys(CAUSE_LABELS, 0.0)
    for growth in growths:
        for name, size in (_handed_out(growth) if is_in_use else _split(growth)).items():
            parts[name] += size
    if growth_bytes is not None:
        parts = _of_whole(parts, growth_bytes, has_files=has_files)
    total = sum(parts.values())
    level = max(float(np.nanmax(run.rss_bytes, initial=0.0)) for run in several)
    largest = max(parts, key=lambda name: parts[name])
    is_growth = total > max(SMALLEST_GROWTH_BYTES, SMALLEST_GROWTH_SHARE * level)
    cause: Cause = largest if is_growth else "none"  # type: ignore[assignment]  # the labels' names
    if growth_bytes is not None and not is_growth and growth_bytes > SMALLEST_GROWTH_BYTES:
        cause, total = "unknown", growth_bytes  # the counters do not show what grew
    released = sum(growth.released_bytes for growth in growths)
    is_late = any(growth.is_late for growth in growths)
    found = _finding(cause, total, hours, sample_count, parts, released_bytes=released, is_late=is_late)
    is_inside = any(bool(np.isfinite(run.gc_collection_count).any()) for run in several)
    if cause != "private" or not is_inside:
        return found
    was_counted = any(bool(np.isfinite(run.heap_used_bytes).any()) for run in several)
    return replace(found, advice="", details=(SELDOM_COUNTED if was_counted else UNKNOWN_BUILD,))


def _of_whole(parts: dict[str, float], growth_bytes: float, *, has_files: bool) -> dict[str, float]:
    """Return the parts of the footprint (with `has_files` of resident memory) in the proportion of the counters; nothing where these do not show it grow."""
    held = {name: size for name, size in parts.items() if has_files or name != "file"}
    total = sum(held.values())
    if total < LEAST_SEEN_SHARE * growth_bytes or total <= 0:
        return dict.fromkeys(held, 0.0)
    return {name: size * growth_bytes / total for name, size in held.items()}


def _finding(
    cause: Cause,
    growth_bytes: float,
    hours: float,
    sample_count: int,
    sizes: dict[str, float],
    *,
    released_bytes: float,
    is_late: bool,
) -> CauseFinding:
    grown = sum(max(0.0, size) for size in sizes.values())
    parts = tuple(
        CausePart(
            name=name,
            label=CAUSE_LABELS[name],
            growth_bytes=size,
            share=max(0.0, size) / grown if grown > 0 else 0.0,
        )
        for name, size in sorted(sizes.items(), key=lambda item: -item[1])
        if size or name != "private"
    )
    was_seen_released = released_bytes >= 0.5 * sizes.get("retained", 0.0)
    return CauseFinding(
        cause=cause,
        growth_bytes=growth_bytes,
        duration_hours=hours,
        sample_count=sample_count,
        parts=parts,
        summary=summary_for(cause, growth_bytes, hours, parts),
        advice=advice_for(cause),
        details=details_for(cause, parts, was_seen_released=was_seen_released, is_late=is_late),
    )


def _growth_of(run: CauseSeries) -> _Growth | None:
    """Return what changed between the ends; None when no two samples tell the pages' kinds.

    The counters of the allocators may be read less often than the pages (they rest when they are
    slow): their change is then carried on to the ends in the proportion of the anonymous pages'.
    """
    anonymous = run.rss_anon_bytes + np.nan_to_num(run.swap_bytes)
    pages = np.stack([anonymous, run.rss_shmem_bytes, run.rss_file_bytes])
    counters = np.stack([anonymous, run.heap_used_bytes + run.heap_mmap_bytes, run.python_block_count])
    was_counted: NDArray[np.bool_] = np.asarray(np.isfinite(counters).all(axis=0))
    pages, counters = pages[:, np.isfinite(pages).all(axis=0)], counters[:, was_counted]
    if pages.shape[1] < 2:  # noqa: PLR2004 - two ends
        return None
    whole = _change(pages)
    if counters.shape[1] < 2:  # noqa: PLR2004 - two ends
        return _uncounted(whole)
    counted = _change(counters)
    grew = whole[0] > SMALLEST_GROWTH_BYTES and counted[0] > SMALLEST_GROWTH_BYTES
    carried_on = float(whole[0] / counted[0]) if grew else 1.0
    outside_heap = counters[0] - counters[1]
    block_bytes = _block_bytes(outside_heap, counters[2])
    in_use = counters[1] + block_bytes * counters[2]
    return _Growth(
        anonymous=float(whole[0]),
        shared=float(whole[1]),
        file=float(whole[2]),
        heap=float(counted[1]) * carried_on,
        blocks=float(counted[2]) * carried_on,
        block_bytes=block_bytes,
        most_block_bytes=_most_block_bytes(outside_heap, counters[2]),
        is_counted=True,
        is_late=not bool(was_counted[-max(1, int(was_counted.size * LATE_SHARE)) :].any()),
        released_bytes=float(in_use.max() - in_use[-1]),
    )


def _uncounted(pages: FloatArray) -> _Growth:
    """Return a growth of which only the kinds of pages are known."""
    return _Growth(
        anonymous=float(pages[0]),
        shared=float(pages[1]),
        file=float(pages[2]),
        heap=0.0,
        blocks=0.0,
        block_bytes=0.0,
        most_block_bytes=0.0,
        is_counted=False,
        is_late=False,
        released_bytes=0.0,
    )


def _change(columns: FloatArray) -> FloatArray:
    """Return last minus first, each the median of a tenth of the samples (of one below ten)."""
    count = max(1, int(columns.shape[1] * WINDOW_END_SHARE))
    first = medians_of(columns[:, :count])
    last = medians_of(columns[:, -count:])
    return np.asarray(last - first, dtype=np.float64)


def _block_bytes(outside_heap: FloatArray, blocks: FloatArray) -> float:
    """Return the bytes that one of Python's blocks takes in its pools, seen where there were most of them."""
    peak = int(np.argmax(blocks))
    low = int(np.argmin(blocks[: peak + 1]))
    risen = float(blocks[peak] - blocks[low])
    if risen < FEWEST_PYTHON_BLOCKS:
        return USUAL_BLOCK_BYTES
    taken = float(outside_heap[peak] - outside_heap[low])
    return float(np.clip(taken / risen, 0.0, LARGEST_BLOCK_BYTES))


def _most_block_bytes(outside_heap: FloatArray, blocks: FloatArray) -> float:
    """Return the upper end of the bytes per block: the slope of a line through all samples, and three errors."""
    away = blocks - blocks.mean()
    spread = float(away @ away)
    if blocks.size < FEWEST_LINE_SAMPLES or spread <= 0:
        return float("inf")
    taken = outside_heap - outside_heap.mean()
    slope = float(away @ taken) / spread
    left = taken - slope * away
    return slope + 3.0 * float(np.sqrt(left @ left / (blocks.size - 2) / spread))


def _split(growth: _Growth) -> dict[str, float]:
    """Return the bytes of each cause; they add up to the growth of anonymous, shared and file pages."""
    if not growth.is_counted:
        return {"private": growth.anonymous, "shared": growth.shared, "file": growth.file}
    python, native = _allocated(growth)
    # What the allocators handed out but no one touched takes no memory yet.
    claimed = max(0.0, python) + max(0.0, native)
    if claimed > max(0.0, growth.anonymous):
        scale = max(0.0, growth.anonymous) / claimed
        python, native = (size * scale if size > 0 else size for size in (python, native))
    # Where used memory fell, the pages it left are either given back (RSS fell too) or retained.
    python, native = max(python, min(0.0, growth.anonymous)), max(native, min(0.0, growth.anonymous))
    if growth.anonymous >= 0:
        python, native = max(0.0, python), max(0.0, native)
    return {
        "python": python,
        "native": native,
        "retained": growth.anonymous - python - native,
        "shared": growth.shared,
        "file": growth.file,
    }


def _handed_out(growth: _Growth) -> dict[str, float]:
    """Return the bytes of each cause of growth of what is in use: holes that it fills are no part of it."""
    python, native = _allocated(growth)
    return {"python": max(python, 0.0), "native": max(native, 0.0)}


def _allocated(growth: _Growth) -> tuple[float, float]:
    """Return how much more is taken by Python objects and by native allocations."""
    heap = growth.heap
    in_pools = growth.blocks * growth.block_bytes
    if _is_heap_of_objects(growth):
        return in_pools + max(0.0, heap), min(0.0, heap)
    return in_pools, heap


def _is_heap_of_objects(growth: _Growth) -> bool:
    """Return whether the heap's growth belongs to Python objects that are too large for its pools."""
    if growth.blocks < FEWEST_PYTHON_BLOCKS or growth.heap <= 0:
        return False
    heap_per_block = growth.heap / growth.blocks
    if heap_per_block <= SMALL_OBJECT_HEAP_BYTES:
        return True
    return heap_per_block <= LARGE_OBJECT_HEAP_BYTES and growth.most_block_bytes < POOLLESS_BLOCK_BYTES
