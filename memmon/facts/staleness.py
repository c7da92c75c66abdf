"""Whether a source is stale: one rule, in the source's own intervals, for every command, page, metric and alert.

Nobody is missed after an end that somebody meant: a run that was stopped on purpose has ended, and is not stale. (An imported history is, once
its newest sample is too old: the file tells nothing of how the program ended.)
A source whose interval was not recorded is taken to be read at the default one: else nobody would ever
be told that it has fallen silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 -- the JSON Schema is made from these annotations
from typing import TYPE_CHECKING, Protocol

from memmon.facts.defaults import INTERVAL_SECONDS
from memmon.facts.run_endings import ENDS_ON_PURPOSE

if TYPE_CHECKING:
    from collections.abc import Iterable

STALE_INTERVAL_COUNT = 3
"""A source is stale once this many intervals have passed without a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """How old the newest sample is, and whether another is missed."""

    last_at: datetime | None
    age_seconds: float | None
    interval_seconds: float | None
    is_stale: bool


class TimedRun(Protocol):
    """A run as far as its samples' times go."""

    @property
    def last_at(self) -> datetime | None:
        """When its newest sample was taken."""

    @property
    def interval_seconds(self) -> float | None:
        """How often samples are due."""


def newest_interval_seconds(runs: Iterable[TimedRun]) -> float | None:
    """Return the interval of the run that was sampled last; None where no run has samples and an interval."""
    known = [(run.last_at, run.interval_seconds) for run in runs if run.last_at and run.interval_seconds]
    return max(known)[1] if known else None


def stale_after_seconds(
    interval_seconds: float | None, *, interval_count: float = STALE_INTERVAL_COUNT
) -> float:
    """Return the age that a newest sample may have before its source is stale (interval None: not known)."""
    return interval_count * (interval_seconds or INTERVAL_SECONDS)


def is_stale(
    age_seconds: float,
    interval_seconds: float | None,
    *,
    interval_count: float = STALE_INTERVAL_COUNT,
    end_reason: str | None = None,
) -> bool:
    """Tell whether a newest sample of that age is missed; `end_reason`: how its run ended (None: it did not)."""
    if end_reason in ENDS_ON_PURPOSE:
        return False
    return age_seconds > stale_after_seconds(interval_seconds, interval_count=interval_count)


def staleness(
    last_at: datetime | None,
    *,
    now: datetime,
    interval_seconds: float | None,
    end_reason: str | None = None,
) -> Staleness:
    """Return how old the last sample is at `now`; one that lies ahead of `now` has the age 0."""
    if last_at is None:
        return Staleness(last_at=None, age_seconds=None, interval_seconds=interval_seconds, is_stale=False)
    age_seconds = max((now - last_at).total_seconds(), 0.0)
    return Staleness(
        last_at=last_at,
        age_seconds=age_seconds,
        interval_seconds=interval_seconds,
        is_stale=is_stale(age_seconds, interval_seconds, end_reason=end_reason),
    )
