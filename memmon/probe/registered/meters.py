"""Sizes between two estimates: the bytes of an entry are sampled hourly, the entries counted each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memmon.probe.objects.caches import cache_entry_count, cache_sample, queue_items
from memmon.probe.objects.container_sample import base_of, length_of, sample_items
from memmon.probe.objects.sizes import SizeEstimator, shallow_bytes
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

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
