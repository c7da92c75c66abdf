"""The scheduled checks: every hour a child process judges the history and says what to tell.

It also folds and prunes what the retention settings call old, and once a day looks at every page of
the file: damage in pages that no write meets would else lie there until somebody reads them.

The child decides from the store whether a daily report is due, so that the day is counted over
restarts. The writer thread starts it, looks for its answer and never waits for it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memmon.child import AnsweredError, require_headroom
from memmon.child.requests import Checked, Inspect
from memmon.errors import ChildError, StoreDamagedError
from memmon.guest.shielding import log_safely
from memmon.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.child import Children
    from memmon.child.requests import Check, Inspected
    from memmon.child.starts import RunningChild
    from memmon.clock import Clock
    from memmon.model import Snapshot

log = logging.getLogger("memmon")

FIRST_CHECK_SECONDS = 600.0
CHECK_EVERY_SECONDS = 3_600.0
RETRY_SECONDS = 600.0
CHECK_TIMEOUT_SECONDS = 120.0
_LOOK_SECONDS = 0.25
_LONG_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """What the hourly child is asked to do."""

    leak_check: bool
    daily_report: bool

    @property
    def every_seconds(self) -> float:
        """How often: with both turned off, daily, for the retention alone."""
        return CHECK_EVERY_SECONDS if self.leak_check or self.daily_report else float(SECONDS_PER_DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCalls:
    """What the checks ask of their owner, and tell it."""

    request: Callable[[], Check | None]
    """What the child is asked; None: not yet."""
    latest: Callable[[], Snapshot | None]
    identity: Callable[[], object]
    """Of the file, to tell it from another at the same path."""
    on_answer: Callable[[Checked], None]
    on_damage: Callable[[str, object], None]
    """Called with what two looks found damaged, and the file's identity at the first."""
    on_off: Callable[[str], None]
    """Called once a run, with why no child can be had in it (any more)."""


class HourlyCheck:
    """Runs the hourly child of one recorder. Only the writer thread comes here."""

    def __init__(self, plan: CheckPlan, calls: CheckCalls, *, clock: Clock, children: Children) -> None:
        self._plan = plan
        self._calls = calls
        self._clock = clock
        self._children = children
        self._is_off = self._has_looked = False
        self._looked_at: float | None = None
        self._suspected_at: float | None = None
        self._suspicion: tuple[str, object] | None = None
        self._due_at: float | None = None
        self._child: RunningChild[Checked | Inspected] | None = None

    def reset(self) -> None:
        """Forget the schedule: a new run begins."""
        self._due_at = None
        self._is_off = self._has_looked = False

    def after_fork_in_child(self) -> None:
        """Forget the schedule and the child, which is the parent's."""
        self._due_at = self._suspicion = self._child = None
        self._is_off = self._has_looked = False

    def end(self) -> None:
        """End a running child: the recorder stops."""
        child, self._child = self._child, None
        self._suspicion = None
        if child is not None:
            child.kill()

    def tick(self) -> float:
        """Start the child when it is due, take its answer when it has one; returns seconds to wait."""
        if self._is_off or self._cant_be_had():
            return _LONG_SECONDS
        if self._child is not None:
            self._look()
            return _LOOK_SECONDS if self._child is not None else _LONG_SECONDS
        now = self._clock.monotonic()
        if self._due_at is None:
            self._due_at = now + FIRST_CHECK_SECONDS
        if now >= self._due_at:
            self._start(now)
            return _LOOK_SECONDS
        return min(self._due_at - now, _LONG_SECONDS)

    def _cant_be_had(self) -> bool:
        """Look whether a child can be had in this run at all; says it once when not."""
        if self._child is not None or (self._has_looked and self._children.note is None):
            return False
        self._has_looked = True
        why = self._children.why_none()
        if why is not None:
            self._is_off = True
            self._calls.on_off(why)
        return why is not None

    def _start(self, now: float) -> None:
        request = self._calls.request()
        if request is None:
            self._due_at = now + RETRY_SECONDS
            return
        self._due_at = now + self._plan.every_seconds
        looks_at_all = self._looked_at is None or now - self._looked_at >= SECONDS_PER_DAY
        if self._begin(replace(request, look_at_all_pages=looks_at_all)) and looks_at_all:
            self._looked_at = now

    def _begin(self, request: Check | Inspect) -> bool:
        try:
            require_headroom(self._calls.latest())
            self._child = self._children.start(request, timeout_seconds=CHECK_TIMEOUT_SECONDS)
        except ChildError as error:
            self._put_off(error)
            return False
        return True

    def _look(self) -> None:
        assert self._child is not None
        suspicion = self._suspicion
        try:
            answer = self._child.poll()
        except ChildError as error:
            self._child = self._suspicion = None
            self._not_answered(error, is_first=suspicion is None)
            return
        if answer is None:
            return
        self._child = self._suspicion = None
        if suspicion is not None:
            if answer.damage:
                self._calls.on_damage(*suspicion)
        elif answer.damage:
            self._look_again(answer.damage)
        elif isinstance(answer, Checked):
            self._calls.on_answer(answer)

    def _not_answered(self, error: ChildError, *, is_first: bool) -> None:
        is_damaged = isinstance(error, AnsweredError) and error.kind == StoreDamagedError.__name__
        if is_first and is_damaged:
            self._look_again(str(error))
        self._put_off(error)

    def _look_again(self, text: str) -> None:
        """Have another child look before a file is taken for damaged; at most once a day."""
        now, request = self._clock.monotonic(), self._calls.request()
        if request is None or (self._suspected_at is not None and now - self._suspected_at < SECONDS_PER_DAY):
            return
        seen = self._calls.identity()
        if self._begin(Inspect(database=request.database, in_all_pages=True)):
            self._suspected_at, self._suspicion = now, (text, seen)

    def _put_off(self, error: ChildError) -> None:
        # Another version stays another one until the program is restarted; one half installed does not.
        is_lasting = isinstance(error, AnsweredError) and error.is_of_another_version
        seconds = SECONDS_PER_DAY if is_lasting else RETRY_SECONDS
        self._due_at = self._clock.monotonic() + seconds
        log_safely(
            log,
            logging.WARNING,
            "memmon: the hourly check is put off for %d %s: %s",
            *((24, "hours") if is_lasting else (seconds / 60, "minutes")),
            error,
        )
