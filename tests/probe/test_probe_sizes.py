from __future__ import annotations

import functools
import gc
import itertools
import queue
import sys
import threading
import time
import tracemalloc
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.probe.objects.caches import cache_sample, is_cache, queue_items
from memmon.probe.objects.container_sample import different_count, sample_items, sample_places, spread_places
from memmon.probe.objects.sizes import SizeEstimator, shallow_bytes

estimator = SizeEstimator(time.monotonic, budget_seconds=5.0)


@dataclass
class Tick:
    symbol: str
    price: float
    sizes: list


def test_small_objects_are_measured_exactly():
    """A small structure's size is that of its parts, shared parts counted once."""
    shared = "x" * 1000
    target = [shared, shared, (1.5, b"y" * 100)]
    parts = sys.getsizeof(target) + sys.getsizeof(shared) + sys.getsizeof(target[2])
    assert estimator.size_bytes(target) == parts + sys.getsizeof(1.5) + sys.getsizeof(b"y" * 100)


@pytest.mark.parametrize(
    ("make", "item_bytes"),
    [
        (lambda n: deque(float(i) for i in range(n)), 24 + 8.3),
        (lambda n: [bytes(1000) for _ in range(n)], 1033 + 8),
        (lambda n: tuple(str(i) * 20 for i in range(10_000, 10_000 + n)), 149 + 8),
        (lambda n: {i + 1000: bytes(300) for i in range(n)}, 28 + 333 + 50),
        (lambda n: {f"key {i:06}" for i in range(n)}, 59 + 105),
        (lambda n: deque((float(i), float(i)) for i in range(n)), 56 + 48 + 8.3),
        (lambda n: deque([float(i)] * 3 for i in range(n)), 88 + 24 + 8.3),
        (lambda n: OrderedDict((i + 1000, bytes(300)) for i in range(n)), 28 + 333 + 120),
    ],
)
def test_large_containers_are_sampled_within_30_percent(make, item_bytes):
    """A sample of a large container tells its size well enough for a verdict."""
    assert estimator.size_bytes(make(20_000)) == pytest.approx(20_000 * item_bytes, rel=0.3)


def test_what_all_items_share_is_counted_once():
    """A symbol that a million ticks refer to does not count a million times."""
    symbol = "B" * 100_000
    ticks = deque(Tick(symbol, float(i), [float(i)]) for i in range(5_000))
    size = estimator.size_bytes(ticks)
    assert 100_000 < size < 100_000 + 5_000 * 400


def test_one_object_many_times_is_one_object():
    """A deque that holds the same object again and again holds it once."""
    item = bytes(100_000)
    size = estimator.size_bytes(deque([item] * 10_000))
    assert size == pytest.approx(100_000 + 10_000 * 8, rel=0.1)


def test_a_pool_of_repeated_objects_is_not_counted_for_each_place():
    """A container over ten different large objects holds about those ten."""
    pool = [bytes(50_000) for _ in range(10)]
    size = estimator.size_bytes([pool[i * 7 % 10] for i in range(10_000)])
    assert size == pytest.approx(10 * 50_000 + 80_000, rel=0.3)


def test_nested_containers_are_sampled_at_every_level():
    """Lists of lists of lists are estimated from few of them."""
    nested = [[[float(i) for i in range(100)] for _ in range(100)] for _ in range(100)]
    assert estimator.size_bytes(nested) == pytest.approx(100 * 100 * (100 * 32 + 900), rel=0.3)


def test_an_estimate_is_done_within_its_budget():
    """A graph of many objects costs bounded time, whatever its shape."""
    quick = SizeEstimator(time.monotonic, budget_seconds=0.005)
    graph = {i: [Tick(str(i), float(i), [i] * 10) for _ in range(5)] for i in range(40_000)}
    chain: list = []
    for _ in range(100_000):
        chain = [chain]
    elapsed = []
    for target in (graph, chain, [chain] * 100, list(graph.values())):
        begun = time.process_time()
        assert quick.size_bytes(target) > 0
        elapsed.append(time.process_time() - begun)
    assert max(elapsed) < (0.1 if sys.gettrace() is None else 1.0)
    while chain:
        chain = chain[0]  # taken apart by hand: freeing so deep a chain at once is slow


def test_an_estimate_that_ran_out_of_time_is_extrapolated():
    """What a short look saw of a container's items stands for the rest."""
    ticks = itertools.count()
    hasty = SizeEstimator(lambda: next(ticks) * 0.001, budget_seconds=0.004)
    assert hasty.size_bytes([bytes(1000) for _ in range(1000)]) == pytest.approx(1_041_000, rel=0.1)


def test_shared_things_of_the_program_do_not_count():
    """Types, modules and functions are not walked."""
    assert estimator.size_bytes((sys, pytest, deque, test_shared_things_of_the_program_do_not_count)) < 1000


class Liar:
    def __sizeof__(self):
        raise RuntimeError("no size")


class LyingNumber:
    __class__ = int

    def __sizeof__(self):
        return -5


def test_a_size_written_in_python_is_not_asked():
    """A `__sizeof__` of the host's own classes never runs."""
    assert shallow_bytes(Liar()) > 0
    assert shallow_bytes(LyingNumber()) > 0
    assert estimator.size_bytes([Liar(), LyingNumber()]) > 0


def test_instances_do_not_get_a_dict_by_being_measured():
    """Measuring does not itself allocate dictionaries in the host's objects."""
    ticks = [Tick("B", float(i), []) for i in range(20_000)]
    before = sys.getallocatedblocks()
    estimator.size_bytes(ticks)
    assert sys.getallocatedblocks() - before < 2_000


