"""How fresh a source is: whether it lives, how it ended, whether it is silent, or its clock runs ahead."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from memmon.facts.run_endings import MEANT_ENDS
from memmon.facts.staleness import Staleness, newest_interval_seconds, staleness

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.store.read import RunInfo

CLOCK_TOLERANCE_SECONDS = 60.0
"""Clocks of two machines that are kept by the network differ by less: what is further ahead is a wrong clock."""


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
    future. `is_stale`: too old for the interval, and no end that somebody meant explains it.
    """

    state: FreshnessState
    last_at: datetime | None
    age_seconds: float | None
    interval_seconds: float | None
    is_stale: bool

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
    age = staleness(last_at, now=now, interval_seconds=interval_seconds)
    state = _state(age, now=now, end_reason=end_reason)
    return Freshness(
        state=state,
        last_at=age.last_at,
        age_seconds=age.age_seconds,
        interval_seconds=age.interval_seconds,
        is_stale=age.is_stale and state is not FreshnessState.ENDED,
    )


def freshness_of(runs: Sequence[RunInfo], *, now: datetime) -> Freshness:
    """Return how fresh a source with these runs is: by the one that was sampled last."""
    sampled = [run for run in runs if run.last_at is not None]
    newest = max(sampled, key=lambda run: run.last_at or run.started_at, default=None)
    return freshness(
        None if newest is None else newest.last_at,
        now=now,
        interval_seconds=newest_interval_seconds(runs),
        end_reason=None if newest is None else newest.end_reason,
    )


def _state(age: Staleness, *, now: datetime, end_reason: str | None) -> FreshnessState:
    if age.last_at is None:
        return FreshnessState.SILENT
    if (age.last_at - now).total_seconds() > CLOCK_TOLERANCE_SECONDS:
        return FreshnessState.CLOCK_AHEAD
    if end_reason is not None:
        return FreshnessState.ENDED if end_reason in MEANT_ENDS else FreshnessState.ENDED_BADLY
    return FreshnessState.SILENT if age.is_stale else FreshnessState.LIVE
