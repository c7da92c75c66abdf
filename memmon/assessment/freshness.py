"""How fresh a source is: whether it lives, how it ended, whether it is silent, or its clock runs ahead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 -- the JSON Schema is made from these annotations
from enum import StrEnum
from typing import TYPE_CHECKING

from memmon.facts.run_endings import ENDS_ON_PURPOSE, IMPORTED
from memmon.facts.staleness import Staleness, newest_interval_seconds, staleness

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    future. `is_stale`: older than three intervals, and not ended as somebody meant. `end_reason`: how the run ended.
    """

    state: FreshnessState
    last_at: datetime | None
    age_seconds: float | None
    interval_seconds: float | None
    is_stale: bool
    end_reason: str | None = None

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
    last_at = max((run.last_at for run in runs if run.last_at is not None), default=None)
    newest = [run for run in runs if run.last_at is not None and run.last_at == last_at]
    is_alive = any(is_running(run, now=now) for run in runs)
    return freshness(
        last_at,
        now=now,
        interval_seconds=newest_interval_seconds(runs),
        end_reason=None if is_alive or not newest else newest[-1].end_reason,
    )


def is_running(run: RunInfo, *, now: datetime) -> bool:
    """Tell whether a run goes on: it has no end, and its newest sample is not stale."""
    age = staleness(run.last_at, now=now, interval_seconds=run.interval_seconds)
    return run.end_reason is None and run.last_at is not None and not age.is_stale


def _state(age: Staleness, *, now: datetime, end_reason: str | None) -> FreshnessState:
    if age.last_at is None:
        return FreshnessState.SILENT
    if (age.last_at - now).total_seconds() > CLOCK_TOLERANCE_SECONDS:
        return FreshnessState.CLOCK_AHEAD
    if end_reason not in {None, IMPORTED}:
        return FreshnessState.ENDED if end_reason in ENDS_ON_PURPOSE else FreshnessState.ENDED_BADLY
    return FreshnessState.SILENT if age.is_stale else FreshnessState.LIVE
