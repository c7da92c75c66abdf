"""The present of many sources at once: a seek or two for each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from memmon.store.read.answers import ms_of
from memmon.store.read.newest import present_end, read_run_ends
from memmon.store.read.present_parts import read_deque_statuses
from memmon.store.read.queries import read_light_runs, read_sources
from memmon.store.read.samples import Window
from memmon.store.read.statistics import read_newest_statistics, window_statistics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memmon.store.read.answers import DequeStatus, RunInfo, SourceInfo, WindowStatistics
    from memmon.store.read.ports import Session


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourcePresent:
    """The newest readings of a source."""

    source: SourceInfo
    runs: tuple[RunInfo, ...]
    """Oldest start first; of their samples only the newest was looked at."""
    statistics: WindowStatistics
    """Only the values of the newest sample (`last_...`) mean anything in it."""
    deques: tuple[DequeStatus, ...]
    """Of the run that reported last."""
    by_run: Mapping[int, WindowStatistics] = field(default_factory=dict)
    """The same of each run's newest sample, where that is no rollup."""


def read_presents(
    session: Session, *, latest_ms: int, only: SourceInfo | None = None
) -> tuple[SourcePresent, ...]:
    """Return the present of every source (or of `only` one), in the order of their names; what is later than now is set aside."""
    source_id = None if only is None else only.source_id
    ends = read_run_ends(session, latest_ms=latest_ms, source_id=source_id)
    newest = {source_id: present_end(found) for source_id, found in ends.items()}
    runs = read_light_runs(session, latest_ms=latest_ms, ends=ends, source_id=source_id)
    presents = {source_id: end.run_id for source_id, end in newest.items() if end is not None}
    known = read_newest_statistics(session, latest_ms=latest_ms, presents=presents, source_id=source_id)
    deques = read_deque_statuses(session, ends)
    nothing: dict[int, WindowStatistics] = {}
    return tuple(
        SourcePresent(
            source=one,
            runs=tuple(replace(run, source=one.name) for run in runs.get(one.source_id, ())),
            # Where only rollups are left, they are looked at.
            statistics=next(reversed(known.get(one.source_id, nothing).values()), None)
            or window_statistics(session, _whole(one, latest_ms)),
            by_run=known.get(one.source_id, nothing),
            deques=deques.get(one.source_id, ()),
        )
        for one in read_sources(
            session, latest_ms=latest_ms, ends=ends, name=None if only is None else only.name
        )
    )


def _whole(source: SourceInfo, latest_ms: int) -> Window:
    until_ms = ms_of(source.last_at, name="last_at")
    return Window(source_id=source.source_id, until_ms=latest_ms if until_ms is None else until_ms)
