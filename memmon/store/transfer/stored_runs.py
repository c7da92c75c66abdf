"""The runs of a source as an import looks for them: what is stored of a log that has grown since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from memmon.store.connect.engine import read_engine
from memmon.store.connect.error_translation import translated
from memmon.store.schema import tables
from memmon.store.transfer.import_rows import BATCH_ROW_COUNT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memmon.config import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run that is stored, and up to where."""

    run_id: int
    uuid: str
    started_ms: int
    last_ms: int
    """The time of its newest sample, raw or rolled up."""
    last_seq: int
    last_uptime_ms: int
    rolled_ms: int | None
    """Up to when its samples are folded into hours and days; None: none is."""
    end_reason: str | None


def runs_of(database: Database, source: str) -> tuple[StoredRun, ...]:
    """Return the runs of a source that have samples, oldest first."""
    run, snapshot, rollup = tables.run.c, tables.snapshot.c, tables.rollup.c
    statement = (
        select(run.id, run.uuid, run.started_ms, run.ended_ms, run.end_reason)
        .join(tables.source, tables.source.c.id == run.source_id)
        .where(tables.source.c.name == source)
        .order_by(run.started_ms, run.id)
    )
    found = []
    with translated(database), read_engine(database).begin() as connection:
        for row in connection.execute(statement):
            newest = connection.execute(
                select(snapshot.seq, snapshot.at_ms, snapshot.uptime_ms)
                .where(snapshot.run_id == row.id)
                .order_by(snapshot.seq.desc())
                .limit(1)
            ).first()
            folded = func.max(rollup.bucket_ms + rollup.resolution_ms)
            rolled_ms = connection.execute(select(folded).where(rollup.run_id == row.id)).scalar()
            if newest is None and rolled_ms is None:
                continue
            found.append(
                StoredRun(
                    run_id=row.id,
                    uuid=row.uuid,
                    started_ms=row.started_ms,
                    last_ms=newest.at_ms if newest is not None else max(row.ended_ms or 0, rolled_ms or 0),
                    last_seq=newest.seq if newest is not None else 0,
                    last_uptime_ms=newest.uptime_ms if newest is not None else 0,
                    rolled_ms=rolled_ms,
                    end_reason=row.end_reason,
                )
            )
    return tuple(found)


def samples_of(database: Database, run_id: int) -> Iterator[tuple[int, int, int | None]]:
    """Yield time, uptime and size of a run's raw samples in their order: by them an import knows a sample again."""
    table = tables.snapshot.c
    statement = select(table.at_ms, table.uptime_ms, table.rss_bytes).where(table.run_id == run_id)
    with translated(database), read_engine(database).begin() as connection:
        streamed = connection.execution_options(yield_per=BATCH_ROW_COUNT)
        for row in streamed.execute(statement.order_by(table.seq)):
            yield row.at_ms, row.uptime_ms, row.rss_bytes
