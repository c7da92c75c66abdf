"""Writing a batch: one transaction, idempotent, acknowledged only when it lies in the file at that path.

A retry of a batch changes nothing: the run is known by its uuid, a snapshot by (run, seq), an
event by (run, seq). Readings are written on change only; what was written last is remembered
for as long as the store still holds this run's newest snapshot, else all is written again.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from memmon.errors import StoreNotFoundError
from memmon.facts.readings import READINGS
from memmon.facts.series_kinds import COMPONENT, DEQUE, WORK
from memmon.store import schema
from memmon.store.access import must_be_immutable
from memmon.store.batch import AlertMark, Batch, RunEnd, StoredReport, Written
from memmon.store.certificate import certify
from memmon.store.digest import group_digest
from memmon.store.engine import file_identity, sqlite_uri, write_engine
from memmon.store.revision import require_head
from memmon.store.secluded import connect_sqlite, unadapted
from memmon.store.wal import WalMark, require_whole_wal, truncate_wal, wal_bytes
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Insert, Table
    from sqlalchemy.engine import Connection

    from memmon.config import Database
    from memmon.model import EventRecord, RunRecord, Snapshot

_INT64_MAX = 2**63 - 1
# In a connection's info: rows were inserted. (An update to the same value leaves no trace in the log.)
_INSERTED = "has_inserted"


__all__ = [
    "AlertMark",
    "Batch",
    "RunEnd",
    "StoredReport",
    "Writer",
    "Written",
    "datetime_from_ms",
    "event_row",
    "find_or_create_source",
    "ms_from_datetime",
    "read_alert_marks",
    "readings_of",
]


def ms_from_datetime(moment: datetime) -> int:
    """Return integer UTC milliseconds of an aware datetime."""
    return round(moment.timestamp() * MS_PER_SECOND)


def datetime_from_ms(at_ms: int) -> datetime:
    """Return the aware UTC datetime of integer milliseconds."""
    return datetime.fromtimestamp(at_ms / MS_PER_SECOND, UTC)


class Writer:
    """Writes batches of one run into one database. Not thread-safe: its owner holds a lock."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._engine = write_engine(database)
        self._run_uuid: str | None = None
        self._last_seq = 0
        self._last_values: dict[tuple[str, str, str], int | None] = {}
        self._series_ids: dict[tuple[str, str, str], int] = {}
        self._wal_mark: WalMark | None = None
        self._is_unverified = False

    def write(self, batch: Batch) -> Written:
        """Write `batch` durably; on return it is stored, on any error nothing of it is.

        Raises StoreNotFoundError when the file is not there or empty (or was removed or exchanged
        while writing), StoreDamagedError when its log was cut, StoreTooOldError, StoreTooNewError,
        ForeignStoreError, and SQLAlchemy's errors.
        """
        identity = self._identity()
        known = dict(self._last_values)
        try:
            with self._engine.connect() as connection:
                with connection.begin():
                    require_head(connection)
                    written = self._write(connection, batch)
                self._verify(connection)
        except BaseException:
            self._last_values = known
            self._run_uuid = None
            raise
        if self._identity() != identity:
            # The transaction went into a file that is no longer at this path.
            self._run_uuid = None
            msg = f"{self.database.shown} was exchanged while memmon wrote to it; what was in memory is kept"
            raise StoreNotFoundError(msg)
        truncate_wal(self.database)
        return written

    def _identity(self) -> tuple[int, int] | None:
        path = self.database.path
        if path is None:
            return None
        identity = file_identity(path)
        if identity is None or _is_empty(path):
            msg = f"{path}: there is no such database; it is created at the next write"
            raise StoreNotFoundError(msg)
        return identity

    def _verify(self, connection: Connection) -> None:
        """Look at the write-ahead log when something was written, also by an attempt that could not look."""
        if connection.info.get(_INSERTED) or (self._is_unverified and wal_bytes(connection)):
            self._is_unverified = True
            self._wal_mark = require_whole_wal(connection, self._wal_mark)
        self._is_unverified = False

    def _write(self, connection: Connection, batch: Batch) -> Written:
        run_id, source_id, source, opened = self._run_row(connection, batch.run)
        stored = self._stored_already(connection, batch, run_id)
        self._write_snapshots(connection, run_id, source_id, batch.snapshots, stored)
        self._write_events(connection, run_id, source_id, batch.events)
        marks = _alert_marks(connection, source_id) if opened else {}
        certificates = certify(connection, source_id, run_id, batch.run) if opened else ()
        _write_alert_marks(connection, source_id, batch.alert_marks)
        for item in batch.reports:
            _write_report(connection, source_id, item)
        if batch.end is not None:
            _end_run(connection, run_id, batch.end)
        if batch.snapshots:
            self._last_seq = max(self._last_seq, batch.snapshots[-1].sequence)
        self._run_uuid = batch.run.uuid
        return Written(
            run_id=run_id,
            source_id=source_id,
            source=source,
            opened_run=opened,
            alert_marks=marks,
            certificates=certificates,
        )

    def _run_row(self, connection: Connection, run: RunRecord) -> tuple[int, int, str, bool]:
        table = schema.run
        found = connection.execute(
            select(table.c.id, table.c.source_id, schema.source.c.name)
            .join_from(table, schema.source)
            .where(table.c.uuid == run.uuid)
        ).first()
        if found is not None:
            return found.id, found.source_id, found.name, False
        source_id, name = find_or_create_source(connection, run)
        values = {
            "uuid": run.uuid,
            "source_id": source_id,
            "host": run.host,
            "pid": run.pid,
            "process_started_ms": run.process_started_at and ms_from_datetime(run.process_started_at),
            "boot_id": run.boot_id,
            "parent_uuid": run.parent_uuid,
            "role": run.role,
            "script_path": run.script_path,
            "external_id": run.external_id,
            "release": run.release,
            "python_version": run.python_version,
            "memmon_version": run.memmon_version,
            "interval_ms": round(run.interval_seconds * MS_PER_SECOND),
            "started_ms": ms_from_datetime(run.started_at),
        }
        _insert_or_ignore(connection, table, [_storable(values)])
        run_id = connection.execute(select(table.c.id).where(table.c.uuid == run.uuid)).scalar_one()
        return run_id, source_id, name, True

    def _stored_already(self, connection: Connection, batch: Batch, run_id: int) -> set[int]:
        """Return which numbers of the batch are there: an attempt was stored whose answer got lost.

        Unless the store holds the newest snapshot that we know of, all that was known is forgotten.
        """
        table = schema.snapshot
        if self._run_uuid == batch.run.uuid and self._last_seq:
            newest = connection.execute(
                select(func.max(table.c.seq)).where(table.c.run_id == run_id)
            ).scalar()
            if newest == self._last_seq:
                return set()
        self._last_values = {}
        self._series_ids = {}
        if not batch.snapshots:
            return set()
        first = batch.snapshots[0].sequence
        found = connection.execute(select(table.c.seq).where(table.c.run_id == run_id, table.c.seq >= first))
        return set(found.scalars())

    def _write_snapshots(
        self,
        connection: Connection,
        run_id: int,
        source_id: int,
        snapshots: Sequence[Snapshot],
        stored: set[int],
    ) -> None:
        if not snapshots:
            return
        changed = [list(self._changed(item)) for item in snapshots]
        # What is there stays as it is: its readings were written against what was known then.
        fresh = [pair for pair in zip(snapshots, changed, strict=True) if pair[0].sequence not in stored]
        self._learn_series(connection, source_id, {key for _, changes in fresh for key, _ in changes})
        rows: list[dict[str, Any]] = []
        readings: list[dict[str, int | None]] = []
        for item, changes in fresh:
            values = [(self._series_ids[key], value) for key, value in changes]
            row = _snapshot_row(run_id, item)
            rows.append({**row, "digest": group_digest(row, values)})
            readings.extend(
                {"run_id": run_id, "series_id": series_id, "seq": item.sequence, "value": value}
                for series_id, value in values
            )
        _insert_or_ignore(connection, schema.snapshot, rows)
        _insert_or_ignore(connection, schema.reading, readings)
        newest = snapshots[-1]
        if newest.limit_origin is not None:
            connection.execute(
                update(schema.run)
                .where(schema.run.c.id == run_id)
                .values(limit_bytes=newest.limit_bytes, limit_origin=_text(newest.limit_origin))
            )

    def _changed(self, item: Snapshot) -> Iterable[tuple[tuple[str, str, str], int | None]]:
        """Yield (series, value) of all that differs from what was written last."""
        present = {key: _fitting(value) for key, value in readings_of(item)}
        # What has left (unregistered) is known no longer: NULL from here on.
        for key, old in self._last_values.items():
            if old is not None and key not in present:
                present[key] = None
        for key, value in present.items():
            if key not in self._last_values or self._last_values[key] != value:
                self._last_values[key] = value
                yield key, value

    def _learn_series(self, connection: Connection, source_id: int, keys: set[tuple[str, str, str]]) -> None:
        missing = keys - self._series_ids.keys()
        if not missing:
            return
        table = schema.series
        _insert_or_ignore(
            connection,
            table,
            [
                {"source_id": source_id, "kind": kind, "name": name, "metric": metric}
                for kind, name, metric in sorted(missing)
            ],
        )
        rows = connection.execute(
            select(table.c.id, table.c.kind, table.c.name, table.c.metric).where(
                table.c.source_id == source_id
            )
        )
        self._series_ids.update({(row.kind, row.name, row.metric): row.id for row in rows})

    @staticmethod
    def _write_events(
        connection: Connection, run_id: int, source_id: int, events: Sequence[EventRecord]
    ) -> None:
        _insert_or_ignore(connection, schema.event, [event_row(item, source_id, run_id) for item in events])


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:
        return True


