"""The writer thread: takes what it is handed, stores it, and runs the scheduled checks.

It is handed things through a SimpleQueue, whose `put` may be called again from a signal or log
handler that interrupts it; there is no other lock between the host's threads and this one. The
flush lock is held while a connection is open: a fork waits for it (at most a second). The thread
is begun from a thread of its own: `Thread.start` takes a lock of the interpreter that a handler's
victim may hold. What it logs goes through the log thread: it waits for no lock of the host's logging.
"""

from __future__ import annotations

import _thread
import logging
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from memmon.clock import SystemClock
from memmon.errors import StoreBusyError, StoreDamagedError
from memmon.guest.guarded import report_fault
from memmon.guest.locks import Claim, ForkLock, ReentrantTurn
from memmon.guest.shielding import log_safely, mark_own_thread
from memmon.model import Snapshot
from memmon.recorder.desk import Candidate
from memmon.recorder.outbox import HELD_BYTES_LIMIT, Outbox, most_bytes
from memmon.recorder.prepare import is_damaged, prepare, set_aside
from memmon.recorder.store_faults import Fault, cause, classify, describe, may_be_damage
from memmon.store.engine import file_identity
from memmon.store.write import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from memmon.child import Children
    from memmon.clock import Clock
    from memmon.config import Database
    from memmon.recorder.run_state import RunState
    from memmon.recorder.teller import Teller
    from memmon.store.write import Batch, Written

log = logging.getLogger("memmon")

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 300.0
LOG_EVERY_SECONDS = 300.0
INBOX_LIMIT = 10_000
"""Snapshots waiting for a stuck thread; fewer when they are large."""
SET_ASIDE_LIMIT = 10
"""So many damaged files are moved aside in a day; a disk that damages all it is given is left alone."""
_IDLE_SECONDS = 60.0
_INSPECT_EVERY_SECONDS = 300.0
_SET_ASIDE_WINDOW_SECONDS = 86_400.0
_ANSWER_POLL_SECONDS = 0.25
_MENDED = (Fault.MISSING, Fault.OLD, Fault.DAMAGED)


@dataclass(frozen=True, slots=True)
class _Request:
    """A request to store everything now; the answer (is all stored?) goes into `reply`."""

    reply: SimpleQueue[bool]
    is_last: bool
    """True: end the thread then."""