def test_measuring_leaves_nothing_for_the_programs_collector():
    """What a measurement makes is gone when it ends: it brings no collection in the program nearer."""
    target = {"book": [Tick("BTC", 1.5, [1, 2])], "rows": [[number] for number in range(200)]}
    measurements = (
        estimator.size_bytes,
        estimator.entry_estimate,
        lambda target: estimator.items_bytes(target["rows"], 200),
    )
    for measure in measurements:
        assert measure(target) is not None  # objsize is loaded
        gc.collect()
        gc.disable()
        try:
            measure(target)
            assert gc.collect() == 0
        finally:
            gc.enable()


def test_without_objsize_the_size_is_missing(monkeypatch):
    """Where objsize can't be imported, the sizes of what leads to others are unknown and nothing fails."""
    monkeypatch.setitem(sys.modules, "objsize.traverse", None)
    assert SizeEstimator(time.monotonic).size_bytes([1]) is None
    assert SizeEstimator(time.monotonic).items_bytes([[1]], 1) is None
    assert SizeEstimator(time.monotonic).items_bytes([1], 1) == sys.getsizeof(1)


def test_no_items_have_no_mean():
    """An empty sample tells nothing."""
    assert estimator.items_bytes([], 10) is None
    assert estimator.items_bytes([1], 0) is None
    assert sample_items(5) == ([], 1)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**7), st.integers(2, 64), st.booleans())
def test_sampled_places_exist(length, wanted, is_direct):
    """Every place looked at is in the sequence, none twice."""
    places = sample_places(length, wanted, is_direct=is_direct)
    assert len(places) <= max(wanted, 1)
    assert all(-length <= place < length for place in places)
    assert len({place % length for place in places}) == len(places)
    assert bool(places) == bool(length)


def test_places_meet_both_kinds_of_an_alternating_sequence():
    """Keys and values in turn are both met, whatever the length."""
    for length in range(200, 4000, 7):
        odd = sum(place % 2 for place in spread_places(length, 64))
        assert 16 <= odd <= 48, length


def test_the_number_of_different_objects_is_estimated():
    """All different: as many as there are; all the same: one."""
    items = [object() for _ in range(32)]
    assert different_count(items, 1000) == 1000
    assert different_count([items[0]] * 32, 1000) == 1
    assert different_count(items[:16] * 2, 1000) == 16


@pytest.mark.parametrize(
    "kind", [dict, defaultdict, OrderedDict, Counter, set, frozenset, list, tuple, deque]
)
def test_containers_changed_meanwhile_are_no_error(kind):
    """Sampling a container that another thread changes gives some items or none."""
    if kind in (frozenset, tuple):
        return
    target = kind()
    stop = threading.Event()

    def change():
        number = 0
        while not stop.is_set():
            number += 1
            if isinstance(target, dict):
                target[number] = number
            elif isinstance(target, set):
                target.add(number)
            else:
                target.append(number)
            if number % 200 == 0:
                target.clear()

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(300):
            assert len(sample_items(target)[0]) <= 32
            estimator.size_bytes(target)
    finally:
        stop.set()
        thread.join()


def test_a_cache_is_known_by_its_methods_and_looked_into():
    """Functions under lru_cache are caches, with a bound or without; others are not."""

    @functools.lru_cache(maxsize=100)
    def bounded(number):
        return bytes(number)

    @functools.cache
    def unbounded(number):
        return bytes(number)

    for number in range(1000):
        bounded(number)
        unbounded(number)
    assert is_cache(bounded)
    assert is_cache(unbounded)
    assert not is_cache(len)
    sample, count = cache_sample(bounded, 100)
    assert len(sample) <= 64 <= count
    assert cache_sample(bounded, 10**9) == ([], 0)


def test_a_queue_is_known_by_its_container():
    """The queues of the standard library are looked into; what only looks like one is not."""
    waiting = queue.Queue()
    waiting.put(1)
    assert queue_items(waiting) is waiting.queue
    assert queue_items(queue.PriorityQueue()) == []
    assert queue_items(queue.SimpleQueue()) is None
    assert queue_items(queue.Queue) is None
    assert queue_items([1]) is None


class Quote:
    """Its attributes lie in an array of their own up to Python 3.12, of which no `__sizeof__` tells."""

    def __init__(self):
        for name in ("bid", "ask", "last", "open", "high", "low", "close", "size"):
            setattr(self, name, None)


def test_attributes_that_lie_apart_are_counted():
    """An object with eight attributes and no dict made takes what Python's own count says, in an item's mean as in its ends."""
    Quote()
    quotes = [None] * 2_000
    tracemalloc.start()
    try:
        begun = tracemalloc.get_traced_memory()[0]
        quotes[:] = [Quote() for _ in quotes]
        taken = (tracemalloc.get_traced_memory()[0] - begun) / len(quotes)
    finally:
        tracemalloc.stop()
    estimator = SizeEstimator(lambda: 0.0)
    found = estimator.entry_estimate(quotes)
    assert found.mean == pytest.approx(taken, rel=0.15)
    assert estimator.items_bytes(quotes[:32], len(quotes)) == pytest.approx(taken, rel=0.15)


def test_attributes_in_a_dict_are_counted_once():
    """Where the dict of the attributes was made it has them, and no array is counted beside it."""
    quotes = [Quote() for _ in range(2_000)]
    for one in quotes:
        one.__dict__["more"] = None
    estimator, bare = SizeEstimator(lambda: 0.0), shallow_bytes(quotes[0]) + sys.getsizeof(quotes[0].__dict__)
    assert estimator.entry_estimate(quotes).mean == pytest.approx(bare, rel=0.05)
