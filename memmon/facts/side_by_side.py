"""Which runs are processes side by side, and which are restarts: one rule, for every command, page, metric and verdict.

Runs that overlap are processes beside one another; runs that follow one another are starts of one process. Each run
gets a lane: it takes the place of the run that it follows, or opens a lane of its own. There are as many processes as
lanes, and every other run is a restart.

Labels of clocks and recorded ends are not exact. A run follows another also where it begins a little before the other
ends (the old one drains while the new one warms up), where both are of one process, and where its machine has been
started anew since. A run of which no end is known goes on until it falls silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.facts.run_endings import IMPORTED
from memmon.facts.staleness import stale_after_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HANDOVER_SECONDS = 600.0
"""So long the old and the new process of one restart may both live. Chosen: twice a long graceful time-out."""
HANDOVER_SHARE = 0.5
"""Share of the old one's life that this may be at most: processes that live together for long are two."""
BOOT_CLOCK_SECONDS = 3_900.0
"""So far a machine's clock may lie behind just after its start: without a battery it goes on from its last hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """When a run was there, in seconds of one clock, and who it was; None: not known."""

    run_id: int
    begin_seconds: float
    end_seconds: float
    """Its last sign of life."""
    end_reason: str | None = None
    interval_seconds: float | None = None
    """How often samples are due."""
    host: str | None = None
    boot_id: str | None = None
    pid: int | None = None
    born_seconds: float | None = None
    """When its process began, which may be long before the run."""

    @property
    def is_over(self) -> bool:
        """Tell whether its end is known; one that was imported ends where its file does, and may have gone on."""
        return self.end_reason not in {None, IMPORTED}

    @property
    def silent_after_seconds(self) -> float:
        """How long nothing may be heard of it before it is taken for gone."""
        return stale_after_seconds(self.interval_seconds)

    def is_open(self, at_seconds: float) -> bool:
        """Tell whether it may still live at a moment: neither ended nor silent."""
        return not self.is_over and at_seconds - self.end_seconds <= self.silent_after_seconds

    def until(self, at_seconds: float) -> float:
        """Return up to when it lived, as it is known at a moment."""
        return max(self.end_seconds, at_seconds) if self.is_open(at_seconds) else self.end_seconds


Lane = tuple[Life, ...]
"""Runs that follow one another: the starts of one process, oldest first."""


def follows(later: Life, earlier: Life, *, at_seconds: float) -> bool:
    """Tell whether a run takes the place of one that began before it: a restart, as it is known at a moment."""
    until = earlier.until(at_seconds)
    overlap = until - later.begin_seconds
    if overlap <= 0.0:
        return True
    heard_of_both = earlier.end_seconds - later.begin_seconds
    if _is_same_process(later, earlier) and heard_of_both <= HANDOVER_SECONDS:
        return True
    if _was_started_anew(later, earlier) and heard_of_both <= BOOT_CLOCK_SECONDS:
        return True
    if later.until(at_seconds) <= until:
        return False
    return overlap <= HANDOVER_SECONDS and overlap <= HANDOVER_SHARE * (until - earlier.begin_seconds)


def lanes(lives: Iterable[Life], *, at_seconds: float | None = None) -> tuple[Lane, ...]:
    """Return the lanes of some runs, as they are known at a moment (default: their last sign of life)."""
    ordered = sorted(lives, key=lambda one: (one.begin_seconds, one.run_id))
    if not ordered:
        return ()
    at = max(one.end_seconds for one in ordered) if at_seconds is None else at_seconds
    found: list[list[Life]] = []
    for one in ordered:
        left = [lane for lane in found if follows(one, lane[-1], at_seconds=at)]
        if left:
            # Its own process goes on; else who ended just now is replaced, not who ended long ago.
            min(left, key=lambda lane: _distance(one, lane[-1])).append(one)
        else:
            found.append([one])
    return tuple(tuple(lane) for lane in found)


def living(found: Sequence[Lane], *, at_seconds: float) -> tuple[Lane, ...]:
    """Return the lanes whose newest run lives at a moment; where all have ended, those that were there at the end."""
    there = tuple(lane for lane in found if lane[-1].is_open(at_seconds))
    if there or not found:
        return there
    end = max(lane[-1].end_seconds for lane in found)
    return tuple(lane for lane in found if end - lane[-1].end_seconds <= lane[-1].silent_after_seconds)


def _is_same_process(one: Life, other: Life) -> bool:
    """Tell whether two runs are of one process, which has started its recorder again."""
    known = (one.host, one.pid, one.born_seconds)
    return None not in known and known == (other.host, other.pid, other.born_seconds)


def _was_started_anew(later: Life, earlier: Life) -> bool:
    """Tell whether a machine was started anew between two runs: nothing lives through that."""
    boots = {later.boot_id, earlier.boot_id}
    is_same_host = later.host is not None and later.host == earlier.host
    return is_same_host and None not in boots and len(boots) > 1 and later.run_id > earlier.run_id


def _distance(one: Life, before: Life) -> tuple[bool, float]:
    return not _is_same_process(one, before), abs(one.begin_seconds - before.end_seconds)
