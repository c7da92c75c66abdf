"""What has to run when the program forks or ends, handed over by those whom it concerns.

`lifecycle` calls it. What belongs to the process (a turn that a fork waits for, descriptors that a
child must not keep) is registered here when its module is imported; what lives and ends with an
object (a recorder) is followed by `lifecycle.watch`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from memmon.guest.locks import Claim, ReentrantTurn

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.guest.locks import ForkLock

T = TypeVar("T")


class Follower(Protocol):
    """What follows the program's forks and its end."""

    @property
    def flush_lock(self) -> ForkLock:
        """Held while a connection is open; a fork waits for it."""

    def after_fork_in_child(self, *, was_cut: bool) -> None:
        """Begin anew in a forked child; `was_cut`: the fork did not get the flush lock in time."""

    def end_with_program(self, timeout_seconds: float) -> None:
        """Store what is held before the interpreter ends."""


fork_turns: list[ReentrantTurn] = []
in_child: list[Callable[[], None]] = []


def fork_turn() -> ReentrantTurn:
    """Return a turn that a fork waits for and has while it forks; a child begins with it free."""
    turn = ReentrantTurn()
    fork_turns.append(turn)
    return turn


_BRIEF_WAIT_SECONDS = 0.8
"""As long as a fork waits at most; then files are opened beside it."""
_brief_turn = fork_turn()


def fork_free(function: Callable[[], T]) -> T:
    """Call `function`, which has files open for a moment: a fork waits for it, or its child would keep them for life.

    In a call that is fork-free already it is just called. A signal handler of the program's may raise at any step.
    """
    claim = Claim()
    try:
        _brief_turn.enter(claim, _BRIEF_WAIT_SECONDS)
        return function()
    finally:
        claim.is_free = True


def in_forked_child(function: Callable[[], None]) -> Callable[[], None]:
    """Have `function` called in each forked child, before anything else of memmon's goes on there."""
    in_child.append(function)
    return function
