"""Rejuvenation: a planned restart before the limit, asked for by a callback or a signal.

It is a stopgap for a leak that is not mended yet, so it is careful: it drains first, waits for a quiet hour
while there is time, restarts rarely, and refuses where a restart can't help (the base itself is over).
"""

from __future__ import annotations

import logging
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from memmon.guest.shielding import log_safely
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, tzinfo

    from memmon.model import Snapshot

log = logging.getLogger("memmon")

Decision = Literal["wait", "drain", "restart", "too_soon", "not_quiet", "base_over", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejuvenationPolicy:
    """When a restart is due; percentages are of the limit in force.

    `quiet_hours`: pairs of local hours (begin, end) in which a restart is welcome, such as `((2, 5),)`; empty:
    always. From `urgent_percent` on it is not waited for one. Raises ValueError for what can't be.
    """

    at_percent: float = 90.0
    urgent_percent: float = 97.0
    base_percent: float = 80.0
    """A process that holds this much of the limit when it is young is not helped by a restart."""
    base_after_seconds: float = 600.0
    """How old a process must be for its memory to be its base."""
    drain_seconds: float = 60.0
    """Between telling the program to take no more work and the restart."""
    quiet_hours: tuple[tuple[float, float], ...] = ()
    least_gap_hours: float = 6.0
    """A process younger than this was restarted too lately: restarting again is no cure."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if not 0 < self.base_percent <= self.at_percent <= self.urgent_percent <= 100:  # noqa: PLR2004 -- percent
            msg = "0 < base_percent <= at_percent <= urgent_percent <= 100 must hold"
            raise ValueError(msg)
        if self.drain_seconds < 0 or self.least_gap_hours < 0 or self.base_after_seconds < 0:
            msg = "drain_seconds, least_gap_hours and base_after_seconds must not be negative"
            raise ValueError(msg)
        if any(not (0 <= begin <= 24 and 0 <= end <= 24) for begin, end in self.quiet_hours):  # noqa: PLR2004 -- hours
            msg = f"quiet_hours are pairs of hours from 0 to 24, not {self.quiet_hours!r}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejuvenationState:
    """What is remembered from one snapshot to the next."""

    base_percent: float | None = None
    draining_since: datetime | None = None
    is_asked: bool = False


def used_percent(snapshot: Snapshot) -> float | None:
    """Return how much of the limit is used; the process's own memory where the limit's is not known."""
    counted = snapshot.counted_bytes
    used = snapshot.rss_bytes if counted is None else counted
    if used is None or not snapshot.limit_bytes:
        return None
    return 100.0 * used / snapshot.limit_bytes


def decide(
    state: RejuvenationState, snapshot: Snapshot, policy: RejuvenationPolicy, *, tz: tzinfo | None = None
) -> tuple[RejuvenationState, Decision]:
    """Return what to do after a snapshot; pure. `tz`: where the quiet hours are (default: local time)."""
    percent = used_percent(snapshot)
    if percent is None:
        return state, "unknown"
    base = state.base_percent
    if base is None and snapshot.uptime_seconds >= policy.base_after_seconds:
        base = percent
    state = RejuvenationState(base_percent=base, draining_since=state.draining_since, is_asked=state.is_asked)
    if state.draining_since is not None:
        drained = (snapshot.at - state.draining_since).total_seconds() >= policy.drain_seconds
        if not drained or state.is_asked:
            return state, "wait"
        return _asked(state), "restart"
    refusal = _refusal(base, percent, snapshot, policy, tz)
    if refusal is not None:
        return state, refusal
    state = RejuvenationState(base_percent=base, draining_since=snapshot.at)
    return (state, "drain") if policy.drain_seconds else (_asked(state), "restart")


def _refusal(
    base: float | None, percent: float, snapshot: Snapshot, policy: RejuvenationPolicy, tz: tzinfo | None
) -> Decision | None:
    """Return why no restart is begun now; None when it is."""
    if percent < policy.at_percent:
        return "wait"
    if base is None or base >= policy.base_percent:
        # Over the limit's share from the start: after a restart it would be there again.
        return "base_over"
    if snapshot.uptime_seconds < policy.least_gap_hours * SECONDS_PER_HOUR:
        return "too_soon"
    if percent < policy.urgent_percent and not _is_quiet(snapshot.at, policy, tz):
        return "not_quiet"
    return None


class Rejuvenation:
    """Asks for a restart; call `consider(recorder.take_snapshot())` from the program's heartbeat.

    `on_drain()` is called first (stop taking work), `on_restart` after the drain time: a callback, or a
    signal that this process sends itself. What they raise is logged. Refusals are logged once.
    """

    def __init__(
        self,
        on_restart: Callable[[], object] | signal.Signals = signal.SIGTERM,
        *,
        on_drain: Callable[[], object] | None = None,
        policy: RejuvenationPolicy | None = None,
    ) -> None:
        if not (callable(on_restart) or isinstance(on_restart, signal.Signals)):
            msg = f"on_restart must be a callable or a signal, not {type(on_restart).__name__}"
            raise TypeError(msg)
        self._on_restart = on_restart
        self._on_drain = on_drain
        self._policy = policy or RejuvenationPolicy()
        self._state = RejuvenationState()
        self._logged: set[Decision] = set()

    def consider(self, snapshot: Snapshot) -> Decision:
        """Do what a snapshot calls for, and return what that was."""
        self._state, decision = decide(self._state, snapshot, self._policy)
        if decision == "drain":
            log_safely(
                log, logging.WARNING, "memmon: memory nears its limit; draining before a planned restart"
            )
            self._call(self._on_drain)
        elif decision == "restart":
            log_safely(log, logging.WARNING, "memmon: asking for the planned restart")
            if isinstance(self._on_restart, signal.Signals):
                os.kill(os.getpid(), self._on_restart)
            else:
                self._call(self._on_restart)
        elif decision in {"base_over", "too_soon"} and decision not in self._logged:
            self._logged.add(decision)
            log_safely(
                log,
                logging.ERROR,
                "memmon: memory nears its limit, but no restart is asked for: %s",
                _WHY[decision],
            )
        return decision

    def _call(self, function: Callable[[], object] | None) -> None:
        if function is None:
            return
        try:
            function()
        except Exception as error:
            log_safely(log, logging.ERROR, "memmon: the rejuvenation callback raised %r", error)


_WHY: dict[Decision, str] = {
    "base_over": "its memory was as high soon after its start, so that a restart can't help",
    "too_soon": "it was restarted too lately; mend the leak or raise the limit",
}


def _asked(state: RejuvenationState) -> RejuvenationState:
    return RejuvenationState(
        base_percent=state.base_percent, draining_since=state.draining_since, is_asked=True
    )


def _is_quiet(at: datetime, policy: RejuvenationPolicy, tz: tzinfo | None) -> bool:
    if not policy.quiet_hours:
        return True
    local = at.astimezone(tz)
    hour = local.hour + local.minute / 60
    return any(
        begin <= hour < end if begin <= end else hour >= begin or hour < end
        for begin, end in policy.quiet_hours
    )
