"""The thread that says the log lines of memmon's own threads.

A log handler of the program's may block for long, or for ever: its lock is lost when a signal handler
raises in the middle of the program's own logging. The recording must not wait for it, so memmon's
threads hand their lines over. The thread is begun with the first line and ends when there are none.
"""

from __future__ import annotations

import _thread
import threading
from _queue import Empty
from contextlib import suppress
from typing import TYPE_CHECKING

from memmon.clock import SystemClock
from memmon.guest.green import get_from, new_queue

if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue

LINES_LIMIT = 1_000
"""Lines that wait for a handler that hangs; further ones are lost."""
IDLE_SECONDS = 5.0
STUCK_SECONDS = 1.0
_POLL_SECONDS = 0.005


class LogThread:
    """Calls what it is handed, one after the other, in a thread of its own."""

    def __init__(self) -> None:
        """Make one whose thread is not begun."""
        self._monotonic = SystemClock().monotonic
        self.after_fork_in_child()

    def after_fork_in_child(self) -> None:
        """Begin anew: no thread, no lines."""
        self._calls: SimpleQueue[Callable[[], object]] = new_queue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_running = False
        self._busy_since: float | None = None

    def call(self, function: Callable[[], object]) -> None:
        """Have `function` called; what it raises is lost. Never blocks. For memmon's own threads only."""
        if self._calls.qsize() >= LINES_LIMIT:
            return
        self._calls.put(function)
        self._ensure_thread()

    def drain(self, timeout_seconds: float) -> bool:
        """Wait until all that was handed over is said; False when it takes longer, or a handler hangs."""
        if self._thread is threading.current_thread() or (not self._is_running and self._calls.empty()):
            return self._calls.empty()
        deadline = self._monotonic() + timeout_seconds
        is_said = threading.Lock()  # no Event: its lock can't be re-entered from a signal handler
        is_said.acquire()
        self._calls.put(is_said.release)
        while not is_said.acquire(timeout=_POLL_SECONDS):
            now, since = self._monotonic(), self._busy_since
            if now >= deadline or (since is not None and now - since > STUCK_SECONDS):
                return False
        return True

    def _ensure_thread(self) -> None:
        # A second caller, or a finaliser that interrupts the first, leaves it to the first.
        if self._is_running or not self._starting.acquire(blocking=False):
            return
        try:
            # Thread.start takes a lock of the interpreter, which a thread of the program's may hold.
            _thread.start_new_thread(self._begin_thread, ())
        except (RuntimeError, MemoryError):  # the interpreter ends, or no thread can be had
            self._starting.release()

    def _begin_thread(self) -> None:
        try:
            if not self._is_running:
                self._thread = threading.Thread(target=self._run, name="memmon-log", daemon=True)
                self._is_running = True
                self._thread.start()
        except (RuntimeError, MemoryError):
            self._is_running = False
        finally:
            self._starting.release()

    def _run(self) -> None:
        with suppress(Empty):
            while True:
                function = get_from(self._calls, IDLE_SECONDS)
                self._busy_since = self._monotonic()
                with suppress(BaseException):  # a program's handler may raise anything
                    function()
                self._busy_since = None
        self._is_running = False
        if not self._calls.empty():  # handed over in this very moment
            self._ensure_thread()
