"""Readings that are mostly cheap and sometimes not: asked less often once they were slow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from memmon.clock import processor_seconds
from memmon.guest.shielding import attempt
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_HANGING_FACTOR = 100.0
_HANGING_SECONDS = 0.1
_SAVED_SECONDS = 5.0


class Patience(Generic[T]):
    """Calls a reading, and rests for an hour after one that was slow.

    `read`: the reading. `monotonic`: seconds that never step back. `slow_seconds`: a call that took more
    processor time than this, or a hundred times as long by the clock, is followed by a rest of
    `rest_seconds`, in which the value is None. (On a busy machine a call is often long by the clock
    only because something else ran meanwhile.) `processor`: the processor seconds of this thread.
    """

    __slots__ = ("_monotonic", "_processor", "_read", "_rest_seconds", "_resting_until", "_slow_seconds")

    def __init__(
        self,
        read: Callable[[], T],
        monotonic: Callable[[], float],
        *,
        slow_seconds: float,
        rest_seconds: float = SECONDS_PER_HOUR,
        processor: Callable[[], float] = processor_seconds,
    ) -> None:
        """Keep the reading; it is not called yet."""
        self._read = read
        self._monotonic = monotonic
        self._processor = processor
        self._slow_seconds = slow_seconds
        self._rest_seconds = rest_seconds
        self._resting_until = float("-inf")

    @property
    def is_resting(self) -> bool:
        """True while the reading is left alone."""
        return self._monotonic() < self._resting_until

    def __call__(self) -> T | None:
        """Return the reading, or None while resting or when it raises."""
        begun, used = self._monotonic(), self._processor()
        if begun < self._resting_until:
            return None
        value = attempt(self._read)
        ended = self._monotonic()
        is_slow = self._processor() - used > self._slow_seconds
        if is_slow or ended - begun > _HANGING_FACTOR * self._slow_seconds:
            self._resting_until = ended + self._rest_seconds
        return value


class Thrift(Generic[T]):
    """Calls a reading as often as its cost allows, and takes no more than a share of the time.

    `read`: the reading. `monotonic`: seconds that never step back. `largest_share`: of the time, what calls may take. What
    a few seconds allow may be taken at once; after a call that took more (processor time, or a tenth of a second and more by
    the clock) the value is None until the time has paid for it, for an hour at the most. `processor`: the
    processor seconds of this thread.
    """

    __slots__ = ("_allowed_seconds", "_at", "_largest_share", "_monotonic", "_processor", "_read")

    def __init__(
        self,
        read: Callable[[], T],
        monotonic: Callable[[], float],
        *,
        largest_share: float,
        processor: Callable[[], float] = processor_seconds,
    ) -> None:
        """Keep the reading; it is not called yet."""
        self._read = read
        self._monotonic = monotonic
        self._processor = processor
        self._largest_share = largest_share
        self._at = monotonic()
        self._allowed_seconds = _SAVED_SECONDS * largest_share

    def __call__(self) -> T | None:
        """Return the reading, or None while resting or when it raises."""
        begun, used = self._monotonic(), self._processor()
        earned = self._allowed_seconds + (begun - self._at) * self._largest_share
        self._at, self._allowed_seconds = begun, min(earned, _SAVED_SECONDS * self._largest_share)
        if self._allowed_seconds < 0:
            return None
        value = attempt(self._read)
        ended = self._monotonic()
        cost_seconds = self._processor() - used
        if ended - begun > _HANGING_SECONDS:
            cost_seconds = max(cost_seconds, ended - begun)
        self._at = ended
        self._allowed_seconds = max(
            self._allowed_seconds - cost_seconds, -SECONDS_PER_HOUR * self._largest_share
        )
        return value
