"""The writer thread: takes what it is handed, has it stored, and runs the scheduled checks.

It is handed things through a SimpleQueue, whose `put` may be called again from a signal or log
handler that interrupts it; there is no other lock between the program's threads and this one. The thread
is begun from a thread of its own: `Thread.start` takes a lock of the interpreter that a handler's
victim may hold. What it logs goes through the log thread: it waits for no lock of the program's logging.
"""

from __future__ import annotations

import _thread
import threading
import time
from _queue import Empty
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memmon.clock import SystemClock
from memmon.guest.green import get_from, new_queue
from memmon.guest.guarded import report_fault
from memmon.guest.locks import Claim, ReentrantTurn
from memmon.guest.shielding import mark_own_thread
from memmon.model import RUN_START_EVENT, EventRecord, Snapshot
from memmon.recorder.alerts.cooldown import Candidate
from memmon.recorder.outbox import HELD_BYTES_LIMIT, most_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue

    from memmon.clock import Clock
    from memmon.recorder.alerts.dispatcher import Dispatcher
    from memmon.recorder.store_keeper import StoreKeeper
    from memmon.store.write.open_run import OpenRun
    from memmon.store.write.writer import Written

INBOX_LIMIT = 10_000
"""Snapshots waiting for a stuck thread; fewer when they are large."""
_IDLE_SECONDS = 60.0
_ANSWER_POLL_SECONDS = 0.25
_BEGIN_PAUSE_SECONDS = 0.002
_FIRST_SNAPSHOT_SECONDS = 0.05
"""So long the beginning of a run waits for its first snapshot, which is being read: both are written at once."""
_BUSY_PAUSE_SECONDS = 0.1
"""Between attempts that somebody waits for while another process holds the database."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A request to store everything now; the answer (is all stored?) goes into `reply`."""

    reply: SimpleQueue[bool]
    deadline: float
    """On the system's monotonic clock: nobody waits for the answer after it."""
    is_last: bool
    """True: end the thread then."""