def readings_of(item: Snapshot) -> Iterable[tuple[tuple[str, str, str], int | None]]:
    """Yield ((kind, name, metric), value) for every series in a snapshot.

    A metric other than the length is yielded only when it is known, so that a plain deque makes
    two series and not five.
    """
    for one in item.deques:
        name = _text(one.name)
        yield (DEQUE, name, "length"), one.length_count
        yield (DEQUE, name, "maxlen"), one.maxlen_count
        if one.size_bytes is not None:
            yield (DEQUE, name, "bytes"), one.size_bytes
        if one.dropped_count is not None:
            yield (DEQUE, name, "dropped"), one.dropped_count
        if one.expected_maxlen_count is not None:
            yield (DEQUE, name, "expected_maxlen"), one.expected_maxlen_count
        if not one.is_alive:
            yield (DEQUE, name, "dead"), 1
    for part in item.components:
        yield (COMPONENT, _text(part.name), "bytes"), part.size_bytes
    for name, count in item.work:
        yield (WORK, _text(name), "count"), count


def find_or_create_source(connection: Connection, run: RunRecord) -> tuple[int, str]:
    """Return (id, name) of the run's source, created when it is new.

    A default name that another script's runs hold gets the first free suffix (`bot-2`).
    """
    table = schema.source
    base = _text(run.source)
    script_path = None if run.script_path is None else _text(run.script_path)
    name, number = base, 1
    while True:
        found = connection.execute(
            select(table.c.id, table.c.script_path).where(table.c.name == name)
        ).first()
        if found is None:
            row = {"name": name, "script_path": script_path, "created_ms": ms_from_datetime(run.started_at)}
            _insert_or_ignore(connection, table, [row])
            found = connection.execute(select(table.c.id).where(table.c.name == name)).one()
            return found.id, name
        if run.source_was_given or found.script_path in {None, script_path}:
            return found.id, name
        number += 1
        name = f"{base}-{number}"


