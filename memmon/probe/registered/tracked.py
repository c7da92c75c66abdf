"""The mapping from name to deque that MemoryMonitor shows as `tracked_deques`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from memmon.guest.shielding import attempt

if TYPE_CHECKING:
    from memmon.probe.registered.deque_entry import DequeEntry


class TrackedDeques(Mapping[str, Any]):
    """A live view of registrations: names as they were registered, deques that are still there."""

    __slots__ = ("_entries",)

    def __init__(self, entries: dict[str, DequeEntry]) -> None:
        """Show `entries`, whatever becomes of them."""
        self._entries = entries

    def __getitem__(self, name: str) -> Any:
        """Return the deque registered under `name`; KeyError when there is none or it is gone."""
        resolved = attempt(self._entries[name].resolve)
        if resolved is None or resolved[1] is None:
            raise KeyError(name)
        return resolved[1]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names whose deque is still there."""
        names = attempt(lambda: list(self._entries)) or []
        return iter([name for name in names if name in self])

    def __len__(self) -> int:
        """Return how many deques are still there."""
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        """Show the number of deques: their contents may be large."""
        return f"<{len(self)} tracked deques>"
