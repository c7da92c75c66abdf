"""Guessing a token costs time, each address by itself, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memmon.clock import Clock

FREE_COUNT = 5
"""So many wrong tokens of an address are answered at once."""
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 300.0
FORGET_SECONDS = 3600.0
MOST_ADDRESSES = 1_000
"""So many are remembered; the one that was wrong longest ago is forgotten first."""
_MOST_DOUBLINGS = 10


class Guesses:
    """Counts wrong tokens, each address by itself, in bounded memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_seconds(self, address: str) -> float:
        """Return how long an address must wait before its next try; 0: it may try."""
        count, at = self._wrong.get(address, (0, 0.0))
        since = self._clock.monotonic() - at
        if count < FREE_COUNT or since >= FORGET_SECONDS:
            return 0.0
        wait = FIRST_WAIT_SECONDS * 2.0 ** min(count - FREE_COUNT, _MOST_DOUBLINGS)
        return max(min(wait, LONGEST_WAIT_SECONDS) - since, 0.0)

    def was_wrong(self, address: str) -> None:
        """Remember a wrong token."""
        count, at = self._wrong.pop(address, (0, 0.0))
        now = self._clock.monotonic()
        self._wrong[address] = (count + 1 if now - at < FORGET_SECONDS else 1, now)
        while len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)

    def was_right(self, address: str) -> None:
        """Forget an address whose token was right."""
        self._wrong.pop(address, None)
