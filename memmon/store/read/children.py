"""The living children of recorded processes, and which of them are recorded by runs of their own, of whichever source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.facts.children import CHILDREN_KIND, children_of
from memmon.store.read.answers import datetime_of
from memmon.store.read.opening import read_once
from memmon.store.read.ports import in_parts, listed_values
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
    return read_once(database, lambda session: _read(session, tuple(runs), until_ms))


def _read(session: Session, runs: tuple[RunInfo, ...], until_ms: int) -> tuple[UnrecordedChild, ...]:
    noted = _newest(session, runs, until_ms)
    seen = [(run, noted[run.run_id]) for run in runs if run.run_id in noted]
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


def _newest(
    session: Session, runs: Sequence[RunInfo], until_ms: int
) -> dict[int, tuple[int, tuple[ChildRow, ...]]]:
    """Return when each run's children were noted last, and which they were, by the run: a seek for each that has any."""
    # One text, and no join: for that a server may go through all events there are.
    newest = (
        "SELECT c.at_ms || ',' || coalesce(c.data, '') FROM event c WHERE c.run_id = n.run_id AND c.kind = :kind "
        "AND c.at_ms BETWEEN :since_ms AND :until_ms ORDER BY c.seq DESC LIMIT 1"
    )
    found: dict[int, tuple[int, tuple[ChildRow, ...]]] = {}
    for part in in_parts([(run.run_id,) for run in runs]):
        values, parameters = listed_values(part)
        parameters |= {
            "kind": CHILDREN_KIND,
            "since_ms": until_ms - NOTED_WITHIN_MS,
            "until_ms": until_ms,
        }
        rows = session.rows(
            f"WITH n(run_id) AS (VALUES {values}) SELECT n.run_id, ({newest}) FROM n", parameters
        )
        for run_id, noted in rows:
            if noted is not None:
                at_ms, _, data = noted.partition(",")
                found[run_id] = int(at_ms), children_of(json_object(data))
    return found


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