class WriterThread:
    """Owns the writer thread of one recorder."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        file_mode: int,
        teller: Teller,
        children: Children,
        is_inert: bool = False,
    ) -> None:
        """`is_inert`: nothing is taken, no thread begun."""
        self._is_inert = is_inert
        self.database = database
        self._children = children
        self._clock = clock
        self._file_mode = file_mode
        self._teller = teller
        teller.on_damage = self._damaged
        self.flush_lock = ForkLock()
        self._was_cut = False
        self._reset()

    def _reset(self) -> None:
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._outbox = Outbox()
        self._writer: Writer | None = None
        self._thread: threading.Thread | None = None
        self._starting = ReentrantTurn()
        self._begin_lock = threading.Lock()
        # Not Thread.is_alive(): when a signal handler raises inside it, it marks a living thread as ended.
        self._is_running = False
        self._shed_count = 0
        self._told_shed_count = 0
        self._inspected_at: float | None = None
        self._found_damage: tuple[str, object] | None = None
        self._set_aside_at: deque[float] = deque(maxlen=SET_ASIDE_LIMIT)
        self._backoff_seconds = FIRST_BACKOFF_SECONDS
        self._retry_at: float | None = None
        self._logged: dict[str, float] = {}
        self.stored_count = 0
        self.last_error: str | None = None
        self.last_stored_at: datetime | None = None
        self._stored_in: tuple[int, int] | None = None

    def after_fork_in_child(self, *, was_cut: bool) -> None:
        """Begin anew in a forked child: no thread, nothing held, new locks.

        `was_cut`: the fork came in the middle of a write that it could not wait for. The parent's
        writer is leaked on purpose: closing its connection here could harm the parent's database.
        """
        self._leaked = (self._writer, self._outbox, self._inbox)
        self._was_cut = was_cut and self.database.is_sqlite
        self.flush_lock = ForkLock()
        self._reset()

    # -- called by the host's threads ------------------------------------------------------

    def put(self, state: RunState, item: object) -> None:
        """Hand over something to be stored; starts the thread with the first. Never blocks."""
        if self._is_inert:
            return
        self._inbox.put((state, item))
        if isinstance(item, Snapshot) and self._inbox.qsize() > (limit := inbox_limit(item)):
            self._shed(limit)
        self.ensure_thread()

    def _shed(self, limit: int) -> None:
        """Give up the oldest when the thread is stuck (a host's callback, a disk that hangs)."""
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
            self.last_error = f"the writer thread can't start: {error}"
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
            self.last_error = f"the writer thread can't start: {error}"
        finally:
            claim.is_free = True

    def flush(self, timeout_seconds: float) -> bool:
        """Store all that was handed over; True when it is stored. Returns at once in our own thread."""
        if self._is_own_thread():
            return False
        if self._thread is None and self._inbox.empty():
            return self._outbox.is_empty()
        return self._ask(_Request(SimpleQueue(), is_last=False), timeout_seconds)

    def stop(self, timeout_seconds: float) -> None:
        """Store what can be stored, then end the thread; waits at most `timeout_seconds`."""
        if self._is_own_thread() or (self._inbox.empty() and not self._is_running):
            return
        deadline = SystemClock().monotonic() + timeout_seconds
        self._ask(_Request(SimpleQueue(), is_last=True), timeout_seconds)
        thread = self._thread
        if thread is not None:
            thread.join(max(deadline - SystemClock().monotonic(), 0.0))

    def _ask(self, request: _Request, timeout_seconds: float) -> bool:
        self._inbox.put(request)
        clock = SystemClock()
        deadline = clock.monotonic() + timeout_seconds
        while self.ensure_thread():
            remaining = max(deadline - clock.monotonic(), 0.0)
            try:
                # In slices: a thread that ended before it saw the request is begun again.
                return request.reply.get(timeout=min(remaining, _ANSWER_POLL_SECONDS))
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
        return self._outbox.dropped_count + self._shed_count

    # -- the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        mark_own_thread()
        try:
            self._work_for_ever()
        finally:
            self._is_running = False

    def _work_for_ever(self) -> None:
        wait_seconds = 0.0
        while True:
            try:
                if self._cycle(wait_seconds):
                    return
                wait_seconds = self._next_wait()
            except BaseException as error:  # a host's handler may raise anything; the recording goes on
                report_fault("the writer thread", error)
                wait_seconds = 1.0

    def _cycle(self, wait_seconds: float) -> bool:
        """Take in, store, tell; True when the thread was asked to end."""
        requests = self._take_in(wait_seconds)
        if requests or self._is_retry_due():
            self._store()
        self._call(self._teller.tell_pending, "alerts")
        if requests:
            # What the alerts gave rise to belongs to what was asked to be stored.
            requests += self._take_in(0.0)
            self._store()
            is_stored = self._outbox.is_empty()
            for request in requests:
                request.reply.put(is_stored)
        return any(request.is_last for request in requests)

    def _call(self, function: Callable[[], None], what: str) -> None:
        try:
            function()
        except Exception as error:  # the recording goes on
            report_fault(what, error)

    def _take_in(self, wait_seconds: float) -> list[_Request]:
        requests: list[_Request] = []
        try:
            item = self._inbox.get(timeout=wait_seconds) if wait_seconds > 0 else self._inbox.get_nowait()
            while True:
                if isinstance(item, _Request):
                    requests.append(item)
                else:
                    if not isinstance(item[1], Candidate):
                        self._outbox.add(*item)
                    self._note_shed(item[0])
                    self._tell(item)
                item = self._inbox.get_nowait()
        except Empty:
            return requests

    def _tell(self, item: tuple[RunState, object]) -> None:
        self._call(lambda: self._teller.on_item(*item), "rules")

    def _note_shed(self, state: RunState) -> None:
        count = self._shed_count - self._told_shed_count
        if count:
            self._told_shed_count += count
            text = f"{count} snapshots were dropped: the writer thread was stuck for too long"
            self._outbox.add(state, state.event(self._clock, "dropped", text, {"dropped_count": count}))

    def _next_wait(self) -> float:
        try:
            wait_seconds = self._teller.tick()
        except Exception as error:  # a failed check must not end the recording
            report_fault("scheduled check", error)
            wait_seconds = _IDLE_SECONDS
        if self._retry_at is not None:
            wait_seconds = min(wait_seconds, max(self._retry_at - self._clock.monotonic(), 0.05))
        return min(max(wait_seconds, 0.01), _IDLE_SECONDS)

    def _is_retry_due(self) -> bool:
        return self._retry_at is None or self._clock.monotonic() >= self._retry_at

    def _store(self) -> None:
        """Write batch after batch until nothing is held or one fails."""
        while True:
            pair = self._outbox.next_batch()
            if pair is None:
                return
            state, batch = pair
            try:
                written = self._write_or_mend(state, batch)
            except Exception as error:
                self._hold(error)
                return
            self._outbox.acknowledge(state, batch, written)
            self.stored_count += len(batch.snapshots)
            self.last_stored_at = self._clock.now()
            self._recovered()
            self._tell_written(state, written)

    def _tell_written(self, state: RunState, written: Written) -> None:
        self._call(lambda: self._teller.on_stored(state, written), "after a write")

    def _damaged(self, text: str, seen: object) -> None:
        """Set the file aside before the next write: two looks have found it damaged, when it was `seen`."""
        self._found_damage = (text, seen)

    def _set_damage_aside(self, state: RunState) -> None:
        found, self._found_damage = self._found_damage, None
        if found is not None and self.database.path is not None:
            text, seen = found
            present = file_identity(self.database.path)
            if seen == present:  # else another process has set it aside already
                self._mend(Fault.DAMAGED, present, state, StoreDamagedError(text))

    def _write_or_mend(self, state: RunState, batch: Batch) -> Written:
        """Write; what can be mended at once (no file, old schema, damage) is mended, then written again."""
        path = self.database.path
        self._set_damage_aside(state)
        for _ in range(2):
            seen = None if path is None else file_identity(path)
            try:
                return self._write(batch)
            except Exception as error:
                fault = classify(error, path)
                if self._is_damaged_after_all(error, fault) or self._was_emptied(fault, seen):
                    fault = Fault.DAMAGED
                if fault not in _MENDED:
                    raise
                self._mend(fault, seen, state, error)
        return self._write(batch)

    def _write(self, batch: Batch) -> Written:
        if self._was_cut:
            msg = (
                "this process was forked in the middle of a slow write of its parent's, and SQLite can't be used "
                "in it: start it as a new program, or fork before recording"
            )
            raise StoreBusyError(msg)
        with self.flush_lock:
            if self._writer is None:
                self._writer = Writer(self.database)
            written = self._writer.write(batch)
        path = self.database.path
        self._stored_in = None if path is None else file_identity(path)
        return written

    def _is_damaged_after_all(self, error: Exception, fault: Fault) -> bool:
        """Ask a child, at most every five minutes, whether damage stands behind another error."""
        if not may_be_damage(error, fault, self.database.path):
            return False
        now = self._clock.monotonic()
        if self._inspected_at is not None and now - self._inspected_at < _INSPECT_EVERY_SECONDS:
            return False
        self._inspected_at = now
        return is_damaged(self.database, run_child=self._children.run) is not None

    def _was_emptied(self, fault: Fault, seen: tuple[int, int] | None) -> bool:
        """Tell whether the very file that we wrote to is empty now (an empty file is else just filled)."""
        return fault is Fault.MISSING and seen is not None and seen == self._stored_in

    def _mend(self, fault: Fault, seen: tuple[int, int] | None, state: RunState, error: Exception) -> None:
        path = self.database.path
        if fault is Fault.DAMAGED:
            if path is None or self._sets_aside_too_often():
                raise error
            moved = set_aside(path, seen=seen, now=self._clock.now())
            if moved is not None:
                self._set_aside_at.append(self._clock.monotonic())
                text = f"the database was damaged; it is kept as {moved}"
                self._outbox.add(state, state.event(self._clock, "evidence", text, {"path": str(moved)}))
                self._log_state(
                    "damaged",
                    "memmon: %s was damaged (%s); it is kept as %s and a new history begins; "
                    "`memmon db salvage` brings its rows back",
                    path,
                    cause(error),
                    moved,
                )
        self._writer = None
        try:
            prepare(
                self.database,
                file_mode=self._file_mode,
                run_child=self._children.run,
                flush_lock=self.flush_lock,
            )
        except StoreDamagedError as found:
            if fault is Fault.DAMAGED:
                raise
            # Half-migrated: what the schema's own number hid shows when it is brought forward.
            self._mend(Fault.DAMAGED, seen, state, found)

    def _sets_aside_too_often(self) -> bool:
        times = self._set_aside_at
        return (
            len(times) == SET_ASIDE_LIMIT and self._clock.monotonic() - times[0] < _SET_ASIDE_WINDOW_SECONDS
        )

    def _hold(self, error: Exception) -> None:
        fault = classify(error, self.database.path)
        self._retry_at = self._clock.monotonic() + self._backoff_seconds
        self._backoff_seconds = min(2 * self._backoff_seconds, LONGEST_BACKOFF_SECONDS)
        detail = describe(error)
        self.last_error = f"{fault.value}: {detail}"
        self._log_state(
            fault.name,
            "memmon: %s (%s: %s); snapshots are held in memory and stored when it is mended",
            fault.value,
            self.database.shown,
            detail,
        )

    def _recovered(self) -> None:
        if self._retry_at is not None:
            log_safely(log, logging.WARNING, "memmon: %s can be written again", self.database.shown)
        self._retry_at = None
        self._backoff_seconds = FIRST_BACKOFF_SECONDS
        self._logged.clear()
        self.last_error = None

    def _log_state(self, state: str, message: str, *args: object) -> None:
        """One line per state per five minutes."""
        now = self._clock.monotonic()
        if now - self._logged.get(state, -LOG_EVERY_SECONDS) >= LOG_EVERY_SECONDS:
            self._logged[state] = now
            log_safely(log, logging.WARNING, message, *args)


def inbox_limit(snapshot: Snapshot) -> int:
    """Return how many snapshots like this one may wait: what the outbox may hold, in bytes."""
    return min(INBOX_LIMIT, HELD_BYTES_LIMIT // most_bytes(snapshot))
