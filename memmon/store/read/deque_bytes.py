"""What a deque holds at each sample, and what it still takes in until it is full: from the sizes that are stored.

The recorder stores what one item takes, its place included, with the least and the most that it may be. Older ones
stored a size of all now and then: what an item takes follows from that where there were items enough, and holds
until the length has grown by half; where it does not, the deque itself is all that is known.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memmon.facts.deque_memory import (
    FEWEST_TELLING_ITEMS,
    SLOT_BYTES,
    TOLD_AGAIN_FACTOR,
    UNTOLD_ERROR_SHARE,
    held_bytes,
    own_bytes,
)
from memmon.store.read.deques import carried, means

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memmon.store.read.deques import Readings

    FloatArray = NDArray[np.float64]

SIZE_METRICS = ("length", "maxlen", "bytes", "item", "item_low", "item_high", "dead")
"""What is read of each deque: without a length and a size of either kind there is nothing to say."""


class DequeBytes(NamedTuple):
    """One deque over the samples of one run; NaN where nothing is known."""

    held: FloatArray
    """What it holds, an estimate."""
    room: FloatArray
    """What a bounded one takes in at least until it is full; 0 without a bound."""
    most_room: FloatArray
    """The same at most, but for what the sample leaves open."""
    chance: FloatArray
    """What the sample leaves open of that; `most_room_of` adds it up as chance does, by its squares."""


def most_room_of(deques: Sequence[DequeBytes]) -> FloatArray:
    """Return the room of a run's deques at most: what they took in since its first sample may be chance in each.

    The errors of several samples are not all on one side, so they add up by their squares.
    """
    taken = [np.nan_to_num(one.chance[0] - one.chance) for one in deques]
    whole = sum(float(np.nan_to_num(one.chance[0])) for one in deques)
    squares = sum(np.maximum(one, 0.0) ** 2 for one in taken)
    return np.asarray(
        sum(np.nan_to_num(one.most_room) for one in deques) + whole - np.sqrt(squares), dtype=np.float64
    )


def has_size(metrics: Mapping[str, int]) -> bool:
    """Tell whether a deque with these series has a size."""
    return "length" in metrics and ("item" in metrics or "bytes" in metrics)


def read_deque_bytes(
    readings: Readings, run_id: int, rows: slice, metrics: Mapping[str, int]
) -> DequeBytes | None:
    """Return one deque's bytes in one run; None where it has no size there.

    `room` shrinks by what the deque took in, at one size of an item for the whole run: an estimate that is
    corrected is no memory that came or went.
    """
    count = rows.stop - rows.start
    unknown = np.full(count, np.nan)

    def read(metric: str, *, is_carried: bool = False) -> FloatArray:
        changes = readings.changes(run_id, metrics[metric]) if metric in metrics else None
        if changes is None:
            return unknown
        return carried(changes, count) if is_carried else means(changes, count)

    length = read("length")
    item, low, high = (read(name, is_carried=True) for name in ("item", "item_low", "item_high"))
    # What both ends lie from the mean is the sample's; allocators add to one, and what others hold too to the other.
    chance = np.minimum(high - item, item - low)
    if not bool(np.isfinite(item).any()):
        item = told_item_bytes(read("bytes"), length)
        low, high = (1.0 - UNTOLD_ERROR_SHARE) * item, (1.0 + UNTOLD_ERROR_SHARE) * item
        chance = np.zeros(count)
    known = np.isfinite(length)
    if not bool((known & np.isfinite(item)).any()):
        return None
    item = np.where(np.isfinite(item), item, _first_known(item))
    fullest = int(np.argmax(np.where(known & np.isfinite(item), length, -1.0)))
    maxlen = read("maxlen", is_carried=True)
    is_gone = read("dead", is_carried=True) > 0
    missing = np.where(np.isfinite(maxlen), np.maximum(maxlen - length, 0.0), 0.0)
    missing = _without_gaps(np.where(known, missing, np.nan), is_gone)
    return DequeBytes(
        held=np.where(is_gone, 0.0, held_bytes(length, np.maximum(item, SLOT_BYTES))),
        room=missing * _known_at(low, fullest),
        most_room=missing * _known_at(high - chance, fullest),
        chance=missing * _known_at(chance, fullest),
    )


def told_item_bytes(size_bytes: FloatArray, length: FloatArray) -> FloatArray:
    """Return what an item takes by the sizes of all that older recorders told, at every sample.

    A size that stands still while the length moves is no new one. Told of few items, it is carried until the
    length has grown by half: beyond that only the places are known.
    """
    at_length = np.full(length.size, np.nan)
    fresh = np.flatnonzero(np.isfinite(size_bytes) & np.isfinite(length))
    fresh = fresh[np.concatenate([[True], np.diff(size_bytes[fresh]) != 0])] if fresh.size else fresh
    at_length[fresh] = length[fresh]
    at_length = _carried_on(at_length)
    with np.errstate(invalid="ignore", divide="ignore"):
        item = np.where(at_length > 0, (size_bytes - own_bytes(at_length)) / at_length, 0.0) + SLOT_BYTES
        tells = (at_length >= FEWEST_TELLING_ITEMS) | (length <= TOLD_AGAIN_FACTOR * at_length)
    item = np.where(tells, np.maximum(item, SLOT_BYTES), SLOT_BYTES)
    return np.where(np.isfinite(at_length), item, np.nan)


def told_size(size_bytes: float, at_length: float, length: float) -> float:
    """Return what a deque of `length` holds by a size of all that was told at another length."""
    told = told_item_bytes(
        np.asarray([size_bytes, size_bytes]), np.asarray([at_length, length], dtype=np.float64)
    )
    return float(held_bytes(length, float(told[-1])))


def _without_gaps(missing: FloatArray, is_gone: NDArray[np.bool_]) -> FloatArray:
    """Return how many items were missing at every sample: what was not yet there, or is gone, took in nothing."""
    first = _first_known(missing)
    filled = _carried_on(missing)
    return np.where(np.isfinite(filled) & ~is_gone, filled, first)


def _known_at(values: FloatArray, place: int) -> float:
    """Return the value at a place, or the next known one."""
    if math.isfinite(values[place]):
        return float(values[place])
    known = np.flatnonzero(np.isfinite(values))
    return float(values[known[np.argmin(np.abs(known - place))]]) if known.size else 0.0


def _first_known(values: FloatArray) -> float:
    return float(values[np.argmax(np.isfinite(values))])


def _carried_on(values: FloatArray) -> FloatArray:
    """Return values with each unknown one replaced by the newest known before it."""
    is_known = np.isfinite(values)
    if bool(is_known.all()):
        return values
    place = np.maximum.accumulate(np.where(is_known, np.arange(values.size), -1))
    return np.where(place >= 0, values[np.maximum(place, 0)], np.nan)
