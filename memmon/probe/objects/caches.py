"""Looking into caches and queues for what they hold, and for how much they may."""

from __future__ import annotations

import gc
from collections import deque
from functools import lru_cache
from types import FunctionType
from typing import Any, NamedTuple

from memmon.probe.objects.container_sample import base_of, length_of, sample_items, spread_places
from memmon.probe.objects.own_size import own_bytes
from memmon.probe.objects.plain import class_entry, entry_of, instance_values, static_entry

LARGEST_SLOT_BYTES = 64.0
"""A place in a list or dict takes no more: what a nearly empty one has beyond that belongs to no item."""

QUICKLY_LISTED_COUNT = 10_000
"""Entries up to which all of a cache are listed in 2 ms or so."""

_MAX_LISTED_COUNT = 100_000
_SAMPLE_COUNT = 64
_QUEUE_ATTRIBUTES = ("queue", "_queue")
_BOUND_ATTRIBUTES = ("maxsize", "_maxsize")
_LRU_CACHE: Any = type(lru_cache(maxsize=1)(len))
"""The type of such functions, in C; where Python's own code stands for it they are like any other function."""

_LINK_BYTES = 64
"""What an entry of such a cache takes beside its place in the dict: two links, hash, key and result."""

_LINK_PARTS = 3  # key, result and type of a link are what the collector tells of it


class Bounded(NamedTuple):
    """How many entries a container has, and how many at most."""

    length: int
    maxlen: int


class EntrySample(NamedTuple):
    """Some of what a container holds."""

    items: list[Any]
    weight: int
    """How many of the items make an entry: 2, where that is a key and a value."""
    place_bytes: float
    """What the container itself takes for an entry."""


def is_cache(target: object) -> bool:
    """Return whether `target` is a function wrapped by `functools.lru_cache` or `functools.cache`, or one like it.

    Its attributes are looked for where they are kept: a mock has any attribute that is asked for. What can't be
    called is none, and its own attributes are left alone: to ask an object for their dict makes it.
    """
    if class_entry(type(target), "__call__") is None:
        return False
    return all(static_entry(target, name) is not None for name in ("cache_info", "cache_clear"))


def cache_entry_count(target: Any) -> int:
    """Return how many entries a cache holds."""
    return int(target.cache_info().currsize)


def cache_sample(target: Any, entry_count: int) -> tuple[list[Any], int]:
    """Return a sample of what a cache refers to and of how many; nothing for a very large cache.

    The collector tells what a cache refers to: its keys and results, one by one, or the dict of
    them. That list costs 24 bytes an entry for a moment.
    """
    if entry_count > _MAX_LISTED_COUNT:
        return [], 0
    held = [item for item in gc.get_referents(target) if not issubclass(type(item), type)]
    if len(held) <= _SAMPLE_COUNT:
        return held, len(held)
    return [held[place] for place in spread_places(len(held), _SAMPLE_COUNT)], len(held)


def queue_items(target: object) -> Any:
    """Return the built-in container inside a queue, None when there is none.

    `queue.Queue`, `queue.LifoQueue`, `queue.PriorityQueue` and those of asyncio are known by
    `qsize` and by the container that they keep.
    """
    if issubclass(type(target), type) or class_entry(type(target), "qsize") is None:
        return None
    for name in _QUEUE_ATTRIBUTES:
        inner = entry_of(instance_values(target), name)
        if inner is not None and base_of(inner) is not None:
            return inner
    return None


def bounded(target: object) -> Bounded | None:
    """Return how full a container with a bound is, in constant time; None for one without, and for all else.

    That is a deque, a function under `functools.lru_cache`, a queue, or a cache with a `maxsize` and `currsize` of
    its own in which each entry counts one (those of `cachetools` do, unless they are given sizes). Nothing of the
    program's is called.
    """
    kind = type(target)
    if issubclass(kind, deque):
        bound = deque.maxlen.__get__(target)
        length = length_of(target)
    elif _is_lru_cache(target):
        told = _LRU_CACHE.cache_info(target)
        length, bound = told.currsize, told.maxsize
    elif (inner := queue_items(target)) is not None:
        length, bound = length_of(inner), _first_of(target, _BOUND_ATTRIBUTES)
    else:
        return _bounded_cache(target)
    return Bounded(length, bound) if type(bound) is int and bound > 0 else None


def entry_sample(
    target: Any, length: int, wanted_count: int, *, most_listed_count: int = _MAX_LISTED_COUNT
) -> EntrySample:
    """Return some of what a bounded container of `length` entries holds; nothing of an `lru_cache` of more than `most_listed_count`."""
    if _is_lru_cache(target):
        return _lru_sample(target, length, wanted_count, most_listed_count)
    inner = target if base_of(target) is not None else queue_items(target)
    tables = [inner] if inner is not None else _tables(target, length)
    if not tables:
        return EntrySample([], 1, 0.0)
    items, weight = sample_items(tables[0], wanted_count=wanted_count)
    each = [min(own_bytes(one) / max(1, length), LARGEST_SLOT_BYTES) for one in tables]
    return EntrySample(items, weight, sum(each))


def _is_lru_cache(target: object) -> bool:
    return _LRU_CACHE is not FunctionType and issubclass(type(target), _LRU_CACHE)


def _first_of(target: object, names: tuple[str, ...]) -> Any:
    values = instance_values(target)
    return next((found for name in names if (found := entry_of(values, name)) is not None), None)


def _bounded_cache(target: object) -> Bounded | None:
    """Return how full a cache is that keeps `maxsize` and `currsize`, by names of its own too (`_Cache__maxsize`)."""
    kind = type(target)
    if issubclass(kind, type) or any(
        class_entry(kind, name) is None for name in ("__len__", "maxsize", "currsize")
    ):
        return None
    bound, size = (
        next(
            (value for key, value in _own_values(target) if key.rpartition("__")[2].lstrip("_") == name), None
        )
        for name in ("maxsize", "currsize")
    )
    if type(bound) is not int or type(size) is not int or bound < 1 or not _tables(target, size):
        return None
    return Bounded(size, bound)


def _tables(target: object, length: int) -> list[Any]:
    """Return the dicts of an object that have so many entries: what is kept, and in which order."""
    return [
        value for _, value in _own_values(target) if base_of(value) is dict and dict.__len__(value) == length
    ]


def _own_values(target: object) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in instance_values(target).items() if type(key) is str]


def _lru_sample(target: Any, length: int, wanted_count: int, most_listed_count: int) -> EntrySample:
    """Return keys and results; that lists all of them for a moment, 24 bytes an entry."""
    nothing = EntrySample([], 2, 0.0)
    if not 0 < length <= most_listed_count:
        return nothing
    held = gc.get_referents(target)
    links = (
        next((place for place, one in enumerate(held[:_LINK_PARTS]) if issubclass(type(one), type)), 0) + 1
    )
    count = next(
        (
            place
            for place in range(links, len(held) - 2, _LINK_PARTS)
            if held[place + 2] is not held[links + 2]
        ),
        links,
    )
    entries, wanted = (count - links) // _LINK_PARTS, max(1, wanted_count // 2)
    places = spread_places(entries, wanted) if entries > wanted else list(range(entries))
    items = [held[links + _LINK_PARTS * place + part] for place in places for part in (0, 1)]
    table = next((one for one in held[count:] if type(one) is dict and len(one)), {})
    return EntrySample(items, 2, _LINK_BYTES + min(own_bytes(table) / length, LARGEST_SLOT_BYTES))
