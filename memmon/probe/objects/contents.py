"""What an object leads to: all of it, or a sample of a large container, in a bounded time."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict, defaultdict, deque
from functools import lru_cache
from itertools import islice
from typing import Any

from memmon.guest.shielding import attempt
from memmon.probe.objects.container_sample import is_sparse, spread_places
from memmon.probe.objects.plain import instance_values, module_at, module_values, namespace_of

LISTED_COUNT = 400
"""Up to so many referents of one object are asked for in one call."""

_LISTED_BYTES = 64 * 1024
_CACHED_COUNT = 10_000
_BACKWARD_BYTES = 4 * 2**20
_PLAIN_KINDS = frozenset(
    id(kind) for kind in (dict, OrderedDict, defaultdict, list, tuple, deque, set, frozenset)
)
_CACHE_KIND = type(lru_cache(len))
_VIEWED = namespace_of(memoryview)["obj"].__get__


def contents(value: Any, base: Any, wanted_count: int, size_bytes: int) -> tuple[int, list[Any]]:
    """Return (entries, some of what the object leads to); 0 entries when that is all it leads to.

    `base`: the built-in container that it is, or None. `size_bytes`: its own size. A dict has two entries a key. At most
    about `wanted_count` entries of a container are returned, and the attributes of a subclass's.
    """
    try:
        if base is None:
            return _referents(value, size_bytes, wanted_count)
        length = base.__len__(value)
        found = _sampled(value, base, length, wanted_count) if length else []
        if id(type(value)) not in _PLAIN_KINDS:
            found += _attributes(value, base, length)
        return 2 * length if base is dict else length, found
    except (RuntimeError, IndexError, TypeError):  # changed by another thread just now
        return 0, []


def leads_to_few(value: Any, size_bytes: int) -> bool:
    """Return whether all that a small container, or another object, leads to can be asked for in one call."""
    if issubclass(type(value), _CACHE_KIND):
        # The collector is told each entry of a bounded cache.
        bound, count = _CACHE_KIND.cache_info(value)[2:]
        return bound is None or bool(count <= _CACHED_COUNT)
    return size_bytes <= _LISTED_BYTES


def _referents(value: Any, size_bytes: int, wanted: int) -> tuple[int, list[Any]]:
    if not leads_to_few(value, size_bytes):
        return (
            (_CACHE_KIND.cache_info(value).currsize, []) if issubclass(type(value), _CACHE_KIND) else (0, [])
        )
    if type(value) is memoryview:
        return 0, _held_by_view(value)
    found = gc.get_referents(value)
    if not found:
        return 0, _of_view(value)
    if issubclass(type(value), threading.local):
        found = _of_threads(found)
    if len(found) <= LISTED_COUNT:
        return 0, found
    return len(found), [found[place] for place in spread_places(len(found), 2 * wanted)]


def _of_threads(found: list[Any]) -> list[Any]:
    """Return what a `threading.local` leads to, in place of the table of its threads the attributes that each has."""
    named: list[Any] = []
    for one in found:
        is_table = type(one) is dict and any(type(key) is not str for key in islice(one, 1))
        named += islice(one.values(), LISTED_COUNT) if is_table else [one]
    return named


def _held_by_view(value: memoryview) -> list[Any]:
    """Return what a view looks into; nothing where it was released."""
    held = attempt(_VIEWED, value)
    return [] if held is None else [held]


def _of_view(value: Any) -> list[Any]:
    """Return the array that a view of numpy's keeps alive, of which the collector isn't told."""
    kind = dict.get(module_values(module_at("numpy")), "ndarray")
    if type(kind) is not type or not issubclass(type(value), kind):
        return []
    base = namespace_of(kind)["base"].__get__(value)
    return [base] if base is not None else []


def _sampled(value: Any, base: Any, length: int, wanted: int) -> list[Any]:
    if base is dict:
        return _of_dict(value, length, wanted)
    if base is set or base is frozenset:
        if is_sparse(base.__sizeof__(value), length):
            return []
        return list(islice(base.__iter__(value), wanted))
    if base is deque:
        half = wanted // 2
        # No negative places: Python makes them positive by the `__len__` of the deque's own class.
        places = range(length) if length <= wanted else (*range(half), *range(length - half, length))
        return [deque.__getitem__(value, place) for place in places]
    return list(base.__getitem__(value, slice(0, length, max(length // wanted, 1))))


def _of_dict(value: Any, length: int, wanted: int) -> list[Any]:
    size = dict.__sizeof__(value)
    if is_sparse(size, length):
        return []
    keys, values = dict.keys(value), dict.values(value)
    if length <= wanted:
        return [*keys, *values]
    if size > _BACKWARD_BYTES:
        # A large dict of which the oldest keys are deleted begins with a stretch of nothing.
        return [*islice(reversed(keys), wanted), *islice(reversed(values), wanted)]
    return [*islice(keys, wanted), *islice(values, wanted)]


def _attributes(value: Any, base: Any, length: int) -> list[Any]:
    """Return what a subclass of a container carries beside its entries.

    The collector is told the attributes first, the class next, the entries last. Of a long
    container that list would be long; there the dict of the attributes is asked for, which
    makes it if need be.
    """
    if length > LISTED_COUNT or is_sparse(base.__sizeof__(value), length):
        values = instance_values(value)
        return [values] if values else []
    found = gc.get_referents(value)
    kind = type(value)
    for place, one in enumerate(found):
        if one is kind:
            return found[:place]
    return []
