"""The living children of recorded processes, and which of them are recorded by runs of their own, of whichever source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.facts.children import CHILDREN_KIND, children_of
from memmon.store.read.answers import datetime_of
from memmon.store.read.opening import open_gate
from memmon.store.read.queries import json_object
from memmon.units import MS_PER_DAY, MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.config import Database
    from memmon.facts.children import ChildRow
    from memmon.store.read.answers import RunInfo
    from memmon.store.read.ports import Session

NOTED_WITHIN_MS = 2 * MS_PER_DAY
"""Children that stay as they are are noted anew every day."""
SAME_START_MS = 5_000
"""So far two readings of when a process was created may lie apart."""

_Recorded = dict[tuple[str | None, int], list[int | None]]
"""When the processes of a host and pid were created that have a run without an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnrecordedChild:
    """A living child of a recorded process that has no run of its own; `run_id` and `host` are its parent's."""

    run_id: int
    host: str | None
    at: datetime
    """When it was seen."""
    child: ChildRow


def unrecorded_children(
    database: Database, runs: Sequence[RunInfo], *, at: datetime
) -> tuple[UnrecordedChild, ...]:
    """Return the children that live, as far as is known at `at`, and are not recorded; `runs`: those that live then."""
    if not runs:
        return ()
    until_ms = round(at.timestamp() * MS_PER_SECOND)
    return open_gate(database).read(lambda session: _read(session, tuple(runs), until_ms))


def _read(session: Session, runs: tuple[RunInfo, ...], until_ms: int) -> tuple[UnrecordedChild, ...]:
    seen = [(run, noted) for run in runs if (noted := _newest(session, run.run_id, until_ms)) is not None]
    recorded = _recorded(session, until_ms) if any(children for _, (_, children) in seen) else {}
    found: dict[tuple[str | None, int], UnrecordedChild] = {}
    for run, (at_ms, children) in seen:
        for child in children:
            key = (run.host, child.pid)
            if key not in found and not _is_recorded(child, recorded.get(key, [])):
                found[key] = UnrecordedChild(
                    run_id=run.run_id, host=run.host, at=datetime_of(at_ms), child=child
                )
    return tuple(found.values())


def _newest(session: Session, run_id: int, until_ms: int) -> tuple[int, tuple[ChildRow, ...]] | None:
    rows = session.rows(
        "SELECT at_ms, data FROM event WHERE run_id = :run_id AND kind = :kind "
        "AND at_ms BETWEEN :since_ms AND :until_ms ORDER BY seq DESC LIMIT 1",
        {
            "run_id": run_id,
            "kind": CHILDREN_KIND,
            "since_ms": until_ms - NOTED_WITHIN_MS,
            "until_ms": until_ms,
        },
    )
    return (int(rows[0][0]), children_of(json_object(rows[0][1]))) if rows else None


def _recorded(session: Session, until_ms: int) -> _Recorded:
    rows = session.rows(
        "SELECT host, pid, process_started_ms FROM run WHERE pid IS NOT NULL "
        "AND (ended_ms IS NULL OR ended_ms > :until_ms)",
        {"until_ms": until_ms},
    )
    found: _Recorded = {}
    for host, pid, started_ms in rows:
        found.setdefault((host, pid), []).append(started_ms)
    return found


def _is_recorded(child: ChildRow, starts: Sequence[int | None]) -> bool:
    return any(
        start is None or child.started_ms is None or abs(start - child.started_ms) <= SAME_START_MS
        for start in starts
    )