class WriterThread:
    """Owns the writer thread of one recorder."""

    def __init__(
        self, keeper: StoreKeeper, *, clock: Clock, dispatcher: Dispatcher, is_inert: bool = False
    ) -> None:
        """`is_inert`: nothing is taken, no thread begun."""
        self._is_inert = is_inert
        self._is_closed = False
        self._clock = clock
        self._dispatcher = dispatcher
        dispatcher.on_damage = keeper.found_damaged
        self._keeper = keeper
        keeper.on_stored = self._tell_stored
        self._reset()

    def _reset(self) -> None:
        self._inbox: SimpleQueue[Any] = new_queue()
        self._waiting: list[_Request] = []
        self._thread: threading.Thread | None = None
        self._starting = ReentrantTurn()
        self._begin_lock = threading.Lock()
        # Not Thread.is_alive(): when a signal handler raises inside it, it marks a living thread as ended.
        self._is_running = False
        self._shed_count = 0
        self.cpu_seconds = self._ended_cpu_seconds = 0.0  # of the thread, and of those before it
        self._told_shed_count = 0

    def after_fork_in_child(self) -> None:
        """Begin anew in a forked child: no thread, nothing handed over, new locks."""
        self._leaked = self._inbox
        self._reset()

    # -- called by the program's threads ------------------------------------------------------

    def put(self, state: OpenRun, item: object) -> None:
        """Hand over something to be stored; starts the thread with the first. Never blocks."""
        if self._is_inert or self._is_closed:
            return
        self._inbox.put((state, item))
        if isinstance(item, Snapshot) and self._inbox.qsize() > (limit := inbox_limit(item)):
            self._shed(limit)
        self.ensure_thread()

    def _shed(self, limit: int) -> None:
        """Give up the oldest when the thread is stuck (a program's callback, a disk that hangs)."""
        kept = []
        with suppress(Empty):
            while self._inbox.qsize() > limit:
                item = self._inbox.get_nowait()
                if isinstance(item, _Request):
                    kept.append(item)
                elif isinstance(item[1], Snapshot):
                    self._shed_count += 1
        for item in kept:
            self._inbox.put(item)

    def ensure_thread(self) -> bool:
        """Start the thread unless it runs; False when no thread can be had."""
        if self._is_running:
            return True
        claim, has_begun = Claim(), False
        try:
            # A second caller (or a re-entry from a signal handler) leaves it to the first.
            if self._starting.enter(claim):
                _thread.start_new_thread(self._begin_thread, (claim,))
                has_begun = True
        except RuntimeError as error:
            # The interpreter shuts down, or no thread can be had: what is handed over stays held.
            self._keeper.last_error = f"the writer thread can't start: {error}"
            return False
        finally:
            if not has_begun:
                claim.is_free = True
        return True

    def _begin_thread(self, claim: Claim) -> None:
        try:
            with self._begin_lock:
                if not self._is_running:
                    self._thread = threading.Thread(target=self._run, name="memmon-writer", daemon=True)
                    self._is_running = True
                    self._thread.start()
        except Exception as error:
            self._thread = None
            self._is_running = False
            self._keeper.last_error = f"the writer thread can't start: {error}"
        finally:
            claim.is_free = True

    def flush(self, timeout_seconds: float) -> bool:
        """Store all that was handed over; True when it is stored. Returns at once in our own thread."""
        if self._is_own_thread():
            return False
        if self._thread is None and self._inbox.empty():
            return self._keeper.is_all_stored()
        return self._ask(timeout_seconds, is_last=False)

    def stop(self, timeout_seconds: float) -> None:
        """Store what can be stored, then end the thread; waits at most `timeout_seconds`."""
        if self._is_own_thread() or (self._inbox.empty() and not self._is_running):
            return
        deadline = SystemClock().monotonic() + timeout_seconds
        self._ask(timeout_seconds, is_last=True)
        self.join(max(deadline - SystemClock().monotonic(), 0.0))

    def close(self, timeout_seconds: float) -> None:
        """Take nothing further, store what can be stored within `timeout_seconds`, then end the thread; waits for nothing."""
        self._is_closed = True
        if not self._inbox.empty() or self._is_running:
            deadline = SystemClock().monotonic() + timeout_seconds
            self._inbox.put(_Request(new_queue(), deadline, is_last=True))
            self.ensure_thread()

    def join(self, timeout_seconds: float) -> None:
        """Wait at most so long for the thread to end; in it, not at all."""
        deadline = SystemClock().monotonic() + timeout_seconds
        while (thread := self._thread) is not None and self._is_running and not self._is_own_thread():
            remaining = deadline - SystemClock().monotonic()
            if remaining <= 0:
                return
            if thread.ident is None:  # it is about to begin
                time.sleep(min(remaining, _BEGIN_PAUSE_SECONDS))  # noqa: TID251 -- no lock is waited for
            else:
                thread.join(remaining)

    def open(self) -> None:
        """Take what is handed over again."""
        self._is_closed = False

    def _ask(self, timeout_seconds: float, *, is_last: bool) -> bool:
        clock = SystemClock()
        deadline = clock.monotonic() + timeout_seconds
        request = _Request(new_queue(), deadline, is_last)
        self._inbox.put(request)
        while self.ensure_thread():
            remaining = max(deadline - clock.monotonic(), 0.0)
            try:
                # In slices: a thread that ended before it saw the request is begun again.
                return get_from(request.reply, min(remaining, _ANSWER_POLL_SECONDS))
            except Empty:
                if remaining <= _ANSWER_POLL_SECONDS:
                    return False
        return False

    def _is_own_thread(self) -> bool:
        thread = self._thread
        return thread is not None and thread.ident == threading.get_ident()

    @property
    def dropped_count(self) -> int:
        """Snapshots given up because memory's bound was reached."""
        return self._keeper.dropped_count + self._shed_count

    # -- the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        mark_own_thread()
        try:
            self._work_for_ever()
        finally:
            self._ended_cpu_seconds = self.cpu_seconds
            self._is_running = False

    def _work_for_ever(self) -> None:
        wait_seconds = 0.0
        while True:
            try:
                is_over = self._cycle(wait_seconds)
                self.cpu_seconds = self._ended_cpu_seconds + time.thread_time()
                if is_over:
                    return
                wait_seconds = self._next_wait()
            except BaseException as error:  # a program's handler may raise anything; the recording goes on
                report_fault("the writer thread", error)
                wait_seconds = 1.0

    def _cycle(self, wait_seconds: float) -> bool:
        """Take in, store, tell; True when the thread was asked to end."""
        requests = self._waiting + self._take_in(wait_seconds)
        self._waiting = []
        if requests or self._keeper.is_retry_due():
            self._keeper.store()
        self._call(self._dispatcher.tell_pending, "alerts")
        if requests:
            # What the alerts gave rise to belongs to what was asked to be stored.
            requests += self._take_in(0.0)
            self._keeper.store()
        return self._answer(requests)

    def _answer(self, requests: list[_Request]) -> bool:
        """Tell who waits; what is only held by another process just now is tried until their time is up."""
        is_stored = self._keeper.is_all_stored()
        now = SystemClock().monotonic()
        if self._keeper.is_busy():
            self._waiting = [request for request in requests if request.deadline > now]
        answered = [request for request in requests if request not in self._waiting]
        for request in answered:
            request.reply.put(is_stored)
        return any(request.is_last for request in answered)

    def _call(self, function: Callable[[], None], what: str) -> None:
        try:
            function()
        except Exception as error:  # the recording goes on
            report_fault(what, error)

    def _take_in(self, wait_seconds: float) -> list[_Request]:
        requests: list[_Request] = []
        try:
            item = get_from(self._inbox, wait_seconds) if wait_seconds > 0 else self._inbox.get_nowait()
            while True:
                if isinstance(item, _Request):
                    requests.append(item)
                else:
                    if not isinstance(item[1], Candidate):
                        self._keeper.hold(*item)
                    self._note_shed(item[0])
                    self._tell(item)
                item = _next_item(self._inbox, item)
        except Empty:
            return requests

    def _tell(self, item: tuple[OpenRun, object]) -> None:
        self._call(lambda: self._dispatcher.on_item(*item), "rules")

    def _tell_stored(self, state: OpenRun, written: Written) -> None:
        self._call(lambda: self._dispatcher.on_stored(state, written), "after a write")

    def _note_shed(self, state: OpenRun) -> None:
        count = self._shed_count - self._told_shed_count
        if count:
            self._told_shed_count += count
            text = f"{count} snapshots were dropped: the writer thread was stuck for too long"
            self._keeper.hold(state, state.event(self._clock, "dropped", text, {"dropped_count": count}))

    def _next_wait(self) -> float:
        try:
            wait_seconds = self._dispatcher.tick()
        except Exception as error:  # a failed check must not end the recording
            report_fault("scheduled check", error)
            wait_seconds = _IDLE_SECONDS
        if self._waiting:
            return _BUSY_PAUSE_SECONDS
        if (retry_seconds := self._keeper.retry_after_seconds()) is not None:
            wait_seconds = min(wait_seconds, retry_seconds)
        return min(max(wait_seconds, 0.01), _IDLE_SECONDS)


def _next_item(inbox: SimpleQueue[Any], before: Any) -> Any:
    """Return what was handed over next; raises Empty where there is nothing, after a run's beginning not at once."""
    return get_from(inbox, _FIRST_SNAPSHOT_SECONDS) if _begins_run(before) else inbox.get_nowait()


def _begins_run(item: Any) -> bool:
    """Tell whether what was handed over is the beginning of a run."""
    return (
        not isinstance(item, _Request)
        and isinstance(item[1], EventRecord)
        and item[1].kind == RUN_START_EVENT
    )


def inbox_limit(snapshot: Snapshot) -> int:
    """Return how many snapshots like this one may wait: what the outbox may hold, in bytes."""
    return min(INBOX_LIMIT, HELD_BYTES_LIMIT // most_bytes(snapshot))
