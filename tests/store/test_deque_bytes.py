"""What a deque holds and still takes in, from what was stored of it: by this recorder and by older ones."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from store_kit import START, deque_of, ticks

from memmon.facts.python_memory import SLOT_BYTES, held_bytes, own_bytes
from memmon.store.read import open_store


def history_of(store, deques, count=12):
    store.add_run(ticks(count, deques=deques))
    with open_store(store.path) as opened:
        return opened.history()


def rooms(history):
    """Return the room that is left at each sample, at least and at most."""
    return (
        history.deque_capacity_bytes - history.deque_bytes,
        history.deque_most_capacity_bytes - history.deque_bytes,
    )


def item(each, low, high):
    return {"item_bytes": each, "item_low_bytes": low, "item_high_bytes": high}


def test_what_was_taken_in_is_the_items_at_least_and_at_most(store):
    """The room of a bounded deque shrinks by the least and the most that its items take; what it holds is between."""
    found = history_of(store, lambda n: [deque_of("q", 100 * (n + 1), 2000, **item(40, 30, 50))])
    lengths = 100.0 * np.arange(1, 13)
    assert found.deque_bytes.tolist() == pytest.approx(held_bytes(lengths, 40.0).tolist())
    low, high = rooms(found)
    assert (low[0] - low).tolist() == pytest.approx((30 * (lengths - 100)).tolist())
    assert (high[0] - high).tolist() == pytest.approx((50 * (lengths - 100)).tolist())


def test_an_estimate_that_is_corrected_is_no_memory_that_moved(store):
    """Told as 788 bytes an item at first and 8 later, a deque took in 8 bytes an item, not 780 less of each missing one."""
    found = history_of(
        store,
        lambda n: [deque_of("q", 40 * n + 1, 500, **(item(788, 700, 900) if n < 2 else item(8, 8, 9)))],
    )
    low, high = rooms(found)
    taken = 40.0 * np.arange(12)
    assert (low[0] - low).tolist() == pytest.approx((8 * taken).tolist())
    assert (high[0] - high).tolist() == pytest.approx((9 * taken).tolist())


def test_a_size_told_of_one_item_is_not_carried_on(store):
    """An older recorder told 788 bytes at one item and never again: at 441 items the deque's own blocks are known alone."""
    found = history_of(store, lambda n: [deque_of("q", 40 * n + 1, 500, size_bytes=788 if n == 0 else None)])
    lengths = 40.0 * np.arange(12) + 1
    assert found.deque_bytes[1:].tolist() == pytest.approx(own_bytes(lengths)[1:].tolist())
    low, _ = rooms(found)
    assert float(low[0] - low[-1]) <= SLOT_BYTES * 440
    with open_store(store.path) as opened:
        (status,) = opened.deque_status()
    assert status.size_bytes == own_bytes(441)


def test_a_size_told_of_many_items_is_carried_on_with_its_error(store):
    """An older recorder's size of a deque that was well filled tells the items, within 40 % each way."""
    each = 100.0
    told = int(held_bytes(800, each))
    found = history_of(
        store, lambda n: [deque_of("q", 800 + 100 * n, 2000, size_bytes=told if n == 0 else None)]
    )
    low, high = rooms(found)
    assert float(low[0] - low[-1]) == pytest.approx(0.6 * each * 1100, rel=0.01)
    assert float(high[0] - high[-1]) == pytest.approx(1.4 * each * 1100, rel=0.01)


def test_the_errors_of_several_deques_add_up_as_chance_does(store):
    """Of four samples not all err on one side: what the four took in at most is half as far from the mean as their sum."""
    names = "abcd"
    found = history_of(
        store, lambda n: [deque_of(name, 100 * n, 2000, **item(100, 80, 120)) for name in names]
    )
    low, high = rooms(found)
    assert float(low[0] - low[-1]) == pytest.approx(4 * 80 * 1100)
    assert float(high[0] - high[-1]) == pytest.approx(4 * 100 * 1100 + 2 * 20 * 1100)


def test_deques_that_come_and_go_take_in_nothing_by_that(store):
    """One registered later brings no room along, and one that is gone gives back what it took in, no more."""

    def deques(n):
        early = deque_of("early", 100 + 10 * n, 1000, **item(100, 100, 100))
        gone = deque_of("early", None, None, is_alive=False)
        late = deque_of("late", 50, 1000, **item(100, 100, 100))
        return [early if n < 6 else gone, *([late] if n >= 3 else [])]

    low, _ = rooms(history_of(store, deques))
    taken = low[0] - low
    assert taken[:6].tolist() == pytest.approx([0, 1000, 2000, 3000, 4000, 5000])
    assert taken[6:].tolist() == pytest.approx([0] * 6)


def test_the_sizes_of_an_item_outlive_the_raw_rows(store):
    """In hours and days that raw rows are folded into, an item's size is still known with its ends."""
    from memmon.config import Settings
    from memmon.store.retention import prune

    store.add_run(ticks(36, deques=lambda n: [deque_of("q", 100 + n, 1000, **item(40, 30, 50))]))
    prune.apply(store.database, Settings(), now=START + timedelta(days=91), pause_seconds=0.0)
    with open_store(store.path) as opened:
        found = opened.history()
    assert len(found) < 36
    low, high = rooms(found)
    assert float(high[0] - high[-1]) == pytest.approx(50 / 30 * float(low[0] - low[-1]))


def test_what_a_found_deque_held_came_in_before_at_most(store):
    """First read at the seventh sample, with 600 items: at least none came in since, at most all, evenly since the start."""
    found = history_of(
        store,
        lambda n: (
            [] if n < 6 else [deque_of("q", 600 + 10 * (n - 6), 2000, **item(40, 30, 50), is_found=True)]
        ),
    )
    low, high = rooms(found)
    taken = np.concatenate([np.zeros(6), 10.0 * np.arange(6)])
    assert (low[0] - low).tolist() == pytest.approx((30 * taken).tolist())
    before = np.concatenate([100.0 * np.arange(7), np.full(5, 600.0)])
    assert (high[0] - high).tolist() == pytest.approx((50 * (before + taken)).tolist())


def test_a_found_deque_that_fills_fast_came_in_as_fast_before(store):
    """At 300 items a sample since it was found, the 600 that it held came in within two samples."""
    found = history_of(
        store,
        lambda n: (
            [] if n < 6 else [deque_of("q", 600 + 300 * (n - 6), 5000, **item(40, 40, 40), is_found=True)]
        ),
    )
    _, high = rooms(found)
    assert ((high[0] - high) / 40).tolist() == pytest.approx([0] * 5 + [300 * n for n in range(1, 8)])
