"""Looking at a few items of a large container without walking it."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from memmon.guest.shielding import attempt

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE_COUNT = 32
"""Items looked at in a large container."""

LARGE_COUNT = 65
"""Containers from this length on are sampled; shorter ones are walked whole."""

_OFTEN = 3
_SPREAD_LENGTH = 100_000
_TABLE_BYTES = 2**20
_ENTRY_BYTES = 2_000
_LOW_32_BITS = 0xFFFF_FFFF
_BASES: tuple[type, ...] = (deque, list, tuple, dict, set, frozenset)
_DIRECT_BASES = (list, tuple)


def base_of(target: object) -> Any:
    """Return the built-in container type that `target` is an instance of, without asking the object."""
    return base_of_kind(type(target))


def base_of_kind(kind: type) -> Any:
    """Return the built-in container type that `kind` is or derives from, None when there is none."""
    for base in _BASES:  # neither `in` nor a set: a metaclass may have an `__eq__` or `__hash__` of its own
        if issubclass(kind, base):
            return base
    return None


def length_of(target: Any) -> int:
    """Return a built-in container's length by its base's own method; 0 for anything else."""
    base = base_of(target)
    return int(base.__len__(target)) if base is not None else 0


def is_large(target: object) -> bool:
    """Return whether `target` is a built-in container that is sampled and not walked."""
    return length_of(target) >= LARGE_COUNT


def is_sparse(size_bytes: int, length: int) -> bool:
    """Return whether a table is so large and so empty that finding its entries takes long in one step."""
    return size_bytes > _TABLE_BYTES and size_bytes > _ENTRY_BYTES * length


def sample_items(
    target: Any, *, thinned_by: int = 1, wanted_count: int = SAMPLE_COUNT
) -> tuple[list[Any], int]:
    """Return some items of a built-in container, and how many items make one entry (2 for a dict).

    Evenly spread places of a sequence (near the ends of a very long deque, whose middle is far),
    the first ones of a set, the first keys and values of a dict. A container that another thread
    changes meanwhile gives fewer items, or none.
    """
    base = base_of(target)
    wanted = max(2, wanted_count // thinned_by)
    if base is dict:
        keys = attempt(lambda: list(islice(dict.keys(target), wanted // 2))) or []
        values = attempt(lambda: list(islice(dict.values(target), wanted // 2))) or []
        return [item for pair in zip(keys, values, strict=False) for item in pair], 2
    if base is set or base is frozenset:
        return attempt(lambda: list(islice(base.__iter__(target), wanted))) or [], 1
    if base is None:
        return [], 1
    items: list[Any] = []
    for place in sample_places(base.__len__(target), wanted, is_direct=base in _DIRECT_BASES):
        try:
            items.append(base.__getitem__(target, place))
        except IndexError:
            break
    return items, 1


def sample_places(length: int, wanted: int, *, is_direct: bool) -> list[int]:
    """Return at most `wanted` places in a sequence of `length`; `is_direct`: every place is near."""
    if length <= wanted:
        return list(range(length))
    if is_direct or length <= _SPREAD_LENGTH:
        return spread_places(length, wanted)
    # No negative places: Python makes them positive by the `__len__` of the deque's own class.
    stride = _SPREAD_LENGTH // 2 // wanted
    return [place for step in range(wanted // 2) for place in (step * stride, length - 1 - step * stride)]


def spread_places(length: int, wanted: int) -> list[int]:
    """Return at most `wanted` different places in `length`: one in each equal part, at random in it.

    Equal strides would fall in step with a period of the contents (keys and values in turn, say).
    The same places come for the same length, from a small generator of our own (Numerical Recipes'
    linear congruence): the program's `random` state is not touched.
    """
    state = length & _LOW_32_BITS
    places: dict[int, None] = {}
    for step in range(wanted):
        state = (state * 1_664_525 + 1_013_904_223) & _LOW_32_BITS
        places[int((step + state / (_LOW_32_BITS + 1)) / wanted * length)] = None
    return list(places)


def different_count(items: Sequence[object], count: int) -> float:
    """Return how many different objects `count` items are, judged from the sample `items`.

    Chao's lower bound (Chao 1984, "Nonparametric estimation of the number of classes in a
    population", in its bias-corrected form), at most as many as there are places for those met once.
    """
    times: dict[int, int] = {}  # no Counter: it asks each class of the program whether it is a mapping
    for item in items:
        times[id(item)] = times.get(id(item), 0) + 1
    once = sum(1 for seen in times.values() if seen == 1)
    if once == len(items):
        return float(count)
    twice = sum(1 for seen in times.values() if seen == 2)  # noqa: PLR2004 - met twice
    places = len(times) - once + once * count / len(items)
    return min(float(count), places, len(times) + once * max(0, once - 1) / (2.0 * (twice + 1)))


def estimated_distinct(met: int, repeated: int, sampled: int, references: float) -> float:
    """Return how many different objects `references` lead to: `sampled` of them led to `met`, to `repeated` more than once.

    Chao's lower bound as above, where it isn't known how often each was met. Where the repeated ones were met again
    and again, they are few that all share, beside others that nobody shares: of those there are as many as places.
    """
    once = met - repeated
    places = repeated + once * references / sampled
    if sampled - met >= _OFTEN * repeated:
        return min(references, places)
    return min(references, places, met + once * max(0, once - 1) / (2.0 * (repeated + 1)))
