"""The state of a deque's bound: one rule for the command line, the report and the alerts.

Where three rules once disagreed: a deque without a maxlen is `unbounded`, also where a limit was expected
(that it can grow for ever is worse, and says what to do; which limit was expected is told beside it).
One that is longer than its maxlen is `above`, also where another maxlen was expected: it breaks a limit now.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memmon.model import DequeReading


class DequeState(StrEnum):
    """What a deque's bound looks like, the worst first; a `str` that equals its plain text."""

    ABOVE = "above"
    UNEXPECTED_MAXLEN = "unexpected_maxlen"
    UNBOUNDED = "unbounded"
    DEAD = "dead"
    UNREADABLE = "unreadable"
    FULL = "full"
    OK = "ok"

    def __repr__(self) -> str:
        """Read as the plain text that it is."""
        return repr(self.value)

    @property
    def is_failing(self) -> bool:
        """Tell whether the deque breaks its limit or has none."""
        return self in {DequeState.UNBOUNDED, DequeState.ABOVE, DequeState.UNEXPECTED_MAXLEN}

    @property
    def is_unknown(self) -> bool:
        """Tell whether there was no length to judge: the deque is gone or could not be read."""
        return self in {DequeState.DEAD, DequeState.UNREADABLE}


def deque_state(
    length_count: int | None, maxlen_count: int | None, expected_maxlen_count: int | None, *, is_alive: bool
) -> DequeState:
    """Return the state of a deque of that length and bound; None: not known, for a maxlen: none."""
    if not is_alive:
        return DequeState.DEAD
    if length_count is None:
        return DequeState.UNREADABLE
    if maxlen_count is None:
        return DequeState.UNBOUNDED
    if length_count > maxlen_count:
        return DequeState.ABOVE
    if expected_maxlen_count is not None and expected_maxlen_count != maxlen_count:
        return DequeState.UNEXPECTED_MAXLEN
    return DequeState.FULL if length_count == maxlen_count else DequeState.OK


def state_of(reading: DequeReading) -> DequeState:
    """Return the state of a deque as it was read."""
    return deque_state(
        reading.length_count, reading.maxlen_count, reading.expected_maxlen_count, is_alive=reading.is_alive
    )