def event_row(item: EventRecord, source_id: int, run_id: int | None) -> dict[str, Any]:
    """Return the row of `event` for a record; `run_id` None for an event from outside any run."""
    return {
        "source_id": source_id,
        "run_id": run_id,
        "seq": item.sequence if run_id is not None else None,
        "at_ms": ms_from_datetime(item.at),
        "uptime_ms": None if item.uptime_seconds is None else round(item.uptime_seconds * MS_PER_SECOND),
        "kind": _text(item.kind),
        "text": _text(item.text),
        "data": json.dumps(dict(item.data), default=str) if item.data else None,
    }


def _snapshot_row(run_id: int, item: Snapshot) -> dict[str, Any]:
    row: dict[str, Any] = {
        "run_id": run_id,
        "seq": item.sequence,
        "at_ms": ms_from_datetime(item.at),
        "uptime_ms": round(item.uptime_seconds * MS_PER_SECOND),
    }
    for one in READINGS:
        value = getattr(item, one.field)
        row[one.column] = _fitting(value) if isinstance(value, int) else value
    return row


def _alert_marks(connection: Connection, source_id: int) -> dict[str, AlertMark]:
    table = schema.alert_state
    rows = connection.execute(
        select(table.c.fingerprint, table.c.kind, table.c.severity, table.c.notified_ms).where(
            table.c.source_id == source_id, table.c.notified_ms.is_not(None)
        )
    )
    return {
        row.fingerprint: AlertMark(
            fingerprint=row.fingerprint,
            kind=row.kind,
            severity=row.severity,
            notified_at=datetime_from_ms(row.notified_ms),
        )
        for row in rows
    }


