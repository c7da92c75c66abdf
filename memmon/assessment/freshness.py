"""How fresh a source is: whether it lives, how it ended, whether it is silent, or its clock runs ahead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime  # noqa: TC003 -- the JSON Schema is made from these annotations
from enum import StrEnum
from typing import TYPE_CHECKING

from memmon.facts.recording_order import newest_ahead, newest_recorded
from memmon.facts.run_endings import ENDS_ON_PURPOSE, IMPORTED
from memmon.facts.staleness import Staleness, newest_interval_seconds, staleness
from memmon.formatting import local_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.store.read import RunInfo

CLOCK_TOLERANCE_SECONDS = 60.0
"""What is further ahead is a wrong clock. Chosen: clocks of two machines that are kept by the network differ by less."""


class FreshnessState(StrEnum):
    """What the newest sample's age means."""

    LIVE = "live"
    ENDED = "ended"
    ENDED_BADLY = "ended_badly"
    SILENT = "silent"
    CLOCK_AHEAD = "clock_ahead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old the newest sample is, and what that means.

    `state`: `live`; `ended`, as somebody meant; `ended_badly`, by an exception, a kill, or unseen; `silent`:
    neither an end nor a sample for three intervals (or none at all); `clock_ahead`: the newest sample lies in the
    future. `is_stale`: older than three intervals, and not ended as somebody meant. `end_reason`: how the run ended.

    `last_at` is the newest sample that does not lie in the future, and `age_seconds` is never below zero.
    `ahead_until`: the time of the newest that does and is set aside, where it was recorded after all others; then
    nothing tells whether the source still records, and it is stale unless it ended as somebody meant.
    """

    state: FreshnessState
    last_at: datetime | None
    age_seconds: float | None
    interval_seconds: float | None
    is_stale: bool
    end_reason: str | None = None
    ahead_until: datetime | None = None

    @property
    def staleness(self) -> Staleness:
        """The same without the state, as the command line and the report tell it."""
        return Staleness(
            last_at=self.last_at,
            age_seconds=self.age_seconds,
            interval_seconds=self.interval_seconds,
            is_stale=self.is_stale,
        )


def freshness(
    last_at: datetime | None, *, now: datetime, interval_seconds: float | None, end_reason: str | None = None
) -> Freshness:
    """Return how fresh a source is whose newest sample is of `last_at`, and whose run ended so (None: no end)."""
    age = staleness(last_at, now=now, interval_seconds=interval_seconds, end_reason=end_reason)
    return Freshness(
        state=_state(age, now=now, end_reason=end_reason),
        last_at=age.last_at,
        age_seconds=age.age_seconds,
        interval_seconds=age.interval_seconds,
        is_stale=age.is_stale,
        end_reason=end_reason,
    )


def freshness_of(runs: Sequence[RunInfo], *, now: datetime) -> Freshness:
    """Return how fresh a source with these runs is: by the one that was sampled last, while none lives.

    Beside one that goes on, another that has just ended says nothing of the source.
    """
    newest = newest_recorded(runs)
    is_alive = any(is_running(run, now=now) for run in runs)
    ahead = None if is_alive else newest_ahead(runs)
    speaking = ahead or newest
    found = freshness(
        None if newest is None else newest.last_at,
        now=now,
        interval_seconds=(newest and newest.interval_seconds) or newest_interval_seconds(runs),
        end_reason=None if is_alive or speaking is None else speaking.end_reason,
    )
    if ahead is None:
        return found
    return replace(
        found,
        state=FreshnessState.CLOCK_AHEAD,
        is_stale=ahead.end_reason not in ENDS_ON_PURPOSE,
        ahead_until=ahead.ahead_at,
    )


def set_aside(runs: Sequence[RunInfo]) -> tuple[int, datetime | None]:
    """Return how many samples lie in the future, and up to when: None where it is not known."""
    return (
        sum(run.ahead_count for run in runs),
        max((run.ahead_until for run in runs if run.ahead_until is not None), default=None),
    )


def set_aside_sentence(count: int, until: datetime | None) -> str:
    """Return what is said of samples that lie in the future; empty where there are none."""
    if not count:
        return ""
    samples = "1 sample lies" if count == 1 else f"{count:,} samples lie"
    reach = "" if until is None else f" (up to {local_time(until)})"
    return f"{samples} in the future{reach} and {'is' if count == 1 else 'are'} set aside: a clock was ahead"


def ahead_sentence(fresh: Freshness) -> str:
    """Return what is said, and what is to be done, where the newest samples are labelled later than now; else empty."""
    if fresh.ahead_until is None:
        return ""
    newest = "all samples lie" if fresh.last_at is None else "the newest samples lie"
    reach = local_time(fresh.ahead_until)
    return f"clock ahead: {newest} in the future (up to {reach}); set the clock right, see `memmon doctor`"


def is_running(run: RunInfo, *, now: datetime) -> bool:
    """Tell whether a run goes on: it has no end, and its newest sample is not stale."""
    age = staleness(run.last_at, now=now, interval_seconds=run.interval_seconds)
    if run.end_reason is not None or run.last_at is None or run.is_clock_ahead:
        return False
    return not age.is_stale


def _state(age: Staleness, *, now: datetime, end_reason: str | None) -> FreshnessState:
    if age.last_at is None:
        return FreshnessState.SILENT
    if (age.last_at - now).total_seconds() > CLOCK_TOLERANCE_SECONDS:
        return FreshnessState.CLOCK_AHEAD
    if end_reason not in {None, IMPORTED}:
        return FreshnessState.ENDED if end_reason in ENDS_ON_PURPOSE else FreshnessState.ENDED_BADLY
    return FreshnessState.SILENT if age.is_stale else FreshnessState.LIVE
