"""Counting and listing inversions of a permutation in O(n log n) with whole-array numpy.

An inversion is a pair whose order differs between two arrangements. Mann-Kendall's S counts them directly;
slope selection needs both their number and, in a narrow bracket, the pairs themselves. An interpreter loop over
a merge tree would cost a hundred times more than these few passes over arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.integer]

_BASE_WIDTH = 16
"""Values compared pair by pair below the merge tree. Chosen by speed; the result does not depend on it."""
_NEAR_PLACES = 64
"""Places up to which neighbours are listed directly. Chosen by speed; the result does not depend on it."""


def stable_order(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the sorting order of `values`, equal values in order of their index.

    numpy's vectorised argsort is several times faster than its stable one; runs of equal values are mended
    afterwards, which costs one more sort of integers and only where there are such runs.
    """
    return stable_order_and_levels(values)[0]


def stable_order_and_levels(values: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Return the stable order, and for each place in it the number of smaller distinct values.

    The levels are None where all values differ.
    """
    order = np.argsort(values)
    ordered = values[order]
    steps = ordered[1:] != ordered[:-1]
    if steps.all():
        return order, None
    level = np.zeros(order.size, dtype=np.int64)
    np.cumsum(steps, out=level[1:])
    # Levels never fall along the order: sorting level and index together leaves them in place.
    first_keys = level * order.size
    keys = first_keys + order
    keys.sort()
    keys -= first_keys
    return keys, level


def count_inversions(order: Integers) -> int:
    """Count the pairs i < j with order[i] > order[j] in a permutation of 0 .. n-1.

    Positions and values are cut into blocks of about sqrt(n). Pairs that differ in both blocks are counted from
    the contingency table of blocks; the pairs inside one block of positions, and those inside one block of
    values, are counted row by row.
    """
    size = order.size
    if size < 2:  # noqa: PLR2004 - a pair
        return 0
    bits = max(5, (size.bit_length() + 1) // 2)
    width = 1 << bits
    blocks = -(-size // width)
    padded = blocks * width
    kind = _smallest_kind(2 * padded)
    values = np.arange(padded, dtype=kind)
    places = values.copy()
    places[order] = values[:size]
    values[:size] = order
    table_index = np.repeat(np.arange(blocks, dtype=np.int64) * blocks, width)
    table_index += values >> bits
    table = np.bincount(table_index, minlength=blocks * blocks).reshape(blocks, blocks)
    earlier = np.cumsum(table, axis=0) - table
    earlier_and_larger = earlier.sum(axis=1, keepdims=True) - np.cumsum(earlier, axis=1)
    across = int(np.vdot(table, earlier_and_larger))
    rows = np.concatenate((values, places >> bits)).reshape(2 * blocks, width)
    return across + _count_in_rows(rows)


def _smallest_kind(largest: int) -> np.dtype[Any]:
    """Return the narrowest integer type: narrow ones sort several times faster."""
    return np.dtype(np.int16 if largest < 2**15 else np.int32 if largest < 2**31 else np.int64)


def _count_in_rows(rows: Integers) -> int:
    """Count pairs (left, right) of one row with left > right; the width is a power of two."""
    doubled = rows * 2
    half = rows.shape[1] // 2
    count = 0
    while half >= _BASE_WIDTH:
        keys = doubled.reshape(-1, 2, half).copy()
        keys[:, 1] |= 1
        merged = keys.reshape(-1, 2 * half)
        merged.sort(axis=1)
        # The rank sum of the right halves, as in Wilcoxon's test, says how many pairs are in order.
        merged &= 1
        rank_sum = int(merged.sum(axis=0, dtype=np.int32) @ np.arange(2 * half))
        groups = merged.shape[0]
        count += groups * half * half - (rank_sum - groups * (half * (half - 1) // 2))
        half //= 2
    columns = np.ascontiguousarray(rows.reshape(-1, 2 * half).T)
    for distance in range(1, 2 * half):
        count += int(np.count_nonzero(columns[:-distance] > columns[distance:]))
    return count


def inversion_pairs(order: Integers) -> tuple[Integers, Integers]:
    """List the inversions of a permutation as two arrays of values: the larger (earlier) and the smaller.

    Time and memory are O(n log n + number of pairs): on each level of a merge tree, the elements of a right
    half that precede an element of the left half are a prefix of that half. Where no element is far from its
    place, comparing near neighbours is faster still.
    """
    size = order.size
    farthest = int(np.abs(order - np.arange(size)).max()) if size else 0
    if farthest <= _NEAR_PLACES:
        return _pairs_nearby(order.astype(_smallest_kind(2 * size)), farthest)
    levels = max(0, (-(-size // _BASE_WIDTH) - 1).bit_length())
    padded = _BASE_WIDTH << levels
    kind = _smallest_kind(2 * padded)
    values = np.arange(padded, dtype=kind)
    values[:size] = order
    larger, smaller = _pairs_in_base(values)
    half = _BASE_WIDTH
    while half < padded:
        rows = values.reshape(-1, 2 * half)
        # A padded value is above all others and in place: it never takes part.
        rows = rows[: -(-size // (2 * half))]
        found = _pairs_across(rows, half)
        larger.append(found[0])
        smaller.append(found[1])
        half *= 2
    return np.concatenate(larger), np.concatenate(smaller)


def _pairs_nearby(values: Integers, farthest: int) -> tuple[Integers, Integers]:
    """List the pairs of a permutation whose elements are at most `farthest` from their places.

    Two elements that stand in the wrong order then stand less than twice as far from each other.
    """
    larger, smaller = [values[:0]], [values[:0]]
    for distance in range(1, 2 * farthest):
        first, second = values[:-distance], values[distance:]
        hits = np.flatnonzero(first > second)
        larger.append(first[hits])
        smaller.append(second[hits])
    return np.concatenate(larger), np.concatenate(smaller)


def _pairs_in_base(values: Integers) -> tuple[list[Integers], list[Integers]]:
    columns = np.ascontiguousarray(values.reshape(-1, _BASE_WIDTH).T)
    larger, smaller = [columns[:0, 0]], [columns[:0, 0]]
    for distance in range(1, _BASE_WIDTH):
        first, second = columns[:-distance], columns[distance:]
        hits = np.flatnonzero(first > second)
        if hits.size:
            larger.append(first.ravel()[hits])
            smaller.append(second.ravel()[hits])
    return larger, smaller


def _pairs_across(rows: Integers, half: int) -> tuple[Integers, Integers]:
    """List pairs (left half > right half) of each row."""
    crossing = rows[:, :half].max(axis=1) > rows[:, half:].min(axis=1)
    keys = (rows[crossing] * 2).reshape(-1, 2, half)
    keys[:, 1] |= 1
    merged = keys.reshape(-1, 2 * half)
    merged.sort(axis=1)
    is_right = (merged & 1).astype(bool)
    rank_of_right = np.cumsum(is_right, axis=1)
    row_start = np.arange(merged.shape[0]) * half
    right_sorted = merged[is_right] >> 1
    preceding = np.where(is_right, 0, rank_of_right).ravel()
    takers = np.flatnonzero(preceding)
    counts = preceding[takers]
    larger = np.repeat(merged.ravel()[takers] >> 1, counts)
    offsets = np.cumsum(counts) - counts
    prefix = np.arange(larger.size) - np.repeat(offsets - row_start[takers // (2 * half)], counts)
    return larger, right_sorted[prefix]
