"""What is read of many sources at once, over one connection.

To open a database costs as much as ten seeks in it: source by source, five hundred take seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.store.read.assessments import read_newest
from memmon.store.read.opening import open_gate
from memmon.store.read.presents import read_presents
from memmon.store.read.queries import read_deque_status, read_light_runs
from memmon.store.read.values import ms_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.config import Database
    from memmon.store.read.values import AssessmentRow, DequeStatus, RunInfo, SourceInfo, SourcePresent


def presents(database: Database) -> tuple[SourcePresent, ...]:
    """Return the newest readings of every source, by name; the runs without figures over their samples."""
    return open_gate(database).read(read_presents)


def newest_assessments(
    database: Database, until: datetime, *, source_id: int | None = None
) -> tuple[AssessmentRow, ...]:
    """Return the newest assessment kept of each source (or one) that was made up to `until`."""
    until_ms = ms_of(until, name="until")
    assert until_ms is not None
    return open_gate(database).read(
        lambda session: read_newest(session, until_ms=until_ms, source_id=source_id)
    )


def deque_statuses(database: Database, sources: Sequence[SourceInfo]) -> dict[int, tuple[DequeStatus, ...]]:
    """Return the newest values of each deque of several sources, by the source's id."""
    return open_gate(database).read(
        lambda session: {one.source_id: read_deque_status(session, one.source_id) for one in sources}
    )


def light_runs(database: Database) -> dict[int, list[RunInfo]]:
    """Return all runs by their source's id, oldest start first: of their samples only when the newest was taken."""
    return open_gate(database).read(read_light_runs)
