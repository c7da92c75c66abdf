"""What is not recorded is known: the living children of the recorded process, noted as events of its run.

Which of them record by themselves is told when the history is read, by the runs that are stored. The writer thread
looks: a while after the start, then as often as snapshots are due, and never for more than a thousandth of its time.
In between it takes a glance at who the process's own children are: one who has come or gone is looked at within seconds,
whatever the interval. A set of children that stays as it is costs a row a day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.child.mark import MARK_VARIABLE
from memmon.clock import SystemClock, processor_seconds
from memmon.facts.children import CHILDREN_KIND, ChildRow, children_data
from memmon.guest.hooks import fork_free
from memmon.probe.process.children import ChildrenProbe
from memmon.units import MIB, MS_PER_SECOND, SECONDS_PER_DAY, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memmon.clock import Clock
    from memmon.probe.process.children import ChildProcess
    from memmon.store.write.open_run import OpenRun

FIRST_LOOK_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 300.0
REST_FACTOR = 1_000.0
"""A look is followed by a rest of so many times what it took of the processor."""
SHORTEST_GLANCE_PAUSE_SECONDS, LONGEST_GLANCE_PAUSE_SECONDS = 0.5, 10.0
GLANCE_PAUSE_SHARE = 0.05
"""Of the time since the start: workers come mostly with their program."""
SETTLED_AFTER_SECONDS = 1.5
"""So long after somebody came or went a look is made: it passes over younger ones."""
MOST_NOTES_AT_ONCE = 5.0
"""Who lives is noted at once whenever it changes, so many times; then one note more is allowed with each interval."""
ROOMY_COUNT = 16
"""More children than this make the notes rarer in proportion: a row names each of them."""
_WORTH_NOTING_SHARE, _WORTH_NOTING_BYTES = 0.1, 4 * MIB


class ChildWatch:
    """Looks after the children of one recorder's process. Only the writer thread comes here, but for `begin`."""

    def __init__(
        self, *, clock: Clock, put: Callable[[OpenRun, object], None], probe: ChildrenProbe | None = None
    ) -> None:
        self._clock = clock
        self._put = put
        self._probe = probe or self._probe_of(None)
        self._state: OpenRun | None = None
        self._forget()

    def _probe_of(self, pid: int | None) -> ChildrenProbe:
        return ChildrenProbe(
            pid, monotonic=self._clock.monotonic, stopwatch=SystemClock().monotonic, mark=MARK_VARIABLE
        )

    def follow(self, pid: int) -> None:
        """Look after the children of another process."""
        self._probe = self._probe_of(pid)

    def _forget(self) -> None:
        self._due_at: float | None = None
        self._glance_at = self._rested_at = 0.0
        self._direct: frozenset[int] | None = frozenset()
        self._allowed_count = MOST_NOTES_AT_ONCE
        self._begun_at = 0.0
        self._noted: tuple[ChildProcess, ...] = ()
        self._noted_at: float | None = None

    def begin(self, state: OpenRun | None) -> None:
        """Follow a new run; None: there is none any more."""
        self._state = state
        self._forget()

    def after_fork_in_child(self) -> None:
        """Forget the parent's children, and its run."""
        if self._probe.pid_is_own:
            self._probe = self._probe_of(None)
        self.begin(None)

    def tick(self) -> float:
        """Look when it is due; returns seconds until the next look."""
        state, now = self._state, self._clock.monotonic()
        if state is None:
            return LONGEST_PAUSE_SECONDS
        if self._due_at is None:
            self._begun_at, self._due_at = now, now + FIRST_LOOK_SECONDS
        if now >= self._glance_at:
            self._due_at = self._glance(now, due_at=self._due_at)
        if now >= self._due_at:
            took_seconds = self._look(state, now)
            pause = min(self._pause_seconds(state, now), LONGEST_PAUSE_SECONDS)
            self._rested_at = now + REST_FACTOR * took_seconds
            self._due_at = max(now + pause, self._rested_at)
        return min(self._due_at, self._glance_at) - now

    def _glance(self, now: float, *, due_at: float) -> float:
        """Look who the own children are, and nothing else; return when the next look is due: soon, where they are others."""
        begun = processor_seconds()
        before, self._direct = self._direct, fork_free(self._probe.direct)
        took_seconds = processor_seconds() - begun
        if self._direct is None:  # it can't be told so: the next look does
            self._glance_at = float("inf")
            return due_at
        pause = min(
            max(GLANCE_PAUSE_SHARE * (now - self._begun_at), SHORTEST_GLANCE_PAUSE_SECONDS),
            LONGEST_GLANCE_PAUSE_SECONDS,
        )
        self._glance_at = now + max(pause, REST_FACTOR * took_seconds)
        if self._direct == before:
            return due_at
        return max(now + SETTLED_AFTER_SECONDS, self._rested_at)

    def _pause_seconds(self, state: OpenRun, now: float) -> float:
        """Return an interval; at first less: workers are started, and grow, soon after their program."""
        interval = state.record.interval_seconds or LONGEST_PAUSE_SECONDS
        return min(interval, max((now - self._begun_at) / 2, FIRST_LOOK_SECONDS))

    def _look(self, state: OpenRun, now: float) -> float:
        begun = processor_seconds()
        # Who has no child has no descendant either.
        found = () if self._direct == frozenset() else fork_free(self._probe.read)
        if self._is_worth_noting(found, now, pause_seconds=self._pause_seconds(state, now)):
            self._noted, self._noted_at = found, now
            self._put(state, state.event(self._clock, CHILDREN_KIND, _words(found), _data(found)))
        return processor_seconds() - begun

    def _is_worth_noting(self, found: tuple[ChildProcess, ...], now: float, *, pause_seconds: float) -> bool:
        if not found and not self._noted:
            return False
        if self._noted_at is None:
            return True
        passed = now - self._noted_at
        pause = min(pause_seconds, SECONDS_PER_HOUR) * max(1.0, len(found) / ROOMY_COUNT)
        allowed_count = min(self._allowed_count + passed / pause, MOST_NOTES_AT_ONCE)
        if _keys(found) != _keys(self._noted):
            is_worth = allowed_count >= 1.0
        elif _has_changed(_held(found), _held(self._noted)):
            is_worth = passed >= pause
        else:
            is_worth = passed >= SECONDS_PER_DAY
        if is_worth:
            self._allowed_count = max(allowed_count - 1.0, 0.0)
        return is_worth


def _keys(found: Sequence[ChildProcess]) -> set[tuple[int, float | None]]:
    return {(one.pid, one.started_at_seconds) for one in found}


def _held(found: Sequence[ChildProcess]) -> int:
    return sum(one.held_bytes for one in found)


def _has_changed(held: int, before: int) -> bool:
    return abs(held - before) > max(_WORTH_NOTING_BYTES, _WORTH_NOTING_SHARE * before)


def _words(found: Sequence[ChildProcess]) -> str:
    return f"{len(found)} living child {'process' if len(found) == 1 else 'processes'}"


def _data(found: Sequence[ChildProcess]) -> dict[str, object]:
    return children_data(
        ChildRow(
            pid=one.pid,
            started_ms=None
            if one.started_at_seconds is None
            else round(one.started_at_seconds * MS_PER_SECOND),
            rss_bytes=one.rss_bytes,
            pss_bytes=one.pss_bytes,
            name=one.name,
        )
        for one in found
    )
