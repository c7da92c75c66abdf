"""What one more item of a deque takes: its mean, at least and at most."""

from __future__ import annotations

import random
import sys
import time
from collections import deque

import pytest

from memmon.facts.python_memory import SLOT_BYTES, held_bytes, own_bytes
from memmon.probe.objects.sizes import SizeEstimator
from memmon.probe.registered.deques import DequeRegistry

estimator = SizeEstimator(time.monotonic, budget_seconds=5.0)


def only(registry):
    (reading,) = registry.read()
    return reading


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 63, 64, 65, 96, 97, 480, 10_000])
def test_the_empty_deque_is_known(count):
    """What a deque takes without its items is what Python tells of it, to a block where it began elsewhere in one."""
    appended: deque[int] = deque()
    for number in range(count):
        appended.append(number)
    assert own_bytes(count) == sys.getsizeof(appended)
    appended.rotate(17)
    assert abs(own_bytes(count) - sys.getsizeof(appended)) <= 528


@pytest.mark.parametrize("item", [7, None, True, "x", b"", ()])
def test_what_the_interpreter_keeps_for_all_takes_its_place_only(item):
    """Small numbers, singletons and single characters cost a deque eight bytes each."""
    found = estimator.entry_estimate(deque([item] * 480))
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 5000])
def test_items_of_their_own_are_known_whole(count):
    """Equal items that nothing else holds: least and mean are their size, the most adds the allocator's pieces."""
    found = estimator.entry_estimate(deque(float(number) for number in range(count)))
    assert (found.mean, found.low, found.high) == (24.0, 24.0, 32.0)


def test_what_others_hold_too_is_not_counted_whole_at_least():
    """Items from a pool, or that lead into one, count at least by their part; one object many times is one object."""
    pool = [bytes(10_000) for _ in range(1000)]
    choose = random.Random(1).choice
    picked = deque(choose(pool) for _ in range(50_000))
    assert estimator.entry_estimate(picked).low < 2 * 10_000 * 1000 / 50_000
    wrapped = deque((choose(pool), float(number)) for number in range(50_000))
    assert estimator.entry_estimate(wrapped).low < 80 + 2 * 10_000 * 1000 / 50_000
    assert estimator.entry_estimate(deque([pool[0]] * 5000)).mean < 3


def test_places_of_what_is_kept_for_all_hold_nothing_else():
    """Where every second item is the same small number, the others' size is not put into its places too."""
    mixed = deque(7 if number % 2 else bytes(1000) for number in range(4000))
    assert estimator.entry_estimate(mixed).mean == pytest.approx(1033 / 2, rel=0.15)


def sizes_mixed(seed):
    draw = random.Random(seed)
    kinds = (
        lambda: draw.choice((50, 200, 1000, 5000)),
        lambda: int(draw.expovariate(1 / 2000)),
        lambda: int(draw.lognormvariate(6, 1.0)),
        lambda: 20_000 if draw.random() < 0.1 else 100,
    )
    size = kinds[seed % len(kinds)]
    return deque(bytes(size()) for _ in range(3000))


def test_the_ends_hold_the_truth():
    """Where sizes differ widely, the truth lies above the least in 97 of 100 and under the most in 90 of 100."""
    below = above = 0
    for seed in range(200):
        items = sizes_mixed(seed)
        true = sum(map(sys.getsizeof, items)) / len(items)
        found = estimator.entry_estimate(items)
        assert 0 <= found.low <= found.mean <= found.high
        below += found.low > true
        above += found.high < true
    assert below <= 6
    assert above <= 20


def test_a_deque_first_seen_almost_empty_is_known_when_it_is_not():
    """One item at first, 480 at the end: 8 bytes an item and the deque's own blocks, told on the way."""
    registry = DequeRegistry(monotonic=lambda: 0.0)
    queue = deque([7], maxlen=500)
    registry.register("queue", queue)
    told = []
    for _ in range(480):
        told.append(only(registry))
        queue.append(7)
    assert told[-1].item_bytes == round(SLOT_BYTES)
    assert told[-1].item_low_bytes == 8
    assert all(abs(one.size_bytes - held_bytes(one.length_count, SLOT_BYTES)) <= 3000 for one in told)
    assert told[-1].size_bytes == pytest.approx(4456, rel=0.35)


def test_items_that_become_larger_are_told_within_the_hour():
    """The same length with other items is measured again when an hour is over, and both ends follow."""
    now = [0.0]
    registry = DequeRegistry(monotonic=lambda: now[0])
    queue = deque((bytes(100) for _ in range(200)), maxlen=200)
    registry.register("queue", queue)
    first = only(registry)
    queue.extend(bytes(5000) for _ in range(200))
    assert only(registry).item_bytes == first.item_bytes
    now[0] += 3600
    second = only(registry)
    assert second.item_low_bytes > 30 * first.item_low_bytes
    assert second.size_bytes == pytest.approx(200 * 5041, rel=0.02)
