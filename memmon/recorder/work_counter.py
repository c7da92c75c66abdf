"""Counting the program's units of work, from any thread."""

from __future__ import annotations

import threading

from memmon.facts.names import clean_name

DEFAULT_NAME = "work"
"""What is counted without a name."""

MAX_NAME_COUNT = 1_000
"""So many names are told apart; a counter is never let go, as its total would fall."""

OTHER_NAMES = "(other names)"
"""What is counted under further names."""


class WorkCounter:
    """Counts by name; `add` may interrupt itself (a signal handler) without harm."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._counts: dict[str, int] = {}

    def add(self, amount: int, name: str) -> None:
        """Add `amount` units to `name`; to the other names where there are too many."""
        with self._lock:
            shown = clean_name(name)
            if shown not in self._counts and len(self._counts) >= MAX_NAME_COUNT:
                shown = OTHER_NAMES
            self._counts[shown] = self._counts.get(shown, 0) + amount

    def total(self) -> int | None:
        """Return the units over all names; None when nothing was ever counted."""
        counts = list(self._counts.values())
        return sum(counts) if counts else None

    def by_name(self) -> tuple[tuple[str, int], ...]:
        """Return (name, units) sorted by name; nothing while no name was ever given: the total says all."""
        with self._lock:
            # A copy is made in one go: a finaliser that counts in the middle of it does no harm.
            counts = self._counts.copy()
        return tuple(sorted(counts.items())) if counts.keys() - {DEFAULT_NAME} else ()

    def after_fork_in_child(self) -> None:
        """Begin a new lock: another thread of the parent may have held the old one."""
        self._lock = threading.RLock()
        self._counts = {}
