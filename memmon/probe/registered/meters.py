"""Sizes between two estimates: the bytes of an entry are sampled hourly, the entries counted each time.

A container with a bound is told as deques are, too: what it takes in until it is full is no leak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memmon.facts.python_memory import TOLD_AGAIN_FACTOR
from memmon.guest.shielding import attempt
from memmon.probe.objects.caches import (
    QUICKLY_LISTED_COUNT,
    bounded,
    cache_entry_count,
    cache_sample,
    entry_sample,
    queue_items,
)
from memmon.probe.objects.container_sample import base_of, length_of, sample_items
from memmon.probe.objects.sizes import SizeEstimator, shallow_bytes
from memmon.probe.registered.deque_entry import DequeEntry
from memmon.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.model import DequeReading

_GROWTH_FACTOR = 4


class SizeMeter:
    """Measures one thing again and again: a container, a cache, a queue or any object."""

    __slots__ = (
        "_bytes_per_entry",
        "_estimated_at",
        "_estimated_count",
        "_estimator",
        "_fixed_bytes",
        "_monotonic",
    )

    def __init__(self, estimator: SizeEstimator, monotonic: Callable[[], float]) -> None:
        """Keep what estimates; nothing is estimated yet."""
        self._estimator = estimator
        self._monotonic = monotonic
        self._bytes_per_entry: float | None = None
        self._fixed_bytes: int | None = None
        self._estimated_at: float | None = None
        self._estimated_count = 0

    def object_bytes(self, target: object) -> int | None:
        """Return the size of a container (entries times sampled bytes) or of any other object."""
        if base_of(target) is None:
            if self._is_due(1):
                self._fixed_bytes = self._estimator.size_bytes(target)
            return self._fixed_bytes
        count = length_of(target)
        if count and self._is_due(count):
            items, weight = sample_items(target)
            contents = self._estimator.items_bytes(items, count * weight)
            self._bytes_per_entry = None if contents is None else contents * weight
        # The container's own table is exact at each reading: only its entries are sampled.
        return self._scaled(count, shallow_bytes(target))

    def queue_bytes(self, target: object) -> int | None:
        """Return the size of what waits in a queue."""
        inner = queue_items(target)
        return None if inner is None else self.object_bytes(inner)

    def cache_bytes(self, target: Any) -> int | None:
        """Return the size of a cache: entries times sampled bytes."""
        count = cache_entry_count(target)
        if count and self._is_due(count):
            sample, held_count = cache_sample(target, count)
            mean = self._estimator.items_bytes(sample, held_count)
            if mean is not None:
                self._bytes_per_entry = mean * held_count / count
        return self._scaled(count, shallow_bytes(target))

    def _scaled(self, count: int, own_bytes: int) -> int | None:
        if not count:
            return own_bytes
        return None if self._bytes_per_entry is None else own_bytes + round(count * self._bytes_per_entry)

    def _is_due(self, count: int) -> bool:
        now = self._monotonic()
        is_due = (
            self._estimated_at is None
            or now - self._estimated_at >= SECONDS_PER_HOUR
            or count > _GROWTH_FACTOR * self._estimated_count
        )
        if is_due:
            self._estimated_at, self._estimated_count = now, count
        return is_due


class ContainerEntry(DequeEntry):
    """A bounded container that the program did not register as a deque: a cache, a queue, what a look found."""

    __slots__ = ("is_component", "is_found")

    def __init__(self, name: str, *, is_component: bool = False, is_found: bool = False) -> None:
        """Keep the name; what is read is handed in each time."""
        super().__init__(name, None)
        self.is_component = is_component
        self.is_found = is_found

    def rename(self, shown_name: str) -> None:
        """Read under another name from now on."""
        if shown_name != self.shown_name:
            self.shown_name = shown_name
            self._last = None

    def read_target(
        self, target: object, estimator: SizeEstimator, now_seconds: float, *, may_estimate: bool
    ) -> DequeReading | None:
        """Return the present reading of a container, None where it has no bound; what an entry takes is sampled when it is due."""
        state = attempt(bounded, target)
        if state is None:
            return None
        has_outgrown = state.length > TOLD_AGAIN_FACTOR * self._estimated_length
        if may_estimate and (has_outgrown or now_seconds >= self.size_due_seconds):
            # Of a large cache all is listed daily, not hourly.
            is_large = state.length > QUICKLY_LISTED_COUNT
            self.size_due_seconds = now_seconds + (SECONDS_PER_DAY if is_large else SECONDS_PER_HOUR)
            attempt(self._estimate, target, state.length, estimator)
        own = 0 if self._item is None else round(state.length * self._item.place)
        return self._reading(state.length, state.maxlen, None, own)

    def _estimate(self, target: object, length: int, estimator: SizeEstimator) -> None:
        place_bytes = 0.0
        # What the program did not register is never listed for long.
        limit = {"most_listed_count": QUICKLY_LISTED_COUNT} if self.is_found else {}

        def sample(wanted_count: int) -> tuple[list[Any], int]:
            nonlocal place_bytes
            found = entry_sample(target, length, wanted_count, **limit)
            place_bytes = found.place_bytes
            return found.items, found.weight

        self._know(estimator.sampled_estimate(sample, length), length, place_bytes)
