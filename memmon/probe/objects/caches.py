"""Looking into caches and queues for what they hold."""

from __future__ import annotations

import gc
from typing import Any

from memmon.probe.objects.container_sample import base_of, spread_places
from memmon.probe.objects.plain import class_entry, entry_of, instance_values, static_entry

_MAX_LISTED_COUNT = 200_000
_SAMPLE_COUNT = 64
_QUEUE_ATTRIBUTES = ("queue", "_queue")


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
