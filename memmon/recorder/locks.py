"""What keeps the host's threads apart in a recorder; a forked child begins with new ones."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class TakeLock:
    """Lets one thread at a time take a snapshot; never blocks for long, and never on itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None

    @contextmanager
    def held(self, timeout_seconds: float) -> Iterator[bool]:
        """Yield True when this thread may go on; False for a re-entry, and when another is at it.

        A re-entry comes from a signal handler, a log handler or a finaliser that interrupts this
        very thread.
        """
        own, lock = threading.get_ident(), self._lock
        if self._thread == own:
            yield False
            return
        if not lock.acquire(timeout=timeout_seconds):
            if self._thread is None:
                # Nobody is at work: a signal handler raised between the lock and the work, long ago.
                self._lock = threading.Lock()
            yield False
            return
        try:
            self._thread = own
            yield True
        finally:
            self._thread = None
            lock.release()


class Locks:
    """The locks of one recorder."""

    def __init__(self) -> None:
        self.take = TakeLock()
        # Re-entrant: a finaliser may annotate while the run is being opened.
        self.run = threading.RLock()
        self.start = threading.Lock()
