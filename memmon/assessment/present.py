"""What is known of a source beside its history: what an assessment is made from. Frozen values, gathered elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from memmon.analysis.cause.attribution_finding import AttributionSeries
    from memmon.analysis.cause.per_work import WorkSeries
    from memmon.analysis.cause.split_finding import CauseSeries
    from memmon.assessment.limits import Limit
    from memmon.assessment.process import SourceProcess
    from memmon.facts.grown import GrownThing
    from memmon.model import AlertInfo, DequeReading
    from memmon.store.read import RunInfo
    from memmon.store.read.shares import ProportionalShare


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A window as moments (both included, None: open), and the one run asked for."""

    since: datetime | None = None
    until: datetime | None = None
    run_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrowthReadings:
    """What the growth of a window can be explained from; one series for each run."""

    counters: tuple[CauseSeries, ...] = ()
    """The kernel's and the allocators' counters."""
    parts: tuple[AttributionSeries, ...] = ()
    """What the operator named; empty where nothing was."""
    work: tuple[WorkSeries, ...] = ()
    unbounded_names: tuple[str, ...] = ()
    """Living deques without a maxlen."""
    bounded_names: tuple[str, ...] = ()
    """Living deques with one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Present:
    """The newest readings of a source; what was not read is empty or None."""

    runs: tuple[RunInfo, ...] = ()
    """All of the source, oldest start first."""
    rss_bytes: int | None = None
    """Of the newest sample, the same that the limit's use was read of."""
    limit: Limit | None = None
    deques: tuple[DequeReading, ...] = ()
    alerts: tuple[AlertInfo, ...] = ()
    """Those that fire."""
    growth: GrowthReadings | None = None
    database: str | None = None
    """How a command names the database, with secrets masked."""
    shares: Mapping[int, ProportionalShare] = field(default_factory=dict)
    """The newest proportional sizes of the processes that live, by the run."""
    unrecorded: tuple[SourceProcess, ...] = ()
    """Living processes of the program that nobody records."""
    grown: GrownThing | None = None
    """What looks at the objects have shown to grow."""
    file_limits: Mapping[int, int] = field(default_factory=dict)
    """How many files the processes may have open that live on this machine, by the run."""
