"""Bounded containers that are no deques: how full they are, and what an entry takes."""

from __future__ import annotations

import asyncio
import functools
import gc
import queue
from collections import OrderedDict, deque

import pytest

from memmon.model import DequeReading
from memmon.probe.objects.caches import bounded, entry_sample
from memmon.probe.registered.components import ComponentRegistry


class Cache:
    """Kept as cachetools keeps its caches: private names, and a dict for the order beside that of the contents."""

    def __init__(self, maxsize, getsizeof=None):
        self.__maxsize, self.__currsize, self.__getsizeof = maxsize, 0, getsizeof
        self.__data, self.__order = {}, OrderedDict()

    def __len__(self):
        raise AssertionError("a reading calls nothing of the program's")

    @property
    def maxsize(self):
        raise AssertionError("a reading calls nothing of the program's")

    currsize = maxsize

    def put(self, key, value):
        self.__data[key] = value
        self.__order[key] = None
        self.__currsize += 1 if self.__getsizeof is None else self.__getsizeof(value)


def cached(maxsize):
    @functools.lru_cache(maxsize=maxsize)
    def work(number):
        return bytes(1000)

    return work


def filled(container, count, put):
    for number in range(count):
        put(container, number)
    return container


def of_each_kind():
    put = queue.Queue.put_nowait
    yield "lru", filled(cached(500), 200, lambda one, number: one(1000 + number))
    yield "queue", filled(queue.Queue(500), 200, lambda one, number: put(one, bytes(1000)))
    yield "lifo", filled(queue.LifoQueue(500), 200, lambda one, number: put(one, bytes(1000)))
    yield "asyncio", filled(asyncio.Queue(500), 200, lambda one, number: one.put_nowait(bytes(1000)))
    yield "cachetools", filled(Cache(500), 200, lambda one, number: one.put(f"{number}", bytes(1000)))
    yield "deque", filled(deque(maxlen=500), 200, lambda one, number: one.append(bytes(1000)))


@pytest.mark.parametrize(("kind", "container"), [*of_each_kind()], ids=[kind for kind, _ in of_each_kind()])
def test_a_bounded_container_tells_length_and_bound(kind, container):
    """Length and bound are told of each kind without a call of the program's code, and its entries can be sampled."""
    assert bounded(container) == (200, 500)
    items, weight, place = entry_sample(container, 200, 32)
    assert sum(type(one) is bytes and len(one) == 1000 for one in items) == len(items) // weight > 10
    assert 8 <= place <= 200


def test_what_has_no_bound_in_entries_is_none():
    """No bound, a bound of another kind than entries, and what only looks like a cache are no bounded containers."""
    by_bytes = Cache(5_000_000, getsizeof=len)
    by_bytes.put("a", bytes(1000))
    unbounded = (
        cached(None),
        cached(0),
        queue.Queue(),
        queue.SimpleQueue(),
        asyncio.Queue(),
        deque(),
        [],
        {},
        Cache,
    )
    for one in (*unbounded, by_bytes, Cache("much"), object(), len, None):
        assert bounded(one) is None


def only(registry, taken=()):
    registry.read()
    (reading,) = registry.bounded(taken)
    return reading


def test_a_registered_cache_is_read_like_a_deque():
    """Length, bound and the size of an entry come with the first reading that has entries; the size within 15 %."""
    registry, work = ComponentRegistry(), cached(500)
    registry.register("prices", work)
    assert only(registry).length_count == 0
    filled(work, 300, lambda one, number: one(1000 + number))
    reading = only(registry)
    assert (reading.name, reading.length_count, reading.maxlen_count) == ("prices", 300, 500)
    assert reading.is_component
    assert not reading.is_found
    assert reading.item_bytes == pytest.approx(1033 + 28 + 64 + 48, rel=0.15)
    assert reading.item_low_bytes <= reading.item_bytes <= reading.item_high_bytes
    assert reading.size_bytes == pytest.approx(300 * reading.item_bytes, rel=0.01)
    assert only(registry) is reading


def test_entries_are_sampled_hourly_and_when_half_as_many_came():
    """Between samples a reading costs a count: entries are looked at again after an hour, or when half as many came."""
    seconds = [0.0]
    registry = ComponentRegistry(monotonic=lambda: seconds[0])
    work = functools.lru_cache(maxsize=1000)(bytes)
    registry.register("prices", work)
    filled(work, 100, lambda one, number: one(1000 + number))
    first = only(registry).item_bytes
    filled(work, 140, lambda one, number: one(9000 + number) if number >= 100 else None)
    assert only(registry).item_bytes == first
    seconds[0] = 3601.0
    later = only(registry).item_bytes
    assert later > 2 * first
    filled(work, 300, lambda one, number: one(90_000 + number) if number >= 140 else None)
    assert only(registry).item_bytes > 2 * later


def test_a_cache_that_is_gone_is_told_as_gone():
    """The registration keeps no cache alive; what is gone is told so and holds nothing."""
    registry, work = ComponentRegistry(), cached(500)
    registry.register("prices", work)
    assert only(registry).is_alive
    del work
    gc.collect()
    reading = only(registry)
    assert (reading.is_alive, reading.length_count) == (False, None)


def test_a_getter_tells_of_what_it_returns_and_is_called_once():
    """A component given by a callable is read as the container that it returns, without another call."""
    registry, calls = ComponentRegistry(), []
    waiting = filled(queue.Queue(10), 4, lambda one, number: one.put(number))

    def measure():
        calls.append(1)
        return waiting

    registry.register("waiting", measure)
    assert (only(registry).length_count, len(calls)) == (4, 1)
    registry.register("size", lambda: 4_096)
    assert only(registry).name == "waiting"


def test_names_and_containers_are_read_once():
    """A component with a deque's name says what it is, and a cache registered under two names counts once."""
    registry, work = ComponentRegistry(), cached(500)
    registry.register("prices", work)
    registry.register("prices again", work)
    taken = [DequeReading(name="prices", length_count=3, maxlen_count=9)]
    assert only(registry, taken).name == "prices (component)"
    assert only(registry).name == "prices"


def test_a_deque_is_left_to_register_deque():
    """A bounded deque that is measured as a component is no second deque."""
    registry, prices = ComponentRegistry(), deque(maxlen=10)
    registry.register("prices", prices)
    registry.read()
    assert registry.bounded(()) == ()
