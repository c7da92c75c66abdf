"""Processes that record themselves, as whoever records them from outside finds them; and how they ended, which only that one knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.probe.process.machine import CREATED_TOLERANCE_MS
from memmon.store.connect.links import read_links, write_links
from memmon.store.schema.moments import ms_from_datetime
from memmon.store.schema.revision import require_head
from memmon.store.write import sql
from memmon.store.write.run_rows import end_run

if TYPE_CHECKING:
    from collections.abc import Collection

    from memmon.config import Database
    from memmon.model import RunRecord
    from memmon.store.connect.link import Link
    from memmon.store.write.batch import RunEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideRun:
    """A run that a process writes of itself, and that has no end yet."""

    run_id: int
    source: str
    pid: int


def inside_runs(database: Database, processes: Collection[RunRecord]) -> dict[int, InsideRun]:
    """Return by pid which of some processes record themselves; they are known by the runs that are written of them from outside.

    Raises the driver's errors where the database can't be read just now.
    """
    with read_links(database).connect() as link, link.begin():
        found = (_inside_run(link, one) for one in processes)
        return {one.pid: one for one in found if one is not None}


def _inside_run(link: Link, process: RunRecord) -> InsideRun | None:
    for row in link.rows(sql.FIND_INSIDE_RUNS, {"host": process.host, "pid": process.pid}):
        if _is_same_process(row["process_started_ms"], process):
            return InsideRun(run_id=row["id"], source=row["name"], pid=process.pid)
    return None


def _is_same_process(started_ms: int | None, process: RunRecord) -> bool:
    """Tell whether a pid means the same process: it is given to others later."""
    if started_ms is None or process.process_started_at is None:
        return True
    return abs(started_ms - ms_from_datetime(process.process_started_at)) <= CREATED_TOLERANCE_MS


def end_inside_run(database: Database, process: RunRecord, end: RunEnd) -> None:
    """Write how a process ended that recorded itself and could not tell.

    Raises StoreError's kin and the driver's errors.
    """
    with write_links(database).connect() as link, link.begin():
        require_head(link)
        while (found := _inside_run(link, process)) is not None:
            end_run(link, found.run_id, end)
