"""One recorder for a process, database and source: the one that was started last.

A host that runs its user's script again in one process (a dashboard, a notebook) makes a recorder each
time, and the earlier ones are still there. A registry without a lock: whoever starts puts itself at the
end of its list, which the interpreter does in one go, and ends all that stand before it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from memmon.clock import SystemClock
from memmon.guest import hooks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol, TypeAlias

    Key: TypeAlias = tuple[str, str, int]
    """The database, the source, and the process that is recorded."""

    class Replaceable(Protocol):
        """What is ended by the one that starts after it."""

        def replace(self) -> None:
            """End, as another has begun; waits for nothing."""

        def await_threads(self, timeout_seconds: float) -> None:
            """Wait for its threads to end, at most so long."""


WAIT_SECONDS = 0.5
"""So long a start waits for the threads of what it replaces."""

_started: dict[Key, list[Replaceable]] = {}


def take_over(key: Key, newest: Replaceable) -> None:
    """Make `newest` the one recorder of `key`, and end those that were started before it."""
    standing = _started.setdefault(key, [])
    standing.append(newest)
    replaced = list(_before(standing, newest))
    for earlier in replaced:
        earlier.replace()
    # So that reruns in quick succession don't pile up threads: what is stored at once is awaited.
    deadline = SystemClock().monotonic() + WAIT_SECONDS
    for earlier in replaced:
        earlier.await_threads(max(deadline - SystemClock().monotonic(), 0.0))


def let_go(key: Key, ended: Replaceable) -> None:
    """Forget a recorder that has ended."""
    with suppress(ValueError):
        _started.get(key, []).remove(ended)


def _before(standing: list[Replaceable], newest: Replaceable) -> Iterator[Replaceable]:
    for earlier in tuple(standing):
        if earlier is newest:
            return
        with suppress(ValueError):  # another thread, or its own end, was quicker
            standing.remove(earlier)
            yield earlier


@hooks.in_forked_child
def _after_fork_in_child() -> None:
    _started.clear()
