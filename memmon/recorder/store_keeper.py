"""What the writer thread does with the store: writes what is held, and repairs what can be repaired.

A missing database is created, an older one brought forward, a damaged one set aside; what can't be
repaired at once is held in memory and tried again, at longer and longer intervals. Its flush lock is
held while a connection is open: a fork waits for it (at most a second). Only the writer thread comes
here, except where a method says otherwise.
"""

from __future__ import annotations

import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from memmon.errors import StoreBusyError, StoreDamagedError
from memmon.facts.defaults import NEW_NAMES_PER_DAY
from memmon.guest.green import call_aside
from memmon.guest.locks import ForkLock
from memmon.guest.shielding import log_safely
from memmon.model import DAMAGE_EVENT
from memmon.recorder.outbox import Outbox
from memmon.recorder.prepare import is_damaged, prepare, set_aside
from memmon.recorder.store_faults import Fault, cause, classify, describe, may_be_damage
from memmon.store.connect.engine import file_identity
from memmon.store.write.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from memmon.child import Children
    from memmon.clock import Clock
    from memmon.config import Database
    from memmon.recorder.outbox import Item
    from memmon.store.write.open_run import OpenRun
    from memmon.store.write.writer import Batch, Written

log = logging.getLogger("memmon")

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 300.0
LOG_EVERY_SECONDS = 300.0
SET_ASIDE_LIMIT = 10
"""So many damaged files are moved aside in a day; a disk that damages all it is given is left alone."""
_INSPECT_EVERY_SECONDS = 300.0
_SET_ASIDE_WINDOW_SECONDS = 86_400.0
_LEAST_WAIT_SECONDS = 0.05
_REPAIRED = (Fault.MISSING, Fault.OLD, Fault.DAMAGED)


