"""What a deque holds at each sample, and what it still takes in until it is full: from the sizes that are stored.

The recorder stores what one item takes, its place included, with the least and the most that it may be. Older ones
stored a size of all now and then: what an item takes follows from that where there were items enough, and holds
until the length has grown by half; where it does not, the deque itself is all that is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memmon.facts.python_memory import (
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

SIZE_METRICS = ("length", "maxlen", "bytes", "item", "item_low", "item_high", "dead", "component", "found")
"""What is read of each deque: without a length and a size of either kind there is nothing to say."""


class DequeBytes(NamedTuple):
    """Some deques over the samples of one run, shape (deques, samples); NaN where nothing is known."""

    places: tuple[int, ...]
    """Which of the deques asked for these are: those that have a size there."""
    held: FloatArray
    """What each holds, an estimate."""
    room: FloatArray
    """What a bounded one takes in at least until it is full; 0 without a bound."""
    most_room: FloatArray
    """The same at most, but for what the sample leaves open."""
    chance: FloatArray
    """What the sample leaves open of that; `most_room_of` adds it up as chance does, by its squares."""


def most_room_of(deques: DequeBytes) -> FloatArray:
    """Return the room of a run's deques at most: what they took in since its first sample may be chance in each.

    The errors of several samples are not all on one side, so they add up by their squares.
    """
    first = deques.chance[:, :1]
    taken = np.nan_to_num(first - deques.chance)
    whole = sum(np.nan_to_num(first[:, 0]).tolist())
    squares = np.sum(np.maximum(taken, 0.0) ** 2, axis=0)
    most: FloatArray = np.sum(np.nan_to_num(deques.most_room), axis=0) + whole - np.sqrt(squares)
    return most


def has_size(metrics: Mapping[str, int]) -> bool:
    """Tell whether a deque with these series has a size."""
    return "length" in metrics and ("item" in metrics or "bytes" in metrics)


def read_deque_bytes(
    readings: Readings, run_id: int, rows: slice, deques: Sequence[Mapping[str, int]]
) -> DequeBytes | None:
    """Return the bytes of some deques in one run, each given by its series; None where none has a size there.

    `room` shrinks by what a deque took in, at one size of an item for the whole run: an estimate that is
    corrected is no memory that came or went. What a look found filling holds before that what `_before_found` says.
    """
    shape = (len(deques), rows.stop - rows.start)

    def read(metric: str, *, is_carried: bool = False) -> FloatArray:
        found = np.full(shape, np.nan)
        for place, metrics in enumerate(deques):
            changes = readings.changes(run_id, metrics[metric]) if metric in metrics else None
            if changes is not None:
                found[place] = (carried if is_carried else means)(changes, shape[1])
        return found

    length = read("length")
    item, low, high = (read(name, is_carried=True) for name in ("item", "item_low", "item_high"))
    # What both ends lie from the mean is the sample's; allocators add to one, and what others hold too to the other.
    chance = np.minimum(high - item, item - low)
    is_told = ~np.isfinite(item).any(axis=1)
    if bool(is_told.any()):
        told = told_item_bytes(read("bytes")[is_told], length[is_told])
        item[is_told], chance[is_told] = told, 0.0
        low[is_told], high[is_told] = (1.0 - UNTOLD_ERROR_SHARE) * told, (1.0 + UNTOLD_ERROR_SHARE) * told
    known = np.isfinite(length)
    has_any = (known & np.isfinite(item)).any(axis=1)
    if not bool(has_any.any()):
        return None
    item = np.where(np.isfinite(item), item, _first_known(item))
    fullest = np.argmax(np.where(known & np.isfinite(item), length, -1.0), axis=1)
    maxlen = read("maxlen", is_carried=True)
    is_gone = read("dead", is_carried=True) > 0
    missing = np.where(np.isfinite(maxlen), np.maximum(maxlen - length, 0.0), 0.0)
    missing = _without_gaps(np.where(known, missing, np.nan), is_gone)
    of_found = np.where(read("found", is_carried=True) > 0, length, np.nan)
    before = _before_found(of_found, readings.points["at_ms"][rows])
    length = np.where(before > 0, _first_known(length) - before, length)
    return DequeBytes(
        places=tuple(np.flatnonzero(has_any).tolist()),
        held=np.where(is_gone, 0.0, held_bytes(length, np.maximum(item, SLOT_BYTES)))[has_any],
        room=(missing * _known_at(low, fullest))[has_any],
        most_room=((missing + before) * _known_at(high - chance, fullest))[has_any],
        chance=((missing + before) * _known_at(chance, fullest))[has_any],
    )


def told_item_bytes(size_bytes: FloatArray, length: FloatArray) -> FloatArray:
    """Return what an item takes by the sizes of all that older recorders told, at every sample (the last axis).

    A size that stands still while the length moves is no new one. Told of few items, it is carried until the
    length has grown by half: beyond that only the places are known.
    """
    told = np.where(np.isfinite(length), size_bytes, np.nan)
    before = np.full(told.shape, np.nan)
    before[..., 1:] = _carried_on(told)[..., :-1]
    at_length = _carried_on(np.where(np.isfinite(told) & (told != before), length, np.nan))
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


def _before_found(length: FloatArray, at_ms: FloatArray) -> FloatArray:
    """Return how many items may have come into deques before a look found them; `length` is NaN until then, and of all others.

    What one held when it was first read came in before: evenly since the run's first sample, or at the pace that it
    has had since, whichever is faster. That counts for what was taken in at most, and at least nothing did.
    """
    before = np.zeros(length.shape)
    for row in np.flatnonzero(np.isfinite(length).any(axis=1)).tolist():
        first = int(np.argmax(np.isfinite(length[row])))
        held, fullest = float(length[row, first]), int(np.nanargmax(length[row]))
        ago_ms = np.maximum(at_ms[first] - at_ms, 0.0)
        if first == 0 or ago_ms[0] <= 0:
            continue
        since_ms = max(float(at_ms[fullest] - at_ms[first]), 1.0)
        pace = max((float(length[row, fullest]) - held) / since_ms, held / float(ago_ms[0]))
        before[row] = np.minimum(pace * ago_ms, held)
    return before


def _without_gaps(missing: FloatArray, is_gone: NDArray[np.bool_]) -> FloatArray:
    """Return how many items were missing at every sample: what was not yet there, or is gone, took in nothing."""
    filled = _carried_on(missing)
    return np.where(np.isfinite(filled) & ~is_gone, filled, _first_known(missing))


def _known_at(values: FloatArray, places: NDArray[np.intp]) -> FloatArray:
    """Return the value of each row at a place, or the next known one, or 0; as a column."""
    found = np.take_along_axis(values, places[:, None], axis=1)
    for row in np.flatnonzero(~np.isfinite(found[:, 0])).tolist():
        known = np.flatnonzero(np.isfinite(values[row]))
        found[row] = values[row, known[np.argmin(np.abs(known - places[row]))]] if known.size else 0.0
    return found


def _first_known(values: FloatArray) -> FloatArray:
    """Return the first known value of each row, as a column."""
    return np.take_along_axis(values, np.argmax(np.isfinite(values), axis=1)[:, None], axis=1)


def _carried_on(values: FloatArray) -> FloatArray:
    """Return values with each unknown one replaced by the newest known before it, along the last axis."""
    is_known = np.isfinite(values)
    if bool(is_known.all()):
        return values
    place = np.maximum.accumulate(np.where(is_known, np.arange(values.shape[-1]), -1), axis=-1)
    return np.where(place >= 0, np.take_along_axis(values, np.maximum(place, 0), axis=-1), np.nan)
