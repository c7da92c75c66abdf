"""The one clock. Everything that needs the time is handed one, so that tests turn it by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """Return the wall clock's time, timezone-aware in UTC; it may step in either direction."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary origin that never step back."""
        ...


class SystemClock:
    """The machine's own clock."""

    __slots__ = ()

    def now(self) -> datetime:
        """Return the wall clock's time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is turned: for tests and simulations.

    >>> clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    >>> clock.advance(90.0)
    >>> clock.now().isoformat()
    '2026-01-01T00:01:30+00:00'
    """

    def __init__(self, now: datetime | None = None, *, monotonic_seconds: float = 1000.0) -> None:
        """Begin at `now` (aware; default 2026-01-01 UTC) and at `monotonic_seconds`."""
        self._now = now or datetime(2026, 1, 1, tzinfo=UTC)
        if self._now.tzinfo is None:
            msg = "now must be timezone-aware: pass datetime(..., tzinfo=UTC)"
            raise ValueError(msg)
        self._monotonic_seconds = monotonic_seconds

    def now(self) -> datetime:
        """Return the time that the clock was turned to."""
        return self._now

    def monotonic(self) -> float:
        """Return the monotonic seconds that the clock was turned to."""
        return self._monotonic_seconds

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass, on the wall and on the monotonic clock."""
        self._monotonic_seconds += seconds
        self._now += timedelta(seconds=seconds)

    def step(self, seconds: float) -> None:
        """Step the wall clock alone, as an operator or NTP does."""
        self._now += timedelta(seconds=seconds)


def processor_seconds() -> float:
    """Return the processor time that this thread has used, which waiting for a turn does not add to."""
    return time.thread_time()
