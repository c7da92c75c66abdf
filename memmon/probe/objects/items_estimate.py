"""What one item of a large container takes, judged from a sample: the mean, at least, and at most.

At least: an object that others hold too counts in part, by the number of its references, so that what is in many
places is never counted whole in each; and the mean is taken as low as the sample allows. At most: as high as the
sample allows, with what the allocators add to each object.
"""

from __future__ import annotations

import gc
import math
import sys
from typing import TYPE_CHECKING, NamedTuple

from memmon.probe.objects.container_sample import base_of_kind, different_count
from memmon.probe.objects.own_size import MANAGED_FLAGS
from memmon.probe.objects.plain import flags_of, is_static

if TYPE_CHECKING:
    from collections.abc import Sequence

ERRORS = 2.5
"""Standard errors that the ends lie from the mean. Chosen: sizes are skewed, and two errors cover too little."""

LARGEST_ERROR_SHARE = 0.4
"""The upper end lies no farther above the mean, allocators left out: a wider one would excuse any growth."""

SAME_SHARE = 0.05
"""Estimates that differ by less are the same."""
NARROWER_SHARE = 0.8
"""An estimate with so much of the known one's interval takes its place."""

_SMALL_INTS = range(-5, 257)
_POOLED_LIMIT_BYTES = 512
_ALIGNMENT_BYTES = 16
_POINTER_BYTES = 8
_LARGEST_BARE_BYTES = 64
_HAS_VALUES_APART = sys.version_info < (3, 13)
_ONE_PIECE_KINDS = frozenset(id(kind) for kind in (int, float, complex, str, bytes, bool, tuple))
_IMMORTAL_COUNT = 2**30
_SINGLES = frozenset(id(one) for one in (None, True, False, Ellipsis, NotImplemented, ()))


class ItemsEstimate(NamedTuple):
    """Bytes of one item: the mean, at least and at most; `place` of them for its place in the container."""

    mean: float
    low: float
    high: float
    sampling_share: float
    """What the sample leaves open of the mean: a larger one would tell."""
    place: float = 0.0

    @property
    def beside_place(self) -> float:
        """What the item itself takes."""
        return self.mean - self.place

    def times(self, weight: int) -> ItemsEstimate:
        """Return the estimate of an entry of so many items."""
        return self._replace(mean=weight * self.mean, low=weight * self.low, high=weight * self.high)

    def with_place(self, place: float) -> ItemsEstimate:
        """Return the estimate of an item with its place."""
        return self._replace(
            mean=self.mean + place, low=self.low + place, high=self.high + place, place=place
        )

    def is_clearly_other_than(self, known: ItemsEstimate) -> bool:
        """Return whether the mean moved by more than the known one's error, the least fell, or it is surer."""
        reach = max(SAME_SHARE * known.mean, known.mean - known.low, known.high - known.mean)
        narrower = self.high - self.low < NARROWER_SHARE * (known.high - known.low)
        as_sure = self.sampling_share <= known.sampling_share + SAME_SHARE
        falls = as_sure and self.low < (1.0 - SAME_SHARE) * known.low
        return abs(self.mean - known.mean) > reach or narrower or falls

    def as_whole_bytes(self) -> tuple[int, int, int]:
        """Return mean, least and most in whole bytes: the ends rounded away from the mean."""
        return round(self.mean), math.floor(self.low), math.ceil(self.high)


class SampledItem(NamedTuple):
    """One item of a sample: its bytes not met before, and the part of them that is this place's own at least."""

    item_id: int
    size_bytes: float
    own_part: float


def estimate_of(
    sampled: Sequence[SampledItem],
    items: Sequence[object],
    count: int,
    *,
    allocated_share: float,
    are_bare: bool,
) -> ItemsEstimate:
    """Return what one of `count` items takes; `sampled`: the sample `items` as far as it was looked at.

    The first half of the sample pays for what all share, the second tells what each further item adds; where items
    lead to nothing that they could share (`are_bare`), all of it tells.
    `allocated_share`: what the allocators take for each byte of an object, 1 or more.
    """
    are_all = len(sampled) >= count
    late = sampled if are_bare or are_all else sampled[(len(sampled) + 1) // 2 :] or sampled
    early_ids = {one.item_id for one in sampled[: len(sampled) - len(late)]}
    fresh = list({one.item_id: one for one in reversed(late) if one.item_id not in early_ids}.values())
    seen = sum(one.size_bytes for one in sampled)
    unseen_count = error = reach = 0.0
    own = [one.own_part for one in late]
    if not are_all:
        unseen_count = max(0.0, different_count(items, count) - len({one.item_id for one in sampled}))
        error = ERRORS * _error(own) * (1.0 - len(sampled) / count) ** 0.5
        reach = ERRORS * _error([one.size_bytes for one in fresh]) * unseen_count / count
    added = sum(one.size_bytes for one in fresh) / len(fresh) if fresh else 0.0
    mean = (seen + added * unseen_count) / count
    least = sum(own) / len(own) - error
    high = min(mean + reach, mean * (1.0 + LARGEST_ERROR_SHARE)) * allocated_share
    return ItemsEstimate(
        mean=mean,
        low=min(mean, max(0.0, least)),
        high=max(mean, high),
        sampling_share=reach / mean if mean > 0 else 0.0,
    )


def reference_counts(items: list[object]) -> list[int]:
    """Return how many references each has beside those of the list given; whatever it is, it isn't asked."""
    return [max(1, count - _COUNTING_REFERENCES) for count in _counted(items)]


def _counted(items: list[object]) -> list[int]:
    return [sys.getrefcount(item) for item in items]


def is_lasting(item: object) -> bool:
    """Return whether the interpreter keeps one of these for all: it takes no memory by being in a container."""
    kind = type(item)
    if id(item) in _SINGLES:
        return True
    if kind is int:
        return item in _SMALL_INTS
    if kind is str or kind is bytes:
        return len(item) <= 1  # type: ignore[arg-type]
    return sys.getrefcount(item) >= _IMMORTAL_COUNT


def allocated_bytes(target: object, size_bytes: int) -> int:
    """Return what the allocators take for an object of this size: whole pieces of 16 bytes, and their heads.

    Up to Python 3.12 the attributes of an instance lie in a piece of their own, which no size tells of; so do
    the dimensions and buffers of arrays.
    """
    kind = type(target)
    if id(kind) in _ONE_PIECE_KINDS:
        return _piece_bytes(size_bytes)
    if flags_of(kind) & MANAGED_FLAGS and _HAS_VALUES_APART and base_of_kind(kind) is None:
        attribute_count = len(gc.get_referents(target)) - 1
        return _piece_bytes(size_bytes) + _piece_bytes((attribute_count + 2) * _POINTER_BYTES)
    is_array = is_static(kind) and base_of_kind(kind) is None and size_bytes > _LARGEST_BARE_BYTES
    return _piece_bytes(size_bytes) + (2 * _ALIGNMENT_BYTES if is_array else 0)


def _piece_bytes(size_bytes: int) -> int:
    head = 0 if size_bytes <= _POOLED_LIMIT_BYTES else _ALIGNMENT_BYTES
    return -(-size_bytes // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES + head


def _error(values: Sequence[float]) -> float:
    """Return the standard error of the mean; that of a single value is the value."""
    count = len(values)
    if count < 2:  # noqa: PLR2004 - a spread needs two
        return sum(values)
    mean = sum(values) / count
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1) / count)


_COUNTING_REFERENCES = _counted([object()])[0]
"""References that counting itself holds: this object has none but that of its list."""
