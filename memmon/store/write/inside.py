"""Processes that record themselves, as whoever records them from outside finds them; and how they ended, which only that one knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from memmon.probe.process.machine import CREATED_TOLERANCE_MS
from memmon.store.connect.engine import read_engine, write_engine
from memmon.store.schema import tables
from memmon.store.schema.moments import ms_from_datetime
from memmon.store.schema.revision import require_head
from memmon.store.write.statements import storable_text

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.engine import Connection

    from memmon.config import Database
    from memmon.model import RunRecord
    from memmon.store.write.batch import RunEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideRun:
    """A run that a process writes of itself, and that has no end yet."""

    run_id: int
    source: str
    pid: int


def inside_runs(database: Database, processes: Collection[RunRecord]) -> dict[int, InsideRun]:
    """Return by pid which of some processes record themselves; they are known by the runs that are written of them from outside.

    Raises SQLAlchemy's errors where the database can't be read just now.
    """
    with read_engine(database).begin() as connection:
        found = (_inside_run(connection, one) for one in processes)
        return {one.pid: one for one in found if one is not None}


def _inside_run(connection: Connection, process: RunRecord) -> InsideRun | None:
    table = tables.run
    query = (
        select(table.c.id, table.c.process_started_ms, tables.source.c.name)
        .join_from(table, tables.source)
        .where(
            table.c.host == process.host,
            table.c.pid == process.pid,
            table.c.ended_ms.is_(None),
            table.c.python_version.is_not(None),  # of a process that is recorded from outside it is not known
        )
        .order_by(table.c.id.desc())
    )
    for row in connection.execute(query):
        if _is_same_process(row.process_started_ms, process):
            return InsideRun(run_id=row.id, source=row.name, pid=process.pid)
    return None


def _is_same_process(started_ms: int | None, process: RunRecord) -> bool:
    """Tell whether a pid means the same process: it is given to others later."""
    if started_ms is None or process.process_started_at is None:
        return True
    return abs(started_ms - ms_from_datetime(process.process_started_at)) <= CREATED_TOLERANCE_MS


def end_inside_run(database: Database, process: RunRecord, end: RunEnd) -> None:
    """Write how a process ended that recorded itself and could not tell.

    Raises StoreError's kin and SQLAlchemy's errors.
    """
    with write_engine(database).begin() as connection:
        require_head(connection)
        while (found := _inside_run(connection, process)) is not None:
            connection.execute(
                update(tables.run)
                .where(tables.run.c.id == found.run_id)
                .values(
                    ended_ms=ms_from_datetime(end.at),
                    end_reason=end.reason,
                    end_detail=None if end.detail is None else storable_text(end.detail),
                )
            )
