"""The registered deques: known by name, never kept alive, read in constant time.

There are no locks here: registration may happen in a finaliser or a signal handler in the middle
of another registration. Every change is one operation on a dict, which the interpreter makes whole.
"""

from __future__ import annotations

import logging
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from memmon.clock import SystemClock
from memmon.facts.names import clean_name, plain_string
from memmon.guest.shielding import attempt, log_safely
from memmon.probe.objects.sizes import SizeEstimator
from memmon.probe.registered.deque_entry import (
    DequeEntry,
    WeakDeque,
    check_expected,
    checked_name,
    make_entry,
)
from memmon.probe.registered.tracked import TrackedDeques

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memmon.model import DequeReading

log = logging.getLogger("memmon.probe")

MAX_DEAD_COUNT = 100
"""So many registrations whose deque is gone go on being reported as dead; where more go, they come and
go by design (one for each order, say), and none is reported any more."""

SIZE_BUDGET_SECONDS = 0.02
"""Time that one `read` may spend on estimating sizes; the rest waits for the next."""

_NAMES_IN_LOG = 5
_ATTEMPTS = 8


class DequeRegistry:
    """Deques by name.

    `max_tracked_count`: the first so many registrations are read each time; further ones are
    counted (`untracked_count`) and said once. `monotonic`: seconds that never step back, for the
    hourly size estimates.
    """

    def __init__(
        self, max_tracked_count: int = 1000, *, monotonic: Callable[[], float] | None = None
    ) -> None:
        """Make an empty registry."""
        self._max_tracked_count = max_tracked_count
        self._monotonic = monotonic or SystemClock().monotonic
        self._estimator = SizeEstimator(self._monotonic)
        self._start_empty()

    def _start_empty(self) -> None:
        self._entries: dict[str, DequeEntry] = {}
        self._originals: dict[str, str] = {}
        self._dead: dict[str, DequeEntry] = {}
        self._newly_dead: deque[DequeEntry] = deque(maxlen=MAX_DEAD_COUNT + 1)
        self._gone_count = 0
        self._tracked_entries: tuple[DequeEntry, ...] = ()
        self._is_changed = False
        self._cap_was_said = False
        self._size_turn = 0

    def register(self, name: str, deque_or_getter: object, *, expected_maxlen: int | None = None) -> None:
        """Register a deque, or a getter that returns the present one, under `name`.

        What has `__len__` and `maxlen` and is not callable counts as a deque, a callable without
        arguments as a getter. The deque is never kept alive, nor is the object of a bound method;
        another getter is kept. A name registered again stands for the newer object; when the older one
        is still alive, a log line says so, once for each name.

        Raises TypeError for anything else (also for what can't be weakly referenced), and
        ValueError for an empty name or a negative `expected_maxlen`.
        """
        name = checked_name(name)
        check_expected(expected_maxlen)
        entry = make_entry(name, deque_or_getter, expected_maxlen, self._on_gone)
        shown = entry.shown_name = self._shown_name(name)
        earlier = self._entries.get(name)
        self._entries[name] = entry
        self._dead.pop(name, None)
        self._is_changed = True
        if earlier is not None:
            entry.was_replaced = earlier.was_replaced
        if earlier is not None and not entry.was_replaced and earlier.is_other_than(entry):
            entry.was_replaced = True
            log_safely(
                log,
                logging.WARNING,
                "deque %s was registered again: the newer one is tracked from now on",
                shown,
            )
        if len(self._entries) > self._max_tracked_count and not self._cap_was_said:
            self._cap_was_said = True
            log_safely(
                log,
                logging.WARNING,
                "more than %d deques are registered: the further ones are counted and not read",
                self._max_tracked_count,
            )

    def unregister(self, name: str) -> None:
        """Forget `name`; an unknown name is no error."""
        if not isinstance(name, str):
            raise TypeError(f"a name is a str, not {type(name).__name__}")
        name = plain_string(name)
        entry = self._entries.pop(name, None) or self._dead.pop(name, None)
        if entry is not None:
            self._originals.pop(entry.shown_name, None)
        self._is_changed = True

    @property
    def registered_count(self) -> int:
        """How many registrations there are (those whose deque is gone are not among them)."""
        return len(self._entries)

    @property
    def untracked_count(self) -> int:
        """How many registrations are beyond the cap: counted, not read."""
        return max(0, len(self._entries) - self._max_tracked_count)

    @property
    def tracked(self) -> Mapping[str, Any]:
        """A live, read-only mapping from name (as registered) to deque; what is gone leaves it."""
        return TrackedDeques(self._entries)

    def read(self) -> tuple[DequeReading, ...]:
        """Return a reading for each tracked registration, then for those whose deque is gone.

        A reading in which nothing changed is the same object as last time. What can't be read has
        the length None. Sizes are estimated at most hourly, a few at each call.
        """
        entries = self._refresh()
        self._estimate(entries)
        readings = [(entry, entry.read()) for entry in entries]
        self._bury([entry for entry, reading in readings if reading is None])
        alive = (reading for _, reading in readings if reading is not None)
        dead = attempt(lambda: tuple(self._dead.values())) or ()
        return (*alive, *(entry.dead_reading() for entry in dead))

    def after_fork_in_child(self) -> None:
        """Drop what a thread of the parent may have left half done; registrations stay."""
        self._is_changed = True

    def _refresh(self) -> tuple[DequeEntry, ...]:
        for _ in range(_ATTEMPTS):
            if not self._is_changed:
                break
            self._is_changed = False  # first: a change made while listing is listed next time
            entries = attempt(lambda: list(self._entries.values()))
            if entries is None:
                self._is_changed = True  # changed by another thread or a finaliser while listing
            else:
                self._tracked_entries = tuple(entries[: self._max_tracked_count])
        return self._tracked_entries

    def _estimate(self, entries: tuple[DequeEntry, ...]) -> None:
        """Renew the oldest size estimates, in turn, until the time for this reading is used up."""
        begun = now = self._monotonic()
        first = self._size_turn % max(1, len(entries))
        # At each reading all are asked, and few are due.
        for entry in (*entries[first:], *entries[:first]) if first else entries:
            if not (entry.has_outgrown or now >= entry.size_due_seconds):
                continue
            # Where they come and go, one that is just there may be gone by the next reading.
            if entry.was_read or self._gone_count <= MAX_DEAD_COUNT:
                if now - begun > SIZE_BUDGET_SECONDS:
                    self._size_turn = entries.index(entry)
                    return
                attempt(entry.estimate_size, self._estimator, now)
                now = self._monotonic()

    def _bury(self, found_dead: list[DequeEntry]) -> None:
        """Move what is gone to the bounded list of the dead, and say so once for all of this reading."""
        gone = []
        with suppress(IndexError):  # another thread may read, and bury, at the same time
            while True:
                gone.append(self._newly_dead.popleft())
        gone += [entry for entry in found_dead if self._entries.get(entry.name) is entry]
        for entry in gone:
            if self._entries.get(entry.name) is entry:
                self._entries.pop(entry.name, None)
                self._originals.pop(entry.shown_name, None)
                self._is_changed = True
            if entry.name not in self._entries:
                self._dead[entry.name] = entry
        self._tell_gone([entry for entry in gone if entry.name not in self._entries])

    def _tell_gone(self, gone: list[DequeEntry]) -> None:
        """Say what is gone, until so much is that deques here plainly come and go."""
        was_told = self._gone_count <= MAX_DEAD_COUNT
        self._gone_count += len(gone)
        if self._gone_count > MAX_DEAD_COUNT:
            self._dead.clear()
            if was_told:
                log_safely(
                    log,
                    logging.WARNING,
                    "more than %d registered deques have come and gone: that is not said of each any more",
                    MAX_DEAD_COUNT,
                )
        elif gone:
            shown = ", ".join(entry.shown_name for entry in gone[:_NAMES_IN_LOG])
            more = f" and {len(gone) - _NAMES_IN_LOG} more" if len(gone) > _NAMES_IN_LOG else ""
            log_safely(
                log,
                logging.WARNING,
                "registered deques are gone (nothing refers to them any more): %s%s",
                shown,
                more,
            )

    def _shown_name(self, name: str) -> str:
        """Return the cleaned name; a literal twin of another name's cleaned form gets a number."""
        shown = cleaned = clean_name(name)
        number = 1
        while self._originals.setdefault(shown, name) != name:
            number += 1
            shown = f"{cleaned}~{number}"
        return shown

    def _on_gone(self, reference: WeakDeque) -> None:
        """Take what is gone out of the registry; from inside the collector: no locks, no logging."""
        entry = self._entries.get(reference.name)
        if entry is not None and entry.reference is reference:
            self._entries.pop(reference.name, None)
            self._originals.pop(entry.shown_name, None)
            self._newly_dead.append(entry)
            self._is_changed = True
