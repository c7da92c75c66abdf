"""The order of recording: which run holds a source's present. Wall clocks are labels, and may be wrong.

What is labelled later than now is set aside: it is neither a source's present, nor does it make anything fresh.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from memmon.facts.run_endings import IMPORTED
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

FUTURE_AFTER_SECONDS = 300.0
"""Clocks of two machines differ by minutes where nobody keeps them: only what is labelled later is set aside."""

SAME_CLOCK_MS = 60_000
"""A clock that moved by less against the uptime was not set."""


class OrderedRun(Protocol):
    """A run as far as its newest sample goes that is not set aside."""

    @property
    def run_id(self) -> int:
        """Runs are numbered as they are recorded."""

    @property
    def host(self) -> str | None:
        """Whose clock it was."""

    @property
    def boot_id(self) -> str | None:
        """Of the host."""

    @property
    def end_reason(self) -> str | None:
        """How it ended; None: it did not."""

    @property
    def last_at(self) -> datetime | None:
        """The label of its newest sample."""

    @property
    def clock_start_at(self) -> datetime | None:
        """When it began, by the clock of that sample."""


class ClockedRun(OrderedRun, Protocol):
    """A run of which it is known whether its newest sample of all is set aside."""

    @property
    def ahead_at(self) -> datetime | None:
        """The label of that sample; None: it is the one that counts."""


AnyClockedRun = TypeVar("AnyClockedRun", bound=ClockedRun)
AnyRun = TypeVar("AnyRun", bound=OrderedRun)


def latest_at(now: datetime) -> datetime:
    """Return the last moment that is not the future, as seen at `now`."""
    return now + timedelta(seconds=FUTURE_AFTER_SECONDS)


def latest_ms(now: datetime) -> int:
    """Return the same in milliseconds."""
    return int(latest_at(now).timestamp() * MS_PER_SECOND)


def newest_recorded(runs: Iterable[AnyRun]) -> AnyRun | None:
    """Return the run with a source's present: of those whose clocks agree, the one that was sampled last.

    A run that is over, and that began by its own clock after one that was recorded later on the same machine, ran
    under a clock that was ahead: its samples are older than their labels.
    """
    newest: AnyRun | None = None
    begun: dict[tuple[str | None, str | None], datetime] = {}
    for run in sorted(runs, key=lambda one: one.run_id, reverse=True):
        if run.last_at is None:
            continue
        start, machine = run.clock_start_at, (run.host, run.boot_id)
        later = None if run.end_reason in {None, IMPORTED} else begun.get(machine)
        if start is not None and run.end_reason != IMPORTED:
            begun[machine] = min(start, begun.get(machine, start))
        if later is not None and start is not None and (start - later).total_seconds() > FUTURE_AFTER_SECONDS:
            continue
        if newest is None or newest.last_at is None or run.last_at > newest.last_at:
            newest = run
    return newest


def newest_ahead(runs: Iterable[AnyClockedRun]) -> AnyClockedRun | None:
    """Return the run whose newest samples are set aside, where they were recorded after all others."""
    known = list(runs)
    newest = newest_recorded(known)
    ahead = max((run for run in known if run.ahead_at is not None), key=lambda run: run.run_id, default=None)
    if ahead is None or (newest is not None and newest.run_id > ahead.run_id):
        return None
    return ahead
