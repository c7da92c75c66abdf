"""What keeps the program's threads apart in memmon; a forked child begins with new ones.

A signal handler of the program's may raise between any two steps of ours. A lock that was taken and
not yet noted would then stay taken for ever; a `ReentrantTurn` is held by an object that its holder made
before, so that whatever happens, the holder's `finally` frees it.
"""

from __future__ import annotations

import threading
import time

_POLL_SECONDS = 0.002
LOST_AFTER_SECONDS = 5.0


class Claim:
    """One attempt to have a turn: made by who attempts, whose `finally` sets `is_free`, come what may."""

    __slots__ = ("is_free", "thread")

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.is_free = False


class ReentrantTurn:
    """Lets one holder at a time in; never blocks for long, and never on itself.

    Turns are numbered, and the first to enter its claim under a number has that turn: one operation
    on a dict, which the interpreter makes whole.
    """

    def __init__(self) -> None:
        self._claims: dict[int, Claim] = {}
        self._number = 0

    def enter(self, claim: Claim, timeout_seconds: float = 0.0) -> bool:
        """Return True when `claim` has the turn now; waits for another thread's, never for its own.

        A re-entry comes from a signal handler, a log handler or a finaliser that interrupts this
        very thread, and is refused at once.
        """
        deadline: float | None = None
        while True:
            holder = self._holder_beside(claim)
            if holder is claim:
                return True
            if holder.thread == claim.thread or timeout_seconds <= 0:
                return False
            now = time.monotonic()
            deadline = now + timeout_seconds if deadline is None else deadline
            if now >= deadline:
                return False
            # No Event: its inner lock can't be re-entered from a signal handler that interrupts the wait.
            time.sleep(_POLL_SECONDS)  # noqa: TID251

    def after_fork_in_child(self) -> None:
        """Begin anew in a forked child: whoever had the turn does not go on there."""
        self._claims = {}

    def _holder_beside(self, claim: Claim) -> Claim:
        """Return who has the turn: `claim`, or the one before it that is not free yet."""
        number = self._number
        while True:
            holder = self._claims.setdefault(number, claim)
            if holder is claim:
                if number >= self._number:
                    self._number = number
                    self._claims.pop(number - 1, None)
                    return claim
                # This turn is over, and its entry was tidied away meanwhile.
                self._claims.pop(number, None)
                number = self._number
            elif holder.is_free:
                number = max(number + 1, self._number)
            else:
                return holder


class ForkLock:
    """Held while a connection is open or a process is begun, so that a fork waits for it.

    Used with `with` by memmon's own threads; a fork's hooks take and give back what `acquire`
    returns. An exception of the program's may keep a hook from giving it back: whoever waits longer
    than any fork takes goes on with a new one.
    """

    def __init__(self) -> None:
        self._lock = self._entered = threading.Lock()

    def acquire(self, timeout_seconds: float) -> threading.Lock | None:
        """Return the lock that was taken, to be released; None when it was not to be had in time."""
        lock = self._lock
        return lock if lock.acquire(timeout=timeout_seconds) else None

    def __enter__(self) -> None:
        lock = self._lock
        while not lock.acquire(timeout=LOST_AFTER_SECONDS):
            if lock is self._lock:
                self._lock = threading.Lock()
            lock = self._lock
        self._entered = lock

    def __exit__(self, *_: object) -> None:
        self._entered.release()
