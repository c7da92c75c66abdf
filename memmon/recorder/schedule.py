"""When a snapshot is due, for programs that ask at their heartbeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.clock import Clock


class Schedule:
    """One snapshot every `interval_seconds`, which may be changed while it runs."""

    def __init__(self, interval_seconds: float, *, clock: Clock) -> None:
        self.interval_seconds = interval_seconds
        self._clock = clock
        self._due_from_monotonic: float | None = None
        self._last_taken_at: datetime | None = None

    def is_due(self) -> bool:
        """Tell whether an interval has passed since the last snapshot (True before the first)."""
        last = self._due_from_monotonic
        return last is None or self._clock.monotonic() - last >= self.interval_seconds

    def taken(self, at: datetime) -> None:
        """Count from now: a snapshot was taken, `at` by the wall clock."""
        self._due_from_monotonic, self._last_taken_at = self._clock.monotonic(), at

    @property
    def last_taken_at(self) -> datetime | None:
        """When the last snapshot was taken (aware)."""
        return self._last_taken_at

    @last_taken_at.setter
    def last_taken_at(self, moment: datetime | None) -> None:
        self._last_taken_at = moment
        if moment is None:
            self._due_from_monotonic = None
        else:
            age_seconds = (self._clock.now() - moment).total_seconds()
            self._due_from_monotonic = self._clock.monotonic() - age_seconds

    def after_fork_in_child(self) -> None:
        """Let a snapshot be due at once."""
        self._due_from_monotonic = None
