"""What a section of code retains: how much more is allocated after it than before, over all passes."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from memmon.facts.python_memory import USUAL_BLOCK_BYTES
from memmon.probe.process.cause import CauseProbe

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

P = ParamSpec("P")
T = TypeVar("T")


class Section:
    """A context manager and decorator; it may be nested in itself and entered by several threads.

    It compares the allocators' counters (native heap in use, and Python's blocks at 80 bytes each)
    at the start and the end of the section, 3 µs each; not RSS, which moves by whole pages and late.
    The counters are the process's: what other threads, or other tasks during an `await`, allocate
    meanwhile counts as well. Use it round synchronous code. A pass during which the counters rest
    (see `CauseProbe`) is not counted.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Make a section that nothing passed through."""
        self._probe = CauseProbe(monotonic)
        self._local = threading.local()
        self._retained_bytes = 0
        self.pass_count = 0

    def retained_bytes(self) -> int:
        """Return the net growth so far, 0 when the section gave back more than it took."""
        return max(0, self._retained_bytes)

    def __enter__(self) -> None:
        """Begin a pass."""
        self._begun().append(self._allocated_bytes())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the pass; an exception of the section goes on its way."""
        begun = self._begun()
        before = begun.pop() if begun else None
        after = self._allocated_bytes()
        if before is not None and after is not None:
            self._retained_bytes += after - before
            self.pass_count += 1

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function: every call is a pass."""

        @functools.wraps(function)
        def measured(*args: P.args, **kwargs: P.kwargs) -> T:
            with self:
                return function(*args, **kwargs)

        return measured

    def _begun(self) -> list[int | None]:
        begun: list[int | None] | None = getattr(self._local, "begun", None)
        if begun is None:
            begun = self._local.begun = []
        return begun

    def _allocated_bytes(self) -> int | None:
        reading = self._probe.read()
        heap, large, blocks = reading.heap_used_bytes, reading.heap_mmap_bytes, reading.python_block_count
        if heap is None or large is None or blocks is None:
            return None
        return heap + large + round(blocks * USUAL_BLOCK_BYTES)
