"""Exact selection among all pairwise slopes, pair by pair.

For short series this is the fastest way. For long ones it is the last resort where rounding ties millions of
slopes so closely that only the quotients themselves, as floats, can be ranked; memory stays bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_CHUNK_COUNT = 1 << 18
"""Slopes held at once. Chosen: 2 MB of floats."""
_HISTOGRAM_BITS = 20
"""Bits of a key that one histogram tells. Chosen: a million bins, four passes for a float."""
_TOP_BIT = np.uint64(1 << 63)
"""The sign bit of a 64-bit float (IEEE 754)."""


def all_slopes(x: Floats, y: Floats) -> Floats:
    """Return every pairwise slope, sorted; `x` ascending, pairs of equal x left out."""
    run = x[np.newaxis, :] - x[:, np.newaxis]
    rise = y[np.newaxis, :] - y[:, np.newaxis]
    kept = run > 0.0
    slopes: Floats = rise[kept] / run[kept]
    slopes.sort()
    return slopes


def select_slopes(x: Floats, y: Floats, ranks: Sequence[int], *, low: float, high: float) -> list[float]:
    """Return the slopes of the given ranks (from zero) among all pairs; `x` ascending.

    The ranks are expected in [low, high]; if they are not, all floats are searched. Histograms over the floats'
    bits, refined until each bin is one float: O(n²) time, little memory; where the bracket holds less than a
    million floats one pass is enough.
    """
    first_key, last_key = (int(key) for key in _ordered_bits(np.array([low, high])))
    found = dict.fromkeys(ranks, (first_key, last_key))
    while any(first < last for first, last in found.values()):
        refined: dict[tuple[int, int], list[int]] = {}
        for rank, bracket in found.items():
            refined.setdefault(bracket, []).append(rank)
        for bracket, members in refined.items():
            if bracket[0] < bracket[1]:
                found |= _refine(x, y, members, bracket)
    return [_float_of_bits(found[rank][0]) for rank in ranks]


def _refine(
    x: Floats, y: Floats, ranks: Sequence[int], bracket: tuple[int, int]
) -> dict[int, tuple[int, int]]:
    """Narrow a bracket of float bits (first, last) for the ranks in it by one histogram."""
    first, last = bracket
    shift = max(0, (last - first).bit_length() - _HISTOGRAM_BITS)
    bin_count = ((last - first) >> shift) + 1
    histogram = np.zeros(bin_count, dtype=np.int64)
    below_count = 0
    for below, inside in _slopes_inside(x, y, _float_of_bits(first), _float_of_bits(last)):
        below_count += below
        bins = (_ordered_bits(inside) - np.uint64(first)) >> np.uint64(shift)
        histogram += np.bincount(bins.astype(np.int64), minlength=bin_count)
    upto = np.cumsum(histogram)
    narrowed = {}
    for rank in ranks:
        place = int(np.searchsorted(upto, rank - below_count, side="right"))
        if rank < below_count or place == bin_count:
            narrowed[rank] = _EVERY_FLOAT
            continue
        start = first + (place << shift)
        narrowed[rank] = (start, min(last, start + (1 << shift) - 1))
    return narrowed


def _slopes_inside(x: Floats, y: Floats, low: float, high: float) -> Iterator[tuple[int, Floats]]:
    """Yield, pair distance by pair distance, how many slopes lie below `low`, and those in [low, high]."""
    has_ties = not bool((x[1:] > x[:-1]).all())
    below_count, held_count = 0, 0
    held: list[Floats] = []
    for distance in range(1, x.size):
        run = x[distance:] - x[:-distance]
        rise = y[distance:] - y[:-distance]
        if has_ties:
            kept = run > 0.0
            run, rise = run[kept], rise[kept]
        rise /= run
        below = rise < low
        below_count += int(np.count_nonzero(below))
        below |= rise > high
        inside = rise[~below]
        if inside.size:
            held.append(inside)
            held_count += inside.size
        if held_count >= _CHUNK_COUNT:
            yield below_count, np.concatenate(held)
            below_count, held_count, held = 0, 0, []
    yield below_count, np.concatenate(held) if held else np.empty(0)


def _ordered_bits(values: Floats) -> NDArray[np.uint64]:
    """Map floats to unsigned integers of the same order (adding zero makes -0.0 and 0.0 one)."""
    bits = (values + 0.0).view(np.uint64)
    return np.where(bits & _TOP_BIT, ~bits, bits | _TOP_BIT)


def _float_of_bits(number: int) -> float:
    key = np.uint64(number)
    bits = key & ~_TOP_BIT if key & _TOP_BIT else ~key
    return float(np.array([bits], dtype=np.uint64).view(np.float64)[0])


_LOWEST_KEY, _HIGHEST_KEY = (int(key) for key in _ordered_bits(np.array([-np.inf, np.inf])))
_EVERY_FLOAT = (_LOWEST_KEY, _HIGHEST_KEY)
"""Keys of minus and plus infinity: every float lies between (IEEE 754)."""
