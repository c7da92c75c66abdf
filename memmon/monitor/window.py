"""The newest snapshots of a process: a list that forgets its oldest items."""

from __future__ import annotations

from typing import TYPE_CHECKING, SupportsIndex, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")


class MonitorWindow(list[T]):
    """A list of at most `maxlen` items: what is added beyond that pushes the oldest out.

    A list and not a `collections.deque`, so that programs can slice it.
    """

    def __init__(self, items: Iterable[T] = (), *, maxlen: int) -> None:
        super().__init__(items)
        self.maxlen = maxlen
        self._trim()

    def append(self, item: T) -> None:
        """Add `item` as the newest."""
        super().append(item)
        self._trim()

    def extend(self, items: Iterable[T]) -> None:
        """Add all `items`, the last of them the newest."""
        super().extend(items)
        self._trim()

    def insert(self, index: SupportsIndex, item: T) -> None:
        """Put `item` before `index`."""
        super().insert(index, item)
        self._trim()

    def __iadd__(self, items: Iterable[T]) -> MonitorWindow[T]:  # type: ignore[misc,override]  # list's own stub differs
        self.extend(items)
        return self

    def popleft(self) -> T:
        """Remove and return the oldest."""
        return self.pop(0)

    def _trim(self) -> None:
        excess = len(self) - self.maxlen
        if excess > 0:
            del self[:excess]
