"""One recorder for a process, database and source: the one that was started last.

A program that runs its user's script again in one process (a dashboard, a notebook) makes a recorder each
time, and the earlier ones are still there. A registry without a lock: whoever starts puts itself at the
end of its list, which the interpreter does in one go, and ends all that stand before it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from memmon.clock import SystemClock
from memmon.guest import hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Key: TypeAlias = tuple[str, str, int]
    """The database, the source, and the process that is recorded."""


class Seat:
    """A recorder that was started, as those know it that are started after it."""

    __slots__ = ("await_threads", "key", "replace")

    def __init__(
        self, key: Key, *, replace: Callable[[], None], await_threads: Callable[[float], None]
    ) -> None:
        """`replace` ends the recorder and waits for nothing; `await_threads` waits for them, at most so long (seconds)."""
        self.key = key
        self.replace = replace
        self.await_threads = await_threads


WAIT_SECONDS = 0.5
"""So long a start waits for the threads of what it replaces."""

_started: dict[Key, list[Seat]] = {}


def take_over(newest: Seat) -> None:
    """Make `newest` the one recorder of its key, and end those that were started before it."""
    standing = _started.setdefault(newest.key, [])
    standing.append(newest)
    replaced = list(_before(standing, newest))
    for earlier in replaced:
        earlier.replace()
    # So that reruns in quick succession don't pile up threads: what is stored at once is awaited.
    deadline = SystemClock().monotonic() + WAIT_SECONDS
    for earlier in replaced:
        earlier.await_threads(max(deadline - SystemClock().monotonic(), 0.0))


def let_go(ended: Seat) -> None:
    """Forget a recorder that has ended."""
    with suppress(ValueError):
        _started.get(ended.key, []).remove(ended)


def _before(standing: list[Seat], newest: Seat) -> Iterator[Seat]:
    for earlier in tuple(standing):
        if earlier is newest:
            return
        with suppress(ValueError):  # another thread, or its own end, was quicker
            standing.remove(earlier)
            yield earlier


@hooks.in_forked_child
def _after_fork_in_child() -> None:
    _started.clear()
