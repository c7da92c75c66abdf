"""The sampler thread: takes a snapshot at its start and then every interval."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from memmon.guest.locks import Claim, ReentrantTurn
from memmon.guest.shielding import mark_own_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.clock import Clock
    from memmon.recorder.schedule import Schedule


class SamplerThread:
    """Owns the sampler thread of one recorder; `take` raises nothing."""

    def __init__(self, take: Callable[[], object], *, schedule: Schedule, clock: Clock) -> None:
        self._take = take
        self._schedule = schedule
        self._clock = clock
        self.after_fork_in_child()

    def after_fork_in_child(self) -> None:
        """Begin anew: no thread, new locks."""
        self._starting = ReentrantTurn()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_running = False

    def start(self, on_begin: Callable[[], object], *, delay_seconds: float = 0.0) -> None:
        """Start the thread unless it runs; `on_begin` is called before it does anything, the first snapshot is taken after a delay."""
        claim = Claim()
        try:
            # Of two that start it at once, the second leaves it to the first.
            if not self._starting.enter(claim) or self._is_running:
                return
            self._stop.clear()  # first: whoever stops it from now on means this start
            on_begin()
            self._thread = threading.Thread(
                target=self._run, args=(delay_seconds,), name="memmon-sampler", daemon=True
            )
            self._is_running = True
            try:
                self._thread.start()
            except BaseException:  # no thread can be had, or a signal handler raised
                self._is_running = self._thread.ident is not None
                raise
        finally:
            claim.is_free = True

    def stop(self, timeout_seconds: float) -> None:
        """Take no further snapshot, and wait at most so long for the one that is being taken."""
        self._stop.set()
        thread = self._thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(timeout_seconds)

    def _run(self, delay_seconds: float) -> None:
        mark_own_thread()
        try:
            if not (delay_seconds and self._stop.wait(delay_seconds)):
                self._sample_until_stopped()
        finally:
            self._is_running = False

    def _sample_until_stopped(self) -> None:
        due = self._clock.monotonic()
        while not self._stop.is_set():
            self._take()
            due += self._schedule.interval_seconds
            now = self._clock.monotonic()
            if due < now:  # the machine slept or a snapshot took long: no burst to catch up
                due = now + self._schedule.interval_seconds
            if self._stop.wait(due - now):
                return
