"""Readings that are mostly cheap and sometimes not: asked less often once they were slow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from memmon.probe.quiet import attempt
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_HOPELESS_FACTOR = 100.0


class Patience(Generic[T]):
    """Calls a reading, and rests for an hour once it proved slow.

    `read`: the reading. `monotonic`: seconds that never step back. Two calls in a row longer than
    `slow_seconds`, or one a hundred times as long, are followed by a rest of `rest_seconds`, in which
    the value is None. (A single slow call may only mean that a busy machine ran something else.)
    """

    __slots__ = ("_monotonic", "_read", "_rest_seconds", "_resting_until", "_slow_seconds", "_was_slow")

    def __init__(
        self,
        read: Callable[[], T],
        monotonic: Callable[[], float],
        *,
        slow_seconds: float,
        rest_seconds: float = SECONDS_PER_HOUR,
    ) -> None:
        """Keep the reading; it is not called yet."""
        self._read = read
        self._monotonic = monotonic
        self._slow_seconds = slow_seconds
        self._rest_seconds = rest_seconds
        self._resting_until = float("-inf")
        self._was_slow = False

    @property
    def is_resting(self) -> bool:
        """True while the reading is left alone."""
        return self._monotonic() < self._resting_until

    def __call__(self) -> T | None:
        """Return the reading, or None while resting or when it raises."""
        begun = self._monotonic()
        if begun < self._resting_until:
            return None
        value = attempt(self._read)
        ended = self._monotonic()
        is_slow = ended - begun > self._slow_seconds
        if is_slow and (self._was_slow or ended - begun > _HOPELESS_FACTOR * self._slow_seconds):
            self._resting_until = ended + self._rest_seconds
        self._was_slow = is_slow
        return value
