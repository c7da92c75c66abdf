"""What is read of many sources at once, over one connection.

To open a database costs as much as ten seeks in it: source by source, five hundred take seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.facts.recording_order import latest_ms
from memmon.store.read.answers import ms_of
from memmon.store.read.assessments import read_newest, read_recent_memory
from memmon.store.read.newest import read_run_ends
from memmon.store.read.opening import read_once
from memmon.store.read.present_parts import read_component_sizes, read_deque_statuses
from memmon.store.read.presents import read_presents
from memmon.store.read.queries import read_events_of_all, read_light_runs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.config import Database
    from memmon.store.read.answers import (
        DequeStatus,
        EventInfo,
        RunInfo,
        SourceInfo,
    )
    from memmon.store.read.assessments import AssessmentRow
    from memmon.store.read.newest import NewestSample
    from memmon.store.read.ports import Session
    from memmon.store.read.presents import SourcePresent


def presents(
    database: Database, now: datetime, *, only: SourceInfo | None = None
) -> tuple[SourcePresent, ...]:
    """Return the newest readings of every source (or of `only` one) as of `now`, by name.

    The runs have no figures over their samples.
    """
    return read_once(database, lambda session: read_presents(session, latest_ms=latest_ms(now), only=only))


def newest_assessments(
    database: Database, until: datetime, *, now: datetime | None = None, source_id: int | None = None
) -> tuple[AssessmentRow, ...]:
    """Return the newest assessment kept of each source (or one) that was made up to `until`.

    `now`: a run that begins later than that bears the time of a clock ahead, and is not the newest.
    """
    until_ms = ms_of(until, name="until")
    assert until_ms is not None
    begun_ms = None if now is None else latest_ms(now)
    return read_once(
        database,
        lambda session: read_newest(session, until_ms=until_ms, begun_until_ms=begun_ms, source_id=source_id),
    )


def recent_memory(
    database: Database, since: datetime, until: datetime, *, source_id: int | None = None
) -> dict[int, list[tuple[int, int]]]:
    """Return (moment in ms, RSS in bytes) as the hourly checks have kept it, oldest first, by the source's id."""
    since_ms, until_ms = ms_of(since, name="since"), ms_of(until, name="until")
    assert since_ms is not None
    assert until_ms is not None
    return read_once(
        database,
        lambda session: read_recent_memory(
            session, since_ms=since_ms, until_ms=until_ms, source_id=source_id
        ),
    )


def events_of_all(
    database: Database,
    since: datetime | None,
    until: datetime | None,
    *,
    kinds: Sequence[str] | None = None,
    limit: int | None = None,
) -> tuple[tuple[int, EventInfo], ...]:
    """Return (source's id, event) of every source in a window, the newest first; with `limit` that many."""
    since_ms, until_ms = ms_of(since, name="since"), ms_of(until, name="until")
    return read_once(
        database,
        lambda session: read_events_of_all(
            session, since_ms=since_ms, until_ms=until_ms, kinds=kinds, limit=limit
        ),
    )


def deque_statuses(
    database: Database, sources: Sequence[SourceInfo], now: datetime
) -> dict[int, tuple[DequeStatus, ...]]:
    """Return the newest values of each deque of several sources as of `now`, by the source's id."""
    return read_once(database, lambda session: read_deque_statuses(session, _ends_of(session, sources, now)))


def component_sizes(
    database: Database, sources: Sequence[SourceInfo], now: datetime
) -> dict[int, tuple[tuple[str, int], ...]]:
    """Return (name, bytes) of each component in the newest run of several sources as of `now`, by the source's id."""
    return read_once(database, lambda session: read_component_sizes(session, _ends_of(session, sources, now)))


def _ends_of(session: Session, sources: Sequence[SourceInfo], now: datetime) -> dict[int, list[NewestSample]]:
    wanted = {one.source_id for one in sources}
    ends = read_run_ends(session, latest_ms=latest_ms(now))
    return {source_id: found for source_id, found in ends.items() if source_id in wanted}


def light_runs(database: Database, now: datetime) -> dict[int, list[RunInfo]]:
    """Return all runs by their source's id, oldest start first: of their samples only when the newest was taken."""
    return read_once(database, lambda session: read_light_runs(session, latest_ms=latest_ms(now)))
