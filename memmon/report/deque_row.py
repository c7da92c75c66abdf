"""One deque as a report shows it."""

from __future__ import annotations

from dataclasses import dataclass

from memmon.facts.deque_state import DequeState


@dataclass(frozen=True, slots=True, kw_only=True)
class DequeRow:
    """One deque as last read.

    `state`: `ok`; `full` (bounded and at its limit: it drops silently, as designed); `unbounded` (no
    maxlen), `above` (longer than maxlen), `unexpected_maxlen` (not the limit that was registered):
    these three fail; `dead` (the deque no longer exists), `unreadable`: not judged.
    """

    name: str
    length_count: int | None
    maxlen_count: int | None
    percent_full: float | None
    state: DequeState
    expected_maxlen_count: int | None = None
    size_mb: float | None = None
    dropped_count: int | None = None

    def __post_init__(self) -> None:
        """Take a state that was given as plain text."""
        object.__setattr__(self, "state", DequeState(self.state))

    @property
    def is_failing(self) -> bool:
        """Tell whether the deque breaks its limit or has none."""
        return self.state.is_failing
