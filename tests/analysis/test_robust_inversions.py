"""Inversions: counted and listed as a double loop would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.analysis.stats.inversions import count_inversions, inversion_pairs, stable_order


def pairs_by_loop(order):
    return {
        (int(order[i]), int(order[j]))
        for i in range(len(order))
        for j in range(i + 1, len(order))
        if order[i] > order[j]
    }


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(0, 150))
def test_counting_and_listing_agree_with_a_double_loop(seed, size):
    """Every inversion is found once and nothing else."""
    order = np.random.default_rng(seed).permutation(size)
    expected = pairs_by_loop(order)
    assert count_inversions(order) == len(expected)
    larger, smaller = inversion_pairs(order)
    found = list(zip(larger.tolist(), smaller.tolist(), strict=True))
    assert len(found) == len(expected)
    assert set(found) == expected


@pytest.mark.parametrize("size", [2, 63, 64, 65, 4_097, 20_000, 70_000])
def test_a_reversed_order_has_every_pair(size):
    """The largest count of each size, over the borders of blocks and integer types."""
    assert count_inversions(np.arange(size)[::-1]) == size * (size - 1) // 2
    assert count_inversions(np.arange(size)) == 0


@pytest.mark.parametrize("size", [5_000, 40_000])
def test_counting_large_permutations_agrees_with_merging(size):
    """A large random permutation has the count that inserting one by one gives."""
    import bisect

    order = np.random.default_rng(size).permutation(size)
    seen: list[int] = []
    expected = 0
    for place, value in enumerate(order.tolist()):
        expected += place - bisect.bisect(seen, value)
        bisect.insort(seen, value)
    assert count_inversions(order) == expected


@settings(deadline=None, max_examples=60)
@given(values=st.lists(st.integers(-3, 3), max_size=60))
def test_equal_values_keep_their_order(values):
    """The fast sort is mended into a stable one."""
    array = np.array(values, dtype=np.float64)
    assert stable_order(array).tolist() == np.argsort(array, kind="stable").tolist()