class StoreKeeper:
    """Keeps one recorder's snapshots until they are stored."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        file_mode: int,
        children: Children,
        new_names_per_day: int = NEW_NAMES_PER_DAY,
    ) -> None:
        """Open nothing yet: the file is looked at with the first write."""
        self.database = database
        self.on_stored: Callable[[OpenRun, Written], None] = lambda _state, _written: None
        """Called after each write."""
        self._children = children
        self._clock = clock
        self._file_mode = file_mode
        self._new_names_per_day = new_names_per_day
        self.flush_lock = ForkLock()
        self._was_cut = False
        self._reset()

    def _reset(self) -> None:
        self._outbox = Outbox()
        self._writer: Writer | None = None
        self._inspected_at: float | None = None
        self._found_damage: tuple[str, object] | None = None
        self._set_aside_at: deque[float] = deque(maxlen=SET_ASIDE_LIMIT)
        self._backoff_seconds = FIRST_BACKOFF_SECONDS
        self._retry_at: float | None = None
        self._is_busy = False
        self._logged: dict[str, float] = {}
        self._stored_in: tuple[int, int] | None = None
        self.stored_count = 0
        self.last_error: str | None = None
        self.last_stored_at: datetime | None = None

    def after_fork_in_child(self, *, was_cut: bool) -> None:
        """Begin anew in a forked child: nothing held, a new lock.

        `was_cut`: the fork came in the middle of a write that it could not wait for. The parent's
        writer is leaked on purpose: closing its connection here could harm the parent's database.
        """
        self._leaked = (self._writer, self._outbox)
        self._was_cut = was_cut and self.database.is_sqlite
        self.flush_lock = ForkLock()
        self._reset()

    # -- what is held ----------------------------------------------------------------------

    @property
    def dropped_count(self) -> int:
        """Snapshots given up because memory's bound was reached; for any thread."""
        return self._outbox.dropped_count

    def is_all_stored(self) -> bool:
        """Tell whether nothing is held; for any thread."""
        return self._outbox.is_empty()

    def hold(self, state: OpenRun, item: Item) -> None:
        """Hold `item` of a run until it is stored."""
        self._outbox.add(state, item)

    def retry_after_seconds(self) -> float | None:
        """Return how long to wait before the next attempt; None when the last write succeeded."""
        if self._retry_at is None:
            return None
        return max(self._retry_at - self._clock.monotonic(), _LEAST_WAIT_SECONDS)

    def is_retry_due(self) -> bool:
        """Tell whether a write may be attempted now."""
        return self._retry_at is None or self._clock.monotonic() >= self._retry_at

    def is_busy(self) -> bool:
        """Tell whether the last write failed because another process held the database just then."""
        return self._is_busy and not self.is_all_stored()

    def store(self) -> None:
        """Write batch after batch until nothing is held or one fails."""
        while True:
            pair = self._outbox.next_batch()
            if pair is None:
                return
            state, batch = pair
            try:
                written = self._write_or_repair(state, batch)
            except Exception as error:
                self._back_off(error)
                return
            self._outbox.acknowledge(state, batch, written)
            self.stored_count += len(batch.snapshots)
            self.last_stored_at = self._clock.now()
            self._recovered()
            self.on_stored(state, written)

    # -- writing and repairing -------------------------------------------------------------

    def found_damaged(self, text: str, seen: object) -> None:
        """Set the file aside before the next write: two looks have found it damaged, when it was `seen`."""
        self._found_damage = (text, seen)

    def _set_damage_aside(self, state: OpenRun) -> None:
        found, self._found_damage = self._found_damage, None
        if found is not None and self.database.path is not None:
            text, seen = found
            present = file_identity(self.database.path)
            if seen == present:  # else another process has set it aside already
                self._repair(Fault.DAMAGED, present, state, StoreDamagedError(text))

    def _write_or_repair(self, state: OpenRun, batch: Batch) -> Written:
        """Write; what can be repaired at once (no file, old schema, damage) is, then written again."""
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
                if fault not in _REPAIRED:
                    raise
                self._repair(fault, seen, state, error)
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
                self._writer = Writer(self.database, new_names_per_day=self._new_names_per_day)
            written = call_aside(partial(self._writer.write, batch))
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

    def _repair(self, fault: Fault, seen: tuple[int, int] | None, state: OpenRun, error: Exception) -> None:
        if fault is Fault.DAMAGED:
            self._set_aside(seen, state, error)
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
            self._repair(Fault.DAMAGED, seen, state, found)

    def _set_aside(self, seen: tuple[int, int] | None, state: OpenRun, error: Exception) -> None:
        path = self.database.path
        if path is None or self._sets_aside_too_often():
            raise error
        moved = set_aside(path, seen=seen, now=self._clock.now())
        if moved is None:
            return
        self._set_aside_at.append(self._clock.monotonic())
        text = f"the database was damaged; it is kept as {moved}"
        self._outbox.add(state, state.event(self._clock, DAMAGE_EVENT, text, {"path": str(moved)}))
        self._log_state(
            "damaged",
            "memmon: %s was damaged (%s); it is kept as %s and a new history begins; "
            "`memmon db salvage` brings its rows back",
            path,
            cause(error),
            moved,
        )

    def _sets_aside_too_often(self) -> bool:
        times = self._set_aside_at
        return (
            len(times) == SET_ASIDE_LIMIT and self._clock.monotonic() - times[0] < _SET_ASIDE_WINDOW_SECONDS
        )

    # -- its state -------------------------------------------------------------------------

    def _back_off(self, error: Exception) -> None:
        fault = classify(error, self.database.path)
        self._is_busy = fault is Fault.BUSY and not self._was_cut
        if self.is_retry_due():  # else it was asked for in between
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
        self._is_busy = False
        self._backoff_seconds = FIRST_BACKOFF_SECONDS
        self._logged.clear()
        self.last_error = None

    def _log_state(self, state: str, message: str, *args: object) -> None:
        """One line per state per five minutes."""
        now = self._clock.monotonic()
        if now - self._logged.get(state, -LOG_EVERY_SECONDS) >= LOG_EVERY_SECONDS:
            self._logged[state] = now
            log_safely(log, logging.WARNING, message, *args)
