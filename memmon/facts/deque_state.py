"""The state of a deque's bound, and its words: one rule for the command line, the report and the alerts.

Two states may hold at once; the one that is told is the one that does harm now. Without a maxlen a deque is
`unbounded`, also where a limit was expected: it can grow for ever, whatever was meant. Longer than its maxlen
it is `above`, also where another maxlen was expected: it breaks the limit that it has. A deque that is gone or
can't be read is neither, whatever its bound was: nothing is known of it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from memmon.facts.verdicts import Tone
    from memmon.model import DequeReading


class DequeState(StrEnum):
    """What a deque's bound looks like, the worst first; a `str` that equals its plain text.

    `filling` is said only where lengths over time are known: else such a deque is `ok`.
    """

    ABOVE = "above"
    UNEXPECTED_MAXLEN = "unexpected_maxlen"
    UNBOUNDED = "unbounded"
    DEAD = "dead"
    UNREADABLE = "unreadable"
    FULL = "full"
    FILLING = "filling"
    OK = "ok"

    def __repr__(self) -> str:
        """Read as the plain text that it is."""
        return repr(self.value)

    @property
    def rank(self) -> int:
        """Its place where the worst comes first."""
        return tuple(DequeState).index(self)

    @property
    def tone(self) -> Tone:
        """How it should look: broken, not to be judged, or well."""
        match self:
            case DequeState.ABOVE | DequeState.UNEXPECTED_MAXLEN | DequeState.UNBOUNDED:
                return "bad"
            case DequeState.DEAD | DequeState.UNREADABLE:
                return "warn"
            case DequeState.FULL | DequeState.FILLING | DequeState.OK:
                return "good"
            case _:
                assert_never(self)

    @property
    def is_failing(self) -> bool:
        """Tell whether the deque breaks its limit or has none."""
        return self.tone == "bad"


DEQUE_WORDS: dict[DequeState, str] = {
    DequeState.OK: "within its limit",
    DequeState.FILLING: "filling",
    DequeState.FULL: "full",
    DequeState.UNBOUNDED: "no maxlen: it can grow for ever",
    DequeState.ABOVE: "above its limit",
    DequeState.UNEXPECTED_MAXLEN: "not the limit that was registered",
    DequeState.DEAD: "gone: the deque no longer exists",
    DequeState.UNREADABLE: "could not be read",
}
"""What a deque's state means."""


_OK = DequeState.OK


def deque_state(
    length_count: int | None,
    maxlen_count: int | None,
    expected_maxlen_count: int | None,
    *,
    is_alive: bool,
    is_rising: bool = False,
) -> DequeState:
    """Return the state of a deque of that length and bound (None: not known; of a bound: it has none)."""
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
    if length_count == maxlen_count:
        return DequeState.FULL
    return DequeState.FILLING if is_rising else _OK


def state_of(reading: DequeReading) -> DequeState:
    """Return the state of a deque as it was read."""
    return deque_state(
        reading.length_count, reading.maxlen_count, reading.expected_maxlen_count, is_alive=reading.is_alive
    )


def deque_fault(reading: DequeReading) -> str | None:
    """Return what an alert says of a deque that fails, in a few words; None: it does not fail."""
    # Asked of every deque at every snapshot: most are sound.
    state = deque_state(
        reading.length_count, reading.maxlen_count, reading.expected_maxlen_count, is_alive=reading.is_alive
    )
    if state is _OK:
        return None
    if state is DequeState.UNBOUNDED:
        return "has no maxlen"
    if state is DequeState.ABOVE:
        return f"holds {reading.length_count}, above its maxlen {reading.maxlen_count}"
    if state is DequeState.UNEXPECTED_MAXLEN:
        return f"has maxlen {reading.maxlen_count}, expected {reading.expected_maxlen_count}"
    return None