def read_alert_marks(database: Database, source: str) -> dict[str, AlertMark] | None:
    """Return when a source's alerts were last told, by one quick look that waits for nobody.

    None when it can't be told at once: no file, a server, a locked or unreadable database.
    """
    path = database.path
    if path is None or file_identity(path) is None:
        return None if path is None else {}
    query = (
        "SELECT fingerprint, kind, a.severity, notified_ms FROM alert_state a JOIN source s ON s.id = a.source_id "
        "WHERE s.name = ? AND notified_ms IS NOT NULL"
    )
    try:
        uri = sqlite_uri(path, mode="ro", immutable=must_be_immutable(path))
        with closing(connect_sqlite(uri, timeout_seconds=0)) as connection:
            rows = connection.execute(query, unadapted((_text(source),))).fetchall()
    except sqlite3.Error:
        return None
    return {
        row[0]: AlertMark(
            fingerprint=row[0], kind=row[1], severity=row[2], notified_at=datetime_from_ms(row[3])
        )
        for row in rows
    }


def _write_alert_marks(connection: Connection, source_id: int, marks: Sequence[AlertMark]) -> None:
    table = schema.alert_state
    for mark in marks:
        notified_ms = ms_from_datetime(mark.notified_at)
        row = {
            "source_id": source_id,
            "fingerprint": _text(mark.fingerprint),
            "kind": mark.kind,
            "state": "firing",
            "severity": mark.severity,
            "since_ms": notified_ms,
            "notified_ms": notified_ms,
        }
        _insert_or_ignore(connection, table, [row])
        connection.execute(
            update(table)
            .where(table.c.source_id == source_id, table.c.fingerprint == row["fingerprint"])
            .values(notified_ms=notified_ms, severity=mark.severity)
        )


def _write_report(connection: Connection, source_id: int, item: StoredReport) -> None:
    row = {
        "source_id": source_id,
        "at_ms": ms_from_datetime(item.at),
        "window_ms": round(item.window_hours * 3600 * MS_PER_SECOND),
        "text": _text(item.text),
        "data": item.data,
    }
    _insert_or_ignore(connection, schema.report, [row])


def _end_run(connection: Connection, run_id: int, end: RunEnd) -> None:
    connection.execute(
        update(schema.run)
        .where(schema.run.c.id == run_id)
        .values(
            ended_ms=ms_from_datetime(end.at),
            end_reason=end.reason,
            end_detail=None if end.detail is None else _text(end.detail),
        )
    )


def _insert(connection: Connection, table: Table) -> Insert:
    """Return an INSERT that leaves what is there alone."""
    if connection.dialect.name == "sqlite":
        return sqlite_insert(table).on_conflict_do_nothing()
    # Its dialects bring asyncio along: some megabytes that a bot with a file does not need.
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert

    return postgresql_insert(table).on_conflict_do_nothing()


def _insert_or_ignore(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    done = connection.execute(_insert(connection, table), list(rows))
    if done.rowcount > 0:
        connection.info[_INSERTED] = True


def _fitting(value: int | None) -> int | None:
    """Return `value` unless it can't be stored as a 64-bit integer: then it is missing."""
    return value if value is None or abs(value) <= _INT64_MAX else None


def _storable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _text(value) if isinstance(value, str) else value for key, value in values.items()}


def _text(text: str) -> str:
    """Return `text` as any database takes it: no NUL, no lone surrogate."""
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode("utf-8")
