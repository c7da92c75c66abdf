"""Read of a store which living children of a source's processes nobody records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.assessment.lives import life_of_run
from memmon.assessment.process import SourceProcess
from memmon.store.read.children import unrecorded_children

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memmon.config import Database
    from memmon.store.read import RunInfo


def read_unrecorded(
    database: Database, runs: Iterable[RunInfo], *, at: datetime
) -> tuple[SourceProcess, ...]:
    """Return the children that live at `at` and are not recorded, the largest first; of what ended or fell silent nothing is known."""
    return tuple(process for _, process in unrecorded_by_run(database, runs, at=at))


def unrecorded_by_run(
    database: Database, runs: Iterable[RunInfo], *, at: datetime
) -> tuple[tuple[int, SourceProcess], ...]:
    """Return the same, each with the run of its parent."""
    found = unrecorded_children(database, [run for run in runs if _is_living(run, at)], at=at)
    return tuple(
        (
            one.run_id,
            SourceProcess(
                pid=one.child.pid,
                host=one.host,
                name=one.child.name or None,
                is_recorded=False,
                rss_bytes=one.child.rss_bytes,
                pss_bytes=one.child.pss_bytes,
                last_at=one.at,
                age_seconds=max((at - one.at).total_seconds(), 0.0),
            ),
        )
        for one in sorted(found, key=lambda one: -one.child.held_bytes)
    )


def _is_living(run: RunInfo, at: datetime) -> bool:
    if run.is_clock_ahead or run.started_at > at:
        return False
    life = life_of_run(run, at=at)
    return life is not None and life.is_open(at.timestamp())
