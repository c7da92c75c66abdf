"""The present of many sources at once: a seek or two for each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memmon.store.read.queries import read_deque_status, read_light_runs, read_sources
from memmon.store.read.samples import Window
from memmon.store.read.statistics import read_newest_statistics, window_statistics
from memmon.store.read.values import SourcePresent

if TYPE_CHECKING:
    from memmon.store.read.ports import Session
    from memmon.store.read.values import WindowStatistics


def read_presents(session: Session) -> tuple[SourcePresent, ...]:
    """Return the present of every source, in the order of their names."""
    runs, newest = read_light_runs(session), read_newest_statistics(session)
    nothing: dict[int, WindowStatistics] = {}
    return tuple(
        SourcePresent(
            source=one,
            runs=tuple(replace(run, source=one.name) for run in runs.get(one.source_id, ())),
            # Where only rollups are left, they are looked at.
            statistics=next(reversed(newest.get(one.source_id, nothing).values()), None)
            or window_statistics(session, _whole(one.source_id)),
            by_run=newest.get(one.source_id, nothing),
            deques=read_deque_status(session, one.source_id),
        )
        for one in read_sources(session)
    )


def _whole(source_id: int) -> Window:
    return Window(source_id=source_id, since_ms=None, until_ms=None, run_id=None)
