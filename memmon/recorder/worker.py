"""The writer thread: takes what it is handed, stores it, and runs the scheduled checks.

It is handed things through a SimpleQueue, whose `put` may be called again from a signal or log
handler that interrupts it; there is no other lock between the host's threads and this one. The
flush lock is held while a connection is open: a fork waits for it (at most a second).
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from memmon.errors import MemmonError
from memmon.recorder.desk import Candidate
from memmon.recorder.faults import Fault, classify
from memmon.recorder.guard import quietly, report_fault
from memmon.recorder.outbox import Outbox
from memmon.recorder.prepare import prepare, set_aside
from memmon.store.engine import file_identity
from memmon.store.write import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from memmon.clock import Clock
    from memmon.config import Database
    from memmon.recorder.run_state import RunState
    from memmon.recorder.teller import Teller
    from memmon.store.write import Written

log = logging.getLogger("memmon")

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 300.0
LOG_EVERY_SECONDS = 300.0
_IDLE_SECONDS = 60.0
_MENDED = (Fault.MISSING, Fault.OLD, Fault.DAMAGED)


@dataclass(frozen=True, slots=True)
class _Flush:
    """A request to store everything now; the answer goes into `reply`."""

    reply: SimpleQueue[bool]


class _Stop:
    """A request to store what can be stored and end the thread."""


class Worker:
    """Owns the writer thread of one recorder."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        file_mode: int,
        teller: Teller,
    ) -> None:
        self.database = database
        self._clock = clock
        self._file_mode = file_mode
        self._teller = teller
        self.flush_lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._outbox = Outbox()
        self._writer: Writer | None = None
        self._thread: threading.Thread | None = None
        self._start_guard = threading.Lock()
        self._backoff_seconds = FIRST_BACKOFF_SECONDS
        self._retry_at: float | None = None
        self._logged: dict[str, float] = {}
        self.stored_count = 0
        self.last_error: str | None = None
        self.last_stored_at: datetime | None = None

    def after_fork_in_child(self) -> None:
        """Begin anew in a forked child: no thread, nothing held, new locks.

        The parent's writer is leaked on purpose: closing its connection here could harm the
        parent's database.
        """
        self._leaked = (self._writer, self._outbox, self._inbox)
        self.flush_lock = threading.Lock()
        self._reset()

    # -- called by the host's threads ------------------------------------------------------

    def put(self, state: RunState, item: object) -> None:
        """Hand over something to be stored; starts the thread with the first. Never blocks."""
        self._inbox.put((state, item))
        self.ensure_thread()

    def ensure_thread(self) -> None:
        """Start the thread unless it runs."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            return
        # A second caller (or a re-entry from a signal handler) leaves it to the first.
        if not self._start_guard.acquire(blocking=False):
            return
        try:
            thread = threading.Thread(target=self._run, name="memmon-writer", daemon=True)
            thread.start()
            self._thread = thread
        except RuntimeError as error:
            # The interpreter shuts down, or no thread can be had: what is handed over stays held.
            self.last_error = f"the writer thread can't start: {error}"
        finally:
            self._start_guard.release()

    def flush(self, timeout_seconds: float) -> bool:
        """Store all that was handed over; True when it is stored. Returns at once in our own thread."""
        if threading.current_thread() is self._thread:
            return False
        if self._thread is None and self._inbox.empty():
            return self._outbox.is_empty()
        self.ensure_thread()
        request = _Flush(SimpleQueue())
        self._inbox.put(request)
        try:
            return request.reply.get(timeout=max(timeout_seconds, 0.0))
        except Empty:
            return False

    def stop(self, timeout_seconds: float) -> None:
        """Store what can be stored, then end the thread; waits at most `timeout_seconds`."""
        thread = self._thread
        if thread is None or not thread.is_alive() or thread is threading.current_thread():
            return
        self._inbox.put(_Stop())
        thread.join(max(timeout_seconds, 0.0))

    @property
    def held_count(self) -> int:
        """Snapshots in memory that the writer thread knows of."""
        return self._outbox.snapshot_count

    @property
    def dropped_count(self) -> int:
        """Snapshots given up because memory's bound was reached."""
        return self._outbox.dropped_count

    # -- the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        wait_seconds = 0.0
        while True:
            requests = self._take_in(wait_seconds)
            if requests or self._is_retry_due():
                self._store()
            self._call(self._teller.tell_pending, "alerts")
            if requests:
                # What the alerts gave rise to belongs to what was asked to be stored.
                requests += self._take_in(0.0)
                self._store()
                for request in requests:
                    if isinstance(request, _Flush):
                        request.reply.put(self._outbox.is_empty())
                if any(isinstance(item, _Stop) for item in requests):
                    return
            wait_seconds = self._next_wait()

    def _call(self, function: Callable[[], None], what: str) -> None:
        try:
            function()
        except Exception as error:  # the recording goes on
            report_fault(what, error)

    def _take_in(self, wait_seconds: float) -> list[Any]:
        requests: list[Any] = []
        try:
            item = self._inbox.get(timeout=wait_seconds) if wait_seconds > 0 else self._inbox.get_nowait()
            while True:
                if isinstance(item, (_Flush, _Stop)):
                    requests.append(item)
                else:
                    if not isinstance(item[1], Candidate):
                        self._outbox.add(*item)
                    self._tell(item)
                item = self._inbox.get_nowait()
        except Empty:
            return requests

    def _tell(self, item: tuple[RunState, object]) -> None:
        self._call(lambda: self._teller.on_item(*item), "rules")

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
                with self.flush_lock:
                    written = self._write_or_mend(batch)
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

    def _write_or_mend(self, batch: Any) -> Written:
        """Write; what can be mended at once (no file, old schema, damage) is mended, then written again."""
        for _ in range(2):
            seen = None if self.database.path is None else file_identity(self.database.path)
            try:
                return self._writer_now().write(batch)
            except Exception as error:
                fault = classify(error, self.database.path)
                if fault not in _MENDED:
                    raise
                self._mend(fault, seen)
        return self._writer_now().write(batch)

    def _mend(self, fault: Fault, seen: tuple[int, int] | None) -> None:
        path = self.database.path
        if fault is Fault.DAMAGED:
            if path is None:
                return
            moved = set_aside(path, seen=seen, now=self._clock.now())
            if moved is not None:
                self._log_state(
                    "damaged",
                    "memmon: %s was damaged; it is kept as %s and a new history begins; "
                    "`memmon db salvage` brings its rows back",
                    path,
                    moved,
                )
        self._writer = None
        prepare(self.database, file_mode=self._file_mode)

    def _writer_now(self) -> Writer:
        if self._writer is None:
            self._writer = Writer(self.database)
        return self._writer

    def _hold(self, error: Exception) -> None:
        fault = classify(error, self.database.path)
        self._retry_at = self._clock.monotonic() + self._backoff_seconds
        self._backoff_seconds = min(2 * self._backoff_seconds, LONGEST_BACKOFF_SECONDS)
        detail = str(error).splitlines()[0][:300] if isinstance(error, MemmonError) else _cause(error)
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
            quietly(log.warning, "memmon: %s can be written again", self.database.shown)
        self._retry_at = None
        self._backoff_seconds = FIRST_BACKOFF_SECONDS
        self._logged.clear()
        self.last_error = None

    def _log_state(self, state: str, message: str, *args: object) -> None:
        """One line per state per five minutes."""
        now = self._clock.monotonic()
        if now - self._logged.get(state, -LOG_EVERY_SECONDS) >= LOG_EVERY_SECONDS:
            self._logged[state] = now
            quietly(log.warning, message, *args)


def _cause(error: BaseException) -> str:
    origin = getattr(error, "orig", None) or error
    return f"{type(origin).__name__}: {origin}".splitlines()[0][:300]
