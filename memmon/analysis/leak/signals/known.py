"""Which parts of its memory a run knows, each as a series of its own.

Blocks are counted, not measured: what one takes is the slope of a line through the anonymous memory outside the
C library's heap, over the number of blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.load import without_load
from memmon.analysis.leak.series import RunSeries, more_filled, run_series
from memmon.facts.python_memory import USUAL_BLOCK_BYTES
from memmon.facts.signals import Signal
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.history import History

    FloatArray = NDArray[np.float64]

LEAST_BLOCK_BYTES, MOST_BLOCK_BYTES = 40.0, 140.0
"""Bytes that a block may take. Chosen: small objects of CPython take so much in the mean."""
FEWEST_LINE_SAMPLES = 8
"""Samples that a line through bytes over blocks needs. Chosen: as the cause of growth."""
SAME_WITHIN_BYTES = 1.0 * MIB
"""Anonymous memory that keeps so even a distance from the footprint is no signal of its own. Chosen: 1 MB."""
RESTED_SECONDS = 1.5 * SECONDS_PER_HOUR
"""A part that was last read so long before the end is not known. Chosen: older recorders rest an hour."""

Parts = dict[Signal, RunSeries]


def counts_parts(history: History) -> bool:
    """Tell whether a recorder counted any part of memory."""
    counted = (history.anon_bytes, history.heap_used_bytes, history.python_block_count)
    return any(part is not None for part in counted)


def known_parts(run: History, *, warm_up_hours: float) -> Parts:
    """Return the series of each part that a run knows, and of what is in use where both its parts are known.

    What registered bounded deques took in at most is taken off each, and so is what follows the work done.
    """
    plain = plain_parts(run, warm_up_hours=warm_up_hours)
    return {signal: beside_harmless(one) for signal, one in plain.items()}


def plain_parts(run: History, *, warm_up_hours: float) -> Parts:
    """Return the same without anything taken off."""
    sizes = {signal: size for signal, size in _sizes(run).items() if _is_known(run, size)}
    if Signal.HEAP in sizes and Signal.BLOCKS in sizes:
        sizes[Signal.IN_USE] = sizes[Signal.HEAP] + sizes[Signal.BLOCKS]
    series = {
        signal: run_series(
            run, warm_up_hours=warm_up_hours, judged_bytes=size, keeps_room=signal is Signal.ANONYMOUS
        )
        for signal, size in sizes.items()
    }
    return {signal: one for signal, one in series.items() if one is not None}


def judged_parts(parts: Parts) -> Parts:
    """Return the parts that may carry a verdict: what is in use is the sum of two of them."""
    return {signal: part for signal, part in parts.items() if signal is not Signal.IN_USE}


def anonymous_bytes(run: History) -> FloatArray | None:
    """Return anonymous and swapped memory at each sample, None where nothing tells."""
    if run.anon_bytes is None:
        return None
    return run.anon_bytes if run.swap_bytes is None else run.anon_bytes + np.nan_to_num(run.swap_bytes)


def heap_bytes(run: History) -> FloatArray | None:
    """Return what the C library has handed out at each sample, None where nothing tells."""
    if run.heap_used_bytes is None:
        return None
    if run.heap_mmap_bytes is None:
        return run.heap_used_bytes
    return run.heap_used_bytes + run.heap_mmap_bytes


def least_heap_bytes(run: History) -> FloatArray | None:
    """Return the same at its least in each sample: of an hour at least what both its parts were at their least."""
    if run.heap_used_bytes is None:
        return None
    used = _least(run.heap_used_bytes, run.min_heap_used_bytes)
    if run.heap_mmap_bytes is None:
        return used
    return used + _least(run.heap_mmap_bytes, run.min_heap_mmap_bytes)


def _least(values: FloatArray, least: FloatArray | None) -> FloatArray:
    """Return the least of each sample: the value itself where no less is known, as in rollups of older versions."""
    return values if least is None else np.where(np.isfinite(values), np.fmin(values, least), np.nan)


def block_bytes(run: History) -> float:
    """Return the bytes that one of Python's blocks takes, by least squares over all samples of the run.

    As far as the line does not explain the memory it is drawn towards what a block usually takes.
    """
    anonymous, heap, blocks = anonymous_bytes(run), heap_bytes(run), run.python_block_count
    if anonymous is None or heap is None or blocks is None:
        return USUAL_BLOCK_BYTES
    outside = anonymous - heap
    known = np.isfinite(outside) & np.isfinite(blocks)
    if int(known.sum()) < FEWEST_LINE_SAMPLES:
        return USUAL_BLOCK_BYTES
    away = blocks[known] - blocks[known].mean()
    spread = float(away @ away)
    if spread <= 0:
        return USUAL_BLOCK_BYTES
    beside = outside[known] - outside[known].mean()
    found = float(away @ beside) / spread
    explained = min(found**2 * spread / max(float(beside @ beside), 1.0), 1.0)
    # Blocks that fill holes move no memory: a line that explains little says little of what one takes.
    drawn = explained * found + (1.0 - explained) * USUAL_BLOCK_BYTES
    return float(np.clip(drawn, LEAST_BLOCK_BYTES, MOST_BLOCK_BYTES))


def _sizes(run: History) -> dict[Signal, FloatArray]:
    found: dict[Signal, FloatArray] = {}
    anonymous, heap = anonymous_bytes(run), least_heap_bytes(run)
    if anonymous is not None and _differs(run.footprint_bytes - anonymous):
        found[Signal.ANONYMOUS] = anonymous
    if heap is not None:
        found[Signal.HEAP] = heap
    if run.python_block_count is not None:
        found[Signal.BLOCKS] = block_bytes(run) * _least(run.python_block_count, run.min_python_block_count)
    return found


def _differs(distance: FloatArray) -> bool:
    known = distance[np.isfinite(distance)]
    return known.size > 0 and float(np.ptp(known)) > SAME_WITHIN_BYTES


def _is_known(run: History, size: FloatArray) -> bool:
    """Tell whether a part was read, and until the end."""
    places = np.flatnonzero(np.isfinite(size))
    if not places.size:
        return False
    return bool(run.uptime_seconds[-1] - run.uptime_seconds[places[-1]] <= RESTED_SECONDS)


def beside_harmless(series: RunSeries) -> RunSeries:
    """Return a series without what bounded deques took in at most, and without what follows the work done."""
    beyond = more_filled(series)
    following = without_load(beyond)
    return beyond if following is None else following.series
