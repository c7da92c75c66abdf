"""Running a statement of SQLite's so that Ctrl-C ends it.

SQLite runs in C, and Python looks at signals only between its own instructions: a long query would
hold Ctrl-C back to its end. So the main thread waits, which a signal interrupts, and another thread runs
the statement; there is no cost while it runs. (A progress handler would take the lock of a busy
host's interpreter thousands of times a second, and swallows what a signal handler raises.)
Other threads than the main one get no signals: there the statement runs in place.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

T = TypeVar("T")
_PATIENCE_SECONDS = 2.0
"""One step of SQLite's that can't be interrupted (a LIKE over a huge text) is not waited for longer."""
_POLL_SECONDS = 0.02
_GLANCE_SECONDS = 0.5
"""Where a wait can't be interrupted (Windows), a signal is seen after this long."""


class Interruptible:
    """Runs work on one connection; the connection was opened with `check_same_thread=False`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.is_abandoned = False
        """True: a thread still runs in the connection, and closes it when it can; leave it alone."""

    def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, or raise what it raises; what interrupts the wait ends the statement."""
        if threading.current_thread() is not threading.main_thread():
            return work()
        job = _Job(work)
        try:
            is_started = _started(job)
            while is_started and not job.finished.wait(_GLANCE_SECONDS):
                pass
        except BaseException:
            self._end(job)
            raise
        return job.result() if is_started else work()

    def _end(self, job: _Job[T]) -> None:
        """Interrupt the statement until it has ended; a second Ctrl-C meanwhile changes nothing."""
        left = _PATIENCE_SECONDS
        while left > 0 and not job.finished.is_set():
            try:
                # Again and again: what has not begun yet can't be interrupted yet.
                self._connection.interrupt()
                job.finished.wait(_POLL_SECONDS)
            except KeyboardInterrupt:
                pass
            left -= _POLL_SECONDS
        self.is_abandoned = not job.leave_closing_to_it(self._connection.close)


def _started(job: _Job[T]) -> bool:
    try:
        job.start()
    except RuntimeError:  # no further thread may be started here, or Python is about to end
        return False
    return True


class _Job(threading.Thread, Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__(name="memmon-sql", daemon=True)
        self._work = work
        self._lock = threading.Lock()
        self._last: Callable[[], object] | None = None
        self._value: list[T] = []
        self._error: BaseException | None = None
        self.finished = threading.Event()

    def run(self) -> None:
        try:
            self._value.append(self._work())
        except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
            self._error = error
        with self._lock:
            self.finished.set()
            last = self._last
        if last is not None:
            last()

    def leave_closing_to_it(self, close: Callable[[], object]) -> bool:
        """Return True when the work has ended; else `close` is called as soon as it has."""
        with self._lock:
            if not self.finished.is_set():
                self._last = close
            return self.finished.is_set()

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value[0]
